/* The configuration's joined sources, as data/join.h wants them, and what is told of their losses. */
#ifndef NODE_JOINING_H
#define NODE_JOINING_H

#include "data/csv_records.h"
#include "data/join.h"
#include "node/database.h"
#include "sys/config.h"

struct joining {
    struct join *join;
    struct join_source sources[1 + JOINED_MAX];
    struct csv_file files[1 + JOINED_MAX];
    struct database databases[1 + JOINED_MAX];
};

void joining_done(struct joining *joining);
/* Of a source that joins others. The configuration is borrowed, and `ret` must not move: the join borrows from it. */
MUST_USE struct result joining_open(const struct config_source *source, struct joining *ret);

/* A sentence about a joined source (from 0), or, with losses->count, about the first. */
#define JOINING_SENTENCE_MAX 512
void joining_sentence(const struct config_source *source, const struct join_losses *losses, size_t index,
                      char out[JOINING_SENTENCE_MAX]);
void joining_log(const struct config_source *source, const struct join_losses *losses, const char *run);

#endif
