/* Coarse classing: cells in order are joined into classes that keep the most information value.
 *
 * WoE of a class: ln((positives / all positives) / (negatives / all negatives)): above 0 where positives are frequent
 * (the sign of R's scorecard package; Siddiqi 2006 and others take the inverse ratio). Information value: Σ over
 * classes of (share of positives − share of negatives) · WoE.
 */
#ifndef ANALYTICS_CLASSING_H
#define ANALYTICS_CLASSING_H

#include "analytics/cells.h"
#include "crypto/base/result.h"
#include "proto/run/plan.h"

#define CLASSING_CELLS_MAX ((size_t)PLAN_BINS_MAX)

struct classing_rule {
    struct cell all;  /* totals that shares are taken of */
    uint64_t rows;    /* least rows of a class */
    uint64_t minimum; /* least positives and least negatives of a class */
    size_t most;      /* classes, 1 to PLAN_CLASSES_MAX */
    enum plan_monotone monotone;
};

/* Both need positives and negatives in the cell. */
double classing_woe(struct cell cell, struct cell all);
double classing_iv(struct cell cell, struct cell all);

/* The classing of the most information value that keeps the rule: of_cell[i] rises from 0. Of equals the one found
 * first. Returns the number of classes; 1 when no other keeps the rule. count is 1 to CLASSING_CELLS_MAX. Cost: count³
 * · most. */
MUST_USE struct result classing_optimal(struct classing_rule rule, const struct cell *cells, size_t count,
                                        size_t *of_cell, size_t *ret_classes);

#endif
