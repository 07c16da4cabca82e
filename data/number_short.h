/* The short way of number_parse: up to eight bytes without an exponent, as nearly all numbers of a bank's file are,
 * read as one word, without a loop. Inline, for the table's inner loop. */
#ifndef DATA_NUMBER_SHORT_H
#define DATA_NUMBER_SHORT_H

#include "data/number.h"
#include "data/word.h"

#define NUMBER_POWER_MAX 22 /* 10^22 is the largest power of ten that is a double */
#define NUMBER_ONES UINT64_C(0x0101010101010101)

extern const double number_power[NUMBER_POWER_MAX + 1]; /* of ten */

/* Eight digits as a number; false when one of the bytes is none. */
static inline bool number_eight_digits(uint64_t word, uint64_t *ret)
{
    const uint64_t high = NUMBER_ONES * 0xf0;
    if (((word & high) | (((word + NUMBER_ONES * 6) & high) >> 4)) != NUMBER_ONES * 0x33) return false;
    /* Neighbouring digits become pairs, pairs fours, fours the number. */
    word -= NUMBER_ONES * '0';
    word = word * 10 + (word >> 8);
    *ret = ((word & UINT64_C(0x000000ff000000ff)) * (100 + (UINT64_C(1000000) << 32)) +
            ((word >> 16) & UINT64_C(0x000000ff000000ff)) * (1 + (UINT64_C(10000) << 32))) >>
           32;
    return true;
}

/* digits · 10^exponent, both exact as doubles: one operation, so one correct rounding. */
static inline double number_exact(uint64_t digits, int exponent)
{
    double value = (double)digits, power = number_power[exponent < 0 ? -exponent : exponent];
    return exponent < 0 ? value / power : value * power;
}

/* False when the text is anything else than a short number without a factor; number_parse then knows. */
static inline bool number_short(struct view text, const struct number_format *format, double *ret)
{
    if (text.length - 1 >= WORD_BYTES || format->scaled) return false;
    uint64_t word = word_of(text), digits;
    size_t length = text.length;
    int exponent = format->decimal_shift;
    bool negative = (uint8_t)word == '-';
    if (negative) {
        word >>= 8;
        length--;
    }
    uint64_t other = word ^ (NUMBER_ONES * (format->decimal_comma ? ',' : '.')); /* a zero byte where the mark is */
    uint64_t found = (other - NUMBER_ONES) & ~other & (NUMBER_ONES << 7);
    if (found) {
        int at = __builtin_ctzll(found) / 8;
        uint64_t before = (UINT64_C(1) << (8 * at)) - 1;
        word = (word & before) | ((word >> 8) & ~before);
        length--;
        exponent += at - (int)length;
    }
    if (length == 0 || exponent < -NUMBER_POWER_MAX || exponent > NUMBER_POWER_MAX) return false;
    /* Leading zeros up to eight digits. */
    if (length < WORD_BYTES) word = word << (8 * (8 - length)) | (NUMBER_ONES * '0') >> (8 * length);
    if (!number_eight_digits(word, &digits)) return false;
    double value = number_exact(digits, exponent);
    *ret = negative ? -value : value;
    return true;
}

#endif
