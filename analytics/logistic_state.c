/* The state as bytes: every field in the order of struct logistic, whatever the stage. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/logistic_private.h"

void logistic_done(struct logistic *state)
{
    terms_done(&state->terms);
    free(state->level_at);
    free(state->features);
    free(state->levels);
    free(state->aliased);
    if (state->path) free(state->path->base);
    free(state->path);
    logistic_private_free(state->private);
    free(state->beta);
    free(state->base);
    free(state->direction);
    free(state->diverging);
    free(state->variance);
    free(state->active);
    free(state->place);
    *state = (struct logistic){0};
}

static struct result allocate(struct logistic *state)
{
    size_t terms = state->terms.count, features = state->plan->features_count;
    state->level_at = calloc(features + 1, sizeof *state->level_at);
    ENSURE(state->level_at, CATEGORY_ENVIRONMENT, "out of memory for the model's state");
    for (size_t f = 0; f < features; f++) {
        const struct plan_feature *feature = &state->plan->features[f];
        state->level_at[f] = state->levels_count;
        if (feature->kind == PLAN_CATEGORY) state->levels_count += plan_feature_levels(feature);
    }
    state->features = calloc(features + 1, sizeof *state->features);
    state->levels = calloc(state->levels_count + 1, sizeof *state->levels);
    state->aliased = calloc(terms, sizeof *state->aliased);
    state->beta = calloc(terms, sizeof *state->beta);
    state->base = calloc(terms, sizeof *state->base);
    state->direction = calloc(terms, sizeof *state->direction);
    state->diverging = calloc(terms, sizeof *state->diverging);
    state->variance = calloc(terms, sizeof *state->variance);
    if (state->plan->path) {
        state->path = calloc(1, sizeof *state->path);
        ENSURE(state->path, CATEGORY_ENVIRONMENT, "out of memory for the model's state");
        state->path->base = calloc(terms, sizeof *state->path->base);
        ENSURE(state->path->base, CATEGORY_ENVIRONMENT, "out of memory for the model's state");
    }
    if (plan_private(state->plan)) TRY(logistic_private_new(terms, &state->private));
    state->active = calloc(terms, sizeof *state->active);
    state->place = calloc(terms, sizeof *state->place);
    ENSURE(state->features && state->levels && state->aliased && state->beta && state->base && state->direction &&
               state->diverging && state->variance && state->active && state->place,
           CATEGORY_ENVIRONMENT, "out of memory for the model's state");
    return RESULT_OK;
}

struct result logistic_new(const struct plan *plan, struct logistic *ret)
{
    CLEANUP(logistic_done) struct logistic state = {.plan = plan, .penalty = plan->penalty};
    TRY(terms_of(plan, &state.terms));
    TRY(allocate(&state));
    for (size_t f = 0; f < plan->features_count; f++) {
        const struct plan_feature *feature = &plan->features[f];
        if (!logistic_has_median(feature)) continue;
        struct quantile_grid grid;
        TRY(quantile_grid_of(feature->name, feature->minimum, feature->maximum, feature->resolution, &grid));
        state.features[f].median[0] = state.features[f].median[1] = quantile_start(&grid);
    }
    logistic_activate(&state);
    *ret = state;
    state = (struct logistic){0};
    return RESULT_OK;
}

static uint64_t number_exponent(const struct logistic *state, size_t f)
{
    return state->plan->features[f].kind == PLAN_NUMBER ? state->features[f].exponent : 0;
}

/* From the knot to the maximum there may be more than from the mean to either bound. */
static int hinge_exponent(const struct logistic *state, const struct plan_derived *derived)
{
    return (int)state->features[derived->feature].exponent + 1;
}

int logistic_exponent(const struct logistic *state, size_t term)
{
    const struct term *of = &state->terms.items[term];
    const struct plan_derived *derived = of->kind >= TERM_HINGE ? &state->plan->derived[of->feature] : NULL;
    if (of->kind == TERM_NUMBER) return (int)state->features[of->feature].exponent;
    if (of->kind == TERM_HINGE) return hinge_exponent(state, derived);
    if (of->kind != TERM_PRODUCT) return 0;
    return (int)(number_exponent(state, derived->feature) + number_exponent(state, derived->with));
}

