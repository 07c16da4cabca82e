#include "sys/asker.h"

#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/limits.h"
#include "sys/clock.h"
#include "sys/replier.h"

enum {
    REDIAL_FIRST_MS = 100, /* nng redials a refused client in a tight loop otherwise */
    REDIAL_MAX_MS = 2000,
    RESEND_MS = 120000, /* a lost connection resends at once; this is for a server that dropped the request */
    FRAMING_MAX = 64,
};

/* A request under way, on its thread's stack. */
struct asking {
    nng_aio *aio;
    struct asking *next;
};

struct asker {
    asker_admit *admit;
    void *context;
    nng_socket socket;
    bool open;
    atomic_uint connection; /* the pipe's id, 0 for none: there is one dialer */
    pthread_mutex_t mutex;  /* guards what follows */
    pthread_cond_t left;    /* signalled when a request has returned */
    struct asking *asking;
    bool interrupted;
    uint64_t answered_ms; /* when the latest reply came */
};

static void pipe_changed(nng_pipe pipe, nng_pipe_ev event, void *argument)
{
    struct asker *asker = argument;
    unsigned id = (unsigned)nng_pipe_id(pipe);
    if (event == NNG_PIPE_EV_ADD_PRE) {
        if (!asker->admit(asker->context, pipe)) (void)nng_pipe_close(pipe);
    } else if (event == NNG_PIPE_EV_ADD_POST) {
        atomic_store(&asker->connection, id);
    } else {
        (void)atomic_compare_exchange_strong(&asker->connection, &id, 0);
    }
}

static struct result start(struct asker *asker)
{
    int status = nng_req0_open(&asker->socket);
    ENSURE(status == 0, CATEGORY_ENVIRONMENT, "no socket: %s", nng_strerror(status));
    asker->open = true;
    status = nng_socket_set_size(asker->socket, NNG_OPT_RECVMAXSZ, MESSAGE_MAX + FRAMING_MAX);
    if (status == 0) status = nng_socket_set_ms(asker->socket, NNG_OPT_REQ_RESENDTIME, RESEND_MS);
    if (status == 0) status = nng_socket_set_ms(asker->socket, NNG_OPT_RECONNMINT, REDIAL_FIRST_MS);
    if (status == 0) status = nng_socket_set_ms(asker->socket, NNG_OPT_RECONNMAXT, REDIAL_MAX_MS);
    static const nng_pipe_ev events[] = {NNG_PIPE_EV_ADD_PRE, NNG_PIPE_EV_ADD_POST, NNG_PIPE_EV_REM_POST};
    for (size_t i = 0; i < sizeof events / sizeof *events && status == 0; i++)
        status = nng_pipe_notify(asker->socket, events[i], pipe_changed, asker);
    ENSURE(status == 0, CATEGORY_ENVIRONMENT, "no socket: %s", nng_strerror(status));
    return RESULT_OK;
}

struct result asker_new(asker_admit *admit, void *context, struct asker **ret)
{
    struct asker *asker = calloc(1, sizeof *asker);
    ENSURE(asker, CATEGORY_ENVIRONMENT, "out of memory for a client");
    asker->admit = admit;
    asker->context = context;
    (void)pthread_mutex_init(&asker->mutex, NULL);
    (void)pthread_cond_init(&asker->left, NULL);
    struct result result = start(asker);
    if (!result_ok(result)) {
        asker_free(asker);
        return result;
    }
    *ret = asker;
    return RESULT_OK;
}

void asker_interrupt(struct asker *asker)
{
    (void)pthread_mutex_lock(&asker->mutex);
    asker->interrupted = true;
    for (struct asking *asking = asker->asking; asking; asking = asking->next) nng_aio_cancel(asking->aio);
    (void)pthread_mutex_unlock(&asker->mutex);
}

void asker_free(struct asker *asker)
{
    if (!asker) return;
    asker_interrupt(asker);
    (void)pthread_mutex_lock(&asker->mutex);
    while (asker->asking) (void)pthread_cond_wait(&asker->left, &asker->mutex);
    (void)pthread_mutex_unlock(&asker->mutex);
    if (asker->open) (void)nng_close(asker->socket);
    (void)pthread_cond_destroy(&asker->left);
    (void)pthread_mutex_destroy(&asker->mutex);
    free(asker);
}

nng_socket asker_socket(const struct asker *asker)
{
    return asker->socket;
}

bool asker_connected(const struct asker *asker)
{
    return atomic_load(&asker->connection) != 0;
}

