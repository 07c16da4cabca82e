#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "crypto/base/limits.h"
#include "sys/certificate.h"
#include "sys/clock.h"
#include "sys/link.h"
#include "sys/transport.h"

enum { CLIENTS = 5, PATIENCE_MS = 30000 };

static void ok(struct result result)
{
    if (!result_ok(result)) fail_msg("%s", result_reason());
}

static void refused(struct result result, enum category category, const char *part)
{
    assert_int_equal(result.category, category);
    if (!strstr(result_reason(), part)) fail_msg("\"%s\" does not say \"%s\"", result_reason(), part);
}

static struct sign_key *key_of(uint8_t byte)
{
    uint8_t bytes[SIGN_SEED_BYTES];
    memset(bytes, byte, sizeof bytes);
    CLEANUP(secret_freep) struct secret *seed = NULL;
    struct sign_key *key = NULL;
    ok(secret_from(view_of(bytes, sizeof bytes), &seed));
    ok(sign_key_from_seed(seed, &key));
    return key;
}

static struct sign_key *coordinator_key, *stranger_key, *bank_keys[CLIENTS];

static int start(void **state)
{
    (void)signal(SIGPIPE, SIG_IGN); /* our own TLS client writes to connections that were refused */
    (void)state;
    if (!result_ok(crypto_start())) return 1;
    coordinator_key = key_of(100);
    stranger_key = key_of(200);
    for (uint8_t i = 0; i < CLIENTS; i++) bank_keys[i] = key_of((uint8_t)(i + 1));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    sign_key_free(coordinator_key);
    sign_key_free(stranger_key);
    for (size_t i = 0; i < CLIENTS; i++) sign_key_free(bank_keys[i]);
    return 0;
}

static int bank_of(const struct sign_public *peer)
{
    for (int i = 0; i < CLIENTS; i++)
        if (sign_public_equal(sign_key_public(bank_keys[i]), peer)) return i;
    return -1;
}

static bool accept_banks(void *context, const struct sign_public *peer)
{
    (void)context;
    return bank_of(peer) >= 0;
}

static struct transport_server *serve_at(uint16_t port)
{
    char address[64];
    struct transport_server *server = NULL;
    (void)snprintf(address, sizeof address, "tls+tcp://127.0.0.1:%u", port);
    ok(transport_server_new(address, coordinator_key, accept_banks, NULL, NULL, &server));
    return server;
}

static struct transport_client *dial_with(uint16_t port, const struct sign_key *key, const struct sign_key *pinned)
{
    char address[64];
    struct transport_client *client = NULL;
    (void)snprintf(address, sizeof address, "tls+tcp://127.0.0.1:%u", port);
    ok(transport_client_new(address, key, sign_key_public(pinned), &client));
    return client;
}

/* A server thread that answers each request with the number of the bank it came from and the request. */
struct echo {
    struct transport_server *server;
    atomic_bool stopping;
    pthread_t thread;
};

static void *echo_run(void *argument)
{
    struct echo *echo = argument;
    while (!atomic_load(&echo->stopping)) {
        struct transport_request request;
        bool got = false;
        if (!result_ok(transport_server_receive(echo->server, -1, &request, &got)) || !got) continue;
        CLEANUP(buffer_done) struct buffer reply = {0};
        if (request.bytes.length < MESSAGE_MAX) (void)buffer_u8(&reply, (uint8_t)bank_of(&request.peer)).category;
        (void)buffer_append(&reply, buffer_view(&request.bytes)).category;
        (void)transport_server_reply(echo->server, request.id, buffer_view(&reply)).category;
        buffer_done(&request.bytes);
    }
    return NULL;
}

static void echo_start(struct echo *echo, uint16_t port)
{
    echo->server = serve_at(port);
    atomic_store(&echo->stopping, false);
    assert_int_equal(pthread_create(&echo->thread, NULL, echo_run, echo), 0);
}

static void echo_stop(struct echo *echo)
{
    atomic_store(&echo->stopping, true);
    transport_server_wake(echo->server);
    assert_int_equal(pthread_join(echo->thread, NULL), 0);
    transport_server_free(echo->server);
}

struct caller {
    struct transport_client *client;
    uint8_t bank;
    unsigned requests;
    unsigned right;
    char reason[256];
};

