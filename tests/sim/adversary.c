#include "tests/sim/adversary.h"

#include <string.h>

#include "proto/secagg/coordinator.h"

enum { LIES_ONE_IN = 12 }; /* times that it shows a bank a sum */

void adversary_init(struct adversary *adversary, struct consortium *consortium, struct random_source *random)
{
    *adversary =
        (struct adversary){.consortium = consortium, .random = random, .lied_to = members_none(consortium->members)};
    adversary->accomplice = 1 + (unsigned)random_below(random, consortium->members);
    adversary->boldness = 2 + random_below(random, 30);
    consortium->parties[adversary->accomplice].aged = true; /* nothing is asked of it */
}

void adversary_done(struct adversary *adversary)
{
    for (unsigned i = 0; i < ADVERSARY_MEMORY; i++) buffer_done(&adversary->replies[i]);
    for (unsigned i = 0; i <= MEMBERS_MAX; i++) {
        buffer_done(&adversary->votes[i]);
        buffer_done(&adversary->voids[i]);
        buffer_done(&adversary->proposals[i]);
    }
}

static unsigned size_of(const struct adversary *adversary)
{
    return adversary->consortium->members;
}

static uint64_t dice(struct adversary *adversary, uint64_t sides)
{
    return random_below(adversary->random, sides);
}

static struct result keep(struct buffer *buffer, struct view bytes)
{
    buffer_clear(buffer);
    return buffer_append(buffer, bytes);
}

/* Votes of one round are worth keeping: the present one's. */
static void turn_to(struct adversary *adversary, uint64_t round)
{
    if (round <= adversary->round) return;
    adversary->round = round;
    for (unsigned i = 0; i <= MEMBERS_MAX; i++) {
        buffer_clear(&adversary->votes[i]);
        buffer_clear(&adversary->voids[i]);
    }
}

static struct result take_in(struct adversary *adversary, unsigned from, struct view bytes)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    if (!result_ok(message_decode(bytes, size_of(adversary), &arena, &message))) return RESULT_OK;
    struct wire_r2 r2;
    struct wire_void voided;
    if (message.kind == MESSAGE_VOTE && result_ok(wire_r2_decode(message.one.body, size_of(adversary), &arena, &r2))) {
        turn_to(adversary, r2.round);
        if (r2.round == adversary->round) return keep(&adversary->votes[from], message.payload);
    }
    if (message.kind == MESSAGE_VOID &&
        result_ok(wire_void_decode(message.one.body, size_of(adversary), &arena, &voided))) {
        turn_to(adversary, voided.round);
        if (voided.round == adversary->round) return keep(&adversary->voids[from], message.payload);
    }
    return RESULT_OK;
}

/* ---- cheats: each replaces the reply */

static struct result sign_as(const struct adversary *adversary, unsigned signer, const char *kind, enum wire_type type,
                             const void *body, struct buffer *out)
{
    return signed_make(adversary->consortium->parties[signer].key, signer, kind, type, body, out);
}

static struct result put(struct buffer *bytes, enum message_kind kind, const void *payload)
{
    buffer_clear(bytes);
    return message_encode(kind, payload, bytes);
}

static struct result put_raw(struct buffer *bytes, enum message_kind kind, const struct buffer *payload)
{
    buffer_clear(bytes);
    return message_wrap(kind, buffer_view(payload), bytes);
}

/* A certificate of what was signed so far, however little, one of it twice now and then; the accomplice signs along. */
static struct result cheat_certificate(struct adversary *adversary, struct buffer *signed_ones, enum message_kind kind,
                                       struct buffer *bytes)
{
    struct view items[MEMBERS_MAX + 2];
    struct wire_list list = {items, 0};
    CLEANUP(buffer_done) struct buffer own = {0};
    for (unsigned i = 1; i <= size_of(adversary); i++)
        if (signed_ones[i].length && dice(adversary, 32) != 0) items[list.count++] = buffer_view(&signed_ones[i]);
    if (list.count == 0) return RESULT_OK;
    if (!signed_ones[adversary->accomplice].length) {
        CLEANUP(wire_arena_done) struct wire_arena arena = {0};
        struct wire_signed one;
        TRY(wire_signed_decode(items[0], size_of(adversary), &arena, &one));
        struct wire_signed copy = {.body = one.body, .signer = adversary->accomplice};
        TRY(sign_bytes(adversary->consortium->parties[adversary->accomplice].key,
                       kind == MESSAGE_VOID_CERTIFICATE ? "void" : "r2", one.body, &copy.signature));
        TRY(wire_signed_encode(&copy, &own));
        items[list.count++] = buffer_view(&own);
    }
    if (dice(adversary, 4) == 0) items[list.count++] = items[0];
    adversary->cheats++;
    return put(bytes, kind, &list);
}

