/* The ledger across runs (rule 5): what a node's source took part in, never pruned. Shared records of the node.
 *
 *   ledger/SOURCE/RUN            the run's id, the source's name, the plan, the cohort by identity keys and names
 *   ledger/SOURCE/RUN/step/STEP  ctx of each masking of the step
 *   ledger/SOURCE/RUN/KIND/ROUND hash of a certificate (u, void, close)
 * SOURCE and RUN are the first 16 hex digits of H(label "source" ‖ name) and of the run id.
 */
#ifndef PROTO_SECAGG_LEDGER_H
#define PROTO_SECAGG_LEDGER_H

#include "proto/secagg/effects.h"

struct secagg_node;

/* Once a source took part with a cohort, it joins runs with exactly that cohort, unless its officer approved this one.
 * CATEGORY_FALSE naming who is missing or new. */
MUST_USE struct result ledger_check(const struct secagg_node *node);
/* The run's entry and the step of the round under way. */
MUST_USE struct result ledger_add_step(const struct secagg_node *node, struct effects *effects);
MUST_USE struct result ledger_add_certificate(const struct secagg_node *node, const char *kind, uint64_t round,
                                              struct view certificate, struct effects *effects);

#endif
