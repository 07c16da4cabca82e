/* What members ask of the coordinator. Each kind of request has one handler in the table at the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/session.h"
#include "crypto/base/failpoint.h"
#include "sys/clock.h"
#include "sys/log.h"

/* One request: who asks, what, and how to answer. */
struct ask {
    struct hub *hub;
    unsigned member;
    uint64_t id;
    struct service_frame frame;
};

static struct result reply(const struct ask *ask, enum service_kind kind, const struct hash *session,
                           struct view payload)
{
    CLEANUP(buffer_done) struct buffer frame = {0};
    TRY(service_frame_write(kind, session, payload, &frame));
    FAILPOINT("coordinator: before an answer");
    TRY(transport_server_reply(ask->hub->server, ask->id, buffer_view(&frame)));
    FAILPOINT("coordinator: after an answer");
    return RESULT_OK;
}

static struct result reply_answer(const struct ask *ask, enum service_kind kind, const struct hash *session, bool ok,
                                  const char *reason)
{
    struct service_answer answer = {.ok = ok};
    (void)snprintf(answer.reason, sizeof answer.reason, "%s", reason);
    CLEANUP(buffer_done) struct buffer payload = {0};
    TRY(service_answer_write(&answer, &payload));
    return reply(ask, kind, session, buffer_view(&payload));
}

/* A request that does not hold: said to its sender, and logged. Failures of the environment go up. */
static struct result reply_refusal(const struct ask *ask, struct result why)
{
    if (why.category == CATEGORY_ENVIRONMENT) return why;
    char reason[SERVICE_REASON_MAX + 1];
    (void)snprintf(reason, sizeof reason, "%s", result_reason());
    ask->hub->meter.refused++;
    log_warning("service", "refused a request of %s: %s", ask->hub->roster.members[ask->member - 1].name, reason);
    return reply_answer(ask, SERVICE_ANSWER, &ask->frame.run, false, reason);
}

static struct result run_of(const struct ask *ask, struct session **ret)
{
    struct session *session = session_find(ask->hub, &ask->frame.run);
    ENSURE(session, CATEGORY_FALSE, "this coordinator does not know the run");
    ENSURE(members_has(&session->submission.terms.cohort, ask->member), CATEGORY_FALSE,
           "the member is not in the run's cohort");
    *ret = session;
    return RESULT_OK;
}

static struct result ask_run(const struct ask *ask)
{
    struct session *session = NULL;
    struct result found = run_of(ask, &session);
    if (ask->hub->restored.made && !session_find(ask->hub, &ask->frame.run))
        return reply_answer(ask, SERVICE_ENDED, &ask->frame.run, false,
                            "the coordinator was restored from a backup from before this run, which it does not know; "
                            "submit it again");
    if (!result_ok(found)) return reply_refusal(ask, found);
    if (session->state == SERVICE_RUN_FAILED)
        return reply_answer(ask, SERVICE_ENDED, &ask->frame.run, false, session->reason);
    TRY(session_machine(session));
    session->requests[ask->member] = (struct parked){.id = ask->id, .at = clock_monotonic_ms()};
    FAILPOINT_MESSAGE("coordinator: before taking", ask->frame.payload);
    return session_step(session,
                        &(struct input){.kind = INPUT_MESSAGE, .from = ask->member, .bytes = ask->frame.payload});
}

static struct result ask_submit(const struct ask *ask)
{
    struct service_submission submission;
    struct session *session = NULL;
    struct result result = service_submission_read(ask->frame.payload, ask->hub->roster.size, &submission);
    if (result_ok(result) && submission.submitter != ask->member)
        result = FAIL(CATEGORY_FALSE, "a plan is submitted through the submitter's own node");
    if (result_ok(result)) result = session_submit(ask->hub, ask->frame.payload, &session);
    if (!result_ok(result)) return reply_refusal(ask, result);
    TRY(reply_answer(ask, SERVICE_ANSWER, &session->submission.id, true, ""));
    return asks_polls(ask->hub);
}

