/* The records of a run, as erasures for a batch of the store. */
#ifndef NODE_ERASE_H
#define NODE_ERASE_H

#include "sys/store.h"

struct erasures {
    struct store_record *records; /* their keys are owned, their scope is borrowed */
    size_t count;
};
void erasures_done(struct erasures *erasures);
/* All that the run has in state.db, or in secrets.db. */
MUST_USE struct result erasures_of(struct store *store, const struct hash *run, bool secret, struct erasures *ret);

#endif
