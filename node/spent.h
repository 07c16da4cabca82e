/* What has left this bank: inputs and their 64-bit words, of a run and of a calendar month (UTC), counted in its store.
 *
 * An input is charged in the batch that lets it leave, so that no crash forgets it and no restart charges it twice; an
 * input that is masked anew, after a round that was given up, is charged anew. Under the node's lock, which makes runs
 * at the same time see each other's.
 */
#ifndef NODE_SPENT_H
#define NODE_SPENT_H

#include "proto/run/policy.h"
#include "sys/store.h"

enum { SPENT_RECORDS = 2, SPENT_KEY_BYTES = 32 };

/* Of a run (NULL: of none) and of the month that now_ms is in. */
MUST_USE struct result spent_load(struct store *store, const struct hash *run, uint64_t now_ms,
                                  struct policy_spent *ret);

struct spent_charge {
    struct store_record records[SPENT_RECORDS]; /* for the batch; they borrow from this struct and from the run */
    char month[SPENT_KEY_BYTES];
    uint8_t run_value[16], month_value[8];
};
/* The records that charge one more input. CATEGORY_FALSE when the policy does not let it leave. */
MUST_USE struct result spent_charge(struct store *store, const struct policy *policy, const struct hash *run,
                                    uint64_t now_ms, uint64_t words, struct spent_charge *ret);

#endif
