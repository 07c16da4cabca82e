/* Forgetting a run that is over: its folder, its records in state.db and secrets.db.
 *
 * What stays is what the rules need (docs/protocol.md): the ledger across runs and the message counters, which are the
 * node's own records and no run's; the journal, with an entry that says what went; and a record that the run was
 * forgotten, so that it is not begun again. The batch with that record and the entry decides: before it all is there,
 * after it the next start removes what a crash left.
 */
#ifndef NODE_FORGET_H
#define NODE_FORGET_H

#include "node/part.h"

struct forgotten {
    struct hash run;
    uint64_t at; /* milliseconds since the epoch */
    bool before; /* it was forgotten already, and nothing is known below */
    unsigned files;
    size_t records;
    bool has_model, has_bundle;
    struct hash model, bundle; /* of model.json and run.cfd, as sha256sum prints it */
};
/* The run whose id begins so. CATEGORY_FALSE when there is none here or it is open, CATEGORY_USAGE when there are
 * several. Without the lock; one at a time. */
MUST_USE struct result run_forget(struct bank *bank, const char *id, struct forgotten *ret);
/* When it was forgotten; 0 when it was not. */
MUST_USE struct result run_forgotten(struct bank *bank, const struct hash *run, uint64_t *ret_at);
/* Removes what a crash, or a thread that was still at work, left of a forgotten run. */
MUST_USE struct result run_forget_rest(struct bank *bank, const struct hash *run);
/* At the start. A frozen table is rows of customers and goes with its run: a process that was killed may have left one
 * whose run is over, or was never kept and is not offered again; and the folder of a run that was forgotten. */
MUST_USE struct result run_sweep_folders(struct bank *bank);

#endif
