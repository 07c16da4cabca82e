#include "proto/secagg/provision.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/protocol.h"
#include "proto/run/approval.h"
#include "proto/run/plan.h"

struct result provision_init(struct provision *provision, const struct run *run, uint32_t epoch, uint64_t first,
                             const struct hash *checkpoint)
{
    unsigned size = run->terms.roster->size;
    size_t keys = (size_t)(size + 1) * run->rounds;
    struct provision fresh = {
        .epoch = epoch,
        .first = first,
        .rounds = run->rounds,
        .roster_size = size,
        .cohort_count = run->thresholds.n,
        .dealers = calloc(size + 1u, sizeof *fresh.dealers),
        .commitments = calloc(keys, sizeof *fresh.commitments),
        .mask_keys = calloc(keys, sizeof *fresh.mask_keys),
        .index_mask = 1,
        .checkpoint = *checkpoint,
    };
    while (fresh.index_mask < 2 * (keys + size)) fresh.index_mask = 2 * fresh.index_mask + 1;
    fresh.index = calloc((size_t)fresh.index_mask + 1, sizeof *fresh.index);
    if (!fresh.dealers || !fresh.commitments || !fresh.mask_keys || !fresh.index) {
        provision_done(&fresh);
        return FAIL(CATEGORY_ENVIRONMENT, "out of memory for the keys of %u banks", size);
    }
    provision_done(provision);
    *provision = fresh;
    return RESULT_OK;
}

void provision_done(struct provision *provision)
{
    free(provision->dealers);
    free(provision->commitments);
    free(provision->mask_keys);
    free(provision->index);
    *provision = (struct provision){0};
}

static size_t slot(const struct provision *provision, unsigned position, uint64_t round)
{
    assert(provision_covers(provision, round) && position <= provision->roster_size);
    return (size_t)position * provision->rounds + (size_t)(round - provision->first);
}

static struct result check_shape(const struct provision *provision, const struct run *run, unsigned position,
                                 const struct wire_p1 *p1)
{
    const char *name = run_member(run, position);
    ENSURE(p1->epoch == provision->epoch && p1->first == provision->first, CATEGORY_PEER,
           "P1 of %s is for epoch %u from round %llu, not for epoch %u from round %llu", name, p1->epoch,
           (unsigned long long)p1->first, provision->epoch, (unsigned long long)provision->first);
    ENSURE(p1->rounds == provision->rounds, CATEGORY_PEER, "P1 of %s is for %u rounds; here an epoch has %u", name,
           p1->rounds, provision->rounds);
    ENSURE(p1->commitments.length == (size_t)32 * p1->rounds && p1->mask_keys.length == (size_t)32 * p1->rounds,
           CATEGORY_PEER, "P1 of %s does not have one commitment and one key a round", name);
    ENSURE(p1->leaves == provision_leaves(provision), CATEGORY_PEER, "P1 of %s commits to %u shares, not %u", name,
           p1->leaves, provision_leaves(provision));
    ENSURE(hash_equal(&p1->checkpoint, &provision->checkpoint), CATEGORY_PEER,
           "P1 of %s names another checkpoint of the run's log than is known here", name);
    return RESULT_OK;
}

/* A key's number in the index: those of dealer j are j (T + 1) + 0 (the channel), 1 ... T (the rounds). */
static const struct agree_public *key_at(const struct provision *provision, uint32_t number)
{
    uint32_t position = number / (provision->rounds + 1), k = number % (provision->rounds + 1);
    if (k == 0) return &provision->dealers[position].channel;
    return &provision->mask_keys[(size_t)position * provision->rounds + k - 1];
}

/* Where a key is in the index, or would be. Keys are points, whose low bytes are as good as a hash; banks that
 * aim at one place make others walk over what they put there, never over more than all keys. */
static uint32_t *find(const struct provision *provision, const struct agree_public *key)
{
    uint32_t at;
    memcpy(&at, key->bytes, sizeof at);
    for (at &= provision->index_mask; provision->index[at]; at = (at + 1) & provision->index_mask)
        if (memcmp(key_at(provision, provision->index[at]), key, sizeof *key) == 0) break;
    return &provision->index[at];
}

