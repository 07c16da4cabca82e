/* How `cofferdam model show` prints what is not a linear model. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include <jansson.h>

#include "crypto/base/bytes.h"

/* Columns with their moments and quantiles, then each one's bins or levels. Appended. */
MUST_USE struct result show_statistics(const json_t *model, struct buffer *out);

#endif
