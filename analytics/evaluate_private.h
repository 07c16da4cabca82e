/* An evaluation under differential privacy: one sum, whose fields and costs are settled by the plan alone
 * (docs/privacy.md). The finished state is that sum as it came; all figures are made of it in
 * evaluate_private_result.c.
 *
 *   evaluate_private.c         what is asked of the plan, layout, state
 *   evaluate_private_bins.c    where the edges of the score histograms are: the models in the plan say
 *   evaluate_private_words.c   what a person is told of it
 *   evaluate_private_sums.c    a bank's part
 *   evaluate_private_result.c  model.json
 *   evaluate_private_sets.c    a model's figures over one set of rows
 */
#ifndef ANALYTICS_EVALUATE_PRIVATE_H
#define ANALYTICS_EVALUATE_PRIVATE_H

#include "analytics/evaluate.h"
#include "analytics/json_text.h"
#include "analytics/private_curve.h"

/* Of the last four there may be none. Values by model, then as said; a set's two values are training rows and rows held
 * out. */
enum evaluate_field {
    EVALUATE_FIELD_CASES,    /* [kind], then rows that a model refuses, which are in no other count */
    EVALUATE_FIELD_COUNTS,   /* [bin][kind] */
    EVALUATE_FIELD_AWAY,     /* [bin][set]: probability less the bin's middle, in halves of its width */
    EVALUATE_FIELD_ERRORS,   /* [set]: squared errors */
    EVALUATE_FIELD_CUTOFFS,  /* [stretch][kind]: between cut-offs, from the lowest probabilities up */
    EVALUATE_FIELD_GROUPS,   /* [group][stretch][kind] */
    EVALUATE_FIELD_EXPECTED, /* [group][set]: probabilities */
    EVALUATE_FIELD_DRIFT,    /* [cell][set], where the models keep their training's */
    EVALUATE_FIELDS,
};
enum { EVALUATE_REFUSED = CASE_KINDS, EVALUATE_CASES };

/* The score histogram of a model. */
struct evaluate_bins {
    size_t count;                          /* bin b is [edges[b - 1], edges[b]) */
    double edges[PRIVATE_CURVE_BINS];      /* scores; rising */
    double middle[PRIVATE_CURVE_BINS];     /* probabilities */
    double half[PRIVATE_CURVE_BINS];       /* above 0 */
    size_t training[PRIVATE_CURVE_BINS];   /* bins of the training histogram, joined: in which of them each lies */
    double shares[PRIVATE_CURVE_BINS + 1]; /* of the rows that trained, in each of these */
    size_t training_count;                 /* 0 where the model has no such histogram */
};
struct evaluate_private {
    struct layout layout;
    size_t field[EVALUATE_FIELDS];     /* which of the layout's; SIZE_MAX: none */
    size_t begin[EVALUATE_FIELDS + 1]; /* its first value; after the last, how many there are */
    struct evaluate_bins bins[PLAN_MODELS_MAX];
    double *values; /* the sum, in the fields' own units; 0 before */
};

void evaluate_private_free(struct evaluate_private *private);
/* evaluate: of a private plan, whose models are known. */
MUST_USE struct result evaluate_private_new(const struct evaluate *evaluate, struct evaluate_private **ret);
void evaluate_private_bins(const struct evaluate_given *given, struct evaluate_bins *ret);
/* What the plan asks that has no private form. */
MUST_USE struct result evaluate_private_check(const struct plan *plan);
MUST_USE struct result evaluate_private_walk(const struct walk *walk, struct evaluate *evaluate);
MUST_USE struct result evaluate_private_check_state(const struct evaluate *evaluate);
MUST_USE struct result evaluate_private_explain(const struct evaluate *evaluate, struct buffer *out);

MUST_USE struct result evaluate_private_contribute(const struct evaluate *evaluate, const struct table *table,
                                                   unsigned threads, uint64_t *words);
MUST_USE struct result evaluate_private_advance(struct evaluate *evaluate, const struct sum *sum);
MUST_USE struct result evaluate_private_result(const struct evaluate *evaluate, uint64_t rounds, unsigned banks,
                                               struct buffer *out);

/* Values that a model has in a field; where they begin among the model's own values of all fields' is begin[] and the
 * models before. */
size_t evaluate_private_length(const struct evaluate *evaluate, enum evaluate_field field, size_t model);
size_t evaluate_private_at(const struct evaluate *evaluate, enum evaluate_field field, size_t model);
static inline size_t evaluate_stretches(const struct evaluate *evaluate)
{
    return evaluate->plan->cutoffs_count + 1;
}

/* What a model's figures over a set are made of. */
struct evaluate_set {
    const struct evaluate *evaluate;
    size_t model, set;
    double sigma[EVALUATE_FIELDS]; /* of the noise in each value of a field, of all banks together */
};
/* AUC's variance from sampling and noise together; NaN where AUC is not told. */
struct evaluate_auc {
    double auc, noise_sd, variance;
};
struct evaluate_auc evaluate_private_auc(const struct evaluate_set *set);
json_t *evaluate_private_set(struct tree *tree, const struct evaluate_set *set);

#endif
