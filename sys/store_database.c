#include "sys/store_database.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crypto/base/failpoint.h"
#include "crypto/base/limits.h"
#include "crypto/secret.h"

/* "CFDS": a file that SQLite opens but that is not ours is refused. */
enum { APPLICATION_ID = 0x43464453, SCOPE_MAX = HASH_BYTES };

static struct result failure(const struct database *database)
{
    int code = database->handle ? sqlite3_errcode(database->handle) : SQLITE_NOMEM;
    const char *why = database->handle ? sqlite3_errmsg(database->handle) : sqlite3_errstr(code);
    int cause = database->handle ? sqlite3_system_errno(database->handle) : 0;
    switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return FAIL(CATEGORY_ENVIRONMENT, "%s: the file is damaged (%s); %s", database->path, why, database->remedy);
    case SQLITE_FULL:
        return FAIL(CATEGORY_ENVIRONMENT, "%s: the disk is full; free space and start again", database->path);
    case SQLITE_IOERR: /* SQLite does not always keep the system's reason for a write that failed */
        if (code == SQLITE_IOERR_READ || code == SQLITE_IOERR_SHORT_READ) break;
        return FAIL(CATEGORY_ENVIRONMENT, "%s: could not be written (%s); free space or mend the disk, and start again",
                    database->path, cause ? strerror(cause) : why);
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return FAIL(CATEGORY_ENVIRONMENT, "%s: cannot be written (%s); give this user write access to the directory",
                    database->path, cause ? strerror(cause) : why);
    default:
        break;
    }
    return FAIL(CATEGORY_ENVIRONMENT, "%s: %s%s%s", database->path, why, cause ? ": " : "",
                cause ? strerror(cause) : "");
}

#define SQL(database, call)                                                                                            \
    do {                                                                                                               \
        if ((call) != SQLITE_OK) return failure(database);                                                             \
    } while (0)

struct result database_run(struct database *database, const char *sql)
{
    SQL(database, sqlite3_exec(database->handle, sql, NULL, NULL, NULL));
    return RESULT_OK;
}

void database_roll_back(struct database *database)
{
    /* Some failures have rolled back already; then there is nothing left to say. */
    if (!sqlite3_get_autocommit(database->handle)) (void)sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
}

/* A statement is reset whatever happens after it ran, so that it holds no lock. */
static void reset_p(sqlite3_stmt **statement)
{
    (void)sqlite3_reset(*statement);
    (void)sqlite3_clear_bindings(*statement);
}

static void finalize_p(sqlite3_stmt **statement)
{
    (void)sqlite3_finalize(*statement);
}

static struct result prepare(struct database *database, const char *sql, sqlite3_stmt **ret)
{
    SQL(database, sqlite3_prepare_v3(database->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL));
    return RESULT_OK;
}

static struct result bind_where(struct database *database, sqlite3_stmt *statement, const struct hash *scope,
                                const char *key)
{
    SQL(database, sqlite3_bind_blob(statement, 1, scope ? (const void *)scope->bytes : "", scope ? HASH_BYTES : 0,
                                    SQLITE_STATIC));
    if (key) SQL(database, sqlite3_bind_text(statement, 2, key, -1, SQLITE_STATIC));
    return RESULT_OK;
}

static struct view column(sqlite3_stmt *statement, int index)
{
    const void *data = sqlite3_column_blob(statement, index);
    return view_of(data, (size_t)sqlite3_column_bytes(statement, index));
}

/* Over where the record is and what it holds: a row moved to another key does not verify either. */
static struct result digest(struct view scope, struct view key, struct view value, struct hash *ret)
{
    CLEANUP(hash_stream_done) struct hash_stream stream = {0};
    uint8_t lengths[8];
    bytes_put_u32(lengths, (uint32_t)scope.length);
    bytes_put_u32(lengths + 4, (uint32_t)key.length);
    TRY(hash_start(&stream, "record"));
    TRY(hash_update(&stream, view_of(lengths, sizeof lengths)));
    TRY(hash_update(&stream, scope));
    TRY(hash_update(&stream, key));
    TRY(hash_update(&stream, value));
    return hash_finish(&stream, ret);
}

