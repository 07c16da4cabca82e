#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/base/failpoint.h"

#define TEMPORARY ".XXXXXX" /* after a file's name, until it is in place */

static void close_p(const int *descriptor)
{
    if (*descriptor >= 0) (void)close(*descriptor);
}

struct result file_path(const char *directory, const char *name, char out[FILE_PATH_MAX])
{
    int length =
        *directory ? snprintf(out, FILE_PATH_MAX, "%s/%s", directory, name) : snprintf(out, FILE_PATH_MAX, "%s", name);
    ENSURE(length >= 0 && length < FILE_PATH_MAX, CATEGORY_USAGE, "%.200s...: a path longer than %d bytes",
           *directory ? directory : name, FILE_PATH_MAX - 1);
    return RESULT_OK;
}

struct result file_config(const char *operand, const char *name, char out[FILE_PATH_MAX])
{
    struct stat about;
    bool directory = stat(operand, &about) == 0 && S_ISDIR(about.st_mode);
    return directory ? file_path(operand, name, out) : file_path("", operand, out);
}

/* Opens for reading and says how long the regular file is. Does not wait for a pipe's other end. */
static struct result open_regular(const char *path, size_t limit, int *ret_descriptor, struct stat *ret_status)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ENSURE(descriptor >= 0, CATEGORY_ENVIRONMENT, "%s: %s", path, strerror(errno));
    *ret_descriptor = descriptor;
    ENSURE(fstat(descriptor, ret_status) == 0, CATEGORY_ENVIRONMENT, "%s: %s", path, strerror(errno));
    ENSURE(S_ISREG(ret_status->st_mode), CATEGORY_USAGE, "%s: not a regular file", path);
    ENSURE((uintmax_t)ret_status->st_size <= limit, CATEGORY_USAGE, "%s: %jd bytes, more than the limit of %zu", path,
           (intmax_t)ret_status->st_size, limit);
    return RESULT_OK;
}

static struct result read_exactly(int descriptor, const char *path, uint8_t *out, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t got = read(descriptor, out + done, length - done);
        if (got < 0 && errno == EINTR) continue;
        ENSURE(got >= 0, CATEGORY_ENVIRONMENT, "%s: %s", path, strerror(errno));
        ENSURE(got > 0, CATEGORY_ENVIRONMENT, "%s: became shorter while it was read; try again", path);
        done += (size_t)got;
    }
    return RESULT_OK;
}

struct result file_needed(const char *path, const char *remedy)
{
    struct stat status;
    bool missing = stat(path, &status) != 0 && (errno == ENOENT || errno == ENOTDIR);
    ENSURE(!missing, CATEGORY_ENVIRONMENT, "%s: %s; %s", path, strerror(errno), remedy);
    return RESULT_OK;
}

struct result file_read(const char *path, size_t limit, struct buffer *out)
{
    CLEANUP(close_p) int descriptor = -1;
    struct stat status;
    TRY(open_regular(path, limit, &descriptor, &status));
    CLEANUP(buffer_done) struct buffer bytes = {.limit = out->limit};
    uint8_t *start;
    TRY(buffer_extend(&bytes, (size_t)status.st_size, &start));
    TRY(read_exactly(descriptor, path, start, (size_t)status.st_size));
    struct buffer old = *out;
    *out = bytes;
    bytes = old;
    return RESULT_OK;
}

/* systemd lets a service's user read a credential of root's by an access list, whose mask looks like the group's bits.
 */
static bool is_credential(const char *path, const struct stat *status)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    const size_t length = directory ? strlen(directory) : 0;
    return length > 0 && strncmp(path, directory, length) == 0 && path[length] == '/' && status->st_uid == 0 &&
           status->st_gid == 0 && (status->st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) == 0;
}

struct result file_check_private(int descriptor, const char *path)
{
    struct stat status;
    ENSURE(fstat(descriptor, &status) == 0, CATEGORY_ENVIRONMENT, "%s: %s", path, strerror(errno));
    const bool directory = S_ISDIR(status.st_mode);
    const char *what = directory ? "directory of secrets" : "secret file";
    ENSURE(status.st_uid == geteuid() || status.st_uid == 0, CATEGORY_USAGE,
           "%s: a %s of another user (uid %u); it must belong to the user that runs this", path, what,
           (unsigned)status.st_uid);
    ENSURE((status.st_mode & (S_IRWXG | S_IRWXO)) == 0 || is_credential(path, &status), CATEGORY_USAGE,
           "%s: others can open this %s (mode %03o); run: chmod %d %s", path, what, (unsigned)(status.st_mode & 0777),
           directory ? 700 : 600, path);
    return RESULT_OK;
}

