/* The privacy budgets as figures (node/watch.h): of the node's own source and of those that its policy names. */
#ifndef NODE_WATCH_BUDGET_H
#define NODE_WATCH_BUDGET_H

#include "node/bank.h"

/* Appended. Without the lock: it reads the store. */
MUST_USE struct result watch_budget_put(struct bank *bank, struct buffer *out);

#endif
