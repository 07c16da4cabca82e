/* Secure aggregation: the machines of one run, at a node and at the coordinator (docs/protocol.md).
 *
 * A machine carries one run from joining to the last certified state: attestation of counters (rule 7), provisioning
 * (P1, P2, ACK), rounds (R0, R1, R2, R3, Open, Close, VOID), and the fold. Both sides of a message live in one file.
 * Nothing here does I/O; see proto/machine.h for how a step's effects are carried out.
 */
#ifndef PROTO_SECAGG_SECAGG_H
#define PROTO_SECAGG_SECAGG_H

#include "crypto/random.h"
#include "crypto/sign.h"
#include "proto/machine.h"
#include "proto/run/fold.h"
#include "proto/run/members.h"
#include "proto/run/roster.h"

#define NONCE_BYTES 16

/* What names a run: all of it public, the same for everyone. */
struct run_terms {
    const struct roster *roster; /* borrowed, verified and pinned */
    const struct plan *plan;     /* borrowed */
    const struct task *task;     /* borrowed */
    struct members cohort;
    unsigned submitter;
    unsigned version; /* of the protocol; 0 is none */
    uint8_t nonce[NONCE_BYTES];
    struct view plan_note;       /* the bytes the run id is over; borrowed */
    struct signature submission; /* the submitter's identity over the run id (kind "submit") */
};
/* H(label "run" ‖ plan note ‖ roster hash ‖ cohort bitmap ‖ nonce), and from version 2 on H(label "run of a version" ‖
 * version u8 ‖ the same): the version is bound to all that a run signs, hashes and derives. */
MUST_USE struct result run_id(const struct run_terms *terms, struct hash *ret);

/* Shared by all runs of one node; guarded by the daemon's lock. Persisted as shared records. */
struct node_counters {
    uint64_t mine;                  /* in the last message this node key signed */
    uint64_t held[MEMBERS_MAX + 1]; /* highest counter seen of each member, by roster position */
};

/* Reads them from the node's shared records, once at its start: the highest that any run made durable. */
MUST_USE struct result node_counters_load(const struct record_source *records, const struct roster *roster,
                                          struct node_counters *ret);

/* A daemon carries out a step's batch before it steps another machine of the same node: counters and ledger are shared.
 */
struct secagg_node_config {
    const struct run_terms *terms;
    unsigned position;              /* this bank's */
    const struct sign_key *key;     /* its node key; borrowed */
    struct random_source *random;   /* owned by the machine from here on */
    struct node_counters *counters; /* borrowed, shared */
    struct record_source records;
    struct hash table_hash; /* of the frozen table */
    uint32_t epoch_rounds;  /* T, a power of two; 0 = EPOCH_ROUNDS */
    /* The configured name of the data source: rule 5 keeps one ledger of it across runs. NULL stands for "". */
    const char *source;
    bool cohort_change_approved; /* this node's officer approved this very run in spite of its ledger */
    /* What this bank's officers signed, for the run's log: stands in each P1 that is made from here on, but in a run of
     * version 1. Borrowed. */
    const struct view *approvals;
    size_t approvals_count; /* up to APPROVALS_SHOWN_MAX; 0: the policy approved the plan by itself */
    /* Pre-shared keys of pairs: psk[j], NULL where there is none; array of roster size + 1, or NULL. Borrowed. */
    const struct secret *const *psk;
};

/* How the reason of a run begins that ends because its data cannot be analysed as planned: nobody broke a rule. */
#define SECAGG_PLAN_FAILS "the joint data cannot be analysed as planned: "
/* Whether a run that failed with this reason (EFFECT_FAIL) ended so. */
bool secagg_plan_fails(struct view reason);

struct secagg_node;
MUST_USE struct result secagg_node_new(const struct secagg_node_config *config, struct secagg_node **ret);
void secagg_node_free(struct secagg_node *node);
/* CATEGORY_PEER: the input was refused, nothing changed, result_reason() says why. Effects may come with it all the
 * same: the evidence of the refused message, carried out as those of any step. Any other failure ends the run here. */
