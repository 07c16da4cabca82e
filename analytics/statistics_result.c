/* The statistics as model.json, small cells joined (analytics/cells.h). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/cells.h"
#include "analytics/head.h"
#include "analytics/json_text.h"
#include "analytics/statistics.h"

static const char disclosure[] = "no cell with fewer customers than cells.minimum is shown: it is joined with others, "
                                 "or withheld. The opened sums of "
                                 "the run, which every member and every holder of its records sees, can hold smaller "
                                 "cells; only differential privacy "
                                 "hides those";

static const char disclosure_private[] = "every figure carries the noise that privacy names; no cell that counts fewer "
                                         "customers than cells.minimum, noise included, is shown";

/* Standard deviations below these shares of max - min leave a square, or a cube, of it too few of the sums' 60 bits. */
static const double square_share = 0x1p-22, cube_share = 0x1p-17;

struct writer {
    const struct profile *profile;
    struct cells_rule rule;
    struct tree tree;
    bool private;
    struct statistics_noise noise; /* when private */
};

static struct cell train_cell(const uint64_t counts[CASE_KINDS])
{
    return (struct cell){counts[CASE_TRAIN_NEGATIVE], counts[CASE_TRAIN_POSITIVE]};
}

/* A count that is large enough, or 0; else null. */
static json_t *shown(const struct writer *writer, uint64_t count)
{
    return count == 0 || count >= writer->rule.minimum ? tree_count(count) : json_null();
}

/* Rows, and where there is a target how many are positive, of a cell that may be shown; nulls of another. */
static void put_cell(struct writer *writer, json_t *object, struct cell cell)
{
    bool may = cells_shown(writer->rule, cell);
    uint64_t rows = cell.negatives + cell.positives;
    tree_put(&writer->tree, object, "rows", may ? tree_count(rows) : json_null());
    if (!writer->rule.outcomes) return;
    tree_put(&writer->tree, object, "positives", may ? tree_count(cell.positives) : json_null());
    tree_put(&writer->tree, object, "rate",
             may && rows > 0 ? tree_real((double)cell.positives / (double)rows) : json_null());
}

static json_t *one_level(struct writer *writer, size_t f, const struct cell *cells, const size_t *group, size_t level)
{
    const struct plan_feature *feature = &writer->profile->plan->features[f];
    size_t count = writer->profile->columns[f].cells_count;
    json_t *object = json_object();
    if (group[level] > 0) {
        tree_put(&writer->tree, object, "level", json_string(plan_feature_level(feature, level)));
        put_cell(writer, object, cells[level]);
        return object;
    }
    json_t *names = json_array();
    for (size_t l = 0; l < count; l++)
        if (group[l] == 0) tree_add(&writer->tree, names, json_string(plan_feature_level(feature, l)));
    tree_put(&writer->tree, object, "levels", names);
    put_cell(writer, object, cells_of_group(cells, count, group, 0));
    return object;
}

static void put_category(struct writer *writer, json_t *object, size_t f)
{
    const struct profile_column *column = &writer->profile->columns[f];
    struct cell *cells = calloc(column->cells_count, sizeof *cells);
    size_t *group = calloc(column->cells_count, sizeof *group);
    json_t *levels = json_array();
    bool joined = false;
    if (!cells || !group) writer->tree.failed = true;
    for (size_t l = 0; cells && l < column->cells_count; l++) cells[l] = train_cell(column->cells[l]);
    if (cells && group) (void)cells_join_small(writer->rule, cells, column->cells_count, group);
    for (size_t l = 0; cells && group && l < column->cells_count; l++) {
        if (group[l] == 0 && joined) continue; /* the group stands where its first level would */
        joined = joined || group[l] == 0;
        tree_add(&writer->tree, levels, one_level(writer, f, cells, group, l));
    }
    tree_put(&writer->tree, object, "levels", levels);
    free(cells);
    free(group);
}

