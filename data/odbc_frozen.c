#include "data/odbc_frozen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/dialect.h"
#include "data/odbc_frozen_engine.h"
#include "data/odbc_value.h"

enum { CELL_FIRST = 64 };

static struct result at_source(const struct odbc_frozen *frozen, struct result result)
{
    return result_at(result, "%s: ", frozen->place->source->name);
}

/* --- statements --- */

struct result frozen_run(struct odbc_frozen *frozen, const char *sql)
{
    CLEANUP(buffer_done) struct buffer wide = {0};
    TRY(odbc_utf16(sql, &wide));
    struct result result =
        odbc_link_check(&frozen->link, SQLExecDirectW(frozen->link.statement, (SQLWCHAR *)(void *)wide.data, SQL_NTS));
    explicit_bzero(wide.data, wide.length); /* it may hold the digest's key */
    return result;
}

/* A statement with its one %s, or none, made the name. */
static struct result statement_of(const char *format, const char *name, struct buffer *out, const char **ret)
{
    const char *place = strstr(format, "%s");
    TRY(buffer_append(out, view_of(format, place ? (size_t)(place - format) : strlen(format))));
    if (place) TRY(buffer_format(out, "%s%s", name, place + 2));
    return buffer_terminate(out, ret);
}

struct result frozen_close(struct odbc_frozen *frozen)
{
    return odbc_link_check(&frozen->link, SQLFreeStmt(frozen->link.statement, SQL_CLOSE));
}

/* A statement without a result. */
static struct result run_alone(struct odbc_frozen *frozen, const char *format)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    const char *sql;
    TRY(statement_of(format, frozen->name, &text, &sql));
    TRY(frozen_run(frozen, sql));
    return frozen_close(frozen);
}

static struct result end(struct odbc_frozen *frozen)
{
    if (frozen->engine->commit) return run_alone(frozen, frozen->engine->commit);
    SQLRETURN ended = SQLEndTran(SQL_HANDLE_DBC, frozen->link.connection, SQL_COMMIT);
    if (SQL_SUCCEEDED(ended)) return RESULT_OK;
    return odbc_fail(frozen->place->source, SQL_HANDLE_DBC, frozen->link.connection);
}

struct result frozen_integer(const char *text, uint64_t *ret)
{
    const bool minus = *text == '-';
    const char *digits = text + minus;
    uint64_t value = 0;
    ENSURE(*digits && strspn(digits, "0123456789") == strlen(digits), CATEGORY_ENVIRONMENT,
           "the database gives \"%.40s\" where a whole number was asked for", text);
    for (; *digits; digits++) value = 10 * value + (uint64_t)(*digits - '0');
    *ret = minus ? 0 - value : value;
    return RESULT_OK;
}

struct result frozen_fail_changed(const struct odbc_frozen *frozen, const char *how)
{
    return FAIL(CATEGORY_FALSE,
                "the table %s is not the one that this run froze: %s; it was changed or damaged, and the run cannot go "
                "on here",
                frozen->name, how);
}

/* --- open and close --- */

static struct result name_of(struct odbc_frozen *frozen)
{
    const struct odbc_frozen_place *place = frozen->place;
    const char *schema = frozen->link.postgres ? place->schema : "cofferdam";
    ENSURE(schema, CATEGORY_USAGE,
           "push-down into PostgreSQL makes its tables in a schema of this node's own; make one, and name it in "
           "odbc.schema");
    int length = snprintf(frozen->name, sizeof frozen->name, "\"%s\".\"%s\"", schema, place->table);
    ENSURE(length > 0 && (size_t)length < sizeof frozen->name, CATEGORY_USAGE, "the schema's name is too long");
    return RESULT_OK;
}

static struct result connect(struct odbc_frozen *frozen)
{
    TRY(odbc_link_open(frozen->place->source, ODBC_WRITE, &frozen->link));
    frozen->engine = frozen->link.postgres  ? &frozen_engine_postgresql
                     : frozen->link.untyped ? &frozen_engine_sqlite
                                            : NULL;
    ENSURE(frozen->engine, CATEGORY_USAGE,
           "push-down knows PostgreSQL and SQLite, and this is another database; leave out source.execute");
    TRY(name_of(frozen));
    if (!frozen->engine->settings) return RESULT_OK;
    TRY(run_alone(frozen, frozen->engine->settings));
    return end(frozen); /* a transaction of their own: what follows begins with its first statement */
}