static struct result cheat_void_proposal(struct adversary *adversary, struct buffer *bytes)
{
    const struct secagg_coordinator *coordinator = adversary->consortium->coordinator;
    struct wire_void body = {.run = adversary->consortium->submission.id,
                             .epoch = coordinator->epoch.epoch,
                             .round = coordinator->last + dice(adversary, 2)};
    if (body.round == 0) return RESULT_OK;
    CLEANUP(buffer_done) struct buffer one = {0};
    TRY(sign_as(adversary, 0, "void", WIRE_VOID, &body, &one));
    adversary->cheats++;
    return put_raw(bytes, MESSAGE_VOID_PROPOSAL, &one);
}

/* Another U, or the same with another M. The path of a bank that is still in is kept. */
static struct result cheat_proposal(struct adversary *adversary, const struct message *message,
                                    struct wire_arena *arena, struct buffer *bytes)
{
    struct wire_signed one;
    struct wire_r2 body;
    TRY(wire_signed_decode(message->proposal.proposal, size_of(adversary), arena, &one));
    TRY(wire_r2_decode(one.body, size_of(adversary), arena, &body));
    if (dice(adversary, 2) == 0)
        members_remove(&body.survivors, 1 + (unsigned)dice(adversary, size_of(adversary)));
    else
        body.headers.bytes[0] ^= 1;
    CLEANUP(buffer_done) struct buffer changed = {0};
    CLEANUP(buffer_done) struct buffer path = {0};
    TRY(sign_as(adversary, 0, "r2", WIRE_R2, &body, &changed));
    TRY(buffer_append(&path, message->proposal.path));
    struct wire_proposal proposal = {.proposal = buffer_view(&changed), .path = buffer_view(&path)};
    adversary->cheats++;
    return put(bytes, MESSAGE_PROPOSAL, &proposal);
}

static struct result cheat_round(struct adversary *adversary, const struct message *message, struct wire_arena *arena,
                                 struct buffer *bytes)
{
    struct wire_signed one;
    struct wire_r0 body;
    TRY(wire_signed_decode(message->round.r0, size_of(adversary), arena, &one));
    TRY(wire_r0_decode(one.body, size_of(adversary), arena, &body));
    struct wire_round round = message->round;
    switch (dice(adversary, 7)) {
    case 0:
        body.state.bytes[0] ^= 1;
        break;
    case 1:
        body.step++;
        break;
    case 2:
        body.round += 1 + dice(adversary, 2);
        break;
    case 3:
        body.retry = (struct hash){0};
        round.retry = (struct view){0};
        break;
    case 4:
        body.set.bytes[0] ^= 1;
        break;
    case 5:
        if (body.round == 1) return RESULT_OK;
        body.round -= body.round > 2 ? 1 + dice(adversary, 2) : 1;
        break;
    default:
        if (body.step == 0) return RESULT_OK;
        body.step--;
        break;
    }
    CLEANUP(buffer_done) struct buffer changed = {0};
    CLEANUP(buffer_done) struct buffer close = {0};
    CLEANUP(buffer_done) struct buffer retry = {0};
    TRY(sign_as(adversary, 0, "r0", WIRE_R0, &body, &changed));
    TRY(buffer_append(&close, round.close));
    TRY(buffer_append(&retry, round.retry));
    round = (struct wire_round){buffer_view(&changed), buffer_view(&close), buffer_view(&retry)};
    adversary->cheats++;
    return put(bytes, MESSAGE_ROUND, &round);
}

static bool is_pretending(const struct adversary *adversary)
{
    return members_count(&adversary->lied_to) > 0 &&
           adversary->consortium->coordinator->round.terms.step == adversary->lie_step;
}

