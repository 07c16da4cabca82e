/* A model.json as the commands read it. */
#ifndef CLI_DOCUMENT_H
#define CLI_DOCUMENT_H

#include <jansson.h>

#include "crypto/base/bytes.h"

/* Reads and checks what every model has; *ret is the caller's to release. CATEGORY_USAGE says what is wrong with the
 * file. */
MUST_USE struct result document_parse(struct view text, const char *path, json_t **ret);
MUST_USE struct result document_read(const char *path, json_t **ret);
void document_freep(json_t **document);
/* A number of an object, NaN where it is absent or null. */
double document_number(const json_t *object, const char *key);
/* A text of an object, or "". */
const char *document_text(const json_t *object, const char *key);

#endif
