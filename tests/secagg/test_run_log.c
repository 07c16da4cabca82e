/* The run's log: everyone keeps the same, the coordinator cannot name another, and a bank that missed a certificate
 * gets it with the next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/log/checkpoint.h"
#include "proto/run/note.h"
#include "proto/secagg/coordinator.h"
#include "proto/secagg/node.h"
#include "tests/support/cohort.h"
#include "tests/support/ok.h"

static const struct cohort_config five = {.banks = 5, .words = 8, .rounds = 3, .epoch_rounds = 4};

static struct hash checkpoint_of(const struct cohort *cohort, const struct run_log *log)
{
    struct hash hash;
    OK(run_log_checkpoint(log, &cohort->coordinator->run.id, &hash));
    return hash;
}

static void assert_one_log(const struct cohort *cohort, uint64_t steps, struct hash *ret)
{
    *ret = checkpoint_of(cohort, &cohort->coordinator->log);
    assert_int_equal(cohort->coordinator->log.tree.size, steps);
    for (unsigned i = 1; i <= cohort->config.banks; i++) {
        const struct run_log *log = &cohort->parties[i].node->log;
        struct hash own = checkpoint_of(cohort, log);
        assert_int_equal(log->tree.size, steps);
        assert_true(hash_equal(&own, ret));
    }
}

static void everyone_keeps_the_same_log(void **state)
{
    (void)state;
    struct hash first, second;
    for (uint64_t nonce = 1; nonce <= 2; nonce++) {
        struct cohort cohort;
        struct cohort_config config = five;
        config.nonce = nonce;
        OK(cohort_init(&config, &cohort));
        OK(cohort_run(&cohort));
        cohort_assert_done(&cohort, &cohort.terms.cohort);
        assert_one_log(&cohort, 3, nonce == 1 ? &first : &second);
        cohort_done(&cohort);
    }
    assert_false(hash_equal(&first, &second)); /* another run, another log */
}

/* The checkpoint is the tree over the certified statements, as docs/protocol.md has it: computed here again. */
static void a_checkpoint_is_what_the_banks_signed(void **state)
{
    (void)state;
    struct cohort cohort;
    struct cohort_config config = five;
    config.rounds = 1;
    OK(cohort_init(&config, &cohort));
    OK(cohort_run(&cohort));
    CLEANUP(buffer_done) struct buffer statement = {0}, text = {0};
    struct wire_close closed = cohort.parties[2].node->closed;
    struct checkpoint checkpoint = {.size = 1};
    struct hash expected, found = checkpoint_of(&cohort, &cohort.coordinator->log);
    char hex[2 * HASH_BYTES + 1];
    assert_true(closed.counter > 0);
    assert_true(closed.time > 0);
    closed.counter = closed.time = 0;
    closed.cosignature = (struct signature){0};
    OK(wire_close_encode(&closed, &statement));
    OK(merkle_leaf(buffer_view(&statement), &checkpoint.root)); /* the root of one leaf */
    bytes_hex(hash_view(&cohort.coordinator->run.id), hex);
    (void)snprintf(checkpoint.origin, sizeof checkpoint.origin, "cofferdam/1/run/%s", hex);
    OK(checkpoint_write(&checkpoint, &text));
    OK(hash_bytes("checkpoint", buffer_view(&text), &expected));
    assert_true(hash_equal(&found, &expected));
    cohort_done(&cohort);
}

/* R0 of the second step with another checkpoint, or none: refused, and kept as the coordinator signed it. */
static bool other_checkpoint(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    unsigned *turn = context;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    CLEANUP(buffer_done) struct buffer r0 = {0};
    struct message message;
    if (to != 3 || *turn >= 2 || bytes->data[1] != MESSAGE_ROUND || cohort->coordinator->round.terms.step != 1)
        return true;
    OK(message_decode(buffer_view(bytes), 5, &arena, &message));
    struct wire_r0 terms = cohort->coordinator->round.terms;
    if (*turn == 0)
        terms.checkpoint = (struct hash){0};
    else
        terms.checkpoint.bytes[31] ^= 1;
    OK(cohort_sign(cohort, 0, "r0", WIRE_R0, &terms, &r0));
    message.round.r0 = buffer_view(&r0);
    buffer_clear(bytes);
    OK(message_encode(MESSAGE_ROUND, &message.round, bytes));
    ++*turn;
    return true;
}

static void a_coordinator_cannot_name_another_history(void **state)
{
    (void)state;
    struct cohort cohort;
    unsigned turn = 0;
    OK(cohort_init(&five, &cohort));
    cohort.hooks.context = &turn;
    cohort.hooks.reply = other_checkpoint;
    OK(cohort_run(&cohort));
    OK(cohort_settle(&cohort));
    assert_int_equal(turn, 2);
    assert_true(cohort.parties[3].refused >= 2);
    assert_true(cohort_event(&cohort,
                             "it is refused and kept as evidence: R0 of round 2 names another checkpoint than that "
                             "of this bank's log of 1 steps"));
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    cohort_done(&cohort);
}

