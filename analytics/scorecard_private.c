/* What a private scorecard spends, and what it takes for more than noise. */
#include "analytics/scorecard_private.h"

#include <inttypes.h>
#include <math.h>

#include "analytics/private_profile.h"

/* Chosen on taiwan_default and south_german_credit (docs/privacy.md). A category's weights come from counts alone, a
 * number's from the cells, once the counts have told where its bins are: what counts and cells have together is split
 * by how many columns each is about. */
static const double columns_weight = 0.5, scale_weight = 0.1, fit_weight = 0.3, scores_weight = 0.1;
/* A class is for more than noise when it has so many σ of a cell's noise of both outcomes. */
static const double least_sigmas = 3;

struct result scorecard_private_budget(const struct plan *plan, struct private_budget *ret)
{
    double numbers = 0, all = (double)plan->features_count;
    for (size_t f = 0; f < plan->features_count; f++) numbers += plan->features[f].kind == PLAN_NUMBER;
    const double own[PLAN_PHASES] = {
        [PHASE_COUNTS] = columns_weight * all / (all + numbers),
        [PHASE_SCALE] = scale_weight * numbers / all,
        [PHASE_CELLS] = columns_weight * numbers / (all + numbers),
        [PHASE_FIT] = fit_weight,
        [PHASE_SCORES] = scores_weight,
    };
    return private_split(plan, own, ret);
}

static double sigma_of(const struct layout *layout, const char *name)
{
    for (size_t i = 0; i < layout->fields_count; i++)
        if (strcmp(layout->fields[i].name, name) == 0) return private_sigma(&layout->fields[i]);
    return 0;
}

struct result scorecard_private_least(const struct scorecard *scorecard, enum plan_kind kind, uint64_t *ret)
{
    struct private_profile_rounds rounds;
    TRY(private_profile_rounds(scorecard->plan, scorecard->profile.options, &rounds));
    double sigma = sigma_of(&rounds.first, "counts"), cells = sigma_of(&rounds.cells, "cells");
    if (kind == PLAN_NUMBER && cells > sigma) sigma = cells;
    uint64_t least = (uint64_t)ceil(least_sigmas * sigma);
    *ret = least > scorecard->plan->cells_minimum ? least : scorecard->plan->cells_minimum;
    return RESULT_OK;
}

struct result scorecard_private_enough(const struct scorecard *scorecard)
{
    const uint64_t *cases = scorecard->profile.cases;
    uint64_t least = UINT64_MAX;
    for (size_t f = 0; f < scorecard->plan->features_count; f++) {
        uint64_t of;
        TRY(scorecard_private_least(scorecard, scorecard->plan->features[f].kind, &of));
        least = of < least ? of : least;
    }
    ENSURE(cases[CASE_TRAIN_POSITIVE] >= least && cases[CASE_TRAIN_NEGATIVE] >= least, CATEGORY_USAGE,
           "too few rows under the noise that the plan's privacy asks for: about %" PRIu64
           " training rows are positive and %" PRIu64 " are not, and a class needs %" PRIu64
           " of each; raise privacy.epsilon, or name fewer features",
           cases[CASE_TRAIN_POSITIVE], cases[CASE_TRAIN_NEGATIVE], least);
    return RESULT_OK;
}

struct result scorecard_private_kept(const struct scorecard *scorecard)
{
    size_t kept = 0, weak = 0, all = scorecard->plan->features_count;
    for (size_t f = 0; f < all; f++) {
        kept += scorecard->features[f].fate == FATE_KEPT;
        weak += scorecard->features[f].fate == FATE_WEAK;
    }
    ENSURE(kept > 0, CATEGORY_USAGE,
           "too few rows under the noise that the plan's privacy asks for: of %zu features %zu cannot be cut into two "
           "classes that are more than noise, and %zu have an information value below selection.iv; raise "
           "privacy.epsilon, or name fewer features",
           all, all - weak, weak);
    return RESULT_OK;
}

/* ---- what is told of it */

struct result scorecard_private_explain(const struct scorecard *scorecard, const struct scorecard_fit *fit,
                                        struct buffer *out)
{
    CLEANUP(logistic_done) struct logistic state = {0};
    uint64_t number, category;
    TRY(private_profile_explain(scorecard->plan, scorecard->profile.options, "then", out));
    TRY(logistic_new(&fit->plan, &state));
    TRY(buffer_text(out, "then a logistic fit on the weights of evidence of the features selected, once:\n"));
    TRY(logistic_private_explain(&state, out));
    TRY(scorecard_private_least(scorecard, PLAN_NUMBER, &number));
    TRY(scorecard_private_least(scorecard, PLAN_CATEGORY, &category));
    TRY(buffer_format(out,
                      "a class needs about %" PRIu64 " customers of each outcome, of a category %" PRIu64
                      ", noise included; with fewer it weighs nothing\n",
                      number, category));
    return private_explain(scorecard->plan, out);
}

struct result scorecard_private_json(struct tree *tree, const struct scorecard *scorecard, const struct logistic *model,
                                     unsigned banks, json_t **ret)
{
    const struct plan *plan = scorecard->plan;
    struct private_profile_rounds rounds;
    struct layout scores, counts = {0};
    *ret = NULL;
    if (!plan_private(plan)) return RESULT_OK;
    TRY(private_profile_rounds(plan, scorecard->profile.options, &rounds));
    TRY(logistic_private_score_layout(model, &scores));
    TRY(layout_add(&counts, scores.fields[PRIVATE_SCORE_COUNTS]));
    json_t *privacy = private_json(tree, plan);
    const struct layout *const layouts[] = {&rounds.first, &rounds.quantiles, &rounds.cells, &counts};
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        struct result result = private_json_noise(tree, privacy, plan, banks, layouts[i]);
        if (result_ok(result)) continue;
        json_decref(privacy);
        return result;
    }
    *ret = privacy;
    return RESULT_OK;
}
