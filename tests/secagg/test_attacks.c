/* What a malicious coordinator, or a bank, could try against a sum: staged, and noticed by whom it concerns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/mask.h"
#include "proto/secagg/coordinator.h"
#include "proto/secagg/node.h"
#include "tests/support/cohort.h"
#include "tests/support/ok.h"

static const struct cohort_config five = {.banks = 5, .words = 8, .rounds = 2, .epoch_rounds = 8};
static const struct cohort_config five_go_on = {
    .banks = 5, .words = 8, .rounds = 1, .epoch_rounds = 8, .goes_on = true};

static void run_until(struct cohort *cohort, const struct cohort_config *config, enum message_kind kind)
{
    OK(cohort_init(config, cohort));
    cohort_lose(cohort, kind, 0, true);
    OK(cohort_run(cohort));
    assert_false(cohort_all_done(cohort));
}

static bool refuses(struct cohort *cohort, unsigned bank, enum message_kind kind, const void *payload)
{
    struct buffer bytes = {0};
    unsigned before = cohort->parties[bank].refused;
    OK(message_encode(kind, payload, &bytes));
    OK(cohort_feed(cohort, bank, 0, buffer_view(&bytes)));
    buffer_done(&bytes);
    return cohort->parties[bank].refused > before;
}

/* A certificate of every bank of `signers` on what the first bank's round says, but for U and M. */
static void certificate_on(const struct cohort *cohort, const struct members *survivors, const struct hash *headers,
                           unsigned signers, struct buffer *items, struct view *views)
{
    const struct secagg_node *node = cohort->parties[1].node;
    for (unsigned i = 0; i < signers; i++) {
        struct wire_r2 vote = {.run = node->run.id,
                               .epoch = 1,
                               .round = 1,
                               .counter = 0,
                               .ctx = node->round.ctx,
                               .survivors = *survivors,
                               .headers = *headers};
        OK(cohort_sign(cohort, i + 1, "r2", WIRE_R2, &vote, &items[i]));
        views[i] = buffer_view(&items[i]);
    }
}

static void no_bank_is_alive_and_dropped(void **state)
{
    (void)state;
    struct cohort cohort;
    run_until(&cohort, &five_go_on, MESSAGE_RELEASE);
    struct secagg_node *node = cohort.parties[1].node;
    assert_int_equal(node->state, NODE_RELEASED);
    struct buffer before = {0}, items[5] = {0};
    struct view views[5];
    OK(buffer_append(&before, buffer_view(&node->round.release)));
    struct members four = cohort.terms.cohort;
    members_remove(&four, 5);
    certificate_on(&cohort, &four, &node->round.headers, 5, items, views);
    struct wire_list second = {views, 5};
    assert_true(refuses(&cohort, 1, MESSAGE_CERTIFICATE, &second));
    assert_true(view_equal(buffer_view(&before), buffer_view(&node->round.release)));
    /* And the shares for another answer are no longer there. */
    for (size_t i = 0; i < cohort.parties[1].records.maps[1][0].count; i++)
        assert_null(strstr(cohort.parties[1].records.maps[1][0].items[i].key, "held/00"));
    for (unsigned i = 0; i < 5; i++) buffer_done(&items[i]);
    buffer_done(&before);
    cohort_done(&cohort);
}

/* Shows banks 4 and 5 another M, with a path that leads there. */
static bool other_headers(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    (void)context;
    if (bytes->data[1] != MESSAGE_PROPOSAL || to < 4) return true;
    const struct coordinator_round *round = &cohort->coordinator->round;
    struct hash leaves[5];
    for (unsigned i = 0; i < 5; i++) leaves[i] = round->uploads[i + 1].leaf;
    leaves[0].bytes[0] ^= 1;
    struct wire_r2 proposal = {
        .run = round->terms.run, .epoch = 1, .round = 1, .ctx = round->ctx, .survivors = round->survivors};
    struct buffer one = {0}, path = {0};
    OK(merkle_root(leaves, 5, &proposal.headers));
    OK(merkle_path(leaves, 5, to - 1, &path));
    OK(cohort_sign(cohort, 0, "r2", WIRE_R2, &proposal, &one));
    struct wire_proposal message = {.proposal = buffer_view(&one), .path = buffer_view(&path)};
    buffer_clear(bytes);
    OK(message_encode(MESSAGE_PROPOSAL, &message, bytes));
    buffer_done(&one);
    buffer_done(&path);
    return true;
}