static const char *narrow_note(const struct writer *writer, const struct profile_column *column)
{
    if (writer->private) return "the noise is larger than the spread, or min and max are too wide for it";
    return column->variance == 0 ? "all values are equal, or min and max are too wide for their spread"
                                 : "min and max are far wider than the spread: its powers and the "
                                   "quantiles lose their digits; narrow them";
}

static void put_moments(struct writer *writer, json_t *object, size_t f)
{
    const struct profile_column *column = &writer->profile->columns[f];
    double n = (double)profile_present(writer->profile, f), ends[2];
    bool enough = n >= (double)writer->rule.minimum;
    double sample = column->variance * (n / (n - 1)), spread = column->variance * sqrt(column->variance);
    double skewness = sqrt(n * (n - 1)) / (n - 2) * (column->third / spread);
    double range = writer->profile->plan->features[f].maximum - writer->profile->plan->features[f].minimum;
    bool narrow = sqrt(column->variance) < cube_share * range, lost = sqrt(column->variance) < square_share * range;
    tree_put(&writer->tree, object, "mean", enough ? tree_real(column->mean) : json_null());
    tree_put(&writer->tree, object, "sd",
             enough && n > 1 && (!lost || column->variance == 0) ? tree_real(sqrt(sample)) : json_null());
    tree_put(&writer->tree, object, "skewness", enough && n > 2 && !narrow ? tree_real(skewness) : json_null());
    if (enough && narrow) tree_put(&writer->tree, object, "note", json_string(narrow_note(writer, column)));
    if (writer->private) {
        double sd = statistics_mean_noise(&writer->noise, writer->profile, f);
        tree_put(&writer->tree, object, "mean_noise_sd", enough ? tree_real(sd) : json_null());
    }
    json_t *observed = json_null();
    if (!writer->private && profile_ends(writer->profile, f, ends)) { /* noise drowns the outermost customers */
        observed = json_object();
        tree_put(&writer->tree, observed, "from", tree_real(ends[0]));
        tree_put(&writer->tree, observed, "to", tree_real(ends[1]));
    }
    tree_put(&writer->tree, object, "observed", observed);
}

/* With at least `minimum` customers at or below it, and at or above. */
static json_t *quantiles(struct writer *writer, size_t f)
{
    json_t *array = json_array();
    uint64_t present = profile_present(writer->profile, f), minimum = writer->rule.minimum;
    for (size_t q = 0; q < STATISTICS_SHARES; q++) {
        double at = statistics_shares[q] * (double)(present ? present - 1 : 0);
        bool may = at + 1 >= (double)minimum && (double)present - at >= (double)minimum;
        json_t *one = json_object();
        tree_put(&writer->tree, one, "share", tree_real(statistics_shares[q]));
        tree_put(&writer->tree, one, "value", may ? tree_real(profile_quantile(writer->profile, f, q)) : json_null());
        tree_add(&writer->tree, array, one);
    }
    return array;
}

static json_t *one_bin(struct writer *writer, const double *edges, size_t first, size_t last, size_t count,
                       struct cell cell, bool missing)
{
    json_t *object = json_object();
    tree_put(&writer->tree, object, "from", first > 0 ? tree_real(edges[first - 1]) : json_null());
    tree_put(&writer->tree, object, "to", last + 1 < count ? tree_real(edges[last]) : json_null());
    if (missing) tree_put(&writer->tree, object, "with_missing", json_true());
    put_cell(writer, object, cell);
    return object;
}

/* The group that missing values go with, as they are too few to stand alone: the smallest. */
static size_t group_for_missing(const struct cell *cells, size_t count, const size_t *group, size_t groups)
{
    size_t best = 0;
    uint64_t least = UINT64_MAX;
    for (size_t g = 0; g < groups; g++) {
        struct cell cell = cells_of_group(cells, count, group, g);
        if (cell.negatives + cell.positives >= least) continue;
        least = cell.negatives + cell.positives;
        best = g;
    }
    return best;
}

