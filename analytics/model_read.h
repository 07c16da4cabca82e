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

/* A feature of a scorecard: its name, rules and classes. */
MUST_USE struct result model_read_classes(const json_t *of, struct model_feature *feature, struct column_spec *spec);

#endif
