#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"
#include "tests/support/scratch.h"

static char directory[SCRATCH_MAX], path[FILE_PATH_MAX];

static void ok(struct result result)
{
    if (!result_ok(result)) fail_msg("%s", result_reason());
}

static void refused(struct result result, enum category category, const char *part)
{
    assert_int_equal(result.category, category);
    if (!strstr(result_reason(), part)) fail_msg("\"%s\" does not say \"%s\"", result_reason(), part);
}

static int enter(void **state)
{
    (void)state;
    scratch_new(directory);
    return result_ok(file_path(directory, "a file", path)) ? 0 : 1;
}

static int leave(void **state)
{
    (void)state;
    scratch_remove(directory);
    return 0;
}

static unsigned entries(void)
{
    unsigned count = 0;
    DIR *open_directory = opendir(directory);
    assert_non_null(open_directory);
    for (struct dirent *entry; (entry = readdir(open_directory));) count += entry->d_name[0] != '.';
    (void)closedir(open_directory);
    return count;
}

static void halves_go_with_the_next_write(void **state)
{
    (void)state;
    static const char *const left[] = {".a1B2c3", ".ZZZZZZ"}, *const other[] = {".a1B2c34", ".new", "x.a1B2c3"};
    char name[FILE_PATH_MAX + 16];
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, left[i]);
        ok(file_write_new(name, view_text("half"), 0600));
    }
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, other[i]);
        ok(file_write_new(name, view_text("not ours"), 0600));
    }
    ok(file_write_alone(path, view_text("whole"), 0600));
    assert_int_equal(entries(), 4);
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, other[i]);
        assert_int_equal(unlink(name), 0);
    }
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer bytes = {0};
    mode_t before = umask(077);
    ok(file_write(path, view_text("first"), 0644));
    ok(file_write(path, view_text("second one"), 0640));
    (void)umask(before);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    ok(buffer_text(&bytes, "replaced"));
    ok(file_read(path, 10, &bytes));
    assert_true(view_equal(buffer_view(&bytes), view_text("second one")));
    refused(file_read(path, 9, &bytes), CATEGORY_USAGE, "a file: 10 bytes, more than the limit of 9");
    assert_true(view_equal(buffer_view(&bytes), view_text("second one")));
    assert_int_equal(entries(), 1);
}

static void a_new_file_overwrites_nothing(void **state)
{
    (void)state;
    ok(file_write_new(path, view_text("first"), 0600));
    refused(file_write_new(path, view_text("second"), 0600), CATEGORY_USAGE, "exists already and is not overwritten");
    CLEANUP(buffer_done) struct buffer bytes = {0};
    ok(file_read(path, 100, &bytes));
    assert_true(view_equal(buffer_view(&bytes), view_text("first")));
    assert_int_equal(entries(), 1);
}

static void a_failed_write_leaves_the_old_file(void **state)
{
    (void)state;
    ok(file_write(path, view_text("old"), 0600));
    (void)signal(SIGXFSZ, SIG_IGN);
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){4096, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    static uint8_t large[64 << 10];
    struct result result = file_write(path, view_of(large, sizeof large), 0600);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_DFL);
    refused(result, CATEGORY_ENVIRONMENT, "could not be written");
    CLEANUP(buffer_done) struct buffer bytes = {0};
    ok(file_read(path, 100, &bytes));
    assert_true(view_equal(buffer_view(&bytes), view_text("old")));
    assert_int_equal(entries(), 1);
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer bytes = {0};
    refused(file_read(path, 100, &bytes), CATEGORY_ENVIRONMENT, "No such file");
    refused(file_read(directory, 100, &bytes), CATEGORY_USAGE, "not a regular file");
    assert_int_equal(mkfifo(path, 0600), 0); /* does not wait for a writer */
    refused(file_read(path, 100, &bytes), CATEGORY_USAGE, "not a regular file");
    refused(file_directory(path, 0700), CATEGORY_USAGE, "is not a directory");
    char below[FILE_PATH_MAX + 8];
    (void)snprintf(below, sizeof below, "%s/x", path);
    refused(file_write(below, view_text("x"), 0600), CATEGORY_ENVIRONMENT, "could not be made");
    refused(file_directory(below, 0700), CATEGORY_ENVIRONMENT, "could not be made");
    char longest[FILE_PATH_MAX + 1], out[FILE_PATH_MAX];
    memset(longest, 'x', FILE_PATH_MAX);
    longest[FILE_PATH_MAX] = 0;
    refused(file_path("d", longest, out), CATEGORY_USAGE, "longer than");
}

