#include "analytics/model.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/elementary.h"

void model_done(struct model *model)
{
    for (size_t f = 0; f < model->features_count && model->features; f++) {
        struct model_feature *feature = &model->features[f];
        for (size_t level = 0; level < feature->levels_count && feature->levels; level++) free(feature->levels[level]);
        free(feature->levels);
        free(feature->estimates);
    }
    free(model->features);
    free(model->specs);
    *model = (struct model){0};
}

/* A text or number of an object; the place is said by callers. */
static struct result text_of(const json_t *object, const char *key, const char **ret)
{
    const char *text = json_string_value(json_object_get(object, key));
    ENSURE(text, CATEGORY_USAGE, "\"%s\" is missing or not a text", key);
    *ret = text;
    return RESULT_OK;
}

static struct result number_of(const json_t *object, const char *key, double *ret)
{
    const json_t *value = json_object_get(object, key);
    ENSURE(json_is_number(value), CATEGORY_USAGE, "\"%s\" is missing or not a number", key);
    *ret = json_number_value(value);
    ENSURE(isfinite(*ret), CATEGORY_USAGE, "\"%s\" is not finite", key);
    return RESULT_OK;
}

static struct result copy_text(const json_t *object, const char *key, char *out, size_t most)
{
    const char *text;
    TRY(text_of(object, key, &text));
    ENSURE(strlen(text) <= most, CATEGORY_USAGE, "\"%s\" has more than %zu bytes", key, most);
    memcpy(out, text, strlen(text) + 1);
    return RESULT_OK;
}

/* The estimate of a term; 0 for an aliased one. level NULL: the feature's own term. */
static struct result estimate_of(const json_t *json, const char *feature, const char *level, double *ret)
{
    CLEANUP(buffer_done) struct buffer name = {0};
    const char *text;
    TRY(level ? buffer_format(&name, "%s=%s", feature, level) : buffer_text(&name, feature));
    TRY(buffer_terminate(&name, &text));
    size_t index;
    const json_t *term;
    json_array_foreach(json_object_get(json, "terms"), index, term)
    {
        const char *of = json_string_value(json_object_get(term, "term"));
        if (!of || strcmp(of, text) != 0) continue;
        *ret = 0;
        if (json_is_null(json_object_get(term, "estimate"))) return RESULT_OK;
        return result_at(number_of(term, "estimate", ret), "term %s: ", text);
    }
    return FAIL(CATEGORY_USAGE, "the term %s is missing", text);
}

static struct result read_number(const json_t *json, const json_t *of, struct model_feature *feature,
                                 struct column_spec *spec)
{
    const char *outside, *missing;
    spec->kind = COLUMN_NUMBER;
    feature->number = true;
    TRY(number_of(of, "min", &spec->minimum));
    TRY(number_of(of, "max", &spec->maximum));
    TRY(text_of(of, "outside", &outside));
    TRY(text_of(of, "missing", &missing));
    spec->outside = strcmp(outside, "clamp") == 0     ? COLUMN_OUTSIDE_CLAMP
                    : strcmp(outside, "missing") == 0 ? COLUMN_OUTSIDE_MISSING
                                                      : COLUMN_OUTSIDE_REFUSE;
    spec->missing_allowed = strcmp(missing, "refuse") != 0;
    if (spec->missing_allowed) TRY(number_of(of, "fill", &feature->fill));
    double deviation;
    TRY(number_of(of, "mean", &feature->mean));
    TRY(number_of(of, "sd", &deviation));
    ENSURE(deviation >= 0 && spec->minimum < spec->maximum, CATEGORY_USAGE, "its bounds or its sd are impossible");
    feature->inverse = deviation > 0 ? 1 / deviation : 0;
    return estimate_of(json, spec->name, NULL, &feature->estimate);
}

static struct result read_level(const json_t *json, const json_t *one, const char *baseline, const char *name,
                                char **ret_copy, double *ret_estimate)
{
    const char *level;
    TRY(text_of(one, "level", &level));
    ENSURE(strlen(level) <= LEVEL_MAX_BYTES, CATEGORY_USAGE, "a level has more than %u bytes", LEVEL_MAX_BYTES);
    *ret_estimate = 0;
    if (strcmp(level, baseline) != 0) TRY(estimate_of(json, name, level, ret_estimate));
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
    TRY(text_of(of, "missing", &missing));
    TRY(text_of(of, "other", &other));
    TRY(text_of(of, "baseline", &baseline));
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
    spec->levels = (const char *const *)feature->levels;
    spec->levels_count = count - own; /* the own levels stand last; no value in a file is matched with them */
    return RESULT_OK;
}

static struct result read_feature(const json_t *json, size_t index, struct model *model)
{
    const json_t *of = json_array_get(json_object_get(json, "features"), index);
    struct column_spec *spec = &model->specs[index];
    const char *kind;
    TRY(copy_text(of, "name", spec->name, NAME_MAX_BYTES));
    TRY(text_of(of, "kind", &kind));
    if (strcmp(kind, "number") == 0) return read_number(json, of, &model->features[index], spec);
    if (strcmp(kind, "category") == 0) return read_category(json, of, &model->features[index], spec);
    return FAIL(CATEGORY_USAGE, "the kind \"%.40s\" is unknown", kind);
}

