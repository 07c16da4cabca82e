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

/* Neighbours that fall share their mean, until none falls (pool adjacent violators; Ayer and others 1955). */
static void pool(double *values, size_t count)
{
    double means[PRIVATE_ORDERED_MAX];
    size_t sizes[PRIVATE_ORDERED_MAX], blocks = 0;
    for (size_t k = 0; k < count; k++) {
        means[blocks] = values[k];
        sizes[blocks++] = 1;
        for (; blocks > 1 && means[blocks - 2] >= means[blocks - 1]; blocks--) {
            size_t a = sizes[blocks - 2], b = sizes[blocks - 1];
            means[blocks - 2] = (means[blocks - 2] * (double)a + means[blocks - 1] * (double)b) / (double)(a + b);
            sizes[blocks - 2] = a + b;
        }
    }
    for (size_t block = 0, k = 0; block < blocks; block++)
        for (size_t i = 0; i < sizes[block]; i++) values[k++] = means[block];
}

void private_project_ordered(const uint64_t *words, size_t count, uint64_t total, uint64_t *ret)
{
    double sums[PRIVATE_ORDERED_MAX], sum = 0, most = (double)total;
    if (count == 0) return;
    for (size_t k = 0; k < count; k++) sums[k] = sum += value_at(words, k);
    for (size_t k = 0; k < count; k++) sums[k] -= (sum - most) * ((double)(k + 1) / (double)count);
    pool(sums, count - 1);
    uint64_t before = 0;
    for (size_t k = 0; k < count; k++) {
        uint64_t next = k + 1 == count ? total : (uint64_t)(private_clip(sums[k], 0, most) + 0.5);
        if (next > total) next = total;
        if (next < before) next = before; /* only by rounding */
        ret[k] = next - before;
        before = next;
    }
}
