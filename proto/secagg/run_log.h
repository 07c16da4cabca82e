/* The run's log: a Merkle tree (RFC 9162) of what was certified, one leaf a closed step: the encoding of its CLOSE
 * statement with counter, time and cosignature 0, which is what t banks signed but for what is each one's own. Through
 * ctx a leaf covers the round's terms (set of keys, plan, state before, the checkpoint before, what it retries), by
 * name the survivors, their headers, the sum and the state after.
 *
 * The coordinator and every bank keep it for themselves, from certificates alone, and the checkpoint over it is a term
 * of the next round's ctx: two banks with two histories mask nothing together.
 */
#ifndef PROTO_SECAGG_RUN_LOG_H
#define PROTO_SECAGG_RUN_LOG_H

#include "crypto/merkle.h"
#include "proto/secagg/run.h"

struct run_log {
    struct merkle_tree tree; /* its size is the number of closed steps */
};

/* The next step's statement, from its certificate. CATEGORY_BUG when the step is another. */
MUST_USE struct result run_log_add(struct run_log *log, const struct wire_close *closed);
/* The checkpoint over the log: origin "cofferdam/1/run/" and the run's id in hex. Appended to out. */
MUST_USE struct result run_log_text(const struct run_log *log, const struct hash *run, struct buffer *out);
/* H("checkpoint" ‖ that text); zeros for no step. */
MUST_USE struct result run_log_checkpoint(const struct run_log *log, const struct hash *run, struct hash *ret);
/* A vote's cosignature of the checkpoint over this log, which has its step in. CATEGORY_PEER when it is another's. */
MUST_USE struct result run_log_check_cosignature(const struct run_log *log, const struct run *run, unsigned signer,
                                                 const struct wire_close *vote);
/* The next step of the log, from its certificate: t votes on one statement, each with its cosignature. CATEGORY_PEER
 * when they do not hold, and the log stays as it was. */
MUST_USE struct result run_log_take(struct run_log *log, struct run *run, struct view certificate,
                                    struct wire_arena *arena, struct wire_close *ret);
/* The checkpoint as a note: signed by the coordinator, with the cosignatures of the certificate of the log's last step.
 */
MUST_USE struct result run_log_note(const struct run_log *log, const struct run *run, const struct sign_key *key,
                                    struct view certificate, struct buffer *out);

/* As the record "log" of the run. Without the record the log is empty. */
MUST_USE struct result run_log_keep(const struct run_log *log, struct effects *effects);
MUST_USE struct result run_log_read(struct view record, struct run_log *ret);
MUST_USE struct result run_log_load(const struct record_source *records, struct run_log *ret);

#endif
