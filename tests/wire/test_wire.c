/* One encoding of a message, and only it is taken; every field has limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/wire/messages.h"
#include "tests/support/ok.h"

static struct wire_r2 example(void)
{
    struct wire_r2 r2 = {.epoch = 1, .round = 2, .counter = 3, .survivors = members_all(10)};
    memset(r2.run.bytes, 0x11, sizeof r2.run.bytes);
    memset(r2.ctx.bytes, 0x22, sizeof r2.ctx.bytes);
    memset(r2.headers.bytes, 0x33, sizeof r2.headers.bytes);
    members_remove(&r2.survivors, 4);
    return r2;
}

static bool takes(const struct buffer *bytes)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct wire_r2 r2;
    struct result result = wire_r2_decode(buffer_view(bytes), 10, &arena, &r2);
    if (!result_ok(result)) assert_int_equal(result.category, CATEGORY_PEER);
    return result_ok(result);
}

static void a_message_comes_back_as_it_was(void **state)
{
    (void)state;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    CLEANUP(buffer_done) struct buffer bytes = {0};
    struct wire_r2 r2 = example(), back;
    OK(wire_r2_encode(&r2, &bytes));
    OK(wire_r2_decode(buffer_view(&bytes), 10, &arena, &back));
    assert_true(hash_equal(&r2.run, &back.run) && hash_equal(&r2.headers, &back.headers));
    assert_int_equal(back.epoch, 1);
    assert_int_equal(back.round, 2);
    assert_true(members_equal(&r2.survivors, &back.survivors));
}

static void the_bytes_are_fixed(void **state)
{
    (void)state;
    /* Field by field: tag, length, value; the integers as varints. */
    CLEANUP(buffer_done) struct buffer bytes = {0};
    struct wire_void message = {.epoch = 5, .round = 300, .counter = 1};
    OK(wire_void_encode(&message, &bytes));
    static const uint8_t expected[] = {0x0a, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,    0, 0,    0,    0, 0,    0, 0,
                                       0,    0,    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 5, 0x18, 0xac, 2, 0x20, 1};
    assert_int_equal(bytes.length, sizeof expected);
    assert_memory_equal(bytes.data, expected, sizeof expected);
}

static void only_the_one_encoding_is_taken(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer bytes = {0};
    struct wire_r2 r2 = example();
    OK(wire_r2_encode(&r2, &bytes));
    assert_true(takes(&bytes));
    /* Cut anywhere. */
    for (size_t length = 0; length < bytes.length; length++) {
        struct buffer cut = bytes;
        cut.length = length;
        assert_false(takes(&cut));
    }
    static const struct {
        const uint8_t bytes[8];
        size_t length;
    } tails[] = {
        {{0x00}, 1},             /* a byte too many */
        {{0x10, 0x01}, 2},       /* epoch a second time */
        {{0x78, 0x01}, 2},       /* a field that is not there */
        {{0x7a, 0x01, 0x41}, 3}, /* and one with bytes */
    };
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        CLEANUP(buffer_done) struct buffer longer = {0};
        OK(buffer_append(&longer, buffer_view(&bytes)));
        OK(buffer_append(&longer, view_of(tails[i].bytes, tails[i].length)));
        assert_false(takes(&longer));
    }
    /* An integer with a byte that says nothing: 0x10 0x81 0x00 is also 1. */
    CLEANUP(buffer_done) struct buffer loose = {0};
    OK(buffer_append(&loose, view_of(bytes.data, 35)));
    OK(buffer_append(&loose, view_of("\x81\x00", 2)));
    OK(buffer_append(&loose, view_of(bytes.data + 36, bytes.length - 36)));
    assert_int_equal(bytes.data[34], 0x10);
    assert_false(takes(&loose));
}

static void every_field_has_limits(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer bytes = {0};
    struct wire_r2 r2 = example();
    r2.epoch = 0;
    assert_false(result_ok(wire_r2_encode(&r2, &bytes)));
    r2.epoch = EPOCHS_MAX + 1;
    assert_false(result_ok(wire_r2_encode(&r2, &bytes)));
    r2 = example();
    r2.survivors = members_all(11); /* two bytes of bits all the same, but the eleventh is nobody */
    buffer_clear(&bytes);
    OK(wire_r2_encode(&r2, &bytes));
    assert_false(takes(&bytes));
    r2.survivors = members_all(17);
    buffer_clear(&bytes);
    OK(wire_r2_encode(&r2, &bytes));
    assert_false(takes(&bytes));
}

static void reasons_are_plain_text(void **state)
{
    (void)state;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    CLEANUP(buffer_done) struct buffer bytes = {0};
    struct wire_end end = {.reason = view_text("because")}, back;
    OK(wire_end_encode(&end, &bytes));
    OK(wire_end_decode(buffer_view(&bytes), 3, &arena, &back));
    end.reason = view_text("be\ncause");
    buffer_clear(&bytes);
    OK(wire_end_encode(&end, &bytes));
    assert_int_equal(wire_end_decode(buffer_view(&bytes), 3, &arena, &back).category, CATEGORY_PEER);
}

static void frames_name_their_version_and_kind(void **state)
{
    (void)state;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    CLEANUP(buffer_done) struct buffer bytes = {0};
    struct message message;
    struct wire_taken taken = {.round = 1, .next = 2};
    OK(message_encode(MESSAGE_TAKEN, &taken, &bytes));
    OK(message_decode(buffer_view(&bytes), 3, &arena, &message));
    assert_int_equal(message.kind, MESSAGE_TAKEN);
    assert_int_equal(message.taken.next, 2);
    bytes.data[0] = 2;
    assert_int_equal(message_decode(buffer_view(&bytes), 3, &arena, &message).category, CATEGORY_PEER);
    assert_non_null(strstr(result_reason(), "of form 2"));
    bytes.data[0] = WIRE_FORM;
    for (unsigned kind = 0; kind < 256; kind++) {
        bytes.data[1] = (uint8_t)kind;
        bool known = strcmp(message_name(kind), "an unknown message") != 0;
        struct result result = message_decode(buffer_view(&bytes), 3, &arena, &message);
        if (!known) assert_int_equal(result.category, CATEGORY_PEER);
    }
}

static void absent_and_empty_are_not_two_encodings(void **state)
{
    (void)state;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct wire_await await;
    static const uint8_t absent[] = {0x08, 0x00}, empty[] = {0x08, 0x00, 0x12, 0x00};
    OK(wire_decode(WIRE_AWAIT, view_of(absent, sizeof absent), 3, &arena, &await));
    assert_int_equal(await.close.length, 0);
    assert_int_equal(wire_decode(WIRE_AWAIT, view_of(empty, sizeof empty), 3, &arena, &await).category, CATEGORY_PEER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_comes_back_as_it_was),
        cmocka_unit_test(the_bytes_are_fixed),
        cmocka_unit_test(only_the_one_encoding_is_taken),
        cmocka_unit_test(every_field_has_limits),
        cmocka_unit_test(reasons_are_plain_text),
        cmocka_unit_test(frames_name_their_version_and_kind),
        cmocka_unit_test(absent_and_empty_are_not_two_encodings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