static void *call(void *argument)
{
    struct caller *caller = argument;
    for (unsigned k = 0; k < caller->requests; k++) {
        struct buffer request = {0}, reply = {0};
        (void)buffer_format(&request, "bank %u request %u", caller->bank, k).category;
        struct result result = transport_client_request(caller->client, buffer_view(&request), PATIENCE_MS, &reply);
        if (!result_ok(result)) (void)snprintf(caller->reason, sizeof caller->reason, "%s", result_reason());
        caller->right += result_ok(result) && reply.length == request.length + 1 && reply.data[0] == caller->bank &&
                         memcmp(reply.data + 1, request.data, request.length) == 0;
        buffer_done(&request);
        buffer_done(&reply);
    }
    return NULL;
}

static void each_request_comes_with_its_peers_key(void **state)
{
    (void)state;
    struct echo echo;
    echo_start(&echo, 0);
    struct caller callers[CLIENTS * 2] = {0};
    struct transport_client *clients[CLIENTS];
    pthread_t threads[CLIENTS * 2];
    for (uint8_t i = 0; i < CLIENTS; i++)
        clients[i] = dial_with(transport_server_port(echo.server), bank_keys[i], coordinator_key);
    for (uint8_t i = 0; i < CLIENTS * 2; i++) { /* two threads on each client */
        callers[i] = (struct caller){.client = clients[i % CLIENTS], .bank = i % CLIENTS, .requests = 40};
        assert_int_equal(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
    }
    for (size_t i = 0; i < CLIENTS * 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        if (callers[i].right != 40) fail_msg("client %zu: %u right, \"%s\"", i, callers[i].right, callers[i].reason);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_true(transport_client_connected(clients[i]));
        transport_client_free(clients[i]);
    }
    echo_stop(&echo);
}

static void the_largest_message_passes_and_a_larger_one_does_not_leave(void **state)
{
    (void)state;
    struct echo echo;
    echo_start(&echo, 0);
    struct transport_client *client = dial_with(transport_server_port(echo.server), bank_keys[0], coordinator_key);
    CLEANUP(buffer_done) struct buffer large = {0};
    CLEANUP(buffer_done) struct buffer reply = {0};
    uint8_t *bytes;
    ok(buffer_extend(&large, MESSAGE_MAX, &bytes));
    for (size_t i = 0; i < large.length; i++) bytes[i] = (uint8_t)(i * 2654435761u >> 11);
    uint64_t started = clock_monotonic_ms();
    ok(transport_client_request(client, buffer_view(&large), PATIENCE_MS, &reply));
    print_message("16 MiB there and back: %u ms\n", (unsigned)(clock_monotonic_ms() - started));
    assert_true(view_equal(buffer_view(&reply), buffer_view(&large)));
    ok(buffer_u8(&large, 0));
    refused(transport_client_request(client, buffer_view(&large), PATIENCE_MS, &reply), CATEGORY_USAGE,
            "is over the limit of 16777216");
    refused(transport_server_reply(echo.server, 1, buffer_view(&large)), CATEGORY_USAGE, "over the limit");
    assert_true(transport_client_connected(client));
    transport_client_free(client);
    echo_stop(&echo);
}

/* The reason, as soon as a handshake has come that far (a loaded machine takes its time). */
static void request_fails(struct transport_client *client, const char *part)
{
    CLEANUP(buffer_done) struct buffer reply = {0};
    struct result result = RESULT_OK;
    for (int i = 0; i < 60; i++) {
        result = transport_client_request(client, view_text("hello"), 500, &reply);
        if (result_ok(result) || strstr(result_reason(), part)) break;
    }
    refused(result, CATEGORY_ENVIRONMENT, part);
    assert_false(transport_client_connected(client));
}

static void a_server_with_another_key_is_refused_by_the_client(void **state)
{
    (void)state;
    struct echo echo;
    echo_start(&echo, 0);
    struct transport_client *client = dial_with(transport_server_port(echo.server), bank_keys[0], stranger_key);
    request_fails(client, "and the roster pins");
    char key[2 * SIGN_PUBLIC_BYTES + 1];
    bytes_hex(view_of(sign_key_public(coordinator_key)->bytes, SIGN_PUBLIC_BYTES), key);
    assert_non_null(strstr(result_reason(), key));
    transport_client_free(client);
    echo_stop(&echo);
}

static void a_client_with_another_key_is_refused_by_the_server(void **state)
{
    (void)state;
    struct echo echo;
    echo_start(&echo, 0);
    struct transport_client *client = dial_with(transport_server_port(echo.server), stranger_key, coordinator_key);
    request_fails(client, "the coordinator refused this node's key");
    transport_client_free(client);
    echo_stop(&echo);
}

static void nobody_there_is_said(void **state)
{
    (void)state;
    struct transport_server *server = serve_at(0);
    uint16_t port = transport_server_port(server);
    transport_server_free(server);
    struct transport_client *client = dial_with(port, bank_keys[0], coordinator_key);
    CLEANUP(buffer_done) struct buffer reply = {0};
    refused(transport_client_request(client, view_text("hello"), 300, &reply), CATEGORY_ENVIRONMENT, "no connection");
    transport_client_free(client);
}

static void addresses_are_checked(void **state)
{
    (void)state;
    struct transport_server *server = serve_at(0), *second = NULL;
    struct transport_client *client = NULL;
    char address[64];
    (void)snprintf(address, sizeof address, "tls+tcp://127.0.0.1:%u", transport_server_port(server));
    refused(transport_server_new(address, coordinator_key, accept_banks, NULL, NULL, &second), CATEGORY_ENVIRONMENT,
            "another program listens there already");
    refused(transport_server_new("tls+tcp://192.0.2.1:7700", coordinator_key, accept_banks, NULL, NULL, &second),
            CATEGORY_ENVIRONMENT, "; name an address of this machine in listen:");
    refused(transport_server_new("tcp://127.0.0.1:0", coordinator_key, accept_banks, NULL, NULL, &second),
            CATEGORY_USAGE, "tls+tcp://host:port");
    refused(transport_client_new("tcp://127.0.0.1:1", bank_keys[0], sign_key_public(coordinator_key), &client),
            CATEGORY_USAGE, "tls+tcp://host:port");
    assert_null(second);
    assert_null(client);
    transport_server_free(server);
}

/* One request from the server's queue. */
static struct transport_request take(struct transport_server *server)
{
    struct transport_request request = {0};
    bool got = false;
    ok(transport_server_receive(server, PATIENCE_MS, &request, &got));
    assert_true(got);
    return request;
}

struct single {
    struct transport_client *client;
    const char *text;
    int timeout_ms;
    struct result result;
    char reason[256];
    struct buffer reply;
    pthread_t thread;
};

static void *single_run(void *argument)
{
    struct single *single = argument;
    single->result =
        transport_client_request(single->client, view_text(single->text), single->timeout_ms, &single->reply);
    (void)snprintf(single->reason, sizeof single->reason, "%s", result_reason());
    return NULL;
}

static void single_start(struct single *single, struct transport_client *client, const char *text)
{
    *single = (struct single){.client = client, .text = text, .timeout_ms = PATIENCE_MS};
    assert_int_equal(pthread_create(&single->thread, NULL, single_run, single), 0);
}

static void single_end(struct single *single, const char *reply)
{
    assert_int_equal(pthread_join(single->thread, NULL), 0);
    if (!result_ok(single->result)) fail_msg("%s: %s", single->text, single->reason);
    assert_true(view_equal(buffer_view(&single->reply), view_text(reply)));
    buffer_done(&single->reply);
}

static void parked_requests_are_answered_in_any_order(void **state)
{
    (void)state;
    enum { REQUESTS = 3 };
    static const char *const texts[CLIENTS * REQUESTS] = {"a", "b", "c", "d", "e", "f", "g", "h",
                                                          "i", "j", "k", "l", "m", "n", "o"};
    struct transport_server *server = serve_at(0);
    struct transport_client *clients[CLIENTS];
    struct single singles[CLIENTS * REQUESTS];
    struct transport_request requests[CLIENTS * REQUESTS];
    for (size_t i = 0; i < CLIENTS; i++)
        clients[i] = dial_with(transport_server_port(server), bank_keys[i], coordinator_key);
    for (size_t i = 0; i < CLIENTS * REQUESTS; i++) single_start(&singles[i], clients[i % CLIENTS], texts[i]);
    for (size_t i = 0; i < CLIENTS * REQUESTS; i++) requests[i] = take(server);
    for (size_t i = CLIENTS * REQUESTS; i-- > 0;) {
        int from = bank_of(&requests[i].peer);
        assert_int_equal(from, (requests[i].bytes.data[0] - 'a') % CLIENTS);
        ok(transport_server_reply(server, requests[i].id, buffer_view(&requests[i].bytes)));
        ok(transport_server_reply(server, requests[i].id, view_text("twice"))); /* ignored */
        buffer_done(&requests[i].bytes);
    }
    ok(transport_server_reply(server, 999, view_text("nobody's"))); /* ignored */
    for (size_t i = 0; i < CLIENTS * REQUESTS; i++) single_end(&singles[i], texts[i]);
    for (size_t i = 0; i < CLIENTS; i++) transport_client_free(clients[i]);
    transport_server_free(server);
}

static void the_oldest_of_too_many_requests_is_dropped(void **state)
{
    (void)state;
    struct transport_server *server = serve_at(0);
    struct transport_client *client = dial_with(transport_server_port(server), bank_keys[2], coordinator_key);
    enum { MANY = TRANSPORT_REQUESTS_MAX + 1 };
    struct single singles[MANY];
    struct transport_request requests[MANY];
    char texts[MANY][8];
    for (size_t i = 0; i < MANY; i++) { /* one after another, so that the first is the oldest */
        (void)snprintf(texts[i], sizeof texts[i], "%zu", i);
        single_start(&singles[i], client, texts[i]);
        requests[i] = take(server);
    }
    for (size_t i = 0; i < MANY; i++) {
        ok(transport_server_reply(server, requests[i].id, buffer_view(&requests[i].bytes)));
        buffer_done(&requests[i].bytes);
    }
    for (size_t i = 1; i < MANY; i++) single_end(&singles[i], texts[i]);
    transport_client_interrupt(client);
    assert_int_equal(pthread_join(singles[0].thread, NULL), 0);
    assert_int_equal(singles[0].result.category, CATEGORY_ENVIRONMENT);
    assert_non_null(strstr(singles[0].reason, "interrupted"));
    transport_client_free(client);
    transport_server_free(server);
}

static void a_request_outlives_its_server(void **state)
{
    (void)state;
    struct transport_server *server = serve_at(0);
    uint16_t port = transport_server_port(server);
    struct transport_client *client = dial_with(port, bank_keys[1], coordinator_key);
    struct single single;
    single_start(&single, client, "asked once");
    struct transport_request request = take(server);
    buffer_done(&request.bytes);
    transport_server_free(server); /* with the request unanswered */
    server = serve_at(port);
    request = take(server);
    assert_int_equal(bank_of(&request.peer), 1);
    assert_true(view_equal(buffer_view(&request.bytes), view_text("asked once")));
    ok(transport_server_reply(server, request.id, view_text("answered after the restart")));
    single_end(&single, "answered after the restart");
    buffer_done(&request.bytes);
    transport_client_free(client);
    transport_server_free(server);
}

static void a_request_of_a_lost_connection_is_forgotten(void **state)
{
    (void)state;
    struct transport_server *server = serve_at(0);
    struct transport_client *client = dial_with(transport_server_port(server), bank_keys[1], coordinator_key);
    struct single single;
    single_start(&single, client, "left");
    struct transport_request request = take(server);
    transport_client_interrupt(client);
    assert_int_equal(pthread_join(single.thread, NULL), 0);
    transport_client_free(client);
    ok(transport_server_reply(server, request.id, view_text("to nobody")));
    buffer_done(&request.bytes);
    client = dial_with(transport_server_port(server), bank_keys[1], coordinator_key);
    single_start(&single, client, "came back");
    request = take(server);
    ok(transport_server_reply(server, request.id, view_text("welcome")));
    single_end(&single, "welcome");
    buffer_done(&request.bytes);
    transport_client_free(client);
    transport_server_free(server);
}

static void no_answer_is_said_and_the_connection_is_dialled_anew(void **state)
{
    (void)state;
    struct transport_server *server = serve_at(0);
    struct transport_client *client = dial_with(transport_server_port(server), bank_keys[3], coordinator_key);
    struct single single = {.client = client, .text = "hello", .timeout_ms = 1500};
    ok(buffer_text(&single.reply, "as it was"));
    assert_int_equal(pthread_create(&single.thread, NULL, single_run, &single), 0);
    struct transport_request request = take(server);
    assert_int_equal(pthread_join(single.thread, NULL), 0);
    assert_int_equal(single.result.category, CATEGORY_ENVIRONMENT);
    assert_non_null(strstr(single.reason, "connected, but no answer within 1500 ms"));
    assert_true(view_equal(buffer_view(&single.reply), view_text("as it was")));
    buffer_done(&single.reply);
    buffer_done(&request.bytes);
    single_start(&single, client, "again");
    request = take(server);
    ok(transport_server_reply(server, request.id, view_text("now")));
    single_end(&single, "now");
    buffer_done(&request.bytes);
    transport_client_free(client);
    transport_server_free(server);
}

static void receiving_ends_at_the_timeout_and_when_woken(void **state)
{
    (void)state;
    struct transport_server *server = serve_at(0);
    struct transport_request request;
    bool got = true;
    uint64_t started = clock_monotonic_ms();
    ok(transport_server_receive(server, 50, &request, &got));
    assert_false(got);
    assert_true(clock_monotonic_ms() - started >= 45);
    got = true;
    transport_server_wake(server); /* before waiting: not lost */
    ok(transport_server_receive(server, PATIENCE_MS, &request, &got));
    assert_false(got);
    assert_true(clock_monotonic_ms() - started < PATIENCE_MS);
    transport_server_free(server);
}

static struct transport_server *woken_by_signal;

static void on_alarm(int number)
{
    (void)number;
    transport_server_wake(woken_by_signal);
}

static void a_signal_handler_may_wake(void **state)
{
    (void)state;
    woken_by_signal = serve_at(0);
    struct sigaction action = {.sa_handler = on_alarm}, before;
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    struct itimerval timer = {.it_value = {.tv_usec = 100000}};
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
    struct transport_request request;
    bool got = true;
    ok(transport_server_receive(woken_by_signal, -1, &request, &got));
    assert_false(got);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
    transport_server_free(woken_by_signal);
}

static void an_interrupted_client_stays_so(void **state)
{
    (void)state;
    struct transport_server *server = serve_at(0);
    struct transport_client *client = dial_with(transport_server_port(server), bank_keys[4], coordinator_key);
    CLEANUP(buffer_done) struct buffer reply = {0};
    transport_client_interrupt(client);
    refused(transport_client_request(client, view_text("x"), PATIENCE_MS, &reply), CATEGORY_ENVIRONMENT, "interrupted");
    transport_client_free(client);
    transport_server_free(server);
}

/* Servers come and go, clients too, in the middle of messages of every size: every request ends right, nothing hangs.
 */
static void *call_large(void *argument)
{
    struct caller *caller = argument;
    for (unsigned k = 0; k < caller->requests; k++) {
        struct buffer request = {0}, reply = {0};
        uint8_t *bytes;
        size_t length = (size_t)1 << (k * 5 % 19);
        if (result_ok(buffer_extend(&request, length, &bytes))) memset(bytes, (int)k, length);
        struct result result = transport_client_request(caller->client, buffer_view(&request), PATIENCE_MS, &reply);
        if (!result_ok(result)) (void)snprintf(caller->reason, sizeof caller->reason, "%s", result_reason());
        caller->right += result_ok(result) && reply.length == length + 1 && reply.data[0] == caller->bank &&
                         memcmp(reply.data + 1, request.data, length) == 0;
        buffer_done(&request);
        buffer_done(&reply);
    }
    return NULL;
}

static void requests_survive_a_server_that_comes_and_goes(void **state)
{
    (void)state;
    enum { RESTARTS = 12, REQUESTS = 150 };
    struct echo echo;
    echo_start(&echo, 0);
    uint16_t port = transport_server_port(echo.server);
    struct caller callers[CLIENTS];
    pthread_t threads[CLIENTS];
    for (uint8_t i = 0; i < CLIENTS; i++) {
        callers[i] = (struct caller){.bank = i, .requests = REQUESTS};
        callers[i].client = dial_with(port, bank_keys[i], coordinator_key);
        assert_int_equal(pthread_create(&threads[i], NULL, call_large, &callers[i]), 0);
    }
    for (int i = 0; i < RESTARTS; i++) {
        (void)usleep(30000);
        echo_stop(&echo);
        echo_start(&echo, port);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        if (callers[i].right != REQUESTS)
            fail_msg("client %zu: %u right, \"%s\"", i, callers[i].right, callers[i].reason);
        transport_client_free(callers[i].client);
    }
    echo_stop(&echo);
}

static void a_server_survives_clients_that_come_and_go(void **state)
{
    (void)state;
    enum { ROUNDS = 40 };
    struct echo echo;
    echo_start(&echo, 0);
    static char text[200000];
    memset(text, 'x', sizeof text - 1);
    for (int round = 0; round < ROUNDS; round++) {
        struct transport_client *client =
            dial_with(transport_server_port(echo.server), bank_keys[round % CLIENTS], coordinator_key);
        struct single singles[3];
        for (size_t i = 0; i < 3; i++) single_start(&singles[i], client, text);
        (void)usleep((useconds_t)(round * 397 % 9000));
        transport_client_interrupt(client);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(pthread_join(singles[i].thread, NULL), 0);
            buffer_done(&singles[i].reply);
        }
        transport_client_free(client);
    }
    struct transport_client *client = dial_with(transport_server_port(echo.server), bank_keys[0], coordinator_key);
    struct caller caller = {.client = client, .bank = 0, .requests = 3};
    (void)call(&caller);
    assert_int_equal(caller.right, 3);
    transport_client_free(client);
    echo_stop(&echo);
}