static struct result ask_refuse(const struct ask *ask)
{
    struct session *session = NULL;
    struct service_answer answer;
    struct result result = run_of(ask, &session);
    if (result_ok(result)) result = service_answer_read(ask->frame.payload, &answer);
    if (!result_ok(result)) return reply_refusal(ask, result);
    char reason[SERVICE_REASON_MAX + NAME_MAX_BYTES + 16];
    (void)snprintf(reason, sizeof reason, "%s refuses: %s", ask->hub->roster.members[ask->member - 1].name,
                   answer.reason);
    TRY(session_cancel(session, reason));
    return reply_answer(ask, SERVICE_ANSWER, &ask->frame.run, true, "");
}

static struct result ask_cancel(const struct ask *ask)
{
    struct session *session = NULL;
    struct service_answer answer;
    struct result result = run_of(ask, &session);
    if (result_ok(result) && session->submission.terms.submitter != ask->member)
        result = FAIL(CATEGORY_FALSE, "only %s, who submitted the run, can cancel it",
                      ask->hub->roster.members[session->submission.terms.submitter - 1].name);
    if (result_ok(result) && session->state != SERVICE_RUN_OPEN)
        result = FAIL(CATEGORY_FALSE, "the run is over already");
    if (result_ok(result)) result = service_answer_read(ask->frame.payload, &answer);
    if (!result_ok(result)) return reply_refusal(ask, result);
    char reason[SERVICE_REASON_MAX + NAME_MAX_BYTES + 32];
    (void)snprintf(reason, sizeof reason, "cancelled by %s: %s", ask->hub->roster.members[ask->member - 1].name,
                   answer.reason);
    TRY(session_cancel(session, reason));
    return reply_answer(ask, SERVICE_ANSWER, &ask->frame.run, true, "");
}

static struct result ask_attest(const struct ask *ask)
{
    struct session *session = session_find(ask->hub, &ask->frame.run);
    if (session && session->machine) TRY(session_attested(session, ask->member, ask->frame.payload));
    FAILPOINT("coordinator: an attestation is taken");
    return reply_answer(ask, SERVICE_ANSWER, &ask->frame.run, true, "");
}

static struct result ask_status(const struct ask *ask)
{
    CLEANUP(buffer_done) struct buffer payload = {0};
    bool all = hash_is_zero(&ask->frame.run);
    unsigned count = 0;
    for (const struct session *session = ask->hub->sessions; session && count < SERVICE_STATUS_MAX;
         session = session->next) {
        if (!all && !hash_equal(&ask->frame.run, &session->submission.id)) continue;
        struct service_run_status status;
        session_status(session, &status);
        TRY(service_run_status_write(&status, &payload));
        count++;
    }
    return reply(ask, SERVICE_STATUS, &ask->frame.run, buffer_view(&payload));
}

/* The run's bundle, for the members of its cohort. */
static struct result ask_bundle(const struct ask *ask)
{
    struct session *session = NULL;
    uint64_t offset = 0;
    char path[FILE_PATH_MAX];
    CLEANUP(buffer_done) struct buffer bytes = {0}, payload = {0};
    struct service_piece piece = {0};
    struct result result = run_of(ask, &session);
    if (result_ok(result)) result = service_piece_asked(ask->frame.payload, &offset);
    if (!result_ok(result)) return reply_refusal(ask, result);
    if (session->state == SERVICE_RUN_OPEN)
        return reply_answer(ask, SERVICE_ANSWER, &ask->frame.run, false, SERVICE_BUNDLE_EARLY);
    TRY(session_path(session, "run.cfd", path));
    if (!file_exists(path))
        return reply_answer(ask, SERVICE_ANSWER, &ask->frame.run, false, "the coordinator has no bundle of this run");
    TRY(file_read_piece(path, offset, SERVICE_PIECE_MAX, &bytes, &piece.total));
    piece.bytes = buffer_view(&bytes);
    TRY(service_piece_write(&piece, &payload));
    return reply(ask, SERVICE_BUNDLE, &ask->frame.run, buffer_view(&payload));
}

static bool poll_knows(const struct service_poll_reader *poll, const struct hash *id)
{
    for (size_t i = 0; i < poll->known_count; i++)
        if (hash_equal(&poll->known[i], id)) return true;
    return false;
}

