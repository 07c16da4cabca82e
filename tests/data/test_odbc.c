/* Rows of databases: the texts that values become, what is refused and how, rows in blocks, servers that go away. The
 * drivers and the PostgreSQL server are Debian's; tests of what is not installed say so and are skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/odbc.h"
#include "tests/support/databases.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"

#define PASSWORD "geh;ei}m w{or=t"

static char directory[SCRATCH_MAX], sqlite[DATABASE_TEXT_MAX], postgres[DATABASE_TEXT_MAX];
static bool with_sqlite, with_postgres;
static const struct column_spec key = {.name = "k", .kind = COLUMN_TEXT, .missing_allowed = true};

/* The records that came, fields behind each other with '|', rows with '\n'; and, after so many, an event. */
struct seen {
    struct buffer text;
    uint64_t rows, event_at;
    void (*event)(void);
};

static struct result see(void *context, struct view record)
{
    struct seen *seen = context;
    for (size_t k = 0; k < record.length; k++)
        TRY(buffer_u8(&seen->text, record.data[k] ? record.data[k] : k + 1 < record.length ? '|' : '\n'));
    if (++seen->rows == seen->event_at) seen->event();
    return RESULT_OK;
}

static struct result read_source(const struct odbc_source *source, struct seen *seen)
{
    CLEANUP(table_freep) struct table *table = NULL;
    struct csv_options options = {.witness = {seen, see}};
    return odbc_read(source, &options, &key, 1, 10000000, &table);
}

static struct odbc_source of(const char *connection, const char *query)
{
    return (struct odbc_source){.name = "customers", .connection = connection, .query = query};
}

static void expect(const char *connection, const char *query, const char *records)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    struct seen seen = {0};
    struct odbc_source source = of(connection, query);
    OK(read_source(&source, &seen));
    text = seen.text;
    OK(buffer_u8(&text, 0));
    assert_string_equal((const char *)text.data, records);
}

static void refuse_source(const struct odbc_source *source, enum category category, const char *part)
{
    struct seen seen = {0};
    struct result result = read_source(source, &seen);
    buffer_done(&seen.text);
    if (result_ok(result)) fail_msg("not refused for \"%s\"", part);
    if (!strstr(result_reason(), part)) fail_msg("\"%s\" lacks \"%s\"", result_reason(), part);
    if (result.category != category) fail_msg("category %d: %s", (int)result.category, result_reason());
    assert_null(strstr(result_reason(), "geh"));
}

static void refuse(const char *connection, const char *query, enum category category, const char *part)
{
    struct odbc_source source = of(connection, query);
    refuse_source(&source, category, part);
}

#define NEEDS(what)                                                                                                    \
    if (!(what)) skip()

static void values_of_sqlite(void **state)
{
    (void)state;
    NEEDS(with_sqlite);
    sqlite_make(
        directory,
        "CREATE TABLE t(k TEXT, i INTEGER, r REAL, n NUMERIC(12,3), v VARCHAR(3), o BOOLEAN, d DATE, s TIMESTAMP);"
        "INSERT INTO t VALUES ('a', 9007199254740993, 0.1, '1.234', 'hé€😀', 1, '2024-02-29',"
        " '2024-02-29 12:13:14.5'), ('b', NULL, NULL, NULL, NULL, NULL, NULL, NULL),"
        " ('c', 'many', 'much', -5, '', 0, 'soon', 'x')",
        sqlite);
    expect(sqlite, "SELECT * FROM t ORDER BY k",
           "a|9007199254740993|0.1|1.234|hé€😀|1|2024-02-29|2024-02-29 12:13:14.5\n"
           "b|||||||\n"
           "c|many|much|-5||0|soon|x\n");
    expect(sqlite, "SELECT k, 1.5 AS \"größe\" FROM t WHERE d = 'soon' OR v = 'hé€';", "c|1.5\n");
    expect(sqlite, "SELECT k, printf('%!.17g', 0.30000000000000004) AS x FROM t WHERE k = 'a'",
           "a|0.30000000000000004\n");
}

