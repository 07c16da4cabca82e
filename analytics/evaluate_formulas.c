/* The evaluation's sums (evaluate_sums.c) as formulas. */
#include <stdlib.h>

#include "analytics/evaluate.h"
#include "analytics/evaluate_fields.h"
#include "analytics/formulas.h"
#include "analytics/sweep.h"
#include "data/table.h"

struct maker {
    struct formula_sums *sums;
    const struct evaluate *evaluate;
    struct layout layout;
    struct formulas_row row;
    uint32_t scores[PLAN_MODELS_MAX];
    struct formulas_logistic logistic[PLAN_MODELS_MAX];
};

static void maker_done(struct maker *maker)
{
    formulas_row_done(&maker->row);
}

static size_t at(const struct maker *maker, size_t field)
{
    return sweep_offset(&maker->layout, field);
}

static uint32_t real(struct maker *maker, double value)
{
    return formula_real(maker->sums, value);
}

static uint32_t fixed(struct maker *maker, uint32_t value)
{
    return formulas_fixed(maker->sums, value, EVALUATE_REAL_BITS);
}

/* ---- a model's scores, as model_score.c adds them up */

struct reading {
    struct maker *maker;
    const struct evaluate_given *given;
};

static uint32_t value_of(const struct reading *reading, size_t f)
{
    return reading->maker->row.values[reading->given->features[f]];
}

static bool may_lack(const struct reading *reading, size_t f)
{
    return formulas_may_lack(&reading->maker->evaluate->plan->features[reading->given->features[f]]);
}

/* Which class or level a row's value is. A category's levels are counted as the plan counts them. */
static uint32_t attribute(const struct reading *reading, size_t f)
{
    struct formula_sums *sums = reading->maker->sums;
    const struct model_feature *feature = &reading->given->model.features[f];
    if (!feature->number) return value_of(reading, f);
    uint32_t mark = reading->maker->row.marks[reading->given->features[f]];
    uint32_t bin = formula_bin(sums, value_of(reading, f), feature->edges, feature->edges_count);
    if (may_lack(reading, f))
        bin = formula_choose(sums, formula_missing(sums, value_of(reading, f)),
                             formula_integer(sums, (int64_t)feature->edges_count + 1), bin);
    if (mark == FORMULAS_NONE || feature->specials_count == 0) return bin;
    uint32_t first = formula_integer(sums, MARK_SPECIAL);
    uint32_t special = formula_add(sums, formula_subtract(sums, mark, first),
                                   formula_integer(sums, (int64_t)feature->edges_count + 2));
    return formula_choose(sums, formula_at_most(sums, first, mark), special, bin);
}

static uint32_t standardised(const struct reading *reading, size_t f)
{
    struct formula_sums *sums = reading->maker->sums;
    const struct model_feature *feature = &reading->given->model.features[f];
    uint32_t value = value_of(reading, f);
    if (may_lack(reading, f))
        value = formula_choose(sums, formula_missing(sums, value), real(reading->maker, feature->fill), value);
    value = formula_subtract(sums, value, real(reading->maker, feature->mean));
    return formula_multiply(sums, value, real(reading->maker, feature->inverse));
}

static uint32_t part(const struct reading *reading, size_t f)
{
    struct formula_sums *sums = reading->maker->sums;
    const struct model_feature *feature = &reading->given->model.features[f];
    if (!feature->number || reading->given->model.scorecard)
        return formula_table(sums, attribute(reading, f), feature->estimates, model_attributes(feature));
    return formula_multiply(sums, standardised(reading, f), real(reading->maker, feature->estimate));
}

static uint32_t derived_part(const struct reading *reading, size_t d)
{
    struct formula_sums *sums = reading->maker->sums;
    const struct model_derived *derived = &reading->given->model.derived[d];
    const size_t parts[] = {derived->feature, derived->with};
    if (derived->with == SIZE_MAX) {
        uint32_t z = standardised(reading, derived->feature), knot = real(reading->maker, derived->knot);
        uint32_t above =
            formula_multiply(sums, formula_subtract(sums, z, knot), real(reading->maker, derived->estimates[0]));
        return formula_choose(sums, formula_less(sums, knot, z), above, real(reading->maker, 0));
    }
    uint32_t product = real(reading->maker, 1), place = formula_integer(sums, 0);
    for (size_t i = 0; i < 2; i++) {
        if (reading->given->model.features[parts[i]].number)
            product = formula_multiply(sums, product, standardised(reading, parts[i]));
        else
            place = formula_add(sums, place,
                                formula_multiply(sums, attribute(reading, parts[i]),
                                                 formula_integer(sums, i == 0 ? (int64_t)derived->widths[1] : 1)));
    }
    return formula_multiply(sums, product,
                            formula_table(sums, place, derived->estimates, derived->widths[0] * derived->widths[1]));
}

