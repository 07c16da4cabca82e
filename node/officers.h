/* What this bank's officers said of plans and runs: taken over the control socket, kept in the store, told in the
 * journal, and asked before anything of a run leaves.
 *
 * An officer's latest word on a plan's hash, a run's id or a run's repetition is kept, under
 * "daemon/officer/plan|run|repetition/SUBJECT/KEY". It
 * counts while the officer stands in the policy, the roster is the one it names, and it has not expired. A denial
 * counts against every run of its subject, one that the policy approves by itself as well.
 */
#ifndef NODE_OFFICERS_H
#define NODE_OFFICERS_H

#include "node/part.h"
#include "proto/run/approval.h"

#define OFFICERS_NAMES_BYTES (2 * NAME_MAX_BYTES + 8)

struct officers_word {
    unsigned needed, approvals;          /* how many must approve the run; how many do */
    bool change;                         /* enough of them also approve that its cohort is another than before */
    char names[OFFICERS_NAMES_BYTES];    /* of the first two who approve: "Ada, Bert" */
    const struct policy_officer *denied; /* an officer who denies it, or NULL */
};
/* Lock held. */
MUST_USE struct result officers_ask(struct bank *bank, const struct submission *submission, struct officers_word *ret);
/* The same, as an answer: CATEGORY_FALSE with what the others are told, the part's own reason set, when an officer
 * denies the run or not enough approve it. Lock held. */
MUST_USE struct result officers_check(struct part *part);

/* Whether they approve that the run computes on rows that differ by few from those of earlier runs (node/repetition.h).
 * Lock held. */
MUST_USE struct result officers_repetition(struct bank *bank, const struct submission *submission, bool *ret_approved);

/* What the officers signed who approve the run now, made ready for its machine: one document of each, as far as there
 * is room, and none where the policy does not ask them. Fails as officers_check does. The machine must not be there
 * yet. Lock held. */
MUST_USE struct result officers_show(struct part *part);

/* A document that an officer signed: checked, kept and told. A denial gives up the runs it is about. Lock held.
 * CATEGORY_FALSE when it cannot count, naming why; nothing is kept then. */
MUST_USE struct result officers_take(struct bank *bank, struct view document, struct approval *ret);

/* Every word that is kept. standing: "valid", or why it does not count. Lock held. */
MUST_USE struct result officers_each(struct bank *bank,
                                     struct result (*visit)(void *visitor, const struct approval *approval,
                                                            const char *officer, const char *standing),
                                     void *visitor);

#endif
