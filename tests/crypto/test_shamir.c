#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "crypto/base/limits.h"
#include "crypto/shamir.h"
#include "tests/support/seeded.h"
#include "tests/support/vectors.h"

static struct random_source *source;

static int start(void **state)
{
    (void)state;
    source = seeded("shamir");
    return 0;
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
    static const unsigned sizes[][2] = {{1, 1},  {1, 5},   {2, 2},    {3, 3},     {4, 5},
                                        {7, 10}, {34, 50}, {67, 100}, {667, 1000}};
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

static void a_scalar(uint64_t value, uint8_t out[SCALAR_BYTES])
{
    memset(out, 0, SCALAR_BYTES);
    bytes_put_u64(out, value);
}

/* L, little-endian, from the vectors' big-endian hex. */
static void group_order(const json_t *file, const char *key, uint8_t out[SCALAR_BYTES])
{
    uint8_t big[SCALAR_BYTES];
    vectors_hex_exact(file, key, big, sizeof big);
    for (size_t k = 0; k < SCALAR_BYTES; k++) out[k] = big[SCALAR_BYTES - 1 - k];
}

static void scalars_end_at_the_group_order(void **state)
{
    (void)state;
    VECTORS_LOAD(file, "02-ristretto255/ristretto255_rfc9496.json");
    uint8_t order[SCALAR_BYTES], scalar[SCALAR_BYTES];
    group_order(file, "group_order_hex_be", order);
    assert_false(scalar_canonical(order));
    memcpy(scalar, order, sizeof scalar);
    scalar[0]--;
    assert_true(scalar_canonical(scalar));
    scalar[0] += 2;
    assert_false(scalar_canonical(scalar));
    for (unsigned bit = 253; bit < 256; bit++) { /* 0 + 2^253 and so on */
        a_scalar(0, scalar);
        assert_true(scalar_canonical(scalar));
        scalar[31] |= (uint8_t)(1u << (bit - 248));
        assert_false(scalar_canonical(scalar));
    }
}

static void frost_shares_interpolate(void **state)
{
    (void)state;
    VECTORS_LOAD(file, "02-ristretto255/shamir_from_frost.json");
    uint8_t secret[SCALAR_BYTES], shares[3 * SCALAR_BYTES], out[SCALAR_BYTES], order[SCALAR_BYTES];
    uint32_t x[3];
    vectors_hex_exact(file, "secret", secret, sizeof secret);
    group_order(file, "L_hex_be", order);
    assert_false(scalar_canonical(order));
    const json_t *list = vectors_array(file, "shares");
    assert_int_equal(json_array_size(list), 3);
    for (size_t k = 0; k < 3; k++) {
        const json_t *one = json_array_get(list, k);
        x[k] = (uint32_t)vectors_u64(one, "identifier");
        vectors_hex_exact(one, "participant_share", shares + k * SCALAR_BYTES, SCALAR_BYTES);
    }
    for (size_t left = 0; left < 3; left++) { /* each pair; then the third from the pair */
        uint32_t pair[2];
        uint8_t values[2 * SCALAR_BYTES];
        for (size_t k = 0, used = 0; k < 3; k++) {
            if (k == left) continue;
            pair[used] = x[k];
            memcpy(values + used++ * SCALAR_BYTES, shares + k * SCALAR_BYTES, SCALAR_BYTES);
        }
        assert_true(result_ok(shamir_combine(pair, values, 2, out)));
        assert_memory_equal(out, secret, SCALAR_BYTES);
        assert_true(result_ok(shamir_interpolate(pair, values, 2, x[left], out)));
        assert_memory_equal(out, shares + left * SCALAR_BYTES, SCALAR_BYTES);
    }
    assert_true(result_ok(shamir_combine(x, shares, 3, out)));
    assert_memory_equal(out, secret, SCALAR_BYTES);
    uint8_t point[32], expected[32];
    vectors_hex_exact(file, "secret_times_generator", expected, sizeof expected);
    assert_int_equal(crypto_scalarmult_ristretto255_base(point, out), 0);
    assert_memory_equal(point, expected, sizeof point);
}

/* f(x) = x through two points gives k at k, and k times the generator is published: the field is the group's. */
static void scalars_are_those_of_the_group(void **state)
{
    (void)state;
    VECTORS_LOAD(file, "02-ristretto255/ristretto255_rfc9496.json");
    static const uint32_t x[2] = {20, 30};
    uint8_t shares[2 * SCALAR_BYTES], scalar[SCALAR_BYTES], point[32], expected[32];
    a_scalar(x[0], shares);
    a_scalar(x[1], shares + SCALAR_BYTES);
    size_t index;
    json_t *one;
    json_array_foreach(vectors_array(file, "multiples_of_generator"), index, one)
    {
        uint32_t k = (uint32_t)vectors_u64(one, "k");
        assert_true(result_ok(shamir_interpolate(x, shares, 2, k, scalar)));
        vectors_hex_exact(one, "encoding", expected, sizeof expected);
        int refused = crypto_scalarmult_ristretto255_base(point, scalar);
        assert_int_equal(refused != 0, k == 0); /* libsodium reports the identity */
        assert_memory_equal(point, expected, sizeof point);
    }
    json_array_foreach(vectors_array(file, "bad_encodings"), index, one)
    {
        vectors_hex_exact(one, "encoding", point, sizeof point);
        assert_false(crypto_core_ristretto255_is_valid_point(point));
    }
}

/* Fewer shares than the threshold lead to a value that has nothing to do with the secret. */
static void too_few_shares_give_something_else(void **state)
{
    (void)state;
    uint8_t secret[SCALAR_BYTES], shares[10 * SCALAR_BYTES], out[SCALAR_BYTES];
    uint32_t x[10];
    random_scalar(source, secret);
    assert_true(result_ok(shamir_split(secret, 7, 10, source, shares)));
    for (uint32_t k = 0; k < 10; k++) x[k] = k + 1;
    for (size_t count = 1; count <= 10; count++) {
        assert_true(result_ok(shamir_combine(x, shares, count, out)));
        assert_int_equal(memcmp(out, secret, SCALAR_BYTES) == 0, count >= 7);
    }
}

static void a_wrong_share_is_found_by_interpolation(void **state)
{
    (void)state;
    enum { T = 7, N = 10 };
    uint8_t secret[SCALAR_BYTES], shares[N * SCALAR_BYTES], out[SCALAR_BYTES];
    uint32_t x[N];
    for (uint32_t k = 0; k < N; k++) x[k] = k + 1;
    random_scalar(source, secret);
    assert_true(result_ok(shamir_split(secret, T, N, source, shares)));
    shares[8 * SCALAR_BYTES] ^= 1; /* of position 9 */
    for (uint32_t at = T + 1; at <= N; at++) {
        assert_true(result_ok(shamir_interpolate(x, shares, T, at, out)));
        bool fits = memcmp(out, shares + (size_t)(at - 1) * SCALAR_BYTES, SCALAR_BYTES) == 0;
        assert_int_equal(fits, at != 9);
    }
    /* A wrong share among those combined gives another secret, and then no good share fits. */
    assert_true(result_ok(shamir_combine(x + 2, shares + (size_t)2 * SCALAR_BYTES, T, out)));
    assert_memory_not_equal(out, secret, SCALAR_BYTES);
    assert_true(result_ok(shamir_interpolate(x + 2, shares + (size_t)2 * SCALAR_BYTES, T, 1, out)));
    assert_memory_not_equal(out, shares, SCALAR_BYTES);
}

static void bad_shares_and_positions_are_refused(void **state)
{
    (void)state;
    uint8_t shares[3 * SCALAR_BYTES], out[SCALAR_BYTES] = {9};
    for (size_t k = 0; k < 3; k++) a_scalar(k + 5, shares + k * SCALAR_BYTES);
    static const uint32_t repeated[] = {1, 2, 1}, zero[] = {1, 0, 2}, good[] = {1, UINT32_MAX, 2};
    assert_int_equal(shamir_combine(repeated, shares, 3, out).category, CATEGORY_PEER);
    assert_int_equal(shamir_combine(zero, shares, 3, out).category, CATEGORY_PEER);
    assert_int_equal(shamir_combine(good, shares, 0, out).category, CATEGORY_PEER);
    assert_int_equal(shamir_interpolate(repeated, shares, 3, 4, out).category, CATEGORY_PEER);
    assert_int_equal(shamir_coefficients(zero, 3, shares).category, CATEGORY_PEER);
    assert_true(result_ok(shamir_combine(good, shares, 3, out)));
    shares[2 * SCALAR_BYTES + 31] = 0x20;
    out[0] = 9;
    assert_int_equal(shamir_combine(good, shares, 3, out).category, CATEGORY_PEER);
    assert_int_equal(shamir_interpolate(good, shares, 3, 2, out).category, CATEGORY_PEER);
    assert_int_equal(out[0], 9);
}

/* f(x) = x, at positions whose differences take all 32 bits. */
static void positions_may_be_far_apart(void **state)
{
    (void)state;
    static const uint32_t x[] = {1, UINT32_MAX, 2147483648, 12345, 4000000000, 3000000001, 77, UINT32_MAX - 1};
    enum { COUNT = sizeof x / sizeof *x };
    uint8_t shares[COUNT * SCALAR_BYTES], out[SCALAR_BYTES], expected[SCALAR_BYTES];
    for (size_t k = 0; k < COUNT; k++) a_scalar(x[k], shares + k * SCALAR_BYTES);
    static const uint32_t places[] = {0, 2, 999, UINT32_MAX - 2};
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
        a_scalar(places[k], expected);
        assert_true(result_ok(shamir_interpolate(x, shares, COUNT, places[k], out)));
        assert_memory_equal(out, expected, SCALAR_BYTES);
    }
}

static void splits_out_of_bounds_are_refused(void **state)
{
    (void)state;
    uint8_t secret[SCALAR_BYTES] = {1}, shares[3 * SCALAR_BYTES];
    assert_int_equal(shamir_split(secret, 0, 3, source, shares).category, CATEGORY_BUG);
    assert_int_equal(shamir_split(secret, 4, 3, source, shares).category, CATEGORY_BUG);
    assert_int_equal(shamir_split(secret, 3, MEMBERS_MAX + 1, source, shares).category, CATEGORY_BUG);
    memset(secret, 0xff, sizeof secret);
    assert_int_equal(shamir_split(secret, 2, 3, source, shares).category, CATEGORY_BUG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_t_shares_give_the_secret_back),
        cmocka_unit_test(scalars_end_at_the_group_order),
        cmocka_unit_test(frost_shares_interpolate),
        cmocka_unit_test(scalars_are_those_of_the_group),
        cmocka_unit_test(too_few_shares_give_something_else),
        cmocka_unit_test(a_wrong_share_is_found_by_interpolation),
        cmocka_unit_test(bad_shares_and_positions_are_refused),
        cmocka_unit_test(positions_may_be_far_apart),
        cmocka_unit_test(splits_out_of_bounds_are_refused),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
