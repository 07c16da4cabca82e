#include "sys/folder.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crypto/base/failpoint.h"
#include "sys/file.h"

static struct result visit(const FTSENT *entry, bool removing, unsigned *files)
{
    int error = 0;
    switch (entry->fts_info) {
    case FTS_D: /* comes again when what is in it has been visited */
        return RESULT_OK;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        error = entry->fts_errno;
        break;
    case FTS_DP:
        if (removing && rmdir(entry->fts_path) != 0) error = errno;
        break;
    default:
        (*files)++;
        if (removing && unlink(entry->fts_path) != 0) error = errno;
        FAILPOINT("node: a folder is removed in part");
    }
    ENSURE(!error || error == ENOENT, CATEGORY_ENVIRONMENT, "%s: cannot be %s: %s", entry->fts_path,
           removing ? "removed" : "read", strerror(error));
    return RESULT_OK;
}

static struct result walk(const char *path, bool removing, unsigned *files)
{
    char top[FILE_PATH_MAX];
    *files = 0;
    TRY(file_path("", path, top));
    FTS *tree = fts_open((char *const[]){top, NULL}, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    ENSURE(tree, CATEGORY_ENVIRONMENT, "%s: cannot be read: %s", path, strerror(errno));
    struct result result = RESULT_OK;
    for (FTSENT *entry; result_ok(result) && (entry = fts_read(tree));) result = visit(entry, removing, files);
    (void)fts_close(tree);
    return result;
}

struct result folder_count(const char *path, unsigned *ret_files)
{
    return walk(path, false, ret_files);
}

struct result folder_remove(const char *path)
{
    unsigned files;
    TRY(walk(path, true, &files));
    return file_parent_sync(path);
}
