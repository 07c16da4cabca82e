/* Published figures: dp_accounting, Opacus and the code of the discrete Gaussian's authors (../shared/vectors/05-dp).
 * Rows with sampling (Poisson) are of mechanisms that are not here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "proto/run/privacy.h"
#include "tests/support/discrete_gaussian.h"
#include "tests/support/vectors.h"

#define FILE_NAME "05-dp/dp_reference.json"

static void near(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fabs(want))) fail_msg("%.17g is not %.17g", got, want);
}

static double number(const json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);
    if (!json_is_number(value)) fail_msg("%s is no number", key);
    return json_number_value(value);
}

static double at(const json_t *row, size_t index)
{
    return json_number_value(json_array_get(row, index));
}

static const json_t *section(const json_t *file, const char *name)
{
    const json_t *found = json_object_get(file, name);
    if (!found) fail_msg("there is no section %s", name);
    return found;
}

/* A row of a section whose key has this text. */
static const json_t *row_of(const json_t *file, const char *name, const char *key, const char *text)
{
    const json_t *rows = vectors_array(section(file, name), "rows");
    for (size_t k = 0; k < json_array_size(rows); k++)
        if (vectors_is(json_array_get(rows, k), key, text)) return json_array_get(rows, k);
    fail_msg("%s has no row %s", name, text);
    return NULL;
}

static double zcdp(const json_t *file, const char *call)
{
    return number(row_of(file, "zcdp", "call", call), "value");
}

static void conversions_equal_the_authors(void **state)
{
    (void)state;
    VECTORS_LOAD(file, FILE_NAME);
    near(privacy_delta(0.025, 1), zcdp(file, "cdp_delta(rho=0.025, eps=1)"), 1e-9);
    near(privacy_epsilon(0.025, 1e-6), zcdp(file, "cdp_eps(rho=0.025, delta=1e-6)"), 1e-9);
    near(privacy_epsilon(0.1, 1e-6), zcdp(file, "cdp_eps(rho=0.1, delta=1e-6)"), 1e-9);
    near(privacy_budget(1, 1e-6), zcdp(file, "cdp_rho(eps=1, delta=1e-6)"), 1e-9);
    double loose = exp(-0.975 * 0.975 / 0.1);
    near(loose, zcdp(file, "cdp_delta_standard(rho=0.025, eps=1)"), 1e-9);
    assert_true(privacy_delta(0.025, 1) < loose / 50);
}

/* δ of N_Z(0, variance) with sensitivity 1, from its probabilities: Σ max(0, P(x) - e^ε P(x - 1)). */
static double discrete_delta(double variance, double epsilon)
{
    struct pmf pmf = pmf_gaussian(variance, 40 + (long)(40 * sqrt(variance)));
    long double delta = 0, factor = expl(epsilon);
    for (long x = -pmf.reach; x <= pmf.reach; x++) delta += fmaxl(0, pmf_at(&pmf, x) - factor * pmf_at(&pmf, x - 1));
    pmf_done(&pmf);
    return (double)delta;
}

