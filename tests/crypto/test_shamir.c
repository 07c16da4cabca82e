#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/limits.h"
#include "crypto/shamir.h"

static struct random_source *source;

static int start(void **state)
{
    (void)state;
    if (!result_ok(crypto_start())) return -1;
    static const uint8_t bytes[RANDOM_SEED_BYTES] = "shamir";
    CLEANUP(secret_freep) struct secret *seed = NULL;
    if (!result_ok(secret_from(view_of(bytes, sizeof bytes), &seed))) return -1;
    return result_ok(random_source_new(seed, &source)) ? 0 : -1;
}

static int finish(void **state)
{
    (void)state;
    random_source_free(source);
    return 0;
}

/* A random choice of count of the positions 1..n. */
static void choose(unsigned n, size_t count, uint32_t *x)
{
    uint32_t all[MEMBERS_MAX];
    for (uint32_t k = 0; k < n; k++) all[k] = k + 1;
    for (size_t k = 0; k < count; k++) {
        size_t other = k + (size_t)random_below(source, n - k);
        uint32_t swap = all[k];
        all[k] = all[other];
        all[other] = swap;
        x[k] = all[k];
    }
}

static void gather(const uint8_t *shares, const uint32_t *x, size_t count, uint8_t *out)
{
    for (size_t k = 0; k < count; k++)
        memcpy(out + k * SCALAR_BYTES, shares + (size_t)(x[k] - 1) * SCALAR_BYTES, SCALAR_BYTES);
}

static void any_t_shares_give_the_secret_back(void **state)
{
    (void)state;
    static const unsigned sizes[][2] = {{1, 1},  {1, 5},   {2, 2},    {3, 3},    {4, 5},
                                        {7, 10}, {34, 50}, {67, 100}, {20, 1000}};
    static uint8_t shares[MEMBERS_MAX * SCALAR_BYTES], chosen[MEMBERS_MAX * SCALAR_BYTES];
    static uint8_t coefficients[MEMBERS_MAX * SCALAR_BYTES];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned t = sizes[i][0], n = sizes[i][1];
        uint8_t secret[SCALAR_BYTES], back[SCALAR_BYTES];
        random_scalar(source, secret);
        assert_true(result_ok(shamir_split(secret, t, n, source, shares)));
        for (unsigned turn = 0; turn < 5; turn++) {
            uint32_t x[MEMBERS_MAX];
            choose(n, t, x);
            gather(shares, x, t, chosen);
            assert_true(result_ok(shamir_combine(x, chosen, t, back)));
            assert_memory_equal(back, secret, SCALAR_BYTES);
            assert_true(result_ok(shamir_coefficients(x, t, coefficients)));
            memset(back, 0, sizeof back);
            assert_true(result_ok(shamir_combine_with(coefficients, chosen, t, back)));
            assert_memory_equal(back, secret, SCALAR_BYTES);
            uint32_t at = 1 + (uint32_t)random_below(source, n);
            assert_true(result_ok(shamir_interpolate(x, chosen, t, at, back)));
            assert_memory_equal(back, shares + (size_t)(at - 1) * SCALAR_BYTES, SCALAR_BYTES);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_t_shares_give_the_secret_back),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
