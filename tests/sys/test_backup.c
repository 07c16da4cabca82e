/* Backups: what is written is restored byte for byte, and what is not whole, or was changed, or would overwrite
 * something, is refused and leaves nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/backup.h"
#include "sys/file.h"
#include "sys/folder.h"
#include "tests/support/scratch.h"

static char directory[SCRATCH_MAX];

static void ok(struct result result)
{
    if (!result_ok(result)) fail_msg("%s", result_reason());
}

static void refused(struct result result, enum category category, const char *words)
{
    assert_int_equal(result.category, category);
    if (!strstr(result_reason(), words)) fail_msg("not \"%s\" but \"%s\"", words, result_reason());
}

static const char *in(const char *name)
{
    static char paths[8][FILE_PATH_MAX];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    ok(file_path(directory, name, path));
    return path;
}

static void put(const char *name, const char *text)
{
    ok(file_write(in(name), view_text(text), 0600));
}

static void holds(const char *name, const char *text)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    ok(file_read(in(name), 4096, &bytes));
    assert_true(view_equal(buffer_view(&bytes), view_text(text)));
}

static struct store *state_open(const char *name)
{
    struct store *store = NULL;
    ok(store_open(in(name), &store));
    return store;
}

static void commit(struct store *store, const char *key, const char *value, bool secret)
{
    const struct store_record record = {.key = key, .value = view_text(value), .secret = secret};
    ok(store_commit(store, &record, 1));
}

static int enter(void **state)
{
    (void)state;
    scratch_new(directory);
    CLEANUP(store_closep) struct store *store = state_open("state");
    commit(store, "a", "kept", false);
    commit(store, "s", "a secret", true);
    put("node.yaml", "key: elsewhere/node.key # ours\nstate: /srv/state\nsource: {name: a}\n");
    put("state/journal.jsonl", "one line\n");
    put("state/rows.key", "32 bytes");
    put("state/control.sock", "a door");
    ok(file_directory(in("state/runs"), 0755));
    ok(file_directory(in("state/runs/1"), 0755));
    put("state/runs/1/model.json", "{}");
    put("state/runs/1/table.frozen", "rows of customers");
    put("state/runs/1/table.frozen.new", "rows of customers");
    return 0;
}

static int leave(void **state)
{
    (void)state;
    scratch_remove(directory);
    return 0;
}

static struct result no_daemon(struct view reply, struct snapshot_name *ret)
{
    (void)reply, (void)ret;
    return FAIL(CATEGORY_BUG, "nobody is there to answer");
}

static const struct snapshot_files everything = {
    .copied = (const char *const[]){"journal.jsonl", NULL},
    .linked = (const char *const[]){"rows.key", "absent", "runs", NULL},
    .skipped = (const char *const[]){"table.frozen", NULL},
};

static struct result make(const char *out, struct backup_made *ret)
{
    const struct backup_file files[] = {{in("node.yaml"), "node.yaml"}};
    const struct backup_source source = {.program = "some-daemon",
                                         .version = "1",
                                         .state = in("state"),
                                         .files = files,
                                         .files_count = 1,
                                         .request = "?",
                                         .answered = no_daemon,
                                         .snapshot = &everything};
    return backup_make(&source, in(out), ret);
}

static struct result nothing_more(const char *path, const struct manifest_head *head)
{
    (void)path, (void)head;
    return RESULT_OK;
}

static const struct backup_form form = {
    .program = "some-daemon",
    .files = (const char *const[]){"node.yaml", NULL},
    .snapshot = &everything,
};

static struct result restore(const char *from, const char *into)
{
    struct backup_made made;
    return backup_restore(&form, in(from), in(into), nothing_more, &made);
}

static void what_is_written_is_restored(void **state)
{
    (void)state;
    struct backup_made made, back;
    struct stat about;
    ok(make("out", &made));
    assert_false(made.head.running);
    assert_int_equal(made.files, 5); /* node.yaml, state.db, journal.jsonl, rows.key, model.json */
    assert_false(file_exists(in("state/snapshot")));
    assert_false(file_exists(in("out.unfinished")));
    static const char *const never[] = {"out/state/secrets.db", "out/state/control.sock", "out/state/lock",
                                        "out/state/runs/1/table.frozen", "out/state/runs/1/table.frozen.new"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) assert_false(file_exists(in(never[i])));
    assert_int_equal(stat(in("out"), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    assert_int_equal(stat(in("out/state/state.db"), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    ok(backup_restore(&form, in("out"), in("new"), nothing_more, &back));
    assert_true(hash_equal(&back.digest, &made.digest));
    assert_int_equal(back.bytes, made.bytes);
    holds("new/state/journal.jsonl", "one line\n");
    holds("new/state/rows.key", "32 bytes");
    holds("new/state/runs/1/model.json", "{}");
    CLEANUP(store_closep) struct store *store = state_open("new/state");
    CLEANUP(buffer_done) struct buffer value = {0};
    bool found = false;
    ok(store_load(store, false, NULL, "a", &value, &found));
    assert_true(found && view_equal(buffer_view(&value), view_text("kept")));
    ok(store_load(store, true, NULL, "s", &value, &found));
    assert_false(found);
}

static void nothing_is_overwritten(void **state)
{
    (void)state;
    struct backup_made made;
    put("out", "mine");
    refused(make("out", &made), CATEGORY_USAGE, "something is there already");
    holds("out", "mine");
    ok(make("second", &made));
    ok(file_directory(in("new"), 0700));
    put("new/node.key", "mine");
    refused(restore("second", "new"), CATEGORY_USAGE, "is not empty");
    holds("new/node.key", "mine");
    ok(file_directory(in("empty"), 0755));
    ok(restore("second", "empty"));
}

/* One backup that is good, then changed in one way. */
static void changed(void (*change)(void), enum category category, const char *words)
{
    struct backup_made made;
    ok(folder_remove(in("out")));
    ok(make("out", &made));
    change();
    refused(restore("out", "new"), category, words);
    assert_false(file_exists(in("new")));
    assert_false(file_exists(in("new.unfinished")));
}

static void flip(void)
{
    put("out/state/runs/1/model.json", "[]");
}
static void shorten(void)
{
    assert_int_equal(truncate(in("out/state/state.db"), 4096), 0);
}
static void take_away(void)
{
    assert_int_equal(unlink(in("out/state/rows.key")), 0);
}
static void add(void)
{
    put("out/state/secrets.db", "what does not belong here");
}
static void cut_list(void)
{
    assert_int_equal(truncate(in("out/backup.txt"), 200), 0);
}
static void link_out(void)
{
    take_away();
    put("elsewhere", "32 bytes");
    assert_int_equal(symlink("../../elsewhere", in("out/state/rows.key")), 0);
}
static void link_folder(void)
{
    ok(folder_remove(in("moved")));
    assert_int_equal(rename(in("out/state"), in("moved")), 0);
    assert_int_equal(symlink("../moved", in("out/state")), 0);
}
static void no_list(void)
{
    assert_int_equal(unlink(in("out/backup.txt")), 0);
}

static void what_is_not_whole_is_refused(void **state)
{
    (void)state;
    struct backup_made made;
    changed(flip, CATEGORY_FALSE, "model.json: is not the file that backup.txt names");
    changed(shorten, CATEGORY_FALSE, "state.db: has 4096 bytes, and backup.txt says");
    changed(take_away, CATEGORY_FALSE, "rows.key: is missing");
    changed(add, CATEGORY_FALSE, "has 7 files, where backup.txt names 5 beside itself");
    changed(link_folder, CATEGORY_FALSE, "has 3 files, where backup.txt names 5 beside itself");
    changed(cut_list, CATEGORY_FALSE, "backup.txt: line 5: the text ends before its end");
    changed(link_out, CATEGORY_ENVIRONMENT, "rows.key: Too many levels of symbolic links");
    changed(no_list, CATEGORY_ENVIRONMENT, "backup.txt: No such file or directory; --from has to name");
    ok(folder_remove(in("out")));
    ok(make("out", &made));
    refused(backup_restore(&form, in("absent"), in("new"), nothing_more, &made), CATEGORY_ENVIRONMENT,
            "absent: No such file or directory; --from has to name");
    refused(backup_restore(&form, in("out"), in("nowhere/new"), nothing_more, &made), CATEGORY_ENVIRONMENT,
            "nowhere: No such file or directory; the folder that what is restored is to be in");
    struct backup_form other = form;
    other.program = "other-daemon";
    refused(backup_restore(&other, in("out"), in("new"), nothing_more, &made), CATEGORY_FALSE,
            "a backup of some-daemon, not of other-daemon");
}

/* A list that is right about a file which no backup has: a key, secrets, what SQLite would take for its own. */
static void what_no_backup_has_is_refused(void **state)
{
    (void)state;
    static const char *const planted[] = {
        "node.key",       "state/secrets.db", "state/state.db-wal", "state/runs/1/table.frozen",
        "state/runsmore", "state/lock",       "policy.yaml",        "x/node.yaml",
    };
    for (size_t i = 0; i < sizeof planted / sizeof *planted; i++) {
        CLEANUP(buffer_done) struct buffer list = {0};
        struct manifest_file file = {.bytes = 1};
        const struct manifest_head head = {.program = "some-daemon", .version = "1"};
        (void)snprintf(file.path, sizeof file.path, "%s", planted[i]);
        ok(manifest_begin(&head, &list));
        ok(manifest_add(&file, &list));
        ok(manifest_end(1, &list));
        (void)folder_remove(in("out")).category;
        ok(file_directory(in("out"), 0700));
        ok(file_write(in("out/backup.txt"), buffer_view(&list), 0600));
        refused(restore("out", "new"), CATEGORY_FALSE, "no backup of some-daemon has this file");
        assert_false(file_exists(in("new")));
    }
}

static void a_backup_is_not_in_what_it_is_of(void **state)
{
    (void)state;
    static const char *const places[] = {"state/out", "state/runs/out/", "state/snapshot", "other/../state/out",
                                         "link/out"};
    struct backup_made made;
    ok(file_directory(in("other"), 0700));
    assert_int_equal(symlink("state", in("link")), 0);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        refused(make(places[i], &made), CATEGORY_USAGE, "is in the state directory");
        assert_false(file_exists(in(places[i])));
    }
    refused(make("nowhere/out", &made), CATEGORY_ENVIRONMENT, "; the folder that --out is to be in");
    ok(make("state-more", &made)); /* another name that begins so */
    ok(make("other/out///", &made));
}

/* By another name of it: its own, and a link's. */
static void an_empty_directory_is_filled_by_any_name(void **state)
{
    (void)state;
    struct backup_made made;
    ok(make("out", &made));
    ok(file_directory(in("new"), 0755));
    assert_int_equal(symlink("new", in("link")), 0);
    ok(restore("out", "link"));
    holds("new/state/rows.key", "32 bytes");
    ok(file_directory(in("here"), 0755));
    ok(restore("out", "here/."));
    holds("here/state/rows.key", "32 bytes");
    refused(backup_restore(&form, in("out"), "", nothing_more, &made), CATEGORY_USAGE, "name is empty");
}

/* What a process that was killed left is removed by the next one; what is no folder of ours is left alone. */
static void halves_go(void **state)
{
    (void)state;
    struct backup_made made;
    ok(file_directory(in("out.unfinished"), 0700));
    put("out.unfinished/half", "x");
    ok(file_directory(in("state/snapshot"), 0700));
    put("state/snapshot/old", "x");
    ok(make("out", &made));
    assert_int_equal(made.files, 5);
    assert_false(file_exists(in("out.unfinished")));
    put("second.unfinished", "mine");
    refused(make("second", &made), CATEGORY_USAGE, "is not a directory");
    holds("second.unfinished", "mine");
    assert_false(file_exists(in("state/snapshot")));
}

static bool yes(const char *path)
{
    (void)path;
    return true;
}
static bool no(const char *path)
{
    (void)path;
    return false;
}

static void paths_are_set_or_left(void **state)
{
    (void)state;
    static const struct backup_key keys[] = {{"key", "node.key"}, {"state", "state"}};
    bool set = true;
    ok(backup_set_paths(in("node.yaml"), keys, 2, no, &set));
    assert_false(set);
    holds("node.yaml", "key: elsewhere/node.key # ours\nstate: /srv/state\nsource: {name: a}\n");
    ok(backup_set_paths(in("node.yaml"), keys, 2, yes, &set));
    assert_true(set);
    holds("node.yaml", "key: node.key\nstate: state\nsource: {name: a}\n");
    put("node.yaml", "key: \"pkcs11:object=node;pin-source=pin\"\nstate: elsewhere\n");
    ok(backup_set_paths(in("node.yaml"), keys, 2, yes, &set));
    holds("node.yaml", "key: \"pkcs11:object=node;pin-source=pin\"\nstate: state\n");
}

/* ---- the list of files */

#define DIGEST "1380b2bb193c7034ba917ebe95a8d008833b8fe16aafd315bdd575ebee4c4a56"
#define HEAD "cofferdam backup 1\nprogram a-daemon 1\nmade 9 stopped\n"

static struct result count(void *visitor, const struct manifest_file *file)
{
    (void)file;
    ++*(unsigned *)visitor;
    return RESULT_OK;
}

static void a_list_has_one_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } bad[] = {
        {"", "line 1"},
        {"cofferdam backup 2\n", "line 1: is not"},
        {"cofferdam backup 1\nprogram a-daemon\n", "line 2: is not"},
        {"cofferdam backup 1\nprogram a-daemon 1 2\n", "line 2: is not"},
        {"cofferdam backup 1\nprogram a-daemon 1\nmade 09 stopped\n", "line 3: is not"},
        {"cofferdam backup 1\nprogram a-daemon 1\nmade 9 resting\n", "line 3: is not"},
        {HEAD "end 1\n", "line 4: is not the end after 0 files"},
        {HEAD "end 0\n\n", "line 4: is not the end"},
        {HEAD "end 0", "line 4: the text ends"},
        {HEAD "file " DIGEST " 1 /etc/passwd\nend 1\n", "line 4: is not \"file"},
        {HEAD "file " DIGEST " 1 a/../../b\nend 1\n", "line 4: is not \"file"},
        {HEAD "file " DIGEST " 1 a//b\nend 1\n", "line 4: is not \"file"},
        {HEAD "file " DIGEST " 1 \nend 1\n", "line 4: is not \"file"},
        {HEAD "file " DIGEST " -1 a\nend 1\n", "line 4: is not \"file"},
        {HEAD "file 13 1 a\nend 1\n", "line 4: is not \"file"},
        {HEAD "file " DIGEST " 1 b\nfile " DIGEST " 1 a\nend 2\n", "line 5: the paths are not in order"},
        {HEAD "file " DIGEST " 1 a\nfile " DIGEST " 1 a\nend 2\n", "line 5: the paths are not in order"},
        {HEAD "file " DIGEST " 1 a\tb\nend 1\n", "line 4: too long, or has what no text has"},
    };
    struct manifest_head head;
    unsigned files = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused(manifest_read(view_text(bad[i].text), &head, count, &files), CATEGORY_FALSE, bad[i].words);
    files = 0;
    ok(manifest_read(view_text(HEAD "file " DIGEST " 1 a b\nfile " DIGEST " 2 c/..d\nend 2\n"), &head, count, &files));
    assert_int_equal(files, 2);
    assert_true(strcmp(head.program, "a-daemon") == 0 && head.made == 9 && !head.running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_restored, enter, leave),
        cmocka_unit_test_setup_teardown(nothing_is_overwritten, enter, leave),
        cmocka_unit_test_setup_teardown(what_is_not_whole_is_refused, enter, leave),
        cmocka_unit_test_setup_teardown(what_no_backup_has_is_refused, enter, leave),
        cmocka_unit_test_setup_teardown(a_backup_is_not_in_what_it_is_of, enter, leave),
        cmocka_unit_test_setup_teardown(an_empty_directory_is_filled_by_any_name, enter, leave),
        cmocka_unit_test_setup_teardown(halves_go, enter, leave),
        cmocka_unit_test_setup_teardown(paths_are_set_or_left, enter, leave),
        cmocka_unit_test(a_list_has_one_spelling),
    };
    if (!result_ok(crypto_start())) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
