/* What contradicts itself, and what cannot be: two sets of keys, two inputs, a closed sum that is another one, a sum
 * that the analysis refuses. Each ends with its author named or, where nobody is at fault, with what to change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/cohort.h"
#include "tests/support/ok.h"
#include "tests/support/seeded.h"
#include "tests/support/toy.h"

static const struct cohort_config three = {.banks = 3, .words = 4, .rounds = 1, .epoch_rounds = 1, .seed = 3};

static bool has_record(const struct cohort *cohort, unsigned party, const char *prefix)
{
    const struct record_map *map = &cohort->parties[party].records.maps[0][0];
    for (size_t i = 0; i < map->count; i++)
        if (strncmp(map->items[i].key, prefix, strlen(prefix)) == 0) return true;
    return false;
}

static void says(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("\"%s\" does not say \"%s\"", text, part);
}

/* --- Two sets of keys --------------------------------------------------------------------------------------------- */

struct sets {
    struct buffer acks[4]; /* as each bank sent it, or for bank 3 signed over another set */
};

/* The ACK of every bank is kept and lost; bank 3's, which colludes, is for another set. */
static bool keep_acks(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes)
{
    struct sets *sets = context;
    if (bytes->data[1] != MESSAGE_ACK) return true;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    struct wire_ack ack;
    OK(message_decode(buffer_view(bytes), 3, &arena, &message));
    buffer_clear(&sets->acks[from]);
    if (from == 3) {
        OK(wire_ack_decode(message.one.body, 3, &arena, &ack));
        ack.set.bytes[0] ^= 1;
        OK(cohort_sign(cohort, 3, "ack", WIRE_ACK, &ack, &sets->acks[from]));
    } else {
        OK(buffer_append(&sets->acks[from], message.payload));
    }
    return false;
}

static void two_sets_of_keys_are_the_coordinators_doing(void **state)
{
    (void)state;
    struct cohort cohort;
    struct sets sets = {0};
    OK(cohort_init(&three, &cohort));
    cohort.hooks = (struct cohort_hooks){.context = &sets, .request = keep_acks};
    OK(cohort_run(&cohort));
    struct view items[3];
    for (unsigned i = 1; i <= 3; i++) items[i - 1] = buffer_view(&sets.acks[i]);
    struct buffer bytes = {0};
    OK(message_encode(MESSAGE_ACKS, &(struct wire_list){items, 3}, &bytes));
    OK(cohort_feed(&cohort, 1, 0, buffer_view(&bytes)));
    assert_true(has_record(&cohort, 1, "evidence/set/"));
    OK(cohort_settle(&cohort));
    assert_true(cohort.parties[1].failed);
    says(cohort.parties[1].reason, "coordinator showed two banks two sets of keys in epoch 1");
    buffer_done(&bytes);
    for (unsigned i = 1; i <= 3; i++) buffer_done(&sets.acks[i]);
    cohort_done(&cohort);
}

/* --- Two inputs --------------------------------------------------------------------------------------------------- */

static bool keep_header(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes)
{
    (void)cohort;
    struct buffer *header = context;
    if (bytes->data[1] != MESSAGE_HEADER) return true;
    if (from == 1) OK(buffer_append(header, buffer_view(bytes)));
    return from == 1;
}

static void two_inputs_of_a_bank_are_kept_as_evidence(void **state)
{
    (void)state;
    struct cohort cohort;
    struct buffer header = {0}, one = {0}, bytes = {0};
    OK(cohort_init(&three, &cohort));
    cohort.hooks = (struct cohort_hooks){.context = &header, .request = keep_header};
    OK(cohort_start_all(&cohort));
    OK(cohort_pump(&cohort));
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    struct wire_signed travelled;
    struct wire_r1 r1;
    OK(message_decode(buffer_view(&header), 3, &arena, &message));
    OK(wire_signed_decode(message.header.header, 3, &arena, &travelled));
    OK(wire_r1_decode(travelled.body, 3, &arena, &r1));
    r1.counter++;
    OK(cohort_sign(&cohort, 1, "r1", WIRE_R1, &r1, &one));
    message.header.header = buffer_view(&one);
    OK(message_encode(MESSAGE_HEADER, &message.header, &bytes));
    OK(cohort_feed(&cohort, 0, 1, buffer_view(&bytes)));
    assert_true(cohort_event(&cohort, "bank1 signed two different messages where one is allowed (r1/00001/00001)"));
    assert_true(has_record(&cohort, 0, "evidence/r1/00001/00001"));
    cohort.hooks.request = NULL;
    OK(cohort_settle(&cohort));
    cohort_assert_done(&cohort, &cohort.terms.cohort); /* with the first */
    buffer_done(&header);
    buffer_done(&one);
    buffer_done(&bytes);
    cohort_done(&cohort);
}

/* --- Catching up -------------------------------------------------------------------------------------------------- */

static const struct cohort_config five = {.banks = 5, .words = 4, .rounds = 2, .epoch_rounds = 2, .seed = 3};

static bool change_sum(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    (void)cohort;
    if (to == 5 && bytes->data[1] == MESSAGE_SUM_PIECE) bytes->data[bytes->length - 1] ^= *(const uint8_t *)context;
    return true;
}

/* Bank 5 hears neither what the first round opened nor of the second. */
static bool lose_to_five(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    (void)cohort;
    unsigned *rounds = context;
    if (to != 5) return true;
    if (bytes->data[1] == MESSAGE_ROUND) return ++*rounds == 1;
    return bytes->data[1] != MESSAGE_OPENED;
}

