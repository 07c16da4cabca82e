/* Differential privacy in the machines: the sum that opens holds every bank's noise, of the size that the plan's budget
 * asks for; a step that is masked again is masked with the same noise; and its seed goes with the step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/run/privacy.h"
#include "proto/secagg/coordinator.h"
#include "proto/secagg/node.h"
#include "tests/support/cohort.h"
#include "tests/support/ok.h"

enum { WORDS = 20000 };

static void begin(struct cohort *cohort, struct cohort_config config)
{
    config.epsilon = 4;
    OK(cohort_init(&config, cohort));
}

/* Everyone holds the same last state, whatever the noise was. */
static uint64_t assert_agreed(const struct cohort *cohort)
{
    uint64_t value = cohort_value(secagg_coordinator_fold(cohort->coordinator));
    if (!cohort_all_done(cohort)) cohort_explain(cohort);
    assert_true(cohort_all_done(cohort));
    const struct members *banks = &cohort->terms.cohort;
    for (unsigned i = members_next(banks, 0); i; i = members_next(banks, i))
        assert_int_equal(cohort_value(secagg_node_fold(cohort->parties[i].node)), value);
    return value;
}

static const struct kept_record *find_record(const struct cohort *cohort, unsigned party, bool secret, const char *key)
{
    const struct record_map *map = &cohort->parties[party].records.maps[secret][0];
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->items[i].key, key) == 0) return &map->items[i];
    return NULL;
}

/* What the opened sum is off by: the noise of all banks. Of the first step, one chunk. */
static void read_noise(const struct cohort *cohort, const struct members *banks, double noise[WORDS])
{
    const struct kept_record *sum = find_record(cohort, 1, false, "sum/00000/00000");
    assert_non_null(sum);
    assert_int_equal(sum->value.length, WORDS * 8);
    for (uint64_t k = 0; k < WORDS; k++) {
        uint64_t word = bytes_get_u64(sum->value.data + 8 * k);
        for (unsigned i = members_next(banks, 0); i; i = members_next(banks, i)) word -= toy_input(i, 0, k);
        noise[k] = (double)(int64_t)word;
    }
}

/* σ² of one bank's noise, as the accountant asks for it. */
static double variance_of(const struct cohort *cohort, unsigned honest)
{
    CLEANUP(fold_done) struct fold fold = {0};
    struct noise_variance variance;
    OK(fold_start(&cohort->plan, cohort->terms.task, &fold));
    OK(layout_variance(&fold.layout.fields[0], honest, &variance));
    return (double)variance.numerator / (double)variance.denominator;
}

/* Mean 0 and the variance expected, each within five standard deviations of what so many samples give. */
static void assert_variance(const double noise[WORDS], double expected)
{
    double total = 0, squares = 0;
    for (size_t k = 0; k < WORDS; k++) {
        total += noise[k];
        squares += noise[k] * noise[k];
    }
    double mean = total / WORDS, variance = squares / WORDS;
    assert_true(mean * mean < 25 * expected / WORDS);
    double off = variance / expected - 1;
    assert_true(off * off < 25 * 2.0 / WORDS);
}

static void the_sum_holds_every_banks_noise(void **state)
{
    (void)state;
    struct cohort cohort;
    double noise[WORDS];
    begin(&cohort, (struct cohort_config){.banks = 5, .words = WORDS, .rounds = 1, .epoch_rounds = 1, .seed = 6});
    OK(cohort_run(&cohort));
    (void)assert_agreed(&cohort);
    read_noise(&cohort, &cohort.terms.cohort, noise);
    assert_variance(noise, 5 * variance_of(&cohort, 4)); /* n - f = 4 keep the promise, 5 add */
    cohort_done(&cohort);
}

static void without_a_silent_bank_fewer_keep_the_promise(void **state)
{
    (void)state;
    struct cohort cohort;
    double noise[WORDS];
    begin(&cohort, (struct cohort_config){
                       .banks = 5, .words = WORDS, .rounds = 1, .epoch_rounds = 1, .seed = 7, .goes_on = true});
    cohort_lose(&cohort, MESSAGE_HEADER, 5, true);
    OK(cohort_run(&cohort));
    cohort_stop(&cohort, 5);
    OK(cohort_timer(&cohort));
    OK(cohort_settle(&cohort));
    struct members four = cohort.terms.cohort;
    members_remove(&four, 5);
    read_noise(&cohort, &four, noise);
    assert_variance(noise, 4 * variance_of(&cohort, 3)); /* t - f = 3 */
    cohort_done(&cohort);
}

/* What two banks masked, each time they sent it. */
struct masked_inputs {
    struct hash inputs[6][8];
    uint64_t rounds[6][8];
    size_t count[6];
};

