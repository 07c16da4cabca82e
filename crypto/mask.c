#include "crypto/mask.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/algorithms.h"

/* Sizes measured (docs/crypto.md): pieces of four streams, of the zeros they encrypt and of the vector lie in the
 * first-level cache together, so that the vector is loaded and stored once for four streams; a tile of the vector stays
 * in the second level while all streams pass over it, and keying a stream is paid once a tile. */
enum {
    BLOCK_BYTES = 16,
    BLOCK_WORDS = 2,
    LANES = 4,
    PIECE_BYTES = 4 << 10,
    PIECE_WORDS = PIECE_BYTES / 8,
    LANE_WORDS = PIECE_WORDS + 8, /* lanes a page apart would share cache sets with each other's stores */
    PIECES_BYTES = LANES * LANE_WORDS * 8,
    TILE_WORDS = (128 << 10) / 8,
    STREAMS_MAX = 1 << 18, /* a silent third of MEMBERS_MAX, each with all others: 222,778 */
};

/* CTR encrypts zeros to its keystream. */
static const uint8_t zeros[PIECE_BYTES];

static struct result context_new(EVP_CIPHER_CTX **ret)
{
    ENSURE(algorithm_aes256_ctr(), CATEGORY_ENVIRONMENT,
           "libcrypto offers no AES-256-CTR: check OpenSSL's configuration");
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    ENSURE(context, CATEGORY_ENVIRONMENT, "out of memory for a keystream");
    *ret = context;
    ENSURE(EVP_EncryptInit_ex2(context, algorithm_aes256_ctr(), NULL, NULL, NULL) == 1, CATEGORY_ENVIRONMENT,
           "libcrypto could not start AES-256-CTR");
    return RESULT_OK;
}

/* Stands before the word `first`, an even one. A NULL key keeps the context's. */
static struct result keystream_seek(EVP_CIPHER_CTX *context, const uint8_t *key, uint64_t first)
{
    uint8_t counter[BLOCK_BYTES] = {0};
    uint64_t block = htobe64(first / BLOCK_WORDS);
    memcpy(counter + BLOCK_BYTES - sizeof block, &block, sizeof block);
    ENSURE(EVP_EncryptInit_ex2(context, NULL, key, counter, NULL) == 1, CATEGORY_ENVIRONMENT,
           "libcrypto could not key AES-256-CTR");
    return RESULT_OK;
}

/* The next words, at most a piece; only the last call before a seek may end inside a block. */
static struct result keystream_next(EVP_CIPHER_CTX *context, uint64_t *out, size_t count)
{
    int written = 0;
    ENSURE(EVP_EncryptUpdate(context, (uint8_t *)out, &written, zeros, (int)(count * 8)) == 1, CATEGORY_ENVIRONMENT,
           "libcrypto could not continue AES-256-CTR");
    for (size_t k = 0; k < count; k++) out[k] = le64toh(out[k]);
    return RESULT_OK;
}

static size_t at_most(size_t count, size_t limit)
{
    return count < limit ? count : limit;
}

struct mask_stream {
    EVP_CIPHER_CTX *context;
};

struct result mask_stream_new(const uint8_t key[MASK_KEY_BYTES], struct mask_stream **ret)
{
    CLEANUP(mask_stream_freep) struct mask_stream *stream = calloc(1, sizeof *stream);
    ENSURE(stream, CATEGORY_ENVIRONMENT, "out of memory for a keystream");
    TRY(context_new(&stream->context));
    TRY(keystream_seek(stream->context, key, 0));
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
        TRY(keystream_seek(stream->context, NULL, first - 1));
        TRY(keystream_next(stream->context, block, BLOCK_WORDS));
        out[0] = block[1];
        secret_bytes_wipe(block, sizeof block);
        first++, out++, count--;
    }
    TRY(keystream_seek(stream->context, NULL, first));
    for (size_t part; count; out += part, count -= part) {
        part = at_most(count, PIECE_WORDS);
        TRY(keystream_next(stream->context, out, part));
    }
    return RESULT_OK;
}

/* Keys stay in guarded memory; the contexts, one a lane, are keyed anew for each tile and stream. */
struct mask_set {
    size_t capacity;
    size_t count;
    struct secret *memory; /* a piece of keystream for each lane, then the keys */
    uint64_t *signs;       /* 0 adds the stream, all ones subtracts it */
    EVP_CIPHER_CTX *lanes[LANES];
};

static uint8_t *key_of(const struct mask_set *set, size_t index)
{
    return secret_bytes(set->memory) + PIECES_BYTES + index * MASK_KEY_BYTES;
}

