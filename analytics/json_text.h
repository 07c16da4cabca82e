/* JSON as text. (jansson's own json_dumps writes on after an allocation failed, and the text lacks a key.) */
#ifndef ANALYTICS_JSON_TEXT_H
#define ANALYTICS_JSON_TEXT_H

#include <jansson.h>

#include "crypto/base/bytes.h"

/* Appends; flags are jansson's. json NULL stands for one that could not be made: CATEGORY_ENVIRONMENT, as for text that
 * cannot. */
MUST_USE struct result json_text(const json_t *json, size_t flags, struct buffer *out);

#endif
