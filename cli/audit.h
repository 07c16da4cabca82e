/* What the audit commands share. */
#ifndef CLI_AUDIT_H
#define CLI_AUDIT_H

#include "proto/audit/replay.h"

/* A fingerprint from the words of --roster: 64 hex digits, or a roster's note. CATEGORY_USAGE otherwise. */
MUST_USE struct result audit_fingerprint(const char *words, struct hash *ret);

#endif
