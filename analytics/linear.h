/* Small dense symmetric systems, in a fixed order of operations: + - * / sqrt only, so every machine gets the same
 * bits. A matrix is `count` x `count`, row after row; only the lower triangle is read.
 */
#ifndef ANALYTICS_LINEAR_H
#define ANALYTICS_LINEAR_H

#include <stddef.h>

#include "crypto/base/result.h"

/* Pivots at or under this share of their diagonal element count as zero in linear_factor. */
#define LINEAR_PIVOT_LEAST 1e-13
/* A column is collinear when what the columns before it leave of its squared length is at most this share:
 * a residual norm below 1e-6 of its own norm. Above LINEAR_PIVOT_LEAST with room for the weights of the rows: what is
 * kept can be factored. */
#define LINEAR_COLLINEAR 1e-12

/* Cholesky in place: lower triangle becomes L. Returns count, or the first column whose pivot is not positive. */
size_t linear_factor(size_t count, double *matrix);
/* Solves L L' x = b in place. */
void linear_solve(size_t count, const double *factor, double *vector);
/* Diagonal of (L L')^-1. work: count values. */
void linear_inverse_diagonal(size_t count, const double *factor, double *work, double *ret_diagonal);

/* Finds collinear columns of a Gram matrix of exact integers (lower triangle, count x count), taking columns in order,
 * in double-double arithmetic. ret_collinear[j] says whether column j depends on those before it (or is zero).
 * CATEGORY_FALSE when the matrix is not positive semidefinite, so no sum of squares. */
MUST_USE struct result linear_collinear(size_t count, const __int128 *gram, bool *ret_collinear);

#endif
