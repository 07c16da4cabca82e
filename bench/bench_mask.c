/* A node's masking, against the keystream alone; what else an upload costs; and the sharing of secrets. */
#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "crypto/agree.h"
#include "crypto/base/limits.h"
#include "crypto/kdf.h"
#include "crypto/mask.h"
#include "crypto/merkle.h"
#include "crypto/shamir.h"

enum { PEERS_MAX = 100, WORDS_MAX = 1000000, RAW_BYTES = 64 << 10 };

static uint8_t keys[PEERS_MAX + 1][MASK_KEY_BYTES];
static uint64_t words[WORDS_MAX];
static uint8_t raw[RAW_BYTES];

struct masking {
    size_t peers, count;
    EVP_CIPHER_CTX *context;
};

/* The peers' masks and the self mask, from keys in hand to the masked vector. */
static void mask(void *argument)
{
    const struct masking *m = argument;
    CLEANUP(mask_set_freep) struct mask_set *set = NULL;
    bench_need(mask_set_new(m->peers + 1, &set));
    for (size_t k = 0; k <= m->peers; k++) bench_need(mask_set_add(set, keys[k], k % 2));
    bench_need(mask_apply(set, 0, words, m->count));
}

/* As many bytes of one keystream, written over and over into the same cached memory: the fastest that libcrypto is. */
static void keystream(void *argument)
{
    const struct masking *m = argument;
    static const uint8_t zeros[RAW_BYTES];
    int written = 0;
    for (size_t left = (m->peers + 1) * m->count * 8; left;) {
        size_t part = left < RAW_BYTES ? left : RAW_BYTES;
        if (EVP_EncryptUpdate(m->context, raw, &written, zeros, (int)part) != 1) abort();
        left -= part;
    }
}

static void bench_masks(void)
{
    static const size_t peers[] = {5, 10, 50, 100}, counts[] = {1000, 100000, WORDS_MAX};
    struct masking m = {.context = EVP_CIPHER_CTX_new()};
    static const uint8_t iv[16];
    if (!m.context || EVP_EncryptInit_ex(m.context, EVP_aes_256_ctr(), NULL, keys[0], iv) != 1) abort();
    for (size_t c = 0; c < 3; c++) {
        for (size_t p = 0; p < 4; p++) {
            m.peers = peers[p];
            m.count = counts[c];
            struct bench_measure measure = bench_compare(mask, keystream, &m);
            char name[64];
            (void)snprintf(name, sizeof name, "node_mask_%zux%zu", m.peers, m.count);
            bool promised = m.peers == 50 && m.count == WORDS_MAX;
            bench_print(&(struct bench_line){name, measure.seconds, "s",
                                             "raw AES-256-CTR keystream, same core, same turn", measure.speed,
                                             promised ? 0.8 : 0, "min"});
        }
    }
    EVP_CIPHER_CTX_free(m.context);
}

struct keying {
    uint8_t secret[AGREE_BYTES];
    struct agree_public theirs;
};

/* One peer's keystream key: agreement and derivation, as a round does for each. */
static void pair_key(void *argument)
{
    const struct keying *k = argument;
    uint8_t shared[AGREE_BYTES], out[MASK_KEY_BYTES], info[160] = {0};
    bench_need(agree_shared(k->secret, &k->theirs, shared));
    bench_need(
        kdf_hkdf(view_of(info, 32), view_of(shared, sizeof shared), view_of(info, sizeof info), out, sizeof out));
}

static void scalarmult(void *argument)
{
    const struct keying *k = argument;
    uint8_t shared[AGREE_BYTES];
    if (crypto_scalarmult(shared, k->secret, k->theirs.bytes) != 0) abort();
}

static void bench_keys(void)
{
    struct keying k = {.secret = {1, 2, 3}};
    static const uint8_t other[AGREE_BYTES] = {4, 5, 6};
    bench_need(agree_public_of(other, &k.theirs));
    struct bench_measure measure = bench_compare(pair_key, scalarmult, &k);
    bench_print(&(struct bench_line){"node_mask_key", measure.seconds, "s", "one X25519 multiplication", measure.speed,
                                     0, NULL});
}

/* Leaves of an upload's chunks and their root. */
static void upload_root(void *argument)
{
    size_t left = *(const size_t *)argument * 8, chunks = 0;
    struct hash leaves[WORDS_MAX * 8 / CHUNK_BYTES + 1], root;
    const uint8_t *at = (const uint8_t *)words;
    for (; left; chunks++) {
        size_t part = left < CHUNK_BYTES ? left : CHUNK_BYTES;
        bench_need(merkle_leaf(view_of(at, part), &leaves[chunks]));
        at += part;
        left -= part;
    }
    bench_need(merkle_root(leaves, chunks, &root));
}

