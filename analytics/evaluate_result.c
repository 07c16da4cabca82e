/* The evaluation as model.json. Small cells are joined or withheld (analytics/cells.h). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/cells.h"
#include "analytics/evaluate.h"
#include "analytics/exact.h"
#include "analytics/head.h"
#include "analytics/json_text.h"
#include "analytics/stability.h"

struct writer {
    const struct evaluate *evaluate;
    struct cells_rule rule;
    struct tree tree;
};

static const double normal_95 = 1.959963984540054; /* the 97.5th percentile of the normal distribution */

static struct cell cell_of(const uint64_t *counts, size_t set)
{
    return (struct cell){counts[2 * set], counts[2 * set + 1]};
}

static struct cell minus(struct cell a, struct cell b)
{
    return (struct cell){a.negatives - b.negatives, a.positives - b.positives};
}

static double rows_of(struct cell cell)
{
    return (double)(cell.negatives + cell.positives);
}

/* ---- variances of the AUC (DeLong, DeLong, Clarke-Pearson 1988), from binned scores: equal within a bin counts half
 */

/* Sums over the cells of a table of two binned scores; the same bins twice for one score. */
struct placements {
    size_t bins;
    double below[EVALUATE_JOINT], in_negative[EVALUATE_JOINT], in_positive[EVALUATE_JOINT], above[EVALUATE_JOINT];
};

static double joint_count(const struct evaluate *evaluate, size_t a, size_t b, size_t kind)
{
    return (double)evaluate->joint[(a * EVALUATE_JOINT + b) * CASE_KINDS + kind];
}

/* The share of negatives below a positive of bin b, and of positives above a negative of it. */
static void place(struct placements *ret)
{
    double negatives = 0, positives = 0, n = 0, p = 0;
    for (size_t b = 0; b < EVALUATE_JOINT; b++) {
        negatives += ret->in_negative[b];
        positives += ret->in_positive[b];
    }
    for (size_t b = 0; b < EVALUATE_JOINT; b++) {
        ret->below[b] = (n + ret->in_negative[b] / 2) / negatives;
        ret->above[b] = 1 - (p + ret->in_positive[b] / 2) / positives;
        n += ret->in_negative[b];
        p += ret->in_positive[b];
    }
}

static struct placements placements_of(const struct evaluate *evaluate, size_t model, size_t set)
{
    struct placements ret = {0};
    for (size_t a = 0; a < EVALUATE_JOINT; a++)
        for (size_t b = 0; b < EVALUATE_JOINT; b++) {
            size_t bin = model == 0 ? a : b;
            ret.in_negative[bin] += joint_count(evaluate, a, b, 2 * set);
            ret.in_positive[bin] += joint_count(evaluate, a, b, 2 * set + 1);
        }
    place(&ret);
    return ret;
}

static double auc_of(const struct placements *of)
{
    double sum = 0, positives = 0;
    for (size_t b = 0; b < EVALUATE_JOINT; b++) {
        sum += of->in_positive[b] * of->below[b];
        positives += of->in_positive[b];
    }
    return sum / positives;
}

/* Covariance of two AUCs of the same rows, or the variance of one. */
static double covariance(const struct evaluate *evaluate, size_t set, size_t x, size_t y)
{
    struct placements of[2] = {placements_of(evaluate, 0, set), placements_of(evaluate, 1, set)};
    double auc_x = auc_of(&of[x]), auc_y = auc_of(&of[y]), positives = 0, negatives = 0, s10 = 0, s01 = 0;
    for (size_t a = 0; a < EVALUATE_JOINT; a++)
        for (size_t b = 0; b < EVALUATE_JOINT; b++) {
            size_t bx = x == 0 ? a : b, by = y == 0 ? a : b;
            double p = joint_count(evaluate, a, b, 2 * set + 1), n = joint_count(evaluate, a, b, 2 * set);
            s10 += p * (of[x].below[bx] - auc_x) * (of[y].below[by] - auc_y);
            s01 += n * (of[x].above[bx] - auc_x) * (of[y].above[by] - auc_y);
            positives += p;
            negatives += n;
        }
    return s10 / (positives - 1) / positives + s01 / (negatives - 1) / negatives;
}