/* The coordinator's record of each checkpoint is a note that it signed and t banks cosigned. */
static void each_checkpoint_is_a_note_with_a_quorum(void **state)
{
    (void)state;
    struct cohort cohort;
    OK(cohort_init(&five, &cohort));
    OK(cohort_run(&cohort));
    const struct roster *roster = cohort.terms.roster;
    for (unsigned step = 0; step < 3; step++) {
        CLEANUP(buffer_done) struct buffer bytes = {0};
        CLEANUP(note_done) struct note note = {0};
        struct checkpoint checkpoint;
        bool found = false;
        char key[32];
        (void)snprintf(key, sizeof key, "checkpoint/%05u", step);
        const struct record_source *records = &cohort.coordinator->config.records;
        OK(records->load(records->context, false, false, key, &bytes, &found));
        assert_true(found);
        OK(note_parse(buffer_view(&bytes), &note));
        OK(checkpoint_parse(note.text, &checkpoint));
        assert_int_equal(checkpoint.size, step + 1);
        OK(note_verify(&note, roster->coordinator_name, &roster->coordinator));
        unsigned cosigned = 0;
        for (unsigned i = 1; i <= 5; i++) {
            uint64_t time = 0;
            cosigned += result_ok(
                note_verify_cosignature(&note, roster->members[i - 1].name, &roster->members[i - 1].node, &time));
        }
        assert_int_equal(cosigned, cohort.coordinator->run.thresholds.t);
        assert_int_equal(note.lines_count, 1 + cosigned);
    }
    cohort_done(&cohort);
}

/* Bank 2's vote comes with bank 3's cosignature, or one of another log: it is no vote. */
static bool other_cosignature(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes)
{
    unsigned *turn = context;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    CLEANUP(buffer_done) struct buffer close = {0};
    struct message message;
    if (*turn >= 3 || bytes->data[1] != MESSAGE_AWAIT) return true;
    OK(message_decode(buffer_view(bytes), 5, &arena, &message));
    if (!message.await.close.length) return true;
    if (from == 1) return false; /* without it bank 2's vote is needed */
    if (from != 2) return true;
    struct wire_close vote = cohort->parties[2].node->closed;
    struct run_log longer = cohort->parties[2].node->log;
    if (*turn == 0) {
        OK(cohort_cosign(cohort, 3, &longer, &vote));
    } else if (*turn == 1) {
        vote.time++; /* said to be made at another time than it was */
    } else {
        struct wire_close next = vote;
        OK(run_log_add(&longer, &vote));
        next.step++;
        OK(cohort_cosign(cohort, 2, &longer, &next));
        vote.cosignature = next.cosignature;
    }
    OK(cohort_sign(cohort, 2, "close", WIRE_CLOSE, &vote, &close));
    message.await.close = buffer_view(&close);
    buffer_clear(bytes);
    OK(message_encode(MESSAGE_AWAIT, &message.await, bytes));
    ++*turn;
    return true;
}

static void a_vote_without_its_cosignature_does_not_count(void **state)
{
    (void)state;
    struct cohort cohort;
    unsigned turn = 0;
    OK(cohort_init(&five, &cohort));
    cohort.hooks.context = &turn;
    cohort.hooks.request = other_cosignature;
    OK(cohort_run(&cohort));
    OK(cohort_settle(&cohort));
    assert_int_equal(turn, 3);
    assert_true(cohort.parties[0].refused >= 3);
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    cohort_done(&cohort);
}

/* The keys of the next epoch name the log's checkpoint; the call for them brings the certificate that leads to it. */
static bool call_without_certificate(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    unsigned *turn = context;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    if (to != 4 || *turn >= 1 || bytes->data[1] != MESSAGE_PROVISION) return true;
    OK(message_decode(buffer_view(bytes), 5, &arena, &message));
    assert_true(message.provision.close.length > 0);
    assert_int_equal(cohort->parties[4].node->log.tree.size + 1, cohort->parties[4].node->fold.step);
    message.provision.close = view_of(NULL, 0);
    buffer_clear(bytes);
    OK(message_encode(MESSAGE_PROVISION, &message.provision, bytes));
    ++*turn;
    return true;
}

