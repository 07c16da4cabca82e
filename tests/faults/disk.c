#include "tests/faults/disk.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 16, WRITES_MAX = 4096, PATH_BYTES = 512, SECTOR = 512 };

/* Not synced yet: bytes at a place, or the file's new length. */
struct pending {
    bool cut;
    size_t at;
    struct buffer bytes;
};

struct file {
    char path[PATH_BYTES]; /* empty: there is none here */
    struct buffer now, durable;
    struct pending pending[WRITES_MAX];
    size_t pending_count;
};

struct handle {
    sqlite3_file base;
    struct file *file;
};

static struct file files[FILES_MAX];
static sqlite3_vfs *system_vfs;

static struct {
    unsigned long left; /* until the operation that fails; 0: none will */
    enum disk_fault fault;
    bool lasts, happened, off;
} faults;

static void must(bool condition, const char *what)
{
    if (condition) return;
    (void)fprintf(stderr, "the disk in memory: %s\n", what);
    abort();
}

static void ok(struct result result)
{
    must(result_ok(result), result_reason());
}

/* --- Faults ------------------------------------------------------------------------------------------------------- */

static bool fails(void)
{
    if (faults.off) return true;
    if (faults.happened) return faults.lasts;
    if (faults.left == 0 || --faults.left > 0) return false;
    faults.happened = true;
    faults.off = faults.fault == DISK_CUT;
    return true;
}

static int code(int broken)
{
    return faults.fault == DISK_FULL || faults.fault == DISK_SHORT ? SQLITE_FULL : broken;
}

void disk_fail(unsigned long which, enum disk_fault fault, bool lasts)
{
    faults.left = which;
    faults.fault = fault;
    faults.lasts = lasts;
    faults.happened = faults.off = false;
}

bool disk_mend(void)
{
    bool happened = faults.happened;
    disk_fail(0, DISK_FULL, false);
    return happened;
}

/* --- Files -------------------------------------------------------------------------------------------------------- */

static void set_length(struct buffer *bytes, size_t length)
{
    uint8_t *start;
    if (length > bytes->length)
        ok(buffer_extend(bytes, length - bytes->length, &start));
    else
        bytes->length = length;
}

static void apply(struct buffer *bytes, const struct pending *pending, size_t length)
{
    if (pending->cut) {
        set_length(bytes, pending->at);
        return;
    }
    if (pending->at + length > bytes->length) set_length(bytes, pending->at + length);
    if (length) memcpy(bytes->data + pending->at, pending->bytes.data, length);
}

static void forget_pending(struct file *file)
{
    for (size_t i = 0; i < file->pending_count; i++) buffer_done(&file->pending[i].bytes);
    file->pending_count = 0;
}

static void remove_file(struct file *file)
{
    forget_pending(file);
    buffer_done(&file->now);
    buffer_done(&file->durable);
    file->path[0] = 0;
}

static void copy(struct buffer *to, const struct buffer *from)
{
    buffer_clear(to);
    ok(buffer_append(to, buffer_view(from)));
}

static struct file *find(const char *path)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        if (files[i].path[0] && strcmp(files[i].path, path) == 0) return &files[i];
    return NULL;
}

static void change(struct file *file, struct pending pending)
{
    must(file->pending_count < WRITES_MAX, "too many writes without a sync");
    file->pending[file->pending_count++] = pending;
    apply(&file->now, &pending, pending.bytes.length);
}

static uint64_t draw(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void survive(struct file *file, enum disk_survival survival, uint64_t *seed)
{
    for (size_t i = 0; i < file->pending_count; i++) {
        const struct pending *pending = &file->pending[i];
        size_t length = pending->bytes.length;
        uint64_t drawn = draw(seed);
        if (survival == DISK_NONE || (survival != DISK_ALL && drawn % 2)) continue;
        if (survival == DISK_TORN && drawn % 4 == 0 && !pending->cut)
            length = drawn / 4 % (length / SECTOR + 1) * SECTOR;
        apply(&file->durable, pending, length);
    }
    copy(&file->now, &file->durable);
    forget_pending(file);
}

void disk_power(enum disk_survival survival, uint64_t seed)
{
    seed = seed * UINT64_C(2654435761) + 1;
    for (size_t i = 0; i < FILES_MAX; i++)
        if (files[i].path[0]) survive(&files[i], survival, &seed);
    (void)disk_mend();
}

void disk_clear(void)
{
    for (size_t i = 0; i < FILES_MAX; i++) remove_file(&files[i]);
    (void)disk_mend();
}

static bool within(const struct buffer *bytes, struct view part)
{
    return bytes->length && memmem(bytes->data, bytes->length, part.data, part.length) != NULL;
}

bool disk_holds(struct view bytes)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        if (files[i].path[0] && (within(&files[i].now, bytes) || within(&files[i].durable, bytes))) return true;
    return false;
}

/* --- What SQLite calls -------------------------------------------------------------------------------------------- */

static struct file *file_of(sqlite3_file *base)
{
    return ((struct handle *)(void *)base)->file;
}

static int disk_close(sqlite3_file *base)
{
    (void)base;
    return SQLITE_OK;
}

