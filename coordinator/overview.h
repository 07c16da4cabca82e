/* What the coordinator tells its operator: as JSON over the control socket, and as lines for people. */
#ifndef COORDINATOR_OVERVIEW_H
#define COORDINATOR_OVERVIEW_H

#include "coordinator/hub.h"

/* {"roster": {...}, "runs": [...]}; appended to out. */
MUST_USE struct result overview_json(const struct hub *hub, struct buffer *out);
/* The same JSON as lines: each run's plan, phase, who is awaited and since when. */
MUST_USE struct result overview_lines(struct view json, struct buffer *out);

#endif
