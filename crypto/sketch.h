/* A difference sketch of a multiset: small, and of two sketches can be told by how many items the multisets differ.
 *
 * An invertible Bloom lookup table (Eppstein, Goodrich, Uyeda, Varghese: What's the Difference? SIGCOMM 2011), in five
 * parts of 1,024 cells; an item is in one cell of each part. A cell is a count, a sum of the items' hashes and a sum of
 * check hashes. Sums are modulo 2^61 - 1 in place of the paper's exclusive or, so that an item that is there many times
 * is that many times in its cells: copies do not cancel, and need not be numbered. In a cell that holds one item m
 * times, hash = sum / m.
 *
 * Items are known by SipHash-2-4 (Aumasson, Bernstein 2012) under a key that is derived from a secret, so that nobody
 * without the secret can make items that meet in their cells, nor test from a sketch which items are in it. Two of 10^7
 * items have one hash with probability 2·10^-5, and one of 1,000 that differ is taken for another with 4·10^-9.
 *
 * Up to 1,000 different items are told exactly, but that two of them meet in all five cells with about 5·10^-10; then
 * what is told is too small a number, and not 0. From 1,300 on nothing is told but that there are many.
 *
 * Which cells are touched depends on the items: no constant time.
 */
#ifndef CRYPTO_SKETCH_H
#define CRYPTO_SKETCH_H

#include "crypto/secret.h"

enum {
    SKETCH_SURE = 1000, /* items that are told exactly */
    SKETCH_PARTS = 5,
    SKETCH_PART_BITS = 10, /* of a hash: which cell of a part */
    SKETCH_CELLS = SKETCH_PARTS << SKETCH_PART_BITS,
    SKETCH_BYTES = 8 + 20 * SKETCH_CELLS,
    SKETCH_SECRET_BYTES = 32,
    SKETCH_KEY_ID_BYTES = 8,
};

/* What items are hashed with. */
struct sketch_key;
/* context: what the items are of; the same item of another context has another hash. */
MUST_USE struct result sketch_key_new(const struct secret *secret, struct view context, struct sketch_key **ret);
void sketch_key_free(struct sketch_key *key);
void sketch_key_freep(struct sketch_key **key);
/* Public; sketches can be compared when theirs are the same. */
struct view sketch_key_id(const struct sketch_key *key);
/* Below 2^61 - 1. Equal for equal bytes. */
uint64_t sketch_hash(const struct sketch_key *key, struct view item);

struct sketch;
MUST_USE struct result sketch_new(struct sketch **ret); /* empty */
void sketch_free(struct sketch *sketch);
void sketch_freep(struct sketch **sketch);
void sketch_add(struct sketch *sketch, uint64_t hash);                                /* of sketch_hash */
void sketch_join(struct sketch *sketch, const struct sketch *other);                  /* adds all of another's items */
uint64_t sketch_count(const struct sketch *sketch);                                   /* items, each copy by itself */
MUST_USE struct result sketch_write(const struct sketch *sketch, struct buffer *out); /* SKETCH_BYTES, appended */
/* CATEGORY_FALSE when the bytes are no sketch's. */
MUST_USE struct result sketch_read(struct view bytes, struct sketch **ret);

struct sketch_difference {
    bool known;      /* else: more different items than could be told, and than SKETCH_SURE */
    uint64_t copies; /* items that one of the two has and the other has not, each copy by itself; 0: the same */
};
MUST_USE struct result sketch_compare(const struct sketch *a, const struct sketch *b, struct sketch_difference *ret);

#endif
