/* A node's side of the transport. */
#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>
#include <stdlib.h>
#include <string.h>

#include "sys/asker.h"
#include "sys/tls.h"
#include "sys/transport.h"

struct transport_client {
    char *address;
    struct sign_public coordinator;
    struct tls_endpoint *endpoint;
    struct asker *asker;
};

static bool is_coordinator(void *context, const struct sign_public *peer)
{
    const struct transport_client *client = context;
    return sign_public_equal(&client->coordinator, peer);
}

/* The handshake has compared the key already; a connection that came about without it would end here. */
static bool admit(void *context, nng_pipe pipe)
{
    struct sign_public peer;
    return tls_pipe_peer(pipe, &peer) && is_coordinator(context, &peer);
}

static struct result dial(struct transport_client *client)
{
    ENSURE(strncmp(client->address, "tls+tcp://", 10) == 0, CATEGORY_USAGE,
           "%s: is not an address of the form tls+tcp://host:port", client->address);
    nng_dialer dialer;
    int status = nng_dialer_create(&dialer, asker_socket(client->asker), client->address);
    ENSURE(status == 0, CATEGORY_USAGE, "%s: is not an address of the form tls+tcp://host:port (%s)", client->address,
           nng_strerror(status));
    nng_tls_config *config;
    TRY(tls_config_new(client->endpoint, NNG_TLS_MODE_CLIENT, &config));
    status = nng_dialer_set_ptr(dialer, NNG_OPT_TLS_CONFIG, config);
    nng_tls_config_free(config); /* the dialer keeps its own hold */
    if (status == 0) status = nng_dialer_set_bool(dialer, NNG_OPT_TCP_KEEPALIVE, true);
    if (status == 0) status = nng_dialer_start(dialer, NNG_FLAG_NONBLOCK);
    ENSURE(status == 0, CATEGORY_ENVIRONMENT, "%s: cannot be dialled: %s", client->address, nng_strerror(status));
    return RESULT_OK;
}

static struct result start(struct transport_client *client, const char *address, const struct sign_key *key)
{
    client->address = strdup(address);
    ENSURE(client->address, CATEGORY_ENVIRONMENT, "out of memory for a client");
    TRY(tls_endpoint_new(key, is_coordinator, client, &client->endpoint));
    TRY(asker_new(admit, client, &client->asker));
    return dial(client);
}

struct result transport_client_new(const char *address, const struct sign_key *key,
                                   const struct sign_public *coordinator, struct transport_client **ret)
{
    struct transport_client *client = calloc(1, sizeof *client);
    ENSURE(client, CATEGORY_ENVIRONMENT, "out of memory for a client");
    client->coordinator = *coordinator;
    struct result result = start(client, address, key);
    if (!result_ok(result)) {
        transport_client_free(client);
        return result;
    }
    *ret = client;
    return RESULT_OK;
}

void transport_client_free(struct transport_client *client)
{
    if (!client) return;
    asker_free(client->asker);
    tls_endpoint_free(client->endpoint);
    free(client->address);
    free(client);
}

void transport_client_freep(struct transport_client **client)
{
    transport_client_free(*client);
    *client = NULL;
}

static struct result no_connection(const struct transport_client *client, int timeout_ms)
{
    struct sign_public other;
    char presented[2 * SIGN_PUBLIC_BYTES + 1], pinned[2 * SIGN_PUBLIC_BYTES + 1];
    switch (tls_endpoint_outcome(client->endpoint, &other)) {
    case TLS_OTHER_KEY:
        bytes_hex(view_of(other.bytes, sizeof other.bytes), presented);
        bytes_hex(view_of(client->coordinator.bytes, sizeof client->coordinator.bytes), pinned);
        return FAIL(CATEGORY_ENVIRONMENT,
                    "%s: the server there has the key %s, and the roster pins %s; check the address and the roster",
                    client->address, presented, pinned);
    case TLS_REFUSED:
        return FAIL(CATEGORY_ENVIRONMENT,
                    "%s: the coordinator refused this node's key; is it in the coordinator's roster?", client->address);
    case TLS_BROKEN:
        return FAIL(CATEGORY_ENVIRONMENT, "%s: answers, but not with TLS 1.3 and an Ed25519 key; check the address",
                    client->address);
    default:
        return FAIL(CATEGORY_ENVIRONMENT,
                    "%s: no connection within %d ms; does the coordinator run, and is it reached?", client->address,
                    timeout_ms);
    }
}

struct result transport_client_request(struct transport_client *client, struct view bytes, int timeout_ms,
                                       struct buffer *out)
{
    enum asker_end end = ASKER_NO_CONNECTION;
    TRY(result_at(asker_ask(client->asker, bytes, timeout_ms, out, &end), "%s: ", client->address));
    switch (end) {
    case ASKER_ANSWERED:
        return RESULT_OK;
    case ASKER_NO_ANSWER:
        return FAIL(CATEGORY_ENVIRONMENT, "%s: connected, but no answer within %d ms", client->address, timeout_ms);
    case ASKER_INTERRUPTED:
        return FAIL(CATEGORY_ENVIRONMENT, "%s: the request was interrupted", client->address);
    default:
        return no_connection(client, timeout_ms);
    }
}

void transport_client_interrupt(struct transport_client *client)
{
    asker_interrupt(client->asker);
}

bool transport_client_connected(const struct transport_client *client)
{
    return asker_connected(client->asker);
}
