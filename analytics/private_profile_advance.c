/* What the private profile makes of noisy sums: counts that agree, moments that are possible, searches that end. No sum
 * is refused, whatever the noise was. */
#include <inttypes.h>
#include <math.h>

#include "analytics/private_profile.h"
#include "analytics/private_project.h"
#include "analytics/profile_fields.h"

/* An interval is looked into when it holds so many times the noise of a bin: the sum of half its bins carries noise of
 * some ten times that of one. */
static const double least_held = 32;

_Static_assert(QUANTILE_BINS <= PRIVATE_ORDERED_MAX, "a histogram is projected as one");

/* A round's sum, by the fields of profile_fields.h; every value is one word. */
struct places {
    struct layout layout;
    const uint64_t *words;
};

static const struct plan_feature *feature_of(const struct profile *profile, size_t f)
{
    return &profile->plan->features[f];
}

static const uint64_t *words_of(const struct places *places, size_t field)
{
    return places->words + layout_offset(&places->layout, field);
}

static const uint64_t *first_words(const struct profile *profile, const struct places *places, size_t field)
{
    return words_of(places, profile_first_field(profile->plan, field));
}

static double real_of(const struct places *places, size_t field, uint64_t value)
{
    return sum_real(&(struct sum){&places->layout, places->words}, field, value);
}

static void take_levels(struct profile *profile, size_t f, const struct places *places, uint64_t *at)
{
    struct profile_column *column = &profile->columns[f];
    const uint64_t *levels = first_words(profile, places, PROFILE_FIRST_LEVELS) + *at;
    for (size_t k = 0; k < CASE_KINDS; k++)
        private_project_total(levels + k, column->cells_count, CASE_KINDS, profile->cases[k], &column->cells[0][k]);
    *at += CASE_KINDS * column->cells_count;
}

/* Missing values and special codes of one kind of case: together no more than its rows. */
static void take_absent(struct profile *profile, size_t f, size_t kind, const uint64_t *missing,
                        const uint64_t *specials)
{
    struct profile_column *column = &profile->columns[f];
    size_t count = feature_of(profile, f)->specials_count;
    uint64_t words[PLAN_SPECIALS_MAX + 1] = {missing[kind]}, counts[PLAN_SPECIALS_MAX + 1] = {0};
    for (size_t s = 0; s < count; s++) words[s + 1] = specials[CASE_KINDS * s + kind];
    private_project_within(words, count + 1, 1, profile->cases[kind], counts);
    column->missing[kind] = counts[0];
    for (size_t s = 0; s < count; s++) column->specials[s][kind] = counts[s + 1];
}

static double middle(const struct plan_feature *feature)
{
    return feature->minimum + (feature->maximum - feature->minimum) / 2;
}

static void take_number(struct profile *profile, size_t f, size_t number, const struct places *places,
                        uint64_t *specials)
{
    struct profile_column *column = &profile->columns[f];
    const uint64_t *missing = first_words(profile, places, PROFILE_FIRST_MISSING) + CASE_KINDS * number;
    for (size_t k = 0; k < CASE_KINDS; k++)
        take_absent(profile, f, k, missing, first_words(profile, places, PROFILE_FIRST_SPECIALS) + *specials);
    column->outside =
        private_clip_count(first_words(profile, places, PROFILE_FIRST_OUTSIDE)[number], profile_train_rows(profile));
    column->center = column->mean = middle(feature_of(profile, f));
    *specials += CASE_KINDS * feature_of(profile, f)->specials_count;
}

/* ---- quantiles */

/* The search ends: the interval's values are taken to lie evenly in it. */
static void settle(struct quantile *search, uint64_t *held)
{
    double width = (double)(search->high - search->low) + 1;
    double at = *held > 0 ? width * (((double)search->rank + 0.5) / (double)*held) : 0;
    uint64_t index = search->low + (uint64_t)at;
    if (index > search->high) index = search->high;
    *search = (struct quantile){.low = index, .high = index};
    *held = 0;
}

/* To the bin that holds the rank; the counts go beyond it. */
static void narrow(struct quantile *search, uint64_t *held, const struct quantile_interval *interval,
                   const uint64_t *counts)
{
    uint64_t bin = 0;
    while (bin + 1 < interval->bins && search->rank >= counts[bin]) search->rank -= counts[bin++];
    uint64_t low = interval->low + bin * interval->width;
    if (low + interval->width - 1 < search->high) search->high = low + interval->width - 1;
    search->low = low;
    *held = counts[bin];
}

