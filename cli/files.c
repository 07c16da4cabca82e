/* Files that a command reads and writes for its user. Key files are sys/keys.h's business, not this one's. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

static void closep(const int *file)
{
    if (*file > STDERR_FILENO) (void)close(*file);
}

static struct result read_all(int file, const char *path, size_t limit, struct buffer *out)
{
    size_t start = out->length;
    for (;;) {
        uint8_t piece[1 << 14];
        ssize_t got = read(file, piece, sizeof piece);
        if (got < 0 && errno == EINTR) continue;
        ENSURE(got >= 0, CATEGORY_ENVIRONMENT, "%s: cannot be read: %s", path, strerror(errno));
        if (got == 0) return RESULT_OK;
        ENSURE(out->length - start + (size_t)got <= limit, CATEGORY_USAGE, "%s: larger than %zu bytes", path, limit);
        TRY(buffer_append(out, view_of(piece, (size_t)got)));
    }
}

struct result cli_read(const char *path, size_t limit, struct buffer *out)
{
    if (strcmp(path, "-") == 0) return read_all(STDIN_FILENO, "stdin", limit, out);
    CLEANUP(closep) int file = open(path, O_RDONLY | O_CLOEXEC);
    ENSURE(file >= 0, CATEGORY_ENVIRONMENT, "%s: cannot be opened: %s", path, strerror(errno));
    return read_all(file, path, limit, out);
}

static struct result write_all(int file, const char *path, struct view bytes)
{
    for (size_t done = 0; done < bytes.length;) {
        ssize_t written = write(file, bytes.data + done, bytes.length - done);
        if (written < 0 && errno == EINTR) continue;
        ENSURE(written > 0, CATEGORY_ENVIRONMENT, "%s: cannot be written: %s", path, strerror(errno));
        done += (size_t)written;
    }
    return RESULT_OK;
}

static struct result write_temporary(char *temporary, const char *path, struct view bytes)
{
    CLEANUP(closep) int file = mkostemp(temporary, O_CLOEXEC);
    ENSURE(file >= 0, CATEGORY_ENVIRONMENT, "%s: cannot be written: %s", path, strerror(errno));
    TRY(write_all(file, path, bytes));
    ENSURE(fchmod(file, 0644) == 0 && fsync(file) == 0, CATEGORY_ENVIRONMENT, "%s: cannot be written: %s", path,
           strerror(errno));
    return RESULT_OK;
}

/* link refuses to replace, rename does not: so an existing file is never lost to a race. */
static struct result put_in_place(const char *temporary, const char *path, bool replace)
{
    if (replace) {
        ENSURE(rename(temporary, path) == 0, CATEGORY_ENVIRONMENT, "%s: cannot be written: %s", path, strerror(errno));
        return RESULT_OK;
    }
    int linked = link(temporary, path);
    ENSURE(linked == 0 || errno != EEXIST, CATEGORY_USAGE, "%s exists; move it away or choose another name", path);
    ENSURE(linked == 0, CATEGORY_ENVIRONMENT, "%s: cannot be written: %s", path, strerror(errno));
    return RESULT_OK;
}

struct result cli_write(const char *path, struct view bytes, bool replace)
{
    if (strcmp(path, "-") == 0) return cli_print(bytes);
    CLEANUP(buffer_done) struct buffer name = {0};
    TRY(buffer_format(&name, "%s.XXXXXX", path));
    TRY(buffer_u8(&name, 0));
    char *temporary = (char *)name.data;
    struct result result = write_temporary(temporary, path, bytes);
    if (result_ok(result)) result = put_in_place(temporary, path, replace);
    (void)unlink(temporary); /* gone already after a rename */
    return result;
}

struct result cli_print(struct view bytes)
{
    size_t written = bytes.length ? fwrite(bytes.data, 1, bytes.length, stdout) : 0;
    ENSURE(written == bytes.length && fflush(stdout) == 0, CATEGORY_ENVIRONMENT, "stdout cannot be written: %s",
           strerror(errno));
    return RESULT_OK;
}
