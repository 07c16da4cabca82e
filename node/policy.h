/* Which runs this bank takes part in: what its configuration says of plans, authors, purposes and cohorts. */
#ifndef NODE_POLICY_H
#define NODE_POLICY_H

#include "proto/secagg/submission.h"
#include "sys/config.h"

/* CATEGORY_FALSE with the reason that the submitter is told. */
MUST_USE struct result policy_check(const struct config_node *config, unsigned position,
                                    const struct submission *submission);
/* The rule of the configuration that allows the run's plan, or NULL; policy_check looks at more. */
const struct config_allow *policy_rule(const struct config_node *config, const struct submission *submission);
/* Whether the configuration allows the very plan, by its hash. */
bool policy_allows_plan(const struct config_node *config, const struct hash *plan);
/* Whether an officer approved this run although its cohort differs from the ledger's (docs/protocol.md, rule 5). */
bool policy_approves_cohort(const struct config_node *config, const struct hash *run);

#endif
