/* Layouts, and what the first and the last sum lead to. */
#include "analytics/logistic_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/private_project.h"

/* Chosen on taiwan_default and adult (docs/privacy.md): most for the gradients, which the coefficients come from. */
static const double own_weights[PLAN_PHASES] = {
    [PHASE_COUNTS] = 0.02, [PHASE_SCALE] = 0.05, [PHASE_FIT] = 0.83, [PHASE_SCORES] = 0.10};
static const double own_embedded[PLAN_PHASES] = {[PHASE_FIT] = 0.9, [PHASE_SCORES] = 0.1};
/* Parts of phases. */
static const double cases_part = 0.5, levels_part = 0.3, missing_part = 0.1, outside_part = 0.1;
static const double products_part = 0.12, hessian_part = 0.18, gradients_part = 0.70, gradient_growth = 1.3;
static const double score_counts_part = 0.7, score_bins_part = 0.3;
/* Rounding can take a norm over its bound by this share. */
static const double slack = 1 + 0x1p-40;
/* A number's variance is not taken for less than this share of its range's quarter squared, nor for less than noise
 * alone can make. */
static const double variance_least = 1e-4;
static const double level_sigmas = 3;

enum { CASES, LEVELS, MISSING, OUTSIDE, TOTALS };

bool logistic_private_embedded(const struct plan *plan)
{
    return strcmp(plan->task, logistic_task.name) != 0;
}

static struct result budget_of(const struct plan *plan, struct private_budget *ret)
{
    return private_split(plan, logistic_private_embedded(plan) ? own_embedded : own_weights, ret);
}

void logistic_private_free(struct logistic_private *private)
{
    if (!private) return;
    free(private->factor);
    free(private->last);
    free(private->noise);
    free(private);
}

struct result logistic_private_new(size_t terms, struct logistic_private **ret)
{
    struct logistic_private *private = calloc(1, sizeof *private);
    ENSURE(private, CATEGORY_ENVIRONMENT, "out of memory for the model's state");
    private->factor = calloc(terms_pairs(terms), sizeof *private->factor);
    private->last = calloc(terms, sizeof *private->last);
    private->noise = calloc(terms, sizeof *private->noise);
    *ret = private;
    ENSURE(private->factor && private->last && private->noise, CATEGORY_ENVIRONMENT,
           "out of memory for the model's state");
    return RESULT_OK;
}

struct result logistic_private_walk(const struct walk *walk, struct logistic_private *private, size_t terms)
{
    TRY(walk_reals(walk, private->factor, terms_pairs(terms), "the curvature"));
    TRY(walk_reals(walk, private->last, terms, "a coefficient"));
    TRY(walk_reals(walk, private->noise, terms, "a variance"));
    return walk_reals(walk, private->scores[0], PRIVATE_BINS * CASE_KINDS, "a count of scores");
}

struct result logistic_private_check_state(const struct logistic *state)
{
    enum logistic_stage stage = state->stage;
    uint64_t train = logistic_train_rows(state);
    bool counts = stage == LOGISTIC_COUNTS && !logistic_private_embedded(state->plan);
    bool stages = counts || stage == LOGISTIC_GRAM || stage == LOGISTIC_NEWTON || stage == LOGISTIC_INFERENCE ||
                  stage == LOGISTIC_FINISHED;
    bool steps = stage == LOGISTIC_NEWTON ? state->steps > 0 && state->steps < PRIVATE_STEPS
                                          : state->steps == (stage < LOGISTIC_NEWTON ? 0 : PRIVATE_STEPS);
    ENSURE(stages && steps, CATEGORY_FALSE, "the state's stage is none of a private run");
    ENSURE(stage == LOGISTIC_COUNTS ||
               (train > 0 && state->cases[CASE_TRAIN_POSITIVE] > 0 && state->cases[CASE_TRAIN_NEGATIVE] > 0),
           CATEGORY_FALSE, "the state has no training rows of one outcome");
    ENSURE(stage != LOGISTIC_INFERENCE || state->curve.asked == PRIVATE_BINS - 1, CATEGORY_FALSE,
           "the state's score histogram is none of a private run");
    for (size_t f = 0; f < state->plan->features_count; f++)
        ENSURE(state->features[f].missing[0] <= train || stage == LOGISTIC_COUNTS, CATEGORY_FALSE,
               "the state's missing values are too many");
    for (size_t t = 0; t < state->terms.count; t++)
        ENSURE(!state->aliased[t] || (state->terms.items[t].kind == TERM_LEVEL && stage > LOGISTIC_COUNTS) ||
                   (logistic_private_embedded(state->plan) && stage > LOGISTIC_GRAM),
               CATEGORY_FALSE, "the state leaves out a term that noise cannot hide");
    return RESULT_OK;
}

