/* The analyses that a plan can name. */
#include <string.h>

#include "proto/run/task.h"

static const struct task *const tasks[] = {
    NULL,
};

const struct task *task_find(const char *name)
{
    for (const struct task *const *task = tasks; *task; task++)
        if (strcmp((*task)->name, name) == 0) return *task;
    return NULL;
}
