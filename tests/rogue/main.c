/* A member of the roster that misbehaves at the coordinator's door, for tests: it has a bank's own node key.
 *
 *   rogue NODE.yaml PORT lengths        frames of every length, up to and past the limit
 *   rogue NODE.yaml PORT garbage        after the handshake: inside TLS, and in its place
 *   rogue NODE.yaml PORT replay FILE    every request that FILE holds (member u32 ‖ length u32 ‖ bytes), whoever's it
 * was
 *
 * Exit 1 and a line when the coordinator does something else than it should.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/base/limits.h"
#include "node/bank.h"
#include "proto/run/service.h"
#include "sys/file.h"
#include "sys/frame.h"
#include "sys/link.h"

enum { PATIENCE_MS = 60000, PIECE = 16 << 10, FRAME_KIND = 5 };

static struct bank *bank;
static struct sockaddr_in address = {.sin_family = AF_INET};

static void must(bool condition, const char *what)
{
    if (condition) return;
    (void)fprintf(stderr, "rogue: %s\n", what);
    exit(1);
}

static void ok(struct result result, const char *what)
{
    if (!result_ok(result)) (void)fprintf(stderr, "rogue: %s\n", result_reason());
    must(result_ok(result), what);
}

/* One connection: a socket, a TLS session, what has come and is not yet taken. */
struct visit {
    int socket;
    struct tls_endpoint *endpoint;
    struct tls_session *session;
    struct buffer in;
    bool over;
};

static bool is_coordinator(void *context, const struct sign_public *peer)
{
    (void)context;
    return sign_public_equal(peer, &bank->roster.coordinator);
}

static void push_raw(struct visit *visit, const uint8_t *bytes, size_t length)
{
    for (size_t sent = 0; sent < length && !visit->over;) {
        ssize_t now = send(visit->socket, bytes + sent, length - sent, MSG_NOSIGNAL);
        visit->over = now <= 0;
        sent += now > 0 ? (size_t)now : 0;
    }
}

static void push(struct visit *visit)
{
    uint8_t bytes[PIECE];
    for (size_t length; (length = tls_session_output(visit->session, bytes, sizeof bytes)) > 0;)
        push_raw(visit, bytes, length);
}

/* Takes in what comes within so many milliseconds; false when nothing did. */
static bool pull(struct visit *visit, int wait_ms)
{
    uint8_t bytes[PIECE];
    struct pollfd ready = {.fd = visit->socket, .events = POLLIN};
    if (visit->over || poll(&ready, 1, wait_ms) <= 0) return false;
    ssize_t length = recv(visit->socket, bytes, sizeof bytes, 0);
    visit->over = length <= 0;
    if (length <= 0) return false;
    enum tls_state state = tls_session_take(visit->session, view_of(bytes, (size_t)length));
    if (state == TLS_OPEN) visit->over = !result_ok(tls_session_read(visit->session, &visit->in));
    visit->over |= state == TLS_FAILED;
    return true;
}

static void say(struct visit *visit, const void *bytes, size_t length)
{
    for (size_t at = 0; at < length && !visit->over; at += PIECE) {
        size_t piece = length - at < PIECE ? length - at : PIECE;
        ok(tls_session_write(visit->session, view_of((const uint8_t *)bytes + at, piece)), "encrypting");
        push(visit);
    }
}

/* The next message; false when the connection ends before it comes. */
static bool hear(struct visit *visit, struct frame *ret, struct buffer *bytes)
{
    for (;;) {
        struct view rest = buffer_view(&visit->in);
        bool got = false;
        ok(frame_take(&rest, ret, &got), "a frame of the coordinator's");
        if (got) {
            buffer_clear(bytes);
            ok(buffer_append(bytes, ret->bytes), "memory");
            ret->bytes = buffer_view(bytes);
            size_t left = rest.length;
            memmove(visit->in.data, rest.data, left);
            visit->in.length = left;
            return true;
        }
        if (!pull(visit, PATIENCE_MS)) return false;
    }
}

