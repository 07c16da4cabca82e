/* The coordinator's machine: its table, and how a step goes. What each message means is in the file named after it. */
#include "proto/secagg/coordinator.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MS UINT64_C(3600000)

/* phase × request → handler; what is not here is refused. A handler takes what is new in its phase; in every other it
 * only remembers the question, for a bank may be a whole epoch late. */
#define EVERY_REQUEST                                                                                                  \
    {                                                                                                                  \
        [MESSAGE_JOIN] = join_take, [MESSAGE_P1] = p1_take, [MESSAGE_P2] = p2_take, [MESSAGE_ACK] = ack_take,          \
        [MESSAGE_AWAIT] = r0_take_await, [MESSAGE_HEADER] = r1_take_header, [MESSAGE_CHUNK] = r1_take_chunk,           \
        [MESSAGE_VOTE] = vote_take, [MESSAGE_VOID] = vote_take_void, [MESSAGE_RELEASE] = release_take,                 \
        [MESSAGE_FETCH] = open_take_fetch, [MESSAGE_FETCH_SUM] = catch_take_fetch, [MESSAGE_REFUSE] = end_take_refusal \
    }
static coordinator_handler *const handlers[PHASES][MESSAGE_REQUESTS_END] = {
    [PHASE_P1] = EVERY_REQUEST,      [PHASE_P2] = EVERY_REQUEST,    [PHASE_ACK] = EVERY_REQUEST,
    [PHASE_COLLECT] = EVERY_REQUEST, [PHASE_VOTE] = EVERY_REQUEST,  [PHASE_VOID] = EVERY_REQUEST,
    [PHASE_RELEASE] = EVERY_REQUEST, [PHASE_CLOSE] = EVERY_REQUEST, [PHASE_FINISHED] = EVERY_REQUEST,
};

static coordinator_answer *const answers[MESSAGE_REQUESTS_END] = {
    [MESSAGE_JOIN] = join_answer,
    [MESSAGE_P1] = p1_answer,
    [MESSAGE_P2] = p2_answer,
    [MESSAGE_ACK] = ack_answer,
    [MESSAGE_AWAIT] = r0_answer,
    [MESSAGE_HEADER] = r1_answer,
    [MESSAGE_CHUNK] = r1_answer,
    [MESSAGE_VOTE] = vote_answer,
    [MESSAGE_VOID] = void_answer,
    [MESSAGE_RELEASE] = release_answer,
    [MESSAGE_FETCH] = open_answer_fetch,
    [MESSAGE_FETCH_SUM] = catch_answer_fetch,
    [MESSAGE_REFUSE] = end_answer_refusal,
};

static coordinator_advance *const advances[PHASES] = {
    [PHASE_P1] = p1_advance,           [PHASE_P2] = p2_advance,       [PHASE_ACK] = ack_advance,
    [PHASE_COLLECT] = r1_advance,      [PHASE_VOTE] = vote_advance,   [PHASE_VOID] = void_advance,
    [PHASE_RELEASE] = release_advance, [PHASE_CLOSE] = close_advance, [PHASE_NEXT] = r0_advance,
};

_Static_assert((unsigned)PHASES <= SECAGG_PHASES_MAX, "as many phases as secagg.h says");
static const char *const phase_names[PHASES] = {
    [PHASE_NEW] = "not started",
    [PHASE_P1] = "collecting keys",
    [PHASE_P2] = "collecting shares",
    [PHASE_ACK] = "collecting acknowledgements",
    [PHASE_COLLECT] = "collecting masked inputs",
    [PHASE_VOTE] = "collecting votes on the inputs",
    [PHASE_VOID] = "voiding the round",
    [PHASE_RELEASE] = "collecting shares of the masks",
    [PHASE_CLOSE] = "waiting for the banks to check the sum",
    [PHASE_NEXT] = "between rounds",
    [PHASE_FINISHED] = "finished",
    [PHASE_ENDED] = "ended",
};

struct result coordinator_reply(struct secagg_coordinator *coordinator, unsigned member, enum message_kind kind,
                                struct view payload, struct effects *effects)
{
    coordinator->peers[member].asked.kind = 0;
    return effect_relay(effects, member, kind, payload);
}

