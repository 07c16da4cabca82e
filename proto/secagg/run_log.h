/* The run's log: a Merkle tree (RFC 9162) of what was certified, one leaf a closed step: the encoding of its CLOSE
 * statement with counter 0, which is what t banks signed but for each one's counter. Through ctx a leaf covers the
 * round's terms (set of keys, plan, state before, the checkpoint before, what it retries), by name the survivors, their
 * headers, the sum and the state after.
 *
 * The coordinator and every bank keep it for themselves, from certificates alone, and the checkpoint over it is a term
 * of the next round's ctx: two banks with two histories mask nothing together.
 */
#ifndef PROTO_SECAGG_RUN_LOG_H
#define PROTO_SECAGG_RUN_LOG_H

#include "crypto/merkle.h"
#include "proto/machine.h"
#include "proto/wire/messages.h"

struct run_log {
    struct merkle_tree tree; /* its size is the number of closed steps */
};

/* The next step's statement, from its certificate. CATEGORY_BUG when the step is another. */
MUST_USE struct result run_log_add(struct run_log *log, const struct wire_close *closed);
/* H("checkpoint" ‖ the text of the checkpoint, origin "cofferdam/1/run/" and the run's id in hex); zeros for no step.
 */
MUST_USE struct result run_log_checkpoint(const struct run_log *log, const struct hash *run, struct hash *ret);

/* As the record "log" of the run. Without the record the log is empty. */
MUST_USE struct result run_log_keep(const struct run_log *log, struct effects *effects);
MUST_USE struct result run_log_load(const struct record_source *records, struct run_log *ret);

#endif
