/* What every model.json begins with: format, task, plan, who and how many, target and split. */
#ifndef ANALYTICS_HEAD_H
#define ANALYTICS_HEAD_H

#include "analytics/cases.h"
#include "analytics/json_text.h"

json_t *head_of(struct tree *tree, const struct plan *plan, uint64_t rounds, unsigned banks,
                const uint64_t cases[CASE_KINDS]);

#endif
