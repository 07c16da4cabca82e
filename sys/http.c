#include "sys/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/secret.h"

enum {
    CONNECTIONS_MAX = 16,     /* a scraper, a probe, a person; the rest waits in the backlog */
    CONNECTION_SECONDS = 10,  /* without a byte moving */
    CONNECTION_MEMORY = 8192, /* request line and headers, and the answer's headers */
    BACKLOG = 16,
    STREAM_BLOCK = 4096, /* a piece goes out in blocks of this */
};

struct http_server {
    struct MHD_Daemon *daemon;
    struct http_config config;
    uint16_t port;
};

/* --- Answers ------------------------------------------------------------------------------------------------------ */

/* An answer that goes on: the piece that is going out, and how much of it has gone. */
struct flow {
    struct http_stream stream;
    struct buffer piece;
    size_t gone;
};

static ssize_t flow_read(void *context, uint64_t position, char *out, size_t most)
{
    (void)position;
    struct flow *flow = context;
    if (flow->gone == flow->piece.length) {
        buffer_clear(&flow->piece);
        flow->gone = 0;
        if (!flow->stream.next(flow->stream.each, &flow->piece) || !flow->piece.length)
            return MHD_CONTENT_READER_END_OF_STREAM;
    }
    size_t left = flow->piece.length - flow->gone, length = left < most ? left : most;
    memcpy(out, flow->piece.data + flow->gone, length);
    flow->gone += length;
    return (ssize_t)length;
}

static void flow_end(void *context)
{
    struct flow *flow = context;
    flow->stream.end(flow->stream.each);
    buffer_done(&flow->piece);
    free(flow);
}

static struct MHD_Response *flow_response(const struct http_stream *stream)
{
    struct flow *flow = calloc(1, sizeof *flow);
    struct MHD_Response *response = NULL;
    if (flow) {
        flow->stream = *stream;
        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, flow_read, flow, flow_end);
    }
    if (response) return response;
    stream->end(stream->each);
    free(flow);
    return NULL;
}

static struct MHD_Response *file_response(const struct http_answer *answer)
{
    struct MHD_Response *response = MHD_create_response_from_fd64(answer->file_bytes, answer->file);
    if (!response) (void)close(answer->file);
    return response;
}

static struct MHD_Response *response_of(const struct http_answer *answer)
{
    if (answer->stream.next) return flow_response(&answer->stream);
    if (answer->has_file) return file_response(answer);
    return MHD_create_response_from_buffer(answer->body->length, answer->body->data, MHD_RESPMEM_MUST_COPY);
}

static bool add_headers(struct MHD_Response *response, const struct http_header *headers, size_t most)
{
    for (size_t i = 0; i < most && headers[i].name; i++)
        if (MHD_add_response_header(response, headers[i].name, headers[i].value) != MHD_YES) return false;
    return true;
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, const struct http_answer *answer)
{
    const struct http_header all[] = {
        {MHD_HTTP_HEADER_CONTENT_TYPE, answer->type},
        {MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"},
        {MHD_HTTP_HEADER_CONNECTION, "close"},
    };
    struct MHD_Response *response = response_of(answer);
    if (!response) return MHD_NO;
    bool good = add_headers(response, all, sizeof all / sizeof *all) &&
                add_headers(response, answer->headers, HTTP_HEADERS_MAX);
    enum MHD_Result queued = good ? MHD_queue_response(connection, answer->status, response) : MHD_NO;
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result send_line(struct MHD_Connection *connection, unsigned status, const char *line)
{
    CLEANUP(buffer_done) struct buffer body = {0};
    if (!result_ok(buffer_text(&body, line))) return MHD_NO;
    struct http_answer answer = {.status = status, .type = HTTP_TEXT, .body = &body};
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        answer.headers[0] = (struct http_header){MHD_HTTP_HEADER_ALLOW, "GET, HEAD"};
    return send_answer(connection, &answer);
}

/* --- Routes ------------------------------------------------------------------------------------------------------- */

static const struct http_route *route_find(const struct http_server *server, const char *path)
{
    const struct http_route *route = server->config.routes;
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
    struct http_answer answer = {.status = MHD_HTTP_OK, .type = HTTP_TEXT, .body = &body};
    if (!result_ok(route->answer(server->config.context, &answer)))
        return send_line(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "this cannot be told now\n");
    return send_answer(connection, &answer);
}

/* --- A site ------------------------------------------------------------------------------------------------------- */

static enum MHD_Result answer_site(const struct http_server *server, struct MHD_Connection *connection,
                                   struct http_request *request)
{
    CLEANUP(buffer_done) struct buffer body = {0};
    struct http_answer answer = {.status = MHD_HTTP_OK, .type = HTTP_TEXT, .body = &body};
    request->host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
    request->site = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Sec-Fetch-Site");
    request->origin = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ORIGIN);
    request->cookie = MHD_lookup_connection_value(connection, MHD_COOKIE_KIND, server->config.cookie);
    if (!result_ok(server->config.site(server->config.context, request, &answer)))
        return send_line(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "this cannot be told now\n");
    return send_answer(connection, &answer);
}

/* Called once with the headers, then with each part of a body, then with none: then it is answered. */
static enum MHD_Result on_site_request(void *context, struct MHD_Connection *connection, const char *path,
                                       const char *method, const char *version, const char *upload, size_t *upload_size,
                                       void **state)
{
    (void)version;
    const struct http_server *server = context;
    struct http_request request = {.method = method, .path = path};
    if (strcmp(method, MHD_HTTP_METHOD_POST) != 0) return answer_site(server, connection, &request);
    struct buffer *body = *state;
    if (!body) {
        *state = body = calloc(1, sizeof *body);
        if (body) body->limit = HTTP_BODY_MAX;
        return body ? MHD_YES : MHD_NO;
    }
    if (*upload_size) {
        bool taken = result_ok(buffer_append(body, view_of(upload, *upload_size)));
        *upload_size = 0;
        return taken ? MHD_YES : MHD_NO;
    }
    request.body = buffer_view(body);
    return answer_site(server, connection, &request);
}

/* What was sent may have been a key to the door. */
static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)context, (void)connection, (void)code;
    struct buffer *body = *state;
    if (!body) return;
    if (body->data) secret_bytes_wipe(body->data, body->capacity);
    buffer_done(body);
    free(body);
    *state = NULL;
}

