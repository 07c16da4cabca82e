/* A link reads with one aio and writes with another; each is under way or not, and the link is freed when it has ended
 * and neither is. nng calls back on threads of its own, never inside a call of ours. */
#include "sys/link.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/base/checked.h"
#include "crypto/base/limits.h"
#include "sys/clock.h"
#include "sys/frame.h"

enum {
    READ_BYTES = 32 << 10,
    RECORD_BYTES = 16 << 10, /* what one TLS record carries */
    RECORD_ROOM = RECORD_BYTES + 256,
    WRITE_BYTES = 2 * RECORD_ROOM,
    KEPT_BYTES = 1 << 20, /* memory that an idle link keeps for its next message */
    SHAKE_TIMEOUT_MS = 10000,
    WRITE_TIMEOUT_MS = 60000, /* for a peer that takes nothing at all */
    UNREAD_MESSAGES_MAX = 8,  /* that a peer asked for and does not read */
};

struct link {
    struct link_set *set;
    struct link *next, **place;
    nng_stream *stream;
    struct tls_session *session;
    struct sign_public peer;
    nng_aio *read, *write;
    bool reading, writing, open, ended;
    unsigned entered; /* calls on this link that are not done with it */
    bool failing;     /* ends when what is to be sent (an alert, a refusal) has been */
    uint64_t shake_until_ms;
    struct buffer in;  /* received, decrypted, not yet a whole message */
    struct buffer out; /* framed, to be encrypted; the first `gone` bytes have been */
    size_t gone;
    size_t write_length; /* of write_bytes, on their way */
    uint8_t read_bytes[READ_BYTES];
    uint8_t write_bytes[WRITE_BYTES];
};

/* --- Ending ------------------------------------------------------------------------------------------------------- */

static void release(struct link *link)
{
    struct link_set *set = link->set;
    if (!link->ended || link->reading || link->writing || link->entered) return;
    *link->place = link->next;
    if (link->next) link->next->place = link->place;
    set->count--;
    /* This may be a callback of one of them, which may not free itself. */
    if (link->read) nng_aio_reap(link->read);
    if (link->write) nng_aio_reap(link->write);
    nng_stream_free(link->stream);
    tls_session_free(link->session);
    buffer_done(&link->in);
    buffer_done(&link->out);
    free(link);
    (void)pthread_cond_broadcast(&set->changed);
}

/* Between these two the link stays, even when what happens to it in between ends it. */
static void enter(struct link *link)
{
    link->entered++;
}

static void leave(struct link *link)
{
    link->entered--;
    release(link);
}

/* What is under way ends soon with an error, and the last of it releases the link. */
static void end(struct link *link)
{
    if (link->ended) return;
    link->ended = true;
    nng_stream_close(link->stream);
    link->set->events->closed(link->set->owner, link);
}

void link_end(struct link *link)
{
    enter(link);
    end(link);
    leave(link);
}

void link_end_after(struct link *link)
{
    link->failing = true;
}

/* --- Writing ------------------------------------------------------------------------------------------------------ */

static void forget_sent(struct link *link)
{
    if (link->gone < link->out.length) return;
    buffer_clear(&link->out);
    link->gone = 0;
    if (link->out.capacity > KEPT_BYTES) buffer_done(&link->out);
}

/* Fills write_bytes with what is to go to the peer; how much. */
static struct result fill(struct link *link, size_t *ret_length)
{
    size_t length = 0, left = link->out.length - link->gone;
    if (!link->session) {
        length = left < WRITE_BYTES ? left : WRITE_BYTES;
        if (length) memcpy(link->write_bytes, link->out.data + link->gone, length);
        link->gone += length;
    } else {
        length = tls_session_output(link->session, link->write_bytes, WRITE_BYTES);
        while (link->open && left > 0 && WRITE_BYTES - length >= RECORD_ROOM) {
            size_t piece = left < RECORD_BYTES ? left : RECORD_BYTES;
            TRY(tls_session_write(link->session, view_of(link->out.data + link->gone, piece)));
            link->gone += piece;
            left -= piece;
            length += tls_session_output(link->session, link->write_bytes + length, WRITE_BYTES - length);
        }
    }
    forget_sent(link);
    *ret_length = length;
    return RESULT_OK;
}

