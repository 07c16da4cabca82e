/* What both servers are: links whose requests wait in a queue, are parked, and are answered in any order.
 *
 * What is not yet taken by the daemon is bounded: beyond a few messages links stop reading, and the rest stays with its
 * sender. Thread-safe but for _receive, which is one thread's.
 */
#ifndef SYS_REPLIER_H
#define SYS_REPLIER_H

#include "sys/link.h"
#include "sys/traffic.h"

struct replier;

/* Whether a stream that was accepted may become a link; tells TLS's part, NULL for a plain link. */
struct replier_door {
    struct tls_endpoint *endpoint; /* NULL: plain */
    bool (*admit)(nng_stream *stream);
    /* Or NULL: a peer was let in, and what it offered of the protocol. The replier's lock is held. */
    void (*met)(void *context, const struct sign_public *peer, struct protocol_range offered);
    void *context;
    unsigned peers;
    unsigned connections, requests; /* of each peer at most; beyond, the oldest gives way */
    unsigned queued;                /* of each peer's requests that wait to be taken; beyond, it is not read */
};

/* Takes the listener, which listens already. */
MUST_USE struct result replier_new(nng_stream_listener *take_listener, const struct replier_door *door,
                                   struct replier **ret);
void replier_free(struct replier *replier);
nng_stream_listener *replier_listener(const struct replier *replier);

struct replier_request {
    uint64_t id;
    struct sign_public peer;
    struct buffer bytes; /* the caller's to release */
};
/* timeout_ms < 0: for ever. */
MUST_USE struct result replier_receive(struct replier *replier, int timeout_ms, struct replier_request *ret,
                                       bool *ret_got);
void replier_wake(struct replier *replier); /* async-signal-safe */
MUST_USE struct result replier_reply(struct replier *replier, uint64_t id, struct view bytes);
struct traffic replier_traffic(struct replier *replier);                   /* requests and their answers */
bool replier_has(struct replier *replier, const struct sign_public *peer); /* whether it is connected */
unsigned replier_peers(struct replier *replier);                           /* that are connected, each once */

#endif
