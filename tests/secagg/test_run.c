/* Whole runs of the machines: the sum is right, for everyone, in one epoch and in several. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/support/cohort.h"
#include "tests/support/ok.h"

static void run_and_check(const struct cohort_config *config)
{
    struct cohort cohort;
    OK(cohort_init(config, &cohort));
    OK(cohort_run(&cohort));
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    for (unsigned i = 1; i <= config->banks; i++) assert_int_equal(cohort.parties[i].refused, 0);
    assert_int_equal(cohort.parties[0].refused, 0);
    cohort_done(&cohort);
}

static void three_banks_sum_in_one_epoch(void **state)
{
    (void)state;
    run_and_check(&(struct cohort_config){.banks = 3, .words = 10, .rounds = 3, .epoch_rounds = 4, .seed = 1});
}

static void five_banks_sum_over_several_epochs(void **state)
{
    (void)state;
    run_and_check(&(struct cohort_config){.banks = 5, .words = 1000, .rounds = 5, .epoch_rounds = 2, .seed = 2});
}

static void a_cohort_is_part_of_the_roster(void **state)
{
    (void)state;
    run_and_check(
        &(struct cohort_config){.banks = 6, .without = 3, .words = 7, .rounds = 2, .epoch_rounds = 4, .seed = 3});
}

static void vectors_take_several_chunks(void **state)
{
    (void)state;
    run_and_check(
        &(struct cohort_config){.banks = 3, .words = 2 * CHUNK_WORDS + 5, .rounds = 2, .epoch_rounds = 2, .seed = 4});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_banks_sum_in_one_epoch),
        cmocka_unit_test(five_banks_sum_over_several_epochs),
        cmocka_unit_test(a_cohort_is_part_of_the_roster),
        cmocka_unit_test(vectors_take_several_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