struct result file_read_secret(const char *path, size_t limit, struct secret **ret)
{
    CLEANUP(close_p) int descriptor = -1;
    struct stat status;
    TRY(open_regular(path, limit, &descriptor, &status));
    TRY(file_check_private(descriptor, path));
    ENSURE(status.st_size > 0, CATEGORY_USAGE, "%s: the file is empty", path);
    CLEANUP(secret_freep) struct secret *secret = NULL;
    TRY(secret_new((size_t)status.st_size, &secret));
    TRY(read_exactly(descriptor, path, secret_bytes(secret), (size_t)status.st_size));
    *ret = secret;
    secret = NULL;
    return RESULT_OK;
}

/* The directory part of a path, "." when there is none. */
static void directory_of(const char *path, char out[FILE_PATH_MAX])
{
    (void)snprintf(out, FILE_PATH_MAX, "%s", path);
    char *slash = strrchr(out, '/');
    if (!slash)
        (void)snprintf(out, FILE_PATH_MAX, ".");
    else if (slash == out)
        out[1] = 0;
    else
        *slash = 0;
}

static struct result write_all(int descriptor, const char *path, struct view bytes)
{
    for (size_t done = 0; done < bytes.length;) {
        ssize_t put = write(descriptor, bytes.data + done, bytes.length - done);
        if (put < 0 && errno == EINTR) continue;
        ENSURE(put > 0, CATEGORY_ENVIRONMENT, "%s: could not be written: %s", path,
               put < 0 ? strerror(errno) : "nothing was taken");
        done += (size_t)put;
    }
    return RESULT_OK;
}

/* A new name is given with link(), which refuses an existing one on every file system. */
static struct result put_in_place(const char *temporary, const char *path, bool replace)
{
    int status = replace ? rename(temporary, path) : link(temporary, path);
    ENSURE(status == 0 || errno != EEXIST, CATEGORY_USAGE, "%s: exists already and is not overwritten", path);
    ENSURE(status == 0, CATEGORY_ENVIRONMENT, "%s: could not be put in place: %s", path, strerror(errno));
    if (!replace) (void)unlink(temporary);
    return RESULT_OK;
}

/* A device, a pipe or a link would be gone, and a plain file in its place. */
static struct result check_replaceable(const char *path)
{
    struct stat status;
    ENSURE(lstat(path, &status) != 0 || S_ISREG(status.st_mode), CATEGORY_USAGE,
           "%s: is not a file but a %s; name a file%s", path,
           S_ISDIR(status.st_mode)   ? "directory"
           : S_ISLNK(status.st_mode) ? "link"
                                     : "device or pipe",
           S_ISLNK(status.st_mode) ? ", as that which it points to" : "");
    return RESULT_OK;
}

struct result file_writer_open(const char *path, struct file_writer *ret)
{
    ret->descriptor = -1;
    TRY(check_replaceable(path));
    int given = snprintf(ret->path, sizeof ret->path, "%s", path);
    int length = snprintf(ret->temporary, sizeof ret->temporary, "%s" TEMPORARY, path);
    ENSURE(given >= 0 && length >= 0 && length < FILE_PATH_MAX, CATEGORY_USAGE, "%s: the path is too long", path);
    ret->descriptor = mkostemp(ret->temporary, O_CLOEXEC);
    ENSURE(ret->descriptor >= 0, CATEGORY_ENVIRONMENT, "%s: could not be made: %s", path, strerror(errno));
    FAILPOINT("file: made");
    return RESULT_OK;
}

struct result file_writer_put(struct file_writer *writer, struct view bytes)
{
    return write_all(writer->descriptor, writer->path, bytes);
}

void file_writer_discard(struct file_writer *writer)
{
    if (writer->descriptor < 0) return;
    (void)close(writer->descriptor);
    writer->descriptor = -1;
    (void)unlink(writer->temporary);
}

