#include "analytics/curve.h"

#include <math.h>
#include <string.h>

static const double curve_reach = 4;         /* standard deviations */
static const double auc_asked = 0.8e-4;      /* two standard deviations: keeps clear of 1e-4 */
static const double ks_asked = 4e-3;         /* keeps clear of 5e-3 */
static const double gain_least = 1e-9;       /* below it, splitting a bin brings nothing */
static const double exchange_at_least = 2.0; /* a merge must free a bin that brings twice what the merge costs */

static double larger(double a, double b)
{
    return a > b ? a : b;
}

void curve_start(struct curve *curve, double mean, double deviation)
{
    memset(curve, 0, sizeof *curve);
    curve->bins = CURVE_BINS;
    double spread = deviation > 1e-9 ? deviation : 1e-9;
    for (size_t e = 0; e < CURVE_EDGES; e++)
        curve->edges[e] = mean + spread * (2 * curve_reach * (double)e / (double)(CURVE_EDGES - 1) - curve_reach);
    /* Edges that rounding made equal are one edge. */
    size_t kept = 1;
    for (size_t e = 1; e < CURVE_EDGES; e++)
        if (curve->edges[e] > curve->edges[kept - 1]) curve->edges[kept++] = curve->edges[e];
    for (size_t e = kept; e < CURVE_EDGES; e++) curve->edges[e] = 0;
    curve->bins = kept + 1;
}

