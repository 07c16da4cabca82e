/* Which runs this bank takes part in: its policy, asked about what this node knows of a run. */
#ifndef NODE_ADMIT_H
#define NODE_ADMIT_H

#include "proto/run/policy.h"
#include "proto/secagg/submission.h"

/* The policy's file. CATEGORY_USAGE with file:line, CATEGORY_ENVIRONMENT when it cannot be read. */
MUST_USE struct result admit_load(const char *path, struct policy *ret);
/* words: words of the run's first input; 0 when some have left already. Borrows from the submission. */
struct policy_case admit_case(const struct submission *submission, const struct policy_spent *spent, uint64_t words);
/* CATEGORY_FALSE with the reason that the submitter is told. */
MUST_USE struct result admit_check(const struct policy *policy, unsigned position, const struct submission *submission,
                                   const struct policy_case *about);

#endif
