/* What an operator's tools read of the node: /metrics, /healthz and /readyz, when its configuration has an address for
 * them. All of it is counts, times and sums that others know or that the bank's own policy sets. */
#ifndef NODE_WATCH_H
#define NODE_WATCH_H

#include "node/bank.h"

struct watch;

/* *ret NULL when nothing is to be served. The bank has its store, journal and client by now, and outlives the watch. */
MUST_USE struct result watch_new(struct bank *bank, struct watch **ret);
void watch_free(struct watch *watch);
void watch_freep(struct watch **watch);

#endif
