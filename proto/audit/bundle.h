/* The bundle of a run: one file with everything from which anyone can replay it (docs/bundle.md).
 *
 * A first line that names the form, then entries: kind u8 ‖ length u64 ‖ payload. Their order is fixed, nothing in them
 * is optional, and every byte of a full bundle follows from a signature, a hash or a computation, so that none can be
 * changed unseen. The length of each kind of entry is bounded and vectors travel in chunks: both sides work in memory
 * that does not grow with the bundle.
 */
#ifndef PROTO_AUDIT_BUNDLE_H
#define PROTO_AUDIT_BUNDLE_H

#include "crypto/base/bytes.h"
#include "crypto/base/limits.h"

enum bundle_form {
    BUNDLE_FULL,   /* with the masked inputs and the revealed secrets */
    BUNDLE_SUMS,   /* without these; the sums are there, and the model follows from them */
    BUNDLE_PUBLIC, /* without sums, states and model too: what was certified, and their hashes */
};
const char *bundle_form_name(enum bundle_form form); /* "full" */

enum bundle_kind {
    BUNDLE_ROSTER = 1, /* the note; each version up to the run's */
    BUNDLE_RUN,        /* the submission: cohort, submitter, nonce, its signature, the plan note */
    BUNDLE_P1,         /* list: every bank's P1 of an epoch */
    BUNDLE_ACK,        /* list: every bank's ACK */
    BUNDLE_R0,         /* signed: a round's terms */
    BUNDLE_VOID,       /* list: v votes; the round was voided */
    BUNDLE_SUPERSEDED, /* list: t votes on U; the round could not be opened, its step is done again */
    BUNDLE_R2,         /* list: t votes on U */
    BUNDLE_R1,         /* list: the signed headers of U */
    BUNDLE_OPEN,       /* signed: the sum's hash */
    BUNDLE_SECRETS,    /* 32 bytes for each bank of the cohort */
    BUNDLE_INPUT,      /* position u32 ‖ chunk u32 ‖ masked words */
    BUNDLE_SUM,        /* chunk u32 ‖ words */
    BUNDLE_CLOSE,      /* list: t votes on the sum and the state */
    BUNDLE_CHECKPOINT, /* note: the log's checkpoint, signed and cosigned */
    BUNDLE_STATE,      /* the fold's state after the step */
    BUNDLE_MODEL,      /* model.json */
    BUNDLE_REFUSAL,    /* signed: a bank ended the run */
    BUNDLE_END,        /* signed: the coordinator ended the run before its last step */
    BUNDLE_DONE,       /* signed: the run is done, with this model */
    BUNDLE_KINDS,
};
const char *bundle_kind_name(unsigned kind); /* "R1 headers"; "an entry of unknown kind" */

/* Where a bundle is written to, piece by piece. */
struct bundle_sink {
    void *context;
    struct result (*append)(void *context, struct view bytes);
};
MUST_USE struct result bundle_put_form(const struct bundle_sink *sink, enum bundle_form form);
MUST_USE struct result bundle_put(const struct bundle_sink *sink, enum bundle_kind kind, struct view payload);
/* A chunk of a bank's masked input, and of a sum. */
MUST_USE struct result bundle_put_input(const struct bundle_sink *sink, unsigned position, uint32_t chunk,
                                        struct view words);
MUST_USE struct result bundle_put_sum(const struct bundle_sink *sink, uint32_t chunk, struct view words);

/* An entry as it stands in another form; left out when that form has none of its kind. CATEGORY_USAGE when the form it
 * comes from has less. */
MUST_USE struct result bundle_redact(enum bundle_form from, enum bundle_form form, enum bundle_kind kind,
                                     struct view payload, const struct bundle_sink *sink);

/* Where one is read from: fills `length` bytes, or fewer at the end. */
struct bundle_source {
    void *context;
    struct result (*read)(void *context, uint8_t *into, size_t length, size_t *ret_got);
};
struct bundle_entry {
    unsigned kind;
    uint64_t number; /* from 1 */
    uint64_t offset; /* of its first byte in the file */
    struct view payload;
};
struct bundle_reader {
    struct bundle_source source;
    enum bundle_form form;
    uint64_t offset, count;
    struct buffer payload;
};
void bundle_reader_done(struct bundle_reader *reader);
/* Reads the form. CATEGORY_FALSE when this is no bundle of a version that is known here. */
MUST_USE struct result bundle_reader_open(const struct bundle_source *source, struct bundle_reader *ret);
/* The next entry, valid until the one after; *ret_got false at the end of the file. CATEGORY_FALSE when the file ends
 * inside it, or its kind or length cannot be. */
MUST_USE struct result bundle_next(struct bundle_reader *reader, struct bundle_entry *ret, bool *ret_got);

#endif
