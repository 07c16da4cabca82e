/* A run's bundle at a bank: runs/RUN/run.cfd. */
#ifndef NODE_BUNDLE_H
#define NODE_BUNDLE_H

#include "node/part.h"

#define PART_BUNDLE "run.cfd"

/* Whether the run is over and its bundle not here. */
bool part_wants_bundle(const struct part *part);
/* Whether a run that was over before this start is to be asked for once more, or the journal has not told of it. */
bool part_owes_bundle(const struct part *part);
/* Fetches, replays and keeps it; says in the log how that went, and in the journal what is kept. By the run's thread,
 * without the lock. */
void part_fetch_bundle(struct part *part);

#endif
