/* What noise buys: an accountant of zero-concentrated differential privacy (zCDP; Bun, Steinke 2016, arXiv 1605.02065).
 *
 * A mechanism is ρ-zCDP when, for any two neighbouring inputs and every α > 1, the Rényi divergence of order α of its
 * outputs is at most α·ρ. ρ of what is released one after the other adds up, also when later steps depend on earlier
 * results. Who the neighbours are is in the sensitivities, which the caller proves: how far the opened integers can
 * move between them, in the Euclidean norm (l2) and the sum of magnitudes (l1).
 *
 * Every figure is rounded to the side that promises less: ρ, ε and δ up, a ρ that may be spent down. They are computed
 * with MPFR, whose results do not depend on the machine, so coordinator and nodes get the same bits. To see whether a
 * budget holds, compare ρ with ρ: an ε that went to ρ and back may come out an ulp larger.
 *
 * Arguments: ρ >= 0, ε >= 0, sensitivities >= 0, all finite; 0 < δ < 1; anything else is a caller's bug and asserts.
 */
#ifndef PROTO_RUN_PRIVACY_H
#define PROTO_RUN_PRIVACY_H

#include "crypto/noise.h"
#include "proto/run/members.h"
#include "proto/run/plan.h"

/* ε beyond this bounds nothing worth the name; a δ beyond this lets one row in a thousand be shown as it is. */
#define PRIVACY_EPSILON_MOST 100.0
#define PRIVACY_DELTA_MOST 1e-3

/* What a round opens: integers, to each of which each bank adds noise of its own. */
struct privacy_sum {
    unsigned banks;  /* whose noise counts, 1 to MEMBERS_MAX: only so many as are sure to be honest */
    uint64_t values; /* how many integers, > 0; one that takes two words is one */
    double l1, l2;   /* their sensitivity, at the scale of the integers */
};

/* One N_Z(0, σ²) on each integer, or the continuous Gaussian: ρ = l2² / 2σ² (Canonne, Kamath, Steinke 2020, arXiv
 * 2004.00010, on concentrated differential privacy). At order α its Rényi divergence is at most α·ρ. The variance is
 * valid (crypto/noise.h). */
double privacy_gaussian(double l2, struct noise_variance variance);
/* The sum of one N_Z(0, variance) from each bank, which is no discrete Gaussian: the bounds of Kairouz, Liu, Steinke
 * 2021 (arXiv 2102.06387, Proposition 14), see docs/privacy.md. CATEGORY_USAGE when σ of a bank is below 1/2, where
 * they do not hold. */
MUST_USE struct result privacy_sum(const struct privacy_sum *sum, struct noise_variance variance, double *ret_rho);
/* The variance of each bank's noise with which the sum is ρ-zCDP, ρ > 0, l2 > 0: a little more than l2² / 2ρ·banks, and
 * 1/4 at least. CATEGORY_USAGE when it would be 2^63 or more: the integers' scale is too fine. */
MUST_USE struct result privacy_noise(const struct privacy_sum *sum, double rho, struct noise_variance *ret);

/* ρ of two releases together. */
double privacy_compose(double rho, double other);

/* (ε, δ) from ρ and back, by Canonne, Kamath, Steinke 2020, Proposition 12, at the best order. ε is not below 0, δ not
 * above 1. */
double privacy_epsilon(double rho, double delta);
double privacy_delta(double rho, double epsilon);
/* The largest ρ that is known to give (ε, δ): what may be spent. */
double privacy_budget(double epsilon, double delta);
/* The same Proposition at one order > 1 whose Rényi divergence is bounded by rdp >= 0: for accounting by Rényi
 * differential privacy, the smallest over the orders counts. May be below 0. */
double privacy_order_epsilon(double order, double rdp, double delta);

/* Banks of a sum that are sure to be honest: t - f, whoever is in it (docs/protocol.md); n - f where all must be. */
unsigned privacy_honest(const struct thresholds *thresholds, enum plan_dropout on_dropout);
/* What each bank adds so that `honest` of them together add the total variance or more: total / honest, rounded up, and
 * 1/4 at least. total is valid, honest 1 to MEMBERS_MAX. */
struct noise_variance privacy_share(struct noise_variance total, unsigned honest);

#endif
