#include "tests/sim/rules.h"

#include <stdlib.h>
#include <string.h>

#include "proto/secagg/node.h"

static struct said *said_of(struct oracle *oracle, uint64_t round, unsigned bank)
{
    return &oracle->said[round * (oracle->scenario->banks + 1) + bank];
}

static struct result reserve_round(struct oracle *oracle, uint64_t round)
{
    ENSURE(round <= RUN_ROUNDS_MAX, CATEGORY_FALSE, "round %llu", (unsigned long long)round);
    if (round < oracle->rounds) return RESULT_OK;
    uint64_t rounds = 2 * round + 8;
    size_t row = oracle->scenario->banks + 1, had = oracle->rounds * row, has = rounds * row;
    struct said *said = realloc(oracle->said, has * sizeof *said);
    ENSURE(said, CATEGORY_ENVIRONMENT, "out of memory");
    memset(said + had, 0, (has - had) * sizeof *said);
    oracle->said = said;
    oracle->rounds = rounds;
    return RESULT_OK;
}

static bool is_said(const struct hash *hash)
{
    return !hash_is_zero(hash);
}

/* The first of its kind, or byte for byte the same again. */
static struct result say_once(struct hash *said, struct view bytes, unsigned bank, const char *what, uint64_t round)
{
    struct hash hash;
    TRY(hash_bytes("said", bytes, &hash));
    ENSURE(!is_said(said) || hash_equal(said, &hash), CATEGORY_FALSE, "bank %u sent two different %s of round %llu",
           bank, what, (unsigned long long)round);
    *said = hash;
    return RESULT_OK;
}

enum { OF_EPOCH = 1, OF_ROUND = 5 }; /* digits of the number in a record's key */

/* A message that was sent is in the bank's records, so that it comes again after any crash. */
static struct result check_durable(struct oracle *oracle, unsigned bank, struct view bytes, const char *key, int digits,
                                   uint64_t number)
{
    const struct record_source source = records_source(&oracle->consortium->parties[bank].records);
    CLEANUP(buffer_done) struct buffer kept = {0};
    bool found = false;
    TRY(record_load(&source, KEEP_RUN, &kept, &found, "%s/%0*llu", key, digits, (unsigned long long)number));
    ENSURE(found && view_equal(buffer_view(&kept), bytes), CATEGORY_FALSE,
           "bank %u sent %s %llu, which is not what its records hold", bank, key, (unsigned long long)number);
    return RESULT_OK;
}

/* Secrets of a round that may still be in a bank's records once it has decided the round. */
struct leftover {
    unsigned bank;
    uint64_t round;
    const struct members *released; /* U of its release, or NULL after VOID */
};

static struct result check_leftover(void *context, const struct fact *fact)
{
    const struct leftover *leftover = context;
    if (fact->round != leftover->round) return RESULT_OK;
    bool own = !fact->holder && fact->dealer == leftover->bank;
    bool held = fact->holder == leftover->bank;
    if (held && leftover->released && fact->kind == (members_has(leftover->released, fact->dealer) ? SHARE_A : SHARE_B))
        return RESULT_OK;
    ENSURE(!own && !held, CATEGORY_FALSE, "bank %u decided round %llu and still holds secrets of bank %u",
           leftover->bank, (unsigned long long)fact->round, fact->dealer);
    return RESULT_OK;
}

static struct result check_erased(struct oracle *oracle, unsigned bank, uint64_t round, const struct members *released)
{
    const struct records *records = &oracle->consortium->parties[bank].records;
    struct leftover leftover = {bank, round, released};
    for (unsigned secret = 0; secret < 2; secret++)
        for (size_t i = 0; i < records->maps[secret][0].count; i++)
            TRY(knowledge_search(&oracle->knowledge, buffer_view(&records->maps[secret][0].items[i].value),
                                 check_leftover, &leftover));
    return RESULT_OK;
}

/* ---- what a round has come to */

