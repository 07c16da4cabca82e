#include "sys/folder.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "crypto/base/failpoint.h"
#include "sys/file.h"
#include "sys/walk.h"

struct visiting {
    bool removing;
    unsigned files;
};

static struct result removed(const char *path, int status)
{
    ENSURE(status == 0 || errno == ENOENT, CATEGORY_ENVIRONMENT, "%s: cannot be removed: %s", path, strerror(errno));
    return RESULT_OK;
}

static struct result visit(void *visitor, enum walk_kind kind, const char *path)
{
    struct visiting *visiting = visitor;
    if (kind == WALK_FOLDER || kind == WALK_GONE) return RESULT_OK; /* a folder comes again after what is in it */
    if (kind == WALK_FOLDER_END) return visiting->removing ? removed(path, rmdir(path)) : RESULT_OK;
    visiting->files++;
    if (visiting->removing) TRY(removed(path, unlink(path)));
    FAILPOINT("node: a folder is removed in part");
    return RESULT_OK;
}

struct result folder_count(const char *path, unsigned *ret_files)
{
    struct visiting visiting = {.removing = false};
    TRY(walk(path, visit, &visiting));
    *ret_files = visiting.files;
    return RESULT_OK;
}

struct result folder_remove(const char *path)
{
    struct visiting visiting = {.removing = true};
    TRY(walk(path, visit, &visiting));
    return file_parent_sync(path);
}
