/* What is done again and again: restarts until the dice fall well, refusals that count a bank up, evidence that fills a
 * disk, one bank's loss counted twice. */
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

static const struct cohort_config five = {.banks = 5, .words = 8, .rounds = 3, .epoch_rounds = 8};

/* An OPEN of the coordinator's with another sum, as it would sign it. */
static void open_other(struct cohort *cohort, uint8_t flip)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    CLEANUP(buffer_done) struct buffer signed_open = {0}, bytes = {0};
    struct wire_opened opened;
    struct wire_signed one;
    struct wire_open open;
    OK(wire_opened_decode(buffer_view(&cohort->coordinator->round.opening), 5, &arena, &opened));
    OK(wire_signed_decode(opened.open, 5, &arena, &one));
    OK(wire_open_decode(one.body, 5, &arena, &open));
    open.sum.bytes[0] ^= flip;
    OK(cohort_sign(cohort, 0, "open", WIRE_OPEN, &open, &signed_open));
    opened.open = buffer_view(&signed_open);
    OK(message_encode(MESSAGE_OPENED, &opened, &bytes));
    OK(cohort_feed(cohort, 1, 0, buffer_view(&bytes)));
}

/* A bank that is left without its chunks and restarted checks the same chunks of the same sum. */
static void a_restart_draws_no_new_chunks(void **state)
{
    (void)state;
    struct cohort cohort;
    const struct cohort_config large = {.banks = 5, .words = 3 * CHUNK_WORDS + 4, .rounds = 1, .epoch_rounds = 1};
    OK(cohort_init(&large, &cohort));
    cohort_lose(&cohort, MESSAGE_OPENED, 0, true);
    OK(cohort_start_all(&cohort));
    for (unsigned i = 1; i <= 5; i++) cohort.parties[i].node->close_full_bytes = 1000;
    OK(cohort_settle(&cohort));
    cohort_lose(&cohort, MESSAGE_FETCH_SUM, 0, true);
    cohort_lose(&cohort, MESSAGE_FETCH, 0, true);
    open_other(&cohort, 0);
    assert_int_equal(cohort.parties[1].node->state, NODE_CHECKING);
    bool drawn[4];
    memcpy(drawn, cohort.parties[1].node->check.chosen, sizeof drawn);
    for (unsigned restart = 0; restart < 12; restart++) {
        OK(cohort_start(&cohort, 1));
        cohort.parties[1].node->close_full_bytes = 1000;
        OK(cohort_settle(&cohort));
        open_other(&cohort, 0);
        assert_int_equal(cohort.parties[1].node->state, NODE_CHECKING);
        assert_memory_equal(drawn, cohort.parties[1].node->check.chosen, sizeof drawn);
    }
    OK(cohort_start(&cohort, 1));
    cohort.parties[1].node->close_full_bytes = 1000;
    OK(cohort_settle(&cohort));
    open_other(&cohort, 1);
    assert_int_equal(cohort.parties[1].node->state, NODE_ENDING);
    assert_true(cohort_event(&cohort, "signed two sums of round 1"));
    assert_true(cohort_event(&cohort, "signed in round 1 what cannot be (open)"));
    cohort_done(&cohort);
}

/* ---- rule 7 */

static bool hold_round;

static bool drop_second(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    (void)context, (void)to;
    return !(hold_round && bytes->data[1] == MESSAGE_ROUND && secagg_coordinator_fold(cohort->coordinator)->step >= 1);
}

/* Runs of another cohort, which the ledger of bank 3 refuses, on its disk from the past. */
static void offer_other_runs(struct records *disk, unsigned times)
{
    for (unsigned k = 0; k < times; k++) {
        struct cohort other;
        struct cohort_config config = five;
        config.without = 5;
        config.nonce = 100 + k;
        OK(cohort_init(&config, &other));
        struct records *own = &other.parties[3].records;
        OK(records_copy(disk, own));
        for (unsigned s = 0; s < 2; s++) { /* it is another run: only what all runs share is there */
            struct records run = {0};
            run.maps[s][0] = own->maps[s][0];
            memset(&own->maps[s][0], 0, sizeof own->maps[s][0]);
            records_done(&run);
        }
        OK(cohort_start(&other, 3));
        assert_true(other.parties[3].node->reason.length > 0 && !other.parties[3].node->joined);
        for (unsigned s = 0; s < 2; s++) { /* and stays on the disk */
            struct records shared = {0}, copy = {0}, old = {0};
            shared.maps[s][1] = own->maps[s][1];
            OK(records_copy(&shared, &copy));
            old.maps[s][1] = disk->maps[s][1];
            disk->maps[s][1] = copy.maps[s][1];
            records_done(&old);
        }
        cohort_done(&other);
    }
}

