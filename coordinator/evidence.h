/* Evidence of a run, as files that anyone can check: DIR/runs/RUNID/evidence/NAME.cfe. */
#ifndef COORDINATOR_EVIDENCE_H
#define COORDINATOR_EVIDENCE_H

#include "coordinator/session.h"

/* Writes what the machine has kept as evidence and is not there as a file yet: when its record is durable, and again
 * when the run goes on after a start. What cannot be written is said, and tried again then; the run does not depend on
 * it. */
void session_write_evidence(struct session *session);

#endif
