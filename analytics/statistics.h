/* The task `statistics`: what the columns hold, over all banks' rows. docs/statistics.md defines each figure. */
#ifndef ANALYTICS_STATISTICS_H
#define ANALYTICS_STATISTICS_H

#include "analytics/json_text.h"
#include "analytics/profile.h"

extern const struct task statistics_task;

/* model.json of a finished profile. */
MUST_USE struct result statistics_result(const struct profile *profile, uint64_t rounds, unsigned banks,
                                         struct buffer *out);

/* Under differential privacy: what each sum releases and how much noise it gets; the model's object "privacy", and what
 * the noise makes of a mean and of a correlation. */
MUST_USE struct result statistics_private_explain(const struct plan *plan, struct profile_options options,
                                                  struct buffer *out);
struct statistics_noise {
    double cases, counts, drift, spread, products; /* standard deviations of all banks' noise together; 0: none */
};
MUST_USE struct result statistics_private_json(struct tree *tree, const struct profile *profile, unsigned banks,
                                               struct statistics_noise *ret_noise, json_t **ret);
/* To first order; not finite where there is no such figure. */
double statistics_mean_noise(const struct statistics_noise *noise, const struct profile *profile, size_t feature);
double statistics_correlation_noise(const struct statistics_noise *noise, const struct profile *profile,
                                    const size_t features[2], const double pair[6]);

/* The quantiles that are reported. */
#define STATISTICS_SHARES ((size_t)9)
extern const double statistics_shares[STATISTICS_SHARES];

#endif
