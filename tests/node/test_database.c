/* A bank's rows as a CSV file, in SQLite and in PostgreSQL: one frozen table, and one set of rows for the rule about
 * runs over nearly the same. Credentials come from a file that is theirs alone, or from the environment. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "node/database.h"
#include "node/freeze.h"
#include "node/repetition.h"
#include "node/source.h"
#include "sys/file.h"
#include "tests/support/databases.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"

enum { FILE_SOURCE, SQLITE_SOURCE, POSTGRES_SOURCE, SOURCES };
#define PATH_MAX_HERE (SCRATCH_MAX + 32)

static const char csv[] = "id,einkommen,geschlecht,ok,score,ausfall,seit\n"
                          "K1,1.50,w,ja,0.1,1,2020-02-29\n"
                          "K2,4.25,h,nein,x,1,1999-01-01\n"
                          "K3,,h,ja,,0,2021-12-31\n"
                          "K4,NA,w,ja,0.30000000000000004,1,\n"
                          "K5,2000.00,h,,7,0,2001-01-01\n"
                          "K6,3,k. A.,ja,-2.5,0,2002-02-02\n";
static const char sql[] =
    "CREATE TABLE customers(id varchar(8), einkommen varchar(10), geschlecht varchar(10), ok varchar(4), "
    "score varchar(24), ausfall integer, seit date);"
    "INSERT INTO customers VALUES ('K1', '1.50', 'w', 'ja', '0.1', 1, '2020-02-29'),"
    "('K2', '4.25', 'h', 'nein', 'x', 1, '1999-01-01'), ('K3', NULL, 'h', 'ja', NULL, 0, '2021-12-31'),"
    "('K4', 'NA', 'w', 'ja', '0.30000000000000004', 1, NULL),"
    "('K5', '2000.00', 'h', NULL, '7', 0, '2001-01-01'),"
    "('K6', '3', 'k. A.', 'ja', '-2.5', 0, '2002-02-02');";
static const char plan_text[] =
    "cofferdam: 1\nname: small\npurpose: credit-risk\ntask: logistic\ntarget: {column: default, positive: \"1\"}\n"
    "id: customer\nsplit: {fraction: 0.2, seed: test}\n"
    "features:\n  - {name: income, kind: number, min: 0, max: 5000, resolution: 1, missing: median}\n"
    "  - {name: sex, kind: category, levels: [f, m], baseline: f, other: level}\n"
    "  - {name: score, kind: number, min: -10, max: 10, resolution: 1, missing: mean}\n"
    "train: {penalty: 0, tolerance: 1.0e-8, rounds: 25}\n"
    "cohort: {minimum: 5, on_dropout: wait, rows: 10000}\n%s";

static char directory[SCRATCH_MAX], path[PATH_MAX_HERE], frozen_path[PATH_MAX_HERE], credentials[PATH_MAX_HERE];
static char connection[DATABASE_TEXT_MAX], name[] = "customers", query[] = "SELECT * FROM customers ORDER BY id";
static char yes[] = "ja", *given[] = {yes}, nothing[] = "NA", *missing[] = {nothing}, consent[] = "ok";
static struct config_level levels[] = {{"w", "f"}, {"h", "m"}};
static struct config_column columns[] = {
    {.plan = "customer", .column = "id", .factor = 1},
    {.plan = "income", .column = "einkommen", .factor = 1000},
    {.plan = "sex", .column = "geschlecht", .factor = 1, .levels = levels, .levels_count = 2},
    {.plan = "default", .column = "ausfall", .factor = 1},
};
static struct config_odbc odbc;
static bool there[SOURCES] = {true};

static struct config_source source_of(int which)
{
    struct config_source source = {.name = name,
                                   .delimiter = ',',
                                   .decimal = '.',
                                   .missing = missing,
                                   .missing_count = 1,
                                   .columns = columns,
                                   .columns_count = sizeof columns / sizeof *columns,
                                   .consent = {.column = consent, .given = given, .given_count = 1}};
    odbc = (struct config_odbc){.connection = connection, .query = query};
    if (which == FILE_SOURCE)
        source.file = path;
    else
        source.odbc = &odbc;
    if (which == SQLITE_SOURCE) sqlite_make(directory, sql, connection);
    if (which == POSTGRES_SOURCE) postgres_connection(true, connection);
    return source;
}

static int enter(void **state)
{
    (void)state;
    scratch_new(directory);
    (void)snprintf(path, sizeof path, "%s/rows.csv", directory);
    (void)snprintf(frozen_path, sizeof frozen_path, "%s/table", directory);
    (void)snprintf(credentials, sizeof credentials, "%s/credentials", directory);
    OK(file_write(path, view_text(csv), 0600));
    return 0;
}

static int leave(void **state)
{
    (void)state;
    scratch_remove(directory);
    return 0;
}

/* The plan, with privacy or without: rows that do not fit are left out, or stop the reading. */
static void one_table_of_all(const char *more, double first, uint64_t rows, uint64_t unfit)
{
    char text[2048];
    CLEANUP(plan_done) struct plan plan = {0};
    CLEANUP(sketch_key_freep) struct sketch_key *key = NULL;
    struct frozen frozen[SOURCES] = {0};
    (void)snprintf(text, sizeof text, plan_text, more);
    OK(plan_parse(view_text(text), "plan.yaml", &plan));
    OK(repetition_key(directory, name, &key));
    for (int i = 0; i < SOURCES; i++) {
        struct rows_difference found;
        if (!there[i]) continue;
        struct config_source source = source_of(i);
        OK(freeze_source(&source, &plan, key, frozen_path, &frozen[i]));
        assert_int_equal(frozen[i].table->rows, rows);
        assert_int_equal(frozen[i].table->without_consent, 2);
        assert_int_equal(frozen[i].table->unfit, unfit);
        assert_true(hash_equal(&frozen[0].hash, &frozen[i].hash));
        OK(rows_compare(&frozen[0].rows, &frozen[i].rows, &found));
        assert_true(found.same);
    }
    const struct column *income = table_column(frozen[0].table, "income");
    assert_true(income && income->observed_minimum == first);
    for (int i = 0; i < SOURCES; i++) frozen_done(&frozen[i]);
}

