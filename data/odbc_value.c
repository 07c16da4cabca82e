#include "data/odbc_value.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <sql.h>
#include <sqlext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/number.h"
#include "data/odbc.h"
#include "data/utf8.h"

_Static_assert(sizeof(SQLWCHAR) == 2, "unixODBC is built for UTF-16");
_Static_assert(sizeof(SQLDOUBLE) == sizeof(double) && sizeof(SQLREAL) == sizeof(float), "C's own numbers");
enum { UNIT = sizeof(SQLWCHAR), NUMBER_TEXT = 40 };

size_t odbc_value_size(enum odbc_kind kind)
{
    switch (kind) {
    case ODBC_TEXT:
    case ODBC_GUID:
        return (ODBC_TEXT_MAX + 1) * UNIT;
    case ODBC_UTF8:
        return ODBC_TEXT_MAX + 1;
    case ODBC_DECIMAL:
        return NUMBER_MAX_BYTES + 1;
    case ODBC_DOUBLE:
        return sizeof(double);
    case ODBC_FLOAT:
        return sizeof(float);
    case ODBC_BIT:
        return 1;
    case ODBC_DATE:
        return sizeof(SQL_DATE_STRUCT);
    case ODBC_TIMESTAMP:
        return sizeof(SQL_TIMESTAMP_STRUCT);
    }
    return 0;
}

size_t odbc_value_unit(enum odbc_kind kind)
{
    if (kind == ODBC_TEXT || kind == ODBC_GUID) return UNIT;
    return kind == ODBC_UTF8 || kind == ODBC_DECIMAL ? 1 : 0;
}

/* --- UTF-16 --- */

static uint32_t unit_at(struct view utf16, size_t index)
{
    SQLWCHAR unit;
    memcpy(&unit, utf16.data + index * UNIT, UNIT);
    return unit;
}

static struct result put_character(uint32_t character, struct buffer *out)
{
    static const uint32_t most[] = {0x7f, 0x7ff, 0xffff}; /* of 1, 2, 3 bytes */
    static const uint8_t first[] = {0, 0xc0, 0xe0, 0xf0};
    unsigned more = 0;
    while (more < 3 && character > most[more]) more++;
    TRY(buffer_u8(out, (uint8_t)(first[more] | character >> (6 * more))));
    while (more-- > 0) TRY(buffer_u8(out, (uint8_t)(0x80 | (character >> (6 * more) & 0x3f))));
    return RESULT_OK;
}

struct result odbc_utf8(struct view utf16, struct buffer *out)
{
    const size_t units = utf16.length / UNIT;
    ENSURE(utf16.length % UNIT == 0, CATEGORY_USAGE, "half a character; does the driver speak UTF-16?");
    for (size_t k = 0; k < units; k++) {
        uint32_t unit = unit_at(utf16, k);
        ENSURE(unit, CATEGORY_USAGE, "a NUL in a text; leave the column out, or take it out of the text");
        if ((unit & 0xf800) == 0xd800) {
            uint32_t low = k + 1 < units ? unit_at(utf16, k + 1) : 0;
            ENSURE(unit < 0xdc00 && (low & 0xfc00) == 0xdc00, CATEGORY_USAGE,
                   "half a character of UTF-16; correct the text, or what the database takes its encoding for");
            unit = 0x10000 + ((unit & 0x3ff) << 10 | (low & 0x3ff));
            k++;
        }
        TRY(put_character(unit, out));
    }
    return RESULT_OK;
}

static struct result put_unit(uint32_t unit, struct buffer *out)
{
    SQLWCHAR own = (SQLWCHAR)unit;
    return buffer_append(out, view_of(&own, UNIT));
}

struct result odbc_utf16(const char *utf8, struct buffer *out)
{
    const uint8_t *at = (const uint8_t *)utf8;
    while (*at) {
        unsigned more = *at < 0xc0 ? 0 : *at < 0xe0 ? 1 : *at < 0xf0 ? 2 : 3;
        uint32_t character = more ? *at & (0x3fu >> more) : *at;
        for (at++; more > 0 && *at; more--, at++) character = character << 6 | (*at & 0x3f);
        if (character >= 0x10000) {
            TRY(put_unit(0xd800 | (character - 0x10000) >> 10, out));
            character = 0xdc00 | (character & 0x3ff);
        }
        TRY(put_unit(character, out));
    }
    return put_unit(0, out);
}

