#include "tests/support/stored.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "tests/support/databases.h"
#include "tests/support/ok.h"

#define END "."
enum { LINE_MAX_BYTES = 1 << 20 };

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

/* A psql that takes statements and gives rows as they come. */
static void psql_start(struct stored *stored)
{
    int to[2], from[2];
    assert_int_equal(pipe2(to, O_CLOEXEC), 0);
    assert_int_equal(pipe2(from, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO), 0);
    const char *arguments[] = {
        "psql", "-X",    "-q", "-A",       "-t", "-F", "|", "-v", "ON_ERROR_STOP=1", "-h", postgres_directory(),
        "-U",   "owner", "-d", "postgres", NULL};
    assert_int_equal(posix_spawnp(&stored->psql, "psql", &actions, NULL, (char *const *)arguments, environ), 0);
    assert_int_equal(posix_spawn_file_actions_destroy(&actions), 0);
    (void)close(to[0]);
    (void)close(from[1]);
    stored->to = fdopen(to[1], "w");
    stored->from = fdopen(from[0], "r");
    assert_true(stored->to && stored->from);
}

static void postgresql_fill(FILE *in, const struct table *table)
{
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
}

void stored_init(enum stored_engine engine, const struct table *table, struct stored *ret)
{
    *ret = (struct stored){.engine = engine};
    if (engine == STORED_POSTGRESQL) {
        ret->dialect = &dialect_postgresql;
        psql_start(ret);
        assert_true(fprintf(ret->to, "%s;\n", ret->dialect->session) > 0);
        postgresql_fill(ret->to, table);
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
    if (stored->psql) {
        int status;
        assert_int_equal(fclose(stored->to), 0);
        assert_int_equal(fclose(stored->from), 0);
        assert_int_equal(waitpid(stored->psql, &status, 0), stored->psql);
        assert_int_equal(status, 0);
    }
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

static void postgresql_query(struct stored *stored, const struct formula_query *query, __int128 *values, size_t count)
{
    char *line = malloc(LINE_MAX_BYTES);
    assert_non_null(line);
    assert_true(fprintf(stored->to, "%s;\n\\echo " END "\n", query->text) > 0);
    assert_int_equal(fflush(stored->to), 0);
    for (;;) {
        if (!fgets(line, LINE_MAX_BYTES, stored->from)) fail_msg("psql ended at: %.2000s", query->text);
        line[strcspn(line, "\n")] = 0;
        if (strcmp(line, END) == 0) break;
        postgresql_row(query, line, values, count);
    }
    free(line);
}

void stored_values(struct stored *stored, const struct formula_sums *sums, __int128 *values, size_t count)
{
    CLEANUP(formula_queries_done) struct formula_queries queries = {0};
    OK(formula_sql(sums, stored->dialect, STORED_TABLE, &queries));
    for (size_t q = 0; q < queries.count; q++) {
        if (stored->engine == STORED_SQLITE)
            sqlite_query(stored->database, &queries.items[q], values, count);
        else
            postgresql_query(stored, &queries.items[q], values, count);
    }
}
