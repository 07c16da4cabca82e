/* Banks that fall silent, lose their secrets or come late: rounds are completed without them, voided, or done again,
 * and the sums stay right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/cohort.h"
#include "tests/support/ok.h"

static void begin(struct cohort *cohort, const struct cohort_config *config)
{
    OK(cohort_init(config, cohort));
}

/* Stops a bank when its messages of a kind begin to be lost, and lets the others go on. */
static void run_until_lost(struct cohort *cohort, enum message_kind kind, unsigned bank)
{
    cohort_lose(cohort, kind, bank, true);
    OK(cohort_run(cohort));
    assert_false(cohort_all_done(cohort));
    cohort_stop(cohort, bank);
    cohort_lose(cohort, kind, bank, false);
}

static void a_bank_silent_after_r1_is_not_needed_for_its_sum(void **state)
{
    (void)state;
    struct cohort cohort;
    begin(&cohort, &(struct cohort_config){.banks = 5, .words = 8, .rounds = 3, .epoch_rounds = 4});
    run_until_lost(&cohort, MESSAGE_VOTE, 5);
    /* The others closed the sum and wait for bank 5's next input. */
    assert_int_equal(secagg_coordinator_fold(cohort.coordinator)->step, 1);
    struct members awaited = secagg_coordinator_awaited(cohort.coordinator);
    assert_int_equal(members_count(&awaited), 1);
    assert_true(members_has(&awaited, 5));
    OK(cohort_start(&cohort, 5));
    OK(cohort_settle(&cohort));
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    cohort_done(&cohort);
}

static void a_bank_away_before_r1_is_waited_for(void **state)
{
    (void)state;
    struct cohort cohort;
    begin(&cohort, &(struct cohort_config){.banks = 5, .words = 8, .rounds = 2, .epoch_rounds = 4});
    run_until_lost(&cohort, MESSAGE_HEADER, 2);
    assert_int_equal(secagg_coordinator_fold(cohort.coordinator)->step, 0);
    OK(cohort_start(&cohort, 2));
    OK(cohort_settle(&cohort));
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    assert_false(cohort_event(&cohort, "voided"));
    cohort_done(&cohort);
}

static void a_bank_without_its_secrets_voids_what_it_cannot_mask(void **state)
{
    (void)state;
    struct cohort cohort;
    begin(&cohort, &(struct cohort_config){.banks = 5, .words = 8, .rounds = 2, .epoch_rounds = 2});
    run_until_lost(&cohort, MESSAGE_HEADER, 2);
    records_lose_secrets(&cohort.parties[2].records);
    OK(cohort_start(&cohort, 2));
    OK(cohort_settle(&cohort));
    OK(cohort_settle(&cohort));
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    assert_true(cohort_event(&cohort, "round 1: bank2 has voided it"));
    assert_true(cohort_event(&cohort, "round 2: bank2 has voided it"));
    cohort_done(&cohort);
}

static void an_input_that_cannot_be_repeated_voids_its_round(void **state)
{
    (void)state;
    struct cohort cohort;
    begin(&cohort, &(struct cohort_config){.banks = 5, .words = 8, .rounds = 2, .epoch_rounds = 4});
    run_until_lost(&cohort, MESSAGE_HEADER, 3);
    /* The bank masked something else before it died: the identical bytes, or nothing. */
    struct record_map *map = &cohort.parties[3].records.maps[0][0];
    bool changed = false;
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->items[i].key, "r1/00001") == 0) {
            struct wire_r1 r1;
            struct wire_signed one;
            CLEANUP(wire_arena_done) struct wire_arena arena = {0};
            OK(wire_signed_decode(buffer_view(&map->items[i].value), 5, &arena, &one));
            OK(wire_r1_decode(one.body, 5, &arena, &r1));
            r1.root.bytes[0] ^= 1;
            CLEANUP(buffer_done) struct buffer other = {0};
            OK(cohort_sign(&cohort, 3, "r1", WIRE_R1, &r1, &other));
            buffer_clear(&map->items[i].value);
            OK(buffer_append(&map->items[i].value, buffer_view(&other)));
            changed = true;
        }
    assert_true(changed);
    OK(cohort_start(&cohort, 3));
    OK(cohort_settle(&cohort));
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    assert_true(cohort_event(&cohort, "round 1: bank3 has voided it"));
    cohort_done(&cohort);
}

