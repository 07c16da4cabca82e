/* The scorecard under differential privacy: the same stages, from sums that carry noise (docs/privacy.md).
 *
 *   profile   as of private statistics, without moments (private_profile.h); three sums at most
 *   classes   from counts made possible ones. A class must hold so many of both outcomes that noise cannot make it
 *   fit       one private logistic run (logistic_private.h) that begins with the products of columns: means and spreads
 *             of the weights of evidence follow from the classes. It is never begun again: a feature that is correlated
 *             goes before the first step, one of the wrong sign after the last, the others moving as the curvature says
 *
 * So a run takes nine sums at most, and what they cost is known from the plan.
 */
#ifndef ANALYTICS_SCORECARD_PRIVATE_H
#define ANALYTICS_SCORECARD_PRIVATE_H

#include "analytics/logistic_private.h"
#include "analytics/private_json.h"
#include "analytics/scorecard.h"

/* How a plan's budget is split where it does not say. */
MUST_USE struct result scorecard_private_budget(const struct plan *plan, struct private_budget *ret);
/* The least customers of an outcome in a class of a feature. */
MUST_USE struct result scorecard_private_least(const struct scorecard *scorecard, enum plan_kind kind, uint64_t *ret);
/* That there are so many of both outcomes at all. CATEGORY_USAGE: too few rows under this noise. */
MUST_USE struct result scorecard_private_enough(const struct scorecard *scorecard);
/* After the classing: that a feature is left. */
MUST_USE struct result scorecard_private_kept(const struct scorecard *scorecard);

/* What the fit's plan has otherwise than that of an exact one. */
MUST_USE struct result scorecard_private_plan(const struct plan *plan, struct plan *fit);
MUST_USE struct result scorecard_private_begin(const struct scorecard *scorecard, const struct scorecard_fit *fit,
                                               struct buffer *out);
/* scorecard->fit, and the features' fates, go on by one sum. */
MUST_USE struct result scorecard_private_advance(struct scorecard *scorecard, const struct scorecard_fit *fit,
                                                 const uint64_t *words);
/* fit: of all features. */
MUST_USE struct result scorecard_private_check(const struct scorecard_fit *fit);
MUST_USE struct result scorecard_private_explain(const struct scorecard *scorecard, const struct scorecard_fit *fit,
                                                 struct buffer *out);
/* The object "privacy" of a model; NULL of an exact one. */
MUST_USE struct result scorecard_private_json(struct tree *tree, const struct scorecard *scorecard,
                                              const struct logistic *model, unsigned banks, json_t **ret);

#endif
