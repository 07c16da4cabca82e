/* A node's machine from the inside: shared by the files that hold one message pair each (p1.c, p2.c, ...).
 *
 * How it moves: a handler checks a message, changes the state and adds what must be durable; when that is (or nothing
 * had to be), node_ask emits the one request that the state asks for. So a restarted node needs only its state.
 */
#ifndef PROTO_SECAGG_NODE_H
#define PROTO_SECAGG_NODE_H

#include "proto/secagg/check.h"
#include "proto/secagg/deal.h"
#include "proto/secagg/effects.h"
#include "proto/secagg/run_log.h"

enum node_state {
    NODE_NEW,          /* nothing sent but JOIN */
    NODE_P1,           /* P1 is durable; waits for all P1 */
    NODE_P2,           /* P2 is durable; waits for the P2 addressed to this bank */
    NODE_ACK,          /* ACK is durable; waits for all ACK */
    NODE_READY,        /* waits for R0 */
    NODE_CONTRIBUTING, /* R0 is durable; the daemon computes this bank's vector */
    NODE_UPLOADING,    /* R1 header is durable; uploads, then waits for R2 */
    NODE_VOTED,        /* signed U; waits for R3 */
    NODE_VOIDED,       /* signed VOID, erased; waits for what the others decided */
    NODE_RELEASED,     /* certificate is durable, shares erased; waits for OPEN */
    NODE_CHECKING,     /* fetches masked inputs and recomputes the sum */
    NODE_CATCHING,     /* fetches a sum that others closed */
    NODE_DONE,         /* the last state is certified */
    NODE_ENDING,       /* refuses the run; waits until the coordinator knows */
    NODE_ENDED,
    NODE_STATES,
};

/* What this bank masked last; rule 2 looks at it before a step is masked again. */
struct node_masked {
    uint64_t step, round; /* round 0: nothing yet */
    struct hash input;    /* of x */
    bool voided;          /* the round's VOID certificate is held */
    bool fixed;           /* a certificate on U was seen for this step: */
    struct members survivors;
};

/* What this bank adds to the vector of the next step, under differential privacy (noise.c). */
struct node_noise {
    struct secret *seed;
    uint64_t *values;     /* NULL before they are drawn */
    uint64_t count, step; /* how many, and what they are for */
};

struct node_round {
    struct wire_r0 terms;
    struct hash ctx;
    uint64_t words;
    uint32_t chunks;
    uint64_t *y;               /* the masked vector; NULL when the daemon must contribute again */
    struct hash *leaves;       /* of its chunks */
    uint32_t next;             /* chunk to send */
    bool header_sent;          /* since this process started */
    struct buffer r0;          /* as it travelled: another R0 of this round is evidence */
    struct buffer header;      /* signed R1 */
    struct buffer proposal;    /* the coordinator's R2 this bank voted on */
    struct buffer vote;        /* signed R2 */
    struct buffer void_vote;   /* signed VOID */
    struct buffer certificate; /* R3 */
    struct buffer release;     /* signed R3 */
    struct buffer opened;      /* the first OPEN of it that was signed for what was certified */
    struct buffer drawn;       /* sampled check: the chunks, a byte each */
    struct members survivors;  /* of the certificate */
    struct hash headers;
};

struct secagg_node {
    struct run run;
    struct secagg_node_config config;
    enum node_state state;
    bool started, joined, busy, counted; /* busy: a batch is under way; counted: `mine` rose since it was persisted */
    bool refusing;                       /* the batch is the evidence of a refused message, and nothing else */
    uint8_t nonce[NONCE_BYTES];
    uint64_t now;       /* of the input under way: cosignatures say when they were made */
    struct buffer join; /* signed */

    struct fold fold;
    struct run_log log;     /* of the steps whose certificate this bank has seen: all, or all but the last */
    struct provision epoch; /* epoch.epoch is 0 before the first */
    unsigned failures;      /* provisionings that failed in a row */
    struct deal deal;
    bool missing[EPOCH_ROUNDS_MAX]; /* rounds whose secrets are not in the records any more: only VOID is left */
    struct buffer p1, p2, ack;      /* own, as they travel */

