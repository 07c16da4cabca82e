/* What both clients are: one link that is dialled again whenever it is lost, and requests that are sent again over the
 * next one until they are answered. Thread-safe. */
#ifndef SYS_ASKER_H
#define SYS_ASKER_H

#include "sys/link.h"

struct asker;

struct asker_target {
    struct tls_endpoint *endpoint; /* NULL: plain */
    bool (*admit)(nng_stream *stream);
};

/* url: what nng's streams dial, "tcp://host:port" or "ipc://path". CATEGORY_USAGE when it cannot be one. */
MUST_USE struct result asker_new(const char *url, const struct asker_target *target, struct asker **ret);
void asker_free(struct asker *asker); /* interrupts, and waits until every request has returned */

enum asker_end { ASKER_ANSWERED, ASKER_NO_CONNECTION, ASKER_NO_ANSWER, ASKER_INTERRUPTED };
/* Why there is no connection. */
struct asker_trouble {
    int dial; /* nng's error of the latest attempt to reach the address, 0 when it was reached */
    enum tls_outcome tls;
    struct sign_public other_key; /* with TLS_OTHER_KEY */
    bool other_protocol;          /* it greets in another way */
    struct protocol_range others; /* which versions it speaks, when none is in common; else 0 and 0 */
};

/* Sends and waits for the reply, not when the other side has no version in common. Fails only for the bytes' size or
 * for memory; how it ended is *ret_end, and out is replaced when it was answered. */
MUST_USE struct result asker_ask(struct asker *asker, struct view bytes, int timeout_ms, struct buffer *out,
                                 enum asker_end *ret_end);
void asker_interrupt(struct asker *asker);
unsigned asker_version(struct asker *asker); /* that the link settled on; 0: not connected */
struct asker_trouble asker_trouble(struct asker *asker);
/* Waits for the first attempt to connect; false when it failed or did not end in time. */
bool asker_reached(struct asker *asker, int timeout_ms);

#endif
