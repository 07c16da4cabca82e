/* Transport: requests and replies over TLS 1.3 (sys/tls.h) over nng's TCP streams (sys/link.h). Nodes dial out; only
 * the coordinator listens.
 *
 * Both sides present a self-signed certificate over their Ed25519 node key; the peer is accepted by its raw public key
 * alone. Names and dates are ignored, no certificate authority exists. No tickets, no 0-RTT, TLS 1.3 only.
 * Requests are idempotent, so the client repeats one after a broken connection. Thread-safe where said.
 */
#ifndef SYS_TRANSPORT_H
#define SYS_TRANSPORT_H

#include "crypto/base/protocol.h"
#include "crypto/sign.h"
#include "sys/traffic.h"

/* Of one peer at a time, parked: its poll, and one for each run that it takes part in. */
#define TRANSPORT_REQUESTS_MAX 32

struct transport_server;
struct transport_client;

/* Says whether a peer key is let in; called on nng's threads with the server's lock held: it may not wait for anything,
 * nor call the server. */
typedef bool transport_accept(void *context, const struct sign_public *peer);
/* Says that a peer was let in and which versions of the protocol it offered; one that has none in common with this
 * program is told so and sent away. Called as transport_accept is. */
typedef void transport_met(void *context, const struct sign_public *peer, struct protocol_range offered);

/* address: tls+tcp://host:port; port 0 takes a free one (transport_server_port). A port in use fails with
 * CATEGORY_ENVIRONMENT and says so. accept and met (or NULL) are not called after transport_server_free. */
MUST_USE struct result transport_server_new(const char *address, const struct sign_key *key, transport_accept *accept,
                                            transport_met *met, void *context, struct transport_server **ret);
void transport_server_free(struct transport_server *server); /* accepts NULL */
void transport_server_freep(struct transport_server **server);
uint16_t transport_server_port(const struct transport_server *server);

struct transport_request {
    uint64_t id;             /* to answer it with; never reused */
    struct sign_public peer; /* whose TLS connection it came over */
    struct buffer bytes;     /* the receiver's to release */
};
/* Waits for a request (timeout_ms < 0: for ever). *ret_got false at the timeout or when woken; ret is then untouched,
 * else overwritten. One thread. */
MUST_USE struct result transport_server_receive(struct transport_server *server, int timeout_ms,
                                                struct transport_request *ret, bool *ret_got);
void transport_server_wake(struct transport_server *server); /* from any thread or signal handler */
/* Answers; an unknown or already answered id is ignored. From any thread. A request may stay parked for long; the
 * oldest of a peer is dropped beyond TRANSPORT_REQUESTS_MAX of it, and so is one whose connection is gone (its client
 * repeats it over the next). CATEGORY_USAGE over MESSAGE_MAX; the request then stays parked. */
MUST_USE struct result transport_server_reply(struct transport_server *server, uint64_t id, struct view bytes);
struct traffic transport_server_traffic(struct transport_server *server);
bool transport_server_has(struct transport_server *server,
                          const struct sign_public *peer);        /* whether it is connected */
unsigned transport_server_peers(struct transport_server *server); /* that are connected, each once */

/* Dials in the background and redials for ever with bounded back-off. */
MUST_USE struct result transport_client_new(const char *address, const struct sign_key *key,
                                            const struct sign_public *coordinator, struct transport_client **ret);
void transport_client_free(struct transport_client *client); /* accepts NULL; ends requests under way */
void transport_client_freep(struct transport_client **client);
/* One request and its reply (replaces out). Blocks up to timeout_ms; CATEGORY_ENVIRONMENT at the timeout, saying
 * whether a connection exists, was refused by pin, or never came, and at once where no version of the protocol is in
 * common; CATEGORY_USAGE at once when bytes are over MESSAGE_MAX. Any number of threads at a time. When nothing at all
 * came back until the timeout, the connection is taken for dead and dialled anew: let the server answer a parked
 * request before it. */
MUST_USE struct result transport_client_request(struct transport_client *client, struct view bytes, int timeout_ms,
                                                struct buffer *out);
/* For stopping: requests under way fail, and so do all later ones. */
void transport_client_interrupt(struct transport_client *client);
bool transport_client_connected(struct transport_client *client);
unsigned transport_client_version(struct transport_client *client);       /* settled on; 0: not connected */
struct traffic transport_client_traffic(struct transport_client *client); /* a repeated request counts once */

#endif
