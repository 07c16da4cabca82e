/* Contributions of several banks at once, on a few threads. The words do not depend on how many. */
#ifndef CLI_CONTRIBUTIONS_H
#define CLI_CONTRIBUTIONS_H

#include "data/table.h"
#include "proto/run/fold.h"

struct contribution {
    const struct fold *fold;
    const struct table *table;
    const char *bank; /* names it in a failure */
    uint64_t *words;  /* fold->words many; made by contributions_compute, freed by contributions_done */
};

void contributions_done(struct contribution *contributions, size_t count);
/* Computes all of them on at most `threads` threads; fails with the first bank's reason, in their order. */
MUST_USE struct result contributions_compute(struct contribution *contributions, size_t count, unsigned threads);

#endif
