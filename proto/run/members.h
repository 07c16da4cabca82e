/* A set of members: a bitmap over roster positions, least significant bit first (protocol.md, Encodings).
 * Positions count from 1; bit 0 of byte 0 is position 1. On the wire it is exactly (size + 7) / 8 bytes, unused bits 0.
 */
#ifndef PROTO_RUN_MEMBERS_H
#define PROTO_RUN_MEMBERS_H

#include "crypto/base/bytes.h"
#include "crypto/base/limits.h"

struct members {
    unsigned size; /* of the roster */
    uint8_t bits[(MEMBERS_MAX + 7) / 8];
};

struct members members_none(unsigned size);
struct members members_all(unsigned size);
bool members_has(const struct members *set, unsigned position);
void members_add(struct members *set, unsigned position);
void members_remove(struct members *set, unsigned position);
unsigned members_count(const struct members *set);
bool members_equal(const struct members *a, const struct members *b);
bool members_within(const struct members *inner, const struct members *outer);
/* Next position after `position` (0 to begin), or 0 at the end. */
unsigned members_next(const struct members *set, unsigned position);
/* How many members come before `position`: the place of a member's part in roster order, from 0. */
unsigned members_rank(const struct members *set, unsigned position);
struct view members_view(const struct members *set);
MUST_USE struct result members_from(struct view bytes, unsigned size, struct members *ret);

/* f = ⌊n/3⌋, t = ⌊(n+f)/2⌋ + 1, v = n + f − t + 1: fixed for a whole run. */
struct thresholds {
    unsigned n, f, t, v;
};
MUST_USE struct result thresholds_of(unsigned n, struct thresholds *ret); /* refuses n < COHORT_MIN */

#endif