/* The tests' own probabilities are right, and what zCDP says of them is no less than the truth. */
static void claims_cover_the_exact_figures(void **state)
{
    (void)state;
    VECTORS_LOAD(file, FILE_NAME);
    static const struct {
        uint64_t variance;
        double epsilon;
    } cases[] = {{4, 1}, {1, 1}, {10, 0.5}, {100, 0.1}};
    for (size_t k = 0; k < 4; k++) {
        char call[64];
        (void)snprintf(call, sizeof call, "dg_delta(sigma2=%d, eps=%g)", (int)cases[k].variance, cases[k].epsilon);
        double exact = zcdp(file, call);
        near(discrete_delta((double)cases[k].variance, cases[k].epsilon), exact, 1e-9);
        double rho = privacy_gaussian(1, (struct noise_variance){cases[k].variance, 1});
        assert_true(privacy_delta(rho, cases[k].epsilon) >= exact);
        if (k == 3) continue;
        (void)snprintf(call, sizeof call, "cg_delta(sigma2=%d, eps=%g)", (int)cases[k].variance, cases[k].epsilon);
        assert_true(privacy_delta(rho, cases[k].epsilon) >= zcdp(file, call));
    }
    static const double variances[] = {0.5, 1, 4};
    for (size_t k = 0; k < 3; k++) {
        char call[64];
        (void)snprintf(call, sizeof call, "discrete Gaussian variance(sigma2=%g)", variances[k]);
        struct pmf pmf = pmf_gaussian(variances[k], 200);
        long double variance = 0;
        for (long x = -200; x <= 200; x++) variance += (long double)x * (long double)x * pmf_at(&pmf, x);
        pmf_done(&pmf);
        near((double)variance, zcdp(file, call), 1e-9);
    }
}

/* Rows [σ, sensitivity, sampling probability, adjacency, ε, δ] of the unsampled Gaussian. */
static void claims_cover_the_gaussian(void **state)
{
    (void)state;
    VECTORS_LOAD(file, FILE_NAME);
    const json_t *rows = vectors_array(section(file, "gaussian_delta"), "rows");
    unsigned cases = 0;
    for (size_t k = 0; k < json_array_size(rows); k++) {
        const json_t *row = json_array_get(rows, k);
        bool replaces = strcmp(json_string_value(json_array_get(row, 3)), "REPLACE") == 0;
        if (at(row, 2) != 1 || at(row, 4) < 0) continue;
        double variance = at(row, 0) * at(row, 0), moved = at(row, 1) * (replaces ? 2 : 1);
        double rho = privacy_gaussian(moved, (struct noise_variance){(uint64_t)variance, 1});
        assert_true(privacy_delta(rho, at(row, 4)) >= at(row, 5));
        cases++;
    }
    assert_int_equal(cases, 15);
    const json_t *composed = row_of(file, "pld_composition", "what", "3 x Gaussian sigma sqrt(3)");
    double rho = privacy_gaussian(1, (struct noise_variance){3, 1});
    rho = privacy_compose(privacy_compose(rho, rho), rho);
    assert_true(rho >= 0.5 && rho < 0.5 + 1e-15);
    assert_true(privacy_delta(rho, number(composed, "epsilon")) >= number(composed, "delta"));
}

static void renyi_divergences_equal_dp_accounting(void **state)
{
    (void)state;
    VECTORS_LOAD(file, FILE_NAME);
    static const struct noise_variance e = {73890461584, 10000000000},
                                       pi = {394784765761, 10000000000}; /* σ = 2.71828, 6.28319 */
    double rho = privacy_gaussian(1, e);
    const json_t *row = row_of(file, "rdp_closed_forms", "what", "Gaussian");
    near(number(row, "order") * rho, number(row, "rdp"), 1e-9);
    row = row_of(file, "rdp_closed_forms", "what", "two Gaussians composed");
    near(number(row, "order") * privacy_compose(rho, privacy_gaussian(1, pi)), number(row, "rdp"), 1e-9);
    row = row_of(file, "rdp_closed_forms", "what", "discrete Gaussian, sensitivity 2");
    near(number(row, "order") * privacy_gaussian(2, (struct noise_variance){25, 1}), number(row, "rdp"), 1e-9);
    row = row_of(file, "rdp_closed_forms", "what", "two zCDP events (xi, rho)");
    const json_t *events = vectors_array(row, "events"), *first = json_array_get(events, 0),
                 *second = json_array_get(events, 1);
    near(at(first, 0) + at(second, 0) + number(row, "order") * privacy_compose(at(first, 1), at(second, 1)),
         number(row, "rdp"), 1e-9);
}

