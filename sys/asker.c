#include "sys/asker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/base/limits.h"
#include "sys/clock.h"

enum {
    REDIAL_FIRST_MS = 50, /* then twice as long each time */
    REDIAL_MAX_MS = 2000,
    DIAL_TIMEOUT_MS = 10000,
};

/* A request under way, on its thread's stack. */
struct asking {
    struct asking *next;
    uint64_t number;
    struct view bytes;
    struct buffer *out;
    bool answered, failed; /* failed: no memory for it */
};

struct asker {
    struct link_set links; /* its mutex guards all of this; there is one link, or none */
    struct asker_target target;
    nng_stream_dialer *dialer;
    nng_aio *dial;      /* dials, or waits before the next time */
    bool dial_started;  /* the aio is under way */
    bool waiting;       /* it waits */
    unsigned redial_ms; /* before the next time */
    unsigned attempts;  /* that have ended */
    struct link *link;  /* greeted; requests go over it */
    struct asking *asking;
    uint64_t numbers_given, answered_ms;
    bool interrupted;
    struct asker_trouble trouble;
};

/* --- Dialling; the mutex is held ---------------------------------------------------------------------------------- */

static void dial(struct asker *asker)
{
    asker->waiting = false;
    asker->dial_started = true;
    nng_aio_set_timeout(asker->dial, DIAL_TIMEOUT_MS);
    nng_stream_dialer_dial(asker->dialer, asker->dial);
}

static void dial_later(struct asker *asker)
{
    if (asker->links.closing || asker->dial_started) return;
    asker->waiting = true;
    asker->dial_started = true;
    nng_aio_set_timeout(asker->dial, NNG_DURATION_INFINITE);
    nng_sleep_aio((nng_duration)asker->redial_ms, asker->dial);
    asker->redial_ms = asker->redial_ms * 2 < REDIAL_MAX_MS ? asker->redial_ms * 2 : REDIAL_MAX_MS;
}

static void attempt_ended(struct asker *asker)
{
    asker->attempts++;
    (void)pthread_cond_broadcast(&asker->links.changed);
}

static void connected(struct asker *asker, nng_stream *stream)
{
    struct tls_session *session = NULL;
    struct tls_endpoint *endpoint = asker->target.endpoint;
    bool good = asker->target.admit(stream) && (!endpoint || result_ok(tls_session_new(endpoint, false, &session)));
    if (!good)
        nng_stream_free(stream);
    else
        good = result_ok(link_new(&asker->links, stream, session));
    if (good) return;
    attempt_ended(asker);
    dial_later(asker);
}

static void dialled(void *argument)
{
    struct asker *asker = argument;
    int status = nng_aio_result(asker->dial);
    (void)pthread_mutex_lock(&asker->links.mutex);
    asker->dial_started = false;
    bool waited = asker->waiting;
    if (!waited) asker->trouble.dial = status;
    if (asker->links.closing) {
        if (status == 0 && !waited) nng_stream_free(nng_aio_get_output(asker->dial, 0));
    } else if (waited) {
        dial(asker);
    } else if (status == 0) {
        connected(asker, nng_aio_get_output(asker->dial, 0));
    } else {
        attempt_ended(asker);
        dial_later(asker);
    }
    (void)pthread_mutex_unlock(&asker->links.mutex);
}

/* --- The link; the mutex is held ---------------------------------------------------------------------------------- */

static void on_opened(void *owner, struct link *link)
{
    (void)owner; /* what counts is the greeting */
    (void)link;
}

static void on_greeting(struct asker *asker, struct link *link, struct view bytes)
{
    struct protocol_range named = {0, 0};
    unsigned version = link_version(link);
    bool good = result_ok(protocol_parse(bytes, &named));
    bool settled = good && version && named.oldest == version && named.newest == version;
    asker->trouble.other_protocol = !good;
    asker->trouble.others = settled ? (struct protocol_range){0, 0} : named;
    if (!settled) {
        link_end(link);
        return;
    }
    asker->link = link;
    asker->redial_ms = REDIAL_FIRST_MS;
    attempt_ended(asker);
    for (struct asking *asking = asker->asking; asking && asker->link; asking = asking->next)
        if (!asking->answered) asking->failed = !result_ok(link_send(link, asking->number, asking->bytes));
}

static void on_message(void *owner, struct link *link, uint64_t number, struct view bytes)
{
    struct asker *asker = owner;
    if (number == 0) {
        on_greeting(asker, link, bytes);
        return;
    }
    asker->answered_ms = clock_monotonic_ms();
    struct asking *asking = asker->asking;
    while (asking && asking->number != number) asking = asking->next;
    if (!asking || asking->answered) return; /* its asker has given up */
    buffer_clear(asking->out);
    asking->failed = !result_ok(buffer_append(asking->out, bytes));
    asking->answered = true;
    (void)pthread_cond_broadcast(&asker->links.changed);
}

static void on_closed(void *owner, struct link *link)
{
    struct asker *asker = owner;
    if (asker->link != link) attempt_ended(asker); /* it ended before the greeting */
    if (asker->link == link) asker->link = NULL;
    dial_later(asker);
}

static bool is_hungry(const void *owner, const struct link *link)
{
    (void)link;
    (void)owner;
    return true;
}

static const struct link_events events = {on_opened, on_message, on_closed, is_hungry};

/* --- The caller's side -------------------------------------------------------------------------------------------- */

