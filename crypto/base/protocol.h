/* The versions of the protocol (docs/protocol.md, Versions). A program speaks a range of them, the newest and the one
 * before; two programs settle on the highest that both speak, and a run keeps one version from its submission to its
 * end.
 */
#ifndef CRYPTO_BASE_PROTOCOL_H
#define CRYPTO_BASE_PROTOCOL_H

#include "crypto/base/bytes.h"

/* The first version in which P1 may carry what a bank's officers signed. */
#define PROTOCOL_APPROVALS 2u
/* No program speaks one beyond. */
#define PROTOCOL_MAX 200u

struct protocol_range {
    unsigned oldest, newest; /* 0 and 0: not known */
};
/* What this program speaks. */
extern const struct protocol_range protocol_spoken;

/* The highest version in both, 0 when there is none. */
unsigned protocol_common(struct protocol_range a, struct protocol_range b);
/* A version as it is greeted and negotiated with, "cofferdam/2", or a range, "cofferdam/1-2" when its ends differ.
 * Appended. */
MUST_USE struct result protocol_name(struct protocol_range range, struct buffer *out);
/* Reads one; CATEGORY_PEER when it is none. */
MUST_USE struct result protocol_parse(struct view name, struct protocol_range *ret);
/* "versions 1 to 2", "version 2". */
#define PROTOCOL_WORDS_MAX 32
const char *protocol_words(struct protocol_range range, char out[PROTOCOL_WORDS_MAX]);

#endif
