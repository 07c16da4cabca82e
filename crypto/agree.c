#include "crypto/agree.h"

#include <sodium.h>
#include <string.h>

struct result agree_public_of(const uint8_t secret_key[AGREE_BYTES], struct agree_public *ret)
{
    ENSURE(crypto_scalarmult_base(ret->bytes, secret_key) == 0, CATEGORY_BUG, "libsodium gave no X25519 public key");
    return RESULT_OK;
}

/* u < 2^255 - 19: the bytes of the prime are ed, thirty times ff, 7f. */
static bool canonical(const uint8_t u[AGREE_BYTES])
{
    if (u[AGREE_BYTES - 1] & 0x80) return false;
    if (u[AGREE_BYTES - 1] != 0x7f || u[0] < 0xed) return true;
    for (size_t i = 1; i < AGREE_BYTES - 1; i++)
        if (u[i] != 0xff) return true;
    return false;
}

/* The canonical u of order 1, 2, 4 and 8 on the curve and its twist: 0, 1, p - 1 and the two of order 8. */
static const uint8_t low_order[][AGREE_BYTES] = {
    {0},
    {1},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
     0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
    {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
     0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
};

struct result agree_public_check(const struct agree_public *key)
{
    ENSURE(canonical(key->bytes), CATEGORY_PEER, "an X25519 public key is not canonical");
    for (size_t i = 0; i < sizeof low_order / sizeof *low_order; i++)
        ENSURE(memcmp(key->bytes, low_order[i], AGREE_BYTES) != 0, CATEGORY_PEER,
               "an X25519 public key is of low order");
    return RESULT_OK;
}

struct result agree_shared(const uint8_t secret_key[AGREE_BYTES], const struct agree_public *theirs,
                           uint8_t out[AGREE_BYTES])
{
    TRY(agree_public_check(theirs));
    if (crypto_scalarmult(out, secret_key, theirs->bytes) == 0) return RESULT_OK;
    sodium_memzero(out, AGREE_BYTES);
    return FAIL(CATEGORY_PEER, "an X25519 public key leads to an all-zero secret");
}
