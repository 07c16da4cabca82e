#include "data/utf8.h"

#include <string.h>

enum { STRIDE = 32 };

/* True when none of the bytes is NUL or above ASCII. (Subtracting one from each borrows into the top bit for 0 alone
 * when no byte has it.) */
static bool plain(const uint8_t *at)
{
    uint64_t marks = 0;
    for (int k = 0; k < STRIDE; k += 8) {
        uint64_t word;
        memcpy(&word, at + k, sizeof word);
        marks |= word | (word - UINT64_C(0x0101010101010101));
    }
    return (marks & UINT64_C(0x8080808080808080)) == 0;
}

static bool begin(struct utf8 *state, uint8_t byte)
{
    *state = (struct utf8){0, 0x80, 0xbf};
    if (byte == 0 || (byte > 0x7f && byte < 0xc2) || byte > 0xf4) return false;
    state->left = (uint8_t)((byte >= 0xc2) + (byte >= 0xe0) + (byte >= 0xf0));
    if (byte == 0xe0) state->low = 0xa0;  /* shorter forms exist */
    if (byte == 0xed) state->high = 0x9f; /* surrogates */
    if (byte == 0xf0) state->low = 0x90;
    if (byte == 0xf4) state->high = 0x8f; /* above U+10FFFF */
    return true;
}

static bool go_on(struct utf8 *state, uint8_t byte)
{
    if (byte < state->low || byte > state->high) return false;
    *state = (struct utf8){(uint8_t)(state->left - 1), 0x80, 0xbf};
    return true;
}

size_t utf8_scan(struct utf8 *state, struct view bytes)
{
    size_t at = 0;
    while (at < bytes.length) {
        if (state->left) {
            if (!go_on(state, bytes.data[at])) return at;
            at++;
        } else if (bytes.length - at >= STRIDE && plain(bytes.data + at)) {
            at += STRIDE;
        } else {
            if (!begin(state, bytes.data[at])) return at;
            at++;
        }
    }
    return at;
}
