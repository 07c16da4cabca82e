/* Opening a sum: which masks the revealed secrets take off, and checking a sum against the masked inputs.
 * The coordinator opens and every bank checks with the same code. */
#ifndef PROTO_SECAGG_CHECK_H
#define PROTO_SECAGG_CHECK_H

#include "crypto/mask.h"
#include "proto/secagg/provision.h"

/* Each secret (32 bytes for each member of the cohort, a of a survivor, b of another) against its commitment.
 * CATEGORY_PEER naming the first member whose secret does not fit; ret_position says who. */
MUST_USE struct result check_secrets(const struct run *run, const struct provision *epoch, uint64_t round,
                                     const struct members *survivors, const uint8_t *secrets, unsigned *ret_position);
/* The masks that stand in the sum over the survivors, as streams that take them off. */
MUST_USE struct result check_unmasking(const struct run *run, const struct provision *epoch,
                                       const struct round_name *name, const struct hash *ctx,
                                       const struct members *survivors, const uint8_t *secrets, struct mask_set **ret);
/* sum[k] += or -= the words in bytes. */
void check_add(uint64_t *sum, struct view bytes);
void check_subtract(uint64_t *sum, struct view bytes);
/* Words of chunk `index` of a vector of `words` words. */
size_t check_chunk_words(uint64_t words, uint32_t index);
uint32_t check_chunks(uint64_t words);
/* M: the tree of the survivors' R1 header bodies, in roster order. */
MUST_USE struct result check_headers_root(const struct view *bodies, size_t count, struct hash *ret);

/* An opened sum while a node checks it. */
struct check {
    bool active;
    struct wire_open open;
    struct buffer signed_open; /* as it travelled: evidence, when the sum is false; */
    struct buffer opened;      /* what came with it, */
    struct buffer inputs;      /* and the masked chunks that were added, in their order */
    bool inputs_left_out;      /* they are more than is kept */
    struct mask_set *unmasking;
    uint64_t words;
    uint32_t chunks;
    unsigned survivors_count;
    struct hash *leaves; /* by survivor's rank, chunks each */
    uint64_t *sum;       /* recomputed, or as fetched when sampling */
    bool sampling;
    bool fetched;                             /* sampling: the sum is here and has the signed hash */
    bool chosen[SUM_WORDS_MAX / CHUNK_WORDS]; /* sampling: chunks to recompute */
    uint64_t *part;                           /* sampling: the one under recomputation */
    unsigned position;                        /* next masked chunk wanted: of whom, */
    uint32_t chunk;                           /* which */
};
void check_done(struct check *check);
/* p in 2^-32 units: the least with which a false chunk is certified with probability 2^-40 at most. The coordinator and
 * f banks need t - f votes of the n - f others, and may leave without an answer, and so without a vote, every bank that
 * asks for that chunk: it is enough for them that any t - f of the n - f miss it. */
uint64_t check_probability(const struct thresholds *thresholds);

#endif