static unsigned honest_voids(struct oracle *oracle, uint64_t round)
{
    unsigned count = 0;
    for (unsigned i = 1; i <= oracle->scenario->banks; i++)
        count += !oracle->consortium->parties[i].aged && is_said(&said_of(oracle, round, i)->voided);
    return count;
}

static struct result check_one_decision(struct oracle *oracle, uint64_t round)
{
    const struct thresholds *thresholds = &oracle->knowledge.thresholds;
    const struct said *first = NULL;
    unsigned released = 0, voided = honest_voids(oracle, round);
    for (unsigned i = 1; i <= oracle->scenario->banks; i++) {
        const struct said *said = said_of(oracle, round, i);
        if (oracle->consortium->parties[i].aged || !is_said(&said->release)) continue;
        released++;
        if (!first) first = said;
        ENSURE(members_equal(&first->survivors, &said->survivors), CATEGORY_FALSE, "round %llu was released for two U",
               (unsigned long long)round);
    }
    unsigned aged = 0;
    for (unsigned i = 1; i <= oracle->scenario->banks; i++) aged += oracle->consortium->parties[i].aged;
    bool opens = released + thresholds->f >= thresholds->t;
    ENSURE(!adversary_can_have(thresholds, aged, released, thresholds->t, voided, thresholds->v), CATEGORY_FALSE,
           "round %llu can be opened and is void", (unsigned long long)round);
    for (uint64_t other = 0; opens && other < oracle->rounds; other++)
        for (unsigned i = 1; i <= oracle->scenario->banks; i++) {
            const struct said *said = said_of(oracle, other, i);
            if (oracle->consortium->parties[i].aged || other == round || !is_said(&said->release)) continue;
            ENSURE(said->step != first->step || members_equal(&said->survivors, &first->survivors), CATEGORY_FALSE,
                   "step %llu was released for two U", (unsigned long long)first->step);
        }
    return RESULT_OK;
}

/* A step is masked again only when the round before is void, or certified: by signatures that were really made. */
static struct result check_again(struct oracle *oracle, unsigned bank, uint64_t round)
{
    const struct thresholds *thresholds = &oracle->knowledge.thresholds;
    const struct said *now = said_of(oracle, round, bank);
    for (uint64_t before = 0; before < round; before++) {
        const struct said *said = said_of(oracle, before, bank);
        if (!is_said(&said->header) || said->step != now->step) continue;
        unsigned voids = 0, votes = 0;
        for (unsigned i = 1; i <= oracle->scenario->banks; i++) {
            bool aged = oracle->consortium->parties[i].aged;
            voids += aged || is_said(&said_of(oracle, before, i)->voided);
            votes += aged || is_said(&said_of(oracle, before, i)->vote);
        }
        ENSURE(voids >= thresholds->v || votes >= thresholds->t, CATEGORY_FALSE,
               "bank %u masked step %llu again in round %llu, with round %llu neither void nor certified", bank,
               (unsigned long long)now->step, (unsigned long long)round, (unsigned long long)before);
    }
    return RESULT_OK;
}

/* Noise that nobody was sent under a mask, or that was lost with every round before void: else two noises hide one sum.
 */
struct result rules_another_input(struct oracle *oracle, unsigned bank)
{
    const struct party *party = &oracle->consortium->parties[bank];
    ENSURE(oracle->scenario->private, CATEGORY_FALSE, "bank %u has a contribution that varies", bank);
    for (uint64_t round = 0; round < oracle->rounds; round++) {
        const struct said *said = said_of(oracle, round, bank);
        unsigned voids = 0;
        if (!is_said(&said->header) || said->step != party->node->fold.step) continue;
        for (unsigned i = 1; i <= oracle->scenario->banks; i++)
            voids += oracle->consortium->parties[i].aged || is_said(&said_of(oracle, round, i)->voided);
        ENSURE(party->bereft && voids >= oracle->knowledge.thresholds.v, CATEGORY_FALSE,
               "bank %u masks other noise for step %llu, and round %llu is not void", bank,
               (unsigned long long)said->step, (unsigned long long)round);
    }
    return RESULT_OK;
}

