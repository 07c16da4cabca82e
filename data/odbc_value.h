/* A value as an ODBC driver hands it over, as the text that a CSV file has for it; and UTF-16, which drivers speak. */
#ifndef DATA_ODBC_VALUE_H
#define DATA_ODBC_VALUE_H

#include "crypto/base/bytes.h"

enum odbc_kind {
    ODBC_TEXT,    /* UTF-16 */
    ODBC_GUID,    /* the same; letters become small */
    ODBC_UTF8,    /* text as the database has it */
    ODBC_DECIMAL, /* ASCII; ".5" becomes "0.5" */
    ODBC_DOUBLE,
    ODBC_FLOAT,
    ODBC_BIT,
    ODBC_DATE,
    ODBC_TIMESTAMP,
};

/* Bytes that one value of this kind takes where it is handed over, a NUL behind texts counted. */
size_t odbc_value_size(enum odbc_kind kind);
/* Bytes of a unit, as its NUL has them, of what is a text there; 0 of what is not. */
size_t odbc_value_unit(enum odbc_kind kind);
/* Appends its text. value: a text without its NUL; else exactly odbc_value_size. CATEGORY_USAGE, with a reason that
 * goes behind the column's name, when it is none; out may then hold a part. */
MUST_USE struct result odbc_value_text(enum odbc_kind kind, struct view value, struct buffer *out);

/* Units of UTF-16 in this machine's order to UTF-8 and back. Lone surrogates, NUL, half a unit are CATEGORY_USAGE. */
MUST_USE struct result odbc_utf8(struct view utf16, struct buffer *out);
/* utf8: valid. A unit of 0 follows, which is counted. */
MUST_USE struct result odbc_utf16(const char *utf8, struct buffer *out);

#endif
