/* The coordinator and bank 5 do what they like: rounds, proposals, certificates and VOIDs in any order to any bank, out
 * of all signatures they have seen and all they can make, and restarts in between; some inputs come out otherwise when
 * they are made again. Whatever happens to one step, this holds for the honest banks 1 to 4: one R1, one vote on U and
 * one VOID a round; VOID never with a release; nothing that voids and opens a round both; and of two rounds that can be
 * opened, U is one and each input is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/secagg/node.h"
#include "tests/support/cohort.h"
#include "tests/support/ok.h"
#include "tests/support/seeded.h"

enum { BANKS = 5, HONEST = 4, ROUNDS = 8, RUNS = 40, MOVES = 400, NEEDED = 3, VOIDS = 2 }; /* t - f; v - f */

/* What one bank said of one round, as it left it. */
struct said {
    struct buffer header, vote, voided, release;
    struct hash input;
    struct members survivors; /* of the certificate it released under */
};
struct world {
    struct cohort cohort;
    struct said said[HONEST + 1][ROUNDS + 1];
    struct random_source *dice;
};
static struct {
    unsigned opened, voided, twice, votes, refused;
} seen;

static unsigned roll(struct world *world, unsigned sides)
{
    return (unsigned)random_below(world->dice, sides);
}

static void once(struct buffer *kept, struct view bytes, unsigned bank, const char *what)
{
    if (kept->length && !view_equal(buffer_view(kept), bytes)) fail_msg("bank %u said two things: %s", bank, what);
    if (!kept->length) OK(buffer_append(kept, bytes));
}

/* Writes down what a bank asks now, and holds it to what it said before. */
static void listen(struct world *world, unsigned bank)
{
    struct cohort_party *party = &world->cohort.parties[bank];
    if (!party->waiting || party->request.length < 2) return;
    const struct secagg_node *node = party->node;
    struct view bytes = buffer_view(&party->request);
    uint64_t round = node->round.terms.round;
    if (round == 0 || round > ROUNDS) return;
    struct said *said = &world->said[bank][round];
    switch (bytes.data[1]) {
    case MESSAGE_HEADER:
        once(&said->header, bytes, bank, "R1");
        said->input = node->masked.input;
        return;
    case MESSAGE_VOTE:
        if (said->voided.length) fail_msg("bank %u voted on a round it had voided", bank);
        seen.votes += said->vote.length == 0;
        once(&said->vote, buffer_view(&node->round.vote), bank, "R2");
        return;
    case MESSAGE_VOID:
        if (said->release.length) fail_msg("bank %u voided a round it had released", bank);
        once(&said->voided, buffer_view(&node->round.void_vote), bank, "VOID");
        return;
    case MESSAGE_RELEASE:
        if (said->voided.length) fail_msg("bank %u released a round it had voided", bank);
        once(&said->release, buffer_view(&node->round.release), bank, "R3");
        said->survivors = node->round.survivors;
        return;
    default:
        return;
    }
}

static void tell(struct world *world, unsigned bank, enum message_kind kind, const void *payload)
{
    struct buffer bytes = {0};
    struct cohort_party *party = &world->cohort.parties[bank];
    unsigned before = party->refused;
    OK(message_encode(kind, payload, &bytes));
    OK(cohort_feed(&world->cohort, bank, 0, buffer_view(&bytes)));
    buffer_done(&bytes);
    seen.refused += party->refused - before;
    listen(world, bank);
}

/* Another noise now and then: the input is not what it was. */
static void noise(void *context, unsigned bank, uint64_t step, uint64_t *words, uint64_t count)
{
    struct world *world = context;
    (void)bank, (void)step, (void)count;
    if (roll(world, 12) == 0) words[0] += 1 + roll(world, 3);
}

static unsigned honest(const struct world *world, uint64_t round, size_t offset)
{
    unsigned count = 0;
    for (unsigned i = 1; i <= HONEST; i++) {
        const struct buffer *buffer = (const void *)((const char *)&world->said[i][round] + offset);
        count += buffer->length > 0;
    }
    return count;
}

