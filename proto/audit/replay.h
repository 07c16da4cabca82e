/* Replays a run from its bundle: checks every signature, commitment and certificate, takes the masks off, redoes every
 * sum and every step of the fold, and compares the model, byte for byte. It trusts nothing but the roster, whose
 * fingerprint its reader knows or is shown, and sees no more than the coordinator saw.
 *
 * A machine like the others: entries in, one after the other, and what does not hold is CATEGORY_FALSE or
 * CATEGORY_PEER with the reason. Memory is that of one vector, one chunk and one state.
 */
#ifndef PROTO_AUDIT_REPLAY_H
#define PROTO_AUDIT_REPLAY_H

#include "proto/audit/bundle.h"
#include "proto/secagg/check.h"
#include "proto/secagg/run_log.h"
#include "proto/secagg/submission.h"

enum replay_stage {
    REPLAY_ROSTER,     /* wants the first roster */
    REPLAY_RUN,        /* another roster, or the submission */
    REPLAY_NEXT,       /* between rounds */
    REPLAY_ACK,        /* P1 are in: wants ACK */
    REPLAY_FIRST,      /* keys are acknowledged: wants the round they are for */
    REPLAY_TERMS,      /* R0 is in: voided, given up, or U certified */
    REPLAY_HEADERS,    /* wants the R1 headers */
    REPLAY_OPEN,       /* wants OPEN */
    REPLAY_SECRETS,    /* wants the revealed secrets */
    REPLAY_INPUTS,     /* wants masked inputs */
    REPLAY_SUMS,       /* wants the sum */
    REPLAY_CLOSE,      /* wants the CLOSE certificate */
    REPLAY_CHECKPOINT, /* wants the checkpoint */
    REPLAY_STATE,      /* wants the state */
    REPLAY_MODEL,      /* the model is in: wants DONE */
    REPLAY_REFUSED,    /* a bank refused: wants END */
    REPLAY_DONE,       /* the run was finished */
    REPLAY_ENDED,      /* the run was ended before */
    REPLAY_STAGES,
};

/* How often each kind of thing was checked. */
struct replay_counts {
    uint64_t entries, bytes;
    uint64_t signatures;   /* Ed25519, in messages and notes */
    uint64_t certificates; /* R2, VOID and CLOSE with their quorums */
    uint64_t commitments;  /* revealed secrets against P1 */
    uint64_t inputs;       /* masked inputs, by the root in their signed header */
    uint64_t masks;        /* derived again and taken off */
    uint64_t words;        /* of masked inputs added up */
    uint64_t sums;         /* equal to what was signed */
    uint64_t steps;        /* of the fold, redone; the state equal to what was certified */
    uint64_t checkpoints;  /* root recomputed, signed and cosigned */
    uint64_t models;
};

struct replay_round {
    struct wire_r0 terms;
    struct hash ctx;
    struct members survivors, voters; /* U; who signed it, or VOID */
    struct hash headers;              /* M */
    struct wire_open open;
    uint64_t words;
    uint32_t chunks;
    struct hash roots[MEMBERS_MAX]; /* of each survivor's chunks, by rank */
    uint64_t *sum;
    struct mask_set *unmasking;
    unsigned position; /* whose chunk comes next, */
    uint32_t chunk;    /* and which */
    struct merkle_tree leaves;
    struct members closers;    /* who signed CLOSE */
    uint64_t earliest, latest; /* when they did, by their own clocks; seconds since 1970 */
};

/* The officers whose approvals a bank sent with its keys. Each officer once, as it was first seen: a bank that makes
 * keys again sends what counts then. */
enum { REPLAY_APPROVALS_MAX = 8 };
struct replay_approvals {
    unsigned count;
    struct {
        struct provision_approval approval;
        uint64_t round; /* the first that the keys were for */
    } items[REPLAY_APPROVALS_MAX];
    bool more; /* officers than have room here */
};

