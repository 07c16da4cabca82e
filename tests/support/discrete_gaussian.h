/* The discrete Gaussian by its formula, in long double: what samplers and bounds are tested against. */
#ifndef TESTS_SUPPORT_DISCRETE_GAUSSIAN_H
#define TESTS_SUPPORT_DISCRETE_GAUSSIAN_H

#include <stddef.h>

/* Probabilities of the integers from -reach to reach, at [x + reach]; what lies beyond counts as 0. */
struct pmf {
    long reach;
    long double *values; /* 2·reach + 1 of them */
};

/* exp(-x²/2σ²), normalised over the reach. Fails the running test when memory is short. */
struct pmf pmf_gaussian(long double variance, long reach);
/* Of the sum of two independent integers. */
struct pmf pmf_sum(const struct pmf *a, const struct pmf *b);
long double pmf_at(const struct pmf *pmf, long x);
void pmf_done(struct pmf *pmf);

#endif
