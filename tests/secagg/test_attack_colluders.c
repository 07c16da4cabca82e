/* 10, continued. What leaves the banks, and what stays on their disks, watched over a whole run: shares of b, channel
 * secrets and shares of rounds that never were are in no message and, at the end, in no record. And P2 that is copied,
 * reflected or handed to another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/secagg/coordinator.h"
#include "proto/secagg/node.h"
#include "tests/support/cohort.h"
#include "tests/support/ok.h"

enum { BANKS = 5, ROUNDS = 4, CLOSED = 2 };

/* Every secret of the epoch, as it was when its bank acknowledged. */
struct knowledge {
    bool taken[BANKS + 1];
    uint8_t channel[BANKS + 1][32];
    uint8_t own[BANKS + 1][ROUNDS][2][32];
    uint8_t held[BANKS + 1][ROUNDS][BANKS][2][32];
    unsigned messages;
};

static bool contains(struct view bytes, const uint8_t secret[32])
{
    return bytes.length >= 32 && memmem(bytes.data, bytes.length, secret, 32) != NULL;
}

static void learn(struct knowledge *knowledge, const struct cohort *cohort, unsigned bank)
{
    const struct deal *deal = &cohort->parties[bank].node->deal;
    if (knowledge->taken[bank] || !deal->arena) return;
    knowledge->taken[bank] = true;
    memcpy(knowledge->channel[bank], deal_channel(deal), 32);
    for (uint32_t k = 0; k < ROUNDS; k++) {
        memcpy(knowledge->own[bank][k], deal_own(deal, k), 64);
        memcpy(knowledge->held[bank][k], deal_held(deal, k, 0), sizeof knowledge->held[bank][k]);
    }
}

/* No bytes may hold these: with them a traitor among the banks could go past its f shares. */
static void holds_nothing(const struct knowledge *knowledge, struct view bytes, bool at_the_end, const char *what)
{
    for (unsigned i = 1; i <= BANKS; i++) {
        if (!knowledge->taken[i]) continue;
        if (contains(bytes, knowledge->channel[i])) fail_msg("%s holds the channel secret of bank %u", what, i);
        for (uint32_t k = 0; k < ROUNDS; k++) {
            bool revealed = at_the_end && k < CLOSED; /* a of a closed round is in OPEN */
            if (!revealed && contains(bytes, knowledge->own[i][k][SHARE_A])) fail_msg("%s holds a of bank %u", what, i);
            if (contains(bytes, knowledge->own[i][k][SHARE_B])) fail_msg("%s holds b of bank %u", what, i);
            for (unsigned dealer = 0; dealer < BANKS; dealer++) {
                if (contains(bytes, knowledge->held[i][k][dealer][SHARE_B]))
                    fail_msg("%s holds a share of b of bank %u, round %u", what, dealer + 1, k + 1);
                if (k >= CLOSED && contains(bytes, knowledge->held[i][k][dealer][SHARE_A]))
                    fail_msg("%s holds a share of a of bank %u, round %u", what, dealer + 1, k + 1);
            }
        }
    }
}

static bool watch(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes)
{
    struct knowledge *knowledge = context;
    if (bytes->data[1] == MESSAGE_ACK) learn(knowledge, cohort, from);
    knowledge->messages++;
    holds_nothing(knowledge, buffer_view(bytes), false, message_name(bytes->data[1]));
    return true;
}

static void no_message_and_no_disk_holds_what_would_open_an_input(void **state)
{
    (void)state;
    static struct knowledge knowledge;
    struct cohort cohort;
    OK(cohort_init(&(struct cohort_config){.banks = BANKS, .words = 8, .rounds = CLOSED, .epoch_rounds = ROUNDS},
                   &cohort));
    cohort.hooks = (struct cohort_hooks){.context = &knowledge, .request = watch};
    OK(cohort_run(&cohort));
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    assert_true(knowledge.messages > 40);
    for (unsigned i = 1; i <= BANKS; i++) assert_true(knowledge.taken[i]);
    for (unsigned party = 0; party <= BANKS; party++)
        for (unsigned map = 0; map < 4; map++) {
            const struct record_map *records = &cohort.parties[party].records.maps[map / 2][map % 2];
            if (map >= 2) assert_int_equal(records->count, 0);
            for (size_t k = 0; k < records->count; k++)
                holds_nothing(&knowledge, buffer_view(&records->items[k].value), true, records->items[k].key);
        }
    /* Nor is any left in the memory of a bank that is done. */
    for (unsigned i = 1; i <= BANKS; i++) {
        static const uint8_t zeros[BANKS * 64];
        const struct deal *deal = &cohort.parties[i].node->deal;
        assert_memory_equal(deal_channel(deal), zeros, 32);
        for (uint32_t k = 0; k < ROUNDS; k++) {
            assert_memory_equal(deal_own(deal, k), zeros, 64);
            assert_memory_equal(deal_held(deal, k, 0), zeros, sizeof zeros);
        }
    }
    cohort_done(&cohort);
}

