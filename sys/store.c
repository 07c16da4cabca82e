/* The store over SQLite. One table in each of two files; a record's row carries the digest of where and what it is, so
 * that SQLite's own lack of page checksums does not turn a flipped bit into a vote that was never cast.
 *
 * What is erased from secrets.db leaves its pages (secure_delete) and the write-ahead log: the log is copied into the
 * database, overwritten with zeros and cut to nothing before store_commit returns.
 */
#include "sys/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/base/failpoint.h"
#include "sys/file.h"
#include "sys/store_database.h"

#define STATE_FILE "state.db"
#define SECRETS_FILE "secrets.db"
#define RESTORE "move the directory away and restore it from a backup"

struct store {
    pthread_mutex_t mutex; /* recursive: a visitor may load */
    int lock;              /* DIR/lock, held with flock as long as the store is open */
    struct database state, secrets;
};

static struct result take_lock(const char *directory, int *ret_lock)
{
    char path[FILE_PATH_MAX];
    TRY(file_path(directory, "lock", path));
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ENSURE(lock >= 0, CATEGORY_ENVIRONMENT, "%s: cannot be written (%s); give this user write access to the directory",
           path, strerror(errno));
    char pid[24] = "";
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        ssize_t length = pread(lock, pid, sizeof pid - 1, 0);
        if (length > 0) pid[strcspn(pid, "\n")] = 0;
        (void)close(lock);
        return FAIL(CATEGORY_ENVIRONMENT, "%s: another process (pid %s) works in this directory; stop it first",
                    directory, *pid ? pid : "unknown");
    }
    int length = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(lock, 0) != 0 || pwrite(lock, pid, (size_t)length, 0) != length) {
        (void)close(lock);
        return FAIL(CATEGORY_ENVIRONMENT, "%s: could not be written: %s", path, strerror(errno));
    }
    *ret_lock = lock;
    return RESULT_OK;
}

/* state.db is made first: when the other has something, it had something too. Begun anew it would not know what was
 * signed, nor with whom rows were added up. */
static struct result refuse_lost_state(const char *directory)
{
    char state[FILE_PATH_MAX], secrets[FILE_PATH_MAX];
    struct stat status;
    TRY(file_path(directory, STATE_FILE, state));
    TRY(file_path(directory, SECRETS_FILE, secrets));
    if (stat(secrets, &status) != 0 || status.st_size == 0) return RESULT_OK;
    ENSURE(stat(state, &status) == 0 && status.st_size > 0, CATEGORY_ENVIRONMENT,
           "%s: the file is damaged (it is empty or gone); " RESTORE, state);
    return RESULT_OK;
}

static struct result open_files(struct store *store, const char *directory)
{
    TRY(file_private_directory(directory));
    TRY(take_lock(directory, &store->lock));
    TRY(refuse_lost_state(directory));
    TRY(database_open(&store->state, directory, STATE_FILE, RESTORE));
    TRY(database_open(&store->secrets, directory, SECRETS_FILE,
                      "no backup has it: move it and what begins with its name away, and the rounds under way are "
                      "voided and done again"));
    /* A crash may have come between an erasure and the end of the log. */
    TRY(database_scrub_log(&store->secrets));
    return file_directory_sync(directory);
}

