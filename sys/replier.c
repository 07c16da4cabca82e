/* A slot is an nng context with its aio, and one request at a time goes through it:
 *
 *   IDLE -> LISTENING -> QUEUED -> PARKED -> ANSWERING -> IDLE
 *
 * The aio's callback moves LISTENING on and ends ANSWERING; the daemon's thread does the rest. A request whose
 * connection is gone, or that is the oldest of too many of one peer, falls back to IDLE: its context is simply told to
 * listen again. Our mutex is taken before nng's locks and never in a callback that holds one.
 */
#include "sys/replier.h"

#include <errno.h>
#include <nng/protocol/reqrep0/rep.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "crypto/base/limits.h"
#include "sys/clock.h"

enum {
    LISTENING_MAX = 16,         /* requests taken from nng and not yet by the daemon: 16 messages of memory */
    ANSWER_TIMEOUT_MS = 300000, /* for a peer that does not read what it asked for */
    FRAMING_MAX = 64,           /* nng's own header in front of a message */
};

enum phase { IDLE, LISTENING, QUEUED, PARKED, ANSWERING, CLOSED };

struct slot {
    struct replier *replier;
    nng_ctx ctx;
    nng_aio *aio;
    enum phase phase;
    uint64_t id; /* of the request; ids grow, so the least is the oldest */
    uint32_t pipe;
    struct sign_public peer;
    nng_msg *message; /* while QUEUED */
};

struct connection {
    uint32_t pipe;
    struct sign_public peer;
};

struct replier {
    replier_admit *admit;
    void *context;
    unsigned per_peer; /* requests, and connections */
    size_t slots_max;
    nng_socket socket;
    bool open;
    int event; /* eventfd: something was queued, or wake was called */
    atomic_bool woken;
    pthread_mutex_t mutex; /* guards what follows */
    struct slot **slots;
    size_t slot_count, slot_room;
    unsigned waiting; /* LISTENING or QUEUED */
    uint64_t ids_given;
    struct connection *connections; /* oldest first */
    size_t connection_count, connection_room;
};

static void signal_event(const struct replier *replier)
{
    uint64_t one = 1;
    ssize_t written = write(replier->event, &one, sizeof one); /* full means signalled */
    (void)written;
}

/* --- Slots; the mutex is held ------------------------------------------------------------------------------------- */

static void slot_called(void *argument);

static struct slot *slot_new(struct replier *replier)
{
    struct slot *slot = calloc(1, sizeof *slot);
    if (!slot) return NULL;
    slot->replier = replier;
    if (nng_aio_alloc(&slot->aio, slot_called, slot) != 0) {
        free(slot);
        return NULL;
    }
    if (nng_ctx_open(&slot->ctx, replier->socket) != 0) {
        nng_aio_free(slot->aio);
        free(slot);
        return NULL;
    }
    return slot;
}

/* Room for one more element in an array that doubles. */
static bool grow(void **array, size_t count, size_t *room, size_t size)
{
    if (count < *room) return true;
    size_t more = *room ? 2 * *room : 16;
    void *larger = realloc(*array, more * size);
    if (!larger) return false;
    *array = larger;
    *room = more;
    return true;
}

static struct slot *slot_idle(struct replier *replier)
{
    for (size_t i = 0; i < replier->slot_count; i++)
        if (replier->slots[i]->phase == IDLE) return replier->slots[i];
    if (replier->slot_count == replier->slots_max) return NULL;
    if (!grow((void **)&replier->slots, replier->slot_count, &replier->slot_room, sizeof(struct slot *))) return NULL;
    struct slot *slot = slot_new(replier);
    if (slot) replier->slots[replier->slot_count++] = slot;
    return slot;
}

/* Lets contexts listen, but for no more than the daemon soon takes. */
static void listen_on(struct replier *replier)
{
    while (replier->open && replier->waiting < LISTENING_MAX) {
        struct slot *slot = slot_idle(replier);
        if (!slot) return;
        slot->phase = LISTENING;
        replier->waiting++;
        nng_aio_set_timeout(slot->aio, NNG_DURATION_INFINITE);
        nng_ctx_recv(slot->ctx, slot->aio);
    }
}

