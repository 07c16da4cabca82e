/* What a driver hands over, after a byte that says of which kind: a text that a CSV file may hold, or a reason. Numbers
 * give themselves again, UTF-16 its units. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"
#include "data/odbc_value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition) abort();
}

static void same_units(struct view value, const struct buffer *text)
{
    CLEANUP(buffer_done) struct buffer units = {0};
    must(result_ok(odbc_utf16((const char *)text->data, &units)));
    must(units.length == value.length + 2);
    must(value.length == 0 || memcmp(units.data, value.data, value.length) == 0);
}

static void same_number(enum odbc_kind kind, struct view value, const char *text)
{
    double number;
    float single;
    memcpy(&number, value.data, kind == ODBC_DOUBLE ? sizeof number : 0);
    memcpy(&single, value.data, kind == ODBC_FLOAT ? sizeof single : 0);
    if (kind == ODBC_DOUBLE && isfinite(number)) must(strtod(text, NULL) == number);
    if (kind == ODBC_FLOAT && isfinite(single)) must(strtof(text, NULL) == single);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buffer_done) struct buffer out = {0};
    if (size == 0) return 0;
    enum odbc_kind kind = (enum odbc_kind)(*data % (ODBC_TIMESTAMP + 1));
    struct view value = view_of(data + 1, size - 1);
    if (!odbc_value_unit(kind)) {
        if (value.length < odbc_value_size(kind)) return 0;
        value.length = odbc_value_size(kind);
    }
    if (!result_ok(odbc_value_text(kind, value, &out))) {
        must(*result_reason() != 0);
        return 0;
    }
    must(result_ok(buffer_u8(&out, 0)) && strlen((const char *)out.data) == out.length - 1);
    must(text_utf8(view_of(out.data, out.length - 1)));
    if (kind == ODBC_TEXT) same_units(value, &out);
    if (kind == ODBC_DOUBLE || kind == ODBC_FLOAT) same_number(kind, value, (const char *)out.data);
    return 0;
}
