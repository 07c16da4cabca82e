/* How well scores tell positives from negatives: the exact measures of a table whose rows are at hand. */
#ifndef CLI_METRICS_H
#define CLI_METRICS_H

#include "crypto/base/bytes.h"

struct scored {
    double score; /* log odds */
    bool positive;
};
struct metrics {
    uint64_t rows, positives;
    double auc;      /* ties count half */
    double ks;       /* largest distance of the two score distributions */
    double gini;     /* 2·auc − 1 */
    double log_loss; /* mean, natural logarithm */
    double brier;    /* mean square of probability less outcome */
};

/* Sorts the rows. CATEGORY_FALSE when there is no positive or no negative among them. */
MUST_USE struct result metrics_of(struct scored *rows, uint64_t count, struct metrics *ret);
/* 1 / (1 + exp(−score)), without overflow. */
double metrics_probability(double score);

#endif
