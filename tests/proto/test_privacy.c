#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>

#include "proto/run/privacy.h"
#include "tests/support/ok.h"

static const double rhos[] = {1e-12, 1e-6, 1e-3, 0.01, 0.025, 0.1, 0.5, 1, 3, 10, 100, 1e4};
static const double deltas[] = {1e-300, 1e-30, 1e-12, 1e-9, 1e-6, 1e-5, 1e-3, 0.1, 0.9};
static const double epsilons[] = {0, 1e-9, 1e-3, 0.1, 0.5, 1, 2, 4, 8, 20, 1000};
#define COUNT(array) (sizeof(array) / sizeof *(array))

static void near(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fabs(want))) fail_msg("%.17g is not %.17g", got, want);
}

/* Proposition 12 evaluated as it is printed, in long double, for trying orders by the thousand. */
static long double printed_epsilon(long double order, long double rdp, long double delta)
{
    return rdp + logl(1 - 1 / order) - logl(delta * order) / (order - 1);
}

static long double printed_delta(long double order, long double rho, long double epsilon)
{
    return expl((order - 1) * (order * rho - epsilon) + order * logl(1 - 1 / order)) / (order - 1);
}

/* The conversions are the minima over the orders: no order of a fine grid does better, and one does as well. */
static void conversions_take_the_best_order(void **state)
{
    (void)state;
    for (size_t r = 1; r < COUNT(rhos); r++) {
        for (size_t d = 1; d < COUNT(deltas); d++) {
            long double epsilon = INFINITY, delta = INFINITY;
            double got = privacy_epsilon(rhos[r], deltas[d]), at = rhos[r] + sqrt(rhos[r]);
            for (long double a = 1e-5L; a < 1e9L; a *= 1.0005L) {
                epsilon = fminl(epsilon, printed_epsilon(1 + a, (1 + a) * (long double)rhos[r], deltas[d]));
                delta = fminl(delta, printed_delta(1 + a, rhos[r], at));
            }
            if (epsilon <= 0)
                assert_true(got == 0);
            else
                assert_true(got <= (double)epsilon * (1 + 1e-12) && got >= (double)epsilon * (1 - 1e-5));
            double found = privacy_delta(rhos[r], at);
            assert_true(found <= (double)delta * (1 + 1e-12) && found >= (double)delta * (1 - 1e-5));
        }
    }
}

static void privacy_is_monotone(void **state)
{
    (void)state;
    for (size_t d = 0; d < COUNT(deltas); d++) {
        for (size_t r = 1; r < COUNT(rhos); r++)
            assert_true(privacy_epsilon(rhos[r], deltas[d]) >= privacy_epsilon(rhos[r - 1], deltas[d]));
        for (size_t e = 1; e < COUNT(epsilons); e++)
            assert_true(privacy_budget(epsilons[e], deltas[d]) > privacy_budget(epsilons[e - 1], deltas[d]));
    }
    for (size_t r = 0; r < COUNT(rhos); r++) {
        for (size_t d = 1; d < COUNT(deltas); d++)
            assert_true(privacy_epsilon(rhos[r], deltas[d]) <= privacy_epsilon(rhos[r], deltas[d - 1]));
        for (size_t e = 1; e < COUNT(epsilons); e++)
            assert_true(privacy_delta(rhos[r], epsilons[e]) <= privacy_delta(rhos[r], epsilons[e - 1]));
    }
}

static void a_budget_gives_what_it_was_asked_for(void **state)
{
    (void)state;
    for (size_t e = 1; e < COUNT(epsilons); e++) {
        for (size_t d = 0; d < COUNT(deltas); d++) {
            double rho = privacy_budget(epsilons[e], deltas[d]);
            assert_true(rho > 0);
            near(privacy_epsilon(rho, deltas[d]), epsilons[e], epsilons[e] > 1e-6 ? 1e-12 : 1e-6);
            near(privacy_delta(rho, epsilons[e]), deltas[d], 1e-9);
            assert_true(privacy_epsilon(rho * (1 + 1e-9), deltas[d]) > epsilons[e]);
        }
    }
}

