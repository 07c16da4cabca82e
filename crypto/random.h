/* Deterministic randomness for machines: a seed of 32 bytes given at init, expanded with ChaCha20 (libsodium's
 * randombytes_buf_deterministic construction, one fresh key per draw). Machines have no entropy of their own; daemons
 * seed them from sys/entropy.h, the simulator from its seed. A restored machine must be given a fresh seed.
 */
#ifndef CRYPTO_RANDOM_H
#define CRYPTO_RANDOM_H

#include "crypto/secret.h"

#define RANDOM_SEED_BYTES 32

struct random_source; /* opaque; holds its key in guarded memory and ratchets it forward with each draw */

MUST_USE struct result random_source_new(const struct secret *seed, struct random_source **ret);
void random_source_free(struct random_source *source);
void random_source_freep(struct random_source **source);
void random_draw(struct random_source *source, void *out, size_t length);
/* A uniform scalar below L of ristretto255 (wide reduction of 64 bytes). */
void random_scalar(struct random_source *source, uint8_t out[32]);
/* Uniform below bound > 0, without modulo bias. */
uint64_t random_below(struct random_source *source, uint64_t bound);

#endif
