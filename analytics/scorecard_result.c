/* The scorecard as model.json: what the logistic fit says of itself, then features with their classes and points. */
#include <math.h>
#include <stdlib.h>

#include "analytics/exact.h"
#include "analytics/head.h"
#include "analytics/json_text.h"
#include "analytics/scorecard_private.h"

struct writer {
    const struct scorecard *scorecard;
    const struct scorecard_fit *fit;
    const struct logistic *model;
    double factor, offset; /* points = offset - factor · log-odds */
    double scale;          /* 10^decimals */
    double *slopes;        /* of each feature of the fit: log-odds a unit of WoE */
    double intercept;
    double surplus; /* under privacy: the noise's variance over the one promised */
    struct tree tree;
};

/* To the plan's decimals, half to even; -0 becomes 0. */
static double rounded(const struct writer *writer, double points)
{
    const double magic = 0x1.8p52; /* |points| stays far below 2^51 */
    return ((points * writer->scale + magic) - magic) / writer->scale + 0.0;
}

static struct result prepare(struct writer *writer)
{
    const struct plan_scorecard *plan = &writer->scorecard->plan->scorecard;
    writer->factor = plan->pdo / exact_log(2);
    writer->offset = plan->base - writer->factor * exact_log(plan->odds);
    writer->scale = 1;
    for (uint32_t i = 0; i < plan->decimals; i++) writer->scale *= 10;
    writer->slopes = calloc(writer->fit->plan.features_count, sizeof *writer->slopes);
    ENSURE(writer->slopes, CATEGORY_ENVIRONMENT, "out of memory for a scorecard");
    writer->intercept = writer->model->base[0];
    for (size_t k = 0; k < writer->fit->plan.features_count; k++) {
        if (writer->model->aliased[k + 1]) continue;
        writer->slopes[k] = writer->model->base[k + 1] * writer->model->features[k].inverse;
        writer->intercept -= writer->slopes[k] * writer->model->features[k].mean;
    }
    return RESULT_OK;
}

/* The place of a feature in the model, or SIZE_MAX. */
static size_t place_of(const struct writer *writer, size_t f)
{
    for (size_t k = 0; k < writer->fit->plan.features_count; k++)
        if (writer->fit->features[k] == f && writer->scorecard->features[f].fate == FATE_KEPT) return k;
    return SIZE_MAX;
}

/* ---- terms, on the scale of the weights of evidence */

static json_t *one_term(struct writer *writer, const char *name, double estimate, double error)
{
    json_t *term = json_object();
    double z = writer->model->private ? (double)NAN : estimate / error; /* what is shrunk has no such test */
    tree_put(&writer->tree, term, "term", json_string(name));
    tree_put(&writer->tree, term, "estimate", tree_real(estimate));
    tree_put(&writer->tree, term, "std_error", tree_real(error));
    tree_put(&writer->tree, term, "z", tree_real(z));
    tree_put(&writer->tree, term, "p", isfinite(z) ? tree_real(exact_normal_two_sided(z)) : json_null());
    return term;
}

static json_t *terms(struct writer *writer)
{
    json_t *array = json_array();
    /* The intercept's error at WoE 0 would need the covariances. */
    tree_add(&writer->tree, array, one_term(writer, "(intercept)", writer->intercept, (double)NAN));
    for (size_t k = 0; k < writer->fit->plan.features_count; k++) {
        if (place_of(writer, writer->fit->features[k]) == SIZE_MAX) continue;
        bool aliased = writer->model->aliased[k + 1] != 0;
        double variance = writer->model->variance[k + 1];
        if (writer->model->private) variance += writer->model->private->noise[k + 1] * writer->surplus;
        double error = !aliased && variance > 0 ? sqrt(variance) * writer->model->features[k].inverse : (double)NAN;
        json_t *term =
            one_term(writer, writer->fit->plan.features[k].name, aliased ? (double)NAN : writer->slopes[k], error);
        if (aliased) tree_put(&writer->tree, term, "aliased", json_true());
        tree_add(&writer->tree, array, term);
    }
    return array;
}

/* ---- features and their classes */

/* A number's class: one run of bins, so one interval. */
static void put_interval(struct writer *writer, json_t *object, size_t f, size_t class)
{
    const struct scorecard_feature *feature = &writer->scorecard->features[f];
    double edges[PROFILE_BINS_MAX];
    size_t count = profile_edges(&writer->scorecard->profile, f, edges), first = 0;
    while (first < feature->cells_count && feature->class_of[first] != class) first++;
    if (first == feature->cells_count) return; /* missing values alone */
    size_t last = first;
    while (last + 1 < feature->cells_count && feature->class_of[last + 1] == class) last++;
    tree_put(&writer->tree, object, "from", first > 0 ? tree_real(edges[first - 1]) : json_null());
    tree_put(&writer->tree, object, "to", last < count ? tree_real(edges[last]) : json_null());
}

