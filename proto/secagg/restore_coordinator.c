/* The coordinator's machine after a restart: the records, replayed into the phase they lead to. */
#include <string.h>

#include "proto/secagg/coordinator.h"

static struct result load(const struct secagg_coordinator *coordinator, struct buffer *out, bool *ret_found,
                          const char *kind, uint64_t number)
{
    return record_load(&coordinator->config.records, KEEP_RUN, out, ret_found, "%s/%05llu", kind,
                       (unsigned long long)number);
}

/* Every member's record of one kind and number. */
static struct result load_ballot(const struct secagg_coordinator *coordinator, struct ballot *ballot, const char *kind,
                                 uint64_t number)
{
    const struct members *cohort = run_cohort(&coordinator->run);
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j)) {
        CLEANUP(buffer_done) struct buffer bytes = {0};
        bool found = false;
        TRY(record_load(&coordinator->config.records, KEEP_RUN, &bytes, &found, "%s/%05llu/%05u", kind,
                        (unsigned long long)number, j));
        if (found) TRY(ballot_put(ballot, j, buffer_view(&bytes)));
    }
    return RESULT_OK;
}

static struct result load_fold(struct secagg_coordinator *coordinator)
{
    const struct plan *plan = coordinator->run.terms.plan;
    const struct task *task = coordinator->run.terms.task;
    CLEANUP(buffer_done) struct buffer state = {0};
    bool found = false;
    TRY(record_load(&coordinator->config.records, KEEP_RUN, &state, &found, "state"));
    if (!found) return fold_start(plan, task, &coordinator->fold);
    TRY(fold_load(plan, task, buffer_view(&state), &coordinator->fold));
    TRY(run_log_load(&coordinator->config.records, &coordinator->log));
    ENSURE(coordinator->log.tree.size == coordinator->fold.step, CATEGORY_ENVIRONMENT,
           "a damaged record of the run's log");
    return record_need(&coordinator->config.records, KEEP_RUN, &coordinator->close, "closed/%05llu",
                       (unsigned long long)coordinator->fold.step - 1);
}

static struct result read_p1(struct secagg_coordinator *coordinator)
{
    const struct members *have = &coordinator->p1.have;
    for (unsigned j = members_next(have, 0); j; j = members_next(have, j)) {
        CLEANUP(wire_arena_done) struct wire_arena arena = {0};
        struct signed_body body;
        TRY(signed_read(&coordinator->run, "p1", WIRE_P1, ballot_get(&coordinator->p1, j), &arena, &body));
        TRY(provision_take(&coordinator->epoch, &coordinator->run, j, &body.p1));
    }
    return members_equal(have, run_cohort(&coordinator->run)) ? p1_set_hash(coordinator) : RESULT_OK;
}

static struct result read_acks(struct secagg_coordinator *coordinator)
{
    const struct members *have = &coordinator->acks.have;
    for (unsigned j = members_next(have, 0); j; j = members_next(have, j)) {
        CLEANUP(wire_arena_done) struct wire_arena arena = {0};
        struct signed_body body;
        TRY(signed_read(&coordinator->run, "ack", WIRE_ACK, ballot_get(&coordinator->acks, j), &arena, &body));
        coordinator->bitmaps[j] = body.ack;
    }
    return RESULT_OK;
}

/* A bundle is one batch: its first message stands for all. */
static struct result read_p2(struct secagg_coordinator *coordinator)
{
    const struct members *cohort = run_cohort(&coordinator->run);
    unsigned receiver = members_next(cohort, 0);
    for (unsigned j = receiver; j; j = members_next(cohort, j)) {
        CLEANUP(buffer_done) struct buffer bytes = {0};
        bool found = false;
        TRY(record_load(&coordinator->config.records, KEEP_RUN, &bytes, &found, "p2/%05u/%05u/%05u",
                        coordinator->epoch.epoch, receiver, j));
        if (found) members_add(&coordinator->p2, j);
    }
    return RESULT_OK;
}

/* What the epoch's P1 name; before there is one, the log has not moved since the epoch was opened. */
static struct result epoch_checkpoint(struct secagg_coordinator *coordinator, struct hash *ret)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct signed_body body;
    unsigned first = members_next(&coordinator->p1.have, 0);
    if (!first) return run_log_checkpoint(&coordinator->log, &coordinator->run.id, ret);
    TRY(signed_read(&coordinator->run, "p1", WIRE_P1, ballot_get(&coordinator->p1, first), &arena, &body));
    *ret = body.p1.checkpoint;
    return RESULT_OK;
}

