/* The frozen rows of a run in the bank's own database (source: {odbc: ..., execute: pushdown}): where they outgrow this
 * machine's memory, or are better not copied.
 *
 * The source is read once, through the same mapping, consent, checks and hold-out as ever, in parts of constant memory,
 * into a table cofferdam_RUN_POSITION, the first 16 hex digits of the run's id and the bank's position in the roster
 * (data/odbc_frozen.h), so that two banks' nodes in one schema have two. Each round the database
 * computes what it has formulas for (proto/run/task.h), rounding each record included; of the other rounds the rows are
 * streamed, part after part, through the task's own code. Both give the integers of a table in memory, bit for bit:
 * contributions add up over rows. Hence what took longer the one way is done the other way when it comes again.
 *
 * What is computed counts only when the rows have the digest with which they were frozen, in the same snapshot. The
 * digest's key is made for the run, is kept among the node's secrets, and goes with the run. A database that is away is
 * CATEGORY_ENVIRONMENT: the caller tries again, from nothing. Rows that are not those that were frozen are
 * CATEGORY_FALSE.
 *
 * In the run's folder stands a mark as long as there may be such a table, so that every table is dropped in the end,
 * whenever the node died. With SQLite the mark is the file that holds the table; else it says where the table is, and a
 * configuration that names another place is CATEGORY_ENVIRONMENT, until it is put back.
 */
#ifndef NODE_PUSHDOWN_H
#define NODE_PUSHDOWN_H

#include "data/odbc_frozen.h"
#include "node/freeze.h"
#include "proto/run/fold.h"
#include "sys/file.h"

/* Rows in memory at a time. */
#define PUSHDOWN_PART_ROWS 65536u

struct pushdown {
    const struct config_source *source;
    const struct plan *plan; /* not looked at by pushdown_drop */
    const struct hash *run;
    unsigned position;        /* this bank's in the roster */
    char path[FILE_PATH_MAX]; /* of the mark */
};

/* What the database is, and that this node may make a table there, which the configuration's tables are like. */
MUST_USE struct result pushdown_about(const struct config_source *source, struct odbc_frozen_about *ret);
/* Reads the source and writes the table, durably; frozen gets no table. key: as for freeze_source. */
MUST_USE struct result pushdown_freeze(const struct pushdown *pushdown, const struct sketch_key *key,
                                       struct frozen *ret);
/* What was frozen before a restart, with its digest and the key of that. */
MUST_USE struct result pushdown_load(const struct pushdown *pushdown, const struct secret *key, const struct hash *hash,
                                     struct frozen *ret);
/* What rounds of a run took, to choose by: the server, its other work and the way there decide which is faster. */
struct pushdown_pace {
    uint64_t words;       /* of the last round that the database computed: those of as many are taken to be alike */
    uint64_t computed_us; /* what it took; 0: there was none */
    uint64_t streamed_us; /* what the last round took whose rows were streamed; 0: there was none */
};
/* Whether the database is to compute a round of so many words, where it can. The first one it does; the next is
 * streamed, to know; then it is what was faster. */
bool pushdown_worth(const struct pushdown_pace *pace, uint64_t words);
/* This bank's words, fold->words many. pace: zeroed before the first round; of one thread. */
MUST_USE struct result pushdown_contribute(const struct pushdown *pushdown, struct pushdown_pace *pace,
                                           const struct frozen *frozen, const struct fold *fold, unsigned threads,
                                           uint64_t *words);
/* Table and mark are gone, or were. */
MUST_USE struct result pushdown_drop(const struct pushdown *pushdown);

#endif
