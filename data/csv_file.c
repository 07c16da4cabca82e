#include "data/csv_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { PIECE_BYTES = 1 << 17 };

static struct result fail_file(const char *path, int error)
{
    return FAIL(CATEGORY_ENVIRONMENT, "%s: the file cannot be read: %s", path, strerror(error));
}

static struct result open_file(const char *path, gzFile *ret)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return fail_file(path, errno);
    struct stat about;
    bool folder = fstat(file, &about) == 0 && S_ISDIR(about.st_mode);
    gzFile opened = folder ? NULL : gzdopen(file, "rb");
    if (!opened) {
        (void)close(file);
        return folder ? fail_file(path, EISDIR) : FAIL(CATEGORY_ENVIRONMENT, "out of memory for reading %s", path);
    }
    (void)gzbuffer(opened, PIECE_BYTES / 2); /* pieces of twice that come without another copy */
    *ret = opened;
    return RESULT_OK;
}

static struct result read_pieces(const char *path, gzFile file, uint8_t *piece,
                                 struct result (*feed)(void *context, struct view piece), void *context)
{
    for (;;) {
        errno = 0;
        int length = gzread(file, piece, PIECE_BYTES);
        if (length < 0) {
            int error = errno, kind;
            const char *reason = gzerror(file, &kind), *colon = strstr(reason, ">: ");
            if (colon) reason = colon + 3; /* zlib's own name of the file */
            return kind == Z_ERRNO
                       ? fail_file(path, error)
                       : FAIL(CATEGORY_USAGE, "%s: the gzip file is damaged (%s); pack it again", path, reason);
        }
        if (length == 0) return RESULT_OK;
        TRY(feed(context, view_of(piece, (size_t)length)));
    }
}

struct result csv_file_read(const char *path, struct result (*feed)(void *context, struct view piece), void *context)
{
    gzFile file = NULL;
    TRY(open_file(path, &file));
    uint8_t *piece = malloc(PIECE_BYTES);
    struct result result = piece ? read_pieces(path, file, piece, feed, context)
                                 : FAIL(CATEGORY_ENVIRONMENT, "out of memory for reading %s", path);
    free(piece);
    int status = gzclose(file); /* tells when the end came inside the packed data */
    TRY(result);
    ENSURE(status != Z_BUF_ERROR, CATEGORY_USAGE, "%s: the gzip file ends too early; copy it again", path);
    return RESULT_OK;
}