/* The variance of one model's AUC, from its own curve. */
static double variance_of(const struct curve *curve, size_t set, double auc)
{
    double negatives = (double)curve->totals[2 * set], positives = (double)curve->totals[2 * set + 1];
    double n = 0, p = 0, s10 = 0, s01 = 0;
    for (size_t s = 0; s <= curve->known; s++) {
        const uint64_t *to = s < curve->known ? curve->below[s] : curve->totals;
        double more_n = (double)to[2 * set] - n, more_p = (double)to[2 * set + 1] - p;
        double below = (n + more_n / 2) / negatives - auc, above = 1 - (p + more_p / 2) / positives - auc;
        s10 += more_p * below * below;
        s01 += more_n * above * above;
        n += more_n;
        p += more_p;
    }
    return s10 / (positives - 1) / positives + s01 / (negatives - 1) / negatives;
}

/* ---- figures of one model over one set */

static void put_interval(struct writer *writer, json_t *object, const char *key, double value, double error)
{
    json_t *interval = json_array();
    tree_add(&writer->tree, interval, tree_real(value - normal_95 * error));
    tree_add(&writer->tree, interval, tree_real(value + normal_95 * error));
    tree_put(&writer->tree, object, key, interval);
}

/* Where the two shares are furthest apart, for the error of KS there. */
static double ks_deviation(const struct curve *curve, size_t set)
{
    double negatives = (double)curve->totals[2 * set], positives = (double)curve->totals[2 * set + 1], most = -1,
           error = 0;
    for (size_t e = 0; e < curve->known; e++) {
        double n = (double)curve->below[e][2 * set] / negatives, p = (double)curve->below[e][2 * set + 1] / positives;
        if (fabs(n - p) <= most) continue;
        most = fabs(n - p);
        error = sqrt(n * (1 - n) / negatives + p * (1 - p) / positives);
    }
    return error;
}

static json_t *metrics(struct writer *writer, size_t m, size_t set)
{
    const struct evaluate_model *model = &writer->evaluate->models[m];
    struct curve_measures measures = curve_measure(&model->curve, set ? CASE_HELD_NEGATIVE : CASE_TRAIN_NEGATIVE);
    double rows = (double)(measures.negatives + measures.positives);
    bool shown = cells_shown(writer->rule, (struct cell){measures.negatives, measures.positives});
    bool enough = rows >= (double)writer->rule.minimum;
    json_t *object = json_object();
    if (shown && measures.negatives > 1 && measures.positives > 1) {
        double error = sqrt(variance_of(&model->curve, set, measures.auc)), ks = ks_deviation(&model->curve, set);
        tree_put(&writer->tree, object, "auc", tree_real(measures.auc));
        put_interval(writer, object, "auc_interval", measures.auc, error);
        tree_put(&writer->tree, object, "auc_std_error", tree_real(error));
        tree_put(&writer->tree, object, "auc_error", tree_real(measures.auc_error));
        tree_put(&writer->tree, object, "gini", tree_real(2 * measures.auc - 1));
        put_interval(writer, object, "gini_interval", 2 * measures.auc - 1, 2 * error);
        tree_put(&writer->tree, object, "ks", tree_real(measures.ks));
        put_interval(writer, object, "ks_interval", measures.ks, ks);
        tree_put(&writer->tree, object, "ks_error", tree_real(measures.ks_error));
    }
    tree_put(&writer->tree, object, "brier", enough ? tree_real(model->squared_error[set] / rows) : json_null());
    tree_put(&writer->tree, object, "log_loss", enough ? tree_real(model->log_loss[set] / rows) : json_null());
    return object;
}

