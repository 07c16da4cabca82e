#include "data/odbc_link.h"

#include <string.h>
#include <strings.h>

#include "data/odbc_value.h"

enum { LOGIN_SECONDS = 30, NAME_UNITS = 64 };

/* Rows as they come instead of all at once, and no database made where there is none: words of single drivers, which
 * the others pass over, as ODBC tells them to. Behind the bank's own, which count first. */
static const char streaming[] = ";StepAPI=1;NoCreat=1;UseDeclareFetch=1;Fetch=1000";
/* The node's own statements give few rows, or long ones. */
static const char whole[] = ";StepAPI=1;NoCreat=1;UseDeclareFetch=0";

static SQLPOINTER number(uintptr_t value)
{
    return (SQLPOINTER)value; /* attributes that are numbers travel so */
}

static void wipe(struct buffer *buffer)
{
    if (buffer->data) explicit_bzero(buffer->data, buffer->capacity);
    buffer_done(buffer);
}

/* A value, in braces where it has characters of the connection string's own. */
static struct result put_word(const char *key, const char *value, struct buffer *out)
{
    if (!value) return RESULT_OK;
    const bool plain = *value && !strpbrk(value, "[]{}(),;?*=!@\\") && !strchr(" \t", *value);
    TRY(buffer_format(out, ";%s=%s", key, plain ? value : "{"));
    if (plain) return RESULT_OK;
    for (; *value; value++) {
        if (*value == '}') TRY(buffer_u8(out, '}'));
        TRY(buffer_u8(out, (uint8_t)*value));
    }
    return buffer_u8(out, '}');
}

/* Room is made first: what a growing buffer leaves behind is not wiped. */
static struct result connection_text(const struct odbc_source *source, enum odbc_use use, struct buffer *out)
{
    enum { ROOM = 1 << 14 };
    TRY(buffer_reserve(out, ROOM));
    TRY(source->dsn ? buffer_format(out, "DSN=%s", source->dsn) : buffer_text(out, source->connection));
    while (out->length && strchr("; \t\r\n", out->data[out->length - 1])) out->length--;
    TRY(put_word("UID", source->user, out));
    TRY(put_word("PWD", source->password, out));
    TRY(buffer_text(out, use == ODBC_READ ? streaming : whole));
    TRY(buffer_u8(out, 0));
    ENSURE(out->length < ROOM / 2, CATEGORY_USAGE, "the connection is longer than any driver reads");
    return RESULT_OK;
}

static struct result connect_to(struct odbc_link *link, enum odbc_use use)
{
    CLEANUP(wipe) struct buffer text = {0}, wide = {0};
    TRY(connection_text(link->source, use, &text));
    TRY(buffer_reserve(&wide, 2 * text.length));
    TRY(odbc_utf16((const char *)text.data, &wide));
    SQLRETURN done = SQLDriverConnectW(link->connection, NULL, (SQLWCHAR *)(void *)wide.data, SQL_NTS, NULL, 0, NULL,
                                       SQL_DRIVER_NOPROMPT);
    if (!SQL_SUCCEEDED(done)) return odbc_fail(link->source, SQL_HANDLE_DBC, link->connection);
    link->connected = true;
    return RESULT_OK;
}

static void know_server(struct odbc_link *link)
{
    SQLCHAR name[NAME_UNITS] = "";
    (void)SQLGetInfo(link->connection, SQL_DBMS_NAME, name, sizeof name, NULL);
    link->untyped = strcasecmp((const char *)name, "SQLite") == 0;
    link->postgres = strcasecmp((const char *)name, "PostgreSQL") == 0;
}

/* A transaction in which all rows are of one moment. What a driver does not know stays as it is. */
static void isolate(SQLHDBC connection)
{
    SQLUINTEGER known = 0;
    (void)SQLSetConnectAttrW(connection, SQL_ATTR_AUTOCOMMIT, number(SQL_AUTOCOMMIT_OFF), 0);
    (void)SQLGetInfo(connection, SQL_TXN_ISOLATION_OPTION, &known, sizeof known, NULL);
    SQLUINTEGER level = known & SQL_TXN_REPEATABLE_READ ? SQL_TXN_REPEATABLE_READ : known & SQL_TXN_SERIALIZABLE;
    if (level) (void)SQLSetConnectAttrW(connection, SQL_ATTR_TXN_ISOLATION, number(level), 0);
}

static struct result begin(struct odbc_link *link, enum odbc_use use)
{
    know_server(link);
    if (!link->untyped) isolate(link->connection); /* SQLite's driver streams outside of transactions only */
    SQLRETURN made = SQLAllocHandle(SQL_HANDLE_STMT, link->connection, &link->statement);
    if (!SQL_SUCCEEDED(made)) return odbc_fail(link->source, SQL_HANDLE_DBC, link->connection);
    const char *only = link->postgres ? "SET TRANSACTION READ ONLY" : link->untyped ? "PRAGMA query_only = 1" : NULL;
    if (!only || use == ODBC_WRITE) return RESULT_OK; /* the attribute, and the rights of the node's user, have to do */
    TRY(odbc_link_check(link, SQLExecDirect(link->statement, (SQLCHAR *)(uintptr_t)only, SQL_NTS)));
    return odbc_link_check(link, SQLFreeStmt(link->statement, SQL_CLOSE));
}

static struct result open_link(struct odbc_link *link, enum odbc_use use)
{
    bool made = SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &link->environment)) &&
                SQL_SUCCEEDED(SQLSetEnvAttr(link->environment, SQL_ATTR_ODBC_VERSION, number(SQL_OV_ODBC3), 0)) &&
                SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_DBC, link->environment, &link->connection));
    ENSURE(made, CATEGORY_ENVIRONMENT, "out of memory for a database");
    (void)SQLSetConnectAttrW(link->connection, SQL_ATTR_LOGIN_TIMEOUT, number(LOGIN_SECONDS), 0);
    (void)SQLSetConnectAttrW(link->connection, SQL_ATTR_ACCESS_MODE,
                             number(use == ODBC_READ ? SQL_MODE_READ_ONLY : SQL_MODE_READ_WRITE), 0);
    TRY(connect_to(link, use));
    return begin(link, use);
}

struct result odbc_link_open(const struct odbc_source *source, enum odbc_use use, struct odbc_link *ret)
{
    CLEANUP(odbc_link_done) struct odbc_link link = {.source = source};
    TRY(open_link(&link, use));
    *ret = link;
    link = (struct odbc_link){0}; /* given away */
    return RESULT_OK;
}

void odbc_link_done(struct odbc_link *link)
{
    if (link->statement) (void)SQLFreeHandle(SQL_HANDLE_STMT, link->statement);
    if (link->connected) {
        (void)SQLEndTran(SQL_HANDLE_DBC, link->connection, SQL_ROLLBACK);
        (void)SQLDisconnect(link->connection);
    }
    if (link->connection) (void)SQLFreeHandle(SQL_HANDLE_DBC, link->connection);
    if (link->environment) (void)SQLFreeHandle(SQL_HANDLE_ENV, link->environment);
    *link = (struct odbc_link){0};
}

struct result odbc_link_check(const struct odbc_link *link, SQLRETURN returned)
{
    if (SQL_SUCCEEDED(returned) || returned == SQL_NO_DATA) return RESULT_OK;
    return odbc_fail(link->source, SQL_HANDLE_STMT, link->statement);
}
