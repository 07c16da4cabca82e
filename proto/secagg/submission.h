/* A run as it was submitted: made by the submitter, opened and checked alike by the coordinator and by every node. */
#ifndef PROTO_SECAGG_SUBMISSION_H
#define PROTO_SECAGG_SUBMISSION_H

#include "proto/run/service.h"
#include "proto/secagg/secagg.h"

struct submission {
    struct buffer bytes; /* SUBMIT's payload; terms.plan_note points into it */
    struct plan plan;
    struct run_terms terms; /* terms.roster and terms.plan are borrowed: the struct stays where it is */
    struct hash id;
};

void submission_done(struct submission *submission);
/* Checks all that the pinned roster can tell: the plan note's signature by the submitter, the plan and its task, the
 * cohort's size, the submitter's signature over the run id. CATEGORY_PEER for malformed bytes, CATEGORY_FALSE or
 * CATEGORY_USAGE for what does not hold; ret is then empty. */
MUST_USE struct result submission_open(const struct roster *roster, struct view payload, struct submission *ret);
/* Whether this program takes part in a run of the submission's version; CATEGORY_FALSE when it is too old for it. */
MUST_USE struct result submission_spoken(const struct submission *submission);
/* The payload, appended to out, and the run's id. `identity` is the submitter's and has signed the plan note. */
MUST_USE struct result submission_make(const struct roster *roster, struct view plan_note, const struct members *cohort,
                                       unsigned submitter, unsigned version, const struct sign_key *identity,
                                       const uint8_t nonce[NONCE_BYTES], struct buffer *out, struct hash *ret_id);

#endif