/* --- The server --------------------------------------------------------------------------------------------------- */

static struct result listen_failed(const struct http_config *config, int error)
{
    ENSURE(error != EADDRINUSE, CATEGORY_ENVIRONMENT,
           "%s: %s: another program listens at %s already; stop it or choose another port", config->where, config->what,
           config->address);
    return FAIL(CATEGORY_ENVIRONMENT, "%s: %s: cannot listen at %s: %s%s", config->where, config->what, config->address,
                strerror(error), error == EADDRNOTAVAIL ? "; name an address of this machine" : "");
}

static bool prepare(int listener, const union http_address *address)
{
    const int on = 1;
    socklen_t length = address->any.sa_family == AF_INET6 ? sizeof address->six : sizeof address->four;
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return false;
    if (address->any.sa_family == AF_INET6 && setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
        return false;
    return bind(listener, &address->any, length) == 0 && listen(listener, BACKLOG) == 0;
}

static struct result listen_at(const struct http_config *config, const union http_address *address, int *ret)
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
    union http_address bound = {0};
    socklen_t length = sizeof bound;
    return getsockname(listener, &bound.any, &length) == 0 ? http_address_port(&bound) : 0;
}

/* From here on the library closes the socket, at the latest when the server ends. */
static struct result serve(struct http_server *server, int take_listener)
{
    bool site = server->config.routes == NULL;
    server->port = port_of(take_listener);
    server->daemon = MHD_start_daemon(
        MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC | (site ? (unsigned)MHD_USE_THREAD_PER_CONNECTION : 0), 0, NULL,
        NULL, site ? on_site_request : on_request, server, MHD_OPTION_LISTEN_SOCKET, (MHD_socket)take_listener,
        MHD_OPTION_CONNECTION_LIMIT, site ? HTTP_SITE_CONNECTIONS_MAX : (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
    ENSURE(server->daemon, CATEGORY_ENVIRONMENT, "no thread or memory to serve %s with", server->config.what);
    return RESULT_OK;
}

struct result http_server_new(const struct http_config *config, struct http_server **ret)
{
    union http_address address;
    int listener = -1;
    ENSURE(http_address_parse(config->address, &address), CATEGORY_USAGE,
           "%s: %s: %s is not HOST:PORT with an IP address or localhost", config->where, config->what, config->address);
    ENSURE(config->beyond_loopback || http_address_is_loopback(&address), CATEGORY_USAGE,
           "%s: %s: %s can be reached from other machines; say so in the configuration to allow it", config->where,
           config->what, config->address);
    CLEANUP(http_server_freep) struct http_server *server = calloc(1, sizeof *server);
    ENSURE(server, CATEGORY_ENVIRONMENT, "no memory to serve %s with", config->what);
    server->config = *config;
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
