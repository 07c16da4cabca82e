/* What the parties of a simulated run kept as evidence: each becomes a file that holds, and accuses only who cheats. */
#ifndef TESTS_SIM_EVIDENCE_H
#define TESTS_SIM_EVIDENCE_H

#include "proto/audit/replay.h"
#include "tests/sim/scenario.h"

/* accomplice: the bank that cheats with the coordinator, or 0 where nobody does. Adds to what was proven and stated.
 * CATEGORY_FALSE when a file does not hold, or proves something of an honest party. */
MUST_USE struct result evidence_run(struct consortium *consortium, const struct replay_observer *observer,
                                    unsigned accomplice, uint64_t *proven, uint64_t *stated);

#endif
