/* The state directory as it was at one moment, in DIR/snapshot/NAME: taken by the process that has the store open, read
 * by a command that makes a backup of it (sys/backup.h), and gone afterwards.
 *
 * state.db is written anew, what is only ever appended to is copied, and every other file is linked: files in the state
 * directory are replaced, never rewritten, so that a link keeps what was there.
 */
#ifndef SYS_SNAPSHOT_H
#define SYS_SNAPSHOT_H

#include "sys/file.h"
#include "sys/store.h"

#define SNAPSHOT_FOLDER "snapshot"

/* What of the state directory goes in, beside state.db; what is not there is passed over. The lists end with a NULL. */
struct snapshot_files {
    const char *const *copied;
    const char *const *linked;  /* files and folders */
    const char *const *skipped; /* how names begin that are left out of folders */
};
/* Its name is one that none had before, of digits: who asked for an earlier one may have been killed, and another may
 * be reading. CATEGORY_ENVIRONMENT. */
struct snapshot_name {
    char text[24];
};
MUST_USE struct result snapshot_take(struct store *store, const char *directory, const struct snapshot_files *files,
                                     struct snapshot_name *ret);
/* Whether a snapshot may have a file of this name, relative to it. */
bool snapshot_may_hold(const struct snapshot_files *files, const char *name);
/* Where it is. CATEGORY_ENVIRONMENT when that is no snapshot's name. */
MUST_USE struct result snapshot_path(const char *directory, struct view name, char out[FILE_PATH_MAX]);
/* All of them; none there is no failure. Due after a backup, at a daemon's start, and when a run is to leave no trace.
 */
MUST_USE struct result snapshot_remove(const char *directory);

#endif
