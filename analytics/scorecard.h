/* The task `scorecard`: the stages of one run, each from sums alone. docs/scorecard.md tells the same as mathematics.
 *
 *   profile    fine classes: bins of about equal size, levels; cases by outcome in each (analytics/profile.h)
 *   classes    coarse classes with their weights of evidence: no sum, it follows from the profile
 *   fit        logistic regression on the weights of evidence of the features selected (analytics/logistic.h); begun
 * again without a feature that turns out to be correlated, or to have the wrong sign points     follow from the fit
 *
 *   scorecard.c          the task
 *   scorecard_classes.c  from the profile to classes, weights and the first selection
 *   scorecard_fit.c      the fit as a logistic run of its own, over rows coded as weights of evidence
 *   scorecard_state.c    the state as bytes
 *   scorecard_result.c   model.json
 *   scorecard_private.h  what is otherwise under differential privacy
 */
#ifndef ANALYTICS_SCORECARD_H
#define ANALYTICS_SCORECARD_H

#include "analytics/classing.h"
#include "analytics/logistic.h"
#include "analytics/profile.h"

enum scorecard_stage { SCORECARD_PROFILE, SCORECARD_FIT, SCORECARD_FINISHED };
/* Whether a feature is in the scorecard, or why not. */
enum scorecard_fate { FATE_KEPT, FATE_ONE_CLASS, FATE_WEAK, FATE_CORRELATED, FATE_WRONG_SIGN };

struct scorecard_class {
    struct cell cell; /* training rows */
    double woe;       /* 0 of a class that no row is in */
};
struct scorecard_feature {
    size_t classes_count;
    struct scorecard_class *classes;
    size_t cells_count;
    uint64_t *class_of;                   /* of each cell of the profile */
    uint64_t missing;                     /* numbers: the class of missing values; classes_count where there is none */
    uint64_t specials[PLAN_SPECIALS_MAX]; /* numbers: the class of each special code of the plan */
    double iv;
    enum scorecard_fate fate;
    uint64_t with; /* FATE_CORRELATED: the feature that it is correlated with, and how */
    double r;
};
struct scorecard {
    const struct plan *plan; /* borrowed */
    enum scorecard_stage stage;
    struct profile profile;
    struct scorecard_feature *features;
    uint64_t fits;     /* begun */
    struct buffer fit; /* the state of the logistic run, without the fold's head */
};

void scorecard_done(struct scorecard *scorecard);
/* How the plan's profile is taken. */
MUST_USE struct result scorecard_options(const struct plan *plan, struct profile_options *ret);
MUST_USE struct result scorecard_new(const struct plan *plan, struct scorecard *ret);
MUST_USE struct result scorecard_write(const struct scorecard *scorecard, struct buffer *out);
MUST_USE struct result scorecard_parse(const struct plan *plan, struct view bytes, struct scorecard *ret);

/* From a finished profile. CATEGORY_USAGE when a class that the plan asks for has too few of an outcome, or no feature
 * is left. */
MUST_USE struct result scorecard_classify(struct scorecard *scorecard);
/* Memory for a feature's classes and cells. */
MUST_USE struct result scorecard_allocate(struct scorecard_feature *feature, size_t classes, size_t cells);

/* The logistic run: a plan over the features kept, each a number between its least and largest weight. Under privacy
 * over those kept when it began. */
struct scorecard_fit {
    struct plan plan; /* borrows from the scorecard's, but for its features */
    size_t *features; /* of each of its features: which of the scorecard's */
};
void scorecard_fit_done(struct scorecard_fit *fit);
/* Whether it is a feature of the fit. */
bool scorecard_fitted(const struct scorecard *scorecard, size_t f);
MUST_USE struct result scorecard_fit_of(const struct scorecard *scorecard, struct scorecard_fit *ret);
MUST_USE struct result scorecard_fit_begin(struct scorecard *scorecard);
MUST_USE struct result scorecard_fit_layout(const struct scorecard *scorecard, struct layout *ret);
MUST_USE struct result scorecard_fit_contribute(const struct scorecard *scorecard, const struct table *table,
                                                unsigned threads, uint64_t *words);
struct formula_sums; /* data/formula.h */
MUST_USE struct result scorecard_fit_formulas(const struct scorecard *scorecard, struct formula_sums *ret);
MUST_USE struct result scorecard_fit_advance(struct scorecard *scorecard, const uint64_t *words);
/* From the most informative feature on: one that is correlated with a feature before it is left out. correlation: of
 * two of the fit's columns, by the products in a sum. */
MUST_USE struct result scorecard_drop_correlated(struct scorecard *scorecard, const struct scorecard_fit *fit,
                                                 const struct logistic *state, const struct sum *sum,
                                                 double (*correlation)(const struct scorecard *scorecard,
                                                                       const struct logistic *state,
                                                                       const struct sum *sum, size_t i, size_t j),
                                                 bool *ret_dropped);
/* Of the fit's features whose coefficient has the wrong sign the one of the least information value; SIZE_MAX: none. */
size_t scorecard_wrong_sign(const struct scorecard *scorecard, const struct scorecard_fit *fit,
                            const struct logistic *state);
/* Over all features, each with weights as wide as any may be. */
MUST_USE struct result scorecard_fit_widest(const struct plan *plan, struct scorecard_fit *ret);
/* Whether what the plan asks of the fit can be proved, before any row is read. */
MUST_USE struct result scorecard_fit_check(const struct plan *plan);

MUST_USE struct result scorecard_result(const struct scorecard *scorecard, uint64_t rounds, unsigned banks,
                                        struct buffer *out);

extern const struct task scorecard_task;

#endif