/* What a mask is bound to: the state that the true sums lead to. */
static struct result check_terms(const struct oracle *oracle, unsigned bank, const struct wire_r0 *terms)
{
    const struct fold *fold = &oracle->consortium->parties[bank].node->fold;
    ENSURE(terms->step == fold->step && hash_equal(&terms->state, &fold->state_hash), CATEGORY_FALSE,
           "bank %u masked an input to round %llu for another step or state than its own", bank,
           (unsigned long long)terms->round);
    ENSURE(terms->step == 0 || hash_equal(&terms->state, &oracle->truths[terms->step - 1].state), CATEGORY_FALSE,
           "bank %u masked an input on a state that the true sums do not lead to", bank);
    for (uint64_t round = terms->round + 1; round < oracle->rounds; round++)
        ENSURE(!is_said(&oracle->said[round * (oracle->scenario->banks + 1) + bank].header), CATEGORY_FALSE,
               "bank %u masked an input to round %llu after a later one", bank, (unsigned long long)terms->round);
    return RESULT_OK;
}

/* ---- messages */

static struct result sent_header(struct oracle *oracle, unsigned bank, const struct message *message,
                                 struct wire_arena *arena)
{
    struct wire_signed one;
    struct wire_r1 r1;
    TRY(wire_signed_decode(message->header.header, oracle->scenario->banks, arena, &one));
    TRY(wire_r1_decode(one.body, oracle->scenario->banks, arena, &r1));
    TRY(reserve_round(oracle, r1.round));
    struct said *said = said_of(oracle, r1.round, bank);
    ENSURE(!is_said(&said->voided), CATEGORY_FALSE, "bank %u masked an input to round %llu, which it had voided", bank,
           (unsigned long long)r1.round);
    TRY(say_once(&said->header, message->header.header, bank, "masked inputs", r1.round));
    said->step = oracle->consortium->parties[bank].node->fold.step;
    TRY(check_terms(oracle, bank, &oracle->consortium->parties[bank].node->round.terms));
    TRY(check_again(oracle, bank, r1.round));
    return check_durable(oracle, bank, message->header.header, "r1", OF_ROUND, r1.round);
}

static struct result sent_vote(struct oracle *oracle, unsigned bank, const struct message *message,
                               struct wire_arena *arena)
{
    struct wire_r2 r2;
    TRY(wire_r2_decode(message->one.body, oracle->scenario->banks, arena, &r2));
    TRY(reserve_round(oracle, r2.round));
    struct said *said = said_of(oracle, r2.round, bank);
    unsigned long long round = (unsigned long long)r2.round;
    ENSURE(!is_said(&said->voided), CATEGORY_FALSE, "bank %u voted on U of round %llu after VOID", bank, round);
    ENSURE(members_has(&r2.survivors, bank), CATEGORY_FALSE, "bank %u voted on a U without itself", bank);
    ENSURE(oracle->scenario->goes_on || members_count(&r2.survivors) == oracle->scenario->banks, CATEGORY_FALSE,
           "bank %u voted on a U that is not the cohort, in a run that waits", bank);
    ENSURE(members_count(&r2.survivors) >= oracle->knowledge.thresholds.t, CATEGORY_FALSE, "U is below t");
    TRY(say_once(&said->vote, message->payload, bank, "votes", r2.round));
    r2.counter = 0;
    CLEANUP(buffer_done) struct buffer content = {0};
    TRY(wire_r2_encode(&r2, &content));
    TRY(hash_bytes("content", buffer_view(&content), &said->content));
    return check_durable(oracle, bank, message->payload, "r2", OF_ROUND, r2.round);
}

static struct result sent_void(struct oracle *oracle, unsigned bank, const struct message *message,
                               struct wire_arena *arena)
{
    struct wire_void voided;
    TRY(wire_void_decode(message->one.body, oracle->scenario->banks, arena, &voided));
    TRY(reserve_round(oracle, voided.round));
    struct said *said = said_of(oracle, voided.round, bank);
    ENSURE(!is_said(&said->release), CATEGORY_FALSE, "bank %u voided round %llu, which it had released", bank,
           (unsigned long long)voided.round);
    oracle->voided += !is_said(&said->voided) && honest_voids(oracle, voided.round) == 0;
    TRY(say_once(&said->voided, message->payload, bank, "VOID", voided.round));
    TRY(check_durable(oracle, bank, message->payload, "void", OF_ROUND, voided.round));
    TRY(check_erased(oracle, bank, voided.round, NULL));
    return check_one_decision(oracle, voided.round);
}