static void drop(struct replier *replier, struct slot *slot)
{
    if (slot->phase == ANSWERING) {
        nng_aio_cancel(slot->aio); /* its callback makes the slot idle */
        return;
    }
    if (slot->phase == QUEUED) replier->waiting--;
    nng_msg_free(slot->message);
    slot->message = NULL;
    slot->phase = IDLE;
}

static bool holds_request(const struct slot *slot)
{
    return slot->phase == QUEUED || slot->phase == PARKED || slot->phase == ANSWERING;
}

static void drop_beyond_limit(struct replier *replier, const struct sign_public *peer)
{
    unsigned count = 0;
    struct slot *oldest = NULL;
    for (size_t i = 0; i < replier->slot_count; i++) {
        struct slot *slot = replier->slots[i];
        if (!holds_request(slot) || !sign_public_equal(&slot->peer, peer)) continue;
        count++;
        if (!oldest || slot->id < oldest->id) oldest = slot;
    }
    if (count > replier->per_peer) drop(replier, oldest);
}

static const struct connection *connection_of(const struct replier *replier, uint32_t pipe)
{
    for (size_t i = 0; i < replier->connection_count; i++)
        if (replier->connections[i].pipe == pipe) return &replier->connections[i];
    return NULL;
}

static void queue(struct replier *replier, struct slot *slot, nng_msg *message)
{
    uint32_t pipe = (uint32_t)nng_pipe_id(nng_msg_get_pipe(message));
    const struct connection *connection = connection_of(replier, pipe);
    if (!connection) { /* gone in the meantime: nobody could be answered */
        nng_msg_free(message);
        slot->phase = IDLE;
        replier->waiting--;
        return;
    }
    slot->phase = QUEUED;
    slot->id = ++replier->ids_given;
    slot->pipe = pipe;
    slot->peer = connection->peer;
    slot->message = message;
    drop_beyond_limit(replier, &slot->peer);
    signal_event(replier);
}

static void slot_called(void *argument)
{
    struct slot *slot = argument;
    struct replier *replier = slot->replier;
    int status = nng_aio_result(slot->aio);
    (void)pthread_mutex_lock(&replier->mutex);
    if (slot->phase == LISTENING && status == 0) {
        queue(replier, slot, nng_aio_get_msg(slot->aio));
    } else {
        if (slot->phase == LISTENING) replier->waiting--;
        if (slot->phase == ANSWERING && status != 0) nng_msg_free(nng_aio_get_msg(slot->aio));
        slot->phase = status == NNG_ECLOSED ? CLOSED : IDLE;
    }
    listen_on(replier);
    (void)pthread_mutex_unlock(&replier->mutex);
}

/* --- Connections -------------------------------------------------------------------------------------------------- */

/* Adds a connection; gives back the peer's oldest when it has too many, which a peer that redials has no more use for.
 */
static bool connect_peer(struct replier *replier, uint32_t pipe, const struct sign_public *peer, uint32_t *ret_surplus)
{
    if (!grow((void **)&replier->connections, replier->connection_count, &replier->connection_room,
              sizeof *replier->connections))
        return false;
    unsigned count = 0;
    uint32_t oldest = 0;
    for (size_t i = 0; i < replier->connection_count; i++) {
        if (!sign_public_equal(&replier->connections[i].peer, peer)) continue;
        if (count++ == 0) oldest = replier->connections[i].pipe;
    }
    replier->connections[replier->connection_count++] = (struct connection){pipe, *peer};
    *ret_surplus = count >= replier->per_peer ? oldest : 0;
    return true;
}