static struct result check_digest(const struct database *database, struct view scope, struct view key,
                                  struct view stored, struct view value)
{
    struct hash expected;
    TRY(digest(scope, key, value, &expected));
    ENSURE(view_equal(stored, hash_view(&expected)), CATEGORY_ENVIRONMENT, "%s: the record \"%.*s\" is damaged; %s",
           database->path, (int)(key.length < NAME_MAX_BYTES ? key.length : NAME_MAX_BYTES), (const char *)key.data,
           database->remedy);
    return RESULT_OK;
}

/* Every row once, in order: what a flipped bit did to a key is seen here, before anyone misses the record. */
static struct result check_rows(struct database *database)
{
    CLEANUP(finalize_p) sqlite3_stmt *statement = NULL;
    TRY(prepare(database, "SELECT scope, key, digest, value FROM record", &statement));
    int step;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW)
        TRY(check_digest(database, column(statement, 0), column(statement, 1), column(statement, 2),
                         column(statement, 3)));
    if (step != SQLITE_DONE) return failure(database);
    return RESULT_OK;
}

static struct result check_pages(struct database *database)
{
    CLEANUP(finalize_p) sqlite3_stmt *statement = NULL;
    TRY(prepare(database, "PRAGMA quick_check(1)", &statement));
    if (sqlite3_step(statement) != SQLITE_ROW) return failure(database);
    const char *answer = (const char *)sqlite3_column_text(statement, 0);
    ENSURE(answer && strcmp(answer, "ok") == 0, CATEGORY_ENVIRONMENT, "%s: the file is damaged (%s); %s",
           database->path, answer ? answer : "no answer", database->remedy);
    return RESULT_OK;
}

static struct result pragma_number(struct database *database, const char *sql, int *ret)
{
    CLEANUP(finalize_p) sqlite3_stmt *statement = NULL;
    TRY(prepare(database, sql, &statement));
    if (sqlite3_step(statement) != SQLITE_ROW) return failure(database);
    *ret = sqlite3_column_int(statement, 0);
    return RESULT_OK;
}

static struct result migrate_steps(struct database *database, int version)
{
    char sql[96];
    for (int step = version; step < database_schema()->version; step++)
        TRY(database_run(database, database_schema()->steps[step]));
    (void)snprintf(sql, sizeof sql, "PRAGMA user_version = %d; PRAGMA application_id = %d", database_schema()->version,
                   APPLICATION_ID);
    TRY(database_run(database, sql));
    return database_run(database, "COMMIT");
}

/* Nothing is written to a file that is another program's, or a later version's. */
static struct result check_ours(struct database *database, int *ret_version)
{
    int version = 0, application = 0, tables = 0;
    TRY(pragma_number(database, "PRAGMA user_version", &version));
    TRY(pragma_number(database, "PRAGMA application_id", &application));
    TRY(pragma_number(database, "SELECT count(*) FROM sqlite_schema", &tables));
    bool empty = version == 0 && tables == 0;
    ENSURE(empty || application == APPLICATION_ID, CATEGORY_USAGE, "%s: is not a file of this program", database->path);
    ENSURE(version >= 0 && version <= database_schema()->version, CATEGORY_USAGE,
           "%s: was written by a later version of this program (format %d, this one knows %d); install that version",
           database->path, version, database_schema()->version);
    *ret_version = version;
    return RESULT_OK;
}

/* All steps or none. */
static struct result migrate(struct database *database, int version)
{
    if (version == database_schema()->version) return RESULT_OK;
    TRY(database_run(database, "BEGIN IMMEDIATE"));
    struct result result = migrate_steps(database, version);
    if (!result_ok(result)) database_roll_back(database);
    TRY(result);
    /* Into the file itself: one that has lost its log is then an old one, never one that looks new. */
    return database_run(database, "PRAGMA wal_checkpoint(TRUNCATE)");
}

