/* Files of an older format under a later program: this one has its own steps (sys/store_schema.c stays out of it). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "sys/store.h"
#include "sys/store_database.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"

static const char *const steps[] = {
    ("CREATE TABLE record (scope BLOB NOT NULL, key TEXT NOT NULL, digest BLOB NOT NULL, value BLOB NOT NULL,"
     " PRIMARY KEY (scope, key)) WITHOUT ROWID"),
    "CREATE TABLE remark (text TEXT NOT NULL); INSERT INTO remark VALUES ('of version 2')",
    "ALTER TABLE remark ADD COLUMN place TEXT; CREATE UNIQUE INDEX one_remark ON remark (text)",
};
/* Where this program stands: a test goes through its life. */
static struct database_schema schema = {steps, 1};

const struct database_schema *database_schema(void)
{
    return &schema;
}

static char directory[SCRATCH_MAX];

static int enter(void **state)
{
    (void)state;
    scratch_new(directory);
    schema.version = 1;
    return 0;
}

static int leave(void **state)
{
    (void)state;
    scratch_remove(directory);
    return 0;
}

static void put_both(const char *value)
{
    struct store *store = NULL;
    const struct store_record records[] = {{NULL, "vote", view_text(value), false, false},
                                           {NULL, "key", view_text(value), true, false}};
    OK(store_open(directory, &store));
    OK(store_commit(store, records, 2));
    store_close(store);
}

static void expect_both(const char *value)
{
    struct store *store = NULL;
    OK(store_open(directory, &store));
    for (int secret = 0; secret <= 1; secret++) {
        CLEANUP(buffer_done) struct buffer out = {0};
        bool found = false;
        OK(store_load(store, secret, NULL, secret ? "key" : "vote", &out, &found));
        assert_true(found && view_equal(buffer_view(&out), view_text(value)));
    }
    store_close(store);
}

/* One number that SQL asks for. */
static int number(const char *name, const char *sql)
{
    char path[FILE_PATH_MAX];
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    OK(file_path(directory, name, path));
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    int result = -1;
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        result = sqlite3_column_int(statement, 0);
    (void)sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
    return result;
}

static void an_older_file_is_migrated_and_keeps_its_records(void **state)
{
    (void)state;
    put_both("written by version 1");
    schema.version = 3; /* both steps at once */
    expect_both("written by version 1");
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "secrets.db" : "state.db";
        assert_int_equal(number(name, "PRAGMA user_version"), 3);
        assert_int_equal(number(name, "SELECT count(*) FROM remark WHERE text = 'of version 2' AND place IS NULL"), 1);
    }
    put_both("written by version 3");
    expect_both("written by version 3"); /* and not migrated again */
    assert_int_equal(number("state.db", "SELECT count(*) FROM remark"), 1);
}

static void a_step_that_fails_leaves_the_file_as_it_was(void **state)
{
    (void)state;
    static const char *const broken[] = {"CREATE TABLE record (x)", "CREATE TABLE remark (text TEXT)",
                                         "INSERT INTO nowhere VALUES (1)"};
    struct store *store = NULL;
    put_both("written by version 1");
    schema = (struct database_schema){broken, 3};
    assert_int_equal(store_open(directory, &store).category, CATEGORY_ENVIRONMENT);
    assert_non_null(strstr(result_reason(), "nowhere"));
    assert_int_equal(number("state.db", "PRAGMA user_version"), 1);
    assert_int_equal(number("state.db", "SELECT count(*) FROM sqlite_schema WHERE name = 'remark'"), 0);
    schema = (struct database_schema){steps, 1};
    expect_both("written by version 1"); /* by the program of before */
}

static void a_newer_file_is_refused_as_it_is(void **state)
{
    (void)state;
    struct store *store = NULL;
    schema.version = 2;
    put_both("written by version 2");
    schema.version = 1;
    assert_int_equal(store_open(directory, &store).category, CATEGORY_USAGE);
    assert_non_null(strstr(result_reason(),
                           "state.db: was written by a later version of this program (format 2, this one "
                           "knows 1); install that version"));
    schema.version = 2;
    expect_both("written by version 2");
}

/* Not a byte of another program's database changes. */
static void a_foreign_file_is_refused_as_it_is(void **state)
{
    (void)state;
    char path[FILE_PATH_MAX];
    struct store *store = NULL;
    CLEANUP(buffer_done) struct buffer before = {0}, after = {0};
    OK(file_path(directory, "state.db", path));
    assert_int_equal(number("state.db", "CREATE TABLE invoices (amount)"), -1);
    assert_int_equal(chmod(path, 0600), 0);
    OK(file_read(path, 1 << 20, &before));
    assert_int_equal(store_open(directory, &store).category, CATEGORY_USAGE);
    assert_non_null(strstr(result_reason(), "state.db: is not a file of this program"));
    OK(file_read(path, 1 << 20, &after));
    assert_true(before.length > 0 && view_equal(buffer_view(&before), buffer_view(&after)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_older_file_is_migrated_and_keeps_its_records, enter, leave),
        cmocka_unit_test_setup_teardown(a_step_that_fails_leaves_the_file_as_it_was, enter, leave),
        cmocka_unit_test_setup_teardown(a_newer_file_is_refused_as_it_is, enter, leave),
        cmocka_unit_test_setup_teardown(a_foreign_file_is_refused_as_it_is, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
