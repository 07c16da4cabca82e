/* Measures of scores, against values worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/metrics.h"

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-12)

static void perfect_and_inverted(void **state)
{
    (void)state;
    struct metrics metrics;
    struct scored rows[] = {{2, true}, {-1, false}, {3, true}, {0, false}};
    assert_true(result_ok(metrics_of(rows, 4, &metrics)));
    NEAR(metrics.auc, 1);
    NEAR(metrics.ks, 1);
    NEAR(metrics.gini, 1);
    for (size_t i = 0; i < 4; i++) rows[i].positive = !rows[i].positive;
    assert_true(result_ok(metrics_of(rows, 4, &metrics)));
    NEAR(metrics.auc, 0);
    NEAR(metrics.ks, 1);
}

/* Scores 0 0 1 1 2: of six pairs the positives win 3 and tie twice. */
static void ties_count_half(void **state)
{
    (void)state;
    struct metrics metrics;
    struct scored rows[] = {{0, false}, {0, true}, {1, false}, {1, true}, {2, true}};
    assert_true(result_ok(metrics_of(rows, 5, &metrics)));
    NEAR(metrics.auc, 4.0 / 6);
    NEAR(metrics.ks, 1.0 / 3);
    assert_int_equal(metrics.rows, 5);
    assert_int_equal(metrics.positives, 3);
}

static void losses(void **state)
{
    (void)state;
    struct metrics metrics;
    struct scored rows[] = {{log(3), true}, {log(3), false}};
    assert_true(result_ok(metrics_of(rows, 2, &metrics)));
    NEAR(metrics.log_loss, (-log(0.75) - log(0.25)) / 2);
    NEAR(metrics.brier, (0.0625 + 0.5625) / 2);
    NEAR(metrics.auc, 0.5);
}

/* A score of a thousand is a probability of 1 in double, and its loss is still finite. */
static void extreme_scores_stay_finite(void **state)
{
    (void)state;
    struct metrics metrics;
    struct scored rows[] = {{1000, false}, {-1000, true}, {1000, true}};
    assert_true(result_ok(metrics_of(rows, 3, &metrics)));
    NEAR(metrics.log_loss, 2000.0 / 3);
    NEAR(metrics_probability(-1000), 0);
    NEAR(metrics_probability(1000), 1);
    NEAR(metrics_probability(0), 0.5);
}

static void one_kind_is_refused(void **state)
{
    (void)state;
    struct metrics metrics;
    struct scored rows[] = {{1, true}, {2, true}};
    assert_int_equal(metrics_of(rows, 2, &metrics).category, CATEGORY_FALSE);
    assert_int_equal(metrics_of(rows, 0, &metrics).category, CATEGORY_FALSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(perfect_and_inverted),       cmocka_unit_test(ties_count_half),     cmocka_unit_test(losses),
        cmocka_unit_test(extreme_scores_stay_finite), cmocka_unit_test(one_kind_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
