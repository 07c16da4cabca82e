/* The daemon's own door: requests from commands of the same user on the same machine, over DIR/control.sock (nng ipc,
 * mode 0600, the peer's uid compared with ours). Same manners as sys/transport.h; messages up to MESSAGE_MAX. */
#ifndef SYS_CONTROL_H
#define SYS_CONTROL_H

#include "crypto/base/bytes.h"

struct control_server;

/* directory: the daemon's state directory, whose store it has opened (so a socket left there is a dead one's). */
MUST_USE struct result control_server_new(const char *directory, struct control_server **ret);
void control_server_free(struct control_server *server); /* removes the socket */
void control_server_freep(struct control_server **server);

struct control_request {
    uint64_t id; /* to answer it with; never reused */
    struct buffer bytes;
};
/* Waits for a request (timeout_ms < 0: for ever). *ret_got false at the timeout or when woken. One thread. */
MUST_USE struct result control_server_receive(struct control_server *server, int timeout_ms,
                                              struct control_request *ret, bool *ret_got);
void control_server_wake(struct control_server *server); /* from any thread or signal handler */
/* An unknown or already answered id is ignored. */
MUST_USE struct result control_server_reply(struct control_server *server, uint64_t id, struct view bytes);

/* One request to the daemon that works in the directory. CATEGORY_ENVIRONMENT: nothing runs there, or no answer came
 * within timeout_ms. Replaces out. */
MUST_USE struct result control_request(const char *directory, struct view bytes, int timeout_ms, struct buffer *out);

#endif
