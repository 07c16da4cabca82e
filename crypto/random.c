#include "crypto/random.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(RANDOM_SEED_BYTES == randombytes_SEEDBYTES, "the seed is libsodium's");

/* One block of guarded memory: the key, and the two keys of a ratchet step. */
struct random_source {
    struct secret *memory;
};

enum { KEY = 0, NEXT = RANDOM_SEED_BYTES, DRAW = 2 * RANDOM_SEED_BYTES, MEMORY = 3 * RANDOM_SEED_BYTES };

struct result random_source_new(const struct secret *seed, struct random_source **ret)
{
    ENSURE(secret_length(seed) == RANDOM_SEED_BYTES, CATEGORY_BUG, "a random source takes a seed of %d bytes, not %zu",
           RANDOM_SEED_BYTES, secret_length(seed));
    struct random_source *source = malloc(sizeof *source);
    ENSURE(source, CATEGORY_ENVIRONMENT, "out of memory for a random source");
    struct result result = secret_new(MEMORY, &source->memory);
    if (!result_ok(result)) {
        free(source);
        return result;
    }
    memcpy(secret_bytes(source->memory) + KEY, secret_view(seed).data, RANDOM_SEED_BYTES);
    *ret = source;
    return RESULT_OK;
}

void random_source_free(struct random_source *source)
{
    if (!source) return;
    secret_free(source->memory);
    free(source);
}

void random_source_freep(struct random_source **source)
{
    random_source_free(*source);
    *source = NULL;
}

/* The key gives the next key and this draw's key and is forgotten: who reads memory later learns no earlier draw. */
void random_draw(struct random_source *source, void *out, size_t length)
{
    uint8_t *memory = secret_bytes(source->memory);
    randombytes_buf_deterministic(memory + NEXT, MEMORY - NEXT, memory + KEY);
    memcpy(memory + KEY, memory + NEXT, RANDOM_SEED_BYTES);
    if (length) randombytes_buf_deterministic(out, length, memory + DRAW);
    sodium_memzero(memory + NEXT, MEMORY - NEXT);
}

void random_scalar(struct random_source *source, uint8_t out[32])
{
    uint8_t wide[crypto_core_ristretto255_NONREDUCEDSCALARBYTES];
    random_draw(source, wide, sizeof wide);
    crypto_core_ristretto255_scalar_reduce(out, wide); /* 512 bits: the bias is below 2^-258 */
    sodium_memzero(wide, sizeof wide);
}

uint64_t random_below(struct random_source *source, uint64_t bound)
{
    assert(bound > 0);
    uint64_t uneven = (0 - bound) % bound; /* 2^64 mod bound: so many values at the bottom would weigh double */
    uint8_t bytes[8];
    uint64_t value;
    do {
        random_draw(source, bytes, sizeof bytes);
        value = bytes_get_u64(bytes);
    } while (value < uneven);
    sodium_memzero(bytes, sizeof bytes);
    return value % bound;
}
