/* The private profile's sums: norms, budget, and a bank's part of what the exact profile does not have. */
#include "analytics/private_profile.h"

#include <math.h>
#include <stdlib.h>

#include "analytics/profile_fields.h"
#include "analytics/sweep.h"

/* Parts of a phase's budget. */
static const double cases_part = 0.2, counts_part = 0.65, outside_part = 0.15;
static const double drift_part = 0.3, spread_part = 0.25, cubes_part = 0.1, histograms_part = 0.35;
static const double cells_part = 0.55, pair_rows_part = 0.05, products_part = 0.4;

static const struct plan_feature *feature_of(const struct profile *profile, size_t f)
{
    return &profile->plan->features[f];
}

/* What the lengths and norms of the sums follow from. */
struct shape {
    size_t categories, numbers, levels, specials, pairs;
    uint64_t bins, cells;
};

static struct shape shape_of(const struct profile *profile)
{
    struct shape shape = {.pairs = profile->pairs_count};
    double edges[PROFILE_BINS_MAX];
    for (size_t f = 0; f < profile->plan->features_count; f++) {
        const struct profile_column *column = &profile->columns[f];
        if (feature_of(profile, f)->kind == PLAN_CATEGORY) {
            shape.categories++;
            shape.levels += column->cells_count;
            continue;
        }
        shape.numbers++;
        shape.specials += feature_of(profile, f)->specials_count;
        shape.bins += quantile_bins(column->searches, column->searches_count);
        if (profile->stage == PROFILE_CELLS) shape.cells += profile_edges(profile, f, edges) + 1;
    }
    return shape;
}

struct result private_profile_budget(const struct plan *plan, struct private_budget *ret)
{
    bool numbers = false;
    for (size_t f = 0; f < plan->features_count; f++) numbers = numbers || plan->features[f].kind == PLAN_NUMBER;
    const double own[PLAN_PHASES] = {
        [PHASE_COUNTS] = 0.4, [PHASE_SCALE] = numbers ? 0.3 : 0, [PHASE_CELLS] = numbers ? 0.3 : 0};
    return private_split(plan, own, ret);
}

/* An empty field is left out: it has no noise to speak of. */
static struct result add(struct layout *layout, struct layout_field field)
{
    return field.length > 0 ? layout_add(layout, field) : RESULT_OK;
}

/* A record is one case; of each category in one level; of each number in one bin, or missing, or one special code. */
static struct result first_layout(const struct profile *profile, const struct shape *shape, struct layout *layout)
{
    double rho = profile->options.budget.rho[PHASE_COUNTS];
    double whole = cases_part + counts_part + (shape->numbers ? outside_part : 0);
    uint64_t counts = CASE_KINDS * (shape->levels + shape->numbers + shape->specials) + shape->bins;
    double norm = private_norm((double)(shape->categories + shape->numbers));
    TRY(add(layout, private_counts("cases", CASE_KINDS, 1, private_part(rho, cases_part / whole))));
    TRY(add(layout, private_counts("counts", counts, norm, private_part(rho, counts_part / whole))));
    return add(layout, private_counts("outside", shape->numbers, private_norm((double)shape->numbers),
                                      private_part(rho, outside_part / whole)));
}

/* The distance of a value is within 1/2, of each number. */
static struct result add_power(struct layout *layout, const char *name, size_t numbers, double bound, double rho)
{
    struct layout_field field;
    TRY(private_reals(name, numbers, bound, bound * private_norm((double)numbers), rho, &field));
    return layout_add(layout, field);
}

static size_t numbers_of(const struct profile *profile)
{
    size_t count = 0;
    for (size_t f = 0; f < profile->plan->features_count; f++) count += feature_of(profile, f)->kind == PLAN_NUMBER;
    return count;
}

struct layout_field private_profile_histograms(const struct profile *profile, uint64_t bins)
{
    double rho = profile->options.budget.rho[PHASE_SCALE], part = profile->options.moments ? histograms_part : 1;
    return private_counts("histograms", bins, private_norm((double)numbers_of(profile)), private_part(rho, part));
}

static struct result quantiles_layout(const struct profile *profile, const struct shape *shape, struct layout *layout)
{
    double rho = profile->options.budget.rho[PHASE_SCALE];
    if (shape->numbers == 0) return RESULT_OK;
    if (profile->options.moments) {
        TRY(add_power(layout, "drift", shape->numbers, 1.0 / 2, private_part(rho, drift_part)));
        TRY(add_power(layout, "spread", shape->numbers, 1.0 / 4, private_part(rho, spread_part)));
        TRY(add_power(layout, "cubes", shape->numbers, 1.0 / 8, private_part(rho, cubes_part)));
    }
    return add(layout, private_profile_histograms(profile, shape->bins));
}

static struct result cells_layout(const struct profile *profile, const struct shape *shape, struct layout *layout)
{
    double rho = profile->options.budget.rho[PHASE_CELLS], pairs = (double)shape->pairs;
    if (shape->numbers == 0) return RESULT_OK;
    TRY(add(layout, private_counts("cells", CASE_KINDS * shape->cells, private_norm((double)shape->numbers),
                                   private_part(rho, shape->pairs ? cells_part : 1))));
    if (shape->pairs == 0) return RESULT_OK;
    struct layout_field products;
    TRY(private_reals("pair products", shape->pairs, 1.0 / 4, private_norm(pairs) / 4, private_part(rho, products_part),
                      &products));
    TRY(add(layout, private_counts("pair rows", shape->pairs, private_norm(pairs), private_part(rho, pair_rows_part))));
    return layout_add(layout, products);
}

