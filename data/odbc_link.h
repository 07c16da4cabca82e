/* A connection to a database, and why it says no. Inside data/odbc*.c alone. */
#ifndef DATA_ODBC_LINK_H
#define DATA_ODBC_LINK_H

#include <sql.h>
#include <sqlext.h>

#include "data/odbc.h"

struct odbc_link {
    const struct odbc_source *source;
    SQLHENV environment;
    SQLHDBC connection;
    SQLHSTMT statement; /* one that may be run */
    bool connected;
    bool untyped;  /* SQLite: a column's type says nothing of its values */
    bool postgres; /* PostgreSQL */
};

enum odbc_use {
    ODBC_READ,  /* the source: a read-only transaction where that can be had */
    ODBC_WRITE, /* the node's own tables in it */
};

/* Connected. A transaction in which all is of one moment begins with the first statement; with SQLite, when it is told
 * to. */
MUST_USE struct result odbc_link_open(const struct odbc_source *source, enum odbc_use use, struct odbc_link *ret);
void odbc_link_done(struct odbc_link *link); /* also of one that was not opened; rolls back */

/* No reason names the source: callers put it in front. The driver's reason for what a call on this handle returned,
 * with the remedy. */
MUST_USE struct result odbc_fail(const struct odbc_source *source, SQLSMALLINT kind, SQLHANDLE handle);
/* Fails unless the call on the link's statement went well. */
MUST_USE struct result odbc_link_check(const struct odbc_link *link, SQLRETURN returned);

#endif
