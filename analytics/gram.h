/* The sums a linear model asks for, exact: every record's contribution is an integer, and integers are added.
 *
 * Records come in blocks of up to GRAM_ROWS, as columns of doubles: record r of column t is x[t · GRAM_ROWS + r]. What
 * a record contributes depends on that record alone, neither on its place nor on its neighbours, and every path gives
 * the same integers. A block of 32 columns stays in the second-level cache through all of these functions.
 *
 * A function that rounds returns false when some value is beyond what it can hold (or is a NaN); what it added to is
 * then to be thrown away. Bounds that the plan proves keep that from happening.
 */
#ifndef ANALYTICS_GRAM_H
#define ANALYTICS_GRAM_H

#include <stddef.h>
#include <stdint.h>

#include "analytics/path.h"
#include "crypto/base/result.h"

#define GRAM_ROWS ((size_t)512)

/* score[r] = (..(x[0][r]·beta[0] + x[1][r]·beta[1]) + ..) + x[terms-1][r]·beta[terms-1]: each operation rounds once, in
 * this order. terms = 0 gives 0. */
void gram_scores(enum path path, const double *x, size_t terms, const double *beta, size_t rows, double *score);

/* sums[t] += Σ_r round(x[t][r] · factor[r] · scale), half to even, each product rounded to double first. Values stay
 * within ±2^51 (ELEMENTARY_ROUND_MAX). With factor = residuals this is a gradient; with factor = w·x_i a row of the
 * Hessian at full resolution. */
MUST_USE bool gram_project(enum path path, const double *x, size_t terms, const double *factor, double scale,
                           size_t rows, __int128 *sums);
/* *sum += Σ_r round(value[r] · scale). */
MUST_USE bool gram_total(enum path path, const double *value, double scale, size_t rows, __int128 *sum);

/* Σ_r w·x_i·x_j on a grid of 16 bits: a = round(x[t] · grid[t]), b = round(x[t]·grid[t] · (weight · weight_scale)),
 * both half to even and within ±32767; the sums are Σ_r b_i·a_j for i <= j, exact in 64 bits for 2^33 records. */
struct gram;
/* grid (terms values) is copied. */
MUST_USE struct result gram_new(enum path path, size_t terms, const double *grid, double weight_scale,
                                struct gram **ret);
void gram_free(struct gram *gram);
void gram_freep(struct gram **gram);
MUST_USE bool gram_add(struct gram *gram, const double *x, const double *weight, size_t rows);
/* The sum for i <= j. */
int64_t gram_sum(const struct gram *gram, size_t i, size_t j);

#endif
