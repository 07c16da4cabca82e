/* The node's journal while every write of its file fails in turn, and every allocation: it says so, goes on when it
 * can, and has neither a hole nor an entry twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "node/journal.h"
#include "proto/log/journal.h"
#include "sys/file.h"
#include "tests/faults/allocation.h"
#include "tests/faults/files.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"

static char directory[SCRATCH_MAX];
static struct sign_key *key;

static struct result tell(struct journal *journal, unsigned number)
{
    static const struct hash run = {{7}};
    CLEANUP(journal_notes_done) struct journal_notes notes = {0};
    char text[4000];
    memset(text, 'a', sizeof text);
    const struct store_record record = {.scope = &run, .key = "what was done", .value = view_text("this")};
    TRY(journal_note(&notes, &run, "sent", json_pack("{s:s%}", "long", (const char *)text, sizeof text), "sent/%u",
                     number));
    return journal_commit(journal, &record, 1, &notes);
}

/* The file's entries, in order; or why it is no journal. */
static struct result count(uint64_t *ret)
{
    char path[FILE_PATH_MAX];
    CLEANUP(buffer_done) struct buffer bytes = {0};
    CLEANUP(journal_reader_done) struct journal_reader reader = {0};
    TRY(file_path(directory, JOURNAL_FILE, path));
    TRY(file_read(path, BUFFER_LIMIT, &bytes));
    TRY(journal_reader_take(&reader, buffer_view(&bytes)));
    TRY(journal_reader_end(&reader));
    *ret = reader.head.entries;
    return RESULT_OK;
}

enum { ENTRIES = 6 }; /* more than the store keeps of them */

/* Each is tried until it is made, as the freezing of a table is. */
static bool write_once(unsigned long which, int error)
{
    CLEANUP(store_closep) struct store *store = NULL;
    struct journal *journal = NULL;
    uint64_t entries = 0;
    scratch_new(directory);
    OK(store_open(directory, &store));
    OK(journal_open(store, directory, key, &journal));
    files_fail(which, error);
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct result result = tell(journal, i);
        if (result_ok(result)) continue;
        assert_int_equal(result.category, CATEGORY_ENVIRONMENT);
        assert_non_null(strstr(result_reason(), directory));
        i--;
    }
    bool failed = files_mend();
    OK(count(&entries));
    assert_int_equal(entries, ENTRIES);
    journal_close(journal);
    journal = NULL;
    OK(journal_open(store, directory, key, &journal));
    assert_int_equal(journal_entries(journal), ENTRIES);
    journal_close(journal);
    store_closep(&store);
    scratch_remove(directory);
    return failed;
}

static void a_write_that_fails_is_made_again(void **state)
{
    (void)state;
    static const int errors[] = {ENOSPC, EIO, EINTR, 0};
    files_skip_sync();
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        unsigned long which = 1;
        while (write_once(which, errors[i])) which++;
        assert_true(which > ENTRIES);
    }
}

enum { FEW = 3 };

static struct result tell_all(struct journal *journal)
{
    for (unsigned i = 0; i < FEW; i++) TRY(tell(journal, i));
    return RESULT_OK;
}

static struct result use_journal(void *context)
{
    (void)context;
    struct store *store = NULL;
    struct journal *journal = NULL;
    uint64_t entries = 0;
    allocation_pause();
    scratch_new(directory);
    OK(store_open(directory, &store));
    allocation_resume();
    struct result result = journal_open(store, directory, key, &journal);
    if (result_ok(result)) result = tell_all(journal);
    journal_close(journal);
    /* Whatever failed, the next start finds a journal. */
    allocation_pause();
    journal = NULL;
    char reason[256];
    (void)snprintf(reason, sizeof reason, "%s", result_reason());
    OK(journal_open(store, directory, key, &journal));
    uint64_t known = journal_entries(journal);
    if (known) OK(count(&entries));
    assert_int_equal(known, entries);
    journal_close(journal);
    store_close(store);
    scratch_remove(directory);
    if (!result_ok(result)) result_say("%s", reason);
    allocation_resume();
    ENSURE(!result_ok(result) || entries == FEW, CATEGORY_BUG, "%u entries", (unsigned)entries);
    return result;
}

static void memory_that_runs_out(void **state)
{
    (void)state;
    allocation_loop("a node's journal", use_journal, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_that_fails_is_made_again),
        cmocka_unit_test(memory_that_runs_out),
    };
    CLEANUP(secret_freep) struct secret *seed = NULL;
    if (!result_ok(crypto_start()) || !result_ok(secret_new(SIGN_SEED_BYTES, &seed)) ||
        !result_ok(sign_key_from_seed(seed, &key)))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sign_key_free(key);
    return failed;
}
