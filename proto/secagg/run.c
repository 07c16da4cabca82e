#include "proto/secagg/run.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/base/protocol.h"

struct result run_id(const struct run_terms *terms, struct hash *ret)
{
    CLEANUP(hash_stream_done) struct hash_stream stream = {0};
    uint8_t version = (uint8_t)terms->version;
    ENSURE(terms->version >= 1 && terms->version <= protocol_spoken.newest, CATEGORY_USAGE,
           "a run of version %u of the protocol", terms->version);
    TRY(hash_start(&stream, version > 1 ? "run of a version" : "run"));
    if (version > 1) TRY(hash_update(&stream, view_of(&version, 1)));
    TRY(hash_update(&stream, terms->plan_note));
    TRY(hash_update(&stream, hash_view(&terms->roster->hash)));
    TRY(hash_update(&stream, members_view(&terms->cohort)));
    TRY(hash_update(&stream, view_of(terms->nonce, NONCE_BYTES)));
    return hash_finish(&stream, ret);
}

struct result run_open(const struct run_terms *terms, uint32_t epoch_rounds, struct node_counters *counters,
                       struct run *ret)
{
    struct run run = {.terms = *terms, .rounds = epoch_rounds ? epoch_rounds : EPOCH_ROUNDS, .counters = counters};
    ENSURE(run.rounds <= EPOCH_ROUNDS_MAX && (run.rounds & (run.rounds - 1)) == 0, CATEGORY_USAGE,
           "an epoch of %u rounds: it must be a power of two up to %u", run.rounds, EPOCH_ROUNDS_MAX);
    ENSURE(terms->cohort.size == terms->roster->size, CATEGORY_USAGE, "the cohort is not a set of this roster");
    unsigned count = members_count(&terms->cohort);
    TRY(thresholds_of(count, &run.thresholds));
    ENSURE(count >= terms->plan->cohort_minimum, CATEGORY_USAGE,
           "the cohort has %u banks and the plan's cohort.minimum is %u", count, terms->plan->cohort_minimum);
    ENSURE(members_has(&terms->cohort, terms->submitter), CATEGORY_USAGE, "the submitter is not in the run's cohort");
    TRY(run_id(terms, &run.id));
    char hex[2 * HASH_BYTES + 1];
    bytes_hex(hash_view(&run.id), hex);
    memcpy(run.tag, hex, sizeof run.tag - 1);
    TRY(result_at(sign_verify(&terms->roster->members[terms->submitter - 1].identity, "submit", hash_view(&run.id),
                              &terms->submission),
                  "the submission by %s: ", terms->roster->members[terms->submitter - 1].name));
    *ret = run;
    return RESULT_OK;
}

const char *run_member(const struct run *run, unsigned position)
{
    const struct roster *roster = run->terms.roster;
    if (position == 0) return roster->coordinator_name;
    return position <= roster->size ? roster->members[position - 1].name : "nobody";
}

struct round_name run_round(const struct run *run, uint32_t epoch, uint64_t round)
{
    return (struct round_name){run->id, epoch, round};
}

struct result refuse_peer(struct result result)
{
    if (result.category == CATEGORY_FALSE) result.category = CATEGORY_PEER;
    return result;
}

struct result signed_make(const struct sign_key *key, unsigned signer, const char *kind, enum wire_type type,
                          const void *body, struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    TRY(wire_encode(type, body, &bytes));
    struct wire_signed message = {.body = buffer_view(&bytes), .signer = signer};
    TRY(sign_bytes(key, kind, message.body, &message.signature));
    return wire_signed_encode(&message, out);
}

/* The counter of a verified body: rule 7's "highest counter they hold". */
static void hold(struct run *run, unsigned signer, uint64_t counter)
{
    if (!run->counters || signer == 0 || run->counters->held[signer] >= counter) return;
    run->counters->held[signer] = counter;
    run->held_changed = true;
}