size_t curve_bin(const struct curve *curve, double score)
{
    size_t low = 0, high = curve->bins - 1; /* edges below `low` are at most the score, those from `high` on above it */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (curve->edges[middle] <= score)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Variance of what a random order of a bin's cases adds to the count of pairs in order (Mann and Whitney 1947). */
static double pairs_variance(double negatives, double positives)
{
    return negatives * positives * (negatives + positives + 1) / 12;
}

/* How far |share of negatives − share of positives| can rise inside a bin that begins at (n, p), in shares. */
static double ks_reach(double n, double p, double more_n, double more_p)
{
    return larger(fabs(p + more_p - n), fabs(p - n - more_n));
}

struct curve_measures curve_measure(const struct curve *curve, enum case_kind first)
{
    struct curve_measures measures = {0};
    for (size_t b = 0; b < curve->bins; b++) {
        measures.negatives += curve->counts[b][first];
        measures.positives += curve->counts[b][first + 1];
    }
    if (measures.negatives == 0 || measures.positives == 0) return measures;
    double negatives = (double)measures.negatives, positives = (double)measures.positives;
    double n = 0, p = 0, pairs = 0, variance = 0, reach = 0;
    for (size_t b = 0; b < curve->bins; b++) {
        double more_n = (double)curve->counts[b][first], more_p = (double)curve->counts[b][first + 1];
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

static bool set_settled(const struct curve *curve, enum case_kind first)
{
    struct curve_measures measures = curve_measure(curve, first);
    return measures.auc_error <= auc_asked && measures.ks_error <= ks_asked;
}

bool curve_settled(const struct curve *curve)
{
    return set_settled(curve, CASE_TRAIN_NEGATIVE) && set_settled(curve, CASE_HELD_NEGATIVE);
}

/* A stretch of neighbouring bins, to be cut into `parts`. */
struct stretch {
    double low, high; /* of an end stretch, one is a made-up distance away */
    bool opens;       /* begins at an edge, so not the first */
    double counts[CASE_KINDS];
    double ks; /* how far KS may rise inside it, in units of what is asked */
    size_t parts;
};
struct placement {
    struct stretch items[CURVE_BINS];
    size_t count, parts;
    double totals[CASE_KINDS];
};

/* What a stretch adds to the uncertainty, in units of what is asked, when cut into parts. */
static double uncertainty(const struct placement *placement, const struct stretch *stretch, size_t parts)
{
    double sum = 0;
    for (size_t f = 0; f < CASE_KINDS; f += 2) {
        double pairs = placement->totals[f] * placement->totals[f + 1];
        if (pairs == 0) continue;
        double variance = pairs_variance(stretch->counts[f], stretch->counts[f + 1]) / (pairs * pairs);
        sum += 4 * variance / (auc_asked * auc_asked);
    }
    double cuts = (double)parts;
    return sum / (cuts * cuts) + stretch->ks / cuts;
}

static double gain(const struct placement *placement, const struct stretch *stretch)
{
    return uncertainty(placement, stretch, stretch->parts) - uncertainty(placement, stretch, stretch->parts + 1);
}

static struct stretch join(const struct stretch *a, const struct stretch *b)
{
    struct stretch joined = *a;
    joined.high = b->high;
    for (size_t k = 0; k < CASE_KINDS; k++) joined.counts[k] += b->counts[k];
    joined.ks = larger(a->ks, b->ks);
    return joined;
}

static bool one_class(const struct stretch *stretch)
{
    return stretch->counts[0] * stretch->counts[1] == 0 && stretch->counts[2] * stretch->counts[3] == 0;
}

static void merge(struct placement *placement, size_t at)
{
    placement->items[at] = join(&placement->items[at], &placement->items[at + 1]);
    placement->count--;
    placement->parts--;
    memmove(placement->items + at + 1, placement->items + at + 2,
            (placement->count - at - 1) * sizeof *placement->items);
}

/* Stretches from bins; neighbours that stay of one class in each set are joined, which loses nothing. */
static void gather(const struct curve *curve, struct placement *placement)
{
    double spread = curve->edges[curve->bins - 2] - curve->edges[0] + 1e-9;
    for (size_t b = 0; b < curve->bins; b++) {
        struct stretch *stretch = &placement->items[placement->count];
        *stretch = (struct stretch){.opens = b > 0, .parts = 1};
        stretch->low = b > 0 ? curve->edges[b - 1] : curve->edges[0] - spread;
        stretch->high = b + 1 < curve->bins ? curve->edges[b] : curve->edges[curve->bins - 2] + spread;
        for (size_t k = 0; k < CASE_KINDS; k++) {
            stretch->counts[k] = (double)curve->counts[b][k];
            placement->totals[k] += stretch->counts[k];
        }
        placement->count++;
        placement->parts++;
        if (placement->count < 2) continue;
        struct stretch joined = join(stretch - 1, stretch);
        if (one_class(&joined)) merge(placement, placement->count - 2);
    }
}

static void weigh_ks(const struct curve *curve, struct placement *placement, enum case_kind first)
{
    double negatives = placement->totals[first], positives = placement->totals[first + 1];
    if (negatives == 0 || positives == 0) return;
    double ks = curve_measure(curve, first).ks, n = 0, p = 0;
    for (size_t i = 0; i < placement->count; i++) {
        struct stretch *stretch = &placement->items[i];
        double more_n = stretch->counts[first] / negatives, more_p = stretch->counts[first + 1] / positives;
        if (more_n > 0 && more_p > 0)
            stretch->ks = larger(stretch->ks, (ks_reach(n, p, more_n, more_p) - ks) / ks_asked);
        n += more_n;
        p += more_p;
    }
}

static size_t most_gain(const struct placement *placement)
{
    size_t best = 0;
    for (size_t i = 1; i < placement->count; i++)
        if (gain(placement, &placement->items[i]) > gain(placement, &placement->items[best])) best = i;
    return best;
}

/* Cheapest pair of uncut neighbours to join; false when there is none whose joining costs less than `worth`. */
static bool cheapest_merge(const struct placement *placement, double worth, size_t *ret)
{
    bool found = false;
    for (size_t i = 0; i + 1 < placement->count; i++) {
        const struct stretch *a = &placement->items[i], *b = a + 1;
        if (a->parts > 1 || b->parts > 1 || a->ks > 0 || b->ks > 0) continue;
        struct stretch joined = join(a, b);
        double cost = uncertainty(placement, &joined, 1) - uncertainty(placement, a, 1) - uncertainty(placement, b, 1);
        if (cost * exchange_at_least >= worth) continue;
        worth = cost * exchange_at_least;
        *ret = i;
        found = true;
    }
    return found;
}

static bool share_out(struct placement *placement)
{
    bool cut = false;
    for (;;) {
        size_t best = most_gain(placement);
        double worth = gain(placement, &placement->items[best]);
        if (!(worth > gain_least)) return cut;
        if (placement->parts < CURVE_BINS) {
            placement->items[best].parts++;
            placement->parts++;
            cut = true;
            continue;
        }
        size_t at;
        if (!cheapest_merge(placement, worth, &at)) return cut;
        merge(placement, at);
    }
}

bool curve_refine(struct curve *curve)
{
    if (curve->bins < 2) return false;
    struct placement placement = {.count = 0};
    gather(curve, &placement);
    weigh_ks(curve, &placement, CASE_TRAIN_NEGATIVE);
    weigh_ks(curve, &placement, CASE_HELD_NEGATIVE);
    if (!share_out(&placement)) return false;
    struct curve next = {.bins = 1};
    for (size_t i = 0; i < placement.count; i++) {
        const struct stretch *stretch = &placement.items[i];
        for (size_t part = stretch->opens ? 0 : 1; part < stretch->parts; part++) {
            double edge = stretch->low + (stretch->high - stretch->low) * (double)part / (double)stretch->parts;
            if (next.bins > 1 && !(edge > next.edges[next.bins - 2])) continue; /* too thin for a double */
            next.edges[next.bins++ - 1] = edge;
        }
    }
    *curve = next;
    return true;
}