/* All votes on what one bank voted on in this round, and bank 5's own; NULL views when there is none. */
static void certificate(struct world *world, uint64_t round, struct buffer *own, struct view *views, size_t *ret_count)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct wire_r2 model = {0};
    size_t count = 0;
    unsigned first = 1 + roll(world, HONEST);
    for (unsigned k = 0; k < HONEST; k++) {
        unsigned i = (first + k - 1) % HONEST + 1;
        const struct buffer *vote = &world->said[i][round].vote;
        if (!vote->length) continue;
        struct wire_signed one;
        struct wire_r2 body;
        OK(wire_signed_decode(buffer_view(vote), BANKS, &arena, &one));
        OK(wire_r2_decode(one.body, BANKS, &arena, &body));
        if (count == 0) model = body;
        if (!hash_equal(&body.headers, &model.headers) || !members_equal(&body.survivors, &model.survivors) ||
            !hash_equal(&body.ctx, &model.ctx))
            continue;
        views[count++] = buffer_view(vote);
    }
    if (count) {
        model.counter = 1000 + round;
        OK(cohort_sign(&world->cohort, BANKS, "r2", WIRE_R2, &model, own));
        views[count++] = buffer_view(own);
    }
    *ret_count = count;
}

static void void_certificate(struct world *world, uint64_t round, struct buffer *own, struct view *views,
                             size_t *ret_count)
{
    size_t count = 0;
    for (unsigned i = 1; i <= HONEST && count < VOIDS; i++)
        if (world->said[i][round].voided.length) views[count++] = buffer_view(&world->said[i][round].voided);
    struct wire_void vote = {
        .run = world->cohort.parties[1].node->run.id, .epoch = 1, .round = round, .counter = 1000 + round};
    OK(cohort_sign(&world->cohort, BANKS, "void", WIRE_VOID, &vote, own));
    views[count++] = buffer_view(own);
    *ret_count = count;
}

static void send_round(struct world *world, unsigned bank)
{
    const struct secagg_node *node = world->cohort.parties[bank].node;
    struct wire_r0 terms = {.run = node->run.id,
                            .epoch = 1,
                            .round = 1 + roll(world, ROUNDS),
                            .roster = world->cohort.roster.hash,
                            .set = node->epoch.set,
                            .plan = world->cohort.plan.hash,
                            .state = node->fold.state_hash,
                            .layout = node->fold.layout_hash};
    if (roll(world, 16)) terms.round = node->last + 1;
    struct buffer own = {0}, retry = {0}, r0 = {0};
    struct view views[BANKS];
    size_t count = 0;
    uint64_t before = node->masked.round && roll(world, 4) ? node->masked.round : 1 + roll(world, ROUNDS);
    unsigned kind = roll(world, 8);
    if (kind < 3) void_certificate(world, before, &own, views, &count);
    if (kind >= 3 && kind < 6) certificate(world, before, &own, views, &count);
    struct wire_list list = {views, count};
    if (count) {
        OK(wire_list_encode(&list, &retry));
        OK(ctx_certificate_hash(buffer_view(&retry), &terms.retry));
    }
    OK(cohort_sign(&world->cohort, 0, "r0", WIRE_R0, &terms, &r0));
    struct wire_round message = {.r0 = buffer_view(&r0), .retry = buffer_view(&retry)};
    /* To all who may want it: one ctx. */
    bool all = roll(world, 4) != 0;
    for (unsigned i = 1; i <= HONEST; i++)
        if (i == bank || all) tell(world, i, MESSAGE_ROUND, &message);
    buffer_done(&own);
    buffer_done(&retry);
    buffer_done(&r0);
}