static void come(struct visit *visit)
{
    struct frame greeting;
    struct protocol_range settled = {0, 0};
    CLEANUP(buffer_done) struct buffer bytes = {0};
    *visit = (struct visit){.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    must(visit->socket >= 0 && connect(visit->socket, (struct sockaddr *)&address, sizeof address) == 0, "dialling");
    ok(tls_endpoint_new(bank->key, is_coordinator, NULL, &visit->endpoint), "TLS");
    ok(tls_session_new(visit->endpoint, false, &visit->session), "TLS");
    (void)tls_session_take(visit->session, (struct view){0});
    push(visit);
    while (!buffer_view(&visit->in).length) {
        must(pull(visit, PATIENCE_MS), "the handshake");
        push(visit);
    }
    must(hear(visit, &greeting, &bytes) && result_ok(protocol_parse(greeting.bytes, &settled)) &&
             settled.oldest == protocol_spoken.newest,
         "no greeting");
}

static void leave(struct visit *visit)
{
    (void)close(visit->socket);
    tls_session_free(visit->session);
    tls_endpoint_free(visit->endpoint);
    buffer_done(&visit->in);
}

/* A frame whose header says so many bytes, with as many behind it. */
static void say_frame(struct visit *visit, uint64_t number, size_t said, const uint8_t *bytes, size_t length)
{
    uint8_t header[FRAME_HEADER_BYTES];
    bytes_put_u32(header, (uint32_t)said);
    bytes_put_u64(header + 4, number);
    say(visit, header, sizeof header);
    say(visit, bytes, length);
}

static void must_be_gone(struct visit *visit, const char *what)
{
    while (pull(visit, PATIENCE_MS)) must(buffer_view(&visit->in).length == 0, what);
    must(visit->over, what);
}

/* Whether a true request is answered: the status of all runs. */
static void must_serve(struct visit *visit, uint64_t number)
{
    CLEANUP(buffer_done) struct buffer frame = {0};
    CLEANUP(buffer_done) struct buffer bytes = {0};
    struct frame reply;
    ok(service_frame_write(SERVICE_STATUS, NULL, (struct view){0}, &frame), "a request");
    say_frame(visit, number, frame.length, frame.data, frame.length);
    do must(hear(visit, &reply, &bytes), "no status: the connection ended");
    while (reply.number != number);
    must(reply.bytes.length > FRAME_KIND && reply.bytes.data[FRAME_KIND] == SERVICE_STATUS,
         "another reply than a status");
}

/* Every length around those that mean something, filled with what begins like a request of a run. */
static void lengths(void)
{
    static uint8_t bytes[MESSAGE_MAX];
    struct visit visit;
    uint64_t number = 1;
    CLEANUP(buffer_done) struct buffer frame = {0};
    CLEANUP(buffer_done) struct buffer reply_bytes = {0};
    ok(service_frame_write(SERVICE_RUN, NULL, (struct view){0}, &frame), "a frame");
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7);
    memcpy(bytes, frame.data, frame.length);
    come(&visit);
    for (size_t length = 0; length <= MESSAGE_MAX; length = length < 300 ? length + 1 : length * 2 - length % 2) {
        for (int around = -1; around <= 1; around++) {
            size_t said = length + (size_t)around;
            if ((length < 300 && around) || said > MESSAGE_MAX) continue;
            struct frame reply;
            say_frame(&visit, ++number, said, bytes, said);
            must(hear(&visit, &reply, &reply_bytes), "a frame within the limit ends the connection");
            must(reply.number == number && reply.bytes.length > FRAME_KIND &&
                     reply.bytes.data[FRAME_KIND] == SERVICE_ANSWER,
                 "a frame of no meaning is not refused");
        }
    }
    say_frame(&visit, ++number, MESSAGE_MAX, bytes, MESSAGE_MAX);
    must_serve(&visit, ++number);
    leave(&visit);
    const size_t beyond[] = {MESSAGE_MAX + 1, MESSAGE_MAX * 2, 1u << 31, UINT32_MAX - 12, UINT32_MAX};
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        come(&visit);
        say_frame(&visit, 1, beyond[i], bytes, 64);
        must_be_gone(&visit, "a frame over the limit is answered");
        leave(&visit);
    }
    come(&visit);
    say_frame(&visit, 1, 1000, bytes, 999); /* and then nothing: no reason to let others wait */
    struct visit other;
    come(&other);
    must_serve(&other, 2);
    leave(&other);
    leave(&visit);
    printf("%llu frames\n", (unsigned long long)number);
}

static void garbage(void)
{
    struct visit visit;
    uint8_t bytes[4096];
    uint32_t dice = 1;
    for (unsigned time = 0; time < 64; time++) {
        for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)((dice = dice * 1664525 + 1013904223) >> 24);
        bytes[0] |= 0x80; /* a length far over the limit, when it is read as one */
        come(&visit);
        if (time % 2)
            push_raw(&visit, bytes, sizeof bytes);
        else
            say(&visit, bytes, sizeof bytes);
        must_be_gone(&visit, "garbage is answered");
        leave(&visit);
    }
    come(&visit);
    must_serve(&visit, 1);
    leave(&visit);
    printf("64 times garbage\n");
}

static void replay(const char *path)
{
    struct visit visit;
    uint64_t number = 1;
    CLEANUP(buffer_done) struct buffer file = {0};
    ok(file_read(path, (size_t)1 << 30, &file), path);
    struct reader reader = reader_of(buffer_view(&file), path);
    come(&visit);
    while (reader.rest.length > 0) {
        uint32_t member = 0, length = 0;
        struct view bytes;
        ok(reader_u32(&reader, &member), path);
        ok(reader_u32(&reader, &length), path);
        ok(reader_take(&reader, length, &bytes), path);
        say_frame(&visit, ++number, bytes.length, bytes.data, bytes.length);
        if (number % 8 == 0) must_serve(&visit, ++number);
    }
    must_serve(&visit, ++number);
    leave(&visit);
    printf("%llu requests\n", (unsigned long long)number);
}

int main(int argc, char **argv)
{
    must(argc >= 4 && result_ok(crypto_start()), "usage: rogue NODE.yaml PORT lengths|garbage|replay FILE");
    (void)signal(SIGPIPE, SIG_IGN);
    ok(bank_load(argv[1], &bank), argv[1]);
    address.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (strcmp(argv[3], "lengths") == 0) lengths();
    if (strcmp(argv[3], "garbage") == 0) garbage();
    if (strcmp(argv[3], "replay") == 0 && argc == 5) replay(argv[4]);
    bank_free(bank);
    return 0;
}
