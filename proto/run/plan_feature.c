/* One feature of a plan: what its keys may be together. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"
#include "proto/run/plan_raw.h"

/* Steps of a resolution over a range: a quantile is found by refining histograms, a few bits a round. */
#define STEPS_MAX 0x1p40
/* Where a plan states no resolution: a 2^20th part of the range. */
#define STEPS_DEFAULT 0x1p20

/* Values are squared, and their spread is: beyond these a double runs out of exponent. */
#define MAGNITUDE_MOST 1e100
#define RANGE_LEAST 1e-100

#define OWN_MISSING "missing"
#define OWN_OTHER "other"

const cyaml_schema_value_t plan_raw_text = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, LEVEL_MAX_BYTES),
};

#define OPTIONAL (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
static const cyaml_schema_field_t group_fields[] = {
    CYAML_FIELD_SEQUENCE("levels", CYAML_FLAG_POINTER, struct raw_group, levels, &plan_raw_text, 1, LEVELS_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t raw_group = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_group, group_fields),
};
static const cyaml_schema_field_t fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct raw_feature, name, 1, CYAML_UNLIMITED),
    CYAML_FIELD_STRING_PTR("kind", CYAML_FLAG_POINTER, struct raw_feature, kind, 1, CYAML_UNLIMITED),
    CYAML_FIELD_STRING_PTR("min", OPTIONAL, struct raw_feature, minimum, 1, CYAML_UNLIMITED),
    CYAML_FIELD_STRING_PTR("max", OPTIONAL, struct raw_feature, maximum, 1, CYAML_UNLIMITED),
    CYAML_FIELD_STRING_PTR("missing", OPTIONAL, struct raw_feature, missing, 1, CYAML_UNLIMITED),
    CYAML_FIELD_STRING_PTR("outside", OPTIONAL, struct raw_feature, outside, 1, CYAML_UNLIMITED),
    CYAML_FIELD_STRING_PTR("resolution", OPTIONAL, struct raw_feature, resolution, 1, CYAML_UNLIMITED),
    CYAML_FIELD_SEQUENCE("levels", OPTIONAL, struct raw_feature, levels, &plan_raw_text, 1, LEVELS_MAX),
    CYAML_FIELD_STRING_PTR("baseline", OPTIONAL, struct raw_feature, baseline, 1, CYAML_UNLIMITED),
    CYAML_FIELD_STRING_PTR("other", OPTIONAL, struct raw_feature, other, 1, CYAML_UNLIMITED),
    CYAML_FIELD_STRING_PTR("monotone", OPTIONAL, struct raw_feature, monotone, 1, CYAML_UNLIMITED),
    CYAML_FIELD_SEQUENCE("cuts", OPTIONAL, struct raw_feature, cuts, &plan_raw_text, 1, PLAN_BINS_MAX - 1),
    CYAML_FIELD_SEQUENCE("special", OPTIONAL, struct raw_feature, specials, &plan_raw_text, 1, PLAN_SPECIALS_MAX),
    CYAML_FIELD_SEQUENCE("knots", OPTIONAL, struct raw_feature, knots, &plan_raw_text, 1, PLAN_KNOTS_MAX),
    CYAML_FIELD_SEQUENCE("groups", OPTIONAL, struct raw_feature, groups, &raw_group, 1, LEVELS_MAX),
    CYAML_FIELD_END,
};
const cyaml_schema_value_t plan_raw_feature = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_feature, fields),
};

struct result plan_name_copy(const char *name, size_t most, char *out)
{
    size_t length = strlen(name);
    struct view view = view_of(name, length);
    ENSURE(length > 0, CATEGORY_USAGE, "must not be empty");
    ENSURE(text_utf8(view) && text_printable(view, ""), CATEGORY_USAGE, "holds a control character; remove it");
    ENSURE(name[0] != ' ' && name[length - 1] != ' ', CATEGORY_USAGE,
           "begins or ends with a blank, which is easily overlooked; remove it");
    ENSURE(length <= most, CATEGORY_USAGE, "has %zu bytes; at most %zu are taken", length, most);
    memcpy(out, name, length + 1);
    return RESULT_OK;
}

struct result plan_texts_copy(char *const *texts, size_t count, char ***ret, size_t *ret_count)
{
    char **copies = calloc(count ? count : 1, sizeof *copies);
    ENSURE(copies, CATEGORY_ENVIRONMENT, "out of memory for a plan");
    for (size_t i = 0; i < count; i++) {
        copies[i] = strdup(texts[i]);
        if (copies[i]) continue;
        plan_texts_free(copies, i);
        return FAIL(CATEGORY_ENVIRONMENT, "out of memory for a plan");
    }
    *ret = copies;
    *ret_count = count;
    return RESULT_OK;
}

