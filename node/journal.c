#include "node/journal.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/json_text.h"
#include "crypto/base/failpoint.h"
#include "node/lock.h"
#include "proto/log/journal.h"
#include "sys/clock.h"
#include "sys/growing.h"
#include "sys/log.h"

/* u64 entries ‖ hash of the last ‖ u64 bytes known to be in the file ‖ the lines after them */
#define KEY_HEAD "daemon/journal"
/* The store has them durably, so that the file need not be synced for each entry: only before the store lets them go.
 */
enum { PIECE_BYTES = 1 << 20, SETTLE_BYTES = 16 << 10 };
#define GONE                                                                                                           \
    "bring back the file from after the last entry; where it is gone for good, this bank needs a new directory and "   \
    "new keys (docs/operators.md, Backups)"

struct journal {
    struct store *store;
    const struct sign_key *key;
    char path[FILE_PATH_MAX];
    pthread_mutex_t mutex; /* over all below */
    struct growing file;
    struct journal_head head;     /* after `tail` */
    atomic_uint_fast64_t entries; /* of the head, for who does not hold the mutex */
    uint64_t settled;             /* bytes that are in the file, durably */
    struct buffer tail;           /* the lines that come after them; the store has them */
    size_t written;               /* of the tail: bytes that are in the file, and may be lost with the power */
    bool unknown;                 /* a commit failed on the way: only the store knows how it went */
};

/* ---- notes */

void journal_notes_done(struct journal_notes *notes)
{
    for (size_t i = 0; i < notes->count; i++) json_decref(notes->items[i].facts);
    notes->count = 0;
}

static bool has_key(const struct journal_notes *notes, const char *key)
{
    for (size_t i = 0; i < notes->count; i++)
        if (*key && strcmp(notes->items[i].key, key) == 0) return true;
    return false;
}

struct result journal_note(struct journal_notes *notes, const struct hash *run, const char *event, json_t *take_facts,
                           const char *key, ...)
{
    struct journal_note note = {.run = run, .event = event, .facts = take_facts};
    va_list arguments;
    va_start(arguments, key);
    (void)vsnprintf(note.key, sizeof note.key, key, arguments);
    va_end(arguments);
    ENSURE(take_facts, CATEGORY_ENVIRONMENT, "no memory for an entry of the journal");
    if (has_key(notes, note.key) || notes->count == JOURNAL_NOTES_MAX) {
        json_decref(take_facts);
        ENSURE(notes->count < JOURNAL_NOTES_MAX, CATEGORY_BUG, "more than %u entries of the journal at once",
               JOURNAL_NOTES_MAX);
        return RESULT_OK;
    }
    notes->items[notes->count++] = note;
    return RESULT_OK;
}

/* ---- what the store knows */

static struct result head_read(struct view record, struct journal *journal)
{
    struct reader reader = reader_of(record, "the journal's head");
    struct view last;
    TRY(reader_u64(&reader, &journal->head.entries));
    TRY(reader_take(&reader, HASH_BYTES, &last));
    memcpy(journal->head.last.bytes, last.data, HASH_BYTES);
    atomic_store(&journal->entries, journal->head.entries);
    TRY(reader_u64(&reader, &journal->settled));
    buffer_clear(&journal->tail);
    return buffer_append(&journal->tail, reader.rest);
}

static struct result head_load(struct journal *journal)
{
    CLEANUP(buffer_done) struct buffer record = {0};
    bool found = false;
    TRY(store_load(journal->store, false, NULL, KEY_HEAD, &record, &found));
    if (found) TRY(head_read(buffer_view(&record), journal));
    journal->unknown = false;
    return RESULT_OK;
}

static struct result head_write(const struct journal_head *head, uint64_t settled, struct view tail, struct buffer *out)
{
    TRY(buffer_u64(out, head->entries));
    TRY(buffer_append(out, hash_view(&head->last)));
    TRY(buffer_u64(out, settled));
    return buffer_append(out, tail);
}

/* ---- the file */

/* The lines that are known to be in the file, and then those that the store has as well. */
static struct result read_all(const struct journal *journal, struct journal_reader *reader)
{
    CLEANUP(buffer_done) struct buffer piece = {0};
    uint64_t length;
    for (uint64_t at = 0; at < journal->settled; at += piece.length) {
        uint64_t left = journal->settled - at;
        TRY(file_read_piece(journal->path, at, left < PIECE_BYTES ? (size_t)left : PIECE_BYTES, &piece, &length));
        ENSURE(piece.length > 0, CATEGORY_ENVIRONMENT, "%s: became shorter while it was read", journal->path);
        TRY(journal_reader_take(reader, buffer_view(&piece)));
    }
    TRY(journal_reader_take(reader, buffer_view(&journal->tail)));
    return journal_reader_end(reader);
}

