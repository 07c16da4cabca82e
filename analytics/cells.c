#include "analytics/cells.h"

static struct cell add(struct cell a, struct cell b)
{
    return (struct cell){a.negatives + b.negatives, a.positives + b.positives};
}

static bool large(struct cells_rule rule, struct cell cell)
{
    if (rule.outcomes) return cell.negatives >= rule.minimum && cell.positives >= rule.minimum;
    return cell.negatives + cell.positives >= rule.minimum;
}

bool cells_shown(struct cells_rule rule, struct cell cell)
{
    return large(rule, cell) || cell.negatives + cell.positives == 0;
}

size_t cells_join_neighbours(struct cells_rule rule, const struct cell *cells, size_t count, size_t *group)
{
    struct cell held = {0};
    size_t groups = 0, begin = 0;
    for (size_t i = 0; i < count; i++) {
        held = add(held, cells[i]);
        group[i] = groups;
        if (!large(rule, held)) continue;
        held = (struct cell){0};
        begin = i + 1;
        groups++;
    }
    /* What is left over at the end goes with the group before it. */
    for (size_t i = begin; i < count && groups > 0; i++) group[i] = groups - 1;
    return groups > 0 ? groups : 1;
}

struct cell cells_of_group(const struct cell *cells, size_t count, const size_t *group, size_t which)
{
    struct cell sum = {0};
    for (size_t i = 0; i < count; i++)
        if (group[i] == which) sum = add(sum, cells[i]);
    return sum;
}

/* The smallest cell outside group 0 that is not empty, the first of equals; count when there is none. */
static size_t smallest(const struct cell *cells, size_t count, const size_t *group)
{
    size_t found = count;
    for (size_t i = 0; i < count; i++) {
        uint64_t rows = cells[i].negatives + cells[i].positives;
        if (group[i] == 0 || rows == 0) continue;
        if (found == count || rows < cells[found].negatives + cells[found].positives) found = i;
    }
    return found;
}

size_t cells_join_small(struct cells_rule rule, const struct cell *cells, size_t count, size_t *group)
{
    size_t small = 0;
    for (size_t i = 0; i < count; i++) {
        group[i] = cells_shown(rule, cells[i]) ? i + 1 : 0;
        small += group[i] == 0;
    }
    while (small > 0 && !large(rule, cells_of_group(cells, count, group, 0))) {
        size_t next = smallest(cells, count, group);
        if (next == count) break;
        group[next] = 0;
        small++;
    }
    return small;
}
