#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/run/tally.h"

static struct tally tally;
static struct tally_totals totals;

static int fresh(void **state)
{
    (void)state;
    tally = (struct tally){0};
    totals = (struct tally_totals){0};
    return 0;
}

static void look(uint64_t round, uint64_t step)
{
    tally_look(&tally, &totals, round, step);
}

static void are(uint64_t begun, uint64_t closed, uint64_t voided)
{
    assert_int_equal(totals.begun, begun);
    assert_int_equal(totals.closed, closed);
    assert_int_equal(totals.voided, voided);
}

static void a_whole_run(void **state)
{
    (void)state;
    look(0, 0);
    look(1, 0);
    are(1, 0, 0);
    look(1, 0);
    look(1, 1);
    are(1, 1, 0);
    look(2, 1);
    look(3, 1);
    are(3, 1, 1);
    look(3, 2);
    look(4, 2);
    are(4, 2, 1);
}

/* Nothing is known of the round that goes on, or is over, at the first look. */
static void a_start_in_the_middle(void **state)
{
    (void)state;
    look(5, 5);
    are(0, 0, 0);
    look(6, 5);
    are(1, 0, 0);
    look(6, 6);
    look(7, 6);
    are(2, 1, 0);
    look(8, 6);
    are(3, 1, 1);
}

static void rounds_that_were_missed(void **state)
{
    (void)state;
    look(0, 0);
    look(1, 0);
    look(4, 2);
    are(4, 2, 1);
    look(5, 3);
    are(5, 3, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_whole_run, fresh),
        cmocka_unit_test_setup(a_start_in_the_middle, fresh),
        cmocka_unit_test_setup(rounds_that_were_missed, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
