/* The second sum, and more while medians are open: how the numbers spread around their first mean. Then each number's
 * fill, mean and standard deviation follow, over all training rows with the fills in place. */
#include <math.h>
#include <stdlib.h>

#include "analytics/elementary.h"
#include "analytics/logistic.h"
#include "analytics/schema.h"
#include "analytics/sweep.h"

enum { DRIFT, SPREAD, MEDIANS };
/* Distances are taken as shares of maximum - minimum. Their squares are small where the range is much wider than the
 * spread, so these get as many bits as an integer holds. */
enum { DRIFT_BITS = 50, SPREAD_BITS = 60 };
/* A spread below this share of the range is rounding: the number is constant. */
static const double constant_share = 0x1p-45;
/* Bounds further from the mean than 2^this standard deviations leave too few bits for what lies near it. */
enum { EXPONENT_MOST = 20 };

struct result logistic_scale_layout(const struct logistic *state, struct layout *ret)
{
    uint64_t numbers = 0;
    if (state->stage == LOGISTIC_SCALE)
        for (size_t f = 0; f < state->plan->features_count; f++)
            numbers += state->plan->features[f].kind == PLAN_NUMBER;
    struct layout layout = {0};
    TRY(layout_add(&layout, layout_exact("drift", numbers, layout_bound(1, DRIFT_BITS), DRIFT_BITS, 2)));
    TRY(layout_add(&layout, layout_exact("spread", numbers, layout_bound(1, SPREAD_BITS), SPREAD_BITS, 2)));
    TRY(logistic_medians_layout(state, &layout));
    *ret = layout;
    return RESULT_OK;
}

struct source {
    const struct logistic *state;
    const struct table *table;
    const struct quantile_grid *grids;
    const struct layout *layout;
};

static void add_number(const struct source *source, size_t f, uint64_t begin, uint64_t count, const uint8_t *kinds,
                       __int128 *drift, __int128 *spread)
{
    const struct plan_feature *feature = &source->state->plan->features[f];
    const double *values = source->table->columns[f].numbers + begin;
    double center = source->state->features[f].center, range = feature->maximum - feature->minimum;
    for (uint64_t i = 0; i < count; i++) {
        if (kinds[i] >= CASE_HELD_NEGATIVE || isnan(values[i])) continue;
        double distance = (values[i] - center) / range;
        *drift += elementary_round(distance * (double)((int64_t)1 << DRIFT_BITS));
        *spread += sweep_round_wide(distance * distance * (double)((int64_t)1 << SPREAD_BITS));
    }
}

static struct result body(const void *context, uint64_t begin, uint64_t end, __int128 *values)
{
    const struct source *source = context;
    const struct plan *plan = source->state->plan;
    uint8_t kinds[SWEEP_BLOCK];
    for (uint64_t at = begin; at < end; at += SWEEP_BLOCK) {
        uint64_t count = end - at < SWEEP_BLOCK ? end - at : SWEEP_BLOCK;
        TRY(cases_classify(plan, source->table, at, at + count, kinds));
        size_t number = 0;
        for (size_t f = 0; f < plan->features_count && source->state->stage == LOGISTIC_SCALE; f++) {
            if (plan->features[f].kind != PLAN_NUMBER) continue;
            add_number(source, f, at, count, kinds, values + sweep_offset(source->layout, DRIFT) + number,
                       values + sweep_offset(source->layout, SPREAD) + number);
            number++;
        }
        logistic_medians_add(source->state, source->grids, source->table, at, count, kinds,
                             values + sweep_offset(source->layout, MEDIANS));
    }
    return RESULT_OK;
}

struct result logistic_scale_contribute(const struct logistic *state, const struct table *table, unsigned threads,
                                        uint64_t *words)
{
    struct layout layout;
    TRY(logistic_scale_layout(state, &layout));
    struct quantile_grid *grids;
    TRY(logistic_medians_grids(state, &grids));
    struct source source = {state, table, grids, &layout};
    struct result result = sweep_run(&(struct sweep){&layout, table->rows, body, &source}, threads, words);
    free(grids);
    return result;
}

