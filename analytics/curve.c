#include "analytics/curve.h"

#include <math.h>
#include <string.h>

static const double curve_reach = 4;    /* standard deviations */
static const double auc_asked = 0.6e-4; /* two standard deviations, so that 1e-4 is more than three */
static const double ks_asked = 4e-3;    /* keeps clear of 5e-3 */
static const double progress = 0.8;     /* a histogram that leaves more of the doubt than this finds only ties */
static const double margin = 0.7;       /* edges are placed for this share of it, as cases do not spread evenly */

static double larger(double a, double b)
{
    return a > b ? a : b;
}

void curve_start(struct curve *curve, const uint64_t totals[CASE_KINDS], double mean, double deviation)
{
    memset(curve, 0, sizeof *curve);
    memcpy(curve->totals, totals, sizeof curve->totals);
    double spread = larger(deviation, 1e-9);
    for (size_t e = 0; e < CURVE_EDGES; e++) {
        double edge = mean + spread * (2 * curve_reach * (double)e / (double)(CURVE_EDGES - 1) - curve_reach);
        if (curve->asked == 0 || edge > curve->asking[curve->asked - 1]) curve->asking[curve->asked++] = edge;
    }
}

/* How many of the rising edges are at most the score. */
static size_t edges_up_to(const double *edges, size_t count, double score)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (edges[middle] <= score)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t curve_bin(const struct curve *curve, double score)
{
    return edges_up_to(curve->asking, curve->asked, score);
}

static struct result insert(struct curve *curve, double edge, const uint64_t below[CASE_KINDS])
{
    size_t at = edges_up_to(curve->edges, curve->known, edge);
    if (curve->known == CURVE_KNOWN || (at > 0 && curve->edges[at - 1] == edge)) return RESULT_OK;
    for (size_t k = 0; k < CASE_KINDS; k++) {
        uint64_t least = at > 0 ? curve->below[at - 1][k] : 0;
        uint64_t most = at < curve->known ? curve->below[at][k] : curve->totals[k];
        ENSURE(below[k] >= least && below[k] <= most, CATEGORY_FALSE,
               "a score histogram contradicts the one before it; the sum is not a true one");
    }
    memmove(curve->edges + at + 1, curve->edges + at, (curve->known - at) * sizeof *curve->edges);
    memmove(curve->below + at + 1, curve->below + at, (curve->known - at) * sizeof *curve->below);
    curve->edges[at] = edge;
    memcpy(curve->below[at], below, sizeof curve->below[at]);
    curve->known++;
    return RESULT_OK;
}

struct result curve_take(struct curve *curve, const uint64_t (*counts)[CASE_KINDS])
{
    uint64_t below[CASE_KINDS] = {0};
    for (size_t b = 0; b <= curve->asked; b++) {
        for (size_t k = 0; k < CASE_KINDS; k++) below[k] += counts[b][k];
        if (b < curve->asked) TRY(insert(curve, curve->asking[b], below));
    }
    ENSURE(memcmp(below, curve->totals, sizeof below) == 0, CATEGORY_FALSE,
           "the score histogram does not hold as many cases as there are; the sum is not a true one");
    curve->asked = 0;
    curve->histograms++;
    return RESULT_OK;
}

/* The cases of one stretch between known edges (known + 1 of them), of a set. */
static void stretch_of(const struct curve *curve, size_t s, enum case_kind first, double *negatives, double *positives)
{
    const uint64_t none[CASE_KINDS] = {0};
    const uint64_t *from = s > 0 ? curve->below[s - 1] : none;
    const uint64_t *to = s < curve->known ? curve->below[s] : curve->totals;
    *negatives = (double)(to[first] - from[first]);
    *positives = (double)(to[first + 1] - from[first + 1]);
}

/* Variance of what a random order of the cases adds to the count of pairs in order (Mann and Whitney 1947). */
static double pairs_variance(double negatives, double positives)
{
    return negatives * positives * (negatives + positives + 1) / 12;
}

/* How far |share of negatives - share of positives| can rise within a stretch that begins at (n, p), in shares. */
static double ks_reach(double n, double p, double more_n, double more_p)
{
    return larger(fabs(p + more_p - n), fabs(p - n - more_n));
}

struct curve_measures curve_measure(const struct curve *curve, enum case_kind first)
{
    struct curve_measures measures = {.negatives = curve->totals[first], .positives = curve->totals[first + 1]};
    if (measures.negatives == 0 || measures.positives == 0) return measures;
    double negatives = (double)measures.negatives, positives = (double)measures.positives;
    double n = 0, p = 0, pairs = 0, variance = 0, reach = 0;
    for (size_t s = 0; s <= curve->known; s++) {
        double more_n, more_p;
        stretch_of(curve, s, first, &more_n, &more_p);
        pairs += more_p * (n + more_n / 2);
        variance += pairs_variance(more_n, more_p);
        if (more_n > 0 && more_p > 0)
            reach = larger(reach, ks_reach(n / negatives, p / positives, more_n / negatives, more_p / positives));
        n += more_n;
        p += more_p;
        measures.ks = larger(measures.ks, fabs(n / negatives - p / positives));
    }
    measures.auc = pairs / (negatives * positives);
    measures.auc_error = 2 * sqrt(variance) / (negatives * positives);
    measures.ks_error = larger(0, reach - measures.ks);
    return measures;
}

