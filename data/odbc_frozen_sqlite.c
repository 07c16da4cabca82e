/* SQLite: rows go in as bound values; numbers come back as texts of 20 digits, which give the double again, as the
 * driver hands every value over as a text. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/dialect.h"
#include "data/odbc_frozen_engine.h"

enum { BLOCK_ROWS = 1024, CELL_BYTES = 48 };

/* The table's file, attached. What is wrong with it is wrong with the file that the caller has. */
static struct result ready(struct odbc_frozen *frozen)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    const char *sql;
    ENSURE(frozen->place->file, CATEGORY_BUG, "no file for a table of SQLite");
    if (access(frozen->place->file, F_OK) != 0) return frozen_fail_changed(frozen, "it is gone");
    TRY(buffer_text(&text, "ATTACH DATABASE '"));
    for (const char *at = frozen->place->file; *at; at++) {
        if (*at == '\'') TRY(buffer_u8(&text, '\''));
        TRY(buffer_u8(&text, (uint8_t)*at));
    }
    TRY(buffer_text(&text, "' AS cofferdam"));
    TRY(buffer_terminate(&text, &sql));
    TRY(frozen_run(frozen, sql));
    return frozen_close(frozen);
}

/* --- writing --- */

/* What the parameters point to. */
struct bound {
    int64_t *integers;
    double *numbers;
    SQLLEN *lengths;
};

static void bound_done(struct bound *bound)
{
    free(bound->integers);
    free(bound->numbers);
    free(bound->lengths);
}

static struct result bind(struct odbc_frozen *frozen, size_t k, struct bound *bound)
{
    const bool number = frozen->shape.columns[k].kind == FROZEN_NUMBER;
    void *value = number ? (void *)&bound->numbers[k] : (void *)&bound->integers[k];
    return odbc_link_check(&frozen->link,
                           SQLBindParameter(frozen->link.statement, (SQLUSMALLINT)(k + 1), SQL_PARAM_INPUT,
                                            number ? SQL_C_DOUBLE : SQL_C_SBIGINT, number ? SQL_DOUBLE : SQL_BIGINT, 0,
                                            0, value, 0, &bound->lengths[k]));
}

static struct result prepare(struct odbc_frozen *frozen, struct bound *bound)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    const char *sql;
    TRY(buffer_format(&text, "INSERT INTO %s VALUES (", frozen->name));
    for (size_t k = 0; k < frozen->shape.count; k++) TRY(buffer_text(&text, k ? ", ?" : "?"));
    TRY(buffer_text(&text, ")"));
    TRY(buffer_terminate(&text, &sql));
    TRY(odbc_link_check(&frozen->link, SQLPrepare(frozen->link.statement, (SQLCHAR *)(uintptr_t)sql, SQL_NTS)));
    for (size_t k = 0; k < frozen->shape.count; k++) TRY(bind(frozen, k, bound));
    return RESULT_OK;
}

static struct result add_all(struct odbc_frozen *frozen, const struct table *table, struct bound *bound)
{
    TRY(prepare(frozen, bound));
    for (uint64_t row = 0; row < table->rows; row++) {
        for (size_t k = 0; k < frozen->shape.count; k++) {
            const struct frozen_column *column = &frozen->shape.columns[k];
            const struct frozen_value value = frozen_value_of(column, table, row, frozen->sum.rows + row);
            bound->integers[k] = value.integer;
            bound->numbers[k] = value.number;
            bound->lengths[k] = column->kind == FROZEN_NUMBER && isnan(value.number) ? SQL_NULL_DATA : 0;
        }
        TRY(odbc_link_check(&frozen->link, SQLExecute(frozen->link.statement)));
    }
    return frozen_close(frozen);
}

static struct result add(struct odbc_frozen *frozen, const struct table *table)
{
    const size_t count = frozen->shape.count;
    CLEANUP(bound_done)
    struct bound bound = {calloc(count, sizeof *bound.integers), calloc(count, sizeof *bound.numbers),
                          calloc(count, sizeof *bound.lengths)};
    ENSURE(bound.integers && bound.numbers && bound.lengths, CATEGORY_ENVIRONMENT, "out of memory for %zu columns",
           count);
    struct result result = add_all(frozen, table, &bound);
    (void)SQLFreeStmt(frozen->link.statement, SQL_RESET_PARAMS); /* they point into what goes now */
    return result;
}

/* --- reading --- */

/* A block of rows as texts. */
struct block {
    char *texts; /* column after column, CELL_BYTES a value */
    SQLLEN *lengths;
    SQLULEN fetched;
};

static void block_done(struct block *block)
{
    free(block->texts);
    free(block->lengths);
}

