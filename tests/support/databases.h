/* Databases for tests of ODBC sources: SQLite in a file, and a PostgreSQL server of the test's own. For cmocka tests.
 */
#ifndef TESTS_SUPPORT_DATABASES_H
#define TESTS_SUPPORT_DATABASES_H

#include <stdbool.h>

#define DATABASE_TEXT_MAX 8192

/* Whether odbcinst.ini has the driver; says on stdout that its package is missing otherwise. */
bool sqlite_there(void);
/* Makes the file with this SQL, which may be read with this connection string. */
void sqlite_make(const char *directory, const char *sql, char connection[DATABASE_TEXT_MAX]);

/* Starts the server (tests/support/postgres.sh); false, having said why, where server or driver are not installed. One
 * at a time. */
bool postgres_start(void);
/* Of the server that runs, for programs that are told where its socket is. */
const char *postgres_directory(void);
void postgres_stop(void);
/* As after a crash. */
void postgres_die(void);
void postgres_sql(const char *sql);
/* For a user named in the credentials, or, with owner, for the owner, who needs none. */
void postgres_connection(bool owner, char connection[DATABASE_TEXT_MAX]);

#endif
