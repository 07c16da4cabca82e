/* Files: read whole with a limit, written whole or not at all.
 *
 * A write goes to a temporary file beside the target, is synced, renamed over it, and the directory is synced: after a
 * crash there is the old file or the new one. Errors are CATEGORY_ENVIRONMENT and name the path.
 */
#ifndef SYS_FILE_H
#define SYS_FILE_H

#include <sys/types.h>

#include "crypto/secret.h"

#define FILE_PATH_MAX 4096

/* directory/name; an empty directory gives name. Fails when it is too long. */
MUST_USE struct result file_path(const char *directory, const char *name, char out[FILE_PATH_MAX]);

/* A daemon's configuration: the file that is named, or `name` in the directory that is. */
MUST_USE struct result file_config(const char *operand, const char *name, char out[FILE_PATH_MAX]);

/* A file that a person has to bring, before it is read: where it is not there, the reason ends with the remedy. */
MUST_USE struct result file_needed(const char *path, const char *remedy);
/* Replaces out. A file longer than limit is CATEGORY_USAGE. "-" is not special. */
MUST_USE struct result file_read(const char *path, size_t limit, struct buffer *out);
/* The same into guarded memory. Refuses what is not a regular file, is empty, belongs to another user (root excepted),
 * or can be read by group or world, naming the remedy. */
MUST_USE struct result file_read_secret(const char *path, size_t limit, struct secret **ret);

/* Replaces what is there. */
MUST_USE struct result file_write(const char *path, struct view bytes, mode_t mode);
/* The same for a directory that this process alone writes in: also removes what a process that was killed in the middle
 * of this left beside the path. */
MUST_USE struct result file_write_alone(const char *path, struct view bytes, mode_t mode);
/* CATEGORY_USAGE when something is there already: keys are never overwritten. */
MUST_USE struct result file_write_new(const char *path, struct view bytes, mode_t mode);

/* The same in pieces, for what is larger than memory. Nothing is at the path before file_writer_finish. */
struct file_writer {
    char path[FILE_PATH_MAX], temporary[FILE_PATH_MAX];
    int descriptor; /* below 0: there is nothing to discard */
};
MUST_USE struct result file_writer_open(const char *path, struct file_writer *ret);
MUST_USE struct result file_writer_put(struct file_writer *writer, struct view bytes);
/* Durable and in place, replacing what is there; or discarded, when it fails. */
MUST_USE struct result file_writer_finish(struct file_writer *writer, mode_t mode);
/* Removes what a process that was killed left beside the path, in a directory that this process alone writes in. */
MUST_USE struct result file_remove_halves(const char *path);
void file_writer_discard(struct file_writer *writer);

bool file_exists(const char *path);
/* Makes the directory when absent (its parent must exist). CATEGORY_USAGE when the path is something else. */
MUST_USE struct result file_directory(const char *path, mode_t mode);
/* A directory of this user's (or root's) that nobody else can enter; made when absent. CATEGORY_USAGE otherwise, with
 * the remedy. */
MUST_USE struct result file_private_directory(const char *path);
/* Refuses an open file or directory that belongs to another user (root excepted), or that group or world can open,
 * naming the remedy. */
MUST_USE struct result file_check_private(int descriptor, const char *path);
/* Makes durable which names the directory holds. */
MUST_USE struct result file_directory_sync(const char *path);
/* Of the directory that holds the path: a rename or a new name in it is durable after. */
MUST_USE struct result file_parent_sync(const char *path);

#endif
