/* 7, continued. Restarts that lose something: secrets, while a bank computes; memory of what it masked, while the next
 * epoch is provisioned; and what a bank that has left a run leaves on its disk. */
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

static unsigned request_kind(const struct cohort *cohort, unsigned bank)
{
    const struct cohort_party *party = &cohort->parties[bank];
    return party->waiting && party->request.length >= 2 ? party->request.data[1] : 0;
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

static size_t secrets_on_disk(const struct cohort *cohort, unsigned bank)
{
    return cohort->parties[bank].records.maps[1][0].count;
}

/* Bank 2 dies when it has computed its input, before that is durable, and does not come back at once. */
static struct cohort *dying;
static void die_once(void *context, unsigned bank, uint64_t step, uint64_t *words, uint64_t count)
{
    (void)step, (void)words, (void)count;
    bool *dead = context;
    if (bank != 2 || *dead) return;
    *dead = true;
    dying->crash_at = dying->batches + 1;
    cohort_lose(dying, MESSAGE_JOIN, 2, true);
}

/* R0 is durable, R1 is not, and the secrets file is gone: masks of zeros would be known to everyone. */
static void without_secrets_nothing_is_masked(void **state)
{
    (void)state;
    struct cohort cohort;
    bool dead = false;
    OK(cohort_init(&(struct cohort_config){.banks = 5, .words = 8, .rounds = 1, .epoch_rounds = 2}, &cohort));
    dying = &cohort;
    cohort.crash_stage = RECORDS_NONE;
    cohort.hooks = (struct cohort_hooks){.context = &dead, .input = die_once};
    OK(cohort_run(&cohort));
    assert_true(dead);
    cohort_stop(&cohort, 2);
    records_lose_secrets(&cohort.parties[2].records);
    OK(cohort_start(&cohort, 2));
    assert_int_equal(cohort.parties[2].node->state, NODE_CONTRIBUTING);
    cohort_lose(&cohort, MESSAGE_JOIN, 2, false);
    OK(cohort_settle(&cohort));
    assert_true(cohort_event(&cohort, "round 1: bank2 has voided it"));
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    cohort_done(&cohort);
}

/* Round 1, the only one of epoch 1, is certified and can be opened; the coordinator says that it cannot, provisions
 * epoch 2, waits until a bank restarts, and asks for the step again as if it were new. */
static void a_restart_while_provisioning_forgets_no_masked_step(void **state)
{
    (void)state;
    struct cohort cohort;
    OK(cohort_init(&(struct cohort_config){.banks = 5, .words = 8, .rounds = 2, .epoch_rounds = 1}, &cohort));
    cohort_lose(&cohort, MESSAGE_RELEASE, 0, true);
    OK(cohort_run(&cohort));
    for (unsigned i = 1; i <= 5; i++) {
        struct secagg_node *node = cohort.parties[i].node;
        assert_int_equal(node->state, NODE_RELEASED);
        struct buffer bytes = {0};
        OK(message_wrap(MESSAGE_SUPERSEDED, buffer_view(&cohort.coordinator->round.certificate), &bytes));
        OK(cohort_feed(&cohort, i, 0, buffer_view(&bytes)));
        buffer_done(&bytes);
        assert_int_equal(node->state, NODE_READY);
    }
    struct secagg_node *node = cohort.parties[1].node;
    struct wire_provision call = {.epoch = 2, .first = 2};
    assert_false(refuses(&cohort, 1, MESSAGE_PROVISION, &call));
    assert_int_equal(node->state, NODE_P1);
    OK(cohort_start(&cohort, 1));
    node = cohort.parties[1].node;
    assert_int_equal(node->state, NODE_P1);
    assert_int_equal(node->last, 1);
    assert_int_equal(node->masked.round, 1);
    assert_true(node->masked.fixed);
    assert_true(members_equal(&node->masked.survivors, &cohort.terms.cohort));
    cohort_done(&cohort);
}

/* A round voided before its R0 came, then a certificate on U: what the bank masked before stays what it was. */
static void a_round_that_was_never_seen_hides_no_masked_step(void **state)
{
    (void)state;
    struct cohort cohort;
    OK(cohort_init(&(struct cohort_config){.banks = 5, .words = 8, .rounds = 3, .epoch_rounds = 8}, &cohort));
    cohort_lose(&cohort, MESSAGE_RELEASE, 0, true);
    cohort_lose(&cohort, MESSAGE_FINISHED, 0, true);
    OK(cohort_run(&cohort));
    struct secagg_node *node = cohort.parties[1].node;
    assert_int_equal(node->state, NODE_RELEASED);
    node->round.terms.step = node->masked.step; /* as it is */
    struct wire_r2 vote = {.run = node->run.id, .epoch = 1, .survivors = cohort.terms.cohort};
    struct buffer items[4] = {0}, proposal = {0}, bytes = {0};
    struct view views[4];
    OK(message_wrap(MESSAGE_SUPERSEDED, buffer_view(&node->round.certificate), &bytes));
    OK(cohort_feed(&cohort, 1, 0, buffer_view(&bytes)));
    assert_int_equal(node->state, NODE_READY);
    /* As if this were step 1, and not the first: zero is what a step that nobody knows looks like. */
    node->masked.step = node->fold.step = 1;
    struct wire_void unseen = {.run = node->run.id, .epoch = 1, .round = 2};
    OK(cohort_sign(&cohort, 0, "void", WIRE_VOID, &unseen, &proposal));
    buffer_clear(&bytes);
    OK(message_wrap(MESSAGE_VOID_PROPOSAL, buffer_view(&proposal), &bytes));
    OK(cohort_feed(&cohort, 1, 0, buffer_view(&bytes)));
    assert_int_equal(node->state, NODE_VOIDED);
    for (unsigned i = 0; i < 4; i++) {
        vote.round = 2;
        vote.ctx = (struct hash){{9}};
        OK(cohort_sign(&cohort, i + 2, "r2", WIRE_R2, &vote, &items[i]));
        views[i] = buffer_view(&items[i]);
    }
    struct wire_list list = {views, 4};
    assert_false(refuses(&cohort, 1, MESSAGE_SUPERSEDED, &list));
    assert_int_equal(node->state, NODE_READY);
    assert_int_equal(node->masked.step, 1);
    assert_int_equal(node->masked.round, 1);
    assert_true(node->masked.fixed);
    for (unsigned i = 0; i < 4; i++) buffer_done(&items[i]);
    buffer_done(&proposal);
    buffer_done(&bytes);
    cohort_done(&cohort);
}

/* A bank that leaves a run keeps nothing that could open what it uploaded, even while nobody confirms the end. */
static void a_bank_that_leaves_a_run_keeps_no_secret_of_it(void **state)
{
    (void)state;
    struct cohort cohort;
    OK(cohort_init(&(struct cohort_config){.banks = 5, .words = 8, .rounds = 2, .epoch_rounds = 4}, &cohort));
    cohort_lose(&cohort, MESSAGE_VOTE, 0, true);
    cohort_lose(&cohort, MESSAGE_REFUSE, 0, true);
    OK(cohort_run(&cohort));
    assert_true(secrets_on_disk(&cohort, 3) > 0);
    OK(cohort_cancel(&cohort, 3, "we have had enough"));
    assert_int_equal(cohort.parties[3].node->state, NODE_ENDING);
    assert_int_equal(request_kind(&cohort, 3), MESSAGE_REFUSE);
    assert_int_equal(secrets_on_disk(&cohort, 3), 0);
    assert_null(cohort.parties[3].node->deal.arena);
    OK(cohort_start(&cohort, 3));
    assert_int_equal(cohort.parties[3].node->state, NODE_ENDING);
    assert_int_equal(secrets_on_disk(&cohort, 3), 0);
    cohort_done(&cohort);
}

/* Of the rounds before the fourth nothing is left, in memory and on disk; of the fourth, all or nothing. */
static void check_erased(const struct cohort *cohort, unsigned bank, bool fourth)
{
    static const uint8_t zeros[5 * 64];
    const struct secagg_node *node = cohort->parties[bank].node;
    for (unsigned k = 0; k < 3; k++) {
        assert_memory_equal(deal_own(&node->deal, k), zeros, 64);
        assert_memory_equal(deal_held(&node->deal, k, 0), zeros, sizeof zeros);
    }
    const struct record_map *map = &cohort->parties[bank].records.maps[1][0];
    for (size_t i = 0; i < map->count; i++)
        for (unsigned k = 0; k < 3; k++) {
            char end[4];
            (void)snprintf(end, sizeof end, "/%02u", k);
            assert_null(strstr(map->items[i].key, end));
        }
    assert_int_equal(memcmp(deal_own(&node->deal, 3), zeros, 64) == 0, fourth);
}

/* Rounds that were decided while a bank was away: their secrets go when it enters a later one, or voids a later one. */
static void rounds_that_were_skipped_are_erased(void **state)
{
    (void)state;
    struct cohort cohort;
    OK(cohort_init(&(struct cohort_config){.banks = 5, .words = 8, .rounds = 2, .epoch_rounds = 8}, &cohort));
    cohort_lose(&cohort, MESSAGE_ROUND, 0, true);
    OK(cohort_run(&cohort));
    assert_int_equal(cohort.parties[4].node->state, NODE_READY);
    struct wire_r0 terms = cohort.coordinator->round.terms;
    terms.round = 4;
    struct buffer r0 = {0}, proposal = {0}, bytes = {0};
    OK(cohort_sign(&cohort, 0, "r0", WIRE_R0, &terms, &r0));
    struct wire_round message = {.r0 = buffer_view(&r0)};
    assert_false(refuses(&cohort, 4, MESSAGE_ROUND, &message));
    check_erased(&cohort, 4, false);
    struct wire_void voided = {.run = cohort.coordinator->run.id, .epoch = 1, .round = 4};
    OK(cohort_sign(&cohort, 0, "void", WIRE_VOID, &voided, &proposal));
    OK(message_wrap(MESSAGE_VOID_PROPOSAL, buffer_view(&proposal), &bytes));
    OK(cohort_feed(&cohort, 3, 0, buffer_view(&bytes)));
    assert_int_equal(cohort.parties[3].node->state, NODE_VOIDED);
    check_erased(&cohort, 3, true);
    buffer_done(&r0);
    buffer_done(&proposal);
    buffer_done(&bytes);
    cohort_done(&cohort);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_secrets_nothing_is_masked),
        cmocka_unit_test(a_restart_while_provisioning_forgets_no_masked_step),
        cmocka_unit_test(a_round_that_was_never_seen_hides_no_masked_step),
        cmocka_unit_test(a_bank_that_leaves_a_run_keeps_no_secret_of_it),
        cmocka_unit_test(rounds_that_were_skipped_are_erased),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