/* Bun and Steinke 2016, Proposition 1.3, which is looser everywhere. */
static void conversions_are_tighter_than_the_first_ones(void **state)
{
    (void)state;
    for (size_t r = 0; r < COUNT(rhos); r++) {
        for (size_t d = 0; d < COUNT(deltas); d++)
            assert_true(privacy_epsilon(rhos[r], deltas[d]) < rhos[r] + 2 * sqrt(rhos[r] * -log(deltas[d])));
        for (size_t e = 1; e < COUNT(epsilons); e++) {
            if (epsilons[e] <= rhos[r]) continue;
            double loose = exp(-pow(epsilons[e] - rhos[r], 2) / (4 * rhos[r]));
            assert_true(privacy_delta(rhos[r], epsilons[e]) <= loose + DBL_MIN);
        }
    }
}

/* δ of the continuous Gaussian with ρ, exactly (Balle, Wang 2018): what its zCDP is said to give must not be less. */
static double gaussian_delta(double rho, double epsilon)
{
    long double mu = sqrtl(2 * (long double)rho), half = sqrtl(0.5L);
    return (double)(erfcl((epsilon / mu - mu / 2) * half) / 2 -
                    expl(epsilon) * erfcl((epsilon / mu + mu / 2) * half) / 2);
}

static void nothing_is_claimed_that_the_gaussian_does_not_have(void **state)
{
    (void)state;
    unsigned cases = 0;
    for (double rho = 1e-4; rho < 5; rho *= 1.7) {
        for (double epsilon = 0; epsilon < 8; epsilon += 0.25) {
            double exact = gaussian_delta(rho, epsilon), claimed = privacy_delta(rho, epsilon);
            if (exact < 1e-15) continue;
            assert_true(claimed >= exact);
            if (claimed < 1) near(privacy_epsilon(rho, claimed), epsilon, 1e-9);
            cases++;
        }
    }
    assert_int_equal(cases, 267);
}

static void figures_are_rounded_towards_less_privacy(void **state)
{
    (void)state;
    /* 1/6 is no double: the next one above. */
    double sixth = privacy_gaussian(1, (struct noise_variance){3, 1});
    assert_true(sixth * 6 >= 1 && nextafter(sixth, 0) < 1.0L / 6 && (long double)sixth > 1.0L / 6);
    assert_true(privacy_gaussian(3, (struct noise_variance){9, 2}) == 1);
    assert_true(privacy_gaussian(1e9, (struct noise_variance){1, 256}) == 1.28e20);
    assert_true(privacy_gaussian(0, (struct noise_variance){1, 1}) == 0);
    assert_true(privacy_compose(1, 1e-300) == nextafter(1, 2));
    assert_true(privacy_compose(0.25, 0.5) == 0.75);
    assert_true(privacy_compose(0, 0) == 0);
    double sum = 0;
    for (int k = 0; k < 1000; k++) sum = privacy_compose(sum, 0.001);
    assert_true(sum >= 1 && sum < 1 + 1e-12);
    /* Any order gives a bound; a budget's ε may be above the one asked for by an ulp, never by more. */
    for (size_t e = 1; e < COUNT(epsilons); e++)
        assert_true(privacy_epsilon(privacy_budget(epsilons[e], 1e-6), 1e-6) <= nextafter(epsilons[e], INFINITY));
}

static void the_ends_of_the_range(void **state)
{
    (void)state;
    assert_true(privacy_epsilon(0, 1e-6) == 0 && privacy_epsilon(0, DBL_TRUE_MIN) == 0);
    assert_true(privacy_delta(0, 0) == 0);
    assert_true(privacy_delta(1e6, 0) == 1);
    assert_true(privacy_delta(1, 1e6) == DBL_TRUE_MIN); /* what is below the least double is rounded up to it */
    assert_true(privacy_epsilon(1e-9, 0.999) == 0);
    assert_true(privacy_epsilon(DBL_TRUE_MIN, DBL_TRUE_MIN) > 0);
    assert_true(isfinite(privacy_epsilon(1e300, 1e-300)));
    assert_true(privacy_budget(0, 1e-6) > 0 && privacy_budget(0, 1e-6) < 1e-6);
    assert_true(privacy_budget(1e300, 1e-6) > 1e299);
}

