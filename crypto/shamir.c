#include "crypto/shamir.h"

#include <sodium.h>
#include <string.h>

#include "crypto/base/limits.h"

_Static_assert(SCALAR_BYTES == crypto_core_ristretto255_SCALARBYTES, "libsodium's scalars");

bool scalar_canonical(const uint8_t scalar[SCALAR_BYTES])
{
    uint8_t wide[crypto_core_ristretto255_NONREDUCEDSCALARBYTES] = {0}, reduced[SCALAR_BYTES];
    memcpy(wide, scalar, SCALAR_BYTES);
    crypto_core_ristretto255_scalar_reduce(reduced, wide);
    bool canonical = sodium_memcmp(scalar, reduced, SCALAR_BYTES) == 0;
    sodium_memzero(wide, sizeof wide);
    sodium_memzero(reduced, sizeof reduced);
    return canonical;
}

static void scalar_of(uint64_t value, uint8_t out[SCALAR_BYTES])
{
    memset(out, 0, SCALAR_BYTES);
    bytes_put_u64(out, value);
}

/* f(x) by Horner's rule; coefficients[0] is the constant term. */
static void evaluate(const uint8_t *coefficients, unsigned t, unsigned x, uint8_t out[SCALAR_BYTES])
{
    uint8_t at[SCALAR_BYTES];
    scalar_of(x, at);
    memcpy(out, coefficients + (size_t)(t - 1) * SCALAR_BYTES, SCALAR_BYTES);
    for (unsigned k = t - 1; k-- > 0;) {
        crypto_core_ristretto255_scalar_mul(out, out, at);
        crypto_core_ristretto255_scalar_add(out, out, coefficients + (size_t)k * SCALAR_BYTES);
    }
}

struct result shamir_split(const uint8_t secret[SCALAR_BYTES], unsigned t, unsigned n, struct random_source *random,
                           uint8_t *shares)
{
    ENSURE(t >= 1 && t <= n && n <= MEMBERS_MAX, CATEGORY_BUG, "no sharing with threshold %u of %u", t, n);
    ENSURE(scalar_canonical(secret), CATEGORY_BUG, "a secret to share is not below the group order");
    CLEANUP(secret_freep) struct secret *coefficients = NULL;
    TRY(secret_new((size_t)t * SCALAR_BYTES, &coefficients));
    uint8_t *coefficient = secret_bytes(coefficients);
    memcpy(coefficient, secret, SCALAR_BYTES);
    for (unsigned k = 1; k < t; k++) random_scalar(random, coefficient + (size_t)k * SCALAR_BYTES);
    for (unsigned x = 1; x <= n; x++) evaluate(coefficient, t, x, shares + (size_t)(x - 1) * SCALAR_BYTES);
    return RESULT_OK;
}

/* The product over m of (from - x[m]), m = skip left out, modulo L. Positions are public. A product of a few
 * differences fits 64 bits, so most multiplications are plain ones. */
static void product_of_differences(int64_t from, const uint32_t *x, size_t count, size_t skip,
                                   uint8_t out[SCALAR_BYTES])
{
    uint8_t factor[SCALAR_BYTES];
    uint64_t plain = 1;
    bool negative = false;
    scalar_of(1, out);
    for (size_t m = 0; m < count; m++) {
        if (m == skip) continue;
        int64_t difference = from - (int64_t)x[m];
        negative ^= difference < 0;
        plain *= (uint64_t)(difference < 0 ? -difference : difference);
        if (plain >> 32) { /* a difference is below 2^32, so the next product would still fit */
            scalar_of(plain, factor);
            crypto_core_ristretto255_scalar_mul(out, out, factor);
            plain = 1;
        }
    }
    scalar_of(plain, factor);
    crypto_core_ristretto255_scalar_mul(out, out, factor);
    if (negative) crypto_core_ristretto255_scalar_negate(out, out);
}