static struct result ready(struct odbc_frozen *frozen, const struct column_spec *specs, size_t specs_count)
{
    TRY(connect(frozen));
    TRY(frozen_shape_of(specs, specs_count, &frozen->shape));
    frozen->values = calloc(frozen->shape.count, sizeof *frozen->values);
    ENSURE(frozen->values, CATEGORY_ENVIRONMENT, "out of memory for %zu columns", frozen->shape.count);
    return frozen->engine->ready ? frozen->engine->ready(frozen) : RESULT_OK;
}

struct result odbc_frozen_open(const struct odbc_frozen_place *place, const struct column_spec *specs,
                               size_t specs_count, struct view key, struct odbc_frozen **ret)
{
    CLEANUP(odbc_frozen_freep) struct odbc_frozen *frozen = calloc(1, sizeof *frozen);
    ENSURE(frozen, CATEGORY_ENVIRONMENT, "out of memory for a database");
    ENSURE(key.length == FROZEN_KEY_BYTES, CATEGORY_BUG, "a digest's key of %zu bytes", key.length);
    frozen->place = place;
    memcpy(frozen->sum.key, key.data, key.length);
    TRY(at_source(frozen, ready(frozen, specs, specs_count)));
    ENSURE(frozen->engine, CATEGORY_BUG, "a database of no engine");
    *ret = frozen;
    frozen = NULL;
    return RESULT_OK;
}

void odbc_frozen_free(struct odbc_frozen *frozen)
{
    if (!frozen) return;
    odbc_link_done(&frozen->link);
    frozen_shape_done(&frozen->shape);
    frozen_sum_done(&frozen->sum);
    free(frozen->values);
    buffer_done(&frozen->row);
    table_free(frozen->chunk);
    free(frozen);
}

void odbc_frozen_freep(struct odbc_frozen **frozen)
{
    odbc_frozen_free(*frozen);
}

const char *odbc_frozen_name(const struct odbc_frozen *frozen)
{
    return frozen->name;
}

const struct dialect *odbc_frozen_dialect(const struct odbc_frozen *frozen)
{
    return frozen->engine->dialect;
}

bool odbc_frozen_own_file(const struct odbc_frozen *frozen)
{
    return frozen->engine->begin;
}

static void sum_restart(struct frozen_sum *sum)
{
    sum->rows = sum->pieces[0] = sum->pieces[1] = 0;
}

/* --- writing --- */

static struct result create(struct odbc_frozen *frozen, bool replace)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    const char *sql;
    sum_restart(&frozen->sum);
    if (frozen->engine->begin) TRY(run_alone(frozen, frozen->engine->begin));
    if (replace) TRY(run_alone(frozen, "DROP TABLE IF EXISTS %s"));
    TRY(buffer_format(&text, "CREATE TABLE %s (", frozen->name));
    for (size_t k = 0; k < frozen->shape.count; k++)
        TRY(buffer_format(&text, "%s%s %s%s", k ? ", " : "", frozen->shape.columns[k].name,
                          frozen->engine->types[frozen->shape.columns[k].kind],
                          frozen->shape.columns[k].kind == FROZEN_NUMBER ? "" : " NOT NULL"));
    TRY(buffer_text(&text, ")"));
    TRY(buffer_terminate(&text, &sql));
    TRY(frozen_run(frozen, sql));
    return frozen_close(frozen);
}

struct result odbc_frozen_create(struct odbc_frozen *frozen, bool replace)
{
    return at_source(frozen, create(frozen, replace));
}

static struct result add(struct odbc_frozen *frozen, const struct table *table)
{
    const uint64_t before = frozen->sum.rows;
    TRY(frozen->engine->add(frozen, table));
    for (uint64_t row = 0; row < table->rows; row++) {
        buffer_clear(&frozen->row);
        for (size_t k = 0; k < frozen->shape.count; k++)
            frozen->values[k] = frozen_value_of(&frozen->shape.columns[k], table, row, before + row);
        TRY(frozen_row_write(&frozen->shape, frozen->values, &frozen->row));
        TRY(frozen_sum_add(&frozen->sum, buffer_view(&frozen->row)));
    }
    return RESULT_OK;
}

struct result odbc_frozen_add(struct odbc_frozen *frozen, const struct table *table)
{
    return table->rows ? at_source(frozen, add(frozen, table)) : RESULT_OK;
}

static struct result commit(struct odbc_frozen *frozen, struct hash *ret)
{
    if (frozen->engine->filled) TRY(run_alone(frozen, frozen->engine->filled));
    TRY(end(frozen));
    return frozen_sum_hash(&frozen->sum, ret);
}

