#include "sys/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/copy.h"
#include "sys/folder.h"

struct linking {
    const char *folder; /* into which */
    const char *name;   /* the linked folder's */
    const char *const *skipped;
};

static bool is_skipped(const char *const *skipped, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    for (const char *const *begin = skipped; *begin; begin++)
        if (strncmp(name, *begin, strlen(*begin)) == 0) return true;
    return false;
}

static struct result target_of(const struct linking *linking, const char *name, char out[FILE_PATH_MAX])
{
    char below[FILE_PATH_MAX];
    TRY(file_path(linking->name, name, below));
    return file_path(linking->folder, below, out);
}

static struct result make_folder(void *visitor, const char *path, const char *name)
{
    char target[FILE_PATH_MAX];
    (void)path;
    TRY(target_of(visitor, name, target));
    ENSURE(mkdir(target, 0700) == 0, CATEGORY_ENVIRONMENT, "%s: could not be made: %s", target, strerror(errno));
    return RESULT_OK;
}

/* A file that went while the folder was read, or was not in place yet, is none of this moment. */
static struct result link_one(const char *path, const char *target)
{
    ENSURE(link(path, target) == 0 || errno == ENOENT, CATEGORY_ENVIRONMENT, "%s: could not be linked to %s: %s", path,
           target, strerror(errno));
    return RESULT_OK;
}

static struct result link_file(void *visitor, const char *path, const char *name)
{
    char target[FILE_PATH_MAX];
    const struct linking *linking = visitor;
    if (is_skipped(linking->skipped, name)) return RESULT_OK;
    TRY(target_of(linking, name, target));
    return link_one(path, target);
}

static struct result link_all(const char *directory, const char *folder, const char *name,
                              const struct snapshot_files *files)
{
    char from[FILE_PATH_MAX], to[FILE_PATH_MAX];
    struct stat status;
    TRY(file_path(directory, name, from));
    TRY(file_path(folder, name, to));
    if (lstat(from, &status) != 0) return RESULT_OK;
    if (!S_ISDIR(status.st_mode)) return link_one(from, to);
    TRY(file_directory(to, 0700));
    struct linking linking = {folder, name, files->skipped};
    return copy_walk(from, &(struct copy_visit){make_folder, link_file, &linking, true});
}

static struct result copy_one(const char *directory, const char *folder, const char *name)
{
    char from[FILE_PATH_MAX], to[FILE_PATH_MAX];
    struct hash hash;
    uint64_t bytes;
    TRY(file_path(directory, name, from));
    TRY(file_path(folder, name, to));
    return file_exists(from) ? copy_file(from, to, &hash, &bytes) : RESULT_OK;
}

static struct result take_all(struct store *store, const char *directory, const char *folder,
                              const struct snapshot_files *files)
{
    char database[FILE_PATH_MAX];
    TRY(file_directory(folder, 0700));
    TRY(file_path(folder, "state.db", database));
    TRY(store_copy(store, database));
    for (const char *const *name = files->copied; *name; name++) TRY(copy_one(directory, folder, *name));
    for (const char *const *name = files->linked; *name; name++) TRY(link_all(directory, folder, *name, files));
    return RESULT_OK;
}

struct result snapshot_take(struct store *store, const char *directory, const struct snapshot_files *files,
                            struct snapshot_name *ret)
{
    char all[FILE_PATH_MAX], folder[FILE_PATH_MAX], reason[512];
    struct snapshot_name name;
    (void)snprintf(name.text, sizeof name.text, "%llu", (unsigned long long)clock_monotonic_us());
    TRY(file_path(directory, SNAPSHOT_FOLDER, all));
    TRY(file_directory(all, 0700));
    TRY(file_path(all, name.text, folder));
    struct result result = take_all(store, directory, folder, files);
    if (result_ok(result)) *ret = name;
    if (result_ok(result)) return RESULT_OK;
    (void)snprintf(reason, sizeof reason, "%s", result_reason());
    (void)folder_remove(folder).category; /* the next start does it else */
    return FAIL(result.category, "%s", reason);
}

static bool is_among(const char *const *names, const char *path, bool below)
{
    for (; *names; names++) {
        size_t length = strlen(*names);
        if (strncmp(path, *names, length) == 0 && (!path[length] || (below && path[length] == '/'))) return true;
    }
    return false;
}

bool snapshot_may_hold(const struct snapshot_files *files, const char *name)
{
    return strcmp(name, "state.db") == 0 || is_among(files->copied, name, false) ||
           (is_among(files->linked, name, true) && !is_skipped(files->skipped, name));
}

struct result snapshot_path(const char *directory, struct view name, char out[FILE_PATH_MAX])
{
    char all[FILE_PATH_MAX];
    struct snapshot_name text = {{0}};
    bool good = name.length > 0 && name.length < sizeof text.text;
    for (size_t i = 0; good && i < name.length; i++) good = name.data[i] >= '0' && name.data[i] <= '9';
    ENSURE(good, CATEGORY_ENVIRONMENT,
           "%s: the daemon does not say where its snapshot is; do both programs belong together?", directory);
    memcpy(text.text, name.data, name.length);
    TRY(file_path(directory, SNAPSHOT_FOLDER, all));
    return file_path(all, text.text, out);
}

struct result snapshot_remove(const char *directory)
{
    char folder[FILE_PATH_MAX];
    TRY(file_path(directory, SNAPSHOT_FOLDER, folder));
    return file_exists(folder) ? folder_remove(folder) : RESULT_OK;
}
