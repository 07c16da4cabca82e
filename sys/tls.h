/* TLS 1.3 under nng: an engine over OpenSSL that accepts a peer by its raw Ed25519 key and nothing else.
 *
 * An endpoint is one side's key and its word on peers; an nng_tls_config made of it carries it into the engine, so that
 * several clients and servers with different keys can live in one process. Mutual authentication, Ed25519 and X25519
 * only, no tickets, no resumption, no early data; names and dates of certificates are not looked at.
 */
#ifndef SYS_TLS_H
#define SYS_TLS_H

#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>

#include "crypto/sign.h"

struct tls_endpoint;

typedef bool tls_accept(void *context, const struct sign_public *peer);

/* Comes before the first tls+tcp listener or dialer: it registers the transport and the engine with nng. accept is
 * called on nng's threads, one call at a time. */
MUST_USE struct result tls_endpoint_new(const struct sign_key *key, tls_accept *accept, void *context,
                                        struct tls_endpoint **ret);
/* After it accept is not called again and no peer is let in. Comes after the sockets are closed: it waits until nng has
 * taken their connections apart. */
void tls_endpoint_free(struct tls_endpoint *endpoint);

/* Free with nng_tls_config_free. */
MUST_USE struct result tls_config_new(struct tls_endpoint *endpoint, nng_tls_mode mode, nng_tls_config **ret);

/* The key at the other end of a TLS pipe; false for a pipe that is gone. */
bool tls_pipe_peer(nng_pipe pipe, struct sign_public *ret);

/* What became of the endpoint's latest handshake. */
enum tls_outcome {
    TLS_UNTRIED,
    TLS_ESTABLISHED, /* both sides are content */
    TLS_OTHER_KEY,   /* we refused: accept said no to *ret_key */
    TLS_REFUSED,     /* the peer refused us */
    TLS_BROKEN,      /* no TLS 1.3 came about: another protocol or version, or the connection broke */
};
enum tls_outcome tls_endpoint_outcome(struct tls_endpoint *endpoint, struct sign_public *ret_key);

#endif
