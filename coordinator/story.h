/* How a run went, step by step, for people: kept in the store beside the machine's records, so that it is there after a
 * restart and for a run that is long over. */
#ifndef COORDINATOR_STORY_H
#define COORDINATOR_STORY_H

#include "crypto/base/bytes.h"
#include "proto/run/members.h"
#include "sys/store.h"

/* Of one run, as of the latest look. */
struct story {
    bool seen;
    uint64_t step; /* sums taken */
    bool proposed; /* of the round under way: */
    uint64_t round;
    struct members survivors; /* the banks in its sum */
};

struct session;
/* After each step of the machine: keeps what a closed step came to. */
MUST_USE struct result story_look(struct session *session);
/* Appends a JSON array: {"step", "round", "at_ms", "text", "figure": {"name", "value"}, "missing": [names]}, round,
 * figure and missing where they are known. From any thread. */
MUST_USE struct result story_put(struct store *store, const struct hash *run, struct buffer *out);

#endif
