#include "coordinator/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/report/report.h"
#include "coordinator/evidence.h"
#include "crypto/base/failpoint.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

/* In the store, under the run's scope, beside the machine's records. */
#define KEY_END "daemon/end" /* u64 time ‖ an answer: ok, or why it failed */

void session_free(struct session *session)
{
    if (!session) return;
    run_bundle_done(&session->bundle);
    secagg_coordinator_free(session->machine);
    effects_clear(&session->effects);
    submission_done(&session->submission);
    free(session);
}

static void session_freep(struct session **session)
{
    session_free(*session);
}

struct session *session_find(const struct hub *hub, const struct hash *id)
{
    struct session *session = hub->sessions;
    while (session && !hash_equal(&session->submission.id, id)) session = session->next;
    return session;
}

static struct result record_load(void *context, bool secret, bool shared, const char *key, struct buffer *out,
                                 bool *ret_found)
{
    const struct session *session = context;
    return store_load(session->hub->store, secret, shared ? NULL : &session->submission.id, key, out, ret_found);
}

static struct result record_each(void *context, bool secret, bool shared, const char *prefix,
                                 struct result (*visit)(void *visitor, const char *key, struct view value),
                                 void *visitor)
{
    const struct session *session = context;
    return store_each(session->hub->store, secret, shared ? NULL : &session->submission.id, prefix, visit, visitor);
}

struct record_source session_records(struct session *session)
{
    return (struct record_source){.context = session, .load = record_load, .each = record_each};
}

static struct result session_new(struct hub *hub, struct view submission, struct session **ret)
{
    CLEANUP(session_freep) struct session *session = calloc(1, sizeof *session);
    ENSURE(session, CATEGORY_ENVIRONMENT, "no memory for a run");
    session->hub = hub;
    session->state = SERVICE_RUN_OPEN;
    TRY(submission_open(&hub->roster, submission, &session->submission));
    bytes_hex(hash_view(&session->submission.id), session->hex);
    *ret = session;
    session = NULL;
    return RESULT_OK;
}

/* After a restart: where the fold stands, as it was told before. */
static struct result session_recall(struct session *session)
{
    CLEANUP(buffer_done) struct buffer line = {0};
    const struct fold *fold = secagg_coordinator_fold(session->machine);
    if (fold->step == 0) return RESULT_OK;
    TRY(fold_progress(fold, &line));
    (void)snprintf(session->progress, sizeof session->progress, "%.*s", (int)line.length, (const char *)line.data);
    return RESULT_OK;
}

void session_rest(struct session *session)
{
    secagg_coordinator_free(session->machine);
    session->machine = NULL;
}

struct result session_machine(struct session *session)
{
    session->used_at = clock_monotonic_ms();
    if (session->machine) return RESULT_OK;
    const struct secagg_coordinator_config config = {
        .terms = &session->submission.terms,
        .key = session->hub->key,
        .records = session_records(session),
        .patience_ms = (uint64_t)session->hub->config->patience_seconds * 1000,
    };
    TRY(secagg_coordinator_new(&config, &session->machine));
    FAILPOINT("coordinator: a run's machine is restored");
    session_write_evidence(session);
    TRY(session_step(session, &(struct input){.kind = INPUT_START}));
    FAILPOINT("coordinator: a run's machine has started");
    return session->progress[0] ? RESULT_OK : session_recall(session);
}

struct result session_path(const struct session *session, const char *name, char out[FILE_PATH_MAX])
{
    char runs[FILE_PATH_MAX], directory[FILE_PATH_MAX];
    TRY(file_path(session->hub->config->state, "runs", runs));
    TRY(file_directory(runs, 0755));
    TRY(file_path(runs, session->hex, directory));
    TRY(file_directory(directory, 0755));
    return file_path(directory, name, out);
}

static struct result session_write_result(struct session *session, const char *name, struct view bytes)
{
    char path[FILE_PATH_MAX];
    TRY(session_path(session, name, path));
    return file_write_alone(path, bytes, 0644);
}

