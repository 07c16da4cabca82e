/* What the audit commands share. */
#ifndef CLI_AUDIT_H
#define CLI_AUDIT_H

#include "proto/audit/replay.h"

/* A fingerprint from the words of --roster: 64 hex digits, or a roster's note. CATEGORY_USAGE otherwise. */
MUST_USE struct result audit_fingerprint(const char *words, struct hash *ret);

/* What was checked and how often, in the order in which it comes up. */
struct audit_line {
    const char *key, *text; /* "inputs", "masked inputs, each as its bank signed it" */
    uint64_t count;
};
enum { AUDIT_LINES = 12 };
void audit_lines(const struct replay_counts *counts, struct audit_line lines[AUDIT_LINES]);
/* One sentence: whether the bundle holds, and what that says in its form. */
const char *audit_verdict(const struct replay *replay, bool holds);

#endif
