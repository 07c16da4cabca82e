/* Any bytes as a plan: refused with a place, or within every limit that later code relies on. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "proto/run/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition) abort();
}

static void feature_check(const struct plan_feature *feature)
{
    must(*feature->name != 0);
    if (feature->kind == PLAN_CATEGORY) {
        size_t levels = plan_feature_levels(feature);
        must(levels >= 2 && feature->levels_count <= LEVELS_MAX && feature->baseline < levels);
        must(feature->level_missing == (feature->missing == MISSING_LEVEL));
        for (size_t i = 0; i < levels; i++) must(*plan_feature_level(feature, i) != 0);
        return;
    }
    must(isfinite(feature->minimum) && isfinite(feature->maximum) && feature->minimum < feature->maximum);
    must(feature->resolution > 0 && (feature->maximum - feature->minimum) / feature->resolution <= 0x1p40);
    must(feature->missing != MISSING_VALUE || (feature->fill >= feature->minimum && feature->fill <= feature->maximum));
    must(feature->outside != OUTSIDE_MISSING || feature->missing != MISSING_REFUSE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(plan_done) struct plan plan = {0}, again = {0};
    struct result result = plan_parse(view_of(data, size), "plan", &plan);
    if (!result_ok(result)) {
        must(result.category == CATEGORY_USAGE && strncmp(result_reason(), "plan:", 5) == 0);
        return 0;
    }
    must(plan.features_count >= 1 && plan.features_count <= FEATURES_MAX);
    for (size_t i = 0; i < plan.features_count; i++) feature_check(&plan.features[i]);
    must(plan.rounds >= 1 && plan.rounds <= TRAIN_ROUNDS_MAX && plan.tolerance > 0 && plan.penalty >= 0);
    must(plan.cohort_minimum >= COHORT_MIN && plan.rows >= 1 && plan.rows <= ROWS_MAX && plan.deadline_hours >= 1);
    must(plan.split != SPLIT_HASH || (plan.split_fraction > 0 && plan.split_fraction < 1));
    must(result_ok(plan_parse(buffer_view(&plan.text), "plan", &again)) && hash_equal(&plan.hash, &again.hash));
    return 0;
}
