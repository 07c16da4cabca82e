#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "crypto/noise.h"
#include "tests/support/discrete_gaussian.h"
#include "tests/support/ok.h"
#include "tests/support/seeded.h"

enum { SAMPLES = 1000000, BINS = 64, LEAST_EXPECTED = 25 };

static uint64_t words[SAMPLES];
static uint8_t bits[SAMPLES];

static void draw(const char *seed, struct noise_variance variance)
{
    CLEANUP(random_source_freep) struct random_source *source = seeded(seed);
    memset(words, 0, sizeof words);
    OK(noise_fill(source, variance, words, SAMPLES));
}

static long double variance_of(struct noise_variance variance)
{
    return (long double)variance.numerator / (long double)variance.denominator;
}

/* P(X <= x): a sum of the formula for σ up to 100. Beyond, the Gaussian's at x + 1/2, which differs by less than
 * 1/24σ² < 5e-6 of a bin. */
struct cumulative {
    long double variance;
    struct pmf pmf; /* values made into sums */
};

static struct cumulative cumulative_of(long double variance)
{
    struct cumulative c = {.variance = variance};
    if (variance > 10000) return c;
    c.pmf = pmf_gaussian(variance, 40 + (long)(40 * sqrtl(variance)));
    for (long k = 1; k <= 2 * c.pmf.reach; k++) c.pmf.values[k] += c.pmf.values[k - 1];
    return c;
}

static long double cumulative_at(const struct cumulative *c, int64_t x)
{
    if (!c->pmf.values) return erfcl(-((long double)x + 0.5L) / sqrtl(2 * c->variance)) / 2;
    if (x > c->pmf.reach) return 1;
    return pmf_at(&c->pmf, (long)x);
}

