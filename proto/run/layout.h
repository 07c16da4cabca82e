/* What one round's vector holds: named fields of fixed-point integers, with the proof that no sum can overflow.
 *
 * A field has `length` values. Each record contributes to each value an integer of magnitude at most `bound` (at scale
 * 2^fraction_bits). One bank's value is the sum over at most `rows` records. words = 1: the value is added in Z/2^64
 * and cohort · rows · bound < 2^63 must hold for MEMBERS_MAX banks. words = 2: the bank's 128-bit value v travels as
 * two words, low = v mod 2^48 (unsigned) and high = ⌊v / 2^48⌋ (signed); the sum is high · 2^48 + low.
 * Fraction bits depend on plan and state, never on how many banks there are.
 */
#ifndef PROTO_RUN_LAYOUT_H
#define PROTO_RUN_LAYOUT_H

#include "crypto/hash.h"

#define LAYOUT_FIELDS_MAX 64u
#define LAYOUT_LIMB_BITS 48

struct layout_field {
    const char *name; /* static text of the task: "gradient" */
    uint64_t length;  /* values */
    uint64_t bound;   /* largest magnitude of one record's integer */
    uint8_t fraction_bits;
    uint8_t words; /* 1 or 2 words a value */
};
struct layout {
    struct layout_field fields[LAYOUT_FIELDS_MAX];
    size_t fields_count;
};

/* Adds a field. Chooses nothing: the caller gives bound and fraction bits. */
MUST_USE struct result layout_add(struct layout *layout, struct layout_field field);
/* Words of the whole vector (d), and where a field's first word is. */
uint64_t layout_words(const struct layout *layout);
uint64_t layout_offset(const struct layout *layout, size_t field);
/* Proves every field for `rows` records a bank and MEMBERS_MAX banks; names the field that does not fit. */
MUST_USE struct result layout_prove(const struct layout *layout, uint64_t rows);
/* Most fraction bits (at most `most`) with which a real bound fits one or two words; fails under `least`, naming field.
 */
MUST_USE struct result layout_fraction_bits(const char *field, double bound, uint64_t rows, uint8_t words,
                                            uint8_t least, uint8_t most, uint8_t *ret);
/* The bound field of a real bound at these fraction bits: covers rounding a record to the nearest integer. */
uint64_t layout_bound(double bound, uint8_t fraction_bits);
MUST_USE struct result layout_hash(const struct layout *layout, struct hash *ret);
/* One bank's 128-bit value into its word or words, and a sum's words back. */
void layout_put(const struct layout_field *field, __int128 value, uint64_t *words);
__int128 layout_get(const struct layout_field *field, const uint64_t *words);
/* (double)value · 2^-fraction_bits, correctly rounded. */
double layout_real(const struct layout_field *field, const uint64_t *words);

#endif
