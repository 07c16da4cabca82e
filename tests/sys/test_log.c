#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "sys/log.h"
#include "sys/log_json.h"

static struct log_words words(const char *message)
{
    return (struct log_words){"info", "node", "run", NULL, message, "2026-03-14T09:26:53.589Z"};
}

#define HEAD "{\"time\":\"2026-03-14T09:26:53.589Z\",\"level\":\"info\",\"process\":\"node\",\"what\":\"run\""

static void becomes(const struct log_words *said, const char *expected)
{
    char line[512];
    size_t length = log_json_line(said, line, sizeof line);
    assert_true(length < sizeof line);
    line[length] = 0;
    assert_string_equal(line, expected);
}

static void said(const char *message, const char *expected)
{
    const struct log_words line = words(message);
    becomes(&line, expected);
}

static void run_round_and_peer(void **state)
{
    (void)state;
    said("2fc8e8b8e2a8: round 12: counting cases",
         HEAD ",\"run\":\"2fc8e8b8e2a8\",\"round\":12,\"message\":\"round 12: counting cases\"}");
    said("2fc8e8b8e2a8 is done", HEAD ",\"run\":\"2fc8e8b8e2a8\",\"message\":\"is done\"}");
    said("round 3 checked here: good", HEAD ",\"round\":3,\"message\":\"round 3 checked here: good\"}");
    struct log_words about = words("refused a request");
    about.peer = "north";
    becomes(&about, HEAD ",\"peer\":\"north\",\"message\":\"refused a request\"}");
}

static void what_only_looks_like_them(void **state)
{
    (void)state;
    said("2fc8e8b8e2a89: no", HEAD ",\"message\":\"2fc8e8b8e2a89: no\"}");
    said("2fc8e8b8e2a8", HEAD ",\"message\":\"2fc8e8b8e2a8\"}");
    said("round x", HEAD ",\"message\":\"round x\"}");
    said("round 123456789012345", HEAD ",\"message\":\"round 123456789012345\"}");
}

static void nothing_leaves_its_quotes(void **state)
{
    (void)state;
    said("a\"b\\c\n", HEAD ",\"message\":\"a\\\"b\\\\c\\u000a\"}");
    said("K\xc3\xa4ufer K\xe4ufer", HEAD ",\"message\":\"K\xc3\xa4ufer K?ufer\"}");
}

/* However long the message is and wherever it is cut, the object is whole. */
static void a_cut_line_is_whole(void **state)
{
    (void)state;
    char message[128], line[512];
    for (size_t i = 0; i + 2 < sizeof message; i += 2) memcpy(message + i, i % 3 ? "\"\\" : "\xc3\xa4", 2);
    message[126] = 0;
    const struct log_words long_one = words(message);
    for (size_t size = 160; size < 400; size++) {
        size_t length = log_json_line(&long_one, line, size);
        assert_true(length <= size);
        json_t *json = json_loadb(line, length, 0, NULL);
        if (!json) fail_msg("%zu: %.*s", size, (int)length, line);
        json_decref(json);
    }
}

/* An array of objects, oldest first, the latest few, warnings and errors alone. */
static void recent_warnings(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer out = {0};
    log_info("test", "not this");
    for (int i = 0; i < (int)LOG_RECENT_MAX + 5; i++) log_error("test", "2fc8e8b8e2a8: number %d \"x\"", i);
    log_warning("test", "%0*d", 2000, 7);
    assert_true(result_ok(log_recent(&out)));
    json_t *array = json_loadb((const char *)out.data, out.length, 0, NULL);
    assert_int_equal(json_array_size(array), LOG_RECENT_MAX);
    const json_t *first = json_array_get(array, 0), *last = json_array_get(array, LOG_RECENT_MAX - 1);
    assert_string_equal(json_string_value(json_object_get(first, "message")), "number 6 \"x\"");
    assert_string_equal(json_string_value(json_object_get(first, "run")), "2fc8e8b8e2a8");
    assert_string_equal(json_string_value(json_object_get(first, "level")), "error");
    assert_string_equal(json_string_value(json_object_get(last, "level")), "warning");
    assert_true(strlen(json_string_value(json_object_get(last, "message"))) > 400);
    json_decref(array);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_round_and_peer),        cmocka_unit_test(what_only_looks_like_them),
        cmocka_unit_test(nothing_leaves_its_quotes), cmocka_unit_test(a_cut_line_is_whole),
        cmocka_unit_test(recent_warnings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