/* --- Another TLS stack's client, straight over a socket ------------------------------------------------------------
 */

static int connect_to(uint16_t port)
{
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(descriptor >= 0);
    struct timeval patience = {.tv_sec = 10};
    assert_int_equal(setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(descriptor, (const struct sockaddr *)&address, sizeof address), 0);
    return descriptor;
}

/* Whether a client of these versions, with this key's certificate or none, gets a byte of ours through TLS. */
/* Of one that offers no version. */
static const char greeting_1[] = "cofferdam/1";

static bool gets_through(uint16_t port, int lowest, int highest, const struct sign_key *key, bool *ret_ticket)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    assert_int_equal(SSL_CTX_set_min_proto_version(context, lowest), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(context, highest), 1);
    if (key) {
        EVP_PKEY *private_key = NULL;
        X509 *certificate = NULL;
        ok(certificate_key(key, &private_key));
        ok(certificate_new(key, private_key, &certificate));
        assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(context, private_key), 1);
        X509_free(certificate);
        EVP_PKEY_free(private_key);
    }
    int descriptor = connect_to(port);
    SSL *ssl = SSL_new(context);
    assert_int_equal(SSL_set_fd(ssl, descriptor), 1);
    char greeting[64] = ""; /* length, number 0, and the words */
    bool through = SSL_connect(ssl) == 1 &&
                   SSL_read(ssl, greeting, sizeof greeting) == (int)(12 + strlen(greeting_1)) &&
                   memcmp(greeting + 12, greeting_1, strlen(greeting_1)) == 0;
    *ret_ticket = SSL_SESSION_is_resumable(SSL_get0_session(ssl)) == 1;
    SSL_free(ssl);
    SSL_CTX_free(context);
    (void)close(descriptor);
    return through;
}

