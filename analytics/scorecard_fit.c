/* The fit: a logistic run over rows coded as weights of evidence. Where it shows that a feature must go, it begins
 * again without. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/logistic_sums.h"
#include "analytics/schema.h"
#include "analytics/scorecard_private.h"
#include "data/table.h"

/* Rows that are coded at a time. */
#define CODED_ROWS ((uint64_t)1 << 16)
/* Weights stay far below this: |ln(10^12 rows)| is under 28. */
static const double weight_bound = 32;

/* What a function of the logistic task came to. (Through a pointer, so a checker takes the result for something that
 * might point to the plan it was given.) */
static struct result came_to(enum category category)
{
    return (struct result){category};
}

void scorecard_fit_done(struct scorecard_fit *fit)
{
    free(fit->plan.features);
    free(fit->features);
    *fit = (struct scorecard_fit){0};
}

static struct result fit_new(const struct plan *plan, struct scorecard_fit *ret)
{
    *ret = (struct scorecard_fit){.plan = *plan};
    ret->plan.features = calloc(plan->features_count, sizeof *ret->plan.features);
    ret->plan.features_count = 0;
    ret->features = calloc(plan->features_count, sizeof *ret->features);
    /* Which rows are held out is decided on the rows as they are. */
    ret->plan.split = SPLIT_NONE;
    ret->plan.id[0] = 0;
    struct result result = scorecard_private_plan(plan, &ret->plan);
    if (result_ok(result) && !(ret->plan.features && ret->features))
        result = FAIL(CATEGORY_ENVIRONMENT, "out of memory for a fit of %zu features", plan->features_count);
    if (!result_ok(result)) scorecard_fit_done(ret);
    return result;
}

static void fit_add(const struct plan *plan, size_t f, double low, double high, struct scorecard_fit *fit)
{
    struct plan_feature *feature = &fit->plan.features[fit->plan.features_count];
    memcpy(feature->name, plan->features[f].name, sizeof feature->name);
    feature->kind = PLAN_NUMBER;
    feature->minimum = low;
    feature->maximum = high;
    feature->resolution = high - low;
    if (plan_private(plan)) { /* which never comes to pass */
        feature->missing = MISSING_VALUE;
        feature->fill = low;
        feature->outside = OUTSIDE_CLAMP;
    }
    fit->features[fit->plan.features_count++] = f;
}

bool scorecard_fitted(const struct scorecard *scorecard, size_t f)
{
    enum scorecard_fate fate = scorecard->features[f].fate;
    return fate == FATE_KEPT || (plan_private(scorecard->plan) && (fate == FATE_CORRELATED || fate == FATE_WRONG_SIGN));
}

struct result scorecard_fit_of(const struct scorecard *scorecard, struct scorecard_fit *ret)
{
    TRY(fit_new(scorecard->plan, ret));
    for (size_t f = 0; f < scorecard->plan->features_count; f++) {
        const struct scorecard_feature *feature = &scorecard->features[f];
        if (!scorecard_fitted(scorecard, f)) continue;
        double low = feature->classes[0].woe, high = low;
        for (size_t k = 1; k < feature->classes_count; k++) {
            low = feature->classes[k].woe < low ? feature->classes[k].woe : low;
            high = feature->classes[k].woe > high ? feature->classes[k].woe : high;
        }
        fit_add(scorecard->plan, f, low, high, ret);
    }
    return RESULT_OK;
}

struct result scorecard_fit_widest(const struct plan *plan, struct scorecard_fit *ret)
{
    TRY(fit_new(plan, ret));
    for (size_t f = 0; f < plan->features_count; f++) fit_add(plan, f, -weight_bound, weight_bound, ret);
    return RESULT_OK;
}

struct result scorecard_fit_check(const struct plan *plan)
{
    CLEANUP(scorecard_fit_done) struct scorecard_fit fit = {0};
    TRY(scorecard_fit_widest(plan, &fit));
    if (plan_private(plan)) return scorecard_private_check(&fit);
    return came_to(logistic_task.check(&fit.plan).category);
}

