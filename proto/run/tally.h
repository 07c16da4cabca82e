/* Rounds as whoever watches a run counts them: how many were begun, closed and voided, by looking at the machine after
 * each step. Rounds only grow; a step of the fold is a round that was closed. */
#ifndef PROTO_RUN_TALLY_H
#define PROTO_RUN_TALLY_H

#include <stdbool.h>
#include <stdint.h>

/* Of all runs since the process started. */
struct tally_totals {
    uint64_t begun, closed, voided;
};
/* Of one run; zeroed: not looked at yet. What was before the first look is not counted, and
 * whether the round of the first look was voided neither: it may be over already. */
struct tally {
    bool seen, sure;      /* sure: whether the round at the latest look began under our eyes */
    uint64_t round, step; /* at the latest look */
    uint64_t step_before; /* when that round was first seen */
};
/* A node that catches up may see several rounds at once: of those, as many were closed as the fold took steps. */
void tally_look(struct tally *tally, struct tally_totals *totals, uint64_t round, uint64_t step);

#endif