static void write_from(struct link *link, size_t offset)
{
    nng_iov piece = {link->write_bytes + offset, link->write_length - offset};
    memmove(link->write_bytes, piece.iov_buf, piece.iov_len);
    piece.iov_buf = link->write_bytes;
    link->write_length = piece.iov_len;
    (void)nng_aio_set_iov(link->write, 1, &piece);
    nng_aio_set_timeout(link->write, WRITE_TIMEOUT_MS);
    link->writing = true;
    nng_stream_send(link->stream, link->write);
}

/* Sends what there is, unless something is on its way already. */
static void pump(struct link *link)
{
    if (link->ended || link->writing) return;
    size_t length = 0;
    bool good = result_ok(fill(link, &length));
    if (!good || (length == 0 && link->failing)) {
        end(link);
    } else if (length > 0) {
        link->write_length = length;
        write_from(link, 0);
    }
}

static void written(void *argument)
{
    struct link *link = argument;
    struct link_set *set = link->set;
    int status = nng_aio_result(link->write);
    size_t count = nng_aio_count(link->write);
    (void)pthread_mutex_lock(&set->mutex);
    enter(link);
    link->writing = false;
    if (status != 0)
        end(link);
    else if (!link->ended && count < link->write_length)
        write_from(link, count);
    else
        pump(link);
    leave(link);
    (void)pthread_mutex_unlock(&set->mutex);
}

struct result link_send(struct link *link, uint64_t number, struct view bytes)
{
    ENSURE(bytes.length <= MESSAGE_MAX, CATEGORY_USAGE, "a message of %zu bytes is over the limit of %zu", bytes.length,
           MESSAGE_MAX);
    if (link->ended || link->failing) return RESULT_OK; /* its peer asks again over the next one */
    enter(link);
    if (result_ok(frame_write(&(struct frame){number, bytes}, &link->out)))
        pump(link);
    else /* it does not read what it asks for */
        end(link);
    leave(link);
    return RESULT_OK;
}

/* --- Reading ------------------------------------------------------------------------------------------------------ */

static void read_on(struct link *link)
{
    if (link->ended || link->reading || link->failing) return;
    if (link->open && !link->set->events->hungry(link->set->owner, link)) return;
    nng_duration timeout = NNG_DURATION_INFINITE;
    if (!link->open) {
        uint64_t now = clock_monotonic_ms();
        timeout = now < link->shake_until_ms ? (nng_duration)(link->shake_until_ms - now) : 1;
    }
    nng_iov room = {link->read_bytes, READ_BYTES};
    (void)nng_aio_set_iov(link->read, 1, &room);
    nng_aio_set_timeout(link->read, timeout);
    link->reading = true;
    nng_stream_recv(link->stream, link->read);
}

/* Hands on the whole messages that have come, as long as the owner is hungry. */
static void deliver(struct link *link)
{
    const struct link_events *events = link->set->events;
    void *owner = link->set->owner;
    struct view rest = buffer_view(&link->in);
    while (!link->ended && !link->failing && events->hungry(owner, link)) {
        struct frame frame;
        bool got;
        if (!result_ok(frame_take(&rest, &frame, &got))) {
            end(link);
            return;
        }
        if (!got) break;
        events->message(owner, link, frame.number, frame.bytes);
    }
    if (rest.length == link->in.length) return;
    memmove(link->in.data, rest.data, rest.length);
    link->in.length = rest.length;
    if (link->in.length == 0 && link->in.capacity > KEPT_BYTES) buffer_done(&link->in);
}

static void open_link(struct link *link)
{
    link->open = true;
    if (link->session) link->peer = *tls_session_peer(link->session);
    link->set->events->opened(link->set->owner, link);
}

