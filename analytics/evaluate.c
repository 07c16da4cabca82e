#include "analytics/evaluate_private.h"

#include <inttypes.h>

#include "analytics/schema.h"

static struct result check(const struct plan *plan)
{
    CLEANUP(evaluate_done) struct evaluate evaluate = {0};
    ENSURE(plan->target[0] && plan->positive[0], CATEGORY_USAGE,
           "an evaluation needs a target: {column: ..., positive: ...}");
    TRY(evaluate_private_check(plan));
    TRY(evaluate_new(plan, &evaluate));
    if (evaluate.private) return layout_prove(&evaluate.private->layout, plan->rows);
    for (enum evaluate_stage stage = EVALUATE_SCORES; stage < EVALUATE_FINISHED; stage++) {
        struct layout layout;
        evaluate.stage = stage;
        for (size_t m = 0; m < plan->models_count; m++) evaluate.models[m].curve.asked = CURVE_STEP;
        TRY(evaluate_layout(&evaluate, &layout));
        TRY(layout_prove(&layout, plan->rows));
    }
    return RESULT_OK;
}

static struct result explain_exact(const struct evaluate *evaluate, struct buffer *out)
{
    const struct plan *plan = evaluate->plan;
    TRY(buffer_text(out,
                    "first: how many rows of each outcome; of each model the sums of its scores, their squares, log "
                    "losses and squared errors\n"));
    TRY(buffer_format(
        out,
        "up to %zu times: how many rows of each outcome have a score between the edges of a histogram; all "
        "edges together make one of at most %zu bins\n",
        CURVE_HISTOGRAMS, CURVE_BINS));
    TRY(buffer_format(
        out,
        "at the end: rows of each outcome above %zu cut-offs, in %zu groups and in the bins of the training "
        "scores; sums of probabilities by band and group%s\n",
        plan->cutoffs_count, evaluate->groups_count,
        plan->models_count > 1 ? "; both models' bands laid against each other" : ""));
    return buffer_format(out,
                         "the report shows no cell with fewer than %" PRIu32 " customers; the opened sums that members "
                         "and holders of a run's records see can hold smaller ones\n",
                         plan->cells_minimum);
}

static struct result explain(const struct plan *plan, struct buffer *out)
{
    CLEANUP(evaluate_done) struct evaluate evaluate = {0};
    TRY(evaluate_new(plan, &evaluate));
    for (size_t m = 0; m < plan->models_count; m++)
        TRY(buffer_format(out, "the model %s, which is in the plan, scores every row at its bank; no score leaves it\n",
                          plan->models[m].name));
    return evaluate.private ? evaluate_private_explain(&evaluate, out) : explain_exact(&evaluate, out);
}

static struct result start(const struct plan *plan, struct buffer *out)
{
    CLEANUP(evaluate_done) struct evaluate evaluate = {0};
    TRY(evaluate_new(plan, &evaluate));
    return evaluate_write(&evaluate, out);
}

static bool finished(const struct plan *plan, struct view state)
{
    (void)plan;
    struct reader reader = reader_of(state, "the evaluation's state"); /* the stage comes first */
    uint64_t stage = 0;
    return result_ok(reader_u64(&reader, &stage)) && stage == EVALUATE_FINISHED;
}

static struct result layout_of(const struct evaluate *evaluate, struct layout *ret)
{
    if (!evaluate->private) return evaluate_layout(evaluate, ret);
    *ret = evaluate->private->layout;
    return RESULT_OK;
}

static struct result layout(const struct plan *plan, struct view state, struct layout *ret)
{
    CLEANUP(evaluate_done) struct evaluate evaluate = {0};
    TRY(evaluate_read(plan, state, &evaluate));
    return layout_of(&evaluate, ret);
}

static struct result contribute(const struct plan *plan, struct view state, const struct table *table, unsigned threads,
                                uint64_t *words)
{
    CLEANUP(evaluate_done) struct evaluate evaluate = {0};
    TRY(evaluate_read(plan, state, &evaluate));
    TRY(schema_check(plan, table));
    return evaluate.private ? evaluate_private_contribute(&evaluate, table, threads, words)
                            : evaluate_contribute(&evaluate, table, threads, words);
}

static struct result formulas(const struct plan *plan, struct view state, struct formula_sums *ret)
{
    CLEANUP(evaluate_done) struct evaluate evaluate = {0};
    TRY(evaluate_read(plan, state, &evaluate));
    return evaluate_formulas(&evaluate, ret);
}

static struct result advance(const struct plan *plan, struct view state, const uint64_t *words, struct buffer *out)
{
    CLEANUP(evaluate_done) struct evaluate evaluate = {0};
    struct layout layout;
    TRY(evaluate_read(plan, state, &evaluate));
    TRY(layout_of(&evaluate, &layout));
    const struct sum sum = {&layout, words};
    TRY(evaluate.private ? evaluate_private_advance(&evaluate, &sum) : evaluate_advance(&evaluate, &sum));
    return evaluate_write(&evaluate, out);
}

static struct result finish(const struct plan *plan, struct view state, uint64_t rounds, unsigned banks,
                            struct buffer *out)
{
    CLEANUP(evaluate_done) struct evaluate evaluate = {0};
    TRY(evaluate_read(plan, state, &evaluate));
    ENSURE(evaluate.stage == EVALUATE_FINISHED, CATEGORY_BUG, "the evaluation is not finished");
    return evaluate.private ? evaluate_private_result(&evaluate, rounds, banks, out)
                            : evaluate_result(&evaluate, rounds, banks, out);
}

static struct result progress(const struct plan *plan, struct view state, struct buffer *out)
{
    CLEANUP(evaluate_done) struct evaluate evaluate = {0};
    TRY(evaluate_read(plan, state, &evaluate));
    switch (evaluate.stage) {
    case EVALUATE_SCORES:
        return buffer_text(out, "scoring every row");
    case EVALUATE_CURVE:
        return buffer_text(out, "more edges in the score histograms, to tell AUC and KS better");
    case EVALUATE_TABLES:
        return buffer_text(out, evaluate.private ? "the one sum, with noise" : "tables by band, cut-off and group");
    default:
        return buffer_text(out, "finished");
    }
}

const struct task evaluate_task = {
    .name = "evaluate",
    .private = true,
    .check = check,
    .explain = explain,
    .start = start,
    .finished = finished,
    .layout = layout,
    .contribute = contribute,
    .formulas = formulas,
    .advance = advance,
    .result = finish,
    .progress = progress,
};
