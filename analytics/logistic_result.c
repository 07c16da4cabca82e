/* model.json of a finished logistic state: what the contract names, and all that scoring a row needs. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/cells.h"
#include "analytics/exact.h"
#include "analytics/head.h"
#include "analytics/json_text.h"
#include "analytics/logistic_private.h"
#include "analytics/private_json.h"

enum { CHART_BINS = 100 };

static const char separation_advice[] =
    "no finite estimate fits: these terms tell the outcome for sure in the training rows; set train.penalty above 0 "
    "(0.01 is mild), or merge the levels";

struct writer {
    const struct logistic *state;
    unsigned banks;
    struct private_noise noise; /* under privacy */
    struct tree tree;
};

static json_t *term_name(struct writer *writer, size_t term)
{
    CLEANUP(buffer_done) struct buffer name = {0};
    const char *text;
    if (!result_ok(terms_name(&writer->state->terms, term, &name)) || !result_ok(buffer_terminate(&name, &text)))
        return NULL;
    return json_string(text);
}

/* A count that is large enough to be shown, or 0; else null. */
static json_t *shown(const struct writer *writer, uint64_t count)
{
    return count == 0 || count >= writer->state->plan->cells_minimum ? tree_count(count) : json_null();
}

/* Why a term has no estimate of its own. A number whose values are all equal and one that spreads over less than about
 * a billionth of its range give the same sums: neither may pass for the other in silence. */
static const char *no_estimate(const struct logistic *state, size_t term)
{
    const struct term *of = &state->terms.items[term];
    if (of->kind == TERM_NUMBER && !(state->features[of->feature].inverse > 0))
        return "all its values are equal, or its bounds are too wide for its spread: narrow min and max";
    const uint64_t *rows = of->kind == TERM_LEVEL ? state->levels[state->level_at[of->feature] + of->level] : NULL;
    if (state->private && state->aliased[term]) return "too few rows for the noise: it scores as the baseline does";
    if (rows && rows[0] + rows[1] == 0) return "no training row has this level: it scores as the baseline does";
    return state->aliased[term] ? "a combination of the terms before it" : NULL;
}

static json_t *one_term(struct writer *writer, size_t term)
{
    const struct logistic *state = writer->state;
    json_t *object = json_object();
    tree_put(&writer->tree, object, "term", term_name(writer, term));
    bool aliased = state->aliased[term] != 0;
    double estimate = aliased ? (double)NAN : state->base[term];
    double variance = state->variance[term];
    if (state->private) variance += state->private->noise[term] * writer->noise.surplus;
    double error = !aliased && variance > 0 ? sqrt(variance) : (double)NAN;
    double z = state->private ? (double)NAN : estimate / error; /* an estimate that is shrunk has no such test */
    tree_put(&writer->tree, object, "estimate", tree_real(estimate));
    tree_put(&writer->tree, object, "std_error", tree_real(error));
    tree_put(&writer->tree, object, "z", tree_real(z));
    tree_put(&writer->tree, object, "p", isfinite(z) ? tree_real(exact_normal_two_sided(z)) : json_null());
    const struct term *of = &state->terms.items[term];
    if (of->kind == TERM_NUMBER) {
        tree_put(&writer->tree, object, "mean", tree_real(state->features[of->feature].mean));
        tree_put(&writer->tree, object, "sd", tree_real(state->features[of->feature].deviation));
    }
    if (aliased) tree_put(&writer->tree, object, "aliased", json_true());
    const char *reason = no_estimate(state, term);
    if (reason) tree_put(&writer->tree, object, "reason", json_string(reason));
    return object;
}

static json_t *terms(struct writer *writer)
{
    json_t *array = json_array();
    for (size_t t = 0; t < writer->state->terms.count; t++) tree_add(&writer->tree, array, one_term(writer, t));
    return array;
}

