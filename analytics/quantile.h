/* An exact quantile from sums: histograms that close in on it, each of at most QUANTILE_BINS bins.
 *
 * Values lie on a grid of the plan's resolution from the plan's minimum, and are counted by grid index. A search holds
 * two intervals of indices, one for each of the two middle values (the same one for an odd count), and the rank that is
 * wanted within each. The answer is the mean of the two grid values, as a pooled sort would give it.
 */
#ifndef ANALYTICS_QUANTILE_H
#define ANALYTICS_QUANTILE_H

#include <stdint.h>

#include "crypto/base/result.h"

#define QUANTILE_BINS 256u
/* Grid indices stay where a double rounds to an integer exactly. */
#define QUANTILE_INDEX_MAX ((uint64_t)1 << 50)

struct quantile_grid {
    double minimum, resolution;
    double steps; /* whole steps a unit, when the resolution is 1 / steps and minimum · steps is whole; else 0 */
    uint64_t last;
};
struct quantile {
    uint64_t low[2], high[2]; /* inclusive */
    uint64_t rank[2];         /* from 0, within the interval */
};

/* CATEGORY_USAGE when the resolution asks for more steps than QUANTILE_INDEX_MAX. */
MUST_USE struct result quantile_grid_of(const char *name, double minimum, double maximum, double resolution,
                                        struct quantile_grid *ret);
/* Index of the grid value nearest to a value within the bounds. */
uint64_t quantile_index(const struct quantile_grid *grid, double value);

/* The first search: the whole grid; ranks are set by quantile_first. */
struct quantile quantile_start(const struct quantile_grid *grid);
/* From the counts of the whole grid's bins: the ranks of the median, then the first narrowing. Total must be > 0. */
void quantile_first(struct quantile *search, const uint64_t *counts, uint64_t total);
/* Intervals still to be counted: 0 when found, 1 when both ranks lie in one interval, else 2. */
unsigned quantile_open(const struct quantile *search, unsigned intervals[2]);
uint64_t quantile_width(const struct quantile *search, unsigned interval); /* indices a bin */
uint64_t quantile_bins(const struct quantile *search, unsigned interval);
/* Narrows an open interval from its counts. CATEGORY_FALSE when they do not hold the rank. */
MUST_USE struct result quantile_narrow(struct quantile *search, unsigned interval, const uint64_t *counts);
double quantile_value(const struct quantile_grid *grid, const struct quantile *search);

#endif