struct result logistic_private_check_fit(const struct plan *plan)
{
    ENSURE(plan->path == 0 && plan->l1 == 0 && !logistic_weighted(plan), CATEGORY_USAGE,
           "train.path, train.l1 and train.class_weight have no private form yet; remove them, or `privacy`");
    return RESULT_OK;
}

struct result logistic_private_check(const struct plan *plan)
{
    struct private_budget budget;
    if (!plan_private(plan)) return RESULT_OK;
    TRY(private_check_features(plan));
    TRY(budget_of(plan, &budget));
    TRY(logistic_private_check_fit(plan));
    for (size_t f = 0; f < plan->features_count; f++)
        ENSURE(!logistic_has_median(&plan->features[f]), CATEGORY_USAGE,
               "%s: a median has no private form yet; write `missing: mean` or a value", plan->features[f].name);
    return RESULT_OK;
}

static size_t count_of(const struct plan *plan, enum plan_kind kind)
{
    size_t count = 0;
    for (size_t f = 0; f < plan->features_count; f++) count += plan->features[f].kind == kind;
    return count;
}

double logistic_private_clip(const struct plan *plan)
{
    return 1 + (double)plan->features_count;
}

static double square(double x)
{
    return x * x;
}

/* ---- the first sum */

/* A level of each category; a missing value and one outside, or none, of each number. Of a number z in [-1, 1] enters,
 * and z² - 1/2: z² + (z² - 1/2)² is at most 5/4. */
struct result logistic_private_counts_layout(const struct logistic *state, struct layout *ret)
{
    const struct plan *plan = state->plan;
    struct private_budget budget;
    TRY(budget_of(plan, &budget));
    double counts = budget.rho[PHASE_COUNTS], numbers = (double)count_of(plan, PLAN_NUMBER);
    double categories = (double)count_of(plan, PLAN_CATEGORY), norm = sqrt(numbers) * slack;
    struct layout layout = {0};
    struct layout_field totals;
    TRY(layout_add(&layout, private_counts("cases", CASE_KINDS, 1, private_part(counts, cases_part))));
    TRY(layout_add(&layout,
                   private_counts("levels", 2 * state->levels_count, sqrt(categories > 0 ? categories : 1) * slack,
                                  private_part(counts, levels_part))));
    if (numbers == 0) norm = 1;
    TRY(layout_add(&layout,
                   private_counts("missing", 2 * (uint64_t)numbers, norm, private_part(counts, missing_part))));
    TRY(layout_add(&layout, private_counts("outside", (uint64_t)numbers, norm, private_part(counts, outside_part))));
    TRY(private_reals("totals", TOTALS_EACH * (uint64_t)numbers, 1, sqrt(1.25) * norm, budget.rho[PHASE_SCALE],
                      &totals));
    TRY(layout_add(&layout, totals));
    *ret = layout;
    return RESULT_OK;
}

static struct result take_cases(struct logistic *state, const struct sum *sum)
{
    uint64_t most = state->plan->rows * MEMBERS_MAX;
    for (size_t k = 0; k < CASE_KINDS; k++)
        state->cases[k] = private_clip_count((uint64_t)sum_integer(sum, CASES, k), most);
    if (state->plan->split == SPLIT_NONE) state->cases[CASE_HELD_NEGATIVE] = state->cases[CASE_HELD_POSITIVE] = 0;
    ENSURE(state->cases[CASE_TRAIN_POSITIVE] > 0 && state->cases[CASE_TRAIN_NEGATIVE] > 0, CATEGORY_USAGE,
           "under the noise that the plan's privacy asks for there is no training row of one outcome: too few rows, or "
           "the target (%s = %s) is coded otherwise",
           state->plan->target, state->plan->positive);
    return RESULT_OK;
}

/* Where a field's words begin. */
static const uint64_t *words_of(const struct sum *sum, size_t field)
{
    return sum->words + layout_offset(sum->layout, field);
}

static void take_levels(struct logistic *state, size_t f, const struct sum *sum)
{
    size_t count = plan_feature_levels(&state->plan->features[f]), at = state->level_at[f];
    for (size_t k = 0; k < 2; k++)
        private_project_total(words_of(sum, LEVELS) + 2 * at + k, count, 2, state->cases[k], &state->levels[at][k]);
}

