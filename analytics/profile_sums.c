/* The profile's sums: their layouts, and a bank's part of them. */
#include <math.h>
#include <stdlib.h>

#include "analytics/elementary.h"
#include "analytics/private_profile.h"
#include "analytics/profile_fields.h"
#include "analytics/schema.h"
#include "analytics/sweep.h"

/* Numbers enter as shares of maximum - minimum; powers of small shares get as many bits as an integer holds. */
enum { TOTAL_BITS = 50, POWER_BITS = 60 };

static const struct plan_feature *feature_of(const struct profile *profile, size_t f)
{
    return &profile->plan->features[f];
}

static size_t numbers_of(const struct profile *profile)
{
    size_t count = 0;
    for (size_t f = 0; f < profile->plan->features_count; f++) count += feature_of(profile, f)->kind == PLAN_NUMBER;
    return count;
}

static struct result add_reals(struct layout *layout, const char *name, uint64_t length, uint8_t bits)
{
    return layout_add(layout, layout_exact(name, length, layout_bound(1, bits), bits, 2));
}

static struct result add_counts(struct layout *layout, const char *name, uint64_t length)
{
    return layout_add(layout, layout_exact(name, length, 1, 0, 1));
}

static uint64_t open_bins(const struct profile *profile)
{
    uint64_t length = 0;
    for (size_t f = 0; f < profile->plan->features_count; f++)
        length += quantile_bins(profile->columns[f].searches, profile->columns[f].searches_count);
    return length;
}

static struct result cells_layout(const struct profile *profile, struct layout *layout)
{
    double edges[PROFILE_BINS_MAX];
    uint64_t cells = 0;
    for (size_t f = 0; f < profile->plan->features_count; f++)
        if (feature_of(profile, f)->kind == PLAN_NUMBER) cells += profile_edges(profile, f, edges) + 1;
    TRY(add_counts(layout, "cells", CASE_KINDS * cells));
    if (!profile->options.moments) return RESULT_OK;
    TRY(add_counts(layout, "pair rows", profile->pairs_count));
    return add_reals(layout, "pair sums", 5 * profile->pairs_count, POWER_BITS);
}

/* How many special codes the first `features` have together. */
static size_t specials_of(const struct profile *profile, size_t features)
{
    size_t count = 0;
    for (size_t f = 0; f < features; f++) count += feature_of(profile, f)->specials_count;
    return count;
}

struct result profile_layout(const struct profile *profile, struct layout *ret)
{
    if (plan_private(profile->plan)) return private_profile_layout(profile, ret);
    struct layout layout = {0};
    size_t numbers = numbers_of(profile), levels = 0;
    bool powers = profile->options.moments && !profile->moments_known;
    for (size_t f = 0; f < profile->plan->features_count; f++)
        if (feature_of(profile, f)->kind == PLAN_CATEGORY) levels += profile->columns[f].cells_count;
    switch (profile->stage) {
    case PROFILE_FIRST:
        TRY(add_counts(&layout, "cases", CASE_KINDS));
        TRY(add_counts(&layout, "levels", CASE_KINDS * levels));
        TRY(add_counts(&layout, "missing", CASE_KINDS * numbers));
        TRY(add_counts(&layout, "outside", numbers));
        TRY(add_reals(&layout, "totals", numbers, TOTAL_BITS));
        TRY(add_counts(&layout, "histograms", open_bins(profile)));
        TRY(add_counts(&layout, "special", CASE_KINDS * specials_of(profile, profile->plan->features_count)));
        break;
    case PROFILE_QUANTILES:
        TRY(add_reals(&layout, "drift", powers ? numbers : 0, TOTAL_BITS));
        TRY(add_reals(&layout, "spread", powers ? numbers : 0, POWER_BITS));
        TRY(add_reals(&layout, "cubes", powers ? numbers : 0, POWER_BITS));
        TRY(add_counts(&layout, "histograms", open_bins(profile)));
        break;
    case PROFILE_CELLS:
        TRY(cells_layout(profile, &layout));
        break;
    case PROFILE_FINISHED:
        return FAIL(CATEGORY_BUG, "the profile is finished and asks for no further sum");
    }
    *ret = layout;
    return RESULT_OK;
}

/* ---- a bank's part */

/* A number's search intervals, or its edges: made once for a pass. */
struct ruler {
    struct quantile_grid grid;
    struct quantile_interval intervals[QUANTILES_MAX];
    size_t open;
    double edges[PROFILE_BINS_MAX];
    size_t edges_count;
};
struct pass {
    const struct profile *profile;
    const struct table *table;
    const struct layout *layout; /* where each sum is among the values, by profile_fields.h, and its scale */
    struct ruler *rulers;        /* of each feature */
};

