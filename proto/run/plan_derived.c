/* Columns that a plan makes of its features: hinges at knots, and products. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"
#include "proto/run/plan_raw.h"

static const cyaml_schema_field_t fields[] = {
    CYAML_FIELD_SEQUENCE("of", CYAML_FLAG_POINTER, struct raw_interaction, of, &plan_raw_text, 2, 2),
    CYAML_FIELD_END,
};
const cyaml_schema_value_t plan_raw_interaction = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_interaction, fields),
};

/* The key under way: its place in the document, and what it is called in an error. */
struct place {
    const struct document *document;
    char path[64], name[NAME_MAX_BYTES + 40];
};

static struct place knots_of(const struct document *document, const struct plan *plan, size_t f)
{
    struct place place = {document, "", ""};
    (void)snprintf(place.path, sizeof place.path, "features.%zu.knots", f);
    (void)snprintf(place.name, sizeof place.name, "feature \"%s\", key \"knots\"", plan->features[f].name);
    return place;
}

static struct place interaction_of(const struct document *document, size_t index)
{
    struct place place = {document, "", ""};
    (void)snprintf(place.path, sizeof place.path, "interactions.%zu.of", index);
    (void)snprintf(place.name, sizeof place.name, "key \"interactions\", number %zu", index + 1);
    return place;
}

static struct result fail(const struct place *place, const char *format, ...) __attribute__((format(printf, 2, 3)));
static struct result fail(const struct place *place, const char *format, ...)
{
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return document_fail(place->document, place->path, "%s: %s", place->name, text);
}

/* Models and exports find a column by its name. */
static struct result add(const struct place *place, struct plan *plan, const struct plan_derived *derived)
{
    const char *name = derived->name;
    if (plan->derived_count == PLAN_DERIVED_MAX)
        return fail(place, "knots and interactions are more than %u", PLAN_DERIVED_MAX);
    for (size_t f = 0; f < plan->features_count; f++)
        if (strcmp(plan->features[f].name, name) == 0)
            return fail(place, "\"%s\" is the name of a feature; rename that column", name);
    for (size_t d = 0; d < plan->derived_count; d++)
        if (strcmp(plan->derived[d].name, name) == 0) return fail(place, "\"%s\" stands there twice; keep one", name);
    plan->derived[plan->derived_count++] = *derived;
    return RESULT_OK;
}

static struct result knots_parse(const struct document *document, const struct raw_feature *raw, size_t f,
                                 struct plan *plan)
{
    const struct plan_feature *feature = &plan->features[f];
    const struct place place = knots_of(document, plan, f);
    double before = feature->minimum;
    for (size_t k = 0; k < raw->knots_count; k++) {
        struct plan_derived derived = {.feature = f, .with = SIZE_MAX};
        if (!text_number(raw->knots[k], &derived.knot))
            return fail(&place, "\"%.40s\" is not a finite decimal number", raw->knots[k]);
        if (derived.knot <= feature->minimum || derived.knot >= feature->maximum)
            return fail(&place, "%.40s is not between min and max", raw->knots[k]);
        if (k > 0 && derived.knot <= before)
            return fail(&place, "%.40s does not come after %.40s; write them in rising order", raw->knots[k],
                        raw->knots[k - 1]);
        before = derived.knot;
        int length = snprintf(derived.name, sizeof derived.name, "%s>%s", feature->name, raw->knots[k]);
        if ((size_t)length >= sizeof derived.name) return fail(&place, "%.40s... has too many digits", raw->knots[k]);
        TRY(add(&place, plan, &derived));
    }
    return RESULT_OK;
}

/* Terms are called A:B, with levels A=1:B=2; no part of one may look like that itself. */
static struct result check_part(const struct place *place, const struct plan_feature *feature)
{
    if (strchr(feature->name, ':')) return fail(place, "the name \"%s\" has a colon; rename the column", feature->name);
    for (size_t level = 0; feature->kind == PLAN_CATEGORY && level < feature->levels_count; level++)
        if (strchr(feature->levels[level], ':'))
            return fail(place, "the level \"%.64s\" of %s has a colon; give it another name", feature->levels[level],
                        feature->name);
    return RESULT_OK;
}

static struct result find(const struct place *place, const struct plan *plan, const char *name, size_t *ret)
{
    for (size_t f = 0; f < plan->features_count; f++) {
        if (strcmp(plan->features[f].name, name) != 0) continue;
        *ret = f;
        return check_part(place, &plan->features[f]);
    }
    return fail(place, "\"%.64s\" is none of the features; a product needs both of its parts among them", name);
}

static struct result interaction_parse(const struct document *document, const struct raw_interaction *raw, size_t index,
                                       struct plan *plan)
{
    const struct place place = interaction_of(document, index);
    struct plan_derived derived = {0};
    TRY(find(&place, plan, raw->of[0], &derived.feature));
    TRY(find(&place, plan, raw->of[1], &derived.with));
    if (derived.feature == derived.with && plan->features[derived.feature].kind == PLAN_CATEGORY)
        return fail(&place, "a category's product with itself says nothing new; remove it");
    for (size_t d = 0; d < plan->derived_count; d++)
        if (plan->derived[d].feature == derived.with && plan->derived[d].with == derived.feature)
            return fail(&place, "\"%s\" is there already; keep one", plan->derived[d].name);
    (void)snprintf(derived.name, sizeof derived.name, "%s:%s", plan->features[derived.feature].name,
                   plan->features[derived.with].name);
    return add(&place, plan, &derived);
}

struct result plan_derived_parse(const struct document *document, const struct raw_feature *features,
                                 const struct raw_interaction *interactions, size_t interactions_count,
                                 struct plan *plan)
{
    size_t knots = 0;
    while (knots < plan->features_count && features[knots].knots_count == 0) knots++;
    if (interactions_count == 0 && knots == plan->features_count) return RESULT_OK;
    const struct place first = interactions_count ? interaction_of(document, 0) : knots_of(document, plan, knots);
    if (strcmp(plan->task, "logistic") != 0) return fail(&first, "belongs to the task logistic; remove it");
    plan->derived = calloc(PLAN_DERIVED_MAX, sizeof *plan->derived);
    ENSURE(plan->derived, CATEGORY_ENVIRONMENT, "out of memory for a plan");
    for (size_t f = 0; f < plan->features_count; f++) TRY(knots_parse(document, &features[f], f, plan));
    for (size_t i = 0; i < interactions_count; i++) TRY(interaction_parse(document, &interactions[i], i, plan));
    return RESULT_OK;
}