static void a_certified_round_that_cannot_be_opened_is_done_again(void **state)
{
    (void)state;
    for (unsigned crash = 0; crash < 2; crash++) {
        struct cohort cohort;
        begin(&cohort, &(struct cohort_config){.banks = 3, .words = 8, .rounds = 2, .epoch_rounds = 2});
        run_until_lost(&cohort, MESSAGE_CERTIFICATE, 2);
        records_lose_secrets(&cohort.parties[2].records);
        OK(cohort_start(&cohort, 2));
        OK(cohort_pump(&cohort));
        if (crash) OK(cohort_start_all(&cohort));
        OK(cohort_settle(&cohort));
        OK(cohort_settle(&cohort));
        cohort_assert_done(&cohort, &cohort.terms.cohort);
        assert_true(cohort_event(&cohort, "the step is done again with the same inputs"));
        cohort_done(&cohort);
    }
}

static void a_vote_split_between_u_and_void_gets_unstuck(void **state)
{
    (void)state;
    struct cohort cohort;
    begin(&cohort, &(struct cohort_config){.banks = 5, .words = 8, .rounds = 2, .epoch_rounds = 8});
    /* Two of five cannot vote on U: they lost the proposal and then their secrets. */
    cohort_lose(&cohort, MESSAGE_PROPOSAL, 4, true);
    cohort_lose(&cohort, MESSAGE_PROPOSAL, 5, true);
    OK(cohort_run(&cohort));
    assert_int_equal(secagg_coordinator_fold(cohort.coordinator)->step, 0);
    cohort_stop(&cohort, 4);
    cohort_lose(&cohort, MESSAGE_PROPOSAL, 4, false);
    struct buffer vote = {0};
    struct hash id;
    OK(run_id(&cohort.terms, &id));
    struct wire_void body = {.run = id, .epoch = 1, .round = 1, .counter = cohort.parties[4].counters.mine};
    OK(buffer_u8(&vote, WIRE_FORM));
    OK(buffer_u8(&vote, MESSAGE_VOID));
    OK(cohort_sign(&cohort, 4, "void", WIRE_VOID, &body, &vote));
    OK(cohort_feed(&cohort, 0, 4, buffer_view(&vote)));
    buffer_done(&vote);
    /* One VOID, three votes on U, one silent: patience ends it. */
    OK(cohort_timer(&cohort));
    OK(cohort_settle(&cohort));
    assert_true(cohort_event(&cohort, "round 1 cannot be completed"));
    cohort_lose(&cohort, MESSAGE_PROPOSAL, 5, false);
    OK(cohort_start(&cohort, 4));
    OK(cohort_settle(&cohort));
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    cohort_done(&cohort);
}

static void with_continue_a_lost_bank_is_left_behind_and_catches_up(void **state)
{
    (void)state;
    struct cohort cohort;
    begin(&cohort, &(struct cohort_config){.banks = 5, .words = 8, .rounds = 3, .epoch_rounds = 4, .goes_on = true});
    run_until_lost(&cohort, MESSAGE_HEADER, 5);
    for (unsigned turn = 0; turn < 4; turn++) {
        if (cohort.timer) OK(cohort_timer(&cohort));
        OK(cohort_settle(&cohort));
    }
    assert_true(cohort.parties[0].done);
    OK(cohort_start(&cohort, 5));
    OK(cohort_settle(&cohort));
    struct members four = cohort.terms.cohort;
    members_remove(&four, 5);
    cohort_assert_done(&cohort, &four);
    cohort_done(&cohort);
}

static void with_continue_a_late_input_is_left_out_of_the_sum(void **state)
{
    (void)state;
    struct cohort cohort;
    begin(&cohort, &(struct cohort_config){
                       .banks = 5, .words = CHUNK_WORDS + 3, .rounds = 1, .epoch_rounds = 4, .goes_on = true});
    /* Bank 1 uploads its first chunk and never the second. */
    run_until_lost(&cohort, MESSAGE_CHUNK, 1);
    OK(cohort_timer(&cohort));
    OK(cohort_settle(&cohort));
    assert_true(cohort.parties[0].done);
    OK(cohort_start(&cohort, 1));
    OK(cohort_settle(&cohort));
    struct members four = cohort.terms.cohort;
    members_remove(&four, 1);
    cohort_assert_done(&cohort, &four);
    cohort_done(&cohort);
}

