/* Short texts as words, which are compared and taken apart without loops. */
#ifndef DATA_WORD_H
#define DATA_WORD_H

#include <string.h>

#include "crypto/base/bytes.h"

#define WORD_BYTES sizeof(uint64_t)

/* Up to WORD_BYTES bytes, the first in the lowest byte, zeros above the last. Loads overlap, where they agree. */
static inline uint64_t word_of(struct view text)
{
    const uint8_t *bytes = text.data;
    if (text.length >= 4) {
        uint32_t first, last;
        memcpy(&first, bytes, sizeof first);
        memcpy(&last, bytes + text.length - sizeof last, sizeof last);
        return first | (uint64_t)last << (8 * (text.length - sizeof last));
    }
    if (text.length == 0) return 0;
    size_t middle = text.length / 2, last = text.length - 1;
    return bytes[0] | (uint64_t)bytes[middle] << (8 * middle) | (uint64_t)bytes[last] << (8 * last);
}

#endif
