#include "analytics/sum.h"

#include <inttypes.h>
#include <math.h>

#include "proto/run/task.h"

__int128 sum_integer(const struct sum *sum, size_t field, uint64_t value)
{
    const struct layout_field *of = &sum->layout->fields[field];
    return layout_get(of, sum->words + layout_offset(sum->layout, field) + value * of->words);
}

double sum_real(const struct sum *sum, size_t field, uint64_t value)
{
    const struct layout_field *of = &sum->layout->fields[field];
    return layout_real(of, sum->words + layout_offset(sum->layout, field) + value * of->words);
}

struct result sum_count(const struct sum *sum, size_t field, uint64_t value, uint64_t most, uint64_t *ret)
{
    __int128 count = sum_integer(sum, field, value);
    ENSURE(count >= 0 && count <= (__int128)most, CATEGORY_FALSE,
           "a count in the sum \"%s\" is %s; the sum is not a true one", sum->layout->fields[field].name,
           count < 0 ? "negative" : "larger than the number of rows");
    *ret = (uint64_t)count;
    return RESULT_OK;
}

struct result walk_u64(const struct walk *walk, uint64_t *value)
{
    return walk->out ? buffer_u64(walk->out, *value) : reader_u64(walk->reader, value);
}

struct result walk_f64(const struct walk *walk, double *value, const char *what)
{
    if (walk->out) return task_f64(walk->out, *value, what);
    TRY(reader_f64(walk->reader, value));
    ENSURE(isfinite(*value), CATEGORY_FALSE, "%s in the state is not a finite number", what);
    return RESULT_OK;
}

struct result walk_counts(const struct walk *walk, uint64_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++) TRY(walk_u64(walk, &values[i]));
    return RESULT_OK;
}

struct result walk_reals(const struct walk *walk, double *values, size_t count, const char *what)
{
    for (size_t i = 0; i < count; i++) TRY(walk_f64(walk, &values[i], what));
    return RESULT_OK;
}

struct result walk_enum(const struct walk *walk, unsigned *value, unsigned most, const char *what)
{
    uint64_t number = *value;
    TRY(walk_u64(walk, &number));
    ENSURE(number <= most, CATEGORY_FALSE, "the state's %s %" PRIu64 " is unknown", what, number);
    *value = (unsigned)number;
    return RESULT_OK;
}

struct result walk_length(const struct walk *walk, size_t *length, size_t most, const char *what)
{
    uint64_t value = *length;
    TRY(walk_u64(walk, &value));
    ENSURE(value <= most, CATEGORY_FALSE, "the state has %" PRIu64 " %s, more than %zu", value, what, most);
    *length = (size_t)value;
    return RESULT_OK;
}
