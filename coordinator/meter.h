/* What the coordinator counts for its operator, of all runs since it started. */
#ifndef COORDINATOR_METER_H
#define COORDINATOR_METER_H

#include "proto/run/tally.h"
#include "proto/secagg/secagg.h"

struct meter_phase {
    const char *name; /* NULL: free */
    uint64_t ms;
};
struct meter {
    uint64_t refused; /* requests and messages of members */
    uint64_t uploads; /* masked inputs that were whole */
    struct tally_totals rounds;
    struct meter_phase phases[SECAGG_PHASES_MAX]; /* how long runs were in each */
};
/* Of one run, as of the latest look. */
struct run_meter {
    struct meter_phase phases[SECAGG_PHASES_MAX]; /* how long it was in each since the coordinator started */
    struct tally tally;
    const char *phase; /* NULL: not looked at yet, or over */
    uint64_t at_ms;    /* by the steady clock */
    uint64_t round;
    unsigned uploads;
};

struct session;
/* After each step of the machine, and before the figures are told. */
void meter_look(struct session *session);

#endif
