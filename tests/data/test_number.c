#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "data/number.h"

enum { SWEEP = 400000, TEXT_MAX = 64 };

static const struct number_format plain = {0};
static uint64_t seed = UINT64_C(0x2545F4914F6CDD1D);

static uint64_t draw(uint64_t bound)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed >> 11) % bound;
}

static void expect_same(const char *text, const char *reference, const struct number_format *format)
{
    double want = strtod(reference, NULL), got = -77;
    bool taken = number_parse(view_text(text), format, &got);
    if (!isfinite(want)) {
        assert_false(taken);
        return;
    }
    if (!taken || memcmp(&got, &want, sizeof got) != 0) fail_msg("%s: %a instead of %a", text, got, want);
}

/* Digits of every number, with the mark anywhere, with and without sign and exponent. */
static void draw_text(char text[TEXT_MAX], unsigned digits, int reach)
{
    size_t at = 0;
    uint64_t sign = draw(4);
    if (sign == 0) text[at++] = '-';
    if (sign == 1) text[at++] = '+';
    unsigned mark = (unsigned)draw(digits + 2);
    for (unsigned k = 0; k < digits; k++) {
        if (k == mark) text[at++] = '.';
        text[at++] = (char)('0' + (draw(6) ? draw(10) : 0));
    }
    if (mark == digits) text[at++] = '.';
    text[at] = 0;
    if (draw(2))
        (void)snprintf(text + at, TEXT_MAX - at, "%c%d", draw(2) ? 'e' : 'E', (int)draw((uint64_t)reach) - reach / 2);
}

static void is_what_strtod_gives(void **state)
{
    (void)state;
    char text[TEXT_MAX];
    for (int k = 0; k < SWEEP; k++) {
        draw_text(text, 1 + (unsigned)draw(k % 2 ? 8 : 24), k % 3 == 0 ? 700 : 60);
        expect_same(text, text, &plain);
    }
}

static void doubles_come_back(void **state)
{
    (void)state;
    char text[TEXT_MAX];
    for (int k = 0; k < SWEEP; k++) {
        uint64_t bits = (draw(UINT64_C(1) << 52) << 12) ^ draw(UINT64_C(1) << 52);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) continue;
        if (k % 2) value = ldexp((double)(int64_t)bits, -(int)draw(80));
        (void)snprintf(text, sizeof text, "%.*g", 15 + (int)draw(6), value);
        expect_same(text, text, &plain);
    }
}

/* Halves between two doubles, and what lies just beside them. */
static void ties_round_to_even(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "9007199254740993",
        "9007199254740992.5",
        "9007199254740993.0000001",
        "9007199254740994.999",
        "18014398509481985e3",
        "1.00000000000000011102230246251565404236316680908203125",
        "1.00000000000000011102230246251565404236316680908203124",
        "1.00000000000000011102230246251565404236316680908203126",
        "4.9406564584124654e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.2250738585072011e-308",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "9999999999999999999",
        "99999999999999999999",
        "18446744073709551615",
        "18446744073709551616",
        "0.1e-27",
        "123456789012345678e-27",
        "0e999999999999",
        "0.0000000000000000000000000000000000001",
        "1e22",
        "1e23",
        "8.5e22",
    };
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) expect_same(texts[k], texts[k], &plain);
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",        " ",     "+",     "-",   ".",     "-.",     "e5",   ".e5",
        "1e",      "1e+",   "1e-",   "1 ",  " 1",    "1a",     "1..2", "1.2.3",
        "1,5",     "0x10",  "1e5.5", "nan", "inf",   "-inf",   "NaN",  "infinity",
        "1_000",   "1e5e5", "--1",   "+-1", "1e999", "-1e999", "1\t",  "1.7976931348623159e308",
        "\xd9\xa1"};
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        double value = 5;
        if (number_parse(view_text(texts[k]), &plain, &value)) fail_msg("\"%s\" was taken for %g", texts[k], value);
        assert_true(value == 5);
    }
    double value = 5;
    assert_false(number_parse(view_of("1\0", 2), &plain, &value));
    char digits[NUMBER_MAX_BYTES + 2];
    memset(digits, '1', sizeof digits);
    digits[1] = '.';
    assert_true(number_parse(view_of(digits, NUMBER_MAX_BYTES), &plain, &value));
    assert_true(value == 1.0 + 1.0 / 9);
    assert_false(number_parse(view_of(digits, NUMBER_MAX_BYTES + 1), &plain, &value));
}

static void minus_zero_stays(void **state)
{
    (void)state;
    double value = 5;
    assert_true(number_parse(view_text("-0.00"), &plain, &value));
    assert_true(value == 0 && signbit(value));
}

/* The same text as in a column without its unit: "1.001" thousands is exactly 1001. */
static void units_of_ten_are_exact(void **state)
{
    (void)state;
    static const double factors[] = {10, 1000, 1e6, 0.1, 0.01, 0.001};
    static const int shifts[] = {1, 3, 6, -1, -2, -3};
    char text[TEXT_MAX], reference[2 * TEXT_MAX];
    for (int k = 0; k < SWEEP / 4; k++) {
        int which = (int)draw(6);
        struct number_format format = number_format_of(k % 2, factors[which], 0);
        draw_text(text, 1 + (unsigned)draw(22), 1);
        char *exponent = strpbrk(text, "eE");
        if (exponent) *exponent = 0;
        (void)snprintf(reference, sizeof reference, "%se%d", text, shifts[which]);
        char *mark = strchr(text, '.');
        if (mark && k % 2) *mark = ',';
        expect_same(text, reference, &format);
    }
    struct number_format celsius = number_format_of(false, 1 / 1.8, -32 / 1.8);
    double value;
    assert_true(number_parse(view_text("212"), &celsius, &value));
    assert_true(value == 212 * (1 / 1.8) + -32 / 1.8);
    struct number_format comma = number_format_of(true, 1, 0);
    assert_false(number_parse(view_text("1.5"), &comma, &value));
    assert_true(number_parse(view_text("1,5"), &comma, &value) && value == 1.5);
    assert_true(number_parse(view_text("1,23456789012345678901234"), &comma, &value) && value == 1.2345678901234568);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_what_strtod_gives), cmocka_unit_test(doubles_come_back),
        cmocka_unit_test(ties_round_to_even),   cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(minus_zero_stays),     cmocka_unit_test(units_of_ten_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
