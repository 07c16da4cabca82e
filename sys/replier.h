/* What both servers are: an nng REP socket whose requests wait in a queue, are parked, and are answered in any order.
 *
 * Each request holds an nng context of its own until it is answered. Contexts are made as they are needed, and only a
 * few wait for requests at a time: what is not yet taken stays with its sender. Thread-safe but for _receive, which is
 * one thread's.
 */
#ifndef SYS_REPLIER_H
#define SYS_REPLIER_H

#include <nng/nng.h>

#include "crypto/sign.h"

struct replier;

/* Who is at the other end of a new connection; false turns it away. Called on nng's threads. */
typedef bool replier_admit(void *context, nng_pipe pipe, struct sign_public *ret_peer);

/* Of each of `peers` at most per_peer connections and per_peer requests are kept; beyond, the oldest gives way. */
MUST_USE struct result replier_new(replier_admit *admit, void *context, unsigned peers, unsigned per_peer,
                                   struct replier **ret);
void replier_free(struct replier *replier);
/* To add a listener to. */
nng_socket replier_socket(const struct replier *replier);

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

/* A message of these bytes, refused over MESSAGE_MAX: nng would drop the connection at the receiver, without a word. */
MUST_USE struct result replier_message(struct view bytes, nng_msg **ret);

#endif