/* All searches that look into the interval; they go on only where it holds `least` or more. */
static void narrow_all(struct profile_column *column, const struct quantile_interval *interval, const uint64_t *counts,
                       double least)
{
    for (size_t s = interval->search; s < column->searches_count && column->searches[s].low == interval->low &&
                                      column->searches[s].high == interval->high;
         s++) {
        narrow(&column->searches[s], &column->held[s], interval, counts);
        if (!((double)column->held[s] >= least)) settle(&column->searches[s], &column->held[s]);
    }
}

/* From how many values on an interval is looked into: as noisy as the next histograms are. */
static double least_of(const struct profile *profile)
{
    if (profile->stage != PROFILE_FIRST) return (double)INFINITY; /* the last histograms */
    const struct layout_field field = private_profile_histograms(profile, 1);
    return least_held * private_sigma(&field);
}

static void take_histogram(struct profile *profile, size_t f, const uint64_t *words, double least, uint64_t *at)
{
    struct profile_column *column = &profile->columns[f];
    struct quantile_interval intervals[QUANTILES_MAX];
    const struct quantile whole = column->searches[0];
    bool first = profile->stage == PROFILE_FIRST;
    size_t open = quantile_intervals(column->searches, column->searches_count, intervals);
    if (first) profile_search(profile, f, &whole);
    for (size_t i = 0; i < open; i++) {
        uint64_t counts[QUANTILE_BINS];
        uint64_t held = first ? profile_present(profile, f) : column->held[intervals[i].search];
        private_project_ordered(words + *at, intervals[i].bins, held, counts);
        *at += intervals[i].bins;
        narrow_all(column, &intervals[i], counts, least);
    }
}

/* Whether a quantile is still to be found. */
static bool take_histograms(struct profile *profile, const struct places *places, size_t field)
{
    double least = least_of(profile);
    bool open = false;
    uint64_t at = 0;
    for (size_t f = 0; f < profile->plan->features_count; f++) {
        const struct profile_column *column = &profile->columns[f];
        if (feature_of(profile, f)->kind != PLAN_NUMBER) continue;
        take_histogram(profile, f, words_of(places, field), least, &at);
        open = open || quantile_bins(column->searches, column->searches_count) > 0;
    }
    return open;
}

/* ---- the rounds */

/* Kinds of case that the plan does not have count nobody, whatever the noise. */
static bool has_kind(const struct plan *plan, size_t kind)
{
    bool held = kind == CASE_HELD_NEGATIVE || kind == CASE_HELD_POSITIVE;
    bool positive = kind == CASE_TRAIN_POSITIVE || kind == CASE_HELD_POSITIVE;
    return !(held && plan->split == SPLIT_NONE) && !(positive && !plan->target[0]);
}

static void take_first(struct profile *profile, const struct places *places)
{
    uint64_t most = profile->plan->rows * MEMBERS_MAX, level = 0, specials = 0;
    size_t number = 0;
    for (size_t k = 0; k < CASE_KINDS; k++)
        profile->cases[k] = private_clip_count(first_words(profile, places, PROFILE_FIRST_CASES)[k],
                                               has_kind(profile->plan, k) ? most : 0);
    for (size_t f = 0; f < profile->plan->features_count; f++)
        if (feature_of(profile, f)->kind == PLAN_NUMBER)
            take_number(profile, f, number++, places, &specials);
        else
            take_levels(profile, f, places, &level);
    bool more = take_histograms(profile, places, profile_first_field(profile->plan, PROFILE_FIRST_BINS)) ||
                profile->options.moments;
    profile->stage = number == 0 ? PROFILE_FINISHED : more ? PROFILE_QUANTILES : PROFILE_CELLS;
}

/* Moments about the mean from those about the middle of the bounds. Of values within it no variance is above
 * (1/2 - drift)(1/2 + drift), and no third moment above the variance. */
static void take_powers(struct profile *profile, size_t f, size_t number, const struct places *places)
{
    const struct plan_feature *feature = feature_of(profile, f);
    struct profile_column *column = &profile->columns[f];
    double present = (double)profile_present(profile, f), range = feature->maximum - feature->minimum;
    if (!(present > 0)) return;
    double drift = private_clip(real_of(places, PROFILE_POWERS_DRIFT, number) / present, -0.5, 0.5);
    double spread = private_clip(real_of(places, PROFILE_POWERS_SPREAD, number) / present, 0, 0.25);
    double cubes = private_clip(real_of(places, PROFILE_POWERS_CUBES, number) / present, -0.125, 0.125);
    double variance = private_clip(spread - drift * drift, 0, 0.25);
    double third = private_clip(cubes - 3 * drift * spread + 2 * drift * drift * drift, -variance, variance);
    column->mean = private_clip(column->center + range * drift, feature->minimum, feature->maximum);
    column->variance = range * range * variance;
    column->third = range * range * range * third;
}

