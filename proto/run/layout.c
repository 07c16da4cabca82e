#include "proto/run/layout.h"

#include <inttypes.h>
#include <string.h>

#include "crypto/base/checked.h"
#include "crypto/base/limits.h"

/* One bank's high limb of a two-word value rounds down, so it may lie one below what the bound gives. */
enum { HIGH_LIMB_SLACK = 1 };
/* A record's integer is held in an int64_t whatever the number of words. */
static const uint64_t record_bound_max = (uint64_t)1 << 62;

/* 2^exponent for a normal double, exact and without libm. */
static double power_of_two(int exponent)
{
    uint64_t bits = (uint64_t)(1023 + exponent) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

struct result layout_add(struct layout *layout, struct layout_field field)
{
    uint64_t words;
    ENSURE(layout->fields_count < LAYOUT_FIELDS_MAX, CATEGORY_BUG,
           "the field \"%s\" is one more than a vector may have", field.name);
    ENSURE(field.words == 1 || field.words == 2, CATEGORY_BUG, "the field \"%s\" has %u words a value, not 1 or 2",
           field.name, field.words);
    ENSURE(field.fraction_bits <= 62, CATEGORY_BUG, "the field \"%s\" has %u fraction bits, more than 62", field.name,
           field.fraction_bits);
    ENSURE(checked_mul_u64(field.length, field.words, &words) && checked_add_u64(words, layout_words(layout), &words) &&
               words <= SUM_WORDS_MAX,
           CATEGORY_USAGE,
           "the field \"%s\" makes the round's vector longer than %" PRIu64 " numbers; use fewer columns or levels",
           field.name, SUM_WORDS_MAX);
    layout->fields[layout->fields_count++] = field;
    return RESULT_OK;
}

uint64_t layout_words(const struct layout *layout)
{
    return layout_offset(layout, layout->fields_count);
}

uint64_t layout_offset(const struct layout *layout, size_t field)
{
    uint64_t words = 0; /* layout_add keeps the total under SUM_WORDS_MAX */
    for (size_t i = 0; i < field; i++) words += layout->fields[i].length * layout->fields[i].words;
    return words;
}

/* Whether sums of MEMBERS_MAX banks, `rows` records each, of integers up to bound stay within the field's words. */
static bool fits(uint64_t bound, uint64_t rows, uint8_t words, bool noisy)
{
    if (bound > record_bound_max || rows > ROWS_MAX) return false;
    unsigned __int128 bank = (unsigned __int128)rows * bound;
    if (noisy) bank += (unsigned __int128)1 << NOISE_SAMPLE_BITS;
    if (words == 2) bank = (bank >> LAYOUT_LIMB_BITS) + HIGH_LIMB_SLACK;
    return bank * MEMBERS_MAX < (unsigned __int128)1 << 63;
}

struct result layout_prove(const struct layout *layout, uint64_t rows)
{
    for (size_t i = 0; i < layout->fields_count; i++) {
        const struct layout_field *field = &layout->fields[i];
        ENSURE(fits(field->bound, rows, field->words, field->rho > 0), CATEGORY_USAGE,
               "the sum \"%s\" could overflow: %u banks of %" PRIu64 " rows, each up to %" PRIu64
               " at %u fraction bits; lower cohort.rows or narrow the bounds",
               field->name, MEMBERS_MAX, rows, field->bound, field->fraction_bits);
    }
    return RESULT_OK;
}

uint64_t layout_bound(double bound, uint8_t fraction_bits)
{
    double scaled = bound * power_of_two(fraction_bits);
    if (!(scaled >= 0 && scaled < 0x1p62)) return UINT64_MAX; /* fits nothing: layout_prove names the field */
    return (uint64_t)scaled + 1;
}

struct result layout_fraction_bits(const char *field, double bound, uint64_t rows, uint8_t words, uint8_t least,
                                   uint8_t most, uint8_t *ret)
{
    for (unsigned bits = most; bits >= least; bits--) {
        if (fits(layout_bound(bound, (uint8_t)bits), rows, words, false)) {
            *ret = (uint8_t)bits;
            return RESULT_OK;
        }
        if (bits == 0) break;
    }
    return FAIL(CATEGORY_USAGE,
                "the sum \"%s\" would keep fewer than %u binary places: a record reaches %.6g and a bank may bring "
                "%" PRIu64 " rows; lower cohort.rows or narrow the bounds",
                field, least, bound, rows);
}

struct result layout_hash(const struct layout *layout, struct hash *ret)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    TRY(buffer_u64(&bytes, layout->fields_count));
    for (size_t i = 0; i < layout->fields_count; i++) {
        const struct layout_field *field = &layout->fields[i];
        TRY(buffer_text(&bytes, field->name));
        TRY(buffer_u8(&bytes, 0));
        TRY(buffer_u64(&bytes, field->length));
        TRY(buffer_u64(&bytes, field->bound));
        TRY(buffer_u8(&bytes, field->fraction_bits));
        TRY(buffer_u8(&bytes, field->words));
        if (field->rho == 0) continue;
        TRY(buffer_f64(&bytes, field->l2));
        TRY(buffer_f64(&bytes, field->rho));
    }
    return hash_bytes("layout", buffer_view(&bytes), ret);
}

void layout_put(const struct layout_field *field, __int128 value, uint64_t *words)
{
    if (field->words == 1) {
        words[0] = (uint64_t)value;
        return;
    }
    words[0] = (uint64_t)value & (((uint64_t)1 << LAYOUT_LIMB_BITS) - 1);
    words[1] = (uint64_t)(value >> LAYOUT_LIMB_BITS); /* arithmetic shift: rounds down */
}

__int128 layout_get(const struct layout_field *field, const uint64_t *words)
{
    if (field->words == 1) return (int64_t)words[0];
    return (__int128)(int64_t)words[1] * ((__int128)1 << LAYOUT_LIMB_BITS) + (__int128)words[0];
}

double layout_real(const struct layout_field *field, const uint64_t *words)
{
    return (double)layout_get(field, words) * power_of_two(-(int)field->fraction_bits);
}
