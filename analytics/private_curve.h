/* Discrimination from one noisy histogram of scores: AUC and KS from counts as they came. */
#ifndef ANALYTICS_PRIVATE_CURVE_H
#define ANALYTICS_PRIVATE_CURVE_H

#include "analytics/cases.h"

#define PRIVATE_CURVE_BINS ((size_t)32)

struct private_scores {
    const double (*counts)[CASE_KINDS]; /* of each bin, from the lowest scores up; borrowed */
    size_t bins;
    enum case_kind first; /* the negatives' kind; the positives are the kind after it */
    double sigma;         /* of the noise in each count */
};
/* sd: what the noise does to a measure. NaN, but for the totals, where one of these is below 1. */
struct private_curve {
    double negatives, positives; /* of all bins */
    double auc, auc_sd, ks, ks_sd;
};

struct private_curve private_curve_of(const struct private_scores *scores);
/* The sampling variances of AUC (DeLong, DeLong and Clarke-Pearson 1988, equal scores within a bin half) and of KS at
 * its place, by the same counts; 0 at least, without what noise adds. NaN where the curve is. */
struct private_sampling {
    double auc, ks;
};
struct private_sampling private_curve_sampling(const struct private_scores *scores, const struct private_curve *curve);

#endif
