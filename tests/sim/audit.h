/* Every simulated run leaves a bundle, and it must hold, however the run went. */
#ifndef TESTS_SIM_AUDIT_H
#define TESTS_SIM_AUDIT_H

#include "tests/sim/scenario.h"

/* accomplice, proven and stated: as in evidence.h, for the evidence that the parties have. */
MUST_USE struct result audit_evidence(struct consortium *consortium, const struct scenario *scenario,
                                      unsigned accomplice, uint64_t *proven, uint64_t *stated);
/* Finishes the bundle of a run that is over and replays it, whole and in one of its other forms. *ret_replayed: it was
 * over in a way that leaves one. CATEGORY_FALSE when it does not hold. */
MUST_USE struct result audit_run(struct consortium *consortium, const struct scenario *scenario, struct buffer *bundle,
                                 bool *ret_replayed);

#endif