/* The least integer with P(X <= x) >= share. */
static int64_t quantile(const struct cumulative *c, long double share)
{
    int64_t low = -(INT64_C(1) << 38), high = INT64_C(1) << 38;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (cumulative_at(c, middle) >= share)
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* Bins as equal as integers allow, up to 64 of them: bin b ends at edges[b], the last one never. */
struct bins {
    int count;
    int64_t edges[BINS];
    double expected[BINS];
};

static struct bins bins_of(long double variance)
{
    struct cumulative c = cumulative_of(variance);
    struct bins bins = {0};
    long double before = 0;
    for (int b = 1; b < BINS; b++) {
        int64_t edge = quantile(&c, (long double)b / BINS);
        long double after = cumulative_at(&c, edge);
        double expected = (double)(after - before) * SAMPLES;
        if (expected < LEAST_EXPECTED || (double)(1 - after) * SAMPLES < LEAST_EXPECTED) continue;
        bins.edges[bins.count] = edge;
        bins.expected[bins.count++] = expected;
        before = after;
    }
    bins.edges[bins.count] = INT64_MAX;
    bins.expected[bins.count++] = (double)(1 - before) * SAMPLES;
    pmf_done(&c.pmf);
    return bins;
}

/* The chi-square statistic of the drawn words against N_Z(0, variance), as a multiple of what one in 300,000 right
 * samplers exceeds (4.5 standard deviations, by Wilson and Hilferty). */
static double misfit(long double variance)
{
    struct bins bins = bins_of(variance);
    size_t observed[BINS] = {0};
    for (size_t k = 0; k < SAMPLES; k++) {
        int low = 0, high = bins.count - 1;
        while (low < high) {
            int middle = (low + high) / 2;
            if ((int64_t)words[k] <= bins.edges[middle])
                high = middle;
            else
                low = middle + 1;
        }
        observed[low]++;
    }
    double chi_square = 0, degrees = bins.count - 1;
    assert_true(degrees >= 1);
    for (int b = 0; b < bins.count; b++)
        chi_square += pow((double)observed[b] - bins.expected[b], 2) / bins.expected[b];
    double root = 1 - 2 / (9 * degrees) + 4.5 * sqrt(2 / (9 * degrees));
    return chi_square / (degrees * root * root * root);
}

static void samples_have_their_distribution(void **state)
{
    (void)state;
    static const struct noise_variance cases[] = {
        {1, 16},
        {1, 4},
        {2, 3},
        {1, 1},
        {UINT64_MAX - 1, UINT64_MAX},
        {9, 4},
        {UINT64_C(10000000000000000000), UINT64_C(1000000000000000003)},
        {2500, 1},
        {1000000, 1},
        {UINT64_C(1000000000000), 1},
        {UINT64_C(1000000000000000000), 1},
        {UINT64_MAX, 1},
        {UINT64_MAX, 3},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        draw("distribution", cases[k]);
        double found = misfit(variance_of(cases[k]));
        if (found > 1) fail_msg("variance %Lg: %g times the critical value", variance_of(cases[k]), found);
    }
}

/* What makes the test above worth something. */
static void a_wrong_deviation_is_seen(void **state)
{
    (void)state;
    /* The sampler is given 1.01²·σ², or 2σ², and tested against σ². */
    static const struct {
        struct noise_variance drawn;
        long double variance;
    } cases[] = {
        {{10201, 20000}, 0.5L}, {{10201, 10000}, 1},       {{9801, 10000}, 1},
        {{91809, 10000}, 9},    {{25502500, 10000}, 2500}, {{UINT64_C(1020100000000), 1}, 1e12L},
        {{1, 8}, 1.0L / 16},    {{1, 2}, 1.0L / 4},        {{UINT64_C(2000000000000000000), 1}, 1e18L},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        draw("wrong", cases[k].drawn);
        double found = misfit(cases[k].variance);
        if (found <= 1)
            fail_msg("variance %Lg passes for %Lg: %g", variance_of(cases[k].drawn), cases[k].variance, found);
    }
}

static void large_samples_have_the_moments(void **state)
{
    (void)state;
    static const uint64_t variances[] = {1000000, UINT64_MAX};
    for (size_t v = 0; v < 2; v++) {
        draw("moments", (struct noise_variance){variances[v], 1});
        long double deviation = sqrtl((long double)variances[v]), sums[5] = {0}, lag = 0, last = 0;
        for (size_t k = 0; k < SAMPLES; k++) {
            long double x = (long double)(int64_t)words[k] / deviation, power = 1;
            for (size_t p = 1; p <= 4; p++) sums[p] += power *= x;
            lag += x * last;
            last = x;
        }
        /* Standard errors of a Gaussian's moments: 1, √2, √15, √96 over √n. Five of them. */
        long double n = SAMPLES, root = 5 / sqrtl(n);
        assert_true(fabsl(sums[1] / n) < root);
        assert_true(fabsl(sums[2] / n - 1) < root * sqrtl(2));
        assert_true(fabsl(sums[3] / n) < root * sqrtl(15));
        assert_true(fabsl(sums[4] / n - 3) < root * sqrtl(96));
        assert_true(fabsl(lag / n) < root);
    }
}

/* A sampler that rounded or scaled would show it in the last digits. */
static void large_samples_are_even_in_their_low_bits(void **state)
{
    (void)state;
    static const uint64_t variances[] = {1000000, UINT64_C(1000000000000000000)};
    for (size_t v = 0; v < 2; v++) {
        draw("low bits", (struct noise_variance){variances[v], 1});
        double chi_square = 0, expected = SAMPLES / 64.0;
        size_t seen[64] = {0};
        for (size_t k = 0; k < SAMPLES; k++) seen[words[k] % 64]++;
        for (size_t b = 0; b < 64; b++) chi_square += pow((double)seen[b] - expected, 2) / expected;
        assert_true(chi_square < 126); /* 63 degrees of freedom: one in 300,000 */
    }
}

/* How many samples are at least `from` in magnitude, against the formula, within 5 standard deviations. */
static void check_tail(long double variance, int64_t from)
{
    struct cumulative c = cumulative_of(variance);
    double expected = (double)(2 * cumulative_at(&c, -from)) * SAMPLES, seen = 0;
    for (size_t k = 0; k < SAMPLES; k++) seen += llabs((int64_t)words[k]) >= from;
    pmf_done(&c.pmf);
    if (fabs(seen - expected) > 5 * sqrt(expected) + 1)
        fail_msg("variance %Lg from %lld: %g seen, %g expected", variance, (long long)from, seen, expected);
}

static void tails_are_those_of_the_formula(void **state)
{
    (void)state;
    draw("tails", (struct noise_variance){1, 1});
    for (int64_t from = 2; from <= 7; from++) check_tail(1, from);
    draw("tails", (struct noise_variance){1, 16});
    for (int64_t from = 1; from <= 2; from++) check_tail(1.0L / 16, from);
    draw("tails", (struct noise_variance){UINT64_C(1000000000000), 1});
    for (int64_t from = 2000000; from <= 6000000; from += 500000) check_tail(1e12L, from);
}

static void bernoulli_trials_succeed_as_often_as_they_should(void **state)
{
    (void)state;
    static const struct {
        uint64_t numerator, denominator;
    } cases[] = {{1, 2},
                 {1, 1},
                 {1, 3},
                 {7, 5},
                 {12345, 6789},
                 {10, 1},
                 {999999999999, 1000000000000},
                 {UINT64_MAX, UINT64_C(1) << 63},
                 {1, 1000},
                 {UINT64_MAX - 1, UINT64_MAX},
                 {500, 100}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        CLEANUP(random_source_freep) struct random_source *source = seeded("bernoulli");
        noise_bernoulli_exp(source, cases[k].numerator, cases[k].denominator, bits, SAMPLES);
        double p = exp(-(double)cases[k].numerator / (double)cases[k].denominator), seen = 0;
        for (size_t i = 0; i < SAMPLES; i++) {
            assert_true(bits[i] <= 1);
            seen += bits[i];
        }
        if (fabs(seen - SAMPLES * p) > 4.5 * sqrt(SAMPLES * p * (1 - p)))
            fail_msg("exp(-%llu/%llu): %g of %d", (unsigned long long)cases[k].numerator,
                     (unsigned long long)cases[k].denominator, seen, SAMPLES);
    }
}

static void certain_trials_are_certain(void **state)
{
    (void)state;
    CLEANUP(random_source_freep) struct random_source *source = seeded("certain");
    noise_bernoulli_exp(source, 0, 1, bits, SAMPLES);
    for (size_t k = 0; k < SAMPLES; k++) assert_int_equal(bits[k], 1);
    noise_bernoulli_exp(source, 1, UINT64_MAX, bits, SAMPLES); /* 1 - 2^-64 */
    for (size_t k = 0; k < SAMPLES; k++) assert_int_equal(bits[k], 1);
    noise_bernoulli_exp(source, UINT64_MAX, 1, bits, SAMPLES);
    for (size_t k = 0; k < SAMPLES; k++) assert_int_equal(bits[k], 0);
}

static void a_seed_gives_the_same_samples_everywhere(void **state)
{
    (void)state;
    static const int64_t small[8] = {2, -6, 0, -5, 3, -1, 0, 0},
                         large[8] = {-1527857605, -298608661, -375229239, 1331172983,
                                     -335204612,  652854500,  2330769976, -1533284456};
    CLEANUP(random_source_freep) struct random_source *source = seeded("golden");
    uint64_t out[8] = {0};
    OK(noise_fill(source, (struct noise_variance){25, 2}, out, 8));
    for (size_t k = 0; k < 8; k++) assert_int_equal((int64_t)out[k], small[k]);
    memset(out, 0, sizeof out);
    OK(noise_fill(source, (struct noise_variance){UINT64_MAX, 7}, out, 8));
    for (size_t k = 0; k < 8; k++) assert_int_equal((int64_t)out[k], large[k]);
}

static void samples_are_added_modulo_2_64(void **state)
{
    (void)state;
    enum { COUNT = 3000 }; /* more than one draw of random bits lasts for */
    struct noise_variance variance = {UINT64_C(1) << 40, 3};
    CLEANUP(random_source_freep) struct random_source *first = seeded("added");
    CLEANUP(random_source_freep) struct random_source *second = seeded("added");
    static uint64_t alone[COUNT], onto[COUNT];
    for (uint64_t k = 0; k < COUNT; k++) onto[k] = UINT64_MAX - k;
    OK(noise_fill(first, variance, alone, COUNT));
    OK(noise_fill(second, variance, onto, COUNT));
    unsigned wrapped = 0;
    for (uint64_t k = 0; k < COUNT; k++) {
        assert_true(onto[k] == UINT64_MAX - k + alone[k]);
        wrapped += onto[k] < UINT64_C(1) << 32;
    }
    assert_in_range(wrapped, 1300, 1700);
    OK(noise_fill(first, variance, alone, 0));
}

static void the_ends_of_the_range_work(void **state)
{
    (void)state;
    draw("ends", (struct noise_variance){1, 256}); /* P(not 0) = 2 exp(-128) */
    for (size_t k = 0; k < SAMPLES; k++) assert_true(words[k] == 0);
    draw("ends", (struct noise_variance){UINT64_C(1) << 56, UINT64_MAX});
    for (size_t k = 0; k < SAMPLES; k++) assert_true(words[k] == 0);
    draw("ends", (struct noise_variance){UINT64_MAX, 1});
    uint64_t most = 0;
    for (size_t k = 0; k < SAMPLES; k++) {
        uint64_t size = (uint64_t)llabs((int64_t)words[k]);
        most = size > most ? size : most;
    }
    assert_true(most > UINT64_C(1) << 34 && most < UINT64_C(6) << 32);
}

static void variances_out_of_range_are_refused(void **state)
{
    (void)state;
    static const struct noise_variance wrong[] = {
        {0, 1}, {1, 0}, {0, 0}, {1, 257}, {UINT64_MAX >> 8, UINT64_MAX}, {1, UINT64_MAX}};
    CLEANUP(random_source_freep) struct random_source *source = seeded("refused");
    CLEANUP(random_source_freep) struct random_source *same = seeded("refused");
    uint64_t word = 7;
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        assert_false(noise_variance_valid(wrong[k]));
        assert_int_equal(noise_fill(source, wrong[k], &word, 1).category, CATEGORY_USAGE);
        assert_non_null(strstr(result_reason(), "out of range: at least 1/256"));
    }
    assert_true(word == 7);
    uint8_t a[16], b[16];
    random_draw(source, a, sizeof a);
    random_draw(same, b, sizeof b);
    assert_memory_equal(a, b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_have_their_distribution),
        cmocka_unit_test(a_wrong_deviation_is_seen),
        cmocka_unit_test(large_samples_have_the_moments),
        cmocka_unit_test(large_samples_are_even_in_their_low_bits),
        cmocka_unit_test(tails_are_those_of_the_formula),
        cmocka_unit_test(bernoulli_trials_succeed_as_often_as_they_should),
        cmocka_unit_test(certain_trials_are_certain),
        cmocka_unit_test(a_seed_gives_the_same_samples_everywhere),
        cmocka_unit_test(samples_are_added_modulo_2_64),
        cmocka_unit_test(the_ends_of_the_range_work),
        cmocka_unit_test(variances_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