static void put_levels(struct writer *writer, json_t *object, size_t f, size_t class)
{
    const struct scorecard_feature *feature = &writer->scorecard->features[f];
    json_t *levels = json_array();
    for (size_t level = 0; level < feature->cells_count; level++)
        if (feature->class_of[level] == class)
            tree_add(&writer->tree, levels,
                     json_string(plan_feature_level(&writer->scorecard->plan->features[f], level)));
    tree_put(&writer->tree, object, "levels", levels);
}

/* The special codes whose class it is. */
static void put_specials(struct writer *writer, json_t *object, size_t f, size_t class)
{
    const struct plan_feature *plan = &writer->scorecard->plan->features[f];
    json_t *codes = NULL;
    for (size_t s = 0; s < plan->specials_count; s++) {
        if (writer->scorecard->features[f].specials[s] != class) continue;
        if (!codes) codes = json_array();
        tree_add(&writer->tree, codes, tree_real(plan->specials[s]));
    }
    if (codes) tree_put(&writer->tree, object, "special", codes);
}

/* Whether a class is too small to be shown: then none of the feature is, as the others and the total would tell. */
static bool hides(const struct writer *writer, size_t f)
{
    const struct scorecard_feature *feature = &writer->scorecard->features[f];
    const struct cells_rule rule = {writer->scorecard->plan->cells_minimum, true};
    for (size_t k = 0; k < feature->classes_count; k++)
        if (!cells_shown(rule, feature->classes[k].cell)) return true;
    return false;
}

static json_t *one_class(struct writer *writer, size_t f, size_t class)
{
    const struct scorecard_feature *feature = &writer->scorecard->features[f];
    const struct scorecard_class *of = &feature->classes[class];
    const struct cell all = {writer->scorecard->profile.cases[CASE_TRAIN_NEGATIVE],
                             writer->scorecard->profile.cases[CASE_TRAIN_POSITIVE]};
    size_t place = place_of(writer, f);
    double rows = (double)(of->cell.negatives + of->cell.positives);
    bool both = of->cell.positives > 0 && of->cell.negatives > 0;
    json_t *object = json_object();
    if (writer->scorecard->plan->features[f].kind == PLAN_NUMBER)
        put_interval(writer, object, f, class);
    else
        put_levels(writer, object, f, class);
    if (feature->missing == class) tree_put(&writer->tree, object, "missing", json_true());
    put_specials(writer, object, f, class);
    if (hides(writer, f)) return object;
    tree_put(&writer->tree, object, "rows", tree_count(of->cell.negatives + of->cell.positives));
    tree_put(&writer->tree, object, "positives", tree_count(of->cell.positives));
    tree_put(&writer->tree, object, "share", tree_real(rows / (double)(all.negatives + all.positives)));
    tree_put(&writer->tree, object, "rate", rows > 0 ? tree_real((double)of->cell.positives / rows) : json_null());
    tree_put(&writer->tree, object, "woe", tree_real(of->woe));
    tree_put(&writer->tree, object, "iv", tree_real(both ? classing_iv(of->cell, all) : 0));
    if (place == SIZE_MAX) return object;
    double odds = writer->slopes[place] * of->woe;
    tree_put(&writer->tree, object, "log_odds", tree_real(odds));
    tree_put(&writer->tree, object, "points", tree_real(rounded(writer, -writer->factor * odds)));
    return object;
}

static void put_rules(struct writer *writer, json_t *object, size_t f)
{
    static const char *const outside[] = {
        [OUTSIDE_REFUSE] = "refuse", [OUTSIDE_CLAMP] = "clamp", [OUTSIDE_MISSING] = "missing"};
    const struct plan_feature *feature = &writer->scorecard->plan->features[f];
    bool number = feature->kind == PLAN_NUMBER;
    tree_put(&writer->tree, object, "name", json_string(feature->name));
    tree_put(&writer->tree, object, "kind", json_string(number ? "number" : "category"));
    if (number) {
        tree_put(&writer->tree, object, "min", tree_real(feature->minimum));
        tree_put(&writer->tree, object, "max", tree_real(feature->maximum));
        tree_put(&writer->tree, object, "outside", json_string(outside[feature->outside]));
        tree_put(&writer->tree, object, "missing",
                 json_string(feature->missing == MISSING_REFUSE ? "refuse" : "class"));
    } else {
        tree_put(&writer->tree, object, "missing", json_string(feature->level_missing ? "class" : "refuse"));
        tree_put(&writer->tree, object, "other", json_string(feature->level_other ? "class" : "refuse"));
    }
}

static json_t *one_feature(struct writer *writer, size_t f)
{
    const struct scorecard_feature *feature = &writer->scorecard->features[f];
    json_t *object = json_object(), *classes = json_array();
    put_rules(writer, object, f);
    tree_put(&writer->tree, object, "iv", hides(writer, f) ? json_null() : tree_real(feature->iv));
    for (size_t k = 0; k < feature->classes_count; k++) tree_add(&writer->tree, classes, one_class(writer, f, k));
    tree_put(&writer->tree, object, "classes", classes);
    return object;
}

static json_t *features(struct writer *writer)
{
    json_t *array = json_array();
    for (size_t k = 0; k < writer->fit->plan.features_count; k++)
        if (place_of(writer, writer->fit->features[k]) != SIZE_MAX)
            tree_add(&writer->tree, array, one_feature(writer, writer->fit->features[k]));
    return array;
}