/* Mean of the values present, and for now in `deviation` their variance. */
static struct result take_number(struct logistic *state, size_t f, size_t number, const struct sum *sum)
{
    const struct plan_feature *feature = &state->plan->features[f];
    struct logistic_feature *into = &state->features[f];
    double present = (double)(logistic_train_rows(state) - into->missing[0]);
    double range = feature->maximum - feature->minimum;
    double drift = sum_real(sum, DRIFT, number) / present, spread = sum_real(sum, SPREAD, number) / present;
    ENSURE(spread >= 0 && spread <= 1 && drift * drift <= spread + 0x1p-40, CATEGORY_FALSE,
           "the spread of %s is impossible; the sum is not a true one", feature->name);
    double variance = spread - drift * drift;
    into->mean = into->center + range * drift;
    into->deviation = variance > 0 ? range * range * variance : 0;
    return RESULT_OK;
}

static double fill_of(const struct plan_feature *feature, const struct logistic_feature *of,
                      const struct quantile_grid *grid)
{
    switch (feature->missing) {
    case MISSING_MEDIAN:
        return quantile_value(grid, of->median[0].low + of->median[1].low);
    case MISSING_VALUE:
        return feature->fill;
    default:
        return of->mean;
    }
}

static double square(double x)
{
    return x * x;
}

static struct result finish_number(const struct logistic *state, size_t f, const struct quantile_grid *grid)
{
    const struct plan_feature *feature = &state->plan->features[f];
    struct logistic_feature *of = &state->features[f];
    double rows = (double)logistic_train_rows(state), missing = (double)of->missing[0], present = rows - missing;
    double present_mean = of->mean, present_variance = of->deviation;
    of->fill = fill_of(feature, of, grid);
    of->mean = present_mean + (of->fill - present_mean) * (missing / rows);
    double variance =
        (present * (present_variance + square(present_mean - of->mean)) + missing * square(of->fill - of->mean)) / rows;
    of->deviation = sqrt(variance);
    if (!(of->deviation > constant_share * (feature->maximum - feature->minimum))) {
        of->deviation = of->inverse = 0;
        return RESULT_OK;
    }
    of->inverse = 1 / of->deviation;
    double below = of->mean - feature->minimum, above = feature->maximum - of->mean;
    double reach = (below > above ? below : above) * of->inverse * (1 + 0x1p-30);
    double power = 1;
    of->exponent = 0;
    while (of->exponent <= EXPONENT_MOST && power < reach) {
        power *= 2;
        of->exponent++;
    }
    ENSURE(of->exponent <= EXPONENT_MOST, CATEGORY_USAGE,
           "the bounds of %s reach %.3g standard deviations (%.6g) from its mean (%.6g), which leaves too little "
           "precision; narrow min and max",
           feature->name, reach, of->deviation, of->mean);
    return RESULT_OK;
}

static struct result finish(struct logistic *state)
{
    struct quantile_grid *grids;
    TRY(logistic_medians_grids(state, &grids));
    struct result result = RESULT_OK;
    for (size_t f = 0; f < state->plan->features_count && result_ok(result); f++)
        if (state->plan->features[f].kind == PLAN_NUMBER) result = finish_number(state, f, &grids[f]);
    free(grids);
    TRY(result);
    return logistic_gram_begin(state);
}

struct result logistic_scale_advance(struct logistic *state, const struct sum *sum)
{
    size_t number = 0;
    for (size_t f = 0; f < state->plan->features_count && state->stage == LOGISTIC_SCALE; f++)
        if (state->plan->features[f].kind == PLAN_NUMBER) TRY(take_number(state, f, number++, sum));
    TRY(logistic_medians_advance(state, sum, MEDIANS));
    state->stage = LOGISTIC_MEDIANS;
    return logistic_medians_open(state) ? RESULT_OK : finish(state);
}
