/* Secrets live in guarded memory (sodium_malloc: locked, canaries, guard pages, not dumped) and are wiped when freed.
 *
 * crypto_start() must have been called once. It initialises libsodium and checks that memory can be locked
 * (RLIMIT_MEMLOCK; 4 KiB locked for each secret), failing with the remedy when it cannot.
 * Many small secrets of one kind (a round's a and b, shares) go into one secret, an array, and are addressed by
 * offset: one guarded allocation for an epoch, not thousands.
 */
#ifndef CRYPTO_SECRET_H
#define CRYPTO_SECRET_H

#include "crypto/base/bytes.h"

MUST_USE struct result crypto_start(void);

struct secret; /* opaque: length and guarded bytes */

/* Zero-filled. length from 1 to 16 MiB. */
MUST_USE struct result secret_new(size_t length, struct secret **ret);
MUST_USE struct result secret_from(struct view bytes, struct secret **ret); /* copies; the caller wipes its own */
void secret_free(struct secret *secret);                                    /* accepts NULL; wipes */
void secret_freep(struct secret **secret);                                  /* for CLEANUP */
void secret_wipe(struct secret *secret);                                    /* zeroes, keeps the memory */
size_t secret_length(const struct secret *secret);
/* The bytes themselves; valid as long as the secret. Never log, never copy to unguarded memory but to be sealed. */
uint8_t *secret_bytes(struct secret *secret);
struct view secret_view(const struct secret *secret);
/* Constant time in the contents; lengths are public. */
bool secret_equal(const struct secret *a, const struct secret *b);
/* Constant-time comparison and guaranteed wiping for bytes that cannot live in a struct secret. */
bool secret_bytes_equal(const void *a, const void *b, size_t length);
void secret_bytes_wipe(void *bytes, size_t length);

#endif