struct result coordinator_reply_with(struct secagg_coordinator *coordinator, unsigned member, enum message_kind kind,
                                     const void *payload, struct effects *effects)
{
    coordinator->peers[member].asked.kind = 0;
    return effect_send(effects, member, kind, payload);
}

struct result coordinator_sign(const struct secagg_coordinator *coordinator, const char *kind, enum wire_type type,
                               const void *body, struct buffer *out)
{
    buffer_clear(out);
    return signed_make(coordinator->config.key, 0, kind, type, body, out);
}

struct result coordinator_read(struct secagg_coordinator *coordinator, unsigned from, const char *kind,
                               enum wire_type type, const struct wire_signed *message, struct wire_arena *arena,
                               struct signed_body *ret)
{
    ENSURE(message->signer == from, CATEGORY_PEER, "%s of %s in a message of %s", kind,
           run_member(&coordinator->run, message->signer), run_member(&coordinator->run, from));
    return signed_verify(&coordinator->run, kind, type, message, arena, ret);
}

struct result coordinator_keep(struct secagg_coordinator *coordinator, struct ballot *ballot, unsigned from,
                               struct view bytes, struct effects *effects, const char *key, ...)
{
    char text[MACHINE_KEY_MAX];
    va_list arguments;
    va_start(arguments, key);
    (void)vsnprintf(text, sizeof text, key, arguments);
    va_end(arguments);
    if (members_has(&ballot->have, from)) {
        if (view_equal(ballot_get(ballot, from), bytes)) return RESULT_OK;
        return coordinator_evidence(coordinator, from, text, bytes, effects);
    }
    TRY(effect_persist(effects, KEEP_RUN, bytes, "%s", text));
    return ballot_put(ballot, from, bytes);
}

void coordinator_returned(struct secagg_coordinator *coordinator, unsigned member)
{
    if (coordinator->phase != PHASE_COLLECT || members_has(&coordinator->round.complete, member)) return;
    coordinator->peers[member].returned = true;
    if (!coordinator->patience_at) coordinator->patience_at = coordinator->now + coordinator->config.patience_ms;
}

void coordinator_round_done(struct coordinator_round *round)
{
    free(round->sum);
    for (unsigned i = 0; round->uploads && i <= round->complete.size; i++) upload_done(&round->uploads[i]);
    free(round->uploads);
    merkle_paths_free(round->paths);
    struct buffer *const buffers[] = {&round->r0, &round->proposal, &round->void_proposal, &round->certificate,
                                      &round->opening};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) buffer_done(buffers[i]);
    struct ballot *const ballots[] = {&round->votes, &round->voids, &round->releases, &round->closes};
    for (size_t i = 0; i < sizeof ballots / sizeof *ballots; i++) ballot_done(ballots[i]);
    *round = (struct coordinator_round){0};
}

struct result coordinator_round_init(struct secagg_coordinator *coordinator)
{
    unsigned size = coordinator->run.terms.roster->size;
    struct coordinator_round *round = &coordinator->round;
    coordinator_round_done(round);
    round->words = coordinator->fold.words;
    round->chunks = check_chunks(round->words);
    round->complete = members_none(size);
    round->false_releases = members_none(size);
    round->sum = calloc((size_t)round->words, sizeof *round->sum);
    round->uploads = calloc(size + 1u, sizeof *round->uploads);
    ENSURE(round->sum && round->uploads, CATEGORY_ENVIRONMENT, "out of memory for a round of %llu words",
           (unsigned long long)round->words);
    TRY(ballot_init(&round->votes, size));
    TRY(ballot_init(&round->voids, size));
    TRY(ballot_init(&round->releases, size));
    return ballot_init(&round->closes, size);
}

static uint64_t deadline(const struct secagg_coordinator *coordinator)
{
    return coordinator->started + coordinator->run.terms.plan->deadline_hours * HOUR_MS;
}

