/* The profile's state: what is known, as bytes, and what follows from it. */
#include "analytics/profile.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_number(const struct profile *profile, size_t feature)
{
    return profile->plan->features[feature].kind == PLAN_NUMBER;
}

void profile_done(struct profile *profile)
{
    for (size_t f = 0; profile->columns && f < profile->plan->features_count; f++) free(profile->columns[f].cells);
    free(profile->columns);
    free(profile->pairs);
    *profile = (struct profile){0};
}

static struct result new_column(const struct plan_feature *feature, struct profile_column *column)
{
    size_t cells = PROFILE_BINS_MAX;
    if (feature->kind == PLAN_CATEGORY) {
        cells = column->cells_count = plan_feature_levels(feature);
    } else {
        struct quantile_grid grid;
        TRY(quantile_grid_of(feature->name, feature->minimum, feature->maximum, feature->resolution, &grid));
        column->searches[0] = quantile_start(&grid);
        column->searches_count = 1;
    }
    column->cells = calloc(cells, sizeof *column->cells);
    ENSURE(column->cells, CATEGORY_ENVIRONMENT, "out of memory for the cells of %s", feature->name);
    return RESULT_OK;
}

static struct result allocate(const struct plan *plan, struct profile *profile)
{
    profile->columns = calloc(plan->features_count + 1, sizeof *profile->columns);
    profile->pairs = calloc(profile->pairs_count + 1, sizeof *profile->pairs);
    ENSURE(profile->columns && profile->pairs, CATEGORY_ENVIRONMENT, "out of memory for %zu columns",
           plan->features_count);
    for (size_t f = 0; f < plan->features_count; f++) TRY(new_column(&plan->features[f], &profile->columns[f]));
    return RESULT_OK;
}

struct result profile_new(const struct plan *plan, struct profile_options options, struct profile *ret)
{
    CLEANUP(profile_done) struct profile profile = {.plan = plan, .options = options};
    size_t numbers = 0;
    for (size_t f = 0; f < plan->features_count; f++) numbers += plan->features[f].kind == PLAN_NUMBER;
    if (options.moments && numbers > 0) profile.pairs_count = numbers * (numbers - 1) / 2;
    TRY(allocate(plan, &profile));
    *ret = profile;
    profile = (struct profile){0};
    return RESULT_OK;
}

static struct result walk_column(const struct walk *walk, struct profile_column *column, const struct profile *profile,
                                 size_t f)
{
    const char *name = profile->plan->features[f].name;
    size_t specials = profile->plan->features[f].specials_count;
    TRY(walk_counts(walk, column->missing, CASE_KINDS));
    TRY(walk_counts(walk, column->specials[0], specials * CASE_KINDS));
    TRY(walk_u64(walk, &column->outside));
    TRY(walk_f64(walk, &column->center, name));
    TRY(walk_f64(walk, &column->mean, name));
    TRY(walk_f64(walk, &column->variance, name));
    TRY(walk_f64(walk, &column->third, name));
    TRY(walk_length(walk, &column->searches_count, QUANTILES_MAX, "quantiles"));
    for (size_t s = 0; s < column->searches_count; s++) {
        TRY(walk_u64(walk, &column->searches[s].low));
        TRY(walk_u64(walk, &column->searches[s].high));
        TRY(walk_u64(walk, &column->searches[s].rank));
    }
    return plan_private(profile->plan) ? walk_counts(walk, column->held, column->searches_count) : RESULT_OK;
}

static struct result walk_all(const struct walk *walk, struct profile *profile)
{
    const struct plan *plan = profile->plan;
    unsigned stage = profile->stage;
    TRY(walk_enum(walk, &stage, PROFILE_FINISHED, "stage"));
    profile->stage = stage;
    TRY(walk_u64(walk, &profile->moments_known));
    TRY(walk_counts(walk, profile->cases, CASE_KINDS));
    for (size_t f = 0; f < plan->features_count; f++) {
        struct profile_column *column = &profile->columns[f];
        TRY(walk_column(walk, column, profile, f));
        size_t most = is_number(profile, f) ? PROFILE_BINS_MAX : column->cells_count;
        TRY(walk_length(walk, &column->cells_count, most, "bins"));
        TRY(walk_counts(walk, column->cells[0], column->cells_count * CASE_KINDS));
    }
    for (size_t p = 0; p < profile->pairs_count; p++) TRY(walk_reals(walk, profile->pairs[p], 6, "a sum of pairs"));
    return RESULT_OK;
}

struct result profile_write(const struct profile *profile, struct buffer *out)
{
    struct walk walk = {.out = out};
    struct profile copy = *profile; /* the walk's writing side changes nothing behind the pointers */
    return walk_all(&walk, &copy);
}

/* How many searches a number has once its ranks are known. */
static size_t searches_of(const struct profile *profile)
{
    return profile->options.bins - 1 + 2 * profile->options.shares_count + 2;
}