/* ---- bands: gains, lift, calibration */

struct band {
    struct cell cell;
    double predicted, low, high; /* sum of probabilities; scores, infinite at the ends */
};

/* From the highest scores down, small ones joined. */
static size_t bands_of(struct writer *writer, size_t m, size_t set, struct band *ret)
{
    const struct evaluate_model *model = &writer->evaluate->models[m];
    double edges[EVALUATE_BANDS];
    struct cell cells[EVALUATE_BANDS];
    size_t chosen[CURVE_EDGES], group[EVALUATE_BANDS], count = curve_thin(&model->curve, EVALUATE_BANDS, chosen) + 1;
    (void)evaluate_bands(writer->evaluate, m, EVALUATE_BANDS, edges);
    struct cell before = {0};
    for (size_t b = 0; b < count; b++) {
        struct cell below = cell_of(b + 1 < count ? model->curve.below[chosen[b]] : model->curve.totals, set);
        cells[b] = minus(below, before);
        before = below;
    }
    size_t groups = cells_join_neighbours(writer->rule, cells, count, group);
    for (size_t g = 0; g < groups; g++) {
        struct band *band = &ret[groups - 1 - g];
        *band = (struct band){cells_of_group(cells, count, group, g), 0, (double)-INFINITY, (double)INFINITY};
        for (size_t b = 0; b < count; b++) {
            if (group[b] != g) continue;
            band->predicted += model->predicted[2 * b + set];
            if (b > 0 && group[b - 1] != g) band->low = edges[b - 1];
            if (b + 1 < count && group[b + 1] != g) band->high = edges[b];
        }
    }
    return groups;
}

static json_t *one_band(struct writer *writer, const struct band *band, struct cell all, struct cell above)
{
    json_t *object = json_object();
    double rows = rows_of(band->cell), rate = (double)band->cell.positives / rows;
    double overall = (double)all.positives / rows_of(all), gain = (double)above.positives / (double)all.positives;
    tree_put(&writer->tree, object, "from", tree_real(band->low));
    tree_put(&writer->tree, object, "to", tree_real(band->high));
    tree_put(&writer->tree, object, "rows", tree_count(band->cell.negatives + band->cell.positives));
    tree_put(&writer->tree, object, "positives", tree_count(band->cell.positives));
    tree_put(&writer->tree, object, "rate", tree_real(rate));
    tree_put(&writer->tree, object, "predicted", tree_real(band->predicted / rows));
    tree_put(&writer->tree, object, "lift", tree_real(rate / overall));
    tree_put(&writer->tree, object, "rows_share", tree_real(rows_of(above) / rows_of(all)));
    tree_put(&writer->tree, object, "gain", tree_real(gain));
    tree_put(&writer->tree, object, "cumulative_lift", tree_real(gain / (rows_of(above) / rows_of(all))));
    return object;
}

/* Hosmer and Lemeshow 1980; with as many degrees as bands on rows that trained nothing, two fewer on those that did:
 * where the plan splits the rows as training did, those that it does not hold out. */
static json_t *hosmer_lemeshow(struct writer *writer, const struct band *bands, size_t count, size_t set)
{
    double statistic = 0;
    for (size_t b = 0; b < count; b++) {
        double rows = rows_of(bands[b].cell), mean = bands[b].predicted / rows;
        double away = (double)bands[b].cell.positives - bands[b].predicted;
        statistic += away * away / (rows * mean * (1 - mean));
    }
    bool trained = set == 0 && writer->evaluate->plan->split != SPLIT_NONE;
    size_t degrees = trained ? count - (count > 2 ? 2 : count) : count;
    json_t *object = json_object();
    bool known = isfinite(statistic) && degrees > 0;
    tree_put(&writer->tree, object, "statistic", tree_real(statistic));
    tree_put(&writer->tree, object, "degrees", tree_count(degrees));
    tree_put(&writer->tree, object, "p",
             known ? tree_real(exact_chi_square_tail(statistic, (unsigned)degrees)) : json_null());
    return object;
}

