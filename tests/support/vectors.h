/* Published test vectors: JSON files in ../shared/vectors, found from the working directory.
 *
 * A test loads its file with VECTORS_LOAD, which skips the test, saying so, where the files are not there. The
 * accessors fail the running test when a field is missing or is not what is asked for.
 */
#ifndef TESTS_SUPPORT_VECTORS_H
#define TESTS_SUPPORT_VECTORS_H

#include <jansson.h>

#include "crypto/base/bytes.h"

/* NULL, after a line "skipped: ...", when the file is absent; fails the test when it is not JSON. Integers of 19 digits
 * and more come as strings, since jansson's integers end at 2^63 - 1. */
json_t *vectors_load(const char *name);
void vectors_freep(json_t **file);

/* Declares `variable`; the including file includes cmocka.h. */
#define VECTORS_LOAD(variable, name)                                                                                   \
    CLEANUP(vectors_freep) json_t *variable = vectors_load(name);                                                      \
    if (!(variable)) skip()

const json_t *vectors_array(const json_t *object, const char *key);
const char *vectors_text(const json_t *object, const char *key);
bool vectors_is(const json_t *object, const char *key, const char *text);
uint64_t vectors_u64(const json_t *object, const char *key);

/* Decoded bytes appended to out, their view returned; it lives until out changes. */
struct view vectors_hex(const json_t *object, const char *key, struct buffer *out);
struct view vectors_hex_of(const json_t *string, struct buffer *out);
struct view vectors_base64_of(const json_t *string, struct buffer *out);
/* Exactly length bytes. */
void vectors_hex_exact(const json_t *object, const char *key, uint8_t *out, size_t length);

#endif