/* Under privacy: an interval that is looked into next holds the rank that is looked for. */
static bool holds(const struct profile *profile, size_t f, size_t s)
{
    const struct quantile *search = &profile->columns[f].searches[s];
    uint64_t held = profile->columns[f].held[s];
    if (!plan_private(profile->plan) || profile->stage != PROFILE_QUANTILES || search->low == search->high) return true;
    return search->rank < held && held <= profile_present(profile, f);
}

static struct result check_column(const struct profile *profile, size_t f)
{
    const struct profile_column *column = &profile->columns[f];
    const char *name = profile->plan->features[f].name;
    if (!is_number(profile, f)) {
        ENSURE(column->searches_count == 0 && column->cells_count == plan_feature_levels(&profile->plan->features[f]),
               CATEGORY_FALSE, "the state's levels of %s are not the plan's", name);
        return RESULT_OK;
    }
    size_t expected = profile->stage == PROFILE_FIRST ? 1 : profile_present(profile, f) ? searches_of(profile) : 0;
    ENSURE(column->searches_count == expected, CATEGORY_FALSE, "the state has %zu quantiles of %s",
           column->searches_count, name);
    for (size_t s = 0; s < column->searches_count; s++) {
        const struct quantile *search = &column->searches[s];
        bool open = search->low < search->high && profile->stage > PROFILE_QUANTILES;
        ENSURE(search->low <= search->high && search->high <= QUANTILE_INDEX_MAX && !open && holds(profile, f, s) &&
                   (s == 0 || search->low >= column->searches[s - 1].low),
               CATEGORY_FALSE, "the state's quantiles of %s are impossible", name);
    }
    double edges[PROFILE_BINS_MAX];
    size_t cells = profile->stage < PROFILE_FINISHED ? 0 : profile_edges(profile, f, edges) + 1;
    ENSURE(column->cells_count == cells, CATEGORY_FALSE, "the state has %zu bins of %s", column->cells_count, name);
    return RESULT_OK;
}

struct result profile_read(struct reader *reader, const struct plan *plan, struct profile_options options,
                           struct profile *ret)
{
    CLEANUP(profile_done) struct profile profile = {0};
    TRY(profile_new(plan, options, &profile));
    struct walk walk = {.reader = reader};
    TRY(walk_all(&walk, &profile));
    for (size_t k = 0; k < CASE_KINDS; k++)
        ENSURE(profile.cases[k] <= plan->rows * MEMBERS_MAX, CATEGORY_FALSE, "the state counts too many rows");
    for (size_t f = 0; f < plan->features_count; f++) {
        const uint64_t *missing = profile.columns[f].missing;
        for (size_t k = 0; k < CASE_KINDS; k++) {
            uint64_t left = profile.cases[k];
            bool fits = missing[k] <= left;
            left -= missing[k];
            for (size_t s = 0; s < plan->features[f].specials_count; s++) {
                fits = fits && profile.columns[f].specials[s][k] <= left;
                left -= profile.columns[f].specials[s][k];
            }
            ENSURE(fits, CATEGORY_FALSE, "the state's missing values of %s are too many", plan->features[f].name);
        }
        TRY(check_column(&profile, f));
    }
    *ret = profile;
    profile = (struct profile){0};
    return RESULT_OK;
}

uint64_t profile_present(const struct profile *profile, size_t feature)
{
    const struct profile_column *column = &profile->columns[feature];
    uint64_t absent = column->missing[CASE_TRAIN_NEGATIVE] + column->missing[CASE_TRAIN_POSITIVE];
    for (size_t s = 0; s < profile->plan->features[feature].specials_count; s++)
        absent += column->specials[s][CASE_TRAIN_NEGATIVE] + column->specials[s][CASE_TRAIN_POSITIVE];
    return profile_train_rows(profile) - absent;
}

/* The rank at which bin k begins, 0 < k < bins: that many values, a share k/bins of all, come before it. */
static uint64_t edge_rank(const struct profile *profile, uint64_t present, size_t k)
{
    uint64_t rank = (present * k + profile->options.bins - 1) / profile->options.bins;
    return rank < present ? rank : present - 1;
}

/* The two ranks that a quantile lies between, and how far on the way. */
static double share_ranks(double share, uint64_t present, uint64_t ranks[2])
{
    double at = share * (double)(present - 1);
    ranks[0] = (uint64_t)at;
    ranks[1] = ranks[0] + 1 < present ? ranks[0] + 1 : ranks[0];
    return at - (double)ranks[0];
}

/* The ranks that `depth` values lie at or below, and at or above. */
static void end_ranks(const struct profile *profile, uint64_t present, uint64_t ranks[2])
{
    uint64_t depth = profile->options.depth < present ? profile->options.depth : present;
    ranks[0] = depth - 1;
    ranks[1] = present - depth;
}

