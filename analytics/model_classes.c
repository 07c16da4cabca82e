/* A scorecard's features read back: classes that cover every value, once. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/model_read.h"

/* What a class gives: its part of the log-odds, and its points. */
static struct result take_class(const json_t *class, size_t index, struct model_feature *feature, size_t at)
{
    TRY(model_rows(json_object_get(class, "rows"), "rows", &feature->training[index]));
    feature->cell_of[at] = index;
    TRY(model_number(class, "log_odds", &feature->estimates[at]));
    TRY(model_number(class, "points", &feature->points[at]));
    if (at == 0 || feature->points[at] > feature->best) feature->best = feature->points[at];
    return RESULT_OK;
}

static struct result allocate(struct model_feature *feature, size_t classes, size_t attributes)
{
    feature->training = calloc(classes + 1, sizeof *feature->training);
    feature->cell_of = calloc(attributes, sizeof *feature->cell_of);
    feature->cells_count = classes;

    feature->estimates = calloc(attributes, sizeof *feature->estimates);
    feature->points = calloc(attributes, sizeof *feature->points);
    ENSURE(feature->training && feature->cell_of && feature->estimates && feature->points, CATEGORY_ENVIRONMENT,
           "out of memory");
    return RESULT_OK;
}

/* The next interval begins where the last one ended. */
static struct result take_interval(const json_t *class, size_t index, struct model_feature *feature, bool *open)
{
    const json_t *from = json_object_get(class, "from"), *to = json_object_get(class, "to");
    size_t count = feature->edges_count;
    double edge = 0, begin = 0;
    if (json_is_number(from)) TRY(model_number(class, "from", &begin));
    ENSURE(*open && (count == 0 ? json_is_null(from) : json_is_number(from) && begin == feature->edges[count - 1]),
           CATEGORY_USAGE, "class %zu does not begin where the class before it ends", count + 1);
    TRY(take_class(class, index, feature, count));
    *open = !json_is_null(to);
    if (!*open) return RESULT_OK;
    TRY(model_number(class, "to", &edge));
    ENSURE(count == 0 || edge > begin, CATEGORY_USAGE, "class %zu ends before it begins", count + 1);
    feature->edges[feature->edges_count++] = edge;
    return RESULT_OK;
}

/* In rising order, so that a table fits every model of the same columns. */
static struct result add_special(const json_t *code, struct model_feature *feature)
{
    size_t at = feature->specials_count;
    double value = json_number_value(code);
    ENSURE(at < COLUMN_SPECIALS_MAX && json_is_number(code) && isfinite(value), CATEGORY_USAGE,
           "its special codes are not at most %u numbers", COLUMN_SPECIALS_MAX);
    for (; at > 0 && feature->specials[at - 1] >= value; at--) {
        ENSURE(feature->specials[at - 1] != value, CATEGORY_USAGE, "the special code %g stands there twice", value);
        feature->specials[at] = feature->specials[at - 1];
    }
    feature->specials[at] = value;
    feature->specials_count++;
    return RESULT_OK;
}

static struct result find_specials(const json_t *classes, struct model_feature *feature, struct column_spec *spec)
{
    size_t index, k;
    const json_t *class, *code;
    feature->specials = calloc(COLUMN_SPECIALS_MAX, sizeof *feature->specials);
    ENSURE(feature->specials, CATEGORY_ENVIRONMENT, "out of memory");
    json_array_foreach(classes, index, class)
    {
        json_array_foreach(json_object_get(class, "special"), k, code) TRY(add_special(code, feature));
    }
    spec->specials = feature->specials;
    spec->specials_count = feature->specials_count;
    return RESULT_OK;
}

static struct result take_specials(const json_t *class, size_t index, struct model_feature *feature)
{
    size_t k;
    const json_t *code;
    json_array_foreach(json_object_get(class, "special"), k, code)
    {
        size_t at = 0;
        while (feature->specials[at] != json_number_value(code)) at++;
        TRY(take_class(class, index, feature, feature->edges_count + 2 + at));
    }
    return RESULT_OK;
}

static struct result read_number(const json_t *of, struct model_feature *feature, struct column_spec *spec)
{
    const json_t *classes = json_object_get(of, "classes"), *class, *missing = NULL;
    size_t index, missing_at = 0, count = json_array_size(classes);
    const char *outside, *rule;
    bool open = true;
    spec->kind = COLUMN_NUMBER;
    feature->number = true;
    TRY(model_number(of, "min", &spec->minimum));
    TRY(model_number(of, "max", &spec->maximum));
    TRY(model_text(of, "outside", &outside));
    TRY(model_text(of, "missing", &rule));
    ENSURE(spec->minimum < spec->maximum && count > 0 && count <= PLAN_BINS_MAX + 2 + COLUMN_SPECIALS_MAX,
           CATEGORY_USAGE, "its bounds are impossible, or it has %zu classes", count);
    spec->outside = strcmp(outside, "clamp") == 0     ? COLUMN_OUTSIDE_CLAMP
                    : strcmp(outside, "missing") == 0 ? COLUMN_OUTSIDE_MISSING
                                                      : COLUMN_OUTSIDE_REFUSE;
    spec->missing_allowed = strcmp(rule, "class") == 0;
    feature->edges = calloc(count, sizeof *feature->edges);
    ENSURE(feature->edges, CATEGORY_ENVIRONMENT, "out of memory");
    TRY(find_specials(classes, feature, spec));
    TRY(allocate(feature, count, count + 2 + feature->specials_count));
    json_array_foreach(classes, index, class)
    {
        if (json_is_true(json_object_get(class, "missing"))) {
            missing = class;
            missing_at = index;
        }
        if (json_object_get(class, "from") || json_object_get(class, "to"))
            TRY(take_interval(class, index, feature, &open));
    }
    ENSURE(!open, CATEGORY_USAGE, "its classes do not reach to the largest values");
    ENSURE((missing != NULL) == spec->missing_allowed, CATEGORY_USAGE,
           "its classes and its rule for missing values do not agree");
    json_array_foreach(classes, index, class) TRY(take_specials(class, index, feature));
    return missing ? take_class(missing, missing_at, feature, feature->edges_count + 1) : RESULT_OK;
}

