/* A model's figures over one set of rows, from noisy sums. What noise alone could be is not told: a count stands when
 * it is the plan's least and three standard deviations of its noise. docs/evaluate.md has the formulas. */
#include <math.h>
#include <stdlib.h>

#include "analytics/evaluate_private.h"
#include "analytics/exact.h"
#include "analytics/private_project.h"
#include "analytics/stability.h"

static const double normal_95 = 1.959963984540054; /* the 97.5th percentile of the normal distribution */
static const double deviations = 3;

static double square(double x)
{
    return x * x;
}

static const double *values_of(const struct evaluate_set *of, enum evaluate_field field)
{
    return of->evaluate->private->values + evaluate_private_at(of->evaluate, field, of->model);
}

/* The least that a sum of so many counts is told from. */
static double least_of(const struct evaluate_set *of, enum evaluate_field field, size_t counts)
{
    double noise = deviations * of->sigma[field] * sqrt((double)counts), minimum = of->evaluate->plan->cells_minimum;
    return noise > minimum ? noise : minimum;
}

static json_t *rounded(double count)
{
    return tree_count((uint64_t)(private_clip(count, 0, 0x1p62) + 0.5));
}

static json_t *share(double part, double whole)
{
    return whole > 0 ? tree_real(private_clip(part / whole, 0, 1)) : json_null();
}

static void put_interval(struct tree *tree, json_t *object, const char *key, const double ends[2], double error)
{
    json_t *interval = json_array();
    tree_add(tree, interval, tree_real(private_clip(ends[0] - normal_95 * error, -1, 1)));
    tree_add(tree, interval, tree_real(private_clip(ends[1] + normal_95 * error, -1, 1)));
    tree_put(tree, object, key, interval);
}

/* ---- discrimination */

static struct private_scores scores_of(const struct evaluate_set *of)
{
    return (struct private_scores){
        (const double(*)[CASE_KINDS])values_of(of, EVALUATE_FIELD_COUNTS), of->evaluate->private->bins[of->model].count,
        of->set ? CASE_HELD_NEGATIVE : CASE_TRAIN_NEGATIVE, of->sigma[EVALUATE_FIELD_COUNTS]};
}

static bool enough(const struct evaluate_set *of, const struct private_curve *curve)
{
    double least = least_of(of, EVALUATE_FIELD_COUNTS, of->evaluate->private->bins[of->model].count);
    return curve->negatives >= least && curve->positives >= least;
}

struct evaluate_auc evaluate_private_auc(const struct evaluate_set *of)
{
    const struct private_scores scores = scores_of(of);
    const struct private_curve curve = private_curve_of(&scores);
    if (!enough(of, &curve)) return (struct evaluate_auc){(double)NAN, (double)NAN, (double)NAN};
    return (struct evaluate_auc){curve.auc, curve.auc_sd,
                                 private_curve_sampling(&scores, &curve).auc + square(curve.auc_sd)};
}

static void put_auc(struct tree *tree, json_t *object, const struct evaluate_set *of)
{
    const struct evaluate_auc auc = evaluate_private_auc(of);
    if (isnan(auc.auc)) return;
    double error = sqrt(auc.variance), gini = 2 * auc.auc - 1;
    tree_put(tree, object, "auc", tree_real(auc.auc));
    put_interval(tree, object, "auc_interval", (const double[]){auc.auc, auc.auc}, error);
    tree_put(tree, object, "auc_std_error", tree_real(error));
    tree_put(tree, object, "auc_noise_sd", tree_real(auc.noise_sd));
    tree_put(tree, object, "auc_error", tree_real(2 * auc.noise_sd));
    tree_put(tree, object, "gini", tree_real(gini));
    put_interval(tree, object, "gini_interval", (const double[]){gini, gini}, 2 * error);
}

static void put_ks(struct tree *tree, json_t *object, const struct evaluate_set *of)
{
    const struct private_scores scores = scores_of(of);
    const struct private_curve curve = private_curve_of(&scores);
    if (!enough(of, &curve)) return;
    double error = sqrt(private_curve_sampling(&scores, &curve).ks + square(curve.ks_sd));
    tree_put(tree, object, "ks", tree_real(curve.ks));
    put_interval(tree, object, "ks_interval", (const double[]){curve.ks, curve.ks}, error);
    tree_put(tree, object, "ks_noise_sd", tree_real(curve.ks_sd));
    tree_put(tree, object, "ks_error", tree_real(2 * curve.ks_sd));
}