    uint64_t last; /* highest round entered, voided or closed; rounds only grow */
    struct node_masked masked;
    struct node_noise noise;
    struct node_round round;
    struct check check;            /* of the opened sum */
    struct secagg_checked checked; /* of the last one that this bank voted on */
    uint64_t close_full_bytes;     /* up to here the whole sum is recomputed; CLOSE_FULL_BYTES but in tests */
    struct buffer close;           /* own signed CLOSE on the last sum */
    struct wire_close closed;      /* what it says; step counts when close is not empty */
    struct wire_close catching;    /* the certificate that is being caught up with */
    struct buffer catching_certificate;
    uint64_t *sum; /* being fetched */
    uint32_t sum_next;
    struct buffer reason;  /* why it ends */
    struct buffer refusal; /* signed */
    char phase[160];
};

typedef struct result node_handler(struct secagg_node *node, const struct message *message, struct wire_arena *arena,
                                   struct effects *effects);

/* The request of the present state (node.c); called when nothing waits to become durable. */
MUST_USE struct result node_ask(struct secagg_node *node, struct effects *effects);
/* Signs with the next counter; the batch that the step must contain makes the counter durable. */
uint64_t node_count(struct secagg_node *node);
MUST_USE struct result node_sign(struct secagg_node *node, const char *kind, enum wire_type type, const void *body,
                                 struct buffer *out);
/* The coordinator's signed message, verified. */
MUST_USE struct result node_read_coordinator(struct secagg_node *node, const char *kind, enum wire_type type,
                                             struct view bytes, struct wire_arena *arena, struct signed_body *ret);
