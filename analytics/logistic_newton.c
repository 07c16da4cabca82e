/* What the sums of a Newton step lead to.
 *
 * From the products of all columns: which are collinear, and the first direction, from the intercept-only model (whose
 * Hessian is the products times one number). Then steps: accept a point when the penalised likelihood did not fall,
 * else halve the way to it. The decrement is the distance to the maximum in standard errors; it decides when to end.
 */
#include <math.h>
#include <stdlib.h>

#include "analytics/exact.h"
#include "analytics/linear.h"
#include "analytics/logistic_sums.h"

/* Below this decrement, steps that no longer halve it have reached what the sums' resolution gives. */
static const double resolution_decrement = 1e-7;
/* Once the decrement is below one, a coarse Hessian that leaves more than this share of it is asked at full resolution
 * from then on. */
static const double slow_share = 0.05;
/* Separation: the log-likelihood gains less than this in a step ... */
static const double flat_gain = 1e-6;
/* ... while the decrement keeps more than this share of itself, and some coefficient moves by more than that. */
static const double flat_share = 0.3, flat_move = 0.01;
/* Terms that move at least this share of the fastest one are named as diverging. */
static const double diverging_share = 0.1;
/* The way to a point is halved at most this often. */
static const double fraction_least = 0x1p-20;

/* Coordinate descent ends when no coordinate moves the quadratic by more than this, or after so many sweeps: the next
 * step goes on from there. */
static const double moved_least = 1e-24;
static const unsigned sweeps_most = 10000;

static void release(double **values)
{
    free(*values);
}

static void release_integers(__int128 **values)
{
    free(*values);
}

/* The two parts of the penalty (elastic net: Zou and Hastie 2005): λ·(1 − l1)/2·Σb² and λ·l1·Σ|b|. */
static double ridge_of(const struct logistic *state)
{
    return state->penalty * (1 - state->plan->l1);
}

static double lasso_of(const struct logistic *state)
{
    return state->penalty * state->plan->l1;
}

static double power(int exponent)
{
    double value = 1;
    for (int i = 0; i < exponent; i++) value *= 2;
    return value;
}

static int exponent_of(const struct logistic *state, size_t active)
{
    return logistic_exponent(state, state->active[active]);
}

struct result logistic_gram_begin(struct logistic *state)
{
    const struct logistic_weights weights = logistic_weights_of(state);
    double negatives = weights.unit * weights.share[0] * (double)state->cases[CASE_TRAIN_NEGATIVE];
    double positives = weights.unit * weights.share[1] * (double)state->cases[CASE_TRAIN_POSITIVE];
    double rows = negatives + positives;
    state->stage = LOGISTIC_GRAM;
    state->beta[0] = state->base[0] = state->score_mean = exact_log(positives / negatives);
    state->likelihood = positives * exact_log(positives / rows) + negatives * exact_log(negatives / rows);
    state->objective = state->likelihood;
    return RESULT_OK;
}

/* Lower triangle of a field of pairs over the terms kept, on the standardised scale. */
static void read_matrix(const struct logistic *state, const struct sum *sum, size_t field, double *matrix)
{
    size_t count = state->active_count;
    for (size_t i = 0; i < count; i++)
        for (size_t j = i; j < count; j++)
            matrix[j * count + i] =
                sum_real(sum, field, terms_pair(count, i, j)) * power(exponent_of(state, i) + exponent_of(state, j));
}

struct result logistic_hessian(const struct logistic *state, const struct sum *sum, size_t field, double *matrix)
{
    double rows = (double)logistic_train_rows(state), unit = logistic_weights_of(state).unit;
    size_t count = state->active_count;
    read_matrix(state, sum, field, matrix);
    for (size_t j = 0; j < count; j++) {
        double most = 0.25 * rows * power(2 * exponent_of(state, j));
        ENSURE(matrix[j * count + j] >= 0 && matrix[j * count + j] <= most, CATEGORY_FALSE,
               "the Hessian's diagonal is impossible; the sum is not a true one");
    }
    for (size_t i = 0; i < count * count; i++) matrix[i] *= unit;
    return RESULT_OK;
}

void logistic_add_ridge(const struct logistic *state, double *matrix)
{
    for (size_t j = 1; j < state->active_count; j++) matrix[j * state->active_count + j] += ridge_of(state);
}

