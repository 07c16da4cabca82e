#include "proto/run/tally.h"

/* Every round before this one is decided: what did not take a step was voided. */
static void tally_next(struct tally *tally, struct tally_totals *totals, uint64_t round, uint64_t step)
{
    uint64_t decided = round - tally->round, closed = step - tally->step_before;
    totals->begun += decided;
    if (!tally->sure) decided--;
    if (decided > closed) totals->voided += decided - closed;
    tally->sure = true;
    tally->round = round;
    tally->step_before = step;
}

void tally_look(struct tally *tally, struct tally_totals *totals, uint64_t round, uint64_t step)
{
    if (!tally->seen) *tally = (struct tally){true, false, round, step, step};
    if (step > tally->step) totals->closed += step - tally->step;
    tally->step = step;
    if (round > tally->round) tally_next(tally, totals, round, step);
}
