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

double quantile_value(const struct quantile_grid *grid, uint64_t twice)
{
    if (grid->steps > 0) return (2 * whole(grid->minimum * grid->steps) + (double)twice) / (2 * grid->steps);
    return grid->minimum + grid->resolution * ((double)twice / 2);
}

struct quantile quantile_start(const struct quantile_grid *grid)
{
    return (struct quantile){.high = grid->last};
}

size_t quantile_intervals(const struct quantile *searches, size_t count, struct quantile_interval *ret)
{
    size_t found = 0;
    uint64_t at = 0;
    for (size_t s = 0; s < count; s++) {
        uint64_t low = searches[s].low, high = searches[s].high, values = high - low + 1;
        if (low == high || (s > 0 && low == searches[s - 1].low && high == searches[s - 1].high)) continue;
        uint64_t width = (values + QUANTILE_BINS - 1) / QUANTILE_BINS, bins = (values + width - 1) / width;
        ret[found++] = (struct quantile_interval){s, low, high, width, bins, at};
        at += bins;
    }
    return found;
}

uint64_t quantile_bins(const struct quantile *searches, size_t count)
{
    struct quantile_interval intervals[QUANTILES_MAX];
    size_t found = quantile_intervals(searches, count, intervals);
    return found ? intervals[found - 1].at + intervals[found - 1].bins : 0;
}

void quantile_add(const struct quantile_interval *intervals, size_t count, uint64_t index, __int128 *bins)
{
    size_t begin = 0, end = count;
    while (begin < end) {
        size_t middle = (begin + end) / 2;
        if (intervals[middle].high < index)
            begin = middle + 1;
        else
            end = middle;
    }
    if (begin == count || index < intervals[begin].low) return;
    bins[intervals[begin].at + (index - intervals[begin].low) / intervals[begin].width]++;
}

/* To the bin that holds the rank. False when the counts end before it. */
static bool narrow(struct quantile *search, const struct quantile_interval *interval, const uint64_t *counts)
{
    uint64_t before = 0;
    for (uint64_t bin = 0; bin < interval->bins; bin++) {
        if (search->rank < before + counts[bin]) {
            uint64_t low = interval->low + bin * interval->width;
            if (low + interval->width - 1 < search->high) search->high = low + interval->width - 1;
            search->low = low;
            search->rank -= before;
            return true;
        }
        before += counts[bin];
    }
    return false;
}

struct result quantile_narrow(struct quantile *searches, size_t count, const struct quantile_interval *interval,
                              const uint64_t *counts)
{
    for (size_t s = interval->search;
         s < count && searches[s].low == interval->low && searches[s].high == interval->high; s++)
        ENSURE(narrow(&searches[s], interval, counts), CATEGORY_FALSE,
               "a histogram holds fewer values than the one before it said: not a true sum");
    return RESULT_OK;
}

void quantile_median_ranks(struct quantile searches[2], uint64_t total)
{
    searches[0].rank = (total - 1) / 2;
    searches[1].rank = total / 2;
}