static struct result prepare_all(struct database *database)
{
    TRY(prepare(database, "SELECT digest, value FROM record WHERE scope = ?1 AND key = ?2", &database->get));
    TRY(prepare(database, "INSERT INTO record (scope, key, digest, value) VALUES (?1, ?2, ?3, ?4)", &database->put));
    return prepare(database, "DELETE FROM record WHERE scope = ?1 AND key = ?2", &database->remove);
}

/* About the most of a row that stands in a page of 4 KiB itself, and not in further ones. */
enum { ROW_IN_PAGE = 940 };

/* SQLite's copies of secrets do not outlive their use: what it frees is wiped. For all of SQLite in the process, and
 * before its first use. */
static sqlite3_mem_methods plain_memory;

static void wipe_and_free(void *memory)
{
    if (!memory) return;
    secret_bytes_wipe(memory, (size_t)plain_memory.xSize(memory));
    plain_memory.xFree(memory);
}

static void *move_and_wipe(void *memory, int size)
{
    int before = plain_memory.xSize(memory);
    if (size <= before) return memory;
    void *larger = plain_memory.xMalloc(size);
    if (!larger) return NULL;
    memcpy(larger, memory, (size_t)before);
    wipe_and_free(memory);
    return larger;
}

static void use_wiping_memory(void)
{
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain_memory) != SQLITE_OK) return;
    sqlite3_mem_methods wiping = plain_memory;
    wiping.xFree = wipe_and_free;
    wiping.xRealloc = move_and_wipe;
    (void)sqlite3_config(SQLITE_CONFIG_MALLOC, &wiping);
    /* No memory that SQLite hands out again without freeing it. */
    (void)sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
    (void)sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
}

/* SQLite would make the file with the umask's mode; its log takes the file's. */
static struct result make_private(const char *path)
{
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ENSURE(descriptor >= 0, CATEGORY_ENVIRONMENT,
           "%s: cannot be written (%s); give this user write access to the directory", path, strerror(errno));
    struct result result = file_check_private(descriptor, path);
    (void)close(descriptor);
    return result;
}

struct result database_open(struct database *database, const char *directory, const char *name, const char *remedy)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, use_wiping_memory);
    database->remedy = remedy;
    TRY(file_path(directory, name, database->path));
    TRY(make_private(database->path));
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    SQL(database, sqlite3_open_v2(database->path, &database->handle, flags, NULL));
    SQL(database, sqlite3_extended_result_codes(database->handle, 1));
    /* Exclusive: the directory's lock has let only us in, and the log's index then stays in memory. */
    TRY(database_run(database, "PRAGMA locking_mode = EXCLUSIVE"));
    int version = 0;
    TRY(check_ours(database, &version));
    TRY(database_run(database, "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA journal_mode = WAL;"
                               "PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF"));
    TRY(check_pages(database));
    TRY(migrate(database, version));
    TRY(check_rows(database));
    return prepare_all(database);
}

void database_close(struct database *database)
{
    (void)sqlite3_finalize(database->get);
    (void)sqlite3_finalize(database->put);
    (void)sqlite3_finalize(database->remove);
    (void)sqlite3_close(database->handle);
    *database = (struct database){0};
}

struct result database_get(struct database *database, const struct hash *scope, const char *key, struct buffer *out,
                           bool *ret_found)
{
    CLEANUP(reset_p) sqlite3_stmt *statement = database->get;
    TRY(bind_where(database, statement, scope, key));
    int step = sqlite3_step(statement);
    if (step == SQLITE_DONE) {
        *ret_found = false;
        return RESULT_OK;
    }
    if (step != SQLITE_ROW) return failure(database);
    struct view value = column(statement, 1);
    struct view where = scope ? hash_view(scope) : view_of("", 0);
    TRY(check_digest(database, where, view_text(key), column(statement, 0), value));
    if (value.length > out->length) TRY(buffer_reserve(out, value.length - out->length));
    buffer_clear(out);
    TRY(buffer_append(out, value));
    *ret_found = true;
    return RESULT_OK;
}

