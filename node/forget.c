#include "node/forget.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/failpoint.h"
#include "node/bundle.h"
#include "node/erase.h"
#include "node/journal_facts.h"
#include "node/lock.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/folder.h"
#include "sys/growing.h"
#include "sys/log.h"
#include "sys/snapshot.h"

#define KEY_FORGOTTEN "daemon/forgotten" /* u64 time */

static struct result folder_of(const struct bank *bank, const struct hash *run, char out[FILE_PATH_MAX])
{
    char runs[FILE_PATH_MAX];
    TRY(file_path(bank->config->state, "runs", runs));
    return file_path(runs, hash_hex(run).text, out);
}

struct result run_forgotten(struct bank *bank, const struct hash *run, uint64_t *ret_at)
{
    CLEANUP(buffer_done) struct buffer value = {0};
    bool found = false;
    *ret_at = 0;
    TRY(store_load(bank->store, false, run, KEY_FORGOTTEN, &value, &found));
    if (!found) return RESULT_OK;
    struct reader reader = reader_of(buffer_view(&value), "when a run was forgotten");
    TRY(reader_u64(&reader, ret_at));
    return reader_end(&reader);
}

struct result run_forget_rest(struct bank *bank, const struct hash *run)
{
    char folder[FILE_PATH_MAX];
    TRY(folder_of(bank, run, folder));
    TRY(store_scrub(bank->store));
    TRY(snapshot_remove(bank->config->state)); /* a backup under way fails, and leaves no trace of the run here */
    if (!file_exists(folder)) return RESULT_OK;
    FAILPOINT("node: a run is forgotten, its files are here");
    TRY(folder_remove(folder));
    FAILPOINT("node: a forgotten run is gone");
    return RESULT_OK;
}

/* ---- which run is meant */

struct search {
    const char *begin;
    struct hash run;
    unsigned found;
};

static struct result meet(void *visitor, const struct hash *run)
{
    struct search *search = visitor;
    if (strncmp(hash_hex(run).text, search->begin, strlen(search->begin)) != 0) return RESULT_OK;
    if (search->found && hash_equal(&search->run, run)) return RESULT_OK; /* a record and a folder */
    search->run = *run;
    search->found++;
    return RESULT_OK;
}

/* In the store, or as a folder. */
static struct result find(struct bank *bank, const char *id, struct hash *ret)
{
    struct search search = {.begin = id};
    char runs[FILE_PATH_MAX];
    ENSURE(*id && strlen(id) <= (size_t)2 * HASH_BYTES && strspn(id, "0123456789abcdef") == strlen(id), CATEGORY_USAGE,
           "\"%.80s\" is not how a run's id begins: up to 64 hex digits, lower case", id);
    TRY(store_scopes(bank->store, meet, &search));
    TRY(file_path(bank->config->state, "runs", runs));
    DIR *entries = opendir(runs);
    struct result result = RESULT_OK;
    for (const struct dirent *entry; entries && result_ok(result) && (entry = readdir(entries));) {
        struct hash run;
        if (result_ok(bytes_unhex(view_text(entry->d_name), run.bytes, HASH_BYTES))) result = meet(&search, &run);
    }
    if (entries) (void)closedir(entries);
    TRY(result);
    ENSURE(search.found, CATEGORY_FALSE, "no run here begins with %s; `cofferdam run list` shows those that do", id);
    ENSURE(search.found == 1, CATEGORY_USAGE, "more than one run here begins with %s; give more of its id", id);
    *ret = search.run;
    return RESULT_OK;
}

/* ---- whether it may go */

/* An offer that was seen, and no more, may be of a run that is open: nothing but an entry of the journal is kept of it.
 */
static struct result check_kept(struct bank *bank, const struct hash *run, unsigned files)
{
    CLEANUP(buffer_done) struct buffer value = {0};
    bool kept = false, over = false;
    TRY(store_load(bank->store, false, run, PART_KEY_SUBMISSION, &value, &kept));
    TRY(store_load(bank->store, false, run, PART_KEY_END, &value, &over));
    ENSURE(kept || over || files, CATEGORY_FALSE, "nothing is kept here of run %.12s, which was offered alone",
           hash_hex(run).text);
    return RESULT_OK;
}

/* From here on its thread brings nothing more. Lock held. */
static struct result stop_part(struct bank *bank, const struct hash *run)
{
    struct part *part = part_find(bank, run);
    if (!part) return RESULT_OK;
    ENSURE(part->state != SERVICE_RUN_OPEN, CATEGORY_FALSE,
           "run %.12s is open: it can be forgotten when it is over (its submitter can end it with `cofferdam run "
           "cancel`)",
           part->hex);
    atomic_store(&part->forgotten, true);
    (void)pthread_cond_broadcast(&bank->changed);
    return RESULT_OK;
}

/* Lock held. */
static void keep_part(struct bank *bank, const struct hash *run)
{
    struct part *part = part_find(bank, run);
    if (part) atomic_store(&part->forgotten, false);
}

/* Out of memory; by its own thread's end, when that is still at work. Lock held. */
static void let_part_go(struct bank *bank, const struct hash *run)
{
    struct part **place = &bank->parts;
    while (*place && !hash_equal(&(*place)->submission.id, run)) place = &(*place)->next;
    struct part *part = *place;
    if (!part || (part->threaded && !part->ended)) return;
    *place = part->next;
    if (part->threaded) (void)pthread_join(part->thread, NULL);
    part_free(part);
}

/* ---- what goes */

static struct result digest_of(const char *folder, const char *name, bool *ret_has, struct hash *ret)
{
    char path[FILE_PATH_MAX];
    uint64_t bytes;
    TRY(file_path(folder, name, path));
    *ret_has = file_exists(path);
    return *ret_has ? file_digest(path, ret, &bytes) : RESULT_OK;
}