/* Levels whose rows noise alone could be have no estimate: it would be noise, too. They score as the baseline does. */
static void leave_out_levels(struct logistic *state, const struct sum *sum)
{
    double least = level_sigmas * sqrt(2) * private_sigma(&sum->layout->fields[LEVELS]);
    for (size_t t = 0; t < state->terms.count; t++) {
        const struct term *term = &state->terms.items[t];
        if (term->kind != TERM_LEVEL) continue;
        const uint64_t *rows = state->levels[state->level_at[term->feature] + term->level];
        state->aliased[t] = (double)(rows[0] + rows[1]) < least;
    }
    logistic_activate(state);
}

/* Bounds that lie within 2^exponent deviations of the mean. */
static uint64_t exponent_of(const struct plan_feature *feature, const struct logistic_feature *of)
{
    double below = of->mean - feature->minimum, above = feature->maximum - of->mean, power = 1;
    double reach = (below > above ? below : above) * of->inverse * (1 + 0x1p-30);
    uint64_t exponent = 0;
    for (; power < reach && exponent < 64; exponent++) power *= 2;
    return exponent;
}

void logistic_private_place(const struct plan_feature *feature, double mean, double deviation,
                            struct logistic_feature *into)
{
    into->center = into->mean = mean;
    into->fill = feature->missing == MISSING_VALUE ? feature->fill : mean;
    into->deviation = deviation;
    into->inverse = 1 / deviation;
    into->exponent = exponent_of(feature, into);
}

static void take_number(struct logistic *state, size_t f, size_t number, const struct sum *sum)
{
    const struct plan_feature *feature = &state->plan->features[f];
    struct logistic_feature *into = &state->features[f];
    uint64_t train = logistic_train_rows(state),
             held = state->cases[CASE_HELD_NEGATIVE] + state->cases[CASE_HELD_POSITIVE];
    into->missing[0] = private_clip_count((uint64_t)sum_integer(sum, MISSING, 2 * number), train);
    into->missing[1] = private_clip_count((uint64_t)sum_integer(sum, MISSING, 2 * number + 1), held);
    into->outside = private_clip_count((uint64_t)sum_integer(sum, OUTSIDE, number), train + held);
    double rows = (double)train, present = rows;
    if (feature->missing == MISSING_MEAN) present = private_clip(rows - (double)into->missing[0], 1, rows);
    double middle = (feature->minimum + feature->maximum) / 2, half = (feature->maximum - feature->minimum) / 2;
    double mean = private_clip(sum_real(sum, TOTALS, TOTALS_EACH * number + TOTAL_FIRST) / present, -1, 1);
    double squares = sum_real(sum, TOTALS, TOTALS_EACH * number + TOTAL_SQUARE) / present + 0.5;
    double noise = 2 * private_sigma(&sum->layout->fields[TOTALS]) / present, variance = squares - square(mean);
    if (variance < noise) variance = noise;
    variance = private_clip(variance, variance_least, 1);
    logistic_private_place(feature, middle + half * mean,
                           half * sqrt(private_clip(variance * present / rows, variance_least, 1)), into);
}

struct result logistic_private_counts_advance(struct logistic *state, const struct sum *sum)
{
    TRY(take_cases(state, sum));
    size_t number = 0;
    for (size_t f = 0; f < state->plan->features_count; f++) {
        if (state->plan->features[f].kind == PLAN_CATEGORY) {
            take_levels(state, f, sum);
        } else {
            take_number(state, f, number++, sum);
        }
    }
    leave_out_levels(state, sum);
    return logistic_gram_begin(state);
}

/* ---- the fit's layouts */

static double gradient_rho(double fit, uint64_t step)
{
    double all = 0, own = 0, weight = 1;
    for (uint64_t k = 0; k < PRIVATE_STEPS; k++) {
        all += weight;
        if (k == step) own = weight;
        weight *= gradient_growth;
    }
    return private_part(fit, gradients_part * own / all);
}

static struct result add_real(struct layout *layout, const char *name, uint64_t length, double norm, double rho)
{
    struct layout_field field;
    TRY(private_reals(name, length, norm, norm * slack, rho, &field));
    return layout_add(layout, field);
}

/* In units of C² and C: the matrix with its entries off the diagonal times √2, so that its norm as a vector is that of
 * the whole symmetric matrix. */
struct result logistic_private_newton_layout(const struct logistic *state, struct layout *ret)
{
    struct private_budget budget;
    TRY(budget_of(state->plan, &budget));
    double fit = budget.rho[PHASE_FIT];
    size_t count = state->active_count;
    bool first = state->stage == LOGISTIC_GRAM;
    struct layout layout = {0};
    if (first)
        TRY(add_real(&layout, "products", terms_pairs(count), 1, private_part(fit, products_part)));
    else
        TRY(add_real(&layout, "hessian", state->steps == PRIVATE_NEWTON ? terms_pairs(count) : 0, 0.25,
                     private_part(fit, hessian_part)));
    TRY(add_real(&layout, "gradient", count, 1, gradient_rho(fit, state->steps)));
    *ret = layout;
    return RESULT_OK;
}

