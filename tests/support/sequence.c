#include "tests/support/sequence.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/stages.h"

enum {
    BANKS = 3,
    RING = 32,            /* messages kept for SEQUENCE_REPLAY */
    OPERATIONS_MOST = 64, /* of one input, so that it ends soon */
    SAID_MOST = 256,      /* words of the party under test that are remembered */
    SLOTS_MOST = 8,       /* signed bodies in one message */
    BODY_MOST = 4096,
    TURNS = 24,            /* of honest play after the last operation */
    AN_HOUR_MS = 3600000,  /* its timers, but for the plan's deadline */
    PREPARED = 16 * 2 * 2, /* stages × first or second time × on_dropout */
};

/* What the party under test has put its name to: the same again is the only thing it may say in its place. */
struct said {
    enum message_kind kind;
    uint64_t place; /* round, or epoch */
    struct hash hash;
};

struct sequence {
    bool ready, at_node;
    struct cohort cohort;
    const struct stage *stages;
    size_t stages_count;
    enum message_kind hold; /* lost until the operations begin, but for the first `pass` of them */
    unsigned pass;
    struct buffer last[MESSAGE_KINDS_END], ring[RING];
    size_t ring_next;
    struct said said[SAID_MOST];
    size_t said_count;
    bool dirty;   /* the run is not any more what was prepared */
    bool cheated; /* the party under test was sent what no honest party says */
    bool forged;  /* ... with a signature in the name of more banks than may collude */
    bool may_end; /* cancelled by an operator or by the clock, or secrets are gone */
};

static void must(bool condition, const char *what)
{
    if (condition) return;
    (void)fprintf(stderr, "%s: %s\n", what, result_reason());
    abort();
}

static void ok(struct result result)
{
    must(result_ok(result), "a step");
}

/* --- What the party under test says ------------------------------------------------------------------------------- */

static void say(struct sequence *sequence, enum message_kind kind, uint64_t place, struct view bytes)
{
    struct hash hash;
    ok(hash_bytes("said", bytes, &hash));
    for (size_t i = 0; i < sequence->said_count; i++) {
        const struct said *said = &sequence->said[i];
        if (said->place != place) continue;
        if (said->kind == kind) {
            must(hash_equal(&said->hash, &hash), "two different messages in one place");
            return;
        }
        must(!(said->kind == MESSAGE_RELEASE && kind == MESSAGE_VOID), "VOID after a release");
        must(!(said->kind == MESSAGE_VOID && (kind == MESSAGE_RELEASE || kind == MESSAGE_HEADER)), "a round voided");
        must(!(said->kind == MESSAGE_OPENED && kind == MESSAGE_VOID_CERTIFICATE), "an opened round voided");
        must(!(said->kind == MESSAGE_VOID_CERTIFICATE && kind == MESSAGE_OPENED), "a voided round opened");
    }
    if (sequence->said_count < SAID_MOST) sequence->said[sequence->said_count++] = (struct said){kind, place, hash};
}

/* The signed bodies that have a place, a round or an epoch, and may not differ there; others are free to change. */
static const struct watched {
    enum message_kind kind;
    enum wire_type type;
    bool of_epoch;
    size_t place; /* where the body says it */
} watched[] = {
    {MESSAGE_P1, WIRE_P1, true, offsetof(struct wire_p1, epoch)},
    {MESSAGE_ACK, WIRE_ACK, true, offsetof(struct wire_ack, epoch)},
    {MESSAGE_HEADER, WIRE_R1, false, offsetof(struct wire_r1, round)},
    {MESSAGE_VOTE, WIRE_R2, false, offsetof(struct wire_r2, round)},
    {MESSAGE_VOID, WIRE_VOID, false, offsetof(struct wire_void, round)},
    {MESSAGE_RELEASE, WIRE_R3, false, offsetof(struct wire_r3, round)},
    {MESSAGE_VOID_CERTIFICATE, WIRE_VOID, false, offsetof(struct wire_void, round)},
    {MESSAGE_OPENED, WIRE_OPEN, false, offsetof(struct wire_open, round)},
};

static struct view watched_item(const struct message *message)
{
    if (message->kind == MESSAGE_HEADER) return message->header.header;
    if (message->kind == MESSAGE_OPENED) return message->opened.open;
    if (message->kind == MESSAGE_VOID_CERTIFICATE) return message->list.items[0];
    return message->payload;
}

static uint64_t place_of(const struct watched *one, const uint8_t *body)
{
    uint32_t epoch;
    uint64_t round;
    memcpy(&epoch, body + one->place, sizeof epoch);
    if (one->of_epoch) return epoch | UINT64_C(1) << 63;
    memcpy(&round, body + one->place, sizeof round);
    return round;
}