size_t logistic_bin_edges(const struct logistic *state, size_t feature, double ret[LOGISTIC_BINS - 1])
{
    /* Quantiles of the normal distribution at 0.1, 0.2, ... 0.9, to two places. */
    static const double tenths[LOGISTIC_BINS - 1] = {-1.28, -0.84, -0.52, -0.25, 0, 0.25, 0.52, 0.84, 1.28};
    const struct logistic_feature *of = &state->features[feature];
    if (!(of->deviation > 0)) return 0;
    for (size_t e = 0; e < LOGISTIC_BINS - 1; e++) ret[e] = of->mean + tenths[e] * of->deviation;
    return LOGISTIC_BINS - 1;
}

struct logistic_weights logistic_weights_of(const struct logistic *state)
{
    double negative = 1, positive = state->plan->weight;
    if (state->plan->balanced) {
        double rows = (double)logistic_train_rows(state);
        negative = rows / (2 * (double)state->cases[CASE_TRAIN_NEGATIVE]);
        positive = rows / (2 * (double)state->cases[CASE_TRAIN_POSITIVE]);
    }
    double unit = positive > negative ? positive : negative;
    return (struct logistic_weights){{negative / unit, positive / unit}, unit};
}

void logistic_activate(struct logistic *state)
{
    state->active_count = 0;
    for (size_t t = 0; t < state->terms.count; t++) {
        state->place[t] = state->aliased[t] ? TERM_NONE : (uint32_t)state->active_count;
        if (!state->aliased[t]) state->active[state->active_count++] = (uint32_t)t;
    }
}

static struct result walk_feature(const struct walk *walk, struct logistic_feature *feature, const char *name)
{
    TRY(walk_counts(walk, feature->missing, 2));
    TRY(walk_u64(walk, &feature->outside));
    TRY(walk_f64(walk, &feature->center, name));
    TRY(walk_f64(walk, &feature->fill, name));
    TRY(walk_f64(walk, &feature->mean, name));
    TRY(walk_f64(walk, &feature->deviation, name));
    TRY(walk_f64(walk, &feature->inverse, name));
    TRY(walk_u64(walk, &feature->exponent));
    for (size_t i = 0; i < 2; i++) {
        TRY(walk_u64(walk, &feature->median[i].low));
        TRY(walk_u64(walk, &feature->median[i].high));
        TRY(walk_u64(walk, &feature->median[i].rank));
    }
    return walk_counts(walk, feature->bins, LOGISTIC_BINS);
}

static struct result walk_newton(const struct walk *walk, struct logistic *state)
{
    size_t terms = state->terms.count;
    unsigned end = state->end;
    TRY(walk_enum(walk, &end, LOGISTIC_PLANNED, "reason to end"));
    state->end = end;
    TRY(walk_u64(walk, &state->steps));
    TRY(walk_u64(walk, &state->fine));
    TRY(walk_u64(walk, &state->tried));
    TRY(walk_f64(walk, &state->fraction, "the share of the Newton step"));
    TRY(walk_f64(walk, &state->likelihood, "the log-likelihood"));
    TRY(walk_f64(walk, &state->objective, "the penalised log-likelihood"));
    TRY(walk_f64(walk, &state->decrement, "the Newton decrement"));
    TRY(walk_f64(walk, &state->gain, "the gain of the Newton step"));
    TRY(walk_reals(walk, state->beta, terms, "a coefficient"));
    TRY(walk_reals(walk, state->base, terms, "a coefficient"));
    TRY(walk_reals(walk, state->direction, terms, "the Newton direction"));
    TRY(walk_counts(walk, state->diverging, terms));
    TRY(walk_f64(walk, &state->score_mean, "the mean score"));
    return walk_f64(walk, &state->score_deviation, "the spread of the scores");
}

