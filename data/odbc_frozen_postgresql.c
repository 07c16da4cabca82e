/* PostgreSQL: rows go in as arrays of texts and come back as record_send has them, many at a time. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/dialect.h"
#include "data/odbc_frozen_engine.h"

enum { ADDED_ROWS = 4096, BLOCK_BYTES = 1 << 18, NUMBER_TEXT = 40 };
/* Integers up to here are exact doubles, and their texts short. */
#define WHOLE_MAX 1e15

/* --- writing --- */

/* The text of one column's array, as a parameter has it. */
struct array {
    struct buffer text;
    SQLLEN length;
};
struct arrays {
    struct array *items;
    size_t count;
};

static void arrays_done(struct arrays *arrays)
{
    for (size_t k = 0; arrays->items && k < arrays->count; k++) buffer_done(&arrays->items[k].text);
    free(arrays->items);
}

static int number_text(double number, char out[NUMBER_TEXT])
{
    if (isnan(number)) return snprintf(out, NUMBER_TEXT, "NULL");
    if (fabs(number) < WHOLE_MAX && number == trunc(number))
        return snprintf(out, NUMBER_TEXT, "%lld", (long long)number);
    return snprintf(out, NUMBER_TEXT, "%.17g", number);
}

static struct result array_of(const struct frozen_column *column, const struct table *table, uint64_t begin,
                              uint64_t end, uint64_t n, struct array *array)
{
    char text[NUMBER_TEXT];
    buffer_clear(&array->text);
    TRY(buffer_reserve(&array->text, (size_t)(end - begin) * NUMBER_TEXT));
    for (uint64_t row = begin; row < end; row++) {
        const struct frozen_value value = frozen_value_of(column, table, row, n + row);
        int length = column->kind == FROZEN_NUMBER ? number_text(value.number, text)
                                                   : snprintf(text, sizeof text, "%lld", (long long)value.integer);
        TRY(buffer_u8(&array->text, row == begin ? '{' : ','));
        TRY(buffer_append(&array->text, view_of(text, (size_t)length)));
    }
    TRY(buffer_u8(&array->text, '}'));
    array->length = (SQLLEN)array->text.length;
    return RESULT_OK;
}

static struct result prepare(struct odbc_frozen *frozen)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    const char *sql;
    TRY(buffer_format(&text, "INSERT INTO %s SELECT * FROM unnest(", frozen->name));
    for (size_t k = 0; k < frozen->shape.count; k++)
        TRY(buffer_format(&text, "%s?::%s[]", k ? ", " : "", frozen->engine->types[frozen->shape.columns[k].kind]));
    TRY(buffer_text(&text, ")"));
    TRY(buffer_terminate(&text, &sql));
    return odbc_link_check(&frozen->link, SQLPrepare(frozen->link.statement, (SQLCHAR *)(uintptr_t)sql, SQL_NTS));
}

static struct result bind(struct odbc_frozen *frozen, size_t k, struct array *array)
{
    return odbc_link_check(&frozen->link,
                           SQLBindParameter(frozen->link.statement, (SQLUSMALLINT)(k + 1), SQL_PARAM_INPUT, SQL_C_CHAR,
                                            SQL_LONGVARCHAR, array->text.length, 0, array->text.data,
                                            (SQLLEN)array->text.length, &array->length));
}

static struct result add_all(struct odbc_frozen *frozen, const struct table *table, struct arrays *arrays)
{
    const uint64_t before = frozen->sum.rows;
    TRY(prepare(frozen));
    for (uint64_t begin = 0; begin < table->rows; begin += ADDED_ROWS) {
        const uint64_t end = table->rows - begin > ADDED_ROWS ? begin + ADDED_ROWS : table->rows;
        for (size_t k = 0; k < arrays->count; k++) {
            TRY(array_of(&frozen->shape.columns[k], table, begin, end, before, &arrays->items[k]));
            TRY(bind(frozen, k, &arrays->items[k]));
        }
        TRY(odbc_link_check(&frozen->link, SQLExecute(frozen->link.statement)));
    }
    return frozen_close(frozen);
}

static struct result add(struct odbc_frozen *frozen, const struct table *table)
{
    CLEANUP(arrays_done)
    struct arrays arrays = {calloc(frozen->shape.count, sizeof *arrays.items), frozen->shape.count};
    ENSURE(arrays.items, CATEGORY_ENVIRONMENT, "out of memory for %zu columns", arrays.count);
    struct result result = add_all(frozen, table, &arrays);
    (void)SQLFreeStmt(frozen->link.statement, SQL_RESET_PARAMS); /* they point into what goes now */
    return result;
}

/* --- reading --- */

static struct result take_integer(void *context, const char *const *cells)
{
    uint64_t *values = context;
    for (size_t k = 0; k < 3 && cells[k]; k++) TRY(frozen_integer(cells[k], &values[k]));
    return RESULT_OK;
}

/* The rows as t, each with its columns by their names and in their order: as the statements of a round name them, too,
 * so that columns which changed their names are other rows. */