static void values_of_postgres(void **state)
{
    (void)state;
    NEEDS(with_postgres);
    postgres_sql("CREATE TABLE t(k text, i integer, b bigint, r real, d double precision, n numeric(12,3), nn numeric,"
                 " v varchar(5), o boolean, da date, s timestamp, tm time, u uuid, j jsonb);"
                 "INSERT INTO t VALUES ('a', -1, 9007199254740993, 0.1, 0.30000000000000004, 1.230, 0.00001, 'hé€😀',"
                 " true, '2024-02-29', '2024-02-29 12:13:14.5', '01:02:03',"
                 " 'f7ca281b-0000-4000-8000-00000000000A', '{\"x\": 1}');"
                 "INSERT INTO t(k, d, o, s) VALUES ('b', 'NaN', false, '1999-12-31 23:59:59');"
                 "INSERT INTO t(k, d, n) VALUES ('c', 1e300, -0.5);"
                 "CREATE VIEW wide AS SELECT k, repeat('x', 4095) AS v FROM t;"
                 "CREATE VIEW wider AS SELECT k, repeat('x', CASE WHEN k = 'b' THEN 4096 ELSE 1 END) AS v FROM t;");
    expect(postgres, "SELECT * FROM t ORDER BY k",
           "a|-1|9007199254740993|0.1|0.30000000000000004|1.230|0.00001|hé€😀|1|2024-02-29|2024-02-29 12:13:14.5|"
           "01:02:03|f7ca281b-0000-4000-8000-00000000000a|{\"x\": 1}\n"
           "b||||NaN||||0||1999-12-31 23:59:59|||\n"
           "c||||1e+300|-0.500||||||||\n");
    expect(postgres, "SELECT k FROM t WHERE v = 'hé€😀'", "a\n");
    CLEANUP(buffer_done) struct buffer text = {0};
    struct seen seen = {0};
    struct odbc_source wide = of(postgres, "SELECT * FROM wide");
    OK(read_source(&wide, &seen));
    text = seen.text;
    assert_int_equal(text.length, 3 * 4098);
    refuse(postgres, "SELECT * FROM wider ORDER BY k", CATEGORY_USAGE,
           "customers, row 2: column v: a text of more than 4095 characters; shorten it");
}

static void values_that_are_refused(void **state)
{
    (void)state;
    NEEDS(with_sqlite);
    sqlite_make(directory,
                "CREATE TABLE t(k TEXT, photo BLOB, long TEXT);"
                "INSERT INTO t VALUES ('a', NULL, 'x'), ('b', NULL, hex(zeroblob(3000)))",
                sqlite);
    refuse(sqlite, "SELECT * FROM t", CATEGORY_USAGE, "customers: column photo is binary, which no plan reads");
    refuse(sqlite, "SELECT k, long FROM t ORDER BY k", CATEGORY_USAGE,
           "customers, row 2: column long: a text of more than 4095 bytes");
    refuse(sqlite, "SELECT k, k FROM t", CATEGORY_USAGE, "customers: two columns are named \"k\"");
    refuse(sqlite, "SELECT long FROM t", CATEGORY_USAGE, "customers: there is no column k");
    refuse(sqlite, "SELECT k FROM t WHERE k = 'z'", CATEGORY_USAGE, "customers: the query gives no row");
}

static void every_row_of_many_blocks_comes_once(void **state)
{
    (void)state;
    NEEDS(with_sqlite);
    static const char rows[] = "WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < 5000) "
                               "SELECT k FROM n ORDER BY k";
    static const char served[] = "SELECT k FROM generate_series(1, 5000) k ORDER BY k";
    sqlite_make(directory, "", sqlite);
    for (int which = 0; which < 1 + with_postgres; which++) {
        CLEANUP(buffer_done) struct buffer text = {0}, expected = {0};
        struct seen seen = {0};
        struct odbc_source source = which ? of(postgres, served) : of(sqlite, rows);
        OK(read_source(&source, &seen));
        text = seen.text;
        for (int k = 1; k <= 5000; k++) OK(buffer_format(&expected, "%d\n", k));
        assert_true(view_equal(buffer_view(&text), buffer_view(&expected)));
    }
}

static void mistakes_with_sqlite(void **state)
{
    (void)state;
    NEEDS(with_sqlite);
    char nowhere[SCRATCH_MAX + 64];
    sqlite_make(directory, "CREATE TABLE t(k TEXT); INSERT INTO t VALUES ('a')", sqlite);
    refuse(sqlite, "SELECT * FROM nope", CATEGORY_ENVIRONMENT,
           "no such table: nope (1) (SQLSTATE HY000); correct odbc");
    refuse(sqlite, "SELECT x FROM t", CATEGORY_USAGE, "correct the column's name in odbc.query");
    refuse(sqlite, "SELECT FROM WHERE", CATEGORY_USAGE, "syntax error");
    refuse(sqlite, "DELETE FROM t", CATEGORY_USAGE, "a node only reads");
    expect(sqlite, "SELECT k FROM t", "a\n");
    (void)snprintf(nowhere, sizeof nowhere, "Driver=SQLite3;Database=%s/none.db", directory);
    refuse(nowhere, "SELECT 1", CATEGORY_ENVIRONMENT, "see that the database is there");
    (void)snprintf(nowhere, sizeof nowhere, "%s/none.db", directory);
    assert_int_equal(access(nowhere, F_OK), -1);
}

static void mistakes_without_a_driver(void **state)
{
    (void)state;
    struct odbc_source unknown = {.name = "customers", .dsn = "no such name", .table = "t", .password = PASSWORD};
    refuse_source(&unknown, CATEGORY_ENVIRONMENT, "name it in /etc/odbc.ini");
    refuse("Driver=/no/such/driver.so", "SELECT 1", CATEGORY_ENVIRONMENT, "odbc-postgresql for PostgreSQL");
}

