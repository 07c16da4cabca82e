#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/store.h"
#include "tests/support/scratch.h"

static char directory[SCRATCH_MAX];

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

static void ok(struct result result)
{
    if (!result_ok(result)) fail_msg("%s", result_reason());
}

static void refused(struct result result, enum category category, const char *part)
{
    assert_int_equal(result.category, category);
    if (!strstr(result_reason(), part)) fail_msg("\"%s\" does not say \"%s\"", result_reason(), part);
}

static struct hash scope_of(uint8_t byte)
{
    struct hash scope;
    memset(scope.bytes, byte, sizeof scope.bytes);
    return scope;
}

static void put(struct store *store, const struct hash *scope, const char *key, const char *value, bool secret)
{
    struct store_record record = {scope, key, view_text(value), secret, false};
    ok(store_commit(store, &record, 1));
}

static void expect(struct store *store, bool secret, const struct hash *scope, const char *key, const char *value)
{
    CLEANUP(buffer_done) struct buffer out = {0};
    bool found = false;
    ok(store_load(store, secret, scope, key, &out, &found));
    assert_int_equal(found, value != NULL);
    if (value) assert_true(view_equal(buffer_view(&out), view_text(value)));
}

static void records_survive_reopening(void **state)
{
    (void)state;
    struct hash run = scope_of(7);
    struct store *store;
    ok(store_open(directory, &store));
    put(store, NULL, "counter", "41", false);
    put(store, NULL, "counter", "42", false);
    put(store, &run, "vote", "U", false);
    put(store, &run, "vote", "the secret one", true);
    put(store, &run, "empty", "", false);
    store_close(store);
    ok(store_open(directory, &store));
    expect(store, false, NULL, "counter", "42");
    expect(store, false, &run, "counter", NULL);
    expect(store, false, &run, "vote", "U");
    expect(store, true, &run, "vote", "the secret one");
    expect(store, false, &run, "empty", "");
    struct store_record erase = {&run, "vote", {0}, false, true};
    ok(store_commit(store, &erase, 1));
    expect(store, false, &run, "vote", NULL);
    expect(store, true, &run, "vote", "the secret one");
    store_close(store);
}

static void a_large_value_comes_back(void **state)
{
    (void)state;
    struct store *store;
    ok(store_open(directory, &store));
    CLEANUP(buffer_done) struct buffer large = {0};
    CLEANUP(buffer_done) struct buffer out = {0};
    uint8_t *bytes;
    ok(buffer_extend(&large, (size_t)9 << 20, &bytes));
    for (size_t i = 0; i < large.length; i++) bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    struct store_record record = {NULL, "upload", buffer_view(&large), false, false};
    ok(store_commit(store, &record, 1));
    store_close(store);
    ok(store_open(directory, &store));
    bool found;
    ok(buffer_text(&out, "what was in it before"));
    ok(store_load(store, false, NULL, "upload", &out, &found));
    assert_true(found && view_equal(buffer_view(&out), buffer_view(&large)));
    store_close(store);
}

static struct result collect(void *visitor, const char *key, struct view value)
{
    return buffer_format(visitor, "%s=%.*s ", key, (int)value.length, (const char *)value.data);
}

static struct result collect_scope(void *visitor, const struct hash *scope)
{
    return buffer_format(visitor, "%02x ", scope->bytes[0]);
}

static void is_text(const struct buffer *buffer, const char *text)
{
    if (!view_equal(buffer_view(buffer), view_text(text)))
        fail_msg("\"%.*s\" is not \"%s\"", (int)buffer->length, (const char *)buffer->data, text);
}

