/* The sums of a scorecard's fit as formulas: those of a logistic run over weights of evidence. */
#include <stdlib.h>

#include "analytics/logistic_formulas.h"
#include "analytics/scorecard.h"
#include "data/table.h"

/* A row's weight: that of the class of its bin or level, or of its special code, or of missing values. */
static struct result weight_of(struct formula_sums *sums, const struct scorecard *scorecard,
                               const struct formulas_row *row, size_t f, uint32_t *ret)
{
    const struct scorecard_feature *feature = &scorecard->features[f];
    const struct plan_feature *plan = &scorecard->plan->features[f];
    double edges[PROFILE_BINS_MAX], *weights = calloc(feature->cells_count + 1, sizeof *weights);
    ENSURE(weights, CATEGORY_ENVIRONMENT, "out of memory for the weights of a feature");
    uint32_t cell = row->values[f];
    if (plan->kind == PLAN_NUMBER) cell = formula_bin(sums, cell, edges, profile_edges(&scorecard->profile, f, edges));
    for (size_t c = 0; c < feature->cells_count; c++) weights[c] = feature->classes[feature->class_of[c]].woe;
    uint32_t weight = formula_table(sums, cell, weights, feature->cells_count);
    free(weights);
    if (formulas_may_lack(plan) && feature->missing < feature->classes_count)
        weight = formula_choose(sums, formula_missing(sums, row->values[f]),
                                formula_real(sums, feature->classes[feature->missing].woe), weight);
    if (plan->specials_count > 0) {
        double specials[PLAN_SPECIALS_MAX];
        uint32_t first = formula_integer(sums, MARK_SPECIAL);
        for (size_t s = 0; s < plan->specials_count; s++) specials[s] = feature->classes[feature->specials[s]].woe;
        uint32_t special =
            formula_table(sums, formula_subtract(sums, row->marks[f], first), specials, plan->specials_count);
        weight = formula_choose(sums, formula_at_most(sums, first, row->marks[f]), special, weight);
    }
    *ret = weight;
    return RESULT_OK;
}

struct result scorecard_fit_formulas(const struct scorecard *scorecard, struct formula_sums *ret)
{
    CLEANUP(scorecard_fit_done) struct scorecard_fit fit = {0};
    CLEANUP(formulas_row_done) struct formulas_row row = {0};
    CLEANUP(formulas_row_done) struct formulas_row coded = {0};
    if (plan_private(scorecard->plan)) {
        formula_unsupported(ret, "sums with noise");
        return RESULT_OK;
    }
    TRY(scorecard_fit_of(scorecard, &fit));
    TRY(formulas_row_of(ret, scorecard->plan, &row));
    TRY(formulas_row_new(&fit.plan, &coded));
    coded.kind = row.kind;
    coded.trains = row.trains;
    coded.positive = row.positive;
    for (size_t k = 0; k < fit.plan.features_count; k++)
        TRY(weight_of(ret, scorecard, &row, fit.features[k], &coded.values[k]));
    return logistic_formulas_of(&fit.plan, buffer_view(&scorecard->fit), &coded, ret);
}