static int by_rank(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The ranks of a number's searches, rising. */
static void ranks_of(const struct profile *profile, uint64_t present, uint64_t ranks[QUANTILES_MAX])
{
    size_t count = 0;
    for (size_t k = 1; k < profile->options.bins; k++) ranks[count++] = edge_rank(profile, present, k);
    for (size_t q = 0; q < profile->options.shares_count; q++, count += 2)
        (void)share_ranks(profile->options.shares[q], present, ranks + count);
    end_ranks(profile, present, ranks + count);
    qsort(ranks, count + 2, sizeof *ranks, by_rank);
}

void profile_search(const struct profile *profile, size_t feature, const struct quantile *whole)
{
    struct profile_column *column = &profile->columns[feature];
    uint64_t present = profile_present(profile, feature), ranks[QUANTILES_MAX];
    column->searches_count = present ? searches_of(profile) : 0;
    if (!present) return;
    ranks_of(profile, present, ranks);
    for (size_t s = 0; s < column->searches_count; s++)
        column->searches[s] = (struct quantile){whole->low, whole->high, ranks[s]};
}

/* Where a rank's value was found: its index on the grid. */
static uint64_t found(const struct profile *profile, size_t feature, uint64_t rank)
{
    uint64_t ranks[QUANTILES_MAX];
    ranks_of(profile, profile_present(profile, feature), ranks);
    size_t s = 0;
    while (s + 1 < profile->columns[feature].searches_count && ranks[s] < rank) s++;
    return profile->columns[feature].searches[s].low;
}

static struct quantile_grid grid_of(const struct profile *profile, size_t feature)
{
    const struct plan_feature *of = &profile->plan->features[feature];
    struct quantile_grid grid = {0};
    (void)result_ok(quantile_grid_of(of->name, of->minimum, of->maximum, of->resolution, &grid)); /* profile_new did */
    return grid;
}

size_t profile_edges(const struct profile *profile, size_t feature, double *ret)
{
    size_t count = 0;
    uint64_t present = profile_present(profile, feature), ranks[QUANTILES_MAX];
    const struct plan_feature *of = &profile->plan->features[feature];
    for (; count < of->cuts_count; count++) ret[count] = of->cuts[count];
    if (count > 0 || !present) return count;
    const struct quantile_grid grid = grid_of(profile, feature);
    const struct profile_column *column = &profile->columns[feature];
    ranks_of(profile, present, ranks);
    for (size_t k = 1, s = 0; k < profile->options.bins; k++) {
        uint64_t rank = edge_rank(profile, present, k);
        while (s + 1 < column->searches_count && ranks[s] < rank) s++;
        double edge = quantile_value(&grid, 2 * column->searches[s].low);
        if (count == 0 || edge > ret[count - 1]) ret[count++] = edge;
    }
    return count;
}

double profile_quantile(const struct profile *profile, size_t feature, size_t share)
{
    uint64_t ranks[2];
    double way = share_ranks(profile->options.shares[share], profile_present(profile, feature), ranks);
    const struct quantile_grid grid = grid_of(profile, feature);
    double low = quantile_value(&grid, 2 * found(profile, feature, ranks[0]));
    double high = quantile_value(&grid, 2 * found(profile, feature, ranks[1]));
    return low + (high - low) * way;
}

bool profile_ends(const struct profile *profile, size_t feature, double ret[2])
{
    uint64_t ranks[2], present = profile_present(profile, feature);
    if (present < profile->options.depth) return false;
    const struct quantile_grid grid = grid_of(profile, feature);
    end_ranks(profile, present, ranks);
    for (size_t i = 0; i < 2; i++) ret[i] = quantile_value(&grid, 2 * found(profile, feature, ranks[i]));
    return true;
}

size_t profile_bin(const double *edges, size_t count, double value)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (edges[middle] <= value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct result profile_progress(const struct profile *profile, struct buffer *out)
{
    uint64_t open = 0;
    for (size_t f = 0; f < profile->plan->features_count; f++)
        open += quantile_bins(profile->columns[f].searches, profile->columns[f].searches_count) > 0;
    switch (profile->stage) {
    case PROFILE_FIRST:
        return buffer_text(out, "counting cases");
    case PROFILE_QUANTILES:
        if (open == 0)
            return buffer_format(out, "%" PRIu64 " rows; summing the spread of the numbers",
                                 profile_train_rows(profile));
        return buffer_format(out, "%" PRIu64 " rows; closing in on the quantiles of %" PRIu64 " columns",
                             profile_train_rows(profile), open);
    case PROFILE_CELLS:
        return buffer_text(out, "counting cases by bin");
    default:
        return buffer_format(out, "finished, %" PRIu64 " rows", profile_train_rows(profile));
    }
}