/* The run cannot go on here: tells the coordinator why, then fails. */
MUST_USE struct result node_refuse(struct secagg_node *node, struct effects *effects, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Contradicting messages are kept: a record and an entry for the log. */
MUST_USE struct result node_evidence(struct secagg_node *node, struct effects *effects, const char *what,
                                     struct view one, struct view other);
/* Whether a CLOSE certificate is on the sum that the coordinator signed for this bank in its round, if it signed one
 * that is still known: a quorum checked and signed another, so the two are evidence, and the run ends here. What is no
 * certificate at all is left to others to refuse. */
MUST_USE struct result node_check_opened(struct secagg_node *node, struct view certificate, struct wire_arena *arena,
                                         struct effects *effects);
/* Passes a refusal on, and keeps the coordinator's signed message that is refused, with what it was compared with (or
 * nothing): a record each and an entry for the log. Only the first few of a round, so that a peer cannot fill the disk;
 * call it before the step has any effect. */
MUST_USE struct result node_refused(struct secagg_node *node, struct effects *effects, const char *what,
                                    struct view bytes, struct view context, struct result refusal);
/* Adds the records "epoch" and "round" with what they must say now. */
MUST_USE struct result node_keep_epoch(struct secagg_node *node, struct effects *effects);
MUST_USE struct result node_keep_round(struct secagg_node *node, struct effects *effects);
/* Erases and wipes this bank's secrets and shares of a round. */
MUST_USE struct result node_erase_round(struct secagg_node *node, uint64_t round, struct effects *effects);
/* Rounds only grow: what lies between was decided without this bank, nobody may ask for it any more, and it goes. */
MUST_USE struct result node_reach_round(struct secagg_node *node, uint64_t round, struct effects *effects);
/* Erases and wipes every secret of the run there is: also those that a crash left without the decision that belongs to
 * them. */
MUST_USE struct result node_erase_secrets(struct secagg_node *node, struct effects *effects);
/* Forgets the round under way (public parts; secrets have been erased). */
void node_round_done(struct node_round *round);
static inline struct round_name node_round_name(const struct secagg_node *node)
{
    return run_round(&node->run, node->round.terms.epoch, node->round.terms.round);
}
static inline const struct secret *node_psk(const struct secagg_node *node, unsigned other)
{
    return node->config.psk ? node->config.psk[other] : NULL;
}

/* Draws the next step's noise, if it needs any and has none; before R0 is asked for. */
MUST_USE struct result noise_prepare(struct secagg_node *node);
/* Adds it to the bank's words; makes its seed durable; and forgets it, once the step is closed. */
MUST_USE struct result noise_add(struct secagg_node *node, uint64_t *words);
MUST_USE struct result noise_keep(const struct secagg_node *node, struct effects *effects);
MUST_USE struct result noise_erase(struct secagg_node *node, struct effects *effects);
/* After a restart: what a crash kept of a step that is closed. */
MUST_USE struct result noise_repeat_erasure(struct secagg_node *node, struct effects *effects);
void node_noise_done(struct node_noise *noise);

/* The ids of the pre-shared keys with each bank of the cohort, in roster order; zeros where there is none. */
MUST_USE struct result node_psk_ids(const struct secagg_node *node, struct buffer *out);

/* restore.c: the state as the records tell it; and erasures that a decision demanded but a crash prevented. */
MUST_USE struct result node_restore(struct secagg_node *node, struct effects *effects);
MUST_USE struct result node_repeat_erasures(struct secagg_node *node, struct effects *effects);

/* What each state asks, and who takes which reply. */
MUST_USE struct result join_ask(struct secagg_node *node, struct effects *effects);
node_handler join_take_attestations;
MUST_USE struct result p1_begin(struct secagg_node *node, uint32_t epoch, uint64_t first, struct effects *effects);
node_handler p1_take_all;
/* Reads all P1 into the epoch; when they come in, and again after a restart. A dealer whose P1 does not hold is left
 * unknown, and its bit in ACK unset; effects, where given, say why. */
MUST_USE struct result p1_read_all(struct secagg_node *node, const struct wire_list *list, struct wire_arena *arena,
                                   struct effects *effects);
MUST_USE struct result p2_make(struct secagg_node *node, struct effects *effects);
node_handler p2_take_mine;
MUST_USE struct result ack_make(struct secagg_node *node, const struct members *good, struct effects *effects);
node_handler ack_take_all;
MUST_USE struct result r0_ask(struct secagg_node *node, struct effects *effects);
node_handler r0_take_provision;
node_handler r0_take;
/* An R0 while the bank is in a round: refused, and another one of that same round is evidence. */
node_handler r0_take_second;
MUST_USE struct result r1_ask(struct secagg_node *node, struct effects *effects);
MUST_USE struct result r1_contribution(struct secagg_node *node, const struct input *input, struct effects *effects);
node_handler r1_take_receipt;
node_handler vote_take_proposal;
node_handler vote_take_void_proposal;
node_handler vote_take_void_certificate;
/* Erases the round, then signs VOID over it. */
MUST_USE struct result vote_void(struct secagg_node *node, uint64_t round, struct effects *effects);
node_handler release_take_certificate;
node_handler release_take_superseded;
node_handler open_take;
/* Checks the secrets, draws what is to be checked and makes room for it. A false secret ends the run. */
MUST_USE struct result verify_begin(struct secagg_node *node, struct view secrets, struct check *check,
                                    struct effects *effects);
MUST_USE struct result verify_ask(struct secagg_node *node, struct effects *effects);
/* What was checked of the sum whose check is complete: remembered, durable and told. */
MUST_USE struct result verify_tell(struct secagg_node *node, struct effects *effects);
node_handler verify_take_pieces;
node_handler verify_take_sum_piece;
MUST_USE struct result close_vote(struct secagg_node *node, const uint64_t *sum, struct effects *effects);
node_handler close_take_finished;
/* Whether a CLOSE certificate is for the last sum, as this node knows it; and the log with its step in. */
MUST_USE struct result close_check_certificate(struct secagg_node *node, struct view certificate,
                                               struct wire_arena *arena, struct run_log *ret);
node_handler catch_take_closed;
MUST_USE struct result catch_ask(struct secagg_node *node, struct effects *effects);
node_handler catch_take_sum_piece;
node_handler end_take, end_take_finished;

#endif