static bool remember(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes)
{
    struct masked_inputs *seen = context;
    const struct node_masked *masked = &cohort->parties[from].node->masked;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    OK(message_decode(buffer_view(bytes), 5, &arena, &message));
    size_t at = seen->count[from];
    if (message.kind != MESSAGE_HEADER || (at && seen->rounds[from][at - 1] == masked->round)) return true;
    assert_true(at < 8);
    seen->inputs[from][at] = masked->input;
    seen->rounds[from][at] = masked->round;
    seen->count[from]++;
    return true;
}

/* Bank 3 loses its secrets with round 1 under way: the rounds of the epoch are voided, the step is done again. Bank 2
 * was restarted between. */
static void a_step_is_masked_again_with_the_same_noise(void **state)
{
    (void)state;
    struct cohort cohort;
    struct masked_inputs seen = {0};
    begin(&cohort, (struct cohort_config){.banks = 5, .words = 8, .rounds = 1, .epoch_rounds = 2, .seed = 8});
    cohort.hooks.request = remember;
    cohort.hooks.context = &seen;
    cohort_lose(&cohort, MESSAGE_HEADER, 3, true);
    OK(cohort_run(&cohort));
    struct hash lost = cohort.parties[3].node->masked.input;
    cohort_stop(&cohort, 2);
    cohort_stop(&cohort, 3);
    cohort_lose(&cohort, MESSAGE_HEADER, 3, false);
    records_lose_secrets(&cohort.parties[3].records);
    OK(cohort_start(&cohort, 2));
    OK(cohort_start(&cohort, 3));
    OK(cohort_settle(&cohort));
    OK(cohort_settle(&cohort));
    (void)assert_agreed(&cohort);
    assert_true(cohort_event(&cohort, "round 1: bank3 has voided it"));
    assert_int_equal(seen.rounds[2][0], 1);
    assert_true(seen.count[2] > 1);
    for (size_t i = 1; i < seen.count[2]; i++) assert_true(hash_equal(&seen.inputs[2][0], &seen.inputs[2][i]));
    /* Bank 3 drew anew what nobody has seen. */
    assert_true(seen.count[3] > 0 && !hash_equal(&lost, &seen.inputs[3][seen.count[3] - 1]));
    cohort_done(&cohort);
}

/* A round was certified and cannot be opened, so its step is done again; the bank that lost its secrets has lost its
 * noise, too, and another would be a second sample over one sum. */
static void lost_noise_of_a_certified_step_ends_the_run(void **state)
{
    (void)state;
    struct cohort cohort;
    begin(&cohort, (struct cohort_config){.banks = 3, .words = 8, .rounds = 2, .epoch_rounds = 2});
    cohort_lose(&cohort, MESSAGE_CERTIFICATE, 2, true);
    OK(cohort_run(&cohort));
    cohort_stop(&cohort, 2);
    cohort_lose(&cohort, MESSAGE_CERTIFICATE, 2, false);
    records_lose_secrets(&cohort.parties[2].records);
    OK(cohort_start(&cohort, 2));
    OK(cohort_settle(&cohort));
    OK(cohort_settle(&cohort));
    assert_true(cohort_event(&cohort, "the step is done again with the same inputs"));
    assert_true(cohort.parties[2].failed);
    assert_non_null(strstr(cohort.parties[2].reason, "is certified and cannot be made again as it was"));
    assert_false(secagg_coordinator_fold(cohort.coordinator)->finished);
    cohort_done(&cohort);
}

static bool run_with_crash(uint64_t at, enum records_stage stage)
{
    struct cohort cohort;
    begin(&cohort, (struct cohort_config){.banks = 3, .words = 6, .rounds = 2, .epoch_rounds = 1, .seed = 5});
    cohort.crash_at = at;
    cohort.crash_stage = stage;
    OK(cohort_run(&cohort));
    (void)assert_agreed(&cohort);
    for (unsigned i = 1; i <= 3; i++) assert_int_equal(cohort.parties[i].records.maps[1][0].count, 0);
    bool reached = cohort.batches >= at;
    cohort_done(&cohort);
    return reached;
}

static void a_crash_anywhere_leaves_a_run_that_ends(void **state)
{
    (void)state;
    for (enum records_stage stage = RECORDS_NONE; stage <= RECORDS_ALL; stage++)
        for (uint64_t at = 1; run_with_crash(at, stage); at++) continue;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sum_holds_every_banks_noise),
        cmocka_unit_test(without_a_silent_bank_fewer_keep_the_promise),
        cmocka_unit_test(a_step_is_masked_again_with_the_same_noise),
        cmocka_unit_test(lost_noise_of_a_certified_step_ends_the_run),
        cmocka_unit_test(a_crash_anywhere_leaves_a_run_that_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