static struct result read_gradient(const struct logistic *state, const struct sum *sum, double *gradient)
{
    const struct logistic_weights weights = logistic_weights_of(state);
    for (size_t j = 0; j < state->active_count; j++) {
        double value = sum_real(sum, NEWTON_GRADIENT, j);
        ENSURE(fabs(value) <= (double)logistic_train_rows(state), CATEGORY_FALSE,
               "the gradient is impossible; the sum is not a true one");
        gradient[j] = weights.unit * value * power(exponent_of(state, j));
    }
    double slack = (1 + 0x1p-40) * weights.unit; /* a share is rounded */
    ENSURE(gradient[0] <= slack * weights.share[1] * (double)state->cases[CASE_TRAIN_POSITIVE] &&
               gradient[0] >= -slack * weights.share[0] * (double)state->cases[CASE_TRAIN_NEGATIVE],
           CATEGORY_FALSE, "the residuals add up to more than the cases; the sum is not a true one");
    return RESULT_OK;
}

/* The fits are over. */
static void finish(struct logistic *state)
{
    state->tried = 0;
    for (size_t t = 0; t < state->terms.count; t++) state->beta[t] = state->base[t];
    state->stage = LOGISTIC_INFERENCE;
    curve_start(&state->curve, state->cases, state->score_mean, state->score_deviation);
}

static void try_fraction(struct logistic *state, double fraction)
{
    state->tried = 1;
    state->fraction = fraction;
    for (size_t t = 0; t < state->terms.count; t++) state->beta[t] = state->base[t] + fraction * state->direction[t];
}

/* Names the terms that a flat direction moves. Returns false when none moves enough. */
static bool find_diverging(struct logistic *state)
{
    double fastest = 0;
    for (size_t t = 0; t < state->terms.count; t++)
        if (fabs(state->direction[t]) > fastest) fastest = fabs(state->direction[t]);
    if (fastest < flat_move) return false;
    for (size_t t = 1; t < state->terms.count; t++)
        state->diverging[t] = fabs(state->direction[t]) >= diverging_share * fastest;
    return true;
}

/* Asks for the sums at the accepted point once more. */
static void stay(struct logistic *state)
{
    for (size_t t = 0; t < state->terms.count; t++) state->direction[t] = 0;
    try_fraction(state, 0);
}

/* No direction: a weightless column. At full resolution that is separation; the coarse Hessian may just be too coarse.
 */
static enum logistic_end no_direction(struct logistic *state, size_t failed)
{
    if (state->fine) {
        state->diverging[state->active[failed]] = 1;
        return LOGISTIC_SEPARATED;
    }
    state->fine = 1;
    stay(state);
    return LOGISTIC_GOING;
}

/* Towards 0 by `by`, no further. */
static double shrunk(double value, double by)
{
    return value > by ? value - by : value < -by ? value + by : 0;
}

static double entry(const double *matrix, size_t count, size_t i, size_t j)
{
    return i < j ? matrix[j * count + i] : matrix[i * count + j];
}

/* The minimum of the quadratic with the absolute values added, by coordinate descent (Friedman, Hastie and Tibshirani
 * 2010): no round is needed within. `step` gets the way there, `rest` what is left of the gradient. Returns twice what
 * the objective is expected to gain: the squared decrement. */
static double descend(const struct logistic *state, const double *hessian, const double *gradient, double *step,
                      double *rest)
{
    size_t count = state->active_count;
    double lasso = lasso_of(state), gain = 0;
    for (size_t j = 0; j < count; j++) {
        step[j] = 0;
        rest[j] = gradient[j];
    }
    for (unsigned sweep = 0; sweep < sweeps_most; sweep++) {
        double moved = 0;
        for (size_t j = 0; j < count; j++) {
            double weight = hessian[j * count + j], base = state->base[state->active[j]];
            if (!(weight > 0)) continue;
            double to = base + step[j] + rest[j] / weight;
            if (j > 0) to = shrunk(to, lasso / weight);
            double by = to - base - step[j];
            if (by == 0) continue;
            step[j] += by;
            for (size_t i = 0; i < count; i++) rest[i] -= entry(hessian, count, i, j) * by;
            moved = fmax(moved, by * by * weight);
        }
        if (moved <= moved_least) break;
    }
    for (size_t j = 0; j < count; j++) {
        double base = state->base[state->active[j]];
        gain += step[j] * (gradient[j] + rest[j]); /* 2·(g'd - d'Hd/2) */
        if (j > 0) gain += 2 * lasso * (fabs(base) - fabs(base + step[j]));
    }
    return gain;
}

