/* An epoch's provisioning as all P1 state it: every dealer's keys, commitments and share root. Public. */
#ifndef PROTO_SECAGG_PROVISION_H
#define PROTO_SECAGG_PROVISION_H

#include "proto/secagg/run.h"

/* An officer's approval that a P1 carries. */
struct provision_approval {
    struct sign_public officer;
    uint64_t given, expires; /* milliseconds since 1970; expires 0: never */
    bool of_run, change;     /* of this run, not of its plan; of its cohort too, which is another than before */
};
struct provision_dealer {
    bool known; /* its P1 was taken */
    unsigned approvals_count;
    struct provision_approval approvals[APPROVALS_SHOWN_MAX]; /* of different officers */
    struct agree_public channel;
    struct hash root;
};
struct provision {
    uint32_t epoch;
    uint64_t first;  /* round */
    uint32_t rounds; /* T: rounds first to first + T - 1 */
    unsigned roster_size, cohort_count;
    struct provision_dealer *dealers; /* by position */
    struct hash *commitments;         /* by position and round */
    struct agree_public *mask_keys;
    uint32_t *index; /* every key that was taken, by its bytes: open addressing, twice as many places as keys */
    uint32_t index_mask;
    struct hash checkpoint; /* of the run's log when the epoch began: each P1 names it */
    struct hash set;
};

MUST_USE struct result provision_init(struct provision *provision, const struct run *run, uint32_t epoch,
                                      uint64_t first, const struct hash *checkpoint);
void provision_done(struct provision *provision);
/* CATEGORY_PEER when a P1 is not of this epoch, its keys are invalid or another dealer's, or an approval in it is not
 * one of this plan or run. */
MUST_USE struct result provision_take(struct provision *provision, const struct run *run, unsigned position,
                                      const struct wire_p1 *p1);
bool provision_covers(const struct provision *provision, uint64_t round);
/* round must be covered. */
const struct hash *provision_commitment(const struct provision *provision, unsigned position, uint64_t round);
const struct agree_public *provision_mask_key(const struct provision *provision, unsigned position, uint64_t round);
/* Share leaves of one dealer: cohort × T × 2. The leaf of (receiver, round, kind) and how many there are. */
uint32_t provision_leaves(const struct provision *provision);
uint32_t provision_leaf_index(const struct provision *provision, unsigned receiver_rank, uint64_t round,
                              enum share_kind kind);

#endif