static struct result set_timer(struct secagg_coordinator *coordinator, struct effects *effects)
{
    if (coordinator->phase >= PHASE_FINISHED) return RESULT_OK;
    uint64_t at = deadline(coordinator);
    if (coordinator->patience_at && coordinator->patience_at < at) at = coordinator->patience_at;
    if (at == coordinator->timer) return RESULT_OK;
    struct effect *effect = NULL;
    TRY(effects_add(effects, EFFECT_SET_TIMER, &effect));
    effect->at = at;
    coordinator->timer = at;
    return RESULT_OK;
}

/* The first of a set that asks nothing; else the one that asked longest ago, if that is beyond patience; or 0. */
static unsigned find_silent(const struct secagg_coordinator *coordinator, const struct members *set)
{
    unsigned oldest = 0;
    for (unsigned j = members_next(set, 0); j; j = members_next(set, j)) {
        const struct peer *peer = &coordinator->peers[j];
        if (!peer->asked.kind) return j;
        if (peer->heard + coordinator->config.patience_ms < coordinator->now &&
            (!oldest || peer->heard < coordinator->peers[oldest].heard))
            oldest = j;
    }
    return oldest;
}

/* Names a bank that is awaited and, where it asks and may itself be waiting, one of which nothing is heard. */
static struct result end_at_deadline(struct secagg_coordinator *coordinator, struct effects *effects)
{
    struct members awaited = secagg_coordinator_awaited(coordinator);
    unsigned silent = find_silent(coordinator, &awaited);
    unsigned first = silent ? silent : members_next(&awaited, 0);
    if (!silent) silent = find_silent(coordinator, run_cohort(&coordinator->run));
    bool another = silent && silent != first;
    return coordinator_end(coordinator, effects, "the plan's deadline of %u hours has passed (%s, %u awaited%s%s%s%s)",
                           coordinator->run.terms.plan->deadline_hours, phase_names[coordinator->phase],
                           members_count(&awaited), first ? ", the first is " : "",
                           first ? run_member(&coordinator->run, first) : "", another ? "; nothing is heard of " : "",
                           another ? run_member(&coordinator->run, silent) : "");
}

static struct result take_timer(struct secagg_coordinator *coordinator, struct effects *effects)
{
    coordinator->timer = 0;
    if (coordinator->phase >= PHASE_FINISHED) return RESULT_OK;
    if (coordinator->now >= deadline(coordinator)) return end_at_deadline(coordinator, effects);
    if (coordinator->patience_at && coordinator->now >= coordinator->patience_at) {
        coordinator->patience_at = 0;
        coordinator->patience_over = true;
    }
    return RESULT_OK;
}

static struct result start(struct secagg_coordinator *coordinator, struct effects *effects)
{
    ENSURE(!coordinator->begun, CATEGORY_BUG, "a coordinator's machine is started twice");
    coordinator->begun = true;
    TRY(coordinator_restore(coordinator));
    if (coordinator->phase != PHASE_NEW) return RESULT_OK;
    coordinator->started = coordinator->now;
    uint8_t record[8];
    bytes_put_u64(record, coordinator->now);
    TRY(effect_persist(effects, KEEP_RUN, view_of(record, sizeof record), "started"));
    return p1_open_epoch(coordinator, 1, 1, effects);
}

static struct result take_message(struct secagg_coordinator *coordinator, const struct input *input,
                                  struct effects *effects)
{
    ENSURE(members_has(run_cohort(&coordinator->run), input->from), CATEGORY_PEER,
           "a message of member %u, who is not in the run's cohort", input->from);
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    TRY(message_decode(input->bytes, coordinator->run.terms.roster->size, &arena, &message));
    ENSURE(message.kind < MESSAGE_REQUESTS_END, CATEGORY_PEER, "%s from a bank", message_name(message.kind));
    coordinator->peers[input->from].heard = coordinator->now;
    struct asked *asked = &coordinator->peers[input->from].asked;
    struct asked before = *asked;
    *asked = (struct asked){.kind = message.kind};
    if (coordinator->phase == PHASE_ENDED) return RESULT_OK;
    coordinator_handler *handler = handlers[coordinator->phase][message.kind];
    struct result result =
        handler ? handler(coordinator, input->from, &message, &arena, effects)
                : FAIL(CATEGORY_PEER, "%s while %s", message_name(message.kind), phase_names[coordinator->phase]);
    if (!result_ok(result)) *asked = before;
    TRY(result);
    return coordinator->phase < PHASE_FINISHED ? catch_end_when_behind(coordinator, effects) : RESULT_OK;
}