/* The chain of hashes leads to the head that the store kept, so every byte is what the node wrote and signed. */
static struct result check_lines(const struct journal *journal)
{
    CLEANUP(journal_reader_done) struct journal_reader reader = {0};
    struct result result = read_all(journal, &reader);
    if (result_ok(result) &&
        (reader.head.entries != journal->head.entries || !hash_equal(&reader.head.last, &journal->head.last)))
        result = FAIL(CATEGORY_FALSE, "its last entry is another than the last that this node made");
    if (result.category != CATEGORY_FALSE) return result;
    char reason[256];
    (void)snprintf(reason, sizeof reason, "%s", result_reason());
    return FAIL(CATEGORY_ENVIRONMENT, "%s: was changed (%s); " GONE, journal->path, reason);
}

static struct result check_file(const struct journal *journal, uint64_t *ret_length)
{
    CLEANUP(buffer_done) struct buffer nothing = {0};
    *ret_length = 0;
    if (file_exists(journal->path)) TRY(file_read_piece(journal->path, 0, 0, &nothing, ret_length));
    ENSURE(*ret_length >= journal->settled, CATEGORY_ENVIRONMENT,
           "%s: has %llu bytes, where this node wrote %llu; " GONE, journal->path, (unsigned long long)*ret_length,
           (unsigned long long)journal->settled);
    ENSURE(*ret_length <= journal->settled + journal->tail.length, CATEGORY_ENVIRONMENT,
           "%s: has %llu bytes, where state.db knows of %llu: state.db is older, or someone wrote into the journal; "
           "bring back both from one moment (docs/operators.md, Backups)",
           journal->path, (unsigned long long)*ret_length,
           (unsigned long long)(journal->settled + journal->tail.length));
    return check_lines(journal);
}

static struct result sync_file(struct journal *journal)
{
    if (journal->tail.length == 0) return RESULT_OK;
    TRY(growing_sync(&journal->file));
    FAILPOINT("node: the journal's file is durable");
    journal->settled += journal->tail.length;
    buffer_clear(&journal->tail);
    journal->written = 0;
    return RESULT_OK;
}

/* After a failure nothing of the tail counts as written: the file is opened again, cut to what is settled. */
static void let_go(struct journal *journal)
{
    growing_close(&journal->file);
    journal->written = 0;
}

/* What is not in the file yet; all of it durably, when that is due or asked for. */
static struct result settle(struct journal *journal, bool all)
{
    size_t length = journal->tail.length;
    if (length == 0) return RESULT_OK;
    if (journal->file.descriptor < 0) TRY(growing_open(journal->path, journal->settled, &journal->file));
    FAILPOINT("node: the journal's entries are in the store, not in the file");
    struct view rest = view_of(journal->tail.data + journal->written, length - journal->written);
    struct result result = growing_append(&journal->file, rest);
    FAILPOINT("node: the journal's entries are in the file");
    if (result_ok(result)) journal->written = length;
    if (result_ok(result) && (all || length >= SETTLE_BYTES)) result = sync_file(journal);
    if (!result_ok(result)) let_go(journal);
    return result;
}

static void journal_free(struct journal *journal)
{
    if (!journal) return;
    growing_close(&journal->file);
    buffer_done(&journal->tail);
    (void)pthread_mutex_destroy(&journal->mutex);
    free(journal);
}

static void journal_freep(struct journal **journal)
{
    journal_free(*journal);
}

static struct result load(struct store *store, const char *directory, struct journal **ret, uint64_t *ret_length)
{
    CLEANUP(journal_freep) struct journal *journal = calloc(1, sizeof *journal);
    ENSURE(journal, CATEGORY_ENVIRONMENT, "no memory for the journal");
    journal->file.descriptor = -1;
    journal->store = store;
    ENSURE(pthread_mutex_init(&journal->mutex, NULL) == 0, CATEGORY_ENVIRONMENT, "no memory for a lock");
    TRY(file_path(directory, JOURNAL_FILE, journal->path));
    TRY(head_load(journal));
    TRY(check_file(journal, ret_length));
    *ret = journal;
    journal = NULL;
    return RESULT_OK;
}

struct result journal_open(struct store *store, const char *directory, const struct sign_key *key, struct journal **ret)
{
    CLEANUP(journal_freep) struct journal *journal = NULL;
    uint64_t length;
    TRY(load(store, directory, &journal, &length));
    journal->key = key;
    if (length < journal->settled + journal->tail.length)
        log_info("journal", "%s: the last %llu bytes are written again, as the store has them", journal->path,
                 (unsigned long long)(journal->settled + journal->tail.length - length));
    TRY(settle(journal, true));
    *ret = journal;
    journal = NULL;
    return RESULT_OK;
}

void journal_close(struct journal *journal)
{
    if (!journal) return;
    CLEANUP(buffer_done) struct buffer value = {0};
    bool settled = !journal->unknown && journal->head.entries > 0 && result_ok(settle(journal, true));
    if (settled && result_ok(head_write(&journal->head, journal->settled, (struct view){0}, &value))) {
        const struct store_record record = {.key = KEY_HEAD, .value = buffer_view(&value)};
        (void)store_commit(journal->store, &record, 1).category; /* the next start settles it else */
    }
    journal_free(journal);
}