/* Bank 5 has nothing of its own to deal: it signs what bank 1 sealed, to bank 2 or to bank 5 itself. */
enum ruse { COPY, REFLECT };

static bool borrow(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes)
{
    const enum ruse *ruse = context;
    if (from != 5 || bytes->data[1] != MESSAGE_P2) return true;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message, victim;
    struct view views[BANKS];
    struct wire_signed one;
    struct wire_p2 stolen, mine;
    const struct buffer *theirs = &cohort->parties[1].node->p2;
    OK(message_decode(buffer_view(bytes), BANKS, &arena, &message));
    struct buffer wrapped = {0}, forged = {0}, other = {0};
    OK(message_wrap(MESSAGE_P2, buffer_view(theirs), &wrapped));
    OK(message_decode(buffer_view(&wrapped), BANKS, &arena, &victim));
    memcpy(views, message.list.items, sizeof views);
    unsigned to = *ruse == COPY ? 2 : 1; /* whose P2 of bank 5 is replaced */
    OK(wire_signed_decode(victim.list.items[*ruse == COPY ? 1 : 4], BANKS, &arena, &one));
    OK(wire_p2_decode(one.body, BANKS, &arena, &stolen));
    OK(wire_signed_decode(views[to - 1], BANKS, &arena, &one));
    OK(wire_p2_decode(one.body, BANKS, &arena, &mine));
    mine.sealed = stolen.sealed;
    OK(cohort_sign(cohort, 5, "p2", WIRE_P2, &mine, &forged));
    views[to - 1] = buffer_view(&forged);
    struct wire_list list = {views, BANKS};
    OK(message_encode(MESSAGE_P2, &list, &other));
    buffer_done(bytes);
    *bytes = other;
    buffer_done(&wrapped);
    buffer_done(&forged);
    return true;
}

static void what_another_sealed_is_nobodys_deal(void **state)
{
    (void)state;
    for (enum ruse ruse = COPY; ruse <= REFLECT; ruse++) {
        struct cohort cohort;
        OK(cohort_init(&(struct cohort_config){.banks = BANKS, .words = 8, .rounds = 1, .epoch_rounds = 2}, &cohort));
        cohort.hooks = (struct cohort_hooks){.context = &ruse, .request = borrow};
        OK(cohort_run(&cohort));
        /* Once more with fresh secrets, and the same again: the run ends and names the two. */
        assert_non_null(strstr(cohort.parties[0].reason, ruse == COPY ? "bank2 could not use what bank5 dealt"
                                                                      : "bank1 could not use what bank5 dealt"));
        for (unsigned i = 1; i <= BANKS; i++) assert_int_equal(secagg_node_fold(cohort.parties[i].node)->step, 0);
        cohort_done(&cohort);
    }
}

/* The coordinator gives bank 2 what was sealed for bank 3, or leaves one out. */
static bool misdeliver(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    const unsigned *ruse = context;
    if (to != 2 || bytes->data[1] != MESSAGE_P2S) return true;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message, victim;
    struct view views[BANKS];
    struct buffer wrapped = {0}, other = {0};
    OK(message_decode(buffer_view(bytes), BANKS, &arena, &message));
    OK(message_wrap(MESSAGE_P2, buffer_view(&cohort->parties[1].node->p2), &wrapped));
    OK(message_decode(buffer_view(&wrapped), BANKS, &arena, &victim));
    memcpy(views, message.list.items, sizeof views);
    size_t count = BANKS;
    if (*ruse == 0) views[0] = victim.list.items[2];
    if (*ruse == 1) count--;
    if (*ruse == 2) views[1] = views[0];
    struct wire_list list = {views, count};
    OK(message_encode(MESSAGE_P2S, &list, &other));
    buffer_done(bytes);
    *bytes = other;
    buffer_done(&wrapped);
    return true;
}

