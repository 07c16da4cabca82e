/* What SIGHUP reads anew. */
#ifndef NODE_RELOAD_H
#define NODE_RELOAD_H

#include "node/bank.h"

/* Whether a start by the files as they are now would succeed, as far as can be told while this bank is served. */
MUST_USE struct result bank_check_reload(const struct bank *bank);

#endif