static void listen_to(struct sequence *sequence, struct view bytes)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    struct wire_signed one;
    static _Alignas(max_align_t) uint8_t body[BODY_MOST];
    ok(message_decode(bytes, BANKS, &arena, &message));
    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++) {
        if (watched[i].kind != message.kind) continue;
        ok(wire_signed_decode(watched_item(&message), BANKS, &arena, &one));
        ok(wire_decode(watched[i].type, one.body, BANKS, &arena, body));
        /* A certificate may be of any of the banks; that there is one is what counts. */
        bool certificate = message.kind == MESSAGE_VOID_CERTIFICATE;
        say(sequence, message.kind, place_of(&watched[i], body), certificate ? view_text("") : one.body);
    }
}

/* --- Messages on their way ---------------------------------------------------------------------------------------- */

static void keep(struct buffer *buffer, struct view bytes)
{
    buffer_clear(buffer);
    ok(buffer_append(buffer, bytes));
}

/* To the party under test: kept. Held-up ones are lost, those of a node to all, for they are all the same to it. */
static bool arrives(struct sequence *sequence, bool tested, const struct buffer *bytes)
{
    enum message_kind kind = (enum message_kind)bytes->data[1];
    if (tested) {
        keep(&sequence->last[kind], buffer_view(bytes));
        keep(&sequence->ring[sequence->ring_next++ % RING], buffer_view(bytes));
    }
    if (kind != sequence->hold || (!tested && !sequence->at_node)) return true;
    if (sequence->pass == 0) return false;
    if (tested) sequence->pass--;
    return true;
}

static bool on_request(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes)
{
    (void)cohort;
    struct sequence *sequence = context;
    if (sequence->at_node && from == 1) listen_to(sequence, buffer_view(bytes));
    return sequence->at_node || arrives(sequence, from == 1, bytes);
}

static bool on_reply(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    (void)cohort;
    struct sequence *sequence = context;
    if (!sequence->at_node) listen_to(sequence, buffer_view(bytes));
    return !sequence->at_node || arrives(sequence, to == 1, bytes);
}

/* --- Operations --------------------------------------------------------------------------------------------------- */

static uint8_t next(struct reader *input)
{
    uint8_t byte = 0;
    return result_ok(reader_u8(input, &byte)) ? byte : 0;
}

static struct view next_bytes(struct reader *input)
{
    size_t length = next(input);
    length |= (size_t)next(input) << 8;
    struct view bytes = {0};
    if (length > input->rest.length) length = input->rest.length;
    ok(reader_take(input, length, &bytes));
    return bytes;
}

static const struct stage *next_stage(const struct sequence *sequence, struct reader *input)
{
    return &sequence->stages[next(input) % sequence->stages_count];
}

static void edit(struct reader *input, uint8_t *bytes, size_t length)
{
    for (unsigned edits = 1 + next(input) % 4; edits && length; edits--) {
        size_t at = next(input);
        at |= (size_t)next(input) << 8;
        bytes[at % length] ^= next(input);
    }
}

/* What is refused changes nothing: the machine waits for what it waited for. */
static void feed(struct sequence *sequence, struct view bytes)
{
    struct cohort *cohort = &sequence->cohort;
    unsigned to = sequence->at_node ? 1 : 0;
    const struct cohort_party *party = &cohort->parties[to];
    if (!party->up) return;
    char before[128];
    unsigned refused = party->refused;
    uint64_t batches = cohort->batches;
    (void)snprintf(before, sizeof before, "%s",
                   to ? secagg_node_phase(party->node) : secagg_coordinator_phase(cohort->coordinator));
    sequence->cheated = true;
    ok(cohort_feed(cohort, to, to ? 0 : 1, bytes));
    if (party->refused == refused || cohort->batches != batches) sequence->dirty = true;
    if (party->refused == refused || !party->up) return;
    const char *after = to ? secagg_node_phase(party->node) : secagg_coordinator_phase(cohort->coordinator);
    must(strcmp(before, after) == 0, "a refused message changed the phase");
}

/* Where signed bodies stand in a message; the items of a list are copied, so that they can be changed. */
static size_t find_slots(struct message *message, struct view copies[SLOTS_MOST], struct view *ret[SLOTS_MOST])
{
    switch (message->kind) {
    case MESSAGE_ROUND:
        ret[0] = &message->round.r0;
        return 1;
    case MESSAGE_PROPOSAL:
        ret[0] = &message->proposal.proposal;
        return 1;
    case MESSAGE_OPENED:
        ret[0] = &message->opened.open;
        return 1;
    case MESSAGE_HEADER:
        ret[0] = &message->header.header;
        return 1;
    case MESSAGE_AWAIT:
        ret[0] = &message->await.close;
        return message->await.close.length > 0;
    case MESSAGE_P2:
    case MESSAGE_JOINED:
    case MESSAGE_P1S:
    case MESSAGE_P2S:
    case MESSAGE_ACKS:
    case MESSAGE_CERTIFICATE:
    case MESSAGE_VOID_CERTIFICATE:
    case MESSAGE_FINISHED: {
        size_t count = message->list.count < SLOTS_MOST ? message->list.count : SLOTS_MOST;
        for (size_t i = 0; i < count; i++) copies[i] = message->list.items[i];
        for (size_t i = 0; i < count; i++) ret[i] = &copies[i];
        message->list = (struct wire_list){copies, count};
        return count;
    }
    case MESSAGE_FETCH:
    case MESSAGE_PIECES:
    case MESSAGE_CLOSED:
        return 0;
    default:
        ret[0] = &message->payload;
        return 1;
    }
}

