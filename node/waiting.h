/* A run that this bank's officers have to approve: it waits at the node, and nothing of it leaves. */
#ifndef NODE_WAITING_H
#define NODE_WAITING_H

#include "node/part.h"

/* Until enough officers approve the run; at once where none is asked. CATEGORY_FALSE when one denies it or the run ends
 * elsewhere, CATEGORY_ENVIRONMENT at the node's stop. Without the lock. */
MUST_USE struct result waiting_for_officers(struct part *part);

#endif