/* The place among the levels of one that is read: declared ones in order, missing and other last. */
static struct result place_of(struct model_feature *feature, struct column_spec *spec, const char *level, size_t *ret)
{
    size_t own = spec->levels_count, declared = feature->levels_count - feature->level_missing - feature->level_other;
    ENSURE(strlen(level) <= LEVEL_MAX_BYTES, CATEGORY_USAGE, "a level has more than %u bytes", LEVEL_MAX_BYTES);
    *ret = declared;
    if (feature->level_missing && strcmp(level, "missing") == 0) return RESULT_OK;
    *ret = feature->levels_count - 1;
    if (feature->level_other && strcmp(level, "other") == 0) return RESULT_OK;
    ENSURE(own < declared, CATEGORY_USAGE,
           "a class has a level that the rules for missing and other values do not have");
    for (size_t i = 0; i < own; i++)
        ENSURE(!feature->levels[i] || strcmp(feature->levels[i], level) != 0, CATEGORY_USAGE,
               "the level \"%.64s\" stands there twice", level);
    feature->levels[own] = strdup(level);
    ENSURE(feature->levels[own], CATEGORY_ENVIRONMENT, "out of memory");
    *ret = spec->levels_count++;
    return RESULT_OK;
}

static struct result take_levels(const json_t *class, size_t class_index, struct model_feature *feature,
                                 struct column_spec *spec, bool *seen)
{
    size_t index, place;
    const json_t *level;
    json_array_foreach(json_object_get(class, "levels"), index, level)
    {
        const char *text = json_string_value(level);
        ENSURE(text, CATEGORY_USAGE, "a level is not a text");
        TRY(place_of(feature, spec, text, &place));
        ENSURE(!seen[place], CATEGORY_USAGE, "the level \"%.64s\" stands there twice", text);
        seen[place] = true;
        TRY(take_class(class, class_index, feature, place));
    }
    return RESULT_OK;
}

static struct result read_levels(const json_t *classes, struct model_feature *feature, struct column_spec *spec,
                                 bool *seen)
{
    size_t index;
    const json_t *class;
    feature->best = -1e300;
    json_array_foreach(classes, index, class) TRY(take_levels(class, index, feature, spec, seen));
    for (size_t i = 0; i < feature->levels_count; i++) {
        ENSURE(seen[i], CATEGORY_USAGE, "its classes and its rules for missing and other values do not agree");
        if (i == 0 || feature->points[i] > feature->best) feature->best = feature->points[i];
    }
    return RESULT_OK;
}

static struct result read_category(const json_t *of, struct model_feature *feature, struct column_spec *spec)
{
    const json_t *classes = json_object_get(of, "classes"), *class;
    size_t index, count = 0;
    const char *missing, *other;
    TRY(model_text(of, "missing", &missing));
    TRY(model_text(of, "other", &other));
    spec->kind = COLUMN_CATEGORY;
    spec->missing_allowed = feature->level_missing = strcmp(missing, "class") == 0;
    spec->other_allowed = feature->level_other = strcmp(other, "class") == 0;
    json_array_foreach(classes, index, class) count += json_array_size(json_object_get(class, "levels"));
    ENSURE(count > (size_t)feature->level_missing + feature->level_other && count <= LEVELS_MAX + 2, CATEGORY_USAGE,
           "it has %zu levels", count);
    feature->levels = calloc(count, sizeof *feature->levels);
    ENSURE(feature->levels, CATEGORY_ENVIRONMENT, "out of memory");
    feature->levels_count = count;
    TRY(allocate(feature, json_array_size(classes), count));
    bool *seen = calloc(count, sizeof *seen);
    ENSURE(seen, CATEGORY_ENVIRONMENT, "out of memory");
    struct result result = read_levels(classes, feature, spec, seen);
    free(seen);
    spec->levels = (const char *const *)feature->levels;
    return result;
}

struct result model_read_classes(const json_t *of, struct model_feature *feature, struct column_spec *spec)
{
    const char *kind;
    TRY(model_copy(of, "name", spec->name, NAME_MAX_BYTES));
    TRY(model_text(of, "kind", &kind));
    if (strcmp(kind, "number") == 0) return read_number(of, feature, spec);
    if (strcmp(kind, "category") == 0) return read_category(of, feature, spec);
    return FAIL(CATEGORY_USAGE, "the kind \"%.40s\" is unknown", kind);
}