static struct result load_epoch(struct secagg_coordinator *coordinator)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    TRY(record_need(&coordinator->config.records, KEEP_RUN, &bytes, "epoch"));
    struct reader reader = reader_of(buffer_view(&bytes), "the record of the epoch");
    uint32_t epoch, failures;
    uint64_t first;
    TRY(reader_u32(&reader, &epoch));
    TRY(reader_u64(&reader, &first));
    TRY(reader_u32(&reader, &failures));
    coordinator->failures = failures;
    coordinator->p2 = members_none(coordinator->run.terms.roster->size);
    struct hash checkpoint;
    TRY(load_ballot(coordinator, &coordinator->p1, "p1", epoch));
    TRY(epoch_checkpoint(coordinator, &checkpoint));
    TRY(provision_init(&coordinator->epoch, &coordinator->run, epoch, first, &checkpoint));
    TRY(read_p1(coordinator));
    TRY(read_p2(coordinator));
    TRY(load_ballot(coordinator, &coordinator->acks, "ack", epoch));
    coordinator->phase = PHASE_P1; /* advance goes on from what is there */
    return read_acks(coordinator);
}

/* One bank's upload, summed again and checked again while at it. */
static struct result load_upload(struct secagg_coordinator *coordinator, unsigned from)
{
    struct coordinator_round *round = &coordinator->round;
    unsigned long long number = (unsigned long long)round->terms.round;
    const struct record_source *records = &coordinator->config.records;
    CLEANUP(buffer_done) struct buffer header = {0}, leaves = {0}, chunk = {0};
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    bool found = false;
    TRY(record_load(records, KEEP_RUN, &header, &found, "r1/%05llu/%05u", number, from));
    if (!found) return RESULT_OK;
    TRY(record_need(records, KEEP_RUN, &leaves, "leaves/%05llu/%05u", number, from));
    struct signed_body body;
    TRY(signed_read(&coordinator->run, "r1", WIRE_R1, buffer_view(&header), &arena, &body));
    TRY(r1_begin_upload(coordinator, from, buffer_view(&header), &body.r1, body.message.body, buffer_view(&leaves)));
    while (!round->uploads[from].complete) {
        TRY(record_load(records, KEEP_RUN, &chunk, &found, "y/%05llu/%05u/%05u", number, from,
                        round->uploads[from].next));
        if (!found) return RESULT_OK;
        TRY(r1_add_upload(coordinator, from, buffer_view(&chunk)));
    }
    return RESULT_OK;
}

static struct result load_uploads(struct secagg_coordinator *coordinator)
{
    const struct members *cohort = run_cohort(&coordinator->run);
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j)) TRY(load_upload(coordinator, j));
    return RESULT_OK;
}

static struct result load_proposals(struct secagg_coordinator *coordinator)
{
    struct coordinator_round *round = &coordinator->round;
    uint64_t number = round->terms.round;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    coordinator->phase = PHASE_COLLECT;
    TRY(load(coordinator, &round->proposal, &round->proposed, "proposal", number));
    if (round->proposed) {
        struct signed_body body;
        TRY(signed_read(&coordinator->run, "r2", WIRE_R2, buffer_view(&round->proposal), &arena, &body));
        round->survivors = body.r2.survivors;
        TRY(vote_drop_others(coordinator));
        TRY(vote_settle_headers(coordinator));
        coordinator->phase = PHASE_VOTE;
    }
    TRY(load_ballot(coordinator, &round->votes, "vote", number));
    TRY(load_ballot(coordinator, &round->voids, "void", number));
    TRY(load(coordinator, &round->void_proposal, &round->void_proposed, "voiding", number));
    if (round->void_proposed) coordinator->phase = PHASE_VOID;
    TRY(load(coordinator, &round->certificate, &round->certified, "certificate", number));
    if (round->certified) coordinator->phase = PHASE_RELEASE;
    return load_ballot(coordinator, &round->releases, "release", number);
}

static struct result load_opening(struct secagg_coordinator *coordinator)
{
    CLEANUP(buffer_done) struct buffer opening = {0};
    bool found = false;
    TRY(load(coordinator, &opening, &found, "open", coordinator->round.terms.round));
    if (!found) return RESULT_OK;
    TRY(open_restore(coordinator, buffer_view(&opening)));
    return load_ballot(coordinator, &coordinator->round.closes, "close", coordinator->round.terms.round);
}

/* A round that is over leaves what the next one needs: why its step may be masked again. */
static struct result load_decided(struct secagg_coordinator *coordinator, const struct wire_r0 *r0, bool *ret_decided)
{
    bool voided = false, superseded = false;
    coordinator->round.terms = *r0;
    *ret_decided = true;
    if (r0->step < coordinator->fold.step) return RESULT_OK;
    TRY(load(coordinator, &coordinator->retry, &voided, "voided", r0->round));
    if (!voided) TRY(load(coordinator, &coordinator->retry, &superseded, "superseded", r0->round));
    *ret_decided = voided || superseded;
    if (!*ret_decided) buffer_clear(&coordinator->retry);
    return RESULT_OK;
}

