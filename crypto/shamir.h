/* Shamir secret sharing (Shamir 1979) over the ristretto255 scalar field (RFC 9496), constant time in secrets;
 * positions are public. x is the roster position, from 1. Polynomials have degree t - 1; f(0) is the secret. Scalars
 * are 32 bytes little-endian, canonical (below L).
 */
#ifndef CRYPTO_SHAMIR_H
#define CRYPTO_SHAMIR_H

#include "crypto/random.h"

#define SCALAR_BYTES 32

bool scalar_canonical(const uint8_t scalar[SCALAR_BYTES]);

/* shares: n × 32 bytes in guarded memory, share of position x at (x-1)·32. 1 <= t <= n <= MEMBERS_MAX. */
MUST_USE struct result shamir_split(const uint8_t secret[SCALAR_BYTES], unsigned t, unsigned n,
                                    struct random_source *random, uint8_t *shares);
/* From exactly count shares with distinct positions x[k] >= 1 and canonical values: f(0) by Lagrange.
 * CATEGORY_PEER for repeated or zero positions or a share that is not canonical. */
MUST_USE struct result shamir_combine(const uint32_t *x, const uint8_t *shares, size_t count,
                                      uint8_t out[SCALAR_BYTES]);
/* f(at) from the same: to check whether a further share fits the polynomial. */
MUST_USE struct result shamir_interpolate(const uint32_t *x, const uint8_t *shares, size_t count, uint32_t at,
                                          uint8_t out[SCALAR_BYTES]);
/* Lagrange coefficients at 0 for a fixed set of positions, count × 32 bytes: computed once when many secrets are
 * reconstructed from the same members; shamir_combine_with is then count multiplications. */
MUST_USE struct result shamir_coefficients(const uint32_t *x, size_t count, uint8_t *coefficients);
MUST_USE struct result shamir_combine_with(const uint8_t *coefficients, const uint8_t *shares, size_t count,
                                           uint8_t out[SCALAR_BYTES]);

#endif
