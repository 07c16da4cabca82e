/* SQLite 3. Integers have 64 bits, and sum() fails beyond; decimal literals of reals are not always read to the last
 * bit, so a real is written as an integer times or over powers of two, each step exact. */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "data/dialect.h"

#define NARROW_MOST 0x1p51 /* up to here one addition rounds */
enum { STEP = 50, PART_BITS = 30 };

static bool repeats(enum dialect_operation operation, double most)
{
    return operation != DIALECT_ROUND || most > NARROW_MOST;
}

static struct result real(double value, struct buffer *out)
{
    int exponent;
    int64_t digits = (int64_t)ldexp(frexp(fabs(value), &exponent), DBL_MANT_DIG);
    exponent -= DBL_MANT_DIG;
    for (; digits && digits % 2 == 0; digits /= 2) exponent++;
    TRY(buffer_format(out, "(%s%" PRId64 ".0", value < 0 ? "-" : "", digits));
    for (int left = digits ? abs(exponent) : 0, step; left > 0; left -= step) {
        step = left < STEP ? left : STEP;
        TRY(buffer_format(out, "%c%" PRId64 ".0", exponent < 0 ? '/' : '*', (int64_t)1 << step));
    }
    return buffer_u8(out, ')');
}

/* In [2^52, 2^53) the step between doubles is 1, so adding rounds; from 2^52 on there is nothing to round. */
static struct result rounded(const char *x, double most, struct buffer *out)
{
    if (!repeats(DIALECT_ROUND, most))
        return buffer_format(out, "CAST((%s + 6755399441055744.0) - 6755399441055744.0 AS INTEGER)", x);
    return buffer_format(out,
                         "CAST(CASE WHEN abs(%s) >= 4503599627370496.0 THEN %s WHEN %s < 0 THEN "
                         "(%s - 4503599627370496.0) + 4503599627370496.0 ELSE "
                         "(%s + 4503599627370496.0) - 4503599627370496.0 END AS INTEGER)",
                         x, x, x, x, x);
}

/* The bin of x among edges[low .. high), by halves. */
static struct result bin_between(const char *x, const double *edges, size_t low, size_t high, struct buffer *out)
{
    if (low == high) return buffer_format(out, "%zu", low);
    size_t middle = low + (high - low) / 2;
    TRY(buffer_format(out, "CASE WHEN %s < ", x));
    TRY(real(edges[middle], out));
    TRY(buffer_text(out, " THEN "));
    TRY(bin_between(x, edges, low, middle, out));
    TRY(buffer_text(out, " ELSE "));
    TRY(bin_between(x, edges, middle + 1, high, out));
    return buffer_text(out, " END");
}

static struct result bin(const char *x, const double *edges, size_t count, struct buffer *out)
{
    TRY(buffer_format(out, "CASE WHEN %s IS NOT NULL THEN ", x));
    TRY(bin_between(x, edges, 0, count, out));
    return buffer_text(out, " END");
}

struct values {
    const double *of;
    bool integers;
};

static struct result table_between(const char *at, struct values values, size_t low, size_t high, struct buffer *out)
{
    if (high - low == 1)
        return values.integers ? buffer_format(out, "%" PRId64, (int64_t)values.of[low]) : real(values.of[low], out);
    size_t middle = low + (high - low) / 2;
    TRY(buffer_format(out, "CASE WHEN %s < %zu THEN ", at, middle));
    TRY(table_between(at, values, low, middle, out));
    TRY(buffer_text(out, " ELSE "));
    TRY(table_between(at, values, middle, high, out));
    return buffer_text(out, " END");
}

static struct result table(const char *at, const double *values, size_t count, bool integers, double most,
                           struct buffer *out)
{
    (void)most;
    TRY(buffer_format(out, "CASE WHEN %s BETWEEN 0 AND %zu THEN ", at, count - 1));
    TRY(table_between(at, (struct values){values, integers}, 0, count, out));
    return buffer_text(out, " END");
}

/* Every row meets the numbers from 0 on, and each number takes its column. */
static struct result unfold(const struct view *columns, size_t count, struct buffer *out)
{
    TRY(buffer_text(out, "CASE unfolded.column1"));
    for (size_t i = 0; i < count; i++) {
        TRY(buffer_format(out, " WHEN %zu THEN ", i));
        TRY(buffer_append(out, columns[i]));
    }
    return buffer_text(out, " END");
}

static struct result unfold_from(size_t count, struct buffer *out)
{
    TRY(buffer_text(out, " CROSS JOIN (VALUES "));
    for (size_t i = 0; i < count; i++) TRY(buffer_format(out, "%s(%zu)", i ? ", " : "", i));
    return buffer_text(out, ") AS unfolded");
}

const struct dialect dialect_sqlite = {
    .name = "SQLite",
    .columns_most = 1900,
    .depth_most = 14, /* its parser's stack has 100 places, of which each takes up to 5 */
    .keys_most = 400,
    .fence = " LIMIT -1 OFFSET 0",
    .text = "TEXT",
    .wide = "",
    .sum_bits = PART_BITS, /* and 10^9 rows: below 2^60 */
    .repeats = repeats,
    .real = real,
    .round = rounded,
    .bin = bin,
    .table = table,
    .unfold = unfold,
    .unfold_from = unfold_from,
};
