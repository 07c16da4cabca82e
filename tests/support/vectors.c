#include "tests/support/vectors.h"

#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

static void need(struct result result)
{
    if (!result_ok(result)) fail_msg("%s", result_reason());
}

static void read_file(FILE *file, struct buffer *out)
{
    uint8_t block[4096];
    for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;) need(buffer_append(out, view_of(block, got)));
}

/* Puts quotes around integers that do not fit jansson's. */
static void quote_long_integers(struct view text, struct buffer *out)
{
    bool inside = false;
    for (size_t i = 0; i < text.length;) {
        size_t digits = 0;
        while (!inside && i + digits < text.length && isdigit(text.data[i + digits])) digits++;
        bool integer = digits > 18 && (i == 0 || text.data[i - 1] != '.');
        if (integer) need(buffer_text(out, "\""));
        size_t length = digits ? digits : 1;
        if (text.data[i] == '"') inside = !inside;
        if (inside && text.data[i] == '\\') length = 2;
        need(buffer_append(out, view_of(text.data + i, length)));
        if (integer) need(buffer_text(out, "\""));
        i += length;
    }
}

json_t *vectors_load(const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, "../shared/vectors/%s", name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        (void)printf("skipped: %s is not here\n", path);
        return NULL;
    }
    CLEANUP(buffer_done) struct buffer raw = {0};
    CLEANUP(buffer_done) struct buffer text = {0};
    read_file(file, &raw);
    (void)fclose(file);
    quote_long_integers(buffer_view(&raw), &text);
    json_error_t error;
    json_t *value = json_loadb((const char *)text.data, text.length, 0, &error);
    if (!value) fail_msg("%s:%d: %s", path, error.line, error.text);
    return value;
}

void vectors_freep(json_t **file)
{
    json_decref(*file);
    *file = NULL;
}

static const json_t *field(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!value) fail_msg("a vector has no field %s", key);
    return value;
}

const json_t *vectors_array(const json_t *object, const char *key)
{
    const json_t *value = field(object, key);
    if (!json_is_array(value) || json_array_size(value) == 0) fail_msg("%s is not a list with members", key);
    return value;
}

const char *vectors_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(field(object, key));
    if (!text) fail_msg("%s is not a text", key);
    return text;
}

bool vectors_is(const json_t *object, const char *key, const char *text)
{
    return strcmp(vectors_text(object, key), text) == 0;
}

uint64_t vectors_u64(const json_t *object, const char *key)
{
    const json_t *value = field(object, key);
    if (json_is_integer(value)) {
        assert_true(json_integer_value(value) >= 0);
        return (uint64_t)json_integer_value(value);
    }
    const char *text = json_string_value(value);
    if (!text) fail_msg("%s is not a number", key);
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno || end == text || *end) fail_msg("%s is not a number", key);
    return number;
}

struct view vectors_hex_of(const json_t *string, struct buffer *out)
{
    const char *text = json_string_value(string);
    if (!text) fail_msg("not a text");
    size_t length = strlen(text) / 2;
    uint8_t *start;
    need(buffer_extend(out, length, &start));
    need(bytes_unhex(view_text(text), start, length));
    return view_of(start, length);
}

struct view vectors_hex(const json_t *object, const char *key, struct buffer *out)
{
    return vectors_hex_of(field(object, key), out);
}

struct view vectors_base64_of(const json_t *string, struct buffer *out)
{
    const char *text = json_string_value(string);
    if (!text) fail_msg("not a text");
    size_t room = strlen(text), length = 0;
    if (room == 0) return view_of(NULL, 0);
    uint8_t *start;
    need(buffer_extend(out, room, &start));
    const char *end = NULL;
    if (sodium_base642bin(start, room, text, room, NULL, &length, &end, sodium_base64_VARIANT_ORIGINAL) != 0 || *end)
        fail_msg("not base64: %s", text);
    out->length -= room - length;
    return view_of(start, length);
}

void vectors_hex_exact(const json_t *object, const char *key, uint8_t *out, size_t length)
{
    need(bytes_unhex(view_text(vectors_text(object, key)), out, length));
}