/* What of a set is shown, decided before anything is. */
struct view_of_set {
    size_t set;
    struct cell all;
    struct band bands[EVALUATE_BANDS];
    size_t bands_count; /* 0: none can be shown */
    bool total[PLAN_CUTOFFS_MAX], by_group[PLAN_CUTOFFS_MAX];
};

static void put_bands(struct writer *writer, json_t *object, const struct view_of_set *view)
{
    struct cell above = {0};
    json_t *array = json_array();
    for (size_t b = 0; b < view->bands_count; b++) {
        const struct band *band = &view->bands[b];
        above = (struct cell){above.negatives + band->cell.negatives, above.positives + band->cell.positives};
        tree_add(&writer->tree, array, one_band(writer, band, view->all, above));
    }
    tree_put(&writer->tree, object, "bands", array);
    tree_put(&writer->tree, object, "hosmer_lemeshow",
             view->bands_count ? hosmer_lemeshow(writer, view->bands, view->bands_count, view->set) : json_null());
}

/* ---- cut-offs and groups */

static void put_confusion(struct writer *writer, json_t *object, struct cell above, struct cell all)
{
    struct cell below = minus(all, above);
    tree_put(&writer->tree, object, "true_positives", tree_count(above.positives));
    tree_put(&writer->tree, object, "false_positives", tree_count(above.negatives));
    tree_put(&writer->tree, object, "true_negatives", tree_count(below.negatives));
    tree_put(&writer->tree, object, "false_negatives", tree_count(below.positives));
    tree_put(&writer->tree, object, "approval_rate", tree_real(rows_of(below) / rows_of(all)));
    tree_put(&writer->tree, object, "bad_rate", tree_real((double)below.positives / rows_of(below)));
    tree_put(&writer->tree, object, "recall", tree_real((double)above.positives / (double)all.positives));
    tree_put(&writer->tree, object, "precision", tree_real((double)above.positives / rows_of(above)));
}

/* Of all groups, or of one. */
static struct cell above_of(const struct evaluate *evaluate, size_t m, size_t cutoff, size_t group, size_t set)
{
    struct cell sum = {0};
    for (size_t g = 0; g < evaluate->groups_count; g++) {
        if (group != SIZE_MAX && g != group) continue;
        struct cell one =
            cell_of(evaluate->models[m].cutoffs + (cutoff * evaluate->groups_count + g) * CASE_KINDS, set);
        sum = (struct cell){sum.negatives + one.negatives, sum.positives + one.positives};
    }
    return sum;
}

/* Of two sets of which one holds the other: what lies between. */
static struct cell between(struct cell a, struct cell b)
{
    return a.negatives + a.positives < b.negatives + b.positives ? minus(b, a) : minus(a, b);
}

/* A cut-off is shown when nothing that can be subtracted from it leaves a small cell: all rows, the bands' ends, the
 * cut-offs shown before. */
static void decide_totals(const struct writer *writer, size_t m, struct view_of_set *view)
{
    for (size_t c = 0; c < writer->evaluate->plan->cutoffs_count; c++) {
        struct cell above = above_of(writer->evaluate, m, c, SIZE_MAX, view->set), end = {0};
        bool may = cells_shown(writer->rule, above) && cells_shown(writer->rule, minus(view->all, above));
        for (size_t b = 0; b < view->bands_count; b++) {
            end = (struct cell){end.negatives + view->bands[b].cell.negatives,
                                end.positives + view->bands[b].cell.positives};
            may = may && cells_shown(writer->rule, between(above, end));
        }
        for (size_t before = 0; before < c; before++)
            if (view->total[before])
                may = may && cells_shown(writer->rule,
                                         between(above, above_of(writer->evaluate, m, before, SIZE_MAX, view->set)));
        view->total[c] = may;
    }
}