static void clocks_run_forward(void **state)
{
    (void)state;
    uint64_t first = clock_monotonic_ms();
    (void)usleep(20000);
    uint64_t passed = clock_monotonic_ms() - first;
    assert_true(passed >= 19 && passed < 60000);
    assert_true(clock_now_ms() > UINT64_C(1600000000000)); /* September 2020 */
}

/* What is logged by body, caught from stderr. */
static void logged(void (*body)(void), struct buffer *out)
{
    (void)fflush(stderr);
    int saved = dup(STDERR_FILENO), file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(saved >= 0 && file >= 0 && dup2(file, STDERR_FILENO) >= 0);
    body();
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(saved);
    (void)close(file);
    ok(file_read(path, 65536, out));
}

static void log_some(void)
{
    log_start("node", LEVEL_INFO, FORMAT_TEXT);
    log_debug("run", "not seen");
    log_info("run", "round %d opened", 12);
    log_peer("north");
    log_info("run", "round 12 asked for");
    log_peer(NULL);
    log_warning("net", "a name\nwith a \x1b[31mforged line");
    char longest[5000];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    log_error("run", "%s", longest);
}

static void log_lines_are_plain(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer out = {0};
    const char *text;
    logged(log_some, &out);
    ok(buffer_terminate(&out, &text));
    assert_null(strstr(text, "not seen"));
    assert_non_null(strstr(text, "Z info    node run: round 12 opened\n"));
    assert_non_null(strstr(text, "Z info    node run (north): round 12 asked for\n"));
    assert_non_null(strstr(text, "Z warning node net: a name?with a ?[31mforged line\n"));
    assert_int_equal(text[4], '-');
    assert_int_equal(text[10], 'T');
    unsigned lines = 0;
    for (size_t i = 0; i < out.length; i++) lines += out.data[i] == '\n';
    assert_int_equal(lines, 4);
    assert_true(out.length < 2500);
    enum log_level level = LEVEL_INFO;
    ok(log_level_parse("warning", &level));
    assert_int_equal(level, LEVEL_WARNING);
    refused(log_level_parse("loud", &level), CATEGORY_USAGE, "\"loud\" is not a log level");
}

static void warn_often(void)
{
    for (int i = 0; i < 1000; i++) log_warning("net", "a peer's doing");
    log_error("net", "an error");
}

static void warn_again(void)
{
    (void)usleep(1100000); /* two more are allowed by then, at least */
    log_warning("net", "later");
}

static unsigned count_of(const char *text, const char *part)
{
    unsigned count = 0;
    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part)) count++;
    return count;
}

/* How many warnings the lines of a log say were left out, together: a slow machine is told so more than once. */
static unsigned left_out_of(const char *text)
{
    static const char before[] = "log: ";
    unsigned sum = 0, count;
    for (const char *at = strstr(text, before); at; at = strstr(at + 1, before))
        if (sscanf(at, "log: %u warnings were left out\n", &count) == 1) sum += count;
    return sum;
}

static void warnings_do_not_fill_a_disk(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer out = {0}, later = {0};
    const char *text;
    log_start("node", LEVEL_INFO, FORMAT_TEXT);
    logged(warn_often, &out);
    ok(buffer_terminate(&out, &text));
    unsigned written = count_of(text, "a peer's doing");
    assert_true(written >= 90 && written < 500); /* the test before this has used one up */
    assert_int_equal(count_of(text, "an error"), 1);
    unsigned left_out = left_out_of(text);
    logged(warn_again, &later);
    ok(buffer_terminate(&later, &text));
    assert_int_equal(left_out + left_out_of(text), 1000 - written);
    assert_non_null(strstr(text, "net: later\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read, enter, leave),
        cmocka_unit_test_setup_teardown(halves_go_with_the_next_write, enter, leave),
        cmocka_unit_test_setup_teardown(a_new_file_overwrites_nothing, enter, leave),
        cmocka_unit_test_setup_teardown(a_failed_write_leaves_the_old_file, enter, leave),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_refused, enter, leave),
        cmocka_unit_test_setup_teardown(clocks_run_forward, enter, leave),
        cmocka_unit_test_setup_teardown(log_lines_are_plain, enter, leave),
        cmocka_unit_test_setup_teardown(warnings_do_not_fill_a_disk, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