static void records_are_visited_in_key_order(void **state)
{
    (void)state;
    struct hash one = scope_of(1), two = scope_of(2), three = scope_of(0xff);
    struct store *store;
    ok(store_open(directory, &store));
    put(store, &two, "r/2", "b", false);
    put(store, &two, "r/1", "a", false);
    put(store, &two, "r0", "not under r/", false);
    put(store, &two, "q", "before", false);
    put(store, &one, "r/3", "another run's", false);
    put(store, NULL, "r/4", "nobody's", false);
    put(store, &three, "only", "secret", true);
    put(store, &one, "also", "secret", true);
    CLEANUP(buffer_done) struct buffer seen = {0};
    ok(store_each(store, false, &two, "r/", collect, &seen));
    is_text(&seen, "r/1=a r/2=b ");
    buffer_clear(&seen);
    ok(store_each(store, false, NULL, "", collect, &seen));
    is_text(&seen, "r/4=nobody's ");
    buffer_clear(&seen);
    ok(store_scopes(store, collect_scope, &seen));
    is_text(&seen, "01 02 ff ");
    store_close(store);
}

struct nested {
    struct store *store;
    int calls;
};

static struct result stop_at_second(void *visitor, const char *key, struct view value)
{
    struct nested *nested = visitor;
    (void)value;
    expect(nested->store, false, NULL, key, "x"); /* a visitor may load */
    ENSURE(++nested->calls < 2, CATEGORY_FALSE, "stopped at %s", key);
    return RESULT_OK;
}

static void a_visitor_may_load_and_stop(void **state)
{
    (void)state;
    struct nested nested = {0};
    ok(store_open(directory, &nested.store));
    put(nested.store, NULL, "a", "x", false);
    put(nested.store, NULL, "b", "x", false);
    put(nested.store, NULL, "c", "x", false);
    refused(store_each(nested.store, false, NULL, "", stop_at_second, &nested), CATEGORY_FALSE, "stopped at b");
    put(nested.store, NULL, "d", "writes go on", false);
    store_close(nested.store);
}

static void a_second_process_is_refused(void **state)
{
    (void)state;
    struct store *store, *second = NULL;
    ok(store_open(directory, &store));
    char pid[32];
    (void)snprintf(pid, sizeof pid, "(pid %ld)", (long)getpid());
    refused(store_open(directory, &second), CATEGORY_ENVIRONMENT, pid);
    assert_non_null(strstr(result_reason(), directory));
    assert_null(second);
    store_close(store);
    ok(store_open(directory, &store));
    store_close(store);
}

/* Runs body in a child that dies without closing anything; returns what it exited with. */
static int in_child(void (*body)(struct store *))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store;
        if (!result_ok(store_open(directory, &store))) _exit(9);
        body(store);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void die_after_commit(struct store *store)
{
    struct store_record records[] = {{NULL, "secret", view_text("share"), true, false},
                                     {NULL, "one", view_text("1"), false, false},
                                     {NULL, "two", view_text("2"), false, false}};
    _exit(result_ok(store_commit(store, records, 3)) ? 3 : 4);
}

static void what_is_committed_survives_a_crash(void **state)
{
    (void)state;
    assert_int_equal(in_child(die_after_commit), 3);
    struct store *store;
    ok(store_open(directory, &store));
    expect(store, false, NULL, "one", "1");
    expect(store, false, NULL, "two", "2");
    expect(store, true, NULL, "secret", "share");
    store_close(store);
}

/* The kernel kills the process in the middle of the batch's writes: a file may not grow past the limit. */
static void die_before_commit(struct store *store)
{
    struct store_record first = {NULL, "one", view_text("old"), false, false};
    if (!result_ok(store_commit(store, &first, 1))) _exit(8);
    struct store_record records[] = {{NULL, "secret", view_text("share"), true, false},
                                     {NULL, "one", view_text("new"), false, false},
                                     {NULL, "two", view_text("2"), false, false}};
    struct rlimit limit = {16 << 10, 16 << 10};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(7);
    static uint8_t large[256 << 10];
    records[2].value = view_of(large, sizeof large);
    (void)store_commit(store, records, 3).category;
    _exit(6);
}

static void what_is_not_committed_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(in_child(die_before_commit), -1);
    struct store *store;
    ok(store_open(directory, &store));
    expect(store, false, NULL, "one", "old");
    expect(store, false, NULL, "two", NULL);
    store_close(store);
}

