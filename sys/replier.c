#include "sys/replier.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "crypto/base/limits.h"
#include "sys/clock.h"

enum {
    QUEUED_MAX = 16,       /* requests that the daemon has not taken: 16 messages of memory */
    STRANGERS_MAX = 256,   /* connections whose handshake is not done: all members may dial at once */
    ACCEPT_PAUSE_MS = 200, /* when the process has no descriptors left */
};

/* A request from its arrival to its answer; the list is in order of arrival, and so are they taken. */
struct held {
    struct held *next;
    struct link *link;
    uint64_t id, number; /* ours; its sender's */
    struct sign_public peer;
    bool taken;
    struct buffer bytes; /* until taken */
};

struct replier {
    struct link_set links; /* its mutex guards all of this */
    struct replier_door door;
    nng_stream_listener *listener;
    nng_aio *accept;
    bool pausing;
    int event; /* eventfd: something was queued, or wake was called */
    atomic_bool woken;
    struct held *first, **last;
    struct held *waiting; /* the first that is not taken; none after it is, either */
    unsigned queued;      /* not taken */
    bool roomier;         /* what was queued is gone untaken: links that stopped reading may go on */
    uint64_t ids_given;
    struct traffic traffic;
};

static void signal_event(const struct replier *replier)
{
    uint64_t one = 1;
    ssize_t written = write(replier->event, &one, sizeof one); /* full means signalled */
    (void)written;
}

/* --- Requests; the mutex is held ---------------------------------------------------------------------------------- */

static void drop(struct replier *replier, struct held **place)
{
    struct held *held = *place;
    *place = held->next;
    if (replier->waiting == held) replier->waiting = held->next;
    if (!held->next) replier->last = place;
    if (!held->taken) {
        replier->queued--;
        replier->roomier = true;
    }
    buffer_done(&held->bytes);
    free(held);
}

static void drop_beyond_limit(struct replier *replier, const struct sign_public *peer)
{
    unsigned count = 0;
    struct held **oldest = NULL;
    for (struct held **place = &replier->first; *place; place = &(*place)->next) {
        if (!sign_public_equal(&(*place)->peer, peer)) continue;
        if (count++ == 0) oldest = place;
    }
    if (count > replier->door.requests) drop(replier, oldest);
}

static void on_message(void *owner, struct link *link, uint64_t number, struct view bytes)
{
    struct replier *replier = owner;
    struct held *held = calloc(1, sizeof *held);
    if (!held || !result_ok(buffer_append(&held->bytes, bytes))) { /* no memory for it now: its sender asks again */
        free(held);
        link_end(link);
        return;
    }
    held->link = link;
    held->id = ++replier->ids_given;
    held->number = number;
    replier->traffic.messages_in++;
    replier->traffic.bytes_in += bytes.length;
    held->peer = *link_peer(link);
    *replier->last = held;
    replier->last = &held->next;
    if (!replier->waiting) replier->waiting = held;
    replier->queued++;
    drop_beyond_limit(replier, &held->peer);
    signal_event(replier);
}

/* With what both settled on, or what this side speaks. Without memory for it its dialer dials again. */
static void greet(struct link *link)
{
    CLEANUP(buffer_done) struct buffer greeting = {0};
    unsigned version = link_version(link);
    struct protocol_range settled = {version, version};
    bool good = result_ok(protocol_name(version ? settled : protocol_spoken, &greeting)) &&
                result_ok(link_send(link, 0, buffer_view(&greeting)));
    if (!good)
        link_end(link);
    else if (!version)
        link_end_after(link);
}

/* A peer that dials again has no more use for its oldest connection. */
static void on_opened(void *owner, struct link *link)
{
    struct replier *replier = owner;
    unsigned count = 0;
    struct link *oldest = NULL; /* the set's order is newest first */
    for (struct link *other = replier->links.first; other; other = link_next(other)) {
        if (!link_is_open(other) || !sign_public_equal(link_peer(other), link_peer(link))) continue;
        count++;
        oldest = other;
    }
    if (count > replier->door.connections && oldest != link) link_end(oldest);
    if (replier->door.met) replier->door.met(replier->door.context, link_peer(link), link_offered(link));
    greet(link);
}