/* --- values --- */

static struct result put_guid(struct view value, struct buffer *out)
{
    size_t start = out->length;
    TRY(odbc_utf8(value, out));
    for (size_t k = start; k < out->length; k++) out->data[k] = (uint8_t)tolower(out->data[k]);
    return RESULT_OK;
}

static struct result put_utf8(struct view value, struct buffer *out)
{
    struct utf8 state = {0};
    ENSURE(utf8_scan(&state, value) == value.length && utf8_whole(&state), CATEGORY_USAGE,
           "a text that is not UTF-8; correct it, or what the database takes its encoding for");
    return buffer_append(out, value);
}

static struct result put_decimal(struct view value, struct buffer *out)
{
    const bool minus = value.length && *value.data == '-';
    if (minus) {
        TRY(buffer_u8(out, '-'));
        value = view_of(value.data + 1, value.length - 1);
    }
    if (value.length && *value.data == '.') TRY(buffer_u8(out, '0'));
    for (size_t k = 0; k < value.length; k++)
        ENSURE(value.data[k] > ' ' && value.data[k] < 0x7f, CATEGORY_USAGE, "a number with characters of no number");
    return buffer_append(out, value);
}

/* NaN and the infinities as databases export them: no numbers, which the table says then. */
static const char *word_of(double number)
{
    if (isnan(number)) return "NaN";
    if (isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
    return NULL;
}

/* The fewest digits that give the number again; what a float stands for are the digits that tell floats apart. */
static struct result put_number(double number, bool single, struct buffer *out)
{
    char text[NUMBER_TEXT];
    const char *word = word_of(number);
    if (word) return buffer_text(out, word);
    for (int digits = single ? FLT_DIG : DBL_DIG;; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, number);
        bool same = single ? strtof(text, NULL) == (float)number : strtod(text, NULL) == number;
        if (same || digits == DBL_DECIMAL_DIG) return buffer_text(out, text);
    }
}

static struct result put_floating(enum odbc_kind kind, struct view value, struct buffer *out)
{
    double number;
    float single;
    if (kind == ODBC_DOUBLE) {
        memcpy(&number, value.data, sizeof number);
        return put_number(number, false, out);
    }
    memcpy(&single, value.data, sizeof single);
    return put_number(single, true, out);
}

static struct result put_date(int year, unsigned month, unsigned day, struct buffer *out)
{
    ENSURE(year >= 0 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= 31, CATEGORY_USAGE,
           "a date that has no year of four digits, or is none");
    return buffer_format(out, "%04d-%02u-%02u", year, month, day);
}

static struct result put_timestamp(struct view value, struct buffer *out)
{
    SQL_TIMESTAMP_STRUCT stamp;
    char fraction[NUMBER_TEXT];
    memcpy(&stamp, value.data, sizeof stamp);
    TRY(put_date(stamp.year, stamp.month, stamp.day, out));
    ENSURE(stamp.hour < 24 && stamp.minute < 60 && stamp.second <= 61 && stamp.fraction < 1000000000, CATEGORY_USAGE,
           "a time that is none");
    TRY(buffer_format(out, " %02u:%02u:%02u", stamp.hour, stamp.minute, stamp.second));
    if (stamp.fraction == 0) return RESULT_OK;
    int length = snprintf(fraction, sizeof fraction, ".%09u", (unsigned)stamp.fraction);
    while (fraction[length - 1] == '0') length--;
    return buffer_append(out, view_of(fraction, (size_t)length));
}

struct result odbc_value_text(enum odbc_kind kind, struct view value, struct buffer *out)
{
    SQL_DATE_STRUCT date;
    switch (kind) {
    case ODBC_TEXT:
        return odbc_utf8(value, out);
    case ODBC_GUID:
        return put_guid(value, out);
    case ODBC_UTF8:
        return put_utf8(value, out);
    case ODBC_DECIMAL:
        return put_decimal(value, out);
    case ODBC_DOUBLE:
    case ODBC_FLOAT:
        return put_floating(kind, value, out);
    case ODBC_BIT:
        return buffer_u8(out, *value.data ? '1' : '0');
    case ODBC_DATE:
        memcpy(&date, value.data, sizeof date);
        return put_date(date.year, date.month, date.day, out);
    case ODBC_TIMESTAMP:
        return put_timestamp(value, out);
    }
    return FAIL(CATEGORY_USAGE, "a value of a kind that is not known");
}
