#include "analytics/scorecard.h"

#include <inttypes.h>

#include "analytics/schema.h"
#include "analytics/scorecard_private.h"

static struct result scorecard_check(const struct plan *plan)
{
    ENSURE(plan->target[0] && plan->positive[0], CATEGORY_USAGE,
           "a scorecard needs a target: {column: ..., positive: ...}");
    TRY(private_check_features(plan));
    CLEANUP(scorecard_done) struct scorecard scorecard = {0};
    TRY(scorecard_new(plan, &scorecard));
    for (enum profile_stage stage = PROFILE_FIRST; stage < PROFILE_FINISHED; stage++) {
        struct layout layout;
        scorecard.profile.stage = stage;
        TRY(profile_layout(&scorecard.profile, &layout));
        TRY(layout_prove(&layout, plan->rows));
    }
    return scorecard_fit_check(plan);
}

static struct result explain_private(const struct plan *plan, struct buffer *out)
{
    CLEANUP(scorecard_done) struct scorecard scorecard = {0};
    CLEANUP(scorecard_fit_done) struct scorecard_fit fit = {0};
    TRY(scorecard_new(plan, &scorecard));
    TRY(scorecard_fit_widest(plan, &fit));
    return scorecard_private_explain(&scorecard, &fit, out);
}

static struct result scorecard_explain(const struct plan *plan, struct buffer *out)
{
    if (plan_private(plan)) return explain_private(plan, out);
    CLEANUP(scorecard_done) struct scorecard scorecard = {0};
    struct layout layout;
    uint64_t sums = 0;
    TRY(scorecard_new(plan, &scorecard));
    TRY(profile_layout(&scorecard.profile, &layout));
    for (size_t f = 0; f < layout.fields_count; f++) sums += layout.fields[f].length;
    TRY(buffer_format(out,
                      "first: %" PRIu64 " sums over all banks: how many rows train, are held out, are positive; how "
                      "many of each level, by outcome; of each number its total, how many are missing and outside the "
                      "bounds, and a histogram of at most 256 bins\n",
                      sums));
    TRY(buffer_format(out,
                      "then: histograms inside bins of the one before, until the %" PRIu32
                      " fine classes of each number "
                      "are found; and the cases of each outcome in each fine class\n",
                      plan->bins));
    TRY(buffer_text(out,
                    "then: a logistic fit on the weights of evidence of the features selected, begun again without "
                    "a feature that is correlated or has the wrong sign: each time how many rows train and are "
                    "positive, means and spreads, the products of all pairs of columns, and for each Newton step "
                    "the log-likelihood, its gradient and Hessian\n"));
    TRY(buffer_format(
        out,
        "at the end: the Hessian once more, log loss and squared error, and how many cases of each outcome "
        "have a score between the edges of a histogram of at most %zu bins\n",
        CURVE_BINS));
    return buffer_format(out,
                         "the scorecard shows no class with fewer than %" PRIu32 " positive or negative customers; the "
                         "opened sums that members and holders of a run's records see can hold smaller cells\n",
                         plan->cells_minimum);
}

static struct result scorecard_start(const struct plan *plan, struct buffer *out)
{
    CLEANUP(scorecard_done) struct scorecard scorecard = {0};
    TRY(scorecard_new(plan, &scorecard));
    return scorecard_write(&scorecard, out);
}

static bool scorecard_finished(const struct plan *plan, struct view state)
{
    (void)plan;
    struct reader reader = reader_of(state, "the scorecard's state"); /* the stage comes first */
    uint64_t stage = 0;
    return result_ok(reader_u64(&reader, &stage)) && stage == SCORECARD_FINISHED;
}

static struct result layout_of(const struct scorecard *scorecard, struct layout *ret)
{
    if (scorecard->stage == SCORECARD_PROFILE) return profile_layout(&scorecard->profile, ret);
    ENSURE(scorecard->stage == SCORECARD_FIT, CATEGORY_BUG, "the scorecard is finished and asks for no further sum");
    return scorecard_fit_layout(scorecard, ret);
}

static struct result scorecard_layout(const struct plan *plan, struct view state, struct layout *ret)
{
    CLEANUP(scorecard_done) struct scorecard scorecard = {0};
    TRY(scorecard_parse(plan, state, &scorecard));
    return layout_of(&scorecard, ret);
}