static void on_closed(void *owner, struct link *link)
{
    struct replier *replier = owner;
    for (struct held **place = &replier->first; *place;) {
        if ((*place)->link == link)
            drop(replier, place);
        else
            place = &(*place)->next;
    }
    if (replier->roomier) signal_event(replier); /* take() lets the others go on */
}

/* One peer that asks as fast as it can takes its share of the queue, and waits like the others. */
static bool is_hungry(const void *owner, const struct link *link)
{
    const struct replier *replier = owner;
    unsigned own = 0;
    if (replier->queued >= QUEUED_MAX) return false;
    for (const struct held *held = replier->waiting; held; held = held->next)
        own += sign_public_equal(&held->peer, link_peer(link));
    return own < replier->door.queued;
}

static const struct link_events events = {on_opened, on_message, on_closed, is_hungry};

/* --- Connections -------------------------------------------------------------------------------------------------- */

/* Room for another one: members are limited as members, the others by their number. Of too many whose handshake is not
 * done the oldest gives way: a member's takes a moment, and who only holds a connection must not keep it out. */
static bool make_room(struct replier *replier)
{
    unsigned strangers = 0;
    struct link *oldest = NULL; /* the set's order is newest first */
    for (struct link *link = replier->links.first; link; link = link_next(link)) {
        if (!link_is_shaking(link)) continue;
        strangers++;
        oldest = link;
    }
    if (strangers >= STRANGERS_MAX) link_end(oldest);
    return replier->links.count < (size_t)replier->door.peers * replier->door.connections + 2 * STRANGERS_MAX;
}

static void accept_stream(struct replier *replier, nng_stream *stream)
{
    struct tls_session *session = NULL;
    bool good = make_room(replier) && replier->door.admit(stream) &&
                (!replier->door.endpoint || result_ok(tls_session_new(replier->door.endpoint, true, &session)));
    if (good)
        (void)link_new(&replier->links, stream, session).category; /* without memory its dialer dials again */
    else
        nng_stream_free(stream);
}

static void accepted(void *argument)
{
    struct replier *replier = argument;
    int status = nng_aio_result(replier->accept);
    (void)pthread_mutex_lock(&replier->links.mutex);
    bool paused = replier->pausing;
    if (status == 0 && !paused) accept_stream(replier, nng_aio_get_output(replier->accept, 0));
    replier->pausing = status != 0 && !paused;
    bool stopping = replier->links.closing || status == NNG_ECLOSED;
    if (!stopping && replier->pausing)
        nng_sleep_aio(ACCEPT_PAUSE_MS, replier->accept);
    else if (!stopping)
        nng_stream_listener_accept(replier->listener, replier->accept);
    (void)pthread_mutex_unlock(&replier->links.mutex);
}

/* --- The daemon's side -------------------------------------------------------------------------------------------- */

static struct result start(struct replier *replier)
{
    replier->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ENSURE(replier->event >= 0, CATEGORY_ENVIRONMENT, "no event descriptor: %s", strerror(errno));
    int status = nng_aio_alloc(&replier->accept, accepted, replier);
    ENSURE(status == 0, CATEGORY_ENVIRONMENT, "out of memory for a server");
    nng_stream_listener_accept(replier->listener, replier->accept);
    return RESULT_OK;
}

