#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/evaluate_private.h"

static void given_done(struct evaluate_given *given)
{
    model_done(&given->model);
    free(given->features);
    free(given->drifts);
    *given = (struct evaluate_given){0};
}

void evaluate_done(struct evaluate *evaluate)
{
    for (size_t m = 0; m < PLAN_MODELS_MAX; m++) {
        given_done(&evaluate->given[m]);
        free(evaluate->models[m].cutoffs);
        free(evaluate->models[m].predicted);
        free(evaluate->models[m].stability);
        free(evaluate->models[m].drift);
    }
    free(evaluate->groups);
    free(evaluate->joint);
    evaluate_private_free(evaluate->private);
    *evaluate = (struct evaluate){0};
}

/* ---- the models of the plan */

static bool same_levels(const struct column_spec *spec, const struct plan_feature *feature)
{
    if (spec->levels_count != feature->levels_count) return false;
    for (size_t i = 0; i < spec->levels_count; i++)
        if (strcmp(spec->levels[i], feature->levels[i]) != 0) return false;
    return true;
}

static bool same_specials(const struct column_spec *spec, const struct plan_feature *feature)
{
    if (spec->specials_count != feature->specials_count) return false;
    for (size_t i = 0; i < spec->specials_count; i++)
        if (spec->specials[i] != feature->specials[i]) return false;
    return true;
}

/* Whether the plan takes what the model takes. Under privacy no plan refuses a row: what a model refuses is counted. */
static bool same_rule(bool model, bool plan, bool private)
{
    return model == plan || (private && plan);
}

static bool same_outside(const struct column_spec *spec, const struct plan_feature *feature, bool private)
{
    enum plan_outside outside = spec->outside == COLUMN_OUTSIDE_CLAMP     ? OUTSIDE_CLAMP
                                : spec->outside == COLUMN_OUTSIDE_MISSING ? OUTSIDE_MISSING
                                                                          : OUTSIDE_REFUSE;
    return outside == feature->outside || (private && outside == OUTSIDE_REFUSE);
}

/* Rows are read once, under the plan's rules: a model must have the same. */
static bool same_rules(const struct column_spec *spec, const struct plan_feature *feature, bool private)
{
    if (!same_rule(spec->missing_allowed, feature->missing != MISSING_REFUSE, private)) return false;
    if (spec->kind == COLUMN_CATEGORY)
        return feature->kind == PLAN_CATEGORY && same_levels(spec, feature) &&
               same_rule(spec->other_allowed, feature->level_other, private);
    return feature->kind == PLAN_NUMBER && spec->minimum == feature->minimum && spec->maximum == feature->maximum &&
           same_outside(spec, feature, private) && same_specials(spec, feature);
}

static struct result map_features(const struct plan *plan, size_t m, struct evaluate_given *given)
{
    const struct model *model = &given->model;
    given->features = calloc(model->features_count, sizeof *given->features);
    ENSURE(given->features, CATEGORY_ENVIRONMENT, "out of memory for a model");
    for (size_t f = 0; f < model->features_count; f++) {
        size_t at = 0;
        while (at < plan->features_count && strcmp(plan->features[at].name, model->specs[f].name) != 0) at++;
        ENSURE(
            at < plan->features_count && same_rules(&model->specs[f], &plan->features[at], plan_private(plan)),
            CATEGORY_USAGE,
            "the plan's features do not have %s as the model %s reads it: its bounds, levels, special codes or rules "
            "for "
            "missing and outside values are others. Two models are compared when they read each column alike; evaluate "
            "them one by one, or train them from plans with the same features",
            model->specs[f].name, plan->models[m].name);
        given->features[f] = at;
    }
    return RESULT_OK;
}

/* The largest |z| of a number, missing ones included. */
static double spread_of(const struct model *model, size_t f)
{
    const struct model_feature *feature = &model->features[f];
    if (!feature->number) return 1;
    double low = fabs((model->specs[f].minimum - feature->mean) * feature->inverse);
    double high = fabs((model->specs[f].maximum - feature->mean) * feature->inverse);
    double fill = model->specs[f].missing_allowed ? fabs((feature->fill - feature->mean) * feature->inverse) : 0;
    return fmax(fmax(low, high), fill);
}

/* The largest part of a feature, whatever the row. */
static double reach_of(const struct model *model, size_t f)
{
    const struct model_feature *feature = &model->features[f];
    double most = 0;
    if (feature->number && !model->scorecard) {
        return spread_of(model, f) * fabs(feature->estimate);
    }
    size_t count = model_attributes(feature);
    for (size_t k = 0; k < count; k++)
        if (fabs(feature->estimates[k]) > most) most = fabs(feature->estimates[k]);
    return most;
}

static double derived_reach(const struct model *model, size_t d)
{
    const struct model_derived *derived = &model->derived[d];
    double most = 0;
    for (size_t i = 0; i < derived->widths[0] * derived->widths[1]; i++) most = fmax(most, fabs(derived->estimates[i]));
    if (derived->with == SIZE_MAX) return most * (spread_of(model, derived->feature) + fabs(derived->knot));
    return most * spread_of(model, derived->feature) * spread_of(model, derived->with);
}

