/* Durable records over SQLite: one store a state directory, two files.
 *   DIR/state.db     everything but secrets
 *   DIR/secrets.db   epoch secrets and shares (secure_delete=ON); backups leave it out
 * WAL, synchronous=FULL, one process at a time (a lock file; the second is refused with a sentence). Schema versions
 * migrate forward. Values carry a digest, checked on load: a damaged row is an error, never a guess.
 *
 * A batch is applied in this order: secret puts, all of state.db in one transaction, secret erasures (then the WAL is
 * truncated). A crash between leaves puts without a decision (harmless) or a decision whose erasures the machine
 * repeats when it starts. Thread-safe.
 */
#ifndef SYS_STORE_H
#define SYS_STORE_H

#include "crypto/hash.h"

struct store;

/* Makes the directory (mode 0700) when absent, its parent not. Reads every row once. CATEGORY_ENVIRONMENT: another
 * process works there (it is named), the files cannot be written or are damaged; CATEGORY_USAGE: they are of a later
 * version or not ours. */
MUST_USE struct result store_open(const char *directory, struct store **ret);
void store_close(struct store *store);
void store_closep(struct store **store);

struct store_record {
    const struct hash *scope; /* the run, or NULL for the node's own records */
    const char *key;
    struct view value;
    bool secret;
    bool erase;
};
/* All or nothing within each of the three steps above; after a failure (a full disk) the store goes on. Erased and
 * replaced secrets are gone from the file and its log when this returns. */
MUST_USE struct result store_commit(struct store *store, const struct store_record *records, size_t count);
/* What was erased from state.db before is gone from the file and its log when this returns, as secrets are at once. */
MUST_USE struct result store_scrub(struct store *store);
/* Replaces out. A secret's bytes are the caller's to wipe. */
MUST_USE struct result store_load(struct store *store, bool secret, const struct hash *scope, const char *key,
                                  struct buffer *out, bool *ret_found);
/* In key order; visit must not write to the store. */
MUST_USE struct result store_each(struct store *store, bool secret, const struct hash *scope, const char *prefix,
                                  struct result (*visit)(void *visitor, const char *key, struct view value),
                                  void *visitor);
/* Scopes (runs) that have records. */
MUST_USE struct result store_scopes(struct store *store,
                                    struct result (*visit)(void *visitor, const struct hash *scope), void *visitor);

/* state.db as it is at this moment, written anew to a path where nothing is (mode 0600): what was erased is not in it.
 * Not durable when this returns. Nobody else gets at the store meanwhile. Secrets are not copied by anything. */
MUST_USE struct result store_copy(struct store *store, const char *path);

#endif
