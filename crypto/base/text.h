/* Text from outside: UTF-8, base64, strict numbers. All of them accept one spelling only. */
#ifndef CRYPTO_BASE_TEXT_H
#define CRYPTO_BASE_TEXT_H

#include "crypto/base/bytes.h"

/* Shortest-form UTF-8 (RFC 3629): no surrogates, nothing above U+10FFFF. */
bool text_utf8(struct view text);
/* UTF-8 without control characters: no byte below 0x20 but those in `but`, no DEL, no C1 control (U+0080 to U+009F), no
 * line or paragraph separator, nothing that turns the direction of writing or is not seen at all. */
bool text_printable(struct view text, const char *but);
/* What a terminal may be sent for the beginning of a text that is not empty: its first printable character, or \xNN for
 * a byte that belongs to none. The piece ends with a NUL; returns how many bytes of the text it stands for. */
enum { TEXT_PIECE_BYTES = 5 };
size_t text_plain(struct view text, const char *but, char piece[TEXT_PIECE_BYTES]);
/* A whole text so, appended. */
MUST_USE struct result text_put_plain(struct view text, const char *but, struct buffer *out);

/* Base64 (RFC 4648, section 4) with padding. Decoding appends and takes the canonical form only: no blanks, no line
 * ends, zero bits at the end; else CATEGORY_FALSE, out untouched. */
MUST_USE struct result text_base64(struct view bytes, struct buffer *out);
MUST_USE struct result text_unbase64(struct view text, struct buffer *out);

/* A decimal number: [-]digits[.digits][e[+-]digits], nothing around it, finite; false leaves *ret alone. The text ends
 * with a NUL. Correctly rounded, independent of the locale as long as no program sets one (none does). */
bool text_number(const char *text, double *ret);
/* A whole number: digits without a sign or a leading zero. */
bool text_whole(const char *text, uint64_t *ret);

#endif
