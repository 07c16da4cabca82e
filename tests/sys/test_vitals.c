#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sys/file.h"
#include "sys/vitals.h"
#include "tests/support/scratch.h"

static char directory[SCRATCH_MAX];
static struct vitals vitals;

static void ok(struct result result)
{
    if (!result_ok(result)) fail_msg("%s", result_reason());
}

static int enter(void **state)
{
    (void)state;
    scratch_new(directory);
    vitals = (struct vitals){.version = "1.2.3", .directory = directory, .started_ms = 1500, .taken_ms = 1};
    return 0;
}

static int leave(void **state)
{
    (void)state;
    vitals_done(&vitals);
    scratch_remove(directory);
    return 0;
}

/* A run whose id begins with its number. */
static struct vitals_run run_of(unsigned number, enum vitals_state state)
{
    struct vitals_run run = {.state = state, .step = number};
    (void)snprintf(run.hex, sizeof run.hex, "%012x%052x", number, 0xfedcbau);
    return run;
}

static void add(unsigned number, enum vitals_state state)
{
    const struct vitals_run run = run_of(number, state);
    ok(vitals_add(&vitals, &run));
}

static const char *page(struct buffer *out)
{
    const char *text = NULL;
    ok(vitals_put(&vitals, out));
    ok(buffer_terminate(out, &text));
    return text;
}

static void has(const char *text, const char *line)
{
    if (!strstr(text, line)) fail_msg("not \"%s\" in %s", line, text);
}

static unsigned times(const char *text, const char *part)
{
    unsigned count = 0;
    while ((text = strstr(text, part))) text += strlen(part), count++;
    return count;
}

static void runs_by_state(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer out = {0};
    add(1, VITALS_OPEN);
    add(2, VITALS_WAITS);
    add(3, VITALS_DONE);
    add(4, VITALS_FAILED);
    add(5, VITALS_FAILED);
    const char *text = page(&out);
    has(text, "\ncofferdam_runs{state=\"open\"} 1\n");
    has(text, "\ncofferdam_runs{state=\"waits\"} 1\n");
    has(text, "\ncofferdam_runs{state=\"done\"} 1\n");
    has(text, "\ncofferdam_runs{state=\"failed\"} 2\n");
    has(text, "\ncofferdam_run_step{run=\"000000000002\"} 2\n");
    has(text, "\ncofferdam_bundles_missing 1\n");
    has(text, "\ncofferdam_build_info{version=\"1.2.3\"} 1\n");
    has(text, "\ncofferdam_start_time_seconds 1.5\n");
    assert_null(strstr(text, "000000000003"));
    assert_null(strstr(text, "fedcba"));
    assert_non_null(strstr(text, "\ncofferdam_snapshot_age_seconds "));
}

/* A daemon that has just started does not tell that there are no runs. */
static void before_anything_is_taken(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer out = {0};
    vitals.taken_ms = 0;
    const char *text = page(&out);
    has(text, "\ncofferdam_start_time_seconds 1.5\n");
    assert_null(strstr(text, "cofferdam_runs"));
    assert_null(strstr(text, "cofferdam_snapshot_age_seconds"));
}

static void labels_are_bounded(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer out = {0};
    for (unsigned i = 0; i < 200; i++) add(i, VITALS_OPEN);
    const char *text = page(&out);
    has(text, "\ncofferdam_runs{state=\"open\"} 200\n");
    assert_int_equal(times(text, "\ncofferdam_run_step{"), 64);
}

static void make_file(const char *folder, const char *name)
{
    char path[FILE_PATH_MAX];
    ok(file_directory(folder, 0700));
    ok(file_path(folder, name, path));
    ok(file_write(path, view_text("x"), 0600));
}

static void files_of_runs(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer out = {0};
    char runs[FILE_PATH_MAX], folder[FILE_PATH_MAX], evidence[FILE_PATH_MAX];
    const struct vitals_run run = run_of(1, VITALS_DONE);
    ok(vitals_add(&vitals, &run));
    add(2, VITALS_DONE);
    ok(file_path(directory, "runs", runs));
    ok(file_directory(runs, 0700));
    ok(file_path(runs, run.hex, folder));
    ok(file_path(folder, "evidence", evidence));
    make_file(folder, "run.cfd");
    make_file(evidence, "a.cfe");
    make_file(evidence, "b.cfe");
    const char *text = page(&out);
    has(text, "\ncofferdam_bundles_kept 1\n");
    has(text, "\ncofferdam_bundles_missing 1\n");
    has(text, "\ncofferdam_evidence_files 2\n");
    has(text, "\ncofferdam_store_writable 1\n");
}

static void a_copy_is_its_own(void **state)
{
    (void)state;
    struct vitals copy = {0};
    for (unsigned i = 0; i < 20; i++) add(i, VITALS_OPEN);
    ok(vitals_copy(&vitals, &copy));
    vitals_clear(&vitals);
    add(7, VITALS_DONE);
    assert_int_equal(copy.runs_count, 20);
    assert_int_equal(copy.runs[0].state, VITALS_OPEN);
    ok(vitals_copy(&vitals, &copy));
    assert_int_equal(copy.runs_count, 1);
    assert_int_equal(copy.runs[0].step, 7);
    vitals_done(&copy);
}

static void what_is_needed(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer good = {0}, bad = {0};
    const char *text = NULL;
    struct http_answer answer = {.status = 200, .type = HTTP_TEXT, .body = &good};
    ok(vitals_ready((const struct vitals_need[]){{"no link", true}, {"no disk", true}, {0}}, &answer));
    assert_int_equal(answer.status, 200);
    ok(buffer_terminate(&good, &text));
    assert_string_equal(text, "ready\n");
    answer = (struct http_answer){.status = 200, .type = HTTP_TEXT, .body = &bad};
    ok(vitals_ready((const struct vitals_need[]){{"no link", false}, {"a", true}, {"no disk", false}, {0}}, &answer));
    assert_int_equal(answer.status, 503);
    ok(buffer_terminate(&bad, &text));
    assert_string_equal(text, "not ready: no link\nnot ready: no disk\n");
}

static void a_directory_that_is_gone(void **state)
{
    (void)state;
    assert_true(vitals_writable(directory));
    assert_false(vitals_writable("/nowhere/at/all"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(runs_by_state, enter, leave),
        cmocka_unit_test_setup_teardown(before_anything_is_taken, enter, leave),
        cmocka_unit_test_setup_teardown(labels_are_bounded, enter, leave),
        cmocka_unit_test_setup_teardown(files_of_runs, enter, leave),
        cmocka_unit_test_setup_teardown(a_copy_is_its_own, enter, leave),
        cmocka_unit_test_setup_teardown(what_is_needed, enter, leave),
        cmocka_unit_test_setup_teardown(a_directory_that_is_gone, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