static void one_u_with_two_m_gets_no_certificate(void **state)
{
    (void)state;
    struct cohort cohort;
    OK(cohort_init(&five, &cohort));
    cohort.hooks.reply = other_headers;
    OK(cohort_run(&cohort));
    assert_int_equal(members_count(&cohort.coordinator->round.votes.have), 3);
    for (unsigned i = 1; i <= 5; i++) assert_int_equal(cohort.parties[i].node->state, NODE_VOTED);
    cohort_done(&cohort);
}

static void a_state_of_its_own_is_refused_at_r0(void **state)
{
    (void)state;
    struct cohort cohort;
    run_until(&cohort, &five, MESSAGE_ROUND);
    struct secagg_node *node = cohort.parties[2].node;
    struct buffer r0 = {0};
    struct wire_r0 terms = cohort.coordinator->round.terms;
    terms.state.bytes[31] ^= 0x80;
    OK(cohort_sign(&cohort, 0, "r0", WIRE_R0, &terms, &r0));
    struct wire_round message = {.r0 = buffer_view(&r0)};
    assert_true(refuses(&cohort, 2, MESSAGE_ROUND, &message));
    assert_non_null(strstr(cohort.parties[2].refusal, "another state"));
    assert_int_equal(node->state, NODE_READY);
    buffer_done(&r0);
    cohort_done(&cohort);
}

/* Bank 2 takes bank 1's mask key of the first round for its own. */
static bool copy_key(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes)
{
    (void)context;
    if (from != 2 || bytes->data[1] != MESSAGE_P1) return true;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    struct wire_p1 p1;
    OK(message_decode(buffer_view(bytes), 5, &arena, &message));
    OK(wire_p1_decode(message.one.body, 5, &arena, &p1));
    const struct agree_public *stolen = provision_mask_key(&cohort->coordinator->epoch, 1, 1);
    uint8_t keys[EPOCH_ROUNDS_MAX * 32];
    memcpy(keys, p1.mask_keys.data, p1.mask_keys.length);
    memcpy(keys, stolen, sizeof *stolen);
    p1.mask_keys.data = keys;
    struct buffer one = {0};
    OK(cohort_sign(cohort, 2, "p1", WIRE_P1, &p1, &one));
    buffer_clear(bytes);
    OK(message_wrap(MESSAGE_P1, buffer_view(&one), bytes));
    buffer_done(&one);
    return true;
}

static void a_copied_mask_key_is_refused(void **state)
{
    (void)state;
    struct cohort cohort;
    OK(cohort_init(&five, &cohort));
    cohort.hooks.request = copy_key;
    OK(cohort_run(&cohort));
    assert_non_null(strstr(cohort.parties[0].refusal, "bank1 and bank2 state the same key: one of the two copied it"));
    assert_int_equal(cohort.coordinator->phase, PHASE_P1);
    cohort_done(&cohort);
}

/* The coordinator puts a bank of its own making into the place of bank 3. */
static bool sybil(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    (void)context, (void)to;
    if (bytes->data[1] != MESSAGE_P1S) return true;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    struct wire_signed third;
    struct wire_p1 p1;
    OK(message_decode(buffer_view(bytes), 5, &arena, &message));
    OK(wire_signed_decode(message.list.items[2], 5, &arena, &third));
    OK(wire_p1_decode(third.body, 5, &arena, &p1));
    struct buffer one = {0};
    struct wire_signed forged = {.body = third.body, .signer = 3};
    OK(sign_bytes(cohort->keys[0], "p1", third.body, &forged.signature));
    OK(wire_signed_encode(&forged, &one));
    struct view views[5];
    memcpy(views, message.list.items, sizeof views);
    views[2] = buffer_view(&one);
    struct wire_list list = {views, 5};
    struct buffer other = {0};
    OK(message_encode(MESSAGE_P1S, &list, &other));
    buffer_done(bytes);
    *bytes = other;
    buffer_done(&one);
    return true;
}