static struct cell add_cells(struct cell a, struct cell b)
{
    return (struct cell){a.negatives + b.negatives, a.positives + b.positives};
}

static json_t *special_codes(struct writer *writer, size_t f, bool alone)
{
    const struct plan_feature *feature = &writer->profile->plan->features[f];
    json_t *array = json_array();
    for (size_t s = 0; s < feature->specials_count; s++) {
        json_t *object = json_object();
        tree_put(&writer->tree, object, "code", tree_real(feature->specials[s]));
        if (alone) put_cell(writer, object, train_cell(writer->profile->columns[f].specials[s]));
        if (!alone) tree_put(&writer->tree, object, "rows", json_null());
        tree_add(&writer->tree, array, object);
    }
    return array;
}

static void put_bins(struct writer *writer, json_t *object, size_t f)
{
    const struct profile_column *column = &writer->profile->columns[f];
    struct cell cells[PROFILE_BINS_MAX], missing = train_cell(column->missing);
    double edges[PROFILE_BINS_MAX];
    size_t group[PROFILE_BINS_MAX], count = column->cells_count;
    (void)profile_edges(writer->profile, f, edges);
    for (size_t b = 0; b < count; b++) cells[b] = train_cell(column->cells[b]);
    size_t groups = cells_join_neighbours(writer->rule, cells, count, group);
    /* Rows less the missing ones are those with a value: neither may be few. */
    struct cell present = {0};
    for (size_t b = 0; b < count; b++) present = add_cells(present, cells[b]);
    struct cell absent = missing; /* what is not told apart: missing values and special codes that are too few */
    bool alone = cells_shown(writer->rule, missing) && cells_shown(writer->rule, present);
    size_t specials = writer->profile->plan->features[f].specials_count;
    for (size_t s = 0; s < specials; s++) alone = alone && cells_shown(writer->rule, train_cell(column->specials[s]));
    for (size_t s = 0; s < specials && !alone; s++) absent = add_cells(absent, train_cell(column->specials[s]));
    size_t with = alone ? groups : group_for_missing(cells, count, group, groups);
    json_t *array = json_array();
    for (size_t g = 0, first = 0; g < groups; g++) {
        size_t last = first;
        while (last + 1 < count && group[last + 1] == g) last++;
        struct cell cell = cells_of_group(cells, count, group, g);
        if (g == with) cell = add_cells(cell, absent);
        tree_add(&writer->tree, array, one_bin(writer, edges, first, last, count, cell, g == with));
        first = last + 1;
    }
    tree_put(&writer->tree, object, "bins", array);
    json_t *of = json_object();
    if (alone) put_cell(writer, of, missing);
    if (!alone) tree_put(&writer->tree, of, "rows", json_null());
    tree_put(&writer->tree, object, "missing", of);
    if (specials > 0) tree_put(&writer->tree, object, "special", special_codes(writer, f, alone));
}

static void put_number(struct writer *writer, json_t *object, size_t f)
{
    const struct plan_feature *feature = &writer->profile->plan->features[f];
    tree_put(&writer->tree, object, "min", tree_real(feature->minimum));
    tree_put(&writer->tree, object, "max", tree_real(feature->maximum));
    tree_put(&writer->tree, object, "resolution", tree_real(feature->resolution));
    tree_put(&writer->tree, object, "outside", shown(writer, writer->profile->columns[f].outside));
    put_moments(writer, object, f);
    tree_put(&writer->tree, object, "quantiles", quantiles(writer, f));
    put_bins(writer, object, f);
}