static void take_quantiles(struct profile *profile, const struct places *places)
{
    size_t number = 0;
    for (size_t f = 0; f < profile->plan->features_count && profile->options.moments; f++)
        if (feature_of(profile, f)->kind == PLAN_NUMBER) take_powers(profile, f, number++, places);
    (void)take_histograms(profile, places, PROFILE_POWERS_BINS);
    profile->moments_known = 1;
    profile->stage = PROFILE_CELLS;
}

/* Bins of each kind of case hold what is neither missing nor special. */
static void take_bins(struct profile *profile, size_t f, const struct places *places, uint64_t *at)
{
    struct profile_column *column = &profile->columns[f];
    double edges[PROFILE_BINS_MAX];
    column->cells_count = profile_edges(profile, f, edges) + 1;
    for (size_t k = 0; k < CASE_KINDS; k++) {
        uint64_t total = profile->cases[k] - column->missing[k];
        for (size_t s = 0; s < feature_of(profile, f)->specials_count; s++) total -= column->specials[s][k];
        private_project_total(words_of(places, PROFILE_CELLS_CELLS) + *at + k, column->cells_count, CASE_KINDS, total,
                              &column->cells[0][k]);
    }
    *at += CASE_KINDS * column->cells_count;
}

/* Variance as a share of the squared range, and how far the mean is from the middle. */
struct spread {
    double variance, drift;
    uint64_t present;
};

static struct spread spread_of(const struct profile *profile, size_t f)
{
    const struct plan_feature *feature = feature_of(profile, f);
    const struct profile_column *column = &profile->columns[f];
    double range = feature->maximum - feature->minimum;
    return (struct spread){column->variance / range / range, private_profile_distance(feature, column->mean),
                           profile_present(profile, f)};
}

/* Rows with both values: at most those with either, at least those that leave no room for both to be missing. */
static uint64_t both(uint64_t word, uint64_t rows, uint64_t a, uint64_t b)
{
    uint64_t count = private_clip_count(word, a < b ? a : b), least = a + b > rows ? a + b - rows : 0;
    return count > least ? count : least;
}

/* Products about the means: those about the middle, less the product of the means; a missing value at the mean adds
 * nothing. */
static void take_pair(const struct profile *profile, size_t f, size_t g, size_t pair, const struct places *places)
{
    double *of = profile->pairs[pair];
    uint64_t train = profile_train_rows(profile);
    const struct spread a = spread_of(profile, f), b = spread_of(profile, g);
    double rows = (double)both(words_of(places, PROFILE_CELLS_PAIRS)[pair], train, a.present, b.present);
    double products = real_of(places, PROFILE_CELLS_SUMS, pair) - (double)train * (a.drift * b.drift);
    double most = rows * (sqrt(a.variance) * sqrt(b.variance));
    of[PAIR_ROWS] = rows;
    of[PAIR_AA] = rows * a.variance;
    of[PAIR_BB] = rows * b.variance;
    of[PAIR_AB] = private_clip(products, -most, most);
}

static void take_cells(struct profile *profile, const struct places *places)
{
    uint64_t at = 0;
    size_t pair = 0, count = profile->plan->features_count;
    for (size_t f = 0; f < count; f++)
        if (feature_of(profile, f)->kind == PLAN_NUMBER) take_bins(profile, f, places, &at);
    for (size_t f = 0; f < count && profile->pairs_count > 0; f++)
        for (size_t g = f + 1; g < count && feature_of(profile, f)->kind == PLAN_NUMBER; g++)
            if (feature_of(profile, g)->kind == PLAN_NUMBER) take_pair(profile, f, g, pair++, places);
    profile->stage = PROFILE_FINISHED;
}

struct result private_profile_advance(struct profile *profile, const struct sum *sum)
{
    struct places places = {.words = sum->words};
    TRY(private_profile_places(profile, &places.layout));
    switch (profile->stage) {
    case PROFILE_FIRST:
        take_first(profile, &places);
        return RESULT_OK;
    case PROFILE_QUANTILES:
        take_quantiles(profile, &places);
        return RESULT_OK;
    case PROFILE_CELLS:
        take_cells(profile, &places);
        return RESULT_OK;
    default:
        return FAIL(CATEGORY_BUG, "the profile is finished and takes no further sum");
    }
}
