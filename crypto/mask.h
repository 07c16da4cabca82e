/* Masks: AES-256-CTR keystreams (NIST SP 800-38A) added to or subtracted from vectors over Z/2^64.
 *
 * IV zero, 128-bit big-endian counter; word k of a keystream is its bytes 8k..8k+7, little-endian. Chunk c of 1 MiB
 * starts at block 65,536·c. mask_apply walks the vector in cache-sized tiles and, for each tile, goes through all
 * keystreams: the vector is read and written once, keystream bytes never leave the cache.
 */
#ifndef CRYPTO_MASK_H
#define CRYPTO_MASK_H

#include "crypto/secret.h"

#define MASK_KEY_BYTES 32

struct mask_stream; /* opaque: one keyed AES-256-CTR generator */

MUST_USE struct result mask_stream_new(const uint8_t key[MASK_KEY_BYTES], struct mask_stream **ret);
void mask_stream_free(struct mask_stream *stream);
void mask_stream_freep(struct mask_stream **stream);
/* Raw keystream words [first, first + count) into out. first may be anything; seeking is free at even words. */
MUST_USE struct result mask_stream_words(struct mask_stream *stream, uint64_t first, uint64_t *out, size_t count);

/* Many keyed streams with signs, applied together. */
struct mask_set;
MUST_USE struct result mask_set_new(size_t capacity, struct mask_set **ret);
void mask_set_free(struct mask_set *set);
void mask_set_freep(struct mask_set **set);
MUST_USE struct result mask_set_add(struct mask_set *set, const uint8_t key[MASK_KEY_BYTES], bool subtract);
/* words[k] += sum of ± stream word (first + k), modulo 2^64, for k < count. first must be even. */
MUST_USE struct result mask_apply(struct mask_set *set, uint64_t first, uint64_t *words, size_t count);

#endif
