/* What a seed stands for: a consortium, its plan, its tables, and how hostile its world is. Swarm style: each seed
 * draws its own mix of faults, so that some meet each other that a mix of everything would drown. */
#ifndef TESTS_SIM_SCENARIO_H
#define TESTS_SIM_SCENARIO_H

#include "analytics/schema.h"
#include "cli/parties.h"

struct scenario {
    uint64_t seed;
    unsigned banks;
    uint64_t words; /* of each sum of the toy analysis */
    uint32_t rounds, epoch_rounds;
    bool logistic;                     /* the real analysis, in place of the toy */
    bool goes_on;                      /* on_dropout: continue */
    bool private;                      /* sums carry noise */
    bool samples;                      /* banks check a sum by samples, as if it were large */
    bool adversary;                    /* the coordinator's replies are a cheat's */
    unsigned gone;                     /* banks that die for good */
    uint64_t gone_at[MEMBERS_MAX + 1]; /* by position; 0: it does not */
    struct faults faults;
    struct plan plan;
    struct schema schema;
    struct consortium_bank *items;
    struct random_source *random; /* what is left to draw: for the adversary */
};

MUST_USE struct result scenario_draw(uint64_t seed, struct scenario *ret);
void scenario_done(struct scenario *scenario);
/* A line for people: what was drawn. */
MUST_USE struct result scenario_describe(const struct scenario *scenario, struct buffer *out);

#endif
