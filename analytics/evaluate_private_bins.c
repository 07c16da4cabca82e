/* Where a model's scores are cut. Nothing is asked of the rows: half the edges part the rows that trained, of which the
 * model keeps a histogram, into equal parts; the others part the probabilities evenly. */
#include "analytics/evaluate_private.h"
#include "analytics/exact.h"

enum { PARTS = PRIVATE_CURVE_BINS / 2 };
/* No bin is narrower than this, for what is divided by its width. */
static const double half_least = 1e-6;

static void insert(struct evaluate_bins *bins, double edge)
{
    size_t at = bins->count;
    for (size_t e = 0; e < bins->count; e++)
        if (bins->edges[e] == edge) return;
    for (; at > 0 && bins->edges[at - 1] > edge; at--) bins->edges[at] = bins->edges[at - 1];
    bins->edges[at] = edge;
    bins->count++;
}

/* Of the training histogram's edges those where the next 16th of its rows begins; into edges, and what lies between
 * them into shares. */
static size_t choose_training(const struct evaluate_given *given, double *edges, double *shares)
{
    size_t count = 0;
    double below = 0, next = 1 / (double)PARTS;
    shares[0] = 0;
    for (size_t b = 0; b < given->bins; b++) {
        shares[count] += given->shares[b];
        below += given->shares[b];
        if (b == given->edges_count || below < next || count + 1 == PARTS) continue;
        edges[count++] = given->edges[b];
        shares[count] = 0;
        while (next <= below) next += 1 / (double)PARTS;
    }
    return count;
}

static double chance_of(double score)
{
    return 1 / (1 + exact_exp(-score));
}

static void place(struct evaluate_bins *bins, const double *training, size_t training_count)
{
    size_t at = 0;
    for (size_t b = 0; b < bins->count; b++) {
        double from = b > 0 ? chance_of(bins->edges[b - 1]) : 0;
        double to = b + 1 < bins->count ? chance_of(bins->edges[b]) : 1;
        bins->middle[b] = (from + to) / 2;
        bins->half[b] = (to - from) / 2 > half_least ? (to - from) / 2 : half_least;
        while (at < training_count && b > 0 && training[at] <= bins->edges[b - 1]) at++;
        bins->training[b] = at;
    }
}

void evaluate_private_bins(const struct evaluate_given *given, struct evaluate_bins *ret)
{
    struct evaluate_bins bins = {0};
    double training[PARTS];
    size_t count = given->bins ? choose_training(given, training, bins.shares) : 0;
    size_t even = given->bins ? PARTS : PRIVATE_CURVE_BINS;
    bins.training_count = given->bins ? count + 1 : 0;
    for (size_t e = 0; e < count; e++) insert(&bins, training[e]);
    for (size_t e = 1; e < even; e++) insert(&bins, exact_log((double)e / (double)(even - e)));
    bins.count++; /* one bin more than edges */
    place(&bins, training, count);
    *ret = bins;
}
