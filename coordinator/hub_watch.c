/* The loop's thread owns all that is counted; it leaves a copy, and the server's thread tells that with its age. */
#include "coordinator/hub_watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/session.h"
#include "sys/clock.h"
#include "sys/http.h"
#include "sys/log.h"
#include "sys/metrics.h"
#include "sys/vitals.h"

enum {
    COPY_MS = 1000,        /* a copy is this old at most, unless the loop is at something long */
    STANDSTILL_MS = 30000, /* a loop that left no copy for so long is not ready */
};

struct figures {
    struct vitals vitals;
    unsigned roster_version, members, connected;
    uint64_t patience_seconds;
    struct meter meter;
};
struct hub_watch {
    struct hub *hub; /* borrowed; the loop's alone */
    const char *directory;
    pthread_mutex_t lock;
    struct figures left;  /* by the loop; under the lock */
    struct figures taken; /* the loop's own, before it is left */
    struct figures told;  /* the server's own */
    struct vitals_serving serving;
    struct http_server *server;
};

/* --- The loop's side ---------------------------------------------------------------------------------------------- */

static struct result take_session(struct figures *figures, struct session *session)
{
    static const enum vitals_state states[] = {
        [SERVICE_RUN_OPEN] = VITALS_OPEN, [SERVICE_RUN_DONE] = VITALS_DONE, [SERVICE_RUN_FAILED] = VITALS_FAILED};
    struct vitals_run run = {.state = states[session->state], .step = session->sums, .since_ms = session->since};
    memcpy(run.hex, session->hex, sizeof run.hex);
    meter_look(session);
    if (session->state == SERVICE_RUN_OPEN && session->machine) {
        const struct members awaited = secagg_coordinator_awaited(session->machine);
        run.awaited = members_count(&awaited);
        run.uploads = secagg_coordinator_uploads(session->machine);
    }
    return vitals_add(&figures->vitals, &run);
}

static struct result take(struct hub *hub, struct figures *figures)
{
    struct vitals *vitals = &figures->vitals;
    vitals_clear(vitals);
    for (struct session *session = hub->sessions; session; session = session->next) TRY(take_session(figures, session));
    vitals->traffic = transport_server_traffic(hub->server);
    vitals->refused = hub->meter.refused;
    vitals->rounds_begun = hub->meter.rounds.begun;
    vitals->rounds_closed = hub->meter.rounds.closed;
    vitals->rounds_voided = hub->meter.rounds.voided;
    figures->connected = transport_server_peers(hub->server);
    figures->meter = hub->meter;
    vitals->taken_ms = clock_monotonic_ms();
    return RESULT_OK;
}

static struct result figures_copy(const struct figures *figures, struct figures *ret)
{
    TRY(vitals_copy(&figures->vitals, &ret->vitals));
    struct vitals copied = ret->vitals;
    *ret = *figures;
    ret->vitals = copied;
    return RESULT_OK;
}

static struct result leave(struct hub_watch *watch)
{
    (void)pthread_mutex_lock(&watch->lock);
    struct result result = figures_copy(&watch->taken, &watch->left);
    (void)pthread_mutex_unlock(&watch->lock);
    return result;
}

struct result hub_watch_turn(struct hub_watch *watch)
{
    if (!watch) return RESULT_OK;
    uint64_t before = watch->taken.vitals.taken_ms;
    if (before && clock_monotonic_ms() - before < COPY_MS) return RESULT_OK;
    TRY(take(watch->hub, &watch->taken));
    return leave(watch);
}

/* --- The server's side -------------------------------------------------------------------------------------------- */

static struct result get(struct hub_watch *watch)
{
    (void)pthread_mutex_lock(&watch->lock);
    struct result result = figures_copy(&watch->left, &watch->told);
    (void)pthread_mutex_unlock(&watch->lock);
    return result;
}

static struct result put_members(const struct figures *figures, struct buffer *out)
{
    const struct {
        struct metric metric;
        double value;
    } items[] = {
        {{"cofferdam_roster_version", "Version of the roster."}, figures->roster_version},
        {{"cofferdam_roster_members", "Members in the roster."}, figures->members},
        {{"cofferdam_connected_members", "Members that are connected."}, figures->connected},
        {{"cofferdam_uploads_total", "Masked inputs that came whole."}, (double)figures->meter.uploads},
        {{"cofferdam_patience_seconds", "How long a bank that came back may take before a lost round is voided."},
         (double)figures->patience_seconds},
    };
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) TRY(metrics_put(&items[i].metric, items[i].value, out));
    return RESULT_OK;
}