struct result asker_new(const char *url, const struct asker_target *target, struct asker **ret)
{
    struct asker *asker = calloc(1, sizeof *asker);
    ENSURE(asker, CATEGORY_ENVIRONMENT, "out of memory for a client");
    link_set_init(&asker->links, &events, asker);
    asker->target = *target;
    asker->redial_ms = REDIAL_FIRST_MS;
    int status = nng_stream_dialer_alloc(&asker->dialer, url);
    if (status == 0) status = nng_aio_alloc(&asker->dial, dialled, asker);
    if (status != 0) {
        asker_free(asker);
        return FAIL(status == NNG_ENOMEM ? CATEGORY_ENVIRONMENT : CATEGORY_USAGE, "%s: cannot be dialled: %s", url,
                    nng_strerror(status));
    }
    (void)pthread_mutex_lock(&asker->links.mutex);
    dial(asker);
    (void)pthread_mutex_unlock(&asker->links.mutex);
    *ret = asker;
    return RESULT_OK;
}

void asker_interrupt(struct asker *asker)
{
    (void)pthread_mutex_lock(&asker->links.mutex);
    asker->interrupted = true;
    (void)pthread_cond_broadcast(&asker->links.changed);
    (void)pthread_mutex_unlock(&asker->links.mutex);
}

void asker_free(struct asker *asker)
{
    if (!asker) return;
    asker_interrupt(asker);
    (void)pthread_mutex_lock(&asker->links.mutex);
    while (asker->asking) (void)pthread_cond_wait(&asker->links.changed, &asker->links.mutex);
    (void)pthread_mutex_unlock(&asker->links.mutex);
    link_set_close(&asker->links); /* from here on nothing is dialled and no stream becomes a link */
    if (asker->dialer) nng_stream_dialer_close(asker->dialer);
    if (asker->dial) {
        nng_aio_stop(asker->dial);
        nng_aio_free(asker->dial);
    }
    if (asker->dialer) nng_stream_dialer_free(asker->dialer);
    link_set_done(&asker->links);
    free(asker);
}

unsigned asker_version(struct asker *asker)
{
    (void)pthread_mutex_lock(&asker->links.mutex);
    unsigned version = asker->link ? link_version(asker->link) : 0;
    (void)pthread_mutex_unlock(&asker->links.mutex);
    return version;
}

struct asker_trouble asker_trouble(struct asker *asker)
{
    (void)pthread_mutex_lock(&asker->links.mutex);
    struct asker_trouble trouble = asker->trouble;
    if (asker->target.endpoint) trouble.tls = tls_endpoint_outcome(asker->target.endpoint, &trouble.other_key);
    (void)pthread_mutex_unlock(&asker->links.mutex);
    return trouble;
}

static struct timespec moment(uint64_t monotonic_ms)
{
    return (struct timespec){.tv_sec = (time_t)(monotonic_ms / 1000), .tv_nsec = (long)(monotonic_ms % 1000) * 1000000};
}

static uint64_t deadline(int timeout_ms)
{
    return clock_monotonic_ms() + (uint64_t)(timeout_ms < 0 ? 0 : timeout_ms);
}

bool asker_reached(struct asker *asker, int timeout_ms)
{
    struct timespec until = moment(deadline(timeout_ms));
    (void)pthread_mutex_lock(&asker->links.mutex);
    while (asker->attempts == 0 &&
           pthread_cond_timedwait(&asker->links.changed, &asker->links.mutex, &until) != ETIMEDOUT) {
    }
    bool reached = asker->link != NULL;
    (void)pthread_mutex_unlock(&asker->links.mutex);
    return reached;
}

/* No version is in common: nothing that is worth waiting for. */
static bool is_refused(const struct asker *asker)
{
    return !asker->link && asker->trouble.others.newest;
}

/* The mutex is held. */
static enum asker_end wait_for_answer(struct asker *asker, const struct asking *asking, int timeout_ms)
{
    uint64_t started = clock_monotonic_ms();
    struct timespec until = moment(deadline(timeout_ms));
    int status = 0;
    while (!asking->answered && !asking->failed && !asker->interrupted && !is_refused(asker) && status != ETIMEDOUT)
        status = pthread_cond_timedwait(&asker->links.changed, &asker->links.mutex, &until);
    if (asking->answered) return ASKER_ANSWERED;
    if (asker->interrupted) return ASKER_INTERRUPTED;
    if (!asker->link) return ASKER_NO_CONNECTION;
    /* Silence for a whole timeout: the other end may be gone without a word (a host that lost power). */
    if (asker->answered_ms < started) link_end(asker->link);
    return ASKER_NO_ANSWER;
}

struct result asker_ask(struct asker *asker, struct view bytes, int timeout_ms, struct buffer *out,
                        enum asker_end *ret_end)
{
    struct asking asking = {.bytes = bytes, .out = out};
    ENSURE(bytes.length <= MESSAGE_MAX, CATEGORY_USAGE, "a message of %zu bytes is over the limit of %zu", bytes.length,
           MESSAGE_MAX);
    (void)pthread_mutex_lock(&asker->links.mutex);
    asking.number = ++asker->numbers_given;
    asking.next = asker->asking;
    /* It leaves the list below, before it goes out of scope. */
    asker->asking = &asking; /* cppcheck-suppress autoVariables */
    if (asker->link) asking.failed = !result_ok(link_send(asker->link, asking.number, bytes));
    enum asker_end end = wait_for_answer(asker, &asking, timeout_ms);
    struct asking **at = &asker->asking;
    while (*at != &asking) at = &(*at)->next;
    *at = asking.next;
    (void)pthread_cond_broadcast(&asker->links.changed);
    (void)pthread_mutex_unlock(&asker->links.mutex);
    ENSURE(!asking.failed, CATEGORY_ENVIRONMENT, "out of memory for a request of %zu bytes or its answer",
           bytes.length);
    *ret_end = end;
    return RESULT_OK;
}
