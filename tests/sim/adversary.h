/* A coordinator that cheats: it holds the coordinator's key, sees all that travels, has one bank's node key, and
 * answers as it likes. It waits for nothing and must gain nothing. */
#ifndef TESTS_SIM_ADVERSARY_H
#define TESTS_SIM_ADVERSARY_H

#include "tests/sim/scenario.h"

#define ADVERSARY_MEMORY 64u

struct adversary {
    struct consortium *consortium; /* borrowed */
    struct random_source *random;  /* borrowed */
    unsigned accomplice;           /* a bank that signs what it is given; its own machine knows nothing of it */
    uint64_t boldness;             /* it cheats in one of so many replies */
    struct buffer replies[ADVERSARY_MEMORY]; /* of the past, to anyone */
    unsigned replies_count;
    struct buffer proposals[MEMBERS_MAX + 1]; /* to each bank, the last */
    uint64_t round;                           /* the highest that votes were seen of */
    struct buffer votes[MEMBERS_MAX + 1];     /* signed, of that round */
    struct buffer voids[MEMBERS_MAX + 1];
    /* The sum of this step is shown with 1 added to its first word, to these banks, in OPEN and when they fetch it. */
    uint64_t lie_step;
    struct members lied_to;
    uint64_t cheats;
};

void adversary_init(struct adversary *adversary, struct consortium *consortium, struct random_source *random);
void adversary_done(struct adversary *adversary);
/* It sees a request, and may answer before the machine does. */
MUST_USE struct result adversary_hear(struct adversary *adversary, unsigned from, struct view bytes);
/* A watcher's reply; context is the adversary. */
struct result adversary_reply(void *context, struct consortium *consortium, unsigned to, struct buffer *bytes);

#endif
