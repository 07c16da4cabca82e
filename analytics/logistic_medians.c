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
    unsigned intervals[2];
    for (size_t f = 0; f < state->plan->features_count; f++)
        if (logistic_has_median(&state->plan->features[f]) && quantile_open(&state->features[f].median, intervals) > 0)
            return true;
    return false;
}

struct result logistic_medians_layout(const struct logistic *state, struct layout *layout)
{
    uint64_t length = 0;
    for (size_t f = 0; f < state->plan->features_count; f++) {
        if (!logistic_has_median(&state->plan->features[f])) continue;
        const struct quantile *median = &state->features[f].median;
        unsigned intervals[2], open = quantile_open(median, intervals);
        for (unsigned i = 0; i < open; i++) length += quantile_bins(median, intervals[i]);
    }
    return layout_add(layout, (struct layout_field){"medians", length, 1, 0, 1});
}

/* Counts one interval's bins over the training rows of a block. */
static void add_interval(const struct quantile *median, unsigned interval, const struct quantile_grid *grid,
                         const double *numbers, uint64_t count, const uint8_t *kinds, __int128 *values)
{
    uint64_t low = median->low[interval], high = median->high[interval];
    uint64_t width = quantile_width(median, interval);
    for (uint64_t i = 0; i < count; i++) {
        if (kinds[i] >= CASE_HELD_NEGATIVE || isnan(numbers[i])) continue;
        uint64_t index = quantile_index(grid, numbers[i]);
        if (index >= low && index <= high) values[(index - low) / width]++;
    }
}

void logistic_medians_add(const struct logistic *state, const struct quantile_grid *grids, const struct table *table,
                          uint64_t begin, uint64_t count, const uint8_t *kinds, __int128 *values)
{
    for (size_t f = 0; f < state->plan->features_count; f++) {
        if (!logistic_has_median(&state->plan->features[f])) continue;
        const struct quantile *median = &state->features[f].median;
        unsigned intervals[2], open = quantile_open(median, intervals);
        for (unsigned i = 0; i < open; i++) {
            add_interval(median, intervals[i], &grids[f], table->columns[f].numbers + begin, count, kinds, values);
            values += quantile_bins(median, intervals[i]);
        }
    }
}

static struct result advance_feature(struct logistic *state, size_t f, const struct logistic_sum *sum, size_t field,
                                     uint64_t *at)
{
    struct quantile *median = &state->features[f].median;
    uint64_t present = logistic_train_rows(state) - state->features[f].missing[0];
    unsigned intervals[2], open = quantile_open(median, intervals);
    for (unsigned i = 0; i < open; i++) {
        uint64_t counts[QUANTILE_BINS], total = 0, bins = quantile_bins(median, intervals[i]);
        for (uint64_t b = 0; b < bins; b++) {
            TRY(logistic_count(sum, field, (*at)++, present, &counts[b]));
            total += counts[b];
        }
        if (state->stage == LOGISTIC_COUNTS) {
            ENSURE(total == present, CATEGORY_FALSE,
                   "the histogram of %s does not hold as many values as are there; the sum is not a true one",
                   state->plan->features[f].name);
            quantile_first(median, counts, total);
        } else {
            ENSURE(total <= present, CATEGORY_FALSE,
                   "the histogram of %s holds more values than are there; the sum is not a true one",
                   state->plan->features[f].name);
            TRY(quantile_narrow(median, intervals[i], counts));
        }
    }
    return RESULT_OK;
}

struct result logistic_medians_advance(struct logistic *state, const struct logistic_sum *sum, size_t field)
{
    uint64_t at = 0;
    for (size_t f = 0; f < state->plan->features_count; f++)
        if (logistic_has_median(&state->plan->features[f])) TRY(advance_feature(state, f, sum, field, &at));
    return RESULT_OK;
}
