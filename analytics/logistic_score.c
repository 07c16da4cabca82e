/* At the final coefficients: standard errors from the Hessian at full resolution, losses, and score histograms. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/linear.h"
#include "analytics/logistic_sums.h"

static struct result take_counts(struct logistic *state, const struct sum *sum)
{
    uint64_t counts[CURVE_STEP + 1][CASE_KINDS];
    for (size_t b = 0; b <= state->curve.asked; b++)
        for (size_t k = 0; k < CASE_KINDS; k++)
            TRY(sum_count(sum, SCORE_COUNTS, b * CASE_KINDS + k, state->cases[k], &counts[b][k]));
    return curve_take(&state->curve, (const uint64_t(*)[CASE_KINDS])counts);
}

static struct result take_losses(struct logistic *state, const struct sum *sum)
{
    int score, likelihood;
    TRY(logistic_score_exponents(state, &score, &likelihood));
    for (size_t set = 0; set < 2; set++) {
        double rows = (double)(state->cases[2 * set] + state->cases[2 * set + 1]);
        state->log_loss[set] = sum_real(sum, SCORE_LOG_LOSS, set);
        for (int i = 0; i < likelihood; i++) state->log_loss[set] *= 2;
        state->squared_error[set] = sum_real(sum, SCORE_SQUARED_ERROR, set);
        ENSURE(state->log_loss[set] >= 0 && state->squared_error[set] >= 0 && state->squared_error[set] <= rows,
               CATEGORY_FALSE, "the losses are impossible; the sum is not a true one");
    }
    if (logistic_weighted(state->plan)) return RESULT_OK;
    ENSURE(fabs(state->log_loss[0] + state->likelihood) <= 1e-6 + 1e-9 * fabs(state->likelihood), CATEGORY_FALSE,
           "the log loss does not repeat the log-likelihood; the sum is not a true one");
    return RESULT_OK;
}

static struct result take_bins(struct logistic *state, const struct sum *sum)
{
    size_t number = 0;
    for (size_t f = 0; f < state->plan->features_count; f++) {
        if (state->plan->features[f].kind != PLAN_NUMBER) continue;
        struct logistic_feature *feature = &state->features[f];
        uint64_t present = logistic_train_rows(state) - feature->missing[0], all = 0;
        for (size_t b = 0; b < LOGISTIC_BINS; b++) {
            TRY(sum_count(sum, SCORE_BINS, number * LOGISTIC_BINS + b, present, &feature->bins[b]));
            all += feature->bins[b];
        }
        ENSURE(all == present, CATEGORY_FALSE,
               "the bins of %s do not hold as many values as are there; the sum is not a true one",
               state->plan->features[f].name);
        number++;
    }
    return RESULT_OK;
}

/* The matrix without one more column. */
static void drop(size_t *kept, size_t *count, size_t at)
{
    memmove(kept + at, kept + at + 1, (*count - at - 1) * sizeof *kept);
    (*count)--;
}

/* Variances from the inverse Hessian. A column without weight (separation) is left out: its variance stays 0, which
 * stands for unknown. */
static void invert(struct logistic *state, const double *hessian, double *factor, double *work, size_t *kept)
{
    size_t all = state->active_count, count = all;
    for (size_t j = 0; j < all; j++) kept[j] = j;
    for (;;) {
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j <= i; j++) factor[i * count + j] = hessian[kept[i] * all + kept[j]];
        size_t failed = linear_factor(count, factor);
        if (failed == count) break;
        drop(kept, &count, failed);
    }
    linear_inverse_diagonal(count, factor, work, work + all);
    for (size_t j = 0; j < count; j++) state->variance[state->active[kept[j]]] = work[all + j];
}

static struct result take_variances(struct logistic *state, const struct sum *sum)
{
    size_t count = state->active_count;
    double *hessian = calloc(count * count, sizeof *hessian), *factor = calloc(count * count, sizeof *factor);
    double *work = calloc(2 * count, sizeof *work);
    size_t *kept = calloc(count, sizeof *kept);
    struct result result = RESULT_OK;
    if (!hessian || !factor || !work || !kept)
        result = FAIL(CATEGORY_ENVIRONMENT, "out of memory for %zu columns", count);
    if (result_ok(result)) result = logistic_hessian(state, sum, SCORE_HESSIAN, hessian);
    if (result_ok(result)) logistic_add_ridge(state, hessian);
    if (result_ok(result)) invert(state, hessian, factor, work, kept);
    free(hessian);
    free(factor);
    free(work);
    free(kept);
    return result;
}

struct result logistic_score_advance(struct logistic *state, const struct sum *sum)
{
    TRY(take_counts(state, sum));
    if (state->stage == LOGISTIC_INFERENCE) {
        TRY(take_losses(state, sum));
        TRY(take_bins(state, sum));
        /* Estimates with l1 or weights have no such errors. */
        if (state->plan->l1 == 0 && !logistic_weighted(state->plan)) TRY(take_variances(state, sum));
    }
    state->stage = curve_refine(&state->curve) ? LOGISTIC_CURVE : LOGISTIC_FINISHED;
    return RESULT_OK;
}
