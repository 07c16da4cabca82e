/* Steps from sums that carry noise: no line search and no test of convergence, which noise would decide. */
#include <math.h>
#include <stdlib.h>

#include "analytics/exact.h"
#include "analytics/linear.h"
#include "analytics/logistic_private.h"

/* To a matrix with noise of σ in each entry this times √(2d)·σ is added on its diagonal: about what keeps it positive
 * definite, since noise alone has eigenvalues of that size. */
static const double ridge_factor = 1.7;
/* Where it does not, more is added: by this factor, then by its square, and so on. */
static const double ridge_growth = 1.5;
enum { RIDGE_TRIES = 11 }; /* the last is 2^598 times the first */

static void release(double **values)
{
    free(*values);
}

static double square(double x)
{
    return x * x;
}

static double sigma_of(const struct sum *sum, size_t field)
{
    return private_sigma(&sum->layout->fields[field]);
}

/* Lower triangle, rows one after the other, as the sum has it times `times`. */
static void read_matrix(const struct logistic *state, const struct sum *sum, double times, double *matrix)
{
    size_t count = state->active_count;
    double root = sqrt(2);
    for (size_t i = 0; i < count; i++)
        for (size_t j = i; j < count; j++) {
            double value = sum_real(sum, NEWTON_HESSIAN, terms_pair(count, i, j)) * times;
            matrix[j * count + i] = i == j ? value : value / root;
        }
}

/* How much further a coefficient moves than the step along its column's axis. */
static double stretch_of(const struct logistic *state, size_t column)
{
    size_t term = state->active[column];
    double power = 1;
    for (int i = 0; i < logistic_exponent(state, term); i++) power *= 2;
    return logistic_private_axis(state, term).scale / power;
}

/* The ridge of the plan is on coefficients, not on axes. */
static double penalty_of(const struct logistic *state, size_t column)
{
    return column == 0 ? 0 : state->penalty * square(stretch_of(state, column));
}

/* Factors matrix + ridge; the ridge grows until there is a factor. */
static struct result factor(const struct logistic *state, const double *matrix, double ridge, double *ret)
{
    size_t count = state->active_count;
    double growth = ridge_growth;
    for (unsigned i = 0; i < RIDGE_TRIES; i++) {
        for (size_t k = 0; k < count * count; k++) ret[k] = matrix[k];
        for (size_t t = 0; t < count; t++) ret[t * count + t] += ridge + penalty_of(state, t);
        if (linear_factor(count, ret) == count) return RESULT_OK;
        ridge *= growth;
        growth *= growth;
    }
    return FAIL(CATEGORY_FALSE, "the products of columns cannot be a true sum with noise");
}

static void pack(size_t count, const double *matrix, double *packed)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j <= i; j++) *packed++ = matrix[i * count + j];
}

static void unpack(size_t count, const double *packed, double *matrix)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j <= i; j++) matrix[i * count + j] = *packed++;
}

/* What the coefficient of a column moves by, of a step along the axes: `way` such that the move is Σ way · step. Of the
 * intercept, which is where all columns are 0 and not where they have their center, a part of each. */
static void way_of(const struct logistic *state, size_t column, double *way)
{
    size_t count = state->active_count;
    for (size_t i = 0; i < count; i++) way[i] = 0;
    way[column] = column > 0 ? stretch_of(state, column) : 1;
    for (size_t i = 1; i < count && column == 0; i++)
        way[i] = -stretch_of(state, i) * logistic_private_axis(state, state->active[i]).center;
}

/* Variances of the coefficients: of the sample, by the inverse curvature, and of the noise in the two gradients that
 * the last two steps follow, whose mean is the estimate. */
static void find_variances(struct logistic *state, const double *factored, const double sigmas[2], double *work)
{
    size_t count = state->active_count;
    double *way = work, *moved = work + count, noise = (square(sigmas[0]) + square(sigmas[1])) / 4;
    for (size_t t = 0; t < count; t++) {
        double variance = 0, length = 0;
        way_of(state, t, way);
        for (size_t i = 0; i < count; i++) moved[i] = way[i];
        linear_solve(count, factored, moved);
        for (size_t i = 0; i < count; i++) {
            variance += way[i] * moved[i];
            length += square(moved[i]);
        }
        state->variance[state->active[t]] = variance;
        state->private->noise[state->active[t]] = noise * length;
    }
}

/* σ of the noise in those two gradients. */
static struct result last_sigmas(const struct logistic *state, double ret[2])
{
    double reach = sqrt(logistic_private_clip(state->plan));
    struct logistic at = *state; /* for its layouts alone */
    at.stage = LOGISTIC_NEWTON;
    for (size_t i = 0; i < 2; i++) {
        struct layout layout;
        at.steps = PRIVATE_STEPS - 2 + i;
        TRY(logistic_private_newton_layout(&at, &layout));
        ret[i] = private_sigma(&layout.fields[NEWTON_GRADIENT]) * reach;
    }
    return RESULT_OK;
}