/* Those whom a cheater has on its side: the coordinator and one bank, or the bank alone. */
static bool colludes(const struct sequence *sequence, unsigned signer)
{
    return sequence->at_node ? signer == 0 || signer == 2 : signer == 1;
}

static void sign_again(struct sequence *sequence, const struct stage *stage, struct reader *input)
{
    uint8_t place = next(input);
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    struct view bytes = buffer_view(&sequence->last[stage->kind]), copies[SLOTS_MOST], *slots[SLOTS_MOST];
    if (bytes.length == 0) return;
    ok(message_decode(bytes, BANKS, &arena, &message));
    size_t count = find_slots(&message, copies, slots);
    if (count == 0) return;
    struct wire_signed one;
    ok(wire_signed_decode(*slots[place % count], BANKS, &arena, &one));
    if (!colludes(sequence, one.signer)) return;
    CLEANUP(buffer_done) struct buffer body = {0}, item = {0}, out = {0};
    ok(buffer_append(&body, one.body));
    edit(input, body.data, body.length);
    one.body = buffer_view(&body);
    ok(sign_bytes(sequence->cohort.keys[one.signer], stage->label, one.body, &one.signature));
    ok(wire_signed_encode(&one, &item));
    *slots[place % count] = buffer_view(&item);
    if (slots[place % count] == &message.payload)
        ok(message_wrap(message.kind, message.payload, &out));
    else
        ok(message_encode(message.kind, &message.one, &out));
    feed(sequence, buffer_view(&out));
}

static void send_changed(struct sequence *sequence, enum sequence_operation operation, struct reader *input)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    const struct stage *stage = next_stage(sequence, input);
    switch (operation) {
    case SEQUENCE_EDIT:
        ok(buffer_append(&bytes, buffer_view(&sequence->last[stage->kind])));
        edit(input, bytes.data, bytes.length);
        feed(sequence, buffer_view(&bytes));
        return;
    case SEQUENCE_BODY:
        sequence->forged = sequence->forged || !colludes(sequence, stage->signer);
        ok(stage_wrap(&sequence->cohort, stage, next_bytes(input), &bytes));
        feed(sequence, buffer_view(&bytes));
        return;
    default:
        sign_again(sequence, stage, input);
        return;
    }
}

static void restart(struct sequence *sequence, uint8_t how)
{
    unsigned party = how % (BANKS + 1);
    cohort_stop(&sequence->cohort, party);
    if (how & 0x80 && party) {
        records_lose_secrets(&sequence->cohort.parties[party].records);
        sequence->may_end = true;
    }
    ok(cohort_start(&sequence->cohort, party));
}

static void operate_on_run(struct sequence *sequence, enum sequence_operation operation, struct reader *input)
{
    struct cohort *cohort = &sequence->cohort;
    sequence->dirty = true;
    switch (operation) {
    case SEQUENCE_GO:
        cohort_repeat(cohort);
        ok(cohort_pump(cohort));
        return;
    case SEQUENCE_RESTART:
        restart(sequence, next(input));
        return;
    case SEQUENCE_STOP:
        cohort_stop(cohort, next(input) % (BANKS + 1));
        return;
    case SEQUENCE_CRASH: {
        uint8_t how = next(input);
        cohort->crash_at = cohort->batches + 1 + how % 8;
        cohort->crash_stage = (enum records_stage)(how / 8 % 4);
        cohort->crash_all = how & 0x20;
        return;
    }
    case SEQUENCE_LOSE: {
        const struct stage *stage = next_stage(sequence, input);
        cohort_lose(cohort, stage->kind, 0, !members_has(&cohort->lost[stage->kind], 1));
        return;
    }
    case SEQUENCE_TIMER:
        if (!cohort->parties[0].up || !cohort->timer) return;
        sequence->may_end = true; /* it may be the plan's deadline */
        ok(cohort_timer(cohort));
        return;
    default: {
        unsigned party = next(input) % (BANKS + 1);
        if (!cohort->parties[party].up) return;
        struct result result = cohort_cancel(cohort, party, "cancelled");
        must(result_ok(result) || result.category == CATEGORY_USAGE, "cancelling");
        sequence->may_end = true;
    }
    }
}

