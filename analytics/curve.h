/* Discrimination from a histogram of scores: at most CURVE_BINS bins, each with the counts of the four kinds of case.
 *
 * Finer histograms would show single customers, so bins are placed well instead: each round of bins is placed from the
 * counts of the one before it, thinner where positives and negatives of a set share a bin, none where a bin holds one
 * class only. Between the edges of a bin the curve is a straight line (the trapezoid), which is what ties mean.
 */
#ifndef ANALYTICS_CURVE_H
#define ANALYTICS_CURVE_H

#include "analytics/cases.h"

#define CURVE_BINS 256u
#define CURVE_EDGES (CURVE_BINS - 1)

struct curve {
    size_t bins;                             /* 1 to CURVE_BINS; bin b holds edges[b-1] <= score < edges[b] */
    double edges[CURVE_EDGES];               /* rising */
    uint64_t counts[CURVE_BINS][CASE_KINDS]; /* zero until counted */
};
struct curve_measures {
    uint64_t negatives, positives;
    double auc, ks;
    double auc_error; /* two standard deviations of what the order inside the bins can change */
    double ks_error;  /* no order inside the bins can raise KS by more */
};

/* First bins: even steps over four standard deviations on either side of the mean. */
void curve_start(struct curve *curve, double mean, double deviation);
size_t curve_bin(const struct curve *curve, double score);
/* first: CASE_TRAIN_NEGATIVE or CASE_HELD_NEGATIVE; the positives are the kind after it. */
struct curve_measures curve_measure(const struct curve *curve, enum case_kind first);
/* Whether both sets' measures are as good as is asked for: AUC within 1e-4 and KS within 5e-3 of the exact ones. */
bool curve_settled(const struct curve *curve);
/* Places the next bins from the counts; counts are zero again. False when nothing is left to split. */
bool curve_refine(struct curve *curve);

#endif
