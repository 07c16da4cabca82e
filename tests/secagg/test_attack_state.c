/* 3, forced: one bank follows another state, the coordinator goes on all the same, and adds up whatever it gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/mask.h"
#include "crypto/shamir.h"
#include "proto/secagg/coordinator.h"
#include "proto/secagg/node.h"
#include "tests/support/cohort.h"
#include "tests/support/ok.h"

enum { BANKS = 5, ODD = 2, WORDS = 8 };

static bool refuses(struct cohort *cohort, unsigned bank, enum message_kind kind, const void *payload)
{
    struct buffer bytes = {0};
    unsigned before = cohort->parties[bank].refused;
    OK(message_encode(kind, payload, &bytes));
    OK(cohort_feed(cohort, bank, 0, buffer_view(&bytes)));
    buffer_done(&bytes);
    return cohort->parties[bank].refused > before;
}

/* R0 to every bank, with the state that each of them has. */
static void open_round(struct cohort *cohort)
{
    for (unsigned i = 1; i <= BANKS; i++) {
        struct secagg_node *node = cohort->parties[i].node;
        assert_int_equal(node->state, NODE_READY);
        if (i == ODD) node->fold.state_hash.bytes[0] ^= 1;
        struct wire_r0 terms = cohort->coordinator->round.terms;
        terms.state = node->fold.state_hash;
        struct buffer r0 = {0};
        OK(cohort_sign(cohort, 0, "r0", WIRE_R0, &terms, &r0));
        struct wire_round message = {.r0 = buffer_view(&r0)};
        assert_false(refuses(cohort, i, MESSAGE_ROUND, &message));
        assert_int_equal(node->state, NODE_UPLOADING);
        buffer_done(&r0);
    }
}

/* Has a bank vote on everyone's headers, under these terms; whether it did. */
static bool votes(struct cohort *cohort, unsigned bank, const struct hash *ctx, const struct hash leaves[BANKS])
{
    struct wire_r2 proposal = {.run = cohort->parties[bank].node->run.id,
                               .epoch = 1,
                               .round = 1,
                               .ctx = *ctx,
                               .survivors = cohort->terms.cohort};
    struct buffer one = {0}, path = {0};
    OK(merkle_root(leaves, BANKS, &proposal.headers));
    OK(merkle_path(leaves, BANKS, bank - 1, &path));
    OK(cohort_sign(cohort, 0, "r2", WIRE_R2, &proposal, &one));
    struct wire_proposal message = {.proposal = buffer_view(&one), .path = buffer_view(&path)};
    bool refused = refuses(cohort, bank, MESSAGE_PROPOSAL, &message);
    buffer_done(&one);
    buffer_done(&path);
    return !refused;
}

static void vote_all(struct cohort *cohort)
{
    struct hash leaves[BANKS];
    for (unsigned i = 1; i <= BANKS; i++) {
        CLEANUP(wire_arena_done) struct wire_arena arena = {0};
        struct wire_signed header;
        OK(wire_signed_decode(buffer_view(&cohort->parties[i].node->round.header), BANKS, &arena, &header));
        OK(merkle_leaf(header.body, &leaves[i - 1]));
    }
    const struct hash *common = &cohort->parties[1].node->round.ctx, *own = &cohort->parties[ODD].node->round.ctx;
    assert_false(hash_equal(common, own));
    assert_false(votes(cohort, ODD, common, leaves));
    for (unsigned i = 1; i <= BANKS; i++) assert_true(votes(cohort, i, i == ODD ? own : common, leaves));
}

/* Four votes under the common terms are a certificate; the odd bank's is on something else. */
static void release_all(struct cohort *cohort)
{
    struct view views[BANKS];
    size_t count = 0;
    for (unsigned i = 1; i <= BANKS; i++)
        if (i != ODD) views[count++] = buffer_view(&cohort->parties[i].node->round.vote);
    struct buffer odd = {0};
    OK(buffer_append(&odd, buffer_view(&cohort->parties[ODD].node->round.vote)));
    struct view mixed[] = {views[0], views[1], views[2], buffer_view(&odd)};
    struct wire_list list = {views, count}, mixture = {mixed, 4};
    struct buffer bytes = {0};
    OK(message_encode(MESSAGE_CERTIFICATE, &list, &bytes));
    for (unsigned i = 1; i <= BANKS; i++) {
        assert_true(refuses(cohort, i, MESSAGE_CERTIFICATE, &mixture));
        unsigned before = cohort->parties[i].refused;
        OK(cohort_feed(cohort, i, 0, buffer_view(&bytes)));
        assert_int_equal(cohort->parties[i].refused, before + (i == ODD));
        assert_int_equal(cohort->parties[i].node->state, i == ODD ? NODE_VOTED : NODE_RELEASED);
    }
    buffer_done(&odd);
    buffer_done(&bytes);
}

/* a of one bank, out of the four releases. */
static void reconstruct(struct cohort *cohort, unsigned dealer, uint8_t a[32])
{
    uint32_t x[BANKS];
    uint8_t shares[BANKS * 32];
    size_t count = 0;
    for (unsigned i = 1; i <= BANKS; i++) {
        if (i == ODD) continue;
        CLEANUP(wire_arena_done) struct wire_arena arena = {0};
        struct wire_signed one;
        struct wire_r3 r3;
        OK(wire_signed_decode(buffer_view(&cohort->parties[i].node->round.release), BANKS, &arena, &one));
        OK(wire_r3_decode(one.body, BANKS, &arena, &r3));
        memcpy(shares + count * 32, r3.shares.items[dealer - 1].data, 32);
        x[count++] = i;
    }
    OK(shamir_combine(x, shares, count, a));
}

static void a_forced_sum_over_two_states_is_noise(void **state)
{
    (void)state;
    struct cohort cohort;
    OK(cohort_init(&(struct cohort_config){.banks = BANKS, .words = WORDS, .rounds = 2, .epoch_rounds = 2}, &cohort));
    cohort_lose(&cohort, MESSAGE_ROUND, 0, true);
    OK(cohort_run(&cohort));
    open_round(&cohort);
    vote_all(&cohort);
    release_all(&cohort);
    uint64_t all[WORDS] = {0}, rest[WORDS] = {0};
    for (unsigned i = 1; i <= BANKS; i++) {
        struct secagg_node *node = cohort.parties[i].node;
        struct round_name name = node_round_name(node);
        uint64_t y[WORDS];
        uint8_t a[32], key[32];
        reconstruct(&cohort, i, a);
        CLEANUP(mask_set_freep) struct mask_set *set = NULL;
        OK(mask_set_new(1, &set));
        OK(ctx_self_key(&name, &node->round.ctx, i, a, key));
        OK(mask_set_add(set, key, true));
        memcpy(y, node->round.y, sizeof y);
        OK(mask_apply(set, 0, y, WORDS));
        for (unsigned k = 0; k < WORDS; k++) {
            assert_true(y[k] != toy_input(i, 0, k));
            all[k] += y[k];
            if (i != ODD) rest[k] += y[k];
        }
    }
    for (unsigned k = 0; k < WORDS; k++) {
        uint64_t expected = 0;
        for (unsigned i = 1; i <= BANKS; i++) expected += toy_input(i, 0, k);
        assert_true(all[k] != expected);
        assert_true(rest[k] != expected - toy_input(ODD, 0, k));
        assert_true(all[k] - rest[k] != toy_input(ODD, 0, k));
    }
    cohort_done(&cohort);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_forced_sum_over_two_states_is_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
