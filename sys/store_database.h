/* One SQLite file of the store: opened, migrated and checked; its records; its write-ahead log. Not thread-safe: the
 * store holds its mutex. Errors are CATEGORY_ENVIRONMENT, name the file and say what to do. */
#ifndef SYS_STORE_DATABASE_H
#define SYS_STORE_DATABASE_H

#include <sqlite3.h>

#include "crypto/hash.h"
#include "sys/file.h"

/* Step k leads from version k of the files' format to k + 1: steps are only ever added, and from 1 on each has a golden
 * database in tests/golden. sys/store_schema.c alone has it, so that a test has other steps. */
struct database_schema {
    const char *const *steps;
    int version;
};
const struct database_schema *database_schema(void);

struct database {
    char path[FILE_PATH_MAX];
    const char *remedy; /* what to do when the file is damaged */
    sqlite3 *handle;
    sqlite3_stmt *get, *put, *remove;
};

/* Makes the file (mode 0600) when absent, migrates it in one transaction, and reads every row once against its digest.
 * A file of a later version, or of another program, is refused (CATEGORY_USAGE) and stays as it is. */
MUST_USE struct result database_open(struct database *database, const char *directory, const char *name,
                                     const char *remedy);
void database_close(struct database *database); /* accepts a zeroed or half-opened one */

MUST_USE struct result database_run(struct database *database, const char *sql);
void database_roll_back(struct database *database);

MUST_USE struct result database_get(struct database *database, const struct hash *scope, const char *key,
                                    struct buffer *out, bool *ret_found);
MUST_USE struct result database_put(struct database *database, const struct hash *scope, const char *key,
                                    struct view value);
MUST_USE struct result database_remove(struct database *database, const struct hash *scope, const char *key,
                                       bool *ret_removed);
MUST_USE struct result database_each(struct database *database, const struct hash *scope, const char *prefix,
                                     struct result (*visit)(void *visitor, const char *key, struct view value),
                                     void *visitor);
MUST_USE struct result database_scopes(struct database *database,
                                       struct result (*visit)(void *visitor, const struct hash *scope), void *visitor);
MUST_USE struct result database_has_scope(struct database *database, const struct hash *scope, bool *ret_has);

/* All of it as one new file, mode 0600, without a log; not durable. */
MUST_USE struct result database_copy(struct database *database, const char *path);

/* Inside a transaction: SQLite builds every row in memory that it keeps; what is left there of the last ones is
 * overwritten by a row of zeros, which comes and goes. */
MUST_USE struct result database_scrub_memory(struct database *database);
/* Copies the log into the file, overwrites it with zeros and cuts it to nothing. */
MUST_USE struct result database_scrub_log(struct database *database);

#endif
