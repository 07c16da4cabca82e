/* The profile's sums (profile_sums.c) as formulas. */
#include <inttypes.h>
#include <stdlib.h>

#include "analytics/formulas.h"
#include "analytics/profile.h"
#include "analytics/profile_fields.h"
#include "analytics/sweep.h"
#include "data/table.h"

/* With more sums of pairs than these the database is not asked: as many as the products at full resolution that a
 * logistic run asks it for. */
enum { PAIR_SUMS_MOST = 231 };

struct maker {
    struct formula_sums *sums;
    const struct profile *profile;
    struct layout layout;
    struct formulas_row row;
};

static void maker_done(struct maker *maker)
{
    formulas_row_done(&maker->row);
}

static const struct plan_feature *feature_of(const struct maker *maker, size_t f)
{
    return &maker->profile->plan->features[f];
}

static size_t at(const struct maker *maker, size_t field)
{
    return sweep_offset(&maker->layout, field);
}

static int bits_of(const struct maker *maker, size_t field)
{
    return maker->layout.fields[field].fraction_bits;
}

/* A number's share of the range from some point. */
static uint32_t share_of(struct maker *maker, size_t f, double from)
{
    const struct plan_feature *feature = feature_of(maker, f);
    uint32_t distance = formula_subtract(maker->sums, maker->row.values[f], formula_real(maker->sums, from));
    return formula_divide(maker->sums, distance, formula_real(maker->sums, feature->maximum - feature->minimum));
}

/* The same, and 0 where its square and cube round to 0 whatever their bits. */
static uint32_t coarse_share(struct maker *maker, size_t f, double from)
{
    return formula_flush(maker->sums, share_of(maker, f, from), FORMULAS_FLUSH);
}

static void first_number(struct maker *maker, size_t f, size_t number, size_t specials)
{
    struct formula_sums *sums = maker->sums;
    const struct formulas_row *row = &maker->row;
    const struct plan_feature *feature = feature_of(maker, f);
    uint32_t absent = formula_missing(sums, row->values[f]), lacking = formulas_where(sums, absent, row->kind);
    if (row->marks[f] != FORMULAS_NONE) {
        uint32_t mark = row->marks[f], first = formula_integer(sums, MARK_SPECIAL);
        uint32_t ordinary = formula_less(sums, mark, first);
        uint32_t moved = formula_both(sums, ordinary, formula_less(sums, formula_integer(sums, MARK_NONE), mark));
        formula_sum(sums, at(maker, PROFILE_FIRST_OUTSIDE) + number,
                    formulas_flag(sums, formula_both(sums, row->trains, moved)));
        lacking = formulas_where(sums, ordinary, lacking);
        uint32_t special =
            formula_within(sums, formula_subtract(sums, mark, first), 0, (double)feature->specials_count - 1);
        if (feature->specials_count > 0)
            formula_count(sums, at(maker, PROFILE_FIRST_SPECIALS) + CASE_KINDS * specials,
                          formulas_where(sums, formula_at_most(sums, first, mark),
                                         formulas_pair(sums, special, CASE_KINDS, row->kind)),
                          CASE_KINDS * feature->specials_count);
    }
    if (formulas_may_lack(feature))
        formula_count(sums, at(maker, PROFILE_FIRST_MISSING) + CASE_KINDS * number, lacking, CASE_KINDS);
    uint32_t total = formulas_fixed(sums, share_of(maker, f, feature->minimum), bits_of(maker, PROFILE_FIRST_TOTALS));
    formula_sum(sums, at(maker, PROFILE_FIRST_TOTALS) + number, formulas_where(sums, row->trains, total));
}

/* Histograms of all numbers, one after the other. */
static struct result put_bins(struct maker *maker, size_t field)
{
    size_t begin = at(maker, field);
    for (size_t f = 0; f < maker->profile->plan->features_count; f++) {
        const struct plan_feature *feature = feature_of(maker, f);
        const struct profile_column *column = &maker->profile->columns[f];
        struct quantile_interval intervals[QUANTILES_MAX];
        struct quantile_grid grid;
        if (feature->kind != PLAN_NUMBER) continue;
        TRY(quantile_grid_of(feature->name, feature->minimum, feature->maximum, feature->resolution, &grid));
        size_t open = quantile_intervals(column->searches, column->searches_count, intervals);
        formulas_quantiles(maker->sums, maker->row.values[f], maker->row.trains, &grid, intervals, open, begin);
        begin += (size_t)quantile_bins(column->searches, column->searches_count);
    }
    return RESULT_OK;
}

static struct result put_first(struct maker *maker)
{
    size_t number = 0, specials = 0, levels = at(maker, PROFILE_FIRST_LEVELS);
    formula_count(maker->sums, at(maker, PROFILE_FIRST_CASES), maker->row.kind, CASE_KINDS);
    for (size_t f = 0; f < maker->profile->plan->features_count; f++) {
        size_t cells = maker->profile->columns[f].cells_count;
        if (feature_of(maker, f)->kind == PLAN_NUMBER) {
            first_number(maker, f, number++, specials);
            specials += feature_of(maker, f)->specials_count;
            continue;
        }
        formula_count(maker->sums, levels,
                      formulas_pair(maker->sums, maker->row.values[f], CASE_KINDS, maker->row.kind),
                      CASE_KINDS * cells);
        levels += CASE_KINDS * cells;
    }
    return put_bins(maker, PROFILE_FIRST_BINS);
}

