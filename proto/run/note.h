/* Signed notes (C2SP signed-note): text, a blank line, lines "— NAME BASE64(key id ‖ signature)".
 * Rosters, plans and checkpoints are notes. Ed25519 lines (type 0x01) are verified, and over checkpoints cosignatures
 * with a time (type 0x04, C2SP tlog-cosignature); others are ignored.
 */
#ifndef PROTO_RUN_NOTE_H
#define PROTO_RUN_NOTE_H

#include "crypto/base/limits.h"
#include "crypto/hash.h"
#include "crypto/sign.h"

#define NOTE_SIGNATURES_MAX 1100u

struct note_line {
    char name[NAME_MAX_BYTES + 1];
    uint8_t key_id[4];
    bool timed; /* a cosignature: */
    uint64_t time;
    struct signature signature;
};
struct note {
    struct view text; /* signed bytes: up to and including the newline before the blank line; borrowed */
    struct note_line *lines;
    size_t lines_count;
};

/* What a signature line can carry as a name: no blank of any kind, no plus, no control character. */
bool note_name_good(struct view name);
void note_done(struct note *note);
MUST_USE struct result note_parse(struct view bytes, struct note *ret);
/* CATEGORY_FALSE unless a line under this name and key verifies over the text. */
MUST_USE struct result note_verify(const struct note *note, const char *name, const struct sign_public *key);
/* The same of a cosignature, which says that at `time` (seconds since 1970) its signer had seen no tree that
 * contradicts the checkpoint. */
MUST_USE struct result note_verify_cosignature(const struct note *note, const char *name, const struct sign_public *key,
                                               uint64_t *ret_time);
/* Appends a note to out: the text (which must end in a newline) and one signature line. */
MUST_USE struct result note_sign(struct view text, const char *name, const struct sign_key *key, struct buffer *out);
/* Appends the given note to out with one more signature line; the text is untouched. */
MUST_USE struct result note_add(struct view note_bytes, const char *name, const struct sign_key *key,
                                struct buffer *out);
/* The same with a cosignature. time: 1 to 2^63 - 1. */
MUST_USE struct result note_cosign(struct view note_bytes, const char *name, const struct sign_key *key, uint64_t time,
                                   struct buffer *out);

/* A cosignature apart from its line: made over a checkpoint's text, verified (CATEGORY_FALSE), and appended as a line
 * to out, which holds a note. */
MUST_USE struct result note_cosignature_make(struct view text, const struct sign_key *key, uint64_t time,
                                             struct signature *ret);
MUST_USE struct result note_cosignature_verify(struct view text, const struct sign_public *key, uint64_t time,
                                               const struct signature *signature);
MUST_USE struct result note_signature_line(const char *name, const struct sign_public *key,
                                           const struct signature *signature, struct buffer *out); /* a plain one */
MUST_USE struct result note_cosignature_line(const char *name, const struct sign_public *key, uint64_t time,
                                             const struct signature *signature, struct buffer *out);
/* Whether this line says that it is by this key. */
MUST_USE struct result note_line_names(const struct note_line *line, const struct sign_public *key, bool *ret);
/* CATEGORY_FALSE unless this line is by this key over the note's text, plain or as a cosignature. */
MUST_USE struct result note_verify_line(const struct note *note, const struct note_line *line,
                                        const struct sign_public *key);

#endif
