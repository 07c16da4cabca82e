/* What the files that judge a run by a policy share. */
#ifndef PROTO_RUN_POLICY_JUDGE_H
#define PROTO_RUN_POLICY_JUDGE_H

#include "proto/run/policy.h"

#define PATH_BYTES 64

struct judging {
    const struct policy *policy;
    const struct policy_case *about;
    struct result (*take)(void *context, const struct policy_finding *finding);
    void *context;
};
/* Hands over a finding on the entry at this path of the policy. */
MUST_USE struct result policy_find(const struct judging *judging, enum policy_verdict verdict, const char *path,
                                   const char *format, ...) __attribute__((format(printf, 4, 5)));
/* proto/run/policy_privacy.c */
MUST_USE struct result policy_judge_privacy(const struct judging *judging);

#endif
