/* One pass over a bank's rows that fills a round's vector: rows are dealt to threads in runs, each thread adds integers
 * into its own values, and the values are added at the end. Integer addition makes the words independent of threads.
 */
#ifndef ANALYTICS_SWEEP_H
#define ANALYTICS_SWEEP_H

#include "proto/run/layout.h"

/* A thread's runs begin at multiples of this many rows; bodies may work in blocks of it. */
#define SWEEP_BLOCK 512u

struct sweep {
    const struct layout *layout;
    uint64_t rows;
    /* Adds the rows [begin, end) into values: one per value of the layout, field after field. */
    struct result (*body)(const void *context, uint64_t begin, uint64_t end, __int128 *values);
    const void *context;
};

/* words: layout_words many. CATEGORY_BUG when a value passes rows · bound: a task broke its own layout. */
MUST_USE struct result sweep_run(const struct sweep *sweep, unsigned threads, uint64_t *words);
/* A bank's values (one per value of the layout, field after field) of `rows` rows as its words; fails as sweep_run. */
MUST_USE struct result sweep_words(const struct layout *layout, uint64_t rows, const __int128 *values, uint64_t *words);
/* Where a field's first value is among the values. */
size_t sweep_offset(const struct layout *layout, size_t field);

/* Nearest integer, half to even, for |x| < 2^62; elementary_round is faster up to 2^51. */
static inline int64_t sweep_round_wide(double x)
{
    return __builtin_llrint(x);
}

#endif
