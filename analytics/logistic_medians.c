/* Medians of the features that fill missing values with one: each sum narrows every open search at once. */
#include <math.h>
#include <stdlib.h>

#include "analytics/logistic.h"
#include "data/table.h"

struct result logistic_medians_grids(const struct logistic *state, struct quantile_grid **ret)
{
    struct quantile_grid *grids = calloc(state->plan->features_count + 1, sizeof *grids);
    ENSURE(grids, CATEGORY_ENVIRONMENT, "out of memory for the grids of medians");
    struct result result = RESULT_OK;
    for (size_t f = 0; f < state->plan->features_count && result_ok(result); f++) {
        const struct plan_feature *feature = &state->plan->features[f];
        if (logistic_has_median(feature))
            result =
                quantile_grid_of(feature->name, feature->minimum, feature->maximum, feature->resolution, &grids[f]);
    }
    if (!result_ok(result)) {
        free(grids);
        return result;
    }
    *ret = grids;
    return RESULT_OK;
}

bool logistic_medians_open(const struct logistic *state)
{
    for (size_t f = 0; f < state->plan->features_count; f++)
        if (logistic_has_median(&state->plan->features[f]) && quantile_bins(state->features[f].median, 2) > 0)
            return true;
    return false;
}

struct result logistic_medians_layout(const struct logistic *state, struct layout *layout)
{
    uint64_t length = 0;
    for (size_t f = 0; f < state->plan->features_count; f++)
        if (logistic_has_median(&state->plan->features[f])) length += quantile_bins(state->features[f].median, 2);
    return layout_add(layout, layout_exact("medians", length, 1, 0, 1));
}

void logistic_medians_add(const struct logistic *state, const struct quantile_grid *grids, const struct table *table,
                          uint64_t begin, uint64_t count, const uint8_t *kinds, __int128 *values)
{
    for (size_t f = 0; f < state->plan->features_count; f++) {
        if (!logistic_has_median(&state->plan->features[f])) continue;
        struct quantile_interval intervals[2];
        size_t open = quantile_intervals(state->features[f].median, 2, intervals);
        const double *numbers = table->columns[f].numbers + begin;
        for (uint64_t i = 0; i < count && open > 0; i++)
            if (kinds[i] < CASE_HELD_NEGATIVE && !isnan(numbers[i]))
                quantile_add(intervals, open, quantile_index(&grids[f], numbers[i]), values);
        values += quantile_bins(state->features[f].median, 2);
    }
}

static struct result advance_feature(struct logistic *state, size_t f, const struct sum *sum, size_t field,
                                     uint64_t *at)
{
    struct quantile *median = state->features[f].median;
    struct quantile_interval intervals[2];
    size_t open = quantile_intervals(median, 2, intervals);
    uint64_t present = logistic_train_rows(state) - state->features[f].missing[0];
    for (size_t i = 0; i < open; i++) {
        uint64_t counts[QUANTILE_BINS], total = 0;
        for (uint64_t b = 0; b < intervals[i].bins; b++) {
            TRY(sum_count(sum, field, (*at)++, present, &counts[b]));
            total += counts[b];
        }
        ENSURE(total == present || (state->stage != LOGISTIC_COUNTS && total < present), CATEGORY_FALSE,
               "the histogram of %s does not hold as many values as are there; the sum is not a true one",
               state->plan->features[f].name);
        if (state->stage == LOGISTIC_COUNTS) quantile_median_ranks(median, total);
        TRY(quantile_narrow(median, 2, &intervals[i], counts));
    }
    return RESULT_OK;
}

struct result logistic_medians_advance(struct logistic *state, const struct sum *sum, size_t field)
{
    uint64_t at = 0;
    for (size_t f = 0; f < state->plan->features_count; f++)
        if (logistic_has_median(&state->plan->features[f])) TRY(advance_feature(state, f, sum, field, &at));
    return RESULT_OK;
}
