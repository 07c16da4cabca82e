#include "analytics/quantile.h"

#include <math.h>

/* Rounds |x| <= 2^51 to the nearest integer, half to even, without libm. */
static double whole(double x)
{
    const double magic = 0x1.8p52;
    return (x + magic) - magic;
}

struct result quantile_grid_of(const char *name, double minimum, double maximum, double resolution,
                               struct quantile_grid *ret)
{
    struct quantile_grid grid = {.minimum = minimum, .resolution = resolution};
    double steps = (maximum - minimum) / resolution;
    ENSURE(steps >= 0 && steps <= (double)QUANTILE_INDEX_MAX, CATEGORY_USAGE,
           "%s: from its minimum to its maximum there are %.3g steps of its resolution, more than 2^50; "
           "use a coarser resolution",
           name, steps);
    double unit = 1 / resolution;
    if (unit >= 1 && unit <= 1e9 && fabs(unit - whole(unit)) <= 1e-9 * unit) {
        double start = minimum * whole(unit);
        if (fabs(start) <= 0x1p50 && fabs(start - whole(start)) <= 1e-6) grid.steps = whole(unit);
    }
    grid.last = (uint64_t)whole(steps);
    *ret = grid;
    return RESULT_OK;
}

uint64_t quantile_index(const struct quantile_grid *grid, double value)
{
    double steps = grid->steps > 0 ? value * grid->steps - whole(grid->minimum * grid->steps)
                                   : (value - grid->minimum) / grid->resolution;
    double index = whole(steps);
    if (!(index > 0)) return 0;
    return index >= (double)grid->last ? grid->last : (uint64_t)index;
}

struct quantile quantile_start(const struct quantile_grid *grid)
{
    return (struct quantile){.high = {grid->last, grid->last}};
}

uint64_t quantile_width(const struct quantile *search, unsigned interval)
{
    uint64_t values = search->high[interval] - search->low[interval] + 1;
    return (values + QUANTILE_BINS - 1) / QUANTILE_BINS;
}

uint64_t quantile_bins(const struct quantile *search, unsigned interval)
{
    uint64_t values = search->high[interval] - search->low[interval] + 1, width = quantile_width(search, interval);
    return (values + width - 1) / width;
}

static bool same_interval(const struct quantile *search)
{
    return search->low[0] == search->low[1] && search->high[0] == search->high[1];
}

unsigned quantile_open(const struct quantile *search, unsigned intervals[2])
{
    unsigned open = 0;
    for (unsigned i = 0; i < 2; i++) {
        if (search->low[i] == search->high[i] || (i == 1 && same_interval(search))) continue;
        intervals[open++] = i;
    }
    return open;
}

/* Narrows the interval of one rank to its bin. False when the counts end before the rank. */
static bool narrow(struct quantile *search, unsigned which, uint64_t width, uint64_t bins, const uint64_t *counts)
{
    uint64_t before = 0;
    for (uint64_t bin = 0; bin < bins; bin++) {
        if (search->rank[which] < before + counts[bin]) {
            uint64_t low = search->low[which] + bin * width;
            if (low + width - 1 < search->high[which]) search->high[which] = low + width - 1;
            search->low[which] = low;
            search->rank[which] -= before;
            return true;
        }
        before += counts[bin];
    }
    return false;
}

void quantile_first(struct quantile *search, const uint64_t *counts, uint64_t total)
{
    search->rank[0] = (total - 1) / 2;
    search->rank[1] = total / 2;
    uint64_t width = quantile_width(search, 0), bins = quantile_bins(search, 0);
    (void)narrow(search, 0, width, bins, counts);
    (void)narrow(search, 1, width, bins, counts);
}

struct result quantile_narrow(struct quantile *search, unsigned interval, const uint64_t *counts)
{
    bool both = interval == 0 && same_interval(search);
    uint64_t width = quantile_width(search, interval), bins = quantile_bins(search, interval);
    bool found = narrow(search, interval, width, bins, counts);
    if (both) found = narrow(search, 1, width, bins, counts) && found;
    ENSURE(found, CATEGORY_FALSE, "a histogram holds fewer values than the one before it said: not a true sum");
    return RESULT_OK;
}

double quantile_value(const struct quantile_grid *grid, const struct quantile *search)
{
    double twice = (double)(search->low[0] + search->low[1]);
    if (grid->steps > 0) return (2 * whole(grid->minimum * grid->steps) + twice) / (2 * grid->steps);
    return grid->minimum + grid->resolution * (twice / 2);
}