static int disk_read(sqlite3_file *base, void *out, int length, sqlite3_int64 at)
{
    const struct buffer *now = &file_of(base)->now;
    size_t begin = (size_t)at < now->length ? (size_t)at : now->length, there = now->length - begin;
    if (there > (size_t)length) there = (size_t)length;
    if (there) memcpy(out, now->data + begin, there);
    memset((uint8_t *)out + there, 0, (size_t)length - there);
    return there == (size_t)length ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int disk_write(sqlite3_file *base, const void *bytes, int length, sqlite3_int64 at)
{
    bool failing = fails();
    if (failing && (faults.off || faults.fault != DISK_SHORT)) return code(SQLITE_IOERR_WRITE);
    struct pending pending = {.at = (size_t)at};
    ok(buffer_append(&pending.bytes, view_of(bytes, (size_t)(failing ? length / 2 : length))));
    change(file_of(base), pending);
    return failing ? code(SQLITE_IOERR_WRITE) : SQLITE_OK;
}

static int disk_truncate(sqlite3_file *base, sqlite3_int64 length)
{
    if (fails()) return code(SQLITE_IOERR_TRUNCATE);
    change(file_of(base), (struct pending){.cut = true, .at = (size_t)length});
    return SQLITE_OK;
}

static int disk_sync(sqlite3_file *base, int flags)
{
    (void)flags;
    if (fails()) return code(SQLITE_IOERR_FSYNC);
    struct file *file = file_of(base);
    copy(&file->durable, &file->now);
    forget_pending(file);
    return SQLITE_OK;
}

static int disk_size(sqlite3_file *base, sqlite3_int64 *ret)
{
    *ret = (sqlite3_int64)file_of(base)->now.length;
    return SQLITE_OK;
}

static int disk_lock(sqlite3_file *base, int level)
{
    (void)base;
    (void)level;
    return SQLITE_OK;
}

static int disk_reserved(sqlite3_file *base, int *ret)
{
    (void)base;
    *ret = 0;
    return SQLITE_OK;
}

static int disk_control(sqlite3_file *base, int operation, void *argument)
{
    (void)base;
    (void)operation;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int disk_sector(sqlite3_file *base)
{
    (void)base;
    return SECTOR;
}

static int disk_manners(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE; /* as SQLite takes every disk to be: a torn write harms no other byte */
}

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *ret_flags)
{
    (void)vfs;
    static const sqlite3_io_methods methods = {.iVersion = 1,
                                               .xClose = disk_close,
                                               .xRead = disk_read,
                                               .xWrite = disk_write,
                                               .xTruncate = disk_truncate,
                                               .xSync = disk_sync,
                                               .xFileSize = disk_size,
                                               .xLock = disk_lock,
                                               .xUnlock = disk_lock,
                                               .xCheckReservedLock = disk_reserved,
                                               .xFileControl = disk_control,
                                               .xSectorSize = disk_sector,
                                               .xDeviceCharacteristics = disk_manners};
    base->pMethods = NULL;
    must(name != NULL, "a temporary file");
    if (fails()) return faults.fault == DISK_BROKEN ? SQLITE_CANTOPEN : code(SQLITE_IOERR);
    struct file *file = find(name);
    for (size_t i = 0; i < FILES_MAX && !file; i++)
        if (!files[i].path[0]) file = &files[i];
    must(file && strlen(name) < PATH_BYTES, "no room for a file");
    (void)snprintf(file->path, PATH_BYTES, "%s", name);
    *(struct handle *)(void *)base = (struct handle){{&methods}, file};
    if (ret_flags) *ret_flags = flags;
    return SQLITE_OK;
}

static int disk_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    (void)sync;
    if (fails()) return code(SQLITE_IOERR_DELETE);
    struct file *file = find(name);
    if (file) remove_file(file);
    return file ? SQLITE_OK : SQLITE_IOERR_DELETE_NOENT;
}

static int disk_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
    (void)vfs;
    (void)flags;
    *ret = find(name) != NULL;
    return SQLITE_OK;
}

static int disk_path(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    (void)vfs;
    (void)snprintf(out, (size_t)size, "%s", name);
    return SQLITE_OK;
}

static int disk_randomness(sqlite3_vfs *vfs, int size, char *out)
{
    (void)vfs;
    return system_vfs->xRandomness(system_vfs, size, out);
}

static int disk_time(sqlite3_vfs *vfs, sqlite3_int64 *ret)
{
    (void)vfs;
    return system_vfs->xCurrentTimeInt64(system_vfs, ret);
}

static int disk_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return microseconds;
}

void disk_install(void)
{
    static sqlite3_vfs vfs = {.iVersion = 2,
                              .szOsFile = sizeof(struct handle),
                              .mxPathname = PATH_BYTES,
                              .zName = "memory-disk",
                              .xOpen = disk_open,
                              .xDelete = disk_delete,
                              .xAccess = disk_access,
                              .xFullPathname = disk_path,
                              .xRandomness = disk_randomness,
                              .xSleep = disk_sleep,
                              .xCurrentTimeInt64 = disk_time};
    system_vfs = sqlite3_vfs_find(NULL);
    must(system_vfs && sqlite3_vfs_register(&vfs, 1) == SQLITE_OK, "SQLite does not take it");
}
