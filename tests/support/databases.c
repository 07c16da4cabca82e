#include "tests/support/databases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#define SCRIPT "tests/support/postgres.sh"

static char server[256]; /* its directory; empty: none */

static bool driver_there(const char *section, const char *package)
{
    char line[256];
    bool found = false;
    FILE *file = fopen("/etc/odbcinst.ini", "r");
    while (file && !found && fgets(line, sizeof line, file)) found = strncmp(line, section, strlen(section)) == 0;
    if (file) (void)fclose(file);
    if (!found) printf("skipped: the ODBC driver of %s is not installed\n", package);
    return found;
}

bool sqlite_there(void)
{
    return driver_there("[SQLite3]", "libsqliteodbc");
}

void sqlite_make(const char *directory, const char *sql, char connection[DATABASE_TEXT_MAX])
{
    char path[DATABASE_TEXT_MAX / 2], *message = NULL;
    sqlite3 *database = NULL;
    (void)snprintf(path, sizeof path, "%s/rows.db", directory);
    (void)unlink(path);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    if (sqlite3_exec(database, sql, NULL, NULL, &message) != SQLITE_OK) fail_msg("%s", message);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
    (void)snprintf(connection, DATABASE_TEXT_MAX, "Driver=SQLite3;Database=%s", path);
}

bool postgres_start(void)
{
    if (!driver_there("[PostgreSQL Unicode]", "odbc-postgresql")) return false;
    FILE *said = popen(SCRIPT " start", "r");
    assert_non_null(said);
    char line[sizeof server] = "";
    char *got = fgets(line, sizeof line, said);
    int status = pclose(said);
    line[strcspn(line, "\n")] = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        printf("skipped: %s\n", line);
        return false;
    }
    assert_true(got && status == 0);
    (void)snprintf(server, sizeof server, "%s", line);
    assert_int_equal(setenv("ODBCSYSINI", server, 1), 0); /* drivers as on this machine, with no logs in /tmp */
    return true;
}

const char *postgres_directory(void)
{
    return server;
}

static void script(const char *word)
{
    char command[512];
    (void)snprintf(command, sizeof command, SCRIPT " %s %s", word, server);
    assert_int_equal(system(command), 0);
}

void postgres_stop(void)
{
    if (*server) script("stop");
    (void)unsetenv("ODBCSYSINI");
    *server = 0;
}

void postgres_die(void)
{
    script("die");
}

void postgres_sql(const char *sql)
{
    char command[512];
    (void)snprintf(command, sizeof command, SCRIPT " sql %s >/dev/null", server);
    FILE *in = popen(command, "w");
    assert_non_null(in);
    assert_true(fputs(sql, in) >= 0);
    assert_int_equal(pclose(in), 0);
}

void postgres_connection(bool owner, char connection[DATABASE_TEXT_MAX])
{
    (void)snprintf(connection, DATABASE_TEXT_MAX, "Driver=PostgreSQL Unicode;Servername=%s;Database=postgres%s", server,
                   owner ? ";UID=owner" : "");
}
