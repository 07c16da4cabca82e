/* UTF-8 (RFC 3629) checked as it streams by, NUL refused: it is no character of a text file. */
#ifndef DATA_UTF8_H
#define DATA_UTF8_H

#include "crypto/base/bytes.h"

/* A zeroed state stands between two characters. */
struct utf8 {
    uint8_t left;      /* bytes of the character that are still to come */
    uint8_t low, high; /* what the next of them may be */
};

/* Index of the first byte that cannot stand where it does; the length when all can. */
size_t utf8_scan(struct utf8 *state, struct view bytes);
/* Whether the text may end here. */
static inline bool utf8_whole(const struct utf8 *state)
{
    return state->left == 0;
}

#endif
