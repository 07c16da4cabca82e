/* What the commands around plans share: reading one, bare YAML or a signed note, and finding its task. */
#ifndef CLI_PLAN_H
#define CLI_PLAN_H

#include "proto/run/note.h"
#include "proto/run/task.h"

struct plan_file {
    struct buffer bytes; /* as read */
    struct note note;    /* lines_count 0 for bare YAML; its text is always the plan's */
    struct plan plan;
    const struct task *task;
};

void plan_file_done(struct plan_file *file);
/* Parsed, its task found and asked (task->check): a plan that comes out is one that a run could take. Reasons begin
 * with the path. CATEGORY_USAGE for what the plan says; an unknown task names the known ones. */
MUST_USE struct result plan_file_read(const char *path, struct plan_file *ret);

#endif