static void mistakes_with_postgres(void **state)
{
    (void)state;
    NEEDS(with_postgres);
    char users[DATABASE_TEXT_MAX];
    postgres_sql("CREATE TABLE m(k text); INSERT INTO m VALUES ('a'); CREATE TABLE own(k text);"
                 "CREATE ROLE geher LOGIN PASSWORD '" PASSWORD "'; GRANT SELECT ON m TO geher;");
    postgres_connection(false, users);
    struct odbc_source source = of(users, "SELECT k FROM m");
    struct seen seen = {0};
    source.user = "geher";
    source.password = PASSWORD;
    OK(read_source(&source, &seen));
    buffer_done(&seen.text);
    source.query = "SELECT k FROM own";
    refuse_source(&source, CATEGORY_ENVIRONMENT, "grant SELECT");
    source.password = "geheim";
    refuse_source(&source, CATEGORY_ENVIRONMENT, "correct user and password");
    source.user = "gehtnicht";
    refuse_source(&source, CATEGORY_ENVIRONMENT, "correct user and password");
    refuse(postgres, "SELECT * FROM nope", CATEGORY_ENVIRONMENT, "correct odbc.table");
    refuse(postgres, "SELECT x FROM m", CATEGORY_USAGE, "SQLSTATE 42703");
    refuse(postgres, "WITH gone AS (DELETE FROM m RETURNING k) SELECT k FROM gone", CATEGORY_USAGE,
           "a node only reads; correct odbc.query");
    refuse(postgres, "SELECT 1 / (3 - k) AS k FROM generate_series(1, 5) k", CATEGORY_USAGE, "division by zero");
    expect(postgres, "SELECT k FROM m", "a\n");
}

static void a_server_that_dies_is_told(void **state)
{
    (void)state;
    NEEDS(with_postgres);
    CLEANUP(buffer_done) struct buffer text = {0};
    struct seen seen = {.event_at = 1500, .event = postgres_die};
    struct odbc_source source = of(postgres, "SELECT k FROM generate_series(1, 100000) k");
    struct result result = read_source(&source, &seen);
    text = seen.text;
    assert_int_equal(result.category, CATEGORY_ENVIRONMENT);
    if (!strstr(result_reason(), "customers, after ")) fail_msg("%s", result_reason());
    assert_true(seen.rows >= 1500 && seen.rows < 5000);
    refuse(postgres, "SELECT 1", CATEGORY_ENVIRONMENT, "see that the server runs");
    postgres_stop();
    with_postgres = postgres_start();
    postgres_connection(true, postgres);
}

/* In a process of its own, whose peak is told by the system. */
static long peak_of_scan(const struct odbc_source *source, uint64_t rows)
{
    struct rusage usage;
    int status = 1;
    pid_t child = fork();
    if (child == 0) {
        CLEANUP(csv_scan_freep) struct csv_scan *scan = NULL;
        bool good = result_ok(odbc_scan(source, &(struct csv_options){0}, &scan)) && scan->rows == rows;
        if (!good) puts(result_reason());
        _exit(good ? 0 : 1);
    }
    assert_true(child > 0 && wait4(child, &status, 0, &usage) == child);
    assert_int_equal(status, 0);
    return usage.ru_maxrss;
}

static void expect_no_more(const char *what, const char *connection, const char *few_rows, const char *all_rows)
{
    struct odbc_source few = of(connection, few_rows), all = of(connection, all_rows);
    long small = peak_of_scan(&few, 10000), large = peak_of_scan(&all, 1000000);
    print_message("%s: a peak of %ld KB for 10,000 rows, of %ld KB for 1,000,000\n", what, small, large);
    assert_true(large < small + 8192);
}

static void a_million_rows_take_no_more_memory(void **state)
{
    (void)state;
    NEEDS(with_sqlite);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* they keep what is freed */
#endif
    sqlite_make(directory,
                "CREATE TABLE t(k INTEGER, income REAL, town VARCHAR(20), note TEXT);"
                "WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < 1000000)"
                "INSERT INTO t SELECT k, k * 0.25, 'town ' || k % 50, 'note of customer number ' || k FROM n",
                sqlite);
    expect_no_more("SQLite", sqlite, "SELECT * FROM t WHERE k <= 10000", "SELECT * FROM t");
    if (with_postgres)
        expect_no_more("PostgreSQL", postgres,
                       "SELECT k, k / 4.0 AS income, 'note ' || k AS note FROM generate_series(1, 10000) k",
                       "SELECT k, k / 4.0 AS income, 'note ' || k AS note FROM generate_series(1, 1000000) k");
}

static int enter(void **state)
{
    (void)state;
    scratch_new(directory);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    scratch_remove(directory);
    return 0;
}

static int find(void **state)
{
    (void)state;
    with_sqlite = sqlite_there();
    with_postgres = postgres_start();
    if (with_postgres) postgres_connection(true, postgres);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    postgres_stop();
    return 0;
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(values_of_sqlite),
        CASE(values_of_postgres),
        CASE(values_that_are_refused),
        CASE(every_row_of_many_blocks_comes_once),
        CASE(mistakes_with_sqlite),
        CASE(mistakes_without_a_driver),
        CASE(mistakes_with_postgres),
        CASE(a_server_that_dies_is_told),
        CASE(a_million_rows_take_no_more_memory),
    };
    return cmocka_run_group_tests(tests, find, stop);
}