/* Direction and decrement from gradient and Hessian (penalty included) at the accepted point; both are overwritten.
 * Returns the number of columns, or the first without weight. */
static size_t find_direction(struct logistic *state, double *hessian, double *gradient, double *work)
{
    size_t count = state->active_count;
    double squared = 0;
    for (size_t t = 0; t < state->terms.count; t++) state->direction[t] = 0;
    if (state->plan->l1 > 0) {
        squared = descend(state, hessian, gradient, work, work + count);
        for (size_t j = 0; j < count; j++) state->direction[state->active[j]] = work[j];
    } else {
        size_t failed = linear_factor(count, hessian);
        if (failed < count) return failed;
        for (size_t j = 0; j < count; j++) state->direction[state->active[j]] = gradient[j];
        linear_solve(count, hessian, gradient);
        for (size_t j = 0; j < count; j++) {
            squared += gradient[j] * state->direction[state->active[j]];
            state->direction[state->active[j]] = gradient[j];
        }
    }
    state->decrement = squared > 0 ? sqrt(squared) : 0;
    return count;
}

static double penalised(const struct logistic *state, const double *coefficients, double likelihood)
{
    double squares = 0, sizes = 0;
    for (size_t t = 1; t < state->terms.count; t++) {
        squares += coefficients[t] * coefficients[t];
        sizes += fabs(coefficients[t]);
    }
    return likelihood - ridge_of(state) / 2 * squares - lasso_of(state) * sizes;
}

/* Whether every row's probability is on its side of a half: a row on the wrong side costs ln 2 or more. Then larger
 * coefficients always fit better, and there is no maximum. */
static bool all_right(const struct logistic *state)
{
    const struct logistic_weights weights = logistic_weights_of(state);
    double least = weights.unit * (weights.share[0] < weights.share[1] ? weights.share[0] : weights.share[1]);
    return state->likelihood > -least * exact_log(2);
}

/* The next point from gradient and Hessian (penalty included) at the accepted one, or why there is none. Both are
 * overwritten. work: room for two vectors. */
static enum logistic_end next_point(struct logistic *state, double *hessian, double *gradient, double *work,
                                    bool judged_fine)
{
    double before = state->decrement;
    size_t failed = find_direction(state, hessian, gradient, work);
    if (failed < state->active_count) return no_direction(state, failed);
    bool resolved = before > 0 && state->decrement <= resolution_decrement && state->decrement > before / 2;
    if (state->decrement <= state->plan->tolerance || resolved) return LOGISTIC_CONVERGED;
    bool flat = judged_fine && state->gain < flat_gain && state->decrement > flat_share * before;
    if (state->penalty == 0 && (flat || all_right(state)) && find_diverging(state)) return LOGISTIC_SEPARATED;
    if (state->steps >= state->plan->rounds) return LOGISTIC_ROUNDS;
    if (before > 0 && before < 1 && state->decrement > slow_share * before) state->fine = 1;
    try_fraction(state, 1);
    return LOGISTIC_GOING;
}

/* The same from gradient and Hessian without penalty. Where a fit ends and another penalty is to be tried, the sums at
 * hand serve it too. */
static struct result go_on(struct logistic *state, const double *hessian, const double *gradient, bool judged_fine)
{
    size_t count = state->active_count;
    CLEANUP(release) double *matrix = calloc(count * count, sizeof *matrix);
    CLEANUP(release) double *vectors = calloc(3 * count, sizeof *vectors);
    ENSURE(matrix && vectors, CATEGORY_ENVIRONMENT, "out of memory for %zu columns", count);
    for (;;) {
        for (size_t i = 0; i < count * count; i++) matrix[i] = hessian[i];
        logistic_add_ridge(state, matrix);
        vectors[0] = gradient[0];
        for (size_t j = 1; j < count; j++) vectors[j] = gradient[j] - ridge_of(state) * state->base[state->active[j]];
        enum logistic_end end = next_point(state, matrix, vectors, vectors + count, judged_fine);
        if (end == LOGISTIC_GOING) return RESULT_OK;
        if (!logistic_path_next(state, end)) break;
        state->objective = penalised(state, state->base, state->likelihood);
    }
    finish(state);
    return RESULT_OK;
}