static struct result take(struct secagg_coordinator *coordinator, const struct input *input, struct effects *effects)
{
    switch (input->kind) {
    case INPUT_START:
        return start(coordinator, effects);
    case INPUT_MESSAGE:
        return take_message(coordinator, input, effects);
    case INPUT_TIMER:
        return take_timer(coordinator, effects);
    case INPUT_PERSISTED:
        coordinator->busy = false;
        return RESULT_OK;
    case INPUT_CANCEL: {
        ENSURE(coordinator->phase < PHASE_FINISHED, CATEGORY_USAGE, "the run is over already");
        char reason[WIRE_REASON_MAX / 2];
        (void)snprintf(reason, sizeof reason, "%.*s", (int)input->bytes.length, (const char *)input->bytes.data);
        return coordinator_end(coordinator, effects, "%s", reason);
    }
    default:
        return FAIL(CATEGORY_BUG, "a coordinator contributes nothing");
    }
}

/* Everyone who waits and can be answered now is; the end is said after that. */
static struct result answer_all(struct secagg_coordinator *coordinator, struct effects *effects)
{
    const struct members *cohort = run_cohort(&coordinator->run);
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j)) {
        unsigned kind = coordinator->peers[j].asked.kind;
        if (!kind) continue;
        if (coordinator->phase == PHASE_ENDED)
            TRY(end_answer(coordinator, j, effects));
        else if (answers[kind])
            TRY(answers[kind](coordinator, j, effects));
    }
    if (coordinator->announced || coordinator->phase < PHASE_FINISHED) return RESULT_OK;
    coordinator->announced = true;
    if (coordinator->phase == PHASE_ENDED) return effect_fail(effects, buffer_view(&coordinator->reason));
    struct effect *effect = NULL;
    return effects_add(effects, EFFECT_DONE, &effect);
}

/* Takes the phase as far as it goes without a batch. */
static struct result settle(struct secagg_coordinator *coordinator, size_t before, struct effects *effects)
{
    bool moved = true;
    while (moved && !effects_persist(effects, before) && advances[coordinator->phase]) {
        moved = false;
        TRY(advances[coordinator->phase](coordinator, effects, &moved));
    }
    TRY(set_timer(coordinator, effects));
    if (!effects_persist(effects, before)) return answer_all(coordinator, effects);
    coordinator->busy = true;
    return catch_erase_masked(coordinator, effects);
}

struct result secagg_coordinator_step(struct secagg_coordinator *coordinator, const struct input *input,
                                      struct effects *effects)
{
    ENSURE(coordinator->busy == (input->kind == INPUT_PERSISTED), CATEGORY_BUG, "a batch of the coordinator %s",
           coordinator->busy ? "is under way" : "was not under way");
    ENSURE(coordinator->begun || input->kind == INPUT_START, CATEGORY_BUG, "a coordinator's machine was not started");
    size_t before = effects->count;
    if (input->now > coordinator->now) coordinator->now = input->now;
    struct result result = take(coordinator, input, effects);
    if (result_ok(result)) result = settle(coordinator, before, effects);
    if (!result_ok(result)) effects_cut(effects, before);
    return result;
}

