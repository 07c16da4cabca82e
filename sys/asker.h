/* What both clients are: an nng REQ socket, each request in a context of its own, interruptible. Thread-safe. */
#ifndef SYS_ASKER_H
#define SYS_ASKER_H

#include <nng/nng.h>

#include "crypto/base/bytes.h"

struct asker;

/* Whether the other end of a new connection is the right one. Called on nng's threads. */
typedef bool asker_admit(void *context, nng_pipe pipe);

MUST_USE struct result asker_new(asker_admit *admit, void *context, struct asker **ret);
void asker_free(struct asker *asker); /* interrupts, and waits until every request has returned */
nng_socket asker_socket(const struct asker *asker);

enum asker_end { ASKER_ANSWERED, ASKER_NO_CONNECTION, ASKER_NO_ANSWER, ASKER_INTERRUPTED };

/* Sends and waits for the reply. Fails only for the bytes' size or for memory; how it ended is *ret_end, and out is
 * replaced when it was answered. */
MUST_USE struct result asker_ask(struct asker *asker, struct view bytes, int timeout_ms, struct buffer *out,
                                 enum asker_end *ret_end);
void asker_interrupt(struct asker *asker);
bool asker_connected(const struct asker *asker);

#endif