static void pipe_added(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
    struct replier *replier = argument;
    (void)event;
    struct sign_public peer = {0};
    uint32_t surplus = 0;
    bool admitted = replier->admit(replier->context, pipe, &peer);
    if (admitted) {
        (void)pthread_mutex_lock(&replier->mutex);
        admitted = connect_peer(replier, (uint32_t)nng_pipe_id(pipe), &peer, &surplus);
        (void)pthread_mutex_unlock(&replier->mutex);
    }
    if (!admitted) (void)nng_pipe_close(pipe);
    if (surplus) (void)nng_pipe_close((nng_pipe){.id = surplus});
}

static void pipe_removed(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
    struct replier *replier = argument;
    (void)event;
    uint32_t id = (uint32_t)nng_pipe_id(pipe);
    (void)pthread_mutex_lock(&replier->mutex);
    for (size_t i = 0; i < replier->connection_count; i++) {
        if (replier->connections[i].pipe != id) continue;
        size_t after = --replier->connection_count - i;
        memmove(&replier->connections[i], &replier->connections[i + 1], after * sizeof *replier->connections);
        break;
    }
    for (size_t i = 0; i < replier->slot_count; i++)
        if (holds_request(replier->slots[i]) && replier->slots[i]->pipe == id) drop(replier, replier->slots[i]);
    listen_on(replier);
    (void)pthread_mutex_unlock(&replier->mutex);
}

/* --- The daemon's side -------------------------------------------------------------------------------------------- */

static struct result start(struct replier *replier)
{
    replier->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ENSURE(replier->event >= 0, CATEGORY_ENVIRONMENT, "no event descriptor: %s", strerror(errno));
    int status = nng_rep0_open(&replier->socket);
    ENSURE(status == 0, CATEGORY_ENVIRONMENT, "no socket: %s", nng_strerror(status));
    replier->open = true;
    status = nng_socket_set_size(replier->socket, NNG_OPT_RECVMAXSZ, MESSAGE_MAX + FRAMING_MAX);
    if (status == 0) status = nng_pipe_notify(replier->socket, NNG_PIPE_EV_ADD_PRE, pipe_added, replier);
    if (status == 0) status = nng_pipe_notify(replier->socket, NNG_PIPE_EV_REM_POST, pipe_removed, replier);
    ENSURE(status == 0, CATEGORY_ENVIRONMENT, "no socket: %s", nng_strerror(status));
    (void)pthread_mutex_lock(&replier->mutex);
    listen_on(replier);
    bool listening = replier->waiting > 0;
    (void)pthread_mutex_unlock(&replier->mutex);
    ENSURE(listening, CATEGORY_ENVIRONMENT, "out of memory for requests");
    return RESULT_OK;
}

struct result replier_new(replier_admit *admit, void *context, unsigned peers, unsigned per_peer, struct replier **ret)
{
    struct replier *replier = calloc(1, sizeof *replier);
    ENSURE(replier, CATEGORY_ENVIRONMENT, "out of memory for a server");
    replier->admit = admit;
    replier->context = context;
    replier->per_peer = per_peer;
    replier->slots_max = (size_t)peers * per_peer + LISTENING_MAX;
    replier->event = -1;
    (void)pthread_mutex_init(&replier->mutex, NULL);
    struct result result = start(replier);
    if (!result_ok(result)) {
        replier_free(replier);
        return result;
    }
    *ret = replier;
    return RESULT_OK;
}

void replier_free(struct replier *replier)
{
    if (!replier) return;
    (void)pthread_mutex_lock(&replier->mutex);
    bool open = replier->open;
    replier->open = false;
    (void)pthread_mutex_unlock(&replier->mutex);
    if (open) (void)nng_close(replier->socket); /* ends every aio and every connection */
    for (size_t i = 0; i < replier->slot_count; i++) {
        nng_aio_free(replier->slots[i]->aio); /* waits for its callback */
        nng_msg_free(replier->slots[i]->message);
        free(replier->slots[i]);
    }
    free(replier->slots);
    free(replier->connections);
    if (replier->event >= 0) (void)close(replier->event);
    (void)pthread_mutex_destroy(&replier->mutex);
    free(replier);
}

