/* What a model.json made under differential privacy says of it. */
#ifndef ANALYTICS_PRIVATE_JSON_H
#define ANALYTICS_PRIVATE_JSON_H

#include "analytics/json_text.h"
#include "analytics/private.h"

/* The object "privacy": what the plan promises, and of whom. NULL for a plan without. */
json_t *private_json(struct tree *tree, const struct plan *plan);
/* Adds to its "noise_sd", under each field's name, the standard deviation of the noise in one figure of the field when
 * all of `banks` add theirs: in rows, or in what the task sums. */
MUST_USE struct result private_json_noise(struct tree *tree, json_t *privacy, const struct plan *plan, unsigned banks,
                                          const struct layout *layout);

#endif
