#include "analytics/model.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/json_text.h"
#include "analytics/model_read.h"

void model_done(struct model *model)
{
    for (size_t f = 0; f < model->features_count && model->features; f++) {
        struct model_feature *feature = &model->features[f];
        for (size_t level = 0; level < feature->levels_count && feature->levels; level++) free(feature->levels[level]);
        free(feature->levels);
        free(feature->edges);
        free(feature->specials);
        free(feature->estimates);
        free(feature->points);
        free(feature->training);
        free(feature->cell_of);
        free(feature->cell_edges);
    }
    for (size_t d = 0; d < model->derived_count && model->derived; d++) free(model->derived[d].estimates);
    free(model->derived);
    free(model->features);
    free(model->specs);
    *model = (struct model){0};
}

struct result model_text(const json_t *object, const char *key, const char **ret)
{
    const char *text = json_string_value(json_object_get(object, key));
    ENSURE(text, CATEGORY_USAGE, "\"%s\" is missing or not a text", key);
    *ret = text;
    return RESULT_OK;
}

struct result model_number(const json_t *object, const char *key, double *ret)
{
    const json_t *value = json_object_get(object, key);
    ENSURE(json_is_number(value), CATEGORY_USAGE, "\"%s\" is missing or not a number", key);
    *ret = json_number_value(value);
    ENSURE(isfinite(*ret), CATEGORY_USAGE, "\"%s\" is not finite", key);
    return RESULT_OK;
}

struct result model_copy(const json_t *object, const char *key, char *out, size_t most)
{
    const char *text;
    TRY(model_text(object, key, &text));
    ENSURE(strlen(text) <= most, CATEGORY_USAGE, "\"%s\" has more than %zu bytes", key, most);
    memcpy(out, text, strlen(text) + 1);
    return RESULT_OK;
}

struct result model_estimate(const json_t *json, const char *text, double *ret)
{
    size_t index;
    const json_t *term;
    json_array_foreach(json_object_get(json, "terms"), index, term)
    {
        const char *of = json_string_value(json_object_get(term, "term"));
        if (!of || strcmp(of, text) != 0) continue;
        *ret = 0;
        if (json_is_null(json_object_get(term, "estimate"))) return RESULT_OK;
        return result_at(model_number(term, "estimate", ret), "term %s: ", text);
    }
    return FAIL(CATEGORY_USAGE, "the term %s is missing", text);
}

static struct result level_estimate(const json_t *json, const char *feature, const char *level, double *ret)
{
    CLEANUP(buffer_done) struct buffer name = {0};
    const char *text;
    TRY(buffer_format(&name, "%s=%s", feature, level));
    TRY(buffer_terminate(&name, &text));
    return model_estimate(json, text, ret);
}

static struct result read_number(const json_t *json, const json_t *of, struct model_feature *feature,
                                 struct column_spec *spec)
{
    const char *outside, *missing;
    spec->kind = COLUMN_NUMBER;
    feature->number = true;
    TRY(model_number(of, "min", &spec->minimum));
    TRY(model_number(of, "max", &spec->maximum));
    TRY(model_text(of, "outside", &outside));
    TRY(model_text(of, "missing", &missing));
    spec->outside = strcmp(outside, "clamp") == 0     ? COLUMN_OUTSIDE_CLAMP
                    : strcmp(outside, "missing") == 0 ? COLUMN_OUTSIDE_MISSING
                                                      : COLUMN_OUTSIDE_REFUSE;
    spec->missing_allowed = strcmp(missing, "refuse") != 0;
    if (spec->missing_allowed) TRY(model_number(of, "fill", &feature->fill));
    double deviation;
    TRY(model_number(of, "mean", &feature->mean));
    TRY(model_number(of, "sd", &deviation));
    ENSURE(deviation >= 0 && spec->minimum < spec->maximum, CATEGORY_USAGE, "its bounds or its sd are impossible");
    feature->inverse = deviation > 0 ? 1 / deviation : 0;
    TRY(model_read_bins(of, feature));
    return model_estimate(json, spec->name, &feature->estimate);
}

static struct result read_level(const json_t *json, const json_t *one, const char *baseline, const char *name,
                                char **ret_copy, double *ret_estimate)
{
    const char *level;
    TRY(model_text(one, "level", &level));
    ENSURE(strlen(level) <= LEVEL_MAX_BYTES, CATEGORY_USAGE, "a level has more than %u bytes", LEVEL_MAX_BYTES);
    *ret_estimate = 0;
    if (strcmp(level, baseline) != 0) TRY(level_estimate(json, name, level, ret_estimate));
    *ret_copy = strdup(level);
    ENSURE(*ret_copy, CATEGORY_ENVIRONMENT, "out of memory");
    return RESULT_OK;
}

static struct result read_category(const json_t *json, const json_t *of, struct model_feature *feature,
                                   struct column_spec *spec)
{
    const json_t *levels = json_object_get(of, "levels");
    size_t count = json_array_size(levels);
    const char *missing, *other, *baseline;
    TRY(model_text(of, "missing", &missing));
    TRY(model_text(of, "other", &other));
    TRY(model_text(of, "baseline", &baseline));
    spec->kind = COLUMN_CATEGORY;
    spec->missing_allowed = feature->level_missing = strcmp(missing, "level") == 0;
    spec->other_allowed = feature->level_other = strcmp(other, "level") == 0;
    size_t own = (feature->level_missing ? 1u : 0u) + (feature->level_other ? 1u : 0u);
    ENSURE(count > own && count <= LEVELS_MAX + 2, CATEGORY_USAGE, "it has %zu levels", count);
    feature->levels = calloc(count, sizeof *feature->levels);
    feature->estimates = calloc(count, sizeof *feature->estimates);
    ENSURE(feature->levels && feature->estimates, CATEGORY_ENVIRONMENT, "out of memory");
    for (feature->levels_count = 0; feature->levels_count < count; feature->levels_count++)
        TRY(read_level(json, json_array_get(levels, feature->levels_count), baseline, spec->name,
                       &feature->levels[feature->levels_count], &feature->estimates[feature->levels_count]));
    TRY(model_read_level_rows(json, levels, feature));
    spec->levels = (const char *const *)feature->levels;
    spec->levels_count = count - own; /* the own levels stand last; no value in a file is matched with them */
    return RESULT_OK;
}