/* What the model keeps of the scores it was trained on, if it does. */
static struct result read_histogram(const json_t *json, struct evaluate_given *given)
{
    const json_t *histogram = json_object_get(json, "score_histogram"), *edges = json_object_get(histogram, "edges");
    const json_t *negatives = json_object_get(histogram, "train_negatives");
    const json_t *positives = json_object_get(histogram, "train_positives");
    size_t count = json_array_size(edges);
    double all = 0;
    if (!json_is_object(histogram)) return RESULT_OK;
    ENSURE(count < EVALUATE_EDGES_MAX && json_array_size(negatives) == count + 1 &&
               json_array_size(positives) == count + 1,
           CATEGORY_USAGE, "\"score_histogram\" is none");
    for (size_t b = 0; b <= count; b++) {
        const json_t *n = json_array_get(negatives, b), *p = json_array_get(positives, b);
        ENSURE(json_is_integer(n) && json_is_integer(p) && json_integer_value(n) >= 0 && json_integer_value(p) >= 0,
               CATEGORY_USAGE, "\"score_histogram\" has counts that are none");
        given->shares[b] = (double)json_integer_value(n) + (double)json_integer_value(p);
        all += given->shares[b];
        if (b == count) break;
        given->edges[b] = json_number_value(json_array_get(edges, b));
        ENSURE(json_is_number(json_array_get(edges, b)) && (b == 0 || given->edges[b] > given->edges[b - 1]),
               CATEGORY_USAGE, "\"score_histogram\" has edges that do not rise");
    }
    ENSURE(all > 0, CATEGORY_USAGE, "\"score_histogram\" holds nothing");
    for (size_t b = 0; b <= count; b++) given->shares[b] /= all;
    given->edges_count = count;
    given->bins = count + 1;
    return RESULT_OK;
}

static struct result read_given(const struct plan *plan, size_t m, struct evaluate_given *given)
{
    struct view text = view_text(plan->models[m].json);
    TRY(model_parse(text, plan->models[m].name, &given->model));
    json_t *json = json_loadb((const char *)text.data, text.length, 0, NULL);
    ENSURE(json, CATEGORY_ENVIRONMENT, "out of memory for a model");
    struct result result = result_at(read_histogram(json, given), "%s: ", plan->models[m].name);
    json_decref(json);
    TRY(result);
    TRY(map_features(plan, m, given));
    ENSURE(strcmp(given->model.target, plan->target) == 0 && strcmp(given->model.positive, plan->positive) == 0,
           CATEGORY_USAGE, "the model %s predicts %s = %s, and the plan's target is %s = %s", plan->models[m].name,
           given->model.target, given->model.positive, plan->target, plan->positive);
    given->reach = fabs(given->model.intercept);
    for (size_t f = 0; f < given->model.features_count; f++) given->reach += reach_of(&given->model, f);
    for (size_t d = 0; d < given->model.derived_count; d++) given->reach += derived_reach(&given->model, d);
    given->reach *= 1 + 0x1p-30;
    ENSURE(given->reach < 0x1p30, CATEGORY_USAGE, "the scores of the model %s reach %g, which leaves no precision",
           plan->models[m].name, given->reach);
    return RESULT_OK;
}

/* Where each feature's cells begin, of those whose training the model keeps. */
static struct result place_drifts(struct evaluate_given *given)
{
    given->drifts = calloc(given->model.features_count + 1, sizeof *given->drifts);
    ENSURE(given->drifts, CATEGORY_ENVIRONMENT, "out of memory for an evaluation");
    for (size_t f = 0; f < given->model.features_count; f++) {
        given->drifts[f] = given->drifts_count;
        if (given->model.features[f].training) given->drifts_count += given->model.features[f].cells_count;
    }
    return RESULT_OK;
}

static struct result allocate(struct evaluate *evaluate)
{
    const struct plan *plan = evaluate->plan;
    size_t groups = evaluate->groups_count;
    bool made = true;
    for (size_t m = 0; m < plan->models_count; m++) {
        struct evaluate_model *model = &evaluate->models[m];
        model->cutoffs = calloc(plan->cutoffs_count * groups * CASE_KINDS + 1, sizeof *model->cutoffs);
        model->predicted = calloc(2 * (EVALUATE_BANDS + groups), sizeof *model->predicted);
        model->stability = calloc(evaluate->given[m].bins * CASE_KINDS + 1, sizeof *model->stability);
        model->drift = calloc(2 * evaluate->given[m].drifts_count + 1, sizeof *model->drift);
        made = made && model->cutoffs && model->predicted && model->stability && model->drift;
    }
    evaluate->groups = calloc(groups * CASE_KINDS, sizeof *evaluate->groups);
    evaluate->joint = calloc(EVALUATE_JOINT * EVALUATE_JOINT * CASE_KINDS, sizeof *evaluate->joint);
    ENSURE(made && evaluate->groups && evaluate->joint, CATEGORY_ENVIRONMENT, "out of memory for an evaluation");
    return RESULT_OK;
}