/* U is everyone, or all but one; the headers of those who have none yet are made up. */
static void propose(struct world *world, unsigned bank)
{
    struct secagg_node *node = world->cohort.parties[bank].node;
    uint64_t round = node->round.terms.round;
    if (!round || round > ROUNDS || !node->round.header.length) return;
    struct wire_r2 proposal = {.run = node->run.id,
                               .epoch = 1,
                               .round = round,
                               .ctx = node->round.ctx,
                               .survivors = world->cohort.terms.cohort};
    unsigned without = roll(world, 3) ? (unsigned)(round % 2 ? 0 : 5) : 1 + roll(world, BANKS);
    if (without) members_remove(&proposal.survivors, without);
    struct hash leaves[BANKS];
    unsigned count = 0, ranks[BANKS + 1] = {0};
    for (unsigned i = members_next(&proposal.survivors, 0); i; i = members_next(&proposal.survivors, i)) {
        leaves[count] = (struct hash){{(uint8_t)i}};
        const struct secagg_node *other = i <= HONEST ? world->cohort.parties[i].node : NULL;
        CLEANUP(wire_arena_done) struct wire_arena arena = {0};
        struct wire_signed header;
        if (other && other->round.terms.round == round && other->round.header.length) {
            OK(wire_signed_decode(buffer_view(&other->round.header), BANKS, &arena, &header));
            OK(merkle_leaf(header.body, &leaves[count]));
        }
        ranks[i] = count++;
    }
    OK(merkle_root(leaves, count, &proposal.headers));
    struct buffer one = {0};
    OK(cohort_sign(&world->cohort, 0, "r2", WIRE_R2, &proposal, &one));
    bool all = roll(world, 4) != 0;
    for (unsigned i = 1; i <= HONEST; i++) {
        if (i != bank && !all) continue;
        struct buffer path = {0};
        OK(merkle_path(leaves, count, ranks[i], &path));
        struct wire_proposal message = {.proposal = buffer_view(&one), .path = buffer_view(&path)};
        tell(world, i, MESSAGE_PROPOSAL, &message);
        buffer_done(&path);
    }
    buffer_done(&one);
}

static void certify(struct world *world, unsigned bank, enum message_kind kind)
{
    struct buffer own = {0};
    struct view views[BANKS];
    size_t count = 0;
    uint64_t round = world->cohort.parties[bank].node->round.terms.round;
    if (!round || round > ROUNDS || roll(world, 6) == 0) round = 1 + roll(world, ROUNDS);
    if (kind == MESSAGE_VOID_CERTIFICATE)
        void_certificate(world, round, &own, views, &count);
    else
        certificate(world, round, &own, views, &count);
    struct wire_list list = {views, count};
    bool all = roll(world, 3) != 0;
    for (unsigned i = 1; count && i <= HONEST; i++)
        if (i == bank || all) tell(world, i, kind, &list);
    buffer_done(&own);
}

static void propose_void(struct world *world, unsigned bank)
{
    const struct secagg_node *node = world->cohort.parties[bank].node;
    struct wire_void body = {.run = node->run.id, .epoch = 1, .round = node->round.terms.round};
    if (!body.round || roll(world, 6) == 0) body.round = 1 + roll(world, ROUNDS);
    struct buffer one = {0}, bytes = {0};
    OK(cohort_sign(&world->cohort, 0, "void", WIRE_VOID, &body, &one));
    OK(message_wrap(MESSAGE_VOID_PROPOSAL, buffer_view(&one), &bytes));
    OK(cohort_feed(&world->cohort, bank, 0, buffer_view(&bytes)));
    listen(world, bank);
    buffer_done(&one);
    buffer_done(&bytes);
}

static void restart(struct world *world, unsigned bank)
{
    struct cohort *cohort = &world->cohort;
    OK(cohort_start(cohort, bank));
    struct cohort_party *party = &cohort->parties[bank];
    if (party->node->state == NODE_ENDING) return;
    assert_int_equal(party->request.data[1], MESSAGE_JOIN);
    struct buffer items[BANKS] = {0}, join = {0};
    struct view views[BANKS];
    size_t count = 0;
    OK(buffer_append(&join, view_of(party->request.data + 2, party->request.length - 2)));
    for (unsigned i = 1; i <= BANKS; i++) {
        if (i == bank) continue;
        OK(secagg_attest(cohort->keys[i], i, &cohort->roster, &cohort->parties[i].counters, buffer_view(&join),
                         &items[count]));
        views[count] = buffer_view(&items[count]);
        count++;
    }
    struct wire_list list = {views, count};
    tell(world, bank, MESSAGE_JOINED, &list);
    assert_true(party->node->joined);
    for (size_t i = 0; i < count; i++) buffer_done(&items[i]);
    buffer_done(&join);
}