/* U has a bank that is gone before it votes, and not one that is late: t votes are not to be had. */
static void with_continue_a_bank_lost_before_its_vote_voids_the_round(void **state)
{
    (void)state;
    for (unsigned crash = 0; crash < 2; crash++) {
        struct cohort cohort;
        begin(&cohort,
              &(struct cohort_config){.banks = 5, .words = 8, .rounds = 2, .epoch_rounds = 4, .goes_on = true});
        cohort_lose(&cohort, MESSAGE_HEADER, 5, true);
        cohort_lose(&cohort, MESSAGE_VOTE, 4, true);
        OK(cohort_run(&cohort));
        OK(cohort_timer(&cohort)); /* patience with bank 5 is over */
        OK(cohort_settle(&cohort));
        assert_int_equal(secagg_coordinator_fold(cohort.coordinator)->step, 0);
        cohort_stop(&cohort, 4);
        cohort_lose(&cohort, MESSAGE_HEADER, 5, false);
        if (crash) OK(cohort_start(&cohort, 0));
        for (unsigned turn = 0; turn < 6 && !cohort.parties[0].done; turn++) {
            OK(cohort_settle(&cohort));
            if (cohort.timer) OK(cohort_timer(&cohort));
        }
        assert_true(cohort_event(&cohort, "round 1 cannot be completed"));
        assert_true(cohort.parties[0].done);
        cohort_lose(&cohort, MESSAGE_VOTE, 4, false);
        OK(cohort_start(&cohort, 4));
        OK(cohort_settle(&cohort));
        struct members four = cohort.terms.cohort;
        members_remove(&four, 4);
        cohort_assert_done(&cohort, &four);
        cohort_done(&cohort);
    }
}

static void the_deadline_ends_a_run_and_names_who_is_awaited(void **state)
{
    (void)state;
    struct cohort cohort;
    begin(&cohort, &(struct cohort_config){.banks = 3, .words = 8, .rounds = 2, .epoch_rounds = 4});
    run_until_lost(&cohort, MESSAGE_HEADER, 3);
    for (unsigned turn = 0; turn < 3 && !cohort.parties[0].failed; turn++) OK(cohort_timer(&cohort));
    OK(cohort_settle(&cohort));
    assert_true(cohort.parties[0].failed);
    assert_non_null(strstr(cohort.parties[0].reason, "the first is bank3"));
    assert_true(cohort.parties[1].failed && cohort.parties[2].failed);
    OK(cohort_start(&cohort, 3));
    OK(cohort_settle(&cohort));
    assert_true(cohort.parties[3].failed);
    for (unsigned i = 1; i <= 3; i++) assert_int_equal(cohort.parties[i].records.maps[1][0].count, 0);
    cohort_done(&cohort);
}

static void the_deadline_names_a_silent_bank_and_not_one_that_waits_for_it(void **state)
{
    (void)state;
    struct cohort cohort;
    begin(&cohort, &(struct cohort_config){.banks = 5, .words = 8, .rounds = 2, .epoch_rounds = 4});
    cohort_lose(&cohort, MESSAGE_HEADER, 1, true);
    run_until_lost(&cohort, MESSAGE_HEADER, 5);
    cohort_lose(&cohort, MESSAGE_HEADER, 1, false);
    /* Bank 1 starts again and needs three attestations to join; two of the others are down. */
    cohort_stop(&cohort, 4);
    OK(cohort_start(&cohort, 1));
    for (unsigned turn = 0; turn < 3 && !cohort.parties[0].failed; turn++) {
        OK(cohort_settle(&cohort));
        OK(cohort_timer(&cohort));
    }
    assert_true(cohort.parties[0].failed);
    assert_non_null(strstr(cohort.parties[0].reason, "3 awaited, the first is bank4"));
    cohort_done(&cohort);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bank_silent_after_r1_is_not_needed_for_its_sum),
        cmocka_unit_test(a_bank_away_before_r1_is_waited_for),
        cmocka_unit_test(a_bank_without_its_secrets_voids_what_it_cannot_mask),
        cmocka_unit_test(an_input_that_cannot_be_repeated_voids_its_round),
        cmocka_unit_test(a_certified_round_that_cannot_be_opened_is_done_again),
        cmocka_unit_test(a_vote_split_between_u_and_void_gets_unstuck),
        cmocka_unit_test(with_continue_a_lost_bank_is_left_behind_and_catches_up),
        cmocka_unit_test(with_continue_a_late_input_is_left_out_of_the_sum),
        cmocka_unit_test(with_continue_a_bank_lost_before_its_vote_voids_the_round),
        cmocka_unit_test(the_deadline_ends_a_run_and_names_who_is_awaited),
        cmocka_unit_test(the_deadline_names_a_silent_bank_and_not_one_that_waits_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
