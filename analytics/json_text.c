#include "analytics/json_text.h"

#include <math.h>
#include <string.h>

#include "crypto/hash.h"

struct writing {
    struct buffer *out;
    struct result result;
};

static int append(const char *text, size_t length, void *context)
{
    struct writing *writing = context;
    if (result_ok(writing->result)) writing->result = buffer_append(writing->out, view_of(text, length));
    return result_ok(writing->result) ? 0 : -1;
}

struct result json_text(const json_t *json, size_t flags, struct buffer *out)
{
    ENSURE(json, CATEGORY_ENVIRONMENT, "out of memory for JSON");
    struct writing writing = {out, RESULT_OK};
    int status = json_dump_callback(json, append, &writing, flags);
    TRY(writing.result);
    ENSURE(status == 0, CATEGORY_ENVIRONMENT, "JSON could not be written: out of memory, or a name is not UTF-8");
    return RESULT_OK;
}

void tree_put(struct tree *tree, json_t *object, const char *key, json_t *take_value)
{
    if (json_object_set_new(object, key, take_value) != 0) tree->failed = true;
}

void tree_add(struct tree *tree, json_t *array, json_t *take_value)
{
    if (json_array_append_new(array, take_value) != 0) tree->failed = true;
}

json_t *tree_count(uint64_t value)
{
    return json_integer((json_int_t)value);
}

json_t *tree_real(double value)
{
    return isfinite(value) ? json_real(value == 0 ? 0 : value) : json_null();
}

struct result json_parse(struct view text, const char *name, json_t **ret)
{
    json_error_t error;
    ENSURE(text.length > 0, CATEGORY_USAGE, "%s: is empty; take the model.json that the run left", name);
    *ret = json_loadb((const char *)text.data, text.length, JSON_REJECT_DUPLICATES, &error);
    ENSURE(*ret || *error.text, CATEGORY_ENVIRONMENT, "%s: out of memory for JSON", name);
    ENSURE(*ret, CATEGORY_USAGE, "%s:%d: not JSON: %s", name, error.line, error.text);
    return RESULT_OK;
}

/* Takes the document's hash out of it, and says what it should be: that of its own bytes, however the file was laid
 * out. (json_copy would not do: it leaves out what it has no memory for.) */
static struct result take_hash(json_t *document, char ret[2 * HASH_BYTES + 1])
{
    CLEANUP(buffer_done) struct buffer text = {0};
    struct hash hash;
    (void)json_object_del(document, "hash");
    TRY(json_text(document, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17), &text));
    TRY(hash_bytes("model", buffer_view(&text), &hash));
    bytes_hex(hash_view(&hash), ret);
    return RESULT_OK;
}

static struct result put_hash(json_t *document, const char *hash)
{
    ENSURE(json_object_set_new(document, "hash", json_string(hash)) == 0, CATEGORY_ENVIRONMENT,
           "out of memory for JSON");
    return RESULT_OK;
}

struct result json_answer(struct view text, json_t **ret)
{
    json_t *json = json_loadb((const char *)text.data, text.length, 0, NULL);
    ENSURE(json, CATEGORY_ENVIRONMENT, "the daemon answered something that is no JSON");
    const json_t *category = json_object_get(json, "category");
    if (!category) {
        *ret = json;
        return RESULT_OK;
    }
    const char *reason = json_string_value(json_object_get(json, "reason"));
    struct result result = FAIL((enum category)json_integer_value(category), "%s", reason ? reason : "no reason given");
    json_decref(json);
    return result;
}

struct result json_put_hash(json_t *document)
{
    char hash[2 * HASH_BYTES + 1];
    TRY(take_hash(document, hash));
    return put_hash(document, hash);
}

struct result json_check_hash(json_t *document)
{
    char hash[2 * HASH_BYTES + 1], told[2 * HASH_BYTES + 1];
    const char *text = json_string_value(json_object_get(document, "hash"));
    ENSURE(text, CATEGORY_USAGE, "\"hash\" is missing: it was written by an earlier version, or by hand");
    size_t length = strlen(text) < sizeof told ? strlen(text) : sizeof told - 1;
    memcpy(told, text, length);
    told[length] = 0;
    TRY(take_hash(document, hash));
    ENSURE(strcmp(told, hash) == 0, CATEGORY_USAGE,
           "its contents are not those that its \"hash\" was made of: it was changed after it was written; take the "
           "file as the run left it");
    return put_hash(document, hash);
}

struct result tree_text(struct tree *tree, json_t *take_root, struct buffer *out)
{
    struct result result =
        tree->failed ? FAIL(CATEGORY_ENVIRONMENT, "model.json could not be made: out of memory, or a name is not UTF-8")
                     : json_put_hash(take_root);
    if (result_ok(result)) result = json_text(take_root, JSON_INDENT(1) | JSON_REAL_PRECISION(17), out);
    json_decref(take_root);
    TRY(result);
    return buffer_u8(out, '\n');
}
