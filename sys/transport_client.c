/* A node's side of the transport. */
#include <stdatomic.h>
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
    atomic_uint_fast64_t messages_in, bytes_in, messages_out, bytes_out;
};

static bool is_coordinator(void *context, const struct sign_public *peer)
{
    const struct transport_client *client = context;
    return sign_public_equal(&client->coordinator, peer);
}

static bool admit(nng_stream *stream)
{
    return nng_stream_set_bool(stream, NNG_OPT_TCP_NODELAY, true) == 0 &&
           nng_stream_set_bool(stream, NNG_OPT_TCP_KEEPALIVE, true) == 0;
}

static struct result start(struct transport_client *client, const char *address, const struct sign_key *key)
{
    static const char form[] = "is not an address of the form tls+tcp://host:port";
    client->address = strdup(address);
    ENSURE(client->address, CATEGORY_ENVIRONMENT, "out of memory for a client");
    ENSURE(strncmp(address, "tls+tcp://", 10) == 0, CATEGORY_USAGE, "%s: %s", address, form);
    TRY(tls_endpoint_new(key, is_coordinator, client, &client->endpoint));
    struct asker_target target = {client->endpoint, admit};
    return asker_new(address + strlen("tls+"), &target, &client->asker);
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

static struct result other_key(const struct transport_client *client, const struct sign_public *other)
{
    char presented[2 * SIGN_PUBLIC_BYTES + 1], pinned[2 * SIGN_PUBLIC_BYTES + 1];
    bytes_hex(view_of(other->bytes, sizeof other->bytes), presented);
    bytes_hex(view_of(client->coordinator.bytes, sizeof client->coordinator.bytes), pinned);
    return FAIL(CATEGORY_ENVIRONMENT,
                "%s: the server there has the key %s, and the roster pins %s; check the address and the roster",
                client->address, presented, pinned);
}

/* Both versions, and who has to do something. */
static struct result other_version(const struct transport_client *client, struct protocol_range others)
{
    char theirs[PROTOCOL_WORDS_MAX], ours[PROTOCOL_WORDS_MAX];
    return FAIL(CATEGORY_ENVIRONMENT, "%s: the coordinator speaks %s of the protocol and this program %s; upgrade %s",
                client->address, protocol_words(others, theirs), protocol_words(protocol_spoken, ours),
                others.newest < protocol_spoken.oldest ? "the coordinator" : "this node");
}

static struct result no_connection(struct transport_client *client, int timeout_ms)
{
    struct asker_trouble trouble = asker_trouble(client->asker);
    const char *address = client->address;
    ENSURE(trouble.dial == 0 || trouble.dial == NNG_ETIMEDOUT, CATEGORY_ENVIRONMENT,
           "%s: no connection: %s; does the coordinator run, and is it reached?", address, nng_strerror(trouble.dial));
    ENSURE(!trouble.other_protocol, CATEGORY_ENVIRONMENT,
           "%s: what answers there speaks another protocol; check the address", address);
    if (trouble.others.newest) return other_version(client, trouble.others);
    if (trouble.tls == TLS_OTHER_KEY) return other_key(client, &trouble.other_key);
    ENSURE(trouble.tls != TLS_REFUSED, CATEGORY_ENVIRONMENT,
           "%s: the coordinator refused this node's key; is it in the coordinator's roster?", address);
    ENSURE(trouble.tls != TLS_BROKEN, CATEGORY_ENVIRONMENT,
           "%s: answers, but not with TLS 1.3 and an Ed25519 key; check the address", address);
    return FAIL(CATEGORY_ENVIRONMENT, "%s: no connection within %d ms; does the coordinator run, and is it reached?",
                address, timeout_ms);
}

static void count(struct transport_client *client, enum asker_end end, size_t there, size_t back)
{
    if (end != ASKER_ANSWERED && end != ASKER_NO_ANSWER) return;
    atomic_fetch_add(&client->messages_out, 1);
    atomic_fetch_add(&client->bytes_out, there);
    if (end != ASKER_ANSWERED) return;
    atomic_fetch_add(&client->messages_in, 1);
    atomic_fetch_add(&client->bytes_in, back);
}

struct result transport_client_request(struct transport_client *client, struct view bytes, int timeout_ms,
                                       struct buffer *out)
{
    enum asker_end end = ASKER_NO_CONNECTION;
    TRY(result_at(asker_ask(client->asker, bytes, timeout_ms, out, &end), "%s: ", client->address));
    count(client, end, bytes.length, out->length);
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

bool transport_client_connected(struct transport_client *client)
{
    return asker_version(client->asker) != 0;
}

unsigned transport_client_version(struct transport_client *client)
{
    return asker_version(client->asker);
}

struct traffic transport_client_traffic(struct transport_client *client)
{
    return (struct traffic){
        .messages_in = atomic_load(&client->messages_in),
        .bytes_in = atomic_load(&client->bytes_in),
        .messages_out = atomic_load(&client->messages_out),
        .bytes_out = atomic_load(&client->bytes_out),
    };
}