static void a_sybil_is_refused(void **state)
{
    (void)state;
    struct cohort cohort;
    OK(cohort_init(&five, &cohort));
    cohort.hooks.reply = sybil;
    OK(cohort_run(&cohort));
    for (unsigned i = 1; i <= 5; i++) {
        assert_int_equal(cohort.parties[i].node->state, NODE_P1);
        assert_true(cohort.parties[i].refused > 0);
    }
    cohort_done(&cohort);
}

/* Bank 5 uploads and is called silent: the others' shares of b are released, and its input stays under its own mask. */
static void a_withheld_input_stays_masked(void **state)
{
    (void)state;
    struct cohort cohort;
    run_until(&cohort, &five_go_on, MESSAGE_PROPOSAL);
    struct secagg_node *victim = cohort.parties[5].node;
    assert_int_equal(victim->state, NODE_UPLOADING);
    struct members four = cohort.terms.cohort;
    members_remove(&four, 5);
    struct buffer items[4] = {0};
    struct view views[4];
    struct hash headers = {{1}};
    certificate_on(&cohort, &four, &headers, 4, items, views);
    struct wire_list certificate = {views, 4};
    assert_false(refuses(&cohort, 5, MESSAGE_CERTIFICATE, &certificate));
    for (unsigned i = 1; i <= 5; i++) {
        if (i < 5) assert_false(refuses(&cohort, i, MESSAGE_CERTIFICATE, &certificate));
        CLEANUP(wire_arena_done) struct wire_arena arena = {0};
        struct wire_signed one;
        struct wire_r3 r3;
        OK(wire_signed_decode(buffer_view(&cohort.parties[i].node->round.release), 5, &arena, &one));
        OK(wire_r3_decode(one.body, 5, &arena, &r3));
        struct round_name name = node_round_name(victim);
        struct hash leaf;
        struct view share = r3.shares.items[4];
        OK(ctx_share_leaf(&name, 5, i, SHARE_B, share.data, &leaf));
        OK(merkle_verify_inclusion(&leaf, provision_leaf_index(&victim->epoch, i - 1, 1, SHARE_B),
                                   provision_leaves(&victim->epoch), view_of(share.data + 32, share.length - 32),
                                   &victim->epoch.dealers[5].root));
        /* Of bank 5's a no share is left with anyone. */
        static const uint8_t zeros[32];
        assert_memory_equal(deal_held(&cohort.parties[i].node->deal, 0, 4), zeros, 32);
    }
    for (unsigned i = 0; i < 4; i++) buffer_done(&items[i]);
    cohort_done(&cohort);
}

static void a_bank_does_not_vote_for_a_set_without_its_input(void **state)
{
    (void)state;
    struct cohort cohort;
    run_until(&cohort, &five_go_on, MESSAGE_PROPOSAL);
    struct secagg_node *node = cohort.parties[5].node;
    struct wire_r2 proposal = {
        .run = node->run.id, .epoch = 1, .round = 1, .ctx = node->round.ctx, .survivors = cohort.terms.cohort};
    members_remove(&proposal.survivors, 5);
    struct buffer one = {0};
    OK(cohort_sign(&cohort, 0, "r2", WIRE_R2, &proposal, &one));
    struct wire_proposal message = {.proposal = buffer_view(&one)};
    assert_true(refuses(&cohort, 5, MESSAGE_PROPOSAL, &message));
    assert_int_equal(node->state, NODE_UPLOADING);
    buffer_done(&one);
    cohort_done(&cohort);
}

struct tampering {
    unsigned bank;
    unsigned kind;
    unsigned times;
};