static struct result put_phases(const struct meter *meter, struct buffer *out)
{
    static const struct metric metric = {"cofferdam_phase_seconds_total", "How long runs were in each phase."};
    TRY(metrics_family(&metric, out));
    for (size_t i = 0; i < SECAGG_PHASES_MAX && meter->phases[i].name; i++) {
        const struct metric_label label = {"phase", meter->phases[i].name};
        TRY(metrics_sample(metric.name, &label, (double)meter->phases[i].ms / 1000, out));
    }
    return RESULT_OK;
}

static double awaited_of(const struct vitals_run *run)
{
    return run->awaited;
}

static double uploads_of(const struct vitals_run *run)
{
    return run->uploads;
}

static struct result put_runs(const struct vitals *vitals, struct buffer *out)
{
    static const struct metric awaited = {"cofferdam_run_awaited_members", "Members that an open run waits for."};
    static const struct metric uploads = {"cofferdam_run_uploads", "Masked inputs that are here of the latest round."};
    TRY(vitals_put_open(vitals, &awaited, awaited_of, out));
    return vitals_put_open(vitals, &uploads, uploads_of, out);
}

static struct result answer_metrics(void *context, struct http_answer *answer)
{
    struct hub_watch *watch = context;
    TRY(get(watch));
    TRY(vitals_put(&watch->told.vitals, answer->body));
    TRY(put_members(&watch->told, answer->body));
    TRY(put_runs(&watch->told.vitals, answer->body));
    return put_phases(&watch->told.meter, answer->body);
}

static struct result answer_ready(void *context, struct http_answer *answer)
{
    struct hub_watch *watch = context;
    TRY(get(watch));
    const struct vitals *told = &watch->told.vitals;
    const struct vitals_need needs[] = {
        {"the loop has not turned for long", told->taken_ms && clock_monotonic_ms() - told->taken_ms < STANDSTILL_MS},
        {"the state directory cannot be written", vitals_writable(watch->directory)},
        {0},
    };
    return vitals_ready(needs, answer);
}

/* --- Both --------------------------------------------------------------------------------------------------------- */

static void prepare(struct hub_watch *watch, struct hub *hub)
{
    const struct config_coordinator *config = hub->config;
    watch->hub = hub;
    watch->directory = config->state;
    watch->taken.vitals.version = COFFERDAM_VERSION;
    watch->taken.vitals.directory = config->state;
    watch->taken.vitals.started_ms = clock_now_ms();
    watch->taken.roster_version = hub->roster.version;
    watch->taken.members = hub->roster.size;
    watch->taken.patience_seconds = config->patience_seconds ? config->patience_seconds : SECAGG_PATIENCE_MS / 1000;
}

struct result hub_watch_new(struct hub *hub, struct hub_watch **ret)
{
    if (!hub->config->metrics.address) return RESULT_OK;
    CLEANUP(hub_watch_freep) struct hub_watch *watch = calloc(1, sizeof *watch);
    ENSURE(watch && pthread_mutex_init(&watch->lock, NULL) == 0, CATEGORY_ENVIRONMENT, "no memory for metrics");
    prepare(watch, hub);
    TRY(leave(watch)); /* what is known before the loop's first turn */
    watch->serving = (struct vitals_serving){
        .metrics = &hub->config->metrics,
        .where = hub->config_path,
        .answer_metrics = answer_metrics,
        .answer_ready = answer_ready,
        .context = watch,
    };
    TRY(vitals_serve(&watch->serving, &watch->server));
    *ret = watch;
    watch = NULL;
    return RESULT_OK;
}

void hub_watch_free(struct hub_watch *watch)
{
    if (!watch) return;
    http_server_free(watch->server);
    vitals_done(&watch->left.vitals);
    vitals_done(&watch->taken.vitals);
    vitals_done(&watch->told.vitals);
    (void)pthread_mutex_destroy(&watch->lock);
    free(watch);
}

void hub_watch_freep(struct hub_watch **watch)
{
    hub_watch_free(*watch);
    *watch = NULL;
}
