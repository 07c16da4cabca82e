#include "tests/support/stored.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "tests/support/databases.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"

enum { LINE_MAX_BYTES = 1 << 20, COMMAND_MAX = 3 * SCRATCH_MAX };

/* "c0 double precision, m0 smallint, c1 integer": the stored columns, with or without their types. */
static void put_columns(const struct table *table, bool types, struct buffer *out)
{
    OK(buffer_text(out, types ? "n bigint PRIMARY KEY, held smallint" : "n, held"));
    for (size_t k = 0; k < table->columns_count; k++) {
        const struct column_spec *spec = &table->columns[k].spec;
        if (spec->kind == COLUMN_TEXT) continue;
        const char *type = spec->kind == COLUMN_NUMBER ? "double precision" : "integer";
        OK(buffer_format(out, ", c%zu %s", k, types ? type : ""));
        if (column_marked(spec)) OK(buffer_format(out, ", m%zu %s", k, types ? "smallint" : ""));
    }
}

static void sqlite_run(sqlite3 *database, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(database, sql, NULL, NULL, &message) != SQLITE_OK) fail_msg("%s", message);
}

static void sqlite_bind_row(sqlite3_stmt *statement, const struct table *table, uint64_t row)
{
    int at = 1;
    assert_int_equal(sqlite3_bind_int64(statement, at++, (int64_t)row), SQLITE_OK);
    assert_int_equal(sqlite3_bind_int(statement, at++, table->held && table->held[row]), SQLITE_OK);
    for (size_t k = 0; k < table->columns_count; k++) {
        const struct column *column = &table->columns[k];
        if (column->spec.kind == COLUMN_TEXT) continue;
        if (column->spec.kind == COLUMN_CATEGORY)
            assert_int_equal(sqlite3_bind_int(statement, at++, column->codes[row]), SQLITE_OK);
        else if (isnan(column->numbers[row]))
            assert_int_equal(sqlite3_bind_null(statement, at++), SQLITE_OK);
        else
            assert_int_equal(sqlite3_bind_double(statement, at++, column->numbers[row]), SQLITE_OK);
        if (column_marked(&column->spec))
            assert_int_equal(sqlite3_bind_int(statement, at++, column->marks[row]), SQLITE_OK);
    }
}

static void sqlite_fill(sqlite3 *database, const struct table *table)
{
    CLEANUP(buffer_done) struct buffer sql = {0};
    const char *text;
    size_t values = 2;
    for (size_t k = 0; k < table->columns_count; k++)
        values +=
            (table->columns[k].spec.kind == COLUMN_TEXT ? 0u : 1u) + (column_marked(&table->columns[k].spec) ? 1 : 0);
    OK(buffer_text(&sql, "INSERT INTO " STORED_TABLE "("));
    put_columns(table, false, &sql);
    OK(buffer_text(&sql, ") VALUES (?"));
    for (size_t k = 1; k < values; k++) OK(buffer_text(&sql, ", ?"));
    OK(buffer_text(&sql, ")"));
    OK(buffer_terminate(&sql, &text));
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(database, text, -1, &statement, NULL), SQLITE_OK);
    sqlite_run(database, "BEGIN");
    for (uint64_t row = 0; row < table->rows; row++) {
        sqlite_bind_row(statement, table, row);
        assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
        assert_int_equal(sqlite3_reset(statement), SQLITE_OK);
    }
    sqlite_run(database, "COMMIT");
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
}

static void psql(const char *arguments, char command[COMMAND_MAX])
{
    (void)snprintf(command, COMMAND_MAX, "psql -X -q -v ON_ERROR_STOP=1 -h %s -U owner -d postgres %s",
                   postgres_directory(), arguments);
}

static void postgresql_fill(const struct table *table)
{
    char command[COMMAND_MAX];
    psql(">/dev/null", command);
    FILE *in = popen(command, "w");
    assert_non_null(in);
    CLEANUP(buffer_done) struct buffer sql = {0};
    const char *text;
    OK(buffer_text(&sql, "SET client_min_messages = error; DROP TABLE IF EXISTS " STORED_TABLE
                         "; CREATE TABLE " STORED_TABLE "("));
    put_columns(table, true, &sql);
    OK(buffer_text(&sql, ");\nCOPY " STORED_TABLE " FROM STDIN WITH (DELIMITER ',', NULL '-');\n"));
    OK(buffer_terminate(&sql, &text));
    assert_true(fputs(text, in) >= 0);
    for (uint64_t row = 0; row < table->rows; row++) {
        (void)fprintf(in, "%llu,%d", (unsigned long long)row, table->held && table->held[row]);
        for (size_t k = 0; k < table->columns_count; k++) {
            const struct column *column = &table->columns[k];
            if (column->spec.kind == COLUMN_TEXT) continue;
            if (column->spec.kind == COLUMN_CATEGORY)
                (void)fprintf(in, ",%d", column->codes[row]);
            else if (isnan(column->numbers[row]))
                (void)fputs(",-", in);
            else
                (void)fprintf(in, ",%.17g", column->numbers[row]);
            if (column_marked(&column->spec)) (void)fprintf(in, ",%d", column->marks[row]);
        }
        (void)fputc('\n', in);
    }
    (void)fputs("\\.\nANALYZE " STORED_TABLE ";\n", in);
    assert_int_equal(pclose(in), 0);
}

