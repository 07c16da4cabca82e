/* The coordinator's machine from the inside: shared by the files that hold one message pair each.
 *
 * How it moves: a request is checked, kept (durably, when it brings something new) and remembered as what its member
 * asked; `advance` then takes the phase as far as it goes; and every member whose question can be answered from the
 * present state is answered. A repeat, a late bank and a restart are thus one case.
 */
#ifndef PROTO_SECAGG_COORDINATOR_H
#define PROTO_SECAGG_COORDINATOR_H

#include "crypto/merkle.h"
#include "proto/secagg/check.h"
#include "proto/secagg/effects.h"
#include "proto/secagg/run_log.h"

enum phase {
    PHASE_NEW,      /* before START */
    PHASE_P1,       /* collects P1 */
    PHASE_P2,       /* collects P2 */
    PHASE_ACK,      /* collects ACK */
    PHASE_COLLECT,  /* R0 is out: collects R1 */
    PHASE_VOTE,     /* U is proposed: collects R2 votes */
    PHASE_VOID,     /* VOID is proposed: collects VOID votes; U is never used again */
    PHASE_RELEASE,  /* U is certified: collects R3 */
    PHASE_CLOSE,    /* the sum is signed: collects CLOSE */
    PHASE_NEXT,     /* the round is decided: another round, another epoch, or the end */
    PHASE_FINISHED, /* the last state is certified */
    PHASE_ENDED,    /* ended before that; the reason is kept */
    PHASES,
};

/* The latest request of a member that has no reply yet; kind 0: none. */
struct asked {
    unsigned kind;
    uint32_t epoch;
    uint64_t step, round;
    uint32_t position, chunk, count;
};
struct peer {
    struct asked asked;
    uint64_t heard;     /* when its last message came */
    struct buffer join; /* signed; waits for attestations */
    uint8_t nonce[NONCE_BYTES];
    uint64_t join_order;
    struct ballot attestations;
    bool returned; /* joined again while the present round collects */
};

/* One bank's R1 as it comes in. */
struct upload {
    bool begun, complete;
    struct buffer header; /* signed */
    struct wire_r1 r1;
    struct hash leaf;    /* of the header body, under M */
    struct hash *leaves; /* of its chunks */
    uint32_t next;       /* chunk expected */
};
struct coordinator_round {
    struct wire_r0 terms;
    struct hash ctx;
    struct buffer r0; /* signed */
    uint64_t words;
    uint32_t chunks;
    uint64_t *sum;           /* of every chunk taken in; after Open the unmasked sum */
    struct upload *uploads;  /* by position */
    struct members complete; /* whose R1 is whole */
    bool proposed, void_proposed, certified, opened;
    struct members survivors; /* U */
    struct hash headers;      /* M */
    struct merkle_paths *paths;
    struct buffer proposal, void_proposal; /* signed */
    struct ballot votes, voids, releases, closes;
    struct buffer certificate; /* of R3 */
    struct members false_releases;
    struct buffer opening; /* OPENED's payload */
    struct hash sum_hash;
};

struct secagg_coordinator {
    struct run run;
    struct secagg_coordinator_config config;
    enum phase phase;
    bool busy, begun;   /* begun: START has come */
    bool announced;     /* DONE or FAIL was said by this process */
    struct peer *peers; /* by position */
    uint64_t joins, now, started, patience_at, timer;
    bool patience_over;

    struct fold fold; /* certified state */
    struct run_log log;
    struct fold next;  /* after the opened sum; empty before */
    struct hash model; /* of the latest state that was computed: SHA-256, zeros before the last step */
    struct provision epoch;
    unsigned failures;
    struct ballot p1, acks;
    struct members p2;
    struct wire_ack *bitmaps; /* by position, as acknowledged */

    uint64_t last; /* highest round opened with an R0 */
    struct coordinator_round round;
    struct buffer close; /* certificate of the last sum */
    struct buffer retry; /* certificate that lets the step be masked again */
    bool fixed;          /* retry is a certificate on U: */
    struct members fixed_survivors;
    uint64_t erase_from, erase_to; /* rounds whose masked chunks can go */
    unsigned erase_bank;           /* of erase_from: the last one done */
    struct buffer reason;          /* why it ended */
    struct buffer refusal;         /* signed by the bank that ended it, if one did */
    struct buffer ended;           /* signed */
    char text[160];
};

typedef struct result coordinator_handler(struct secagg_coordinator *coordinator, unsigned from,
                                          const struct message *message, struct wire_arena *arena,
                                          struct effects *effects);
typedef struct result coordinator_answer(struct secagg_coordinator *coordinator, unsigned member,
                                         struct effects *effects);
/* Takes the phase one step further when it is complete; ret_moved says whether it did. */
typedef struct result coordinator_advance(struct secagg_coordinator *coordinator, struct effects *effects,
                                          bool *ret_moved);

/* Sends a reply and forgets the question. */
MUST_USE struct result coordinator_reply(struct secagg_coordinator *coordinator, unsigned member,
                                         enum message_kind kind, struct view payload, struct effects *effects);
MUST_USE struct result coordinator_reply_with(struct secagg_coordinator *coordinator, unsigned member,
                                              enum message_kind kind, const void *payload, struct effects *effects);
/* Signs as the coordinator. */
MUST_USE struct result coordinator_sign(const struct secagg_coordinator *coordinator, const char *kind,
                                        enum wire_type type, const void *body, struct buffer *out);