/* By group only where every group can be shown: one that is missing is the total less the others. */
static void decide_groups(const struct writer *writer, size_t m, struct view_of_set *view)
{
    const struct evaluate *evaluate = writer->evaluate;
    for (size_t c = 0; c < evaluate->plan->cutoffs_count; c++) {
        view->by_group[c] = view->total[c];
        for (size_t g = 0; g < evaluate->groups_count; g++) {
            struct cell all = cell_of(evaluate->groups + g * CASE_KINDS, view->set);
            struct cell above = above_of(evaluate, m, c, g, view->set);
            bool may = cells_shown(writer->rule, all) && cells_shown(writer->rule, above) &&
                       cells_shown(writer->rule, minus(all, above));
            for (size_t before = 0; before < c && may; before++)
                if (view->by_group[before])
                    may = cells_shown(writer->rule, between(above, above_of(evaluate, m, before, g, view->set)));
            view->by_group[c] = view->by_group[c] && may;
        }
    }
}

static json_t *cutoffs(struct writer *writer, size_t m, size_t group, struct cell all, const struct view_of_set *view)
{
    const struct evaluate *evaluate = writer->evaluate;
    json_t *array = json_array();
    for (size_t c = 0; c < evaluate->plan->cutoffs_count; c++) {
        json_t *object = json_object();
        tree_put(&writer->tree, object, "cutoff", tree_real(evaluate->plan->cutoffs[c]));
        if (group == SIZE_MAX ? view->total[c] : view->by_group[c])
            put_confusion(writer, object, above_of(evaluate, m, c, group, view->set), all);
        else
            tree_put(&writer->tree, object, "withheld", json_true());
        tree_add(&writer->tree, array, object);
    }
    return array;
}

/* Groups that are too small, and those that would tell them, are left out. */
static json_t *groups(struct writer *writer, size_t m, const size_t *shown, const struct view_of_set *view)
{
    const struct evaluate *evaluate = writer->evaluate;
    const struct plan_feature *feature = &evaluate->plan->features[evaluate->plan->group];
    json_t *array = json_array();
    for (size_t g = 0; g < evaluate->groups_count; g++) {
        struct cell all = cell_of(evaluate->groups + g * CASE_KINDS, view->set);
        if (shown[g] == 0 || rows_of(all) == 0) continue;
        json_t *object = json_object();
        tree_put(&writer->tree, object, "group", json_string(plan_feature_level(feature, g)));
        tree_put(&writer->tree, object, "rows", tree_count(all.negatives + all.positives));
        tree_put(&writer->tree, object, "positives", tree_count(all.positives));
        tree_put(&writer->tree, object, "rate", tree_real((double)all.positives / rows_of(all)));
        tree_put(&writer->tree, object, "predicted",
                 tree_real(evaluate->models[m].predicted[2 * (EVALUATE_BANDS + g) + view->set] / rows_of(all)));
        tree_put(&writer->tree, object, "cutoffs", cutoffs(writer, m, g, all, view));
        tree_add(&writer->tree, array, object);
    }
    return array;
}

/* The least of a rate over the groups, as a share of the largest; and how far apart the largest and the least are. */
struct extremes {
    double least, most;
    size_t count;
};

static void take(struct extremes *extremes, double value)
{
    if (!isfinite(value)) return;
    if (extremes->count == 0 || value < extremes->least) extremes->least = value;
    if (extremes->count == 0 || value > extremes->most) extremes->most = value;
    extremes->count++;
}

/* Adverse impact ratio: approval rates of groups, the least by the largest. Equal opportunity: among those who turn out
 * negative (good), how far the groups' approval rates lie apart. */
