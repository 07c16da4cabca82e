/* The frozen rows of a run as a table in the source's own database: for rows that outgrow this machine.
 *
 * They are written once, in chunks, in one transaction; then read, by statements that the database computes or row by
 * row, in the memory of one chunk. What a row is, and what the digest is made of, says data/frozen_row.h. PostgreSQL
 * has the table in a schema, beside the source, and computes the digest itself. SQLite has it in a file of its own,
 * which is attached, as the source's file is the bank's and is only read; it knows no SHA-256, so the digest is
 * computed here as the rows come by.
 *
 * What the digest protects from: anybody who changes, adds or removes rows of the table, by mistake or on purpose,
 * without knowing the key. Not from who runs the database: that one sees the key in the node's statements, and may
 * answer whatever it likes.
 *
 * Reasons begin with the source's name. What a database cannot do just now is CATEGORY_ENVIRONMENT; a table that is
 * not the one that was frozen is CATEGORY_FALSE.
 */
#ifndef DATA_ODBC_FROZEN_H
#define DATA_ODBC_FROZEN_H

#include "data/frozen_row.h"
#include "data/odbc.h"

struct dialect; /* data/dialect.h */
struct odbc_frozen;

#define ODBC_FROZEN_NAME_MAX 160 /* of a table, as SQL has it */
struct odbc_frozen_place {
    const struct odbc_source *source; /* its connection's user needs CREATE on the schema, and owns the tables */
    const char *schema;               /* PostgreSQL: the table's */
    const char *table;                /* letters, digits, _ */
    const char *file;                 /* SQLite: of the table, an existing one, if only an empty one */
};

/* What a database is and would be asked, before there is a table. CATEGORY_ENVIRONMENT where none may be made. */
struct odbc_frozen_about {
    const char *engine;            /* "PostgreSQL" */
    const struct dialect *dialect; /* of the statements */
    bool digests;                  /* the database computes the digest */
    bool own_file;                 /* the table is in a file of its own, of which the name tells nothing */
    char name[ODBC_FROZEN_NAME_MAX];
};
MUST_USE struct result odbc_frozen_about(const struct odbc_frozen_place *place, struct odbc_frozen_about *ret);

/* Connects. All is borrowed, and the key (FROZEN_KEY_BYTES) copied. CATEGORY_USAGE where the database is neither. */
MUST_USE struct result odbc_frozen_open(const struct odbc_frozen_place *place, const struct column_spec *specs,
                                        size_t specs_count, struct view key, struct odbc_frozen **ret);
void odbc_frozen_free(struct odbc_frozen *frozen); /* what is not committed is undone */
void odbc_frozen_freep(struct odbc_frozen **frozen);

/* Begins a transaction with a new table. replace: in the place of one of this name, which an attempt before has left;
 * else such a table is somebody else's. */
MUST_USE struct result odbc_frozen_create(struct odbc_frozen *frozen, bool replace);
/* Adds the table's rows, behind those before. table->held NULL: no row is held out. */
MUST_USE struct result odbc_frozen_add(struct odbc_frozen *frozen, const struct table *table);
/* Makes them durable; *ret: the digest of what was added. */
MUST_USE struct result odbc_frozen_commit(struct odbc_frozen *frozen, struct hash *ret);

/* Begins a transaction in which all that is read is of one moment; CATEGORY_FALSE where there is no such table. */
MUST_USE struct result odbc_frozen_begin(struct odbc_frozen *frozen);
/* The digest of the rows as they are, and their number. */
MUST_USE struct result odbc_frozen_digest(struct odbc_frozen *frozen, uint64_t *ret_rows, struct hash *ret);
/* All rows in their order, in tables of up to `chunk` rows with `held` filled and texts empty; *ret: their digest.
 * Until that is known, what came of them may be of rows that were changed, though none that the specs do not allow. */
struct odbc_frozen_visitor {
    void *context;
    struct result (*chunk)(void *context, const struct table *chunk);
};
MUST_USE struct result odbc_frozen_stream(struct odbc_frozen *frozen, uint64_t chunk,
                                          struct odbc_frozen_visitor visitor, struct hash *ret);
/* One SELECT: of each row of its result `columns` texts, NULL for NULL, that live until row returns. */
struct odbc_frozen_reader {
    void *context;
    struct result (*row)(void *context, const char *const *cells);
};
MUST_USE struct result odbc_frozen_query(struct odbc_frozen *frozen, const char *select, size_t columns,
                                         struct odbc_frozen_reader reader);
/* The table's name for such a SELECT. */
const char *odbc_frozen_name(const struct odbc_frozen *frozen);
const struct dialect *odbc_frozen_dialect(const struct odbc_frozen *frozen);
bool odbc_frozen_own_file(const struct odbc_frozen *frozen); /* the table is in a file of its own, place->file */

/* The table is gone, or was: its file is the caller's to remove. */
MUST_USE struct result odbc_frozen_drop(const struct odbc_frozen_place *place);

#endif
