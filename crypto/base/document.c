#include "crypto/base/document.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "crypto/base/limits.h"
#include "crypto/base/text.h"

enum { DEPTH_MAX = 8, KEYS_MAX = 64, PATH_MAX_BYTES = 512, FRAMES_MAX = 8, MESSAGE_MAX_BYTES = 400 };

/* --- the walk before: what libcyaml lets pass, or misreports --- */

struct level {
    bool mapping;
    bool key_next;
    char *keys[KEYS_MAX];
    size_t keys_count;
};
struct walk {
    const struct document *document;
    yaml_parser_t parser;
    struct level levels[DEPTH_MAX];
    size_t depth;
    unsigned documents;
};

static unsigned line_of(const yaml_event_t *event)
{
    return (unsigned)event->start_mark.line + 1;
}

static void level_done(struct level *level)
{
    for (size_t i = 0; i < level->keys_count; i++) free(level->keys[i]);
    *level = (struct level){0};
}

static void walk_done(struct walk *walk)
{
    for (size_t i = 0; i < DEPTH_MAX; i++) level_done(&walk->levels[i]);
    yaml_parser_delete(&walk->parser);
}

static struct result fail_at(const struct document *document, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static struct result fail_at(const struct document *document, unsigned line, const char *format, ...)
{
    char text[MESSAGE_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return FAIL(CATEGORY_USAGE, "%s:%u: %s", document->name, line ? line : 1, text);
}

static struct result out_of_memory(void)
{
    return FAIL(CATEGORY_ENVIRONMENT, "out of memory for a YAML document");
}

/* After libyaml gave up: some of its failing allocations leave no word of it. */
static struct result memory_check(const yaml_parser_t *parser)
{
    bool is_document = parser->error != YAML_MEMORY_ERROR && parser->error != YAML_NO_ERROR;
    return is_document ? RESULT_OK : out_of_memory();
}

static struct result key_note(struct walk *walk, struct level *level, const yaml_event_t *event)
{
    const char *key = (const char *)event->data.scalar.value;
    for (size_t i = 0; i < level->keys_count; i++)
        if (strcmp(level->keys[i], key) == 0)
            return fail_at(walk->document, line_of(event), "key \"%.64s\" stands here twice; keep one", key);
    if (level->keys_count == KEYS_MAX)
        return fail_at(walk->document, line_of(event), "more than %d keys in one mapping", KEYS_MAX);
    char *copy = strdup(key);
    if (!copy) return out_of_memory();
    level->keys[level->keys_count++] = copy;
    return RESULT_OK;
}

/* A scalar, or the start of a mapping or sequence, has been seen as a key or as a value of the level around it. */
static struct result value_note(struct walk *walk, const yaml_event_t *event)
{
    if (walk->depth == 0) return RESULT_OK;
    struct level *level = &walk->levels[walk->depth - 1];
    if (!level->mapping) return RESULT_OK;
    bool key = level->key_next;
    level->key_next = !key;
    if (!key) return RESULT_OK;
    if (event->type != YAML_SCALAR_EVENT) return fail_at(walk->document, line_of(event), "a key must be a plain word");
    return key_note(walk, level, event);
}

static struct result walk_event(struct walk *walk, const yaml_event_t *event)
{
    bool mapping = event->type == YAML_MAPPING_START_EVENT;
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++walk->documents > 1)
            return fail_at(walk->document, line_of(event), "a second document begins here; a file holds one");
        return RESULT_OK;
    case YAML_ALIAS_EVENT:
        return fail_at(walk->document, line_of(event), "aliases (*name) are not taken; write the value out");
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        if (memchr(event->data.scalar.value, 0, event->data.scalar.length))
            return fail_at(walk->document, line_of(event), "a key or a value holds a NUL byte");
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        level_done(&walk->levels[--walk->depth]);
        return RESULT_OK;
    default:
        return RESULT_OK;
    }
    if (anchor) return fail_at(walk->document, line_of(event), "anchors (&name) are not taken; write the value out");
    if (tag) return fail_at(walk->document, line_of(event), "tags (!name) are not taken; leave it out");
    TRY(value_note(walk, event));
    if (event->type == YAML_SCALAR_EVENT) return RESULT_OK;
    if (walk->depth == DEPTH_MAX)
        return fail_at(walk->document, line_of(event), "nested deeper than %d levels", DEPTH_MAX);
    walk->levels[walk->depth++] = (struct level){.mapping = mapping, .key_next = mapping};
    return RESULT_OK;
}

