/* Frozen rows in databases: what goes in comes back bit for bit, in chunks; the digest is the same whoever computes it;
 * what was changed is found; nothing half is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <math.h>
#include <sqlite3.h>

#include "data/odbc_frozen.h"
#include "tests/support/databases.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"

enum { ROWS = 5000, CHUNK = 1237 };
static char directory[SCRATCH_MAX], connections[2][DATABASE_TEXT_MAX], file[SCRATCH_MAX + 32];
static bool there[2];
static const uint8_t key[FROZEN_KEY_BYTES] = {1, 2, 3};

static const double specials[] = {-9, 999};
static const char *const levels[] = {"a", "b", "c"};
static const struct column_spec specs[] = {
    {.name = "x", .kind = COLUMN_NUMBER, .missing_allowed = true, .minimum = -1.7e308, .maximum = 1.7e308},
    {.name = "clamped", .kind = COLUMN_NUMBER, .minimum = -1, .maximum = 1, .outside = COLUMN_OUTSIDE_CLAMP},
    {.name = "id", .kind = COLUMN_TEXT},
    {.name = "special",
     .kind = COLUMN_NUMBER,
     .missing_allowed = true,
     .minimum = 0,
     .maximum = 10,
     .outside = COLUMN_OUTSIDE_MISSING,
     .specials = specials,
     .specials_count = 2},
    {.name = "level",
     .kind = COLUMN_CATEGORY,
     .missing_allowed = true,
     .other_allowed = true,
     .levels = levels,
     .levels_count = 3},
};
enum { SPECS = sizeof specs / sizeof *specs };

static void refuse(struct result result, enum category category, const char *part)
{
    if (result_ok(result)) fail_msg("not refused for \"%s\"", part);
    if (!strstr(result_reason(), part)) fail_msg("\"%s\" lacks \"%s\"", result_reason(), part);
    assert_int_equal(result.category, category);
}

static struct odbc_source source_of(int engine)
{
    return (struct odbc_source){.name = "customers", .connection = connections[engine], .table = "rows"};
}

static struct odbc_frozen_place place_of(const struct odbc_source *source)
{
    return (struct odbc_frozen_place){
        .source = source, .schema = "frozen", .table = "cofferdam_0123456789abcdef", .file = file};
}

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Numbers of every size, among them those at the ends of what a double can be. */
static void number_for(uint64_t row, uint64_t *state, char out[64])
{
    static const char *const hard[] = {"",
                                       "4.9406564584124654e-324",
                                       "2.2250738585072011e-308",
                                       "2.2250738585072014e-308",
                                       "1.6999999999999998e308",
                                       "-1.7e308",
                                       "9007199254740993",
                                       "0.1",
                                       "-0",
                                       "1e15",
                                       "999999999999999",
                                       "123456789012345678"};
    if (row < sizeof hard / sizeof *hard) {
        (void)snprintf(out, 64, "%s", hard[row]);
        return;
    }
    double value;
    do {
        uint64_t bits = next(state);
        memcpy(&value, &bits, sizeof value);
    } while (!(fabs(value) <= 1.7e308));
    (void)snprintf(out, 64, "%.17g", value);
}

static struct table *table_of(uint64_t rows)
{
    static const char *const clamps[] = {"0.25", "-3", "7", "1"}, *const codes[] = {"-9", "999", "5.5", "11", ""},
                             *const texts[] = {"a", "b", "c", "z", ""};
    struct table *table = NULL;
    uint64_t state = 88172645463325252;
    OK(table_new(specs, SPECS, rows, &table));
    for (uint64_t row = 0; row < rows; row++) {
        char number[64], id[32];
        number_for(row, &state, number);
        (void)snprintf(id, sizeof id, "id%llu", (unsigned long long)row);
        struct view fields[SPECS] = {view_text(number), view_text(clamps[row % 4]), view_text(id),
                                     view_text(codes[row % 5]), view_text(texts[next(&state) % 5])};
        for (size_t k = 0; k < SPECS; k++)
            if (fields[k].length == 0) fields[k].data = NULL;
        OK(table_add_row(table, fields, NULL));
    }
    table->held = calloc((size_t)rows + 1, 1);
    for (uint64_t row = 0; row < rows; row++) table->held[row] = row % 3 == 0;
    return table;
}

static void file_empty(void)
{
    FILE *made = fopen(file, "w");
    assert_non_null(made);
    assert_int_equal(fclose(made), 0);
}

static struct odbc_frozen *open_at(const struct odbc_frozen_place *place)
{
    struct odbc_frozen *frozen = NULL;
    OK(odbc_frozen_open(place, specs, SPECS, view_of(key, sizeof key), &frozen));
    return frozen;
}

