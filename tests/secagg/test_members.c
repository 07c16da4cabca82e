/* Sets of members and the thresholds of a cohort. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/run/members.h"
#include "tests/support/ok.h"

static void sets_are_bitmaps_from_the_least_bit(void **state)
{
    (void)state;
    struct members set = members_none(10);
    members_add(&set, 1);
    members_add(&set, 9);
    struct view bytes = members_view(&set);
    assert_int_equal(bytes.length, 2);
    assert_int_equal(bytes.data[0], 1);
    assert_int_equal(bytes.data[1], 1);
    assert_int_equal(members_next(&set, 0), 1);
    assert_int_equal(members_next(&set, 1), 9);
    assert_int_equal(members_next(&set, 9), 0);
    assert_int_equal(members_rank(&set, 9), 1);
    assert_false(members_has(&set, 0) || members_has(&set, 11));
    struct members back, all = members_all(10);
    OK(members_from(bytes, 10, &back));
    assert_true(members_equal(&set, &back) && members_within(&set, &all) && !members_within(&all, &set));
    assert_int_equal(members_from(bytes, 8, &back).category, CATEGORY_PEER);
    static const uint8_t beyond[2] = {0, 4};
    assert_int_equal(members_from(view_of(beyond, 2), 10, &back).category, CATEGORY_PEER);
}

/* The table of docs/protocol.md: banks that may fall silent after R1, honest inputs at least. */
static void thresholds_are_those_of_the_protocol(void **state)
{
    (void)state;
    static const unsigned table[][4] = {{3, 3, 0, 2},  {5, 4, 1, 3},      {6, 5, 1, 3},
                                        {10, 7, 3, 4}, {100, 67, 33, 34}, {1000, 667, 333, 334}};
    struct thresholds thresholds;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        OK(thresholds_of(table[i][0], &thresholds));
        assert_int_equal(thresholds.t, table[i][1]);
        assert_int_equal(thresholds.n - thresholds.t, table[i][2]);
        assert_int_equal(thresholds.t - thresholds.f, table[i][3]);
    }
    for (unsigned n = 3; n <= MEMBERS_MAX; n++) {
        OK(thresholds_of(n, &thresholds));
        /* t releases leave fewer than v that can void, v erasures fewer than t shares; f that refuse stop neither. */
        assert_true(n - thresholds.t < thresholds.v + thresholds.f);
        assert_true(n + thresholds.f - thresholds.v < thresholds.t);
        assert_true(thresholds.v <= n - thresholds.f && thresholds.t <= n);
        /* Two quorums share an honest bank. */
        assert_true(2 * thresholds.t > n + thresholds.f);
    }
    assert_int_equal(thresholds_of(2, &thresholds).category, CATEGORY_USAGE);
    assert_int_equal(thresholds_of(MEMBERS_MAX + 1, &thresholds).category, CATEGORY_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_are_bitmaps_from_the_least_bit),
        cmocka_unit_test(thresholds_are_those_of_the_protocol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
