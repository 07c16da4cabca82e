/* What a plan says, in plain words: for `plan check` and for the report of an audit. Each function appends a phrase
 * without a newline. */
#ifndef CLI_PLAN_WORDS_H
#define CLI_PLAN_WORDS_H

#include "proto/run/task.h"

/* "a number from 0 to 100 in steps of 1; a value outside stops the bank; missing becomes the cohort's median" */
MUST_USE struct result plan_words_feature(const struct plan_feature *feature, struct buffer *out);
/* "positive is "1"; any other value is negative"; nothing where the plan names no value. */
MUST_USE struct result plan_words_target(const struct plan *plan, struct buffer *out);
/* "what age is above 30" */
MUST_USE struct result plan_words_derived(const struct plan *plan, const struct plan_derived *of, struct buffer *out);
MUST_USE struct result plan_words_penalty(const struct plan *plan, struct buffer *out);
MUST_USE struct result plan_words_weights(const struct plan *plan, struct buffer *out);
MUST_USE struct result plan_words_split(const struct plan *plan, struct buffer *out);
/* The task's lines on what its rounds release, one sentence each, for whoever takes them. */
MUST_USE struct result plan_words_releases(const struct plan *plan, const struct task *task,
                                           struct result (*take)(void *context, struct view line), void *context);

#endif