static void a_full_disk_is_said_and_leaves_nothing(struct store *store)
{
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){64 << 10, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    static uint8_t large[256 << 10];
    struct store_record records[] = {{NULL, "one", view_text("new"), false, false},
                                     {NULL, "large", view_of(large, sizeof large), false, false}};
    struct result result = store_commit(store, records, 2);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    refused(result, CATEGORY_ENVIRONMENT, "free space");
}

static void a_full_disk_is_survived(void **state)
{
    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    struct store *store;
    ok(store_open(directory, &store));
    put(store, NULL, "one", "old", false);
    a_full_disk_is_said_and_leaves_nothing(store);
    expect(store, false, NULL, "one", "old");
    put(store, NULL, "one", "again", false);
    store_close(store);
    ok(store_open(directory, &store));
    expect(store, false, NULL, "one", "again");
    expect(store, false, NULL, "large", NULL);
    store_close(store);
    (void)signal(SIGXFSZ, SIG_DFL);
}

static void a_read_only_directory_is_refused(void **state)
{
    (void)state;
    struct store *store;
    ok(store_open(directory, &store));
    store_close(store);
    assert_int_equal(chmod(directory, 0500), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* root may write everywhere */
        if (geteuid() == 0 && seteuid(65534) != 0) _exit(2);
        struct result result = store_open(directory, &store);
        _exit(result.category == CATEGORY_ENVIRONMENT && strstr(result_reason(), directory) ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(chmod(directory, 0700), 0);
}

/* What holds secrets is for this user alone, however it came to be otherwise. */
static void what_others_can_open_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"state.db", "secrets.db", ""};
    struct store *store = NULL;
    ok(store_open(directory, &store));
    store_close(store);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[FILE_PATH_MAX], remedy[FILE_PATH_MAX + 16];
        if (*names[i])
            ok(file_path(directory, names[i], path));
        else
            (void)snprintf(path, sizeof path, "%s", directory);
        mode_t right = *names[i] ? 0600 : 0700;
        (void)snprintf(remedy, sizeof remedy, "run: chmod %o %s", (unsigned)right, path);
        for (unsigned more = 1; more <= 040; more *= 040) {
            assert_int_equal(chmod(path, right | more), 0);
            assert_int_equal(store_open(directory, &store).category, CATEGORY_USAGE);
            assert_non_null(strstr(result_reason(), remedy));
        }
        assert_int_equal(chmod(path, right), 0);
    }
    ok(store_open(directory, &store));
    store_close(store);
}

static void path_in(char path[FILE_PATH_MAX], const char *name)
{
    ok(file_path(directory, name, path));
}

static const char filling[] = "a value that is longer than a few words, so that rows spread over more than one page ";

static void fill(struct store *store)
{
    struct hash run = scope_of(3);
    struct buffer value = {0};
    for (unsigned i = 0; i < 40; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "key/%02u", i);
        ok(buffer_text(&value, filling));
        struct store_record record = {&run, key, buffer_view(&value), false, false};
        ok(store_commit(store, &record, 1));
    }
    buffer_done(&value);
}

static struct result count_rows(void *visitor, const char *key, struct view value)
{
    unsigned *rows = visitor;
    ENSURE(key[0] == 'k' && value.length == (*rows + 1) * (sizeof filling - 1), CATEGORY_BUG, "row %u is wrong", *rows);
    ++*rows;
    return RESULT_OK;
}

