#include "proto/secagg/deal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/shamir.h"

enum { PAIR_BYTES = 2 * SEED_BYTES };

struct result deal_init(struct deal *deal, const struct run *run, unsigned position)
{
    struct deal fresh = {
        .roster_size = run->terms.roster->size,
        .count = run->thresholds.n,
        .position = position,
        .rank = members_rank(run_cohort(run), position),
        .rounds = run->rounds,
    };
    size_t own = (size_t)fresh.rounds * PAIR_BYTES;
    struct result result = secret_new(SEED_BYTES + own + own * fresh.count, &fresh.arena);
    if (!result_ok(result)) return result;
    size_t leaves = (size_t)fresh.count * fresh.rounds * 2;
    fresh.leaves = calloc(leaves, sizeof *fresh.leaves);
    if (!fresh.leaves) {
        deal_done(&fresh);
        return FAIL(CATEGORY_ENVIRONMENT, "out of memory for the shares of %u banks", fresh.count);
    }
    deal_done(deal);
    *deal = fresh;
    return RESULT_OK;
}

void deal_done(struct deal *deal)
{
    secret_free(deal->arena);
    secret_free(deal->dealt);
    free(deal->leaves);
    buffer_done(&deal->paths);
    *deal = (struct deal){0};
}

uint8_t *deal_channel(const struct deal *deal)
{
    return secret_bytes(deal->arena);
}

uint8_t *deal_own(const struct deal *deal, uint32_t k)
{
    assert(k < deal->rounds);
    return secret_bytes(deal->arena) + SEED_BYTES + (size_t)k * PAIR_BYTES;
}

uint8_t *deal_held(const struct deal *deal, uint32_t k, unsigned dealer_rank)
{
    assert(k < deal->rounds && dealer_rank < deal->count);
    size_t own = (size_t)deal->rounds * PAIR_BYTES;
    return secret_bytes(deal->arena) + SEED_BYTES + own + ((size_t)k * deal->count + dealer_rank) * PAIR_BYTES;
}

void deal_wipe_round(struct deal *deal, uint32_t k)
{
    if (!deal->arena) return;
    secret_bytes_wipe(deal_own(deal, k), PAIR_BYTES);
    secret_bytes_wipe(deal_held(deal, k, 0), deal_held_bytes(deal));
}

void deal_wipe_channel(struct deal *deal)
{
    if (deal->arena) secret_bytes_wipe(deal_channel(deal), SEED_BYTES);
}

void deal_wipe(struct deal *deal)
{
    if (deal->arena) secret_wipe(deal->arena);
    secret_free(deal->dealt);
    deal->dealt = NULL;
}

/* Leaf hashes of the 2T shares of one receiver, in the tree's order. */
static struct result block_leaves(const struct run *run, const struct provision *epoch, unsigned dealer,
                                  unsigned receiver, const uint8_t *shares, struct hash *leaves)
{
    for (uint32_t k = 0; k < epoch->rounds; k++) {
        struct round_name name = run_round(run, epoch->epoch, epoch->first + k);
        for (unsigned kind = SHARE_A; kind <= SHARE_B; kind++) {
            size_t at = (size_t)k * 2 + kind;
            TRY(ctx_share_leaf(&name, dealer, receiver, (enum share_kind)kind, shares + at * SEED_BYTES, &leaves[at]));
        }
    }
    return RESULT_OK;
}

uint8_t *deal_block(const struct deal *deal, unsigned receiver_rank)
{
    return secret_bytes(deal->dealt) + receiver_rank * deal_block_bytes(deal);
}

struct result deal_paths(const struct deal *deal, const struct run *run, const struct provision *epoch,
                         struct merkle_paths **ret)
{
    CLEANUP(buffer_done) struct buffer roots = {0};
    uint8_t *at;
    TRY(buffer_extend(&roots, deal->count * sizeof(struct hash), &at));
    struct hash *subtrees = (struct hash *)(void *)at;
    struct hash leaves[EPOCH_ROUNDS_MAX * 2];
    unsigned rank = 0;
    for (unsigned j = members_next(run_cohort(run), 0); j; j = members_next(run_cohort(run), j), rank++) {
        TRY(block_leaves(run, epoch, deal->position, j, deal_block(deal, rank), leaves));
        TRY(merkle_root(leaves, (uint64_t)deal->rounds * 2, &subtrees[rank]));
    }
    return merkle_paths_new(subtrees, deal->count, ret);
}

/* One scalar into shares for every position, kept for the cohort. */
static struct result split(struct deal *deal, const struct run *run, uint32_t k, enum share_kind kind,
                           struct random_source *random, uint8_t *scratch)
{
    const uint8_t *scalar = deal_own(deal, k) + (size_t)kind * SEED_BYTES;
    TRY(shamir_split(scalar, run->thresholds.t, deal->roster_size, random, scratch));
    unsigned rank = 0;
    for (unsigned j = members_next(run_cohort(run), 0); j; j = members_next(run_cohort(run), j), rank++)
        memcpy(deal_block(deal, rank) + ((size_t)k * 2 + kind) * SEED_BYTES, scratch + (size_t)(j - 1) * SEED_BYTES,
               SEED_BYTES);
    return RESULT_OK;
}