static struct result walk_all(struct walk *walk)
{
    for (;;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&walk->parser, &event)) {
            TRY(memory_check(&walk->parser));
            unsigned line = (unsigned)walk->parser.problem_mark.line + 1;
            return fail_at(walk->document, line, "not well-formed YAML: %s",
                           walk->parser.problem ? walk->parser.problem : "it cannot be read");
        }
        bool end = event.type == YAML_STREAM_END_EVENT;
        struct result result = walk_event(walk, &event);
        yaml_event_delete(&event);
        TRY(result);
        if (end) break;
    }
    if (walk->documents == 0) return fail_at(walk->document, 1, "the file is empty");
    return RESULT_OK;
}

static struct result characters_check(const struct document *document)
{
    ENSURE(document->text.length <= DOCUMENT_MAX, CATEGORY_USAGE, "%s: larger than %zu bytes", document->name,
           DOCUMENT_MAX);
    if (document->text.length == 0) return fail_at(document, 1, "the file is empty");
    ENSURE(text_utf8(document->text), CATEGORY_USAGE, "%s: not UTF-8 text; save it as UTF-8", document->name);
    unsigned line = 1;
    for (size_t i = 0; i < document->text.length; i++) {
        uint8_t byte = document->text.data[i];
        if (byte < 0x20 && byte != '\n')
            return byte == '\r' ? fail_at(document, line,
                                          "a line end of another system (CR LF); save it with plain ones, "
                                          "or run: sed -i 's/\\r$//' FILE")
                                : fail_at(document, line,
                                          "a control character (byte 0x%02x); use spaces and plain line ends", byte);
        line += byte == '\n';
    }
    return RESULT_OK;
}

static struct result walk_check(const struct document *document)
{
    TRY(characters_check(document));
    CLEANUP(walk_done) struct walk walk = {.document = document};
    if (!yaml_parser_initialize(&walk.parser)) return out_of_memory();
    yaml_parser_set_input_string(&walk.parser, document->text.data, document->text.length);
    return walk_all(&walk);
}

/* --- where a path stands --- */

struct search {
    const char *rest; /* of the path; NULL when nothing below may match */
    unsigned line;    /* of the deepest part found */
    bool found;
};

/* Takes the first part off the path; false at its end. */
static bool path_part(const char **path, char out[PATH_MAX_BYTES])
{
    if (!*path || !**path) return false;
    size_t length = strcspn(*path, ".");
    if (length >= PATH_MAX_BYTES) return false;
    memcpy(out, *path, length);
    out[length] = 0;
    *path += length + ((*path)[length] == '.');
    return true;
}

/* The walk before has read the same text: now only memory can lack. */
static struct result next_event(yaml_parser_t *parser, yaml_event_t *ret)
{
    return yaml_parser_parse(parser, ret) ? RESULT_OK : out_of_memory();
}

/* Reads one node whose first event is `first`, looking for the path below it. Depth is bounded by walk_check. */
static struct result node_search(yaml_parser_t *parser, yaml_event_t *first, const char *path, struct search *search)
{
    bool mapping = first->type == YAML_MAPPING_START_EVENT, sequence = first->type == YAML_SEQUENCE_START_EVENT;
    yaml_event_delete(first);
    if (!mapping && !sequence) return RESULT_OK;
    char part[PATH_MAX_BYTES];
    bool looking = path_part(&path, part);
    for (size_t index = 0;; index++) {
        yaml_event_t event;
        TRY(next_event(parser, &event));
        if (event.type == YAML_MAPPING_END_EVENT || event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return RESULT_OK;
        }
        char number[24];
        (void)snprintf(number, sizeof number, "%zu", index);
        const char *label = sequence                          ? number
                            : event.type == YAML_SCALAR_EVENT ? (const char *)event.data.scalar.value
                                                              : "";
        bool here = looking && strcmp(label, part) == 0;
        if (here) {
            search->line = line_of(&event);
            search->found = *path == 0;
        }
        if (mapping) {
            yaml_event_delete(&event);
            TRY(next_event(parser, &event));
        }
        TRY(node_search(parser, &event, here ? path : "", search));
    }
}

