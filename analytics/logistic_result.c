/* model.json of a finished logistic state: what the contract names, and all that scoring a row needs. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "analytics/exact.h"
#include "analytics/json_text.h"
#include "analytics/logistic.h"

enum { CHART_BINS = 100 };

static const char separation_advice[] =
    "no finite estimate fits: these terms tell the outcome for sure in the training rows; set train.penalty above 0 "
    "(0.01 is mild), or merge the levels";

/* A tree under construction: the first allocation that fails is remembered, and everything after it does nothing. */
struct writer {
    const struct logistic *state;
    bool failed;
};

static void put(struct writer *writer, json_t *object, const char *key, json_t *take_value)
{
    if (json_object_set_new(object, key, take_value) != 0) writer->failed = true;
}

static void add(struct writer *writer, json_t *array, json_t *take_value)
{
    if (json_array_append_new(array, take_value) != 0) writer->failed = true;
}

static json_t *count(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *real(double value)
{
    return isfinite(value) ? json_real(value == 0 ? 0 : value) : json_null();
}

static json_t *term_name(struct writer *writer, size_t term)
{
    CLEANUP(buffer_done) struct buffer name = {0};
    const char *text;
    if (!result_ok(terms_name(&writer->state->terms, term, &name)) || !result_ok(buffer_terminate(&name, &text)))
        return NULL;
    return json_string(text);
}

static json_t *two_sets(struct writer *writer, uint64_t train, uint64_t held)
{
    json_t *object = json_object();
    put(writer, object, "train", count(train));
    put(writer, object, "holdout", count(held));
    return object;
}

/* Why a term has no estimate of its own. A number whose values are all equal and one that spreads over less than about
 * a billionth of its range give the same sums: neither may pass for the other in silence. */
static const char *no_estimate(const struct logistic *state, size_t term)
{
    size_t f = state->terms.items[term].feature;
    if (f != TERM_INTERCEPT && state->plan->features[f].kind == PLAN_NUMBER && !(state->features[f].inverse > 0))
        return "all its values are equal, or its bounds are too wide for its spread: narrow min and max";
    return state->aliased[term] ? "a combination of the terms before it" : NULL;
}

static json_t *one_term(struct writer *writer, size_t term)
{
    const struct logistic *state = writer->state;
    json_t *object = json_object();
    put(writer, object, "term", term_name(writer, term));
    bool aliased = state->aliased[term] != 0;
    double estimate = aliased ? (double)NAN : state->base[term];
    double error = !aliased && state->variance[term] > 0 ? sqrt(state->variance[term]) : (double)NAN;
    double z = estimate / error;
    put(writer, object, "estimate", real(estimate));
    put(writer, object, "std_error", real(error));
    put(writer, object, "z", real(z));
    put(writer, object, "p", isfinite(z) ? real(exact_normal_two_sided(z)) : json_null());
    size_t f = state->terms.items[term].feature;
    if (f != TERM_INTERCEPT && state->plan->features[f].kind == PLAN_NUMBER) {
        put(writer, object, "mean", real(state->features[f].mean));
        put(writer, object, "sd", real(state->features[f].deviation));
    }
    if (aliased) put(writer, object, "aliased", json_true());
    const char *reason = no_estimate(state, term);
    if (reason) put(writer, object, "reason", json_string(reason));
    return object;
}

static json_t *terms(struct writer *writer)
{
    json_t *array = json_array();
    for (size_t t = 0; t < writer->state->terms.count; t++) add(writer, array, one_term(writer, t));
    return array;
}

static json_t *aliased(struct writer *writer)
{
    json_t *array = json_array();
    for (size_t t = 0; t < writer->state->terms.count; t++)
        if (writer->state->aliased[t]) add(writer, array, term_name(writer, t));
    return array;
}

/* Levels whose training rows are all positive or all negative: their coefficient has no finite maximum. */
static void one_class_levels(struct writer *writer, json_t *array)
{
    const struct logistic *state = writer->state;
    for (size_t f = 0; f < state->plan->features_count; f++) {
        const struct plan_feature *feature = &state->plan->features[f];
        for (size_t level = 0; feature->kind == PLAN_CATEGORY && level < plan_feature_levels(feature); level++) {
            const uint64_t *rows = state->levels[state->level_at[f] + level];
            if (rows[0] + rows[1] == 0 || (rows[0] > 0 && rows[1] > 0)) continue;
            add(writer, array,
                json_sprintf("%s=%s%s", feature->name, plan_feature_level(feature, level),
                             level == feature->baseline ? " (baseline)" : ""));
        }
    }
}

static bool has_text(const json_t *array, const char *text)
{
    size_t index;
    const json_t *item;
    json_array_foreach(array, index, item) if (strcmp(json_string_value(item), text) == 0) return true;
    return false;
}

static json_t *separation(struct writer *writer)
{
    if (writer->state->plan->penalty > 0) return json_null();
    json_t *array = json_array();
    one_class_levels(writer, array);
    for (size_t t = 0; t < writer->state->terms.count; t++) {
        if (!writer->state->diverging[t]) continue;
        json_t *name = term_name(writer, t);
        if (name && has_text(array, json_string_value(name)))
            json_decref(name);
        else
            add(writer, array, name);
    }
    if (json_array_size(array) == 0) {
        json_decref(array);
        return json_null();
    }
    json_t *object = json_object();
    put(writer, object, "terms", array);
    put(writer, object, "advice", json_string(separation_advice));
    return object;
}

static json_t *fit(struct writer *writer)
{
    static const char *const ends[] = {
        [LOGISTIC_GOING] = "going",         [LOGISTIC_CONVERGED] = "converged", [LOGISTIC_ROUNDS] = "rounds spent",
        [LOGISTIC_SEPARATED] = "separated", [LOGISTIC_STUCK] = "stuck",
    };
    json_t *object = json_object();
    put(writer, object, "end", json_string(ends[writer->state->end]));
    put(writer, object, "newton_steps", count(writer->state->steps));
    put(writer, object, "decrement", real(writer->state->decrement));
    put(writer, object, "tolerance", real(writer->state->plan->tolerance));
    put(writer, object, "penalty", real(writer->state->plan->penalty));
    return object;
}

static void put_likelihood(struct writer *writer, json_t *model)
{
    const struct logistic *state = writer->state;
    double negatives = (double)state->cases[CASE_TRAIN_NEGATIVE], positives = (double)state->cases[CASE_TRAIN_POSITIVE];
    double rows = negatives + positives;
    double null_deviance = -2 * (positives * exact_log(positives / rows) + negatives * exact_log(negatives / rows));
    double deviance = -2 * state->likelihood;
    put(writer, model, "log_likelihood", real(state->likelihood));
    put(writer, model, "deviance", real(deviance));
    put(writer, model, "null_deviance", real(null_deviance));
    put(writer, model, "aic", real(deviance + 2 * (double)state->active_count));
    if (state->plan->penalty > 0 || state->active_count < 2) {
        put(writer, model, "lr", json_null());
        return;
    }
    json_t *object = json_object();
    unsigned degrees = (unsigned)(state->active_count - 1);
    double statistic = null_deviance > deviance ? null_deviance - deviance : 0;
    put(writer, object, "statistic", real(statistic));
    put(writer, object, "degrees", count(degrees));
    put(writer, object, "p", real(exact_chi_square_tail(statistic, degrees)));
    put(writer, model, "lr", object);
}

static json_t *metrics_of(struct writer *writer, enum case_kind first)
{
    const struct logistic *state = writer->state;
    struct curve_measures measures = curve_measure(&state->curve, first);
    double rows = (double)(measures.negatives + measures.positives);
    bool both = measures.negatives > 0 && measures.positives > 0;
    json_t *object = json_object();
    put(writer, object, "auc", both ? real(measures.auc) : json_null());
    put(writer, object, "auc_error", both ? real(measures.auc_error) : json_null());
    put(writer, object, "ks", both ? real(measures.ks) : json_null());
    put(writer, object, "ks_error", both ? real(measures.ks_error) : json_null());
    put(writer, object, "gini", both ? real(2 * measures.auc - 1) : json_null());
    put(writer, object, "brier", real(state->squared_error[first / 2] / rows));
    put(writer, object, "log_loss", real(state->log_loss[first / 2] / rows));
    return object;
}

static json_t *metrics(struct writer *writer)
{
    json_t *object = json_object();
    put(writer, object, "train", metrics_of(writer, CASE_TRAIN_NEGATIVE));
    if (writer->state->cases[CASE_HELD_NEGATIVE] + writer->state->cases[CASE_HELD_POSITIVE] > 0)
        put(writer, object, "holdout", metrics_of(writer, CASE_HELD_NEGATIVE));
    return object;
}

static json_t *target(struct writer *writer)
{
    const struct plan *plan = writer->state->plan;
    json_t *object = json_object(), *values = plan->negative_count ? json_array() : NULL;
    put(writer, object, "column", json_string(plan->target));
    put(writer, object, "positive", json_string(plan->positive));
    for (size_t i = 0; i < plan->negative_count; i++) add(writer, values, json_string(plan->negative[i]));
    if (values) put(writer, object, "negative", values);
    return object;
}

static json_t *split(struct writer *writer)
{
    const struct plan *plan = writer->state->plan;
    if (plan->split == SPLIT_NONE) return json_null();
    json_t *object = json_object();
    if (plan->split == SPLIT_HASH) {
        put(writer, object, "fraction", real(plan->split_fraction));
        put(writer, object, "seed", json_string(plan->split_seed));
        if (plan->id[0]) put(writer, object, "id", json_string(plan->id)); /* else a row's own values are hashed */
        return object;
    }
    json_t *values = json_array();
    for (size_t i = 0; i < plan->split_holdout_count; i++) add(writer, values, json_string(plan->split_holdout[i]));
    put(writer, object, "column", json_string(plan->split_column));
    put(writer, object, "holdout", values);
    return object;
}

static void put_number(struct writer *writer, json_t *object, size_t f)
{
    static const char *const missing[] = {[MISSING_REFUSE] = "refuse",
                                          [MISSING_MEDIAN] = "median",
                                          [MISSING_MEAN] = "mean",
                                          [MISSING_VALUE] = "value",
                                          [MISSING_LEVEL] = "level"};
    static const char *const outside[] = {
        [OUTSIDE_REFUSE] = "refuse", [OUTSIDE_CLAMP] = "clamp", [OUTSIDE_MISSING] = "missing"};
    const struct plan_feature *feature = &writer->state->plan->features[f];
    const struct logistic_feature *of = &writer->state->features[f];
    put(writer, object, "min", real(feature->minimum));
    put(writer, object, "max", real(feature->maximum));
    put(writer, object, "outside", json_string(outside[feature->outside]));
    put(writer, object, "missing", json_string(missing[feature->missing]));
    if (feature->missing != MISSING_REFUSE) put(writer, object, "fill", real(of->fill));
    put(writer, object, "mean", real(of->mean));
    put(writer, object, "sd", real(of->deviation));
    put(writer, object, "rows_missing", two_sets(writer, of->missing[0], of->missing[1]));
    put(writer, object, "rows_outside", count(of->outside));
}

static void put_category(struct writer *writer, json_t *object, size_t f)
{
    const struct logistic *state = writer->state;
    const struct plan_feature *feature = &state->plan->features[f];
    json_t *levels = json_array();
    for (size_t level = 0; level < plan_feature_levels(feature); level++) {
        const uint64_t *rows = state->levels[state->level_at[f] + level];
        json_t *one = json_object();
        put(writer, one, "level", json_string(plan_feature_level(feature, level)));
        put(writer, one, "rows", count(rows[0] + rows[1]));
        put(writer, one, "positives", count(rows[1]));
        add(writer, levels, one);
    }
    put(writer, object, "missing", json_string(feature->level_missing ? "level" : "refuse"));
    put(writer, object, "other", json_string(feature->level_other ? "level" : "refuse"));
    put(writer, object, "baseline", json_string(plan_feature_level(feature, feature->baseline)));
    put(writer, object, "levels", levels);
}

static json_t *features(struct writer *writer)
{
    json_t *array = json_array();
    for (size_t f = 0; f < writer->state->plan->features_count; f++) {
        const struct plan_feature *feature = &writer->state->plan->features[f];
        json_t *object = json_object();
        put(writer, object, "name", json_string(feature->name));
        put(writer, object, "kind", json_string(feature->kind == PLAN_NUMBER ? "number" : "category"));
        if (feature->kind == PLAN_NUMBER)
            put_number(writer, object, f);
        else
            put_category(writer, object, f);
        add(writer, array, object);
    }
    return array;
}

/* For charts: bins of about equal size out of the edges known. */
static json_t *histogram(struct writer *writer)
{
    static const char *const kinds[] = {"train_negatives", "train_positives", "holdout_negatives", "holdout_positives"};
    const struct curve *curve = &writer->state->curve;
    size_t chosen[CURVE_EDGES], edges = curve_thin(curve, CHART_BINS, chosen);
    json_t *object = json_object(), *array = json_array();
    for (size_t e = 0; e < edges; e++) add(writer, array, real(curve->edges[chosen[e]]));
    put(writer, object, "edges", array);
    for (size_t k = 0; k < CASE_KINDS; k++) {
        json_t *counts = json_array();
        uint64_t before = 0;
        for (size_t e = 0; e <= edges; e++) {
            uint64_t below = e < edges ? curve->below[chosen[e]][k] : curve->totals[k];
            add(writer, counts, count(below - before));
            before = below;
        }
        put(writer, object, kinds[k], counts);
    }
    return object;
}

static json_t *model_of(struct writer *writer, uint64_t rounds, unsigned banks)
{
    const struct logistic *state = writer->state;
    const struct plan *plan = state->plan;
    const uint64_t *cases = state->cases;
    char hash[2 * HASH_BYTES + 1];
    bytes_hex(hash_view(&plan->hash), hash);
    json_t *model = json_object();
    put(writer, model, "cofferdam", json_integer(1));
    put(writer, model, "task", json_string("logistic"));
    put(writer, model, "plan", json_string(plan->name));
    put(writer, model, "plan_hash", json_string(hash));
    put(writer, model, "banks", count(banks));
    put(writer, model, "rounds", count(rounds));
    put(writer, model, "converged", json_boolean(state->end == LOGISTIC_CONVERGED));
    put(writer, model, "rows",
        two_sets(writer, cases[CASE_TRAIN_NEGATIVE] + cases[CASE_TRAIN_POSITIVE],
                 cases[CASE_HELD_NEGATIVE] + cases[CASE_HELD_POSITIVE]));
    put(writer, model, "positives", two_sets(writer, cases[CASE_TRAIN_POSITIVE], cases[CASE_HELD_POSITIVE]));
    put(writer, model, "target", target(writer));
    put(writer, model, "split", split(writer));
    put(writer, model, "terms", terms(writer));
    put(writer, model, "aliased", aliased(writer));
    put(writer, model, "separation", separation(writer));
    put(writer, model, "fit", fit(writer));
    put_likelihood(writer, model);
    put(writer, model, "metrics", metrics(writer));
    put(writer, model, "features", features(writer));
    put(writer, model, "score_histogram", histogram(writer));
    return model;
}

struct result logistic_result(const struct plan *plan, struct view bytes, uint64_t rounds, unsigned banks,
                              struct buffer *out)
{
    CLEANUP(logistic_done) struct logistic state = {0};
    TRY(logistic_parse(plan, bytes, &state));
    ENSURE(state.stage == LOGISTIC_FINISHED, CATEGORY_BUG, "the model is not finished");
    struct writer writer = {.state = &state};
    json_t *model = model_of(&writer, rounds, banks);
    struct result result = writer.failed ? FAIL(CATEGORY_ENVIRONMENT,
                                                "model.json could not be made: out of memory, or a name is not UTF-8")
                                         : json_text(model, JSON_INDENT(1) | JSON_REAL_PRECISION(17), out);
    json_decref(model);
    TRY(result);
    return buffer_u8(out, '\n');
}