/* The coordinator signs another sum than the sum. */
static bool forge_sum(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    (void)context, (void)to;
    if (bytes->data[1] != MESSAGE_OPENED) return true;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    struct wire_signed one;
    struct wire_open open;
    OK(message_decode(buffer_view(bytes), 5, &arena, &message));
    OK(wire_signed_decode(message.opened.open, 5, &arena, &one));
    OK(wire_open_decode(one.body, 5, &arena, &open));
    open.sum.bytes[0] ^= 1;
    struct buffer forged = {0}, other = {0};
    OK(cohort_sign(cohort, 0, "open", WIRE_OPEN, &open, &forged));
    message.opened.open = buffer_view(&forged);
    OK(message_encode(MESSAGE_OPENED, &message.opened, &other));
    buffer_done(bytes);
    *bytes = other;
    buffer_done(&forged);
    return true;
}

static void a_forged_sum_is_noticed_by_every_bank(void **state)
{
    (void)state;
    struct cohort cohort;
    OK(cohort_init(&five, &cohort));
    cohort.hooks.reply = forge_sum;
    cohort_lose(&cohort, MESSAGE_REFUSE, 0, true);
    OK(cohort_run(&cohort));
    for (unsigned i = 1; i <= 5; i++) {
        assert_int_equal(cohort.parties[i].node->state, NODE_ENDING);
        assert_int_equal(secagg_node_fold(cohort.parties[i].node)->step, 0);
    }
    assert_true(cohort_event(&cohort, "that coordinator signed is not the sum of the masked inputs"));
    assert_true(cohort_event(&cohort, "it is kept as evidence"));
    cohort_done(&cohort);
}

/* Flips the last byte of one kind of reply: in a chunk, a secret, a share's path. */
static bool flip_reply(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    (void)cohort;
    struct tampering *tampering = context;
    if (to != tampering->bank || bytes->data[1] != tampering->kind || !tampering->times) return true;
    tampering->times--;
    bytes->data[bytes->length - 1] ^= 1;
    return true;
}

static void one_changed_word_or_hash_is_noticed(void **state)
{
    (void)state;
    static const unsigned kinds[] = {MESSAGE_PIECES, MESSAGE_OPENED, MESSAGE_CERTIFICATE, MESSAGE_P1S,
                                     MESSAGE_P2S,    MESSAGE_ACKS,   MESSAGE_PROPOSAL,    MESSAGE_FINISHED};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct cohort cohort;
        struct tampering tampering = {.bank = 2, .kind = kinds[k], .times = 1};
        OK(cohort_init(&five, &cohort));
        cohort.hooks.context = &tampering;
        cohort.hooks.reply = flip_reply;
        OK(cohort_run(&cohort));
        assert_int_equal(tampering.times, 0);
        assert_true(cohort.parties[2].refused > 0);
        cohort_assert_done(&cohort, &cohort.terms.cohort);
        cohort_done(&cohort);
    }
}

/* Keeps the P1 of epoch 1 and shows them again in epoch 2. */
static bool replay_p1(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    (void)cohort;
    struct buffer *old = context;
    if (to != 1 || bytes->data[1] != MESSAGE_P1S) return true;
    if (!old->length) {
        OK(buffer_append(old, buffer_view(bytes)));
        return true;
    }
    buffer_clear(bytes);
    OK(buffer_append(bytes, buffer_view(old)));
    return true;
}

static void keys_of_an_old_epoch_are_refused(void **state)
{
    (void)state;
    struct cohort cohort;
    struct buffer old = {0};
    struct cohort_config config = five;
    config.epoch_rounds = 1;
    OK(cohort_init(&config, &cohort));
    cohort.hooks.context = &old;
    cohort.hooks.reply = replay_p1;
    OK(cohort_run(&cohort));
    assert_int_equal(cohort.parties[1].node->state, NODE_P1);
    assert_int_equal(cohort.parties[1].node->epoch.epoch, 2);
    assert_true(cohort.parties[1].refused > 0);
    buffer_done(&old);
    cohort_done(&cohort);
}

/* The coordinator and bank 5 put all they have together: what is left of an honest input is masked still, and only the
 * honest sum comes out. */
