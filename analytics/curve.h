/* Discrimination from histograms of scores with the counts of the four kinds of case. All of a run's histograms laid
 * together are one of at most CURVE_BINS bins.
 *
 * A finer one would show single customers, so edges are placed well instead. A histogram tells how many cases lie below
 * each of its few edges; these counts are kept, and the next histogram has its edges where positives and negatives of a
 * set still share a stretch and cutting it tells the most. Within a stretch the curve is a straight line (the
 * trapezoid), which is what ties mean.
 */
#ifndef ANALYTICS_CURVE_H
#define ANALYTICS_CURVE_H

#include "analytics/cases.h"
#include "analytics/sum.h"

#define CURVE_BINS ((size_t)256)
#define CURVE_EDGES (CURVE_BINS - 1) /* of all histograms together */
#define CURVE_HISTOGRAMS ((size_t)8) /* at most: each knows better than the one before where to cut */
#define CURVE_STEP ((size_t)31)      /* edges of one */
_Static_assert(CURVE_EDGES >= CURVE_HISTOGRAMS * CURVE_STEP, "the histograms laid together are too fine");

struct curve {
    uint64_t totals[CASE_KINDS];
    uint64_t histograms; /* taken */
    size_t known;        /* edges counted so far, rising, and the cases whose score is below each */
    double edges[CURVE_EDGES];
    uint64_t below[CURVE_EDGES][CASE_KINDS];
    size_t asked; /* edges of the next histogram, rising: bin b holds asking[b-1] <= score < asking[b] */
    double asking[CURVE_STEP];
};
struct curve_measures {
    uint64_t negatives, positives;
    double auc, ks;
    double auc_error; /* two standard deviations of what the order inside the stretches can change, and their bend */
    double ks_error;  /* no order inside the stretches can raise KS by more */
};

/* First edges: even steps over four standard deviations on either side of the mean. */
void curve_start(struct curve *curve, const uint64_t totals[CASE_KINDS], double mean, double deviation);
size_t curve_bin(const struct curve *curve, double score);
/* Takes the histogram asked for (asked + 1 bins) into the known edges. CATEGORY_FALSE when it contradicts them. */
MUST_USE struct result curve_take(struct curve *curve, const uint64_t (*counts)[CASE_KINDS]);
/* first: CASE_TRAIN_NEGATIVE or CASE_HELD_NEGATIVE; the positives are the kind after it. */
struct curve_measures curve_measure(const struct curve *curve, enum case_kind first);
/* Asks for the next edges. False, asking for none, when both sets' AUC is within 1e-4 and KS within 5e-3 of the exact
 * ones, when no stretch is left to cut, or when the histograms are spent: then the errors say how far it came. */
bool curve_refine(struct curve *curve);
/* Chooses known edges that leave bins of about equal size, at most `most` bins; returns how many edges. */
size_t curve_thin(const struct curve *curve, size_t most, size_t *chosen);
/* As a part of a state's bytes; and what the code that uses one relies on. */
MUST_USE struct result curve_walk(const struct walk *walk, struct curve *curve);
MUST_USE struct result curve_check(const struct curve *curve);

#endif