struct result logistic_private_score_layout(const struct logistic *state, struct layout *ret)
{
    struct private_budget budget;
    TRY(budget_of(state->plan, &budget));
    bool embedded = logistic_private_embedded(state->plan);
    double rho = budget.rho[PHASE_SCORES], numbers = embedded ? 0 : (double)count_of(state->plan, PLAN_NUMBER);
    double part = embedded ? 1 : score_counts_part;
    struct layout layout = {0};
    TRY(layout_add(&layout, private_counts("score counts", PRIVATE_BINS * CASE_KINDS, 1, private_part(rho, part))));
    TRY(layout_add(&layout,
                   private_counts("bins", (uint64_t)numbers * LOGISTIC_BINS, sqrt(numbers > 0 ? numbers : 1) * slack,
                                  private_part(rho, score_bins_part))));
    *ret = layout;
    return RESULT_OK;
}

/* ---- the last sum */

static void take_set(struct logistic *state, const struct sum *sum, enum case_kind kind)
{
    uint64_t rows[PRIVATE_BINS * CASE_KINDS], below = 0;
    private_project_total(words_of(sum, PRIVATE_SCORE_COUNTS) + kind, PRIVATE_BINS, CASE_KINDS, state->cases[kind],
                          rows);
    for (size_t b = 0; b + 1 < PRIVATE_BINS; b++) state->curve.below[b][kind] = below += rows[b * CASE_KINDS];
}

/* The curve that charts are drawn from: counts made possible ones. */
static void take_curve(struct logistic *state, const struct sum *sum)
{
    struct curve *curve = &state->curve;
    for (size_t e = 0; e < curve->asked; e++) curve->edges[e] = curve->asking[e];
    curve->known = curve->asked;
    curve->asked = 0;
    curve->histograms = 1;
    for (size_t k = 0; k < CASE_KINDS; k++) take_set(state, sum, (enum case_kind)k);
}

static void take_bins(struct logistic *state, size_t f, size_t number, const struct sum *sum)
{
    struct logistic_feature *into = &state->features[f];
    private_project_total(words_of(sum, PRIVATE_SCORE_BINS) + number * LOGISTIC_BINS, LOGISTIC_BINS, 1,
                          logistic_train_rows(state) - into->missing[0], into->bins);
}

struct result logistic_private_score_advance(struct logistic *state, const struct sum *sum)
{
    for (size_t b = 0; b < PRIVATE_BINS; b++)
        for (size_t k = 0; k < CASE_KINDS; k++)
            state->private->scores[b][k] = (double)sum_integer(sum, PRIVATE_SCORE_COUNTS, b * CASE_KINDS + k);
    take_curve(state, sum);
    size_t number = 0;
    for (size_t f = 0; f < state->plan->features_count && !logistic_private_embedded(state->plan); f++)
        if (state->plan->features[f].kind == PLAN_NUMBER) take_bins(state, f, number++, sum);
    state->stage = LOGISTIC_FINISHED;
    return RESULT_OK;
}

/* ---- measures */

static double brier_of(const struct logistic *state, enum case_kind first, const struct private_curve *curve)
{
    double sum = 0;
    for (size_t b = 0; b < PRIVATE_BINS; b++) {
        double risk = ((double)b + 0.5) / (double)PRIVATE_BINS;
        const double *counts = state->private->scores[b] + first;
        sum += counts[0] * square(risk) + counts[1] * square(1 - risk);
    }
    return private_clip(sum / (curve->negatives + curve->positives), 0, 1);
}

struct private_measures logistic_private_measure(const struct logistic *state, enum case_kind first, double sigma)
{
    const struct private_scores scores = {(const double(*)[CASE_KINDS])state->private->scores, PRIVATE_BINS, first,
                                          sigma};
    struct private_curve curve = private_curve_of(&scores);
    return (struct private_measures){curve, isnan(curve.auc) ? (double)NAN : brier_of(state, first, &curve)};
}

struct result logistic_private_noise(const struct logistic *state, unsigned banks, struct private_noise *ret)
{
    struct layout scores;
    struct private_noise noise;
    TRY(logistic_private_score_layout(state, &scores));
    const struct layout_field *counts = &scores.fields[PRIVATE_SCORE_COUNTS];
    TRY(private_noise(state->plan, counts, banks, &noise.score));
    noise.surplus = square(noise.score / private_sigma(counts));
    *ret = noise;
    return RESULT_OK;
}
