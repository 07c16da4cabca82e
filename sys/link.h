/* Messages over nng's streams: what the transport (TCP with TLS) and the control socket (ipc) have in common.
 *
 * A message travels as length u32 ‖ number u64 ‖ bytes, inside TLS where there is a session. The number ties a reply to
 * its request. The side that listens greets with its first message, of number 0: "cofferdam/" and the version that the
 * two settled on (sys/tls.h), or the versions that it speaks when there is none in common, and then ends the link. Only
 * then does the other side know that it was let in. A plain link is one program's with itself: version 1 stands for it.
 *
 * Links of one owner live in a set, and the set's mutex is the owner's: it is held in every call made here and in every
 * callback, so that an owner needs no lock beside it. nng only moves bytes. (Debian's nng 1.5.2 has sockets, contexts
 * and a TLS transport, too; when a connection breaks between two parts of a message, its TLS transport forgets to end
 * the operation, and with it every later close in the process waits for ever. Streams have no such parts.)
 */
#ifndef SYS_LINK_H
#define SYS_LINK_H

#include <nng/nng.h>
#include <pthread.h>

#include "sys/tls.h"

struct link;

/* All are called with the set's mutex held and must not wait for anything. */
struct link_events {
    void (*opened)(void *owner, struct link *link); /* the peer's key is known and accepted */
    void (*message)(void *owner, struct link *link, uint64_t number, struct view bytes);
    void (*closed)(void *owner, struct link *link); /* opened or not; the link is not to be used any more */
    /* Whether messages may come over this link; else it stops reading. */
    bool (*hungry)(const void *owner, const struct link *link);
};

struct link_set {
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* CLOCK_MONOTONIC; for the set's owner as well: broadcast when a link is gone */
    const struct link_events *events;
    void *owner;
    struct link *first;
    size_t count;
    bool closing;
};

void link_set_init(struct link_set *set, const struct link_events *events, void *owner);
/* Ends every link and waits until nng has let go of them. The mutex must not be held. */
void link_set_close(struct link_set *set);
void link_set_done(struct link_set *set);
/* Lets links read on that stopped because the owner was not hungry. */
void link_set_resume(struct link_set *set);

/* Takes the stream and the session (NULL: plain), whatever happens. */
MUST_USE struct result link_new(struct link_set *set, nng_stream *take_stream, struct tls_session *take_session);
/* CATEGORY_USAGE over MESSAGE_MAX. A link whose peer reads too little to make room is ended. */
MUST_USE struct result link_send(struct link *link, uint64_t number, struct view bytes);
void link_end(struct link *link);
/* Ends it when what was sent over it has left. */
void link_end_after(struct link *link);
bool link_is_open(const struct link *link);
bool link_is_shaking(const struct link *link);                /* its peer is not known yet */
const struct sign_public *link_peer(const struct link *link); /* zeros on a plain link */
unsigned link_version(const struct link *link);               /* of the protocol; 0: none in common */
struct protocol_range link_offered(const struct link *link);  /* by the side that dialled */
nng_stream *link_stream(const struct link *link);
/* The set's links, newest first. */
struct link *link_next(const struct link *link);

#endif
