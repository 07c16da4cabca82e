#include "cli/metrics.h"

#include <math.h>
#include <stdlib.h>

double metrics_probability(double score)
{
    if (score >= 0) return 1 / (1 + exp(-score));
    double odds = exp(score);
    return odds / (1 + odds);
}

/* −log of the probability of what came true: log(1 + exp(−x)) with x the log odds of it. */
static double loss(double odds)
{
    return odds > 0 ? log1p(exp(-odds)) : log1p(exp(odds)) - odds;
}

static int scored_compare(const void *left, const void *right)
{
    const struct scored *a = left, *b = right;
    return (a->score > b->score) - (a->score < b->score);
}

/* Walks the groups of equal scores, lowest first. */
static void rank(const struct scored *rows, uint64_t count, struct metrics *metrics)
{
    const double positives = (double)metrics->positives, negatives = (double)(count - metrics->positives);
    double above = 0, positives_below = 0, negatives_below = 0; /* pairs won, and rows so far */
    for (uint64_t i = 0; i < count;) {
        double tied[2] = {0, 0};
        for (const double score = rows[i].score; i < count && rows[i].score == score; i++) tied[rows[i].positive]++;
        above += tied[1] * (negatives_below + tied[0] / 2);
        negatives_below += tied[0];
        positives_below += tied[1];
        double distance = fabs(positives_below / positives - negatives_below / negatives);
        if (distance > metrics->ks) metrics->ks = distance;
    }
    metrics->auc = above / (positives * negatives);
    metrics->gini = 2 * metrics->auc - 1;
}

struct result metrics_of(struct scored *rows, uint64_t count, struct metrics *ret)
{
    struct metrics metrics = {.rows = count};
    for (uint64_t i = 0; i < count; i++) {
        double outcome = rows[i].positive ? 1 : 0, distance = metrics_probability(rows[i].score) - outcome;
        metrics.positives += rows[i].positive;
        metrics.brier += distance * distance;
        metrics.log_loss += loss(rows[i].positive ? rows[i].score : -rows[i].score);
    }
    ENSURE(metrics.positives > 0 && metrics.positives < count, CATEGORY_FALSE,
           "%llu rows with %llu positives: measures need rows of both kinds", (unsigned long long)count,
           (unsigned long long)metrics.positives);
    metrics.brier /= (double)count;
    metrics.log_loss /= (double)count;
    qsort(rows, (size_t)count, sizeof *rows, scored_compare);
    rank(rows, count, &metrics);
    *ret = metrics;
    return RESULT_OK;
}
