/* Short numbers take number_short. For others one pass collects sign, up to 19 digits and the exponent; most then take
 * one exact multiplication or division, longer ones an exact 128-bit one; only the rest pay for strtod. */
#include "data/number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/number_short.h"

_Static_assert(FLT_EVAL_METHOD == 0, "a product of two doubles is rounded once");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "short numbers are read as little-endian words");

enum {
    DIGITS_MAX = 19,       /* as many decimal digits as a uint64_t always holds */
    WIDE_POWER_MAX = 27,   /* 5^27 is the largest power of five below 2^63 */
    EXPONENT_MAX = 100000, /* beyond it every number of NUMBER_MAX_BYTES digits is 0 or overflows */
};

const double number_power[NUMBER_POWER_MAX + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static const uint64_t power_of_five[WIDE_POWER_MAX + 1] = {
    UINT64_C(1),
    UINT64_C(5),
    UINT64_C(25),
    UINT64_C(125),
    UINT64_C(625),
    UINT64_C(3125),
    UINT64_C(15625),
    UINT64_C(78125),
    UINT64_C(390625),
    UINT64_C(1953125),
    UINT64_C(9765625),
    UINT64_C(48828125),
    UINT64_C(244140625),
    UINT64_C(1220703125),
    UINT64_C(6103515625),
    UINT64_C(30517578125),
    UINT64_C(152587890625),
    UINT64_C(762939453125),
    UINT64_C(3814697265625),
    UINT64_C(19073486328125),
    UINT64_C(95367431640625),
    UINT64_C(476837158203125),
    UINT64_C(2384185791015625),
    UINT64_C(11920928955078125),
    UINT64_C(59604644775390625),
    UINT64_C(298023223876953125),
    UINT64_C(1490116119384765625),
    UINT64_C(7450580596923828125),
};

struct decimal {
    uint64_t digits; /* the first 19 significant ones */
    int exponent;    /* value = digits · 10^exponent, when exact */
    int written;     /* the exponent behind the e */
    bool negative;
    bool exact; /* no significant digit was dropped */
};

struct number_format number_format_of(bool decimal_comma, double factor, double offset)
{
    struct number_format format = {.decimal_comma = decimal_comma, .factor = factor, .offset = offset};
    for (int k = 0; k <= NUMBER_POWER_MAX; k++) {
        if (factor == number_power[k]) format.decimal_shift = k;
        if (factor == 1 / number_power[k]) format.decimal_shift = -k;
    }
    if (format.decimal_shift) format.factor = 1;
    format.scaled = format.factor != 1 || offset != 0;
    return format;
}

static bool is_digit(uint8_t byte)
{
    return (uint8_t)(byte - '0') < 10;
}

/* Digits behind those that *digits holds; it wraps when there are more than DIGITS_MAX. */
static const uint8_t *take_digits(const uint8_t *at, const uint8_t *end, uint64_t *digits)
{
    while (end - at >= 8) {
        uint64_t word, eight;
        memcpy(&word, at, sizeof word);
        if (!number_eight_digits(word, &eight)) break;
        *digits = *digits * 100000000 + eight;
        at += 8;
    }
    for (; at < end && is_digit(*at); at++) *digits = *digits * 10 + (uint64_t)(*at - '0');
    return at;
}

/* The first DIGITS_MAX significant digits of many; `weight` is -1 behind the decimal mark, where each digit lowers the
 * exponent. */
static const uint8_t *take_significant(const uint8_t *at, const uint8_t *end, int weight, struct decimal *decimal,
                                       int *kept)
{
    for (; at < end && is_digit(*at); at++) {
        if (*kept < DIGITS_MAX) {
            decimal->digits = decimal->digits * 10 + (uint64_t)(*at - '0');
            decimal->exponent += weight;
            *kept += decimal->digits != 0; /* leading zeros are not significant */
        } else {
            decimal->exponent += 1 + weight;
            decimal->exact = decimal->exact && *at == '0';
        }
    }
    return at;
}

static bool read_exponent(const uint8_t *at, const uint8_t *end, struct decimal *decimal)
{
    if (at == end) return true;
    if ((*at | 0x20) != 'e') return false;
    at++;
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) at++;
    if (at == end) return false;
    int exponent = 0;
    for (; at < end && is_digit(*at); at++)
        if (exponent < EXPONENT_MAX) exponent = exponent * 10 + (*at - '0');
    decimal->written = negative ? -exponent : exponent;
    decimal->exponent += decimal->written;
    return at == end;
}

