/* The control socket, which any program of the same user can open: any bytes on it, cut anywhere, once or on several
 * connections; after them a true request is still answered. The first byte says how the rest is cut. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/control.h"
#include "sys/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const unsigned fuzz_mutations;

const unsigned fuzz_mutations = 60;

enum { PATIENCE_MS = 60000, ANSWER_MOST = 64 };

static char directory[] = "/tmp/fuzz-control-XXXXXX";
static struct control_server *server;
static pthread_t thread;

static void must(bool condition, const char *what)
{
    if (condition) return;
    (void)fprintf(stderr, "%s: %s\n", what, result_reason());
    abort();
}

/* Answers with the length of the request. */
static void *serve(void *context)
{
    (void)context;
    for (;;) {
        struct control_request request = {0};
        bool got = false;
        must(result_ok(control_server_receive(server, -1, &request, &got)), "receiving");
        if (!got) return NULL;
        char answer[ANSWER_MOST];
        int length = snprintf(answer, sizeof answer, "%zu", request.bytes.length);
        buffer_done(&request.bytes);
        must(result_ok(control_server_reply(server, request.id, view_of(answer, (size_t)length))), "replying");
    }
}

static void stop(void)
{
    control_server_wake(server);
    (void)pthread_join(thread, NULL);
    control_server_free(server);
    (void)rmdir(directory);
}

static void start(void)
{
    must(mkdtemp(directory) != NULL, directory);
    must(result_ok(control_server_new(directory, &server)), "the server");
    must(pthread_create(&thread, NULL, serve, NULL) == 0, "a thread");
    (void)atexit(stop);
}

static int dial(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/control.sock", directory);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(descriptor >= 0 && connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0, "dialling");
    return descriptor;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!server) start();
    if (size < 1) return 0;
    size_t piece = 1 + data[0] % 32, pieces = 0;
    int descriptor = dial();
    for (size_t at = 1; at < size && pieces < 32; at += piece, pieces++) {
        size_t length = size - at < piece ? size - at : piece;
        if (pieces == 31) length = size - at;
        if (send(descriptor, data + at, length, MSG_NOSIGNAL) != (ssize_t)length) break; /* it was shown the door */
        if (data[0] & 0x80 && pieces == 4) {
            (void)close(descriptor);
            descriptor = dial();
        }
    }
    if (data[0] & 0x40) (void)shutdown(descriptor, SHUT_WR);
    CLEANUP(buffer_done) struct buffer answer = {0};
    must(result_ok(control_request(directory, view_of(data, size), PATIENCE_MS, &answer)), "a true request");
    must(answer.length > 0 && strtoul((const char *)answer.data, NULL, 10) == size, "its answer");
    (void)close(descriptor);
    return 0;
}
