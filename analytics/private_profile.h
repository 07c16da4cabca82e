/* The profile under differential privacy: other sums, each with its norm and its part of the budget, and what is made
 * of them once they carry noise. docs/privacy.md derives the norms.
 *
 *   first       cases by outcome (a third of it for little else); levels by outcome, and of each number the missing,
 *               the special and a histogram, all as one field; how many are outside
 *   quantiles   distances from the middle of the bounds, their squares and cubes; histograms inside those bins of the
 *               first that noise does not drown. Once: what is still open is then taken to lie evenly
 *   cells       as without privacy; of each pair of numbers how many have both, and one product
 *
 * So a run takes three sums at most, and what they cost is known from the plan.
 */
#ifndef ANALYTICS_PRIVATE_PROFILE_H
#define ANALYTICS_PRIVATE_PROFILE_H

#include "analytics/profile.h"

/* How a plan's budget is split where it does not say. */
MUST_USE struct result private_profile_budget(const struct plan *plan, struct private_budget *ret);

MUST_USE struct result private_profile_layout(const struct profile *profile, struct layout *ret);
/* The same values in the same order by the fields of profile_fields.h, for where each is and its fraction bits. */
MUST_USE struct result private_profile_places(const struct profile *profile, struct layout *ret);
/* The field of the histograms after the first, of so many bins. */
struct layout_field private_profile_histograms(const struct profile *profile, uint64_t bins);
MUST_USE struct result private_profile_advance(struct profile *profile, const struct sum *sum);

/* A value as a share of the range from the middle of the bounds, within ±1/2; NaN of NaN. */
double private_profile_distance(const struct plan_feature *feature, double value);
/* A block's part of the pairs: shares has SWEEP_BLOCK distances of each number, NaN where it has none. */
MUST_USE struct result private_profile_pairs(const struct profile *profile, const struct layout *places,
                                             const double *shares, const uint8_t *kinds, uint64_t count,
                                             __int128 *values);

/* What each kind of round carries, for a plan's check, its explanation and its result: norms, budget and scale do not
 * depend on the sums, only some lengths do. */
struct private_profile_rounds {
    struct layout first, quantiles, cells; /* the last two without fields when there are no numbers */
};
MUST_USE struct result private_profile_rounds(const struct plan *plan, struct profile_options options,
                                              struct private_profile_rounds *ret);
/* A line for each field of these; `last` is what the cells' begin with: "at the end". */
MUST_USE struct result private_profile_explain(const struct plan *plan, struct profile_options options,
                                               const char *last, struct buffer *out);

#endif
