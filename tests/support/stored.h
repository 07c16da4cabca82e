/* A bank's rows in a database, as a frozen table (data/formula_sql.h), and what formulas come to there: SQLite through
 * its library, PostgreSQL through psql (postgres_start before). Asserts on failure. For cmocka tests. */
#ifndef TESTS_SUPPORT_STORED_H
#define TESTS_SUPPORT_STORED_H

#include <stdio.h>
#include <sys/types.h>

#include "data/formula_sql.h"
#include "data/table.h"

enum stored_engine { STORED_SQLITE, STORED_POSTGRESQL };
struct stored {
    enum stored_engine engine;
    const struct dialect *dialect;
    void *database; /* SQLite's */
    pid_t psql;     /* PostgreSQL's, with its pipes */
    FILE *to, *from;
};

#define STORED_TABLE "frozen"

/* Of a table; its `held` may be NULL. PostgreSQL: in the place of the one before. */
void stored_init(enum stored_engine engine, const struct table *table, struct stored *ret);
void stored_done(struct stored *stored);
/* Adds what the sums come to. */
void stored_values(struct stored *stored, const struct formula_sums *sums, __int128 *values, size_t count);

#endif