/* The hash of the sum that it pretends. */
static struct result pretend(struct adversary *adversary, unsigned to, struct hash *ret)
{
    const struct coordinator_round *round = &adversary->consortium->coordinator->round;
    if (round->words == 0) return RESULT_OK;
    if (!is_pretending(adversary)) adversary->lied_to = members_none(size_of(adversary));
    members_add(&adversary->lied_to, to);
    adversary->lie_step = round->terms.step;
    round->sum[0]++;
    struct result result = ctx_sum_hash(round->sum, round->words, ret);
    round->sum[0]--;
    return result;
}

static struct result show_false_sum(const struct adversary *adversary, struct buffer *bytes)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    CLEANUP(buffer_done) struct buffer words = {0};
    CLEANUP(buffer_done) struct buffer out = {0};
    struct message message;
    TRY(message_decode(buffer_view(bytes), size_of(adversary), &arena, &message));
    struct wire_sum_piece piece = message.sum_piece;
    if (piece.step != adversary->lie_step || piece.chunk != 0) return RESULT_OK;
    TRY(buffer_append(&words, piece.words));
    bytes_put_u64(words.data, bytes_get_u64(words.data) + 1);
    piece.words = buffer_view(&words);
    TRY(message_encode(MESSAGE_SUM_PIECE, &piece, &out));
    return keep(bytes, buffer_view(&out));
}

/* A false sum, or a false secret; the sum that it pretends once is shown to everyone. */
static struct result cheat_opened(struct adversary *adversary, unsigned to, const struct message *message,
                                  struct wire_arena *arena, struct buffer *bytes)
{
    struct wire_signed one;
    struct wire_open body;
    TRY(wire_signed_decode(message->opened.open, size_of(adversary), arena, &one));
    TRY(wire_open_decode(one.body, size_of(adversary), arena, &body));
    struct wire_opened opened = message->opened;
    CLEANUP(buffer_done) struct buffer secrets = {0};
    CLEANUP(buffer_done) struct buffer changed = {0};
    CLEANUP(buffer_done) struct buffer out = {0};
    TRY(buffer_append(&secrets, opened.secrets));
    if (is_pretending(adversary) || dice(adversary, 2) == 0)
        TRY(pretend(adversary, to, &body.sum));
    else
        secrets.data[dice(adversary, secrets.length)] ^= 1;
    if (dice(adversary, 2) == 0) TRY(ctx_secrets_hash(buffer_view(&secrets), &body.secrets));
    TRY(sign_as(adversary, 0, "open", WIRE_OPEN, &body, &changed));
    opened.open = buffer_view(&changed);
    opened.secrets = buffer_view(&secrets);
    TRY(message_encode(MESSAGE_OPENED, &opened, &out));
    adversary->cheats++;
    return keep(bytes, buffer_view(&out));
}

/* One item less, or one twice: attestations, keys, shares, acknowledgements and certificates are lists. */
static struct result cheat_list(struct adversary *adversary, const struct message *message, struct buffer *bytes)
{
    if (message->list.count < 2 || message->list.count > MEMBERS_MAX) return RESULT_OK;
    struct view items[MEMBERS_MAX + 1];
    struct wire_list list = {items, message->list.count - 1};
    memcpy(items, message->list.items, message->list.count * sizeof *items);
    size_t at = (size_t)dice(adversary, message->list.count);
    memmove(items + at, items + at + 1, (message->list.count - at - 1) * sizeof *items);
    if (dice(adversary, 2) == 0) items[list.count++] = items[0];
    CLEANUP(buffer_done) struct buffer out = {0};
    TRY(message_encode(message->kind, &list, &out));
    adversary->cheats++;
    return keep(bytes, buffer_view(&out));
}

static struct result cheat_replay(struct adversary *adversary, struct buffer *bytes)
{
    unsigned known = adversary->replies_count < ADVERSARY_MEMORY ? adversary->replies_count : ADVERSARY_MEMORY;
    if (known == 0) return RESULT_OK;
    adversary->cheats++;
    return keep(bytes, buffer_view(&adversary->replies[dice(adversary, known)]));
}