/* Bytes from the peer, none at the very start. */
static struct result take(struct link *link, struct view bytes)
{
    if (!link->session) {
        if (!link->open) open_link(link);
        return buffer_append(&link->in, bytes);
    }
    enum tls_state state = tls_session_take(link->session, bytes);
    if (state == TLS_FAILED) link->failing = true;
    if (state != TLS_OPEN) return RESULT_OK;
    if (!link->open) open_link(link);
    return tls_session_read(link->session, &link->in);
}

static void take_and_go_on(struct link *link, struct view bytes)
{
    if (result_ok(take(link, bytes)))
        deliver(link);
    else
        end(link);
    pump(link);
    read_on(link);
}

static void have_read(void *argument)
{
    struct link *link = argument;
    struct link_set *set = link->set;
    int status = nng_aio_result(link->read);
    size_t count = nng_aio_count(link->read);
    (void)pthread_mutex_lock(&set->mutex);
    enter(link);
    link->reading = false;
    if (status != 0)
        end(link);
    else if (!link->ended)
        take_and_go_on(link, view_of(link->read_bytes, count));
    leave(link);
    (void)pthread_mutex_unlock(&set->mutex);
}

/* --- A link ------------------------------------------------------------------------------------------------------- */

struct result link_new(struct link_set *set, nng_stream *take_stream, struct tls_session *take_session)
{
    struct link *link = calloc(1, sizeof *link);
    if (!link || set->closing || nng_aio_alloc(&link->read, have_read, link) != 0 ||
        nng_aio_alloc(&link->write, written, link) != 0) {
        if (link && link->read) nng_aio_free(link->read);
        free(link);
        nng_stream_free(take_stream);
        tls_session_free(take_session);
        return FAIL(CATEGORY_ENVIRONMENT, "no room for a connection");
    }
    link->set = set;
    link->stream = take_stream;
    link->session = take_session;
    link->in.limit = MESSAGE_MAX + FRAME_HEADER_BYTES + 2 * (size_t)READ_BYTES;
    link->out.limit = UNREAD_MESSAGES_MAX * (MESSAGE_MAX + FRAME_HEADER_BYTES);
    link->shake_until_ms = clock_monotonic_ms() + SHAKE_TIMEOUT_MS;
    link->next = set->first;
    link->place = &set->first;
    if (link->next) link->next->place = &link->next;
    set->first = link;
    set->count++;
    enter(link);
    take_and_go_on(link, view_of("", 0));
    leave(link);
    return RESULT_OK;
}

bool link_is_open(const struct link *link)
{
    return link->open && !link->ended;
}

bool link_is_shaking(const struct link *link)
{
    return !link->open && !link->ended;
}

const struct sign_public *link_peer(const struct link *link)
{
    return &link->peer;
}

unsigned link_version(const struct link *link)
{
    return link->session ? tls_session_version(link->session) : 1;
}

struct protocol_range link_offered(const struct link *link)
{
    return link->session ? tls_session_offered(link->session) : (struct protocol_range){1, 1};
}

nng_stream *link_stream(const struct link *link)
{
    return link->stream;
}

struct link *link_next(const struct link *link)
{
    return link->next;
}

/* --- A set -------------------------------------------------------------------------------------------------------- */

void link_set_init(struct link_set *set, const struct link_events *events, void *owner)
{
    *set = (struct link_set){.events = events, .owner = owner};
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&set->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    (void)pthread_mutex_init(&set->mutex, NULL);
}

void link_set_close(struct link_set *set)
{
    (void)pthread_mutex_lock(&set->mutex);
    set->closing = true;
    for (struct link *link = set->first, *next; link; link = next) {
        next = link->next;
        link_end(link);
    }
    while (set->count > 0) (void)pthread_cond_wait(&set->changed, &set->mutex);
    (void)pthread_mutex_unlock(&set->mutex);
}

void link_set_done(struct link_set *set)
{
    (void)pthread_cond_destroy(&set->changed);
    (void)pthread_mutex_destroy(&set->mutex);
}

void link_set_resume(struct link_set *set)
{
    for (struct link *link = set->first, *next; link; link = next) {
        next = link->next;
        if (link->ended || link->reading || !link->open) continue;
        enter(link);
        deliver(link);
        read_on(link);
        leave(link);
    }
}
