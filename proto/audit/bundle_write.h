/* Writes a run's bundle while the run goes on, from what the coordinator's machine has made durable.
 *
 * After each closed step everything that leads to it is appended: the keys of its epoch when they are new, the rounds
 * that were voided or given up on the way, and the round that was closed. That must happen before the next step is
 * closed, for then the machine lets go of this step's masked inputs.
 */
#ifndef PROTO_AUDIT_BUNDLE_WRITE_H
#define PROTO_AUDIT_BUNDLE_WRITE_H

#include "proto/audit/bundle.h"
#include "proto/secagg/secagg.h"

/* How far the file has come: kept durably once the file is, and the file cut to this length after a crash. */
struct bundle_progress {
    uint64_t length; /* of the file */
    uint64_t steps;  /* closed */
    uint64_t round;  /* the last one in it */
    uint32_t epoch;  /* whose keys are in it */
};
MUST_USE struct result bundle_progress_write(const struct bundle_progress *progress, struct buffer *out);
MUST_USE struct result bundle_progress_read(struct view record, struct bundle_progress *ret);

struct bundle_writer {
    struct bundle_sink sink;
    struct record_source records; /* of the coordinator's machine */
    const struct run_terms *terms;
    struct bundle_progress progress;
};
/* Form, rosters (notes, oldest first, the run's last) and the submission. */
MUST_USE struct result bundle_begin(struct bundle_writer *writer, const struct view *rosters, size_t rosters_count,
                                    struct view submission);
/* Every step that was closed since. */
MUST_USE struct result bundle_go_on(struct bundle_writer *writer);
/* The run is done, with this model; or has ended (an empty view), as the machine's records say. */
MUST_USE struct result bundle_finish(struct bundle_writer *writer, struct view model);

#endif
