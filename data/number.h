/* Strict decimal numbers: exactly the double that strtod gives in the C locale, and nothing strtod is generous about.
 *
 * Accepted: [+-] digits [. digits] [e [+-] digits], with at least one digit before the exponent and every byte used.
 * Refused: blanks, nan, inf, hexadecimal, anything that overflows a double, more than NUMBER_MAX_BYTES.
 */
#ifndef DATA_NUMBER_H
#define DATA_NUMBER_H

#include "crypto/base/bytes.h"

/* 767 significant digits tell any two doubles and their midpoints apart; longer is no number a bank exports. */
#define NUMBER_MAX_BYTES 1000u

struct number_format {
    bool decimal_comma; /* the decimal mark is ',' instead of '.' */
    int decimal_shift;  /* the value is text · 10^decimal_shift, rounded once: "12.345" shifted by 3 is 12345 */
    bool scaled;        /* then it is multiplied by factor, and offset is added */
    double factor, offset;
};

/* With this unit, factor not 0: a power of ten becomes a shift, so that thousands are exact. A zeroed format is plain.
 */
struct number_format number_format_of(bool decimal_comma, double factor, double offset);

/* False, with *ret untouched, when the text is no number. -0 stays -0. */
bool number_parse(struct view text, const struct number_format *format, double *ret);

#endif
