#include "analytics/json_text.h"

#include <math.h>

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

struct result tree_text(struct tree *tree, json_t *take_root, struct buffer *out)
{
    struct result result =
        tree->failed ? FAIL(CATEGORY_ENVIRONMENT, "model.json could not be made: out of memory, or a name is not UTF-8")
                     : json_text(take_root, JSON_INDENT(1) | JSON_REAL_PRECISION(17), out);
    json_decref(take_root);
    TRY(result);
    return buffer_u8(out, '\n');
}
