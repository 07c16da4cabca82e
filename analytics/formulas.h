/* What the tasks' formulas (data/formula.h) have in common: a row as the analyses see it, and the functions of
 * elementary.h and quantile.h as expressions, operation for operation. */
#ifndef ANALYTICS_FORMULAS_H
#define ANALYTICS_FORMULAS_H

#include "analytics/quantile.h"
#include "data/formula.h"
#include "proto/run/plan.h"

/* Nodes; FORMULAS_NONE where a feature has no mark. */
#define FORMULAS_NONE UINT32_MAX
struct formulas_row {
    const struct plan *plan;   /* borrowed */
    uint32_t kind;             /* enum case_kind */
    uint32_t trains, positive; /* conditions */
    uint32_t *values;          /* of each feature: its number, or its level as profile_level counts */
    uint32_t *marks;           /* of each feature: its enum column_mark */
};
void formulas_row_done(struct formulas_row *row);
/* Of the frozen table of this plan. */
MUST_USE struct result formulas_row_of(struct formula_sums *sums, const struct plan *plan, struct formulas_row *ret);
/* Room for as many features as the plan has, of which nothing is known. */
MUST_USE struct result formulas_row_new(const struct plan *plan, struct formulas_row *ret);

/* Whether a feature's value may be missing. */
bool formulas_may_lack(const struct plan_feature *feature);
/* 1 or 0, an integer. */
uint32_t formulas_flag(struct formula_sums *sums, uint32_t condition);
/* The node where a row trains, and nothing where it does not (of an integer). */
uint32_t formulas_where(struct formula_sums *sums, uint32_t condition, uint32_t value);
/* count · key + part. */
uint32_t formulas_pair(struct formula_sums *sums, uint32_t key, size_t count, uint32_t part);
/* round(x · 2^bits). */
uint32_t formulas_fixed(struct formula_sums *sums, uint32_t x, int bits);

/* elementary_logistic of a score: its probability as it is, and with what is below 2^FORMULAS_FLUSH as 0; and the tail
 * that way. A product of a number up to 1 in magnitude, some power up to 2^62 and what was made 0 rounds to 0 with or
 * without. */
#define FORMULAS_FLUSH (-200)
struct formulas_logistic {
    uint32_t probability, coarse, tail;
};
struct formulas_logistic formulas_logistic(struct formula_sums *sums, uint32_t score);

/* Counts a number in the searches' histograms, which begin at this place, where the condition holds. */
void formulas_quantiles(struct formula_sums *sums, uint32_t number, uint32_t condition,
                        const struct quantile_grid *grid, const struct quantile_interval *intervals, size_t count,
                        size_t at);

#endif