static void enter(struct asker *asker, struct asking *asking)
{
    (void)pthread_mutex_lock(&asker->mutex);
    asking->next = asker->asking;
    asker->asking = asking;
    (void)pthread_mutex_unlock(&asker->mutex);
}

static void leave(struct asker *asker, const struct asking *asking)
{
    (void)pthread_mutex_lock(&asker->mutex);
    struct asking **at = &asker->asking;
    while (*at != asking) at = &(*at)->next;
    *at = asking->next;
    (void)pthread_cond_broadcast(&asker->left);
    (void)pthread_mutex_unlock(&asker->mutex);
}

/* Starts one half of the exchange and waits for its end; an interruption either comes before the start or finds the aio
 * under way. */
static int step(struct asker *asker, nng_aio *aio, nng_ctx ctx, void (*start_step)(nng_ctx, nng_aio *), uint64_t until)
{
    uint64_t now = clock_monotonic_ms();
    nng_aio_set_timeout(aio, now < until ? (nng_duration)(until - now) : 0);
    (void)pthread_mutex_lock(&asker->mutex);
    bool interrupted = asker->interrupted;
    if (!interrupted) start_step(ctx, aio);
    (void)pthread_mutex_unlock(&asker->mutex);
    if (interrupted) return NNG_ECANCELED;
    nng_aio_wait(aio);
    return nng_aio_result(aio);
}

/* Silence for a whole timeout: the other end may be gone without a word (a host that lost power). */
static void give_up_connection(struct asker *asker, uint64_t since)
{
    (void)pthread_mutex_lock(&asker->mutex);
    bool silent = asker->answered_ms < since;
    (void)pthread_mutex_unlock(&asker->mutex);
    unsigned id = atomic_load(&asker->connection);
    if (silent && id) (void)nng_pipe_close((nng_pipe){.id = id});
}

static enum asker_end end_of(const struct asker *asker, int status)
{
    if (status != NNG_ETIMEDOUT) return ASKER_INTERRUPTED;
    return asker_connected(asker) ? ASKER_NO_ANSWER : ASKER_NO_CONNECTION;
}

static struct result exchange(struct asker *asker, nng_aio *aio, nng_ctx ctx, int timeout_ms, struct buffer *out,
                              enum asker_end *ret_end)
{
    uint64_t started = clock_monotonic_ms();
    uint64_t until = started + (uint64_t)(timeout_ms < 0 ? 0 : timeout_ms);
    int status = step(asker, aio, ctx, nng_ctx_send, until);
    if (status != 0) {
        *ret_end = end_of(asker, status);
        return RESULT_OK;
    }
    nng_aio_set_msg(aio, NULL); /* what was sent is nng's now */
    status = step(asker, aio, ctx, nng_ctx_recv, until);
    if (status != 0) {
        *ret_end = end_of(asker, status);
        if (status == NNG_ETIMEDOUT) give_up_connection(asker, started);
        return RESULT_OK;
    }
    (void)pthread_mutex_lock(&asker->mutex);
    asker->answered_ms = clock_monotonic_ms();
    (void)pthread_mutex_unlock(&asker->mutex);
    nng_msg *message = nng_aio_get_msg(aio);
    buffer_clear(out);
    struct result result = buffer_append(out, view_of(nng_msg_body(message), nng_msg_len(message)));
    nng_msg_free(message);
    *ret_end = ASKER_ANSWERED;
    return result;
}

struct result asker_ask(struct asker *asker, struct view bytes, int timeout_ms, struct buffer *out,
                        enum asker_end *ret_end)
{
    nng_msg *message = NULL;
    struct asking asking = {0};
    nng_ctx ctx;
    TRY(replier_message(bytes, &message));
    int status = nng_aio_alloc(&asking.aio, NULL, NULL);
    if (status == 0 && (status = nng_ctx_open(&ctx, asker->socket)) != 0) nng_aio_free(asking.aio);
    if (status != 0) {
        nng_msg_free(message);
        return FAIL(CATEGORY_ENVIRONMENT, "no room for a request: %s", nng_strerror(status));
    }
    nng_aio_set_msg(asking.aio, message);
    enter(asker, &asking);
    struct result result = exchange(asker, asking.aio, ctx, timeout_ms, out, ret_end);
    leave(asker, &asking);
    (void)nng_ctx_close(ctx);
    if (result_ok(result) && *ret_end != ASKER_ANSWERED) nng_msg_free(nng_aio_get_msg(asking.aio));
    nng_aio_free(asking.aio);
    return result;
}
