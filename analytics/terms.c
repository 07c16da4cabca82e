#include "analytics/terms.h"

#include <stdlib.h>

void terms_done(struct terms *terms)
{
    free(terms->items);
    free(terms->first);
    *terms = (struct terms){0};
}

static size_t levels_of(const struct plan_feature *feature)
{
    return feature->kind == PLAN_NUMBER ? 1 : plan_feature_levels(feature);
}

static bool has_term(const struct plan_feature *feature, size_t level)
{
    return feature->kind == PLAN_NUMBER || level != feature->baseline;
}

static size_t terms_of_feature(const struct plan_feature *feature)
{
    return feature->kind == PLAN_NUMBER ? 1 : plan_feature_levels(feature) - 1;
}

static size_t count_terms(const struct plan *plan)
{
    size_t count = 1;
    for (size_t f = 0; f < plan->features_count; f++) count += terms_of_feature(&plan->features[f]);
    for (size_t d = 0; d < plan->derived_count; d++) {
        const struct plan_derived *derived = &plan->derived[d];
        count += derived->with == SIZE_MAX ? 1
                                           : terms_of_feature(&plan->features[derived->feature]) *
                                                 terms_of_feature(&plan->features[derived->with]);
    }
    return count;
}

static void fill_product(const struct plan *plan, size_t d, struct terms *terms)
{
    const struct plan_feature *a = &plan->features[plan->derived[d].feature];
    const struct plan_feature *b = &plan->features[plan->derived[d].with];
    for (size_t level = 0; level < levels_of(a); level++)
        for (size_t with = 0; with < levels_of(b); with++)
            if (has_term(a, level) && has_term(b, with))
                terms->items[terms->count++] = (struct term){TERM_PRODUCT, d, level, with};
}

static void fill(const struct plan *plan, struct terms *terms)
{
    terms->items[terms->count++] = (struct term){.kind = TERM_INTERCEPT};
    for (size_t f = 0; f < plan->features_count; f++) {
        const struct plan_feature *feature = &plan->features[f];
        terms->first[f] = terms->count;
        for (size_t level = 0; level < levels_of(feature); level++)
            if (has_term(feature, level))
                terms->items[terms->count++] =
                    (struct term){feature->kind == PLAN_NUMBER ? TERM_NUMBER : TERM_LEVEL, f, level, 0};
    }
    for (size_t d = 0; d < plan->derived_count; d++) {
        if (plan->derived[d].with == SIZE_MAX)
            terms->items[terms->count++] = (struct term){TERM_HINGE, d, 0, 0};
        else
            fill_product(plan, d, terms);
    }
}

struct result terms_of(const struct plan *plan, struct terms *ret)
{
    size_t count = count_terms(plan);
    ENSURE(count <= TERMS_MAX, CATEGORY_USAGE,
           "the plan asks for %zu terms after coding, more than %u; use fewer features, levels or interactions", count,
           TERMS_MAX);
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

static struct result part_name(const struct plan_feature *feature, size_t level, struct buffer *out)
{
    if (feature->kind == PLAN_NUMBER) return buffer_text(out, feature->name);
    return buffer_format(out, "%s=%s", feature->name, plan_feature_level(feature, level));
}

struct result terms_name(const struct terms *terms, size_t term, struct buffer *out)
{
    const struct term *of = &terms->items[term];
    const struct plan *plan = terms->plan;
    if (of->kind == TERM_INTERCEPT) return buffer_text(out, "(intercept)");
    if (of->kind == TERM_HINGE) return buffer_text(out, plan->derived[of->feature].name);
    if (of->kind != TERM_PRODUCT) return part_name(&plan->features[of->feature], of->level, out);
    TRY(part_name(&plan->features[plan->derived[of->feature].feature], of->level, out));
    TRY(buffer_u8(out, ':'));
    return part_name(&plan->features[plan->derived[of->feature].with], of->with_level, out);
}

uint32_t terms_of_level(const struct terms *terms, size_t feature, size_t level)
{
    size_t baseline = terms->plan->features[feature].baseline;
    if (level == baseline) return TERM_NONE;
    return (uint32_t)(terms->first[feature] + level - (level > baseline ? 1 : 0));
}