/* Where a field of the first sum begins among the values. */
static size_t first_at(const struct pass *pass, size_t field)
{
    return sweep_offset(pass->layout, profile_first_field(pass->profile->plan, field));
}

static struct result make_rulers(const struct profile *profile, struct ruler **ret)
{
    struct ruler *rulers = calloc(profile->plan->features_count, sizeof *rulers);
    ENSURE(rulers, CATEGORY_ENVIRONMENT, "out of memory for %zu columns", profile->plan->features_count);
    struct result result = RESULT_OK;
    for (size_t f = 0; f < profile->plan->features_count && result_ok(result); f++) {
        const struct plan_feature *feature = feature_of(profile, f);
        const struct profile_column *column = &profile->columns[f];
        if (feature->kind != PLAN_NUMBER) continue;
        result =
            quantile_grid_of(feature->name, feature->minimum, feature->maximum, feature->resolution, &rulers[f].grid);
        if (profile->stage == PROFILE_CELLS)
            rulers[f].edges_count = profile_edges(profile, f, rulers[f].edges);
        else
            rulers[f].open = quantile_intervals(column->searches, column->searches_count, rulers[f].intervals);
    }
    if (!result_ok(result)) {
        free(rulers);
        return result;
    }
    *ret = rulers;
    return RESULT_OK;
}

struct result profile_level(const struct plan_feature *feature, uint16_t code, size_t *ret)
{
    size_t levels = plan_feature_levels(feature), level = code;
    if (code == CODE_MISSING) level = feature->level_missing ? feature->levels_count : levels;
    if (code == CODE_OTHER) level = feature->level_other ? levels - 1 : levels;
    ENSURE(level < levels, CATEGORY_BUG, "the table holds a value of %s that the plan refuses", feature->name);
    *ret = level;
    return RESULT_OK;
}

/* Rows of one block. */
struct block {
    uint64_t begin, count;
    uint8_t kinds[SWEEP_BLOCK];
};

static struct result check_value(const struct plan_feature *feature, double value, bool special)
{
    if (special) return RESULT_OK;
    if (isnan(value))
        ENSURE(feature->missing != MISSING_REFUSE, CATEGORY_BUG,
               "the table holds a missing value of %s, which the plan refuses", feature->name);
    else
        ENSURE(value >= feature->minimum && value <= feature->maximum, CATEGORY_BUG,
               "the table holds a value of %s outside the plan's bounds", feature->name);
    return RESULT_OK;
}

static struct result first_category(const struct pass *pass, size_t f, const struct block *block, __int128 *levels)
{
    const uint16_t *codes = pass->table->columns[f].codes + block->begin;
    for (uint64_t i = 0; i < block->count; i++) {
        size_t level;
        TRY(profile_level(feature_of(pass->profile, f), codes[i], &level));
        levels[CASE_KINDS * level + block->kinds[i]]++;
    }
    return RESULT_OK;
}

static struct result first_number(const struct pass *pass, size_t f, size_t number, const struct block *block,
                                  __int128 *values)
{
    const struct plan_feature *feature = feature_of(pass->profile, f);
    const double *numbers = pass->table->columns[f].numbers + block->begin;
    const uint8_t *marks = pass->table->columns[f].marks;
    __int128 *missing = values + first_at(pass, PROFILE_FIRST_MISSING) + CASE_KINDS * number;
    __int128 *outside = values + first_at(pass, PROFILE_FIRST_OUTSIDE) + number;
    __int128 *total = values + first_at(pass, PROFILE_FIRST_TOTALS) + number;
    __int128 *specials = values + first_at(pass, PROFILE_FIRST_SPECIALS) + CASE_KINDS * specials_of(pass->profile, f);
    double range = feature->maximum - feature->minimum;
    bool totals = !plan_private(pass->profile->plan);
    for (uint64_t i = 0; i < block->count; i++) {
        bool trains = block->kinds[i] < CASE_HELD_NEGATIVE;
        size_t special = column_special(&pass->table->columns[f], block->begin + i);
        TRY(check_value(feature, numbers[i], special != SIZE_MAX));
        if (special != SIZE_MAX) {
            ENSURE(special < feature->specials_count, CATEGORY_BUG, "the table has a special code of %s that is none",
                   feature->name);
            specials[CASE_KINDS * special + block->kinds[i]]++;
            continue;
        }
        *outside += trains && marks && marks[block->begin + i] != MARK_NONE;
        if (isnan(numbers[i])) {
            missing[block->kinds[i]]++;
            continue;
        }
        double share = (numbers[i] - feature->minimum) / range;
        if (trains && totals) *total += elementary_round(share * (double)((int64_t)1 << TOTAL_BITS));
    }
    return RESULT_OK;
}