static json_t *aliased(struct writer *writer)
{
    json_t *array = json_array();
    for (size_t t = 0; t < writer->state->terms.count; t++)
        if (writer->state->aliased[t]) tree_add(&writer->tree, array, term_name(writer, t));
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
            tree_add(&writer->tree, array,
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
    if (writer->state->penalty > 0 || writer->state->private) return json_null();
    json_t *array = json_array();
    one_class_levels(writer, array);
    for (size_t t = 0; t < writer->state->terms.count; t++) {
        if (!writer->state->diverging[t]) continue;
        json_t *name = term_name(writer, t);
        if (name && has_text(array, json_string_value(name)))
            json_decref(name);
        else
            tree_add(&writer->tree, array, name);
    }
    if (json_array_size(array) == 0) {
        json_decref(array);
        return json_null();
    }
    json_t *object = json_object();
    tree_put(&writer->tree, object, "terms", array);
    tree_put(&writer->tree, object, "advice", json_string(separation_advice));
    return object;
}

static const char *const ends[] = {
    [LOGISTIC_GOING] = "going",         [LOGISTIC_CONVERGED] = "converged",
    [LOGISTIC_ROUNDS] = "rounds spent", [LOGISTIC_SEPARATED] = "separated",
    [LOGISTIC_STUCK] = "stuck",         [LOGISTIC_PLANNED] = "steps taken as planned",
};

static json_t *path_of(struct writer *writer)
{
    const struct logistic_path *path = writer->state->path;
    json_t *array = json_array();
    for (size_t i = 0; i < path->at; i++) {
        const struct logistic_try *tried = &path->tries[i];
        json_t *object = json_object();
        tree_put(&writer->tree, object, "penalty", tree_real(tried->penalty));
        tree_put(&writer->tree, object, "terms", tree_count(tried->terms));
        tree_put(&writer->tree, object, "newton_steps", tree_count(tried->steps));
        tree_put(&writer->tree, object, "end", json_string(ends[tried->end]));
        tree_put(&writer->tree, object, "log_likelihood", tree_real(tried->likelihood));
        tree_put(&writer->tree, object, "holdout_log_likelihood", tree_real(tried->held));
        if (i == path->best) tree_put(&writer->tree, object, "chosen", json_true());
        tree_add(&writer->tree, array, object);
    }
    return array;
}

static json_t *fit(struct writer *writer)
{
    const struct logistic_path *path = writer->state->path;
    uint64_t steps = path ? 0 : writer->state->steps;
    for (size_t i = 0; path && i < path->at; i++) steps += path->tries[i].steps;
    json_t *object = json_object();
    tree_put(&writer->tree, object, "end", json_string(ends[writer->state->end]));
    tree_put(&writer->tree, object, "newton_steps", tree_count(steps));
    tree_put(&writer->tree, object, "decrement", tree_real(writer->state->decrement));
    tree_put(&writer->tree, object, "tolerance", tree_real(writer->state->plan->tolerance));
    tree_put(&writer->tree, object, "penalty", tree_real(writer->state->penalty));
    if (writer->state->plan->l1 > 0) tree_put(&writer->tree, object, "l1", tree_real(writer->state->plan->l1));
    if (logistic_weighted(writer->state->plan)) {
        const struct logistic_weights of = logistic_weights_of(writer->state);
        json_t *weights = json_object();
        tree_put(&writer->tree, weights, "negative", tree_real(of.unit * of.share[0]));
        tree_put(&writer->tree, weights, "positive", tree_real(of.unit * of.share[1]));
        tree_put(&writer->tree, object, "class_weights", weights);
    }
    if (path) tree_put(&writer->tree, object, "path", path_of(writer));
    return object;
}

/* What takes a sum whose rows have no bound. */
static void put_no_likelihood(struct writer *writer, json_t *model)
{
    static const char *const names[] = {"log_likelihood", "deviance", "null_deviance", "aic", "lr"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) tree_put(&writer->tree, model, names[i], json_null());
}

static void put_likelihood(struct writer *writer, json_t *model)
{
    if (writer->state->private) {
        put_no_likelihood(writer, model);
        return;
    }
    const struct logistic *state = writer->state;
    const struct logistic_weights weights = logistic_weights_of(state);
    bool weighted = logistic_weighted(state->plan);
    double negatives = weights.unit * weights.share[0] * (double)state->cases[CASE_TRAIN_NEGATIVE];
    double positives = weights.unit * weights.share[1] * (double)state->cases[CASE_TRAIN_POSITIVE];
    double rows = negatives + positives;
    double null_deviance = -2 * (positives * exact_log(positives / rows) + negatives * exact_log(negatives / rows));
    double deviance = -2 * state->likelihood;
    tree_put(&writer->tree, model, "log_likelihood", tree_real(state->likelihood));
    tree_put(&writer->tree, model, "deviance", tree_real(deviance));
    tree_put(&writer->tree, model, "null_deviance", tree_real(null_deviance));
    size_t estimated = 0;
    for (size_t t = 0; t < state->terms.count; t++)
        estimated += !state->aliased[t] && (state->plan->l1 == 0 || t == 0 || state->base[t] != 0);
    tree_put(&writer->tree, model, "aic", weighted ? json_null() : tree_real(deviance + 2 * (double)estimated));
    if (weighted || state->penalty > 0 || state->active_count < 2) {
        tree_put(&writer->tree, model, "lr", json_null());
        return;
    }
    json_t *object = json_object();
    unsigned degrees = (unsigned)(state->active_count - 1);
    double statistic = null_deviance > deviance ? null_deviance - deviance : 0;
    tree_put(&writer->tree, object, "statistic", tree_real(statistic));
    tree_put(&writer->tree, object, "degrees", tree_count(degrees));
    tree_put(&writer->tree, object, "p", tree_real(exact_chi_square_tail(statistic, degrees)));
    tree_put(&writer->tree, model, "lr", object);
}

static json_t *private_metrics_of(struct writer *writer, enum case_kind first)
{
    struct private_measures measures = logistic_private_measure(writer->state, first, writer->noise.score);
    const struct private_curve of = measures.curve;
    const struct cells_rule rule = {writer->state->plan->cells_minimum, true};
    bool enough = of.negatives >= (double)rule.minimum && of.positives >= (double)rule.minimum;
    const double none = (double)NAN;
    json_t *object = json_object();
    tree_put(&writer->tree, object, "auc", tree_real(enough ? of.auc : none));
    tree_put(&writer->tree, object, "auc_error", tree_real(enough ? 2 * of.auc_sd : none));
    tree_put(&writer->tree, object, "ks", tree_real(enough ? of.ks : none));
    tree_put(&writer->tree, object, "ks_error", tree_real(enough ? 2 * of.ks_sd : none));
    tree_put(&writer->tree, object, "gini", tree_real(enough ? 2 * of.auc - 1 : none));
    tree_put(&writer->tree, object, "brier", tree_real(enough ? measures.brier : none));
    tree_put(&writer->tree, object, "log_loss", json_null());
    return object;
}

static json_t *metrics_of(struct writer *writer, enum case_kind first)
{
    if (writer->state->private) return private_metrics_of(writer, first);
    const struct logistic *state = writer->state;
    struct curve_measures measures = curve_measure(&state->curve, first);
    double rows = (double)(measures.negatives + measures.positives);
    const struct cells_rule rule = {state->plan->cells_minimum, true};
    bool both = measures.negatives > 0 && measures.positives > 0 &&
                cells_shown(rule, (struct cell){measures.negatives, measures.positives});
    bool enough = rows >= (double)rule.minimum;
    json_t *object = json_object();
    tree_put(&writer->tree, object, "auc", both ? tree_real(measures.auc) : json_null());
    tree_put(&writer->tree, object, "auc_error", both ? tree_real(measures.auc_error) : json_null());
    tree_put(&writer->tree, object, "ks", both ? tree_real(measures.ks) : json_null());
    tree_put(&writer->tree, object, "ks_error", both ? tree_real(measures.ks_error) : json_null());
    tree_put(&writer->tree, object, "gini", both ? tree_real(2 * measures.auc - 1) : json_null());
    tree_put(&writer->tree, object, "brier", enough ? tree_real(state->squared_error[first / 2] / rows) : json_null());
    tree_put(&writer->tree, object, "log_loss", enough ? tree_real(state->log_loss[first / 2] / rows) : json_null());
    return object;
}

static json_t *metrics(struct writer *writer)
{
    json_t *object = json_object();
    tree_put(&writer->tree, object, "train", metrics_of(writer, CASE_TRAIN_NEGATIVE));
    if (writer->state->cases[CASE_HELD_NEGATIVE] + writer->state->cases[CASE_HELD_POSITIVE] > 0)
        tree_put(&writer->tree, object, "holdout", metrics_of(writer, CASE_HELD_NEGATIVE));
    return object;
}

/* Training rows by bin, small ones joined. Missing values are counted last, or, where they are too few, in the bin
 * whose place `missing` says. */
static json_t *bins(struct writer *writer, size_t f)
{
    const struct logistic_feature *of = &writer->state->features[f];
    const struct cells_rule rule = {writer->state->plan->cells_minimum, false};
    struct cell cells[LOGISTIC_BINS];
    size_t group[LOGISTIC_BINS];
    double edges[LOGISTIC_BINS - 1];
    size_t count = logistic_bin_edges(writer->state, f, edges) + 1;
    for (size_t b = 0; b < count; b++) cells[b] = (struct cell){of->bins[b], 0};
    size_t groups = cells_join_neighbours(rule, cells, count, group);
    bool few = !cells_shown(rule, (struct cell){of->missing[0], 0});
    json_t *object = json_object(), *at = json_array(), *rows = json_array();
    for (size_t b = 0; b + 1 < count; b++)
        if (group[b] != group[b + 1]) tree_add(&writer->tree, at, tree_real(edges[b]));
    for (size_t g = 0; g < groups; g++) {
        uint64_t all = cells_of_group(cells, count, group, g).negatives;
        tree_add(&writer->tree, rows, tree_count(g == 0 && few ? all + of->missing[0] : all));
    }
    if (!few) tree_add(&writer->tree, rows, tree_count(of->missing[0]));
    tree_put(&writer->tree, object, "edges", at);
    tree_put(&writer->tree, object, "rows", rows);
    tree_put(&writer->tree, object, "missing", tree_count(few ? 0 : groups));
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
    tree_put(&writer->tree, object, "min", tree_real(feature->minimum));
    tree_put(&writer->tree, object, "max", tree_real(feature->maximum));
    tree_put(&writer->tree, object, "outside", json_string(outside[feature->outside]));
    tree_put(&writer->tree, object, "missing", json_string(missing[feature->missing]));
    if (feature->missing != MISSING_REFUSE) tree_put(&writer->tree, object, "fill", tree_real(of->fill));
    tree_put(&writer->tree, object, "mean", tree_real(of->mean));
    tree_put(&writer->tree, object, "sd", tree_real(of->deviation));
    json_t *rows = json_object();
    tree_put(&writer->tree, rows, "train", shown(writer, of->missing[0]));
    tree_put(&writer->tree, rows, "holdout", shown(writer, of->missing[1]));
    tree_put(&writer->tree, object, "rows_missing", rows);
    tree_put(&writer->tree, object, "rows_outside", shown(writer, of->outside));
    tree_put(&writer->tree, object, "bins", bins(writer, f));
}

/* Groups a category's levels so that none that is shown is a small cell; NULL when memory ran out. */
static size_t *group_levels(struct writer *writer, size_t f)
{
    const struct logistic *state = writer->state;
    size_t count = plan_feature_levels(&state->plan->features[f]);
    struct cell *cells = calloc(count, sizeof *cells);
    size_t *group = calloc(count, sizeof *group);
    if (!cells || !group) {
        writer->tree.failed = true;
        free(cells);
        free(group);
        return NULL;
    }
    for (size_t level = 0; level < count; level++) {
        const uint64_t *rows = state->levels[state->level_at[f] + level];
        cells[level] = (struct cell){rows[0], rows[1]};
    }
    (void)cells_join_small((struct cells_rule){state->plan->cells_minimum, true}, cells, count, group);
    free(cells);
    return group;
}

static void put_category(struct writer *writer, json_t *object, size_t f)
{
    const struct logistic *state = writer->state;
    const struct plan_feature *feature = &state->plan->features[f];
    size_t *group = group_levels(writer, f);
    json_t *levels = json_array();
    for (size_t level = 0; group && level < plan_feature_levels(feature); level++) {
        const uint64_t *rows = state->levels[state->level_at[f] + level];
        bool shown = group[level] > 0;
        json_t *one = json_object();
        tree_put(&writer->tree, one, "level", json_string(plan_feature_level(feature, level)));
        tree_put(&writer->tree, one, "rows", shown ? tree_count(rows[0] + rows[1]) : json_null());
        tree_put(&writer->tree, one, "positives", shown ? tree_count(rows[1]) : json_null());
        tree_add(&writer->tree, levels, one);
    }
    free(group);
    tree_put(&writer->tree, object, "missing", json_string(feature->level_missing ? "level" : "refuse"));
    tree_put(&writer->tree, object, "other", json_string(feature->level_other ? "level" : "refuse"));
    tree_put(&writer->tree, object, "baseline", json_string(plan_feature_level(feature, feature->baseline)));
    tree_put(&writer->tree, object, "levels", levels);
}

static json_t *derived(struct writer *writer)
{
    const struct plan *plan = writer->state->plan;
    json_t *array = json_array();
    for (size_t d = 0; d < plan->derived_count; d++) {
        const struct plan_derived *of = &plan->derived[d];
        json_t *object = json_object(), *parts = json_array();
        tree_add(&writer->tree, parts, json_string(plan->features[of->feature].name));
        if (of->with != SIZE_MAX) tree_add(&writer->tree, parts, json_string(plan->features[of->with].name));
        tree_put(&writer->tree, object, "name", json_string(of->name));
        tree_put(&writer->tree, object, "of", parts);
        if (of->with == SIZE_MAX) tree_put(&writer->tree, object, "knot", tree_real(of->knot));
        tree_add(&writer->tree, array, object);
    }
    return array;
}

static json_t *features(struct writer *writer)
{
    json_t *array = json_array();
    for (size_t f = 0; f < writer->state->plan->features_count; f++) {
        const struct plan_feature *feature = &writer->state->plan->features[f];
        json_t *object = json_object();
        tree_put(&writer->tree, object, "name", json_string(feature->name));
        tree_put(&writer->tree, object, "kind", json_string(feature->kind == PLAN_NUMBER ? "number" : "category"));
        if (feature->kind == PLAN_NUMBER)
            put_number(writer, object, f);
        else
            put_category(writer, object, f);
        tree_add(&writer->tree, array, object);
    }
    return array;
}

static uint64_t in_bin(const struct curve *curve, const size_t *chosen, size_t edges, size_t bin, size_t kind)
{
    uint64_t below = bin > 0 ? curve->below[chosen[bin - 1]][kind] : 0;
    return (bin < edges ? curve->below[chosen[bin]][kind] : curve->totals[kind]) - below;
}

/* Leaves out edges until every bin holds no small cell of either set. */
static size_t join_bins(const struct writer *writer, size_t *chosen, size_t edges)
{
    const struct curve *curve = &writer->state->curve;
    const struct cells_rule rule = {writer->state->plan->cells_minimum, true};
    struct cell cells[CHART_BINS];
    size_t group[CHART_BINS];
    for (unsigned set = 0; set < 2; set++) {
        size_t kind = set ? CASE_HELD_NEGATIVE : CASE_TRAIN_NEGATIVE, kept = 0;
        if (curve->totals[kind] + curve->totals[kind + 1] == 0) continue;
        for (size_t b = 0; b <= edges; b++)
            cells[b] = (struct cell){in_bin(curve, chosen, edges, b, kind), in_bin(curve, chosen, edges, b, kind + 1)};
        (void)cells_join_neighbours(rule, cells, edges + 1, group);
        for (size_t e = 0; e < edges; e++)
            if (group[e] != group[e + 1]) chosen[kept++] = chosen[e];
        edges = kept;
    }
    return edges;
}

/* For charts: bins of about equal size out of the edges known. */
static json_t *histogram(struct writer *writer)
{
    static const char *const kinds[] = {"train_negatives", "train_positives", "holdout_negatives", "holdout_positives"};
    const struct curve *curve = &writer->state->curve;
    size_t chosen[CURVE_EDGES], edges = join_bins(writer, chosen, curve_thin(curve, CHART_BINS, chosen));
    json_t *object = json_object(), *array = json_array();
    for (size_t e = 0; e < edges; e++) tree_add(&writer->tree, array, tree_real(curve->edges[chosen[e]]));
    tree_put(&writer->tree, object, "edges", array);
    for (size_t k = 0; k < CASE_KINDS; k++) {
        json_t *counts = json_array();
        for (size_t b = 0; b <= edges; b++)
            tree_add(&writer->tree, counts, tree_count(in_bin(curve, chosen, edges, b, k)));
        tree_put(&writer->tree, object, kinds[k], counts);
    }
    return object;
}

static json_t *model_of(struct writer *writer, uint64_t rounds, unsigned banks)
{
    const struct logistic *state = writer->state;
    const struct plan *plan = state->plan;
    json_t *model = head_of(&writer->tree, plan, rounds, banks, state->cases);
    json_t *rule = json_object();
    tree_put(&writer->tree, rule, "minimum", tree_count(plan->cells_minimum));
    tree_put(&writer->tree, model, "cells", rule);
    tree_put(&writer->tree, model, "converged",
             state->private ? json_null() : json_boolean(state->end == LOGISTIC_CONVERGED));
    tree_put(&writer->tree, model, "terms", terms(writer));
    tree_put(&writer->tree, model, "aliased", aliased(writer));
    tree_put(&writer->tree, model, "separation", separation(writer));
    tree_put(&writer->tree, model, "fit", fit(writer));
    put_likelihood(writer, model);
    tree_put(&writer->tree, model, "metrics", metrics(writer));
    tree_put(&writer->tree, model, "features", features(writer));
    if (writer->state->plan->derived_count > 0) tree_put(&writer->tree, model, "derived", derived(writer));
    tree_put(&writer->tree, model, "score_histogram", histogram(writer));
    return model;
}

/* How large the noise is: of the counts and of the scores. */
static struct result add_privacy(struct writer *writer, json_t *model)
{
    const struct logistic *state = writer->state;
    struct layout counts, scores;
    if (logistic_private_embedded(state->plan)) return RESULT_OK; /* the other task says it of all its sums */
    TRY(logistic_private_counts_layout(state, &counts));
    TRY(logistic_private_score_layout(state, &scores));
    json_t *privacy = private_json(&writer->tree, state->plan);
    tree_put(&writer->tree, model, "privacy", privacy);
    TRY(private_json_noise(&writer->tree, privacy, state->plan, writer->banks, &counts));
    return private_json_noise(&writer->tree, privacy, state->plan, writer->banks, &scores);
}

struct result logistic_result(const struct plan *plan, struct view bytes, uint64_t rounds, unsigned banks,
                              struct buffer *out)
{
    CLEANUP(logistic_done) struct logistic state = {0};
    TRY(logistic_parse(plan, bytes, &state));
    ENSURE(state.stage == LOGISTIC_FINISHED, CATEGORY_BUG, "the model is not finished");
    struct writer writer = {.state = &state, .banks = banks};
    if (state.private) TRY(logistic_private_noise(&state, banks, &writer.noise));
    json_t *model = model_of(&writer, rounds, banks);
    struct result result = state.private ? add_privacy(&writer, model) : RESULT_OK;
    if (!result_ok(result)) {
        json_decref(model);
        return result;
    }
    return tree_text(&writer.tree, model, out);
}