/* t banks signed what this one acts on. Votes of banks on old disks are not known; they may count. */
static struct result check_certified(struct oracle *oracle, unsigned bank, uint64_t round, struct view certificate,
                                     struct wire_arena *arena)
{
    struct wire_list list;
    struct members signers = members_none(oracle->scenario->banks);
    TRY(wire_list_decode(certificate, oracle->scenario->banks, arena, &list));
    for (size_t i = 0; i < list.count; i++) {
        struct wire_signed one;
        struct wire_r2 r2;
        CLEANUP(buffer_done) struct buffer content = {0};
        struct hash hash;
        TRY(wire_signed_decode(list.items[i], oracle->scenario->banks, arena, &one));
        TRY(wire_r2_decode(one.body, oracle->scenario->banks, arena, &r2));
        r2.counter = 0;
        TRY(wire_r2_encode(&r2, &content));
        TRY(hash_bytes("content", buffer_view(&content), &hash));
        bool known = hash_equal(&said_of(oracle, round, one.signer)->content, &hash);
        ENSURE(known || oracle->consortium->parties[one.signer].aged, CATEGORY_FALSE,
               "bank %u acts on a vote of bank %u that was never cast", bank, one.signer);
        members_add(&signers, one.signer);
    }
    ENSURE(members_count(&signers) >= oracle->knowledge.thresholds.t, CATEGORY_FALSE,
           "bank %u acts on %u votes of round %llu", bank, members_count(&signers), (unsigned long long)round);
    return RESULT_OK;
}

static struct result sent_release(struct oracle *oracle, unsigned bank, const struct message *message,
                                  struct wire_arena *arena)
{
    const struct secagg_node *node = oracle->consortium->parties[bank].node;
    struct wire_r3 r3;
    TRY(wire_r3_decode(message->one.body, oracle->scenario->banks, arena, &r3));
    TRY(reserve_round(oracle, r3.round));
    struct said *said = said_of(oracle, r3.round, bank);
    ENSURE(!is_said(&said->voided), CATEGORY_FALSE, "bank %u released shares of round %llu after VOID", bank,
           (unsigned long long)r3.round);
    oracle->opened += !is_said(&said->release);
    TRY(say_once(&said->release, message->payload, bank, "releases", r3.round));
    said->survivors = node->round.survivors;
    said->step = node->round.terms.step;
    TRY(check_durable(oracle, bank, message->payload, "release", OF_ROUND, r3.round));
    TRY(check_certified(oracle, bank, r3.round, buffer_view(&node->round.certificate), arena));
    TRY(check_erased(oracle, bank, r3.round, &said->survivors));
    return check_one_decision(oracle, r3.round);
}

static struct result sent_close(struct oracle *oracle, unsigned bank, struct view close)
{
    if (!close.length) return RESULT_OK;
    const struct record_source source = records_source(&oracle->consortium->parties[bank].records);
    CLEANUP(buffer_done) struct buffer kept = {0};
    TRY(record_need(&source, KEEP_RUN, &kept, "close"));
    ENSURE(view_equal(buffer_view(&kept), close), CATEGORY_FALSE,
           "bank %u closed a sum with another message than its records hold", bank);
    return RESULT_OK;
}