struct result scorecard_fit_begin(struct scorecard *scorecard)
{
    CLEANUP(scorecard_fit_done) struct scorecard_fit fit = {0};
    TRY(scorecard_fit_of(scorecard, &fit));
    ENSURE(fit.plan.features_count > 0, CATEGORY_USAGE,
           "every feature was left out (information value, correlation, sign of the coefficient); loosen selection");
    scorecard->stage = SCORECARD_FIT;
    scorecard->fits++;
    buffer_clear(&scorecard->fit);
    if (plan_private(scorecard->plan)) return scorecard_private_begin(scorecard, &fit, &scorecard->fit);
    return came_to(logistic_task.start(&fit.plan, &scorecard->fit).category);
}

struct result scorecard_fit_layout(const struct scorecard *scorecard, struct layout *ret)
{
    CLEANUP(scorecard_fit_done) struct scorecard_fit fit = {0};
    TRY(scorecard_fit_of(scorecard, &fit));
    return came_to(logistic_task.layout(&fit.plan, buffer_view(&scorecard->fit), ret).category);
}

/* ---- rows as weights of evidence */

/* A stretch of the bank's rows as the fit's plan sees them. */
struct coded {
    const struct scorecard *scorecard;
    const struct scorecard_fit *fit;
    const struct table *rows;
    struct table table;
};

static void coded_done(struct coded *coded)
{
    for (size_t k = 0; coded->table.columns && k < coded->fit->plan.features_count; k++)
        free(coded->table.columns[k].numbers);
    free(coded->table.columns);
    free(coded->table.held);
}

static struct result coded_new(const struct scorecard *scorecard, const struct scorecard_fit *fit,
                               const struct table *rows, struct coded *ret)
{
    size_t features = fit->plan.features_count;
    uint64_t most = rows->rows < CODED_ROWS ? rows->rows : CODED_ROWS;
    struct coded coded = {.scorecard = scorecard, .fit = fit, .rows = rows};
    coded.table.columns = calloc(features + 1, sizeof *coded.table.columns);
    coded.table.held = calloc(most + 1, sizeof *coded.table.held);
    coded.table.columns_count = features + 1;
    bool made = coded.table.columns && coded.table.held;
    for (size_t k = 0; made && k < features; k++) {
        struct column *column = &coded.table.columns[k];
        memcpy(column->spec.name, fit->plan.features[k].name, sizeof column->spec.name);
        column->spec.kind = COLUMN_NUMBER;
        column->numbers = calloc(most + 1, sizeof *column->numbers);
        made = column->numbers != NULL;
    }
    *ret = coded;
    if (made) {
        coded.table.columns[features].spec.kind = COLUMN_CATEGORY;
        return RESULT_OK;
    }
    coded_done(ret);
    *ret = (struct coded){.fit = fit};
    return FAIL(CATEGORY_ENVIRONMENT, "out of memory for rows as weights of evidence");
}

static struct result code_feature(struct coded *coded, size_t k, uint64_t begin, uint64_t count)
{
    size_t f = coded->fit->features[k], edges_count;
    const struct scorecard_feature *feature = &coded->scorecard->features[f];
    const struct plan_feature *plan = &coded->scorecard->plan->features[f];
    const struct column *from = &coded->rows->columns[f];
    double *to = coded->table.columns[k].numbers, edges[PROFILE_BINS_MAX];
    edges_count = plan->kind == PLAN_NUMBER ? profile_edges(&coded->scorecard->profile, f, edges) : 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t class = feature->missing;
        size_t cell = 0, special = column_special(from, begin + i);
        if (plan->kind == PLAN_CATEGORY)
            TRY(profile_level(plan, from->codes[begin + i], &cell));
        else if (!isnan(from->numbers[begin + i]))
            cell = profile_bin(edges, edges_count, from->numbers[begin + i]);
        if (plan->kind == PLAN_CATEGORY || !isnan(from->numbers[begin + i])) class = feature->class_of[cell];
        if (special < plan->specials_count) class = feature->specials[special];
        ENSURE(class < feature->classes_count, CATEGORY_BUG,
               "the table holds a missing value of %s, which the plan refuses", plan->name);
        to[i] = feature->classes[class].woe;
    }
    return RESULT_OK;
}

static struct result code(struct coded *coded, uint64_t begin, uint64_t count)
{
    const struct plan *plan = coded->scorecard->plan;
    size_t features = coded->fit->plan.features_count;
    for (size_t k = 0; k < features; k++) TRY(code_feature(coded, k, begin, count));
    TRY(cases_classify(plan, coded->rows, begin, begin + count, coded->table.held));
    for (uint64_t i = 0; i < count; i++) coded->table.held[i] = coded->table.held[i] >= CASE_HELD_NEGATIVE;
    coded->table.columns[features].codes = coded->rows->columns[schema_target(plan)].codes + begin;
    coded->table.rows = count;
    return RESULT_OK;
}

