/* The texts that values of a database become. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sql.h>
#include <sqlext.h>

#include "data/odbc_value.h"
#include "tests/support/ok.h"

static void becomes(enum odbc_kind kind, struct view value, const char *text)
{
    CLEANUP(buffer_done) struct buffer out = {0};
    OK(odbc_value_text(kind, value, &out));
    OK(buffer_u8(&out, 0));
    assert_string_equal((const char *)out.data, text);
}

static void is_refused(enum odbc_kind kind, struct view value, const char *part)
{
    CLEANUP(buffer_done) struct buffer out = {0};
    assert_int_equal(odbc_value_text(kind, value, &out).category, CATEGORY_USAGE);
    if (!strstr(result_reason(), part)) fail_msg("\"%s\" lacks \"%s\"", result_reason(), part);
}

static void texts(void **state)
{
    (void)state;
    static const char *const samples[] = {"", "a", "größe", "€", "\U0001F600 and \U0010FFFF", "\uFFFF\uE000"};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        CLEANUP(buffer_done) struct buffer wide = {0};
        OK(odbc_utf16(samples[i], &wide));
        becomes(ODBC_TEXT, view_of(wide.data, wide.length - 2), samples[i]);
        becomes(ODBC_UTF8, view_text(samples[i]), samples[i]);
    }
    static const uint16_t high[] = {'a', 0xd83d}, low[] = {0xde00, 'a'}, turned[] = {0xd83d, 'a'}, nul[] = {'a', 0};
    static const uint16_t guid[] = {'A', 'B', '-', '1', 'f'};
    is_refused(ODBC_TEXT, view_of(high, sizeof high), "half a character");
    is_refused(ODBC_TEXT, view_of(low, sizeof low), "half a character");
    is_refused(ODBC_TEXT, view_of(turned, sizeof turned), "half a character");
    is_refused(ODBC_TEXT, view_of(nul, sizeof nul), "a NUL");
    is_refused(ODBC_TEXT, view_of(guid, 3), "half a character");
    is_refused(ODBC_UTF8, view_text("gr\xf6\xdf"), "not UTF-8");
    is_refused(ODBC_UTF8, view_text("\xe2\x82"), "not UTF-8");
    is_refused(ODBC_UTF8, view_of("a\0b", 3), "not UTF-8");
    becomes(ODBC_GUID, view_of(guid, sizeof guid), "ab-1f");
}

static void numbers(void **state)
{
    (void)state;
    static const struct {
        double number;
        const char *text;
    } doubles[] = {{0.1, "0.1"},
                   {0.1 + 0.2, "0.30000000000000004"},
                   {-0.0, "-0"},
                   {1e300, "1e+300"},
                   {DBL_MAX, "1.7976931348623157e+308"},
                   {9007199254740993.0, "9007199254740992"},
                   {NAN, "NaN"},
                   {-INFINITY, "-Infinity"},
                   {5e-324, "4.94065645841247e-324"}};
    static const struct {
        float number;
        const char *text;
    } floats[] = {{0.1f, "0.1"}, {16777216.0f, "16777216"}, {FLT_MAX, "3.4028235e+38"}, {INFINITY, "Infinity"}};
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++)
        becomes(ODBC_DOUBLE, view_of(&doubles[i].number, sizeof(double)), doubles[i].text);
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++)
        becomes(ODBC_FLOAT, view_of(&floats[i].number, sizeof(float)), floats[i].text);
    becomes(ODBC_DECIMAL, view_text("1.230"), "1.230");
    becomes(ODBC_DECIMAL, view_text(".5"), "0.5");
    becomes(ODBC_DECIMAL, view_text("-.50"), "-0.50");
    becomes(ODBC_DECIMAL, view_text(""), "");
    is_refused(ODBC_DECIMAL, view_text("1 000"), "no number");
    becomes(ODBC_BIT, view_of("\0", 1), "0");
    becomes(ODBC_BIT, view_of("\1", 1), "1");
}

static void times(void **state)
{
    (void)state;
    SQL_DATE_STRUCT date = {2024, 2, 29};
    SQL_TIMESTAMP_STRUCT stamp = {1999, 12, 31, 23, 59, 59, 0};
    becomes(ODBC_DATE, view_of(&date, sizeof date), "2024-02-29");
    becomes(ODBC_TIMESTAMP, view_of(&stamp, sizeof stamp), "1999-12-31 23:59:59");
    stamp.fraction = 500000000;
    becomes(ODBC_TIMESTAMP, view_of(&stamp, sizeof stamp), "1999-12-31 23:59:59.5");
    stamp.fraction = 1;
    becomes(ODBC_TIMESTAMP, view_of(&stamp, sizeof stamp), "1999-12-31 23:59:59.000000001");
    stamp.hour = 24;
    is_refused(ODBC_TIMESTAMP, view_of(&stamp, sizeof stamp), "a time that is none");
    date.month = 13;
    is_refused(ODBC_DATE, view_of(&date, sizeof date), "a date that");
    date = (SQL_DATE_STRUCT){-44, 3, 15};
    is_refused(ODBC_DATE, view_of(&date, sizeof date), "no year of four digits");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(numbers),
        cmocka_unit_test(times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