static struct result read_model(const json_t *json, struct model *model)
{
    const char *task;
    double version;
    TRY(number_of(json, "cofferdam", &version));
    TRY(text_of(json, "task", &task));
    ENSURE(version == 1 && strcmp(task, "logistic") == 0, CATEGORY_USAGE,
           "this is no logistic model of version 1 (task \"%.40s\")", task);
    TRY(copy_text(json_object_get(json, "target"), "column", model->target, NAME_MAX_BYTES));
    TRY(copy_text(json_object_get(json, "target"), "positive", model->positive, LEVEL_MAX_BYTES));
    TRY(estimate_of(json, "(intercept)", NULL, &model->intercept));
    size_t count = json_array_size(json_object_get(json, "features"));
    ENSURE(count > 0 && count <= FEATURES_MAX, CATEGORY_USAGE, "the model has %zu features", count);
    model->features = calloc(count, sizeof *model->features);
    model->specs = calloc(count, sizeof *model->specs);
    ENSURE(model->features && model->specs, CATEGORY_ENVIRONMENT, "out of memory");
    model->features_count = count;
    for (size_t f = 0; f < count; f++) {
        TRY(result_at(read_feature(json, f, model), "feature %zu: ", f + 1));
        for (size_t before = 0; before < f; before++)
            ENSURE(strcmp(model->specs[before].name, model->specs[f].name) != 0, CATEGORY_USAGE,
                   "feature %zu: %s stands there twice", f + 1, model->specs[f].name);
    }
    return RESULT_OK;
}

struct result model_parse(struct view text, const char *name, struct model *ret)
{
    json_error_t error;
    json_t *json = json_loadb((const char *)text.data, text.length, JSON_REJECT_DUPLICATES, &error);
    ENSURE(json || *error.text, CATEGORY_ENVIRONMENT, "%s: out of memory for a model", name);
    ENSURE(json, CATEGORY_USAGE, "%s:%d: not JSON: %s", name, error.line, error.text);
    CLEANUP(model_done) struct model model = {0};
    struct result result = result_at(read_model(json, &model), "%s: ", name);
    json_decref(json);
    TRY(result);
    *ret = model;
    model = (struct model){0};
    return RESULT_OK;
}

/* What a feature adds to a row's log-odds. */
static struct result part(const struct model *model, const struct table *table, size_t f, uint64_t row, double *ret)
{
    const struct model_feature *feature = &model->features[f];
    const struct column *column = &table->columns[f];
    if (feature->number) {
        double value = column->numbers[row];
        ENSURE(!isnan(value) || column->spec.missing_allowed, CATEGORY_BUG, "a value of %s is missing",
               model->specs[f].name);
        if (isnan(value)) value = feature->fill;
        *ret = (value - feature->mean) * feature->inverse * feature->estimate;
        return RESULT_OK;
    }
    size_t level = column->codes[row], last = feature->levels_count - 1;
    if (column->codes[row] == CODE_MISSING) level = feature->level_missing ? model->specs[f].levels_count : SIZE_MAX;
    if (column->codes[row] == CODE_OTHER) level = feature->level_other ? last : SIZE_MAX;
    ENSURE(level <= last, CATEGORY_BUG, "a value of %s is none of the model's", model->specs[f].name);
    *ret = feature->estimates[level];
    return RESULT_OK;
}

static struct result check_table(const struct model *model, const struct table *table, uint64_t begin, uint64_t rows)
{
    ENSURE(table->columns_count >= model->features_count && begin <= table->rows && rows <= table->rows - begin,
           CATEGORY_BUG, "the table does not have the rows or columns asked for");
    for (size_t f = 0; f < model->features_count; f++)
        ENSURE(strcmp(table->columns[f].spec.name, model->specs[f].name) == 0 &&
                   table->columns[f].spec.kind == model->specs[f].kind,
               CATEGORY_BUG, "the table's column %zu is not the model's %s", f + 1, model->specs[f].name);
    return RESULT_OK;
}

struct result model_reasons(const struct model *model, const struct table *table, uint64_t row, double *reasons)
{
    TRY(check_table(model, table, row, 1));
    for (size_t f = 0; f < model->features_count; f++) TRY(part(model, table, f, row, &reasons[f]));
    return RESULT_OK;
}

struct result model_score(const struct model *model, const struct table *table, uint64_t begin, uint64_t rows,
                          double *log_odds, double *probability)
{
    TRY(check_table(model, table, begin, rows));
    for (uint64_t r = 0; r < rows; r++) {
        double score = model->intercept, more, chance, tail;
        for (size_t f = 0; f < model->features_count; f++) {
            TRY(part(model, table, f, begin + r, &more));
            score += more;
        }
        elementary_logistic(PATH_PORTABLE, &score, 1, &chance, &tail);
        if (log_odds) log_odds[r] = score;
        if (probability) probability[r] = chance;
    }
    return RESULT_OK;
}