static void one_table_of_a_file_and_of_databases(void **state)
{
    (void)state;
    one_table_of_all("", 1500, 4, 0);
}

static void rows_that_do_not_fit_are_left_out_of_each(void **state)
{
    (void)state;
    columns[1].factor = 1e6; /* K1 is outside then, and K6 */
    one_table_of_all("privacy: {epsilon: 4, delta: 1.0e-6}\n", HUGE_VAL, 2, 2);
    columns[1].factor = 1000;
}

static void one_scan_of_all(void **state)
{
    (void)state;
    for (int i = 0; i < SOURCES; i++) {
        CLEANUP(source_options_done) struct source_options options = {0};
        CLEANUP(csv_scan_freep) struct csv_scan *scan = NULL;
        if (!there[i]) continue;
        struct config_source source = source_of(i);
        OK(source_options_of(&source, NULL, &options));
        struct join_losses losses;
        OK(source_scan(&source, &options.csv, &scan, &losses));
        assert_int_equal(losses.count, 0);
        assert_int_equal(scan->rows, 4);
        assert_int_equal(scan->without_consent, 2);
        assert_int_equal(scan->columns_count, 7);
        assert_string_equal(scan->columns[1].name, "income");
        assert_int_equal(scan->columns[1].missing, 2);
        assert_string_equal(scan->columns[2].values[0].text, "f");
        assert_int_equal(scan->columns[2].values[0].count, 2);
    }
}

