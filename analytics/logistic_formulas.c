/* A logistic run's sums (logistic_counts.c, logistic_scale.c, logistic_sums.c) as formulas. */
#include "analytics/logistic_formulas.h"

#include <math.h>
#include <stdlib.h>

#include "analytics/elementary.h"
#include "analytics/logistic_design.h"
#include "analytics/logistic_private.h"
#include "analytics/logistic_sums.h"
#include "analytics/sweep.h"

/* The fields of the first sums, as logistic_counts.c and logistic_scale.c lay them out. */
enum { COUNTS_CASES, COUNTS_LEVELS, COUNTS_MISSING, COUNTS_OUTSIDE, COUNTS_TOTALS, COUNTS_MEDIANS };
enum { SCALE_DRIFT, SCALE_SPREAD, SCALE_MEDIANS };
/* The number of products grows with the square of the terms: with more of them than these the database is not asked.
 * Where it is, node/pushdown.h goes by what it took. (PostgreSQL 15 with two cores took 15 us a row for 32 terms, and
 * streaming the rows 7.) Products at full resolution cost twice as much as those on the grid. */
enum { GRID_TERMS_MOST = 32, PRODUCT_TERMS_MOST = 21 };

struct maker {
    struct formula_sums *sums;
    const struct logistic *state;
    const struct formulas_row *row;
    struct layout layout;
    /* of the rounds with scores */
    uint32_t *x; /* of each term kept */
    uint32_t score;
    struct formulas_logistic logistic;
    uint32_t likelihood, residual; /* unweighted */
};

static size_t at(const struct maker *maker, size_t field)
{
    return sweep_offset(&maker->layout, field);
}

static uint32_t real(struct maker *maker, double value)
{
    return formula_real(maker->sums, value);
}

static uint32_t trained(struct maker *maker, uint32_t value)
{
    return formulas_where(maker->sums, maker->row->trains, value);
}

static const struct plan_feature *feature_of(const struct maker *maker, size_t f)
{
    return &maker->state->plan->features[f];
}

/* ---- counts, and what follows them */

/* A number's share of the range from some point. */
static uint32_t share_of(struct maker *maker, size_t f, double from)
{
    const struct plan_feature *feature = feature_of(maker, f);
    uint32_t distance = formula_subtract(maker->sums, maker->row->values[f], real(maker, from));
    return formula_divide(maker->sums, distance, real(maker, feature->maximum - feature->minimum));
}

static struct result put_medians(struct maker *maker, size_t field)
{
    size_t begin = at(maker, field);
    struct quantile_grid *grids;
    TRY(logistic_medians_grids(maker->state, &grids));
    for (size_t f = 0; f < maker->state->plan->features_count; f++) {
        struct quantile_interval intervals[2];
        if (!logistic_has_median(feature_of(maker, f))) continue;
        const struct quantile *median = maker->state->features[f].median;
        size_t open = quantile_intervals(median, 2, intervals);
        formulas_quantiles(maker->sums, maker->row->values[f], maker->row->trains, &grids[f], intervals, open, begin);
        begin += (size_t)quantile_bins(median, 2);
    }
    free(grids);
    return RESULT_OK;
}

static void count_number(struct maker *maker, size_t f, size_t number)
{
    struct formula_sums *sums = maker->sums;
    const struct formulas_row *row = maker->row;
    uint32_t zero = formula_integer(sums, 0), one = formula_integer(sums, 1);
    if (row->marks[f] != FORMULAS_NONE)
        formula_sum(sums, at(maker, COUNTS_OUTSIDE) + number,
                    formulas_flag(sums, formula_less(sums, formula_integer(sums, MARK_NONE), row->marks[f])));
    if (formulas_may_lack(feature_of(maker, f)))
        formula_count(
            sums, at(maker, COUNTS_MISSING) + 2 * number,
            formulas_where(sums, formula_missing(sums, row->values[f]), formula_choose(sums, row->trains, zero, one)),
            2);
    uint32_t total = formulas_fixed(sums, share_of(maker, f, feature_of(maker, f)->minimum),
                                    maker->layout.fields[COUNTS_TOTALS].fraction_bits);
    formula_sum(sums, at(maker, COUNTS_TOTALS) + number, trained(maker, total));
}

