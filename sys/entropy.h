/* Randomness from the kernel: the only source of it. Everything else expands a seed (crypto/random.h). */
#ifndef SYS_ENTROPY_H
#define SYS_ENTROPY_H

#include "crypto/random.h"

/* RANDOM_SEED_BYTES fresh bytes. */
MUST_USE struct result entropy_seed(struct secret **ret);
/* A source over a fresh seed. */
MUST_USE struct result entropy_source(struct random_source **ret);
/* Public random bytes: a nonce, an id. */
MUST_USE struct result entropy_bytes(void *out, size_t length);

#endif
