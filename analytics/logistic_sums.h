/* The fields of the sums that need scores, in the order of their layouts. */
#ifndef ANALYTICS_LOGISTIC_SUMS_H
#define ANALYTICS_LOGISTIC_SUMS_H

#include "analytics/logistic.h"

enum { NEWTON_HESSIAN, NEWTON_GRADIENT, NEWTON_LIKELIHOOD, NEWTON_SCORES, NEWTON_HELD };
enum { SCORE_COUNTS, SCORE_HESSIAN, SCORE_LOG_LOSS, SCORE_SQUARED_ERROR, SCORE_BINS };

/* Of the coarse Hessian: a column is from -2^14 to 2^14. */
enum { LOGISTIC_GRID_BITS = 14, LOGISTIC_GRID_WEIGHT_BITS = 2 };

/* Powers of two that bound every score, and every row's log-likelihood, at the state's coefficients: the sums of them
 * are taken as shares of these. */
MUST_USE struct result logistic_score_exponents(const struct logistic *state, int *ret_score, int *ret_likelihood);
/* The Hessian of a sum over the terms kept, lower triangle, without the penalty, which the other adds. */
MUST_USE struct result logistic_hessian(const struct logistic *state, const struct sum *sum, size_t field,
                                        double *matrix);
void logistic_add_ridge(const struct logistic *state, double *matrix);
/* Whether every column kept fits the 16-bit grid of the coarse Hessian. */
bool logistic_grid_suits(const struct logistic *state);

#endif