static struct result put_counts(struct maker *maker)
{
    struct formula_sums *sums = maker->sums;
    const struct formulas_row *row = maker->row;
    size_t number = 0;
    formula_count(sums, at(maker, COUNTS_CASES), row->kind, CASE_KINDS);
    for (size_t f = 0; f < maker->state->plan->features_count; f++) {
        if (feature_of(maker, f)->kind == PLAN_NUMBER) {
            count_number(maker, f, number++);
            continue;
        }
        size_t levels = plan_feature_levels(feature_of(maker, f));
        uint32_t cell = formulas_pair(sums, row->values[f], 2, formulas_flag(sums, row->positive));
        formula_count(sums, at(maker, COUNTS_LEVELS) + 2 * (size_t)maker->state->level_at[f], trained(maker, cell),
                      2 * levels);
    }
    return put_medians(maker, COUNTS_MEDIANS);
}

static struct result put_scale(struct maker *maker)
{
    struct formula_sums *sums = maker->sums;
    size_t number = 0;
    for (size_t f = 0; f < maker->state->plan->features_count && maker->state->stage == LOGISTIC_SCALE; f++) {
        if (feature_of(maker, f)->kind != PLAN_NUMBER) continue;
        uint32_t distance = formula_flush(sums, share_of(maker, f, maker->state->features[f].center), FORMULAS_FLUSH);
        uint32_t square = formula_multiply(sums, distance, distance);
        formula_sum(sums, at(maker, SCALE_DRIFT) + number,
                    trained(maker, formulas_fixed(sums, distance, maker->layout.fields[SCALE_DRIFT].fraction_bits)));
        formula_sum(sums, at(maker, SCALE_SPREAD) + number,
                    trained(maker, formulas_fixed(sums, square, maker->layout.fields[SCALE_SPREAD].fraction_bits)));
        number++;
    }
    return put_medians(maker, SCALE_MEDIANS);
}

/* ---- columns and scores, as logistic_design.c has them */

static uint32_t column_of_number(struct maker *maker, size_t f)
{
    const struct logistic_feature *feature = &maker->state->features[f];
    uint32_t value = maker->row->values[f];
    if (formulas_may_lack(feature_of(maker, f)))
        value = formula_choose(maker->sums, formula_missing(maker->sums, value), real(maker, feature->fill), value);
    uint32_t distance = formula_subtract(maker->sums, value, real(maker, feature->mean));
    return formula_multiply(maker->sums, distance,
                            real(maker, feature->inverse * design_power(-(int)feature->exponent)));
}

static uint32_t has_level(struct maker *maker, size_t f, size_t level)
{
    return formula_equal(maker->sums, maker->row->values[f], formula_integer(maker->sums, (int64_t)level));
}

static uint32_t part_of(struct maker *maker, size_t f, size_t level)
{
    if (feature_of(maker, f)->kind == PLAN_NUMBER) return column_of_number(maker, f);
    return formula_choose(maker->sums, has_level(maker, f, level), real(maker, 1), real(maker, 0));
}

static uint32_t column_of(struct maker *maker, const struct term *term)
{
    struct formula_sums *sums = maker->sums;
    if (term->kind == TERM_INTERCEPT) return real(maker, 1);
    if (term->kind < TERM_HINGE) return part_of(maker, term->feature, term->level);
    const struct plan_derived *derived = &maker->state->plan->derived[term->feature];
    const struct logistic_feature *feature = &maker->state->features[derived->feature];
    uint32_t a = part_of(maker, derived->feature, term->level);
    if (term->kind == TERM_PRODUCT) return formula_multiply(sums, a, part_of(maker, derived->with, term->with_level));
    double knot = (derived->knot - feature->mean) * (feature->inverse * design_power(-(int)feature->exponent));
    uint32_t above = formula_multiply(sums, formula_subtract(sums, a, real(maker, knot)), real(maker, 0.5));
    return formula_choose(sums, formula_less(sums, real(maker, knot), a), above, real(maker, 0));
}

