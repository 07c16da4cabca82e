#include "proto/secagg/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/merkle.h"
#include "crypto/shamir.h"

/* Whether a secret is the one its owner committed to in P1. */
static struct result check_secret(const struct run *run, const struct provision *epoch, const struct round_name *name,
                                  unsigned position, enum share_kind kind, const uint8_t *secret)
{
    bool fits = false;
    if (kind == SHARE_A) {
        struct hash commitment;
        TRY(ctx_commitment(name, position, secret, &commitment));
        fits = hash_equal(&commitment, provision_commitment(epoch, position, name->round));
    } else {
        uint8_t e[SEED_BYTES];
        struct agree_public key;
        TRY(ctx_mask_secret(secret, e));
        struct result result = agree_public_of(e, &key);
        secret_bytes_wipe(e, sizeof e);
        TRY(result);
        fits = memcmp(&key, provision_mask_key(epoch, position, name->round), sizeof key) == 0;
    }
    ENSURE(fits && scalar_canonical(secret), CATEGORY_PEER,
           "the secret revealed for %s in round %llu is not the one it committed to", run_member(run, position),
           (unsigned long long)name->round);
    return RESULT_OK;
}

struct result check_secrets(const struct run *run, const struct provision *epoch, uint64_t round,
                            const struct members *survivors, const uint8_t *secrets, unsigned *ret_position)
{
    struct round_name name = run_round(run, epoch->epoch, round);
    const uint8_t *secret = secrets;
    for (unsigned j = members_next(run_cohort(run), 0); j; j = members_next(run_cohort(run), j)) {
        *ret_position = j;
        enum share_kind kind = members_has(survivors, j) ? SHARE_A : SHARE_B;
        TRY(check_secret(run, epoch, &name, j, kind, secret));
        secret += SEED_BYTES;
    }
    return RESULT_OK;
}

/* A silent bank's pairwise masks with the survivors: a survivor i added PRG_ij for j > i and subtracted it else. */
static struct result unmask_silent(const struct provision *epoch, const struct round_name *name, const struct hash *ctx,
                                   const struct members *survivors, unsigned silent, const uint8_t *b, uint8_t *scratch,
                                   struct mask_set *set)
{
    uint8_t *e = scratch, *key = scratch + SEED_BYTES;
    TRY(ctx_mask_secret(b, e));
    for (unsigned i = members_next(survivors, 0); i; i = members_next(survivors, i)) {
        struct ctx_pair pair = {
            .mine = silent,
            .theirs = i,
            .my_public = provision_mask_key(epoch, silent, name->round),
            .their_public = provision_mask_key(epoch, i, name->round),
        };
        TRY(ctx_pair_key(name, ctx, &pair, e, key));
        TRY(mask_set_add(set, key, silent > i));
    }
    return RESULT_OK;
}

struct result check_unmasking(const struct run *run, const struct provision *epoch, const struct round_name *name,
                              const struct hash *ctx, const struct members *survivors, const uint8_t *secrets,
                              struct mask_set **ret)
{
    size_t in = members_count(survivors);
    size_t out = run->thresholds.n - in;
    CLEANUP(mask_set_freep) struct mask_set *set = NULL;
    TRY(mask_set_new(in + in * out, &set));
    CLEANUP(secret_freep) struct secret *scratch = NULL;
    TRY(secret_new((size_t)2 * SEED_BYTES, &scratch));
    const uint8_t *secret = secrets;
    for (unsigned j = members_next(run_cohort(run), 0); j; j = members_next(run_cohort(run), j)) {
        if (members_has(survivors, j)) {
            TRY(ctx_self_key(name, ctx, j, secret, secret_bytes(scratch)));
            TRY(mask_set_add(set, secret_bytes(scratch), true));
        } else {
            TRY(unmask_silent(epoch, name, ctx, survivors, j, secret, secret_bytes(scratch), set));
        }
        secret += SEED_BYTES;
    }
    *ret = set;
    set = NULL;
    return RESULT_OK;
}

void check_add(uint64_t *sum, struct view bytes)
{
    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words in memory are the words that travel");
    const uint8_t *at = bytes.data;
    for (size_t k = 0; k < bytes.length / 8; k++, at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        sum[k] += word;
    }
}

void check_subtract(uint64_t *sum, struct view bytes)
{
    const uint8_t *at = bytes.data;
    for (size_t k = 0; k < bytes.length / 8; k++, at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        sum[k] -= word;
    }
}

uint32_t check_chunks(uint64_t words)
{
    return (uint32_t)((words + CHUNK_WORDS - 1) / CHUNK_WORDS);
}

size_t check_chunk_words(uint64_t words, uint32_t index)
{
    uint64_t first = (uint64_t)index * CHUNK_WORDS;
    return (size_t)(words - first < CHUNK_WORDS ? words - first : CHUNK_WORDS);
}

struct result check_headers_root(const struct view *bodies, size_t count, struct hash *ret)
{
    struct merkle_tree tree = {0};
    for (size_t i = 0; i < count; i++) {
        struct hash leaf;
        TRY(merkle_leaf(bodies[i], &leaf));
        TRY(merkle_tree_append(&tree, &leaf));
    }
    return merkle_tree_root(&tree, ret);
}

void check_done(struct check *check)
{
    buffer_done(&check->signed_open);
    buffer_done(&check->opened);
    buffer_done(&check->inputs);
    mask_set_free(check->unmasking);
    free(check->leaves);
    free(check->sum);
    free(check->part);
    *check = (struct check){0};
}

/* How likely at least `need` of `honest` banks miss a chunk that each checks with probability p. */
static double missed_by_enough(double p, unsigned need, unsigned honest)
{
    double term = 0, sum = 0; /* term: the logarithm of the binomial's */
    for (unsigned k = 1; k <= need; k++) term += log((double)(honest - need + k) / k) + log1p(-p);
    term += (honest - need) * log(p);
    for (unsigned k = need; k <= honest; k++) {
        sum += exp(term);
        term += log((double)(honest - k) / (k + 1)) + log1p(-p) - log(p);
    }
    return sum;
}

uint64_t check_probability(const struct thresholds *thresholds)
{
    unsigned need = thresholds->t - thresholds->f, honest = thresholds->n - thresholds->f;
    uint64_t low = 0, high = UINT64_C(1) << 32; /* low never suffices, high does */
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (missed_by_enough((double)middle / 4294967296.0, need, honest) <= 1.0 / 1099511627776.0)
            high = middle;
        else
            low = middle;
    }
    return high;
}
