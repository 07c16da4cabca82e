/* The fit of a private scorecard: one run, and nothing begun again. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/scorecard_private.h"

/* A spread is not taken for less than this share of the way between the least and the largest weight. */
static const double deviation_least = 0.005;
/* A correlation is one when it is over what the plan allows by so many σ of its noise. */
static const double correlation_sigmas = 2;

struct result scorecard_private_plan(const struct plan *plan, struct plan *fit)
{
    struct private_budget budget;
    if (!plan_private(plan)) {
        (void)memcpy(fit->task, "logistic", sizeof "logistic");
        return RESULT_OK;
    }
    TRY(scorecard_private_budget(plan, &budget));
    struct plan_privacy privacy = {.epsilon = plan->privacy.epsilon, .delta = plan->privacy.delta, .split = true};
    for (size_t i = PHASE_FIT; i < PLAN_PHASES; i++) privacy.rho += privacy.weights[i] = budget.rho[i];
    fit->privacy = privacy;
    return RESULT_OK;
}

/* Mean and spread of a feature's weights over the training rows. */
static void place(const struct scorecard_feature *feature, const struct plan_feature *plan,
                  struct logistic_feature *into)
{
    double rows = 0, sum = 0, squares = 0, least = deviation_least * (plan->maximum - plan->minimum);
    for (size_t k = 0; k < feature->classes_count; k++) {
        const struct scorecard_class *class = &feature->classes[k];
        double count = (double)(class->cell.negatives + class->cell.positives);
        rows += count;
        sum += count * class->woe;
        squares += count * (class->woe * class->woe);
    }
    double mean = sum / rows, variance = squares / rows - mean * mean, deviation = variance > 0 ? sqrt(variance) : 0;
    logistic_private_place(plan, mean, deviation > least ? deviation : least, into);
}

struct result scorecard_private_begin(const struct scorecard *scorecard, const struct scorecard_fit *fit,
                                      struct buffer *out)
{
    CLEANUP(logistic_done) struct logistic state = {0};
    TRY(logistic_new(&fit->plan, &state));
    for (size_t k = 0; k < CASE_KINDS; k++) state.cases[k] = scorecard->profile.cases[k];
    for (size_t k = 0; k < fit->plan.features_count; k++)
        place(&scorecard->features[fit->features[k]], &fit->plan.features[k], &state.features[k]);
    TRY(logistic_gram_begin(&state));
    return logistic_write(&state, out);
}

struct result scorecard_private_check(const struct scorecard_fit *fit)
{
    CLEANUP(logistic_done) struct logistic state = {0};
    struct layout layout;
    TRY(logistic_private_check_fit(&fit->plan));
    TRY(logistic_new(&fit->plan, &state));
    state.stage = LOGISTIC_GRAM;
    TRY(logistic_private_newton_layout(&state, &layout));
    TRY(layout_prove(&layout, fit->plan.rows));
    state.stage = LOGISTIC_NEWTON;
    state.steps = PRIVATE_NEWTON; /* the one with the most fields */
    TRY(logistic_private_newton_layout(&state, &layout));
    TRY(layout_prove(&layout, fit->plan.rows));
    TRY(logistic_private_score_layout(&state, &layout));
    return layout_prove(&layout, fit->plan.rows);
}

/* ---- features that are correlated */

/* Products of two columns; apart they come times √2. */
static double product(const struct logistic *state, const struct sum *sum, size_t i, size_t j)
{
    size_t low = i < j ? i : j, high = i < j ? j : i;
    double value = sum_real(sum, NEWTON_HESSIAN, terms_pair(state->terms.count, low + 1, high + 1));
    return i == j ? value : value / sqrt(2);
}

/* 0 where noise may be what takes it over what the plan allows. */
static double correlation(const struct scorecard *scorecard, const struct logistic *state, const struct sum *sum,
                          size_t i, size_t j)
{
    double a = product(state, sum, i, i), b = product(state, sum, j, j);
    double sigma = private_sigma(&sum->layout->fields[NEWTON_HESSIAN]);
    if (!(a > correlation_sigmas * sigma && b > correlation_sigmas * sigma)) return 0;
    double length = sqrt(a) * sqrt(b), r = product(state, sum, i, j) / length;
    bool sure = fabs(r) - correlation_sigmas * sigma / sqrt(2) / length > scorecard->plan->scorecard.correlation;
    return sure ? r : 0;
}