static struct result make_durable(const struct file_writer *writer, mode_t mode)
{
    FAILPOINT("file: written, not durable");
    ENSURE(fsync(writer->descriptor) == 0, CATEGORY_ENVIRONMENT, "%s: could not be written: %s", writer->path,
           strerror(errno));
    /* Made 0600; what it becomes is the caller's word, not the umask's. */
    ENSURE(fchmod(writer->descriptor, mode) == 0, CATEGORY_ENVIRONMENT, "%s: %s", writer->path, strerror(errno));
    FAILPOINT("file: durable, not in place");
    return RESULT_OK;
}

static struct result finish(struct file_writer *writer, mode_t mode, bool replace)
{
    struct result result = make_durable(writer, mode);
    if (result_ok(result)) result = put_in_place(writer->temporary, writer->path, replace);
    FAILPOINT("file: in place");
    if (!result_ok(result)) {
        file_writer_discard(writer);
        return result;
    }
    (void)close(writer->descriptor);
    writer->descriptor = -1;
    return file_parent_sync(writer->path);
}

struct result file_writer_finish(struct file_writer *writer, mode_t mode)
{
    return finish(writer, mode, true);
}

static struct result write_beside(const char *path, struct view bytes, mode_t mode, bool replace)
{
    CLEANUP(file_writer_discard) struct file_writer writer = {.descriptor = -1};
    TRY(file_writer_open(path, &writer));
    TRY(file_writer_put(&writer, bytes));
    return finish(&writer, mode, replace);
}

struct result file_write(const char *path, struct view bytes, mode_t mode)
{
    return write_beside(path, bytes, mode, true);
}

struct result file_write_new(const char *path, struct view bytes, mode_t mode)
{
    return write_beside(path, bytes, mode, false);
}

/* What is named as write_beside names what it has not put in place. */
struct result file_remove_halves(const char *path)
{
    char directory[FILE_PATH_MAX];
    directory_of(path, directory);
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = strlen(name);
    DIR *entries = opendir(directory);
    ENSURE(entries, CATEGORY_ENVIRONMENT, "%s: %s", directory, strerror(errno));
    for (const struct dirent *entry; (entry = readdir(entries));) {
        const char *found = entry->d_name;
        if (strncmp(found, name, length) == 0 && found[length] == '.' && strlen(found + length) == strlen(TEMPORARY))
            (void)unlinkat(dirfd(entries), found, 0);
    }
    (void)closedir(entries);
    return RESULT_OK;
}

struct result file_write_alone(const char *path, struct view bytes, mode_t mode)
{
    TRY(file_remove_halves(path));
    return file_write(path, bytes, mode);
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

struct result file_directory(const char *path, mode_t mode)
{
    if (mkdir(path, mode) == 0) {
        char parent[FILE_PATH_MAX];
        directory_of(path, parent);
        return file_directory_sync(parent);
    }
    ENSURE(errno == EEXIST, CATEGORY_ENVIRONMENT, "%s: the directory could not be made: %s", path, strerror(errno));
    struct stat status;
    ENSURE(stat(path, &status) == 0, CATEGORY_ENVIRONMENT, "%s: %s", path, strerror(errno));
    ENSURE(S_ISDIR(status.st_mode), CATEGORY_USAGE, "%s: is not a directory", path);
    return RESULT_OK;
}

struct result file_private_directory(const char *path)
{
    TRY(file_directory(path, 0700));
    CLEANUP(close_p) int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ENSURE(descriptor >= 0, CATEGORY_ENVIRONMENT, "%s: %s", path, strerror(errno));
    return file_check_private(descriptor, path);
}

struct result file_directory_sync(const char *path)
{
    CLEANUP(close_p) int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ENSURE(descriptor >= 0, CATEGORY_ENVIRONMENT, "%s: %s", path, strerror(errno));
    ENSURE(fsync(descriptor) == 0, CATEGORY_ENVIRONMENT, "%s: %s", path, strerror(errno));
    return RESULT_OK;
}

struct result file_parent_sync(const char *path)
{
    char directory[FILE_PATH_MAX];
    directory_of(path, directory);
    return file_directory_sync(directory);
}
