/* What must hold after every step of every machine, whatever the world does (docs/protocol.md).
 *
 * The oracle sees each step through the consortium's watcher and knows what no party knows: everybody's plain inputs,
 * records and secrets. A bank that was started from an old disk is a traitor that does not know it: nothing is asked of
 * it any more, and it counts among the f that may be false.
 */
#ifndef TESTS_SIM_ORACLE_H
#define TESTS_SIM_ORACLE_H

#include "tests/sim/knowledge.h"
#include "tests/sim/scenario.h"

/* What a bank said of a round: hashes of its signed messages, zeros where there is none. */
struct said {
    struct hash header, vote, voided, release;
    struct hash content; /* of the vote: ctx, U, M */
    uint64_t step;
    struct members survivors; /* of the release */
};
/* What is true of a step of the fold: known once the first bank has closed it. */
struct truth {
    struct members survivors;
    struct hash state; /* after the step */
};

struct oracle {
    struct consortium *consortium; /* borrowed */
    const struct scenario *scenario;
    struct knowledge knowledge;
    struct said *said; /* by round and bank */
    uint64_t rounds;   /* in said */
    struct fold reference;
    uint64_t **inputs;    /* by bank: of the step that the reference stands at */
    uint64_t *input_step; /* by bank: which step that is */
    struct truth *truths; /* by step */
    uint64_t steps;
    uint64_t *fold_steps; /* by party: as last seen */
    bool *shut_out;       /* by bank: it started from a disk that is older than what too many hold of it */
    uint64_t closed, opened, voided, refused; /* what was seen, for the tally */
};

MUST_USE struct result oracle_init(struct oracle *oracle, struct consortium *consortium,
                                   const struct scenario *scenario);
void oracle_done(struct oracle *oracle);
/* A watcher's stepped. CATEGORY_FALSE when something does not hold. */
struct result oracle_stepped(void *context, struct consortium *consortium, unsigned number, const struct input *input,
                             struct result result, const struct effects *effects);
/* After the run: everyone agrees, or the run ended for a reason that may end it. */
MUST_USE struct result oracle_over(struct oracle *oracle);

#endif
