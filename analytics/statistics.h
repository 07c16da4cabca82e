/* The task `statistics`: what the columns hold, over all banks' rows. docs/statistics.md defines each figure. */
#ifndef ANALYTICS_STATISTICS_H
#define ANALYTICS_STATISTICS_H

#include "analytics/profile.h"

extern const struct task statistics_task;

/* model.json of a finished profile. */
MUST_USE struct result statistics_result(const struct profile *profile, uint64_t rounds, unsigned banks,
                                         struct buffer *out);

/* The quantiles that are reported. */
#define STATISTICS_SHARES ((size_t)9)
extern const double statistics_shares[STATISTICS_SHARES];

#endif
