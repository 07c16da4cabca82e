/* How a run makes its node's counters durable: before any message that shows them is sent. */
#ifndef PROTO_SECAGG_COUNTERS_H
#define PROTO_SECAGG_COUNTERS_H

#include "proto/secagg/effects.h"
#include "proto/secagg/secagg.h"

/* tag: of the run; counted: `mine` rose since; held_changed: one of `held` did. */
MUST_USE struct result counters_keep(const struct node_counters *counters, const struct roster *roster, const char *tag,
                                     bool counted, bool held_changed, struct effects *effects);

#endif
