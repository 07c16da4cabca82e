/* The rule on small cells: what is written into models, reports and exports shows no cell with fewer customers than the
 * plan's `cells: {minimum: ...}`, nor lets one be found by subtracting others from a total. Cells that are too small
 * are put together with others until the group is large enough; a group is shown as one.
 *
 * (The opened sums themselves are seen by every member and by whoever is given a run's records; `plan check` says so.)
 */
#ifndef ANALYTICS_CELLS_H
#define ANALYTICS_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Customers of one cell, by outcome; where there are no outcomes, all in the first. */
struct cell {
    uint64_t negatives, positives;
};
struct cells_rule {
    uint64_t minimum;
    bool outcomes; /* each outcome is a cell of its own */
};

/* Whether a cell may be shown as it is: large enough, or empty. */
bool cells_shown(struct cells_rule rule, struct cell cell);
/* Groups `count` cells in order, neighbours only: group[i] rises from 0. Returns how many groups there are: each large
 * enough, or there is but one. */
size_t cells_join_neighbours(struct cells_rule rule, const struct cell *cells, size_t count, size_t *group);
/* Groups cells that have no order: those that are too small together, with as many of the smallest others as it takes.
 * group[i] is 0 for these and 1, 2, ... for the rest. Returns how many are in group 0. */
size_t cells_join_small(struct cells_rule rule, const struct cell *cells, size_t count, size_t *group);
/* What a group holds together. */
struct cell cells_of_group(const struct cell *cells, size_t count, const size_t *group, size_t which);

#endif
