/* The small parts of the mathematics, each against another way to the same number. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <mpfr.h>

#include "analytics/exact.h"
#include "analytics/linear.h"
#include "analytics/quantile.h"

static uint64_t next(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15); /* splitmix64 */
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static double uniform(uint64_t *state)
{
    return (double)(next(state) >> 11) * 0x1p-53;
}

static void must(struct result result)
{
    if (!result_ok(result)) fail_msg("%s", result_reason());
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median by histograms alone; counts how many sums that took. */
static double searched(const struct quantile_grid *grid, const double *values, size_t count, unsigned *ret_sums)
{
    struct quantile search[2] = {quantile_start(grid), quantile_start(grid)};
    struct quantile_interval intervals[2];
    unsigned sums = 0;
    for (size_t open; (open = quantile_intervals(search, 2, intervals)) > 0; sums++) {
        __int128 bins[2 * QUANTILE_BINS] = {0};
        for (size_t k = 0; k < count; k++) quantile_add(intervals, open, quantile_index(grid, values[k]), bins);
        if (sums == 0) quantile_median_ranks(search, count);
        for (size_t i = 0; i < open; i++) {
            uint64_t counts[QUANTILE_BINS];
            for (size_t b = 0; b < intervals[i].bins; b++) counts[b] = (uint64_t)bins[intervals[i].at + b];
            must(quantile_narrow(search, 2, &intervals[i], counts));
        }
    }
    *ret_sums = sums;
    return quantile_value(grid, search[0].low + search[1].low);
}

static void medians_are_those_of_a_sort(void **state)
{
    (void)state;
    static const struct {
        double minimum, maximum, resolution;
    } grids[] = {{0, 1, 1}, {0, 20000, 0.05}, {-1000000, 1000000, 1}, {18, 99, 0.5}, {0, 1e6, 7}, {-3, 5, 0.001}};
    uint64_t seed = 5;
    for (size_t g = 0; g < sizeof grids / sizeof *grids; g++) {
        struct quantile_grid grid;
        must(quantile_grid_of("x", grids[g].minimum, grids[g].maximum, grids[g].resolution, &grid));
        for (size_t count = 1; count <= 60; count++) {
            double values[60];
            for (size_t k = 0; k < count; k++) {
                uint64_t span = count % 3 ? grid.last + 1 : 3; /* many ties */
                values[k] = grids[g].minimum + (double)(next(&seed) % span) * grids[g].resolution;
                if (values[k] > grids[g].maximum) values[k] = grids[g].maximum;
            }
            unsigned sums;
            double found = searched(&grid, values, count, &sums);
            qsort(values, count, sizeof *values, by_value);
            double expected = (values[(count - 1) / 2] + values[count / 2]) / 2;
            assert_true(fabs(found - expected) <= 1e-9 * fabs(grids[g].maximum));
            assert_true(sums <= 4);
        }
    }
}

static void a_decimal_median_is_the_nearest_double(void **state)
{
    (void)state;
    struct quantile_grid grid;
    must(quantile_grid_of("x", 0, 20000, 0.05, &grid));
    static const double values[] = {1397.45, 1397.5};
    unsigned sums;
    assert_true(searched(&grid, values, 2, &sums) == 1397.475);
    assert_int_equal(quantile_grid_of("x", 0, 1e9, 1e-9, &grid).category, CATEGORY_USAGE);
}

static void a_histogram_without_the_rank_is_refused(void **state)
{
    (void)state;
    struct quantile_grid grid;
    must(quantile_grid_of("x", 0, 100000, 1, &grid));
    struct quantile search[2] = {quantile_start(&grid), quantile_start(&grid)};
    struct quantile_interval interval;
    uint64_t counts[QUANTILE_BINS] = {[3] = 10};
    assert_int_equal(quantile_intervals(search, 2, &interval), 1);
    quantile_median_ranks(search, 10);
    must(quantile_narrow(search, 2, &interval, counts));
    assert_int_equal(quantile_intervals(search, 2, &interval), 1);
    memset(counts, 0, sizeof counts);
    counts[0] = 4;
    assert_int_equal(quantile_narrow(search, 2, &interval, counts).category, CATEGORY_FALSE);
}

static void systems_are_solved_and_inverted(void **state)
{
    (void)state;
    double matrix[9] = {4, 0, 0, 2, 5, 0, 1, 3, 6}, vector[3] = {7, 10, 10}, work[3], diagonal[3];
    assert_int_equal(linear_factor(3, matrix), 3);
    linear_solve(3, matrix, vector); /* of (4 2 1; 2 5 3; 1 3 6) x = (7 10 10) is (1 1 1) */
    for (size_t i = 0; i < 3; i++) assert_true(fabs(vector[i] - 1) <= 1e-15);
    linear_inverse_diagonal(3, matrix, work, diagonal);
    static const double expected[3] = {21.0 / 67, 23.0 / 67, 16.0 / 67}; /* cofactors over the determinant */
    for (size_t i = 0; i < 3; i++) assert_true(fabs(diagonal[i] - expected[i]) <= 1e-15);
    double singular[4] = {1, 0, 2, 4};
    assert_int_equal(linear_factor(2, singular), 1);
}

static void collinear_columns_are_found_to_the_tolerance(void **state)
{
    (void)state;
    enum { ROWS = 500, COLUMNS = 5 };
    static const double off[] = {0, 1e-7, 3e-6, 1e-3};
    for (size_t trial = 0; trial < 4; trial++) {
        uint64_t seed = 2;
        __int128 gram[COLUMNS * COLUMNS] = {0};
        for (size_t row = 0; row < ROWS; row++) {
            double x[COLUMNS] = {1, uniform(&seed) - 0.5, uniform(&seed) - 0.5};
            double noise = uniform(&seed) < 0.5 ? -1 : 1;
            x[3] = (x[1] - x[2]) / 2 + off[trial] * 0.2 * noise; /* its own norm a row is about 0.2 */
            for (size_t j = 0; j < COLUMNS; j++)
                for (size_t k = 0; k <= j; k++)
                    gram[j * COLUMNS + k] += (__int128)__builtin_llrint(x[j] * x[k] * 0x1p60);
        }
        bool collinear[COLUMNS];
        must(linear_collinear(COLUMNS, gram, collinear));
        const bool expected[COLUMNS] = {false, false, false, trial < 2, true}; /* the last column is zero */
        assert_memory_equal(collinear, expected, sizeof expected);
        double matrix[COLUMNS * COLUMNS];
        for (size_t i = 0; i < COLUMNS * COLUMNS; i++) matrix[i] = (double)gram[i];
        size_t kept = trial < 2 ? 3 : 4;
        for (size_t j = 1; j < kept; j++) memmove(matrix + j * kept, matrix + j * COLUMNS, kept * sizeof *matrix);
        assert_int_equal(linear_factor(kept, matrix), kept); /* what is kept can be factored */
    }
    const __int128 impossible[4] = {100, 0, 200, 100};
    bool ignored[2];
    assert_int_equal(linear_collinear(2, impossible, ignored).category, CATEGORY_FALSE);
}

/* The definition: the upper incomplete gamma function over the gamma function. */
static double incomplete_gamma_tail(double x, unsigned degrees)
{
    mpfr_t shape, half, tail;
    mpfr_inits2(200, shape, half, tail, (mpfr_ptr)0);
    (void)mpfr_set_d(shape, degrees / 2.0, MPFR_RNDN);
    (void)mpfr_set_d(half, x / 2, MPFR_RNDN);
    (void)mpfr_gamma_inc(tail, shape, half, MPFR_RNDN);
    (void)mpfr_gamma(half, shape, MPFR_RNDN);
    (void)mpfr_div(tail, tail, half, MPFR_RNDN);
    double result = mpfr_get_d(tail, MPFR_RNDN);
    mpfr_clears(shape, half, tail, (mpfr_ptr)0);
    return result;
}

static void functions_are_rounded_correctly(void **state)
{
    (void)state;
    assert_true(exact_log(1) == 0);
    assert_true(exact_log(10) == 0x1.26bb1bbb55516p+1);
    assert_true(exact_exp(1) == 0x1.5bf0a8b145769p+1);
    assert_true(exact_erfc(0) == 1);
    assert_true(fabs(exact_normal_two_sided(1.959963984540054) - 0.05) <= 1e-15);
    assert_true(exact_normal_two_sided(-35) > 1e-268 && exact_normal_two_sided(-35) < 3e-268);
    assert_true(exact_normal_two_sided(-40) == 0); /* below double's range */
    /* Tables of the chi-square distribution. */
    assert_true(fabs(exact_chi_square_tail(3.841458820694124, 1) - 0.05) <= 1e-14);
    assert_true(fabs(exact_chi_square_tail(18.307038053275146, 10) - 0.05) <= 1e-14);
    assert_true(fabs(exact_chi_square_tail(7.814727903251179, 3) - 0.05) <= 1e-14);
    static const double at[] = {0.001, 0.7, 4, 37.25, 120, 900};
    for (unsigned degrees = 1; degrees <= 120; degrees += 7)
        for (size_t k = 0; k < sizeof at / sizeof *at; k++)
            assert_true(fabs(exact_chi_square_tail(at[k], degrees) / incomplete_gamma_tail(at[k], degrees) - 1) <=
                        4e-16);
    assert_true(exact_chi_square_tail(0, 3) == 1);
    assert_true(fabs(exact_chi_square_tail(4, 2) / exp(-2) - 1) <= 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(medians_are_those_of_a_sort),
        cmocka_unit_test(a_decimal_median_is_the_nearest_double),
        cmocka_unit_test(a_histogram_without_the_rank_is_refused),
        cmocka_unit_test(systems_are_solved_and_inverted),
        cmocka_unit_test(collinear_columns_are_found_to_the_tolerance),
        cmocka_unit_test(functions_are_rounded_correctly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