static struct result scorecard_contribute(const struct plan *plan, struct view state, const struct table *table,
                                          unsigned threads, uint64_t *words)
{
    CLEANUP(scorecard_done) struct scorecard scorecard = {0};
    TRY(scorecard_parse(plan, state, &scorecard));
    TRY(schema_check(plan, table));
    return scorecard.stage == SCORECARD_PROFILE ? profile_contribute(&scorecard.profile, table, threads, words)
                                                : scorecard_fit_contribute(&scorecard, table, threads, words);
}

static struct result scorecard_formulas(const struct plan *plan, struct view state, struct formula_sums *ret)
{
    CLEANUP(scorecard_done) struct scorecard scorecard = {0};
    TRY(scorecard_parse(plan, state, &scorecard));
    return scorecard.stage == SCORECARD_PROFILE ? profile_formulas(&scorecard.profile, ret)
                                                : scorecard_fit_formulas(&scorecard, ret);
}

static struct result scorecard_advance(const struct plan *plan, struct view state, const uint64_t *words,
                                       struct buffer *out)
{
    CLEANUP(scorecard_done) struct scorecard scorecard = {0};
    struct layout layout;
    TRY(scorecard_parse(plan, state, &scorecard));
    TRY(layout_of(&scorecard, &layout));
    if (scorecard.stage == SCORECARD_PROFILE) {
        TRY(profile_advance(&scorecard.profile, &(struct sum){&layout, words}));
        if (scorecard.profile.stage == PROFILE_FINISHED) {
            TRY(scorecard_classify(&scorecard));
            TRY(scorecard_fit_begin(&scorecard));
        }
    } else {
        TRY(scorecard_fit_advance(&scorecard, words));
    }
    return scorecard_write(&scorecard, out);
}

static struct result finish(const struct plan *plan, struct view state, uint64_t rounds, unsigned banks,
                            struct buffer *out)
{
    CLEANUP(scorecard_done) struct scorecard scorecard = {0};
    TRY(scorecard_parse(plan, state, &scorecard));
    ENSURE(scorecard.stage == SCORECARD_FINISHED, CATEGORY_BUG, "the scorecard is not finished");
    return scorecard_result(&scorecard, rounds, banks, out);
}

static struct result scorecard_progress(const struct plan *plan, struct view state, struct buffer *out)
{
    CLEANUP(scorecard_done) struct scorecard scorecard = {0};
    CLEANUP(scorecard_fit_done) struct scorecard_fit fit = {0};
    TRY(scorecard_parse(plan, state, &scorecard));
    if (scorecard.stage == SCORECARD_PROFILE) return profile_progress(&scorecard.profile, out);
    TRY(scorecard_fit_of(&scorecard, &fit));
    TRY(buffer_format(out, "fit %" PRIu64 ", %zu of %zu features: ", scorecard.fits, fit.plan.features_count,
                      plan->features_count));
    enum category category = logistic_task.progress(&fit.plan, buffer_view(&scorecard.fit), out).category;
    return (struct result){category};
}

static struct result scorecard_figure(const struct plan *plan, struct view state, struct task_figure *ret)
{
    CLEANUP(scorecard_done) struct scorecard scorecard = {0};
    CLEANUP(scorecard_fit_done) struct scorecard_fit fit = {0};
    TRY(scorecard_parse(plan, state, &scorecard));
    if (scorecard.stage == SCORECARD_PROFILE) return RESULT_OK;
    TRY(scorecard_fit_of(&scorecard, &fit));
    enum category category = logistic_task.figure(&fit.plan, buffer_view(&scorecard.fit), ret).category;
    return (struct result){category};
}

const struct task scorecard_task = {
    .name = "scorecard",
    .private = true,
    .check = scorecard_check,
    .explain = scorecard_explain,
    .start = scorecard_start,
    .finished = scorecard_finished,
    .layout = scorecard_layout,
    .contribute = scorecard_contribute,
    .formulas = scorecard_formulas,
    .advance = scorecard_advance,
    .result = finish,
    .progress = scorecard_progress,
    .figure = scorecard_figure,
};