/* A signed message whose signer must be who sent it. */
MUST_USE struct result coordinator_read(struct secagg_coordinator *coordinator, unsigned from, const char *kind,
                                        enum wire_type type, const struct wire_signed *message,
                                        struct wire_arena *arena, struct signed_body *ret);
/* A signed message beside the one that counts: kept as "evidence/" and the key of that one; nothing else changes. */
MUST_USE struct result coordinator_evidence(struct secagg_coordinator *coordinator, unsigned from, const char *what,
                                            struct view bytes, struct effects *effects);
/* Puts a member's signed message into a ballot and makes it durable; a repeat changes nothing, another is evidence. */
MUST_USE struct result coordinator_keep(struct secagg_coordinator *coordinator, struct ballot *ballot, unsigned from,
                                        struct view bytes, struct effects *effects, const char *key, ...)
    __attribute__((format(printf, 6, 7)));
/* The run ends for everyone, for this reason. */
MUST_USE struct result coordinator_end(struct secagg_coordinator *coordinator, struct effects *effects,
                                       const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Signs that it is done, and with which model. */
MUST_USE struct result coordinator_done(struct secagg_coordinator *coordinator, struct effects *effects);
/* A bank joined again: while R1 are collected, patience with it begins. */
void coordinator_returned(struct secagg_coordinator *coordinator, unsigned member);
static inline struct round_name coordinator_round_name(const struct secagg_coordinator *coordinator)
{
    return run_round(&coordinator->run, coordinator->round.terms.epoch, coordinator->round.terms.round);
}
static inline bool coordinator_is_current(const struct secagg_coordinator *coordinator, uint64_t round)
{
    return round == coordinator->round.terms.round;
}
/* The present round, and not yet decided. */
static inline bool coordinator_is_open(const struct secagg_coordinator *coordinator, uint64_t round)
{
    return coordinator_is_current(coordinator, round) && coordinator->phase >= PHASE_COLLECT &&
           coordinator->phase <= PHASE_CLOSE;
}
/* Answers about a round that is over: VOID certificate, closed sum, or the certificate on U that was retried. */
MUST_USE struct result coordinator_answer_past(struct secagg_coordinator *coordinator, unsigned member, uint64_t round,
                                               struct effects *effects);
void upload_done(struct upload *upload);
void coordinator_round_done(struct coordinator_round *round);
MUST_USE struct result coordinator_round_init(struct secagg_coordinator *coordinator);

MUST_USE struct result coordinator_restore(struct secagg_coordinator *coordinator);

coordinator_handler join_take, p1_take, p2_take, ack_take, r0_take_await, r1_take_header, r1_take_chunk, vote_take,
    vote_take_void, release_take, open_take_fetch, catch_take_fetch, end_take_refusal;
coordinator_answer join_answer, p1_answer, p2_answer, ack_answer, r0_answer, r1_answer, vote_answer, void_answer,
    release_answer, open_answer_fetch, catch_answer_fetch, catch_answer_closed, end_answer, end_answer_refusal;
coordinator_advance p1_advance, p2_advance, ack_advance, r0_advance, r1_advance, vote_advance, void_advance,
    release_advance, close_advance;
MUST_USE struct result p1_open_epoch(struct secagg_coordinator *coordinator, uint32_t epoch, uint64_t first,
                                     struct effects *effects);
MUST_USE struct result p1_set_hash(struct secagg_coordinator *coordinator);
/* Proposes VOID for the present round: U is never used after that. */
MUST_USE struct result void_propose(struct secagg_coordinator *coordinator, struct effects *effects);
bool vote_may_be_given_up(const struct secagg_coordinator *coordinator); /* once patience is over */
MUST_USE struct result vote_propose(struct secagg_coordinator *coordinator, struct effects *effects);
MUST_USE struct result close_take_vote(struct secagg_coordinator *coordinator, unsigned from, struct view bytes,
                                       struct wire_arena *arena, struct effects *effects);
MUST_USE struct result r1_add_upload(struct secagg_coordinator *coordinator, unsigned from, struct view words);
MUST_USE struct result r1_begin_upload(struct secagg_coordinator *coordinator, unsigned from, struct view header,
                                       const struct wire_r1 *r1, struct view body, struct view leaves);
/* M and its paths over the headers of U. */
MUST_USE struct result vote_settle_headers(struct secagg_coordinator *coordinator);
/* Takes what banks outside U uploaded out of the running sum. */
MUST_USE struct result vote_drop_others(struct secagg_coordinator *coordinator);
MUST_USE struct result release_supersede(struct secagg_coordinator *coordinator, struct effects *effects);
/* Takes the state after an opened sum up again. */
MUST_USE struct result open_restore(struct secagg_coordinator *coordinator, struct view opening);
MUST_USE struct result open_sum(struct secagg_coordinator *coordinator, struct effects *effects, bool *ret_moved);
MUST_USE struct result catch_send_closed(struct secagg_coordinator *coordinator, unsigned member, uint64_t step,
                                         struct effects *effects);
/* What banks ask shows how far they have come. Where t of them have come further than the coordinator, its state
 * directory is from the past: it would sign a second time what it signed before, and they would wait for it. It ends
 * the run. (Fewer may lie, and not every request is signed.) */
MUST_USE struct result catch_end_when_behind(struct secagg_coordinator *coordinator, struct effects *effects);
/* Erases some of the masked chunks that nobody can need any more; called with every batch. */
MUST_USE struct result catch_erase_masked(struct secagg_coordinator *coordinator, struct effects *effects);

#endif
