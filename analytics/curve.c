#include "analytics/curve.h"

#include <math.h>
#include <string.h>

static const double curve_reach = 4;    /* standard deviations */
static const double auc_asked = 0.6e-4; /* two standard deviations, so that 1e-4 is more than three */
static const double ks_asked = 4.9e-3;  /* keeps clear of 5e-3 */

static double larger(double a, double b)
{
    return a > b ? a : b;
}

void curve_start(struct curve *curve, const uint64_t totals[CASE_KINDS], double mean, double deviation)
{
    memset(curve, 0, sizeof *curve);
    memcpy(curve->totals, totals, sizeof curve->totals);
    double spread = larger(deviation, 1e-9);
    for (size_t e = 0; e < CURVE_STEP; e++) {
        double edge = mean + spread * (2 * curve_reach * (double)e / (double)(CURVE_STEP - 1) - curve_reach);
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
    if (at > 0 && curve->edges[at - 1] == edge) return RESULT_OK;
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
    double from_n = 0, from_p = 0, coarse = 0; /* the same pairs from every other edge */
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
        if (s % 2 == 0 && s < curve->known) continue;
        coarse += (p - from_p) * (from_n + n) / 2;
        from_n = n;
        from_p = p;
    }
    measures.auc = pairs / (negatives * positives);
    measures.auc_error = (2 * sqrt(variance) + fabs(pairs - coarse) / 3) / (negatives * positives);
    measures.ks_error = larger(0, reach - measures.ks);
    return measures;
}

/* What a stretch leaves open of a set's measures, as multiples of what is asked. */
struct doubt {
    double pairs, triples; /* of the AUC, squared: falls with the number of parts, and with its square */
    double ks, ks_more;    /* of the KS: without the order inside the stretch, and what that can add */
};

static void find_doubts(const struct curve *curve, enum case_kind first, struct doubt *doubts)
{
    struct curve_measures measures = curve_measure(curve, first);
    double negatives = (double)measures.negatives, positives = (double)measures.positives, n = 0, p = 0;
    double unit = negatives * positives * auc_asked / 2;
    for (size_t s = 0; s <= curve->known; s++) {
        double more_n, more_p;
        stretch_of(curve, s, first, &more_n, &more_p);
        doubts[s] = (struct doubt){0};
        if (more_n > 0 && more_p > 0) {
            double reach = ks_reach(n / negatives, p / positives, more_n / negatives, more_p / positives);
            double ends =
                larger(fabs(n / negatives - p / positives), fabs((n + more_n) / negatives - (p + more_p) / positives));
            double both = more_n * more_p / (12 * unit * unit);
            doubts[s] = (struct doubt){3 * both, both * (more_n + more_p - 2), (ends - measures.ks) / ks_asked,
                                       (reach - ends) / ks_asked};
        }
        n += more_n;
        p += more_p;
    }
}

/* What is left of a doubt when the stretch's cases fall at random into that many parts: the expectation of
 * pairs_variance over the parts. */
static double left_of(const struct doubt *doubt, size_t parts)
{
    double cuts = (double)parts, ks = larger(0, doubt->ks + doubt->ks_more / cuts - 1);
    return doubt->pairs / cuts + doubt->triples / (cuts * cuts) + ks * ks;
}

/* How many parts each stretch is best cut into, with `edges` edges to spend. */
static void place(const struct curve *curve, size_t edges, size_t *parts)
{
    struct doubt train[CURVE_BINS], held[CURVE_BINS];
    find_doubts(curve, CASE_TRAIN_NEGATIVE, train);
    find_doubts(curve, CASE_HELD_NEGATIVE, held);
    for (size_t s = 0; s <= curve->known; s++) parts[s] = 1;
    while (edges-- > 0) {
        double most = 0;
        size_t best = 0;
        for (size_t s = 0; s <= curve->known; s++) {
            double now = left_of(&train[s], parts[s]) + left_of(&held[s], parts[s]);
            double gain = now - left_of(&train[s], parts[s] + 1) - left_of(&held[s], parts[s] + 1);
            if (gain > most) {
                most = gain;
                best = s;
            }
        }
        if (most == 0) return;
        parts[best]++;
    }
}

static bool settled(const struct curve *curve, enum case_kind first)
{
    struct curve_measures measures = curve_measure(curve, first);
    return measures.auc_error <= auc_asked && measures.ks_error <= ks_asked;
}

bool curve_refine(struct curve *curve)
{
    curve->asked = 0;
    if (curve->known == 0 || curve->histograms >= CURVE_HISTOGRAMS) return false;
    if (settled(curve, CASE_TRAIN_NEGATIVE) && settled(curve, CASE_HELD_NEGATIVE)) return false;
    size_t parts[CURVE_BINS];
    place(curve, CURVE_STEP, parts);
    /* Beyond the outer edges there is no width to cut: one is made up. */
    double spread = curve->edges[curve->known - 1] - curve->edges[0];
    for (size_t s = 0; s <= curve->known; s++) {
        double low = s > 0 ? curve->edges[s - 1] : curve->edges[0] - spread;
        double high = s < curve->known ? curve->edges[s] : low + spread, last = low;
        for (size_t part = 1; part < parts[s]; part++) {
            double edge = low + (high - low) * (double)part / (double)parts[s];
            if (!(edge > last && edge < high)) continue; /* too thin for a double */
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

struct result curve_walk(const struct walk *walk, struct curve *curve)
{
    TRY(walk_counts(walk, curve->totals, CASE_KINDS));
    TRY(walk_u64(walk, &curve->histograms));
    TRY(walk_length(walk, &curve->known, CURVE_EDGES, "score edges"));
    TRY(walk_reals(walk, curve->edges, curve->known, "an edge of the scores"));
    TRY(walk_counts(walk, curve->below[0], curve->known * CASE_KINDS));
    TRY(walk_length(walk, &curve->asked, CURVE_STEP, "score edges"));
    return walk_reals(walk, curve->asking, curve->asked, "an edge of the scores");
}

struct result curve_check(const struct curve *curve)
{
    ENSURE(curve->known + curve->asked <= CURVE_EDGES, CATEGORY_FALSE, "the state has more score edges than %zu",
           CURVE_EDGES);
    for (size_t e = 1; e < curve->known; e++) {
        ENSURE(curve->edges[e - 1] < curve->edges[e], CATEGORY_FALSE, "the state's score edges are out of order");
        for (size_t k = 0; k < CASE_KINDS; k++)
            ENSURE(curve->below[e - 1][k] <= curve->below[e][k], CATEGORY_FALSE,
                   "the state's counts of scores are out of order");
    }
    for (size_t k = 0; k < CASE_KINDS && curve->known > 0; k++)
        ENSURE(curve->below[curve->known - 1][k] <= curve->totals[k], CATEGORY_FALSE,
               "the state's counts of scores are out of order");
    for (size_t e = 1; e < curve->asked; e++)
        ENSURE(curve->asking[e - 1] < curve->asking[e], CATEGORY_FALSE, "the state's score edges are out of order");
    return RESULT_OK;
}