static void another_closed_sum_is_refused(void **state)
{
    (void)state;
    struct cohort cohort;
    uint8_t change = 1;
    OK(cohort_init(&five, &cohort));
    cohort.hooks = (struct cohort_hooks){.context = &change, .reply = change_sum};
    cohort_lose(&cohort, MESSAGE_OPENED, 5, true);
    OK(cohort_run(&cohort));
    assert_true(cohort.parties[5].failed);
    says(cohort.parties[5].reason, "coordinator sends another sum of step 0 than 4 banks closed");
    cohort_done(&cohort);
}

static void a_bank_that_caught_up_starts_again_from_the_certificate(void **state)
{
    (void)state;
    struct cohort cohort;
    unsigned rounds = 0;
    OK(cohort_init(&five, &cohort));
    cohort.hooks = (struct cohort_hooks){.context = &rounds, .reply = lose_to_five};
    OK(cohort_run(&cohort));
    assert_true(has_record(&cohort, 5, "closed/00000") && !cohort.parties[5].done);
    assert_int_equal(secagg_node_fold(cohort.parties[5].node)->step, 1);
    cohort.hooks.reply = NULL;
    OK(cohort_start(&cohort, 5));
    OK(cohort_settle(&cohort));
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    cohort_done(&cohort);
}

/* --- Sums that the analysis refuses ------------------------------------------------------------------------------- */

static enum category refusal;
static unsigned calls_to_pass;

static struct result refusing_advance(const struct plan *plan, struct view state, const uint64_t *words,
                                      struct buffer *out)
{
    if (calls_to_pass-- == 0) return FAIL(refusal, "no row is positive");
    return toy_task.advance(plan, state, words, out);
}

/* The coordinator advances first: after `passes` calls the one that refuses is its, or a bank's. */
static void run_refusing(struct cohort *cohort, enum category category, unsigned passes)
{
    static struct task task;
    task = toy_task;
    task.advance = refusing_advance;
    refusal = category;
    calls_to_pass = passes;
    OK(cohort_init(&three, cohort));
    cohort->terms.task = &task;
    OK(cohort_run(cohort));
    for (unsigned i = 0; i <= 3; i++) assert_true(cohort->parties[i].failed);
}

static void data_that_cannot_be_analysed_end_the_run_and_blame_nobody(void **state)
{
    (void)state;
    for (unsigned passes = 0; passes < 2; passes++) {
        struct cohort cohort;
        run_refusing(&cohort, CATEGORY_USAGE, passes);
        const char *reason = cohort.parties[passes].reason;
        says(reason, "the joint data cannot be analysed as planned: no row is positive");
        assert_true(secagg_plan_fails(view_text(reason)));
        assert_false(secagg_plan_fails(view_text("the plan's deadline has passed")));
        cohort_done(&cohort);
    }
}

static void a_sum_that_no_data_give_ends_the_run(void **state)
{
    (void)state;
    for (unsigned passes = 0; passes < 2; passes++) {
        struct cohort cohort;
        run_refusing(&cohort, CATEGORY_FALSE, passes);
        says(cohort.parties[passes].reason, "the sum of round 1 cannot be a true one: no row is positive");
        assert_false(secagg_plan_fails(view_text(cohort.parties[passes].reason)));
        cohort_done(&cohort);
    }
}

/* --- Machines that are not made ----------------------------------------------------------------------------------- */

static struct secagg_node_config config_of(struct cohort *cohort, unsigned position)
{
    return (struct secagg_node_config){.terms = &cohort->terms,
                                       .position = position,
                                       .key = cohort->keys[position],
                                       .random = seeded("contradictions"),
                                       .counters = &cohort->parties[position].counters,
                                       .records = records_source(&cohort->parties[position].records),
                                       .epoch_rounds = 1,
                                       .source = "customers"};
}

static void a_bank_outside_the_cohort_has_no_machine(void **state)
{
    (void)state;
    struct cohort_config four = three;
    four.banks = 4;
    four.without = 4;
    struct cohort cohort;
    struct secagg_node *node = NULL;
    OK(cohort_init(&four, &cohort));
    struct secagg_node_config config = config_of(&cohort, 4);
    assert_int_equal(secagg_node_new(&config, &node).category, CATEGORY_USAGE);
    says(result_reason(), "this bank is not in the run's cohort");
    assert_null(node);
    cohort_done(&cohort);
}

static void a_pair_key_and_a_run_that_goes_on_exclude_each_other(void **state)
{
    (void)state;
    struct cohort_config goes_on = three;
    goes_on.goes_on = true;
    struct cohort cohort;
    struct secagg_node *node = NULL;
    CLEANUP(secret_freep) struct secret *secret = NULL;
    OK(cohort_init(&goes_on, &cohort));
    OK(secret_new(32, &secret));
    const struct secret *pairs[4] = {NULL, NULL, secret, NULL};
    struct secagg_node_config config = config_of(&cohort, 1);
    config.psk = pairs;
    assert_int_equal(secagg_node_new(&config, &node).category, CATEGORY_USAGE);
    says(result_reason(), "a pre-shared key with bank2 in a run that goes on without silent banks");
    cohort_done(&cohort);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_sets_of_keys_are_the_coordinators_doing),
        cmocka_unit_test(two_inputs_of_a_bank_are_kept_as_evidence),
        cmocka_unit_test(another_closed_sum_is_refused),
        cmocka_unit_test(a_bank_that_caught_up_starts_again_from_the_certificate),
        cmocka_unit_test(data_that_cannot_be_analysed_end_the_run_and_blame_nobody),
        cmocka_unit_test(a_sum_that_no_data_give_ends_the_run),
        cmocka_unit_test(a_bank_outside_the_cohort_has_no_machine),
        cmocka_unit_test(a_pair_key_and_a_run_that_goes_on_exclude_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
