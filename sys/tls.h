/* TLS 1.3 over OpenSSL, bytes in and bytes out: a peer is accepted by its raw Ed25519 key and by nothing else.
 *
 * An endpoint is one side's key and its word on peers; a session is one connection of it. A session does no input or
 * output of its own: what came from the peer is given to it, what is to go to the peer is taken from it
 * (sys/link.c moves both over nng's streams). Mutual authentication, Ed25519 and X25519 only, no tickets, no
 * resumption, no early data; names and dates of certificates are not looked at. Not thread-safe: the caller's lock.
 */
#ifndef SYS_TLS_H
#define SYS_TLS_H

#include "crypto/base/protocol.h"
#include "crypto/sign.h"

struct tls_endpoint;

typedef bool tls_accept(void *context, const struct sign_public *peer);

MUST_USE struct result tls_endpoint_new(const struct sign_key *key, tls_accept *accept, void *context,
                                        struct tls_endpoint **ret);
void tls_endpoint_free(struct tls_endpoint *endpoint); /* after its sessions; accepts NULL */

/* What became of the endpoint's latest handshake that ended. */
enum tls_outcome {
    TLS_UNTRIED,
    TLS_ESTABLISHED, /* both sides are content: data has come */
    TLS_OTHER_KEY,   /* we refused: accept said no to *ret_key */
    TLS_REFUSED,     /* the peer refused us */
    TLS_BROKEN,      /* no TLS 1.3 came about: another protocol or version, or the connection broke */
};
enum tls_outcome tls_endpoint_outcome(const struct tls_endpoint *endpoint, struct sign_public *ret_key);

struct tls_session;

MUST_USE struct result tls_session_new(struct tls_endpoint *endpoint, bool server, struct tls_session **ret);
void tls_session_free(struct tls_session *session); /* accepts NULL */

enum tls_state { TLS_SHAKING, TLS_OPEN, TLS_FAILED };
/* Gives the session bytes from the peer and goes on with the handshake, or only goes on when there are none. When it
 * has failed, an alert may still be there to be sent. */
enum tls_state tls_session_take(struct tls_session *session, struct view bytes);
/* The peer's key, once open. */
const struct sign_public *tls_session_peer(const struct tls_session *session);
/* Once open. The client offers the protocol's versions that it speaks as application protocols (RFC 7301), and the
 * server chooses the highest that it speaks itself; a peer that offers or chooses none speaks version 1, which had no
 * such offer. 0: there is none in common, and the owner ends the session when it has told the peer. */
unsigned tls_session_version(const struct tls_session *session);
/* What the client offered, at the server. */
struct protocol_range tls_session_offered(const struct tls_session *session);
/* Appends what the peer has sent so far. CATEGORY_PEER when it ended the session or broke it. */
MUST_USE struct result tls_session_read(struct tls_session *session, struct buffer *out);
/* Encrypts; the session must be open. */
MUST_USE struct result tls_session_write(struct tls_session *session, struct view bytes);
/* Takes up to room bytes that are to go to the peer; 0 when there are none. */
size_t tls_session_output(struct tls_session *session, uint8_t *out, size_t room);

#endif
