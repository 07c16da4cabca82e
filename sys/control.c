#include "sys/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/asker.h"
#include "sys/file.h"
#include "sys/replier.h"

enum { OWNER_ONLY = 0600, COMMANDS_MAX = 64 /* that wait for an answer at a time */ };

struct control_server {
    char path[FILE_PATH_MAX];
    struct replier *replier;
    bool listening;
};

/* ipc://DIR/control.sock; a socket's path has a limit of its own. */
static struct result address_of(const char *directory, char path[FILE_PATH_MAX], char address[NNG_MAXADDRLEN])
{
    TRY(file_path(directory, "control.sock", path));
    size_t most = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
    ENSURE(strlen(path) <= most, CATEGORY_USAGE,
           "%s: a socket's path has at most %zu bytes; use a shorter state directory", path, most);
    (void)snprintf(address, NNG_MAXADDRLEN, "ipc://%s", path);
    return RESULT_OK;
}

/* The same user, or root, who could be that user anyway. */
static bool same_user(nng_stream *stream)
{
    uint64_t uid;
    return nng_stream_get_uint64(stream, NNG_OPT_IPC_PEER_UID, &uid) == 0 && (uid == geteuid() || uid == 0);
}

static struct result listen_in(struct control_server *server, const char *directory)
{
    char address[NNG_MAXADDRLEN];
    TRY(address_of(directory, server->path, address));
    nng_stream_listener *listener;
    int status = nng_stream_listener_alloc(&listener, address);
    ENSURE(status == 0, CATEGORY_ENVIRONMENT, "%s: cannot listen there: %s", server->path, nng_strerror(status));
    (void)unlink(server->path); /* the directory's lock is ours: whoever made it is dead */
    status = nng_stream_listener_set_int(listener, NNG_OPT_IPC_PERMISSIONS, OWNER_ONLY);
    if (status == 0) status = nng_stream_listener_listen(listener);
    if (status != 0) {
        nng_stream_listener_free(listener);
        return FAIL(CATEGORY_ENVIRONMENT, "%s: cannot listen there: %s", server->path, nng_strerror(status));
    }
    server->listening = true;
    struct replier_door door = {
        .admit = same_user, .peers = 1, .connections = COMMANDS_MAX, .requests = COMMANDS_MAX, .queued = COMMANDS_MAX};
    return replier_new(listener, &door, &server->replier);
}

struct result control_server_new(const char *directory, struct control_server **ret)
{
    struct control_server *server = calloc(1, sizeof *server);
    ENSURE(server, CATEGORY_ENVIRONMENT, "out of memory for a server");
    struct result result = listen_in(server, directory);
    if (!result_ok(result)) {
        control_server_free(server);
        return result;
    }
    *ret = server;
    return RESULT_OK;
}

void control_server_free(struct control_server *server)
{
    if (!server) return;
    replier_free(server->replier);
    if (server->listening) (void)unlink(server->path);
    free(server);
}

void control_server_freep(struct control_server **server)
{
    control_server_free(*server);
    *server = NULL;
}

struct result control_server_receive(struct control_server *server, int timeout_ms, struct control_request *ret,
                                     bool *ret_got)
{
    struct replier_request request;
    bool got;
    TRY(replier_receive(server->replier, timeout_ms, &request, &got));
    *ret_got = got;
    if (got) *ret = (struct control_request){request.id, request.bytes};
    return RESULT_OK;
}

void control_server_wake(struct control_server *server)
{
    replier_wake(server->replier);
}

struct result control_server_reply(struct control_server *server, uint64_t id, struct view bytes)
{
    return replier_reply(server->replier, id, bytes);
}

/* A socket that another user put there is not talked to; root may talk to anyone's daemon. */
static bool own_daemon(nng_stream *stream)
{
    return same_user(stream) || geteuid() == 0;
}

static void asker_freep(struct asker **asker)
{
    asker_free(*asker);
}

struct result control_request(const char *directory, struct view bytes, int timeout_ms, struct buffer *out)
{
    char path[FILE_PATH_MAX], address[NNG_MAXADDRLEN];
    TRY(address_of(directory, path, address));
    CLEANUP(asker_freep) struct asker *asker = NULL;
    struct asker_target target = {NULL, own_daemon};
    TRY(asker_new(address, &target, &asker));
    ENSURE(asker_reached(asker, timeout_ms), CATEGORY_ENVIRONMENT,
           "%s: no daemon of this user runs in this directory; start it first", directory);
    enum asker_end end = ASKER_NO_CONNECTION;
    TRY(result_at(asker_ask(asker, bytes, timeout_ms, out, &end), "%s: ", path));
    ENSURE(end == ASKER_ANSWERED, CATEGORY_ENVIRONMENT, "%s: the daemon gave no answer within %d ms; see its log", path,
           timeout_ms);
    return RESULT_OK;
}
