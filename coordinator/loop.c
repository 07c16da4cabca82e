/* The loop: one thread takes requests, timers and the operator's questions in turn. Nothing else runs, but for the
 * threads that tell figures (hub_watch.c) and serve the console (hub_console.c), from copies. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/backup.h"
#include "coordinator/hub_console.h"
#include "coordinator/hub_watch.h"
#include "coordinator/overview.h"
#include "coordinator/session.h"
#include "crypto/base/failpoint.h"
#include "sys/clock.h"
#include "sys/control.h"
#include "sys/log.h"
#include "sys/snapshot.h"

/* A parked request is answered with WAIT after this long: well before a client or a firewall gives up on it. */
#define PARKED_MS 20000u
/* The loop turns at least this often, so that a status request does not wait longer; and after a request no sooner than
 * this, since a turn looks at every run and member. */
#define TURN_MS 250u
#define TURN_AGAIN_MS 10u
/* The machine of a run that is over, kept for late nodes, goes after this long without a request. */
#define IDLE_MS 60000u

static volatile sig_atomic_t stopping, reloading;
static struct transport_server *server_to_wake;
static const struct sign_key *key_to_interrupt; /* the loop may wait for its token */

static void on_signal(int number)
{
    if (number == SIGHUP)
        reloading = 1;
    else
        stopping = 1;
    if (stopping && key_to_interrupt) sign_key_interrupt(key_to_interrupt);
    if (server_to_wake) transport_server_wake(server_to_wake);
}