static void put_brier(struct tree *tree, json_t *object, const struct evaluate_set *of)
{
    const double *cases = of->evaluate->private->values + of->evaluate->private->begin[EVALUATE_FIELD_CASES];
    double rows = cases[2 * of->set] + cases[2 * of->set + 1];
    bool told = rows >= least_of(of, EVALUATE_FIELD_CASES, 2) && rows >= least_of(of, EVALUATE_FIELD_ERRORS, 1);
    double brier = private_clip(values_of(of, EVALUATE_FIELD_ERRORS)[of->set] / rows, 0, 1);
    double sd = sqrt(square(of->sigma[EVALUATE_FIELD_ERRORS]) + 2 * square(brier * of->sigma[EVALUATE_FIELD_CASES]));
    tree_put(tree, object, "brier", told ? tree_real(brier) : json_null());
    tree_put(tree, object, "brier_noise_sd", told ? tree_real(sd / rows) : json_null());
    tree_put(tree, object, "log_loss", json_null()); /* one row can move it without bound */
}

/* ---- stability */

/* An index, and what noise of this variance in every bin's rows adds to it on average: Σ variance/(rows² · then). */
struct drifting {
    struct stability index;
    double rows, variance, added;
};

static struct drifting drifting_of(double rows, double least, double variance)
{
    return (struct drifting){.index = {.least = least / rows}, .rows = rows, .variance = variance};
}

static void drift_add(struct drifting *drifting, double now, double then, double counts)
{
    stability_add(&drifting->index, now / drifting->rows, then);
    if (then > 0) drifting->added += drifting->variance * counts / square(drifting->rows) / then;
}

static void put_drift(struct tree *tree, json_t *object, bool told, const struct drifting *drifting)
{
    tree_put(tree, object, "psi", told ? tree_real(stability_end(&drifting->index)) : json_null());
    tree_put(tree, object, "psi_noise", told ? tree_real(drifting->added) : json_null());
}

static double rows_of_bin(const struct evaluate_set *of, size_t bin)
{
    const double *counts = values_of(of, EVALUATE_FIELD_COUNTS) + bin * CASE_KINDS + 2 * of->set;
    return counts[0] + counts[1];
}

static void put_psi(struct tree *tree, json_t *object, const struct evaluate_set *of)
{
    const struct evaluate_bins *bins = &of->evaluate->private->bins[of->model];
    const struct private_scores scores = scores_of(of);
    const struct private_curve curve = private_curve_of(&scores);
    bool told = enough(of, &curve) && bins->training_count > 0;
    double least = least_of(of, EVALUATE_FIELD_COUNTS, 4);
    struct drifting drifting = drifting_of(curve.negatives + curve.positives, least, 2 * square(scores.sigma));
    for (size_t b = 0, end; told && b < bins->count; b = end) {
        double now = 0;
        for (end = b; end < bins->count && bins->training[end] == bins->training[b]; end++) now += rows_of_bin(of, end);
        drift_add(&drifting, now, bins->shares[bins->training[b]], (double)(end - b));
    }
    put_drift(tree, object, told, &drifting);
}

static json_t *feature_drift(struct tree *tree, const struct evaluate_set *of, size_t f)
{
    const struct evaluate_given *given = &of->evaluate->given[of->model];
    const struct model_feature *feature = &given->model.features[f];
    const double *counts = values_of(of, EVALUATE_FIELD_DRIFT) + 2 * given->drifts[f] + of->set;
    double sigma = of->sigma[EVALUATE_FIELD_DRIFT], rows = 0, trained = 0;
    size_t cells = feature->training ? feature->cells_count : 0;
    for (size_t c = 0; c < cells; c++) {
        rows += counts[2 * c];
        trained += feature->training[c];
    }
    bool told = cells > 0 && trained > 0 && rows >= least_of(of, EVALUATE_FIELD_DRIFT, cells);
    struct drifting drifting = drifting_of(rows, least_of(of, EVALUATE_FIELD_DRIFT, 1), square(sigma));
    for (size_t c = 0; c < cells && told; c++) drift_add(&drifting, counts[2 * c], feature->training[c] / trained, 1);
    json_t *object = json_object();
    tree_put(tree, object, "name", json_string(given->model.specs[f].name));
    put_drift(tree, object, told, &drifting);
    return object;
}

static json_t *features(struct tree *tree, const struct evaluate_set *of)
{
    json_t *array = json_array();
    for (size_t f = 0; f < of->evaluate->given[of->model].model.features_count; f++)
        tree_add(tree, array, feature_drift(tree, of, f));
    return array;
}

/* ---- bands: gains, lift, calibration */

struct band {
    size_t from, to; /* bins [from, to) */
    double cells[2], predicted;
    double noise; /* variance that noise gives to positives less predicted */
};