struct result rules_sent(struct oracle *oracle, unsigned bank, struct view bytes)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    const struct secagg_node *node = oracle->consortium->parties[bank].node;
    struct message message;
    TRY(message_decode(bytes, oracle->scenario->banks, &arena, &message));
    switch (message.kind) {
    case MESSAGE_P1:
        return check_durable(oracle, bank, message.payload, "p1", OF_EPOCH, node->epoch.epoch);
    case MESSAGE_P2:
        return check_durable(oracle, bank, message.payload, "p2", OF_EPOCH, node->epoch.epoch);
    case MESSAGE_ACK:
        return check_durable(oracle, bank, message.payload, "ack", OF_EPOCH, node->epoch.epoch);
    case MESSAGE_AWAIT:
        return sent_close(oracle, bank, message.await.close);
    case MESSAGE_HEADER:
        return sent_header(oracle, bank, &message, &arena);
    case MESSAGE_VOTE:
        return sent_vote(oracle, bank, &message, &arena);
    case MESSAGE_VOID:
        return sent_void(oracle, bank, &message, &arena);
    case MESSAGE_RELEASE:
        return sent_release(oracle, bank, &message, &arena);
    default:
        return RESULT_OK;
    }
}

/* ---- the coordinator: one R0 a round; after proposing VOID it never uses U */

static struct result replied_round(struct oracle *oracle, const struct message *message, struct wire_arena *arena)
{
    struct wire_signed one;
    struct wire_r0 r0;
    TRY(wire_signed_decode(message->round.r0, oracle->scenario->banks, arena, &one));
    TRY(wire_r0_decode(one.body, oracle->scenario->banks, arena, &r0));
    TRY(reserve_round(oracle, r0.round));
    return say_once(&said_of(oracle, r0.round, 0)->header, message->round.r0, 0, "R0", r0.round);
}

static struct result replied_u(struct oracle *oracle, struct view signed_r2, struct wire_arena *arena)
{
    struct wire_signed one;
    struct wire_r2 r2;
    TRY(wire_signed_decode(signed_r2, oracle->scenario->banks, arena, &one));
    TRY(wire_r2_decode(one.body, oracle->scenario->banks, arena, &r2));
    TRY(reserve_round(oracle, r2.round));
    ENSURE(!is_said(&said_of(oracle, r2.round, 0)->voided), CATEGORY_FALSE,
           "the coordinator uses U of round %llu after it proposed VOID", (unsigned long long)r2.round);
    return RESULT_OK;
}

static struct result replied_void(struct oracle *oracle, const struct message *message, struct wire_arena *arena)
{
    struct wire_void voided;
    TRY(wire_void_decode(message->one.body, oracle->scenario->banks, arena, &voided));
    TRY(reserve_round(oracle, voided.round));
    return say_once(&said_of(oracle, voided.round, 0)->voided, message->payload, 0, "proposals of VOID", voided.round);
}

struct result rules_replied(struct oracle *oracle, struct view bytes)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    TRY(message_decode(bytes, oracle->scenario->banks, &arena, &message));
    switch (message.kind) {
    case MESSAGE_ROUND:
        return replied_round(oracle, &message, &arena);
    case MESSAGE_PROPOSAL:
        return replied_u(oracle, message.proposal.proposal, &arena);
    case MESSAGE_CERTIFICATE:
        return message.list.count ? replied_u(oracle, message.list.items[0], &arena) : RESULT_OK;
    case MESSAGE_VOID_PROPOSAL:
        return replied_void(oracle, &message, &arena);
    default:
        return RESULT_OK;
    }
}

/* ---- certificates that a bank takes */

struct result rules_persisted(struct oracle *oracle, unsigned bank, const struct effect *effect)
{
    static const char prefix[] = "voided/";
    if (effect->shared || strncmp(effect->key, prefix, sizeof prefix - 1) != 0) return RESULT_OK;
    uint64_t round = strtoull(effect->key + sizeof prefix - 1, NULL, 10);
    unsigned voids = 0;
    TRY(reserve_round(oracle, round));
    for (unsigned i = 1; i <= oracle->scenario->banks; i++)
        voids += oracle->consortium->parties[i].aged || is_said(&said_of(oracle, round, i)->voided);
    ENSURE(voids >= oracle->knowledge.thresholds.v, CATEGORY_FALSE, "bank %u takes round %llu for void, on %u VOID",
           bank, (unsigned long long)round, voids);
    return RESULT_OK;
}
