/* What one round's vector holds: named fields of fixed-point integers, with the proof that no sum can overflow.
 *
 * A field has `length` values. Each record contributes to each value an integer of magnitude at most `bound` (at scale
 * 2^fraction_bits). One bank's value is the sum over at most `rows` records. words = 1: the value is added in Z/2^64
 * and cohort · rows · bound < 2^63 must hold for MEMBERS_MAX banks. words = 2: the bank's 128-bit value v travels as
 * two words, low = v mod 2^48 (unsigned) and high = ⌊v / 2^48⌋ (signed); the sum is high · 2^48 + low.
 * Fraction bits depend on plan and state, never on how many banks there are.
 *
 * Under differential privacy a field also says how far one record can move its values, all together, and how much of
 * the run's budget its sum may cost. From these two each bank computes the noise it adds (layout_noise.c).
 */
#ifndef PROTO_RUN_LAYOUT_H
#define PROTO_RUN_LAYOUT_H

#include "crypto/hash.h"
#include "crypto/noise.h"

#define LAYOUT_FIELDS_MAX 64u
#define LAYOUT_LIMB_BITS 48

struct layout_field {
    const char *name; /* static text of the task: "gradient" */
    uint64_t length;  /* values */
    uint64_t bound;   /* largest magnitude of one record's integer */
    uint8_t fraction_bits;
    uint8_t words; /* 1 or 2 words a value */
    /* Privacy; both 0 where sums are exact: */
    double l2;  /* of the field's integers of one record, rounding included: their Euclidean norm at most */
    double rho; /* zCDP of its sum */
};
static inline struct layout_field layout_exact(const char *name, uint64_t length, uint64_t bound, uint8_t fraction_bits,
                                               uint8_t words)
{
    return (struct layout_field){
        .name = name, .length = length, .bound = bound, .fraction_bits = fraction_bits, .words = words};
}
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
/* Privacy, from a real norm: the fraction bits with which the noise is fine enough to drown what rounding adds and
 * still within the sampler's range, for any number of banks; and the norm of the integers at these bits. */
MUST_USE struct result layout_noise_bits(const char *field, double l2, double rho, uint8_t *ret);
double layout_l2(double l2, uint64_t length, uint8_t fraction_bits);
/* zCDP of the whole vector's sum, of its fields that have values; 0 for an exact one. */
double layout_rho(const struct layout *layout);
/* How many values, each of which takes one sample of noise. */
uint64_t layout_values(const struct layout *layout);
/* What each bank adds to each value of the field so that the noise of `honest` banks keeps the field's rho. */
MUST_USE struct result layout_variance(const struct layout_field *field, unsigned honest, struct noise_variance *ret);
/* layout_values samples, field by field, each as an int64_t. */
MUST_USE struct result layout_noise(const struct layout *layout, unsigned honest, struct random_source *source,
                                    uint64_t *noise);
/* Adds them to a bank's words. */
void layout_add_noise(const struct layout *layout, const uint64_t *noise, uint64_t *words);
MUST_USE struct result layout_hash(const struct layout *layout, struct hash *ret);
/* One bank's 128-bit value into its word or words, and a sum's words back. */
void layout_put(const struct layout_field *field, __int128 value, uint64_t *words);
__int128 layout_get(const struct layout_field *field, const uint64_t *words);
/* (double)value · 2^-fraction_bits, correctly rounded. */
double layout_real(const struct layout_field *field, const uint64_t *words);

#endif
