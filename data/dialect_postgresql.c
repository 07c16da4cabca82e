/* PostgreSQL 12 and later (before, WITH would store every layer). Its float8 operators are the processor's, and fail
 * where a result leaves the range; a cast to an integer rounds half to even (rint). Constants of a quoted text are read
 * when the statement is parsed. Its compiler takes seconds for statements of hundreds of sums, and gains less. */
#include <math.h>

#include "data/dialect.h"

#define NARROW_MOST 0x1p31 /* below: int4 */

static const char *integer_type(double most)
{
    return most < NARROW_MOST ? "int4" : "int8";
}

static bool repeats(enum dialect_operation operation, double most)
{
    (void)operation;
    (void)most;
    return false;
}

static struct result real(double value, struct buffer *out)
{
    return buffer_format(out, "'%.17g'::float8", value);
}

static struct result rounded(const char *x, double most, struct buffer *out)
{
    return buffer_format(out, "%s::%s", x, integer_type(most));
}

static struct result array(const double *values, size_t count, struct buffer *out)
{
    for (size_t i = 0; i < count; i++) TRY(buffer_format(out, "%s%.17g", i ? "," : "", values[i]));
    return RESULT_OK;
}

static struct result bin(const char *x, const double *edges, size_t count, struct buffer *out)
{
    TRY(buffer_format(out, "width_bucket(%s::float8, '{", x));
    TRY(array(edges, count, out));
    return buffer_text(out, "}'::float8[])");
}

static struct result table(const char *at, const double *values, size_t count, bool integers, double most,
                           struct buffer *out)
{
    TRY(buffer_format(out, "('[0:%zu]={", count - 1));
    TRY(array(values, count, out));
    return buffer_format(out, "}'::%s[])[%s]", integers ? integer_type(most) : "float8", at);
}

static struct result unfold(const struct view *columns, size_t count, struct buffer *out)
{
    TRY(buffer_text(out, "unnest(ARRAY["));
    for (size_t i = 0; i < count; i++) {
        if (i) TRY(buffer_text(out, ", "));
        TRY(buffer_append(out, columns[i]));
    }
    return buffer_text(out, "])");
}

static struct result unfold_from(size_t count, struct buffer *out)
{
    (void)count;
    (void)out;
    return RESULT_OK;
}

const struct dialect dialect_postgresql = {
    .name = "PostgreSQL",
    .session = "SET jit = off",
    .columns_most = 1600,
    .depth_most = 400,
    .keys_most = 400,
    .underflow_fails = true,
    .fence = " OFFSET 0",
    .text = "text",
    .wide = "::int8",
    .sum_bits = 62, /* sum(bigint) is a numeric */
    .repeats = repeats,
    .real = real,
    .round = rounded,
    .bin = bin,
    .table = table,
    .unfold = unfold,
    .unfold_from = unfold_from,
};
