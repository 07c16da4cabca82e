/* The node's console (sys/console.h), when its configuration has an address for it: for the bank's own people, what its
 * node takes part in, what officers said of it, what left, what it cost, and the journal. */
#ifndef NODE_NODE_CONSOLE_H
#define NODE_NODE_CONSOLE_H

#include <jansson.h>

#include "node/bank.h"

struct node_console;
/* *ret NULL when nothing is to be served. The bank has its store, journal and client by now, and outlives the console.
 */
MUST_USE struct result node_console_new(struct bank *bank, struct node_console **ret);
void node_console_free(struct node_console *console);
void node_console_freep(struct node_console **console);
/* The answer to whoever asks for the console over the control socket: {"url", "minutes"}. */
MUST_USE struct result node_console_invite(const struct node_console *console, json_t **ret);

#endif
