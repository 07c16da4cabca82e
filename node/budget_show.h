/* cofferdam-node budget: what the running node answers, and the lines that people read. */
#ifndef NODE_BUDGET_SHOW_H
#define NODE_BUDGET_SHOW_H

#include <jansson.h>

#include "node/bank.h"

/* {"sources": [{"source", "spent", "reserved", and where the policy has a budget "epsilon", "delta", "rho", "left",
 * "spent_epsilon"}], "runs": [{"run", "source", "plan", "author", "purpose", "at_ms", "open", "reserved", "spent",
 * "spent_epsilon", "delta"}]}; what is reserved and spent is ρ. */
MUST_USE struct result budget_list(struct bank *bank, json_t **ret);
/* That answer for people; appended to out. */
MUST_USE struct result budget_lines(struct view json, struct buffer *out);

#endif