void plan_texts_free(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++) free(texts[i]);
    free(texts);
}

void plan_feature_done(struct plan_feature *feature)
{
    plan_texts_free(feature->levels, feature->levels_count);
    free(feature->cuts);
    free(feature->specials);
    free(feature->class_of);
    *feature = (struct plan_feature){0};
}

/* The feature under way, for errors. */
struct place {
    const struct document *document;
    size_t index;
    const char *name;
};

static struct result fail(const struct place *place, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static struct result fail(const struct place *place, const char *key, const char *format, ...)
{
    char path[64], text[300];
    (void)snprintf(path, sizeof path, "features.%zu.%s", place->index, key);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return document_fail(place->document, path, "feature \"%.64s\", key \"%s\": %s", place->name, key, text);
}

static struct result number(const struct place *place, const char *key, const char *text, double *ret)
{
    if (!text) return fail(place, key, "is missing; a number needs min and max");
    if (!text_number(text, ret)) return fail(place, key, "\"%.40s\" is not a finite decimal number", text);
    return RESULT_OK;
}

/* Keys of the other kind say that the writer meant something else. */
static struct result absent(const struct place *place, const char *key, const void *value, const char *kind)
{
    if (value) return fail(place, key, "belongs to a %s; remove it or change kind", kind);
    return RESULT_OK;
}

static struct result number_missing(const struct place *place, const char *text, struct plan_feature *ret)
{
    ret->missing = MISSING_REFUSE;
    if (!text || strcmp(text, "refuse") == 0) return RESULT_OK;
    ret->missing = strcmp(text, "median") == 0  ? MISSING_MEDIAN
                   : strcmp(text, "mean") == 0  ? MISSING_MEAN
                   : strcmp(text, "level") == 0 ? MISSING_LEVEL
                                                : MISSING_VALUE;
    if (ret->missing != MISSING_VALUE) return RESULT_OK;
    if (!text_number(text, &ret->fill))
        return fail(place, "missing", "\"%.40s\" is none of median, mean, a number or refuse", text);
    if (ret->fill < ret->minimum || ret->fill > ret->maximum)
        return fail(place, "missing", "the value %s lies outside min and max", text);
    return RESULT_OK;
}

static struct result monotone_parse(const struct place *place, const char *text, struct plan_feature *ret)
{
    static const char *const words[] = {[MONOTONE_NO] = "no",
                                        [MONOTONE_RISING] = "rising",
                                        [MONOTONE_FALLING] = "falling",
                                        [MONOTONE_EITHER] = "either"};
    if (!text) return RESULT_OK;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(text, words[i]) != 0) continue;
        ret->monotone = (enum plan_monotone)i;
        return RESULT_OK;
    }
    return fail(place, "monotone", "\"%.40s\" is none of no, rising, falling or either", text);
}

static struct result cuts_parse(const struct place *place, const struct raw_feature *raw, struct plan_feature *ret)
{
    if (!raw->cuts) return RESULT_OK;
    ret->cuts = calloc(raw->cuts_count, sizeof *ret->cuts);
    ENSURE(ret->cuts, CATEGORY_ENVIRONMENT, "out of memory for a plan");
    for (size_t i = 0; i < raw->cuts_count; i++) {
        double *cut = &ret->cuts[i];
        TRY(number(place, "cuts", raw->cuts[i], cut));
        if (*cut <= ret->minimum || *cut > ret->maximum)
            return fail(place, "cuts", "%s is not above min and at most max", raw->cuts[i]);
        if (i > 0 && *cut <= ret->cuts[i - 1])
            return fail(place, "cuts", "%s does not come after %s; write them in rising order", raw->cuts[i],
                        raw->cuts[i - 1]);
    }
    ret->cuts_count = raw->cuts_count;
    if (ret->monotone != MONOTONE_NO)
        return fail(place, "monotone", "classes that cuts give are taken as they are; remove one of the two");
    return RESULT_OK;
}