/* Tells everyone whose request is parked that the run is over, and why. */
static struct result session_dismiss(struct session *session)
{
    struct service_answer answer = {.ok = false};
    (void)snprintf(answer.reason, sizeof answer.reason, "%s", session->reason);
    CLEANUP(buffer_done) struct buffer payload = {0}, frame = {0};
    TRY(service_answer_write(&answer, &payload));
    TRY(service_frame_write(SERVICE_ENDED, &session->submission.id, buffer_view(&payload), &frame));
    for (unsigned member = 1; member <= session->hub->roster.size; member++) {
        uint64_t id = session->requests[member].id;
        session->requests[member] = (struct parked){0};
        if (id) TRY(transport_server_reply(session->hub->server, id, buffer_view(&frame)));
    }
    return RESULT_OK;
}

static struct result session_write_results(struct session *session)
{
    CLEANUP(buffer_done) struct buffer model = {0}, report = {0};
    TRY(fold_result(secagg_coordinator_fold(session->machine), members_count(&session->submission.terms.cohort),
                    &model));
    TRY(run_bundle_finish(session, buffer_view(&model)));
    TRY(session_write_result(session, "plan.note", session->submission.terms.plan_note));
    FAILPOINT("coordinator: the plan is written, not the model");
    const struct report_source source = {.model = buffer_view(&model),
                                         .plan = &session->submission.plan,
                                         .roster = &session->hub->roster,
                                         .cohort = &session->submission.terms.cohort,
                                         .version = COFFERDAM_VERSION};
    TRY(report_html(&source, &report));
    TRY(session_write_result(session, "report.html", buffer_view(&report)));
    return session_write_result(session, "model.json", buffer_view(&model));
}

/* Makes the run's end durable and tells it. The result's files come first: a run that is done has them. */
static struct result session_end(struct session *session, enum service_run_state state, const char *reason)
{
    if (session->state != SERVICE_RUN_OPEN) return RESULT_OK;
    struct service_answer answer = {.ok = state == SERVICE_RUN_DONE};
    (void)snprintf(answer.reason, sizeof answer.reason, "%s", reason);
    struct result result = answer.ok ? session_write_results(session) : run_bundle_finish(session, (struct view){0});
    if (result.category == CATEGORY_ENVIRONMENT) return result;
    if (!result_ok(result)) {
        answer.ok = false;
        (void)snprintf(answer.reason, sizeof answer.reason, "the model cannot be written: %s", result_reason());
    }
    CLEANUP(buffer_done) struct buffer value = {0};
    session->since = clock_now_ms();
    TRY(buffer_u64(&value, session->since));
    TRY(service_answer_write(&answer, &value));
    const struct store_record record = {.scope = &session->submission.id, .key = KEY_END, .value = buffer_view(&value)};
    FAILPOINT("coordinator: before the run's end is kept");
    TRY(store_commit(session->hub->store, &record, 1));
    FAILPOINT("coordinator: the run's end is kept");
    session->state = answer.ok ? SERVICE_RUN_DONE : SERVICE_RUN_FAILED;
    (void)snprintf(session->reason, sizeof session->reason, "%s", answer.reason);
    log_info("run", "%.12s %s%s", session->hex, answer.ok ? "is done" : "ended: ", session->reason);
    return answer.ok ? RESULT_OK : session_dismiss(session);
}

static void records_freep(struct store_record **records)
{
    free(*records);
}

/* Makes durable what the machine persists in this step, all together. */
static struct result session_persist(struct session *session, bool *ret_persisted)
{
    bool evidence = false;
    *ret_persisted = false;
    if (session->effects.count == 0) return RESULT_OK;
    CLEANUP(records_freep) struct store_record *records = calloc(session->effects.count, sizeof *records);
    ENSURE(records, CATEGORY_ENVIRONMENT, "no memory for a step's records");
    size_t count = 0;
    for (size_t i = 0; i < session->effects.count; i++) {
        const struct effect *effect = &session->effects.items[i];
        if (effect->kind != EFFECT_PERSIST) continue;
        records[count++] = (struct store_record){
            .scope = effect->shared ? NULL : &session->submission.id,
            .key = effect->key,
            .value = buffer_view(&effect->bytes),
            .secret = effect->secret,
            .erase = effect->erase,
        };
        evidence = evidence || strncmp(effect->key, "evidence/", strlen("evidence/")) == 0;
    }
    *ret_persisted = count > 0;
    if (count > 0) TRY(store_commit(session->hub->store, records, count));
    if (evidence) session_write_evidence(session);
    return RESULT_OK;
}