struct result secagg_coordinator_new(const struct secagg_coordinator_config *config, struct secagg_coordinator **ret)
{
    struct secagg_coordinator *coordinator = calloc(1, sizeof *coordinator);
    ENSURE(coordinator, CATEGORY_ENVIRONMENT, "out of memory for a run");
    coordinator->config = *config;
    if (!coordinator->config.patience_ms) coordinator->config.patience_ms = SECAGG_PATIENCE_MS;
    struct result result = run_open(config->terms, config->epoch_rounds, NULL, &coordinator->run);
    unsigned size = config->terms->roster->size;
    if (result_ok(result)) result = ballot_init(&coordinator->p1, size);
    if (result_ok(result)) result = ballot_init(&coordinator->acks, size);
    coordinator->peers = calloc(size + 1u, sizeof *coordinator->peers);
    coordinator->bitmaps = calloc(size + 1u, sizeof *coordinator->bitmaps);
    if (result_ok(result) && (!coordinator->peers || !coordinator->bitmaps))
        result = FAIL(CATEGORY_ENVIRONMENT, "out of memory for %u banks", size);
    if (!result_ok(result)) {
        secagg_coordinator_free(coordinator);
        return result;
    }
    *ret = coordinator;
    return RESULT_OK;
}

void secagg_coordinator_free(struct secagg_coordinator *coordinator)
{
    if (!coordinator) return;
    for (unsigned i = 0; coordinator->peers && i <= coordinator->config.terms->roster->size; i++) {
        buffer_done(&coordinator->peers[i].join);
        ballot_done(&coordinator->peers[i].attestations);
    }
    free(coordinator->peers);
    free(coordinator->bitmaps);
    fold_done(&coordinator->fold);
    fold_done(&coordinator->next);
    provision_done(&coordinator->epoch);
    ballot_done(&coordinator->p1);
    ballot_done(&coordinator->acks);
    coordinator_round_done(&coordinator->round);
    buffer_done(&coordinator->close);
    buffer_done(&coordinator->retry);
    buffer_done(&coordinator->reason);
    buffer_done(&coordinator->refusal);
    buffer_done(&coordinator->ended);
    free(coordinator);
}

const struct fold *secagg_coordinator_fold(const struct secagg_coordinator *coordinator)
{
    return &coordinator->fold;
}

uint64_t secagg_coordinator_round(const struct secagg_coordinator *coordinator)
{
    return coordinator->last;
}

unsigned secagg_coordinator_uploads(const struct secagg_coordinator *coordinator)
{
    return coordinator->last ? members_count(&coordinator->round.complete) : 0;
}

const char *secagg_coordinator_phase_name(const struct secagg_coordinator *coordinator)
{
    return phase_names[coordinator->phase];
}

const char *secagg_coordinator_phase(const struct secagg_coordinator *coordinator)
{
    struct secagg_coordinator *own = (struct secagg_coordinator *)(uintptr_t)coordinator; /* scratch for the text */
    (void)snprintf(own->text, sizeof own->text, "%s (round %llu, step %llu)", phase_names[coordinator->phase],
                   (unsigned long long)coordinator->last, (unsigned long long)coordinator->fold.step);
    return coordinator->text;
}

bool secagg_coordinator_survivors(const struct secagg_coordinator *coordinator, struct members *ret)
{
    if (!coordinator->round.proposed) return false;
    *ret = coordinator->round.survivors;
    return true;
}

struct members secagg_coordinator_awaited(const struct secagg_coordinator *coordinator)
{
    const struct coordinator_round *round = &coordinator->round;
    struct members awaited = *run_cohort(&coordinator->run);
    const struct members *here[2] = {NULL, NULL};
    switch (coordinator->phase) {
    case PHASE_P1:
        here[0] = &coordinator->p1.have;
        break;
    case PHASE_P2:
        here[0] = &coordinator->p2;
        break;
    case PHASE_ACK:
        here[0] = &coordinator->acks.have;
        break;
    case PHASE_COLLECT:
        here[0] = &round->complete;
        break;
    case PHASE_VOTE:
        here[0] = &round->votes.have, here[1] = &round->voids.have;
        break;
    case PHASE_VOID:
        here[0] = &round->voids.have;
        break;
    case PHASE_RELEASE:
        here[0] = &round->releases.have, here[1] = &round->voids.have;
        break;
    case PHASE_CLOSE:
        here[0] = &round->closes.have;
        break;
    default:
        return members_none(awaited.size);
    }
    for (unsigned j = 1; j <= awaited.size; j++)
        if (members_has(here[0], j) || (here[1] && members_has(here[1], j))) members_remove(&awaited, j);
    return awaited;
}