struct result journal_check(struct store *store, const char *directory, uint64_t *ret_entries)
{
    CLEANUP(journal_freep) struct journal *journal = NULL;
    uint64_t length;
    TRY(load(store, directory, &journal, &length));
    *ret_entries = journal->head.entries;
    return RESULT_OK;
}

/* ---- entries with what they tell of */

/* A commit under way: the caller's records, a mark for each entry with a key, and the head. */
struct commit {
    struct store_record *records;
    size_t count;
    struct mark {
        char key[sizeof "journal/" + JOURNAL_KEY_MAX];
        uint8_t number[8];
    } marks[JOURNAL_NOTES_MAX];
    struct journal_head head;
    struct buffer tail, value;
};

static void commit_done(struct commit *commit)
{
    free(commit->records);
    buffer_done(&commit->tail);
    buffer_done(&commit->value);
}

static struct result mark_find(struct journal *journal, const struct hash *run, const char *key, bool *ret)
{
    CLEANUP(buffer_done) struct buffer value = {0};
    return store_load(journal->store, false, run, key, &value, ret);
}

static struct result add_note(struct journal *journal, const struct journal_note *note, struct mark *mark,
                              struct commit *commit)
{
    CLEANUP(buffer_done) struct buffer facts = {0};
    struct journal_entry entry = {.time = clock_now_ms() / 1000, .has_run = note->run != NULL};
    bool told = false;
    (void)snprintf(mark->key, sizeof mark->key, "journal/%s", note->key);
    if (*note->key) TRY(mark_find(journal, note->run, mark->key, &told));
    if (told) return RESULT_OK;
    if (note->run) entry.run = *note->run;
    (void)snprintf(entry.event, sizeof entry.event, "%s", note->event);
    TRY(json_text(note->facts, JSON_COMPACT | JSON_ENSURE_ASCII, &facts));
    entry.facts = buffer_view(&facts);
    TRY(journal_add(&commit->head, journal->key, &entry, &commit->tail));
    bytes_put_u64(mark->number, commit->head.entries);
    if (*note->key)
        commit->records[commit->count++] = (struct store_record){
            .scope = note->run, .key = mark->key, .value = view_of(mark->number, sizeof mark->number)};
    return RESULT_OK;
}

static struct result head_known(struct journal *journal)
{
    if (!journal->unknown) return RESULT_OK;
    let_go(journal); /* what the store knows to be settled may be less */
    return head_load(journal);
}

static struct result commit_all(struct journal *journal, const struct store_record *records, size_t count,
                                const struct journal_notes *notes)
{
    CLEANUP(commit_done) struct commit commit = {.count = count};
    TRY(head_known(journal));
    commit.head = journal->head;
    commit.records = calloc(count + notes->count + 1, sizeof *commit.records);
    ENSURE(commit.records, CATEGORY_ENVIRONMENT, "no memory for a batch");
    if (count) memcpy(commit.records, records, count * sizeof *records);
    TRY(buffer_append(&commit.tail, buffer_view(&journal->tail)));
    for (size_t i = 0; i < notes->count; i++) TRY(add_note(journal, &notes->items[i], &commit.marks[i], &commit));
    if (commit.head.entries > journal->head.entries) {
        TRY(head_write(&commit.head, journal->settled, buffer_view(&commit.tail), &commit.value));
        commit.records[commit.count++] = (struct store_record){.key = KEY_HEAD, .value = buffer_view(&commit.value)};
    }
    if (commit.count == 0) return RESULT_OK;
    journal->unknown = true;
    TRY(store_commit(journal->store, commit.records, commit.count));
    journal->unknown = false;
    journal->head = commit.head;
    atomic_store(&journal->entries, journal->head.entries);
    struct buffer before = journal->tail;
    journal->tail = commit.tail;
    commit.tail = before;
    return settle(journal, false);
}

struct result journal_commit(struct journal *journal, const struct store_record *records, size_t count,
                             const struct journal_notes *notes)
{
    (void)pthread_mutex_lock(&journal->mutex);
    struct result result = commit_all(journal, records, count, notes);
    (void)pthread_mutex_unlock(&journal->mutex);
    return result;
}

static struct result settle_known(struct journal *journal)
{
    TRY(head_known(journal));
    return settle(journal, true);
}

struct result journal_still(struct journal *journal, struct result (*work)(void *context), void *context)
{
    TRY(lock_unless_awaited(&journal->mutex, journal->key));
    struct result result = settle_known(journal);
    if (result_ok(result)) result = work(context);
    (void)pthread_mutex_unlock(&journal->mutex);
    return result;
}

struct result journal_tells(struct journal *journal, const struct hash *run, const char *key, bool *ret)
{
    char mark[sizeof "journal/" + JOURNAL_KEY_MAX];
    (void)snprintf(mark, sizeof mark, "journal/%s", key);
    return mark_find(journal, run, mark, ret);
}

const char *journal_path(const struct journal *journal)
{
    return journal->path;
}

uint64_t journal_entries(struct journal *journal)
{
    return atomic_load(&journal->entries);
}
