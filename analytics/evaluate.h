/* The task `evaluate`: how well given models do on every bank's rows, jointly, and nothing per bank. The plan holds the
 * models themselves. docs/evaluate.md defines each figure.
 *
 *   scores   cases; of each model the mean and spread of its scores, log loss, squared error
 *   curve    histograms of scores that close in on AUC and KS (analytics/curve.h), both models' at once
 *   tables   counts by band, cut-off and group; both models' bands against each other; the models' own training bins
 *
 *   evaluate.c          the task
 *   evaluate_state.c    the state as bytes, the models, what follows from both
 *   evaluate_sums.c     layouts and a bank's part
 *   evaluate_formulas.c the same part as expressions over a row in a database
 *   evaluate_result.c   model.json
 *
 * Under differential privacy one sum with noise takes the place of these (analytics/evaluate_private.h).
 */
#ifndef ANALYTICS_EVALUATE_H
#define ANALYTICS_EVALUATE_H

#include "analytics/curve.h"
#include "analytics/model.h"
#include "analytics/sum.h"
#include "proto/run/task.h"

#define EVALUATE_BANDS ((size_t)10)
#define EVALUATE_JOINT ((size_t)32) /* bands of each model that are laid against the other's */
#define EVALUATE_EDGES_MAX ((size_t)100)

enum evaluate_stage { EVALUATE_SCORES, EVALUATE_CURVE, EVALUATE_TABLES, EVALUATE_FINISHED };

/* Cases: of the plan's training rows and held-out rows, negatives and positives. */
struct evaluate_model {
    double mean, deviation; /* of scores (log-odds) over all rows */
    double log_loss[2], squared_error[2];
    struct curve curve;
    uint64_t *cutoffs;   /* [(cutoff · groups + group) · CASE_KINDS + kind]: rows with at least that probability */
    double *predicted;   /* [(band · 2 + set)], then [(group · 2 + set)]: sums of probabilities */
    uint64_t *stability; /* [bin · CASE_KINDS + kind] of the model's training histogram */
    uint64_t *drift; /* [(first cell of the feature + cell) · 2 + set]: rows, where the model keeps its training's */
};
struct evaluate_private;
struct evaluate {
    const struct plan *plan;          /* borrowed */
    struct evaluate_private *private; /* of a plan with privacy, else NULL; then of what is below only cases */
    enum evaluate_stage stage;
    uint64_t cases[CASE_KINDS];
    struct evaluate_model models[PLAN_MODELS_MAX];
    uint64_t *groups; /* [group · CASE_KINDS + kind] */
    uint64_t *joint;  /* [(band of the first · EVALUATE_JOINT + band of the second) · CASE_KINDS + kind] */
    /* Follows from the plan. */
    struct evaluate_given {
        struct model model;
        size_t *features;                      /* of each of the model's: which of the plan's */
        double edges[EVALUATE_EDGES_MAX];      /* of its training histogram */
        double shares[EVALUATE_EDGES_MAX + 1]; /* training rows in each bin */
        size_t edges_count;                    /* no bins where the model has no histogram: then bins is 0 */
        size_t bins;
        double reach;   /* no score is larger */
        size_t *drifts; /* of each feature: its first cell */
        size_t drifts_count;
    } given[PLAN_MODELS_MAX];
    size_t groups_count; /* at least 1: all */
};

void evaluate_done(struct evaluate *evaluate);
/* CATEGORY_USAGE when the plan's models are none, or do not fit its features. */
MUST_USE struct result evaluate_new(const struct plan *plan, struct evaluate *ret);
MUST_USE struct result evaluate_write(const struct evaluate *evaluate, struct buffer *out);
MUST_USE struct result evaluate_read(const struct plan *plan, struct view bytes, struct evaluate *ret);
/* A power of two that bounds a model's scores and log losses. */
double evaluate_power(const struct evaluate *evaluate, size_t model);
/* The bank's columns as a model reads them: borrowed, but for the array of columns, which is the caller's to free. */
MUST_USE struct result evaluate_columns(const struct evaluate *evaluate, const struct table *table, size_t model,
                                        struct table *ret);
/* A row's level of evaluate.group; 0 where the plan has none. */
MUST_USE struct result evaluate_group(const struct evaluate *evaluate, const struct table *table, uint64_t row,
                                      size_t *ret);
/* Edges of about `most` bands of equal size of a model's scores; ret has room for most. Known after the curve. */
size_t evaluate_bands(const struct evaluate *evaluate, size_t model, size_t most, double *ret);

MUST_USE struct result evaluate_layout(const struct evaluate *evaluate, struct layout *ret);
MUST_USE struct result evaluate_contribute(const struct evaluate *evaluate, const struct table *table, unsigned threads,
                                           uint64_t *words);
struct formula_sums; /* data/formula.h */
MUST_USE struct result evaluate_formulas(const struct evaluate *evaluate, struct formula_sums *ret);
MUST_USE struct result evaluate_advance(struct evaluate *evaluate, const struct sum *sum);
MUST_USE struct result evaluate_result(const struct evaluate *evaluate, uint64_t rounds, unsigned banks,
                                       struct buffer *out);

extern const struct task evaluate_task;

#endif
