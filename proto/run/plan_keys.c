/* Which of a plan's keys belong to which task: one that the task does not read would be believed to do something. */
#include <stdio.h>
#include <string.h>

#include "proto/run/plan_raw.h"

bool plan_fits(const struct plan *plan)
{
    return strcmp(plan->task, "logistic") == 0 || strcmp(plan->task, "scorecard") == 0;
}

struct result plan_keys_check(const struct document *document, const char *task)
{
    static const struct {
        const char *key, *tasks[2];
    } owners[] = {
        {"train", {"logistic", "scorecard"}}, {"binning", {"scorecard", "statistics"}},
        {"selection", {"scorecard", NULL}},   {"points", {"scorecard", NULL}},
        {"models", {"evaluate", NULL}},       {"evaluate", {"evaluate", NULL}},
    };
    static const char *const known[] = {"logistic", "scorecard", "statistics", "evaluate"};
    bool ours = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) ours = ours || strcmp(known[i], task) == 0;
    for (size_t i = 0; ours && i < sizeof owners / sizeof *owners; i++) {
        bool there = false;
        const char *const *tasks = owners[i].tasks;
        TRY(document_has(document, owners[i].key, &there));
        if (!there || strcmp(tasks[0], task) == 0 || (tasks[1] && strcmp(tasks[1], task) == 0)) continue;
        return document_fail(document, owners[i].key,
                             "key \"%s\": belongs to the task %s%s%s, and this one is %s; remove it", owners[i].key,
                             tasks[0], tasks[1] ? " or " : "", tasks[1] ? tasks[1] : "", task);
    }
    return RESULT_OK;
}

struct result plan_keys_check_feature(const struct document *document, size_t index, const struct plan_feature *feature,
                                      const char *task)
{
    const struct {
        const char *key, *why;
        bool there;
    } foreign[] = {
        {"missing", "a number has no levels; write median, mean, a value or refuse",
         feature->kind == PLAN_NUMBER && feature->missing == MISSING_LEVEL},
        {"special",
         "a logistic model has no class for codes; name them as missing values in each bank's configuration, or make a "
         "scorecard",
         feature->specials_count > 0},
        {"cuts", "belongs to the task scorecard or statistics; a logistic model takes knots", feature->cuts_count > 0},
        {"monotone", "belongs to the task scorecard; remove it", feature->monotone != MONOTONE_NO},
        {"groups", "belongs to the task scorecard; remove it", feature->class_of != NULL},
    };
    for (size_t i = 0; strcmp(task, "logistic") == 0 && i < sizeof foreign / sizeof *foreign; i++) {
        char path[64];
        if (!foreign[i].there) continue;
        (void)snprintf(path, sizeof path, "features.%zu.%s", index, foreign[i].key);
        return document_fail(document, path, "feature \"%.64s\", key \"%s\": %s", feature->name, foreign[i].key,
                             foreign[i].why);
    }
    return RESULT_OK;
}
