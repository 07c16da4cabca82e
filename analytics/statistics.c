#include "analytics/statistics.h"

#include <inttypes.h>

#include "analytics/private_profile.h"
#include "analytics/schema.h"

const double statistics_shares[STATISTICS_SHARES] = {0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99};

static struct result options_of(const struct plan *plan, struct profile_options *ret)
{
    *ret = (struct profile_options){
        .bins = plan->bins,
        .depth = plan->cells_minimum,
        .moments = true,
        .shares = statistics_shares,
        .shares_count = STATISTICS_SHARES,
    };
    return plan_private(plan) ? private_profile_budget(plan, &ret->budget) : RESULT_OK;
}

static struct result begin(const struct plan *plan, struct profile *ret)
{
    struct profile_options options;
    TRY(options_of(plan, &options));
    return profile_new(plan, options, ret);
}

static struct result parse(const struct plan *plan, struct view bytes, struct profile *ret)
{
    CLEANUP(profile_done) struct profile profile = {0};
    struct profile_options options;
    struct reader reader = reader_of(bytes, "the statistics' state");
    TRY(options_of(plan, &options));
    TRY(profile_read(&reader, plan, options, &profile));
    TRY(reader_end(&reader));
    *ret = profile;
    profile = (struct profile){0};
    return RESULT_OK;
}

/* The most that each kind of sum may hold, before any row is read. */
static struct result largest_layout(const struct plan *plan, enum profile_stage stage, struct layout *ret)
{
    CLEANUP(profile_done) struct profile profile = {0};
    TRY(begin(plan, &profile));
    profile.stage = stage;
    return profile_layout(&profile, ret);
}

static struct result statistics_check(const struct plan *plan)
{
    ENSURE(!plan->target[0] == !plan->positive[0], CATEGORY_USAGE,
           "a target needs its positive value beside it: target: {column: ..., positive: ...}");
    TRY(private_check_features(plan));
    for (enum profile_stage stage = PROFILE_FIRST; stage < PROFILE_FINISHED; stage++) {
        struct layout layout;
        TRY(largest_layout(plan, stage, &layout));
        TRY(layout_prove(&layout, plan->rows));
    }
    return RESULT_OK;
}

static struct result explain_private(const struct plan *plan, struct buffer *out)
{
    struct profile_options options;
    TRY(options_of(plan, &options));
    return statistics_private_explain(plan, options, out);
}

static struct result statistics_explain(const struct plan *plan, struct buffer *out)
{
    if (plan_private(plan)) return explain_private(plan, out);
    static const struct {
        const char *when, *what;
    } lines[] = {
        [PROFILE_FIRST] = {"first",
                           "how many rows train, are held out, are positive; how many of each level, by "
                           "outcome; of each number its total, how many are missing and outside the bounds, and "
                           "a histogram of at most 256 bins"},
        [PROFILE_QUANTILES] = {"then", "of each number the spread around its mean and its cubes; and histograms inside "
                                       "bins of the one before, until the quantiles are found: the last count single "
                                       "steps of the resolution"},
        [PROFILE_CELLS] = {"at the end",
                           "the cases of each outcome in each number's bins, and the products of all pairs of "
                           "numbers (their correlations)"},
    };
    for (enum profile_stage stage = PROFILE_FIRST; stage < PROFILE_FINISHED; stage++) {
        struct layout layout;
        TRY(largest_layout(plan, stage, &layout));
        uint64_t numbers = 0;
        for (size_t f = 0; f < layout.fields_count; f++) numbers += layout.fields[f].length;
        if (numbers > 0)
            TRY(buffer_format(out, "%s: %s%" PRIu64 " sums over all banks: %s\n", lines[stage].when,
                              stage == PROFILE_FIRST ? "" : "at least ", numbers, lines[stage].what));
    }
    return buffer_format(out,
                         "the report shows no cell with fewer than %" PRIu32 " customers; the opened sums that members "
                         "and holders of a run's records see can hold smaller ones\n",
                         plan->cells_minimum);
}

static struct result statistics_start(const struct plan *plan, struct buffer *out)
{
    CLEANUP(profile_done) struct profile profile = {0};
    TRY(begin(plan, &profile));
    return profile_write(&profile, out);
}

static bool statistics_finished(const struct plan *plan, struct view state)
{
    (void)plan;
    struct reader reader = reader_of(state, "the statistics' state"); /* the stage comes first */
    uint64_t stage = 0;
    return result_ok(reader_u64(&reader, &stage)) && stage == PROFILE_FINISHED;
}

static struct result statistics_layout(const struct plan *plan, struct view state, struct layout *ret)
{
    CLEANUP(profile_done) struct profile profile = {0};
    TRY(parse(plan, state, &profile));
    return profile_layout(&profile, ret);
}

static struct result statistics_contribute(const struct plan *plan, struct view state, const struct table *table,
                                           unsigned threads, uint64_t *words)
{
    CLEANUP(profile_done) struct profile profile = {0};
    TRY(parse(plan, state, &profile));
    TRY(schema_check(plan, table));
    return profile_contribute(&profile, table, threads, words);
}

static struct result statistics_formulas(const struct plan *plan, struct view state, struct formula_sums *ret)
{
    CLEANUP(profile_done) struct profile profile = {0};
    TRY(parse(plan, state, &profile));
    return profile_formulas(&profile, ret);
}

static struct result statistics_advance(const struct plan *plan, struct view state, const uint64_t *words,
                                        struct buffer *out)
{
    CLEANUP(profile_done) struct profile profile = {0};
    struct layout layout;
    TRY(parse(plan, state, &profile));
    TRY(profile_layout(&profile, &layout));
    TRY(profile_advance(&profile, &(struct sum){&layout, words}));
    return profile_write(&profile, out);
}

static struct result finish(const struct plan *plan, struct view state, uint64_t rounds, unsigned banks,
                            struct buffer *out)
{
    CLEANUP(profile_done) struct profile profile = {0};
    TRY(parse(plan, state, &profile));
    ENSURE(profile.stage == PROFILE_FINISHED, CATEGORY_BUG, "the statistics are not finished");
    return statistics_result(&profile, rounds, banks, out);
}

static struct result statistics_progress(const struct plan *plan, struct view state, struct buffer *out)
{
    CLEANUP(profile_done) struct profile profile = {0};
    TRY(parse(plan, state, &profile));
    return profile_progress(&profile, out);
}

const struct task statistics_task = {
    .name = "statistics",
    .private = true,
    .check = statistics_check,
    .explain = statistics_explain,
    .start = statistics_start,
    .finished = statistics_finished,
    .layout = statistics_layout,
    .contribute = statistics_contribute,
    .formulas = statistics_formulas,
    .advance = statistics_advance,
    .result = finish,
    .progress = statistics_progress,
};