struct result database_put(struct database *database, const struct hash *scope, const char *key, struct view value)
{
    ENSURE(value.length <= (size_t)sqlite3_limit(database->handle, SQLITE_LIMIT_LENGTH, -1), CATEGORY_USAGE,
           "%s: the record \"%s\" of %zu bytes is too large", database->path, key, value.length);
    struct hash sum;
    TRY(digest(scope ? hash_view(scope) : view_of("", 0), view_text(key), value, &sum));
    CLEANUP(reset_p) sqlite3_stmt *statement = database->put;
    TRY(bind_where(database, statement, scope, key));
    SQL(database, sqlite3_bind_blob(statement, 3, sum.bytes, HASH_BYTES, SQLITE_STATIC));
    SQL(database,
        sqlite3_bind_blob64(statement, 4, value.length ? (const void *)value.data : "", value.length, SQLITE_STATIC));
    if (sqlite3_step(statement) != SQLITE_DONE) return failure(database);
    return RESULT_OK;
}

struct result database_remove(struct database *database, const struct hash *scope, const char *key, bool *ret_removed)
{
    CLEANUP(reset_p) sqlite3_stmt *statement = database->remove;
    TRY(bind_where(database, statement, scope, key));
    if (sqlite3_step(statement) != SQLITE_DONE) return failure(database);
    *ret_removed = sqlite3_changes(database->handle) > 0;
    return RESULT_OK;
}

struct result database_scrub_memory(struct database *database)
{
    static const uint8_t zeros[ROW_IN_PAGE];
    bool removed;
    TRY(database_put(database, NULL, "zeros", view_of(zeros, sizeof zeros)));
    return database_remove(database, NULL, "zeros", &removed);
}

struct result database_each(struct database *database, const struct hash *scope, const char *prefix,
                            struct result (*visit)(void *visitor, const char *key, struct view value), void *visitor)
{
    CLEANUP(finalize_p) sqlite3_stmt *statement = NULL;
    TRY(prepare(database, "SELECT key, digest, value FROM record WHERE scope = ?1 AND key >= ?2 ORDER BY key",
                &statement));
    TRY(bind_where(database, statement, scope, prefix));
    struct view where = scope ? hash_view(scope) : view_of("", 0);
    int step;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *key = (const char *)sqlite3_column_text(statement, 0);
        ENSURE(key, CATEGORY_ENVIRONMENT, "%s: out of memory", database->path);
        if (strncmp(key, prefix, strlen(prefix)) != 0) return RESULT_OK;
        struct view value = column(statement, 2);
        TRY(check_digest(database, where, column(statement, 0), column(statement, 1), value));
        TRY(visit(visitor, key, value));
    }
    if (step != SQLITE_DONE) return failure(database);
    return RESULT_OK;
}

struct result database_scopes(struct database *database,
                              struct result (*visit)(void *visitor, const struct hash *scope), void *visitor)
{
    CLEANUP(finalize_p) sqlite3_stmt *statement = NULL;
    /* The next larger scope, again and again: reads one row for each scope, not the table. */
    TRY(prepare(database, "SELECT min(scope) FROM record WHERE scope > ?1", &statement));
    struct hash scope = {0};
    size_t length = 0; /* from the empty scope, which is the node's own */
    for (;;) {
        SQL(database,
            sqlite3_bind_blob(statement, 1, length ? (const void *)scope.bytes : "", (int)length, SQLITE_STATIC));
        if (sqlite3_step(statement) != SQLITE_ROW) return failure(database);
        struct view next = column(statement, 0);
        if (sqlite3_column_type(statement, 0) == SQLITE_NULL) return RESULT_OK;
        ENSURE(next.length == HASH_BYTES, CATEGORY_ENVIRONMENT,
               "%s: the file is damaged (a run's name has %zu bytes); %s", database->path, next.length,
               database->remedy);
        memcpy(scope.bytes, next.data, HASH_BYTES);
        length = HASH_BYTES;
        (void)sqlite3_reset(statement);
        TRY(visit(visitor, &scope));
    }
}