static void new_keys_name_the_last_checkpoint(void **state)
{
    (void)state;
    struct cohort cohort;
    unsigned turn = 0;
    struct cohort_config config = five;
    config.epoch_rounds = 1;
    OK(cohort_init(&config, &cohort));
    cohort.hooks.context = &turn;
    cohort.hooks.reply = call_without_certificate;
    OK(cohort_run(&cohort));
    OK(cohort_settle(&cohort));
    assert_int_equal(turn, 1);
    assert_true(cohort.parties[4].refused >= 1);
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    assert_int_equal(cohort.coordinator->epoch.epoch, 3);
    struct run_log log = {0};
    struct hash expected;
    for (unsigned step = 0; step < 2; step++) { /* the log as it was when the third epoch began */
        CLEANUP(buffer_done) struct buffer certificate = {0};
        CLEANUP(wire_arena_done) struct wire_arena arena = {0};
        struct wire_close closed;
        bool found = false;
        const struct record_source *records = &cohort.coordinator->config.records;
        OK(records->load(records->context, false, false, step ? "closed/00001" : "closed/00000", &certificate, &found));
        assert_true(found);
        OK(run_log_take(&log, &cohort.coordinator->run, buffer_view(&certificate), &arena, &closed));
    }
    OK(run_log_checkpoint(&log, &cohort.coordinator->run.id, &expected));
    assert_true(hash_equal(&expected, &cohort.coordinator->epoch.checkpoint));
    assert_true(hash_equal(&expected, &cohort.parties[1].node->epoch.checkpoint));
    cohort_done(&cohort);
}

/* Bank 2 deals again, on another history: nobody takes its keys, and the run names it. */
static bool other_history(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes)
{
    unsigned *turn = context;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    struct wire_p1 p1;
    if (from != 2 || bytes->data[1] != MESSAGE_P1 || *turn >= 2) return true;
    OK(message_decode(buffer_view(bytes), 5, &arena, &message));
    OK(wire_p1_decode(message.one.body, 5, &arena, &p1));
    p1.checkpoint.bytes[0] ^= 1;
    CLEANUP(buffer_done) struct buffer one = {0};
    OK(cohort_sign(cohort, 2, "p1", WIRE_P1, &p1, &one));
    buffer_clear(bytes);
    OK(message_wrap(MESSAGE_P1, buffer_view(&one), bytes));
    ++*turn;
    return true;
}

static void keys_on_another_history_are_refused(void **state)
{
    (void)state;
    struct cohort cohort;
    unsigned turn = 0;
    OK(cohort_init(&five, &cohort));
    cohort.hooks.context = &turn;
    cohort.hooks.request = other_history;
    OK(cohort_run(&cohort));
    OK(cohort_settle(&cohort));
    assert_int_equal(turn, 2);
    assert_true(cohort.parties[0].refused >= 2);
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    cohort_done(&cohort);
}

/* Bank 5 votes on the first sum and gets no R0 any more; the others go on without it. */
struct away {
    bool away;
    unsigned closed, stripped;
};

static bool keep_away(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    struct away *away = context;
    const struct secagg_node *node = cohort->parties[5].node;
    if (to != 5) return true;
    if (bytes->data[1] == MESSAGE_ROUND && away->away && node->fold.step == 1) return false;
    if (bytes->data[1] != MESSAGE_CLOSED || node->fold.step != 1) return true;
    away->closed++;
    if (away->stripped > 0) return true;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    OK(message_decode(buffer_view(bytes), 5, &arena, &message));
    assert_true(message.closed.previous.length > 0);
    assert_int_equal(node->log.tree.size, 0); /* it voted, and saw no certificate */
    message.closed.previous = view_of(NULL, 0);
    CLEANUP(buffer_done) struct buffer without = {0};
    OK(message_encode(MESSAGE_CLOSED, &message.closed, &without));
    buffer_clear(bytes);
    OK(buffer_append(bytes, buffer_view(&without)));
    away->stripped++;
    return true;
}

static void a_missed_certificate_comes_with_the_next(void **state)
{
    (void)state;
    struct cohort cohort;
    struct away away = {.away = true};
    struct cohort_config config = five;
    struct hash checkpoint;
    config.goes_on = true;
    OK(cohort_init(&config, &cohort));
    cohort.hooks.context = &away;
    cohort.hooks.reply = keep_away;
    OK(cohort_run(&cohort));
    assert_int_equal(secagg_node_fold(cohort.parties[5].node)->step, 1);
    for (unsigned turn = 0; turn < 4; turn++) {
        if (cohort.timer) OK(cohort_timer(&cohort));
        OK(cohort_settle(&cohort));
    }
    away.away = false;
    OK(cohort_start(&cohort, 5)); /* from its records */
    OK(cohort_settle(&cohort));
    OK(cohort_settle(&cohort));
    assert_int_equal(away.stripped, 1);
    assert_true(away.closed >= 2);
    assert_true(cohort.parties[5].done);
    assert_one_log(&cohort, 3, &checkpoint);
    cohort_done(&cohort);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everyone_keeps_the_same_log),
        cmocka_unit_test(a_checkpoint_is_what_the_banks_signed),
        cmocka_unit_test(each_checkpoint_is_a_note_with_a_quorum),
        cmocka_unit_test(a_vote_without_its_cosignature_does_not_count),
        cmocka_unit_test(new_keys_name_the_last_checkpoint),
        cmocka_unit_test(keys_on_another_history_are_refused),
        cmocka_unit_test(a_coordinator_cannot_name_another_history),
        cmocka_unit_test(a_missed_certificate_comes_with_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