static json_t *fairness(struct writer *writer, size_t m, const struct view_of_set *view)
{
    const struct evaluate *evaluate = writer->evaluate;
    json_t *array = json_array();
    for (size_t c = 0; c < evaluate->plan->cutoffs_count; c++) {
        struct extremes approval = {0}, good = {0};
        for (size_t g = 0; g < evaluate->groups_count && view->by_group[c]; g++) {
            struct cell all = cell_of(evaluate->groups + g * CASE_KINDS, view->set);
            struct cell below = minus(all, above_of(evaluate, m, c, g, view->set));
            take(&approval, rows_of(below) / rows_of(all));
            take(&good, (double)below.negatives / (double)all.negatives);
        }
        json_t *object = json_object();
        bool two = approval.count > 1;
        tree_put(&writer->tree, object, "cutoff", tree_real(evaluate->plan->cutoffs[c]));
        tree_put(&writer->tree, object, "adverse_impact_ratio",
                 two ? tree_real(approval.least / approval.most) : json_null());
        tree_put(&writer->tree, object, "equal_opportunity_difference",
                 two ? tree_real(good.most - good.least) : json_null());
        tree_add(&writer->tree, array, object);
    }
    return array;
}

/* ---- stability */

static json_t *score_stability(struct writer *writer, size_t m, size_t set)
{
    const struct evaluate_given *given = &writer->evaluate->given[m];
    double all = rows_of(cell_of(writer->evaluate->cases, set));
    struct stability psi = {.least = (double)writer->rule.minimum / all};
    if (!given->bins || all < (double)writer->rule.minimum) return json_null();
    for (size_t b = 0; b < given->bins; b++)
        stability_add(&psi, rows_of(cell_of(writer->evaluate->models[m].stability + b * CASE_KINDS, set)) / all,
                      given->shares[b]);
    return tree_real(stability_end(&psi));
}

/* ---- the whole */

static void put_groups(struct writer *writer, json_t *object, size_t m, const struct view_of_set *view)
{
    const struct evaluate *evaluate = writer->evaluate;
    size_t *shown = calloc(evaluate->groups_count, sizeof *shown);
    struct cell *cells = calloc(evaluate->groups_count, sizeof *cells);
    if (!shown || !cells) writer->tree.failed = true;
    for (size_t g = 0; cells && g < evaluate->groups_count; g++)
        cells[g] = cell_of(evaluate->groups + g * CASE_KINDS, view->set);
    if (shown && cells) {
        (void)cells_join_small(writer->rule, cells, evaluate->groups_count, shown);
        tree_put(&writer->tree, object, "groups", groups(writer, m, shown, view));
        tree_put(&writer->tree, object, "fairness", fairness(writer, m, view));
    }
    free(shown);
    free(cells);
}

/* The same of each feature, over its bins, classes or levels. */
static json_t *drift(struct writer *writer, size_t m, size_t set)
{
    const struct evaluate_given *given = &writer->evaluate->given[m];
    const uint64_t *counts = writer->evaluate->models[m].drift;
    double all = rows_of(cell_of(writer->evaluate->cases, set));
    json_t *array = json_array();
    for (size_t f = 0; f < given->model.features_count; f++) {
        const struct model_feature *feature = &given->model.features[f];
        double trained = 0;
        bool known = feature->training && all >= (double)writer->rule.minimum;
        for (size_t c = 0; known && c < feature->cells_count; c++) trained += feature->training[c];
        struct stability psi = {.least = (double)writer->rule.minimum / all};
        for (size_t c = 0; known && c < feature->cells_count; c++)
            stability_add(&psi, (double)counts[2 * (given->drifts[f] + c) + set] / all, feature->training[c] / trained);
        json_t *object = json_object();
        tree_put(&writer->tree, object, "name", json_string(given->model.specs[f].name));
        tree_put(&writer->tree, object, "psi", known && trained > 0 ? tree_real(stability_end(&psi)) : json_null());
        tree_add(&writer->tree, array, object);
    }
    return array;
}

