/* A round's sum as a task reads it, and the walk that keeps writing and reading a state the same. */
#ifndef ANALYTICS_SUM_H
#define ANALYTICS_SUM_H

#include "proto/run/layout.h"

struct sum {
    const struct layout *layout;
    const uint64_t *words;
};
/* A field's values: signed 128-bit integers, or reals. */
__int128 sum_integer(const struct sum *sum, size_t field, uint64_t value);
double sum_real(const struct sum *sum, size_t field, uint64_t value);
/* A count of rows: CATEGORY_FALSE when negative or over `most`. */
MUST_USE struct result sum_count(const struct sum *sum, size_t field, uint64_t value, uint64_t most, uint64_t *ret);

/* One walk over the fields serves writing and reading, so that the two cannot differ. */
struct walk {
    struct buffer *out;    /* writing */
    struct reader *reader; /* reading */
};
MUST_USE struct result walk_u64(const struct walk *walk, uint64_t *value);
/* Finite. */
MUST_USE struct result walk_f64(const struct walk *walk, double *value, const char *what);
MUST_USE struct result walk_counts(const struct walk *walk, uint64_t *values, size_t count);
MUST_USE struct result walk_reals(const struct walk *walk, double *values, size_t count, const char *what);
/* A value from 0 to `most`. */
MUST_USE struct result walk_enum(const struct walk *walk, unsigned *value, unsigned most, const char *what);
MUST_USE struct result walk_length(const struct walk *walk, size_t *length, size_t most, const char *what);

#endif