static void digest(void *argument)
{
    struct hash hash;
    bench_need(hash_bytes(NULL, view_of(words, *(const size_t *)argument * 8), &hash));
}

static void bench_upload(void)
{
    size_t count = WORDS_MAX;
    struct bench_measure measure = bench_compare(upload_root, digest, &count);
    bench_print(&(struct bench_line){"upload_root_1000000", measure.seconds, "s", "SHA-256 of the same bytes",
                                     measure.speed, 0, NULL});
}

enum { BANKS = 100, THRESHOLD = 67 };

struct sharing {
    struct random_source *random;
    uint8_t secret[SCALAR_BYTES];
    uint32_t x[THRESHOLD];
    uint8_t *shares; /* BANKS of them */
    uint8_t coefficients[THRESHOLD * SCALAR_BYTES];
};

static void split(void *argument)
{
    struct sharing *s = argument;
    bench_need(shamir_split(s->secret, THRESHOLD, BANKS, s->random, s->shares));
}

/* The same polynomial evaluated with libsodium's scalars. */
static void split_by_library(void *argument)
{
    struct sharing *s = argument;
    uint8_t out[SCALAR_BYTES], x[SCALAR_BYTES] = {0};
    for (unsigned bank = 1; bank <= BANKS; bank++) {
        x[0] = (uint8_t)bank;
        memcpy(out, s->shares, SCALAR_BYTES);
        for (size_t k = 1; k < THRESHOLD; k++) {
            crypto_core_ristretto255_scalar_mul(out, out, x);
            crypto_core_ristretto255_scalar_add(out, out, s->shares + k * SCALAR_BYTES);
        }
    }
}

static void coefficients(void *argument)
{
    struct sharing *s = argument;
    bench_need(shamir_coefficients(s->x, THRESHOLD, s->coefficients));
}

static void combine(void *argument)
{
    struct sharing *s = argument;
    uint8_t out[SCALAR_BYTES];
    bench_need(shamir_combine_with(s->coefficients, s->shares, THRESHOLD, out));
}

static void combine_by_library(void *argument)
{
    struct sharing *s = argument;
    uint8_t sum[SCALAR_BYTES] = {0}, term[SCALAR_BYTES];
    for (size_t k = 0; k < THRESHOLD; k++) {
        crypto_core_ristretto255_scalar_mul(term, s->coefficients + k * SCALAR_BYTES, s->shares + k * SCALAR_BYTES);
        crypto_core_ristretto255_scalar_add(sum, sum, term);
    }
}

static void bench_sharing(struct random_source *random)
{
    CLEANUP(secret_freep) struct secret *shares = NULL;
    bench_need(secret_new((size_t)BANKS * SCALAR_BYTES, &shares));
    struct sharing s = {.random = random, .shares = secret_bytes(shares)};
    random_scalar(random, s.secret);
    for (uint32_t k = 0; k < THRESHOLD; k++) s.x[k] = k + 1;
    struct bench_measure measure = bench_compare(split, split_by_library, &s);
    bench_print(&(struct bench_line){"shamir_split_67_of_100", measure.seconds, "s",
                                     "Horner's rule with libsodium's scalars", measure.speed, 0, NULL});
    measure = bench_compare(coefficients, NULL, &s);
    bench_print(&(struct bench_line){"shamir_coefficients_67", measure.seconds, "s", NULL, 0, 0, NULL});
    measure = bench_compare(combine, combine_by_library, &s);
    bench_print(&(struct bench_line){"shamir_combine_67", measure.seconds, "s",
                                     "as many of libsodium's scalar products and sums", measure.speed, 0, NULL});
}

int main(void)
{
    bench_need(crypto_start());
    CLEANUP(secret_freep) struct secret *seed = NULL;
    CLEANUP(random_source_freep) struct random_source *random = NULL;
    bench_need(secret_from(view_of("a bench needs no unguessable seed", RANDOM_SEED_BYTES), &seed));
    bench_need(random_source_new(seed, &random));
    random_draw(random, keys, sizeof keys);
    random_draw(random, words, sizeof words);
    bench_masks();
    bench_keys();
    bench_upload();
    bench_sharing(random);
    return 0;
}
