#include "sys/growing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/base/failpoint.h"

void growing_close(struct growing *file)
{
    if (file->descriptor >= 0) (void)close(file->descriptor);
    file->descriptor = -1;
}

static struct result cut(const struct growing *file, uint64_t length)
{
    struct stat status;
    ENSURE(fstat(file->descriptor, &status) == 0 && S_ISREG(status.st_mode), CATEGORY_FALSE,
           "%s: is no file that can grow", file->path);
    ENSURE((uint64_t)status.st_size >= length, CATEGORY_FALSE, "%s: has %lld bytes where %llu were written", file->path,
           (long long)status.st_size, (unsigned long long)length);
    ENSURE(ftruncate(file->descriptor, (off_t)length) == 0 && lseek(file->descriptor, 0, SEEK_END) >= 0,
           CATEGORY_ENVIRONMENT, "%s: cannot be written: %s", file->path, strerror(errno));
    return RESULT_OK;
}

struct result growing_open(const char *path, uint64_t length, struct growing *ret)
{
    struct growing file = {.descriptor = -1};
    ENSURE(snprintf(file.path, sizeof file.path, "%s", path) < FILE_PATH_MAX, CATEGORY_USAGE,
           "%s: the path is too long", path);
    file.descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    ENSURE(file.descriptor >= 0 || (errno != EISDIR && errno != ELOOP && errno != ENOTDIR), CATEGORY_FALSE,
           "%s is no file of this program's: %s", path, strerror(errno));
    ENSURE(file.descriptor >= 0, CATEGORY_ENVIRONMENT, "%s: %s", path, strerror(errno));
    struct result result = cut(&file, length);
    if (result_ok(result)) result = file_parent_sync(path);
    if (!result_ok(result)) growing_close(&file);
    if (result_ok(result)) *ret = file;
    return result;
}

struct result growing_append(struct growing *file, struct view bytes)
{
    while (bytes.length > 0) {
        ssize_t written = write(file->descriptor, bytes.data, bytes.length);
        if (written < 0 && errno == EINTR) continue;
        ENSURE(written > 0, CATEGORY_ENVIRONMENT, "%s: could not be written: %s", file->path, strerror(errno));
        bytes = view_of(bytes.data + written, bytes.length - (size_t)written);
    }
    return RESULT_OK;
}

struct result growing_sync(struct growing *file)
{
    FAILPOINT("growing file: written, not durable");
    ENSURE(fdatasync(file->descriptor) == 0, CATEGORY_ENVIRONMENT, "%s: could not be written: %s", file->path,
           strerror(errno));
    FAILPOINT("growing file: durable, its length not kept");
    return RESULT_OK;
}

struct result growing_finish(struct growing *file, const char *path, mode_t mode)
{
    ENSURE(fchmod(file->descriptor, mode) == 0 && fsync(file->descriptor) == 0, CATEGORY_ENVIRONMENT,
           "%s: could not be written: %s", file->path, strerror(errno));
    ENSURE(rename(file->path, path) == 0, CATEGORY_ENVIRONMENT, "%s: could not be put in place: %s", path,
           strerror(errno));
    growing_close(file);
    FAILPOINT("growing file: in place");
    return file_parent_sync(path);
}

static void descriptor_close(int *descriptor)
{
    if (*descriptor >= 0) (void)close(*descriptor);
}

struct result file_read_piece(const char *path, uint64_t offset, size_t most, struct buffer *out, uint64_t *ret_length)
{
    CLEANUP(descriptor_close) int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat status;
    ENSURE(descriptor >= 0 && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode), CATEGORY_ENVIRONMENT,
           "%s: cannot be read", path);
    uint64_t length = (uint64_t)status.st_size;
    buffer_clear(out);
    *ret_length = length;
    if (offset >= length) return RESULT_OK;
    size_t want = length - offset < most ? (size_t)(length - offset) : most;
    uint8_t *at;
    TRY(buffer_extend(out, want, &at));
    for (size_t got = 0; got < want;) {
        ssize_t piece = pread(descriptor, at + got, want - got, (off_t)(offset + got));
        if (piece < 0 && errno == EINTR) continue;
        ENSURE(piece > 0, CATEGORY_ENVIRONMENT, "%s: cannot be read: %s", path, piece ? strerror(errno) : "it shrank");
        got += (size_t)piece;
    }
    return RESULT_OK;
}

struct result file_digest(const char *path, struct hash *ret, uint64_t *ret_bytes)
{
    enum { PIECE_BYTES = 1 << 20 };
    CLEANUP(hash_stream_done) struct hash_stream stream = {0};
    CLEANUP(buffer_done) struct buffer piece = {0};
    TRY(hash_start(&stream, NULL));
    for (uint64_t at = 0;; at += piece.length) {
        TRY(file_read_piece(path, at, PIECE_BYTES, &piece, ret_bytes));
        if (piece.length == 0) break;
        TRY(hash_update(&stream, buffer_view(&piece)));
    }
    return hash_finish(&stream, ret);
}
