/* What the profile's sums tell: counts that must agree, means, narrower searches, the cells. */
#include <inttypes.h>
#include <math.h>

#include "analytics/private_profile.h"
#include "analytics/profile_fields.h"

static const struct plan_feature *feature_of(const struct profile *profile, size_t f)
{
    return &profile->plan->features[f];
}

/* Counts of the four kinds of case, none above those of all rows. */
static struct result take_kinds(const struct profile *profile, const struct sum *sum, size_t field, uint64_t at,
                                uint64_t ret[CASE_KINDS])
{
    for (size_t k = 0; k < CASE_KINDS; k++) TRY(sum_count(sum, field, at + k, profile->cases[k], &ret[k]));
    return RESULT_OK;
}

static struct result take_levels(struct profile *profile, size_t f, const struct sum *sum, uint64_t *at)
{
    struct profile_column *column = &profile->columns[f];
    uint64_t totals[CASE_KINDS] = {0};
    for (size_t level = 0; level < column->cells_count; level++, *at += CASE_KINDS) {
        TRY(take_kinds(profile, sum, PROFILE_FIRST_LEVELS, *at, column->cells[level]));
        for (size_t k = 0; k < CASE_KINDS; k++) totals[k] += column->cells[level][k];
    }
    for (size_t k = 0; k < CASE_KINDS; k++)
        ENSURE(totals[k] == profile->cases[k], CATEGORY_FALSE,
               "the levels of %s do not add up to the rows; the sum is not a true one", feature_of(profile, f)->name);
    return RESULT_OK;
}

/* Special codes and missing values are together no more than all rows. */
static struct result take_specials(struct profile *profile, size_t f, const struct sum *sum, uint64_t *at)
{
    struct profile_column *column = &profile->columns[f];
    for (size_t s = 0; s < feature_of(profile, f)->specials_count; s++, *at += CASE_KINDS)
        TRY(take_kinds(profile, sum, PROFILE_FIRST_SPECIALS, *at, column->specials[s]));
    for (size_t k = 0; k < CASE_KINDS; k++) {
        uint64_t absent = column->missing[k];
        for (size_t s = 0; s < feature_of(profile, f)->specials_count; s++) absent += column->specials[s][k];
        ENSURE(absent <= profile->cases[k], CATEGORY_FALSE,
               "the missing values and special codes of %s are more than the rows; the sum is not a true one",
               feature_of(profile, f)->name);
    }
    return RESULT_OK;
}

static struct result take_number(struct profile *profile, size_t f, size_t number, const struct sum *sum,
                                 uint64_t *specials)
{
    const struct plan_feature *feature = feature_of(profile, f);
    struct profile_column *column = &profile->columns[f];
    uint64_t train = profile_train_rows(profile);
    TRY(take_kinds(profile, sum, PROFILE_FIRST_MISSING, CASE_KINDS * number, column->missing));
    TRY(sum_count(sum, PROFILE_FIRST_OUTSIDE, number, train, &column->outside));
    TRY(take_specials(profile, f, sum, specials));
    uint64_t present = profile_present(profile, f);
    double total = sum_real(sum, PROFILE_FIRST_TOTALS, number);
    double share = present ? total / (double)present : 0;
    ENSURE(share >= 0 && share <= 1 && (present || total == 0), CATEGORY_FALSE,
           "the total of %s lies outside its bounds; the sum is not a true one", feature->name);
    column->center = column->mean = feature->minimum + (feature->maximum - feature->minimum) * share;
    return RESULT_OK;
}

/* One interval's counts; they hold all values present where it is the whole grid. */
static struct result take_interval(const struct profile *profile, size_t f, const struct sum *sum, size_t field,
                                   uint64_t at, const struct quantile_interval *interval, uint64_t *counts)
{
    uint64_t present = profile_present(profile, f), total = 0;
    for (uint64_t b = 0; b < interval->bins; b++) {
        TRY(sum_count(sum, field, at + b, present, &counts[b]));
        total += counts[b];
    }
    ENSURE(total == present || (profile->stage != PROFILE_FIRST && total < present), CATEGORY_FALSE,
           "the histogram of %s does not hold as many values as are there; the sum is not a true one",
           feature_of(profile, f)->name);
    return RESULT_OK;
}

static struct result take_histograms(struct profile *profile, const struct sum *sum, size_t field)
{
    uint64_t at = 0;
    for (size_t f = 0; f < profile->plan->features_count; f++) {
        struct profile_column *column = &profile->columns[f];
        struct quantile_interval intervals[QUANTILES_MAX];
        size_t open = quantile_intervals(column->searches, column->searches_count, intervals);
        const struct quantile whole = column->searches[0];
        for (size_t i = 0; i < open; i++) {
            uint64_t counts[QUANTILE_BINS];
            TRY(take_interval(profile, f, sum, field, at, &intervals[i], counts));
            at += intervals[i].bins;
            if (profile->stage == PROFILE_FIRST) profile_search(profile, f, &whole);
            if (column->searches_count == 0) continue;
            TRY(quantile_narrow(column->searches, column->searches_count, &intervals[i], counts));
        }
    }
    return RESULT_OK;
}

/* Whether a quantile is still to be found. */
static bool profile_open(const struct profile *profile)
{
    for (size_t f = 0; f < profile->plan->features_count; f++)
        if (quantile_bins(profile->columns[f].searches, profile->columns[f].searches_count) > 0) return true;
    return false;
}

