#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/bytes.h"
#include "crypto/base/checked.h"
#include "crypto/base/limits.h"
#include "crypto/base/text.h"

static void integers_are_little_endian(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer buffer = {0};
    assert_true(result_ok(buffer_u32(&buffer, 0x01020304)));
    assert_true(result_ok(buffer_u64(&buffer, UINT64_C(0x1122334455667788))));
    static const uint8_t expected[] = {4, 3, 2, 1, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
    assert_true(view_equal(buffer_view(&buffer), view_of(expected, sizeof expected)));
    struct reader reader = reader_of(buffer_view(&buffer), "the test");
    uint32_t small;
    uint64_t large;
    assert_true(result_ok(reader_u32(&reader, &small)));
    assert_true(result_ok(reader_u64(&reader, &large)));
    assert_int_equal(small, 0x01020304);
    assert_true(large == UINT64_C(0x1122334455667788));
    assert_true(result_ok(reader_end(&reader)));
}

static void minus_zero_is_stored_as_zero(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer buffer = {0};
    assert_true(result_ok(buffer_f64(&buffer, -0.0)));
    static const uint8_t zeros[8];
    assert_true(view_equal(buffer_view(&buffer), view_of(zeros, sizeof zeros)));
}

static void a_reader_never_passes_the_end(void **state)
{
    (void)state;
    static const uint8_t three[3] = {1, 2, 3};
    struct reader reader = reader_of(view_of(three, 3), "three bytes");
    uint32_t value = 7;
    struct result result = reader_u32(&reader, &value);
    assert_int_equal(result.category, CATEGORY_PEER);
    assert_string_equal(result_reason(), "three bytes ends too early");
    assert_int_equal(value, 7);
    assert_int_equal(reader.rest.length, 3);
    assert_int_equal(reader_end(&reader).category, CATEGORY_PEER);
}

static void a_buffer_keeps_its_limit(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer buffer = {.limit = 4};
    assert_true(result_ok(buffer_u32(&buffer, 1)));
    assert_int_equal(buffer_u8(&buffer, 1).category, CATEGORY_USAGE);
    assert_int_equal(buffer.length, 4);
}

static void hex_goes_both_ways_and_is_strict(void **state)
{
    (void)state;
    static const uint8_t bytes[3] = {0x00, 0xab, 0xff};
    char text[7];
    bytes_hex(view_of(bytes, 3), text);
    assert_string_equal(text, "00abff");
    uint8_t back[3] = {0};
    assert_true(result_ok(bytes_unhex(view_text(text), back, 3)));
    assert_memory_equal(back, bytes, 3);
    static const char *const bad[] = {"00abf", "00abff0", "00abfg", "00ABFF", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(bytes_unhex(view_text(bad[i]), back, 3).category, CATEGORY_FALSE);
}

static void places_stand_before_reasons(void **state)
{
    (void)state;
    struct result result = result_at(FAIL(CATEGORY_USAGE, "no such column"), "plan.yaml:%d: ", 12);
    assert_int_equal(result.category, CATEGORY_USAGE);
    assert_string_equal(result_reason(), "plan.yaml:12: no such column");
}

static void nothing_in_a_reason_drives_a_terminal(void **state)
{
    (void)state;
    static const char quoted[] = "a\x1b[31mb\nc\td\x7f\xc2\x9b"
                                 "e\xff\xe2\x80\xae\xe2\x81\xa6 \xc3\xa4\xe2\x82\xac";
    (void)FAIL(CATEGORY_USAGE, "\"%s\" is no name", quoted);
    static const char plain[] = "\"a\\x1b[31mb\\x0ac\\x09d\\x7f\\xc2\\x9be\\xff\\xe2\\x80\\xae\\xe2\\x81\\xa6 "
                                "\xc3\xa4\xe2\x82\xac\" is no name";
    assert_string_equal(result_reason(), plain);
    assert_false(result_ok(result_at(FAIL(CATEGORY_USAGE, "\x1b"), "file \a.csv: ")));
    assert_string_equal(result_reason(), "file \\x07.csv: \\x1b"); /* what is plain already stays as it is */
}

static void a_long_reason_ends_with_a_whole_character(void **state)
{
    (void)state;
    char text[3000] = "";
    for (size_t i = 0; i + 3 < sizeof text; i += 3) memcpy(text + i, "\xe2\x82\xac", 3);
    (void)FAIL(CATEGORY_USAGE, "x%s", text);
    size_t length = strlen(result_reason());
    assert_in_range(length, 900, 1023);
    assert_true(text_printable(view_text(result_reason()), ""));
}

static void printable_text_neither_controls_nor_turns_the_writing(void **state)
{
    (void)state;
    static const char *const good[] = {"", "plain", "\xc3\xa4", "\xe2\x80\xa7", "\xe2\x80\xaf", "\xd7\x90", "a b"};
    static const char *const bad[] = {"\n",           "\x1b",         "\x7f",         "\xc2\x85",
                                      "\xe2\x80\xa8", "\xe2\x80\xaa", "\xe2\x80\xae", "\xe2\x81\xa6",
                                      "\xe2\x81\xa9", "\xff",         "\xc0\x80"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_true(text_printable(view_text(good[i]), ""));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(text_printable(view_text(bad[i]), ""));
    assert_true(text_printable(view_text("a\nb"), "\n"));
    assert_false(text_printable(view_of("a\0b", 3), "\n"));
}

static void overflow_is_noticed(void **state)
{
    (void)state;
    size_t size = 5;
    assert_false(checked_add_size(SIZE_MAX, 1, &size));
    assert_false(checked_mul_size(SIZE_MAX / 2, 3, &size));
    assert_int_equal(size, 5);
    int64_t value = 0;
    assert_false(checked_mul_i64(INT64_MIN, -1, &value));
    assert_true(checked_add_i64(INT64_MAX, -1, &value));
    assert_true(value == INT64_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_little_endian),
        cmocka_unit_test(minus_zero_is_stored_as_zero),
        cmocka_unit_test(a_reader_never_passes_the_end),
        cmocka_unit_test(a_buffer_keeps_its_limit),
        cmocka_unit_test(hex_goes_both_ways_and_is_strict),
        cmocka_unit_test(places_stand_before_reasons),
        cmocka_unit_test(nothing_in_a_reason_drives_a_terminal),
        cmocka_unit_test(a_long_reason_ends_with_a_whole_character),
        cmocka_unit_test(printable_text_neither_controls_nor_turns_the_writing),
        cmocka_unit_test(overflow_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