static struct result session_send(struct session *session, const struct effect *effect)
{
    ENSURE(effect->to >= 1 && effect->to <= session->hub->roster.size, CATEGORY_BUG, "a reply to no member");
    struct parked *parked = &session->requests[effect->to];
    if (!parked->id) return RESULT_OK; /* its repeat gets it again */
    CLEANUP(buffer_done) struct buffer frame = {0};
    TRY(service_frame_write(SERVICE_RUN, &session->submission.id, buffer_view(&effect->bytes), &frame));
    uint64_t id = parked->id;
    *parked = (struct parked){0};
    FAILPOINT_MESSAGE("coordinator: before sending", buffer_view(&effect->bytes));
    TRY(transport_server_reply(session->hub->server, id, buffer_view(&frame)));
    FAILPOINT_MESSAGE("coordinator: after sending", buffer_view(&effect->bytes));
    return RESULT_OK;
}

static void session_tell(struct session *session, struct view line)
{
    (void)snprintf(session->progress, sizeof session->progress, "%.*s", (int)line.length, (const char *)line.data);
    log_info("run", "%.12s: %s", session->hex, session->progress);
}

/* Everything but the batch, in the machine's order. */
static struct result session_carry(struct session *session)
{
    for (size_t i = 0; i < session->effects.count; i++) {
        const struct effect *effect = &session->effects.items[i];
        char reason[SERVICE_REASON_MAX + 1];
        switch (effect->kind) {
        case EFFECT_SEND:
            TRY(session_send(session, effect));
            break;
        case EFFECT_SET_TIMER:
            session->timer_at = effect->at;
            break;
        case EFFECT_EVENT:
            session_tell(session, buffer_view(&effect->bytes));
            break;
        case EFFECT_DONE:
            TRY(session_end(session, SERVICE_RUN_DONE, ""));
            break;
        case EFFECT_FAIL:
            (void)snprintf(reason, sizeof reason, "%.*s", (int)effect->bytes.length, (const char *)effect->bytes.data);
            TRY(session_end(session, SERVICE_RUN_FAILED, reason));
            break;
        case EFFECT_PERSIST:
        case EFFECT_CONTRIBUTE:
            break;
        }
    }
    return RESULT_OK;
}

/* Notes a change of phase, so that people see since when it lasts. */
static void session_look(struct session *session)
{
    session->sums = secagg_coordinator_fold(session->machine)->step;
    meter_look(session);
    const char *phase = secagg_coordinator_phase(session->machine);
    if (session->state != SERVICE_RUN_OPEN || strncmp(phase, session->phase, sizeof session->phase - 1) == 0) return;
    (void)snprintf(session->phase, sizeof session->phase, "%s", phase);
    session->since = clock_now_ms();
    log_debug("run", "%.12s is %s", session->hex, session->phase);
}

static struct result session_timed_step(struct session *session, const struct input *input)
{
    uint64_t start = clock_monotonic_us();
    struct result result = secagg_coordinator_step(session->machine, input, &session->effects);
    log_debug("time", "%.12s step %llu us", session->hex, (unsigned long long)(clock_monotonic_us() - start));
    return result;
}

/* What the machine says of an input: refused (nothing changed), the end of the run, what this process cannot do, or
 * taken: then its effects are carried out, and those of the steps that follow from what was made durable. */
