#include "proto/run/members.h"

#include <assert.h>
#include <string.h>

static size_t members_bytes(unsigned size)
{
    return (size + 7u) / 8u;
}

struct members members_none(unsigned size)
{
    assert(size <= MEMBERS_MAX);
    return (struct members){.size = size};
}

struct members members_all(unsigned size)
{
    struct members set = members_none(size);
    for (unsigned position = 1; position <= size; position++) members_add(&set, position);
    return set;
}

bool members_has(const struct members *set, unsigned position)
{
    if (position == 0 || position > set->size) return false;
    return (set->bits[(position - 1) / 8] >> ((position - 1) % 8) & 1) != 0;
}

void members_add(struct members *set, unsigned position)
{
    assert(position >= 1 && position <= set->size);
    set->bits[(position - 1) / 8] |= (uint8_t)(1u << ((position - 1) % 8));
}

void members_remove(struct members *set, unsigned position)
{
    assert(position >= 1 && position <= set->size);
    set->bits[(position - 1) / 8] &= (uint8_t) ~(1u << ((position - 1) % 8));
}

unsigned members_count(const struct members *set)
{
    unsigned count = 0;
    for (size_t i = 0; i < members_bytes(set->size); i++) count += (unsigned)__builtin_popcount(set->bits[i]);
    return count;
}

bool members_equal(const struct members *a, const struct members *b)
{
    return a->size == b->size && memcmp(a->bits, b->bits, members_bytes(a->size)) == 0;
}

bool members_within(const struct members *inner, const struct members *outer)
{
    if (inner->size != outer->size) return false;
    for (size_t i = 0; i < members_bytes(inner->size); i++)
        if (inner->bits[i] & (uint8_t)~outer->bits[i]) return false;
    return true;
}

unsigned members_next(const struct members *set, unsigned position)
{
    for (unsigned next = position + 1; next <= set->size; next++)
        if (members_has(set, next)) return next;
    return 0;
}

unsigned members_rank(const struct members *set, unsigned position)
{
    unsigned rank = 0;
    for (unsigned before = 1; before < position && before <= set->size; before++) rank += members_has(set, before);
    return rank;
}

struct view members_view(const struct members *set)
{
    return view_of(set->bits, members_bytes(set->size));
}

struct result members_from(struct view bytes, unsigned size, struct members *ret)
{
    ENSURE(size <= MEMBERS_MAX, CATEGORY_PEER, "a set of %u members is over the limit of %u", size, MEMBERS_MAX);
    ENSURE(bytes.length == members_bytes(size), CATEGORY_PEER, "a set of %u members has %zu bytes, not %zu", size,
           bytes.length, members_bytes(size));
    struct members set = members_none(size);
    if (bytes.length) memcpy(set.bits, bytes.data, bytes.length);
    ENSURE(size % 8 == 0 || set.bits[size / 8] >> (size % 8) == 0, CATEGORY_PEER,
           "a set names a member beyond the roster's %u", size);
    *ret = set;
    return RESULT_OK;
}

struct result thresholds_of(unsigned n, struct thresholds *ret)
{
    ENSURE(n >= COHORT_MIN, CATEGORY_USAGE,
           "a cohort of %u: with fewer than %u banks each could subtract itself from the sum", n, COHORT_MIN);
    ENSURE(n <= MEMBERS_MAX, CATEGORY_USAGE, "a cohort of %u is over the limit of %u", n, MEMBERS_MAX);
    unsigned f = n / 3;
    unsigned t = (n + f) / 2 + 1;
    *ret = (struct thresholds){.n = n, .f = f, .t = t, .v = n + f - t + 1};
    return RESULT_OK;
}
