/* The coordinator's side of the transport. */
#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/limits.h"
#include "sys/replier.h"
#include "sys/tls.h"
#include "sys/transport.h"

enum { PER_MEMBER = 4 };

struct transport_server {
    struct tls_endpoint *endpoint;
    struct replier *replier;
    nng_listener listener;
};

/* The handshake has let the key in; here it gets its name for the requests that follow. */
static bool admit(void *context, nng_pipe pipe, struct sign_public *ret_peer)
{
    (void)context;
    return tls_pipe_peer(pipe, ret_peer);
}

static struct result listen_at(struct transport_server *server, const char *address)
{
    ENSURE(strncmp(address, "tls+tcp://", 10) == 0, CATEGORY_USAGE,
           "%s: is not an address of the form tls+tcp://host:port", address);
    int status = nng_listener_create(&server->listener, replier_socket(server->replier), address);
    ENSURE(status == 0, CATEGORY_USAGE, "%s: is not an address of the form tls+tcp://host:port (%s)", address,
           nng_strerror(status));
    nng_tls_config *config;
    TRY(tls_config_new(server->endpoint, NNG_TLS_MODE_SERVER, &config));
    status = nng_listener_set_ptr(server->listener, NNG_OPT_TLS_CONFIG, config);
    nng_tls_config_free(config); /* the listener keeps its own hold */
    if (status == 0) status = nng_listener_set_bool(server->listener, NNG_OPT_TCP_KEEPALIVE, true);
    ENSURE(status == 0, CATEGORY_ENVIRONMENT, "%s: TLS could not be set up: %s", address, nng_strerror(status));
    status = nng_listener_start(server->listener, 0);
    ENSURE(status != NNG_EADDRINUSE, CATEGORY_ENVIRONMENT,
           "%s: another program listens there already; stop it or choose another port", address);
    ENSURE(status == 0, CATEGORY_ENVIRONMENT, "%s: cannot listen there: %s", address, nng_strerror(status));
    return RESULT_OK;
}

static struct result start(struct transport_server *server, const char *address, const struct sign_key *key,
                           transport_accept *accept, void *context)
{
    TRY(tls_endpoint_new(key, accept, context, &server->endpoint));
    TRY(replier_new(admit, NULL, MEMBERS_MAX, PER_MEMBER, &server->replier));
    return listen_at(server, address);
}

struct result transport_server_new(const char *address, const struct sign_key *key, transport_accept *accept,
                                   void *context, struct transport_server **ret)
{
    struct transport_server *server = calloc(1, sizeof *server);
    ENSURE(server, CATEGORY_ENVIRONMENT, "out of memory for a server");
    struct result result = start(server, address, key, accept, context);
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
    (void)nng_listener_get_int(server->listener, NNG_OPT_TCP_BOUND_PORT, &port);
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
