#include "sys/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/file.h"

static void close_p(const int *descriptor)
{
    if (*descriptor >= 0) (void)close(*descriptor);
}

static struct result write_piece(int descriptor, const char *path, const uint8_t *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t put = write(descriptor, bytes + done, length - done);
        if (put < 0 && errno == EINTR) continue;
        ENSURE(put > 0, CATEGORY_ENVIRONMENT, "%s: could not be written: %s", path,
               put < 0 ? strerror(errno) : "nothing was taken");
        done += (size_t)put;
    }
    return RESULT_OK;
}

static struct result copy_bytes(int source, const char *from, int target, const char *to, struct hash *ret,
                                uint64_t *ret_bytes)
{
    CLEANUP(hash_stream_done) struct hash_stream stream = {0};
    uint8_t piece[32768];
    uint64_t bytes = 0;
    TRY(hash_start(&stream, NULL));
    for (;;) {
        ssize_t got = read(source, piece, sizeof piece);
        if (got < 0 && errno == EINTR) continue;
        ENSURE(got >= 0, CATEGORY_ENVIRONMENT, "%s: %s", from, strerror(errno));
        if (got == 0) break;
        TRY(hash_update(&stream, view_of(piece, (size_t)got)));
        TRY(write_piece(target, to, piece, (size_t)got));
        bytes += (uint64_t)got;
    }
    *ret_bytes = bytes;
    return hash_finish(&stream, ret);
}

struct result copy_file(const char *from, const char *to, struct hash *ret, uint64_t *ret_bytes)
{
    struct stat status;
    CLEANUP(close_p) int source = open(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    ENSURE(source >= 0, CATEGORY_ENVIRONMENT, "%s: %s", from, strerror(errno));
    ENSURE(fstat(source, &status) == 0, CATEGORY_ENVIRONMENT, "%s: %s", from, strerror(errno));
    ENSURE(S_ISREG(status.st_mode), CATEGORY_USAGE, "%s: not a regular file", from);
    CLEANUP(close_p) int target = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    ENSURE(target >= 0, CATEGORY_ENVIRONMENT, "%s: could not be made: %s", to, strerror(errno));
    TRY(copy_bytes(source, from, target, to, ret, ret_bytes));
    ENSURE(fsync(target) == 0, CATEGORY_ENVIRONMENT, "%s: could not be written: %s", to, strerror(errno));
    return RESULT_OK;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static struct result visit_entry(const FTSENT *entry, size_t top, const struct copy_visit *visit)
{
    const char *path = entry->fts_path, *name = path + top + 1;
    switch (entry->fts_info) {
    case FTS_D:
        return entry->fts_level > 0 ? visit->directory(visit->visitor, path, name) : RESULT_OK;
    case FTS_DP:
        return RESULT_OK;
    case FTS_F:
        return visit->file(visit->visitor, path, name);
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        return FAIL(CATEGORY_ENVIRONMENT, "%s: cannot be read: %s", path, strerror(entry->fts_errno));
    default:
        return FAIL(CATEGORY_USAGE, "%s: is neither a file nor a directory; take it away", path);
    }
}

struct result copy_walk(const char *folder, const struct copy_visit *visit)
{
    char top[FILE_PATH_MAX];
    TRY(file_path("", folder, top));
    FTS *tree = fts_open((char *const[]){top, NULL}, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    ENSURE(tree, CATEGORY_ENVIRONMENT, "%s: cannot be read: %s", folder, strerror(errno));
    struct result result = RESULT_OK;
    for (FTSENT *entry; result_ok(result) && (entry = fts_read(tree));) result = visit_entry(entry, strlen(top), visit);
    (void)fts_close(tree);
    return result;
}
