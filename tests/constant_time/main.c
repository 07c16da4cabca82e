/* Whether what is done with secrets branches or reads memory by them: under valgrind's memcheck secrets are marked as
 * undefined, so that each jump or address that depends on one is an error (Langley's ctgrind). What is public again (a
 * commitment, a public key, a masked word, the one bit that a comparison gives) is marked as defined.
 *
 *   valgrind --error-exitcode=1 build/constant_time [leak]      leak: does what must be found
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "crypto/agree.h"
#include "crypto/hash.h"
#include "crypto/kdf.h"
#include "crypto/mask.h"
#include "crypto/seal.h"
#include "crypto/secret.h"
#include "crypto/shamir.h"

enum { BANKS = 7, THRESHOLD = 5, WORDS = 3000 };

static void ok(struct result result)
{
    if (result_ok(result)) return;
    (void)fprintf(stderr, "constant_time: %s\n", result_reason());
    exit(2);
}

static void hide(void *bytes, size_t length)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(bytes, length);
}

static void show(void *bytes, size_t length)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(bytes, length);
}

static struct random_source *source_of(uint8_t byte)
{
    uint8_t bytes[32];
    struct random_source *source = NULL;
    CLEANUP(secret_freep) struct secret *seed = NULL;
    memset(bytes, byte, sizeof bytes);
    ok(secret_from(view_of(bytes, sizeof bytes), &seed));
    ok(random_source_new(seed, &source));
    return source;
}

static void comparison(struct random_source *random)
{
    uint8_t one[32], other[32];
    random_draw(random, one, sizeof one);
    memcpy(other, one, sizeof one);
    other[31] ^= 1;
    hide(one, sizeof one);
    hide(other, sizeof other);
    bool equal = secret_bytes_equal(one, other, sizeof one);
    show(&equal, sizeof equal);
    if (equal) exit(2);
}

/* A bank's secret of a round, dealt; f(0) of the shares again, as whoever holds them computes it. */
static void shares(struct random_source *random)
{
    uint8_t secret[SCALAR_BYTES], dealt[BANKS * SCALAR_BYTES], coefficients[THRESHOLD * SCALAR_BYTES];
    uint8_t back[SCALAR_BYTES];
    const uint32_t positions[THRESHOLD] = {1, 2, 4, 6, 7};
    random_scalar(random, secret);
    hide(secret, sizeof secret);
    ok(shamir_split(secret, THRESHOLD, BANKS, random, dealt));
    ok(shamir_coefficients(positions, THRESHOLD, coefficients));
    uint8_t held[THRESHOLD * SCALAR_BYTES];
    for (size_t k = 0; k < THRESHOLD; k++)
        memcpy(held + k * SCALAR_BYTES, dealt + (positions[k] - 1) * SCALAR_BYTES, SCALAR_BYTES);
    show(held, sizeof held); /* released: public */
    ok(shamir_combine_with(coefficients, held, THRESHOLD, back));
    show(secret, sizeof secret);
    if (memcmp(back, secret, sizeof back) != 0) exit(2);
}

/* A pairwise mask key and what comes of it: agreed, derived, expanded, added. */
static void masks(struct random_source *random)
{
    uint8_t mine[AGREE_BYTES], theirs[AGREE_BYTES], shared[AGREE_BYTES], key[MASK_KEY_BYTES];
    struct agree_public public;
    static uint64_t words[WORDS];
    random_draw(random, mine, sizeof mine);
    random_draw(random, theirs, sizeof theirs);
    ok(agree_public_of(theirs, &public));
    hide(mine, sizeof mine);
    ok(agree_shared(mine, &public, shared));
    ok(kdf_hkdf(view_text("salt"), view_of(shared, sizeof shared), view_text("mask"), key, sizeof key));
    CLEANUP(mask_set_freep) struct mask_set *set = NULL;
    ok(mask_set_new(2, &set));
    ok(mask_set_add(set, key, false));
    hide(words, sizeof words); /* the bank's input */
    ok(mask_apply(set, 0, words, WORDS));
    struct agree_public own;
    ok(agree_public_of(mine, &own));
    struct hash commitment;
    ok(hash_bytes("commit", view_of(key, sizeof key), &commitment));
}

static void sealing(struct random_source *random)
{
    uint8_t key[SEAL_KEY_BYTES], plain[200], back[200];
    CLEANUP(buffer_done) struct buffer box = {0};
    random_draw(random, key, sizeof key);
    random_draw(random, plain, sizeof plain);
    hide(key, sizeof key);
    hide(plain, sizeof plain);
    ok(seal_box(key, view_text("who"), view_of(plain, sizeof plain), random, &box));
    show(box.data, box.length); /* it travels */
    ok(seal_open(key, view_text("who"), buffer_view(&box), back));
}

int main(int argc, char **argv)
{
    ok(crypto_start());
    struct random_source *random = source_of(1);
    if (argc == 2 && strcmp(argv[1], "leak") == 0) {
        uint8_t secret[32];
        random_draw(random, secret, sizeof secret);
        hide(secret, sizeof secret);
        printf("%d\n", memcmp(secret, argv[0], 2) == 0);
    }
    comparison(random);
    shares(random);
    masks(random);
    sealing(random);
    random_source_free(random);
    if (!RUNNING_ON_VALGRIND) puts("not under valgrind: nothing was looked at");
    return 0;
}