/* Whatever byte flips: opening or reading fails with the file's name, or everything is as it was. */
static void a_flipped_byte_is_never_a_guess(void **state)
{
    (void)state;
    char path[FILE_PATH_MAX];
    path_in(path, "state.db");
    struct store *store;
    ok(store_open(directory, &store));
    fill(store);
    store_close(store);
    CLEANUP(buffer_done) struct buffer good = {0};
    ok(file_read(path, (size_t)16 << 20, &good));
    struct hash run = scope_of(3);
    unsigned noticed = 0, tried = 0;
    for (size_t at = 0; at < good.length; at += at < 200 ? 1 : 331) {
        good.data[at] ^= 0x10;
        ok(file_write(path, buffer_view(&good), 0600));
        good.data[at] ^= 0x10;
        tried++;
        store = NULL;
        unsigned rows = 0;
        struct result result = store_open(directory, &store);
        if (result_ok(result)) result = store_each(store, false, &run, "", count_rows, &rows);
        store_close(store);
        if (result_ok(result)) {
            assert_int_equal(rows, 40);
            continue;
        }
        noticed++;
        if (!strstr(result_reason(), "state.db")) fail_msg("byte %zu: \"%s\"", at, result_reason());
    }
    print_message("%u of %u flipped bytes noticed, the others changed nothing\n", noticed, tried);
    assert_true(noticed > tried / 4);
}