static struct result load_fixed(struct secagg_coordinator *coordinator)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    TRY(load(coordinator, &bytes, &coordinator->fixed, "fixed", coordinator->fold.step));
    if (!coordinator->fixed) return RESULT_OK;
    return members_from(buffer_view(&bytes), coordinator->run.terms.roster->size, &coordinator->fixed_survivors);
}

static struct result load_open_round(struct secagg_coordinator *coordinator, const struct wire_r0 *r0,
                                     struct view bytes)
{
    bool found = false;
    TRY(coordinator_round_init(coordinator));
    coordinator->round.terms = *r0;
    TRY(ctx_of(r0, &coordinator->round.ctx));
    TRY(buffer_append(&coordinator->round.r0, bytes));
    TRY(load(coordinator, &coordinator->retry, &found, "retry", r0->round));
    TRY(load_uploads(coordinator));
    TRY(load_proposals(coordinator));
    TRY(load_opening(coordinator));
    bool goes_on = coordinator->run.terms.plan->on_dropout == DROPOUT_CONTINUE;
    if ((coordinator->phase == PHASE_COLLECT && goes_on) ||
        (coordinator->phase == PHASE_VOTE && vote_may_be_given_up(coordinator)))
        coordinator->patience_at = coordinator->now + coordinator->config.patience_ms;
    return RESULT_OK;
}

static struct result load_round(struct secagg_coordinator *coordinator)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    bool found = false, decided = false;
    TRY(record_load(&coordinator->config.records, KEEP_RUN, &bytes, &found, "round"));
    if (!found) return RESULT_OK;
    ENSURE(bytes.length == 8, CATEGORY_ENVIRONMENT, "a damaged record of the round");
    coordinator->last = bytes_get_u64(bytes.data);
    TRY(record_need(&coordinator->config.records, KEEP_RUN, &bytes, "r0/%05llu",
                    (unsigned long long)coordinator->last));
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct signed_body body;
    TRY(signed_read(&coordinator->run, "r0", WIRE_R0, buffer_view(&bytes), &arena, &body));
    TRY(load_fixed(coordinator));
    TRY(load_decided(coordinator, &body.r0, &decided));
    if (coordinator->epoch.first > coordinator->last) return RESULT_OK; /* a later epoch is being provisioned */
    coordinator->phase = PHASE_NEXT;
    return decided ? RESULT_OK : load_open_round(coordinator, &body.r0, buffer_view(&bytes));
}

/* The first round that still has masked chunks. */
static struct result first_leaves(void *visitor, const char *key, struct view value)
{
    (void)value;
    uint64_t *first = visitor;
    const char *number = strchr(key, '/');
    uint64_t round = 0;
    for (const char *at = number ? number + 1 : ""; *at >= '0' && *at <= '9'; at++)
        round = round * 10 + (uint64_t)(*at - '0');
    if (*first == 0 || round < *first) *first = round;
    return RESULT_OK;
}

static struct result load_erasures(struct secagg_coordinator *coordinator)
{
    const struct record_source *records = &coordinator->config.records;
    uint64_t first = 0;
    TRY(records->each(records->context, false, false, "leaves/", first_leaves, &first));
    coordinator->erase_from = first ? first : coordinator->last + 1;
    coordinator->erase_to = coordinator->last > 1 ? coordinator->last - 2 : 0;
    return RESULT_OK;
}

struct result coordinator_restore(struct secagg_coordinator *coordinator)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    bool found = false;
    coordinator->erase_from = 1;
    TRY(load_fold(coordinator));
    ENSURE(!coordinator->fold.finished || coordinator->fold.step > 0, CATEGORY_USAGE, "the plan asks for no sum");
    TRY(record_load(&coordinator->config.records, KEEP_RUN, &bytes, &found, "started"));
    if (!found) return RESULT_OK;
    ENSURE(bytes.length == 8, CATEGORY_ENVIRONMENT, "a damaged record of the run's start");
    coordinator->started = bytes_get_u64(bytes.data);
    TRY(load_epoch(coordinator));
    TRY(load_round(coordinator));
    TRY(load_erasures(coordinator));
    TRY(record_load(&coordinator->config.records, KEEP_RUN, &coordinator->ended, &found, "ended"));
    if (!found) return RESULT_OK;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct signed_body body;
    TRY(signed_read(&coordinator->run, "end", WIRE_END, buffer_view(&coordinator->ended), &arena, &body));
    coordinator->phase = PHASE_ENDED;
    return buffer_append(&coordinator->reason, body.end.reason);
}
