/* The logistic score: what its files share. The tour:
 *   logistic.c          the task; which stage asks for which sum
 *   logistic_state.c    the state as bytes
 *   logistic_counts.c   first sum: cases, levels, missing values, totals
 *   logistic_medians.c  medians, by histograms that close in on them
 *   logistic_scale.c    spread of the numbers; from it fills, means and standard deviations
 *   logistic_design.c   a block of rows as numbers on that scale, and each row's score
 *   logistic_sums.c     the sums over rows of a Newton step
 *   logistic_newton.c   what a step makes of them: collinear columns, directions, halving, convergence, separation
 *   logistic_path.c     one penalty after another, and which is kept
 *   logistic_score.c    standard errors, and the histograms of scores
 *   logistic_result.c   model.json
 *   logistic_private.h  what takes their place under differential privacy
 *
 * The state is the same length for a whole run: fields that a later stage fills are zero before it.
 */
#ifndef ANALYTICS_LOGISTIC_H
#define ANALYTICS_LOGISTIC_H

#include "analytics/curve.h"
#include "analytics/quantile.h"
#include "analytics/sum.h"
#include "analytics/terms.h"
#include "proto/run/task.h"

enum logistic_stage {
    LOGISTIC_COUNTS,    /* cases, levels, missing values, totals, the first histograms of medians */
    LOGISTIC_SCALE,     /* spread of the numbers, and the next histograms */
    LOGISTIC_MEDIANS,   /* further histograms */
    LOGISTIC_GRAM,      /* products of all columns, and the gradient at the intercept-only model */
    LOGISTIC_NEWTON,    /* likelihood, gradient and Hessian at `beta` */
    LOGISTIC_INFERENCE, /* Hessian at full resolution, errors of the probabilities, first score histogram */
    LOGISTIC_CURVE,     /* further score histograms */
    LOGISTIC_FINISHED,
};

/* Why the Newton steps ended. */
enum logistic_end {
    LOGISTIC_GOING,
    LOGISTIC_CONVERGED,
    LOGISTIC_ROUNDS,    /* the plan's rounds are spent */
    LOGISTIC_SEPARATED, /* the likelihood no longer moves, coefficients do: it has no maximum */
    LOGISTIC_STUCK,     /* no step raises the likelihood any more */
    LOGISTIC_PLANNED,   /* under privacy: the steps that the budget is split over are taken */
};

#define LOGISTIC_BINS ((size_t)10) /* of a number, for comparing other rows with those that trained */

/* A feature's numbers in the state. */
struct logistic_feature {
    uint64_t missing[2]; /* training rows, held-out rows; a category's are among its levels */
    uint64_t outside;    /* values outside the bounds: made missing or clamped, as the plan says; all rows */
    double center;       /* numbers: mean of the values present */
    double fill, mean, deviation, inverse; /* inverse = 1 / deviation, or 0 for a constant */
    uint64_t exponent;                     /* a standardised value stays within 2^exponent */
    struct quantile median[2];             /* the two middle values, the same one of an odd number */
    uint64_t bins[LOGISTIC_BINS];          /* training rows with a value, between logistic_bin_edges */
};

/* What came of one penalty of a path. */
struct logistic_try {
    double penalty, likelihood, held; /* log-likelihoods of training and held-out rows, both weighted */
    uint64_t steps, terms, end;       /* terms: of those that may be penalised, how many are not 0 */
};
/* The penalties tried, the largest first: with it no term but the intercept is left (Friedman, Hastie and Tibshirani
 * 2010, section 2.5). The one with the highest held-out likelihood is kept. */
struct logistic_path {
    double most; /* the first penalty */
    double held; /* held-out log-likelihood at base */
    uint64_t at; /* tried so far */
    struct logistic_try tries[PLAN_PATH_MAX];
    uint64_t best; /* of the tries; what follows is its model */
    double score_mean, score_deviation, decrement;
    double *base;
};

struct logistic {
    const struct plan *plan; /* borrowed */
    struct terms terms;
    uint64_t *level_at; /* of each category feature: where its levels begin in `levels` */
    uint64_t levels_count;

    enum logistic_stage stage;
    uint64_t cases[CASE_KINDS];
    struct logistic_feature *features;
    uint64_t (*levels)[2]; /* negative and positive training rows of each level of each category */
    uint64_t *aliased;     /* of each term: left out as collinear with the terms before it */

    enum logistic_end end;
    uint64_t steps; /* Newton rounds taken */
    uint64_t fine;  /* the next Hessian is asked at full resolution */
    uint64_t tried; /* `beta` is base + fraction · direction, not yet accepted */
    double fraction;
    double likelihood, objective; /* at base; the objective is the penalised likelihood */
    double decrement;             /* at base: distance to the maximum in standard errors */
    double gain;                  /* of the last step accepted */
    double penalty;               /* the plan's, or that of the path under way */
    struct logistic_path *path;
    double *beta, *base, *direction;
    uint64_t *diverging;                /* terms that separation drives to infinity, found by their steps */
    double score_mean, score_deviation; /* over training rows, at beta */

