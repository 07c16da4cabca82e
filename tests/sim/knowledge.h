/* What the world has seen of the banks' secrets, tracked value by value.
 *
 * Every scalar a and b that a bank draws, and every share of one that a bank holds, is entered when it comes to be. All
 * that a bank sends is then searched for them, at every offset. The adversary is the coordinator with any f banks: so a
 * secret counts as derivable once t - f banks let a share of it out. Never both kinds of one bank's round.
 */
#ifndef TESTS_SIM_KNOWLEDGE_H
#define TESTS_SIM_KNOWLEDGE_H

#include "proto/run/members.h"
#include "proto/secagg/deal.h"

/* What a value is. */
struct fact {
    uint8_t value[SEED_BYTES];
    unsigned dealer; /* whose secret */
    unsigned holder; /* whose share of it; 0: the secret itself */
    uint64_t round;
    enum share_kind kind;
};

/* Whether an adversary with f of the banks can have `need` acts of one kind and `need_other` of another, where so many
 * banks did the one and so many others the other, and `false_banks` are its own already. Its banks do both; it chooses
 * those that did neither first. */
bool adversary_can_have(const struct thresholds *thresholds, unsigned false_banks, unsigned did, unsigned need,
                        unsigned did_other, unsigned need_other);

struct knowledge {
    unsigned banks;
    struct thresholds thresholds;
    struct fact *facts;
    size_t count, capacity;
    uint32_t *index; /* by value: open addressing, places hold 1 + the fact's number */
    size_t places;
    uint64_t *filter;    /* a bit for the first two bytes of each value */
    struct members *out; /* by round, dealer and kind: who let a share of it out */
    uint64_t rounds;
};

MUST_USE struct result knowledge_init(struct knowledge *knowledge, unsigned banks);
void knowledge_done(struct knowledge *knowledge);

/* A bank's secrets of an epoch, and the shares it holds: as often as they may have changed. */
MUST_USE struct result knowledge_learn_own(struct knowledge *knowledge, const struct deal *deal, uint64_t first);
MUST_USE struct result knowledge_learn_held(struct knowledge *knowledge, const struct deal *deal, uint64_t first);

/* Calls visit for each secret or share in the bytes. */
MUST_USE struct result knowledge_search(const struct knowledge *knowledge, struct view bytes,
                                        struct result (*visit)(void *context, const struct fact *fact), void *context);
/* These bytes left a bank. CATEGORY_FALSE when now both kinds of one bank's round can be derived, or when they hold a
 * secret itself. */
MUST_USE struct result knowledge_sent(struct knowledge *knowledge, unsigned by, struct view bytes);

#endif