/* Counts that the products must repeat: rows, rows of each level, nothing of a constant. */
static struct result check_products(const struct logistic *state, const struct sum *sum)
{
    size_t count = state->terms.count;
    double unit = (double)((int64_t)1 << 60);
    for (size_t t = 0; t < count; t++) {
        const struct term *term = &state->terms.items[t];
        size_t f = term->feature;
        __int128 diagonal = sum_integer(sum, NEWTON_HESSIAN, terms_pair(count, t, t));
        __int128 one = (__int128)1 << 60, rows = (__int128)logistic_train_rows(state);
        bool fits;
        if (term->kind == TERM_INTERCEPT) {
            fits = diagonal == rows * one;
        } else if (term->kind == TERM_LEVEL) {
            const uint64_t *level = state->levels[state->level_at[f] + term->level];
            fits = diagonal == (__int128)(level[0] + level[1]) * one;
        } else if (term->kind != TERM_NUMBER) {
            fits = diagonal >= 0 && diagonal <= rows * one;
        } else {
            double expected = state->features[f].inverse > 0 ? (double)rows : 0;
            double found = (double)diagonal / unit * power(2 * exponent_of(state, t));
            fits = fabs(found - expected) <= 1e-6 * (double)rows;
        }
        ENSURE(fits, CATEGORY_FALSE, "the products of columns do not repeat the counts; the sum is not a true one");
    }
    return RESULT_OK;
}

static struct result find_collinear(struct logistic *state, const struct sum *sum)
{
    size_t count = state->terms.count;
    CLEANUP(release_integers) __int128 *products = calloc(count * count, sizeof *products);
    bool *collinear = calloc(count, sizeof *collinear);
    struct result result = RESULT_OK;
    if (!products || !collinear) result = FAIL(CATEGORY_ENVIRONMENT, "out of memory for %zu columns", count);
    for (size_t i = 0; i < count && result_ok(result); i++)
        for (size_t j = i; j < count; j++)
            products[j * count + i] = sum_integer(sum, NEWTON_HESSIAN, terms_pair(count, i, j));
    if (result_ok(result)) result = linear_collinear(count, products, collinear);
    for (size_t t = 1; t < count && result_ok(result); t++) state->aliased[t] = collinear[t];
    free(collinear);
    return result;
}

/* Keeps the rows and columns of the terms that are not aliased; matrix and vector shrink in place. */
static void compress(const struct logistic *state, size_t before, double *matrix, double *vector)
{
    size_t count = state->active_count;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j <= i; j++) matrix[i * count + j] = matrix[state->active[i] * before + state->active[j]];
        vector[i] = vector[state->active[i]];
    }
}

static struct result gram_advance(struct logistic *state, const struct sum *sum)
{
    size_t count = state->terms.count;
    TRY(check_products(state, sum));
    CLEANUP(release) double *matrix = calloc(count * count, sizeof *matrix);
    CLEANUP(release) double *gradient = calloc(count, sizeof *gradient);
    ENSURE(matrix && gradient, CATEGORY_ENVIRONMENT, "out of memory for %zu columns", count);
    read_matrix(state, sum, NEWTON_HESSIAN, matrix);
    TRY(read_gradient(state, sum, gradient));
    TRY(find_collinear(state, sum));
    logistic_activate(state);
    compress(state, count, matrix, gradient);
    const struct logistic_weights weights = logistic_weights_of(state);
    double positives = weights.unit * weights.share[1] * (double)state->cases[CASE_TRAIN_POSITIVE];
    double negatives = weights.unit * weights.share[0] * (double)state->cases[CASE_TRAIN_NEGATIVE];
    double rows = positives + negatives, share = positives / rows;
    /* Where the outcomes weigh differently, an approximation: rows weigh as they do on average. */
    double weight = logistic_weighted(state->plan) ? rows / (double)logistic_train_rows(state) : 1;
    count = state->active_count;
    for (size_t i = 0; i < count * count; i++) matrix[i] *= share * (1 - share) * weight;
    state->stage = LOGISTIC_NEWTON;
    state->fine = logistic_grid_suits(state) ? 0 : 1;
    logistic_path_begin(state, gradient);
    return go_on(state, matrix, gradient, false);
}