static void put_powers(struct maker *maker, size_t f, size_t number)
{
    struct formula_sums *sums = maker->sums;
    uint32_t distance = coarse_share(maker, f, maker->profile->columns[f].center);
    uint32_t square = formula_multiply(sums, distance, distance);
    const uint32_t powers[] = {distance, square, formula_multiply(sums, square, distance)};
    const size_t fields[] = {PROFILE_POWERS_DRIFT, PROFILE_POWERS_SPREAD, PROFILE_POWERS_CUBES};
    for (size_t p = 0; p < 3; p++)
        formula_sum(
            sums, at(maker, fields[p]) + number,
            formulas_where(sums, maker->row.trains, formulas_fixed(sums, powers[p], bits_of(maker, fields[p]))));
}

static struct result put_quantiles(struct maker *maker)
{
    size_t number = 0;
    bool powers = maker->layout.fields[PROFILE_POWERS_DRIFT].length > 0;
    for (size_t f = 0; f < maker->profile->plan->features_count && powers; f++)
        if (feature_of(maker, f)->kind == PLAN_NUMBER) put_powers(maker, f, number++);
    return put_bins(maker, PROFILE_POWERS_BINS);
}

/* One pair: what either number adds counts where the other is there. */
static void put_pair(struct maker *maker, const uint32_t shares[2], const uint32_t absent[2], size_t rows,
                     size_t sums_at)
{
    struct formula_sums *sums = maker->sums;
    int bits = bits_of(maker, PROFILE_CELLS_SUMS);
    uint32_t either = FORMULAS_NONE;
    for (size_t i = 0; i < 2; i++)
        if (absent[i] != FORMULAS_NONE)
            either = either == FORMULAS_NONE ? absent[i] : formula_either(sums, either, absent[i]);
    const uint32_t products[] = {
        [PAIR_A] = shares[0],
        [PAIR_B] = shares[1],
        [PAIR_AA] = formula_multiply(sums, shares[0], shares[0]),
        [PAIR_BB] = formula_multiply(sums, shares[1], shares[1]),
        [PAIR_AB] = formula_multiply(sums, shares[0], shares[1]),
    };
    for (size_t p = PAIR_ROWS; p <= PAIR_AB; p++) {
        uint32_t value = p == PAIR_ROWS ? formula_integer(sums, 1) : formulas_fixed(sums, products[p], bits);
        value = formulas_where(sums, maker->row.trains, value);
        if (either != FORMULAS_NONE) value = formula_choose(sums, either, formula_nothing(sums), value);
        formula_sum(sums, p == PAIR_ROWS ? rows : sums_at + p - 1, value);
    }
}

static void put_pairs(struct maker *maker)
{
    size_t rows = at(maker, PROFILE_CELLS_PAIRS), sums_at = at(maker, PROFILE_CELLS_SUMS);
    const struct plan *plan = maker->profile->plan;
    for (size_t i = 0; i < plan->features_count; i++) {
        for (size_t j = i + 1; j < plan->features_count; j++) {
            if (feature_of(maker, i)->kind != PLAN_NUMBER || feature_of(maker, j)->kind != PLAN_NUMBER) continue;
            const size_t both[] = {i, j};
            uint32_t shares[2], absent[2] = {FORMULAS_NONE, FORMULAS_NONE};
            for (size_t k = 0; k < 2; k++) {
                shares[k] = coarse_share(maker, both[k], maker->profile->columns[both[k]].mean);
                if (formulas_may_lack(feature_of(maker, both[k])))
                    absent[k] = formula_missing(maker->sums, maker->row.values[both[k]]);
            }
            put_pair(maker, shares, absent, rows++, sums_at);
            sums_at += 5;
        }
    }
}

/* Sums that no two pairs share: of numbers that are never missing only the product. */
static size_t pair_sums(const struct maker *maker)
{
    bool lacking = false;
    for (size_t f = 0; f < maker->profile->plan->features_count; f++)
        lacking = lacking || formulas_may_lack(feature_of(maker, f));
    return maker->profile->pairs_count * (lacking ? PAIR_AB + 1 : 1);
}

static void put_cells(struct maker *maker)
{
    if (pair_sums(maker) > PAIR_SUMS_MOST) {
        formula_unsupported(maker->sums, "products of many columns");
        return;
    }
    size_t begin = at(maker, PROFILE_CELLS_CELLS);
    double edges[PROFILE_BINS_MAX];
    for (size_t f = 0; f < maker->profile->plan->features_count; f++) {
        if (feature_of(maker, f)->kind != PLAN_NUMBER) continue;
        size_t count = profile_edges(maker->profile, f, edges);
        uint32_t bin = formula_bin(maker->sums, maker->row.values[f], edges, count);
        formula_count(maker->sums, begin, formulas_pair(maker->sums, bin, CASE_KINDS, maker->row.kind),
                      CASE_KINDS * (count + 1));
        begin += CASE_KINDS * (count + 1);
    }
    if (maker->profile->pairs_count > 0) put_pairs(maker);
}

struct result profile_formulas(const struct profile *profile, struct formula_sums *ret)
{
    CLEANUP(maker_done) struct maker maker = {.sums = ret, .profile = profile};
    if (plan_private(profile->plan)) {
        formula_unsupported(ret, "sums with noise");
        return RESULT_OK;
    }
    TRY(profile_layout(profile, &maker.layout));
    TRY(formulas_row_of(ret, profile->plan, &maker.row));
    switch (profile->stage) {
    case PROFILE_FIRST:
        return put_first(&maker);
    case PROFILE_QUANTILES:
        return put_quantiles(&maker);
    default:
        put_cells(&maker);
        return RESULT_OK;
    }
}