/* A bank that repeats another's key would cancel masks. The one whose P1 came first may be the one that copied. */
static struct result check_key(const struct provision *provision, const struct run *run, unsigned position,
                               const struct agree_public *key)
{
    TRY(refuse_peer(result_at(agree_public_check(key), "a key of %s: ", run_member(run, position))));
    uint32_t number = *find(provision, key);
    if (!number) return RESULT_OK;
    unsigned other = number / (provision->rounds + 1);
    return FAIL(CATEGORY_PEER, "%s and %s state the same key: one of the two copied it", run_member(run, other),
                run_member(run, position));
}

static struct result check_approval(const struct run *run, unsigned position, struct view document,
                                    struct provision_dealer *dealer)
{
    const struct approval_claim claim = {run_member(run, position), &run->terms.roster->hash, &run->terms.plan->hash,
                                         &run->id};
    struct approval approval;
    TRY(refuse_peer(result_at(approval_check(document, &claim, &approval), "an approval in P1 of %s: ", claim.bank)));
    for (unsigned i = 0; i < dealer->approvals_count; i++)
        ENSURE(memcmp(&dealer->approvals[i].officer, &approval.officer, sizeof approval.officer) != 0, CATEGORY_PEER,
               "P1 of %s has two approvals of one officer", claim.bank);
    dealer->approvals[dealer->approvals_count++] = (struct provision_approval){
        approval.officer, approval.given, approval.expires, approval.of_run, approval.decision == APPROVAL_CHANGE};
    return RESULT_OK;
}

struct result provision_take(struct provision *provision, const struct run *run, unsigned position,
                             const struct wire_p1 *p1)
{
    TRY(check_shape(provision, run, position, p1));
    TRY(check_key(provision, run, position, &p1->channel));
    struct agree_public keys[EPOCH_ROUNDS_MAX];
    memcpy(keys, p1->mask_keys.data, p1->mask_keys.length);
    for (uint32_t k = 0; k < provision->rounds; k++) {
        TRY(check_key(provision, run, position, &keys[k]));
        ENSURE(memcmp(&keys[k], &p1->channel, sizeof keys[k]) != 0, CATEGORY_PEER, "%s uses one key twice",
               run_member(run, position));
        for (uint32_t earlier = 0; earlier < k; earlier++)
            ENSURE(memcmp(&keys[k], &keys[earlier], sizeof keys[k]) != 0, CATEGORY_PEER, "%s uses one key twice",
                   run_member(run, position));
    }
    ENSURE(run->terms.version >= PROTOCOL_APPROVALS || p1->approvals.count == 0, CATEGORY_PEER,
           "P1 of %s has approvals, which a run of version %u of the protocol does not know", run_member(run, position),
           run->terms.version);
    struct provision_dealer dealer = {.known = true, .channel = p1->channel, .root = p1->root};
    for (size_t i = 0; i < p1->approvals.count; i++)
        TRY(check_approval(run, position, p1->approvals.items[i], &dealer));
    provision->dealers[position] = dealer;
    size_t at = (size_t)position * provision->rounds;
    memcpy(&provision->commitments[at], p1->commitments.data, p1->commitments.length);
    memcpy(&provision->mask_keys[at], keys, p1->mask_keys.length);
    uint32_t first = position * (provision->rounds + 1);
    for (uint32_t k = 0; k <= provision->rounds; k++) *find(provision, key_at(provision, first + k)) = first + k;
    return RESULT_OK;
}

bool provision_covers(const struct provision *provision, uint64_t round)
{
    return round >= provision->first && round - provision->first < provision->rounds;
}

const struct hash *provision_commitment(const struct provision *provision, unsigned position, uint64_t round)
{
    return &provision->commitments[slot(provision, position, round)];
}

const struct agree_public *provision_mask_key(const struct provision *provision, unsigned position, uint64_t round)
{
    return &provision->mask_keys[slot(provision, position, round)];
}

uint32_t provision_leaves(const struct provision *provision)
{
    return provision->cohort_count * provision->rounds * 2;
}

uint32_t provision_leaf_index(const struct provision *provision, unsigned receiver_rank, uint64_t round,
                              enum share_kind kind)
{
    assert(provision_covers(provision, round));
    return (receiver_rank * provision->rounds + (uint32_t)(round - provision->first)) * 2 + (uint32_t)kind;
}