/* What one run has for a member that polls: the offer, another member's request for attestation. */
static struct result poll_item(struct session *session, unsigned member, const struct service_poll_reader *poll,
                               struct buffer *out)
{
    struct service_item item = {.run = session->submission.id};
    bool known = poll_knows(poll, &session->submission.id);
    const struct run_terms *terms = &session->submission.terms;
    struct protocol_range spoken = hub_spoken(session->hub, member);
    bool speaks = terms->version >= spoken.oldest && terms->version <= spoken.newest; /* else it is told of in status */
    if (session->state == SERVICE_RUN_OPEN && !known && speaks && members_has(&terms->cohort, member)) {
        item.kind = SERVICE_ITEM_OFFER;
        item.bytes = buffer_view(&session->submission.bytes);
        TRY(service_item_write(&item, out));
    }
    if (!session->machine || !secagg_coordinator_attest_request(session->machine, member, &item.bytes))
        return RESULT_OK;
    item.kind = SERVICE_ITEM_ATTEST;
    return service_item_write(&item, out);
}

/* Answers a member's parked poll when there is something new for it. */
static struct result poll_answer(struct hub *hub, unsigned member)
{
    struct parked *poll = &hub->polls[member];
    if (!poll->id) return RESULT_OK;
    CLEANUP(buffer_done) struct buffer payload = {.limit = MESSAGE_MAX / 2};
    TRY(service_poll_read(buffer_view(&hub->known[member]), &hub->poll));
    for (struct session *session = hub->sessions; session; session = session->next) {
        struct result result = poll_item(session, member, &hub->poll, &payload);
        if (result.category == CATEGORY_USAGE) break; /* no room: the rest with the next poll */
        TRY(result);
    }
    if (payload.length == 0) return RESULT_OK;
    const struct ask ask = {.hub = hub, .member = member, .id = poll->id};
    *poll = (struct parked){0};
    return reply(&ask, SERVICE_OFFERS, NULL, buffer_view(&payload));
}

struct result asks_polls(struct hub *hub)
{
    for (unsigned member = 1; member <= hub->roster.size; member++) TRY(poll_answer(hub, member));
    return RESULT_OK;
}

static struct result ask_poll(const struct ask *ask)
{
    struct hub *hub = ask->hub;
    struct buffer *known = &hub->known[ask->member];
    buffer_clear(known);
    TRY(buffer_append(known, ask->frame.payload));
    hub->polls[ask->member] = (struct parked){.id = ask->id, .at = clock_monotonic_ms()};
    struct result result = poll_answer(hub, ask->member);
    if (result.category != CATEGORY_PEER) return result;
    hub->polls[ask->member] = (struct parked){0}; /* a poll that cannot be read */
    return reply_refusal(ask, result);
}

static struct result (*const handlers[])(const struct ask *ask) = {
    [SERVICE_RUN] = ask_run,       [SERVICE_SUBMIT] = ask_submit, [SERVICE_POLL] = ask_poll,
    [SERVICE_REFUSE] = ask_refuse, [SERVICE_ATTEST] = ask_attest, [SERVICE_CANCEL] = ask_cancel,
    [SERVICE_STATUS] = ask_status, [SERVICE_BUNDLE] = ask_bundle,
};

static struct result dispatch(struct ask *ask, struct view bytes)
{
    struct result result = service_frame_read(bytes, &ask->frame);
    if (result_ok(result)) {
        size_t kind = (size_t)ask->frame.kind;
        if (kind < sizeof handlers / sizeof *handlers && handlers[kind]) return handlers[kind](ask);
        result = FAIL(CATEGORY_PEER, "a request of a kind that only replies have");
    }
    return reply_refusal(ask, result);
}

struct result asks_dispatch(struct hub *hub, const struct transport_request *request)
{
    struct ask ask = {.hub = hub, .member = roster_position_of_node(&hub->roster, &request->peer), .id = request->id};
    if (!ask.member) return RESULT_OK; /* the transport lets in members only */
    FAILPOINT("coordinator: before a request");
    log_peer(hub->roster.members[ask.member - 1].name);
    struct result result = dispatch(&ask, buffer_view(&request->bytes));
    log_peer(NULL);
    return result;
}