static void signals_catch(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

bool hub_accept(void *context, const struct sign_public *peer)
{
    const struct hub *hub = context;
    return roster_position_of_node(&hub->roster, peer) != 0;
}

/* A run whose roster is no longer ours: it ends here, and says so in the store. */
static struct result restore_one(void *visitor, const struct hash *scope)
{
    struct hub *hub = visitor;
    struct session *session = NULL;
    struct result result = session_restore(hub, scope, &session);
    if (result.category == CATEGORY_ENVIRONMENT) return result;
    if (!result_ok(result)) {
        char hex[2 * HASH_BYTES + 1];
        bytes_hex(hash_view(scope), hex);
        log_warning("run", "%.12s is left alone: %s", hex, result_reason());
        return RESULT_OK;
    }
    struct session **place = &hub->sessions; /* newest first */
    while (*place && (*place)->submitted_at > session->submitted_at) place = &(*place)->next;
    session->next = *place;
    *place = session;
    return RESULT_OK;
}

static struct result sessions_restore(struct hub *hub)
{
    TRY(store_scopes(hub->store, restore_one, hub));
    for (struct session *session = hub->sessions; session; session = session->next)
        if (session->state == SERVICE_RUN_OPEN) TRY(session_go_on(session));
    return RESULT_OK;
}

static struct result release(struct hub *hub, struct parked *parked, const struct hash *session, uint64_t now)
{
    if (!parked->id || now - parked->at < PARKED_MS) return RESULT_OK;
    CLEANUP(buffer_done) struct buffer frame = {0};
    TRY(service_frame_write(SERVICE_WAIT, session, (struct view){0}, &frame));
    uint64_t id = parked->id;
    *parked = (struct parked){0};
    return transport_server_reply(hub->server, id, buffer_view(&frame));
}

/* Timers that are due, deadlines of plans, requests that were parked for long. */
static struct result turn(struct hub *hub)
{
    uint64_t now = clock_now_ms(), steady = clock_monotonic_ms();
    for (struct session *session = hub->sessions; session; session = session->next) {
        for (unsigned member = 1; member <= hub->roster.size; member++)
            TRY(release(hub, &session->requests[member], &session->submission.id, steady));
        if (session->state != SERVICE_RUN_OPEN) {
            if (steady - session->used_at > IDLE_MS) session_rest(session);
            continue;
        }
        if (session->timer_at && session->timer_at <= now) {
            session->timer_at = 0;
            TRY(session_step(session, &(struct input){.kind = INPUT_TIMER}));
        }
        if (now > session->submitted_at + (uint64_t)session->submission.plan.deadline_hours * 3600 * 1000)
            TRY(session_cancel(session, "the plan's deadline has passed"));
    }
    for (unsigned member = 1; member <= hub->roster.size; member++)
        TRY(release(hub, &hub->polls[member], NULL, steady));
    return asks_polls(hub);
}

/* How long the loop may sleep: until the next timer, and never longer than a turn. */
static int patience(const struct hub *hub)
{
    uint64_t now = clock_now_ms(), most = TURN_MS;
    for (const struct session *session = hub->sessions; session; session = session->next) {
        if (session->state != SERVICE_RUN_OPEN || !session->timer_at) continue;
        uint64_t left = session->timer_at > now ? session->timer_at - now : 0;
        if (left < most) most = left;
    }
    return (int)most;
}

static struct result answer_backup(struct hub *hub, struct buffer *out)
{
    uint64_t start = clock_monotonic_ms();
    struct snapshot_name name;
    struct result result = hub_snapshot(hub, &name);
    if (!result_ok(result)) return buffer_text(out, result_reason());
    log_info("loop", "a snapshot for a backup took %llu ms", (unsigned long long)(clock_monotonic_ms() - start));
    return buffer_format(out, BACKUP_READY "%s", name.text);
}

/* "console", a backup, or anything else: the status is all there is to know. */
static struct result answer_operator(struct hub *hub, const struct hub_console *console, struct view request,
                                     struct buffer *out)
{
    if (view_equal(request, view_text("console"))) return hub_console_invite(console, out);
    if (view_equal(request, view_text(BACKUP_REQUEST))) return answer_backup(hub, out);
    return overview_json(hub, out);
}

static struct result answer_control(struct hub *hub, struct control_server *control, const struct hub_console *console)
{
    for (;;) {
        struct control_request request = {0};
        bool got = false;
        TRY(control_server_receive(control, 0, &request, &got));
        if (!got) return RESULT_OK;
        CLEANUP(buffer_done) struct buffer answer = {0};
        struct result result = answer_operator(hub, console, buffer_view(&request.bytes), &answer);
        buffer_done(&request.bytes);
        TRY(result);
        TRY(control_server_reply(control, request.id, buffer_view(&answer)));
    }
}

static struct result take_request(struct hub *hub, int patience_ms, bool *ret_got)
{
    struct transport_request request = {0};
    TRY(transport_server_receive(hub->server, patience_ms, &request, ret_got));
    if (!*ret_got) return RESULT_OK;
    struct result result = asks_dispatch(hub, &request);
    buffer_done(&request.bytes);
    if (result_ok(result) || result.category == CATEGORY_ENVIRONMENT) return result;
    /* One request that went wrong is no reason to leave all the others alone. */
    log_error("loop", "%s", result_reason());
    return RESULT_OK;
}

/* SIGHUP: files that are wrong leave all as it was. */
static void reload(struct hub *hub)
{
    reloading = 0;
    struct result result = hub_check_reload(hub);
    hub->again = result_ok(result);
    if (hub->again)
        log_info("loop", "reloading; open runs go on");
    else
        log_error("loop", "not reloaded, and the coordinator goes on as it was: %s", result_reason());
}

static struct result loop(struct hub *hub, struct control_server *control, struct hub_watch *watch,
                          struct hub_console *console)
{
    uint64_t turned = 0;
    bool got = false;
    while (!stopping && !hub->again) {
        if (reloading) reload(hub);
        TRY(take_request(hub, got ? (int)TURN_AGAIN_MS : patience(hub), &got));
        uint64_t now = clock_monotonic_ms();
        if (got && now - turned < TURN_AGAIN_MS) continue;
        turned = now;
        TRY(turn(hub));
        TRY(answer_control(hub, control, console));
        TRY(hub_watch_turn(watch));
        struct result shown = hub_console_turn(console);
        if (!result_ok(shown)) log_warning("console", "nothing new is shown: %s", result_reason());
    }
    return RESULT_OK;
}

static struct result restore_and_loop(struct hub *hub, struct control_server *control, struct hub_watch *watch,
                                      struct hub_console *console)
{
    TRY(restored_load(hub));
    TRY(sessions_restore(hub));
    TRY(restored_end_runs(hub));
    FAILPOINT("coordinator: the runs are restored");
    return loop(hub, control, watch, console);
}

struct result hub_serve(struct hub *hub)
{
    signals_catch();
    TRY(store_open(hub->config->state, &hub->store));
    FAILPOINT("coordinator: the store is open");
    TRY(snapshot_remove(hub->config->state)); /* of a backup that was killed */
    TRY(run_bundle_keep_roster(hub));
    CLEANUP(control_server_freep) struct control_server *control = NULL;
    TRY(control_server_new(hub->config->state, &control));
    const char *address = hub_address(hub);
    TRY(transport_server_new(address, hub->key, hub_accept, hub_met, hub, &hub->server));
    CLEANUP(hub_watch_freep) struct hub_watch *watch = NULL;
    CLEANUP(hub_console_freep) struct hub_console *console = NULL;
    TRY(hub_watch_new(hub, &watch));
    TRY(hub_console_new(hub, &console));
    server_to_wake = hub->server;
    key_to_interrupt = hub->key;
    sign_key_wait(hub->key);
    log_info("loop", "cofferdam-coordinator %s listens on %s for %u members, roster version %u", COFFERDAM_VERSION,
             address, hub->roster.size, hub->roster.version);
    struct result result = restore_and_loop(hub, control, watch, console);
    server_to_wake = NULL;
    key_to_interrupt = NULL;
    /* Whatever it was that a stop cut short, nothing of it was kept. */
    if (stopping && result.category == CATEGORY_ENVIRONMENT) result = RESULT_OK;
    if (result_ok(result) && !hub->again) log_info("loop", "stopped; open runs go on at the next start");
    return result;
}