struct result odbc_frozen_commit(struct odbc_frozen *frozen, struct hash *ret)
{
    return at_source(frozen, commit(frozen, ret));
}

static struct result drop(struct odbc_frozen *frozen)
{
    TRY(run_alone(frozen, "DROP TABLE IF EXISTS %s"));
    return end(frozen);
}

struct result odbc_frozen_drop(const struct odbc_frozen_place *place)
{
    static const uint8_t no_key[FROZEN_KEY_BYTES];
    CLEANUP(odbc_frozen_freep) struct odbc_frozen *frozen = NULL;
    TRY(odbc_frozen_open(place, NULL, 0, view_of(no_key, sizeof no_key), &frozen));
    if (odbc_frozen_own_file(frozen)) return RESULT_OK; /* all of it is in there */
    return at_source(frozen, drop(frozen));
}

/* --- reading --- */

/* One cell of the result's current row, a NUL behind it; *ret NULL for NULL. */
static struct result get_cell(struct odbc_frozen *frozen, size_t column, struct buffer *out, const char **ret)
{
    SQLLEN length = 0;
    TRY(buffer_reserve(out, CELL_FIRST));
    SQLRETURN got = SQLGetData(frozen->link.statement, (SQLUSMALLINT)(column + 1), SQL_C_CHAR, out->data,
                               (SQLLEN)out->capacity, &length);
    TRY(odbc_link_check(&frozen->link, got));
    ENSURE(length == SQL_NULL_DATA || (length >= 0 && (size_t)length < out->capacity), CATEGORY_ENVIRONMENT,
           "the database gives a longer text than a number can be");
    *ret = length == SQL_NULL_DATA ? NULL : (const char *)out->data;
    return RESULT_OK;
}

struct cells {
    struct buffer *buffers;
    const char **texts;
    size_t count;
};

static void cells_done(struct cells *cells)
{
    for (size_t k = 0; cells->buffers && k < cells->count; k++) buffer_done(&cells->buffers[k]);
    free(cells->buffers);
    free(cells->texts);
}

static struct result query(struct odbc_frozen *frozen, const char *select, size_t columns,
                           struct odbc_frozen_reader reader)
{
    CLEANUP(cells_done)
    struct cells cells = {calloc(columns + 1, sizeof *cells.buffers), calloc(columns + 1, sizeof *cells.texts),
                          columns};
    ENSURE(cells.buffers && cells.texts, CATEGORY_ENVIRONMENT, "out of memory for %zu columns", columns);
    SQLSMALLINT count = 0;
    TRY(frozen_run(frozen, select));
    TRY(odbc_link_check(&frozen->link, SQLNumResultCols(frozen->link.statement, &count)));
    ENSURE(count >= 0 && (size_t)count == columns, CATEGORY_BUG, "a query with %d columns, not %zu", count, columns);
    for (;;) {
        SQLRETURN got = SQLFetch(frozen->link.statement);
        if (got == SQL_NO_DATA) return frozen_close(frozen);
        TRY(odbc_link_check(&frozen->link, got));
        for (size_t k = 0; k < columns; k++) TRY(get_cell(frozen, k, &cells.buffers[k], &cells.texts[k]));
        TRY(reader.row(reader.context, cells.texts));
    }
}

struct result odbc_frozen_query(struct odbc_frozen *frozen, const char *select, size_t columns,
                                struct odbc_frozen_reader reader)
{
    return at_source(frozen, query(frozen, select, columns, reader));
}

static struct result is_there(void *context, const char *const *cells)
{
    return cells[0] ? frozen_integer(cells[0], context) : RESULT_OK;
}

static struct result may_make(struct odbc_frozen *frozen)
{
    enum { NO_SCHEMA = 2 };
    uint64_t may = NO_SCHEMA;
    CLEANUP(buffer_done) struct buffer text = {0};
    const char *sql, *schema = frozen->place->schema;
    if (!frozen->engine->may) return RESULT_OK;
    TRY(statement_of(frozen->engine->may, schema, &text, &sql));
    TRY(query(frozen, sql, 1, (struct odbc_frozen_reader){&may, is_there}));
    ENSURE(may != NO_SCHEMA, CATEGORY_ENVIRONMENT, "there is no schema %s; correct odbc.schema, or make that schema",
           schema);
    ENSURE(may, CATEGORY_ENVIRONMENT,
           "the node's user may make no table in the schema %s; grant CREATE on it, or name another in odbc.schema",
           schema);
    return RESULT_OK;
}

