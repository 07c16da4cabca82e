/* One seed, one simulated run, every step watched. */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include "cli/network.h"

struct sim_tally {
    uint64_t seeds, finished, ended, cheated; /* ended: for a reason that may end a run */
    uint64_t replayed;                        /* from their bundles */
    uint64_t rounds;                          /* closed */
    uint64_t released, voided, refused, cheats;
    uint64_t proven, stated; /* evidence that parties kept, by what its files say */
    uint64_t faults[FAULT_KINDS];
};
void sim_add(struct sim_tally *sum, const struct sim_tally *more);

/* CATEGORY_FALSE, with the reason, when something does not hold. trace: everything is told on stdout. */
MUST_USE struct result sim_run(uint64_t seed, bool trace, struct sim_tally *tally);

#endif
