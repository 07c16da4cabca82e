/* A policy's `privacy` as it stands in its YAML. */
#ifndef PROTO_RUN_POLICY_RAW_H
#define PROTO_RUN_POLICY_RAW_H

#include "crypto/base/document.h"
#include "proto/run/policy.h"

struct raw_budget {
    char *source, *epsilon, *delta;
};
struct raw_policy_privacy {
    char *required;
    struct raw_budget *run;
    struct raw_budget *budgets;
    unsigned budgets_count;
};
extern const cyaml_schema_field_t policy_raw_privacy[];
/* raw: NULL where the policy leaves the key out. ret->budgets is to be freed, also after a failure. */
MUST_USE struct result policy_privacy_from(const struct document *document, const struct raw_policy_privacy *raw,
                                           struct policy_privacy *ret);

#endif
