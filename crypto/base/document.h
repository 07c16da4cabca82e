/* YAML through libcyaml, made strict: one document, no anchors, aliases or tags, bounded, every error with its line.
 *
 * libcyaml checks the schema but says where only in a backtrace, reports a duplicate key a line early and stops
 * reading after the first document. So libyaml, which it parses with, walks the text once before, and finds the line of
 * any key after. Base, because plans (proto/run) and the daemons' configuration (sys) are both read so. Numbers are
 * declared as strings and read with text_number or text_whole (crypto/base/text.h).
 */
#ifndef CRYPTO_BASE_DOCUMENT_H
#define CRYPTO_BASE_DOCUMENT_H

#include <cyaml/cyaml.h>

#include "crypto/base/bytes.h"

/* A document, what it is called in errors, and the file that explains its keys; all borrowed. */
struct document {
    struct view text;
    const char *name;
    const char *keys;
};

/* Loads into *ret (free with document_free). Every failure but lack of memory is CATEGORY_USAGE and begins
 * "NAME:LINE: ". */
MUST_USE struct result document_load(const struct document *document, const cyaml_schema_value_t *schema, void **ret);
void document_free(const cyaml_schema_value_t *schema, void *data);

/* Line, from 1, of what a path names: keys and indexes (from 0) with dots between, "features.3.min". Where the path
 * ends early, the line of the last part that is there; 0 when there is nothing at all, or no memory to look. */
unsigned document_line(const struct document *document, const char *path);
/* Whether the whole path is there. */
MUST_USE struct result document_has(const struct document *document, const char *path, bool *ret_has);

/* CATEGORY_USAGE "NAME:LINE: " and the sentence. */
MUST_USE struct result document_fail(const struct document *document, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
