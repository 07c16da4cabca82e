#include "node/database.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"
#include "sys/file.h"

enum { CREDENTIALS_MAX = 4096 };

void database_done(struct database *database)
{
    secret_free(database->secret);
    *database = (struct database){0};
}

static struct result fail_lines(const char *path)
{
    return FAIL(CATEGORY_USAGE, "%s: must hold two lines, the user and the password", path);
}

/* Ends a line in place, and steps behind it; NULL when no line end is there, at the latest at the end. */
static char *line_end(char *text, char *end)
{
    char *stop = memchr(text, '\n', (size_t)(end - text));
    if (!stop) return NULL;
    if (stop > text && stop[-1] == '\r') stop[-1] = 0;
    *stop = 0;
    return stop + 1;
}

/* Two lines, of which the last may lack its end: the copy has one more byte for it. */
static struct result from_file(const char *path, struct database *database)
{
    CLEANUP(secret_freep) struct secret *read = NULL;
    TRY(file_needed(path, "write user and password into it, a line each, with mode 0600; odbc.credentials names it"));
    TRY(file_read_secret(path, CREDENTIALS_MAX, &read));
    const size_t length = secret_length(read);
    TRY(secret_new(length + 1, &database->secret));
    char *user = (char *)secret_bytes(database->secret), *end = user + length;
    memcpy(user, secret_bytes(read), length);
    if (!text_printable(secret_view(read), "\r\n")) return fail_lines(path);
    *end = 0;
    if (end[-1] != '\n') *end++ = '\n';
    char *password = line_end(user, end);
    char *rest = password && password < end ? line_end(password, end) : NULL;
    if (!rest || rest < end || !*user) return fail_lines(path);
    database->source.user = user;
    database->source.password = password;
    return RESULT_OK;
}

static struct result from_environment(const char *variable, const char **ret)
{
    if (!variable) return RESULT_OK;
    const char *value = getenv(variable);
    ENSURE(value, CATEGORY_USAGE,
           "the environment has no variable %s, which odbc.environment names; set it where the node is started",
           variable);
    ENSURE(text_printable(view_text(value), ""), CATEGORY_USAGE,
           "the environment's variable %s has characters of no user or password", variable);
    *ret = value;
    return RESULT_OK;
}

struct result database_of(const struct config_source *config, struct database *ret)
{
    const struct config_odbc *odbc = config->odbc;
    CLEANUP(database_done)
    struct database database = {.source = {.name = config->name,
                                           .dsn = odbc->dsn,
                                           .connection = odbc->connection,
                                           .table = odbc->table,
                                           .query = odbc->query}};
    if (odbc->credentials) TRY(from_file(odbc->credentials, &database));
    TRY(from_environment(odbc->user_variable, &database.source.user));
    TRY(from_environment(odbc->password_variable, &database.source.password));
    *ret = database;
    database = (struct database){0}; /* given away */
    return RESULT_OK;
}