/* How the next histogram cuts the stretches, and what uncertainty that should leave in each set. */
struct placement {
    const struct curve *curve;
    size_t parts[CURVE_KNOWN + 1];
    size_t edges, most;
};

/* Share of what is asked, squared, that a stretch keeps of a set's AUC when cut into parts of like mix. */
static double auc_share(const struct placement *placement, size_t s, enum case_kind first, size_t parts)
{
    double pairs = (double)placement->curve->totals[first] * (double)placement->curve->totals[first + 1];
    if (pairs == 0) return 0;
    double n, p, cuts = (double)parts;
    stretch_of(placement->curve, s, first, &n, &p);
    return 4 * pairs_variance(n, p) / (pairs * pairs * auc_asked * auc_asked * cuts * cuts);
}

/* Cuts every stretch in which KS may still rise by too much. */
static void place_for_ks(struct placement *placement, enum case_kind first)
{
    const struct curve *curve = placement->curve;
    double negatives = (double)curve->totals[first], positives = (double)curve->totals[first + 1], n = 0, p = 0;
    if (negatives == 0 || positives == 0) return;
    double ks = curve_measure(curve, first).ks;
    for (size_t s = 0; s <= curve->known; s++) {
        double more_n, more_p;
        stretch_of(curve, s, first, &more_n, &more_p);
        more_n /= negatives;
        more_p /= positives;
        bool mixed = more_n > 0 && more_p > 0;
        double wanted = larger(more_n, more_p) / (margin * ks_asked);
        while (mixed && ks_reach(n, p, more_n, more_p) - ks > ks_asked && placement->edges < placement->most &&
               (double)placement->parts[s] < larger(wanted, 2)) {
            placement->parts[s]++;
            placement->edges++;
        }
        n += more_n;
        p += more_p;
    }
}

/* Cuts where it helps a set's AUC most, until what is left is little enough. */
static void place_for_auc(struct placement *placement, enum case_kind first)
{
    if (curve_measure(placement->curve, first).auc_error <= auc_asked) return;
    while (placement->edges < placement->most) {
        double left = 0, most = 0;
        size_t best = 0;
        for (size_t s = 0; s <= placement->curve->known; s++) {
            double now = auc_share(placement, s, first, placement->parts[s]);
            double gain = now - auc_share(placement, s, first, placement->parts[s] + 1);
            left += now;
            if (gain > most) {
                most = gain;
                best = s;
            }
        }
        if (left <= margin * margin || most == 0) return;
        placement->parts[best]++;
        placement->edges++;
    }
}

/* How far the measures are from what is asked of them; at most 1 in each part when all is well. */
static double doubt_of(const struct curve *curve, bool *ret_settled)
{
    double doubt = 0;
    *ret_settled = true;
    for (unsigned first = 0; first < CASE_KINDS; first += 2) {
        struct curve_measures measures = curve_measure(curve, first);
        double auc = measures.auc_error / auc_asked, ks = measures.ks_error / ks_asked;
        if (auc > 1 || ks > 1) *ret_settled = false;
        doubt += auc + ks;
    }
    return doubt;
}

bool curve_refine(struct curve *curve)
{
    bool settled;
    double before = curve->doubt;
    curve->asked = 0;
    curve->doubt = doubt_of(curve, &settled);
    if (settled || curve->known < 2 || curve->known >= CURVE_KNOWN || curve->histograms >= CURVE_HISTOGRAMS)
        return false;
    if (curve->histograms > 1 && curve->doubt > progress * before) return false;
    struct placement placement = {.curve = curve, .most = CURVE_KNOWN - curve->known};
    if (placement.most > CURVE_EDGES) placement.most = CURVE_EDGES;
    for (size_t s = 0; s <= curve->known; s++) placement.parts[s] = 1;
    place_for_ks(&placement, CASE_HELD_NEGATIVE); /* the smaller set first: it needs the edges more */
    place_for_ks(&placement, CASE_TRAIN_NEGATIVE);
    place_for_auc(&placement, CASE_HELD_NEGATIVE);
    place_for_auc(&placement, CASE_TRAIN_NEGATIVE);
    /* Beyond the outer edges there is no width to cut: one is made up. */
    double spread = curve->edges[curve->known - 1] - curve->edges[0];
    double last = curve->edges[0] - 2 * spread;
    for (size_t s = 0; s <= curve->known; s++) {
        double low = s > 0 ? curve->edges[s - 1] : curve->edges[0] - spread;
        double high = s < curve->known ? curve->edges[s] : low + spread;
        for (size_t part = 1; part < placement.parts[s]; part++) {
            double edge = low + (high - low) * (double)part / (double)placement.parts[s];
            if (!(edge > last && edge > low && edge < high)) continue; /* too thin for a double */
            curve->asking[curve->asked++] = last = edge;
        }
    }
    return curve->asked > 0;
}

size_t curve_thin(const struct curve *curve, size_t most, size_t *chosen)
{
    uint64_t all = 0, taken = 0;
    size_t count = 0;
    for (size_t k = 0; k < CASE_KINDS; k++) all += curve->totals[k];
    for (size_t e = 0; e < curve->known && count + 1 < most; e++) {
        uint64_t below = 0;
        for (size_t k = 0; k < CASE_KINDS; k++) below += curve->below[e][k];
        if ((below - taken) * most < all || below == all) continue;
        taken = below;
        chosen[count++] = e;
    }
    return count;
}
