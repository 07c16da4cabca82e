/* A file's bytes in another file, and a folder's files one after the other. */
#ifndef SYS_COPY_H
#define SYS_COPY_H

#include "crypto/hash.h"

/* Copies a regular file to a path where nothing is (mode 0600), durably; a symbolic link is not followed. The digest is
 * that of the bytes that were copied, as sha256sum prints it. CATEGORY_ENVIRONMENT; CATEGORY_USAGE: no regular file. */
MUST_USE struct result copy_file(const char *from, const char *to, struct hash *ret, uint64_t *ret_bytes);

/* Everything below a folder, in the order of names, a directory before what is in it; `name` is relative to the folder.
 * Symbolic links are not followed. What is neither a file nor a directory is CATEGORY_USAGE. */
struct copy_visit {
    struct result (*directory)(void *visitor, const char *path, const char *name);
    struct result (*file)(void *visitor, const char *path, const char *name);
    void *visitor;
    bool may_go; /* others work there: what goes meanwhile is passed over */
};
MUST_USE struct result copy_walk(const char *folder, const struct copy_visit *visit);

#endif