static struct result put_rows(const struct odbc_frozen *frozen, struct buffer *out)
{
    TRY(buffer_text(out, "(SELECT "));
    for (size_t k = 0; k < frozen->shape.count; k++)
        TRY(buffer_format(out, "%s%s", k ? ", " : "", frozen->shape.columns[k].name));
    return buffer_format(out, " FROM %s) AS t", frozen->name);
}

/* The sums are exact (numeric); each row's hash is written twice, and parallel workers share the rows. */
static struct result write_digest(const struct odbc_frozen *frozen, struct buffer *out, const char **ret)
{
    char key[2 * FROZEN_KEY_BYTES + 1];
    bytes_hex(view_of(frozen->sum.key, sizeof frozen->sum.key), key);
    TRY(buffer_reserve(out, (frozen->shape.count + 16) * 2 * ODBC_FROZEN_NAME_MAX)); /* what grows is not wiped */
    struct result result =
        buffer_format(out,
                      "SELECT count(*), sum(('x' || encode(substr(h, 1, 8), 'hex'))::bit(64)::bigint), "
                      "sum(('x' || encode(substr(h, 9, 8), 'hex'))::bit(64)::bigint) FROM "
                      "(SELECT sha256(decode('%s', 'hex') || record_send(t)) AS h FROM ",
                      key);
    explicit_bzero(key, sizeof key);
    TRY(result);
    TRY(put_rows(frozen, out));
    TRY(buffer_text(out, ") AS hashes"));
    return buffer_terminate(out, ret);
}

static struct result digest(struct odbc_frozen *frozen)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    const char *select;
    uint64_t values[3] = {0};
    struct result result = write_digest(frozen, &text, &select);
    if (result_ok(result))
        result = odbc_frozen_query(frozen, select, 3, (struct odbc_frozen_reader){values, take_integer});
    if (text.data) explicit_bzero(text.data, text.capacity);
    TRY(result);
    frozen->sum.rows = values[0];
    frozen->sum.pieces[0] = values[1];
    frozen->sum.pieces[1] = values[2];
    return RESULT_OK;
}

static struct result get_block(struct odbc_frozen *frozen, uint64_t begin, uint64_t end, struct buffer *block)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    const char *select;
    SQLLEN length = 0;
    TRY(buffer_text(&text, "SELECT string_agg(record_send(t), ''::bytea ORDER BY n) FROM "));
    TRY(put_rows(frozen, &text));
    TRY(buffer_format(&text, " WHERE n >= %lld AND n < %llu", begin ? (long long)begin : -LLONG_MAX,
                      (unsigned long long)end));
    TRY(buffer_terminate(&text, &select));
    TRY(frozen_run(frozen, select));
    TRY(odbc_link_check(&frozen->link, SQLFetch(frozen->link.statement)));
    TRY(odbc_link_check(&frozen->link, SQLGetData(frozen->link.statement, 1, SQL_C_BINARY, block->data,
                                                  (SQLLEN)block->capacity, &length)));
    if (length == SQL_NULL_DATA) length = 0;
    if (length < 0 || (size_t)length > block->capacity) return frozen_fail_changed(frozen, "it has more rows");
    block->length = (size_t)length;
    return frozen_close(frozen);
}

static struct result rows(struct odbc_frozen *frozen)
{
    CLEANUP(buffer_done) struct buffer block = {0};
    CLEANUP(buffer_done) struct buffer text = {0};
    const uint64_t most = 1 + BLOCK_BYTES / frozen_row_size(&frozen->shape);
    uint64_t last[3] = {0};
    const char *select;
    TRY(buffer_format(&text, "SELECT max(n) + 1 FROM %s", frozen->name));
    TRY(buffer_terminate(&text, &select));
    TRY(buffer_reserve(&block, (size_t)most * frozen_row_size(&frozen->shape)));
    TRY(odbc_frozen_query(frozen, select, 1, (struct odbc_frozen_reader){last, take_integer}));
    for (uint64_t begin = 0; begin < last[0]; begin += most) {
        const uint64_t end = last[0] - begin > most ? begin + most : last[0];
        TRY(get_block(frozen, begin, end, &block));
        struct reader reader = reader_of(buffer_view(&block), frozen->name);
        for (uint64_t n = begin; n < end; n++) TRY(frozen_take(frozen, &reader));
        if (reader.rest.length) return frozen_fail_changed(frozen, "it has more rows");
    }
    return RESULT_OK;
}

const struct frozen_engine frozen_engine_postgresql = {
    .name = "PostgreSQL",
    .dialect = &dialect_postgresql,
    .may = "SELECT (SELECT max(has_schema_privilege(oid, 'CREATE')::integer) FROM pg_namespace WHERE nspname = '%s')",
    .settings = "SELECT pg_catalog.set_config('array_nulls', 'on', false), "
                "pg_catalog.set_config('search_path', 'pg_catalog', false)",
    .types = {[FROZEN_N] = "bigint",
              [FROZEN_HELD] = "smallint",
              [FROZEN_NUMBER] = "double precision",
              [FROZEN_MARK] = "smallint",
              [FROZEN_CODE] = "integer"},
    .there = "SELECT CASE WHEN to_regclass('%s') IS NULL THEN 0 ELSE 1 END",
    .filled = "ALTER TABLE %s ADD PRIMARY KEY (n)",
    .add = add,
    .rows = rows,
    .digest = digest,
};