static struct result specials_parse(const struct place *place, const struct raw_feature *raw, struct plan_feature *ret)
{
    if (!raw->specials) return RESULT_OK;
    ret->specials = calloc(raw->specials_count, sizeof *ret->specials);
    ENSURE(ret->specials, CATEGORY_ENVIRONMENT, "out of memory for a plan");
    for (; ret->specials_count < raw->specials_count; ret->specials_count++) {
        size_t at = ret->specials_count;
        TRY(number(place, "special", raw->specials[at], &ret->specials[at]));
        ret->specials[at] += 0.0; /* -0 becomes +0 */
        for (size_t k = 0; k < at; k++)
            if (ret->specials[k] == ret->specials[at])
                return fail(place, "special", "%s stands there twice; keep one", raw->specials[at]);
    }
    return RESULT_OK;
}

static struct result number_parse(const struct place *place, const struct raw_feature *raw, struct plan_feature *ret)
{
    ret->kind = PLAN_NUMBER;
    TRY(absent(place, "levels", raw->levels, "category"));
    TRY(absent(place, "baseline", raw->baseline, "category"));
    TRY(absent(place, "other", raw->other, "category"));
    TRY(absent(place, "groups", raw->groups, "category"));
    TRY(number(place, "min", raw->minimum, &ret->minimum));
    TRY(number(place, "max", raw->maximum, &ret->maximum));
    double range = ret->maximum - ret->minimum;
    if (!(range > 0)) return fail(place, "min", "%s is not below max, %s", raw->minimum, raw->maximum);
    if (fabs(ret->minimum) > MAGNITUDE_MOST || fabs(ret->maximum) > MAGNITUDE_MOST || range < RANGE_LEAST)
        return fail(place, "max", "min and max reach beyond %g or are closer than %g; take another unit",
                    MAGNITUDE_MOST, RANGE_LEAST);
    ret->resolution = range / STEPS_DEFAULT;
    if (raw->resolution) TRY(number(place, "resolution", raw->resolution, &ret->resolution));
    if (!(ret->resolution > 0)) return fail(place, "resolution", "must be above 0");
    if (ret->resolution > range) return fail(place, "resolution", "is more than max minus min; make it finer");
    if (range / ret->resolution > STEPS_MAX)
        return fail(place, "resolution", "max minus min holds more than 2^40 steps of it; make it coarser");
    TRY(number_missing(place, raw->missing, ret));
    TRY(monotone_parse(place, raw->monotone, ret));
    TRY(cuts_parse(place, raw, ret));
    TRY(specials_parse(place, raw, ret));
    ret->outside = OUTSIDE_REFUSE;
    if (!raw->outside || strcmp(raw->outside, "refuse") == 0) return RESULT_OK;
    if (strcmp(raw->outside, "clamp") == 0) {
        ret->outside = OUTSIDE_CLAMP;
        return RESULT_OK;
    }
    if (strcmp(raw->outside, "missing") != 0)
        return fail(place, "outside", "\"%.40s\" is none of refuse, clamp or missing", raw->outside);
    ret->outside = OUTSIDE_MISSING;
    if (ret->missing == MISSING_REFUSE)
        return fail(place, "outside",
                    "missing turns such a value into a missing one, which \"missing: refuse\" refuses; "
                    "choose a fill");
    return RESULT_OK;
}

/* refuse or level. */
static struct result own_level(const struct place *place, const char *key, const char *text, bool *ret)
{
    *ret = text && strcmp(text, "level") == 0;
    if (!text || *ret || strcmp(text, "refuse") == 0) return RESULT_OK;
    return fail(place, key, "\"%.40s\" is none of level or refuse, which a category may have", text);
}

static struct result levels_check(const struct place *place, const struct plan_feature *feature)
{
    char level[LEVEL_MAX_BYTES + 1];
    for (size_t i = 0; i < feature->levels_count; i++) {
        struct result named = plan_name_copy(feature->levels[i], LEVEL_MAX_BYTES, level);
        if (!result_ok(named)) {
            char why[128];
            (void)snprintf(why, sizeof why, "%s", result_reason());
            return fail(place, "levels", "level %zu %s", i + 1, why);
        }
        for (size_t k = 0; k < i; k++)
            if (strcmp(feature->levels[k], level) == 0)
                return fail(place, "levels", "\"%.64s\" stands there twice; keep one", level);
        if (feature->level_missing && strcmp(level, OWN_MISSING) == 0)
            return fail(place, "levels",
                        "\"missing\" is the name of the level that \"missing: level\" makes; rename it");
        if (feature->level_other && strcmp(level, OWN_OTHER) == 0)
            return fail(place, "levels", "\"other\" is the name of the level that \"other: level\" makes; rename it");
    }
    if (plan_feature_levels(feature) < 2)
        return fail(place, "levels", "one level says nothing; a category needs at least two");
    return RESULT_OK;
}