/* values[k] = 1 / values[k], none of them zero, with one inversion (Montgomery's trick). */
static struct result invert_all(uint8_t *values, size_t count)
{
    CLEANUP(buffer_done) struct buffer products = {0};
    uint8_t *before; /* before[k]: the product of all values ahead of k */
    TRY(buffer_extend(&products, count * SCALAR_BYTES, &before));
    uint8_t running[SCALAR_BYTES], inverse[SCALAR_BYTES];
    scalar_of(1, running);
    for (size_t k = 0; k < count; k++) {
        memcpy(before + k * SCALAR_BYTES, running, SCALAR_BYTES);
        crypto_core_ristretto255_scalar_mul(running, running, values + k * SCALAR_BYTES);
    }
    ENSURE(crypto_core_ristretto255_scalar_invert(running, running) == 0, CATEGORY_BUG, "zero has no inverse");
    for (size_t k = count; k-- > 0;) {
        crypto_core_ristretto255_scalar_mul(inverse, running, before + k * SCALAR_BYTES);
        crypto_core_ristretto255_scalar_mul(running, running, values + k * SCALAR_BYTES);
        memcpy(values + k * SCALAR_BYTES, inverse, SCALAR_BYTES);
    }
    return RESULT_OK;
}

static struct result check_positions(const uint32_t *x, size_t count)
{
    ENSURE(count >= 1 && count <= MEMBERS_MAX, CATEGORY_PEER, "%zu shares: 1 to %u can be combined", count,
           MEMBERS_MAX);
    for (size_t k = 0; k < count; k++) {
        ENSURE(x[k] != 0, CATEGORY_PEER, "a share has position 0");
        for (size_t m = 0; m < k; m++)
            ENSURE(x[k] != x[m], CATEGORY_PEER, "two shares have position %u", (unsigned)x[k]);
    }
    return RESULT_OK;
}

/* Lagrange coefficients at a position that is none of x:
 * l_k = prod over m of (at - x_m) / ((at - x_k) * prod over m != k of (x_k - x_m)). */
static struct result lagrange(const uint32_t *x, size_t count, uint32_t at, uint8_t *coefficients)
{
    uint8_t all[SCALAR_BYTES], own[SCALAR_BYTES];
    for (size_t k = 0; k < count; k++) {
        uint8_t *denominator = coefficients + k * SCALAR_BYTES;
        product_of_differences((int64_t)x[k], x, count, k, denominator);
        product_of_differences((int64_t)at, x + k, 1, 1, own);
        crypto_core_ristretto255_scalar_mul(denominator, denominator, own);
    }
    TRY(invert_all(coefficients, count));
    product_of_differences((int64_t)at, x, count, count, all);
    for (size_t k = 0; k < count; k++)
        crypto_core_ristretto255_scalar_mul(coefficients + k * SCALAR_BYTES, coefficients + k * SCALAR_BYTES, all);
    return RESULT_OK;
}

struct result shamir_coefficients(const uint32_t *x, size_t count, uint8_t *coefficients)
{
    TRY(check_positions(x, count));
    return lagrange(x, count, 0, coefficients);
}

struct result shamir_combine_with(const uint8_t *coefficients, const uint8_t *shares, size_t count,
                                  uint8_t out[SCALAR_BYTES])
{
    for (size_t k = 0; k < count; k++)
        ENSURE(scalar_canonical(shares + k * SCALAR_BYTES), CATEGORY_PEER, "share %zu is not below the group order",
               k + 1);
    uint8_t sum[SCALAR_BYTES] = {0}, term[SCALAR_BYTES];
    for (size_t k = 0; k < count; k++) {
        crypto_core_ristretto255_scalar_mul(term, coefficients + k * SCALAR_BYTES, shares + k * SCALAR_BYTES);
        crypto_core_ristretto255_scalar_add(sum, sum, term);
    }
    memcpy(out, sum, SCALAR_BYTES);
    sodium_memzero(sum, sizeof sum);
    sodium_memzero(term, sizeof term);
    return RESULT_OK;
}

struct result shamir_combine(const uint32_t *x, const uint8_t *shares, size_t count, uint8_t out[SCALAR_BYTES])
{
    return shamir_interpolate(x, shares, count, 0, out);
}

struct result shamir_interpolate(const uint32_t *x, const uint8_t *shares, size_t count, uint32_t at,
                                 uint8_t out[SCALAR_BYTES])
{
    TRY(check_positions(x, count));
    for (size_t k = 0; k < count; k++) {
        if (x[k] != at) continue;
        uint8_t one[SCALAR_BYTES];
        scalar_of(1, one);
        return shamir_combine_with(one, shares + k * SCALAR_BYTES, 1, out);
    }
    CLEANUP(buffer_done) struct buffer memory = {0}; /* coefficients are public */
    uint8_t *coefficients;
    TRY(buffer_extend(&memory, count * SCALAR_BYTES, &coefficients));
    TRY(lagrange(x, count, at, coefficients));
    return shamir_combine_with(coefficients, shares, count, out);
}
