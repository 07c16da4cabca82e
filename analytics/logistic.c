/* The task `logistic`: one credit score from all banks' rows, as pooling them would give it.
 *
 * Start here: struct logistic says what is known at any time (logistic.h), its stage says which sum comes next, and the
 * table below says which functions make that sum and take it. docs/logistic.md tells the same as mathematics.
 */
#include "analytics/logistic_formulas.h"
#include "analytics/logistic_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "analytics/schema.h"

struct stage {
    struct result (*layout)(const struct logistic *state, struct layout *ret);
    struct result (*contribute)(const struct logistic *state, const struct table *table, unsigned threads,
                                uint64_t *words);
    struct result (*advance)(struct logistic *state, const struct sum *sum);
};
static const struct stage stages[LOGISTIC_FINISHED] = {
    [LOGISTIC_COUNTS] = {logistic_counts_layout, logistic_counts_contribute, logistic_counts_advance},
    [LOGISTIC_SCALE] = {logistic_scale_layout, logistic_scale_contribute, logistic_scale_advance},
    [LOGISTIC_MEDIANS] = {logistic_scale_layout, logistic_scale_contribute, logistic_scale_advance},
    [LOGISTIC_GRAM] = {logistic_newton_layout, logistic_newton_contribute, logistic_newton_advance},
    [LOGISTIC_NEWTON] = {logistic_newton_layout, logistic_newton_contribute, logistic_newton_advance},
    [LOGISTIC_INFERENCE] = {logistic_score_layout, logistic_score_contribute, logistic_score_advance},
    [LOGISTIC_CURVE] = {logistic_score_layout, logistic_score_contribute, logistic_score_advance},
};

/* Under privacy. The first sum's rows are counted as for exact ones. */
static const struct stage private_stages[LOGISTIC_FINISHED] = {
    [LOGISTIC_COUNTS] = {logistic_private_counts_layout, logistic_counts_contribute, logistic_private_counts_advance},
    [LOGISTIC_GRAM] = {logistic_private_newton_layout, logistic_private_newton_contribute,
                       logistic_private_newton_advance},
    [LOGISTIC_NEWTON] = {logistic_private_newton_layout, logistic_private_newton_contribute,
                         logistic_private_newton_advance},
    [LOGISTIC_INFERENCE] = {logistic_private_score_layout, logistic_private_score_contribute,
                            logistic_private_score_advance},
};

static const struct stage *stage_of(const struct logistic *state)
{
    return &(state->private ? private_stages : stages)[state->stage];
}

static struct result stage_layout(const struct logistic *state, struct layout *ret)
{
    enum category category = stage_of(state)->layout(state, ret).category;
    return (struct result){category};
}

static struct result stage_contribute(const struct logistic *state, const struct table *table, unsigned threads,
                                      uint64_t *words)
{
    enum category category = stage_of(state)->contribute(state, table, threads, words).category;
    return (struct result){category};
}

static struct result check_number(const struct plan_feature *feature)
{
    ENSURE(isfinite(feature->minimum) && isfinite(feature->maximum) && feature->minimum < feature->maximum &&
               isfinite(feature->maximum - feature->minimum),
           CATEGORY_USAGE, "%s: min must be below max, both finite", feature->name);
    ENSURE(feature->missing != MISSING_LEVEL, CATEGORY_USAGE,
           "%s: `missing: level` is for categories; a number takes median, mean, a value or refuse", feature->name);
    ENSURE(feature->outside != OUTSIDE_MISSING || feature->missing != MISSING_REFUSE, CATEGORY_USAGE,
           "%s: `outside: missing` needs a rule for missing values, and the plan refuses them", feature->name);
    ENSURE(feature->missing != MISSING_VALUE ||
               (feature->fill >= feature->minimum && feature->fill <= feature->maximum),
           CATEGORY_USAGE, "%s: the value for missing ones lies outside min and max", feature->name);
    ENSURE(!logistic_has_median(feature) || feature->resolution > 0, CATEGORY_USAGE,
           "%s: a median needs a resolution above 0", feature->name);
    return RESULT_OK;
}

static struct result check_category(const struct plan_feature *feature)
{
    size_t levels = plan_feature_levels(feature);
    ENSURE(feature->missing == MISSING_LEVEL || feature->missing == MISSING_REFUSE, CATEGORY_USAGE,
           "%s: a category's missing values are refused or a level of their own (`missing: level`)", feature->name);
    ENSURE((feature->missing == MISSING_LEVEL) == feature->level_missing, CATEGORY_BUG,
           "%s: the plan's levels do not follow its rule for missing values", feature->name);
    ENSURE(levels >= 2 && feature->baseline < levels, CATEGORY_USAGE,
           "%s: a category needs at least two levels, one of them the baseline", feature->name);
    return RESULT_OK;
}

