#include "sys/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/copy.h"
#include "sys/file.h"
#include "sys/folder.h"

struct linking {
    const char *folder; /* into which */
    const char *name;   /* the linked folder's */
    const char *const *skipped;
};

static bool is_skipped(const struct linking *linking, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    for (const char *const *begin = linking->skipped; *begin; begin++)
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
    if (is_skipped(visitor, name)) return RESULT_OK;
    TRY(target_of(visitor, name, target));
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
    return copy_walk(from, &(struct copy_visit){make_folder, link_file, &linking});
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

struct result snapshot_take(struct store *store, const char *directory, const struct snapshot_files *files)
{
    char folder[FILE_PATH_MAX], database[FILE_PATH_MAX];
    TRY(snapshot_remove(directory));
    TRY(file_path(directory, SNAPSHOT_FOLDER, folder));
    TRY(file_directory(folder, 0700));
    TRY(file_path(folder, "state.db", database));
    struct result result = store_copy(store, database);
    for (const char *const *name = files->copied; result_ok(result) && *name; name++)
        result = copy_one(directory, folder, *name);
    for (const char *const *name = files->linked; result_ok(result) && *name; name++)
        result = link_all(directory, folder, *name, files);
    if (result_ok(result)) return RESULT_OK;
    char reason[512];
    (void)snprintf(reason, sizeof reason, "%s", result_reason());
    (void)snapshot_remove(directory).category; /* the next one does it else */
    return FAIL(result.category, "%s", reason);
}

struct result snapshot_remove(const char *directory)
{
    char folder[FILE_PATH_MAX];
    TRY(file_path(directory, SNAPSHOT_FOLDER, folder));
    return file_exists(folder) ? folder_remove(folder) : RESULT_OK;
}
