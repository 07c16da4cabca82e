#include "crypto/mask.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/algorithms.h"

enum {
    BLOCK_BYTES = 16,
    BLOCK_WORDS = 2,
    TILE_BYTES = 16 << 10, /* a tile of the vector and one of keystream stay in the first-level cache together */
    TILE_WORDS = TILE_BYTES / 8,
};

/* CTR encrypts zeros to its keystream. */
static const uint8_t zeros[TILE_BYTES];

static struct result context_new(EVP_CIPHER_CTX **ret)
{
    ENSURE(algorithm_aes256_ctr(), CATEGORY_ENVIRONMENT,
           "libcrypto offers no AES-256-CTR: check OpenSSL's configuration");
    *ret = EVP_CIPHER_CTX_new();
    ENSURE(*ret, CATEGORY_ENVIRONMENT, "out of memory for a keystream");
    return RESULT_OK;
}

/* Keystream words [first, first + count), first even. A NULL key keeps the context's. */
static struct result keystream(EVP_CIPHER_CTX *context, const uint8_t *key, uint64_t first, uint64_t *out, size_t count)
{
    uint8_t counter[BLOCK_BYTES] = {0};
    uint64_t block = htobe64(first / BLOCK_WORDS);
    memcpy(counter + 8, &block, sizeof block);
    int written = 0;
    ENSURE(EVP_EncryptInit_ex2(context, key ? algorithm_aes256_ctr() : NULL, key, counter, NULL) == 1,
           CATEGORY_ENVIRONMENT, "libcrypto could not start AES-256-CTR");
    while (count) {
        size_t part = count < TILE_WORDS ? count : TILE_WORDS;
        ENSURE(EVP_EncryptUpdate(context, (uint8_t *)out, &written, zeros, (int)(part * 8)) == 1, CATEGORY_ENVIRONMENT,
               "libcrypto could not continue AES-256-CTR");
        for (size_t k = 0; k < part; k++) out[k] = le64toh(out[k]);
        out += part;
        count -= part;
    }
    return RESULT_OK;
}

struct mask_stream {
    EVP_CIPHER_CTX *context;
};

struct result mask_stream_new(const uint8_t key[MASK_KEY_BYTES], struct mask_stream **ret)
{
    CLEANUP(mask_stream_freep) struct mask_stream *stream = calloc(1, sizeof *stream);
    ENSURE(stream, CATEGORY_ENVIRONMENT, "out of memory for a keystream");
    TRY(context_new(&stream->context));
    uint64_t nothing;
    TRY(keystream(stream->context, key, 0, &nothing, 0));
    *ret = stream;
    stream = NULL;
    return RESULT_OK;
}

void mask_stream_free(struct mask_stream *stream)
{
    if (!stream) return;
    EVP_CIPHER_CTX_free(stream->context); /* wipes the key schedule */
    free(stream);
}

void mask_stream_freep(struct mask_stream **stream)
{
    mask_stream_free(*stream);
    *stream = NULL;
}

struct result mask_stream_words(struct mask_stream *stream, uint64_t first, uint64_t *out, size_t count)
{
    if (count && first % BLOCK_WORDS) { /* the second half of a block */
        uint64_t block[BLOCK_WORDS];
        TRY(keystream(stream->context, NULL, first - 1, block, BLOCK_WORDS));
        out[0] = block[1];
        secret_bytes_wipe(block, sizeof block);
        first++, out++, count--;
    }
    return keystream(stream->context, NULL, first, out, count);
}

/* Keys stay in guarded memory; one context is keyed anew for each tile and stream. */
struct mask_set {
    size_t capacity;
    size_t count;
    struct secret *keys;
    struct secret *tile;
    bool *subtract;
    EVP_CIPHER_CTX *context;
};

struct result mask_set_new(size_t capacity, struct mask_set **ret)
{
    ENSURE(capacity > 0, CATEGORY_BUG, "a set of no masks was asked for");
    CLEANUP(mask_set_freep) struct mask_set *set = calloc(1, sizeof *set);
    ENSURE(set, CATEGORY_ENVIRONMENT, "out of memory for masks");
    set->capacity = capacity;
    set->subtract = calloc(capacity, sizeof *set->subtract);
    ENSURE(set->subtract, CATEGORY_ENVIRONMENT, "out of memory for masks");
    TRY(secret_new(capacity * MASK_KEY_BYTES, &set->keys));
    TRY(secret_new(TILE_BYTES, &set->tile));
    TRY(context_new(&set->context));
    *ret = set;
    set = NULL;
    return RESULT_OK;
}

void mask_set_free(struct mask_set *set)
{
    if (!set) return;
    EVP_CIPHER_CTX_free(set->context);
    secret_free(set->keys);
    secret_free(set->tile);
    free(set->subtract);
    free(set);
}

void mask_set_freep(struct mask_set **set)
{
    mask_set_free(*set);
    *set = NULL;
}

struct result mask_set_add(struct mask_set *set, const uint8_t key[MASK_KEY_BYTES], bool subtract)
{
    ENSURE(set->count < set->capacity, CATEGORY_BUG, "a set of %zu masks is full", set->capacity);
    memcpy(secret_bytes(set->keys) + set->count * MASK_KEY_BYTES, key, MASK_KEY_BYTES);
    set->subtract[set->count++] = subtract;
    return RESULT_OK;
}

static void add_words(uint64_t *restrict words, const uint64_t *restrict stream, size_t count)
{
    for (size_t k = 0; k < count; k++) words[k] += stream[k];
}

static void subtract_words(uint64_t *restrict words, const uint64_t *restrict stream, size_t count)
{
    for (size_t k = 0; k < count; k++) words[k] -= stream[k];
}

struct result mask_apply(struct mask_set *set, uint64_t first, uint64_t *words, size_t count)
{
    ENSURE(first % BLOCK_WORDS == 0, CATEGORY_BUG, "masks start at an even word, not at %llu",
           (unsigned long long)first);
    uint64_t *tile = (uint64_t *)(void *)secret_bytes(set->tile);
    struct result result = RESULT_OK;
    while (count && result_ok(result)) {
        size_t part = count < TILE_WORDS ? count : TILE_WORDS;
        for (size_t k = 0; k < set->count && result_ok(result); k++) {
            result = keystream(set->context, secret_view(set->keys).data + k * MASK_KEY_BYTES, first, tile, part);
            if (!result_ok(result)) break;
            if (set->subtract[k])
                subtract_words(words, tile, part);
            else
                add_words(words, tile, part);
        }
        words += part;
        first += part;
        count -= part;
    }
    secret_wipe(set->tile);
    (void)EVP_CIPHER_CTX_reset(set->context); /* the last key's schedule */
    return result;
}
