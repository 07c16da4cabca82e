/* What differs between databases that can keep frozen rows. Inside data/odbc_frozen*.c alone. */
#ifndef DATA_ODBC_FROZEN_ENGINE_H
#define DATA_ODBC_FROZEN_ENGINE_H

#include "data/odbc_frozen.h"
#include "data/odbc_link.h"

/* Reasons do not name the source: callers put it in front. The link's statement is free, and left so. */
struct frozen_engine {
    const char *name;
    const struct dialect *dialect;
    const char *may; /* a SELECT of 1 or 0: whether the user may make a table in the schema %s; of NULL where there is
                      * none; NULL: wherever its file may be made */
    const char *types[FROZEN_CODE + 1]; /* of the table's columns, by enum frozen_kind */
    const char *begin, *commit;         /* NULL: the driver's own transaction */
    /* Of a session, whatever a role or a database sets: nothing but the engine's own functions and operators are found
     * by name, so that nobody else's take their place in what is computed. NULL: none. */
    const char *settings;
    /* Before anything else; NULL: nothing. */
    struct result (*ready)(struct odbc_frozen *frozen);
    const char *there;  /* a SELECT of 1 or 0: whether the table, %s, is there */
    const char *filled; /* what follows the last row of %s; NULL: nothing */
    struct result (*add)(struct odbc_frozen *frozen, const struct table *table);
    /* The rows' bytes, in the order of n, each as taken by frozen_take. */
    struct result (*rows)(struct odbc_frozen *frozen);
    /* Rows and pieces into frozen->sum; NULL: only by reading them all. */
    struct result (*digest)(struct odbc_frozen *frozen);
};
extern const struct frozen_engine frozen_engine_postgresql, frozen_engine_sqlite;

struct odbc_frozen {
    struct odbc_link link;
    const struct odbc_frozen_place *place;
    const struct frozen_engine *engine;
    struct frozen_shape shape;
    struct frozen_sum sum;           /* of what is written, or read */
    char name[ODBC_FROZEN_NAME_MAX]; /* of the table, for SQL */
    struct frozen_value *values;
    struct buffer row; /* its bytes */
    /* While rows are streamed: */
    struct table *chunk;
    struct odbc_frozen_visitor visitor;
};

/* Runs the text as a statement, whose result the link's statement then has. */
MUST_USE struct result frozen_run(struct odbc_frozen *frozen, const char *sql);
MUST_USE struct result frozen_close(struct odbc_frozen *frozen); /* the result */
/* Takes one row of the table off the bytes: into the digest, and into the chunk, where there is one. */
MUST_USE struct result frozen_take(struct odbc_frozen *frozen, struct reader *reader);
/* An integer in decimal, modulo 2^64. */
MUST_USE struct result frozen_integer(const char *text, uint64_t *ret);
MUST_USE struct result frozen_fail_changed(const struct odbc_frozen *frozen, const char *how);

#endif