static struct hash freeze_at(const struct odbc_frozen_place *place, const struct table *table)
{
    struct hash hash;
    file_empty();
    struct odbc_frozen *frozen = open_at(place);
    OK(odbc_frozen_create(frozen, true));
    OK(odbc_frozen_add(frozen, table));
    OK(odbc_frozen_commit(frozen, &hash));
    odbc_frozen_free(frozen);
    return hash;
}

/* Compares what comes with a table. */
struct comparing {
    const struct table *table;
    uint64_t row;
};

static struct result compare(void *context, const struct table *chunk)
{
    struct comparing *comparing = context;
    const struct table *table = comparing->table;
    assert_true(chunk->rows <= CHUNK);
    for (uint64_t row = 0; row < chunk->rows; row++, comparing->row++) {
        const uint64_t at = comparing->row;
        assert_true(at < table->rows);
        assert_int_equal(chunk->held[row], table->held[at]);
        for (size_t k = 0; k < SPECS; k++) {
            const struct column *a = &chunk->columns[k], *b = &table->columns[k];
            if (a->numbers && !isnan(b->numbers[at]))
                assert_memory_equal(&a->numbers[row], &b->numbers[at], sizeof(double));
            if (a->numbers) assert_int_equal(isnan(a->numbers[row]), isnan(b->numbers[at]));
            if (a->marks) assert_int_equal(a->marks[row], b->marks[at]);
            if (a->codes) assert_int_equal(a->codes[row], b->codes[at]);
            if (a->starts) assert_int_equal(a->starts[row + 1], 0);
        }
    }
    return RESULT_OK;
}

static void rows_come_back_as_they_went(void **state)
{
    (void)state;
    struct table *table = table_of(ROWS);
    struct hash hashes[2], streamed, digested;
    for (int engine = 0; engine < 2; engine++) {
        if (!there[engine]) continue;
        struct odbc_source source = source_of(engine);
        struct odbc_frozen_place place = place_of(&source);
        hashes[engine] = freeze_at(&place, table);
        struct odbc_frozen *frozen = open_at(&place);
        struct comparing comparing = {table, 0};
        uint64_t rows = 0;
        OK(odbc_frozen_begin(frozen));
        OK(odbc_frozen_digest(frozen, &rows, &digested));
        OK(odbc_frozen_stream(frozen, CHUNK, (struct odbc_frozen_visitor){&comparing, compare}, &streamed));
        odbc_frozen_free(frozen);
        assert_int_equal(rows, ROWS);
        assert_int_equal(comparing.row, ROWS);
        assert_true(hash_equal(&streamed, &hashes[engine]));
        assert_true(hash_equal(&digested, &hashes[engine]));
        OK(odbc_frozen_drop(&place));
        OK(odbc_frozen_drop(&place));
    }
    if (there[0] && there[1]) assert_true(hash_equal(&hashes[0], &hashes[1]));
    table_free(table);
}

enum { SQL_MAX = 256 };

/* The statement with every $ made the table's name. */
static void on_table(const char *statement, const char *name, char out[SQL_MAX])
{
    size_t length = 0;
    for (; *statement; statement++) {
        int more = snprintf(out + length, SQL_MAX - length, "%.*s", *statement == '$' ? 100 : 1,
                            *statement == '$' ? name : statement);
        length += (size_t)more;
    }
}

