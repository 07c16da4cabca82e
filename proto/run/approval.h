/* An officer's word on a plan or on a run: a text of one spelling, and an Ed25519 signature under it.
 *
 *   cofferdam/1 approval
 *   bank north
 *   roster HEX                    the fingerprint of the roster
 *   plan HEX                      or: run HEX, repetition HEX
 *   decision approve              or: approve-change, deny
 *   officer HEX                   the officer's public key
 *   given 1796083199123           milliseconds since 1970
 *   expires 1798761600000         or 0: never
 *   signature HEX
 *
 * The signature is over label("approval") ‖ the lines before it. An officer's latest word on a plan or a run is the one
 * that counts: a denial takes back what was approved. approve-change also lets this run have another cohort than those
 * before (docs/protocol.md, rule 5).
 *
 * A word on the repetition of a run (docs/security.md, Subtraction) is about that alone: whether this run may release
 * sums over rows that differ by few from those of another. It is no word on the run, nor a word on the run one on that.
 *
 * A bank shows the others the approvals with which it takes part in a run (P1, docs/protocol.md).
 *
 * Nothing here does I/O or knows the time.
 */
#ifndef PROTO_RUN_APPROVAL_H
#define PROTO_RUN_APPROVAL_H

#include "crypto/base/limits.h"
#include "crypto/hash.h"
#include "crypto/sign.h"

enum approval_decision { APPROVAL_APPROVE, APPROVAL_CHANGE, APPROVAL_DENY };

struct approval {
    char bank[NAME_MAX_BYTES + 1];
    struct hash roster;
    bool of_run;     /* the subject is a run's id; else a plan's hash */
    bool repetition; /* of the run's repetition alone; of_run is true then */
    struct hash subject;
    enum approval_decision decision;
    struct sign_public officer;
    uint64_t given, expires; /* milliseconds since 1970 */
    struct signature signature;
};

/* Signs; key is the officer's, and goes into the approval. The document, appended to out. */
MUST_USE struct result approval_sign(struct approval *approval, const struct sign_key *key, struct buffer *out);
/* CATEGORY_FALSE unless the bytes are exactly a document's; the signature is not looked at. */
MUST_USE struct result approval_parse(struct view document, struct approval *ret);
/* CATEGORY_FALSE when another key signed it. */
MUST_USE struct result approval_verify(const struct approval *approval);
/* What a bank takes part with: each document must be an approval by this bank, of the plan or of this very run. */
struct approval_claim {
    const char *bank;
    const struct hash *roster, *plan, *run;
};
/* CATEGORY_FALSE when a document is not that, or its signature does not verify. Whether the officer is one of the bank,
 * and whether the approval had expired, is not looked at: there is no clock here, and no list of officers. */
MUST_USE struct result approval_check(struct view document, const struct approval_claim *claim, struct approval *ret);
/* plan, run, repetition */
const char *approval_of(const struct approval *approval);
/* approve, approve-change, deny */
const char *approval_word(enum approval_decision decision);

#endif
