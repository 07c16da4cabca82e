#include "analytics/private_project.h"

#include <math.h>

uint64_t private_clip_count(uint64_t word, uint64_t most)
{
    int64_t count = (int64_t)word;
    if (count < 0) return 0;
    return (uint64_t)count < most ? (uint64_t)count : most;
}

double private_clip(double value, double least, double most)
{
    return value > most ? most : value >= least ? value : least; /* and what is no number is `least` */
}

static double value_at(const uint64_t *words, size_t at)
{
    return (double)(int64_t)words[at];
}

/* What is to be taken from each value so that what is left above 0 adds up to total > 0 (Michelot 1986): values that
 * fall under it are dropped, and the rest share again, until none falls. */
static double threshold(const uint64_t *words, size_t count, size_t stride, double total)
{
    double least = -(double)INFINITY;
    size_t kept = count + 1, before;
    do {
        double sum = 0;
        before = kept;
        kept = 0;
        for (size_t k = 0; k < count; k++) {
            if (!(value_at(words, k * stride) > least)) continue;
            sum += value_at(words, k * stride);
            kept++;
        }
        if (kept > 0) least = (sum - total) / (double)kept; /* none is kept only by rounding */
    } while (kept > 0 && kept < before);
    return least;
}

void private_project_total(const uint64_t *words, size_t count, size_t stride, uint64_t total, uint64_t *ret)
{
    double less = total > 0 ? threshold(words, count, stride, (double)total) : 0, sum = 0;
    uint64_t before = 0;
    for (size_t k = 0; k < count; k++) {
        double value = value_at(words, k * stride) - less;
        if (value > 0) sum += value;
        /* Sums are rounded, not values: so they still add up. */
        uint64_t next = k + 1 == count || sum >= (double)total ? total : (uint64_t)(sum + 0.5);
        if (next > total) next = total;
        ret[k * stride] = next - before;
        before = next;
    }
}

void private_project_within(const uint64_t *words, size_t count, size_t stride, uint64_t total, uint64_t *ret)
{
    uint64_t left = total;
    for (size_t k = 0; k < count; k++) {
        ret[k * stride] = private_clip_count(words[k * stride], UINT64_MAX);
        if (ret[k * stride] > left) { /* the nearest lies where they add up to all of it */
            private_project_total(words, count, stride, total, ret);
            return;
        }
        left -= ret[k * stride];
    }
}
