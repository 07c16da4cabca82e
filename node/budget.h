/* The privacy budget's ledger: what runs over this bank's sources have cost, as ρ of zCDP, kept in its store for good.
 *
 * A run reserves all that its plan may cost in the batch that keeps the run, before anything of it leaves. A step is
 * charged in the batch that lets its masked input leave; masked anew with the same noise, it costs nothing more. When
 * the run ends, what it reserved and did not spend is free again. Nothing is refunded, and no entry goes with a run
 * that is forgotten. Under the node's lock, which makes runs at the same time see each other's.
 */
#ifndef NODE_BUDGET_H
#define NODE_BUDGET_H

#include "crypto/base/limits.h"
#include "node/journal.h"
#include "proto/run/fold.h"
#include "proto/run/policy.h"
#include "proto/secagg/submission.h"

enum { BUDGET_KEY_BYTES = 96 };

/* A run with privacy, over one source. */
struct budget_entry {
    struct hash run;
    char source[NAME_MAX_BYTES + 1]; /* as the configuration called it */
    char plan[NAME_MAX_BYTES + 1], author[NAME_MAX_BYTES + 1], purpose[NAME_MAX_BYTES + 1];
    uint64_t at;  /* milliseconds since the epoch: reserved */
    double delta; /* the plan's */
    double reserved, spent;
    uint64_t steps; /* charged: those below */
    bool open;
};
/* What it takes of its source's budget. */
double budget_entry_takes(const struct budget_entry *entry);
MUST_USE struct result budget_find(struct store *store, const struct hash *run, struct budget_entry *ret,
                                   bool *ret_found);
/* In the order of the runs' ids; visit must not write to the store. */
MUST_USE struct result budget_each(struct store *store,
                                   struct result (*visit)(void *context, const struct budget_entry *entry),
                                   void *context);
/* What the runs over a source take of its budget, but for one of them (NULL: all). */
MUST_USE struct result budget_taken(struct store *store, const char *source, const struct hash *except, double *ret);
/* The same, into what the policy is asked about. The source is borrowed. */
MUST_USE struct result budget_ask(struct store *store, const char *source, const struct hash *run,
                                  struct policy_case *about);

/* A record for the caller's batch; zeroed is none. */
struct budget_change {
    struct store_record record; /* borrows from this struct */
    char key[BUDGET_KEY_BYTES];
    struct buffer value;
    bool made;
};
void budget_change_done(struct budget_change *change);
/* Reserves what the run may cost, if its plan has privacy. CATEGORY_FALSE with the policy's line when it does not fit
 * any more, or when the run has ended here before. Reserved already, it changes nothing. */
MUST_USE struct result budget_reserve(struct store *store, const struct policy *policy, const char *source,
                                      const struct submission *submission, uint64_t now_ms,
                                      struct budget_change *change, struct journal_notes *notes);
/* Charges the step whose input is masked. CATEGORY_FALSE when nothing is reserved, or too little. */
MUST_USE struct result budget_charge(struct store *store, const struct hash *run, const struct fold *fold,
                                     struct budget_change *change, struct journal_notes *notes);
/* The run is over. */
MUST_USE struct result budget_release(struct store *store, const struct hash *run, struct budget_change *change,
                                      struct journal_notes *notes);

#endif
