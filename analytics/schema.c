#include "analytics/schema.h"

#include <stdlib.h>
#include <string.h>

size_t schema_target(const struct plan *plan)
{
    return plan->target[0] ? plan->features_count : SIZE_MAX;
}

size_t schema_id(const struct plan *plan)
{
    return plan->id[0] ? plan->features_count + (plan->target[0] ? 1 : 0) : SIZE_MAX;
}

size_t schema_split(const struct plan *plan)
{
    if (plan->split != SPLIT_COLUMN) return SIZE_MAX;
    return plan->features_count + (plan->target[0] ? 1 : 0) + (plan->id[0] ? 1 : 0);
}

static size_t columns_of(const struct plan *plan)
{
    return plan->features_count + (plan->target[0] ? 1 : 0) + (plan->id[0] ? 1 : 0) +
           (plan->split == SPLIT_COLUMN ? 1 : 0);
}

void schema_done(struct schema *schema)
{
    free(schema->specs);
    free(schema->levels);
    *schema = (struct schema){0};
}

static void put_name(struct column_spec *spec, const char *name)
{
    memcpy(spec->name, name, strnlen(name, NAME_MAX_BYTES)); /* the spec is zeroed: NUL follows */
}

static void put_feature(const struct plan_feature *feature, struct column_spec *spec)
{
    put_name(spec, feature->name);
    spec->missing_allowed = feature->missing != MISSING_REFUSE;
    if (feature->kind == PLAN_CATEGORY) {
        spec->kind = COLUMN_CATEGORY;
        spec->levels_count = feature->levels_count;
        spec->other_allowed = feature->level_other;
        return;
    }
    spec->kind = COLUMN_NUMBER;
    spec->minimum = feature->minimum;
    spec->maximum = feature->maximum;
    spec->specials = feature->specials;
    spec->specials_count = feature->specials_count;
    spec->outside = feature->outside == OUTSIDE_CLAMP     ? COLUMN_OUTSIDE_CLAMP
                    : feature->outside == OUTSIDE_MISSING ? COLUMN_OUTSIDE_MISSING
                                                          : COLUMN_OUTSIDE_REFUSE;
}

static void put_levels(const struct plan *plan, struct schema *schema)
{
    const char **next = schema->levels;
    for (size_t f = 0; f < plan->features_count; f++) {
        const struct plan_feature *feature = &plan->features[f];
        if (feature->kind != PLAN_CATEGORY) continue;
        schema->specs[f].levels = next;
        for (size_t level = 0; level < feature->levels_count; level++) *next++ = feature->levels[level];
    }
    if (!plan->target[0]) return;
    schema->specs[schema_target(plan)].levels = next;
    *next++ = plan->positive;
    for (size_t i = 0; i < plan->negative_count; i++) *next++ = plan->negative[i];
}

static struct result allocate(const struct plan *plan, struct schema *ret)
{
    size_t levels = 1 + plan->negative_count;
    for (size_t f = 0; f < plan->features_count; f++) levels += plan->features[f].levels_count;
    ret->count = columns_of(plan);
    ret->specs = calloc(ret->count + 1, sizeof *ret->specs);
    ret->levels = calloc(levels, sizeof *ret->levels);
    ENSURE(ret->specs && ret->levels, CATEGORY_ENVIRONMENT, "out of memory for the plan's columns");
    return RESULT_OK;
}

struct result schema_of(const struct plan *plan, struct schema *ret)
{
    CLEANUP(schema_done) struct schema schema = {0};
    TRY(allocate(plan, &schema));
    for (size_t f = 0; f < plan->features_count; f++) put_feature(&plan->features[f], &schema.specs[f]);
    if (plan->target[0]) {
        struct column_spec *target = &schema.specs[schema_target(plan)];
        put_name(target, plan->target);
        target->kind = COLUMN_CATEGORY;
        target->target = true;
        target->levels_count = 1 + plan->negative_count;
        target->other_allowed = plan->negative_count == 0;
    }
    if (plan->id[0]) {
        schema.specs[schema_id(plan)].kind = COLUMN_TEXT;
        put_name(&schema.specs[schema_id(plan)], plan->id);
    }
    if (plan->split == SPLIT_COLUMN) {
        schema.specs[schema_split(plan)].kind = COLUMN_TEXT;
        put_name(&schema.specs[schema_split(plan)], plan->split_column);
    }
    put_levels(plan, &schema);
    *ret = schema;
    schema = (struct schema){0};
    return RESULT_OK;
}

struct result schema_check(const struct plan *plan, const struct table *table)
{
    ENSURE(table && table->columns_count == columns_of(plan), CATEGORY_BUG,
           "the table does not have the plan's columns");
    for (size_t f = 0; f < plan->features_count; f++) {
        const struct column_spec *spec = &table->columns[f].spec;
        enum column_kind kind = plan->features[f].kind == PLAN_CATEGORY ? COLUMN_CATEGORY : COLUMN_NUMBER;
        ENSURE(spec->kind == kind && strcmp(spec->name, plan->features[f].name) == 0, CATEGORY_BUG,
               "the table's column \"%s\" stands where the plan has \"%s\"", spec->name, plan->features[f].name);
    }
    ENSURE(!plan->target[0] || table->columns[schema_target(plan)].spec.kind == COLUMN_CATEGORY, CATEGORY_BUG,
           "the table's target column \"%s\" is not a category", plan->target);
    ENSURE(table->rows <= plan->rows, CATEGORY_USAGE, "the table has %llu rows, the plan lets a bank bring %llu",
           (unsigned long long)table->rows, (unsigned long long)plan->rows);
    return RESULT_OK;
}