static void colluders_learn_the_honest_sum_and_nothing_else(void **state)
{
    (void)state;
    struct cohort cohort;
    run_until(&cohort, &five, MESSAGE_RELEASE);
    struct secagg_node *spy = cohort.parties[5].node;
    /* Its own secrets of the round are erased by now; a traitor kept them: mask keys are in P1, b is drawn again. */
    struct round_name name = node_round_name(spy);
    cohort_done(&cohort);
    run_until(&cohort, &five, MESSAGE_PROPOSAL);
    spy = cohort.parties[5].node;
    uint8_t b[32], e[32], key[32];
    memcpy(b, deal_own(&spy->deal, 0) + SEED_BYTES, sizeof b);
    OK(ctx_mask_secret(b, e));
    uint64_t honest[8] = {0}, expected[8] = {0};
    for (unsigned i = 1; i <= 4; i++) {
        struct secagg_node *node = cohort.parties[i].node;
        uint64_t y[8];
        memcpy(y, node->round.y, sizeof y);
        CLEANUP(mask_set_freep) struct mask_set *set = NULL;
        OK(mask_set_new(2, &set));
        /* a_i is revealed when the round opens; the mask with bank 5 is known to bank 5. */
        OK(ctx_self_key(&name, &node->round.ctx, i, deal_own(&node->deal, 0), key));
        OK(mask_set_add(set, key, true));
        struct ctx_pair pair = {.mine = 5,
                                .theirs = i,
                                .my_public = provision_mask_key(&spy->epoch, 5, 1),
                                .their_public = provision_mask_key(&spy->epoch, i, 1)};
        OK(ctx_pair_key(&name, &spy->round.ctx, &pair, e, key));
        OK(mask_set_add(set, key, true));
        OK(mask_apply(set, 0, y, 8));
        unsigned same = 0;
        for (unsigned k = 0; k < 8; k++) {
            same += y[k] == toy_input(i, 0, k);
            honest[k] += y[k];
            expected[k] += toy_input(i, 0, k);
        }
        assert_int_equal(same, 0);
    }
    assert_memory_equal(honest, expected, sizeof honest);
    cohort_done(&cohort);
}

/* After Close, every disk of every bank: no secret of the round is on any of them. */
static void stolen_disks_open_nothing(void **state)
{
    (void)state;
    struct cohort cohort;
    run_until(&cohort, &five, MESSAGE_PROPOSAL);
    uint8_t own[6][64];
    for (unsigned i = 1; i <= 5; i++) memcpy(own[i], deal_own(&cohort.parties[i].node->deal, 0), 64);
    cohort_lose(&cohort, MESSAGE_PROPOSAL, 0, false);
    cohort_lose(&cohort, MESSAGE_FINISHED, 0, true);
    OK(cohort_settle(&cohort));
    assert_int_equal(secagg_coordinator_fold(cohort.coordinator)->step, 2);
    for (unsigned i = 1; i <= 5; i++)
        for (unsigned secret = 0; secret < 2; secret++) {
            const struct record_map *map = &cohort.parties[i].records.maps[secret][0];
            for (size_t k = 0; k < map->count; k++) {
                assert_null(secret ? strstr(map->items[k].key, "/00") : NULL);
                for (unsigned j = 1; j <= 5; j++)
                    assert_null(memmem(map->items[k].value.data, map->items[k].value.length, own[j], 32));
            }
        }
    cohort_done(&cohort);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_bank_is_alive_and_dropped),
        cmocka_unit_test(one_u_with_two_m_gets_no_certificate),
        cmocka_unit_test(a_state_of_its_own_is_refused_at_r0),
        cmocka_unit_test(a_copied_mask_key_is_refused),
        cmocka_unit_test(a_sybil_is_refused),
        cmocka_unit_test(a_withheld_input_stays_masked),
        cmocka_unit_test(a_bank_does_not_vote_for_a_set_without_its_input),
        cmocka_unit_test(a_forged_sum_is_noticed_by_every_bank),
        cmocka_unit_test(one_changed_word_or_hash_is_noticed),
        cmocka_unit_test(keys_of_an_old_epoch_are_refused),
        cmocka_unit_test(colluders_learn_the_honest_sum_and_nothing_else),
        cmocka_unit_test(stolen_disks_open_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
