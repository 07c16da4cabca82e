/* A path of penalties: each fit begins where the one before ended. */
#include <math.h>
#include <string.h>

#include "analytics/exact.h"
#include "analytics/logistic.h"

/* The last penalty is this share of the first, and those between are in geometric steps. */
static const double span = 1e-3;
/* With hardly any l1 every penalty leaves all terms in: the first is then as if it had this much. */
static const double l1_least = 1e-3;

static double penalty_at(const struct logistic *state, uint64_t at)
{
    double share = (double)at / (double)(state->plan->path - 1);
    return state->path->most * exact_exp(share * exact_log(span));
}

/* Of the model that has only an intercept: every row has the same probability. */
static double held_at_start(const struct logistic *state)
{
    const struct logistic_weights weights = logistic_weights_of(state);
    double positives = weights.share[1] * (double)state->cases[CASE_TRAIN_POSITIVE];
    double negatives = weights.share[0] * (double)state->cases[CASE_TRAIN_NEGATIVE];
    double all = positives + negatives;
    return weights.unit * (weights.share[1] * (double)state->cases[CASE_HELD_POSITIVE] * exact_log(positives / all) +
                           weights.share[0] * (double)state->cases[CASE_HELD_NEGATIVE] * exact_log(negatives / all));
}

void logistic_path_begin(struct logistic *state, const double *gradient)
{
    if (!state->path) return;
    double steepest = 0, l1 = state->plan->l1 > l1_least ? state->plan->l1 : l1_least;
    for (size_t j = 1; j < state->active_count; j++) steepest = fmax(steepest, fabs(gradient[j]));
    state->path->most = steepest > 0 ? steepest / l1 : 1;
    state->path->held = held_at_start(state);
    state->penalty = state->path->most;
}

static void remember(struct logistic *state)
{
    struct logistic_path *path = state->path;
    path->best = path->at;
    path->score_mean = state->score_mean;
    path->score_deviation = state->score_deviation;
    path->decrement = state->decrement;
    memcpy(path->base, state->base, state->terms.count * sizeof *path->base);
}

static void recall(struct logistic *state)
{
    const struct logistic_path *path = state->path;
    state->penalty = path->tries[path->best].penalty;
    state->likelihood = path->tries[path->best].likelihood;
    state->end = (enum logistic_end)path->tries[path->best].end;
    state->score_mean = path->score_mean;
    state->score_deviation = path->score_deviation;
    state->decrement = path->decrement;
    memcpy(state->base, path->base, state->terms.count * sizeof *path->base);
}

bool logistic_path_next(struct logistic *state, enum logistic_end end)
{
    struct logistic_path *path = state->path;
    state->end = end;
    if (!path || path->at == state->plan->path) return false;
    struct logistic_try *tried = &path->tries[path->at];
    *tried = (struct logistic_try){state->penalty, state->likelihood, path->held, state->steps, 0, end};
    for (size_t t = 1; t < state->terms.count; t++) tried->terms += state->base[t] != 0;
    if (path->at == 0 || tried->held > path->tries[path->best].held) remember(state);
    path->at++;
    if (path->at == state->plan->path) {
        recall(state);
        return false;
    }
    state->penalty = penalty_at(state, path->at);
    state->steps = 0;
    state->decrement = state->gain = 0;
    return true;
}