static double slope_of(const struct logistic *state, size_t t)
{
    return state->beta[state->active[t]] * design_power(logistic_exponent(state, state->active[t]));
}

/* In the order of the terms; a term whose slope is 0 adds 0. */
static uint32_t score_of(struct maker *maker)
{
    uint32_t score = FORMULAS_NONE;
    for (size_t t = 0; t < maker->state->active_count; t++) {
        if (slope_of(maker->state, t) == 0) continue;
        uint32_t more = formula_multiply(maker->sums, maker->x[t], real(maker, slope_of(maker->state, t)));
        score = score == FORMULAS_NONE ? more : formula_add(maker->sums, score, more);
    }
    return score == FORMULAS_NONE ? real(maker, 0) : score;
}

/* Whether all rows have one score: before the first step, when only the intercept is known. */
static bool one_score(const struct logistic *state)
{
    for (size_t t = 1; t < state->active_count; t++)
        if (slope_of(state, t) != 0) return false;
    return true;
}

static struct formulas_logistic logistic_of(struct maker *maker)
{
    double score = slope_of(maker->state, 0), probability, tail;
    if (!one_score(maker->state)) return formulas_logistic(maker->sums, maker->score);
    elementary_logistic(PATH_PORTABLE, &score, 1, &probability, &tail);
    uint32_t known = real(maker, probability);
    return (struct formulas_logistic){known, formula_flush(maker->sums, known, FORMULAS_FLUSH), real(maker, tail)};
}

static uint32_t weighted(struct maker *maker, uint32_t value, bool whatever)
{
    struct formula_sums *sums = maker->sums;
    const struct logistic_weights weights = logistic_weights_of(maker->state);
    if (!whatever && !logistic_weighted(maker->state->plan)) return value;
    if (weights.share[0] == 1 && weights.share[1] == 1) return value;
    return formula_multiply(
        sums, value,
        formula_choose(sums, maker->row->positive, real(maker, weights.share[1]), real(maker, weights.share[0])));
}

static void score_rows(struct maker *maker)
{
    struct formula_sums *sums = maker->sums;
    for (size_t t = 0; t < maker->state->active_count; t++)
        maker->x[t] = column_of(maker, &maker->state->terms.items[maker->state->active[t]]);
    uint32_t zero = real(maker, 0), score = maker->score = score_of(maker);
    maker->logistic = logistic_of(maker);
    uint32_t outcome = formula_choose(sums, maker->row->positive, real(maker, 1), zero);
    /* what is below 2^FORMULAS_FLUSH is nothing in all that is made of it */
    maker->residual = formula_subtract(sums, outcome, maker->logistic.coarse);
    uint32_t wrong = formula_choose(sums, maker->row->positive, formula_negate(sums, score), score);
    wrong = formula_choose(sums, formula_less(sums, zero, wrong), wrong, zero);
    maker->likelihood = formula_negate(sums, formula_add(sums, maker->logistic.tail, wrong));
}

/* ---- sums of products */

/* w·x_i times x_j, of rows that train: p(1 - p) or 1. */
static uint32_t weight_of(struct maker *maker)
{
    struct formula_sums *sums = maker->sums;
    if (maker->state->stage == LOGISTIC_GRAM) return real(maker, 1);
    uint32_t p = maker->logistic.coarse;
    uint32_t weight = formula_multiply(sums, p, formula_subtract(sums, real(maker, 1), maker->logistic.probability));
    return formula_flush(sums, weighted(maker, weight, true), FORMULAS_FLUSH);
}

/* A column, and 0 where nothing is made of it whatever it is. */
static uint32_t coarse_column(struct maker *maker, size_t t)
{
    return formula_flush(maker->sums, maker->x[t], FORMULAS_FLUSH);
}

/* Whether no row has both: two levels of one category. */
static bool exclusive(const struct maker *maker, size_t i, size_t j)
{
    const struct term *a = &maker->state->terms.items[maker->state->active[i]];
    const struct term *b = &maker->state->terms.items[maker->state->active[j]];
    return i != j && a->kind == TERM_LEVEL && b->kind == TERM_LEVEL && a->feature == b->feature;
}