static void a_sum_of_one_is_a_gaussian(void **state)
{
    (void)state;
    struct privacy_sum sum = {.banks = 1, .values = 7, .l1 = 3, .l2 = 2};
    static const struct noise_variance variances[] = {{1, 4}, {3, 1}, {UINT64_MAX, 7}};
    for (size_t k = 0; k < COUNT(variances); k++) {
        double rho;
        OK(privacy_sum(&sum, variances[k], &rho));
        assert_true(rho == privacy_gaussian(2, variances[k]));
    }
}

/* τ and the bounds of Proposition 14, as they are printed. */
static double printed_sum(const struct privacy_sum *sum, double variance)
{
    double tau = 0, n = sum->banks, s = sqrt(n * variance), d = (double)sum->values;
    for (unsigned k = 1; k < sum->banks; k++) tau += 10 * exp(-2 * M_PI * M_PI * variance * k / (k + 1));
    double first = sum->l2 * sum->l2 / (2 * s * s) + tau * d;
    double second = (sum->l2 * sum->l2 / (s * s) + 2 * sum->l1 * tau / s + tau * tau * d) / 2;
    double third = pow(sum->l2 / s + tau * sqrt(d), 2) / 2;
    return fmin(first, fmin(second, third));
}

static void sums_follow_the_printed_bounds(void **state)
{
    (void)state;
    static const unsigned banks[] = {1, 2, 3, 10, 334, MEMBERS_MAX};
    static const struct noise_variance variances[] = {{1, 4}, {1, 2}, {1, 1}, {3, 2}, {4, 1}, {1000, 1}};
    static const struct privacy_sum sums[] = {{.values = 1, .l1 = 1, .l2 = 1},
                                              {.values = 1000, .l1 = 1000, .l2 = 40},
                                              {.values = 1000, .l1 = 1e9, .l2 = 40},
                                              {.values = 3, .l1 = 1e6, .l2 = 1e6}};
    for (size_t b = 0; b < COUNT(banks); b++) {
        for (size_t v = 0; v < COUNT(variances); v++) {
            for (size_t s = 0; s < COUNT(sums); s++) {
                struct privacy_sum sum = sums[s];
                sum.banks = banks[b];
                double rho;
                OK(privacy_sum(&sum, variances[v], &rho));
                near(rho, printed_sum(&sum, (double)variances[v].numerator / (double)variances[v].denominator), 1e-9);
            }
        }
    }
}

static void noise_too_small_for_a_sum_is_refused(void **state)
{
    (void)state;
    struct privacy_sum sum = {.banks = 3, .values = 1, .l1 = 1, .l2 = 1};
    double rho = 7;
    static const struct noise_variance wrong[] = {{1, 5}, {249, 1000}, {1, 256}, {UINT64_MAX / 4, UINT64_MAX}};
    for (size_t k = 0; k < COUNT(wrong); k++) {
        assert_int_equal(privacy_sum(&sum, wrong[k], &rho).category, CATEGORY_USAGE);
        assert_non_null(strstr(result_reason(), "too small"));
    }
    assert_true(rho == 7);
    OK(privacy_sum(&sum, (struct noise_variance){1, 4}, &rho));
}

