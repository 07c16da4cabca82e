#include "analytics/private_curve.h"

#include <math.h>

#include "analytics/private_project.h"

static double square(double x)
{
    return x * x;
}

/* Going up the bins: the shares of each outcome below a bin and in it. */
struct walk_of_bins {
    const struct private_scores *scores;
    const struct private_curve *curve;
    size_t next;
    double below[2], in[2];
};

static bool step(struct walk_of_bins *walk)
{
    if (walk->next == walk->scores->bins) return false;
    const double *counts = walk->scores->counts[walk->next++] + walk->scores->first;
    for (size_t k = 0; k < 2; k++) walk->below[k] += walk->in[k];
    walk->in[0] = counts[0] / walk->curve->negatives;
    walk->in[1] = counts[1] / walk->curve->positives;
    return true;
}

static void find_totals(const struct private_scores *scores, struct private_curve *into)
{
    for (size_t b = 0; b < scores->bins; b++) {
        into->negatives += scores->counts[b][scores->first];
        into->positives += scores->counts[b][scores->first + 1];
    }
}

/* The trapezoid over counts as they came: what noise adds to one bin it takes from no other, so the area is right on
 * average, where counts that are cut off at 0 would make it too small. */
static void find_area(const struct private_scores *scores, struct private_curve *into)
{
    struct walk_of_bins walk = {.scores = scores, .curve = into};
    while (step(&walk)) {
        into->auc += walk.in[1] * (walk.below[0] + walk.in[0] / 2);
        double apart = fabs(walk.below[0] + walk.in[0] - walk.below[1] - walk.in[1]);
        if (apart > into->ks) into->ks = apart;
    }
    into->auc = private_clip(into->auc, 0, 1);
    into->ks = private_clip(into->ks, 0, 1);
}

/* By the area's derivative in each count. KS: half the bins of each outcome lie below its place. */
static void find_errors(const struct private_scores *scores, struct private_curve *into)
{
    struct walk_of_bins walk = {.scores = scores, .curve = into};
    double squares = 0, each = (double)scores->bins / 4;
    while (step(&walk)) {
        squares += square((walk.below[0] + walk.in[0] / 2 - into->auc) / into->positives);
        squares += square((1 - walk.below[1] - walk.in[1] / 2 - into->auc) / into->negatives);
    }
    into->auc_sd = scores->sigma * sqrt(squares);
    into->ks_sd = scores->sigma * sqrt(each / square(into->negatives) + each / square(into->positives));
}

struct private_curve private_curve_of(const struct private_scores *scores)
{
    struct private_curve curve = {0};
    find_totals(scores, &curve);
    if (!(curve.negatives >= 1 && curve.positives >= 1)) {
        const double none = (double)NAN;
        return (struct private_curve){curve.negatives, curve.positives, none, none, none, none};
    }
    find_area(scores, &curve);
    find_errors(scores, &curve);
    return curve;
}

struct private_sampling private_curve_sampling(const struct private_scores *scores, const struct private_curve *curve)
{
    struct walk_of_bins walk = {.scores = scores, .curve = curve};
    double s10 = 0, s01 = 0, ks = 0, most = -1;
    while (!isnan(curve->auc) && step(&walk)) {
        s10 += walk.in[1] * square(walk.below[0] + walk.in[0] / 2 - curve->auc);
        s01 += walk.in[0] * square(1 - walk.below[1] - walk.in[1] / 2 - curve->auc);
        double n = walk.below[0] + walk.in[0], p = walk.below[1] + walk.in[1];
        if (!(fabs(n - p) > most)) continue;
        most = fabs(n - p);
        ks = private_clip(n * (1 - n), 0, 0.25) / curve->negatives +
             private_clip(p * (1 - p), 0, 0.25) / curve->positives;
    }
    if (isnan(curve->auc)) return (struct private_sampling){(double)NAN, (double)NAN};
    return (struct private_sampling){
        private_clip(s10, 0, 0.25) / curve->positives + private_clip(s01, 0, 0.25) / curve->negatives, ks};
}