void stored_init(enum stored_engine engine, const struct table *table, struct stored *ret)
{
    *ret = (struct stored){.engine = engine};
    if (engine == STORED_POSTGRESQL) {
        ret->dialect = &dialect_postgresql;
        postgresql_fill(table);
        return;
    }
    CLEANUP(buffer_done) struct buffer sql = {0};
    const char *text;
    sqlite3 *database = NULL;
    ret->dialect = &dialect_sqlite;
    assert_int_equal(sqlite3_open(":memory:", &database), SQLITE_OK);
    ret->database = database;
    OK(buffer_text(&sql, "CREATE TABLE " STORED_TABLE "("));
    put_columns(table, true, &sql);
    OK(buffer_text(&sql, ")"));
    OK(buffer_terminate(&sql, &text));
    sqlite_run(database, text);
    sqlite_fill(database, table);
}

void stored_done(struct stored *stored)
{
    if (stored->database) assert_int_equal(sqlite3_close(stored->database), SQLITE_OK);
    *stored = (struct stored){0};
}

static void sqlite_query(sqlite3 *database, const struct formula_query *query, __int128 *values, size_t count)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(database, query->text, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %.2000s", sqlite3_errmsg(database), query->text);
    assert_int_equal(sqlite3_column_count(statement), query->columns);
    const char **cells = calloc(query->columns + 1, sizeof *cells);
    assert_non_null(cells);
    int stepped;
    while ((stepped = sqlite3_step(statement)) == SQLITE_ROW) {
        for (size_t c = 0; c < query->columns; c++) cells[c] = (const char *)sqlite3_column_text(statement, (int)c);
        OK(formula_take(query, cells, values, count));
    }
    if (stepped != SQLITE_DONE) fail_msg("%s: %.2000s", sqlite3_errmsg(database), query->text);
    free(cells);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
}

/* Takes a line of cells apart in place. */
static void postgresql_row(const struct formula_query *query, char *line, __int128 *values, size_t count)
{
    const char **cells = calloc(query->columns + 1, sizeof *cells);
    assert_non_null(cells);
    for (size_t c = 0; c < query->columns; c++) {
        char *cell = strsep(&line, "|");
        assert_non_null(cell);
        cells[c] = *cell ? cell : NULL;
    }
    assert_null(line);
    OK(formula_take(query, cells, values, count));
    free(cells);
}

static void postgresql_query(const struct formula_query *query, __int128 *values, size_t count)
{
    char directory[SCRATCH_MAX], path[SCRATCH_MAX + 16], arguments[SCRATCH_MAX + 64], command[COMMAND_MAX];
    scratch_new(directory);
    (void)snprintf(path, sizeof path, "%s/sql", directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file, "%s;\n", query->text);
    assert_int_equal(fclose(file), 0);
    (void)snprintf(arguments, sizeof arguments, "-A -t -F '|' -f %s", path);
    psql(arguments, command);
    FILE *out = popen(command, "r");
    char *line = malloc(LINE_MAX_BYTES);
    assert_non_null(out);
    assert_non_null(line);
    while (fgets(line, LINE_MAX_BYTES, out)) {
        line[strcspn(line, "\n")] = 0;
        postgresql_row(query, line, values, count);
    }
    free(line);
    int status = pclose(out);
    if (status) fail_msg("psql ended with %d: %.2000s", status, query->text);
    scratch_remove(directory);
}

void stored_values(struct stored *stored, const struct formula_sums *sums, __int128 *values, size_t count)
{
    CLEANUP(formula_queries_done) struct formula_queries queries = {0};
    OK(formula_sql(sums, stored->dialect, STORED_TABLE, &queries));
    for (size_t q = 0; q < queries.count; q++) {
        if (stored->engine == STORED_SQLITE)
            sqlite_query(stored->database, &queries.items[q], values, count);
        else
            postgresql_query(&queries.items[q], values, count);
    }
}
