/* Noise: samples a second, against the keystream of a mask; a word of noise against a word of one peer's mask. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "crypto/mask.h"
#include "crypto/noise.h"

enum { WORDS = 100000 };

static uint64_t words[WORDS];
static const uint8_t zeros[sizeof words];

struct drawing {
    struct random_source *random;
    struct noise_variance variance;
    EVP_CIPHER_CTX *context;
};

static void noise(void *argument)
{
    const struct drawing *d = argument;
    bench_need(noise_fill(d->random, d->variance, words, WORDS));
}

static void keystream(void *argument)
{
    const struct drawing *d = argument;
    int written = 0;
    if (EVP_EncryptUpdate(d->context, (uint8_t *)words, &written, zeros, sizeof zeros) != 1) abort();
}

/* The random bits alone, as many as the samples have. */
static void random_words(void *argument)
{
    const struct drawing *d = argument;
    random_draw(d->random, words, sizeof words);
}

int main(void)
{
    bench_need(crypto_start());
    CLEANUP(secret_freep) struct secret *seed = NULL;
    CLEANUP(random_source_freep) struct random_source *random = NULL;
    bench_need(secret_from(view_of("a bench needs no unguessable seed", RANDOM_SEED_BYTES), &seed));
    bench_need(random_source_new(seed, &random));
    static const uint8_t key[MASK_KEY_BYTES] = {1}, iv[16];
    struct drawing d = {.random = random, .context = EVP_CIPHER_CTX_new()};
    if (!d.context || EVP_EncryptInit_ex(d.context, EVP_aes_256_ctr(), NULL, key, iv) != 1) abort();
    static const struct {
        const char *name;
        uint64_t variance;
    } cases[] = {{"1", 1}, {"1e3", 1000000}, {"1e6", 1000000000000}, {"1e9", 1000000000000000000}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        d.variance = (struct noise_variance){cases[k].variance, 1};
        struct bench_measure measure = bench_compare(noise, keystream, &d);
        char name[64];
        (void)snprintf(name, sizeof name, "noise_sigma_%s", cases[k].name);
        bench_print(&(struct bench_line){name, WORDS / measure.seconds, "samples/s",
                                         "a mask word: raw AES-256-CTR keystream, same core, same turn", measure.speed,
                                         0, NULL});
    }
    struct bench_measure measure = bench_compare(random_words, keystream, &d);
    bench_print(&(struct bench_line){"noise_random_words", WORDS / measure.seconds, "words/s",
                                     "a mask word: raw AES-256-CTR keystream, same core, same turn", measure.speed, 0,
                                     NULL});
    EVP_CIPHER_CTX_free(d.context);
    return 0;
}
