/* What a bank's policy says of a plan: for plan check. */
#ifndef CLI_PLAN_POLICY_H
#define CLI_PLAN_POLICY_H

#include <jansson.h>

#include "cli/plan.h"
#include "proto/run/policy.h"

/* The author is who signed the plan first; nobody's signature is verified here. The case borrows from the file. */
struct policy_case plan_policy_case(const struct plan_file *file, uint64_t words);
MUST_USE struct result plan_policy_read(const char *path, struct policy *ret);
/* {"allows": false, "findings": [{"verdict": "refuses", "line": 5, "text": "..."}], ...} into *ret. */
MUST_USE struct result plan_policy_json(const struct policy *policy, const struct policy_case *about, json_t **ret);

#endif
