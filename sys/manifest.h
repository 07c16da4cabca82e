/* backup.txt: what a backup is of, and each of its files with its digest. Text, a line each:
 *
 *   cofferdam backup 1
 *   program cofferdam-node 0.1.0
 *   made 1764554400 running          or stopped: no daemon worked there
 *   file SHA-256 BYTES PATH          in the order of paths; the path is relative, to the end of the line
 *   ...
 *   end COUNT
 *
 * One spelling only. It says whether a backup is whole, and nobody's key vouches for it: its own digest does, where
 * that was written down elsewhere.
 */
#ifndef SYS_MANIFEST_H
#define SYS_MANIFEST_H

#include "crypto/hash.h"

#define MANIFEST_FILE "backup.txt"
#define MANIFEST_PATH_MAX 1024u
#define MANIFEST_MAX ((size_t)64 << 20) /* bytes: some 400,000 files */

struct manifest_head {
    char program[64], version[64];
    uint64_t made; /* seconds since the epoch */
    bool running;  /* while the daemon worked, which has gone on since */
};
struct manifest_file {
    struct hash digest;
    uint64_t bytes;
    char path[MANIFEST_PATH_MAX];
};

MUST_USE struct result manifest_begin(const struct manifest_head *head, struct buffer *out);
MUST_USE struct result manifest_add(const struct manifest_file *file, struct buffer *out);
MUST_USE struct result manifest_end(uint64_t count, struct buffer *out);

/* CATEGORY_FALSE with the line when the text is none, or a path in it leads out of the backup; else what visit gives.
 */
MUST_USE struct result manifest_read(struct view text, struct manifest_head *ret,
                                     struct result (*visit)(void *visitor, const struct manifest_file *file),
                                     void *visitor);

#endif
