/* Whether this bank is ready: key, roster, data, connection. */
#ifndef NODE_CHECK_H
#define NODE_CHECK_H

#include "node/bank.h"

/* Prints what it finds. plan: a plan or plan note to hold the data against, or NULL. sql: of a bank with push-down, the
 * statements too. CATEGORY_FALSE when something is
 * not so; everything is looked at before that is said. */
MUST_USE struct result bank_check(const char *config_path, const char *plan, bool sql);

#endif
