#include "crypto/base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Length of the character at p, or 0 when it is not well-formed; its code point in *ret. */
static size_t character(const uint8_t *p, size_t left, uint32_t *ret)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = p[0] < 0x80             ? 1
                    : (p[0] & 0xE0) == 0xC0 ? 2
                    : (p[0] & 0xF0) == 0xE0 ? 3
                    : (p[0] & 0xF8) == 0xF0 ? 4
                                            : 0;
    if (length == 0 || length > left) return 0;
    static const uint8_t bits[5] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t code = p[0] & bits[length];
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
        code = code << 6 | (p[i] & 0x3F);
    }
    if (code < least[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return 0;
    *ret = code;
    return length;
}

bool text_utf8(struct view text)
{
    for (size_t at = 0; at < text.length;) {
        uint32_t code;
        size_t length = character(text.data + at, text.length - at, &code);
        if (length == 0) return false;
        at += length;
    }
    return true;
}

/* The controls of ASCII and Latin-1, line and paragraph separators, what turns the direction of writing, and what is
 * not seen at all: a name that reads as another one. */
static bool is_control(uint32_t code)
{
    static const uint32_t ranges[][2] = {
        {0x00, 0x1F},     {0x7F, 0x9F},     {0xAD, 0xAD},     {0x061C, 0x061C}, {0x180E, 0x180E}, {0x200B, 0x200F},
        {0x2028, 0x202E}, {0x2060, 0x206F}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE01EF},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i][0] && code <= ranges[i][1]) return true;
    return false;
}

/* Length of the printable character at p, or 0. `but`: ASCII controls that are let through. */
static size_t printable(const uint8_t *p, size_t left, const char *but)
{
    uint32_t code;
    size_t length = character(p, left, &code);
    if (length == 0 || !is_control(code)) return length;
    return code > 0 && code < 0x7F && strchr(but, (int)code) ? length : 0;
}

bool text_printable(struct view text, const char *but)
{
    for (size_t at = 0; at < text.length;) {
        size_t length = printable(text.data + at, text.length - at, but);
        if (length == 0) return false;
        at += length;
    }
    return true;
}

size_t text_plain(struct view text, const char *but, char piece[TEXT_PIECE_BYTES])
{
    size_t length = printable(text.data, text.length, but);
    if (length > 0) {
        memcpy(piece, text.data, length);
        piece[length] = 0;
        return length;
    }
    static const char hex[] = "0123456789abcdef";
    const char escape[TEXT_PIECE_BYTES] = {'\\', 'x', hex[text.data[0] >> 4], hex[text.data[0] & 15], 0};
    memcpy(piece, escape, sizeof escape);
    return 1;
}

struct result text_put_plain(struct view text, const char *but, struct buffer *out)
{
    char piece[TEXT_PIECE_BYTES];
    while (text.length > 0) {
        size_t taken = text_plain(text, but, piece);
        TRY(buffer_text(out, piece));
        text = view_of(text.data + taken, text.length - taken);
    }
    return RESULT_OK;
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct result text_base64(struct view bytes, struct buffer *out)
{
    TRY(buffer_reserve(out, bytes.length / 3 * 4 + 4));
    for (size_t at = 0; at < bytes.length; at += 3) {
        size_t left = bytes.length - at;
        uint32_t group = (uint32_t)bytes.data[at] << 16;
        if (left > 1) group |= (uint32_t)bytes.data[at + 1] << 8;
        if (left > 2) group |= bytes.data[at + 2];
        uint8_t four[4] = {(uint8_t)digits[group >> 18], (uint8_t)digits[group >> 12 & 63],
                           left > 1 ? (uint8_t)digits[group >> 6 & 63] : '=',
                           left > 2 ? (uint8_t)digits[group & 63] : '='};
        TRY(buffer_append(out, view_of(four, sizeof four)));
    }
    return RESULT_OK;
}

/* Bits of the groups of four; false at anything that the encoder would not have written. */
static bool unbase64_group(const uint8_t four[4], bool last, uint8_t three[3], size_t *ret_length)
{
    size_t padding = four[3] != '=' ? 0 : four[2] != '=' ? 1 : 2;
    if (padding && !last) return false;
    uint32_t group = 0;
    for (size_t i = 0; i < 4 - padding; i++) {
        const char *digit = four[i] ? strchr(digits, four[i]) : NULL;
        if (!digit) return false;
        group |= (uint32_t)(digit - digits) << (18 - 6 * i);
    }
    if (group & (padding == 2 ? 0xFFFFu : padding == 1 ? 0xFFu : 0u)) return false;
    for (size_t i = 0; i < 3; i++) three[i] = (uint8_t)(group >> (16 - 8 * i));
    *ret_length = 3 - padding;
    return true;
}

struct result text_unbase64(struct view text, struct buffer *out)
{
    ENSURE(text.length % 4 == 0, CATEGORY_FALSE, "the text is not base64");
    TRY(buffer_reserve(out, text.length / 4 * 3));
    size_t start = out->length;
    for (size_t at = 0; at < text.length; at += 4) {
        uint8_t three[3];
        size_t length;
        if (!unbase64_group(text.data + at, at + 4 == text.length, three, &length)) {
            out->length = start;
            return FAIL(CATEGORY_FALSE, "the text is not base64");
        }
        TRY(buffer_append(out, view_of(three, length)));
    }
    return RESULT_OK;
}

bool text_number(const char *text, double *ret)
{
    const char *p = text + (*text == '-');
    size_t whole = strspn(p, "0123456789");
    p += whole;
    if (whole == 0) return false;
    if (*p == '.') {
        size_t fraction = strspn(p + 1, "0123456789");
        if (fraction == 0) return false;
        p += 1 + fraction;
    }
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '+' || *p == '-';
        size_t exponent = strspn(p, "0123456789");
        if (exponent == 0) return false;
        p += exponent;
    }
    if (*p) return false;
    double value = strtod(text, NULL);
    if (!isfinite(value)) return false;
    *ret = value == 0 ? 0 : value; /* -0 becomes 0 */
    return true;
}

bool text_whole(const char *text, uint64_t *ret)
{
    size_t length = strlen(text);
    if (length == 0 || length > 19 || strspn(text, "0123456789") != length) return false;
    if (text[0] == '0' && length > 1) return false;
    *ret = strtoull(text, NULL, 10); /* 19 digits always fit */
    return true;
}
