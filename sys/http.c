#include "sys/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/base/text.h"

enum {
    CONNECTIONS_MAX = 16,     /* a scraper, a probe, a person; the rest waits in the backlog */
    CONNECTION_SECONDS = 10,  /* without a byte moving */
    CONNECTION_MEMORY = 8192, /* request line and headers, and the answer's headers */
    BACKLOG = 16,
};

struct http_server {
    struct MHD_Daemon *daemon;
    const struct http_route *routes;
    void *context;
    uint16_t port;
};

/* --- Addresses ---------------------------------------------------------------------------------------------------- */

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

static bool port_parse(const char *text, uint16_t *ret)
{
    uint64_t port;
    if (!text_whole(text, &port) || port > UINT16_MAX) return false;
    *ret = (uint16_t)port;
    return true;
}

/* Names are not looked up: what a name server says must not decide who can reach the port. */
static bool host_parse(const char *host, uint16_t port, union address *ret)
{
    memset(ret, 0, sizeof *ret);
    size_t length = strlen(host);
    if (host[0] != '[') {
        ret->four.sin_family = AF_INET;
        ret->four.sin_port = htons(port);
        return inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &ret->four.sin_addr) == 1;
    }
    char inner[INET6_ADDRSTRLEN];
    if (host[length - 1] != ']' || length - 2 >= sizeof inner) return false;
    memcpy(inner, host + 1, length - 2);
    inner[length - 2] = 0;
    ret->six.sin6_family = AF_INET6;
    ret->six.sin6_port = htons(port);
    return inet_pton(AF_INET6, inner, &ret->six.sin6_addr) == 1;
}

static bool address_parse(const char *text, union address *ret, uint16_t *ret_port)
{
    char host[INET6_ADDRSTRLEN + 2];
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text || (size_t)(colon - text) >= sizeof host || !port_parse(colon + 1, ret_port))
        return false;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = 0;
    return host_parse(host, *ret_port, ret);
}

static bool is_loopback(const union address *address)
{
    if (address->any.sa_family == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&address->six.sin6_addr);
    return ntohl(address->four.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

bool http_address_good(const char *address)
{
    union address parsed;
    uint16_t port;
    return address_parse(address, &parsed, &port) && port != 0;
}

bool http_address_loopback(const char *address)
{
    union address parsed;
    uint16_t port;
    return address_parse(address, &parsed, &port) && is_loopback(&parsed);
}

/* --- Answers ------------------------------------------------------------------------------------------------------ */

static enum MHD_Result send_answer(struct MHD_Connection *connection, const struct http_answer *answer)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(answer->body->length, answer->body->data, MHD_RESPMEM_MUST_COPY);
    if (!response) return MHD_NO;
    bool good = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type) == MHD_YES &&
                MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") == MHD_YES &&
                MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES;
    if (answer->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        good = good && MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD") == MHD_YES;
    enum MHD_Result queued = good ? MHD_queue_response(connection, answer->status, response) : MHD_NO;
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result send_line(struct MHD_Connection *connection, unsigned status, const char *line)
{
    CLEANUP(buffer_done) struct buffer body = {0};
    if (!result_ok(buffer_text(&body, line))) return MHD_NO;
    return send_answer(connection, &(struct http_answer){status, HTTP_TEXT, &body});
}

static const struct http_route *route_find(const struct http_server *server, const char *path)
{
    const struct http_route *route = server->routes;
    while (route->path && strcmp(route->path, path) != 0) route++;
    return route->path ? route : NULL;
}

/* Answered at the first call, before anything of a body is read: the connection then closes. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *upload, size_t *upload_size,
                                  void **state)
{
    (void)version, (void)upload, (void)upload_size, (void)state;
    const struct http_server *server = context;
    const struct http_route *route = route_find(server, path);
    if (!route) return send_line(connection, MHD_HTTP_NOT_FOUND, "there is nothing here\n");
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return send_line(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD alone are answered\n");
    CLEANUP(buffer_done) struct buffer body = {0};
    struct http_answer answer = {MHD_HTTP_OK, HTTP_TEXT, &body};
    if (!result_ok(route->answer(server->context, &answer)))
        return send_line(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "this cannot be told now\n");
    return send_answer(connection, &answer);
}

/* --- The server --------------------------------------------------------------------------------------------------- */

static struct result listen_failed(const struct http_config *config, int error)
{
    ENSURE(error != EADDRINUSE, CATEGORY_ENVIRONMENT,
           "%s: metrics: another program listens at %s already; stop it or choose another port", config->where,
           config->address);
    return FAIL(CATEGORY_ENVIRONMENT, "%s: metrics: cannot listen at %s: %s", config->where, config->address,
                strerror(error));
}

static bool prepare(int listener, const union address *address)
{
    const int on = 1;
    socklen_t length = address->any.sa_family == AF_INET6 ? sizeof address->six : sizeof address->four;
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return false;
    if (address->any.sa_family == AF_INET6 && setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
        return false;
    return bind(listener, &address->any, length) == 0 && listen(listener, BACKLOG) == 0;
}

static struct result listen_at(const struct http_config *config, const union address *address, int *ret)
{
    int listener = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0) return listen_failed(config, errno);
    if (prepare(listener, address)) {
        *ret = listener;
        return RESULT_OK;
    }
    int error = errno;
    (void)close(listener);
    return listen_failed(config, error);
}

static uint16_t port_of(int listener)
{
    union address bound = {0};
    socklen_t length = sizeof bound;
    if (getsockname(listener, &bound.any, &length) != 0) return 0;
    return ntohs(bound.any.sa_family == AF_INET6 ? bound.six.sin6_port : bound.four.sin_port);
}

/* From here on the library closes the socket, at the latest when the server ends. */
static struct result serve(struct http_server *server, int take_listener)
{
    server->port = port_of(take_listener);
    server->daemon =
        MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, on_request, server,
                         MHD_OPTION_LISTEN_SOCKET, (MHD_socket)take_listener, MHD_OPTION_CONNECTION_LIMIT,
                         (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_SECONDS,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
    ENSURE(server->daemon, CATEGORY_ENVIRONMENT, "no thread or memory to serve metrics with");
    return RESULT_OK;
}

struct result http_server_new(const struct http_config *config, struct http_server **ret)
{
    union address address;
    uint16_t port;
    int listener = -1;
    ENSURE(address_parse(config->address, &address, &port), CATEGORY_USAGE,
           "%s: metrics: %s is not HOST:PORT with an IP address or localhost", config->where, config->address);
    ENSURE(config->beyond_loopback || is_loopback(&address), CATEGORY_USAGE,
           "%s: metrics: %s can be reached from other machines; say so in the configuration to allow it", config->where,
           config->address);
    CLEANUP(http_server_freep) struct http_server *server = calloc(1, sizeof *server);
    ENSURE(server, CATEGORY_ENVIRONMENT, "no memory to serve metrics with");
    server->routes = config->routes;
    server->context = config->context;
    TRY(listen_at(config, &address, &listener));
    TRY(serve(server, listener));
    *ret = server;
    server = NULL;
    return RESULT_OK;
}

void http_server_free(struct http_server *server)
{
    if (!server) return;
    if (server->daemon) MHD_stop_daemon(server->daemon);
    free(server);
}

void http_server_freep(struct http_server **server)
{
    http_server_free(*server);
    *server = NULL;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}