struct result private_profile_layout(const struct profile *profile, struct layout *ret)
{
    struct layout layout = {0};
    const struct shape shape = shape_of(profile);
    if (profile->stage == PROFILE_FIRST) TRY(first_layout(profile, &shape, &layout));
    if (profile->stage == PROFILE_QUANTILES) TRY(quantiles_layout(profile, &shape, &layout));
    if (profile->stage == PROFILE_CELLS) TRY(cells_layout(profile, &shape, &layout));
    ENSURE(profile->stage != PROFILE_FINISHED, CATEGORY_BUG, "the profile is finished and asks for no further sum");
    *ret = layout;
    return RESULT_OK;
}

/* Fields by their lengths alone; of counts all scales are 1. */
static struct result put_places(struct layout *places, const uint64_t *lengths, size_t count, uint8_t bits)
{
    for (size_t i = 0; i < count; i++) TRY(layout_add(places, layout_exact("", lengths[i], 1, bits, 1)));
    return RESULT_OK;
}

/* The layout's real sums are its fields [first, first + count). */
static struct result put_reals(struct layout *places, const struct layout *layout, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) /* one that the layout lacks is empty */
        TRY(layout_add(places, i < layout->fields_count ? layout->fields[i] : layout_exact("", 0, 1, 0, 1)));
    return RESULT_OK;
}

struct result private_profile_places(const struct profile *profile, struct layout *ret)
{
    struct layout layout, places = {0};
    const struct shape shape = shape_of(profile);
    TRY(private_profile_layout(profile, &layout));
    const uint64_t first[] = {CASE_KINDS,
                              CASE_KINDS * shape.levels,
                              CASE_KINDS * shape.numbers,
                              CASE_KINDS * shape.specials,
                              shape.bins,
                              shape.numbers,
                              0};
    const uint64_t cells[] = {CASE_KINDS * shape.cells, shape.pairs}, none[] = {0, 0, 0};
    if (profile->stage == PROFILE_FIRST) TRY(put_places(&places, first, sizeof first / sizeof *first, 0));
    if (profile->stage == PROFILE_QUANTILES) {
        if (profile->options.moments)
            TRY(put_reals(&places, &layout, 0, 3));
        else
            TRY(put_places(&places, none, 3, 0));
        TRY(put_places(&places, &shape.bins, 1, 0));
    }
    if (profile->stage == PROFILE_CELLS) {
        TRY(put_places(&places, cells, 2, 0));
        TRY(put_reals(&places, &layout, 2, 1));
    }
    *ret = places;
    return RESULT_OK;
}

struct result private_profile_rounds(const struct plan *plan, struct profile_options options,
                                     struct private_profile_rounds *ret)
{
    CLEANUP(profile_done) struct profile profile = {0};
    *ret = (struct private_profile_rounds){0};
    TRY(profile_new(plan, options, &profile));
    TRY(private_profile_layout(&profile, &ret->first));
    profile.stage = PROFILE_QUANTILES;
    TRY(private_profile_layout(&profile, &ret->quantiles));
    profile.stage = PROFILE_CELLS;
    return private_profile_layout(&profile, &ret->cells);
}

double private_profile_distance(const struct plan_feature *feature, double value)
{
    double range = feature->maximum - feature->minimum, share = (value - feature->minimum) / range - 0.5;
    return share > 0.5 ? 0.5 : share < -0.5 ? -0.5 : share;
}

/* The product of two numbers' distances, with the mean's for a missing value. */
static void add_pair(const double *a, const double *b, const double fill[2], const uint8_t *kinds, uint64_t count,
                     double one, __int128 sums[2])
{
    for (uint64_t i = 0; i < count; i++) {
        if (kinds[i] >= CASE_HELD_NEGATIVE) continue;
        double x = isnan(a[i]) ? fill[0] : a[i], y = isnan(b[i]) ? fill[1] : b[i];
        sums[0] += !isnan(a[i]) && !isnan(b[i]);
        sums[1] += sweep_round_wide(x * y * one);
    }
}

/* The means' distances, for missing values; how many numbers there are. */
static size_t fills_of(const struct profile *profile, double *ret)
{
    size_t numbers = 0;
    for (size_t f = 0; f < profile->plan->features_count; f++)
        if (feature_of(profile, f)->kind == PLAN_NUMBER)
            ret[numbers++] = private_profile_distance(feature_of(profile, f), profile->columns[f].mean);
    return numbers;
}

struct result private_profile_pairs(const struct profile *profile, const struct layout *places, const double *shares,
                                    const uint8_t *kinds, uint64_t count, __int128 *values)
{
    __int128 *rows = values + sweep_offset(places, PROFILE_CELLS_PAIRS);
    __int128 *products = values + sweep_offset(places, PROFILE_CELLS_SUMS);
    double one = (double)((int64_t)1 << places->fields[PROFILE_CELLS_SUMS].fraction_bits);
    double *fills = calloc(profile->plan->features_count, sizeof *fills);
    ENSURE(fills, CATEGORY_ENVIRONMENT, "out of memory for the means of %zu columns", profile->plan->features_count);
    size_t numbers = fills_of(profile, fills);
    for (size_t i = 0; i < numbers; i++)
        for (size_t j = i + 1; j < numbers; j++, rows++, products++) {
            __int128 sums[2] = {0};
            add_pair(shares + SWEEP_BLOCK * i, shares + SWEEP_BLOCK * j, (double[]){fills[i], fills[j]}, kinds, count,
                     one, sums);
            *rows += sums[0];
            *products += sums[1];
        }
    free(fills);
    return RESULT_OK;
}