/* What is told while it goes on; any function may be NULL. What it is given is borrowed. */
struct replay;
struct replay_observer {
    void *context;
    /* For tests, whose runs may compute something else than their plan says: before it is looked at. */
    void (*submitted)(void *context, struct submission *submission);
    /* Every entry, before anything of it is looked at. */
    struct result (*met)(void *context, struct replay *replay, const struct bundle_entry *entry);
    /* Every entry, once it holds. */
    struct result (*entry)(void *context, const struct replay *replay, const struct bundle_entry *entry);
    struct result (*opened)(void *context, const struct replay *replay); /* the submission holds */
    struct result (*epoch)(void *context, const struct replay *replay);  /* keys of an epoch hold */
    /* A round is decided, by the entry of this kind: VOID, SUPERSEDED or, when its checkpoint holds, CHECKPOINT. */
    struct result (*round)(void *context, const struct replay *replay, enum bundle_kind decision);
    struct result (*ended)(void *context, const struct replay *replay, unsigned signer, struct view reason);
};

struct replay {
    enum bundle_form form;
    struct replay_observer observer;
    enum replay_stage stage;
    struct roster roster; /* the latest */
    uint32_t first_version;
    bool known; /* the fingerprint that was asked for has come by */
    struct submission submission;
    struct run run;
    struct fold fold; /* not in the public form */
    struct run_log log;
    struct provision epoch;
    struct replay_approvals *approvals; /* by position, from the submission on */
    bool agreed;                        /* every bank has made keys and acknowledged the others' */
    uint64_t last;                      /* round */
    struct hash state;                  /* certified last */
    struct buffer retry;                /* the certificate that the next R0 must name */
    bool fixed;                         /* U was certified in a round that could not be opened: */
    struct members fixed_survivors;
    struct replay_round round;
    struct buffer certificate; /* CLOSE, of the step that the next checkpoint is over */
    struct buffer model;
    struct hash model_hash;     /* SHA-256, as the banks certified it with the last step; zeros before */
    struct buffer refusal, end; /* signed */
    struct replay_counts counts;
    double rho;         /* zCDP of the sums that were opened, of a private plan; not in the public form */
    uint64_t rho_steps; /* of the fold that it is over */
};

/* fingerprint: a roster hash that must be among the bundle's rosters; NULL: none is asked for. */
MUST_USE struct result replay_new(enum bundle_form form, const struct replay_observer *observer, struct replay **ret);
void replay_free(struct replay *replay);
void replay_freep(struct replay **replay);
/* The next entry. */
MUST_USE struct result replay_take(struct replay *replay, const struct bundle_entry *entry,
                                   const struct hash *fingerprint);
/* Whether the bundle is whole: it ends with a model or with END. */
MUST_USE struct result replay_end(const struct replay *replay);

/* A whole bundle. On failure the reason begins with the entry's number, name and place, and ret is as far as it came;
 * freed by the caller in any case. */
MUST_USE struct result replay_bundle(const struct bundle_source *source, const struct hash *fingerprint,
                                     const struct replay_observer *observer, struct replay **ret);

/* ---- shared by the files that replay one stage each */
typedef struct result replay_handler(struct replay *replay, struct view payload, struct wire_arena *arena);
replay_handler replay_roster, replay_submission, replay_p1, replay_ack, replay_r0, replay_void, replay_superseded,
    replay_r2, replay_r1, replay_open, replay_secrets, replay_input, replay_sum, replay_close, replay_checkpoint,
    replay_state, replay_model, replay_refusal, replay_ended, replay_done;
/* A message signed by `signer`, in the one encoding there is. */
MUST_USE struct result replay_signed(struct replay *replay, const char *kind, enum wire_type type, unsigned signer,
                                     struct view bytes, struct wire_arena *arena, struct signed_body *ret);
/* Who signed the items of a certificate, in roster order; counts them. */
MUST_USE struct result replay_signers(struct replay *replay, struct view list, struct wire_arena *arena,
                                      struct members *ret);
void replay_round_done(struct replay_round *round);

#endif
