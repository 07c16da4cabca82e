/* A folder with all that is below it: counted, removed whole, and nothing beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/folder.h"
#include "sys/growing.h"
#include "tests/support/scratch.h"

static char directory[SCRATCH_MAX];

static void ok(struct result result)
{
    if (!result_ok(result)) fail_msg("%s", result_reason());
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

static const char *in(const char *name)
{
    static char paths[4][FILE_PATH_MAX];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    ok(file_path(directory, name, path));
    return path;
}

static void a_folder_goes_with_what_is_in_it(void **state)
{
    (void)state;
    unsigned files = 77;
    ok(folder_count(in("run"), &files));
    assert_int_equal(files, 0);
    ok(folder_remove(in("run")));
    ok(file_directory(in("run"), 0700));
    ok(file_directory(in("run/evidence"), 0700));
    ok(file_directory(in("run/empty"), 0700));
    ok(file_directory(in("beside"), 0700));
    static const char *const names[] = {"run/model.json", "run/run.cfd", "run/evidence/a.cfe", "beside/kept",
                                        "run.txt"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) ok(file_write(in(names[i]), view_text("x"), 0600));
    assert_int_equal(symlink("../beside", in("run/link")), 0); /* is a file here, and not followed */
    assert_int_equal(symlink("nowhere", in("run/dangling")), 0);
    ok(folder_count(in("run"), &files));
    assert_int_equal(files, 5);
    assert_true(file_exists(in("run/model.json")));
    ok(folder_remove(in("run")));
    assert_false(file_exists(in("run")));
    assert_true(file_exists(in("beside/kept")) && file_exists(in("run.txt")));
    ok(folder_remove(in("run")));
}

static void what_cannot_be_removed_is_named(void **state)
{
    (void)state;
    unsigned files;
    ok(file_write(in("file"), view_text("x"), 0600));
    assert_int_equal(folder_remove(in("file/run")).category, CATEGORY_ENVIRONMENT);
    assert_non_null(strstr(result_reason(), "file/run: cannot be read: Not a directory"));
    assert_int_equal(folder_count(in("file/run"), &files).category, CATEGORY_ENVIRONMENT);
    assert_non_null(strstr(result_reason(), "file/run: cannot be read: Not a directory"));
    assert_true(file_exists(in("file")));
}

static void a_file_has_its_digest(void **state)
{
    (void)state;
    struct hash digest, expected;
    uint64_t bytes = 0;
    static uint8_t large[(1 << 20) + 5];
    memset(large, 7, sizeof large);
    const struct view contents[] = {{large, 0}, {large, 3}, {large, 1 << 20}, {large, sizeof large}};
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        ok(file_write(in("file"), contents[i], 0600));
        ok(file_digest(in("file"), &digest, &bytes));
        ok(hash_bytes(NULL, contents[i], &expected));
        assert_true(hash_equal(&digest, &expected));
        assert_int_equal(bytes, contents[i].length);
    }
    assert_int_equal(file_digest(in("none"), &digest, &bytes).category, CATEGORY_ENVIRONMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_folder_goes_with_what_is_in_it, enter, leave),
        cmocka_unit_test_setup_teardown(what_cannot_be_removed_is_named, enter, leave),
        cmocka_unit_test_setup_teardown(a_file_has_its_digest, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