static void score_rows(struct maker *maker)
{
    for (size_t m = 0; m < maker->evaluate->plan->models_count; m++) {
        const struct reading reading = {maker, &maker->evaluate->given[m]};
        uint32_t score = real(maker, reading.given->model.intercept);
        for (size_t f = 0; f < reading.given->model.features_count; f++)
            score = formula_add(maker->sums, score, part(&reading, f));
        for (size_t d = 0; d < reading.given->model.derived_count; d++)
            score = formula_add(maker->sums, score, derived_part(&reading, d));
        maker->scores[m] = score;
        maker->logistic[m] = formulas_logistic(maker->sums, score);
    }
}

/* ---- the stages */

static uint32_t set_of(struct maker *maker)
{
    return formula_quotient(maker->sums, maker->row.kind, formula_integer(maker->sums, 2));
}

static void put_scores(struct maker *maker)
{
    struct formula_sums *sums = maker->sums;
    uint32_t zero = real(maker, 0), positive = maker->row.positive;
    formula_count(sums, at(maker, EVALUATE_CASES), maker->row.kind, CASE_KINDS);
    for (size_t m = 0; m < maker->evaluate->plan->models_count; m++) {
        uint32_t scale = real(maker, 1 / evaluate_power(maker->evaluate, m));
        uint32_t score = formula_multiply(sums, maker->scores[m], scale);
        uint32_t wrong = formula_choose(sums, positive, formula_negate(sums, maker->scores[m]), maker->scores[m]);
        wrong = formula_choose(sums, formula_less(sums, zero, wrong), wrong, zero);
        uint32_t loss = formula_multiply(sums, formula_add(sums, maker->logistic[m].tail, wrong), scale);
        uint32_t error =
            formula_subtract(sums, formula_choose(sums, positive, real(maker, 1), zero), maker->logistic[m].coarse);
        error = formula_flush(sums, error, FORMULAS_FLUSH);
        formula_sum(sums, at(maker, EVALUATE_SCORE) + 2 * m, fixed(maker, score));
        formula_sum(sums, at(maker, EVALUATE_SCORE) + 2 * m + 1, fixed(maker, formula_multiply(sums, score, score)));
        formula_sum_by(sums, at(maker, EVALUATE_LOG_LOSS) + 2 * m, set_of(maker), 2, fixed(maker, loss));
        formula_sum_by(sums, at(maker, EVALUATE_SQUARED_ERROR) + 2 * m, set_of(maker), 2,
                       fixed(maker, formula_multiply(sums, error, error)));
    }
}

/* Cases by bin of a model's scores. */
static void count_scores(struct maker *maker, size_t m, const double *edges, size_t count, size_t begin)
{
    uint32_t bin = formula_bin(maker->sums, maker->scores[m], edges, count);
    formula_count(maker->sums, begin, formulas_pair(maker->sums, bin, CASE_KINDS, maker->row.kind),
                  CASE_KINDS * (count + 1));
}

static void put_curves(struct maker *maker)
{
    size_t begin = at(maker, EVALUATE_SCORE_COUNTS);
    for (size_t m = 0; m < maker->evaluate->plan->models_count; m++) {
        const struct curve *curve = &maker->evaluate->models[m].curve;
        if (!curve->asked) continue;
        count_scores(maker, m, curve->asking, curve->asked, begin);
        begin += CASE_KINDS * (curve->asked + 1);
    }
}

static void put_drift(struct maker *maker, size_t m, size_t begin)
{
    const struct reading reading = {maker, &maker->evaluate->given[m]};
    struct formula_sums *sums = maker->sums;
    for (size_t f = 0; f < reading.given->model.features_count; f++) {
        const struct model_feature *feature = &reading.given->model.features[f];
        int64_t cells[QUANTILES_MAX + LEVELS_MAX];
        if (!feature->training) continue;
        size_t count = model_attributes(feature);
        uint32_t which = FORMULAS_NONE;
        if (feature->number && !reading.given->model.scorecard) {
            count = feature->cell_edges_count + 2;
            which = formula_bin(sums, value_of(&reading, f), feature->cell_edges, feature->cell_edges_count);
            which = formula_choose(sums, formula_missing(sums, value_of(&reading, f)),
                                   formula_integer(sums, (int64_t)feature->cell_edges_count + 1), which);
        } else {
            which = attribute(&reading, f);
        }
        if (count > sizeof cells / sizeof *cells) {
            formula_unsupported(sums, "a feature of very many classes");
            return;
        }
        for (size_t c = 0; c < count; c++) cells[c] = (int64_t)feature->cell_of[c];
        uint32_t cell = formula_table_integer(sums, which, cells, count);
        formula_count(sums, begin + 2 * reading.given->drifts[f], formulas_pair(sums, cell, 2, set_of(maker)),
                      2 * feature->cells_count);
    }
}

