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
    closed.counter = 0;
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
        cmocka_unit_test(a_coordinator_cannot_name_another_history),
        cmocka_unit_test(a_missed_certificate_comes_with_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