static size_t level_named(const struct plan_feature *feature, const char *name)
{
    size_t count = plan_feature_levels(feature), level = 0;
    while (level < count && strcmp(plan_feature_level(feature, level), name) != 0) level++;
    return level;
}

/* Every level is in one group. */
static struct result groups_parse(const struct place *place, const struct raw_feature *raw, struct plan_feature *ret)
{
    if (!raw->groups) return RESULT_OK;
    size_t count = plan_feature_levels(ret);
    ret->class_of = calloc(count + 1, sizeof *ret->class_of);
    ENSURE(ret->class_of, CATEGORY_ENVIRONMENT, "out of memory for a plan");
    for (size_t level = 0; level < count; level++) ret->class_of[level] = UINT32_MAX;
    for (size_t g = 0; g < raw->groups_count; g++)
        for (size_t i = 0; i < raw->groups[g].levels_count; i++) {
            const char *name = raw->groups[g].levels[i];
            size_t level = level_named(ret, name);
            if (level == count) return fail(place, "groups", "\"%.64s\" is none of the levels", name);
            if (ret->class_of[level] != UINT32_MAX)
                return fail(place, "groups", "\"%.64s\" stands there twice; keep one", name);
            ret->class_of[level] = (uint32_t)g;
        }
    for (size_t level = 0; level < count; level++)
        if (ret->class_of[level] == UINT32_MAX)
            return fail(place, "groups", "the level \"%.64s\" is in no group", plan_feature_level(ret, level));
    ret->classes = raw->groups_count;
    return RESULT_OK;
}

static struct result category_parse(const struct place *place, const struct raw_feature *raw, struct plan_feature *ret)
{
    ret->kind = PLAN_CATEGORY;
    TRY(absent(place, "min", raw->minimum, "number"));
    TRY(absent(place, "max", raw->maximum, "number"));
    TRY(absent(place, "outside", raw->outside, "number"));
    TRY(absent(place, "resolution", raw->resolution, "number"));
    TRY(absent(place, "monotone", raw->monotone, "number"));
    TRY(absent(place, "cuts", raw->cuts, "number"));
    TRY(absent(place, "knots", raw->knots, "number"));
    TRY(absent(place, "special", raw->specials, "number"));
    if (!raw->levels) return fail(place, "levels", "is missing; list the values that the column may have");
    TRY(own_level(place, "missing", raw->missing, &ret->level_missing));
    TRY(own_level(place, "other", raw->other, &ret->level_other));
    ret->missing = ret->level_missing ? MISSING_LEVEL : MISSING_REFUSE;
    TRY(plan_texts_copy(raw->levels, raw->levels_count, &ret->levels, &ret->levels_count));
    TRY(levels_check(place, ret));
    TRY(groups_parse(place, raw, ret));
    ret->baseline = 0;
    if (!raw->baseline) return RESULT_OK;
    ret->baseline = level_named(ret, raw->baseline);
    if (ret->baseline == plan_feature_levels(ret))
        return fail(place, "baseline", "\"%.64s\" is none of the levels", raw->baseline);
    return RESULT_OK;
}

struct result plan_feature_parse(const struct document *document, size_t index, const struct raw_feature *raw,
                                 struct plan_feature *ret)
{
    const struct place place = {document, index, raw->name};
    struct result named = plan_name_copy(raw->name, NAME_MAX_BYTES, ret->name);
    if (!result_ok(named)) {
        char why[128];
        (void)snprintf(why, sizeof why, "%s", result_reason());
        return fail(&place, "name", "%s", why);
    }
    if (strchr(raw->name, '=') || strcmp(raw->name, "(intercept)") == 0)
        return fail(&place, "name", "terms of a model are called (intercept) and NAME=LEVEL; rename the column");
    if (strcmp(raw->kind, "number") == 0) return number_parse(&place, raw, ret);
    if (strcmp(raw->kind, "category") == 0) return category_parse(&place, raw, ret);
    return fail(&place, "kind", "\"%.40s\" is none of number or category", raw->kind);
}

size_t plan_feature_levels(const struct plan_feature *feature)
{
    return feature->levels_count + feature->level_missing + feature->level_other;
}

const char *plan_feature_level(const struct plan_feature *feature, size_t index)
{
    if (index < feature->levels_count) return feature->levels[index];
    return feature->level_missing && index == feature->levels_count ? OWN_MISSING : OWN_OTHER;
}