    double *variance;                     /* squared standard errors */
    double log_loss[2], squared_error[2]; /* sums over training rows and held-out rows */
    struct curve curve;
    struct logistic_private *private; /* NULL where sums are exact (logistic_private.h) */

    /* Follows from the above, not part of the bytes: the terms kept, in order, and each term's place among them. */
    size_t active_count;
    uint32_t *active;
    uint32_t *place; /* TERM_NONE for an aliased term */
};

void logistic_done(struct logistic *state);
/* Zeroed, for the plan's terms. */
MUST_USE struct result logistic_new(const struct plan *plan, struct logistic *ret);
MUST_USE struct result logistic_parse(const struct plan *plan, struct view bytes, struct logistic *ret);
MUST_USE struct result logistic_write(const struct logistic *state, struct buffer *out);
/* Sets active and place from aliased. */
void logistic_activate(struct logistic *state);
static inline uint64_t logistic_train_rows(const struct logistic *state)
{
    return state->cases[CASE_TRAIN_NEGATIVE] + state->cases[CASE_TRAIN_POSITIVE];
}

/* Edges of a number's bins: where the tenths of a normal distribution with its mean and deviation lie. None of a
 * constant.
 */
size_t logistic_bin_edges(const struct logistic *state, size_t feature, double ret[LOGISTIC_BINS - 1]);

/* What rows of an outcome weigh in the fit (negative, positive), as shares of `unit`, the larger of both: so a row's
 * integers stay within the bounds of unweighted ones, and a sum times `unit` is the weighted one. */
struct logistic_weights {
    double share[2], unit;
};
struct logistic_weights logistic_weights_of(const struct logistic *state);
/* A term's values stay within 2^this. */
int logistic_exponent(const struct logistic *state, size_t term);
static inline bool logistic_weighted(const struct plan *plan)
{
    return plan->balanced || plan->weight != 1;
}

/* The products are in, with the gradient at the intercept-only model, on the standardised scale: the first penalty. */
void logistic_path_begin(struct logistic *state, const double *gradient);
/* The fit under way ended at `base`, for this reason. Whether another penalty is to be tried, now state->penalty; else
 * the best one's model is back at base. */
bool logistic_path_next(struct logistic *state, enum logistic_end end);

/* Medians ride along: their field goes last in the layouts of the first stages. */
MUST_USE struct result logistic_medians_layout(const struct logistic *state, struct layout *layout);
/* One grid a feature; those without a median are left zero. Free it. */
MUST_USE struct result logistic_medians_grids(const struct logistic *state, struct quantile_grid **ret);
void logistic_medians_add(const struct logistic *state, const struct quantile_grid *grids, const struct table *table,
                          uint64_t begin, uint64_t count, const uint8_t *kinds, __int128 *values);
MUST_USE struct result logistic_medians_advance(struct logistic *state, const struct sum *sum, size_t field);
bool logistic_medians_open(const struct logistic *state);
static inline bool logistic_has_median(const struct plan_feature *feature)
{
    return feature->kind == PLAN_NUMBER && feature->missing == MISSING_MEDIAN;
}

/* Of each stage: the layout, this bank's sums, and the step that follows. */
MUST_USE struct result logistic_counts_layout(const struct logistic *state, struct layout *ret);
MUST_USE struct result logistic_counts_contribute(const struct logistic *state, const struct table *table,
                                                  unsigned threads, uint64_t *words);
MUST_USE struct result logistic_counts_advance(struct logistic *state, const struct sum *sum);
MUST_USE struct result logistic_scale_layout(const struct logistic *state, struct layout *ret);
MUST_USE struct result logistic_scale_contribute(const struct logistic *state, const struct table *table,
                                                 unsigned threads, uint64_t *words);
MUST_USE struct result logistic_scale_advance(struct logistic *state, const struct sum *sum);
/* Every column is on its scale: the intercept-only model is next, and its products. */
MUST_USE struct result logistic_gram_begin(struct logistic *state);
MUST_USE struct result logistic_newton_layout(const struct logistic *state, struct layout *ret);
MUST_USE struct result logistic_newton_contribute(const struct logistic *state, const struct table *table,
                                                  unsigned threads, uint64_t *words);
MUST_USE struct result logistic_newton_advance(struct logistic *state, const struct sum *sum);
MUST_USE struct result logistic_score_layout(const struct logistic *state, struct layout *ret);
MUST_USE struct result logistic_score_contribute(const struct logistic *state, const struct table *table,
                                                 unsigned threads, uint64_t *words);
MUST_USE struct result logistic_score_advance(struct logistic *state, const struct sum *sum);

MUST_USE struct result logistic_result(const struct plan *plan, struct view bytes, uint64_t rounds, unsigned banks,
                                       struct buffer *out);

extern const struct task logistic_task;

#endif
