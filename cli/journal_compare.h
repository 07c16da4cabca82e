/* A node's journal against the bundle of one of its runs: what the bank says that it sent and knows, and what its
 * signatures in the bundle prove.
 */
#ifndef CLI_JOURNAL_COMPARE_H
#define CLI_JOURNAL_COMPARE_H

#include "cli/journal_book.h"
#include "proto/audit/replay.h"

struct journal_compare {
    const struct journal_book *book;
    json_t *run;                    /* the journal's part of it; borrowed */
    unsigned position;              /* of the bank in the bundle's roster */
    uint64_t inputs, steps;         /* that are in both, */
    uint64_t votes, voids;          /* and votes: CLOSE and VOID */
    uint64_t missing, missing_step; /* closed steps that the journal does not know, and the first */
};
/* Replays the bundle and compares. CATEGORY_FALSE names what does not fit. Each of the run's "sent" gets a "fate":
 * "closed", "void", "superseded", "not in the sum" or "open at the end". *ret_replay is the caller's to free in any
 * case. */
MUST_USE struct result journal_compare(const struct journal_book *book, const struct bundle_source *source,
                                       struct journal_compare *ret, struct replay **ret_replay);
/* What was compared, in words. */
MUST_USE struct result journal_compare_show(const struct journal_compare *compare, const struct replay *replay,
                                            struct buffer *out);

#endif
