/* Checkpoints (C2SP tlog-checkpoint): how many entries a log has and the root over them. The text of a signed note: its
 * origin, the size in decimal, the root in base64, each on a line of its own; further lines, none of them empty, are
 * others' and are left alone.
 */
#ifndef PROTO_LOG_CHECKPOINT_H
#define PROTO_LOG_CHECKPOINT_H

#include "crypto/base/limits.h"
#include "crypto/hash.h"

#define CHECKPOINT_ORIGIN_MAX_BYTES 200u

struct checkpoint {
    char origin[CHECKPOINT_ORIGIN_MAX_BYTES + 1];
    uint64_t size;
    struct hash root;
};

/* Appends the note's text. CATEGORY_USAGE when the origin is empty, too long or more than a line. */
MUST_USE struct result checkpoint_write(const struct checkpoint *checkpoint, struct buffer *out);
/* CATEGORY_FALSE when the text is no checkpoint; there is one way to write a size and a root. */
MUST_USE struct result checkpoint_parse(struct view text, struct checkpoint *ret);

#endif
