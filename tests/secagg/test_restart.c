/* Any machine, killed at any batch and any stage of it, goes on from its records: the same sums, nothing refused, and
 * in the end no secret on any disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/support/cohort.h"
#include "tests/support/ok.h"

static const struct cohort_config small = {.banks = 3, .words = 6, .rounds = 2, .epoch_rounds = 1, .seed = 5};

/* One whole run with one crash; false when the run had no such batch. */
static bool run_with_crash(uint64_t at, enum records_stage stage, bool all)
{
    struct cohort cohort;
    OK(cohort_init(&small, &cohort));
    cohort.crash_at = at;
    cohort.crash_stage = stage;
    cohort.crash_all = all;
    OK(cohort_run(&cohort));
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    for (unsigned i = 1; i <= small.banks; i++) {
        for (unsigned shared = 0; shared < 2; shared++)
            assert_int_equal(cohort.parties[i].records.maps[1][shared].count, 0);
    }
    bool reached = cohort.batches >= at;
    cohort_done(&cohort);
    return reached;
}

static void crash_everywhere(enum records_stage stage, bool all)
{
    uint64_t at = 1;
    while (run_with_crash(at, stage, all)) at++;
    assert_true(at > 40);
}

static void before_a_batch(void **state)
{
    (void)state;
    crash_everywhere(RECORDS_NONE, false);
}

static void after_its_secrets(void **state)
{
    (void)state;
    crash_everywhere(RECORDS_SECRET_PUTS, false);
}

static void before_its_erasures(void **state)
{
    (void)state;
    crash_everywhere(RECORDS_DECISIONS, false);
}

static void after_a_batch(void **state)
{
    (void)state;
    crash_everywhere(RECORDS_ALL, false);
}

static void everyone_at_once(void **state)
{
    (void)state;
    crash_everywhere(RECORDS_ALL, true);
}

static bool until_the_crash(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes)
{
    (void)context, (void)from, (void)bytes;
    return cohort->batches < cohort->crash_at;
}

/* Also secrets whose decision was lost in a crash are gone when the run ends, whenever that is. */
static void a_run_that_ends_after_a_crash_leaves_no_secret(void **state)
{
    (void)state;
    for (uint64_t at = 1, reached = at; reached >= at; at++) {
        struct cohort cohort;
        OK(cohort_init(&small, &cohort));
        cohort.crash_at = at;
        cohort.crash_stage = RECORDS_SECRET_PUTS;
        cohort.hooks.request = until_the_crash;
        OK(cohort_start_all(&cohort));
        OK(cohort_settle(&cohort));
        reached = cohort.batches;
        cohort.hooks.request = NULL;
        if (!cohort_all_done(&cohort)) OK(cohort_cancel(&cohort, 0, "enough"));
        OK(cohort_settle(&cohort));
        for (unsigned i = 1; i <= small.banks; i++) {
            assert_true(cohort.parties[i].failed || cohort.parties[i].done);
            assert_int_equal(cohort.parties[i].records.maps[1][0].count, 0);
        }
        cohort_done(&cohort);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_a_batch),      cmocka_unit_test(after_its_secrets),
        cmocka_unit_test(before_its_erasures), cmocka_unit_test(after_a_batch),
        cmocka_unit_test(everyone_at_once),    cmocka_unit_test(a_run_that_ends_after_a_crash_leaves_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