struct result replier_new(nng_stream_listener *take_listener, const struct replier_door *door, struct replier **ret)
{
    struct replier *replier = calloc(1, sizeof *replier);
    if (!replier) {
        nng_stream_listener_free(take_listener);
        return FAIL(CATEGORY_ENVIRONMENT, "out of memory for a server");
    }
    link_set_init(&replier->links, &events, replier);
    replier->door = *door;
    replier->listener = take_listener;
    replier->last = &replier->first;
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
    link_set_close(&replier->links); /* from here on no stream becomes a link */
    nng_stream_listener_close(replier->listener);
    if (replier->accept) {
        nng_aio_stop(replier->accept);
        nng_aio_free(replier->accept);
    }
    nng_stream_listener_free(replier->listener);
    while (replier->first) drop(replier, &replier->first);
    if (replier->event >= 0) (void)close(replier->event);
    link_set_done(&replier->links);
    free(replier);
}

nng_stream_listener *replier_listener(const struct replier *replier)
{
    return replier->listener;
}

/* The oldest request in the queue becomes parked; its bytes are the caller's. Where room came about, links read on. */
static bool take(struct replier *replier, struct replier_request *ret)
{
    (void)pthread_mutex_lock(&replier->links.mutex);
    struct held *held = replier->waiting;
    if (held) {
        replier->waiting = held->next;
        *ret = (struct replier_request){held->id, held->peer, held->bytes};
        held->bytes = (struct buffer){0};
        held->taken = true;
        replier->queued--;
        replier->roomier = true;
    }
    bool roomier = replier->roomier;
    replier->roomier = false;
    if (roomier) link_set_resume(&replier->links);
    (void)pthread_mutex_unlock(&replier->links.mutex);
    return held != NULL;
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
        if (take(replier, ret)) {
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

static struct held **find(struct replier *replier, uint64_t id)
{
    struct held **place = &replier->first;
    while (*place && (*place)->id != id) place = &(*place)->next;
    return place;
}

static struct result reply(struct replier *replier, uint64_t id, struct view bytes)
{
    ENSURE(bytes.length <= MESSAGE_MAX, CATEGORY_USAGE, "a message of %zu bytes is over the limit of %zu", bytes.length,
           MESSAGE_MAX);
    const struct held *held = *find(replier, id);
    if (!held || !held->taken) return RESULT_OK;
    TRY(link_send(held->link, held->number, bytes));
    replier->traffic.messages_out++;
    replier->traffic.bytes_out += bytes.length;
    struct held **place = find(replier, id); /* sending may have ended the link, and dropped what came over it */
    if (*place) drop(replier, place);
    return RESULT_OK;
}

struct result replier_reply(struct replier *replier, uint64_t id, struct view bytes)
{
    (void)pthread_mutex_lock(&replier->links.mutex);
    struct result result = reply(replier, id, bytes);
    (void)pthread_mutex_unlock(&replier->links.mutex);
    return result;
}

struct traffic replier_traffic(struct replier *replier)
{
    (void)pthread_mutex_lock(&replier->links.mutex);
    struct traffic traffic = replier->traffic;
    (void)pthread_mutex_unlock(&replier->links.mutex);
    return traffic;
}

/* Whether a newer connection is of the same peer. */
static bool is_again(const struct replier *replier, const struct link *link)
{
    for (const struct link *other = replier->links.first; other != link; other = link_next(other))
        if (link_is_open(other) && sign_public_equal(link_peer(other), link_peer(link))) return true;
    return false;
}

unsigned replier_peers(struct replier *replier)
{
    unsigned peers = 0;
    (void)pthread_mutex_lock(&replier->links.mutex);
    for (const struct link *link = replier->links.first; link; link = link_next(link))
        peers += link_is_open(link) && !is_again(replier, link);
    (void)pthread_mutex_unlock(&replier->links.mutex);
    return peers;
}

bool replier_has(struct replier *replier, const struct sign_public *peer)
{
    bool has = false;
    (void)pthread_mutex_lock(&replier->links.mutex);
    for (const struct link *link = replier->links.first; link && !has; link = link_next(link))
        has = link_is_open(link) && sign_public_equal(link_peer(link), peer);
    (void)pthread_mutex_unlock(&replier->links.mutex);
    return has;
}