static uint64_t body_counter(enum wire_type type, const struct signed_body *body)
{
    switch (type) {
    case WIRE_P1:
        return body->p1.counter;
    case WIRE_P2:
        return body->p2.counter;
    case WIRE_ACK:
        return body->ack.counter;
    case WIRE_R1:
        return body->r1.counter;
    case WIRE_R2:
        return body->r2.counter;
    case WIRE_VOID:
        return body->void_.counter;
    case WIRE_R3:
        return body->r3.counter;
    case WIRE_CLOSE:
        return body->close.counter;
    default:
        return 0;
    }
}

struct result signed_verify(struct run *run, const char *kind, enum wire_type type, const struct wire_signed *message,
                            struct wire_arena *arena, struct signed_body *ret)
{
    const struct roster *roster = run->terms.roster;
    ENSURE(message->signer == 0 || members_has(run_cohort(run), message->signer), CATEGORY_PEER,
           "a message signed by member %u, who is not in the cohort", message->signer);
    const struct sign_public *key = message->signer ? &roster->members[message->signer - 1].node : &roster->coordinator;
    struct signed_body body = {.message = *message};
    TRY(refuse_peer(result_at(sign_verify(key, kind, message->body, &message->signature), "%s of %s: ", kind,
                              run_member(run, message->signer))));
    TRY(wire_decode(type, message->body, roster->size, arena, &body.join));
    /* Every body begins with its run. */
    ENSURE(hash_equal(&body.join.run, &run->id), CATEGORY_PEER, "%s of %s belongs to another run", kind,
           run_member(run, message->signer));
    hold(run, message->signer, body_counter(type, &body));
    *ret = body;
    return RESULT_OK;
}

struct result signed_read(struct run *run, const char *kind, enum wire_type type, struct view bytes,
                          struct wire_arena *arena, struct signed_body *ret)
{
    struct wire_signed message;
    TRY(wire_signed_decode(bytes, run->terms.roster->size, arena, &message));
    return signed_verify(run, kind, type, &message, arena, ret);
}

struct result run_check_survivors(const struct run *run, const struct members *survivors)
{
    ENSURE(members_within(survivors, run_cohort(run)), CATEGORY_PEER, "a set of inputs beyond the run's cohort");
    if (run->terms.plan->on_dropout == DROPOUT_WAIT) {
        ENSURE(members_equal(survivors, run_cohort(run)), CATEGORY_PEER,
               "a set of inputs without a bank of the cohort, in a run that waits for every bank");
        return RESULT_OK;
    }
    ENSURE(members_count(survivors) >= run->thresholds.t, CATEGORY_PEER, "a set of %u inputs is below the threshold %u",
           members_count(survivors), run->thresholds.t);
    return RESULT_OK;
}

static bool same_r2(const struct wire_r2 *a, const struct wire_r2 *b)
{
    return a->epoch == b->epoch && a->round == b->round && hash_equal(&a->ctx, &b->ctx) &&
           members_equal(&a->survivors, &b->survivors) && hash_equal(&a->headers, &b->headers);
}

static bool same_close(const struct wire_close *a, const struct wire_close *b)
{
    return a->epoch == b->epoch && a->round == b->round && a->step == b->step && hash_equal(&a->ctx, &b->ctx) &&
           members_equal(&a->survivors, &b->survivors) && hash_equal(&a->headers, &b->headers) &&
           hash_equal(&a->sum, &b->sum) && hash_equal(&a->state, &b->state) && hash_equal(&a->model, &b->model);
}

static bool same_vote(enum wire_type type, const struct signed_body *a, const struct signed_body *b)
{
    if (type == WIRE_R2) return same_r2(&a->r2, &b->r2);
    if (type == WIRE_CLOSE) return same_close(&a->close, &b->close);
    return a->void_.epoch == b->void_.epoch && a->void_.round == b->void_.round;
}

