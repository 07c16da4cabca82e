#include "cli/outputs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

enum { PATH_BYTES = 4096 };

/* The directory that a path's last part lies in. */
static struct result parent_of(const char *path, char out[PATH_BYTES])
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    while (length > 0 && path[length - 1] != '/') length--;
    while (length > 1 && path[length - 1] == '/') length--;
    ENSURE(length < PATH_BYTES, CATEGORY_USAGE, "a path of %zu bytes is too long", length);
    (void)snprintf(out, PATH_BYTES, "%.*s", length == 0 ? 1 : (int)length, length == 0 ? "." : path);
    return RESULT_OK;
}

struct result outputs_check(const char *directory)
{
    struct stat status;
    ENSURE(directory[0] != 0, CATEGORY_USAGE, "--out names no directory");
    if (stat(directory, &status) == 0) {
        ENSURE(S_ISDIR(status.st_mode), CATEGORY_USAGE, "%s: is not a directory; choose another --out", directory);
        ENSURE(access(directory, W_OK | X_OK) == 0, CATEGORY_ENVIRONMENT, "%s: cannot be written: %s", directory,
               strerror(errno));
        return RESULT_OK;
    }
    ENSURE(errno == ENOENT, CATEGORY_ENVIRONMENT, "%s: %s", directory, strerror(errno));
    char parent[PATH_BYTES];
    TRY(parent_of(directory, parent));
    ENSURE(access(parent, W_OK | X_OK) == 0, CATEGORY_ENVIRONMENT, "%s: cannot be made in %s: %s", directory, parent,
           strerror(errno));
    return RESULT_OK;
}

static struct result output_path(const char *directory, const char *name, const char *suffix, char out[PATH_BYTES])
{
    int length = snprintf(out, PATH_BYTES, "%s/%s%s", directory, name, suffix);
    ENSURE(length > 0 && length < PATH_BYTES, CATEGORY_USAGE, "%s/%s: the path is too long", directory, name);
    return RESULT_OK;
}

/* Nothing is put in place that could not all be. */
static struct result check_places(const char *directory, const struct output *outputs, size_t count)
{
    char final[PATH_BYTES];
    struct stat status;
    for (size_t i = 0; i < count; i++) {
        TRY(output_path(directory, outputs[i].name, "", final));
        ENSURE(lstat(final, &status) != 0 || !S_ISDIR(status.st_mode), CATEGORY_USAGE,
               "%s: is a directory; choose another --out", final);
    }
    return RESULT_OK;
}

static struct result stage_all(const char *directory, const struct output *outputs, size_t count)
{
    char staged[PATH_BYTES];
    for (size_t i = 0; i < count; i++) {
        TRY(output_path(directory, outputs[i].name, ".new", staged));
        TRY(cli_write(staged, outputs[i].bytes, true));
    }
    return RESULT_OK;
}

static struct result place_all(const char *directory, const struct output *outputs, size_t count)
{
    char staged[PATH_BYTES], final[PATH_BYTES];
    for (size_t i = 0; i < count; i++) {
        TRY(output_path(directory, outputs[i].name, ".new", staged));
        TRY(output_path(directory, outputs[i].name, "", final));
        ENSURE(rename(staged, final) == 0, CATEGORY_ENVIRONMENT, "%s: cannot be written: %s", final, strerror(errno));
    }
    return RESULT_OK;
}

struct result outputs_write(const char *directory, const struct output *outputs, size_t count)
{
    bool made = mkdir(directory, 0755) == 0;
    ENSURE(made || errno == EEXIST, CATEGORY_ENVIRONMENT, "%s: cannot be made: %s", directory, strerror(errno));
    struct result result = check_places(directory, outputs, count);
    if (result_ok(result)) result = stage_all(directory, outputs, count);
    if (result_ok(result)) result = place_all(directory, outputs, count);
    if (result_ok(result)) return result;
    char staged[PATH_BYTES];
    for (size_t i = 0; i < count; i++)
        if (snprintf(staged, sizeof staged, "%s/%s.new", directory, outputs[i].name) > 0) (void)unlink(staged);
    if (made) (void)rmdir(directory); /* stays when something is in it */
    return result;
}