static void put_products(struct maker *maker, size_t field)
{
    struct formula_sums *sums = maker->sums;
    size_t terms = maker->state->active_count;
    uint32_t weight = weight_of(maker);
    int bits = maker->layout.fields[field].fraction_bits;
    for (size_t i = 0; i < terms; i++) {
        uint32_t weighed = formula_flush(sums, formula_multiply(sums, weight, coarse_column(maker, i)), FORMULAS_FLUSH);
        for (size_t j = i; j < terms; j++) {
            if (exclusive(maker, i, j)) continue;
            uint32_t product = formulas_fixed(sums, formula_multiply(sums, weighed, coarse_column(maker, j)), bits);
            formula_sum(sums, at(maker, field) + terms_pair(terms, i, j), trained(maker, product));
        }
    }
}

/* On the grid of 16 bits of gram.h. */
static void put_grid(struct maker *maker, size_t field)
{
    struct formula_sums *sums = maker->sums;
    size_t terms = maker->state->active_count;
    uint32_t weight = formula_multiply(sums, weight_of(maker), real(maker, design_power(LOGISTIC_GRID_WEIGHT_BITS)));
    for (size_t i = 0; i < terms; i++) {
        uint32_t on = formula_multiply(sums, coarse_column(maker, i), real(maker, design_power(LOGISTIC_GRID_BITS)));
        uint32_t weighed = trained(maker, formula_round(sums, formula_multiply(sums, on, weight)));
        for (size_t j = i; j < terms; j++) {
            if (exclusive(maker, i, j)) continue;
            uint32_t plain = formulas_fixed(sums, coarse_column(maker, j), LOGISTIC_GRID_BITS);
            formula_sum(sums, at(maker, field) + terms_pair(terms, i, j), formula_multiply(sums, weighed, plain));
        }
    }
}

static int gradient_bits(const struct maker *maker, size_t field)
{
    return maker->layout.fields[field].fraction_bits;
}

static void put_gradient(struct maker *maker)
{
    struct formula_sums *sums = maker->sums;
    uint32_t residual = formula_flush(sums, weighted(maker, maker->residual, false), FORMULAS_FLUSH);
    for (size_t t = 0; t < maker->state->active_count; t++) {
        uint32_t product = formula_multiply(sums, coarse_column(maker, t), residual);
        formula_sum(sums, at(maker, NEWTON_GRADIENT) + t,
                    trained(maker, formulas_fixed(sums, product, gradient_bits(maker, NEWTON_GRADIENT))));
    }
}

/* ---- the rounds with scores */

static void put_newton_scores(struct maker *maker, int score_exponent, int likelihood_exponent)
{
    struct formula_sums *sums = maker->sums;
    int bits = gradient_bits(maker, NEWTON_LIKELIHOOD);
    uint32_t likelihood = formulas_fixed(sums, weighted(maker, maker->likelihood, false), bits - likelihood_exponent);
    formula_sum(sums, at(maker, NEWTON_LIKELIHOOD), trained(maker, likelihood));
    if (maker->state->path)
        formula_sum(sums, at(maker, NEWTON_HELD),
                    formula_choose(sums, maker->row->trains, formula_integer(sums, 0), likelihood));
    uint32_t score = formula_multiply(sums, maker->score, real(maker, design_power(-score_exponent)));
    formula_sum(sums, at(maker, NEWTON_SCORES), trained(maker, formulas_fixed(sums, score, bits)));
    formula_sum(sums, at(maker, NEWTON_SCORES) + 1,
                trained(maker, formulas_fixed(sums, formula_multiply(sums, score, score), bits)));
}

static struct result put_newton(struct maker *maker)
{
    int score = 0, likelihood = 0;
    TRY(logistic_score_exponents(maker->state, &score, &likelihood));
    score_rows(maker);
    if (maker->state->stage == LOGISTIC_GRAM || maker->state->fine)
        put_products(maker, NEWTON_HESSIAN);
    else
        put_grid(maker, NEWTON_HESSIAN);
    put_gradient(maker);
    if (maker->state->stage == LOGISTIC_NEWTON) put_newton_scores(maker, score, likelihood);
    return RESULT_OK;
}

