/* The coordinator's console (sys/console.h), when its configuration has an address for it: members, runs, phases, and
 * what is known of one run. */
#ifndef COORDINATOR_HUB_CONSOLE_H
#define COORDINATOR_HUB_CONSOLE_H

#include "coordinator/hub.h"
#include "sys/console.h"

struct hub_console;
/* *ret NULL when nothing is to be served. The hub has its store and its server by now, and outlives the console. */
MUST_USE struct result hub_console_new(struct hub *hub, struct hub_console **ret);
void hub_console_free(struct hub_console *console);
void hub_console_freep(struct hub_console **console);
/* The loop turned: what there is to see is published, now and then, when somebody looks. NULL: nothing is done. */
MUST_USE struct result hub_console_turn(struct hub_console *console);
/* The answer to whoever asks for the console over the control socket: {"url", "minutes"} or {"category", "reason"}. */
MUST_USE struct result hub_console_invite(const struct hub_console *console, struct buffer *out);

#endif