static struct result find_curvature(struct logistic *state, const struct sum *sum, double *matrix, double *work)
{
    size_t count = state->active_count;
    bool first = state->stage == LOGISTIC_GRAM;
    double clip = logistic_private_clip(state->plan), rows = (double)logistic_train_rows(state);
    double share = (double)state->cases[CASE_TRAIN_POSITIVE] / rows, times = first ? clip * share * (1 - share) : clip;
    double sigma = sigma_of(sum, NEWTON_HESSIAN) * times;
    CLEANUP(release) double *factored = calloc(count * count, sizeof *factored);
    ENSURE(factored, CATEGORY_ENVIRONMENT, "out of memory for %zu columns", count);
    read_matrix(state, sum, times, matrix);
    TRY(factor(state, matrix, ridge_factor * sqrt(2 * (double)count) * sigma, factored));
    pack(count, factored, state->private->factor);
    if (first) return RESULT_OK;
    double sigmas[2];
    TRY(last_sigmas(state, sigmas));
    find_variances(state, factored, sigmas, work);
    return RESULT_OK;
}

/* base moves by the step along the axes that the gradient and the curvature lead to. */
static void move(struct logistic *state, const struct sum *sum, double *matrix, double *work)
{
    size_t count = state->active_count;
    double reach = sqrt(logistic_private_clip(state->plan)), *step = work, *way = work + count;
    for (size_t t = 0; t < count; t++) step[t] = sum_real(sum, NEWTON_GRADIENT, t) * reach;
    for (size_t t = 1; t < count; t++) {
        step[t] -= state->penalty * stretch_of(state, t) * state->base[state->active[t]];
    }
    unpack(count, state->private->factor, matrix);
    linear_solve(count, matrix, step);
    for (size_t t = 0; t < count; t++) {
        way_of(state, t, way);
        for (size_t i = 0; i < count; i++) state->base[state->active[t]] += way[i] * step[i];
    }
}

/* Edges at even probabilities. */
static void ask_scores(struct logistic *state)
{
    struct curve *curve = &state->curve;
    curve_start(curve, state->cases, 0, 1);
    curve->asked = PRIVATE_BINS - 1;
    for (size_t e = 0; e < curve->asked; e++) {
        double odds = (double)(e + 1) / (double)(PRIVATE_BINS - 1 - e);
        curve->asking[e] = exact_log(odds);
    }
    state->stage = LOGISTIC_INFERENCE;
}

struct result logistic_private_newton_advance(struct logistic *state, const struct sum *sum)
{
    size_t count = state->active_count;
    CLEANUP(release) double *matrix = calloc(count * count, sizeof *matrix);
    CLEANUP(release) double *work = calloc(2 * count, sizeof *work);
    ENSURE(matrix && work, CATEGORY_ENVIRONMENT, "out of memory for %zu columns", count);
    if (state->stage == LOGISTIC_GRAM || state->steps == PRIVATE_NEWTON) TRY(find_curvature(state, sum, matrix, work));
    for (size_t t = 0; t < state->terms.count; t++) state->private->last[t] = state->base[t];
    move(state, sum, matrix, work);
    state->steps++;
    state->stage = LOGISTIC_NEWTON;
    if (state->steps == PRIVATE_STEPS) {
        for (size_t t = 0; t < state->terms.count; t++) state->base[t] = (state->base[t] + state->private->last[t]) / 2;
        state->end = LOGISTIC_PLANNED;
        ask_scores(state);
    }
    for (size_t t = 0; t < state->terms.count; t++) state->beta[t] = state->base[t];
    return RESULT_OK;
}

/* ---- a number less */

/* factor · factor', lower triangle. */
static void multiply(size_t count, const double *factored, double *matrix)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = 0;
            for (size_t k = 0; k <= j; k++) sum += factored[i * count + k] * factored[j * count + k];
            matrix[i * count + j] = sum;
        }
}

/* Without a row and its column, which becomes `apart`. */
static void take_out(size_t count, const double *matrix, size_t column, double *ret, double *apart)
{
    for (size_t i = 0, into = 0; i < count; i++) {
        if (i == column) continue;
        apart[into] = i > column ? matrix[i * count + column] : matrix[column * count + i];
        for (size_t j = 0, at = 0; j <= i; j++)
            if (j != column) ret[into * (count - 1) + at++] = matrix[i * count + j];
        into++;
    }
}

static void forget(struct logistic *state, size_t term)
{
    state->base[term] = state->variance[term] = state->private->noise[term] = 0;
    state->aliased[term] = 1;
    logistic_activate(state);
}

struct result logistic_private_leave_out(struct logistic *state, size_t term)
{
    size_t count = state->active_count, column = state->place[term];
    double sigmas[2], gone = state->base[term] / stretch_of(state, column);
    CLEANUP(release) double *whole = calloc(count * count, sizeof *whole);
    CLEANUP(release) double *left = calloc(count * count, sizeof *left);
    CLEANUP(release) double *work = calloc(3 * count, sizeof *work);
    ENSURE(whole && left && work, CATEGORY_ENVIRONMENT, "out of memory for %zu columns", count);
    unpack(count, state->private->factor, left);
    multiply(count, left, whole);
    double *step = work + 2 * count, *way = work;
    take_out(count, whole, column, left, step);
    ENSURE(linear_factor(count - 1, left) == count - 1, CATEGORY_FALSE, "the curvature is none of positive scores");
    for (size_t i = 0; i + 1 < count; i++) step[i] *= gone;
    linear_solve(count - 1, left, step);
    forget(state, term);
    for (size_t t = 0; t + 1 < count; t++) {
        way_of(state, t, way);
        for (size_t i = 0; i + 1 < count; i++) state->base[state->active[t]] += way[i] * step[i];
    }
    pack(count - 1, left, state->private->factor);
    TRY(last_sigmas(state, sigmas));
    find_variances(state, left, sigmas, work);
    for (size_t t = 0; t < state->terms.count; t++) state->beta[t] = state->base[t];
    return RESULT_OK;
}