static bool read_decimal(struct view text, uint8_t mark, struct decimal *decimal)
{
    const uint8_t *at = text.data, *end = text.data + text.length;
    if (text.length == 0 || text.length > NUMBER_MAX_BYTES) return false;
    *decimal = (struct decimal){.negative = *at == '-', .exact = true};
    if (*at == '-' || *at == '+') at++;
    const uint8_t *start = at, *whole = take_digits(start, end, &decimal->digits), *behind = whole;
    if (whole < end && *whole == mark) {
        behind = whole + 1;
        at = take_digits(behind, end, &decimal->digits);
    } else {
        at = whole;
    }
    long count = (whole - start) + (at - behind);
    if (count == 0) return false;
    decimal->exponent = (int)(behind - at);
    if (count > DIGITS_MAX) {
        int kept = 0;
        decimal->digits = 0;
        decimal->exponent = 0;
        (void)take_significant(start, whole, 0, decimal, &kept);
        (void)take_significant(behind, at, -1, decimal, &kept);
    }
    return read_exponent(at, end, decimal);
}

/* 2^exponent within the range of normal doubles. */
static double power_of_two(int exponent)
{
    uint64_t bits = (uint64_t)(exponent + DBL_MAX_EXP - 1) << (DBL_MANT_DIG - 1);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* quotient · 2^exponent rounded half to even to 53 bits; the result is far from the ends of double's range. */
static double compose(unsigned __int128 quotient, int exponent)
{
    uint64_t high = (uint64_t)(quotient >> 64);
    int bits = high ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll((uint64_t)quotient);
    int shift = bits - DBL_MANT_DIG;
    if (shift <= 0) return (double)(uint64_t)quotient * power_of_two(exponent);
    uint64_t kept = (uint64_t)(quotient >> shift);
    unsigned __int128 rest = quotient & (((unsigned __int128)1 << shift) - 1);
    unsigned __int128 half = (unsigned __int128)1 << (shift - 1);
    kept += rest > half || (rest == half && (kept & 1));
    return (double)kept * power_of_two(shift + exponent);
}

/* digits · 10^exponent for |exponent| <= WIDE_POWER_MAX, digits > 0, through exact integers. */
static double wide(uint64_t digits, int exponent)
{
    if (exponent >= 0) return compose((unsigned __int128)digits * power_of_five[exponent], exponent);
    /* Both sides get their highest bit; the quotient then has 63 or 64 bits, ten more than are kept. */
    uint64_t divisor = power_of_five[-exponent];
    int zeros = __builtin_clzll(digits), divisor_zeros = __builtin_clzll(divisor);
    unsigned __int128 numerator = (unsigned __int128)(digits << zeros) << 63;
    divisor <<= divisor_zeros;
    uint64_t quotient = (uint64_t)(numerator / divisor);
    quotient |= (unsigned __int128)quotient * divisor != numerator; /* a rest only matters as "more than nothing" */
    return compose(quotient, exponent - zeros - 63 + divisor_zeros);
}

/* The text with '.' and its exponent moved, for strtod. The programs never leave the C locale. */
static bool by_strtod(struct view text, int exponent, double *ret)
{
    char copy[NUMBER_MAX_BYTES + 32];
    size_t length = 0;
    for (; length < text.length && (text.data[length] | 0x20) != 'e'; length++)
        copy[length] = text.data[length] == ',' ? '.' : (char)text.data[length];
    (void)snprintf(copy + length, sizeof copy - length, "e%d", exponent);
    *ret = strtod(copy, NULL);
    return isfinite(*ret);
}

bool number_parse(struct view text, const struct number_format *format, double *ret)
{
    if (number_short(text, format, ret)) return true;
    struct decimal decimal;
    if (!read_decimal(text, format->decimal_comma ? ',' : '.', &decimal)) return false;
    int exponent = decimal.exponent + format->decimal_shift;
    int size = exponent < 0 ? -exponent : exponent;
    double value = 0;
    if (decimal.digits == 0) {
        value = 0;
    } else if (decimal.exact && decimal.digits < (uint64_t)1 << DBL_MANT_DIG && size <= NUMBER_POWER_MAX) {
        value = number_exact(decimal.digits, exponent);
    } else if (decimal.exact && size <= WIDE_POWER_MAX) {
        value = wide(decimal.digits, exponent);
    } else {
        if (!by_strtod(text, decimal.written + format->decimal_shift, &value)) return false;
        decimal.negative = false; /* the sign was in the text */
    }
    if (decimal.negative) value = -value;
    if (format->scaled) value = value * format->factor + format->offset;
    if (!isfinite(value)) return false;
    *ret = value;
    return true;
}
