/* Exact quantiles from sums: histograms that close in on them, each of at most QUANTILE_BINS bins.
 *
 * Values lie on a grid of the plan's resolution from the plan's minimum, and are counted by grid index. A search looks
 * for the value of one rank and holds the interval of indices that it must lie in. The searches of a column are an
 * array by rising rank; those that share an interval share its histogram.
 */
#ifndef ANALYTICS_QUANTILE_H
#define ANALYTICS_QUANTILE_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/base/result.h"

#define QUANTILE_BINS 256u
#define QUANTILES_MAX ((size_t)256) /* searches of a column */
/* Grid indices stay where a double rounds to an integer exactly. */
#define QUANTILE_INDEX_MAX ((uint64_t)1 << 50)

struct quantile_grid {
    double minimum, resolution;
    double steps; /* whole steps a unit, when the resolution is 1 / steps and minimum · steps is whole; else 0 */
    uint64_t last;
};
struct quantile {
    uint64_t low, high; /* inclusive */
    uint64_t rank;      /* from 0, within the interval */
};

/* CATEGORY_USAGE when the resolution asks for more steps than QUANTILE_INDEX_MAX. */
MUST_USE struct result quantile_grid_of(const char *name, double minimum, double maximum, double resolution,
                                        struct quantile_grid *ret);
/* Index of the grid value nearest to a value within the bounds, and the value of twice an index (so that halves have
 * one: the mean of two neighbours). */
uint64_t quantile_index(const struct quantile_grid *grid, double value);
double quantile_value(const struct quantile_grid *grid, uint64_t twice);

/* A search over the whole grid; its rank is set before its first narrowing. */
struct quantile quantile_start(const struct quantile_grid *grid);
/* The distinct intervals that are still to be counted, by rising index; ret has room for `count`. Returns how many. */
struct quantile_interval {
    size_t search;      /* the first that looks there */
    uint64_t low, high; /* inclusive */
    uint64_t width;     /* indices a bin */
    uint64_t bins,
        at; /* how many, at most QUANTILE_BINS; and where they begin, all intervals' laid one after the other */
};
size_t quantile_intervals(const struct quantile *searches, size_t count, struct quantile_interval *ret);
/* How many bins they have together. */
uint64_t quantile_bins(const struct quantile *searches, size_t count);
/* Counts a value in the interval that holds it, if one does. */
void quantile_add(const struct quantile_interval *intervals, size_t count, uint64_t index, __int128 *bins);
/* Narrows the searches that look into an interval (of before any of them was narrowed) by its counts. CATEGORY_FALSE
 * when they do not hold a rank. */
MUST_USE struct result quantile_narrow(struct quantile *searches, size_t count,
                                       const struct quantile_interval *interval, const uint64_t *counts);
/* The two middle ranks of a median, of `total` > 0 values. */
void quantile_median_ranks(struct quantile searches[2], uint64_t total);

#endif
