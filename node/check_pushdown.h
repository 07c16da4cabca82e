/* What a bank's database would compute of a plan, for whoever checks. */
#ifndef NODE_CHECK_PUSHDOWN_H
#define NODE_CHECK_PUSHDOWN_H

#include "proto/run/plan.h"
#include "sys/config.h"

/* Prints where a run's rows would be and, of a plan (NULL: none), round after round, which sums the database computes
 * and of which the rows are streamed; with sql, the statements of each kind of round. The rounds are those of a run
 * over this bank's first rows alone: nothing is written, and nothing leaves. CATEGORY_ENVIRONMENT when a table may not
 * be made there. */
MUST_USE struct result check_pushdown(const struct config_source *source, const struct plan *plan, bool sql);

#endif