static struct result logistic_check(const struct plan *plan)
{
    ENSURE(plan->target[0] && plan->positive[0], CATEGORY_USAGE,
           "a logistic plan needs a target: {column: ..., positive: ...}");
    ENSURE(plan->features_count > 0, CATEGORY_USAGE, "a logistic plan needs at least one feature");
    ENSURE(plan->penalty >= 0 && isfinite(plan->penalty), CATEGORY_USAGE, "train.penalty must be 0 or more");
    ENSURE(plan->l1 >= 0 && plan->l1 <= 1, CATEGORY_USAGE, "train.l1 must be from 0 to 1");
    ENSURE(plan->tolerance > 0 && isfinite(plan->tolerance), CATEGORY_USAGE, "train.tolerance must be above 0");
    ENSURE(plan->rounds >= 1, CATEGORY_USAGE, "train.rounds must be at least 1");
    for (size_t f = 0; f < plan->features_count; f++)
        TRY(plan->features[f].kind == PLAN_NUMBER ? check_number(&plan->features[f])
                                                  : check_category(&plan->features[f]));
    TRY(logistic_private_check(plan));
    /* What does not depend on the run's later states: each kind of sum fits, before any row is read. */
    CLEANUP(logistic_done) struct logistic state = {0};
    TRY(logistic_new(plan, &state));
    for (enum logistic_stage stage = LOGISTIC_COUNTS; stage < LOGISTIC_FINISHED; stage++) {
        struct layout layout;
        state.stage = stage;
        state.steps = PRIVATE_NEWTON; /* under privacy, the one with the most fields */
        state.curve.asked = CURVE_STEP;
        if (!stage_of(&state)->layout) continue;
        TRY(stage_layout(&state, &layout));
        TRY(layout_prove(&layout, plan->rows));
    }
    return RESULT_OK;
}

static struct result logistic_start(const struct plan *plan, struct buffer *out)
{
    CLEANUP(logistic_done) struct logistic state = {0};
    TRY(logistic_new(plan, &state));
    return logistic_write(&state, out);
}

static bool logistic_finished(const struct plan *plan, struct view state)
{
    (void)plan;
    struct reader reader = reader_of(state, "the model's state"); /* the stage comes first */
    uint64_t stage = 0;
    return result_ok(reader_u64(&reader, &stage)) && stage == LOGISTIC_FINISHED;
}

static struct result parse_open(const struct plan *plan, struct view bytes, struct logistic *ret)
{
    TRY(logistic_parse(plan, bytes, ret));
    if (ret->stage < LOGISTIC_FINISHED) return RESULT_OK;
    logistic_done(ret);
    return FAIL(CATEGORY_BUG, "the model is finished and asks for no further sum");
}

static struct result logistic_layout(const struct plan *plan, struct view bytes, struct layout *ret)
{
    CLEANUP(logistic_done) struct logistic state = {0};
    TRY(parse_open(plan, bytes, &state));
    return stage_layout(&state, ret);
}

static struct result logistic_contribute(const struct plan *plan, struct view bytes, const struct table *table,
                                         unsigned threads, uint64_t *words)
{
    CLEANUP(logistic_done) struct logistic state = {0};
    TRY(parse_open(plan, bytes, &state));
    TRY(schema_check(plan, table));
    return stage_contribute(&state, table, threads, words);
}

static struct result logistic_formulas(const struct plan *plan, struct view bytes, struct formula_sums *ret)
{
    CLEANUP(formulas_row_done) struct formulas_row row = {0};
    if (plan_private(plan)) {
        formula_unsupported(ret, "sums with noise");
        return RESULT_OK;
    }
    TRY(formulas_row_of(ret, plan, &row));
    return logistic_formulas_of(plan, bytes, &row, ret);
}

static struct result logistic_advance(const struct plan *plan, struct view bytes, const uint64_t *words,
                                      struct buffer *out)
{
    CLEANUP(logistic_done) struct logistic state = {0};
    TRY(parse_open(plan, bytes, &state));
    struct layout layout;
    TRY(stage_layout(&state, &layout));
    TRY(stage_of(&state)->advance(&state, &(struct sum){&layout, words}));
    return logistic_write(&state, out);
}

