/* An evidence file: what someone signed that cannot be, with all that is needed to see it (docs/protocol.md, Evidence).
 *
 * A first line "cofferdam/1/evidence KIND", then entries: kind u8 ‖ length u64 ‖ payload, in the order that the KIND
 * has. The roster and the submission come first, as in a bundle. Nothing in a file is trusted but the roster, whose
 * fingerprint its reader knows or is shown: everything else is signed, hashed or computed again.
 */
#ifndef PROTO_AUDIT_EVIDENCE_H
#define PROTO_AUDIT_EVIDENCE_H

#include "proto/audit/replay.h"

/* A false sum has the masked inputs (EVIDENCE_INPUTS_MAX) and, where it was sampled, the sum. */
#define EVIDENCE_FILE_MAX ((size_t)512 << 20)

/* Up to 31 what they are in a bundle. */
enum evidence_entry {
    EVIDENCE_ROSTER = BUNDLE_ROSTER,
    EVIDENCE_RUN = BUNDLE_RUN,
    EVIDENCE_P1 = BUNDLE_P1,
    EVIDENCE_ACK = BUNDLE_ACK,
    EVIDENCE_R0 = BUNDLE_R0,
    EVIDENCE_R2 = BUNDLE_R2,
    EVIDENCE_R1 = BUNDLE_R1,
    EVIDENCE_OPEN = BUNDLE_OPEN,
    EVIDENCE_SECRETS = BUNDLE_SECRETS,
    EVIDENCE_SUM = BUNDLE_SUM,
    EVIDENCE_CLOSE = BUNDLE_CLOSE,
    EVIDENCE_CHECKPOINT = BUNDLE_CHECKPOINT,
    EVIDENCE_INPUT = 32, /* position u32 ‖ chunk u32 ‖ length of the path u32 ‖ path ‖ masked words */
    EVIDENCE_MESSAGE,    /* which u8 (below) ‖ signed message */
    EVIDENCE_TEXT,       /* of a checkpoint */
};
/* Which message an EVIDENCE_MESSAGE is. */
enum evidence_message {
    EVIDENCE_OF_P1 = 1,
    EVIDENCE_OF_ACK,
    EVIDENCE_OF_R0,
    EVIDENCE_OF_R1,
    EVIDENCE_OF_R2,
    EVIDENCE_OF_VOID,
    EVIDENCE_OF_R3,
    EVIDENCE_OF_OPEN,
    EVIDENCE_OF_CLOSE,
    EVIDENCE_MESSAGES,
};

enum evidence_verdict {
    EVIDENCE_FALSE,     /* the file does not hold: a signature is bad, or what is claimed does not follow */
    EVIDENCE_STATEMENT, /* it was signed, and was refused: who is right does not follow from the file */
    EVIDENCE_PROVEN,    /* nobody who keeps to the protocol signs this */
};
const char *evidence_verdict_name(enum evidence_verdict verdict); /* "proven", "statement", "false" */

enum { EVIDENCE_LINES = 8, EVIDENCE_LINE = 240, EVIDENCE_PARAGRAPH = 1200 };

/* What a file says, for people; empty where it is not known. */
struct evidence_report {
    enum evidence_verdict verdict;
    char reason[1024]; /* EVIDENCE_FALSE: why */
    char kind[32];     /* of the file */
    bool has_roster;   /* it is there and its signatures hold */
    uint32_t version;
    unsigned members;
    struct hash fingerprint;
    bool has_run; /* so is the submission */
    struct hash run;
    char plan[NAME_MAX_BYTES + 1], submitter[NAME_MAX_BYTES + 1];
    uint32_t epoch;
    uint64_t round;                     /* 0: none */
    char against[NAME_MAX_BYTES + 1];   /* whose signature it is about */
    bool coordinator;                   /* that is the coordinator's */
    char claim[EVIDENCE_PARAGRAPH];     /* what follows, in a sentence */
    char statement[EVIDENCE_PARAGRAPH]; /* what was signed */
    char because[EVIDENCE_PARAGRAPH];   /* why that cannot be, or why it was refused */
    char checked[EVIDENCE_LINES][EVIDENCE_LINE];
    unsigned checked_count;
};

/* Checks a file. fingerprint: what its roster's must be, or NULL. observer: its `submitted` is called, or NULL.
 * CATEGORY_ENVIRONMENT alone is a failure; whatever the bytes are, the report says. */
MUST_USE struct result evidence_check(struct view bytes, const struct hash *fingerprint,
                                      const struct replay_observer *observer, struct evidence_report *ret);

/* A file's first line and entries, appended. */
MUST_USE struct result evidence_put_kind(struct buffer *out, const char *kind);
MUST_USE struct result evidence_put(struct buffer *out, enum evidence_entry kind, struct view payload);
MUST_USE struct result evidence_put_message(struct buffer *out, enum evidence_message which, struct view message);

#endif
