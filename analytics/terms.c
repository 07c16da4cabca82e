#include "analytics/terms.h"

#include <stdlib.h>

void terms_done(struct terms *terms)
{
    free(terms->items);
    free(terms->first);
    *terms = (struct terms){0};
}

static size_t terms_of_feature(const struct plan_feature *feature)
{
    return feature->kind == PLAN_NUMBER ? 1 : plan_feature_levels(feature) - 1;
}

static void fill(const struct plan *plan, struct terms *terms)
{
    terms->items[terms->count++] = (struct term){.feature = TERM_INTERCEPT};
    for (size_t f = 0; f < plan->features_count; f++) {
        const struct plan_feature *feature = &plan->features[f];
        size_t levels = feature->kind == PLAN_NUMBER ? 1 : plan_feature_levels(feature);
        terms->first[f] = terms->count;
        for (size_t level = 0; level < levels; level++)
            if (feature->kind == PLAN_NUMBER || level != feature->baseline)
                terms->items[terms->count++] = (struct term){f, level};
    }
}

struct result terms_of(const struct plan *plan, struct terms *ret)
{
    size_t count = 1;
    for (size_t f = 0; f < plan->features_count; f++) count += terms_of_feature(&plan->features[f]);
    ENSURE(count <= TERMS_MAX, CATEGORY_USAGE,
           "the plan asks for %zu terms after coding, more than %u; use fewer features or levels", count, TERMS_MAX);
    *ret = (struct terms){.plan = plan};
    ret->items = calloc(count, sizeof *ret->items);
    ret->first = calloc(plan->features_count + 1, sizeof *ret->first);
    if (!ret->items || !ret->first) {
        terms_done(ret);
        return FAIL(CATEGORY_ENVIRONMENT, "out of memory for the model's terms");
    }
    fill(plan, ret);
    return RESULT_OK;
}

struct result terms_name(const struct terms *terms, size_t term, struct buffer *out)
{
    if (terms->items[term].feature == TERM_INTERCEPT) return buffer_text(out, "(intercept)");
    const struct plan_feature *feature = &terms->plan->features[terms->items[term].feature];
    if (feature->kind == PLAN_NUMBER) return buffer_text(out, feature->name);
    return buffer_format(out, "%s=%s", feature->name, plan_feature_level(feature, terms->items[term].level));
}

uint32_t terms_of_level(const struct terms *terms, size_t feature, size_t level)
{
    size_t baseline = terms->plan->features[feature].baseline;
    if (level == baseline) return TERM_NONE;
    return (uint32_t)(terms->first[feature] + level - (level > baseline ? 1 : 0));
}