static struct result session_judge(struct session *session, struct result result, const char *what)
{
    for (;;) {
        if (result.category == CATEGORY_PEER) {
            effects_clear(&session->effects);
            session->hub->meter.refused++;
            log_warning("run", "%.12s: refused %s: %s", session->hex, what, result_reason());
            return RESULT_OK;
        }
        if (result.category == CATEGORY_ENVIRONMENT) { /* this process ends, and the run goes on at the next start */
            effects_clear(&session->effects);
            return result;
        }
        if (!result_ok(result)) {
            char reason[SERVICE_REASON_MAX + 1];
            (void)snprintf(reason, sizeof reason, "%s", result_reason());
            effects_clear(&session->effects);
            return session_end(session, SERVICE_RUN_FAILED, reason);
        }
        bool persisted = false;
        uint64_t start = clock_monotonic_us();
        FAILPOINT("coordinator: before a step's batch");
        TRY(session_persist(session, &persisted));
        FAILPOINT("coordinator: a step's batch is durable");
        log_debug("time", "%.12s store %llu us", session->hex, (unsigned long long)(clock_monotonic_us() - start));
        TRY(run_bundle_go_on(session));
        TRY(session_carry(session));
        effects_clear(&session->effects);
        if (!persisted) break;
        const struct input durable = {.kind = INPUT_PERSISTED, .now = clock_now_ms()};
        result = session_timed_step(session, &durable);
    }
    session_look(session);
    return story_look(session);
}

struct result session_step(struct session *session, const struct input *input)
{
    struct input stamped = *input;
    char what[NAME_MAX_BYTES + 32] = "an input";
    stamped.now = clock_now_ms();
    if (input->kind == INPUT_MESSAGE)
        (void)snprintf(what, sizeof what, "a message of %s", session->hub->roster.members[input->from - 1].name);
    return session_judge(session, session_timed_step(session, &stamped), what);
}

struct result session_attested(struct session *session, unsigned member, struct view answer)
{
    return session_judge(session, secagg_coordinator_attested(session->machine, member, answer, &session->effects),
                         "an attestation");
}

struct result session_cancel(struct session *session, const char *reason)
{
    if (session->state != SERVICE_RUN_OPEN) return RESULT_OK;
    FAILPOINT("coordinator: before a run is cancelled");
    TRY(session_step(session, &(struct input){.kind = INPUT_CANCEL, .bytes = view_text(reason)}));
    FAILPOINT("coordinator: a run is cancelled, its end not kept");
    return session_end(session, SERVICE_RUN_FAILED, reason);
}

/* A member's runs that are open take memory and disk until their deadline. */
enum { OPEN_RUNS_MAX = 32 };

static struct result check_open_runs(const struct hub *hub, unsigned submitter)
{
    unsigned open = 0;
    for (const struct session *other = hub->sessions; other; other = other->next)
        open += other->state == SERVICE_RUN_OPEN && other->submission.terms.submitter == submitter;
    ENSURE(open < OPEN_RUNS_MAX, CATEGORY_FALSE, "%u runs of this member are open; cancel some, or wait for them",
           open);
    return RESULT_OK;
}

/* A run keeps one version to its end, so every member must speak it. Who submits decides: the coordinator only says why
 * not. */
static struct result check_version(const struct hub *hub, const struct submission *submission)
{
    char theirs[PROTOCOL_WORDS_MAX];
    unsigned version = submission->terms.version;
    TRY(submission_spoken(submission));
    unsigned behind = hub_behind(hub, &submission->terms.cohort, version);
    if (!behind) return RESULT_OK;
    struct protocol_range spoken = hub_spoken(hub, behind);
    const char *name = hub->roster.members[behind - 1].name;
    (void)protocol_words(spoken, theirs);
    ENSURE(spoken.newest >= version, CATEGORY_FALSE,
           "%s speaks %s of the protocol and the run is of version %u; upgrade its node, or submit the run with "
           "--protocol %u",
           name, theirs, version, spoken.newest);
    return FAIL(CATEGORY_FALSE,
                "%s speaks %s of the protocol and the run is of version %u; submit it with a newer program", name,
                theirs, version);
}