/* A field's unit, in its integers. */
static double one_of(const struct pass *pass, size_t field)
{
    return (double)((int64_t)1 << pass->layout->fields[field].fraction_bits);
}

static void add_powers(const struct pass *pass, size_t f, size_t number, const struct block *block, __int128 *values)
{
    const struct plan_feature *feature = feature_of(pass->profile, f);
    const double *numbers = pass->table->columns[f].numbers + block->begin;
    __int128 *drift = values + sweep_offset(pass->layout, PROFILE_POWERS_DRIFT) + number;
    __int128 *spread = values + sweep_offset(pass->layout, PROFILE_POWERS_SPREAD) + number;
    __int128 *cubes = values + sweep_offset(pass->layout, PROFILE_POWERS_CUBES) + number;
    double center = pass->profile->columns[f].center, range = feature->maximum - feature->minimum;
    double ones[] = {one_of(pass, PROFILE_POWERS_DRIFT), one_of(pass, PROFILE_POWERS_SPREAD),
                     one_of(pass, PROFILE_POWERS_CUBES)};
    bool private = plan_private(pass->profile->plan);
    for (uint64_t i = 0; i < block->count; i++) {
        if (block->kinds[i] >= CASE_HELD_NEGATIVE || isnan(numbers[i])) continue;
        double distance = private ? private_profile_distance(feature, numbers[i]) : (numbers[i] - center) / range;
        double square = distance * distance;
        *drift += elementary_round(distance * ones[0]);
        *spread += sweep_round_wide(square * ones[1]);
        *cubes += sweep_round_wide(square * distance * ones[2]);
    }
}

/* Histograms of all numbers, one after the other. */
static void add_bins(const struct pass *pass, const struct block *block, __int128 *bins)
{
    for (size_t f = 0; f < pass->profile->plan->features_count; f++) {
        const struct ruler *ruler = &pass->rulers[f];
        if (ruler->open == 0) continue;
        const double *numbers = pass->table->columns[f].numbers + block->begin;
        for (uint64_t i = 0; i < block->count; i++)
            if (block->kinds[i] < CASE_HELD_NEGATIVE && !isnan(numbers[i]))
                quantile_add(ruler->intervals, ruler->open, quantile_index(&ruler->grid, numbers[i]), bins);
        bins += ruler->intervals[ruler->open - 1].at + ruler->intervals[ruler->open - 1].bins;
    }
}

static void add_cells(const struct pass *pass, const struct block *block, __int128 *cells)
{
    for (size_t f = 0; f < pass->profile->plan->features_count; f++) {
        const struct ruler *ruler = &pass->rulers[f];
        if (feature_of(pass->profile, f)->kind != PLAN_NUMBER) continue;
        const double *numbers = pass->table->columns[f].numbers + block->begin;
        for (uint64_t i = 0; i < block->count; i++)
            if (!isnan(numbers[i]))
                cells[CASE_KINDS * profile_bin(ruler->edges, ruler->edges_count, numbers[i]) + block->kinds[i]]++;
        cells += CASE_KINDS * (ruler->edges_count + 1);
    }
}

static void add_pair(const double *a, const double *b, const struct block *block, __int128 *rows, __int128 *sums)
{
    const double one = (double)((int64_t)1 << POWER_BITS);
    for (uint64_t i = 0; i < block->count; i++) {
        if (isnan(a[i]) || isnan(b[i])) continue;
        ++*rows;
        sums[PAIR_A - 1] += sweep_round_wide(a[i] * one);
        sums[PAIR_B - 1] += sweep_round_wide(b[i] * one);
        sums[PAIR_AA - 1] += sweep_round_wide(a[i] * a[i] * one);
        sums[PAIR_BB - 1] += sweep_round_wide(b[i] * b[i] * one);
        sums[PAIR_AB - 1] += sweep_round_wide(a[i] * b[i] * one);
    }
}

/* A number of the block as shares of the range from the mean (under privacy: from the middle of the bounds); NaN where
 * it is missing or held out. */
static void take_shares(const struct pass *pass, size_t f, const struct block *block, double *ret)
{
    const struct plan_feature *feature = feature_of(pass->profile, f);
    const double *numbers = pass->table->columns[f].numbers + block->begin;
    double mean = pass->profile->columns[f].mean, range = feature->maximum - feature->minimum;
    bool private = plan_private(pass->profile->plan);
    for (uint64_t i = 0; i < block->count; i++)
        ret[i] = block->kinds[i] >= CASE_HELD_NEGATIVE ? (double)NAN
                 : private                             ? private_profile_distance(feature, numbers[i])
                                                       : (numbers[i] - mean) / range;
}

