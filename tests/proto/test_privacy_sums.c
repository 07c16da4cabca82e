/* The bound for sums of discrete Gaussians against the divergences themselves, summed from convolved probabilities. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "proto/run/privacy.h"
#include "tests/support/discrete_gaussian.h"
#include "tests/support/ok.h"

/* Long doubles have the values of e^-11000; what is added up must lie well within. */
static const long double least_log = -10500;

static const long double orders[] = {1.001L, 1.01L, 1.1L, 1.25L, 1.5L, 2, 2.5L, 3, 4, 6, 10, 16, 32};
static const struct noise_variance variances[] = {{1, 4}, {3, 10}, {1, 2}, {3, 4}, {1, 1}, {9, 4}, {4, 1}, {9, 1}};
static const long shifts[] = {1, 2, 3, 5};
#define COUNT(array) (sizeof(array) / sizeof *(array))

static double variance_of(struct noise_variance variance)
{
    return (double)variance.numerator / (double)variance.denominator;
}

static struct pmf sum_of(unsigned banks, double variance)
{
    struct pmf one = pmf_gaussian(variance, (long)(140 * sqrt(variance))), sum = pmf_sum(&one, &one);
    for (unsigned k = 2; k < banks; k++) {
        struct pmf more = pmf_sum(&sum, &one);
        pmf_done(&sum);
        sum = more;
    }
    pmf_done(&one);
    return sum;
}

/* Whether all that matters to the divergence of this order, around order·shift, is within the table. */
static bool in_reach(const struct pmf *z, long double order, long shift)
{
    long end = (long)(order * (long double)shift) + shift, probe = end + end / 4 + 12;
    long double last = pmf_at(z, probe);
    return last > 0 && logl(last) > least_log;
}

/* The Rényi divergence of z moved by `shift` from z: log(Σ z(y - shift)^α z(y)^(1-α)) / (α - 1). */
static long double divergence(const struct pmf *z, long double order, long shift)
{
    long double sum = 0;
    for (long y = -z->reach; y <= z->reach; y++) {
        long double p = pmf_at(z, y - shift), q = pmf_at(z, y);
        if (p == 0 || q == 0 || logl(p) < least_log || logl(q) < least_log) continue;
        sum += expl(order * logl(p) + (1 - order) * logl(q));
    }
    return logl(sum) / (order - 1);
}

/* Calls `check` for each case whose divergence can be computed. */
struct outcome {
    unsigned banks;
    double variance, rho, plain; /* the bound, and what it would be without its τ */
    long double exact;           /* divergence / order */
};
typedef void checker(const struct outcome *outcome, void *context);

static void for_each(checker *check, void *context)
{
    for (unsigned banks = 2; banks <= 3; banks++) {
        for (size_t v = 0; v < COUNT(variances); v++) {
            struct pmf z = sum_of(banks, variance_of(variances[v]));
            for (size_t s = 0; s < COUNT(shifts); s++) {
                double shift = (double)shifts[s];
                struct privacy_sum sum = {.banks = banks, .values = 1, .l1 = shift, .l2 = shift};
                struct outcome outcome = {.banks = banks, .variance = variance_of(variances[v])};
                OK(privacy_sum(&sum, variances[v], &outcome.rho));
                outcome.plain = shift * shift / (2 * banks * outcome.variance);
                for (size_t o = 0; o < COUNT(orders); o++) {
                    if (!in_reach(&z, orders[o], shifts[s])) continue;
                    outcome.exact = divergence(&z, orders[o], shifts[s]) / orders[o];
                    check(&outcome, context);
                }
            }
            pmf_done(&z);
        }
    }
}

struct tally {
    unsigned cases, above_plain;
    long double tightest; /* the least share of the bound that a divergence at σ >= 1.5 uses */
};

static void compare(const struct outcome *outcome, void *context)
{
    struct tally *tally = context;
    tally->cases++;
    if (outcome->exact > (long double)outcome->rho * (1 + 1e-12L))
        fail_msg("%u banks, variance %g: %.15Lg is above %.15g", outcome->banks, outcome->variance, outcome->exact,
                 outcome->rho);
    tally->above_plain += outcome->exact > (long double)outcome->plain * (1 + 1e-9L);
    if (outcome->variance >= 2.25) tally->tightest = fminl(tally->tightest, outcome->exact / (long double)outcome->rho);
}

static void the_bound_is_above_every_divergence(void **state)
{
    (void)state;
    struct tally tally = {.tightest = 1};
    for_each(compare, &tally);
    assert_true(tally.cases > 800);
    assert_true(tally.above_plain > 200); /* without τ the bound would be false */
    assert_true(tally.tightest > 1 - 1e-6L);
}

/* Kairouz, Liu, Steinke: the sum's probabilities are those of N_Z(0, banks·σ²) within a factor exp(±τ/2). */
static void a_sum_is_nearly_a_discrete_gaussian(void **state)
{
    (void)state;
    for (unsigned banks = 2; banks <= 3; banks++) {
        for (size_t v = 0; v < COUNT(variances); v++) {
            double variance = variance_of(variances[v]);
            long double half = 0, worst = 0;
            for (unsigned k = 1; k < banks; k++) half += 5 * expl(-2 * M_PIl * M_PIl * variance * k / (k + 1));
            struct pmf z = sum_of(banks, variance), w = pmf_gaussian(banks * variance, z.reach);
            for (long y = -z.reach; y <= z.reach; y++) {
                long double p = pmf_at(&z, y), q = pmf_at(&w, y);
                if (p == 0 || q == 0 || logl(p) < least_log || logl(q) < least_log) continue;
                worst = fmaxl(worst, fabsl(logl(p / q)));
            }
            pmf_done(&z);
            pmf_done(&w);
            assert_true(worst <= half + 1e-12L);
            if (variance <= 1) assert_true(worst > half / 30);
        }
    }
}

/* Of independent coordinates divergences add up. */
static void the_bound_holds_for_vectors(void **state)
{
    (void)state;
    static const long vectors[][2] = {{1, 1}, {1, 2}, {3, 1}, {5, 2}, {5, 5}};
    unsigned cases = 0;
    for (size_t v = 0; v < COUNT(variances); v++) {
        struct pmf z = sum_of(2, variance_of(variances[v]));
        for (size_t s = 0; s < COUNT(vectors); s++) {
            long a = vectors[s][0], b = vectors[s][1];
            struct privacy_sum sum = {.banks = 2, .values = 2, .l1 = (double)(a + b)};
            sum.l2 = nextafter(sqrt((double)(a * a + b * b)), 0); /* down, so that the bound is not helped */
            double rho;
            OK(privacy_sum(&sum, variances[v], &rho));
            for (size_t o = 0; o < COUNT(orders); o++) {
                if (!in_reach(&z, orders[o], a > b ? a : b)) continue;
                long double exact = (divergence(&z, orders[o], a) + divergence(&z, orders[o], b)) / orders[o];
                assert_true(exact <= (long double)rho * (1 + 1e-12L));
                cases++;
            }
        }
        pmf_done(&z);
    }
    assert_true(cases > 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bound_is_above_every_divergence),
        cmocka_unit_test(the_bound_holds_for_vectors),
        cmocka_unit_test(a_sum_is_nearly_a_discrete_gaussian),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
