/* The first sum: how many cases there are of each kind, of each level, missing, outside; and the totals of numbers. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "analytics/elementary.h"
#include "analytics/logistic_design.h"
#include "analytics/logistic_private.h"
#include "analytics/schema.h"
#include "analytics/sweep.h"

enum { CASES, LEVELS, MISSING, OUTSIDE, TOTALS, MEDIANS };
/* A number enters the totals as its share of the way from minimum to maximum. */
enum { TOTAL_BITS = 50 };

static size_t numbers_of(const struct plan *plan)
{
    size_t count = 0;
    for (size_t f = 0; f < plan->features_count; f++) count += plan->features[f].kind == PLAN_NUMBER;
    return count;
}

struct result logistic_counts_layout(const struct logistic *state, struct layout *ret)
{
    size_t numbers = numbers_of(state->plan);
    struct layout layout = {0};
    TRY(layout_add(&layout, layout_exact("cases", CASE_KINDS, 1, 0, 1)));
    TRY(layout_add(&layout, layout_exact("levels", 2 * state->levels_count, 1, 0, 1)));
    TRY(layout_add(&layout, layout_exact("missing", 2 * numbers, 1, 0, 1)));
    TRY(layout_add(&layout, layout_exact("outside", numbers, 1, 0, 1)));
    TRY(layout_add(&layout, layout_exact("totals", numbers, layout_bound(1, TOTAL_BITS), TOTAL_BITS, 2)));
    TRY(logistic_medians_layout(state, &layout));
    *ret = layout;
    return RESULT_OK;
}

struct pass {
    const struct logistic *state;
    const struct table *table;
    const struct quantile_grid *grids;
    __int128 *fields[MEDIANS + 1]; /* where each field's values begin, in this thread's */
    void (*add_total)(const struct pass *pass, const struct plan_feature *feature, size_t number, double value);
    double scale; /* of the totals */
};

static void add_total(const struct pass *pass, const struct plan_feature *feature, size_t number, double value)
{
    double share = (value - feature->minimum) / (feature->maximum - feature->minimum);
    pass->fields[TOTALS][number] += elementary_round(share * pass->scale);
}

static void add_private_total(const struct pass *pass, const struct plan_feature *feature, size_t number, double value)
{
    double z = 2 * ((value - feature->minimum) / (feature->maximum - feature->minimum)) - 1;
    __int128 *totals = pass->fields[TOTALS] + TOTALS_EACH * number;
    totals[TOTAL_FIRST] += elementary_round(z * pass->scale);
    totals[TOTAL_SQUARE] += elementary_round((z * z - 0.5) * pass->scale);
}

/* Under privacy a missing value enters as what it is filled with, where the plan says so beforehand. */
static void add_fill(const struct pass *pass, const struct plan_feature *feature, size_t number)
{
    if (pass->state->private) pass->add_total(pass, feature, number, feature->fill);
}

static struct result add_category(const struct pass *pass, size_t f, uint64_t begin, uint64_t count,
                                  const uint8_t *kinds)
{
    const struct plan_feature *feature = &pass->state->plan->features[f];
    const uint16_t *codes = pass->table->columns[f].codes + begin;
    __int128 *levels = pass->fields[LEVELS] + 2 * pass->state->level_at[f];
    size_t all = plan_feature_levels(feature);
    for (uint64_t i = 0; i < count; i++) {
        size_t level = codes[i];
        if (codes[i] == CODE_MISSING) level = feature->level_missing ? feature->levels_count : all;
        if (codes[i] == CODE_OTHER) level = feature->level_other ? all - 1 : all;
        ENSURE(level < all, CATEGORY_BUG, "the table holds a value of %s that the plan refuses", feature->name);
        if (kinds[i] < CASE_HELD_NEGATIVE) levels[2 * level + kinds[i]]++;
    }
    return RESULT_OK;
}

static struct result add_number(const struct pass *pass, size_t f, size_t number, uint64_t begin, uint64_t count,
                                const uint8_t *kinds)
{
    const struct plan_feature *feature = &pass->state->plan->features[f];
    const double *values = pass->table->columns[f].numbers + begin;
    const uint8_t *marks = pass->table->columns[f].marks;
    for (uint64_t i = 0; i < count; i++) {
        bool trains = kinds[i] < CASE_HELD_NEGATIVE;
        pass->fields[OUTSIDE][number] += marks && marks[begin + i] != MARK_NONE;
        if (isnan(values[i])) {
            ENSURE(feature->missing != MISSING_REFUSE, CATEGORY_BUG,
                   "the table holds a missing value of %s, which the plan refuses", feature->name);
            pass->fields[MISSING][2 * number + (trains ? 0 : 1)]++;
            if (trains && feature->missing == MISSING_VALUE) add_fill(pass, feature, number);
            continue;
        }
        ENSURE(values[i] >= feature->minimum && values[i] <= feature->maximum, CATEGORY_BUG,
               "the table holds a value of %s outside the plan's bounds", feature->name);
        if (trains) pass->add_total(pass, feature, number, values[i]);
    }
    return RESULT_OK;
}

static struct result add_block(const struct pass *pass, uint64_t begin, uint64_t count)
{
    uint8_t kinds[SWEEP_BLOCK];
    TRY(cases_classify(pass->state->plan, pass->table, begin, begin + count, kinds));
    for (uint64_t i = 0; i < count; i++) pass->fields[CASES][kinds[i]]++;
    size_t number = 0;
    for (size_t f = 0; f < pass->state->plan->features_count; f++) {
        if (pass->state->plan->features[f].kind == PLAN_CATEGORY) {
            TRY(add_category(pass, f, begin, count, kinds));
        } else {
            TRY(add_number(pass, f, number++, begin, count, kinds));
        }
    }
    if (pass->state->private) return RESULT_OK;
    logistic_medians_add(pass->state, pass->grids, pass->table, begin, count, kinds, pass->fields[MEDIANS]);
    return RESULT_OK;
}