struct result database_has_scope(struct database *database, const struct hash *scope, bool *ret_has)
{
    CLEANUP(finalize_p) sqlite3_stmt *statement = NULL;
    TRY(prepare(database, "SELECT 1 FROM record WHERE scope = ?1 LIMIT 1", &statement));
    TRY(bind_where(database, statement, scope, NULL));
    int step = sqlite3_step(statement);
    if (step != SQLITE_ROW && step != SQLITE_DONE) return failure(database);
    *ret_has = step == SQLITE_ROW;
    return RESULT_OK;
}

struct result database_copy(struct database *database, const char *path)
{
    CLEANUP(finalize_p) sqlite3_stmt *statement = NULL;
    int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600); /* SQLite takes an empty file as none */
    ENSURE(descriptor >= 0, CATEGORY_ENVIRONMENT, "%s: could not be made: %s", path, strerror(errno));
    (void)close(descriptor);
    TRY(prepare(database, "VACUUM INTO ?1", &statement));
    SQL(database, sqlite3_bind_text(statement, 1, path, -1, SQLITE_STATIC));
    if (sqlite3_step(statement) != SQLITE_DONE) return result_at(failure(database), "%s, a copy of ", path);
    return RESULT_OK;
}

/* Zeros over [from, to) of the log, through SQLite's own handle of it. */
static int zero_log(sqlite3_file *log, sqlite3_int64 from, sqlite3_int64 to)
{
    static const uint8_t zeros[4096];
    for (sqlite3_int64 at = from; at < to; at += (sqlite3_int64)sizeof zeros) {
        sqlite3_int64 left = to - at;
        int piece = left < (sqlite3_int64)sizeof zeros ? (int)left : (int)sizeof zeros;
        int code = log->pMethods->xWrite(log, zeros, piece, at);
        if (code != SQLITE_OK) return code;
    }
    return log->pMethods->xSync(log, SQLITE_SYNC_FULL);
}

struct result database_scrub_log(struct database *database)
{
    enum { LOG_HEADER = 32 };
    int frames = 0;
    SQL(database, sqlite3_wal_checkpoint_v2(database->handle, NULL, SQLITE_CHECKPOINT_RESTART, &frames, NULL));
    FAILPOINT("store: the log is copied");
    sqlite3_file *log = NULL;
    SQL(database, sqlite3_file_control(database->handle, NULL, SQLITE_FCNTL_JOURNAL_POINTER, (void *)&log));
    sqlite3_int64 size = 0;
    if (log && log->pMethods && log->pMethods->xFileSize(log, &size) == SQLITE_OK && size > LOG_HEADER) {
        /* The header first and durably: without it the frames are no log, so that a crash half-way through cannot
         * bring back a beginning of the log whose pages the file holds in a later version. */
        int code = zero_log(log, 0, LOG_HEADER);
        FAILPOINT("store: the log's header is overwritten");
        if (code == SQLITE_OK) code = zero_log(log, LOG_HEADER, size);
        ENSURE(code == SQLITE_OK, CATEGORY_ENVIRONMENT, "%s-wal: erased records could not be overwritten: %s",
               database->path, sqlite3_errstr(code));
    }
    FAILPOINT("store: the log is overwritten");
    SQL(database, sqlite3_wal_checkpoint_v2(database->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL));
    FAILPOINT("store: the log is cut");
    return RESULT_OK;
}
