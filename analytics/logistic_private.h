/* The logistic score under differential privacy: the same model, from few sums that carry noise (docs/privacy.md).
 *
 *   counts    cases, levels, missing, outside; of each number its total and its square's
 *   gram      products of all columns, and the gradient at the intercept-only model: the first step
 *   newton    gradients, five in all; with the fourth the Hessian, which the last two steps use
 *   scores    one histogram of probabilities, and the numbers' bins
 *
 * How many sums there are, and what each costs, is settled by the plan alone: nothing is decided by a sum that noise
 * could have made, and the budget is spent in full and never more.
 *
 * A row is a vector u: 1, the standardised numbers, and of each level 2·(0 or 1 − the level's share). Where its squared
 * length is above C² = 1 + the number of features, the row counts with the weight C²/‖u‖² in everything that the fit is
 * made of. So a row moves a gradient by C at most, products by C² and the Hessian by C²/4, in the Euclidean norm.
 *
 * Inside a scorecard's run (its plan is the scorecard's, with a budget for `fit` and `scores`) what the first sum tells
 * is known already: the run begins with the products, and has no bins of numbers at its end.
 */
#ifndef ANALYTICS_LOGISTIC_PRIVATE_H
#define ANALYTICS_LOGISTIC_PRIVATE_H

#include "analytics/logistic_sums.h"
#include "analytics/private.h"
#include "analytics/private_curve.h"

#define PRIVATE_STEPS 5  /* gradients */
#define PRIVATE_NEWTON 3 /* the one, from 0, that comes with the Hessian */
#define PRIVATE_BINS PRIVATE_CURVE_BINS
enum { TOTAL_FIRST, TOTAL_SQUARE, TOTALS_EACH }; /* of a number */

struct logistic_private {
    double *factor;                          /* Cholesky factor of what gradients are divided by, packed by rows */
    double *last;                            /* the coefficients before the last step */
    double *noise;                           /* of each term: what noise adds to its variance, as promised */
    double scores[PRIVATE_BINS][CASE_KINDS]; /* cases by probability, as they came: noise makes some negative */
};

void logistic_private_free(struct logistic_private *private);
MUST_USE struct result logistic_private_new(size_t terms, struct logistic_private **ret);
MUST_USE struct result logistic_private_walk(const struct walk *walk, struct logistic_private *private, size_t terms);
/* What the code that uses a private state relies on. CATEGORY_FALSE. */
MUST_USE struct result logistic_private_check_state(const struct logistic *state);
/* What the plan asks that has no private form; and what of it the fit alone is about. */
MUST_USE struct result logistic_private_check(const struct plan *plan);
MUST_USE struct result logistic_private_check_fit(const struct plan *plan);

/* Whether it is the fit of another task's plan. */
bool logistic_private_embedded(const struct plan *plan);
/* A number's scale. deviation > 0, and no less than a hundredth of what lies between the bounds, or so. */
void logistic_private_place(const struct plan_feature *feature, double mean, double deviation,
                            struct logistic_feature *into);
/* Of a fit that took all steps: the number's coefficient becomes 0, and the others move to where the likelihood is
 * highest without it, as far as the (noisy) curvature tells. Costs nothing. */
MUST_USE struct result logistic_private_leave_out(struct logistic *state, size_t term);

MUST_USE struct result logistic_private_progress(const struct logistic *state, struct buffer *out);
/* state: of the plan, before its first sum. */
MUST_USE struct result logistic_private_explain(struct logistic *state, struct buffer *out);

/* What stands for a term's column x (as the design has it) in u: scale · (x - center). */
struct logistic_axis {
    double scale, center;
};
struct logistic_axis logistic_private_axis(const struct logistic *state, size_t term);
/* C². */
double logistic_private_clip(const struct plan *plan);

MUST_USE struct result logistic_private_counts_layout(const struct logistic *state, struct layout *ret);
MUST_USE struct result logistic_private_counts_advance(struct logistic *state, const struct sum *sum);
MUST_USE struct result logistic_private_newton_layout(const struct logistic *state, struct layout *ret);
MUST_USE struct result logistic_private_newton_contribute(const struct logistic *state, const struct table *table,
                                                          unsigned threads, uint64_t *words);
MUST_USE struct result logistic_private_newton_advance(struct logistic *state, const struct sum *sum);
MUST_USE struct result logistic_private_score_layout(const struct logistic *state, struct layout *ret);
MUST_USE struct result logistic_private_score_contribute(const struct logistic *state, const struct table *table,
                                                         unsigned threads, uint64_t *words);
MUST_USE struct result logistic_private_score_advance(struct logistic *state, const struct sum *sum);

/* Fields of the score layout. */
enum { PRIVATE_SCORE_COUNTS, PRIVATE_SCORE_BINS };

/* What all of `banks` add: the standard deviation in a count of scores; and how many times the variance promised. */
struct private_noise {
    double score, surplus;
};
MUST_USE struct result logistic_private_noise(const struct logistic *state, unsigned banks, struct private_noise *ret);

/* What the histogram tells of a set; sigma and first as for private_curve_of. */
struct private_measures {
    struct private_curve curve;
    double brier;
};
struct private_measures logistic_private_measure(const struct logistic *state, enum case_kind first, double sigma);

#endif