static void only_tls_13_with_a_members_certificate_gets_through(void **state)
{
    (void)state;
    struct transport_server *server = serve_at(0);
    uint16_t port = transport_server_port(server);
    bool ticket = true;
    assert_true(gets_through(port, TLS1_3_VERSION, TLS1_3_VERSION, bank_keys[0], &ticket));
    assert_false(ticket);
    assert_false(gets_through(port, TLS1_2_VERSION, TLS1_2_VERSION, bank_keys[0], &ticket));
    assert_false(gets_through(port, TLS1_3_VERSION, TLS1_3_VERSION, NULL, &ticket));
    assert_false(gets_through(port, TLS1_3_VERSION, TLS1_3_VERSION, stranger_key, &ticket));
    assert_false(gets_through(port, TLS1_3_VERSION, TLS1_3_VERSION, coordinator_key, &ticket));
    transport_server_free(server);
}

static void garbage_before_tls_hurts_nobody(void **state)
{
    (void)state;
    struct echo echo;
    echo_start(&echo, 0);
    uint16_t port = transport_server_port(echo.server);
    for (int i = 0; i < 20; i++) {
        int descriptor = connect_to(port);
        static const char garbage[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
        assert_true(send(descriptor, garbage + i % 8, sizeof garbage - 8, MSG_NOSIGNAL) > 0);
        (void)close(descriptor);
    }
    struct transport_client *client = dial_with(port, bank_keys[0], coordinator_key);
    struct caller caller = {.client = client, .bank = 0, .requests = 1};
    (void)call(&caller);
    assert_int_equal(caller.right, 1);
    transport_client_free(client);
    echo_stop(&echo);
}

/* More connections than may wait for a handshake, and nothing said over any of them. */
static void who_only_holds_connections_keeps_no_member_out(void **state)
{
    (void)state;
    enum { SILENT = 300, HELD = 200 };
    struct echo echo;
    echo_start(&echo, 0);
    uint16_t port = transport_server_port(echo.server);
    int silent[SILENT];
    for (int i = 0; i < SILENT; i++) silent[i] = connect_to(port);
    struct transport_client *client = dial_with(port, bank_keys[0], coordinator_key);
    struct caller caller = {.client = client, .bank = 0, .requests = 1};
    (void)call(&caller);
    assert_int_equal(caller.right, 1);
    int held = 0;
    for (int i = 0; i < SILENT; i++) {
        char byte;
        held += recv(silent[i], &byte, 1, MSG_DONTWAIT) < 0;
        (void)close(silent[i]);
    }
    assert_true(held >= HELD); /* it was not let in because they had timed out */
    transport_client_free(client);
    echo_stop(&echo);
}

static void a_member_that_floods_is_served_in_turn(void **state)
{
    (void)state;
    enum { FLOOD = 24, BEFORE = 12, PAUSE_US = 50000 };
    struct transport_server *server = serve_at(0);
    struct transport_client *clients[2];
    struct single first, flood[FLOOD];
    for (size_t i = 0; i < 2; i++) clients[i] = dial_with(transport_server_port(server), bank_keys[i], coordinator_key);
    single_start(&first, clients[1], "first"); /* so that its connection stands */
    struct transport_request request = take(server);
    ok(transport_server_reply(server, request.id, view_text("first")));
    buffer_done(&request.bytes);
    single_end(&first, "first");
    for (size_t i = 0; i < FLOOD; i++) single_start(&flood[i], clients[0], "flood");
    (void)usleep(PAUSE_US);
    single_start(&first, clients[1], "second");
    unsigned taken = 0, before = FLOOD;
    for (; taken < FLOOD + 1; taken++) {
        (void)usleep(PAUSE_US); /* what can arrive does */
        request = take(server);
        if (bank_of(&request.peer) == 1) before = taken;
        ok(transport_server_reply(server, request.id, buffer_view(&request.bytes)));
        buffer_done(&request.bytes);
    }
    assert_true(before < BEFORE);
    for (size_t i = 0; i < FLOOD; i++) single_end(&flood[i], "flood");
    single_end(&first, "second");
    for (size_t i = 0; i < 2; i++) transport_client_free(clients[i]);
    transport_server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_comes_with_its_peers_key),
        cmocka_unit_test(the_largest_message_passes_and_a_larger_one_does_not_leave),
        cmocka_unit_test(a_server_with_another_key_is_refused_by_the_client),
        cmocka_unit_test(a_client_with_another_key_is_refused_by_the_server),
        cmocka_unit_test(nobody_there_is_said),
        cmocka_unit_test(addresses_are_checked),
        cmocka_unit_test(parked_requests_are_answered_in_any_order),
        cmocka_unit_test(the_oldest_of_too_many_requests_is_dropped),
        cmocka_unit_test(a_request_outlives_its_server),
        cmocka_unit_test(a_request_of_a_lost_connection_is_forgotten),
        cmocka_unit_test(no_answer_is_said_and_the_connection_is_dialled_anew),
        cmocka_unit_test(receiving_ends_at_the_timeout_and_when_woken),
        cmocka_unit_test(a_signal_handler_may_wake),
        cmocka_unit_test(an_interrupted_client_stays_so),
        cmocka_unit_test(requests_survive_a_server_that_comes_and_goes),
        cmocka_unit_test(a_server_survives_clients_that_come_and_go),
        cmocka_unit_test(only_tls_13_with_a_members_certificate_gets_through),
        cmocka_unit_test(garbage_before_tls_hurts_nobody),
        cmocka_unit_test(who_only_holds_connections_keeps_no_member_out),
        cmocka_unit_test(a_member_that_floods_is_served_in_turn),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
