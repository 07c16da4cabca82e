/* What a database answers to formulas: cells that are integers enter the sums, others are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "data/formula_sql.h"
#include "tests/support/ok.h"

static void cells_that_are_no_integers_are_refused(void **state)
{
    (void)state;
    size_t places[] = {0};
    unsigned shifts[] = {30};
    const struct formula_query query = {.columns = 1, .places = places, .shifts = shifts};
    const char *const good[] = {"-12"}, *const none[] = {NULL}, *const bad[] = {"1e5"}, *const empty[] = {""};
    __int128 value = 1;
    OK(formula_take(&query, good, &value, 1));
    OK(formula_take(&query, none, &value, 1));
    assert_true(value == 1 - ((__int128)12 << 30));
    assert_int_equal(formula_take(&query, bad, &value, 1).category, CATEGORY_ENVIRONMENT);
    assert_non_null(strstr(result_reason(), "\"1e5\""));
    assert_int_equal(formula_take(&query, empty, &value, 1).category, CATEGORY_ENVIRONMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_that_are_no_integers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