/* Without the folder nobody would know of rows that are left in the database. */
static struct result drop_pushed(struct bank *bank, const struct hash *run, const char *folder)
{
    struct pushdown pushdown = {.source = &bank->config->source, .run = run, .position = bank->position};
    TRY(file_path(folder, PART_PUSHED, pushdown.path));
    if (!file_exists(pushdown.path)) return RESULT_OK;
    return result_at(pushdown_drop(&pushdown), "its frozen rows are still in the database, which has to be there: ");
}

static struct result look(struct bank *bank, struct forgotten *ret)
{
    char folder[FILE_PATH_MAX];
    TRY(folder_of(bank, &ret->run, folder));
    TRY(folder_count(folder, &ret->files));
    TRY(check_kept(bank, &ret->run, ret->files));
    TRY(drop_pushed(bank, &ret->run, folder));
    TRY(digest_of(folder, PART_MODEL, &ret->has_model, &ret->model));
    return digest_of(folder, PART_BUNDLE, &ret->has_bundle, &ret->bundle);
}

/* Secrets first: they are no decision, and their going harms nothing should this fail afterwards. Lock held. */
static struct result decide(struct bank *bank, struct forgotten *forgotten)
{
    CLEANUP(erasures_done) struct erasures erasures = {0};
    CLEANUP(journal_notes_done) struct journal_notes notes = {0};
    CLEANUP(buffer_done) struct buffer value = {0};
    TRY(part_erase_secrets(bank->store, &forgotten->run));
    TRY(erasures_of(bank->store, &forgotten->run, false, &erasures));
    forgotten->records = erasures.count;
    forgotten->at = clock_now_ms();
    TRY(journal_forgotten(&forgotten->run, forgotten->files, forgotten->records,
                          forgotten->has_model ? &forgotten->model : NULL,
                          forgotten->has_bundle ? &forgotten->bundle : NULL, &notes));
    TRY(buffer_u64(&value, forgotten->at));
    struct store_record *records = calloc(erasures.count + 1, sizeof *records);
    ENSURE(records, CATEGORY_ENVIRONMENT, "no memory to forget a run");
    if (erasures.count) memcpy(records, erasures.records, erasures.count * sizeof *records);
    records[erasures.count] =
        (struct store_record){.scope = &forgotten->run, .key = KEY_FORGOTTEN, .value = buffer_view(&value)};
    FAILPOINT("node: before a run is forgotten");
    struct result result = journal_commit(bank->journal, records, erasures.count + 1, &notes);
    free(records);
    FAILPOINT("node: a run is forgotten, its records are in the log");
    return result;
}

/* Lock held. */
static struct result carry_out(struct bank *bank, struct forgotten *forgotten)
{
    struct result result = decide(bank, forgotten);
    if (!result_ok(result)) {
        keep_part(bank, &forgotten->run);
        return result;
    }
    let_part_go(bank, &forgotten->run);
    log_info("run", "%.12s is forgotten: %u files and %zu records", hash_hex(&forgotten->run).text, forgotten->files,
             forgotten->records);
    return run_forget_rest(bank, &forgotten->run);
}

struct result run_forget(struct bank *bank, const char *id, struct forgotten *ret)
{
    struct forgotten forgotten = {0};
    TRY(find(bank, id, &forgotten.run));
    TRY(run_forgotten(bank, &forgotten.run, &forgotten.at));
    if (forgotten.at) {
        forgotten.before = true;
        *ret = forgotten;
        return run_forget_rest(bank, &forgotten.run);
    }
    TRY(lock_unless_awaited(&bank->lock, bank->key));
    struct result result = stop_part(bank, &forgotten.run);
    (void)pthread_mutex_unlock(&bank->lock);
    TRY(result);
    result = look(bank, &forgotten);
    (void)pthread_mutex_lock(&bank->lock);
    if (result_ok(result))
        result = carry_out(bank, &forgotten);
    else
        keep_part(bank, &forgotten.run);
    (void)pthread_mutex_unlock(&bank->lock);
    if (result_ok(result)) *ret = forgotten;
    return result;
}

static struct result sweep_folder(struct bank *bank, const char *folder, const struct hash *run)
{
    char path[FILE_PATH_MAX];
    uint64_t forgotten = 0;
    const struct part *part = part_find(bank, run);
    if (part && part->state == SERVICE_RUN_OPEN) return RESULT_OK;
    TRY(run_forgotten(bank, run, &forgotten));
    if (forgotten) return run_forget_rest(bank, run);
    TRY(file_path(folder, PART_TABLE, path));
    freeze_remove(path);
    struct result dropped = drop_pushed(bank, run, folder);
    if (!result_ok(dropped))
        log_warning("run", "%.12s: %s; the next start tries again", hash_hex(run).text, result_reason());
    return RESULT_OK;
}

struct result run_sweep_folders(struct bank *bank)
{
    char runs[FILE_PATH_MAX], folder[FILE_PATH_MAX];
    TRY(file_path(bank->config->state, "runs", runs));
    DIR *entries = opendir(runs);
    if (!entries) return RESULT_OK; /* no run yet */
    struct result result = RESULT_OK;
    for (const struct dirent *entry; result_ok(result) && (entry = readdir(entries));) {
        struct hash id;
        if (!result_ok(bytes_unhex(view_text(entry->d_name), id.bytes, HASH_BYTES))) continue;
        result = file_path(runs, entry->d_name, folder);
        if (result_ok(result)) result = sweep_folder(bank, folder, &id);
    }
    (void)closedir(entries);
    return result;
}