static json_t *left_out(struct writer *writer)
{
    static const char *const reasons[] = {
        [FATE_ONE_CLASS] = "one class: no cut keeps enough customers of both outcomes, or min and max are far too wide",
        [FATE_WEAK] = "its information value is below selection.iv",
        [FATE_CORRELATED] = "its weights are correlated with those of a stronger feature beyond selection.correlation",
        [FATE_WRONG_SIGN] = "its coefficient has the wrong sign beside the others",
    };
    const struct plan *plan = writer->scorecard->plan;
    json_t *array = json_array();
    for (size_t f = 0; f < plan->features_count; f++) {
        const struct scorecard_feature *feature = &writer->scorecard->features[f];
        if (feature->fate == FATE_KEPT) continue;
        json_t *object = one_feature(writer, f);
        tree_put(&writer->tree, object, "reason", json_string(reasons[feature->fate]));
        if (feature->fate == FATE_CORRELATED) {
            tree_put(&writer->tree, object, "with", json_string(plan->features[feature->with].name));
            tree_put(&writer->tree, object, "r", tree_real(feature->r));
        }
        tree_add(&writer->tree, array, object);
    }
    return array;
}

static json_t *points(struct writer *writer)
{
    const struct plan_scorecard *plan = &writer->scorecard->plan->scorecard;
    json_t *object = json_object();
    tree_put(&writer->tree, object, "pdo", tree_real(plan->pdo));
    tree_put(&writer->tree, object, "base", tree_real(plan->base));
    tree_put(&writer->tree, object, "odds", tree_real(plan->odds));
    tree_put(&writer->tree, object, "decimals", tree_count(plan->decimals));
    tree_put(&writer->tree, object, "reasons", tree_count(plan->reasons));
    tree_put(&writer->tree, object, "factor", tree_real(writer->factor));
    tree_put(&writer->tree, object, "offset", tree_real(writer->offset));
    tree_put(&writer->tree, object, "base_points",
             tree_real(rounded(writer, writer->offset - writer->factor * writer->intercept)));
    return object;
}

/* What the logistic run says of itself. */
static struct result fit_json(const struct writer *writer, unsigned banks, json_t **ret)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    TRY(logistic_result(&writer->fit->plan, buffer_view(&writer->scorecard->fit), 0, banks, &text));
    *ret = json_loadb((const char *)text.data, text.length, 0, NULL);
    ENSURE(*ret, CATEGORY_ENVIRONMENT, "out of memory for a scorecard");
    return RESULT_OK;
}

static json_t *model_of(struct writer *writer, json_t *fit, json_t *privacy, uint64_t rounds, unsigned banks)
{
    static const char *const taken[] = {"converged",     "separation", "fit",     "log_likelihood", "deviance",
                                        "null_deviance", "aic",        "metrics", "score_histogram"};
    const struct scorecard *scorecard = writer->scorecard;
    json_t *root = head_of(&writer->tree, scorecard->plan, rounds, banks, scorecard->profile.cases),
           *rule = json_object();
    tree_put(&writer->tree, rule, "minimum", tree_count(scorecard->plan->cells_minimum));
    tree_put(&writer->tree, root, "cells", rule);
    tree_put(&writer->tree, root, "points", points(writer));
    tree_put(&writer->tree, root, "terms", terms(writer));
    tree_put(&writer->tree, root, "features", features(writer));
    tree_put(&writer->tree, root, "left_out", left_out(writer));
    tree_put(&writer->tree, root, "fits", tree_count(scorecard->fits));
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        tree_put(&writer->tree, root, taken[i], json_incref(json_object_get(fit, taken[i])));
    if (privacy) tree_put(&writer->tree, root, "privacy", privacy);
    return root;
}

struct result scorecard_result(const struct scorecard *scorecard, uint64_t rounds, unsigned banks, struct buffer *out)
{
    CLEANUP(scorecard_fit_done) struct scorecard_fit fit = {0};
    CLEANUP(logistic_done) struct logistic model = {0};
    json_t *told = NULL, *privacy = NULL;
    struct private_noise noise = {0};
    TRY(scorecard_fit_of(scorecard, &fit));
    TRY(logistic_parse(&fit.plan, buffer_view(&scorecard->fit), &model));
    ENSURE(model.stage == LOGISTIC_FINISHED, CATEGORY_FALSE, "the state's fit is not finished");
    if (model.private) TRY(logistic_private_noise(&model, banks, &noise));
    struct writer writer = {.scorecard = scorecard, .fit = &fit, .model = &model, .surplus = noise.surplus};
    struct result result = prepare(&writer);
    if (result_ok(result)) result = fit_json(&writer, banks, &told);
    if (result_ok(result)) result = scorecard_private_json(&writer.tree, scorecard, &model, banks, &privacy);
    if (result_ok(result)) result = tree_text(&writer.tree, model_of(&writer, told, privacy, rounds, banks), out);
    json_decref(told);
    free(writer.slopes);
    return result;
}
