#include "sys/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/walk.h"

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

struct copying {
    const struct copy_visit *visit;
    const char *top;
};

static struct result visit_entry(void *visitor, enum walk_kind kind, const char *path)
{
    const struct copying *copying = visitor;
    const struct copy_visit *visit = copying->visit;
    const size_t top = strlen(copying->top);
    const char *name = path[top] ? path + top + 1 : NULL; /* of what is below the folder */
    switch (kind) {
    case WALK_FOLDER:
        return name ? visit->directory(visit->visitor, path, name) : RESULT_OK;
    case WALK_FOLDER_END:
        return RESULT_OK;
    case WALK_FILE:
        if (name) return visit->file(visit->visitor, path, name);
        break;
    case WALK_GONE:
        ENSURE(name && visit->may_go, CATEGORY_ENVIRONMENT, "%s: cannot be read: it is not there", path);
        return RESULT_OK;
    case WALK_OTHER:
        break;
    }
    return FAIL(CATEGORY_USAGE, "%s: is neither a file nor a directory; take it away", path);
}

struct result copy_walk(const char *folder, const struct copy_visit *visit)
{
    return walk(folder, visit_entry, &(struct copying){visit, folder});
}