/* Adds a stretch's values to those of the stretches before. */
static void add_words(const struct layout *layout, const uint64_t *words, __int128 *values)
{
    for (size_t f = 0; f < layout->fields_count; f++)
        for (uint64_t v = 0; v < layout->fields[f].length; v++, words += layout->fields[f].words)
            *values++ += layout_get(&layout->fields[f], words);
}

static void put_words(const struct layout *layout, const __int128 *values, uint64_t *words)
{
    for (size_t f = 0; f < layout->fields_count; f++)
        for (uint64_t v = 0; v < layout->fields[f].length; v++, words += layout->fields[f].words)
            layout_put(&layout->fields[f], *values++, words);
}

static struct result contribute(struct coded *coded, const struct layout *layout, unsigned threads, uint64_t *words,
                                __int128 *values)
{
    uint64_t count = layout_words(layout);
    for (uint64_t begin = 0; begin < coded->rows->rows; begin += CODED_ROWS) {
        uint64_t rows = coded->rows->rows - begin < CODED_ROWS ? coded->rows->rows - begin : CODED_ROWS;
        TRY(code(coded, begin, rows));
        memset(words, 0, count * sizeof *words);
        TRY(came_to(
            logistic_task
                .contribute(&coded->fit->plan, buffer_view(&coded->scorecard->fit), &coded->table, threads, words)
                .category));
        add_words(layout, words, values);
    }
    put_words(layout, values, words);
    return RESULT_OK;
}

struct result scorecard_fit_contribute(const struct scorecard *scorecard, const struct table *table, unsigned threads,
                                       uint64_t *words)
{
    CLEANUP(scorecard_fit_done) struct scorecard_fit fit = {0};
    CLEANUP(coded_done) struct coded coded = {.fit = &fit};
    struct layout layout;
    TRY(scorecard_fit_of(scorecard, &fit));
    TRY(came_to(logistic_task.layout(&fit.plan, buffer_view(&scorecard->fit), &layout).category));
    TRY(coded_new(scorecard, &fit, table, &coded));
    __int128 *values = calloc(layout_words(&layout) + 1, sizeof *values);
    ENSURE(values, CATEGORY_ENVIRONMENT, "out of memory for a sum");
    struct result result = contribute(&coded, &layout, threads, words, values);
    explicit_bzero(values, layout_words(&layout) * sizeof *values);
    free(values);
    return result;
}

/* ---- what the fit's sums tell about the features */

/* Of two columns with standardised products: the same row of the sum, divided by the rows. */
static double correlation(const struct scorecard *scorecard, const struct logistic *state, const struct sum *sum,
                          size_t i, size_t j)
{
    (void)scorecard;
    size_t low = i < j ? i : j, high = i < j ? j : i;
    double r = sum_real(sum, NEWTON_HESSIAN, terms_pair(state->terms.count, low + 1, high + 1));
    uint64_t exponent = state->features[low].exponent + state->features[high].exponent;
    for (uint64_t e = 0; e < exponent; e++) r *= 2;
    return r / (double)logistic_train_rows(state);
}

/* The feature not yet looked at that has the most information, the first of equals. */
static size_t strongest(const struct scorecard *scorecard, const struct scorecard_fit *fit, const bool *seen)
{
    size_t best = fit->plan.features_count;
    for (size_t k = 0; k < fit->plan.features_count; k++)
        if (!seen[k] && (best == fit->plan.features_count ||
                         scorecard->features[fit->features[k]].iv > scorecard->features[fit->features[best]].iv))
            best = k;
    return best;
}

