/* A bundle in memory: written to, and read from, as a file would be. */
#ifndef TESTS_SUPPORT_MEMORY_BUNDLE_H
#define TESTS_SUPPORT_MEMORY_BUNDLE_H

#include "proto/audit/replay.h"

struct memory_bundle {
    struct view bytes;
    size_t at;
};
/* Appends to a struct buffer. */
struct bundle_sink memory_sink(struct buffer *into);
/* Reads the view from its beginning; valid as long as `bundle` is. */
struct bundle_source memory_source(struct memory_bundle *bundle, struct view bytes);
/* Replays one; the replay is freed. */
MUST_USE struct result memory_replay(struct view bytes, const struct hash *fingerprint,
                                     const struct replay_observer *observer);

#endif
