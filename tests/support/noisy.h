/* A run under differential privacy without crypto or network: the fold over one table, with the noise that every bank
 * of a cohort would add. Its budget is kept account of. */
#ifndef TESTS_SUPPORT_NOISY_H
#define TESTS_SUPPORT_NOISY_H

#include "tests/support/pooled.h"

struct noisy_options {
    unsigned banks; /* that add noise; COHORT_MIN at least */
    struct random_source *source;
    /* Called before each sum; NULL: nothing. */
    void (*each)(const struct fold *fold, const struct table *table, void *context);
    void *context;
};
/* Runs the plan's task to its end. Every state goes through its bytes once. CATEGORY_BUG when the sums cost more than
 * the plan's budget. */
MUST_USE struct result noisy_run(const struct pooled *pooled, struct noisy_options options, struct fold *ret);

#endif