struct result scorecard_drop_correlated(struct scorecard *scorecard, const struct scorecard_fit *fit,
                                        const struct logistic *state, const struct sum *sum,
                                        double (*correlation_of)(const struct scorecard *scorecard,
                                                                 const struct logistic *state, const struct sum *sum,
                                                                 size_t i, size_t j),
                                        bool *ret_dropped)
{
    size_t kept[FEATURES_MAX], count = 0;
    bool dropped = false, *seen = calloc(fit->plan.features_count, sizeof *seen);
    ENSURE(seen, CATEGORY_ENVIRONMENT, "out of memory for %zu features", fit->plan.features_count);
    for (size_t k; (k = strongest(scorecard, fit, seen)) < fit->plan.features_count;) {
        struct scorecard_feature *feature = &scorecard->features[fit->features[k]];
        seen[k] = true;
        for (size_t i = 0; i < count && feature->fate == FATE_KEPT; i++) {
            double r = correlation_of(scorecard, state, sum, k, kept[i]);
            if (!(fabs(r) > scorecard->plan->scorecard.correlation)) continue;
            feature->fate = FATE_CORRELATED;
            feature->with = fit->features[kept[i]];
            feature->r = r > 1 ? 1 : r < -1 ? -1 : r;
            dropped = true;
        }
        if (feature->fate == FATE_KEPT) kept[count++] = k;
    }
    free(seen);
    *ret_dropped = dropped;
    return RESULT_OK;
}

size_t scorecard_wrong_sign(const struct scorecard *scorecard, const struct scorecard_fit *fit,
                            const struct logistic *state)
{
    size_t worst = SIZE_MAX;
    for (size_t k = 0; k < fit->plan.features_count; k++) {
        if (state->aliased[k + 1] || state->base[k + 1] > 0) continue;
        if (worst == SIZE_MAX ||
            scorecard->features[fit->features[k]].iv < scorecard->features[fit->features[worst]].iv)
            worst = k;
    }
    return worst;
}

/* A weight of evidence rises with the share of positives, so its coefficient must be above 0. The one with the least
 * information goes first: another's sign may turn without it. */
static bool drop_wrong_sign(struct scorecard *scorecard, const struct scorecard_fit *fit, const struct logistic *state)
{
    size_t worst = scorecard_wrong_sign(scorecard, fit, state);
    if (worst == SIZE_MAX) return false;
    scorecard->features[fit->features[worst]].fate = FATE_WRONG_SIGN;
    /* What it stood for may come back: the next fit looks at their correlations again. */
    for (size_t f = 0; f < scorecard->plan->features_count; f++) {
        struct scorecard_feature *feature = &scorecard->features[f];
        if (feature->fate == FATE_CORRELATED && feature->with == fit->features[worst]) feature->fate = FATE_KEPT;
    }
    return true;
}

/* Whether what the sum says of the columns leaves some out. */
static struct result look(struct scorecard *scorecard, const struct scorecard_fit *fit, const uint64_t *words,
                          bool *ret_dropped)
{
    CLEANUP(logistic_done) struct logistic state = {0};
    struct layout layout;
    *ret_dropped = false;
    TRY(logistic_parse(&fit->plan, buffer_view(&scorecard->fit), &state));
    if (state.stage != LOGISTIC_GRAM) return RESULT_OK;
    TRY(logistic_newton_layout(&state, &layout));
    return scorecard_drop_correlated(scorecard, fit, &state, &(struct sum){&layout, words}, correlation, ret_dropped);
}

static struct result after(struct scorecard *scorecard, const struct scorecard_fit *fit)
{
    CLEANUP(logistic_done) struct logistic state = {0};
    TRY(logistic_parse(&fit->plan, buffer_view(&scorecard->fit), &state));
    if (state.stage == LOGISTIC_FINISHED) scorecard->stage = SCORECARD_FINISHED;
    bool fitted = state.stage == LOGISTIC_INFERENCE && state.end != LOGISTIC_GOING;
    if (fitted && scorecard->plan->scorecard.signs && drop_wrong_sign(scorecard, fit, &state))
        return scorecard_fit_begin(scorecard);
    return RESULT_OK;
}

struct result scorecard_fit_advance(struct scorecard *scorecard, const uint64_t *words)
{
    CLEANUP(scorecard_fit_done) struct scorecard_fit fit = {0};
    CLEANUP(buffer_done) struct buffer next = {0};
    bool dropped;
    TRY(scorecard_fit_of(scorecard, &fit));
    if (plan_private(scorecard->plan)) return scorecard_private_advance(scorecard, &fit, words);
    /* The sum is checked first: what it says is only believed when it can be a true one. */
    TRY(came_to(logistic_task.advance(&fit.plan, buffer_view(&scorecard->fit), words, &next).category));
    TRY(look(scorecard, &fit, words, &dropped));
    if (dropped) return scorecard_fit_begin(scorecard);
    buffer_clear(&scorecard->fit);
    TRY(buffer_append(&scorecard->fit, buffer_view(&next)));
    return after(scorecard, &fit);
}
