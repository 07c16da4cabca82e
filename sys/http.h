/* A small HTTP server for what an operator's tools read: a few fixed paths, GET and HEAD, nothing that comes in but the
 * request's line and headers. The only caller of libmicrohttpd.
 *
 * One thread of its own serves, one answer at a time; connections are few, short-lived and closed after an answer. It
 * speaks plain HTTP and knows no users: an address beyond this machine is only taken when that is asked for.
 */
#ifndef SYS_HTTP_H
#define SYS_HTTP_H

#include "crypto/base/bytes.h"

#define HTTP_DEFAULT_ADDRESS "127.0.0.1:9464"
#define HTTP_TEXT "text/plain; charset=utf-8"

struct http_answer {
    unsigned status;     /* 200, 503, ... */
    const char *type;    /* of the content; HTTP_TEXT where a handler leaves it */
    struct buffer *body; /* empty at first */
};
/* A failure is told as 500, without its reason. Called on the server's thread. */
struct http_route {
    const char *path;
    struct result (*answer)(void *context, struct http_answer *answer);
};
struct http_config {
    const char *address;  /* HOST:PORT; an IPv4 address, [IPv6 address] or localhost; port 0 takes a free one */
    bool beyond_loopback; /* else an address that others can reach is CATEGORY_USAGE */
    const char *where;    /* what chose the address, for errors: "node.yaml" */
    const struct http_route *routes; /* ends with a zeroed one */
    void *context;
};

/* Whether it is an address as http_config has it, with a port other than 0. */
bool http_address_good(const char *address);
bool http_address_loopback(const char *address);

struct http_server;
/* Listens and serves. CATEGORY_ENVIRONMENT when the port is taken. Everything in the config but the strings of its
 * address and place is borrowed for as long as the server lives. */
MUST_USE struct result http_server_new(const struct http_config *config, struct http_server **ret);
void http_server_free(struct http_server *server); /* no handler runs after it; accepts NULL */
void http_server_freep(struct http_server **server);
uint16_t http_server_port(const struct http_server *server);

#endif
