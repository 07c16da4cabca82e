/* A small HTTP server, the only caller of libmicrohttpd. It serves either of two things:
 *
 * - routes: a few fixed paths for an operator's tools, GET and HEAD, nothing that comes in but the request's line and
 *   headers. One thread of its own, one answer at a time.
 * - a site: one function answers every request, a short body of a POST with it. A thread for each connection, so that
 * an answer may wait, be a file, or go on as long as its reader stays.
 *
 * Connections are few, and closed after an answer or when nothing moves. It speaks plain HTTP and knows no users: an
 * address beyond this machine is only taken when that is asked for.
 */
#ifndef SYS_HTTP_H
#define SYS_HTTP_H

#include "crypto/base/bytes.h"
#include "sys/http_address.h"

#define HTTP_DEFAULT_ADDRESS "127.0.0.1:9464"
#define CONSOLE_DEFAULT_ADDRESS "127.0.0.1:9465"
#define HTTP_TEXT "text/plain; charset=utf-8"
#define HTTP_BODY_MAX 1024u  /* of a request to a site: a connection that sends more is closed */
#define HTTP_HEADERS_MAX 12u /* of an answer, beside those that every answer has */
#define HTTP_STREAM_MS 4000u /* an answer that goes on says something at least this often, or its connection ends */
#define HTTP_SITE_CONNECTIONS_MAX 32u

struct http_header {
    const char *name, *value;
};
/* An answer that goes on: pieces, until the reader leaves. */
struct http_stream {
    void *each; /* of this one answer */
    /* Waits for the next piece, HTTP_STREAM_MS at most, and appends it; false: it is over. */
    bool (*next)(void *each, struct buffer *piece);
    void (*end)(void *each); /* nothing of it is called after that */
};
struct http_answer {
    unsigned status;     /* 200, 503, ... */
    const char *type;    /* of the content; HTTP_TEXT where a handler leaves it */
    struct buffer *body; /* empty at first */
    /* A site's alone: */
    struct http_header headers[HTTP_HEADERS_MAX]; /* up to the first without a name */
    char made[256];                               /* room for the value of a header that had to be written */
    bool has_file;                                /* instead of the body: */
    int file;                                     /* open; the server closes it */
    uint64_t file_bytes;
    struct http_stream stream; /* instead of the body, where it has `next` */
};
/* A failure is told as 500, without its reason. Called on the server's thread. */
struct http_route {
    const char *path;
    struct result (*answer)(void *context, struct http_answer *answer);
};
/* What a site is asked. Texts are NULL where the request has none. */
struct http_request {
    const char *method; /* as it came */
    const char *path;   /* without what follows a '?' */
    const char *host;   /* Host */
    const char *site;   /* Sec-Fetch-Site */
    const char *origin; /* Origin */
    const char *cookie; /* the value of http_config's cookie */
    struct view body;   /* of a POST */
};
struct http_config {
    const char *address;  /* port 0 takes a free one */
    bool beyond_loopback; /* else an address that others can reach is CATEGORY_USAGE */
    const char *where;    /* what chose the address, for errors: "node.yaml" */
    const char *what;     /* by which key of it: "metrics" */
    void *context;
    const struct http_route *routes; /* ends with a zeroed one; NULL: it is a site */
    /* Called on many threads at once. A failure is told as with a route. */
    struct result (*site)(void *context, const struct http_request *request, struct http_answer *answer);
    const char *cookie;
};

struct http_server;
/* Listens and serves. CATEGORY_ENVIRONMENT when the port is taken. Everything in the config but the strings of its
 * address and place is borrowed for as long as the server lives. */
MUST_USE struct result http_server_new(const struct http_config *config, struct http_server **ret);
/* No handler runs after it, so streams must end by themselves when it is called; accepts NULL. */
void http_server_free(struct http_server *server);
void http_server_freep(struct http_server **server);
uint16_t http_server_port(const struct http_server *server);

#endif
