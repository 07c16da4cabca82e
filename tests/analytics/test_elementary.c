#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <mpfr.h>

#include "analytics/elementary.h"

enum { BITS = 160, SWEEP = 150000, BLOCK = 1000, BLOCKS = 1000 };

static uint64_t seed = UINT64_C(0x2545F4914F6CDD1D);

static uint64_t draw(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static double between(double low, double high)
{
    return low + (high - low) * ((double)(draw() >> 11) * 0x1p-53);
}

/* |got - want| in units of the last place of want, which for denormals is 2^-1074. */
static double error_ulp(double got, const mpfr_t want)
{
    int exponent;
    (void)frexp(mpfr_get_d(want, MPFR_RNDN), &exponent);
    if (exponent < DBL_MIN_EXP) exponent = DBL_MIN_EXP;
    mpfr_t difference;
    mpfr_init2(difference, BITS);
    mpfr_sub_d(difference, want, got, MPFR_RNDN);
    mpfr_mul_2si(difference, difference, DBL_MANT_DIG - exponent, MPFR_RNDN);
    double error = fabs(mpfr_get_d(difference, MPFR_RNDN));
    mpfr_clear(difference);
    return error;
}

static void exp_is_within_two_ulp(void **state)
{
    (void)state;
    mpfr_t want;
    mpfr_init2(want, BITS);
    double worst = 0;
    for (int k = 0; k < SWEEP; k++) {
        double x = k % 3 == 0 ? between(-745, 709.5) : k % 3 == 1 ? between(-2, 2) : between(-1e-8, 1e-8);
        mpfr_set_d(want, x, MPFR_RNDN);
        mpfr_exp(want, want, MPFR_RNDN);
        worst = fmax(worst, error_ulp(elementary_exp(x), want));
    }
    mpfr_clear(want);
    print_message("exp: %.3f ulp\n", worst);
    assert_true(worst < 2);
    assert_true(elementary_exp(0) == 1 && elementary_exp(-0.0) == 1);
    assert_true(elementary_exp(709.782712893384) < HUGE_VAL && elementary_exp(709.7827128933841) == HUGE_VAL);
    assert_true(elementary_exp(1e300) == HUGE_VAL && elementary_exp(HUGE_VAL) == HUGE_VAL);
    assert_true(elementary_exp(-745.1) == 0x1p-1074 && elementary_exp(-745.2) == 0);
    assert_true(elementary_exp(-1e300) == 0 && elementary_exp(-HUGE_VAL) == 0);
    assert_true(isnan(elementary_exp(NAN)));
}

static void log_is_within_one_ulp(void **state)
{
    (void)state;
    mpfr_t want;
    mpfr_init2(want, BITS);
    double worst = 0;
    for (int k = 0; k < SWEEP; k++) {
        double x = between(0.5, 2);
        if (k % 3 == 1) x = ldexp(x, (int)(draw() % 2040) - 1020);
        if (k % 3 == 2) x = 1 + ldexp(x - 1, -(int)(draw() % 50));
        if (k % 30 == 0) x = (double)(draw() % 1000000 + 1) * 0x1p-1074;
        mpfr_set_d(want, x, MPFR_RNDN);
        mpfr_log(want, want, MPFR_RNDN);
        if (!mpfr_zero_p(want)) worst = fmax(worst, error_ulp(elementary_log(x), want));
    }
    mpfr_clear(want);
    print_message("log: %.3f ulp\n", worst);
    assert_true(worst < 1);
    assert_true(elementary_log(1) == 0 && !signbit(elementary_log(1)));
    assert_true(elementary_log(0) == -HUGE_VAL && elementary_log(HUGE_VAL) == HUGE_VAL);
    assert_true(isnan(elementary_log(-1)) && isnan(elementary_log(NAN)));
}

static void logistic_is_within_three_ulp(void **state)
{
    (void)state;
    static double score[SWEEP], probability[SWEEP], tail[SWEEP];
    for (int k = 0; k < SWEEP; k++)
        score[k] = k % 3 == 0 ? between(-708, 708) : k % 3 == 1 ? between(-40, 40) : between(-1, 1);
    elementary_logistic(path_best(), score, SWEEP, probability, tail);
    mpfr_t want;
    mpfr_init2(want, BITS);
    double worst_probability = 0, worst_tail = 0;
    for (int k = 0; k < SWEEP; k++) {
        mpfr_set_d(want, -score[k], MPFR_RNDN);
        mpfr_exp(want, want, MPFR_RNDN);
        mpfr_add_ui(want, want, 1, MPFR_RNDN);
        mpfr_ui_div(want, 1, want, MPFR_RNDN);
        worst_probability = fmax(worst_probability, error_ulp(probability[k], want));
        mpfr_set_d(want, -fabs(score[k]), MPFR_RNDN);
        mpfr_exp(want, want, MPFR_RNDN);
        mpfr_log1p(want, want, MPFR_RNDN);
        worst_tail = fmax(worst_tail, error_ulp(tail[k], want));
    }
    mpfr_clear(want);
    print_message("probability: %.3f ulp, tail: %.3f ulp\n", worst_probability, worst_tail);
    assert_true(worst_probability < 3);
    assert_true(worst_tail < 3);
}

static void logistic_of_special_scores(void **state)
{
    (void)state;
    static const double score[] = {0.0, -0.0, 1e-320, -1e-320, 708, -708, 1e5, -1e5, HUGE_VAL, -HUGE_VAL, NAN};
    enum { COUNT = sizeof score / sizeof *score };
    for (enum path path = PATH_PORTABLE; path < PATH_COUNT; path++) {
        if (!path_supported(path)) continue;
        double probability[COUNT], tail[COUNT];
        elementary_logistic(path, score, COUNT, probability, tail);
        for (int k = 0; k < 4; k++) {
            assert_true(probability[k] == 0.5);
            assert_true(tail[k] == 0x1.62e42fefa39efp-1);
        }
        for (int k = 4; k < 10; k += 2) { /* beyond the most, all are as at the most */
            assert_true(probability[k] == 1 && probability[k + 1] == probability[5]);
            assert_true(tail[k] == tail[5] && tail[k + 1] == tail[5] && tail[5] > 0 && tail[5] < 1e-300);
        }
        assert_true(isnan(probability[10]) && isnan(tail[10]));
    }
}

/* Millions of scores: every path gives the bits of the portable one. */
static void paths_give_the_same_bits(void **state)
{
    (void)state;
    static double score[BLOCK], probability[2][BLOCK], tail[2][BLOCK];
    for (int block = 0; block < BLOCKS; block++) {
        double reach = block % 4 == 0 ? 800 : block % 4 == 1 ? 40 : block % 4 == 2 ? 3 : 1e-6;
        for (int k = 0; k < BLOCK; k++) score[k] = between(-reach, reach);
        elementary_logistic(PATH_PORTABLE, score, BLOCK, probability[0], tail[0]);
        for (enum path path = PATH_AVX2; path < PATH_COUNT; path++) {
            if (!path_supported(path)) continue;
            elementary_logistic(path, score, BLOCK, probability[1], tail[1]);
            assert_memory_equal(probability[0], probability[1], sizeof *probability);
            assert_memory_equal(tail[0], tail[1], sizeof *tail);
        }
    }
}

/* A record's bits do not depend on its place, nor on how many there are; nothing is written past the end. */
static void tails_of_every_length(void **state)
{
    (void)state;
    enum { MOST = 70 };
    double score[MOST + 8], probability[MOST + 9], tail[MOST + 9], one_probability, one_tail;
    for (int k = 0; k < MOST + 8; k++) score[k] = between(-30, 30);
    for (enum path path = PATH_PORTABLE; path < PATH_COUNT; path++) {
        if (!path_supported(path)) continue;
        for (size_t count = 0; count <= MOST; count++) {
            size_t shift = count % 8;
            probability[count] = tail[count] = 77;
            elementary_logistic(path, score + shift, count, probability, tail);
            for (size_t k = 0; k < count; k++) {
                elementary_logistic(PATH_PORTABLE, score + shift + k, 1, &one_probability, &one_tail);
                assert_memory_equal(&probability[k], &one_probability, sizeof(double));
                assert_memory_equal(&tail[k], &one_tail, sizeof(double));
            }
            assert_true(probability[count] == 77 && tail[count] == 77);
        }
    }
}

static void rounding_is_half_to_even(void **state)
{
    (void)state;
    static const struct {
        double x;
        int64_t want;
    } cases[] = {{0.5, 0},
                 {1.5, 2},
                 {2.5, 2},
                 {-0.5, 0},
                 {-1.5, -2},
                 {-2.5, -2},
                 {0.49999999999999994, 0},
                 {1e15, INT64_C(1000000000000000)},
                 {-0.0, 0},
                 {0x1p51, INT64_C(1) << 51},
                 {-0x1p51, -(INT64_C(1) << 51)}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        assert_int_equal(elementary_round(cases[k].x), cases[k].want);
    for (int k = 0; k < SWEEP; k++) {
        double x = ldexp(between(-1, 1), (int)(draw() % 52));
        if (k % 2) x = nearbyint(x) + 0.5;
        assert_int_equal(elementary_round(x), llrint(x));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp_is_within_two_ulp),        cmocka_unit_test(log_is_within_one_ulp),
        cmocka_unit_test(logistic_is_within_three_ulp), cmocka_unit_test(logistic_of_special_scores),
        cmocka_unit_test(paths_give_the_same_bits),     cmocka_unit_test(tails_of_every_length),
        cmocka_unit_test(rounding_is_half_to_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