static void parser_done(yaml_parser_t *parser)
{
    yaml_parser_delete(parser);
}

static struct result path_search(const struct document *document, const char *path, struct search *ret)
{
    yaml_parser_t fresh;
    if (!yaml_parser_initialize(&fresh)) return out_of_memory();
    CLEANUP(parser_done) yaml_parser_t parser = fresh;
    yaml_parser_set_input_string(&parser, document->text.data, document->text.length);
    for (;;) {
        yaml_event_t event;
        TRY(next_event(&parser, &event));
        yaml_event_type_t type = event.type;
        if (type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT)
            return node_search(&parser, &event, path, ret);
        yaml_event_delete(&event);
        if (type == YAML_STREAM_END_EVENT) return RESULT_OK;
    }
}

unsigned document_line(const struct document *document, const char *path)
{
    struct search search = {0};
    return result_ok(path_search(document, path, &search)) ? search.line : 0;
}

struct result document_has(const struct document *document, const char *path, bool *ret_has)
{
    struct search search = {0};
    TRY(path_search(document, path, &search));
    *ret_has = search.found;
    return RESULT_OK;
}

struct result document_fail(const struct document *document, const char *path, const char *format, ...)
{
    char text[MESSAGE_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return fail_at(document, document_line(document, path), "%s", text);
}

/* --- libcyaml, and what it logs when it refuses --- */

struct refusal {
    char message[MESSAGE_MAX_BYTES];
    char frames[FRAMES_MAX][PATH_MAX_BYTES / FRAMES_MAX]; /* parts of the path, innermost first */
    size_t frames_count;
};

__attribute__((format(printf, 3, 0))) static void log_take(cyaml_log_t level, void *context, const char *format,
                                                           va_list arguments)
{
    (void)level;
    struct refusal *refusal = context;
    char line[MESSAGE_MAX_BYTES];
    (void)vsnprintf(line, sizeof line, format, arguments);
    line[strcspn(line, "\n")] = 0;
    const char *text = strncmp(line, "Load: ", 6) == 0 ? line + 6 : line;
    if (refusal->message[0] == 0) {
        (void)snprintf(refusal->message, sizeof refusal->message, "%s", text);
        return;
    }
    if (refusal->frames_count == FRAMES_MAX) return;
    char *frame = refusal->frames[refusal->frames_count];
    size_t size = sizeof refusal->frames[0];
    static const char field[] = "  in mapping field '", entry[] = "  in sequence entry '";
    if (strncmp(text, field, sizeof field - 1) == 0) {
        const char *key = text + sizeof field - 1;
        (void)snprintf(frame, size, "%.*s", (int)strcspn(key, "'"), key);
    } else if (strncmp(text, entry, sizeof entry - 1) == 0) { /* counted from 1; 0 when there is none */
        unsigned long index = strtoul(text + sizeof entry - 1, NULL, 10);
        (void)snprintf(frame, size, "%lu", index ? index - 1 : 0);
    } else {
        return;
    }
    refusal->frames_count++;
}

/* What the message quotes after its colon, or "". */
static const char *quoted(const struct refusal *refusal)
{
    const char *colon = strstr(refusal->message, ": ");
    return colon ? colon + 2 : "";
}

/* The path of the refusal without its innermost `skip` parts, then `last` if there is one. */
static void refusal_path(const struct refusal *refusal, size_t skip, const char *last, char out[PATH_MAX_BYTES])
{
    size_t used = 0;
    out[0] = 0;
    for (size_t i = refusal->frames_count; i > skip; i--)
        used += (size_t)snprintf(out + used, PATH_MAX_BYTES - used, "%s%s", used ? "." : "", refusal->frames[i - 1]);
    if (last && used < PATH_MAX_BYTES)
        (void)snprintf(out + used, PATH_MAX_BYTES - used, "%s%.60s", used ? "." : "", last);
}

/* What the writer knows the place by: its key, or the key of the list that it is an entry of. */
static const char *refusal_key(const struct refusal *refusal)
{
    for (size_t i = 0; i < refusal->frames_count; i++)
        if (!isdigit((unsigned char)refusal->frames[i][0])) return refusal->frames[i];
    return "the document";
}

static struct result refuse(const struct document *document, cyaml_err_t error, const struct refusal *refusal)
{
    /* That the text is well formed has been seen. */
    if (error == CYAML_ERR_OOM || error == CYAML_ERR_LIBYAML_PARSER_INIT || error == CYAML_ERR_LIBYAML_PARSER)
        return out_of_memory();
    char path[PATH_MAX_BYTES];
    const char *key = refusal_key(refusal);
    switch (error) {
    case CYAML_ERR_INVALID_KEY:
        refusal_path(refusal, 0, quoted(refusal), path);
        return document_fail(document, path, "key \"%.64s\" is not known here; see %s for the keys", quoted(refusal),
                             document->keys);
    case CYAML_ERR_MAPPING_FIELD_MISSING:
        refusal_path(refusal, 1, NULL, path);
        return document_fail(document, path, "key \"%.64s\" is missing; add it", quoted(refusal));
    case CYAML_ERR_INVALID_VALUE:
    case CYAML_ERR_UNEXPECTED_EVENT: {
        refusal_path(refusal, 0, NULL, path);
        bool list = strstr(refusal->message, "Expecting SEQUENCE") != NULL;
        bool mapping = strstr(refusal->message, "Expecting MAPPING") != NULL;
        if (refusal->frames_count == 0)
            return document_fail(document, path, "this is another kind of file; it must hold keys and values, see %s",
                                 document->keys);
        return document_fail(document, path, "key \"%s\": %s", key,
                             list      ? "must be a list, [a, b, c]"
                             : mapping ? "must hold keys of its own, {key: value}"
                                       : "must be a single value");
    }
    case CYAML_ERR_STRING_LENGTH_MIN:
        refusal_path(refusal, 0, NULL, path);
        return document_fail(document, path, "key \"%s\": must not be empty", key);
    case CYAML_ERR_STRING_LENGTH_MAX:
        refusal_path(refusal, 0, NULL, path);
        return document_fail(document, path, "key \"%s\": longer than allowed: %.80s...", key, quoted(refusal));
    case CYAML_ERR_SEQUENCE_ENTRIES_MIN:
    case CYAML_ERR_SEQUENCE_ENTRIES_MAX:
        refusal_path(refusal, 1, NULL, path);
        return document_fail(document, path, "key \"%s\": the list has too %s entries",
                             refusal->frames_count > 1 ? refusal->frames[1] : key,
                             error == CYAML_ERR_SEQUENCE_ENTRIES_MIN ? "few" : "many");
    default:
        refusal_path(refusal, 0, NULL, path);
        return document_fail(document, path, "key \"%s\": %s", key, refusal->message);
    }
}

static cyaml_config_t configuration(struct refusal *refusal)
{
    return (cyaml_config_t){.log_fn = refusal ? log_take : NULL,
                            .log_ctx = refusal,
                            .mem_fn = cyaml_mem,
                            .log_level = CYAML_LOG_ERROR,
                            .flags = CYAML_CFG_NO_ALIAS};
}

struct result document_load(const struct document *document, const cyaml_schema_value_t *schema, void **ret)
{
    TRY(walk_check(document));
    struct refusal refusal = {0};
    cyaml_config_t config = configuration(&refusal);
    cyaml_data_t *data = NULL;
    cyaml_err_t error = cyaml_load_data(document->text.data, document->text.length, &config, schema, &data, NULL);
    if (error != CYAML_OK) return refuse(document, error, &refusal);
    *ret = data;
    return RESULT_OK;
}

void document_free(const cyaml_schema_value_t *schema, void *data)
{
    cyaml_config_t config = configuration(NULL);
    if (data) (void)cyaml_free(&config, schema, data, 0);
}
