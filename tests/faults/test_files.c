/* Files written while each write, sync, renaming and so on fails in turn: the old file or the new one is there, whole,
 * nothing is left beside it, and the reason names it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>

#include "cli/outputs.h"
#include "crypto/base/limits.h"
#include "sys/file.h"
#include "tests/faults/files.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"

static char directory[SCRATCH_MAX], path[FILE_PATH_MAX];

static int enter(void **state)
{
    (void)state;
    scratch_new(directory);
    return result_ok(file_path(directory, "file", path)) ? 0 : -1;
}

static int leave(void **state)
{
    (void)state;
    scratch_remove(directory);
    return 0;
}

static unsigned entries(const char *where)
{
    unsigned count = 0;
    DIR *open_directory = opendir(where);
    assert_non_null(open_directory);
    for (struct dirent *entry; (entry = readdir(open_directory));) count += entry->d_name[0] != '.';
    (void)closedir(open_directory);
    return count;
}

static bool holds(const char *file, const char *text)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    if (!file_exists(file)) return false;
    OK(file_read(file, DOCUMENT_MAX, &bytes));
    return view_equal(buffer_view(&bytes), view_text(text));
}

/* EINTR and a write of one half are no failures: the rest is written. */
static const int errors[] = {ENOSPC, EIO, EDQUOT, EINTR, 0};

static bool write_once(unsigned long which, int error, bool fresh)
{
    if (fresh)
        assert_int_equal(remove(path), 0);
    else
        OK(file_write(path, view_text("the old one"), 0600));
    files_fail(which, error);
    struct result result =
        fresh ? file_write_new(path, view_text("the new one"), 0600) : file_write(path, view_text("the new one"), 0600);
    bool failed = files_mend(), made = holds(path, "the new one");
    if (result_ok(result)) {
        assert_true(made);
    } else {
        assert_true(failed && error != 0);
        assert_int_equal(result.category, CATEGORY_ENVIRONMENT);
        assert_non_null(strstr(result_reason(), directory));
        assert_true(made || (fresh ? !file_exists(path) : holds(path, "the old one")));
    }
    assert_int_equal(entries(directory), file_exists(path));
    if (fresh && !file_exists(path)) OK(file_write(path, view_text("the new one"), 0600));
    return failed;
}

static void a_file(void **state)
{
    (void)state;
    OK(file_write(path, view_text("the first"), 0600));
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        for (unsigned fresh = 0; fresh < 2; fresh++) {
            unsigned long which = 1;
            while (write_once(which, errors[i], fresh)) which++;
            assert_true(which > 4);
        }
}

static void what_is_interrupted_or_halved_is_written(void **state)
{
    (void)state;
    files_fail(1, EINTR);
    OK(file_write(path, view_text("interrupted"), 0600));
    assert_true(files_mend() && holds(path, "interrupted"));
    files_fail(1, 0);
    OK(file_write(path, view_text("halved"), 0600));
    assert_true(files_mend() && holds(path, "halved"));
}

/* Of a run's files none is there, or all are; or some, when moving them into place broke off, and then it is said. */
static bool outputs_once(unsigned long which, const char *where)
{
    const struct output outputs[] = {{"one", view_text("1")}, {"two", view_text("2")}, {"three", view_text("3")}};
    files_fail(which, ENOSPC);
    struct result result = outputs_write(where, outputs, 3);
    bool failed = files_mend();
    unsigned there = file_exists(where) ? entries(where) : 0, whole = 0;
    for (size_t i = 0; i < 3; i++) {
        char file[FILE_PATH_MAX], text[2] = {(char)('1' + i), 0};
        OK(file_path(where, outputs[i].name, file));
        whole += holds(file, text);
        (void)remove(file);
    }
    assert_int_equal(there, whole);
    if (result_ok(result)) assert_int_equal(whole, 3);
    if (!result_ok(result)) assert_int_equal(result.category, CATEGORY_ENVIRONMENT);
    if (!result_ok(result)) assert_non_null(strstr(result_reason(), directory));
    (void)remove(where);
    return failed;
}

static void the_files_of_a_run(void **state)
{
    (void)state;
    char where[FILE_PATH_MAX];
    OK(file_path(directory, "out", where));
    unsigned long which = 1;
    while (outputs_once(which, where)) which++;
    assert_true(which > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file, enter, leave),
        cmocka_unit_test_setup_teardown(what_is_interrupted_or_halved_is_written, enter, leave),
        cmocka_unit_test_setup_teardown(the_files_of_a_run, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
