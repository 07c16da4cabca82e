/* The analyses that a plan can name. */
#include <string.h>

#include "analytics/evaluate.h"
#include "analytics/logistic.h"
#include "analytics/scorecard.h"
#include "analytics/statistics.h"

static const struct task *const tasks[] = {
    &evaluate_task, &logistic_task, &scorecard_task, &statistics_task, NULL,
};

const struct task *task_find(const char *name)
{
    for (const struct task *const *task = tasks; *task; task++)
        if (strcmp((*task)->name, name) == 0) return *task;
    return NULL;
}

struct result task_names(struct buffer *out)
{
    for (const struct task *const *task = tasks; *task; task++)
        TRY(buffer_format(out, "%s%s", task == tasks ? "" : ", ", (*task)->name));
    return RESULT_OK;
}