static void run_sql(const char *name, const char *sql)
{
    char path[FILE_PATH_MAX];
    path_in(path, name);
    sqlite3 *handle;
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

static void a_changed_row_is_refused_with_advice(void **state)
{
    (void)state;
    struct store *store = NULL;
    ok(store_open(directory, &store));
    put(store, NULL, "counter", "41", false);
    store_close(store);
    run_sql("state.db", "UPDATE record SET value = CAST('40' AS BLOB)");
    refused(store_open(directory, &store), CATEGORY_ENVIRONMENT, "state.db: the record \"counter\" is damaged");
    assert_non_null(strstr(result_reason(), "restore it from a backup"));
    run_sql("state.db", "UPDATE record SET value = CAST('41' AS BLOB), key = 'counted'");
    refused(store_open(directory, &store), CATEGORY_ENVIRONMENT, "is damaged");
}

static void a_lost_state_is_not_begun_anew(void **state)
{
    (void)state;
    char path[FILE_PATH_MAX];
    struct store *store = NULL;
    path_in(path, "state.db");
    ok(store_open(directory, &store));
    put(store, NULL, "counter", "41", false);
    store_close(store);
    assert_int_equal(truncate(path, 0), 0);
    refused(store_open(directory, &store), CATEGORY_ENVIRONMENT, "state.db: the file is damaged (it is empty or gone)");
    assert_int_equal(unlink(path), 0);
    refused(store_open(directory, &store), CATEGORY_ENVIRONMENT, "restore it from a backup");
    assert_false(file_exists(path));
}

static void files_of_others_are_refused(void **state)
{
    (void)state;
    char path[FILE_PATH_MAX];
    struct store *store = NULL;
    ok(store_open(directory, &store));
    store_close(store);
    run_sql("state.db", "PRAGMA user_version = 99");
    refused(store_open(directory, &store), CATEGORY_USAGE, "later version");
    run_sql("state.db", "PRAGMA user_version = 1; PRAGMA application_id = 5");
    refused(store_open(directory, &store), CATEGORY_USAGE, "not a file of this program");
    path_in(path, "state.db");
    ok(file_write(path,
                  view_text("this is not a database, but long enough to look like one to someone............."
                            "................................................................................"),
                  0600));
    refused(store_open(directory, &store), CATEGORY_ENVIRONMENT, "state.db: the file is damaged");
}

/* How often the text stands in the file's bytes; no file, no text. */
static unsigned occurrences(const char *name, const char *text)
{
    char path[FILE_PATH_MAX];
    path_in(path, name);
    if (!file_exists(path)) return 0;
    CLEANUP(buffer_done) struct buffer bytes = {0};
    ok(file_read(path, (size_t)64 << 20, &bytes));
    unsigned count = 0;
    const uint8_t *at = bytes.data;
    while (at && (at = memmem(at, (size_t)(bytes.data + bytes.length - at), text, strlen(text)))) {
        count++;
        at++;
    }
    return count;
}

static unsigned traces(const char *text)
{
    return occurrences("secrets.db", text) + occurrences("secrets.db-wal", text) + occurrences("state.db", text) +
           occurrences("state.db-wal", text);
}

static const char mark[] = "MARK-OF-A-SECRET";

/* A record that fills several pages with the mark. */
static void put_marked(struct store *store, const char *key)
{
    CLEANUP(buffer_done) struct buffer value = {0};
    for (unsigned i = 0; i < 2000; i++) ok(buffer_text(&value, mark));
    struct store_record record = {NULL, key, buffer_view(&value), true, false};
    ok(store_commit(store, &record, 1));
}

static void what_is_erased_leaves_no_trace(void **state)
{
    (void)state;
    struct store *store;
    ok(store_open(directory, &store));
    put(store, NULL, "short", mark, true);
    put_marked(store, "long");
    put(store, NULL, "kept", "the one that stays", true);
    assert_true(traces(mark) > 1000);
    put(store, NULL, "short", "replaced", true);
    struct store_record erase = {NULL, "long", {0}, true, true};
    ok(store_commit(store, &erase, 1));
    assert_int_equal(traces(mark), 0);
    expect(store, true, NULL, "kept", "the one that stays");
    expect(store, true, NULL, "short", "replaced");
    expect(store, true, NULL, "long", NULL);
    put(store, NULL, "open", mark, false);
    erase = (struct store_record){NULL, "open", {0}, false, true};
    ok(store_commit(store, &erase, 1));
    assert_true(traces(mark) > 0); /* in the log of state.db */
    ok(store_scrub(store));
    assert_int_equal(traces(mark), 0);
    expect(store, true, NULL, "kept", "the one that stays");
    store_close(store);
    assert_int_equal(traces(mark), 0);
}

static void put_marked_and_die(struct store *store)
{
    put_marked(store, "long");
    _exit(3);
}

static void an_erasure_repeated_after_a_crash_leaves_no_trace(void **state)
{
    (void)state;
    assert_int_equal(in_child(put_marked_and_die), 3);
    assert_true(occurrences("secrets.db-wal", mark) > 1000);
    struct store *store;
    ok(store_open(directory, &store));
    assert_int_equal(occurrences("secrets.db-wal", mark), 0);
    assert_true(occurrences("secrets.db", mark) > 1000);
    struct store_record erase[] = {{NULL, "long", {0}, true, true}, {NULL, "never was", {0}, true, true}};
    ok(store_commit(store, erase, 2));
    ok(store_commit(store, erase, 2));
    assert_int_equal(traces(mark), 0);
    store_close(store);
}

static void files_are_private(void **state)
{
    (void)state;
    struct store *store;
    mode_t old = umask(0);
    ok(store_open(directory, &store));
    (void)umask(old);
    put(store, NULL, "a", "b", true);
    static const char *const names[] = {"lock", "state.db", "secrets.db", "secrets.db-wal"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[FILE_PATH_MAX];
        struct stat status;
        path_in(path, names[i]);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
    }
    store_close(store);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(records_survive_reopening),
        IN_SCRATCH(a_large_value_comes_back),
        IN_SCRATCH(records_are_visited_in_key_order),
        IN_SCRATCH(a_visitor_may_load_and_stop),
        IN_SCRATCH(a_second_process_is_refused),
        IN_SCRATCH(what_is_committed_survives_a_crash),
        IN_SCRATCH(what_is_not_committed_leaves_nothing),
        IN_SCRATCH(a_full_disk_is_survived),
        IN_SCRATCH(a_read_only_directory_is_refused),
        IN_SCRATCH(what_others_can_open_is_refused),
        IN_SCRATCH(a_flipped_byte_is_never_a_guess),
        IN_SCRATCH(a_changed_row_is_refused_with_advice),
        IN_SCRATCH(files_of_others_are_refused),
        IN_SCRATCH(a_lost_state_is_not_begun_anew),
        IN_SCRATCH(what_is_erased_leaves_no_trace),
        IN_SCRATCH(an_erasure_repeated_after_a_crash_leaves_no_trace),
        IN_SCRATCH(files_are_private),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
