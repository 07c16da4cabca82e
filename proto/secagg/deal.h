/* A node's secrets of an epoch: what it drew, what it dealt to others, and the shares it holds of theirs.
 *
 * All of it lives in guarded memory and is wiped round by round, as rounds are released or voided. Share leaves of one
 * receiver are a subtree of the dealer's tree (T is a power of two): P2 carries that subtree's shares and one path.
 */
#ifndef PROTO_SECAGG_DEAL_H
#define PROTO_SECAGG_DEAL_H

#include "crypto/merkle.h"
#include "proto/secagg/provision.h"

struct deal {
    unsigned roster_size, count; /* of the roster; of the cohort */
    unsigned position, rank;     /* this bank's, in the roster (from 1) and in the cohort (from 0) */
    uint32_t rounds;
    struct secret *arena; /* channel secret, own a ‖ b by round, held a ‖ b by round and dealer */
    struct secret *dealt; /* shares for others by receiver, round, kind; NULL once sealed into P2 */
    struct hash *leaves;  /* of the held shares: by dealer, 2T each */
    struct buffer paths;  /* from this bank's subtree to each dealer's root */
    size_t path_length;   /* bytes of one */
};

MUST_USE struct result deal_init(struct deal *deal, const struct run *run, unsigned position);
void deal_done(struct deal *deal);

/* Guarded memory: 32 bytes; a ‖ b; the shares of a ‖ of b. k counts the epoch's rounds from 0. */
uint8_t *deal_channel(const struct deal *deal);
uint8_t *deal_own(const struct deal *deal, uint32_t k);
uint8_t *deal_held(const struct deal *deal, uint32_t k, unsigned dealer_rank);
static inline size_t deal_held_bytes(const struct deal *deal) /* of one round */
{
    return (size_t)deal->count * 2 * SEED_BYTES;
}
static inline size_t deal_block_bytes(const struct deal *deal) /* one receiver's shares */
{
    return (size_t)deal->rounds * 2 * SEED_BYTES;
}
void deal_wipe_round(struct deal *deal, uint32_t k);
void deal_wipe_channel(struct deal *deal);
void deal_wipe(struct deal *deal); /* every secret and share; also of a deal that is empty */

/* Draws the epoch's secrets, splits them, and fills in the keys, commitments and root of p1, whose views then point
 * into `lists`. */
MUST_USE struct result deal_draw(struct deal *deal, const struct run *run, const struct provision *epoch,
                                 struct random_source *random, struct wire_p1 *p1, struct buffer *lists);
/* What P2 holds for a receiver: its shares, by round and kind (deal_block_bytes), and the path of their subtree, by the
 * receiver's rank. Both need `dealt`. */
uint8_t *deal_block(const struct deal *deal, unsigned receiver_rank);
MUST_USE struct result deal_paths(const struct deal *deal, const struct run *run, const struct provision *epoch,
                                  struct merkle_paths **ret);
/* Takes in what a dealer sealed for this bank; CATEGORY_FALSE when it does not lead to the dealer's root. */
MUST_USE struct result deal_take(struct deal *deal, const struct run *run, const struct provision *epoch,
                                 unsigned dealer, const uint8_t *shares, struct view path);
/* Appends the share of a dealer with its path, as R3 releases it. */
MUST_USE struct result deal_release(const struct deal *deal, uint32_t k, unsigned dealer_rank, enum share_kind kind,
                                    struct buffer *out);

#endif