struct result evaluate_new(const struct plan *plan, struct evaluate *ret)
{
    CLEANUP(evaluate_done) struct evaluate evaluate = {.plan = plan, .groups_count = 1};
    ENSURE(plan->models_count > 0, CATEGORY_USAGE,
           "an evaluation needs a model; cofferdam plan evaluate makes the plan");
    for (size_t m = 0; m < plan->models_count; m++) {
        TRY(read_given(plan, m, &evaluate.given[m]));
        TRY(place_drifts(&evaluate.given[m]));
    }
    if (plan->group != SIZE_MAX) evaluate.groups_count = plan_feature_levels(&plan->features[plan->group]);
    TRY(allocate(&evaluate));
    if (plan_private(plan)) {
        TRY(evaluate_private_new(&evaluate, &evaluate.private));
        evaluate.stage = EVALUATE_TABLES;
    }
    *ret = evaluate;
    evaluate = (struct evaluate){0};
    return RESULT_OK;
}

double evaluate_power(const struct evaluate *evaluate, size_t model)
{
    double power = 1;
    while (power < evaluate->given[model].reach + 1) power *= 2;
    return power;
}

size_t evaluate_bands(const struct evaluate *evaluate, size_t model, size_t most, double *ret)
{
    const struct curve *curve = &evaluate->models[model].curve;
    size_t chosen[CURVE_EDGES], count = curve_thin(curve, most, chosen);
    for (size_t e = 0; e < count; e++) ret[e] = curve->edges[chosen[e]];
    return count;
}

/* ---- bytes */

static struct result walk_model(const struct walk *walk, struct evaluate *evaluate, size_t m)
{
    struct evaluate_model *model = &evaluate->models[m];
    size_t groups = evaluate->groups_count;
    TRY(walk_f64(walk, &model->mean, "a mean score"));
    TRY(walk_f64(walk, &model->deviation, "the spread of the scores"));
    TRY(walk_reals(walk, model->log_loss, 2, "the log loss"));
    TRY(walk_reals(walk, model->squared_error, 2, "the squared error"));
    TRY(curve_walk(walk, &model->curve));
    TRY(walk_counts(walk, model->cutoffs, evaluate->plan->cutoffs_count * groups * CASE_KINDS));
    TRY(walk_reals(walk, model->predicted, 2 * (EVALUATE_BANDS + groups), "a sum of probabilities"));
    TRY(walk_counts(walk, model->stability, evaluate->given[m].bins * CASE_KINDS));
    return walk_counts(walk, model->drift, 2 * evaluate->given[m].drifts_count);
}

static struct result walk_all(const struct walk *walk, struct evaluate *evaluate)
{
    unsigned stage = evaluate->stage;
    TRY(walk_enum(walk, &stage, EVALUATE_FINISHED, "stage"));
    evaluate->stage = stage;
    TRY(walk_counts(walk, evaluate->cases, CASE_KINDS));
    if (evaluate->private) return evaluate_private_walk(walk, evaluate);
    for (size_t m = 0; m < evaluate->plan->models_count; m++) TRY(walk_model(walk, evaluate, m));
    TRY(walk_counts(walk, evaluate->groups, evaluate->groups_count * CASE_KINDS));
    if (evaluate->plan->models_count < 2) return RESULT_OK;
    return walk_counts(walk, evaluate->joint, EVALUATE_JOINT * EVALUATE_JOINT * CASE_KINDS);
}

struct result evaluate_write(const struct evaluate *evaluate, struct buffer *out)
{
    struct walk walk = {.out = out};
    struct evaluate copy = *evaluate; /* the walk's writing side changes nothing behind the pointers */
    return walk_all(&walk, &copy);
}

struct result evaluate_read(const struct plan *plan, struct view bytes, struct evaluate *ret)
{
    CLEANUP(evaluate_done) struct evaluate evaluate = {0};
    struct reader reader = reader_of(bytes, "the evaluation's state");
    struct walk walk = {.reader = &reader};
    TRY(evaluate_new(plan, &evaluate));
    TRY(walk_all(&walk, &evaluate));
    TRY(reader_end(&reader));
    for (size_t k = 0; k < CASE_KINDS; k++)
        ENSURE(evaluate.cases[k] <= plan->rows * MEMBERS_MAX, CATEGORY_FALSE, "the state counts too many rows");
    if (evaluate.private) TRY(evaluate_private_check_state(&evaluate));
    for (size_t m = 0; m < plan->models_count && !evaluate.private; m++) TRY(curve_check(&evaluate.models[m].curve));
    *ret = evaluate;
    evaluate = (struct evaluate){0};
    return RESULT_OK;
}