static void refusals_do_not_count_an_old_disk_up(void **state)
{
    (void)state;
    struct cohort cohort;
    struct records snapshot = {0};
    OK(cohort_init(&five, &cohort));
    hold_round = true;
    cohort.hooks.reply = drop_second;
    OK(cohort_run(&cohort));
    OK(records_copy(&cohort.parties[3].records, &snapshot));
    hold_round = false;
    cohort_lose(&cohort, MESSAGE_HEADER, 2, true);
    OK(cohort_settle(&cohort));
    cohort_stop(&cohort, 3);
    cohort_lose(&cohort, MESSAGE_HEADER, 2, false);
    OK(cohort_start(&cohort, 3));
    cohort_lose(&cohort, MESSAGE_AWAIT, 3, true);
    OK(cohort_settle(&cohort));
    cohort_stop(&cohort, 3);
    offer_other_runs(&snapshot, 12);
    OK(records_copy(&snapshot, &cohort.parties[3].records));
    OK(cohort_start(&cohort, 3));
    OK(cohort_settle(&cohort));
    assert_false(cohort.parties[3].node->joined);
    assert_true(cohort_event(&cohort, "is older than its last message"));
    records_done(&snapshot);
    cohort_done(&cohort);
}

/* ---- what one bank can do to the coordinator */

static bool false_share(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes)
{
    (void)context;
    if (from != 2 || bytes->data[1] != MESSAGE_RELEASE) return true;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    CLEANUP(buffer_done) struct buffer one = {0};
    struct message message;
    struct wire_r3 r3;
    OK(message_decode(buffer_view(bytes), 5, &arena, &message));
    OK(wire_r3_decode(message.one.body, 5, &arena, &r3));
    struct view shares[5];
    uint8_t copy[1024];
    memcpy(shares, r3.shares.items, sizeof shares);
    memcpy(copy, shares[3].data, shares[3].length);
    copy[0] ^= 1;
    shares[3].data = copy;
    r3.shares.items = shares;
    OK(cohort_sign(cohort, 2, "r3", WIRE_R3, &r3, &one));
    buffer_clear(bytes);
    OK(message_wrap(MESSAGE_RELEASE, buffer_view(&one), bytes));
    return true;
}

/* A false share and a VOID of the same bank are one loss: the four others open the round. */
static void one_bank_is_lost_once(void **state)
{
    (void)state;
    struct cohort cohort;
    CLEANUP(buffer_done) struct buffer one = {0}, bytes = {0};
    OK(cohort_init(&five, &cohort));
    cohort.hooks.request = false_share;
    cohort_lose(&cohort, MESSAGE_RELEASE, 5, true);
    OK(cohort_run(&cohort));
    assert_true(cohort_event(&cohort, "bank2 released a share of bank4"));
    struct wire_void voided = {.run = cohort.parties[1].node->run.id, .epoch = 1, .round = 1, .counter = 999};
    OK(cohort_sign(&cohort, 2, "void", WIRE_VOID, &voided, &one));
    OK(message_wrap(MESSAGE_VOID, buffer_view(&one), &bytes));
    OK(cohort_feed(&cohort, 0, 2, buffer_view(&bytes)));
    assert_false(cohort_event(&cohort, "too many banks lost their shares"));
    assert_true(cohort_event(&cohort, "bank2 signed two different messages where one is allowed (void/"));
    cohort_lose(&cohort, MESSAGE_RELEASE, 5, false);
    OK(cohort_settle(&cohort));
    assert_true(secagg_coordinator_fold(cohort.coordinator)->step >= 1);
    cohort_done(&cohort);
}

static void evidence_is_kept_once(void **state)
{
    (void)state;
    struct cohort cohort;
    OK(cohort_init(&five, &cohort));
    cohort_lose(&cohort, MESSAGE_HEADER, 5, true);
    OK(cohort_run(&cohort));
    uint64_t before = cohort.batches;
    for (unsigned i = 0; i < 200; i++) {
        CLEANUP(wire_arena_done) struct wire_arena arena = {0};
        CLEANUP(buffer_done) struct buffer again = {0}, bytes = {0};
        struct wire_signed one;
        struct wire_p1 p1;
        OK(wire_signed_decode(ballot_get(&cohort.coordinator->p1, 2), 5, &arena, &one));
        OK(wire_p1_decode(one.body, 5, &arena, &p1));
        p1.counter += 1000 + i;
        OK(cohort_sign(&cohort, 2, "p1", WIRE_P1, &p1, &again));
        OK(message_wrap(MESSAGE_P1, buffer_view(&again), &bytes));
        OK(cohort_feed(&cohort, 0, 2, buffer_view(&bytes)));
    }
    assert_int_equal(cohort.batches - before, 1);
    assert_true(cohort_event(&cohort, "bank2 signed two different messages"));
    cohort_done(&cohort);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restart_draws_no_new_chunks),
        cmocka_unit_test(refusals_do_not_count_an_old_disk_up),
        cmocka_unit_test(one_bank_is_lost_once),
        cmocka_unit_test(evidence_is_kept_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
