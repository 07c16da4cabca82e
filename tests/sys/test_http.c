#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/http.h"

static void ok(struct result result)
{
    if (!result_ok(result)) fail_msg("%s", result_reason());
}

static struct result answer_figures(void *context, struct http_answer *answer)
{
    (*(int *)context)++;
    return buffer_text(answer->body, "figures 1\n");
}

static struct result answer_not_ready(void *context, struct http_answer *answer)
{
    (void)context;
    answer->status = 503;
    return buffer_text(answer->body, "not ready\n");
}

static struct result answer_failure(void *context, struct http_answer *answer)
{
    (void)context;
    TRY(buffer_text(answer->body, "half an answer\n"));
    return FAIL(CATEGORY_ENVIRONMENT, "the inner reason");
}

static const struct http_route routes[] = {
    {"/metrics", answer_figures}, {"/readyz", answer_not_ready}, {"/broken", answer_failure}, {0}};
static int asked;

static struct http_config config_at(const char *address)
{
    return (struct http_config){
        .address = address, .where = "node.yaml", .what = "metrics", .context = &asked, .routes = routes};
}

static struct http_server *serve(const char *address)
{
    const struct http_config config = config_at(address);
    struct http_server *server = NULL;
    ok(http_server_new(&config, &server));
    return server;
}

static int dial(const struct http_server *server)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(http_server_port(server)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(client >= 0);
    assert_int_equal(connect(client, (const struct sockaddr *)&address, sizeof address), 0);
    return client;
}

/* Sends, and reads until the server closes. */
static void exchange(const struct http_server *server, const char *request, char answer[4096])
{
    int client = dial(server);
    size_t length = 0;
    assert_int_equal(send(client, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    for (ssize_t got; length < 4095 && (got = recv(client, answer + length, 4095 - length, 0)) > 0;)
        length += (size_t)got;
    answer[length] = 0;
    (void)close(client);
}

static void expect(const struct http_server *server, const char *request, const char *status, const char *body)
{
    char answer[4096];
    exchange(server, request, answer);
    if (strncmp(answer, "HTTP/1.1 ", 9) != 0 || strncmp(answer + 9, status, 3) != 0)
        fail_msg("not %s: %s", status, answer);
    const char *end = strstr(answer, "\r\n\r\n");
    assert_non_null(end);
    assert_string_equal(end + 4, body);
    assert_non_null(strstr(answer, "Connection: close\r\n"));
}

static void paths_and_methods(void **state)
{
    (void)state;
    CLEANUP(http_server_freep) struct http_server *server = serve("127.0.0.1:0");
    asked = 0;
    expect(server, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "200", "figures 1\n");
    expect(server, "HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "200", "");
    expect(server, "GET /metrics?a=b HTTP/1.1\r\nHost: a\r\n\r\n", "200", "figures 1\n");
    assert_int_equal(asked, 3);
    expect(server, "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n", "503", "not ready\n");
    expect(server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "404", "there is nothing here\n");
    expect(server, "GET /metrics/ HTTP/1.1\r\nHost: a\r\n\r\n", "404", "there is nothing here\n");
    expect(server, "DELETE /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "405", "GET and HEAD alone are answered\n");
    assert_int_equal(asked, 3);
}

static void a_failure_tells_no_reason(void **state)
{
    (void)state;
    CLEANUP(http_server_freep) struct http_server *server = serve("127.0.0.1:0");
    expect(server, "GET /broken HTTP/1.1\r\nHost: a\r\n\r\n", "500", "this cannot be told now\n");
}

/* The answer comes although the body never does. */
static void no_body_is_waited_for(void **state)
{
    (void)state;
    CLEANUP(http_server_freep) struct http_server *server = serve("127.0.0.1:0");
    expect(server, "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", "405",
           "GET and HEAD alone are answered\n");
    expect(server, "GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", "200", "figures 1\n");
}

static void an_endless_header_is_refused(void **state)
{
    (void)state;
    CLEANUP(http_server_freep) struct http_server *server = serve("127.0.0.1:0");
    static char request[100000];
    char answer[4096];
    memset(request, 'a', sizeof request - 1);
    memcpy(request, "GET /metrics HTTP/1.1\r\nHost: ", 29);
    int client = dial(server);
    (void)send(client, request, sizeof request - 1, MSG_NOSIGNAL);
    ssize_t got = recv(client, answer, sizeof answer - 1, 0);
    answer[got > 0 ? got : 0] = 0;
    assert_null(strstr(answer, "200"));
    (void)close(client);
}

/* Who only holds connections does not stop the server, nor its end. */
static void idle_connections(void **state)
{
    (void)state;
    CLEANUP(http_server_freep) struct http_server *server = serve("127.0.0.1:0");
    int idle[8];
    for (size_t i = 0; i < 8; i++) idle[i] = dial(server);
    expect(server, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "200", "figures 1\n");
    for (size_t i = 0; i < 8; i++) (void)close(idle[i]);
}

static void refused(const struct http_config *config, enum category category, const char *reason)
{
    struct http_server *server = NULL;
    assert_int_equal(http_server_new(config, &server).category, category);
    assert_null(server);
    assert_string_equal(result_reason(), reason);
}

static void the_port_is_taken(void **state)
{
    (void)state;
    CLEANUP(http_server_freep) struct http_server *server = serve("127.0.0.1:0");
    char address[32], reason[160];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", http_server_port(server));
    (void)snprintf(reason, sizeof reason,
                   "node.yaml: metrics: another program listens at %s already; stop it or choose another port",
                   address);
    const struct http_config config = config_at(address);
    refused(&config, CATEGORY_ENVIRONMENT, reason);
}

static void beyond_loopback_must_be_asked_for(void **state)
{
    (void)state;
    struct http_config config = config_at("0.0.0.0:0");
    refused(
        &config, CATEGORY_USAGE,
        "node.yaml: metrics: 0.0.0.0:0 can be reached from other machines; say so in the configuration to allow it");
    config.beyond_loopback = true;
    CLEANUP(http_server_freep) struct http_server *server = NULL;
    ok(http_server_new(&config, &server));
    expect(server, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "200", "figures 1\n");
}

static void addresses(void **state)
{
    (void)state;
    static const char *const good[] = {"127.0.0.1:9464", "localhost:1", "[::1]:65535", "[::]:9464", "10.0.0.7:80"};
    static const char *const bad[] = {"",         "9464",           ":9464",         "127.0.0.1",  "127.0.0.1:",
                                      "::1:9464", "127.0.0.1:0",    "127.0.0.1:+80", "[::1:9464",  "127.0.0.1:65536",
                                      "[]:80",    "node.bank:9464", "[:80",          "127.1:9464", " 127.0.0.1:80"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!http_address_good(good[i])) fail_msg("%s is refused", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (http_address_good(bad[i])) fail_msg("%s is taken", bad[i]);
    assert_true(http_address_loopback("127.8.0.1:1") && http_address_loopback("[::1]:1"));
    assert_true(http_address_loopback("localhost:1") && !http_address_loopback("[::]:1"));
    assert_false(http_address_loopback("0.0.0.0:1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_and_methods),
        cmocka_unit_test(a_failure_tells_no_reason),
        cmocka_unit_test(no_body_is_waited_for),
        cmocka_unit_test(an_endless_header_is_refused),
        cmocka_unit_test(idle_connections),
        cmocka_unit_test(the_port_is_taken),
        cmocka_unit_test(beyond_loopback_must_be_asked_for),
        cmocka_unit_test(addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
