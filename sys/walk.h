/* Everything below a path, one after the other, in the order of names; symbolic links are not followed. (fts(3) of
 * glibc crashes when memory is short, or ends early.) */
#ifndef SYS_WALK_H
#define SYS_WALK_H

#include "crypto/base/result.h"

enum walk_kind {
    WALK_FILE,
    WALK_FOLDER,     /* before what is in it */
    WALK_FOLDER_END, /* after */
    WALK_OTHER,      /* a link, a pipe, a socket, a device */
    WALK_GONE,       /* went since its folder was read; also a path where nothing is */
};

/* The path itself first. Ends at the first visit that fails. CATEGORY_ENVIRONMENT: a folder cannot be read;
 * CATEGORY_USAGE: it is deeper than any of ours. */
MUST_USE struct result walk(const char *path,
                            struct result (*visit)(void *visitor, enum walk_kind kind, const char *path),
                            void *visitor);

#endif
