/* What the coordinator tells its operator: as JSON over the control socket, and as lines for people. */
#ifndef COORDINATOR_OVERVIEW_H
#define COORDINATOR_OVERVIEW_H

#include <jansson.h>

#include "coordinator/hub.h"

struct session;
/* {"roster": {...}, "runs": [...]}; appended to out. */
MUST_USE struct result overview_json(const struct hub *hub, struct buffer *out);
/* The same JSON as lines: each run's plan, phase, who is awaited and since when. */
MUST_USE struct result overview_lines(struct view json, struct buffer *out);

/* The answer to "console" (hub_console.h) as lines. */
MUST_USE struct result overview_console_lines(struct view json, struct buffer *out);
/* The parts of it: a run; the names of members; which versions of the protocol a member speaks and how it stands
 * ("older" than this program, "refused" for want of a common version, "current"), null before it dialled. NULL: out of
 * memory. */
json_t *overview_run(const struct hub *hub, const struct session *session);
json_t *overview_names(const struct roster *roster, const struct members *set);
json_t *overview_spoken(const struct hub *hub, unsigned member);

#endif