static void put_losses(struct maker *maker, int likelihood_exponent)
{
    struct formula_sums *sums = maker->sums;
    int bits = gradient_bits(maker, SCORE_LOG_LOSS);
    uint32_t set = formula_quotient(sums, maker->row->kind, formula_integer(sums, 2));
    uint32_t loss = formulas_fixed(sums, formula_negate(sums, maker->likelihood), bits - likelihood_exponent);
    uint32_t residual = formula_flush(sums, maker->residual, FORMULAS_FLUSH);
    uint32_t square = formulas_fixed(sums, formula_multiply(sums, residual, residual), bits);
    formula_sum_by(sums, at(maker, SCORE_LOG_LOSS), set, 2, loss);
    formula_sum_by(sums, at(maker, SCORE_SQUARED_ERROR), set, 2, square);
}

static struct result put_scores(struct maker *maker)
{
    struct formula_sums *sums = maker->sums;
    const struct curve *curve = &maker->state->curve;
    int score = 0, likelihood = 0;
    TRY(logistic_score_exponents(maker->state, &score, &likelihood));
    score_rows(maker);
    uint32_t bin = formula_bin(sums, maker->score, curve->asking, curve->asked);
    formula_count(sums, at(maker, SCORE_COUNTS), formulas_pair(sums, bin, CASE_KINDS, maker->row->kind),
                  CASE_KINDS * (curve->asked + 1));
    if (maker->state->stage != LOGISTIC_INFERENCE) return RESULT_OK;
    put_products(maker, SCORE_HESSIAN);
    put_losses(maker, likelihood);
    for (size_t f = 0, number = 0; f < maker->state->plan->features_count; f++) {
        double edges[LOGISTIC_BINS - 1];
        if (feature_of(maker, f)->kind != PLAN_NUMBER) continue;
        size_t count = logistic_bin_edges(maker->state, f, edges);
        formula_count(sums, at(maker, SCORE_BINS) + LOGISTIC_BINS * number++,
                      trained(maker, formula_bin(sums, maker->row->values[f], edges, count)), LOGISTIC_BINS);
    }
    return RESULT_OK;
}

/* ---- the stages */

/* Whether a round asks for so many products that streaming is faster. */
static bool many_products(const struct logistic *state)
{
    if (state->stage < LOGISTIC_GRAM || state->stage == LOGISTIC_CURVE) return false;
    bool grid = state->stage == LOGISTIC_NEWTON && !state->fine;
    return state->active_count > (grid ? (size_t)GRID_TERMS_MOST : (size_t)PRODUCT_TERMS_MOST);
}

static struct result make(struct maker *maker)
{
    const struct logistic *state = maker->state;
    if (many_products(state)) {
        formula_unsupported(maker->sums, "products of many columns");
        return RESULT_OK;
    }
    maker->x = calloc(state->active_count + 1, sizeof *maker->x);
    ENSURE(maker->x, CATEGORY_ENVIRONMENT, "out of memory for the formulas of %zu columns", state->active_count);
    switch (state->stage) {
    case LOGISTIC_COUNTS:
        TRY(logistic_counts_layout(state, &maker->layout));
        return put_counts(maker);
    case LOGISTIC_SCALE:
    case LOGISTIC_MEDIANS:
        TRY(logistic_scale_layout(state, &maker->layout));
        return put_scale(maker);
    case LOGISTIC_GRAM:
    case LOGISTIC_NEWTON:
        TRY(logistic_newton_layout(state, &maker->layout));
        return put_newton(maker);
    default:
        TRY(logistic_score_layout(state, &maker->layout));
        return put_scores(maker);
    }
}

struct result logistic_formulas_of(const struct plan *plan, struct view bytes, const struct formulas_row *row,
                                   struct formula_sums *ret)
{
    CLEANUP(logistic_done) struct logistic state = {0};
    TRY(logistic_parse(plan, bytes, &state));
    ENSURE(state.stage < LOGISTIC_FINISHED, CATEGORY_BUG, "the model is finished and asks for no further sum");
    struct maker maker = {.sums = ret, .state = &state, .row = row};
    struct result result = make(&maker);
    free(maker.x);
    return result;
}