struct result session_submit(struct hub *hub, struct view payload, struct session **ret)
{
    CLEANUP(session_freep) struct session *session = NULL;
    TRY(session_new(hub, payload, &session));
    *ret = session_find(hub, &session->submission.id);
    if (*ret) return RESULT_OK; /* the submitter repeats itself */
    TRY(check_open_runs(hub, session->submission.terms.submitter));
    TRY(check_version(hub, &session->submission));
    session->submitted_at = session->since = clock_now_ms();
    CLEANUP(buffer_done) struct buffer value = {0};
    TRY(buffer_u64(&value, session->submitted_at));
    TRY(buffer_append(&value, payload));
    const struct store_record record = {
        .scope = &session->submission.id, .key = SESSION_KEY_SUBMISSION, .value = buffer_view(&value)};
    FAILPOINT("coordinator: before a submission is kept");
    TRY(store_commit(hub->store, &record, 1));
    FAILPOINT("coordinator: a submission is kept");
    session->next = hub->sessions;
    hub->sessions = session;
    *ret = session;
    session = NULL;
    log_info("run", "%.12s: plan %s, submitted by %s, %u banks, version %u of the protocol", (*ret)->hex,
             (*ret)->submission.plan.name, hub->roster.members[(*ret)->submission.terms.submitter - 1].name,
             members_count(&(*ret)->submission.terms.cohort), (*ret)->submission.terms.version);
    return session_machine(*ret);
}

struct result session_go_on(struct session *session)
{
    struct result spoken = submission_spoken(&session->submission);
    if (!result_ok(spoken)) { /* nor is its machine made, which would sign the end */
        char reason[SERVICE_REASON_MAX + 1];
        (void)snprintf(reason, sizeof reason, "%s", result_reason());
        return session_end(session, SERVICE_RUN_FAILED, reason);
    }
    log_info("run", "%.12s goes on: plan %s", session->hex, session->submission.plan.name);
    return session_machine(session);
}

static struct result session_restore_end(struct session *session)
{
    CLEANUP(buffer_done) struct buffer value = {0};
    bool found = false;
    TRY(store_load(session->hub->store, false, &session->submission.id, KEY_END, &value, &found));
    if (!found) return RESULT_OK;
    struct reader reader = reader_of(buffer_view(&value), "the run's end");
    struct service_answer answer;
    TRY(reader_u64(&reader, &session->since));
    TRY(service_answer_read(reader.rest, &answer));
    session->state = answer.ok ? SERVICE_RUN_DONE : SERVICE_RUN_FAILED;
    (void)snprintf(session->reason, sizeof session->reason, "%s", answer.reason);
    return RESULT_OK;
}

struct result session_restore(struct hub *hub, const struct hash *id, struct session **ret)
{
    CLEANUP(buffer_done) struct buffer value = {0};
    bool found = false;
    TRY(store_load(hub->store, false, id, SESSION_KEY_SUBMISSION, &value, &found));
    ENSURE(found, CATEGORY_ENVIRONMENT, "the store has a run without its submission");
    struct reader reader = reader_of(buffer_view(&value), "the submission");
    uint64_t submitted_at = 0;
    TRY(reader_u64(&reader, &submitted_at));
    CLEANUP(session_freep) struct session *session = NULL;
    TRY(session_new(hub, reader.rest, &session));
    ENSURE(hash_equal(&session->submission.id, id), CATEGORY_FALSE, "it belongs to another roster");
    session->submitted_at = session->since = submitted_at;
    TRY(session_restore_end(session));
    if (session->state != SERVICE_RUN_OPEN) session_write_evidence(session); /* what a full disk, say, kept away */
    *ret = session;
    session = NULL;
    return RESULT_OK;
}

void session_status(const struct session *session, struct service_run_status *ret)
{
    *ret = (struct service_run_status){
        .run = session->submission.id,
        .submitter = session->submission.terms.submitter,
        .state = session->state,
        .cohort = session->submission.terms.cohort,
        .awaited = members_none(session->hub->roster.size),
        .submitted_at = session->submitted_at,
        .since = session->since,
    };
    (void)snprintf(ret->plan, sizeof ret->plan, "%s", session->submission.plan.name);
    (void)snprintf(ret->progress, sizeof ret->progress, "%s", session->progress);
    (void)snprintf(ret->phase, sizeof ret->phase, "%s",
                   session->state == SERVICE_RUN_OPEN ? session->phase : session->reason);
    ret->step = session->sums;
    if (session->machine && session->state == SERVICE_RUN_OPEN)
        ret->awaited = secagg_coordinator_awaited(session->machine);
}
