/* JSON as text. (jansson's own json_dumps writes on after an allocation failed, and the text lacks a key.) */
#ifndef ANALYTICS_JSON_TEXT_H
#define ANALYTICS_JSON_TEXT_H

#include <jansson.h>

#include "crypto/base/bytes.h"

/* Appends; flags are jansson's. json NULL stands for one that could not be made: CATEGORY_ENVIRONMENT, as for text that
 * cannot. */
MUST_USE struct result json_text(const json_t *json, size_t flags, struct buffer *out);

/* A file's text as JSON; name is the file's, for errors. Free with json_decref. */
MUST_USE struct result json_parse(struct view text, const char *name, json_t **ret);

/* What a daemon answered a command; {"category", "reason"} is the failure that it tells. Free with json_decref. */
MUST_USE struct result json_answer(struct view text, json_t **ret);

/* "hash" of a document: SHA-256 over label "model" and the rest of it as compact JSON, keys in order of their bytes,
 * numbers with 17 digits. It notices what was changed by mistake or on the way; it does not say who wrote the file.
 * The check: CATEGORY_USAGE when it is missing or another; the document is then without it. */
MUST_USE struct result json_put_hash(json_t *document);
MUST_USE struct result json_check_hash(json_t *document);

/* A tree under construction: the first allocation that fails is remembered, and everything after it does nothing. */
struct tree {
    bool failed;
};
void tree_put(struct tree *tree, json_t *object, const char *key, json_t *take_value);
void tree_add(struct tree *tree, json_t *array, json_t *take_value);
json_t *tree_count(uint64_t value);
json_t *tree_real(double value); /* null when it is not finite; -0 becomes 0 */
/* Appends the tree as a file's text with its hash, 17 significant digits and a newline at the end, and frees it. */
MUST_USE struct result tree_text(struct tree *tree, json_t *take_root, struct buffer *out);

#endif
