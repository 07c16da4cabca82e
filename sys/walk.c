#include "sys/walk.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sys/file.h"

enum { DEPTH_MAX = 32 }; /* a path and its reason fit the stack at each */

struct walking {
    struct result (*visit)(void *visitor, enum walk_kind kind, const char *path);
    void *visitor;
};

struct names {
    struct dirent **items;
    int count;
};

static void names_done(struct names *names)
{
    for (int i = 0; i < names->count; i++) free(names->items[i]);
    free((void *)names->items);
}

static int not_dots(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static struct result walk_from(const struct walking *walking, const char *path, unsigned depth);

static struct result walk_folder(const struct walking *walking, const char *path, unsigned depth)
{
    CLEANUP(names_done) struct names names = {0};
    char below[FILE_PATH_MAX];
    TRY(walking->visit(walking->visitor, WALK_FOLDER, path));
    ENSURE(depth < DEPTH_MAX, CATEGORY_USAGE, "%s: more than %d folders in each other", path, DEPTH_MAX);
    int count = scandir(path, &names.items, not_dots, by_bytes);
    if (count < 0 && errno == ENOENT) return walking->visit(walking->visitor, WALK_GONE, path);
    ENSURE(count >= 0, CATEGORY_ENVIRONMENT, "%s: cannot be read: %s", path, strerror(errno));
    names.count = count;
    for (int i = 0; i < count; i++) {
        TRY(file_path(path, names.items[i]->d_name, below));
        TRY(walk_from(walking, below, depth + 1));
    }
    return walking->visit(walking->visitor, WALK_FOLDER_END, path);
}

static struct result walk_from(const struct walking *walking, const char *path, unsigned depth)
{
    struct stat status;
    if (lstat(path, &status) != 0) {
        ENSURE(errno == ENOENT, CATEGORY_ENVIRONMENT, "%s: cannot be read: %s", path, strerror(errno));
        return walking->visit(walking->visitor, WALK_GONE, path);
    }
    if (S_ISDIR(status.st_mode)) return walk_folder(walking, path, depth);
    return walking->visit(walking->visitor, S_ISREG(status.st_mode) ? WALK_FILE : WALK_OTHER, path);
}

struct result walk(const char *path, struct result (*visit)(void *visitor, enum walk_kind kind, const char *path),
                   void *visitor)
{
    return walk_from(&(struct walking){visit, visitor}, path, 0);
}
