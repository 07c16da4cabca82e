/* What both machines know of a run, and signed messages: made and read here alone. */
#ifndef PROTO_SECAGG_RUN_H
#define PROTO_SECAGG_RUN_H

#include "proto/secagg/ctx.h"
#include "proto/secagg/secagg.h"

struct run {
    struct run_terms terms;
    struct thresholds thresholds;
    struct hash id;
    char tag[17];                   /* first 16 hex digits of the id: in shared record keys */
    uint32_t rounds;                /* T */
    struct node_counters *counters; /* of the node; NULL at the coordinator */
    bool held_changed;              /* a held counter rose since it was last persisted */
};

/* Checks what holds for every party: the cohort within the roster and large enough, the submission's signature, T. */
MUST_USE struct result run_open(const struct run_terms *terms, uint32_t epoch_rounds, struct node_counters *counters,
                                struct run *ret);
const char *run_member(const struct run *run, unsigned position); /* a name; position 0 is the coordinator's */
static inline const struct members *run_cohort(const struct run *run)
{
    return &run->terms.cohort;
}
struct round_name run_round(const struct run *run, uint32_t epoch, uint64_t round);

/* Signs label(kind) ‖ body; appends the encoded signed message to out. */
MUST_USE struct result signed_make(const struct sign_key *key, unsigned signer, const char *kind, enum wire_type type,
                                   const void *body, struct buffer *out);
/* Decodes a signed message and verifies it: the signer is the coordinator or in the cohort. CATEGORY_PEER otherwise.
 * Both the signed message and its body are given. */
struct signed_body {
    struct wire_signed message;
    union {
        struct wire_join join;
        struct wire_attest attest;
        struct wire_p1 p1;
        struct wire_p2 p2;
        struct wire_ack ack;
        struct wire_r0 r0;
        struct wire_r1 r1;
        struct wire_r2 r2;
        struct wire_void void_;
        struct wire_r3 r3;
        struct wire_open open;
        struct wire_close close;
        struct wire_end end;
    };
};
MUST_USE struct result signed_read(struct run *run, const char *kind, enum wire_type type, struct view bytes,
                                   struct wire_arena *arena, struct signed_body *ret);
/* The same when the signed message is decoded already. */
MUST_USE struct result signed_verify(struct run *run, const char *kind, enum wire_type type,
                                     const struct wire_signed *message, struct wire_arena *arena,
                                     struct signed_body *ret);

/* Turns "is not so" about a peer's bytes into a refusal of its message. */
struct result refuse_peer(struct result result) MUST_USE;

/* Certificates: lists of signed votes by distinct members of the cohort that agree in everything but their counters.
 * Decodes and verifies `need` of them; ret is the first vote. */
MUST_USE struct result certificate_r2(struct run *run, struct view list, struct wire_arena *arena,
                                      struct wire_r2 *ret); /* t votes */
MUST_USE struct result certificate_void(struct run *run, struct view list, struct wire_arena *arena,
                                        struct wire_void *ret); /* v votes */
MUST_USE struct result certificate_close(struct run *run, struct view list, struct wire_arena *arena,
                                         struct wire_close *ret); /* t votes */
/* What the coordinator proposes must be allowed by the plan: U within the cohort, all of it or at least t of it. */
MUST_USE struct result run_check_survivors(const struct run *run, const struct members *survivors);

/* Signed messages of one phase by position, as they travelled. Zeroed is nothing; _init makes it ready. */
struct ballot {
    struct members have;
    struct buffer *items; /* by position */
};
MUST_USE struct result ballot_init(struct ballot *ballot, unsigned roster_size);
void ballot_done(struct ballot *ballot);
void ballot_clear(struct ballot *ballot);
MUST_USE struct result ballot_put(struct ballot *ballot, unsigned position, struct view bytes);
struct view ballot_get(const struct ballot *ballot, unsigned position);
/* The list of the first `limit` of those in `of` (NULL: all there are), in roster order; 0 stands for no limit. */
MUST_USE struct result ballot_list(const struct ballot *ballot, const struct members *of, unsigned limit,
                                   struct buffer *out);

#endif