/* The columns kept, of a sum over all columns. */
static void select_words(const struct logistic *state, const struct layout *from, const uint64_t *words,
                         const struct layout *to, uint64_t *ret)
{
    const uint64_t *products = words + layout_offset(from, NEWTON_HESSIAN);
    const uint64_t *gradient = words + layout_offset(from, NEWTON_GRADIENT);
    uint64_t *into = ret + layout_offset(to, NEWTON_HESSIAN), *slope = ret + layout_offset(to, NEWTON_GRADIENT);
    uint64_t count = state->terms.count;
    for (size_t i = 0; i < state->active_count; i++) {
        *slope++ = gradient[state->active[i]];
        for (size_t j = i; j < state->active_count; j++)
            *into++ = products[terms_pair(count, state->active[i], state->active[j])];
    }
}

/* The sum as if the columns that are left out had not been in it. */
static struct result step_without(struct logistic *state, const struct sum *sum)
{
    struct layout layout;
    TRY(logistic_private_newton_layout(state, &layout));
    uint64_t *words = calloc(layout_words(&layout), sizeof *words);
    ENSURE(words, CATEGORY_ENVIRONMENT, "out of memory for a sum");
    select_words(state, sum->layout, sum->words, &layout, words);
    struct result result = logistic_private_newton_advance(state, &(struct sum){&layout, words});
    free(words);
    return result;
}

static struct result first_step(struct scorecard *scorecard, const struct scorecard_fit *fit, struct logistic *state,
                                const struct sum *sum)
{
    bool dropped;
    TRY(scorecard_drop_correlated(scorecard, fit, state, sum, correlation, &dropped));
    for (size_t k = 0; k < fit->plan.features_count; k++)
        state->aliased[k + 1] = scorecard->features[fit->features[k]].fate != FATE_KEPT;
    logistic_activate(state);
    return step_without(state, sum);
}

/* ---- features of the wrong sign */

static struct result drop_wrong_signs(struct scorecard *scorecard, const struct scorecard_fit *fit,
                                      struct logistic *state)
{
    size_t worst;
    while ((worst = scorecard_wrong_sign(scorecard, fit, state)) != SIZE_MAX) {
        scorecard->features[fit->features[worst]].fate = FATE_WRONG_SIGN;
        TRY(logistic_private_leave_out(state, worst + 1));
    }
    ENSURE(state->active_count > 1, CATEGORY_USAGE,
           "too few rows under the noise that the plan's privacy asks for: no coefficient has the right sign; raise "
           "privacy.epsilon, name fewer features, or write selection: {signs: any}");
    return RESULT_OK;
}

struct result scorecard_private_advance(struct scorecard *scorecard, const struct scorecard_fit *fit,
                                        const uint64_t *words)
{
    CLEANUP(logistic_done) struct logistic state = {0};
    struct layout layout;
    TRY(logistic_parse(&fit->plan, buffer_view(&scorecard->fit), &state));
    bool score = state.stage == LOGISTIC_INFERENCE, first = state.stage == LOGISTIC_GRAM;
    TRY(score ? logistic_private_score_layout(&state, &layout) : logistic_private_newton_layout(&state, &layout));
    const struct sum sum = {&layout, words};
    TRY(score   ? logistic_private_score_advance(&state, &sum)
        : first ? first_step(scorecard, fit, &state, &sum)
                : logistic_private_newton_advance(&state, &sum));
    if (!score && state.stage == LOGISTIC_INFERENCE && scorecard->plan->scorecard.signs)
        TRY(drop_wrong_signs(scorecard, fit, &state));
    if (state.stage == LOGISTIC_FINISHED) scorecard->stage = SCORECARD_FINISHED;
    buffer_clear(&scorecard->fit);
    return logistic_write(&state, &scorecard->fit);
}
