#include "analytics/json_text.h"

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