static void move(struct world *world)
{
    unsigned bank = 1 + roll(world, HONEST);
    if (world->cohort.parties[bank].node->state >= NODE_DONE) return;
    unsigned what = roll(world, 24);
    if (what < 6) return send_round(world, bank);
    if (what < 12) return propose(world, bank);
    if (what < 18) return certify(world, bank, MESSAGE_CERTIFICATE);
    if (what < 20) return certify(world, bank, MESSAGE_SUPERSEDED);
    if (what < 22) return certify(world, bank, MESSAGE_VOID_CERTIFICATE);
    if (what < 23) return propose_void(world, bank);
    if (roll(world, 2) == 0) restart(world, bank);
}

static bool can_be_opened(const struct world *world, uint64_t round)
{
    return honest(world, round, offsetof(struct said, release)) >= NEEDED;
}

/* What the coordinator and bank 5 can do with all that was said. */
static void judge(const struct world *world)
{
    uint64_t before = 0;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        bool voided = honest(world, round, offsetof(struct said, voided)) >= VOIDS;
        seen.voided += voided;
        const struct members *survivors = NULL;
        for (unsigned i = 1; i <= HONEST; i++) {
            const struct said *said = &world->said[i][round];
            if (!said->release.length) continue;
            if (survivors && !members_equal(survivors, &said->survivors)) fail_msg("one round was released for two U");
            survivors = &said->survivors;
        }
        if (!can_be_opened(world, round)) continue;
        seen.opened++;
        if (voided) fail_msg("round %llu can be opened and voided", (unsigned long long)round);
        for (unsigned i = 1; before && i <= HONEST; i++) {
            const struct said *one = &world->said[i][before], *other = &world->said[i][round];
            if (one->release.length && other->release.length && !members_equal(&one->survivors, &other->survivors))
                fail_msg("one step can be opened for two U");
            if (one->header.length && other->header.length && !hash_equal(&one->input, &other->input))
                fail_msg("one step can be opened with two inputs of bank %u", i);
        }
        seen.twice += before != 0;
        before = round;
    }
}

static void explore(unsigned number)
{
    static struct world world;
    memset(&world, 0, sizeof world);
    char name[32];
    (void)snprintf(name, sizeof name, "explorer %u", number);
    struct cohort_config config = {
        .banks = BANKS, .words = 2, .rounds = 2, .epoch_rounds = ROUNDS, .goes_on = number % 2 != 0, .seed = number};
    OK(cohort_init(&config, &world.cohort));
    world.dice = seeded(name);
    cohort_lose(&world.cohort, MESSAGE_ROUND, 0, true);
    OK(cohort_run(&world.cohort));
    for (unsigned i = 1; i <= BANKS; i++) assert_int_equal(world.cohort.parties[i].node->state, NODE_READY);
    world.cohort.hooks = (struct cohort_hooks){.context = &world, .input = noise};
    for (unsigned k = 0; k < MOVES; k++) move(&world);
    judge(&world);
    for (unsigned i = 1; i <= HONEST; i++)
        for (unsigned round = 0; round <= ROUNDS; round++) {
            struct said *said = &world.said[i][round];
            struct buffer *const buffers[] = {&said->header, &said->vote, &said->voided, &said->release};
            for (size_t k = 0; k < sizeof buffers / sizeof *buffers; k++) buffer_done(buffers[k]);
        }
    random_source_free(world.dice);
    cohort_done(&world.cohort);
}

static void no_order_of_messages_opens_a_step_twice(void **state)
{
    (void)state;
    for (unsigned number = 0; number < RUNS; number++) explore(number);
    print_message("%u votes, %u rounds that can be opened, %u voided, %u steps twice with one input, %u refusals\n",
                  seen.votes, seen.opened, seen.voided, seen.twice, seen.refused);
    /* It went somewhere. */
    assert_true(seen.votes > RUNS);
    assert_true(seen.opened > RUNS / 4);
    assert_true(seen.voided > RUNS / 4);
    assert_true(seen.twice > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_order_of_messages_opens_a_step_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
