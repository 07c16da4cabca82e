/* Rows in a bank's database, more than are in memory at a time: the words of every round are those of a table in
 * memory, whether the database computes them or the rows are streamed. SQLite's driver is Debian's; without it this is
 * skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/pushdown.h"
#include "tests/support/databases.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"

enum { ROWS = 3 * PUSHDOWN_PART_ROWS / 2 };

static char directory[SCRATCH_MAX], connection[DATABASE_TEXT_MAX];
static const char *const plan_text =
    "cofferdam: 1\nname: many\npurpose: test\ntask: logistic\ntarget: {column: y, positive: \"1\"}\n"
    "split: {fraction: 0.2, seed: s}\n"
    "features:\n"
    "  - {name: a, kind: number, min: 0, max: 997, resolution: 1, missing: mean, outside: clamp}\n"
    "  - {name: b, kind: category, levels: [\"0\", \"1\", \"2\"], baseline: \"0\"}\n"
    "train: {penalty: 0, tolerance: 1.0e-8, rounds: 25}\ncohort: {minimum: 3, rows: 200000}\n";

static void rows_make(void)
{
    char sql[1024];
    (void)snprintf(sql, sizeof sql,
                   "CREATE TABLE rows(a, b, y); INSERT INTO rows "
                   "WITH RECURSIVE k(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM k WHERE n < %d) "
                   "SELECT CASE WHEN n %% 17 = 0 THEN NULL ELSE n * 7919 %% 1000 END, n * 31 %% 3, n * 104729 %% 5 = 0 "
                   "FROM k",
                   ROWS - 1);
    sqlite_make(directory, sql, connection);
}

static void same_words(const struct pushdown *pushdown, bool streamed)
{
    struct frozen inside = {0}, outside = {0};
    struct pushdown_pace pace = {0};
    struct fold fold = {0};
    struct task task = *task_find(pushdown->plan->task);
    char path[FILE_PATH_MAX];
    if (streamed) task.formulas = NULL;
    OK(file_path(directory, "frozen", path));
    OK(freeze_source(pushdown->source, pushdown->plan, NULL, path, &inside));
    OK(pushdown_freeze(pushdown, NULL, &outside));
    assert_int_equal(inside.counts.rows, ROWS);
    assert_memory_equal(&inside.counts, &outside.counts, sizeof inside.counts);
    OK(fold_start(pushdown->plan, &task, &fold));
    while (!fold.finished) {
        const uint64_t count = fold.words;
        uint64_t *words = calloc(2 * count + 1, sizeof *words);
        assert_non_null(words);
        OK(fold_contribute(&fold, inside.table, 1, words, count));
        OK(pushdown_contribute(pushdown, &pace, &outside, &fold, 1, words + count));
        assert_memory_equal(words, words + count, count * sizeof *words);
        OK(fold_advance(&fold, words, count));
        free(words);
    }
    fold_done(&fold);
    assert_int_equal(pace.computed_us > 0, !streamed);
    assert_true(pace.streamed_us > 0); /* where the database computes, too: the second of two rounds that are alike */
    struct frozen again = {0};
    OK(pushdown_load(pushdown, outside.key, &outside.hash, &again));
    assert_int_equal(again.counts.rows, ROWS);
    OK(pushdown_drop(pushdown));
    assert_false(file_exists(pushdown->path));
    assert_int_equal(pushdown_contribute(pushdown, &pace, &again, &fold, 1, NULL).category, CATEGORY_FALSE);
    frozen_done(&inside);
    frozen_done(&outside);
    frozen_done(&again);
}

static void words_are_those_of_a_table_in_memory(void **state)
{
    (void)state;
    if (!sqlite_there()) skip();
    rows_make();
    struct plan plan = {0};
    struct config_odbc odbc = {.connection = connection, .table = (char[]){"rows"}};
    const struct config_source source = {
        .name = (char[]){"customers"}, .odbc = &odbc, .pushdown = true, .delimiter = ',', .decimal = '.'};
    static const struct hash run = {{1}};
    OK(plan_parse(view_text(plan_text), "plan.yaml", &plan));
    struct pushdown pushdown = {.source = &source, .plan = &plan, .run = &run};
    OK(file_path(directory, "mark", pushdown.path));
    same_words(&pushdown, true);
    same_words(&pushdown, false);
    plan_done(&plan);
}

/* A kind of round that took the database longer than streaming its rows is streamed when it comes again. */
static void the_faster_way_is_taken(void **state)
{
    (void)state;
    struct pushdown_pace pace = {0};
    assert_true(pushdown_worth(&pace, 10));
    pace = (struct pushdown_pace){.streamed_us = 1}; /* of another kind of round, perhaps */
    assert_true(pushdown_worth(&pace, 10));
    pace = (struct pushdown_pace){.words = 10, .computed_us = 5};
    assert_false(pushdown_worth(&pace, 10)); /* to know */
    assert_true(pushdown_worth(&pace, 11));
    pace.streamed_us = 4;
    assert_false(pushdown_worth(&pace, 10));
    assert_true(pushdown_worth(&pace, 11));
    pace.streamed_us = 5;
    assert_true(pushdown_worth(&pace, 10));
}

/* Two banks of a run in one schema; a table that was there before, however often it is tried. */
static void tables_of_others_stay(void **state)
{
    (void)state;
    char text[DATABASE_TEXT_MAX];
    if (!postgres_start()) skip();
    postgres_connection(true, text);
    postgres_sql("CREATE TABLE rows AS SELECT n % 997 AS a, n % 3 AS b, n % 2 AS y FROM generate_series(1, 1000) n; "
                 "CREATE TABLE cofferdam_0100000000000000_2(theirs integer)");
    struct plan plan = {0};
    struct config_odbc odbc = {.connection = text, .table = (char[]){"rows"}, .schema = (char[]){"public"}};
    const struct config_source source = {
        .name = (char[]){"customers"}, .odbc = &odbc, .pushdown = true, .delimiter = ',', .decimal = '.'};
    static const struct hash run = {{1}};
    struct frozen one = {0}, two = {0}, again = {0};
    OK(plan_parse(view_text(plan_text), "plan.yaml", &plan));
    struct pushdown first = {.source = &source, .plan = &plan, .run = &run, .position = 1}, second = first;
    second.position = 2;
    OK(file_path(directory, "first", first.path));
    OK(file_path(directory, "second", second.path));
    OK(pushdown_freeze(&first, NULL, &one));
    for (int k = 0; k < 3; k++) {
        assert_int_equal(pushdown_freeze(&second, NULL, &two).category, CATEGORY_ENVIRONMENT);
        assert_non_null(strstr(result_reason(), "already exists"));
        assert_false(file_exists(second.path));
    }
    postgres_sql("DROP TABLE cofferdam_0100000000000000_2");
    OK(pushdown_freeze(&second, NULL, &two));
    OK(pushdown_drop(&second));
    OK(pushdown_load(&first, one.key, &one.hash, &again));
    OK(pushdown_drop(&first));
    frozen_done(&one);
    frozen_done(&two);
    frozen_done(&again);
    plan_done(&plan);
}

static int set_up(void **state)
{
    (void)state;
    OK(crypto_start());
    scratch_new(directory);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(words_are_those_of_a_table_in_memory),
                                       cmocka_unit_test(the_faster_way_is_taken),
                                       cmocka_unit_test(tables_of_others_stay)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
