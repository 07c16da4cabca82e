/* A backup: a folder (mode 0700) that holds a daemon's configuration and its state directory of one moment, and
 * backup.txt (sys/manifest.h), which tells whether it is whole.
 *
 *   backup.txt
 *   node.yaml, policy.yaml, roster.note      as they were
 *   state/...                                the snapshot (sys/snapshot.h)
 *
 * It is written beside its name, durably, and then renamed: a crash leaves OUT.unfinished, which the next one removes.
 * No key of a party is in it, neither node.key nor identity.key, nor secrets.db.
 */
#ifndef SYS_BACKUP_H
#define SYS_BACKUP_H

#include "sys/manifest.h"
#include "sys/snapshot.h"

/* A file that goes in under a name of its own. */
struct backup_file {
    const char *path, *name;
};
struct backup_source {
    const char *program, *version;
    const char *state; /* the state directory */
    const struct backup_file *files;
    size_t files_count;
    /* To the daemon that works there, which takes the snapshot; where none does, the store is opened here. */
    const char *request;
    struct result (*answered)(struct view reply, struct snapshot_name *ret); /* what the daemon's answer means */
    const struct snapshot_files *snapshot;
    struct result (*check)(struct store *store, const char *state); /* where no daemon does; NULL: nothing beside */
};
struct backup_made {
    struct manifest_head head;
    struct hash digest; /* of backup.txt: names the backup */
    uint64_t files, bytes;
};
/* CATEGORY_USAGE when something is at `out`, or that is in the state directory, or there is no state yet. */
MUST_USE struct result backup_make(const struct backup_source *source, const char *out, struct backup_made *ret);

/* What a backup of a program may hold. */
struct backup_form {
    const char *program;
    const char *const *files; /* beside the state directory; ends with a NULL */
    const struct snapshot_files *snapshot;
};
/* The backup's files in a directory that is not there or empty, all or none, every one checked against backup.txt on
 * the way. CATEGORY_FALSE: the backup is not whole, or has what backup.txt does not name or no backup of the program
 * has (a key, secrets), or is another program's; CATEGORY_USAGE: the directory is not empty. finish does what else has
 * to be done in the directory, before it is given its name. */
MUST_USE struct result backup_restore(const struct backup_form *form, const char *from, const char *into,
                                      struct result (*finish)(const char *directory, const struct manifest_head *head),
                                      struct backup_made *ret);
/* What both commands print. */
void backup_tell(const char *what, const char *where, const struct backup_made *made);

/* Sets these keys of a restored configuration anew; a key is a word at a line's begin, and one whose value is a pkcs11:
 * URI is left. `good` looks at the file, and when it says no, the file is as it was. */
struct backup_key {
    const char *key, *value;
};
MUST_USE struct result backup_set_paths(const char *path, const struct backup_key *keys, size_t count,
                                        bool (*good)(const char *path), bool *ret_set);
/* Whether a path is the one of `name` beside the file: for `good`. */
bool backup_beside(const char *file, const char *path, const char *name);

#endif