static void epsilon_by_orders_equals_dp_accounting(void **state)
{
    (void)state;
    VECTORS_LOAD(file, FILE_NAME);
    const json_t *row = row_of(file, "rdp_to_eps", "what", "constant rdp 1.1 at the orders 2..32");
    double best = INFINITY, best_order = 0;
    for (double order = 2; order <= 32; order++) {
        double epsilon = privacy_order_epsilon(order, 1.1, number(row, "delta"));
        if (epsilon < best) best_order = order;
        best = fmin(best, epsilon);
    }
    near(best, number(row, "epsilon"), 1e-9);
    assert_true(best_order == number(row, "best_order"));
    row = row_of(file, "rdp_to_eps", "what", "Gaussian sigma 4.530877117, orders 1.000 to 99.999 by 0.001");
    double rho = 1 / (2 * 4.530877117 * 4.530877117);
    best = INFINITY;
    for (int k = 1; k < 99000; k++) {
        double order = 1 + 0.001 * k;
        best = fmin(best, privacy_order_epsilon(order, order * rho, number(row, "delta")));
    }
    near(best, number(row, "epsilon"), 1e-6);
    near(privacy_epsilon(rho, number(row, "delta")), number(row, "epsilon"), 1e-6);
    assert_true(privacy_epsilon(rho, number(row, "delta")) <= best * (1 + 1e-15));
}

/* Rényi divergence of the Gaussian with Poisson sampling: E over N(0, σ²) of (1 - q + q·exp((2x - 1)/2σ²))^α, by the
 * trapezoidal rule. The product has no sampling; the figures of others that have it need this. */
static long double sampled_divergence(long double order, long double deviation, long double q)
{
    long double sum = 0, step = deviation / 64, end = 60 * deviation + order, norm = deviation * sqrtl(2 * M_PIl);
    for (long double x = -end; x <= end; x += step)
        sum += expl(-x * x / (2 * deviation * deviation) +
                    order * logl(1 - q + q * expl((2 * x - 1) / (2 * deviation * deviation))));
    return logl(sum * step / norm) / (order - 1);
}

static void sampled_divergences_equal_dp_accounting(void **state)
{
    (void)state;
    VECTORS_LOAD(file, FILE_NAME);
    const json_t *all = section(file, "rdp_poisson_gaussian"), *rows = vectors_array(all, "rows");
    for (size_t k = 0; k < json_array_size(rows); k++) {
        const json_t *row = json_array_get(rows, k);
        long double rdp = sampled_divergence(number(row, "order"), number(all, "sigma"), number(all, "sampling_prob"));
        near((double)rdp * number(all, "steps"), number(row, "rdp_exact"), 1e-9);
    }
}

static void epsilon_by_orders_equals_opacus(void **state)
{
    (void)state;
    VECTORS_LOAD(file, FILE_NAME);
    const json_t *row = row_of(file, "opacus", "what", "RDP accountant");
    double best = INFINITY, best_order = 0;
    for (int k = 0; k < 151; k++) {
        double order = k < 99 ? 1 + (k + 1) / 10.0 : k - 87; /* 1.1 to 10.9, 12 to 63 */
        double rdp = (double)sampled_divergence(order, number(row, "sigma"), number(row, "sampling_prob"));
        double epsilon = privacy_order_epsilon(order, rdp * number(row, "steps"), number(row, "delta"));
        if (epsilon < best) best_order = order;
        best = fmin(best, epsilon);
    }
    assert_true(fabs(best - number(row, "epsilon")) <= number(row, "tolerance_abs"));
    assert_true(best_order == number(row, "best_order"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversions_equal_the_authors),
        cmocka_unit_test(claims_cover_the_exact_figures),
        cmocka_unit_test(claims_cover_the_gaussian),
        cmocka_unit_test(renyi_divergences_equal_dp_accounting),
        cmocka_unit_test(epsilon_by_orders_equals_dp_accounting),
        cmocka_unit_test(sampled_divergences_equal_dp_accounting),
        cmocka_unit_test(epsilon_by_orders_equals_opacus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