static json_t *set_of(struct writer *writer, size_t m, size_t set)
{
    struct view_of_set view = {.set = set, .all = cell_of(writer->evaluate->cases, set)};
    view.bands_count = bands_of(writer, m, set, view.bands);
    if (!cells_shown(writer->rule, view.bands[0].cell)) view.bands_count = 0;
    decide_totals(writer, m, &view);
    decide_groups(writer, m, &view);
    json_t *object = metrics(writer, m, set);
    tree_put(&writer->tree, object, "psi", score_stability(writer, m, set));
    tree_put(&writer->tree, object, "features", drift(writer, m, set));
    put_bands(writer, object, &view);
    tree_put(&writer->tree, object, "cutoffs", cutoffs(writer, m, SIZE_MAX, view.all, &view));
    if (writer->evaluate->plan->group != SIZE_MAX) put_groups(writer, object, m, &view);
    return object;
}

static const char *const sets[] = {"train", "holdout"};

static bool has(const struct evaluate *evaluate, size_t set)
{
    return evaluate->cases[2 * set] + evaluate->cases[2 * set + 1] > 0;
}

static json_t *model_of(struct writer *writer, size_t m)
{
    json_t *object = json_object();
    tree_put(&writer->tree, object, "name", json_string(writer->evaluate->plan->models[m].name));
    tree_put(&writer->tree, object, "hash", json_string(writer->evaluate->given[m].model.hash));
    for (size_t set = 0; set < 2; set++)
        if (has(writer->evaluate, set)) tree_put(&writer->tree, object, sets[set], set_of(writer, m, set));
    return object;
}

/* DeLong's test; the variances are those of both models' scores in 32 bands, the AUCs those of the fine curves. */
static json_t *difference(struct writer *writer, size_t set)
{
    const struct evaluate *evaluate = writer->evaluate;
    enum case_kind first = set ? CASE_HELD_NEGATIVE : CASE_TRAIN_NEGATIVE;
    struct curve_measures a = curve_measure(&evaluate->models[0].curve, first);
    struct curve_measures b = curve_measure(&evaluate->models[1].curve, first);
    if (a.negatives < 2 || a.positives < 2) return json_null();
    if (!cells_shown(writer->rule, (struct cell){a.negatives, a.positives})) return json_null();
    double variance =
        covariance(evaluate, set, 0, 0) + covariance(evaluate, set, 1, 1) - 2 * covariance(evaluate, set, 0, 1);
    double away = a.auc - b.auc, error = variance > 0 ? sqrt(variance) : 0, z = away / error;
    json_t *object = json_object();
    tree_put(&writer->tree, object, "auc_difference", tree_real(away));
    tree_put(&writer->tree, object, "std_error", tree_real(error));
    put_interval(writer, object, "interval", away, error);
    tree_put(&writer->tree, object, "z", tree_real(z));
    tree_put(&writer->tree, object, "p", isfinite(z) ? tree_real(exact_normal_two_sided(z)) : json_null());
    return object;
}

struct result evaluate_result(const struct evaluate *evaluate, uint64_t rounds, unsigned banks, struct buffer *out)
{
    struct writer writer = {.evaluate = evaluate, .rule = {evaluate->plan->cells_minimum, true}};
    json_t *root = head_of(&writer.tree, evaluate->plan, rounds, banks, evaluate->cases), *array = json_array();
    json_t *rule = json_object();
    tree_put(&writer.tree, rule, "minimum", tree_count(evaluate->plan->cells_minimum));
    tree_put(&writer.tree, root, "cells", rule);
    for (size_t m = 0; m < evaluate->plan->models_count; m++) tree_add(&writer.tree, array, model_of(&writer, m));
    tree_put(&writer.tree, root, "models", array);
    if (evaluate->plan->models_count > 1) {
        json_t *both = json_object();
        for (size_t set = 0; set < 2; set++)
            if (has(evaluate, set)) tree_put(&writer.tree, both, sets[set], difference(&writer, set));
        tree_put(&writer.tree, root, "difference", both);
    }
    return tree_text(&writer.tree, root, out);
}
