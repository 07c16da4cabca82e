#include "cli/document.h"

#include <math.h>
#include <string.h>

#include "analytics/json_text.h"
#include "cli/cli.h"
#include "crypto/base/limits.h"

enum { DOCUMENT_VERSION = 1 };

void document_freep(json_t **document)
{
    json_decref(*document);
}

double document_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

const char *document_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

struct result document_parse(struct view text, const char *path, json_t **ret)
{
    CLEANUP(document_freep) json_t *document = NULL;
    TRY(json_parse(text, path, &document));
    const json_t *version = json_object_get(document, "cofferdam");
    ENSURE(json_is_object(document) && json_is_integer(version) && document_text(document, "task")[0] != 0,
           CATEGORY_USAGE, "%s: not a model of this program; it lacks \"cofferdam\" or \"task\"", path);
    ENSURE(json_integer_value(version) == DOCUMENT_VERSION, CATEGORY_USAGE,
           "%s: this is a model of version %lld; this program reads version %d", path,
           (long long)json_integer_value(version), DOCUMENT_VERSION);
    TRY(result_at(json_check_hash(document), "%s: ", path));
    *ret = json_incref(document);
    return RESULT_OK;
}

struct result document_read(const char *path, json_t **ret)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    TRY(cli_read(path, DOCUMENT_MAX, &bytes));
    return document_parse(buffer_view(&bytes), path, ret);
}