static struct result read_linear(const json_t *json, size_t index, struct model *model)
{
    const json_t *of = json_array_get(json_object_get(json, "features"), index);
    struct column_spec *spec = &model->specs[index];
    const char *kind;
    TRY(model_copy(of, "name", spec->name, NAME_MAX_BYTES));
    TRY(model_text(of, "kind", &kind));
    if (strcmp(kind, "number") == 0) return read_number(json, of, &model->features[index], spec);
    if (strcmp(kind, "category") == 0) return read_category(json, of, &model->features[index], spec);
    return FAIL(CATEGORY_USAGE, "the kind \"%.40s\" is unknown", kind);
}

/* Levels in the order of their bytes, whatever the plan's or the classes' was: a table fits every model of the same
 * columns. Missing and other stay last. */
static void sort_levels(struct model_feature *feature, size_t declared)
{
    if (!feature->levels || !feature->estimates) return; /* a category has both */
    for (size_t i = 1; i < declared; i++)
        for (size_t k = i; k > 0 && strcmp(feature->levels[k - 1], feature->levels[k]) > 0; k--) {
            char *level = feature->levels[k];
            double estimate = feature->estimates[k];
            feature->levels[k] = feature->levels[k - 1];
            feature->levels[k - 1] = level;
            feature->estimates[k] = feature->estimates[k - 1];
            feature->estimates[k - 1] = estimate;
            if (feature->cell_of) {
                size_t cell = feature->cell_of[k];
                feature->cell_of[k] = feature->cell_of[k - 1];
                feature->cell_of[k - 1] = cell;
            }
            if (!feature->points) continue;
            double points = feature->points[k];
            feature->points[k] = feature->points[k - 1];
            feature->points[k - 1] = points;
        }
}

static struct result read_points(const json_t *of, struct model *model)
{
    double reasons;
    TRY(model_number(of, "base_points", &model->base_points));
    TRY(model_number(of, "reasons", &reasons));
    ENSURE(reasons >= 0 && reasons <= PLAN_REASONS_MAX, CATEGORY_USAGE, "\"reasons\" is not from 0 to %u",
           PLAN_REASONS_MAX);
    model->reasons = (size_t)reasons;
    return RESULT_OK;
}

static struct result read_feature(const json_t *json, size_t index, struct model *model)
{
    return model->scorecard ? model_read_classes(json_array_get(json_object_get(json, "features"), index),
                                                 &model->features[index], &model->specs[index])
                            : read_linear(json, index, model);
}

static struct result read_model(json_t *json, struct model *model)
{
    const char *task;
    double version;
    TRY(model_number(json, "cofferdam", &version));
    TRY(model_text(json, "task", &task));
    model->scorecard = strcmp(task, "scorecard") == 0;
    ENSURE(version == 1, CATEGORY_USAGE, "this is a model of version %g; this program reads version 1", version);
    ENSURE(model->scorecard || strcmp(task, "logistic") == 0, CATEGORY_USAGE,
           "the result of the task \"%.40s\" scores no rows; a logistic model or a scorecard does", task);
    TRY(json_check_hash(json));
    TRY(model_copy(json, "hash", model->hash, sizeof model->hash - 1));
    TRY(model_copy(json_object_get(json, "target"), "column", model->target, NAME_MAX_BYTES));
    TRY(model_copy(json_object_get(json, "target"), "positive", model->positive, LEVEL_MAX_BYTES));
    ENSURE(model->target[0], CATEGORY_USAGE, "\"column\" of \"target\" is empty");
    TRY(model_estimate(json, "(intercept)", &model->intercept));
    if (model->scorecard) TRY(read_points(json_object_get(json, "points"), model));
    size_t count = json_array_size(json_object_get(json, "features"));
    ENSURE(count > 0 && count <= FEATURES_MAX, CATEGORY_USAGE, "the model has %zu features", count);
    model->features = calloc(count, sizeof *model->features);
    model->specs = calloc(count, sizeof *model->specs);
    ENSURE(model->features && model->specs, CATEGORY_ENVIRONMENT, "out of memory");
    model->features_count = count;
    for (size_t f = 0; f < count; f++) {
        TRY(result_at(read_feature(json, f, model), "feature %zu: ", f + 1));
        if (!model->features[f].number) sort_levels(&model->features[f], model->specs[f].levels_count);
        for (size_t before = 0; before < f; before++)
            ENSURE(strcmp(model->specs[before].name, model->specs[f].name) != 0, CATEGORY_USAGE,
                   "feature %zu: %s stands there twice", f + 1, model->specs[f].name);
    }
    return model->scorecard ? RESULT_OK : model_read_derived(json, model);
}

struct result model_parse(struct view text, const char *name, struct model *ret)
{
    json_t *json;
    TRY(json_parse(text, name, &json));
    CLEANUP(model_done) struct model model = {0};
    struct result result = result_at(read_model(json, &model), "%s: ", name);
    json_decref(json);
    TRY(result);
    *ret = model;
    model = (struct model){0};
    return RESULT_OK;
}
