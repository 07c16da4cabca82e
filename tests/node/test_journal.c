/* The node's journal between its store and its file: what a crash leaves is made whole, what anyone else changed keeps
 * the node from starting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/journal.h"
#include "proto/log/journal.h"
#include "sys/file.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"

static char directory[SCRATCH_MAX], path[FILE_PATH_MAX];
static struct sign_key *key;
static const struct hash run = {{7}}, other = {{8}};

static int enter(void **state)
{
    (void)state;
    CLEANUP(secret_freep) struct secret *seed = NULL;
    scratch_new(directory);
    bool made = result_ok(file_path(directory, JOURNAL_FILE, path)) && result_ok(secret_new(SIGN_SEED_BYTES, &seed)) &&
                result_ok(sign_key_from_seed(seed, &key));
    return made ? 0 : -1;
}

static int leave(void **state)
{
    (void)state;
    sign_key_freep(&key);
    scratch_remove(directory);
    return 0;
}

static struct result tell(struct journal *journal, const struct hash *of, const char *name, const char *value)
{
    CLEANUP(journal_notes_done) struct journal_notes notes = {0};
    const struct store_record record = {.scope = of, .key = "what was done", .value = view_text(value)};
    TRY(journal_note(&notes, of, "sent", json_pack("{s:s}", "value", value), "%s", name));
    return journal_commit(journal, &record, 1, &notes);
}

/* As a process that is killed after so many entries, without a word. */
static void killed_after(unsigned entries)
{
    pid_t child = fork();
    if (child == 0) {
        struct store *store = NULL;
        struct journal *journal = NULL;
        bool good =
            result_ok(store_open(directory, &store)) && result_ok(journal_open(store, directory, key, &journal));
        for (unsigned i = 0; good && i < entries; i++) {
            char name[24];
            (void)snprintf(name, sizeof name, "sent/%u", i);
            good = result_ok(tell(journal, &run, name, name));
        }
        _exit(good ? 0 : 1);
    }
    int status = -1;
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    assert_int_equal(status, 0);
}

/* Starts and stops in order. */
static struct result start(uint64_t *ret_entries)
{
    CLEANUP(store_closep) struct store *store = NULL;
    struct journal *journal = NULL;
    TRY(store_open(directory, &store));
    TRY(journal_open(store, directory, key, &journal));
    *ret_entries = journal_entries(journal);
    journal_close(journal);
    return RESULT_OK;
}

static struct result verify(void *context, const struct journal_entry *entry)
{
    return journal_verify(entry, context);
}

static void read_file(struct buffer *out)
{
    OK(file_read(path, BUFFER_LIMIT, out));
}

/* What the file holds is a journal of so many entries by this key. */
static void holds(uint64_t entries)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    CLEANUP(journal_reader_done)
    struct journal_reader reader = {.context = (void *)(uintptr_t)sign_key_public(key), .entry = verify};
    read_file(&bytes);
    OK(journal_reader_take(&reader, buffer_view(&bytes)));
    OK(journal_reader_end(&reader));
    assert_int_equal(reader.head.entries, entries);
}

static void an_entry_is_made_once_with_what_it_tells(void **state)
{
    (void)state;
    CLEANUP(store_closep) struct store *store = NULL;
    CLEANUP(journal_notes_done) struct journal_notes notes = {0};
    struct journal *journal = NULL;
    bool told = true;
    OK(store_open(directory, &store));
    OK(journal_open(store, directory, key, &journal));
    assert_false(file_exists(path)); /* a node that did nothing has nothing to tell */
    OK(tell(journal, &run, "sent/1", "a"));
    OK(tell(journal, &run, "sent/1", "again"));
    OK(tell(journal, &other, "sent/1", "of another run"));
    OK(tell(journal, &run, "", "as often"));
    OK(tell(journal, &run, "", "as it happens"));
    assert_int_equal(journal_entries(journal), 4);
    OK(journal_tells(journal, &run, "sent/1", &told));
    assert_true(told);
    OK(journal_tells(journal, &run, "sent/2", &told));
    assert_false(told);
    /* Twice in one batch is once; and a batch of nothing is nothing. */
    OK(journal_note(&notes, &run, "sent", json_object(), "sent/3"));
    OK(journal_note(&notes, &run, "sent", json_object(), "sent/3"));
    OK(journal_commit(journal, NULL, 0, &notes));
    OK(journal_commit(journal, NULL, 0, &notes));
    assert_int_equal(journal_entries(journal), 5);
    assert_int_equal(journal_note(&notes, &run, "sent", NULL, "sent/4").category, CATEGORY_ENVIRONMENT);
    journal_close(journal);
    holds(5);
}