/* All pairs of the numbers' shares. */
static void add_all_pairs(const struct pass *pass, const double *shares, const struct block *block, __int128 *values)
{
    size_t numbers = numbers_of(pass->profile);
    __int128 *rows = values + sweep_offset(pass->layout, PROFILE_CELLS_PAIRS);
    __int128 *sums = values + sweep_offset(pass->layout, PROFILE_CELLS_SUMS);
    for (size_t i = 0; i < numbers; i++)
        for (size_t j = i + 1; j < numbers; j++, rows++, sums += 5)
            add_pair(shares + SWEEP_BLOCK * i, shares + SWEEP_BLOCK * j, block, rows, sums);
}

static struct result add_pairs(const struct pass *pass, const struct block *block, __int128 *values)
{
    if (pass->profile->pairs_count == 0) return RESULT_OK;
    size_t numbers = numbers_of(pass->profile), number = 0;
    double *shares = calloc(numbers * SWEEP_BLOCK, sizeof *shares);
    ENSURE(shares, CATEGORY_ENVIRONMENT, "out of memory for pairs of %zu columns", numbers);
    for (size_t f = 0; f < pass->profile->plan->features_count; f++)
        if (feature_of(pass->profile, f)->kind == PLAN_NUMBER)
            take_shares(pass, f, block, shares + SWEEP_BLOCK * number++);
    struct result result = RESULT_OK;
    if (plan_private(pass->profile->plan))
        result = private_profile_pairs(pass->profile, pass->layout, shares, block->kinds, block->count, values);
    else
        add_all_pairs(pass, shares, block, values);
    free(shares);
    return result;
}

static struct result add_first(const struct pass *pass, const struct block *block, __int128 *values)
{
    __int128 *levels = values + first_at(pass, PROFILE_FIRST_LEVELS);
    size_t number = 0;
    for (uint64_t i = 0; i < block->count; i++) values[first_at(pass, PROFILE_FIRST_CASES) + block->kinds[i]]++;
    for (size_t f = 0; f < pass->profile->plan->features_count; f++) {
        if (feature_of(pass->profile, f)->kind == PLAN_NUMBER) {
            TRY(first_number(pass, f, number++, block, values));
            continue;
        }
        TRY(first_category(pass, f, block, levels));
        levels += CASE_KINDS * pass->profile->columns[f].cells_count;
    }
    add_bins(pass, block, values + first_at(pass, PROFILE_FIRST_BINS));
    return RESULT_OK;
}

static void add_quantiles(const struct pass *pass, const struct block *block, __int128 *values)
{
    size_t number = 0;
    for (size_t f = 0; f < pass->profile->plan->features_count && pass->layout->fields[PROFILE_POWERS_DRIFT].length > 0;
         f++)
        if (feature_of(pass->profile, f)->kind == PLAN_NUMBER) add_powers(pass, f, number++, block, values);
    add_bins(pass, block, values + sweep_offset(pass->layout, PROFILE_POWERS_BINS));
}

static struct result body(const void *context, uint64_t begin, uint64_t end, __int128 *values)
{
    const struct pass *pass = context;
    struct block block;
    for (block.begin = begin; block.begin < end; block.begin += SWEEP_BLOCK) {
        block.count = end - block.begin < SWEEP_BLOCK ? end - block.begin : SWEEP_BLOCK;
        TRY(cases_classify(pass->profile->plan, pass->table, block.begin, block.begin + block.count, block.kinds));
        if (pass->profile->stage == PROFILE_FIRST) {
            TRY(add_first(pass, &block, values));
        } else if (pass->profile->stage == PROFILE_QUANTILES) {
            add_quantiles(pass, &block, values);
        } else {
            add_cells(pass, &block, values + sweep_offset(pass->layout, PROFILE_CELLS_CELLS));
            TRY(add_pairs(pass, &block, values));
        }
    }
    return RESULT_OK;
}

struct result profile_contribute(const struct profile *profile, const struct table *table, unsigned threads,
                                 uint64_t *words)
{
    struct layout layout, places;
    TRY(profile_layout(profile, &layout));
    if (plan_private(profile->plan))
        TRY(private_profile_places(profile, &places));
    else
        places = layout;
    struct pass pass = {.profile = profile, .table = table, .layout = &places};
    TRY(make_rulers(profile, &pass.rulers));
    struct result result = sweep_run(&(struct sweep){&layout, table->rows, body, &pass}, threads, words);
    free(pass.rulers);
    return result;
}