static void change(int engine, const char *sql)
{
    if (engine == 0) {
        postgres_sql(sql);
        return;
    }
    sqlite3 *database = NULL;
    char *message = NULL;
    assert_int_equal(sqlite3_open(file, &database), SQLITE_OK);
    if (sqlite3_exec(database, sql, NULL, NULL, &message) != SQLITE_OK) fail_msg("%s", message);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

static struct result pass(void *context, const struct table *chunk)
{
    (void)context;
    (void)chunk;
    return RESULT_OK;
}

/* Every change is found by the digest, or refused where the rows are no longer such. */
static void what_was_changed_is_found(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "UPDATE $ SET c0 = c0 * 1.0000000000000002 WHERE n = 777",
        "UPDATE $ SET c0 = NULL WHERE n = 7",
        "UPDATE $ SET c1 = 2 WHERE n = 7",
        "UPDATE $ SET held = 1 - held WHERE n = 4999",
        "UPDATE $ SET c4 = (c4 + 1) % 3 WHERE n = 0",
        "UPDATE $ SET c4 = 77 WHERE n = 0",
        "UPDATE $ SET m3 = 200 WHERE n = 10",
        "UPDATE $ SET n = 5000 WHERE n = 17",
        "UPDATE $ SET n = -1 WHERE n = 17",
        "DELETE FROM $ WHERE n = 4999",
        "DELETE FROM $ WHERE n = 0",
        "DELETE FROM $",
        "INSERT INTO $ SELECT 5000, held, c0, c1, m1, c3, m3, c4 FROM $ WHERE n = 1",
        "ALTER TABLE $ ADD COLUMN more integer",
        "ALTER TABLE $ RENAME c0 TO c; ALTER TABLE $ RENAME c1 TO c0; ALTER TABLE $ RENAME c TO c1",
    };
    struct table *table = table_of(ROWS);
    for (int engine = 0; engine < 2; engine++) {
        if (!there[engine]) continue;
        const char *name = engine ? "cofferdam_0123456789abcdef" : "frozen.cofferdam_0123456789abcdef";
        struct odbc_source source = source_of(engine);
        struct odbc_frozen_place place = place_of(&source);
        for (size_t k = 0; k < sizeof changes / sizeof *changes; k++) {
            char sql[SQL_MAX];
            const struct hash hash = freeze_at(&place, table);
            on_table(changes[k], name, sql);
            change(engine, sql);
            struct hash streamed, digested;
            uint64_t rows;
            struct odbc_frozen *frozen = open_at(&place);
            OK(odbc_frozen_begin(frozen));
            struct result result =
                odbc_frozen_stream(frozen, CHUNK, (struct odbc_frozen_visitor){NULL, pass}, &streamed);
            /* A column more is no change of what a statement names. */
            const bool same = strstr(changes[k], "ADD COLUMN");
            if (result_ok(result))
                assert_int_equal(hash_equal(&streamed, &hash), same);
            else
                assert_int_equal(result.category, CATEGORY_FALSE);
            odbc_frozen_free(frozen);
            frozen = open_at(&place);
            OK(odbc_frozen_begin(frozen));
            result = odbc_frozen_digest(frozen, &rows, &digested);
            if (result_ok(result))
                assert_int_equal(hash_equal(&digested, &hash), same);
            else
                assert_non_null(strstr(result_reason(), "is not the one that this run froze"));
            odbc_frozen_free(frozen);
        }
        OK(odbc_frozen_drop(&place));
    }
    table_free(table);
}

static void what_is_not_there_is_said(void **state)
{
    (void)state;
    struct table *table = table_of(3);
    for (int engine = 0; engine < 2; engine++) {
        if (!there[engine]) continue;
        struct odbc_source source = source_of(engine);
        struct odbc_frozen_place place = place_of(&source);
        file_empty();
        struct odbc_frozen *frozen = open_at(&place);
        refuse(odbc_frozen_begin(frozen), CATEGORY_FALSE, "it is gone");
        odbc_frozen_free(frozen);
        (void)freeze_at(&place, table);
        frozen = open_at(&place);
        refuse(odbc_frozen_create(frozen, false), CATEGORY_ENVIRONMENT, "already exists");
        odbc_frozen_free(frozen);
        /* What is not committed leaves no trace. */
        frozen = open_at(&place);
        OK(odbc_frozen_create(frozen, true));
        OK(odbc_frozen_add(frozen, table));
        OK(odbc_frozen_add(frozen, table));
        odbc_frozen_free(frozen);
        frozen = open_at(&place);
        uint64_t rows;
        struct hash hash;
        OK(odbc_frozen_begin(frozen));
        OK(odbc_frozen_digest(frozen, &rows, &hash));
        assert_int_equal(rows, 3);
        odbc_frozen_free(frozen);
        OK(odbc_frozen_drop(&place));
    }
    table_free(table);
}

struct answer {
    char text[256];
};

static struct result answer_row(void *context, const char *const *cells)
{
    struct answer *answer = context;
    size_t length = strlen(answer->text);
    (void)snprintf(answer->text + length, sizeof answer->text - length, "%s|%s\n", cells[0] ? cells[0] : "NULL",
                   cells[1] ? cells[1] : "NULL");
    return RESULT_OK;
}

static void queries_give_texts(void **state)
{
    (void)state;
    struct table *table = table_of(10);
    for (int engine = 0; engine < 2; engine++) {
        if (!there[engine]) continue;
        struct odbc_source source = source_of(engine);
        struct odbc_frozen_place place = place_of(&source);
        (void)freeze_at(&place, table);
        struct odbc_frozen *frozen = open_at(&place);
        char select[256];
        struct answer answer = {""};
        (void)snprintf(
            select, sizeof select,
            "SELECT held, sum(n) FROM %s GROUP BY held UNION ALL SELECT NULL, 9223372036854775807 ORDER BY 2",
            odbc_frozen_name(frozen));
        OK(odbc_frozen_begin(frozen));
        OK(odbc_frozen_query(frozen, select, 2, (struct odbc_frozen_reader){&answer, answer_row}));
        assert_string_equal(answer.text, "1|18\n0|27\nNULL|9223372036854775807\n");
        if (engine == 0)
            refuse(odbc_frozen_query(frozen, "DELETE FROM frozen.cofferdam_0123456789abcdef RETURNING 1, 2", 2,
                                     (struct odbc_frozen_reader){&answer, answer_row}),
                   CATEGORY_USAGE, "read-only");
        odbc_frozen_free(frozen);
        OK(odbc_frozen_drop(&place));
    }
    table_free(table);
}