/* Commitment to a and mask key E of one round. */
static struct result publish(const struct deal *deal, const struct run *run, const struct provision *epoch, uint32_t k,
                             uint8_t *scratch, struct hash *commitment, struct agree_public *mask_key)
{
    struct round_name name = run_round(run, epoch->epoch, epoch->first + k);
    TRY(ctx_commitment(&name, deal->position, deal_own(deal, k), commitment));
    TRY(ctx_mask_secret(deal_own(deal, k) + SEED_BYTES, scratch));
    return agree_public_of(scratch, mask_key);
}

struct result deal_draw(struct deal *deal, const struct run *run, const struct provision *epoch,
                        struct random_source *random, struct wire_p1 *p1, struct buffer *lists)
{
    CLEANUP(secret_freep) struct secret *scratch = NULL;
    TRY(secret_new((size_t)deal->roster_size * SEED_BYTES, &scratch));
    TRY(secret_new(deal->count * deal_block_bytes(deal), &deal->dealt));
    random_draw(random, deal_channel(deal), SEED_BYTES);
    TRY(agree_public_of(deal_channel(deal), &p1->channel));
    struct hash commitments[EPOCH_ROUNDS_MAX];
    struct agree_public mask_keys[EPOCH_ROUNDS_MAX];
    for (uint32_t k = 0; k < deal->rounds; k++) {
        random_scalar(random, deal_own(deal, k));
        random_scalar(random, deal_own(deal, k) + SEED_BYTES);
        TRY(split(deal, run, k, SHARE_A, random, secret_bytes(scratch)));
        TRY(split(deal, run, k, SHARE_B, random, secret_bytes(scratch)));
        TRY(publish(deal, run, epoch, k, secret_bytes(scratch), &commitments[k], &mask_keys[k]));
    }
    TRY(buffer_append(lists, view_of(commitments, sizeof *commitments * deal->rounds)));
    TRY(buffer_append(lists, view_of(mask_keys, sizeof *mask_keys * deal->rounds)));
    p1->commitments = view_of(lists->data, sizeof *commitments * deal->rounds);
    p1->mask_keys = view_of(lists->data + p1->commitments.length, sizeof *mask_keys * deal->rounds);
    p1->leaves = provision_leaves(epoch);
    CLEANUP(merkle_paths_freep) struct merkle_paths *paths = NULL;
    TRY(deal_paths(deal, run, epoch, &paths));
    p1->root = *merkle_paths_root(paths);
    return RESULT_OK;
}

/* Room for every dealer's path, once its length is known: the trees have one shape. */
static struct result make_room(struct deal *deal, size_t length)
{
    if (deal->paths.length) return RESULT_OK;
    uint8_t *at;
    TRY(buffer_extend(&deal->paths, deal->count * length, &at));
    deal->path_length = length;
    return RESULT_OK;
}

struct result deal_take(struct deal *deal, const struct run *run, const struct provision *epoch, unsigned dealer,
                        const uint8_t *shares, struct view path)
{
    struct hash leaves[EPOCH_ROUNDS_MAX * 2];
    struct hash subtree;
    for (size_t i = 0; i < (size_t)deal->rounds * 2; i++)
        ENSURE(scalar_canonical(shares + i * SEED_BYTES), CATEGORY_FALSE, "a share that is no scalar");
    TRY(block_leaves(run, epoch, dealer, deal->position, shares, leaves));
    TRY(merkle_root(leaves, (uint64_t)deal->rounds * 2, &subtree));
    TRY(merkle_verify_inclusion(&subtree, deal->rank, deal->count, path, &epoch->dealers[dealer].root));
    TRY(make_room(deal, path.length));
    unsigned rank = members_rank(run_cohort(run), dealer);
    memcpy(&deal->leaves[(size_t)rank * deal->rounds * 2], leaves, (size_t)deal->rounds * 2 * sizeof *leaves);
    memcpy(deal->paths.data + rank * deal->path_length, path.data, path.length);
    for (uint32_t k = 0; k < deal->rounds; k++)
        memcpy(deal_held(deal, k, rank), shares + (size_t)k * PAIR_BYTES, PAIR_BYTES);
    return RESULT_OK;
}

struct result deal_release(const struct deal *deal, uint32_t k, unsigned dealer_rank, enum share_kind kind,
                           struct buffer *out)
{
    const struct hash *leaves = &deal->leaves[(size_t)dealer_rank * deal->rounds * 2];
    TRY(buffer_append(out, view_of(deal_held(deal, k, dealer_rank) + (size_t)kind * SEED_BYTES, SEED_BYTES)));
    TRY(merkle_path(leaves, (uint64_t)deal->rounds * 2, (uint64_t)k * 2 + (unsigned)kind, out));
    return buffer_append(out, view_of(deal->paths.data + dealer_rank * deal->path_length, deal->path_length));
}
