/* Between the files that read a model: values of JSON objects, checked; the place is said by callers. */
#ifndef ANALYTICS_MODEL_READ_H
#define ANALYTICS_MODEL_READ_H

#include <jansson.h>

#include "analytics/model.h"

/* The text is the document's. */
MUST_USE struct result model_text(const json_t *object, const char *key, const char **ret);
/* Finite. */
MUST_USE struct result model_number(const json_t *object, const char *key, double *ret);
/* At most `most` bytes, and a NUL. */
MUST_USE struct result model_copy(const json_t *object, const char *key, char *out, size_t most);

/* The estimate of a term; 0 for an aliased one. CATEGORY_USAGE when there is none of that name. */
MUST_USE struct result model_estimate(const json_t *json, const char *name, double *ret);
/* The derived columns of a logistic model, whose features are read. */
MUST_USE struct result model_read_derived(const json_t *json, struct model *model);

/* How the rows that trained are spread over a linear number's bins, and over a category's levels, where the model keeps
 * it. */
MUST_USE struct result model_read_bins(const json_t *of, struct model_feature *feature);
MUST_USE struct result model_read_level_rows(const json_t *json, const json_t *levels, struct model_feature *feature);
/* A count of rows: a whole number, 0 or more. */
MUST_USE struct result model_rows(const json_t *value, const char *what, double *ret);

/* A feature of a scorecard: its name, rules and classes. */
MUST_USE struct result model_read_classes(const json_t *of, struct model_feature *feature, struct column_spec *spec);

#endif