static void nothing_is_frozen_of_half_a_table(void **state)
{
    (void)state;
    char text[2048], broken[] = "SELECT 'K' || k AS id, '1' AS einkommen, 'w' AS geschlecht, 'ja' AS ok, '1' AS score, "
                                "1 / (1500 - k) AS ausfall FROM generate_series(1, 3000) k";
    CLEANUP(plan_done) struct plan plan = {0};
    struct frozen frozen = {0};
    if (!there[POSTGRES_SOURCE]) skip();
    (void)snprintf(text, sizeof text, plan_text, "");
    OK(plan_parse(view_text(text), "plan.yaml", &plan));
    struct config_source source = source_of(POSTGRES_SOURCE);
    odbc.query = broken;
    columns[3].factor = 1;
    assert_int_equal(freeze_source(&source, &plan, NULL, frozen_path, &frozen).category, CATEGORY_USAGE);
    if (!strstr(result_reason(), "customers, after ") || !strstr(result_reason(), "division by zero"))
        fail_msg("%s", result_reason());
    assert_null(frozen.table);
    assert_false(file_exists(frozen_path));
    (void)snprintf(frozen_path, sizeof frozen_path, "%s/table.new", directory);
    assert_false(file_exists(frozen_path));
}

static struct result read_credentials(const char *text, mode_t mode, struct database *ret)
{
    static struct config_source source = {.name = name};
    odbc = (struct config_odbc){.connection = connection, .query = query, .credentials = credentials};
    source.odbc = &odbc;
    (void)unlink(credentials);
    OK(file_write(credentials, view_text(text), mode));
    return database_of(&source, ret);
}

static void credentials_of_a_file(void **state)
{
    (void)state;
    static const char *const good[] = {"ada\nlove;l}ace \n", "ada\nlove;l}ace ", "ada\r\nlove;l}ace \r\n"};
    static const char *const bad[] = {"ada", "ada\n", "\nsecret\n", "ada\nsecret\nmore\n", "ada\nse\001cret\n", "\n"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CLEANUP(database_done) struct database database = {0};
        OK(read_credentials(good[i], 0600, &database));
        assert_string_equal(database.source.user, "ada");
        assert_string_equal(database.source.password, "love;l}ace ");
    }
    struct database none = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(read_credentials(bad[i], 0600, &none).category, CATEGORY_USAGE);
        assert_non_null(strstr(result_reason(), "must hold two lines"));
        assert_null(strstr(result_reason(), "secret"));
    }
    assert_int_equal(read_credentials("ada\nsecret\n", 0640, &none).category, CATEGORY_USAGE);
    assert_non_null(strstr(result_reason(), "run: chmod 600"));
    assert_null(none.secret);
}

static void credentials_of_the_environment(void **state)
{
    (void)state;
    char user[] = "COFFERDAM_TEST_USER", password[] = "COFFERDAM_TEST_PASSWORD";
    struct config_source source = {.name = name, .odbc = &odbc};
    CLEANUP(database_done) struct database database = {0};
    odbc = (struct config_odbc){
        .connection = connection, .query = query, .user_variable = user, .password_variable = password};
    assert_int_equal(setenv(user, "ada", 1), 0);
    assert_int_equal(unsetenv(password), 0);
    assert_int_equal(database_of(&source, &database).category, CATEGORY_USAGE);
    assert_non_null(strstr(result_reason(), "no variable COFFERDAM_TEST_PASSWORD"));
    assert_int_equal(setenv(password, "secret", 1), 0);
    OK(database_of(&source, &database));
    assert_string_equal(database.source.user, "ada");
    assert_string_equal(database.source.password, "secret");
}

static int find(void **state)
{
    (void)state;
    there[SQLITE_SOURCE] = sqlite_there();
    there[POSTGRES_SOURCE] = postgres_start();
    if (there[POSTGRES_SOURCE]) postgres_sql(sql);
    return result_ok(crypto_start()) ? 0 : 1;
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
        CASE(one_table_of_a_file_and_of_databases),
        CASE(rows_that_do_not_fit_are_left_out_of_each),
        CASE(one_scan_of_all),
        CASE(nothing_is_frozen_of_half_a_table),
        CASE(credentials_of_a_file),
        CASE(credentials_of_the_environment),
    };
    return cmocka_run_group_tests(tests, find, stop);
}