static struct result logistic_progress(const struct plan *plan, struct view bytes, struct buffer *out)
{
    CLEANUP(logistic_done) struct logistic state = {0};
    TRY(logistic_parse(plan, bytes, &state));
    if (state.private) return logistic_private_progress(&state, out);
    switch (state.stage) {
    case LOGISTIC_COUNTS:
        return buffer_text(out, "counting cases");
    case LOGISTIC_SCALE:
        return buffer_format(out, "%" PRIu64 " training rows, %" PRIu64 " positive; means and spreads",
                             logistic_train_rows(&state), state.cases[CASE_TRAIN_POSITIVE]);
    case LOGISTIC_MEDIANS:
        return buffer_text(out, "closing in on medians");
    case LOGISTIC_GRAM:
        return buffer_format(out, "products of %zu columns", state.terms.count);
    case LOGISTIC_NEWTON:
        if (state.path) TRY(buffer_format(out, "penalty %" PRIu64 " of %" PRIu32 ": ", state.path->at + 1, plan->path));
        return buffer_format(
            out, "Newton step %" PRIu64 "%s, log-likelihood %.4f, %.1e standard errors from the maximum",
            state.steps + 1, state.tried && state.fraction < 1 ? " (halved)" : "", state.likelihood, state.decrement);
    case LOGISTIC_INFERENCE:
        return buffer_format(out, "%s after %" PRIu64 " steps, log-likelihood %.6f; standard errors",
                             state.end == LOGISTIC_CONVERGED   ? "converged"
                             : state.end == LOGISTIC_SEPARATED ? "no maximum (separation)"
                                                               : "not converged",
                             state.steps, state.likelihood);
    case LOGISTIC_CURVE:
        return buffer_format(out, "%zu more edges in the score histogram, to tell AUC and KS better",
                             state.curve.asked);
    default:
        return buffer_format(out, "finished, log-likelihood %.6f", state.likelihood);
    }
}

/* Under differential privacy a state knows no likelihood. */
static struct result logistic_figure(const struct plan *plan, struct view bytes, struct task_figure *ret)
{
    CLEANUP(logistic_done) struct logistic state = {0};
    TRY(logistic_parse(plan, bytes, &state));
    bool fitted = state.stage == LOGISTIC_INFERENCE || (state.stage == LOGISTIC_NEWTON && state.tried);
    if (!state.private && fitted) *ret = (struct task_figure){"log-likelihood", state.likelihood};
    return RESULT_OK;
}

/* One line for a stage: what is released, how many numbers. */
static struct result explain_stage(const struct logistic *state, const char *when, const char *what, struct buffer *out)
{
    struct layout layout;
    TRY(stage_layout(state, &layout));
    uint64_t numbers = 0;
    for (size_t f = 0; f < layout.fields_count; f++) numbers += layout.fields[f].length;
    return buffer_format(out, "%s: %" PRIu64 " sums over all banks: %s\n", when, numbers, what);
}

static struct result logistic_explain(const struct plan *plan, struct buffer *out)
{
    CLEANUP(logistic_done) struct logistic state = {0};
    TRY(logistic_new(plan, &state));
    if (state.private) return logistic_private_explain(&state, out);
    state.curve.asked = CURVE_STEP;
    unsigned numbers = 0, medians = 0;
    for (size_t f = 0; f < plan->features_count; f++) {
        numbers += plan->features[f].kind == PLAN_NUMBER;
        medians += logistic_has_median(&plan->features[f]);
    }
    TRY(explain_stage(&state, "first",
                      "how many rows train, are held out, are positive; how many of each level, by outcome; of each "
                      "number its total, how many are missing and how many outside the bounds",
                      out));
    if (medians > 0)
        TRY(buffer_format(out,
                          "also, in the first rounds: for each of %u medians a histogram of at most %u bins, each "
                          "within one bin of the one before; the last counts single steps of the resolution\n",
                          medians, QUANTILE_BINS));
    state.stage = LOGISTIC_SCALE;
    if (numbers > 0) TRY(explain_stage(&state, "then", "of each number the spread around its mean", out));
    state.stage = LOGISTIC_GRAM;
    TRY(explain_stage(&state, "then",
                      "the products of all pairs of columns (their correlations), and of each column with the outcome",
                      out));
    state.stage = LOGISTIC_NEWTON;
    char when[64];
    (void)snprintf(when, sizeof when, "up to %" PRIu32 " times%s", plan->rounds, plan->path ? " a penalty" : "");
    TRY(explain_stage(&state, when,
                      plan->path ? "log-likelihood of training and of held-out rows, the first's gradient and Hessian, "
                                   "mean and spread of the scores"
                                 : "log-likelihood, its gradient and Hessian, mean and spread of the scores",
                      out));
    state.stage = LOGISTIC_INFERENCE;
    TRY(explain_stage(
        &state, "at the end",
        "the Hessian once more, log loss and squared error, and how many cases of each outcome have a "
        "score between the edges of a histogram; how many training rows lie in each of ten bins of a number",
        out));
    return buffer_format(out,
                         "up to %zu times: the counts between %zu more edges, where AUC and KS need them; all edges "
                         "together make one histogram of at most %zu bins\n",
                         CURVE_HISTOGRAMS - 1, CURVE_STEP, CURVE_BINS);
}

const struct task logistic_task = {
    .name = "logistic",
    .private = true,
    .check = logistic_check,
    .explain = logistic_explain,
    .start = logistic_start,
    .finished = logistic_finished,
    .layout = logistic_layout,
    .contribute = logistic_contribute,
    .formulas = logistic_formulas,
    .advance = logistic_advance,
    .result = logistic_result,
    .progress = logistic_progress,
    .figure = logistic_figure,
};