static void put_model_tables(struct maker *maker, size_t m, uint32_t group)
{
    struct formula_sums *sums = maker->sums;
    const struct evaluate *evaluate = maker->evaluate;
    const struct plan *plan = evaluate->plan;
    size_t groups = evaluate->groups_count, per = groups * CASE_KINDS;
    size_t above = at(maker, EVALUATE_CUTOFFS) + m * plan->cutoffs_count * per;
    size_t predicted = at(maker, EVALUATE_PREDICTED) + m * 2 * (EVALUATE_BANDS + groups);
    double bands[EVALUATE_BANDS];
    uint32_t cell = formulas_pair(sums, group, CASE_KINDS, maker->row.kind);
    for (size_t c = 0; c < plan->cutoffs_count; c++) { /* they rise */
        uint32_t reached = formula_at_most(sums, real(maker, plan->cutoffs[c]), maker->logistic[m].probability);
        formula_count(sums, above + c * per, formulas_where(sums, reached, cell), per);
    }
    uint32_t probability = fixed(maker, maker->logistic[m].coarse);
    uint32_t band = formula_bin(sums, maker->scores[m], bands, evaluate_bands(evaluate, m, EVALUATE_BANDS, bands));
    formula_sum_by(sums, predicted, formulas_pair(sums, band, 2, set_of(maker)), 2 * EVALUATE_BANDS, probability);
    formula_sum_by(sums, predicted + 2 * EVALUATE_BANDS, formulas_pair(sums, group, 2, set_of(maker)), 2 * groups,
                   probability);
    const struct evaluate_given *given = &evaluate->given[m];
    if (given->bins)
        count_scores(maker, m, given->edges, given->edges_count,
                     at(maker, EVALUATE_STABILITY) + (m ? evaluate->given[0].bins * CASE_KINDS : 0));
    put_drift(maker, m, at(maker, EVALUATE_DRIFT) + (m ? 2 * evaluate->given[0].drifts_count : 0));
}

static void put_tables(struct maker *maker)
{
    struct formula_sums *sums = maker->sums;
    const struct plan *plan = maker->evaluate->plan;
    uint32_t group = plan->group == SIZE_MAX ? formula_integer(sums, 0) : maker->row.values[plan->group];
    formula_count(sums, at(maker, EVALUATE_GROUPS), formulas_pair(sums, group, CASE_KINDS, maker->row.kind),
                  CASE_KINDS * maker->evaluate->groups_count);
    for (size_t m = 0; m < plan->models_count; m++) put_model_tables(maker, m, group);
    if (plan->models_count < 2) return;
    uint32_t joint[2];
    for (size_t m = 0; m < 2; m++) {
        double edges[EVALUATE_JOINT];
        joint[m] =
            formula_bin(sums, maker->scores[m], edges, evaluate_bands(maker->evaluate, m, EVALUATE_JOINT, edges));
    }
    uint32_t cell = formulas_pair(sums, joint[0], EVALUATE_JOINT, joint[1]);
    formula_count(sums, at(maker, EVALUATE_JOINT_BANDS), formulas_pair(sums, cell, CASE_KINDS, maker->row.kind),
                  EVALUATE_JOINT * EVALUATE_JOINT * CASE_KINDS);
}

struct result evaluate_formulas(const struct evaluate *evaluate, struct formula_sums *ret)
{
    CLEANUP(maker_done) struct maker maker = {.sums = ret, .evaluate = evaluate};
    if (evaluate->private) {
        formula_unsupported(ret, "sums with noise");
        return RESULT_OK;
    }
    TRY(evaluate_layout(evaluate, &maker.layout));
    TRY(formulas_row_of(ret, evaluate->plan, &maker.row));
    score_rows(&maker);
    if (evaluate->stage == EVALUATE_SCORES)
        put_scores(&maker);
    else if (evaluate->stage == EVALUATE_CURVE)
        put_curves(&maker);
    else
        put_tables(&maker);
    return RESULT_OK;
}