nng_socket replier_socket(const struct replier *replier)
{
    return replier->socket;
}

/* The oldest request in the queue becomes parked; its message is the caller's. NULL when there is none. */
static nng_msg *take(struct replier *replier, struct replier_request *ret)
{
    nng_msg *message = NULL;
    struct slot *first = NULL;
    (void)pthread_mutex_lock(&replier->mutex);
    for (size_t i = 0; i < replier->slot_count; i++) {
        struct slot *slot = replier->slots[i];
        if (slot->phase == QUEUED && (!first || slot->id < first->id)) first = slot;
    }
    if (first) {
        message = first->message;
        first->message = NULL;
        first->phase = PARKED;
        replier->waiting--;
        ret->id = first->id;
        ret->peer = first->peer;
        listen_on(replier);
    }
    (void)pthread_mutex_unlock(&replier->mutex);
    return message;
}

/* Milliseconds for poll() until the deadline. */
static int remaining(int timeout_ms, uint64_t started)
{
    if (timeout_ms < 0) return -1;
    uint64_t passed = clock_monotonic_ms() - started;
    return passed >= (uint64_t)timeout_ms ? 0 : (int)((uint64_t)timeout_ms - passed);
}

struct result replier_receive(struct replier *replier, int timeout_ms, struct replier_request *ret, bool *ret_got)
{
    uint64_t started = clock_monotonic_ms();
    for (bool last = false;;) {
        uint64_t count;
        ssize_t cleared = read(replier->event, &count, sizeof count); /* before looking: nothing is missed */
        (void)cleared;
        struct replier_request request = {0};
        nng_msg *message = take(replier, &request);
        if (message) {
            struct result result = buffer_append(&request.bytes, view_of(nng_msg_body(message), nng_msg_len(message)));
            nng_msg_free(message);
            TRY(result);
            *ret = request;
            *ret_got = true;
            return RESULT_OK;
        }
        if (last || atomic_exchange(&replier->woken, false)) {
            *ret_got = false;
            return RESULT_OK;
        }
        struct pollfd wait = {.fd = replier->event, .events = POLLIN};
        int left = remaining(timeout_ms, started);
        int ready = poll(&wait, 1, left);
        ENSURE(ready >= 0 || errno == EINTR, CATEGORY_ENVIRONMENT, "waiting for requests failed: %s", strerror(errno));
        last = ready == 0;
    }
}

void replier_wake(struct replier *replier)
{
    int before = errno;
    atomic_store(&replier->woken, true);
    signal_event(replier);
    errno = before;
}

struct result replier_message(struct view bytes, nng_msg **ret)
{
    ENSURE(bytes.length <= MESSAGE_MAX, CATEGORY_USAGE, "a message of %zu bytes is over the limit of %zu", bytes.length,
           MESSAGE_MAX);
    nng_msg *message;
    ENSURE(nng_msg_alloc(&message, bytes.length) == 0, CATEGORY_ENVIRONMENT, "out of memory for a message of %zu bytes",
           bytes.length);
    if (bytes.length) memcpy(nng_msg_body(message), bytes.data, bytes.length);
    *ret = message;
    return RESULT_OK;
}

struct result replier_reply(struct replier *replier, uint64_t id, struct view bytes)
{
    nng_msg *message;
    TRY(replier_message(bytes, &message));
    (void)pthread_mutex_lock(&replier->mutex);
    struct slot *slot = NULL;
    for (size_t i = 0; i < replier->slot_count && !slot; i++)
        if (replier->slots[i]->phase == PARKED && replier->slots[i]->id == id) slot = replier->slots[i];
    if (slot) {
        slot->phase = ANSWERING;
        nng_aio_set_msg(slot->aio, message);
        nng_aio_set_timeout(slot->aio, ANSWER_TIMEOUT_MS);
        nng_ctx_send(slot->ctx, slot->aio);
    }
    (void)pthread_mutex_unlock(&replier->mutex);
    if (!slot) nng_msg_free(message);
    return RESULT_OK;
}