/* What privacy_noise finds is enough, and little more than what a single bank would have to add. */
static void noise_is_found_for_a_budget(void **state)
{
    (void)state;
    static const unsigned banks[] = {1, 2, 4, 34, MEMBERS_MAX};
    for (size_t b = 0; b < COUNT(banks); b++) {
        for (double rho = 1e-6; rho < 100; rho *= 11) {
            for (double l2 = 1; l2 < 1e7; l2 *= 71) {
                struct privacy_sum sum = {.banks = banks[b], .values = 50, .l1 = 7 * l2, .l2 = l2};
                struct noise_variance found;
                double got, least = l2 * l2 / (2 * rho * banks[b]);
                OK(privacy_noise(&sum, rho, &found));
                OK(privacy_sum(&sum, found, &got));
                double variance = (double)found.numerator / (double)found.denominator;
                assert_true(got <= rho && variance >= least * (1 - 1e-15) && variance >= 0.25);
                if (least >= 4) assert_true(variance < least * (1 + 1e-9));
                if (variance > 0.25 && least < 4) { /* a hundredth less of what was added is too little */
                    struct noise_variance less = found;
                    less.numerator -=
                        (uint64_t)((variance - fmax(least, 0.25)) / variance * 0.01 * (double)found.numerator);
                    if (less.numerator == found.numerator) continue;
                    OK(privacy_sum(&sum, less, &got));
                    assert_true(got > rho);
                }
            }
        }
    }
    struct privacy_sum large = {.banks = 2, .values = 1, .l1 = 1e12, .l2 = 1e12};
    struct noise_variance untouched = {7, 7};
    assert_int_equal(privacy_noise(&large, 1e-3, &untouched).category, CATEGORY_USAGE);
    assert_non_null(strstr(result_reason(), "a larger epsilon or delta"));
    assert_true(untouched.numerator == 7 && untouched.denominator == 7);
}

static void honest_banks_alone_add_what_was_promised(void **state)
{
    (void)state;
    static const struct noise_variance totals[] = {{1, 1},
                                                   {100, 1},
                                                   {UINT64_MAX, 1},
                                                   {UINT64_MAX, UINT64_MAX},
                                                   {UINT64_MAX, UINT64_MAX - 1},
                                                   {UINT64_C(1) << 60, UINT64_MAX},
                                                   {1, 256},
                                                   {25, 3}};
    for (unsigned n = COHORT_MIN; n <= MEMBERS_MAX; n++) {
        struct thresholds thresholds;
        OK(thresholds_of(n, &thresholds));
        unsigned honest = privacy_honest(&thresholds, DROPOUT_CONTINUE);
        assert_true(honest >= 2 && honest <= n - thresholds.f);
        for (size_t k = 0; k < COUNT(totals); k++) {
            struct noise_variance share = privacy_share(totals[k], honest);
            /* honest · share >= total; and no more than rounding and the least share make it. */
            bool least = share.numerator == 1 && share.denominator == 4;
            assert_true(least || share.denominator % honest == 0);
            unsigned __int128 left = (unsigned __int128)share.numerator * totals[k].denominator,
                              right = (unsigned __int128)totals[k].numerator * (share.denominator / honest);
            if (!least) assert_true(left >= right && left - right <= right >> 50);
            long double together = (long double)share.numerator / (long double)share.denominator * honest,
                        total = (long double)totals[k].numerator / (long double)totals[k].denominator;
            if (least) assert_true(together >= total);
            double rho;
            struct privacy_sum sum = {.banks = honest, .values = 1, .l1 = 1, .l2 = 1};
            if (n % 50 == 0) OK(privacy_sum(&sum, share, &rho));
        }
    }
    struct noise_variance exact = privacy_share((struct noise_variance){100, 3}, 7);
    assert_true(exact.numerator == 100 && exact.denominator == 21);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversions_take_the_best_order),
        cmocka_unit_test(privacy_is_monotone),
        cmocka_unit_test(a_budget_gives_what_it_was_asked_for),
        cmocka_unit_test(conversions_are_tighter_than_the_first_ones),
        cmocka_unit_test(nothing_is_claimed_that_the_gaussian_does_not_have),
        cmocka_unit_test(figures_are_rounded_towards_less_privacy),
        cmocka_unit_test(the_ends_of_the_range),
        cmocka_unit_test(a_sum_of_one_is_a_gaussian),
        cmocka_unit_test(sums_follow_the_printed_bounds),
        cmocka_unit_test(noise_too_small_for_a_sum_is_refused),
        cmocka_unit_test(noise_is_found_for_a_budget),
        cmocka_unit_test(honest_banks_alone_add_what_was_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