static struct result about(struct odbc_frozen *frozen, struct odbc_frozen_about *ret)
{
    TRY(connect(frozen));
    TRY(may_make(frozen));
    *ret = (struct odbc_frozen_about){.engine = frozen->engine->name,
                                      .dialect = frozen->engine->dialect,
                                      .digests = frozen->engine->digest,
                                      .own_file = odbc_frozen_own_file(frozen)};
    (void)snprintf(ret->name, sizeof ret->name, "%s", frozen->name);
    return RESULT_OK;
}

struct result odbc_frozen_about(const struct odbc_frozen_place *place, struct odbc_frozen_about *ret)
{
    CLEANUP(odbc_frozen_freep) struct odbc_frozen *frozen = calloc(1, sizeof *frozen);
    ENSURE(frozen, CATEGORY_ENVIRONMENT, "out of memory for a database");
    frozen->place = place;
    return at_source(frozen, about(frozen, ret));
}

static struct result begin(struct odbc_frozen *frozen)
{
    uint64_t there = 0;
    CLEANUP(buffer_done) struct buffer text = {0};
    const char *sql, *name = frozen->engine->begin ? frozen->place->table : frozen->name;
    /* The first statement of its transaction: the driver puts a savepoint around a later one, with which it would end.
     */
    TRY(run_alone(frozen, frozen->engine->begin ? frozen->engine->begin : "SET TRANSACTION READ ONLY"));
    if (frozen->engine->dialect->session) TRY(run_alone(frozen, frozen->engine->dialect->session));
    TRY(statement_of(frozen->engine->there, name, &text, &sql));
    TRY(query(frozen, sql, 1, (struct odbc_frozen_reader){&there, is_there}));
    return there ? RESULT_OK : frozen_fail_changed(frozen, "it is gone");
}

struct result odbc_frozen_begin(struct odbc_frozen *frozen)
{
    return at_source(frozen, begin(frozen));
}

static struct result give_chunk(struct odbc_frozen *frozen)
{
    struct table *chunk = frozen->chunk;
    if (chunk->rows) TRY(frozen->visitor.chunk(frozen->visitor.context, chunk));
    chunk->rows = 0;
    return RESULT_OK;
}

struct result frozen_take(struct odbc_frozen *frozen, struct reader *reader)
{
    const uint8_t *start = reader->rest.data;
    struct result taken = frozen_chunk_take(&frozen->shape, reader, frozen->sum.rows, frozen->chunk);
    if (taken.category == CATEGORY_FALSE) return frozen_fail_changed(frozen, result_reason());
    TRY(taken);
    TRY(frozen_sum_add(&frozen->sum, view_of(start, (size_t)(reader->rest.data - start))));
    return frozen->chunk->rows == frozen->chunk->capacity ? give_chunk(frozen) : RESULT_OK;
}

static struct result stream(struct odbc_frozen *frozen, uint64_t chunk, struct odbc_frozen_visitor visitor,
                            struct hash *ret)
{
    sum_restart(&frozen->sum);
    table_free(frozen->chunk);
    frozen->chunk = NULL;
    TRY(frozen_chunk_new(&frozen->shape, chunk, &frozen->chunk));
    frozen->visitor = visitor;
    TRY(frozen->engine->rows(frozen));
    TRY(give_chunk(frozen));
    return frozen_sum_hash(&frozen->sum, ret);
}

struct result odbc_frozen_stream(struct odbc_frozen *frozen, uint64_t chunk, struct odbc_frozen_visitor visitor,
                                 struct hash *ret)
{
    return at_source(frozen, stream(frozen, chunk, visitor, ret));
}

static struct result pass(void *context, const struct table *chunk)
{
    (void)context;
    (void)chunk;
    return RESULT_OK;
}

static struct result digest(struct odbc_frozen *frozen, uint64_t *ret_rows, struct hash *ret)
{
    enum { CHUNK = 1024 };
    sum_restart(&frozen->sum);
    if (frozen->engine->digest) {
        TRY(frozen->engine->digest(frozen));
        TRY(frozen_sum_hash(&frozen->sum, ret));
    } else {
        TRY(stream(frozen, CHUNK, (struct odbc_frozen_visitor){NULL, pass}, ret));
    }
    *ret_rows = frozen->sum.rows;
    return RESULT_OK;
}

struct result odbc_frozen_digest(struct odbc_frozen *frozen, uint64_t *ret_rows, struct hash *ret)
{
    return at_source(frozen, digest(frozen, ret_rows, ret));
}
