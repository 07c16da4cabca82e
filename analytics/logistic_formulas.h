/* A logistic run's sums as formulas (data/formula.h), over a row whose values the caller gives: a scorecard's fit has
 * weights of evidence for numbers. */
#ifndef ANALYTICS_LOGISTIC_FORMULAS_H
#define ANALYTICS_LOGISTIC_FORMULAS_H

#include "analytics/formulas.h"
#include "proto/run/task.h"

/* The plan's task is logistic; state is its bytes. */
MUST_USE struct result logistic_formulas_of(const struct plan *plan, struct view state, const struct formulas_row *row,
                                            struct formula_sums *ret);

#endif
