/* A block of rows as the model sees them: one column of doubles for each term kept, in order, numbers standardised and
 * shrunk by their power of two into [-1, 1], levels as 0 and 1; and each row's score. What a row gives depends on that
 * row alone. */
#ifndef ANALYTICS_LOGISTIC_DESIGN_H
#define ANALYTICS_LOGISTIC_DESIGN_H

#include "analytics/gram.h"
#include "analytics/logistic.h"
#include "data/table.h"

struct design {
    const struct logistic *state; /* borrowed */
    const struct table *table;    /* borrowed */
    enum path path;
    size_t terms;
    double *slopes; /* of each term kept: its coefficient for the shrunk column */
    /* the block at hand */
    uint64_t begin; /* its first row in the table */
    size_t rows;
    uint8_t kinds[GRAM_ROWS];
    double *x; /* terms x GRAM_ROWS */
    double score[GRAM_ROWS];
    double probability[GRAM_ROWS], tail[GRAM_ROWS];
    double residual[GRAM_ROWS];   /* 1 or 0 minus the probability */
    double likelihood[GRAM_ROWS]; /* log-likelihood of the row, <= 0 */
    double part[2][GRAM_ROWS];    /* columns that are not kept but have a product */
};

void design_done(struct design *design);
MUST_USE struct result design_init(const struct logistic *state, const struct table *table, struct design *ret);
MUST_USE struct result design_load(struct design *design, uint64_t begin, size_t rows);
/* Counts a block's training rows by the bin of each number (analytics/logistic_sums.c). */
void logistic_bins_add(const struct logistic *state, const struct design *design, __int128 *counts);
/* 2^exponent, exact. */
double design_power(int exponent);

#endif
