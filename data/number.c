/* Numbers of up to eight bytes without an exponent are read in one word, without a loop. For others one pass collects
 * sign, up to 19 digits and the exponent; most then take one exact multiplication or division, longer ones an exact
 * 128-bit one; only the rest pay for strtod. */
#include "data/number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(FLT_EVAL_METHOD == 0, "a product of two doubles is rounded once");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "short numbers are read as little-endian words");

enum {
    DIGITS_MAX = 19,       /* as many decimal digits as a uint64_t always holds */
    EXACT_POWER_MAX = 22,  /* 10^22 is the largest power of ten that is a double */
    WIDE_POWER_MAX = 27,   /* 5^27 is the largest power of five below 2^63 */
    EXPONENT_MAX = 100000, /* beyond it every number of NUMBER_MAX_BYTES digits is 0 or overflows */
    SHIFT_MAX = 22,
};

static const double exact_power[EXACT_POWER_MAX + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                        1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                        1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

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
    for (int k = 0; k <= SHIFT_MAX; k++) {
        if (factor == exact_power[k]) format.decimal_shift = k;
        if (factor == 1 / exact_power[k]) format.decimal_shift = -k;
    }
    if (format.decimal_shift) format.factor = 1;
    return format;
}

static bool is_digit(uint8_t byte)
{
    return (uint8_t)(byte - '0') < 10;
}

/* Reads digits into the decimal; `weight` is -1 behind the decimal mark, where each digit lowers the exponent. */
static const uint8_t *read_digits(const uint8_t *at, const uint8_t *end, int weight, struct decimal *decimal, int *kept)
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
    if (at == end || text.length > NUMBER_MAX_BYTES) return false;
    decimal->exact = true;
    decimal->negative = *at == '-';
    if (*at == '-' || *at == '+') at++;
    int kept = 0;
    const uint8_t *start = at;
    at = read_digits(at, end, 0, decimal, &kept);
    long count = at - start;
    if (at < end && *at == mark) {
        start = ++at;
        at = read_digits(at, end, -1, decimal, &kept);
        count += at - start;
    }
    return count > 0 && read_exponent(at, end, decimal);
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
    uint64_t five = 1;
    int power = exponent < 0 ? -exponent : exponent;
    for (int k = 0; k < power; k++) five *= 5;
    if (exponent >= 0) return compose((unsigned __int128)digits * five, exponent);
    int zeros = __builtin_clzll(digits);
    unsigned __int128 numerator = (unsigned __int128)(digits << zeros) << 63;
    unsigned __int128 quotient = numerator / five; /* at least 2^63: ten bits more than are kept */
    quotient |= quotient * five != numerator;      /* what is left over only matters as "more than nothing" */
    return compose(quotient, exponent - zeros - 63);
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

/* Up to eight bytes as a word, the first in its lowest byte, zeros above the last. */
static uint64_t word_of(struct view text)
{
    uint64_t word = 0;
    if (text.length == sizeof word) {
        memcpy(&word, text.data, sizeof word);
    } else if (text.length >= 4) { /* two loads that overlap, where the bytes agree */
        uint32_t first, last;
        memcpy(&first, text.data, sizeof first);
        memcpy(&last, text.data + text.length - sizeof last, sizeof last);
        word = first | (uint64_t)last << (8 * (text.length - sizeof last));
    } else {
        for (size_t k = 0; k < text.length; k++) word |= (uint64_t)text.data[k] << (8 * k);
    }
    return word;
}

/* A number of up to eight bytes: digits, one mark at most, a minus at most. False when it is anything else. */
static inline bool read_short(struct view text, uint8_t mark, struct decimal *decimal)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word = word_of(text);
    size_t length = text.length;
    decimal->exponent = 0;
    decimal->negative = (uint8_t)word == '-';
    if (decimal->negative) {
        word >>= 8;
        length--;
    }
    uint64_t other = word ^ (ones * mark); /* a zero byte where the mark is */
    uint64_t found = (other - ones) & ~other & (ones << 7);
    if (found) {
        int at = __builtin_ctzll(found) / 8;
        uint64_t before = (UINT64_C(1) << (8 * at)) - 1;
        word = (word & before) | ((word >> 8) & ~before);
        length--;
        decimal->exponent = at - (int)length;
    }
    if (length == 0) return false;
    /* Leading zeros up to eight digits. */
    if (length < sizeof word) word = word << (8 * (8 - length)) | (ones * '0') >> (8 * length);
    if (((word & (ones * 0xf0)) | (((word + ones * 6) & (ones * 0xf0)) >> 4)) != ones * 0x33) return false;
    /* Neighbouring digits become pairs, pairs fours, fours the number. */
    word -= ones * '0';
    word = word * 10 + (word >> 8);
    decimal->digits = ((word & UINT64_C(0x000000ff000000ff)) * (100 + (UINT64_C(1000000) << 32)) +
                       ((word >> 16) & UINT64_C(0x000000ff000000ff)) * (1 + (UINT64_C(10000) << 32))) >>
                      32;
    return true;
}

/* The unit, and what no number may be. */
static bool finish(double value, const struct number_format *format, double *ret)
{
    if (format->factor != 0 && format->factor != 1) value *= format->factor;
    if (format->offset != 0) value += format->offset;
    if (!isfinite(value)) return false;
    *ret = value;
    return true;
}

/* digits · 10^exponent, both exact as doubles: one operation, so one correct rounding. */
static double exact_value(uint64_t digits, int exponent)
{
    double value = (double)digits;
    return exponent < 0 ? value / exact_power[-exponent] : value * exact_power[exponent];
}

/* Out of the way of the short path, which needs none of its registers. */
static __attribute__((noinline)) bool parse_long(struct view text, const struct number_format *format, double *ret)
{
    struct decimal decimal = {0};
    if (!read_decimal(text, format->decimal_comma ? ',' : '.', &decimal)) return false;
    int exponent = decimal.exponent + format->decimal_shift;
    int size = exponent < 0 ? -exponent : exponent;
    double value = 0;
    if (decimal.digits == 0) {
        value = 0;
    } else if (decimal.exact && decimal.digits < (uint64_t)1 << DBL_MANT_DIG && size <= EXACT_POWER_MAX) {
        value = exact_value(decimal.digits, exponent);
    } else if (decimal.exact && size <= WIDE_POWER_MAX) {
        value = wide(decimal.digits, exponent);
    } else {
        if (!by_strtod(text, decimal.written + format->decimal_shift, &value)) return false;
        decimal.negative = false; /* the sign was in the text */
    }
    return finish(decimal.negative ? -value : value, format, ret);
}

bool number_parse(struct view text, const struct number_format *format, double *ret)
{
    struct decimal decimal;
    if (text.length - 1 >= sizeof(uint64_t) || !read_short(text, format->decimal_comma ? ',' : '.', &decimal))
        return parse_long(text, format, ret);
    int exponent = decimal.exponent + format->decimal_shift;
    if (exponent < -EXACT_POWER_MAX || exponent > EXACT_POWER_MAX) return parse_long(text, format, ret);
    double value = exponent ? exact_value(decimal.digits, exponent) : (double)decimal.digits;
    return finish(decimal.negative ? -value : value, format, ret);
}