/* The store knows the last entries; of those in the file any part may be missing, or be zeros after a power loss. */
static void what_a_crash_left_open_is_finished(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer before = {0}, after = {0};
    uint64_t entries;
    killed_after(1);
    OK(start(&entries)); /* in order: the first is the file's own */
    read_file(&before);
    size_t first = before.length;
    killed_after(4); /* the first is told already */
    read_file(&before);
    for (size_t length = first; length <= before.length; length += 41) {
        assert_int_equal(truncate(path, (off_t)length), 0);
        killed_after(0);
        read_file(&after);
        assert_true(view_equal(buffer_view(&before), buffer_view(&after)));
    }
    memset(after.data + first + 5, 0, 300);
    OK(file_write(path, buffer_view(&after), 0600));
    killed_after(0);
    read_file(&after);
    assert_true(view_equal(buffer_view(&before), buffer_view(&after)));
    holds(4);
    assert_int_equal(truncate(path, (off_t)first - 1), 0);
    assert_int_equal(start(&entries).category, CATEGORY_ENVIRONMENT);
}

/* More than the store keeps: what it let go is in the file. */
static void many_entries_are_settled_on_the_way(void **state)
{
    (void)state;
    uint64_t entries;
    killed_after(200);
    OK(start(&entries));
    assert_int_equal(entries, 200);
    holds(200);
}

/* The first entry of all: the file need not be there yet. */
static void the_first_entry_may_be_in_the_store_alone(void **state)
{
    (void)state;
    killed_after(1);
    assert_int_equal(remove(path), 0);
    uint64_t entries;
    OK(start(&entries));
    assert_int_equal(entries, 1);
    holds(1);
}

static void refused(const char *why)
{
    CLEANUP(buffer_done) struct buffer before = {0}, after = {0};
    CLEANUP(store_closep) struct store *store = NULL;
    uint64_t entries;
    bool there = file_exists(path);
    if (there) read_file(&before);
    assert_int_equal(start(&entries).category, CATEGORY_ENVIRONMENT);
    if (!strstr(result_reason(), JOURNAL_FILE) || !strstr(result_reason(), why) ||
        !strstr(result_reason(), "docs/operators.md"))
        fail_msg("not \"%s\" but \"%s\"", why, result_reason());
    OK(store_open(directory, &store));
    assert_int_equal(journal_check(store, directory, &entries).category, CATEGORY_ENVIRONMENT);
    assert_true(there == file_exists(path));
    if (there) read_file(&after);
    assert_true(view_equal(buffer_view(&before), buffer_view(&after)));
}

static void what_someone_changed_keeps_the_node_from_starting(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer whole = {0}, changed = {0};
    uint64_t entries;
    killed_after(3);
    OK(start(&entries)); /* in order: from here on the file stands for itself */
    read_file(&whole);
    for (size_t at = 0; at < whole.length; at += 37) {
        buffer_clear(&changed);
        OK(buffer_append(&changed, buffer_view(&whole)));
        changed.data[at] ^= 1;
        OK(file_write(path, buffer_view(&changed), 0600));
        refused("was changed (");
    }
    for (size_t length = 0; length < whole.length; length += 97) {
        OK(file_write(path, view_of(whole.data, length), 0600));
        refused("where this node wrote");
    }
    assert_int_equal(remove(path), 0);
    refused("has 0 bytes, where this node wrote");
    buffer_clear(&changed);
    OK(buffer_append(&changed, buffer_view(&whole)));
    OK(buffer_u8(&changed, '\n'));
    OK(file_write(path, buffer_view(&changed), 0600));
    refused("state.db is older, or someone wrote into the journal");
    /* A journal of the same length by the same key, but not this one. */
    OK(file_write(path, buffer_view(&whole), 0600));
    OK(start(&entries));
    assert_int_equal(entries, 3);
    holds(3);
}

/* Of a backup in which state.db is older than the journal. */
static void a_store_that_knows_less_is_refused(void **state)
{
    (void)state;
    char database[FILE_PATH_MAX];
    CLEANUP(buffer_done) struct buffer kept = {0};
    uint64_t entries;
    OK(file_path(directory, "state.db", database));
    killed_after(2);
    OK(start(&entries));
    OK(file_read(database, BUFFER_LIMIT, &kept));
    killed_after(4);
    OK(start(&entries));
    assert_int_equal(entries, 4);
    OK(file_write(database, buffer_view(&kept), 0600));
    refused("state.db is older");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_entry_is_made_once_with_what_it_tells, enter, leave),
        cmocka_unit_test_setup_teardown(what_a_crash_left_open_is_finished, enter, leave),
        cmocka_unit_test_setup_teardown(many_entries_are_settled_on_the_way, enter, leave),
        cmocka_unit_test_setup_teardown(the_first_entry_may_be_in_the_store_alone, enter, leave),
        cmocka_unit_test_setup_teardown(what_someone_changed_keeps_the_node_from_starting, enter, leave),
        cmocka_unit_test_setup_teardown(a_store_that_knows_less_is_refused, enter, leave),
    };
    if (!result_ok(crypto_start())) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