static struct result take_first(struct profile *profile, const struct sum *sum)
{
    uint64_t most = profile->plan->rows * MEMBERS_MAX, level = 0;
    for (size_t k = 0; k < CASE_KINDS; k++) TRY(sum_count(sum, PROFILE_FIRST_CASES, k, most, &profile->cases[k]));
    ENSURE(profile_train_rows(profile) > 0, CATEGORY_USAGE, "every row is held out; check split");
    size_t number = 0;
    uint64_t specials = 0;
    for (size_t f = 0; f < profile->plan->features_count; f++)
        TRY(feature_of(profile, f)->kind == PLAN_NUMBER ? take_number(profile, f, number++, sum, &specials)
                                                        : take_levels(profile, f, sum, &level));
    TRY(take_histograms(profile, sum, PROFILE_FIRST_BINS));
    bool more = profile->options.moments || profile_open(profile);
    profile->stage = number == 0 ? PROFILE_FINISHED : more ? PROFILE_QUANTILES : PROFILE_CELLS;
    return RESULT_OK;
}

/* Central moments from the powers of distances from a first mean. */
static struct result take_powers(struct profile *profile, size_t f, size_t number, const struct sum *sum)
{
    const struct plan_feature *feature = feature_of(profile, f);
    struct profile_column *column = &profile->columns[f];
    uint64_t present = profile_present(profile, f);
    double sums[3] = {sum_real(sum, PROFILE_POWERS_DRIFT, number), sum_real(sum, PROFILE_POWERS_SPREAD, number),
                      sum_real(sum, PROFILE_POWERS_CUBES, number)};
    if (!present) return RESULT_OK;
    double drift = sums[0] / (double)present, spread = sums[1] / (double)present, cubes = sums[2] / (double)present;
    double range = feature->maximum - feature->minimum;
    ENSURE(spread >= 0 && spread <= 1 && drift * drift <= spread + 0x1p-40 && cubes <= spread + 0x1p-40 &&
               cubes >= -spread - 0x1p-40,
           CATEGORY_FALSE, "the spread of %s is impossible; the sum is not a true one", feature->name);
    double variance = spread - drift * drift;
    double third = cubes - 3 * drift * spread + 2 * drift * drift * drift;
    column->mean = column->center + range * drift;
    if (column->mean < feature->minimum) column->mean = feature->minimum;
    if (column->mean > feature->maximum) column->mean = feature->maximum;
    column->variance = variance > 0 ? range * range * variance : 0;
    column->third = range * range * range * third;
    return RESULT_OK;
}

static struct result take_quantiles(struct profile *profile, const struct sum *sum)
{
    size_t number = 0;
    for (size_t f = 0; f < profile->plan->features_count && sum->layout->fields[PROFILE_POWERS_DRIFT].length > 0; f++)
        if (feature_of(profile, f)->kind == PLAN_NUMBER) TRY(take_powers(profile, f, number++, sum));
    TRY(take_histograms(profile, sum, PROFILE_POWERS_BINS));
    profile->moments_known = 1;
    profile->stage = profile_open(profile) ? PROFILE_QUANTILES : PROFILE_CELLS;
    return RESULT_OK;
}

static struct result take_bins(struct profile *profile, size_t f, const struct sum *sum, uint64_t *at)
{
    struct profile_column *column = &profile->columns[f];
    double edges[PROFILE_BINS_MAX];
    uint64_t totals[CASE_KINDS] = {0};
    column->cells_count = profile_edges(profile, f, edges) + 1;
    for (size_t b = 0; b < column->cells_count; b++, *at += CASE_KINDS) {
        TRY(take_kinds(profile, sum, PROFILE_CELLS_CELLS, *at, column->cells[b]));
        for (size_t k = 0; k < CASE_KINDS; k++) totals[k] += column->cells[b][k];
    }
    for (size_t k = 0; k < CASE_KINDS; k++) {
        for (size_t s = 0; s < feature_of(profile, f)->specials_count; s++) totals[k] += column->specials[s][k];
        ENSURE(totals[k] + column->missing[k] == profile->cases[k], CATEGORY_FALSE,
               "the bins of %s do not add up to the rows; the sum is not a true one", feature_of(profile, f)->name);
    }
    return RESULT_OK;
}

static struct result take_cells(struct profile *profile, const struct sum *sum)
{
    uint64_t at = 0, rows;
    for (size_t f = 0; f < profile->plan->features_count; f++)
        if (feature_of(profile, f)->kind == PLAN_NUMBER) TRY(take_bins(profile, f, sum, &at));
    for (size_t p = 0; p < profile->pairs_count; p++) {
        TRY(sum_count(sum, PROFILE_CELLS_PAIRS, p, profile_train_rows(profile), &rows));
        profile->pairs[p][PAIR_ROWS] = (double)rows;
        for (size_t k = 0; k < 5; k++) {
            double value = sum_real(sum, PROFILE_CELLS_SUMS, 5 * p + k);
            bool square = k + 1 == PAIR_AA || k + 1 == PAIR_BB;
            ENSURE(value <= (double)rows && value >= (square ? 0 : -(double)rows), CATEGORY_FALSE,
                   "the products of two columns are impossible; the sum is not a true one");
            profile->pairs[p][k + 1] = value;
        }
    }
    profile->stage = PROFILE_FINISHED;
    return RESULT_OK;
}

struct result profile_advance(struct profile *profile, const struct sum *sum)
{
    if (plan_private(profile->plan)) return private_profile_advance(profile, sum);
    switch (profile->stage) {
    case PROFILE_FIRST:
        return take_first(profile, sum);
    case PROFILE_QUANTILES:
        return take_quantiles(profile, sum);
    case PROFILE_CELLS:
        return take_cells(profile, sum);
    default:
        return FAIL(CATEGORY_BUG, "the profile is finished and takes no further sum");
    }
}
