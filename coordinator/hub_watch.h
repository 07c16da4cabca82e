/* What an operator's tools read of the coordinator: /metrics, /healthz and /readyz, when its configuration has an
 * address for them. Counts and times alone. */
#ifndef COORDINATOR_HUB_WATCH_H
#define COORDINATOR_HUB_WATCH_H

#include "coordinator/hub.h"

struct hub_watch;

/* *ret NULL when nothing is to be served. The hub outlives the watch. */
MUST_USE struct result hub_watch_new(struct hub *hub, struct hub_watch **ret);
void hub_watch_free(struct hub_watch *watch);
void hub_watch_freep(struct hub_watch **watch);
/* The loop's: leaves a copy of its figures for the server's thread, once a second. Accepts NULL. */
MUST_USE struct result hub_watch_turn(struct hub_watch *watch);

#endif