static struct result read_likelihood(const struct logistic *state, const struct sum *sum, double *ret,
                                     double *ret_slack)
{
    int score, likelihood;
    TRY(logistic_score_exponents(state, &score, &likelihood));
    double unit = logistic_weights_of(state).unit;
    *ret = sum_real(sum, NEWTON_LIKELIHOOD, 0) * power(likelihood) * unit;
    ENSURE(*ret <= 0, CATEGORY_FALSE, "the log-likelihood is above zero; the sum is not a true one");
    *ret_slack = (double)logistic_train_rows(state) * power(likelihood) * unit * 0x1p-50 + 1e-12 * fabs(*ret);
    return RESULT_OK;
}

static struct result read_held(struct logistic *state, const struct sum *sum)
{
    int score, likelihood;
    TRY(logistic_score_exponents(state, &score, &likelihood));
    state->path->held = sum_real(sum, NEWTON_HELD, 0) * power(likelihood) * logistic_weights_of(state).unit;
    ENSURE(state->path->held <= 0, CATEGORY_FALSE,
           "the held-out log-likelihood is above zero; the sum is not a true one");
    return RESULT_OK;
}

static struct result read_scores(struct logistic *state, const struct sum *sum)
{
    int score, likelihood;
    TRY(logistic_score_exponents(state, &score, &likelihood));
    double rows = (double)logistic_train_rows(state);
    double mean = sum_real(sum, NEWTON_SCORES, 0) / rows, square = sum_real(sum, NEWTON_SCORES, 1) / rows;
    ENSURE(fabs(mean) <= 1 && square >= 0 && mean * mean <= square + 0x1p-40, CATEGORY_FALSE,
           "the spread of the scores is impossible; the sum is not a true one");
    double variance = square - mean * mean;
    state->score_mean = mean * power(score);
    state->score_deviation = variance > 0 ? sqrt(variance) * power(score) : 0;
    return RESULT_OK;
}

static void halve(struct logistic *state)
{
    state->fine = 1; /* a coarse direction may be what went wrong */
    enum logistic_end end = state->fraction / 2 < fraction_least  ? LOGISTIC_STUCK
                            : state->steps >= state->plan->rounds ? LOGISTIC_ROUNDS
                                                                  : LOGISTIC_GOING;
    if (end == LOGISTIC_GOING) {
        try_fraction(state, state->fraction / 2);
    } else if (logistic_path_next(state, end)) {
        state->objective = penalised(state, state->base, state->likelihood);
        stay(state);
    } else {
        finish(state);
    }
}

static struct result step_advance(struct logistic *state, const struct sum *sum)
{
    size_t count = state->active_count;
    CLEANUP(release) double *hessian = calloc(count * count, sizeof *hessian);
    CLEANUP(release) double *gradient = calloc(count, sizeof *gradient);
    ENSURE(hessian && gradient, CATEGORY_ENVIRONMENT, "out of memory for %zu columns", count);
    double likelihood, slack;
    TRY(read_likelihood(state, sum, &likelihood, &slack));
    TRY(read_gradient(state, sum, gradient));
    TRY(logistic_hessian(state, sum, NEWTON_HESSIAN, hessian));
    state->steps++;
    double objective = penalised(state, state->beta, likelihood);
    if (objective < state->objective - slack) {
        halve(state);
        return RESULT_OK;
    }
    if (state->fraction > 0) state->gain = objective - state->objective;
    state->objective = objective;
    state->likelihood = likelihood;
    TRY(read_scores(state, sum));
    for (size_t t = 0; t < state->terms.count; t++) state->base[t] = state->beta[t];
    if (state->path) TRY(read_held(state, sum));
    return go_on(state, hessian, gradient, state->fine != 0);
}

struct result logistic_newton_advance(struct logistic *state, const struct sum *sum)
{
    return state->stage == LOGISTIC_GRAM ? gram_advance(state, sum) : step_advance(state, sum);
}