static void a_deal_that_goes_astray_blames_no_dealer(void **state)
{
    (void)state;
    for (unsigned ruse = 0; ruse < 3; ruse++) {
        struct cohort cohort;
        OK(cohort_init(&(struct cohort_config){.banks = BANKS, .words = 8, .rounds = 1, .epoch_rounds = 2}, &cohort));
        cohort.hooks = (struct cohort_hooks){.context = &ruse, .reply = misdeliver};
        OK(cohort_run(&cohort));
        assert_int_equal(cohort.parties[2].node->state, NODE_P2);
        assert_true(cohort.parties[2].refused > 0);
        assert_false(cohort_event(&cohort, "could not use"));
        cohort.hooks.reply = NULL;
        OK(cohort_settle(&cohort));
        cohort_assert_done(&cohort, &cohort.terms.cohort);
        cohort_done(&cohort);
    }
}

/* Coordinator and bank 4 together: once all P1 are in, bank 4 has another, with a key of bank 2, of its own for two
 * rounds, or of low order. No bank takes it, and each says why. */
static bool exchange_p1(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    (void)to;
    const unsigned *ruse = context;
    if (bytes->data[1] != MESSAGE_P1S) return true;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    struct view views[BANKS];
    struct wire_signed one;
    struct wire_p1 p1, victim;
    struct buffer forged = {0}, other = {0};
    uint8_t keys[EPOCH_ROUNDS_MAX * 32];
    OK(message_decode(buffer_view(bytes), BANKS, &arena, &message));
    memcpy(views, message.list.items, sizeof views);
    OK(wire_signed_decode(views[1], BANKS, &arena, &one));
    OK(wire_p1_decode(one.body, BANKS, &arena, &victim));
    OK(wire_signed_decode(views[3], BANKS, &arena, &one));
    OK(wire_p1_decode(one.body, BANKS, &arena, &p1));
    memcpy(keys, p1.mask_keys.data, p1.mask_keys.length);
    if (*ruse == 0) memcpy(keys, victim.mask_keys.data + 32, 32); /* of another round */
    if (*ruse == 1) memcpy(keys, victim.channel.bytes, 32);
    if (*ruse == 2) memcpy(keys, keys + 32, 32);
    if (*ruse == 3) memset(keys, 0, 32);
    if (*ruse == 4) keys[31] |= 0x80;
    p1.mask_keys.data = keys;
    OK(cohort_sign(cohort, 4, "p1", WIRE_P1, &p1, &forged));
    views[3] = buffer_view(&forged);
    struct wire_list list = {views, BANKS};
    OK(message_encode(MESSAGE_P1S, &list, &other));
    buffer_done(bytes);
    *bytes = other;
    buffer_done(&forged);
    return true;
}

static void no_bank_masks_with_a_borrowed_key(void **state)
{
    (void)state;
    static const char *const reasons[] = {"bank2 and bank4 state the same key: one of the two copied it",
                                          "bank2 and bank4 state the same key: one of the two copied it",
                                          "bank4 uses one key twice", "of low order", "not canonical"};
    for (unsigned ruse = 0; ruse < sizeof reasons / sizeof *reasons; ruse++) {
        struct cohort cohort;
        OK(cohort_init(&(struct cohort_config){.banks = BANKS, .words = 8, .rounds = 1, .epoch_rounds = 2}, &cohort));
        cohort.hooks = (struct cohort_hooks){.context = &ruse, .reply = exchange_p1};
        OK(cohort_run(&cohort));
        assert_true(cohort_event(&cohort, "the keys of bank4 do not hold: "));
        assert_true(cohort_event(&cohort, reasons[ruse]));
        for (unsigned i = 1; i <= BANKS; i++) {
            const struct secagg_node *node = cohort.parties[i].node;
            assert_int_equal(node->round.terms.round, 0);
            if (i != 4) assert_false(node->epoch.dealers[4].known);
        }
        cohort_done(&cohort);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_message_and_no_disk_holds_what_would_open_an_input),
        cmocka_unit_test(what_another_sealed_is_nobodys_deal),
        cmocka_unit_test(a_deal_that_goes_astray_blames_no_dealer),
        cmocka_unit_test(no_bank_masks_with_a_borrowed_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