static void nobody_elses_operators_are_used(void **state)
{
    (void)state;
    if (!there[0]) skip();
    struct table *table = table_of(10);
    struct odbc_source source = source_of(0);
    struct odbc_frozen_place place = place_of(&source);
    (void)freeze_at(&place, table);
    struct odbc_frozen *frozen = open_at(&place);
    struct answer answer = {""};
    OK(odbc_frozen_begin(frozen));
    OK(odbc_frozen_query(frozen, "SELECT 1::float8 + 1::bigint, current_setting('transaction_isolation')", 2,
                         (struct odbc_frozen_reader){&answer, answer_row}));
    assert_string_equal(answer.text, "2|repeatable read\n");
    odbc_frozen_free(frozen);
    OK(odbc_frozen_drop(&place));
    table_free(table);
    struct odbc_frozen_about about;
    place.schema = "frozn";
    refuse(odbc_frozen_about(&place, &about), CATEGORY_ENVIRONMENT, "there is no schema frozn; correct odbc.schema");
    place.schema = NULL; /* whatever stands first in the user's search_path is not for us */
    refuse(odbc_frozen_about(&place, &about), CATEGORY_USAGE,
           "customers: push-down into PostgreSQL makes its tables in");
}

/* What a round reads is of one moment, whatever others do meanwhile. */
static void a_round_sees_one_moment(void **state)
{
    (void)state;
    if (!there[0]) skip();
    struct table *table = table_of(100);
    struct odbc_source source = source_of(0);
    struct odbc_frozen_place place = place_of(&source);
    const struct hash hash = freeze_at(&place, table);
    struct odbc_frozen *frozen = open_at(&place);
    struct hash found;
    uint64_t rows;
    OK(odbc_frozen_begin(frozen));
    postgres_sql("UPDATE frozen.cofferdam_0123456789abcdef SET c1 = 0 WHERE n = 5");
    OK(odbc_frozen_digest(frozen, &rows, &found));
    assert_true(hash_equal(&found, &hash));
    OK(odbc_frozen_stream(frozen, CHUNK, (struct odbc_frozen_visitor){NULL, pass}, &found));
    assert_true(hash_equal(&found, &hash));
    odbc_frozen_free(frozen);
    frozen = open_at(&place);
    OK(odbc_frozen_begin(frozen));
    OK(odbc_frozen_digest(frozen, &rows, &found));
    assert_false(hash_equal(&found, &hash));
    odbc_frozen_free(frozen);
    OK(odbc_frozen_drop(&place));
    table_free(table);
}

static int set_up(void **state)
{
    (void)state;
    scratch_new(directory);
    (void)snprintf(file, sizeof file, "%s/it's a table.db", directory);
    there[1] = sqlite_there();
    if (there[1]) sqlite_make(directory, "CREATE TABLE rows(x)", connections[1]);
    there[0] = postgres_start();
    if (!there[0]) return 0;
    postgres_sql("CREATE SCHEMA frozen");
    /* Settings that somebody else may have made; and an operator that would be taken before PostgreSQL's own. */
    postgres_sql("ALTER ROLE owner SET array_nulls = off; ALTER ROLE owner SET bytea_output = 'escape'; "
                 "ALTER ROLE owner SET extra_float_digits = -15; ALTER ROLE owner SET DateStyle = 'German'; "
                 "ALTER ROLE owner SET search_path = public, pg_catalog; "
                 "ALTER ROLE owner SET default_transaction_isolation = 'read committed'");
    postgres_sql("CREATE FUNCTION public.sum_of(float8, bigint) RETURNS float8 LANGUAGE sql AS 'SELECT 7::float8'; "
                 "CREATE OPERATOR public.+ (LEFTARG = float8, RIGHTARG = bigint, FUNCTION = public.sum_of)");
    postgres_connection(true, connections[0]);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    postgres_stop();
    scratch_remove(directory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back_as_they_went),     cmocka_unit_test(what_was_changed_is_found),
        cmocka_unit_test(what_is_not_there_is_said),       cmocka_unit_test(queries_give_texts),
        cmocka_unit_test(nobody_elses_operators_are_used), cmocka_unit_test(a_round_sees_one_moment),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