static void band_add(const struct evaluate_set *of, size_t bin, struct band *band)
{
    const struct evaluate_bins *bins = &of->evaluate->private->bins[of->model];
    const double *counts = values_of(of, EVALUATE_FIELD_COUNTS) + bin * CASE_KINDS + 2 * of->set;
    double middle = bins->middle[bin], away = values_of(of, EVALUATE_FIELD_AWAY)[2 * bin + of->set];
    for (size_t k = 0; k < 2; k++) band->cells[k] += counts[k];
    band->predicted += (counts[0] + counts[1]) * middle + away * bins->half[bin];
    band->noise += square(of->sigma[EVALUATE_FIELD_COUNTS]) * (square(middle) + square(1 - middle)) +
                   square(of->sigma[EVALUATE_FIELD_AWAY] * bins->half[bin]);
}

static struct band band_of(const struct evaluate_set *of, size_t from, size_t to)
{
    struct band band = {.from = from, .to = to};
    for (size_t b = from; b < to; b++) band_add(of, b, &band);
    return band;
}

static bool band_stands(const struct evaluate_set *of, const struct band *band, double rows)
{
    double least = least_of(of, EVALUATE_FIELD_COUNTS, band->to - band->from);
    return band->cells[0] >= least && band->cells[1] >= least && band->cells[0] + band->cells[1] >= rows;
}

/* From the highest scores down; what is left at the end goes with the last ones until these stand. */
static size_t bands_of(const struct evaluate_set *of, const struct band *all, struct band *ret)
{
    double rows = (all->cells[0] + all->cells[1]) / (double)EVALUATE_BANDS;
    size_t count = 0, to = all->to;
    for (size_t from = to; from-- > 0;) {
        struct band band = band_of(of, from, to);
        if (!band_stands(of, &band, rows)) continue;
        ret[count++] = band;
        to = from;
    }
    if (to > 0 && count > 0) ret[count - 1] = band_of(of, 0, ret[count - 1].to);
    while (count > 1 && !band_stands(of, &ret[count - 1], rows)) {
        ret[count - 2] = band_of(of, 0, ret[count - 2].to);
        count--;
    }
    return count == 1 && !band_stands(of, &ret[0], rows) ? 0 : count;
}

static json_t *one_band(struct tree *tree, const struct evaluate_set *of, const struct band *band,
                        const struct band *all)
{
    const struct evaluate_bins *bins = &of->evaluate->private->bins[of->model];
    const struct band above = band_of(of, band->from, all->to);
    double rows = band->cells[0] + band->cells[1], overall = all->cells[1] / (all->cells[0] + all->cells[1]);
    double gain = private_clip(above.cells[1] / all->cells[1], 0, 1);
    double part = private_clip((above.cells[0] + above.cells[1]) / (all->cells[0] + all->cells[1]), 0, 1);
    json_t *object = json_object();
    tree_put(tree, object, "from", band->from > 0 ? tree_real(bins->edges[band->from - 1]) : json_null());
    tree_put(tree, object, "to", band->to < bins->count ? tree_real(bins->edges[band->to - 1]) : json_null());
    tree_put(tree, object, "rows", rounded(rows));
    tree_put(tree, object, "positives", rounded(band->cells[1]));
    tree_put(tree, object, "rate", share(band->cells[1], rows));
    tree_put(tree, object, "predicted", share(band->predicted, rows));
    tree_put(tree, object, "lift", tree_real(band->cells[1] / rows / overall));
    tree_put(tree, object, "rows_share", tree_real(part));
    tree_put(tree, object, "gain", tree_real(gain));
    tree_put(tree, object, "cumulative_lift", part > 0 ? tree_real(gain / part) : json_null());
    return object;
}

/* As of exact sums, but that each band's square is divided by the variance of the noise, too. */
static json_t *hosmer_lemeshow(struct tree *tree, const struct evaluate_set *of, const struct band *bands, size_t count)
{
    double statistic = 0;
    for (size_t b = 0; b < count; b++) {
        double rows = bands[b].cells[0] + bands[b].cells[1], mean = private_clip(bands[b].predicted / rows, 0, 1);
        statistic += square(bands[b].cells[1] - bands[b].predicted) / (rows * mean * (1 - mean) + bands[b].noise);
    }
    bool trained = of->set == 0 && of->evaluate->plan->split != SPLIT_NONE;
    size_t degrees = trained ? count - (count > 2 ? 2 : count) : count;
    bool known = isfinite(statistic) && degrees > 0;
    json_t *object = json_object();
    tree_put(tree, object, "statistic", tree_real(statistic));
    tree_put(tree, object, "degrees", tree_count(degrees));
    tree_put(tree, object, "p", known ? tree_real(exact_chi_square_tail(statistic, (unsigned)degrees)) : json_null());
    return object;
}

