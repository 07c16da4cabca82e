#include <string.h>
#include <strings.h>

#include "data/odbc_link.h"
#include "data/odbc_value.h"

enum { SENTENCE_UNITS = 512, SENTENCE_MAX = 600, STATE = 5 };

#define INSTALL                                                                                                        \
    "install the driver: Debian's libsqliteodbc for SQLite, odbc-postgresql for PostgreSQL, odbc-mariadb for MariaDB " \
    "and MySQL, tdsodbc for SQL Server; `odbcinst -q -d` lists what is installed"
#define ADMIT "correct user and password, where odbc.credentials or odbc.environment of this source have them"

/* The first that fits: the beginning of SQLSTATE, and a part of the sentence. What the server's side may cure while a
 * run waits is the environment's, as a file that is not there; what the query says, and the values, are not. */
static const struct remedy {
    const char *state, *part;
    enum category category;
    const char *what;
} remedies[] = {
    {"", "Can't open lib", CATEGORY_ENVIRONMENT, INSTALL},
    {"IM002", "", CATEGORY_ENVIRONMENT, "name it in /etc/odbc.ini, or correct odbc.dsn; `odbcinst -q -s` lists them"},
    {"IM", "", CATEGORY_ENVIRONMENT, INSTALL},
    {"28", "", CATEGORY_ENVIRONMENT, ADMIT},
    {"", "authentication failed", CATEGORY_ENVIRONMENT, ADMIT},
    {"", "no password supplied", CATEGORY_ENVIRONMENT, ADMIT},
    {"08", "FATAL:  role", CATEGORY_ENVIRONMENT, ADMIT},
    {"08", "FATAL:  database", CATEGORY_ENVIRONMENT, "correct the database's name in odbc.ini or odbc.connection"},
    {"08", "", CATEGORY_ENVIRONMENT, "see that the server runs and can be reached from here, then try again"},
    {"57", "", CATEGORY_ENVIRONMENT, "the server is being stopped; try again when it runs"},
    {"42P01", "", CATEGORY_ENVIRONMENT, "correct odbc.table, or the query"},
    {"42S02", "", CATEGORY_ENVIRONMENT, "correct odbc.table, or the query"},
    {"", "no such table", CATEGORY_ENVIRONMENT, "correct odbc.table, or the query"},
    {"42703", "", CATEGORY_USAGE, "correct the column's name in odbc.query"},
    {"42S22", "", CATEGORY_USAGE, "correct the column's name in odbc.query"},
    {"", "no such column", CATEGORY_USAGE, "correct the column's name in odbc.query"},
    {"42501", "for schema", CATEGORY_ENVIRONMENT,
     "grant CREATE on it to the node's user, or name another in odbc.schema"},
    {"42501", "", CATEGORY_ENVIRONMENT, "grant SELECT to the node's user"},
    {"3F000", "", CATEGORY_ENVIRONMENT, "correct odbc.schema, or make that schema"},
    {"", "already exists", CATEGORY_ENVIRONMENT, "it is another's; name a schema of this node's own in odbc.schema"},
    {"54", "", CATEGORY_USAGE, "the plan has more columns than the database bears; leave out source.execute"},
    {"25006", "", CATEGORY_USAGE, "a node only reads; correct odbc.query"},
    {"", "readonly database", CATEGORY_USAGE, "a node only reads; correct odbc.query"},
    {"", "data-modifying", CATEGORY_USAGE, "a node only reads; correct odbc.query"},
    {"22", "", CATEGORY_USAGE, "correct the values, or odbc.query"},
    {"42", "", CATEGORY_USAGE, "correct odbc.query"},
    {"", "syntax error", CATEGORY_USAGE, "correct odbc.query"},
    {"", "connect failed", CATEGORY_ENVIRONMENT, "see that the database is there and may be read"},
    {"", "", CATEGORY_ENVIRONMENT, "the database's own log may say more; try again"},
};

static const struct remedy *remedy_of(const char *state, const char *sentence)
{
    const struct remedy *remedy = remedies;
    while (strncmp(state, remedy->state, strlen(remedy->state)) != 0 || !strstr(sentence, remedy->part)) remedy++;
    return remedy;
}

/* Blacks out what must not be seen. */
static void redact(char *sentence, const char *secret)
{
    const size_t length = secret ? strlen(secret) : 0;
    if (length == 0) return;
    for (char *at = sentence; (at = strcasestr(at, secret)) != NULL; at += length) memset(at, '*', length);
}

/* One line: runs of blanks and control characters become one blank, brackets of who speaks are dropped. */
static void flatten(char *sentence)
{
    char *from = sentence, *to = sentence;
    while (*from == '[' && strchr(from, ']')) from = strchr(from, ']') + 1;
    for (; *from; from++) {
        bool blank = (unsigned char)*from <= ' ' || *from == 0x7f;
        if (!blank)
            *to++ = *from;
        else if (to > sentence && to[-1] != ' ')
            *to++ = ' ';
    }
    while (to > sentence && strchr(" .;", to[-1])) to--;
    *to = 0;
}

static void narrow(const SQLWCHAR *wide, size_t units, char *out, size_t size)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    size_t length = 0;
    *out = 0;
    while (length < units && wide[length]) length++;
    (void)!result_ok(odbc_utf8(view_of(wide, length * sizeof *wide), &text)); /* what could be read will do */
    if (text.length == 0) return;
    length = text.length < size ? text.length : size - 1;
    memcpy(out, text.data, length);
    out[length] = 0;
}

struct result odbc_fail(const struct odbc_source *source, SQLSMALLINT kind, SQLHANDLE handle)
{
    SQLWCHAR wide_state[STATE + 1] = {0}, wide[SENTENCE_UNITS] = {0};
    SQLINTEGER native;
    SQLSMALLINT length;
    char state[STATE * 3 + 1], sentence[SENTENCE_MAX];
    SQLRETURN found = SQLGetDiagRecW(kind, handle, 1, wide_state, &native, wide, SENTENCE_UNITS, &length);
    ENSURE(SQL_SUCCEEDED(found), CATEGORY_ENVIRONMENT, "the database gives no answer, and no reason; try again");
    narrow(wide_state, STATE, state, sizeof state);
    narrow(wide, SENTENCE_UNITS, sentence, sizeof sentence);
    const struct remedy *remedy = remedy_of(state, sentence);
    redact(sentence, source->password);
    redact(sentence, source->user);
    flatten(sentence);
    return FAIL(remedy->category, "the database's driver says: %s (SQLSTATE %s); %s", sentence, state, remedy->what);
}