/* What any reply may be replaced by. */
static struct result cheat_anyhow(struct adversary *adversary, unsigned to, struct buffer *bytes)
{
    switch (dice(adversary, 6)) {
    case 0:
        return cheat_certificate(adversary, adversary->votes, MESSAGE_CERTIFICATE, bytes);
    case 1:
        return cheat_certificate(adversary, adversary->voids, MESSAGE_VOID_CERTIFICATE, bytes);
    case 2:
        return cheat_certificate(adversary, adversary->votes, MESSAGE_SUPERSEDED, bytes);
    case 3:
        return cheat_void_proposal(adversary, bytes);
    case 4:
        return cheat_replay(adversary, bytes);
    default:
        if (!adversary->proposals[to].length) return RESULT_OK;
        adversary->cheats++;
        return keep(bytes, buffer_view(&adversary->proposals[to]));
    }
}

static struct result cheat(struct adversary *adversary, unsigned to, const struct message *message,
                           struct wire_arena *arena, struct buffer *bytes)
{
    if (dice(adversary, 2) == 0) return cheat_anyhow(adversary, to, bytes);
    switch (message->kind) {
    case MESSAGE_PROPOSAL:
        return cheat_proposal(adversary, message, arena, bytes);
    case MESSAGE_ROUND:
        return cheat_round(adversary, message, arena, bytes);
    case MESSAGE_OPENED:
        return cheat_opened(adversary, to, message, arena, bytes);
    case MESSAGE_JOINED:
    case MESSAGE_P1S:
    case MESSAGE_P2S:
    case MESSAGE_ACKS:
    case MESSAGE_CERTIFICATE:
    case MESSAGE_VOID_CERTIFICATE:
    case MESSAGE_SUPERSEDED:
    case MESSAGE_FINISHED:
        return cheat_list(adversary, message, bytes);
    default:
        return RESULT_OK;
    }
}

/* One signature, with its accomplice's, is all that it lacks for VOID to be proven. */
static bool nearly_void(const struct adversary *adversary)
{
    struct thresholds thresholds;
    unsigned voids = !adversary->voids[adversary->accomplice].length;
    for (unsigned i = 1; i <= size_of(adversary); i++) voids += adversary->voids[i].length > 0;
    return result_ok(thresholds_of(size_of(adversary), &thresholds)) && voids + 1 == thresholds.v;
}

struct result adversary_hear(struct adversary *adversary, unsigned from, struct view bytes)
{
    TRY(take_in(adversary, from, bytes));
    bool voids = bytes.length > 1 && bytes.data[1] == MESSAGE_VOID, nearly = voids && nearly_void(adversary);
    if (!nearly && dice(adversary, adversary->boldness) != 0) return RESULT_OK;
    CLEANUP(buffer_done) struct buffer reply = {0};
    if (nearly || (voids && dice(adversary, 2) == 0))
        TRY(cheat_certificate(adversary, adversary->voids, MESSAGE_VOID_CERTIFICATE, &reply));
    else if (voids) /* what it could have signed before */
        TRY(buffer_append(&reply, buffer_view(&adversary->proposals[from])));
    else
        TRY(cheat_anyhow(adversary, from, &reply));
    return reply.length ? consortium_reply(adversary->consortium, from, buffer_view(&reply)) : RESULT_OK;
}

struct result adversary_reply(void *context, struct consortium *consortium, unsigned to, struct buffer *bytes)
{
    struct adversary *adversary = context;
    if (bytes->data[1] == MESSAGE_PROPOSAL) TRY(keep(&adversary->proposals[to], buffer_view(bytes)));
    TRY(keep(&adversary->replies[adversary->replies_count++ % ADVERSARY_MEMORY], buffer_view(bytes)));
    if (bytes->data[1] == MESSAGE_SUM_PIECE && members_has(&adversary->lied_to, to))
        return show_false_sum(adversary, bytes);
    bool pretends = bytes->data[1] == MESSAGE_OPENED && (is_pretending(adversary) || dice(adversary, LIES_ONE_IN) == 0);
    if (!pretends && dice(adversary, adversary->boldness) != 0) return RESULT_OK;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    CLEANUP(buffer_done) struct buffer copy = {0};
    struct message message;
    TRY(buffer_append(&copy, buffer_view(bytes)));
    TRY(message_decode(buffer_view(&copy), consortium->members, &arena, &message));
    if (pretends) return cheat_opened(adversary, to, &message, &arena, bytes);
    return cheat(adversary, to, &message, &arena, bytes);
}