/* A value that is of another type than it was written with is none of a frozen row: '?' is no number. */
static struct result select_all(struct odbc_frozen *frozen)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    const char *sql;
    TRY(buffer_text(&text, "SELECT "));
    for (size_t k = 0; k < frozen->shape.count; k++) {
        const char *name = frozen->shape.columns[k].name, *comma = k ? ", " : "";
        if (frozen->shape.columns[k].kind == FROZEN_NUMBER)
            TRY(buffer_format(&text,
                              "%sCASE typeof(%s) WHEN 'real' THEN printf('%%!.20g', %s) WHEN 'null' THEN NULL "
                              "ELSE '?' END",
                              comma, name, name));
        else
            TRY(buffer_format(&text, "%sCASE typeof(%s) WHEN 'integer' THEN %s ELSE '?' END", comma, name, name));
    }
    TRY(buffer_format(&text, " FROM %s ORDER BY n", frozen->name));
    TRY(buffer_terminate(&text, &sql));
    return frozen_run(frozen, sql);
}

static struct result bind_block(struct odbc_frozen *frozen, struct block *block)
{
    SQLHSTMT statement = frozen->link.statement;
    TRY(odbc_link_check(&frozen->link, SQLSetStmtAttr(statement, SQL_ATTR_ROW_ARRAY_SIZE, (void *)BLOCK_ROWS, 0)));
    TRY(odbc_link_check(&frozen->link, SQLSetStmtAttr(statement, SQL_ATTR_ROWS_FETCHED_PTR, &block->fetched, 0)));
    for (size_t k = 0; k < frozen->shape.count; k++)
        TRY(odbc_link_check(&frozen->link, SQLBindCol(statement, (SQLUSMALLINT)(k + 1), SQL_C_CHAR,
                                                      block->texts + k * BLOCK_ROWS * CELL_BYTES, CELL_BYTES,
                                                      block->lengths + k * BLOCK_ROWS)));
    return RESULT_OK;
}

static bool value_of(const struct frozen_column *column, const char *text, SQLLEN length, struct frozen_value *ret)
{
    static const struct number_format plain = {0};
    uint64_t integer;
    *ret = (struct frozen_value){.number = NAN};
    if (length == SQL_NULL_DATA) return column->kind == FROZEN_NUMBER;
    if (length < 0 || length >= CELL_BYTES) return false;
    if (column->kind == FROZEN_NUMBER) return number_parse(view_of(text, (size_t)length), &plain, &ret->number);
    if (!result_ok(frozen_integer(text, &integer))) return false;
    ret->integer = (int64_t)integer;
    return true;
}

static struct result take_row(struct odbc_frozen *frozen, const struct block *block, size_t at)
{
    for (size_t k = 0; k < frozen->shape.count; k++) {
        const size_t place = k * BLOCK_ROWS + at;
        if (!value_of(&frozen->shape.columns[k], block->texts + place * CELL_BYTES, block->lengths[place],
                      &frozen->values[k]))
            return frozen_fail_changed(frozen, "a value is of another type");
    }
    buffer_clear(&frozen->row);
    TRY(frozen_row_write(&frozen->shape, frozen->values, &frozen->row));
    struct reader reader = reader_of(buffer_view(&frozen->row), frozen->name);
    return frozen_take(frozen, &reader);
}

static struct result fetch_all(struct odbc_frozen *frozen, struct block *block)
{
    TRY(select_all(frozen));
    TRY(bind_block(frozen, block));
    for (;;) {
        block->fetched = 0;
        SQLRETURN got = SQLFetch(frozen->link.statement);
        if (got == SQL_NO_DATA) return frozen_close(frozen);
        TRY(odbc_link_check(&frozen->link, got));
        for (size_t at = 0; at < block->fetched; at++) TRY(take_row(frozen, block, at));
    }
}

static struct result rows(struct odbc_frozen *frozen)
{
    SQLHSTMT statement = frozen->link.statement;
    CLEANUP(block_done)
    struct block block = {calloc(frozen->shape.count * BLOCK_ROWS, CELL_BYTES),
                          calloc(frozen->shape.count * BLOCK_ROWS, sizeof *block.lengths), 0};
    ENSURE(block.texts && block.lengths, CATEGORY_ENVIRONMENT, "out of memory for a block of rows");
    struct result result = fetch_all(frozen, &block);
    (void)SQLFreeStmt(statement, SQL_UNBIND); /* what it points to goes now */
    (void)SQLSetStmtAttr(statement, SQL_ATTR_ROWS_FETCHED_PTR, NULL, 0);
    (void)SQLSetStmtAttr(statement, SQL_ATTR_ROW_ARRAY_SIZE, (void *)1, 0);
    return result;
}

const struct frozen_engine frozen_engine_sqlite = {
    .name = "SQLite",
    .dialect = &dialect_sqlite,
    .types = {[FROZEN_N] = "INTEGER PRIMARY KEY",
              [FROZEN_HELD] = "INTEGER",
              [FROZEN_NUMBER] = "REAL",
              [FROZEN_MARK] = "INTEGER",
              [FROZEN_CODE] = "INTEGER"},
    .begin = "BEGIN",
    .commit = "COMMIT",
    .ready = ready,
    .there = "SELECT count(*) FROM cofferdam.sqlite_master WHERE type = 'table' AND name = '%s'",
    .add = add,
    .rows = rows,
};