static struct result certificate(struct run *run, const char *kind, enum wire_type type, unsigned need,
                                 struct view bytes, struct wire_arena *arena, struct signed_body *ret)
{
    struct wire_list list;
    TRY(wire_list_decode(bytes, run->terms.roster->size, arena, &list));
    struct members signers = members_none(run->terms.roster->size);
    struct signed_body first = {0};
    for (size_t i = 0; i < list.count; i++) {
        struct signed_body vote;
        TRY(signed_read(run, kind, type, list.items[i], arena, &vote));
        ENSURE(vote.message.signer != 0, CATEGORY_PEER, "a certificate with a vote of the coordinator");
        ENSURE(!members_has(&signers, vote.message.signer), CATEGORY_PEER, "a certificate with two votes of %s",
               run_member(run, vote.message.signer));
        members_add(&signers, vote.message.signer);
        if (i == 0) first = vote;
        ENSURE(same_vote(type, &first, &vote), CATEGORY_PEER, "a certificate whose votes differ");
    }
    ENSURE(members_count(&signers) >= need, CATEGORY_PEER, "a certificate with %zu votes, of which %u are needed",
           list.count, need);
    *ret = first;
    return RESULT_OK;
}

struct result certificate_r2(struct run *run, struct view list, struct wire_arena *arena, struct wire_r2 *ret)
{
    struct signed_body vote;
    TRY(certificate(run, "r2", WIRE_R2, run->thresholds.t, list, arena, &vote));
    TRY(run_check_survivors(run, &vote.r2.survivors));
    *ret = vote.r2;
    return RESULT_OK;
}

struct result certificate_void(struct run *run, struct view list, struct wire_arena *arena, struct wire_void *ret)
{
    struct signed_body vote;
    TRY(certificate(run, "void", WIRE_VOID, run->thresholds.v, list, arena, &vote));
    *ret = vote.void_;
    return RESULT_OK;
}

struct result certificate_close(struct run *run, struct view list, struct wire_arena *arena, struct wire_close *ret)
{
    struct signed_body vote;
    TRY(certificate(run, "close", WIRE_CLOSE, run->thresholds.t, list, arena, &vote));
    TRY(run_check_survivors(run, &vote.close.survivors));
    *ret = vote.close;
    return RESULT_OK;
}

struct result ballot_init(struct ballot *ballot, unsigned roster_size)
{
    ballot->items = calloc(roster_size + 1u, sizeof *ballot->items);
    ENSURE(ballot->items, CATEGORY_ENVIRONMENT, "out of memory for the messages of %u banks", roster_size);
    ballot->have = members_none(roster_size);
    return RESULT_OK;
}

void ballot_clear(struct ballot *ballot)
{
    for (unsigned i = 0; ballot->items && i <= ballot->have.size; i++) buffer_done(&ballot->items[i]);
    ballot->have = members_none(ballot->have.size);
}

void ballot_done(struct ballot *ballot)
{
    ballot_clear(ballot);
    free(ballot->items);
    *ballot = (struct ballot){0};
}

struct result ballot_put(struct ballot *ballot, unsigned position, struct view bytes)
{
    buffer_clear(&ballot->items[position]);
    TRY(buffer_append(&ballot->items[position], bytes));
    members_add(&ballot->have, position);
    return RESULT_OK;
}

struct view ballot_get(const struct ballot *ballot, unsigned position)
{
    return buffer_view(&ballot->items[position]);
}

struct result ballot_list(const struct ballot *ballot, const struct members *of, unsigned limit, struct buffer *out)
{
    struct view *items = calloc(ballot->have.size + 1u, sizeof *items);
    ENSURE(items, CATEGORY_ENVIRONMENT, "out of memory for a list of messages");
    size_t count = 0;
    for (unsigned i = members_next(&ballot->have, 0); i && (!limit || count < limit);
         i = members_next(&ballot->have, i))
        if (!of || members_has(of, i)) items[count++] = ballot_get(ballot, i);
    struct wire_list list = {items, count};
    struct result result = wire_list_encode(&list, out);
    free(items);
    return result;
}