static json_t *features(struct writer *writer)
{
    json_t *array = json_array();
    for (size_t f = 0; f < writer->profile->plan->features_count; f++) {
        const struct plan_feature *feature = &writer->profile->plan->features[f];
        bool number = feature->kind == PLAN_NUMBER;
        json_t *object = json_object();
        tree_put(&writer->tree, object, "name", json_string(feature->name));
        tree_put(&writer->tree, object, "kind", json_string(number ? "number" : "category"));
        if (number)
            put_number(writer, object, f);
        else
            put_category(writer, object, f);
        tree_add(&writer->tree, array, object);
    }
    return array;
}

/* Pearson's r over the rows with both values; NaN where it is not defined or too few rows have both. */
static double correlation(const struct writer *writer, const double pair[6])
{
    double n = pair[PAIR_ROWS];
    if (n < (double)writer->rule.minimum || n < 2) return (double)NAN;
    double a = pair[PAIR_AA] - pair[PAIR_A] * pair[PAIR_A] / n, b = pair[PAIR_BB] - pair[PAIR_B] * pair[PAIR_B] / n;
    double both = pair[PAIR_AB] - pair[PAIR_A] * pair[PAIR_B] / n;
    if (!(a > n * 0x1p-55) || !(b > n * 0x1p-55)) return (double)NAN; /* what the sums' rounding leaves of a constant */
    double r = both / (sqrt(a) * sqrt(b));
    return r > 1 ? 1 : r < -1 ? -1 : r;
}

static void put_correlation(struct writer *writer, json_t *object, const size_t features[2], const double pair[6])
{
    double r = correlation(writer, pair);
    tree_put(&writer->tree, object, "r", tree_real(r));
    if (!writer->private) return;
    double sd = statistics_correlation_noise(&writer->noise, writer->profile, features, pair);
    tree_put(&writer->tree, object, "noise_sd", isnan(r) ? json_null() : tree_real(sd));
}

static json_t *correlations(struct writer *writer)
{
    json_t *array = json_array();
    const struct plan *plan = writer->profile->plan;
    size_t pair = 0;
    for (size_t f = 0; f < plan->features_count; f++)
        for (size_t g = f + 1; g < plan->features_count && plan->features[f].kind == PLAN_NUMBER; g++) {
            if (plan->features[g].kind != PLAN_NUMBER) continue;
            json_t *one = json_object();
            tree_put(&writer->tree, one, "a", json_string(plan->features[f].name));
            tree_put(&writer->tree, one, "b", json_string(plan->features[g].name));
            put_correlation(writer, one, (size_t[]){f, g}, writer->profile->pairs[pair++]);
            tree_add(&writer->tree, array, one);
        }
    return array;
}

struct result statistics_result(const struct profile *profile, uint64_t rounds, unsigned banks, struct buffer *out)
{
    const struct plan *plan = profile->plan;
    struct cell all = train_cell(profile->cases);
    struct writer writer = {
        .profile = profile, .rule = {plan->cells_minimum, plan->target[0] != 0}, .private = plan_private(plan)};
    json_t *privacy = NULL;
    if (writer.private) TRY(statistics_private_json(&writer.tree, profile, banks, &writer.noise, &privacy));
    bool few = writer.rule.outcomes && !cells_shown(writer.rule, all);
    if (few) writer.rule.outcomes = false; /* the target's rarer outcome cannot be shown at all */
    json_t *root = head_of(&writer.tree, plan, rounds, banks, profile->cases);
    if (privacy) tree_put(&writer.tree, root, "privacy", privacy);
    json_t *rule = json_object();
    tree_put(&writer.tree, rule, "minimum", tree_count(plan->cells_minimum));
    tree_put(&writer.tree, rule, "disclosure", json_string(writer.private ? disclosure_private : disclosure));
    if (few) tree_put(&writer.tree, rule, "target", json_string("withheld: too few customers of one outcome"));
    tree_put(&writer.tree, root, "cells", rule);
    tree_put(&writer.tree, root, "features", features(&writer));
    tree_put(&writer.tree, root, "correlations", correlations(&writer));
    return tree_text(&writer.tree, root, out);
}