static struct result walk_path(const struct walk *walk, struct logistic *state)
{
    struct logistic_path *path = state->path;
    TRY(walk_f64(walk, &state->penalty, "the penalty"));
    TRY(walk_f64(walk, &path->most, "the first penalty"));
    TRY(walk_f64(walk, &path->held, "the held-out log-likelihood"));
    TRY(walk_u64(walk, &path->at));
    for (size_t i = 0; i < state->plan->path; i++) {
        struct logistic_try *tried = &path->tries[i];
        TRY(walk_f64(walk, &tried->penalty, "a penalty"));
        TRY(walk_f64(walk, &tried->likelihood, "a log-likelihood"));
        TRY(walk_f64(walk, &tried->held, "a held-out log-likelihood"));
        TRY(walk_u64(walk, &tried->steps));
        TRY(walk_u64(walk, &tried->terms));
        TRY(walk_u64(walk, &tried->end));
    }
    TRY(walk_u64(walk, &path->best));
    TRY(walk_f64(walk, &path->score_mean, "the mean score"));
    TRY(walk_f64(walk, &path->score_deviation, "the spread of the scores"));
    TRY(walk_f64(walk, &path->decrement, "the Newton decrement"));
    return walk_reals(walk, path->base, state->terms.count, "a coefficient");
}

static struct result walk_score(const struct walk *walk, struct logistic *state)
{
    TRY(walk_reals(walk, state->variance, state->terms.count, "a variance"));
    TRY(walk_reals(walk, state->log_loss, 2, "the log loss"));
    TRY(walk_reals(walk, state->squared_error, 2, "the squared error"));
    return curve_walk(walk, &state->curve);
}

static struct result walk_all(const struct walk *walk, struct logistic *state)
{
    unsigned stage = state->stage;
    TRY(walk_enum(walk, &stage, LOGISTIC_FINISHED, "stage"));
    state->stage = stage;
    TRY(walk_counts(walk, state->cases, CASE_KINDS));
    for (size_t f = 0; f < state->plan->features_count; f++)
        TRY(walk_feature(walk, &state->features[f], state->plan->features[f].name));
    TRY(walk_counts(walk, state->levels[0], 2 * (size_t)state->levels_count));
    TRY(walk_counts(walk, state->aliased, state->terms.count));
    TRY(walk_newton(walk, state));
    if (state->path) TRY(walk_path(walk, state));
    if (state->private) TRY(logistic_private_walk(walk, state->private, state->terms.count));
    return walk_score(walk, state);
}

struct result logistic_write(const struct logistic *state, struct buffer *out)
{
    struct walk walk = {.out = out};
    struct logistic copy = *state; /* the walk's writing side changes nothing behind the pointers */
    return walk_all(&walk, &copy);
}

static struct result check_path(const struct logistic *state)
{
    const struct logistic_path *path = state->path;
    bool fits = path->at <= state->plan->path && (path->best < path->at || path->at == 0);
    for (size_t i = 0; i < state->plan->path; i++) fits = fits && path->tries[i].end <= LOGISTIC_STUCK;
    ENSURE(fits && state->penalty >= 0, CATEGORY_FALSE, "the state's path of penalties is impossible");
    return RESULT_OK;
}

/* What the code that uses a state relies on, beyond lengths. */
static struct result check(const struct logistic *state)
{
    for (size_t f = 0; f < state->plan->features_count; f++) {
        const struct logistic_feature *feature = &state->features[f];
        ENSURE(feature->exponent <= 64, CATEGORY_FALSE, "the state's scale of %s is impossible",
               state->plan->features[f].name);
        for (unsigned i = 0; i < 2; i++)
            ENSURE(feature->median[i].low <= feature->median[i].high && feature->median[i].high <= QUANTILE_INDEX_MAX,
                   CATEGORY_FALSE, "the state's median of %s is impossible", state->plan->features[f].name);
    }
    ENSURE(!state->aliased[0], CATEGORY_FALSE, "the state leaves out the intercept");
    for (size_t t = 1; t < state->terms.count; t++)
        ENSURE(!state->aliased[t] || state->private || state->stage > LOGISTIC_GRAM, CATEGORY_FALSE,
               "the state leaves out a column before the products of columns are known");
    if (state->path) TRY(check_path(state));
    if (state->private) TRY(logistic_private_check_state(state));
    return curve_check(&state->curve);
}

struct result logistic_parse(const struct plan *plan, struct view bytes, struct logistic *ret)
{
    CLEANUP(logistic_done) struct logistic state = {0};
    TRY(logistic_new(plan, &state));
    struct reader reader = reader_of(bytes, "the model's state");
    struct walk walk = {.reader = &reader};
    TRY(walk_all(&walk, &state));
    TRY(reader_end(&reader));
    TRY(check(&state));
    logistic_activate(&state);
    *ret = state;
    state = (struct logistic){0};
    return RESULT_OK;
}