static void operate(struct sequence *sequence, struct reader *input)
{
    enum sequence_operation operation = (enum sequence_operation)(next(input) % SEQUENCE_OPERATIONS);
    switch (operation) {
    case SEQUENCE_RAW:
        feed(sequence, next_bytes(input));
        return;
    case SEQUENCE_EDIT:
    case SEQUENCE_SIGNED:
    case SEQUENCE_BODY:
        send_changed(sequence, operation, input);
        return;
    case SEQUENCE_REPLAY: {
        CLEANUP(buffer_done) struct buffer copy = {0};
        ok(buffer_append(&copy, buffer_view(&sequence->ring[(sequence->ring_next - 1 - next(input)) % RING])));
        feed(sequence, buffer_view(&copy));
        return;
    }
    default:
        operate_on_run(sequence, operation, input);
        return;
    }
}

/* --- One input ---------------------------------------------------------------------------------------------------- */

static void forget(struct sequence *sequence)
{
    cohort_done(&sequence->cohort);
    for (size_t i = 0; i < MESSAGE_KINDS_END; i++) buffer_done(&sequence->last[i]);
    for (size_t i = 0; i < RING; i++) buffer_done(&sequence->ring[i]);
    *sequence = (struct sequence){0};
}

/* Held up where the stage says: in the round of the only sum, or in the second of two, which has an epoch of its own.
 */
static struct sequence *prepare(bool at_node, uint8_t which, uint8_t how)
{
    static struct sequence prepared[2][PREPARED];
    size_t count = at_node ? stage_replies_count : stage_requests_count;
    size_t stage = which % count;
    struct sequence *sequence = &prepared[at_node][stage * 4 + how % 4];
    if (sequence->ready) return sequence;
    *sequence = (struct sequence){.ready = true,
                                  .at_node = at_node,
                                  .stages = at_node ? stage_replies : stage_requests,
                                  .stages_count = count,
                                  .pass = how & 1};
    struct cohort_config config = {
        .banks = BANKS, .words = 3, .rounds = 1 + (how & 1), .epoch_rounds = 1, .seed = 9, .goes_on = how & 2};
    ok(cohort_init(&config, &sequence->cohort));
    sequence->hold = stage_held_up_by(sequence->stages[stage].kind);
    sequence->cohort.hooks = (struct cohort_hooks){.context = sequence, .request = on_request, .reply = on_reply};
    ok(cohort_start_all(&sequence->cohort));
    ok(cohort_pump(&sequence->cohort));
    return sequence;
}

static bool all_over(const struct cohort *cohort)
{
    for (unsigned i = 0; i <= BANKS; i++)
        if (!cohort->parties[i].done && !cohort->parties[i].failed) return false;
    return true;
}

/* Whoever is done has the sum of all three banks' true inputs; and when nobody cheated, everyone gets there, or to the
 * same end. */
static void conclude(struct sequence *sequence)
{
    struct cohort *cohort = &sequence->cohort;
    uint64_t expected = cohort_expected(cohort, &cohort->terms.cohort);
    cohort->crash_at = 0;
    for (unsigned kind = 0; kind < MESSAGE_KINDS_END; kind++) cohort_lose(cohort, (enum message_kind)kind, 0, false);
    for (unsigned i = 0; i <= BANKS; i++)
        if (!cohort->parties[i].up) ok(cohort_start(cohort, i));
    for (unsigned turn = 0; turn < TURNS && !cohort_all_done(cohort); turn++) {
        cohort_repeat(cohort);
        ok(cohort_pump(cohort));
        if (cohort->timer && cohort->timer < cohort->now + AN_HOUR_MS) ok(cohort_timer(cohort));
    }
    if (!sequence->cheated && !(sequence->may_end ? all_over(cohort) : cohort_all_done(cohort))) {
        cohort_explain(cohort);
        must(false, "a run stands still");
    }
    if (sequence->forged) return;
    for (unsigned i = sequence->at_node ? 1 : 0; i <= BANKS; i++) {
        const struct fold *fold =
            i ? secagg_node_fold(cohort->parties[i].node) : secagg_coordinator_fold(cohort->coordinator);
        if (cohort->parties[i].done) must(cohort_value(fold) == expected, "a false sum");
    }
}

void sequence_run(bool at_node, const uint8_t *data, size_t size)
{
    struct reader input = reader_of(view_of(data, size), "operations");
    uint8_t which = next(&input);
    struct sequence *sequence = prepare(at_node, which, next(&input));
    sequence->hold = 0;
    for (unsigned i = 0; i < OPERATIONS_MOST && input.rest.length > 0; i++) operate(sequence, &input);
    if (!sequence->dirty) return;
    conclude(sequence);
    forget(sequence);
}