static void put_bands(struct tree *tree, json_t *object, const struct evaluate_set *of)
{
    struct band bands[PRIVATE_CURVE_BINS];
    const struct band all = band_of(of, 0, of->evaluate->private->bins[of->model].count);
    size_t count = isnan(evaluate_private_auc(of).auc) ? 0 : bands_of(of, &all, bands);
    json_t *array = json_array();
    for (size_t b = 0; b < count; b++) tree_add(tree, array, one_band(tree, of, &bands[b], &all));
    tree_put(tree, object, "bands", array);
    tree_put(tree, object, "hosmer_lemeshow", count ? hosmer_lemeshow(tree, of, bands, count) : json_null());
}

/* ---- cut-offs and groups */

struct confusion {
    enum evaluate_field field;
    size_t counts[2]; /* how many were added, below and above */
    double cells[2][2];
};

/* counts: of the stretches between cut-offs. */
static struct confusion confusion_of(const struct evaluate_set *of, enum evaluate_field field, const double *counts,
                                     size_t cutoff)
{
    struct confusion ret = {.field = field};
    for (size_t s = 0; s < evaluate_stretches(of->evaluate); s++) {
        bool above = s > cutoff;
        ret.counts[above]++;
        for (size_t k = 0; k < 2; k++) ret.cells[above][k] += counts[s * CASE_KINDS + 2 * of->set + k];
    }
    return ret;
}

static bool confusion_stands(const struct evaluate_set *of, const struct confusion *confusion)
{
    bool stands = true;
    for (size_t above = 0; above < 2; above++)
        for (size_t k = 0; k < 2; k++)
            stands = stands && confusion->cells[above][k] >= least_of(of, confusion->field, confusion->counts[above]);
    return stands;
}

static void put_confusion(struct tree *tree, json_t *object, const struct confusion *of)
{
    const double *below = of->cells[0], *above = of->cells[1];
    tree_put(tree, object, "true_positives", rounded(above[1]));
    tree_put(tree, object, "false_positives", rounded(above[0]));
    tree_put(tree, object, "true_negatives", rounded(below[0]));
    tree_put(tree, object, "false_negatives", rounded(below[1]));
    tree_put(tree, object, "approval_rate", share(below[0] + below[1], below[0] + below[1] + above[0] + above[1]));
    tree_put(tree, object, "bad_rate", share(below[1], below[0] + below[1]));
    tree_put(tree, object, "recall", share(above[1], above[1] + below[1]));
    tree_put(tree, object, "precision", share(above[1], above[0] + above[1]));
}

static json_t *cutoffs(struct tree *tree, const struct evaluate_set *of, enum evaluate_field field,
                       const double *counts)
{
    json_t *array = json_array();
    for (size_t c = 0; c < of->evaluate->plan->cutoffs_count; c++) {
        const struct confusion confusion = confusion_of(of, field, counts, c);
        json_t *object = json_object();
        tree_put(tree, object, "cutoff", tree_real(of->evaluate->plan->cutoffs[c]));
        if (confusion_stands(of, &confusion))
            put_confusion(tree, object, &confusion);
        else
            tree_put(tree, object, "withheld", json_true());
        tree_add(tree, array, object);
    }
    return array;
}

static const double *group_counts(const struct evaluate_set *of, size_t group)
{
    return values_of(of, EVALUATE_FIELD_GROUPS) + group * evaluate_stretches(of->evaluate) * CASE_KINDS;
}

/* All rows of a group by outcome: as of a cut-off that nothing is below. */
static bool group_of(const struct evaluate_set *of, size_t group, double cells[2])
{
    const double *counts = group_counts(of, group) + 2 * of->set;
    size_t stretches = evaluate_stretches(of->evaluate);
    cells[0] = cells[1] = 0;
    for (size_t s = 0; s < stretches; s++)
        for (size_t k = 0; k < 2; k++) cells[k] += counts[s * CASE_KINDS + k];
    double least = least_of(of, EVALUATE_FIELD_GROUPS, stretches);
    return cells[0] >= least && cells[1] >= least;
}