struct result mask_set_new(size_t capacity, struct mask_set **ret)
{
    ENSURE(capacity > 0 && capacity <= STREAMS_MAX, CATEGORY_BUG, "a set of %zu masks was asked for", capacity);
    CLEANUP(mask_set_freep) struct mask_set *set = calloc(1, sizeof *set);
    ENSURE(set, CATEGORY_ENVIRONMENT, "out of memory for masks");
    set->capacity = capacity;
    set->signs = calloc(capacity, sizeof *set->signs);
    ENSURE(set->signs, CATEGORY_ENVIRONMENT, "out of memory for masks");
    /* An even number of keys: guarded memory ends at a page's end, and the pieces are to start on a cache line. */
    TRY(secret_new(PIECES_BYTES + (capacity + capacity % 2) * MASK_KEY_BYTES, &set->memory));
    for (size_t lane = 0; lane < LANES; lane++) TRY(context_new(&set->lanes[lane]));
    *ret = set;
    set = NULL;
    return RESULT_OK;
}

void mask_set_free(struct mask_set *set)
{
    if (!set) return;
    for (size_t lane = 0; lane < LANES; lane++) EVP_CIPHER_CTX_free(set->lanes[lane]);
    secret_free(set->memory);
    free(set->signs);
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
    memcpy(key_of(set, set->count), key, MASK_KEY_BYTES);
    set->signs[set->count++] = subtract ? UINT64_MAX : 0;
    return RESULT_OK;
}

/* words += the sum of ± lanes; (x ^ sign) - sign is x or its negative. The keystream waits for this loop, so it is
 * compiled for wider vectors as well; the sums are the same. */
#define ACCUMULATE_(name, attribute)                                                                                   \
    attribute static void name(uint64_t *restrict words, const uint64_t *restrict piece, const uint64_t *signs,        \
                               size_t count)                                                                           \
    {                                                                                                                  \
        const uint64_t *a = piece, *b = a + LANE_WORDS, *c = b + LANE_WORDS, *d = c + LANE_WORDS;                      \
        const uint64_t p = signs[0], q = signs[1], r = signs[2], s = signs[3];                                         \
        for (size_t k = 0; k < count; k++)                                                                             \
            words[k] += ((a[k] ^ p) - p) + ((b[k] ^ q) - q) + ((c[k] ^ r) - r) + ((d[k] ^ s) - s);                     \
    }
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC optimize("O3") /* gcc's O2 does not vectorise a loop of unknown length; clang's does */
#endif
ACCUMULATE_(accumulate_portable, )
#if defined(__x86_64__)
ACCUMULATE_(accumulate_avx2, __attribute__((target("avx2"))))
#endif
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC pop_options
#endif
#undef ACCUMULATE_

static void accumulate(uint64_t *words, const uint64_t *piece, const uint64_t signs[LANES], size_t count)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        accumulate_avx2(words, piece, signs, count);
        return;
    }
#endif
    accumulate_portable(words, piece, signs, count);
}

/* The streams [stream, stream + used) over one tile; lanes that are not used hold zeros. */
static struct result apply_lanes(struct mask_set *set, size_t stream, size_t used, uint64_t first, uint64_t *words,
                                 size_t count)
{
    uint64_t *piece = (uint64_t *)(void *)secret_bytes(set->memory);
    uint64_t signs[LANES] = {0};
    for (size_t lane = 0; lane < used; lane++) {
        signs[lane] = set->signs[stream + lane];
        TRY(keystream_seek(set->lanes[lane], key_of(set, stream + lane), first));
    }
    for (size_t lane = used; lane < LANES; lane++) memset(piece + lane * LANE_WORDS, 0, PIECE_BYTES);
    for (size_t part; count; words += part, count -= part) {
        part = at_most(count, PIECE_WORDS);
        for (size_t lane = 0; lane < used; lane++)
            TRY(keystream_next(set->lanes[lane], piece + lane * LANE_WORDS, part));
        accumulate(words, piece, signs, part);
    }
    return RESULT_OK;
}

static struct result apply_tiles(struct mask_set *set, uint64_t first, uint64_t *words, size_t count)
{
    for (size_t part; count; words += part, first += part, count -= part) {
        part = at_most(count, TILE_WORDS);
        for (size_t stream = 0; stream < set->count; stream += LANES)
            TRY(apply_lanes(set, stream, at_most(set->count - stream, LANES), first, words, part));
    }
    return RESULT_OK;
}

struct result mask_apply(struct mask_set *set, uint64_t first, uint64_t *words, size_t count)
{
    ENSURE(first % BLOCK_WORDS == 0, CATEGORY_BUG, "masks start at an even word, not at %llu",
           (unsigned long long)first);
    struct result result = apply_tiles(set, first, words, count);
    /* Leave neither keystream nor key schedules behind. */
    secret_bytes_wipe(secret_bytes(set->memory), PIECES_BYTES);
    static const uint8_t no_key[MASK_KEY_BYTES];
    for (size_t lane = 0; lane < LANES && result_ok(result); lane++)
        result = keystream_seek(set->lanes[lane], no_key, 0);
    return result;
}