MUST_USE struct result secagg_node_step(struct secagg_node *node, const struct input *input, struct effects *effects);
const struct fold *secagg_node_fold(const struct secagg_node *node);
uint64_t secagg_node_round(const struct secagg_node *node);    /* the highest it has met; 0: none */
const char *secagg_node_phase(const struct secagg_node *node); /* for status: "waiting for R2 of round 4" */

/* What a node itself checked of the sum that it voted on last, before it acted on it. */
struct secagg_checked {
    uint64_t round, step, words; /* round 0: none yet */
    unsigned secrets;            /* revealed, each against its owner's commitment */
    unsigned inputs;             /* masked, each against its bank's signature */
    uint32_t chunks, recomputed; /* of the sum, and how many of them from all inputs */
    uint64_t probability;        /* with which each was drawn, in 2^-32; 2^32 where all are recomputed */
};
struct secagg_checked secagg_node_checked(const struct secagg_node *node);
/* The same from the records, also of a run that is over. */
MUST_USE struct result secagg_checked_load(const struct record_source *records, struct secagg_checked *ret);
/* How likely this node misses one false chunk. */
double secagg_checked_unseen(const struct secagg_checked *checked);
/* As a sentence, appended; nothing when there was none. */
MUST_USE struct result secagg_checked_text(const struct secagg_checked *checked, struct buffer *out);

/* Answers a request for attestation of another member's counter (any node of the roster may, joined or not). */
MUST_USE struct result secagg_attest(const struct sign_key *key, unsigned position, const struct roster *roster,
                                     struct node_counters *counters, struct view request, struct buffer *out);

#define SECAGG_PATIENCE_MS UINT64_C(30000)

struct secagg_coordinator_config {
    const struct run_terms *terms;
    const struct sign_key *key; /* the coordinator's */
    struct record_source records;
    uint32_t epoch_rounds; /* T; 0 = EPOCH_ROUNDS; must equal the nodes' */
    uint64_t patience_ms;  /* how long a returned bank may take before a lost round is voided; 0 = SECAGG_PATIENCE_MS */
};

struct secagg_coordinator;
MUST_USE struct result secagg_coordinator_new(const struct secagg_coordinator_config *config,
                                              struct secagg_coordinator **ret);
void secagg_coordinator_free(struct secagg_coordinator *coordinator);
MUST_USE struct result secagg_coordinator_step(struct secagg_coordinator *coordinator, const struct input *input,
                                               struct effects *effects);
const struct fold *secagg_coordinator_fold(const struct secagg_coordinator *coordinator);
uint64_t secagg_coordinator_round(const struct secagg_coordinator *coordinator); /* the latest; 0: none */
const char *secagg_coordinator_phase(const struct secagg_coordinator *coordinator);
/* The same without the numbers: one of a few constants. */
const char *secagg_coordinator_phase_name(const struct secagg_coordinator *coordinator);
#define SECAGG_PHASES_MAX 12u
/* Members whose masked input of the latest round is here. */
unsigned secagg_coordinator_uploads(const struct secagg_coordinator *coordinator);
/* The banks in the latest round's sum, once they are proposed; false before. */
bool secagg_coordinator_survivors(const struct secagg_coordinator *coordinator, struct members *ret);
/* Members that have not yet answered what the run waits for. */
struct members secagg_coordinator_awaited(const struct secagg_coordinator *coordinator);
/* Attestation requests that other members should answer: the oldest unanswered one that `member` has not answered, if
 * any; the daemon relays it over the member's service channel and feeds the answer in with secagg_coordinator_attested.
 */
bool secagg_coordinator_attest_request(const struct secagg_coordinator *coordinator, unsigned member, struct view *ret);
MUST_USE struct result secagg_coordinator_attested(struct secagg_coordinator *coordinator, unsigned member,
                                                   struct view answer, struct effects *effects);

#endif