static json_t *groups(struct tree *tree, const struct evaluate_set *of)
{
    const struct plan *plan = of->evaluate->plan;
    json_t *array = json_array();
    for (size_t g = 0; g < of->evaluate->groups_count; g++) {
        double cells[2], expected = values_of(of, EVALUATE_FIELD_EXPECTED)[2 * g + of->set];
        if (!group_of(of, g, cells)) continue;
        double rows = cells[0] + cells[1];
        json_t *object = json_object();
        tree_put(tree, object, "group", json_string(plan_feature_level(&plan->features[plan->group], g)));
        tree_put(tree, object, "rows", rounded(rows));
        tree_put(tree, object, "positives", rounded(cells[1]));
        tree_put(tree, object, "rate", share(cells[1], rows));
        tree_put(tree, object, "predicted", share(expected, rows));
        tree_put(tree, object, "cutoffs", cutoffs(tree, of, EVALUATE_FIELD_GROUPS, group_counts(of, g)));
        tree_add(tree, array, object);
    }
    return array;
}

/* A rate of groups and its variance from noise: the group with the least and that with the largest. */
struct rate {
    double value, variance;
};
struct extremes {
    struct rate least, most;
    size_t count;
};

/* The share `below` of two sums of so many noisy counts each. */
static struct rate rate_of(double below, double above, const double counts[2], double sigma)
{
    double all = below + above, value = private_clip(below / all, 0, 1);
    return (struct rate){value, square(sigma / all) * (counts[0] * square(1 - value) + counts[1] * square(value))};
}

static void take(struct extremes *extremes, struct rate rate)
{
    if (extremes->count == 0 || rate.value < extremes->least.value) extremes->least = rate;
    if (extremes->count == 0 || rate.value > extremes->most.value) extremes->most = rate;
    extremes->count++;
}

static void take_group(const struct evaluate_set *of, size_t cutoff, size_t group, struct extremes *approval,
                       struct extremes *good)
{
    double all[2], sigma = of->sigma[EVALUATE_FIELD_GROUPS];
    if (!group_of(of, group, all)) return;
    const struct confusion at = confusion_of(of, EVALUATE_FIELD_GROUPS, group_counts(of, group), cutoff);
    const double counts[] = {(double)at.counts[0], (double)at.counts[1]}, both[] = {2 * counts[0], 2 * counts[1]};
    take(approval, rate_of(at.cells[0][0] + at.cells[0][1], at.cells[1][0] + at.cells[1][1], both, sigma));
    take(good, rate_of(at.cells[0][0], at.cells[1][0], counts, sigma));
}

static json_t *fairness_at(struct tree *tree, const struct evaluate_set *of, size_t cutoff)
{
    struct extremes approval = {0}, good = {0};
    for (size_t g = 0; g < of->evaluate->groups_count; g++) take_group(of, cutoff, g, &approval, &good);
    bool two = approval.count > 1;
    double ratio = approval.least.value / approval.most.value;
    double ratio_sd = sqrt(approval.least.variance + square(ratio) * approval.most.variance) / approval.most.value;
    double difference_sd = sqrt(good.least.variance + good.most.variance);
    json_t *object = json_object();
    tree_put(tree, object, "cutoff", tree_real(of->evaluate->plan->cutoffs[cutoff]));
    tree_put(tree, object, "adverse_impact_ratio", two ? tree_real(ratio) : json_null());
    tree_put(tree, object, "adverse_impact_ratio_noise_sd", two ? tree_real(ratio_sd) : json_null());
    tree_put(tree, object, "equal_opportunity_difference",
             two ? tree_real(good.most.value - good.least.value) : json_null());
    tree_put(tree, object, "equal_opportunity_difference_noise_sd", two ? tree_real(difference_sd) : json_null());
    return object;
}

static json_t *fairness(struct tree *tree, const struct evaluate_set *of)
{
    json_t *array = json_array();
    for (size_t c = 0; c < of->evaluate->plan->cutoffs_count; c++) tree_add(tree, array, fairness_at(tree, of, c));
    return array;
}

/* ---- the whole */

json_t *evaluate_private_set(struct tree *tree, const struct evaluate_set *of)
{
    json_t *object = json_object();
    put_auc(tree, object, of);
    put_ks(tree, object, of);
    put_brier(tree, object, of);
    put_psi(tree, object, of);
    tree_put(tree, object, "features", features(tree, of));
    put_bands(tree, object, of);
    tree_put(tree, object, "cutoffs", cutoffs(tree, of, EVALUATE_FIELD_CUTOFFS, values_of(of, EVALUATE_FIELD_CUTOFFS)));
    if (of->evaluate->plan->group == SIZE_MAX) return object;
    tree_put(tree, object, "groups", groups(tree, of));
    tree_put(tree, object, "fairness", fairness(tree, of));
    return object;
}