struct source {
    const struct logistic *state;
    const struct table *table;
    const struct quantile_grid *grids;
    const struct layout *layout;
};

static struct result body(const void *context, uint64_t begin, uint64_t end, __int128 *values)
{
    const struct source *source = context;
    struct pass pass = {.state = source->state, .table = source->table, .grids = source->grids};
    pass.add_total = source->state->private ? add_private_total : add_total;
    pass.scale = design_power(source->layout->fields[TOTALS].fraction_bits);
    for (size_t f = 0; f <= MEDIANS; f++) /* under privacy there are no medians */
        pass.fields[f] = f < source->layout->fields_count ? values + sweep_offset(source->layout, f) : values;
    for (uint64_t at = begin; at < end; at += SWEEP_BLOCK)
        TRY(add_block(&pass, at, end - at < SWEEP_BLOCK ? end - at : SWEEP_BLOCK));
    return RESULT_OK;
}

struct result logistic_counts_contribute(const struct logistic *state, const struct table *table, unsigned threads,
                                         uint64_t *words)
{
    struct layout layout;
    TRY(state->private ? logistic_private_counts_layout(state, &layout) : logistic_counts_layout(state, &layout));
    struct quantile_grid *grids;
    TRY(logistic_medians_grids(state, &grids));
    struct source source = {state, table, grids, &layout};
    struct result result = sweep_run(&(struct sweep){&layout, table->rows, body, &source}, threads, words);
    free(grids);
    return result;
}

static struct result take_levels(struct logistic *state, size_t f, const struct sum *sum)
{
    uint64_t totals[2] = {0};
    const struct plan_feature *feature = &state->plan->features[f];
    for (size_t level = 0; level < plan_feature_levels(feature); level++) {
        for (size_t k = 0; k < 2; k++) {
            uint64_t at = state->level_at[f] + level;
            TRY(sum_count(sum, LEVELS, 2 * at + k, state->cases[k], &state->levels[at][k]));
            totals[k] += state->levels[at][k];
        }
    }
    ENSURE(totals[0] == state->cases[CASE_TRAIN_NEGATIVE] && totals[1] == state->cases[CASE_TRAIN_POSITIVE],
           CATEGORY_FALSE, "the levels of %s do not add up to the rows; the sum is not a true one", feature->name);
    return RESULT_OK;
}

static struct result take_number(struct logistic *state, size_t f, size_t number, const struct sum *sum)
{
    const struct plan_feature *feature = &state->plan->features[f];
    struct logistic_feature *into = &state->features[f];
    uint64_t train = logistic_train_rows(state);
    uint64_t held = state->cases[CASE_HELD_NEGATIVE] + state->cases[CASE_HELD_POSITIVE];
    TRY(sum_count(sum, MISSING, 2 * number, train, &into->missing[0]));
    TRY(sum_count(sum, MISSING, 2 * number + 1, held, &into->missing[1]));
    TRY(sum_count(sum, OUTSIDE, number, train + held, &into->outside));
    uint64_t present = train - into->missing[0];
    ENSURE(present > 0, CATEGORY_USAGE,
           "no training row of any bank has a value of %s; leave the feature out of the plan", feature->name);
    ENSURE(present >= state->plan->cells_minimum, CATEGORY_USAGE,
           "fewer than %" PRIu32
           " training rows (cells.minimum) have a value of %s, and the model would show it; leave "
           "the feature out of the plan",
           state->plan->cells_minimum, feature->name);
    double share = sum_real(sum, TOTALS, number) / (double)present;
    ENSURE(share >= 0 && share <= 1, CATEGORY_FALSE,
           "the total of %s lies outside its bounds; the sum is not a true one", feature->name);
    into->center = feature->minimum + (feature->maximum - feature->minimum) * share;
    return RESULT_OK;
}

static struct result take_cases(struct logistic *state, const struct sum *sum)
{
    uint64_t most = state->plan->rows * MEMBERS_MAX;
    for (size_t k = 0; k < CASE_KINDS; k++) TRY(sum_count(sum, CASES, k, most, &state->cases[k]));
    ENSURE(logistic_train_rows(state) > 0, CATEGORY_USAGE, "every row is held out; check split");
    ENSURE(state->cases[CASE_TRAIN_POSITIVE] > 0, CATEGORY_USAGE,
           "none of the %" PRIu64 " training rows is positive (%s = %s); check how the target is coded",
           logistic_train_rows(state), state->plan->target, state->plan->positive);
    ENSURE(state->cases[CASE_TRAIN_NEGATIVE] > 0, CATEGORY_USAGE,
           "all %" PRIu64 " training rows are positive (%s = %s); check how the target is coded",
           logistic_train_rows(state), state->plan->target, state->plan->positive);
    return RESULT_OK;
}

struct result logistic_counts_advance(struct logistic *state, const struct sum *sum)
{
    TRY(take_cases(state, sum));
    size_t number = 0;
    for (size_t f = 0; f < state->plan->features_count; f++) {
        if (state->plan->features[f].kind == PLAN_CATEGORY) {
            TRY(take_levels(state, f, sum));
        } else {
            TRY(take_number(state, f, number++, sum));
        }
    }
    TRY(logistic_medians_advance(state, sum, MEDIANS));
    if (number > 0) {
        state->stage = LOGISTIC_SCALE;
        return RESULT_OK;
    }
    return logistic_gram_begin(state);
}
