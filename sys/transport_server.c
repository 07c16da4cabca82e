/* The coordinator's side of the transport. */
#include <stdlib.h>
#include <string.h>

#include "crypto/base/limits.h"
#include "sys/replier.h"
#include "sys/tls.h"
#include "sys/transport.h"

/* A node has one, and more for a moment when it dials again. */
enum { MEMBER_CONNECTIONS = 4 };
/* Requests of one member that wait for the daemon: one that asks as fast as it can is served in turn with the others.
 */
enum { MEMBER_QUEUED = 2 };

struct transport_server {
    struct tls_endpoint *endpoint;
    struct replier *replier;
};

/* Small messages leave at once; a host that has gone is noticed one day. */
static bool admit(nng_stream *stream)
{
    return nng_stream_set_bool(stream, NNG_OPT_TCP_NODELAY, true) == 0 &&
           nng_stream_set_bool(stream, NNG_OPT_TCP_KEEPALIVE, true) == 0;
}

static struct result listen_at(const char *address, nng_stream_listener **ret)
{
    static const char form[] = "is not an address of the form tls+tcp://host:port";
    ENSURE(strncmp(address, "tls+tcp://", 10) == 0, CATEGORY_USAGE, "%s: %s", address, form);
    int status = nng_stream_listener_alloc(ret, address + strlen("tls+"));
    ENSURE(status == 0, CATEGORY_USAGE, "%s: %s (%s)", address, form, nng_strerror(status));
    status = nng_stream_listener_listen(*ret);
    if (status == 0) return RESULT_OK;
    nng_stream_listener_free(*ret);
    *ret = NULL;
    ENSURE(status != NNG_EADDRINUSE, CATEGORY_ENVIRONMENT,
           "%s: another program listens there already; stop it or choose another port", address);
    ENSURE(status != NNG_EADDRINVAL, CATEGORY_ENVIRONMENT,
           "%s: cannot listen there: %s; name an address of this machine in listen:, like tls+tcp://0.0.0.0:PORT",
           address, nng_strerror(status));
    return FAIL(CATEGORY_ENVIRONMENT, "%s: cannot listen there: %s", address, nng_strerror(status));
}

static struct result start(struct transport_server *server, const char *address, const struct sign_key *key,
                           transport_accept *accept, transport_met *met, void *context)
{
    TRY(tls_endpoint_new(key, accept, context, &server->endpoint));
    nng_stream_listener *listener;
    TRY(listen_at(address, &listener));
    struct replier_door door = {.endpoint = server->endpoint,
                                .admit = admit,
                                .met = met,
                                .context = context,
                                .peers = MEMBERS_MAX,
                                .connections = MEMBER_CONNECTIONS,
                                .requests = TRANSPORT_REQUESTS_MAX,
                                .queued = MEMBER_QUEUED};
    return replier_new(listener, &door, &server->replier);
}

struct result transport_server_new(const char *address, const struct sign_key *key, transport_accept *accept,
                                   transport_met *met, void *context, struct transport_server **ret)
{
    struct transport_server *server = calloc(1, sizeof *server);
    ENSURE(server, CATEGORY_ENVIRONMENT, "out of memory for a server");
    struct result result = start(server, address, key, accept, met, context);
    if (!result_ok(result)) {
        transport_server_free(server);
        return result;
    }
    *ret = server;
    return RESULT_OK;
}

void transport_server_free(struct transport_server *server)
{
    if (!server) return;
    replier_free(server->replier);
    tls_endpoint_free(server->endpoint);
    free(server);
}

void transport_server_freep(struct transport_server **server)
{
    transport_server_free(*server);
    *server = NULL;
}

uint16_t transport_server_port(const struct transport_server *server)
{
    int port = 0;
    (void)nng_stream_listener_get_int(replier_listener(server->replier), NNG_OPT_TCP_BOUND_PORT, &port);
    return (uint16_t)port;
}

struct result transport_server_receive(struct transport_server *server, int timeout_ms, struct transport_request *ret,
                                       bool *ret_got)
{
    struct replier_request request;
    bool got;
    TRY(replier_receive(server->replier, timeout_ms, &request, &got));
    *ret_got = got;
    if (got) *ret = (struct transport_request){request.id, request.peer, request.bytes};
    return RESULT_OK;
}

void transport_server_wake(struct transport_server *server)
{
    replier_wake(server->replier);
}

struct result transport_server_reply(struct transport_server *server, uint64_t id, struct view bytes)
{
    return replier_reply(server->replier, id, bytes);
}

struct traffic transport_server_traffic(struct transport_server *server)
{
    return replier_traffic(server->replier);
}

unsigned transport_server_peers(struct transport_server *server)
{
    return replier_peers(server->replier);
}

bool transport_server_has(struct transport_server *server, const struct sign_public *peer)
{
    return replier_has(server->replier, peer);
}