struct result store_open(const char *directory, struct store **ret)
{
    struct store *store = calloc(1, sizeof *store);
    ENSURE(store, CATEGORY_ENVIRONMENT, "out of memory for a store");
    store->lock = -1;
    pthread_mutexattr_t attributes;
    (void)pthread_mutexattr_init(&attributes);
    (void)pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    (void)pthread_mutex_init(&store->mutex, &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
    struct result result = open_files(store, directory);
    if (!result_ok(result)) {
        store_close(store);
        return result;
    }
    *ret = store;
    return RESULT_OK;
}

void store_close(struct store *store)
{
    if (!store) return;
    /* SQLite deletes the log when it closes the file; what is in it would stay on the disk. A failure here is repeated
     * and told when the store is opened again. */
    if (store->secrets.handle) (void)database_scrub_log(&store->secrets).category;
    database_close(&store->secrets);
    database_close(&store->state);
    if (store->lock >= 0) (void)close(store->lock);
    (void)pthread_mutex_destroy(&store->mutex);
    free(store);
}

void store_closep(struct store **store)
{
    store_close(*store);
    *store = NULL;
}

/* Which records one transaction takes. */
enum part { STATE, SECRET_PUTS, SECRET_ERASURES };

static bool belongs(const struct store_record *record, enum part part)
{
    if (part == STATE) return !record->secret;
    return record->secret && record->erase == (part == SECRET_ERASURES);
}

/* *ret_removed: whether bytes that stood in the file before are gone from it now. */
static struct result apply(struct database *database, const struct store_record *records, size_t count, enum part part,
                           bool *ret_removed)
{
    for (size_t i = 0; i < count; i++) {
        if (!belongs(&records[i], part)) continue;
        bool removed;
        TRY(database_remove(database, records[i].scope, records[i].key, &removed));
        *ret_removed = *ret_removed || removed;
        if (!records[i].erase) TRY(database_put(database, records[i].scope, records[i].key, records[i].value));
    }
    return RESULT_OK;
}

static struct result transaction(struct database *database, const struct store_record *records, size_t count,
                                 enum part part, bool *ret_removed)
{
    size_t mine = 0;
    for (size_t i = 0; i < count; i++) mine += belongs(&records[i], part);
    if (mine == 0) return RESULT_OK;
    TRY(database_run(database, "BEGIN IMMEDIATE"));
    struct result result = apply(database, records, count, part, ret_removed);
    if (result_ok(result) && part == SECRET_ERASURES) result = database_scrub_memory(database);
    FAILPOINT("store: inside a transaction");
    if (result_ok(result)) result = database_run(database, "COMMIT");
    if (!result_ok(result)) database_roll_back(database);
    return result;
}

static struct result commit(struct store *store, const struct store_record *records, size_t count)
{
    bool replaced = false, removed = false, ignored = false;
    FAILPOINT("store: before the secret puts");
    TRY(transaction(&store->secrets, records, count, SECRET_PUTS, &replaced));
    FAILPOINT("store: before the decisions");
    TRY(transaction(&store->state, records, count, STATE, &ignored));
    FAILPOINT("store: before the secret erasures");
    TRY(transaction(&store->secrets, records, count, SECRET_ERASURES, &removed));
    FAILPOINT("store: after the secret erasures");
    /* An erasure asked for again may find the row gone and its bytes still in the log: the crash came between. */
    for (size_t i = 0; i < count; i++) removed = removed || belongs(&records[i], SECRET_ERASURES);
    if (replaced || removed) TRY(database_scrub_log(&store->secrets));
    return RESULT_OK;
}

struct result store_commit(struct store *store, const struct store_record *records, size_t count)
{
    (void)pthread_mutex_lock(&store->mutex);
    struct result result = commit(store, records, count);
    (void)pthread_mutex_unlock(&store->mutex);
    return result;
}

struct result store_scrub(struct store *store)
{
    (void)pthread_mutex_lock(&store->mutex);
    struct result result = database_scrub_log(&store->state);
    (void)pthread_mutex_unlock(&store->mutex);
    return result;
}

struct result store_copy(struct store *store, const char *path)
{
    (void)pthread_mutex_lock(&store->mutex);
    struct result result = database_copy(&store->state, path);
    (void)pthread_mutex_unlock(&store->mutex);
    return result;
}

static struct database *database_of(struct store *store, bool secret)
{
    return secret ? &store->secrets : &store->state;
}

struct result store_load(struct store *store, bool secret, const struct hash *scope, const char *key,
                         struct buffer *out, bool *ret_found)
{
    (void)pthread_mutex_lock(&store->mutex);
    struct result result = database_get(database_of(store, secret), scope, key, out, ret_found);
    (void)pthread_mutex_unlock(&store->mutex);
    return result;
}

struct result store_each(struct store *store, bool secret, const struct hash *scope, const char *prefix,
                         struct result (*visit)(void *visitor, const char *key, struct view value), void *visitor)
{
    (void)pthread_mutex_lock(&store->mutex);
    struct result result = database_each(database_of(store, secret), scope, prefix, visit, visitor);
    (void)pthread_mutex_unlock(&store->mutex);
    return result;
}

struct scope_visit {
    struct store *store;
    struct result (*visit)(void *visitor, const struct hash *scope);
    void *visitor;
};

/* A run whose records are all secret (a crash came before its first decision) is visited as well, and once. */
static struct result visit_unseen(void *context, const struct hash *scope)
{
    struct scope_visit *v = context;
    bool seen;
    TRY(database_has_scope(&v->store->state, scope, &seen));
    return seen ? RESULT_OK : v->visit(v->visitor, scope);
}

struct result store_scopes(struct store *store, struct result (*visit)(void *visitor, const struct hash *scope),
                           void *visitor)
{
    (void)pthread_mutex_lock(&store->mutex);
    struct scope_visit unseen = {store, visit, visitor};
    struct result result = database_scopes(&store->state, visit, visitor);
    if (result_ok(result)) result = database_scopes(&store->secrets, visit_unseen, &unseen);
    (void)pthread_mutex_unlock(&store->mutex);
    return result;
}
