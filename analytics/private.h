/* Differential privacy, as tasks see it: how a plan's budget is split, and fields whose sums carry noise.
 *
 * The noise itself is added where a bank masks its input (proto/secagg/noise.c); a task says how far one record can
 * move a field (its norm) and how much of the budget the field's sum may cost. docs/privacy.md derives the norms.
 */
#ifndef ANALYTICS_PRIVATE_H
#define ANALYTICS_PRIVATE_H

#include "proto/run/task.h"

/* zCDP of each phase; together at most the plan's. */
struct private_budget {
    double rho[PLAN_PHASES];
};
/* By the plan's weights, else by the task's own; a phase with an own weight of 0 is none of the task's.
 * CATEGORY_USAGE when the plan's split names such a one, or not all of the others. */
MUST_USE struct result private_split(const struct plan *plan, const double own[PLAN_PHASES],
                                     struct private_budget *ret);
/* A part of a phase's rho, rounded down; parts of a phase add up to 1 at most. */
double private_part(double rho, double part);
/* The norm whose square this is, rounded up: of a record that is in `square` cells, sqrt(square). */
double private_norm(double square);

/* How many values have a property, each of `length`: a record is counted in values whose Euclidean norm is `norm` at
 * most (1 when it is in one of them). */
struct layout_field private_counts(const char *name, uint64_t length, double norm, double rho);
/* Sums of real values: a record's stay within ±bound each, their Euclidean norm within `norm`. */
MUST_USE struct result private_reals(const char *name, uint64_t length, double bound, double norm, double rho,
                                     struct layout_field *ret);
/* σ of the noise in the field's sum, in the values' own unit, when all `honest` banks add theirs and nobody else. */
double private_sigma(const struct layout_field *field);
/* The same with what the surplus adds: all of `banks` add noise, though only those sure to be honest count. In a sum of
 * fewer (on_dropout: continue) there is less. Fewer banks than a cohort has are taken for honest. */
MUST_USE struct result private_noise(const struct plan *plan, const struct layout_field *field, unsigned banks,
                                     double *ret);

/* What an explanation of a private plan ends with: whose noise was told, and what all of it promises. */
MUST_USE struct result private_explain(const struct plan *plan, struct buffer *out);

/* That no row can stop a bank by its values: whether a run stops would tell of that row, and no noise hides it.
 * CATEGORY_USAGE names the feature, and what to write. */
MUST_USE struct result private_check_features(const struct plan *plan);

#endif
