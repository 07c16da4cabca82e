/* X25519 (RFC 7748) over libsodium, for pairwise mask keys and channels. */
#ifndef CRYPTO_AGREE_H
#define CRYPTO_AGREE_H

#include "crypto/secret.h"

#define AGREE_BYTES 32

struct agree_public {
    uint8_t bytes[AGREE_BYTES];
};

MUST_USE struct result agree_public_of(const uint8_t secret_key[AGREE_BYTES], struct agree_public *ret);
/* CATEGORY_PEER when the key is of low order or not canonical (u >= 2^255 - 19 or the top bit set). */
MUST_USE struct result agree_public_check(const struct agree_public *key);
/* The shared secret into out (guarded memory of the caller's). Checks theirs; refuses an all-zero result. */
MUST_USE struct result agree_shared(const uint8_t secret_key[AGREE_BYTES], const struct agree_public *theirs,
                                    uint8_t out[AGREE_BYTES]);

#endif
