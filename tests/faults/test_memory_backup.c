/* Every allocation fails once while a snapshot is taken and while a backup is restored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sys/backup.h"
#include "sys/folder.h"
#include "tests/faults/allocation.h"
#include "tests/faults/files.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"

static char directory[SCRATCH_MAX];
static struct {
    char state[FILE_PATH_MAX], runs[FILE_PATH_MAX], model[FILE_PATH_MAX], config[FILE_PATH_MAX], out[FILE_PATH_MAX],
        into[FILE_PATH_MAX], draft[FILE_PATH_MAX], restored[FILE_PATH_MAX];
} paths;

static const struct snapshot_files files = {
    .copied = (const char *const[]){NULL},
    .linked = (const char *const[]){"runs", NULL},
    .skipped = (const char *const[]){NULL},
};
static const struct backup_form form = {
    .program = "a-daemon",
    .files = (const char *const[]){"node.yaml", NULL},
    .snapshot = &files,
};

/* --- A snapshot --------------------------------------------------------------------------------------------------- */

static struct result snapshot(void *context)
{
    struct store *store = context;
    struct snapshot_name name;
    char folder[FILE_PATH_MAX];
    unsigned count = 0;
    allocation_pause();
    (void)snapshot_remove(paths.state).category;
    allocation_resume();
    TRY(snapshot_take(store, paths.state, &files, &name));
    TRY(snapshot_path(paths.state, view_text(name.text), folder));
    TRY(folder_count(folder, &count));
    ENSURE(count == 2, CATEGORY_BUG, "a snapshot of %u files", count);
    return snapshot_remove(paths.state);
}

static void a_snapshot(void **state)
{
    (void)state;
    CLEANUP(store_closep) struct store *store = NULL;
    OK(store_open(paths.state, &store));
    allocation_loop("a snapshot", snapshot, store);
    OK(snapshot_remove(paths.state));
}

/* --- A backup ----------------------------------------------------------------------------------------------------- */

static struct result no_daemon(struct view reply, struct snapshot_name *ret)
{
    (void)reply, (void)ret;
    return FAIL(CATEGORY_BUG, "nobody is there to answer");
}

static struct result pass(const char *path, const struct manifest_head *head)
{
    (void)path, (void)head;
    return RESULT_OK;
}

/* All of it or nothing. */
static struct result restore(void *context)
{
    (void)context;
    struct backup_made made;
    allocation_pause();
    (void)folder_remove(paths.into).category;
    allocation_resume();
    struct result result = backup_restore(&form, paths.out, paths.into, pass, &made);
    allocation_pause();
    bool there = file_exists(paths.restored);
    ENSURE(there == result_ok(result), CATEGORY_BUG, "half a backup is restored, or none without a word");
    allocation_resume();
    return result;
}

static void a_backup_is_restored(void **state)
{
    (void)state;
    const struct backup_file config[] = {{paths.config, "node.yaml"}};
    const struct backup_source source = {.program = form.program,
                                         .version = "1",
                                         .state = paths.state,
                                         .files = config,
                                         .files_count = 1,
                                         .request = "?",
                                         .answered = no_daemon,
                                         .snapshot = &files};
    struct backup_made made;
    OK(backup_make(&source, paths.out, &made));
    allocation_loop("a restore", restore, NULL);
    assert_false(file_exists(paths.draft));
}

static int enter(void **state)
{
    (void)state;
    files_skip_sync();
    scratch_new(directory);
    OK(file_path(directory, "state", paths.state));
    OK(file_path(paths.state, "runs", paths.runs));
    OK(file_path(paths.runs, "model.json", paths.model));
    OK(file_path(directory, "node.yaml", paths.config));
    OK(file_path(directory, "out", paths.out));
    OK(file_path(directory, "into", paths.into));
    OK(file_path(directory, "into.unfinished", paths.draft));
    OK(file_path(paths.into, "state/runs/model.json", paths.restored));
    CLEANUP(store_closep) struct store *store = NULL;
    OK(store_open(paths.state, &store));
    OK(file_directory(paths.runs, 0700));
    OK(file_write(paths.model, view_text("{}"), 0600));
    OK(file_write(paths.config, view_text("state: state\n"), 0600));
    return 0;
}

static int leave(void **state)
{
    (void)state;
    scratch_remove(directory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot),
        cmocka_unit_test(a_backup_is_restored),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
