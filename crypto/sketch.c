#include "crypto/sketch.h"

#include <endian.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/kdf.h"
#include "crypto/label.h"

enum { PART_CELLS = 1 << SKETCH_PART_BITS, KEY_BYTES = crypto_shorthash_siphash24_KEYBYTES };
#define PRIME ((UINT64_C(1) << 61) - 1)

_Static_assert(SKETCH_PARTS *SKETCH_PART_BITS <= 61, "a hash names a cell of each part with other bits");

struct cell {
    uint64_t hash, check; /* sums modulo PRIME */
    uint32_t count;       /* modulo 2^32 */
};
struct sketch {
    uint64_t count;
    struct cell cells[SKETCH_CELLS];
};

/* ---- the key */

struct sketch_key {
    struct secret *bytes;
    uint8_t id[SKETCH_KEY_ID_BYTES];
};

void sketch_key_free(struct sketch_key *key)
{
    if (!key) return;
    secret_free(key->bytes);
    free(key);
}

void sketch_key_freep(struct sketch_key **key)
{
    sketch_key_free(*key);
}

struct result sketch_key_new(const struct secret *secret, struct view context, struct sketch_key **ret)
{
    char label[LABEL_MAX];
    CLEANUP(buffer_done) struct buffer info = {0};
    CLEANUP(sketch_key_freep) struct sketch_key *key = calloc(1, sizeof *key);
    CLEANUP(secret_freep) struct secret *derived = NULL;
    ENSURE(key, CATEGORY_ENVIRONMENT, "out of memory for a sketch's key");
    TRY(buffer_append(&info, label_of("sketch", label)));
    TRY(buffer_append(&info, context));
    TRY(secret_new(KEY_BYTES + SKETCH_KEY_ID_BYTES, &derived));
    TRY(kdf_hkdf(view_of(NULL, 0), secret_view(secret), buffer_view(&info), secret_bytes(derived),
                 KEY_BYTES + SKETCH_KEY_ID_BYTES));
    TRY(secret_from(view_of(secret_bytes(derived), KEY_BYTES), &key->bytes));
    memcpy(key->id, secret_bytes(derived) + KEY_BYTES, SKETCH_KEY_ID_BYTES);
    *ret = key;
    key = NULL;
    return RESULT_OK;
}

struct view sketch_key_id(const struct sketch_key *key)
{
    return view_of(key->id, SKETCH_KEY_ID_BYTES);
}

/* ---- arithmetic modulo PRIME, on numbers below it */

static uint64_t reduce(uint64_t value)
{
    value = (value & PRIME) + (value >> 61);
    return value >= PRIME ? value - PRIME : value;
}

static uint64_t add(uint64_t a, uint64_t b)
{
    return reduce(a + b);
}

static uint64_t subtract(uint64_t a, uint64_t b)
{
    return reduce(a + PRIME - b);
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return add((uint64_t)product & PRIME, (uint64_t)(product >> 61));
}

/* a^(PRIME - 2), by Fermat; a is not 0. */
static uint64_t invert(uint64_t a)
{
    uint64_t power = 1;
    if (a == 1 || a == PRIME - 1) return a;
    for (uint64_t exponent = PRIME - 2; exponent; exponent >>= 1, a = multiply(a, a))
        if (exponent & 1) power = multiply(power, a);
    return power;
}

/* ---- items */

uint64_t sketch_hash(const struct sketch_key *key, struct view item)
{
    uint64_t hash;
    (void)crypto_shorthash_siphash24((unsigned char *)&hash, item.data, item.length, secret_view(key->bytes).data);
    return reduce(le64toh(hash) >> 3);
}

/* The finalizer of MurmurHash3: hashes are uniform to whoever lacks the key, so that any function that is not linear
 * tells a sum of several items from one. */
static uint64_t check_of(uint64_t hash)
{
    uint64_t mixed = hash ^ UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    mixed = (mixed ^ (mixed >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return reduce((mixed ^ (mixed >> 33)) >> 3);
}

static size_t place_of(uint64_t hash, unsigned part)
{
    return (size_t)part * PART_CELLS + ((hash >> (part * SKETCH_PART_BITS)) & (PART_CELLS - 1));
}

struct result sketch_new(struct sketch **ret)
{
    *ret = calloc(1, sizeof **ret);
    ENSURE(*ret, CATEGORY_ENVIRONMENT, "out of memory for a sketch");
    return RESULT_OK;
}

void sketch_free(struct sketch *sketch)
{
    free(sketch);
}

void sketch_freep(struct sketch **sketch)
{
    sketch_free(*sketch);
}

void sketch_add(struct sketch *sketch, uint64_t hash)
{
    uint64_t check = check_of(hash);
    for (unsigned part = 0; part < SKETCH_PARTS; part++) {
        struct cell *cell = &sketch->cells[place_of(hash, part)];
        cell->hash = add(cell->hash, hash);
        cell->check = add(cell->check, check);
        cell->count++;
    }
    sketch->count++;
}

void sketch_join(struct sketch *sketch, const struct sketch *other)
{
    for (size_t i = 0; i < SKETCH_CELLS; i++) {
        struct cell *cell = &sketch->cells[i];
        cell->hash = add(cell->hash, other->cells[i].hash);
        cell->check = add(cell->check, other->cells[i].check);
        cell->count += other->cells[i].count;
    }
    sketch->count += other->count;
}

uint64_t sketch_count(const struct sketch *sketch)
{
    return sketch->count;
}

/* ---- as bytes: u64 count, then of each cell u32 count, u64 hash, u64 check */

struct result sketch_write(const struct sketch *sketch, struct buffer *out)
{
    TRY(buffer_reserve(out, SKETCH_BYTES));
    TRY(buffer_u64(out, sketch->count));
    for (size_t i = 0; i < SKETCH_CELLS; i++) {
        TRY(buffer_u32(out, sketch->cells[i].count));
        TRY(buffer_u64(out, sketch->cells[i].hash));
        TRY(buffer_u64(out, sketch->cells[i].check));
    }
    return RESULT_OK;
}

static struct cell total(const struct sketch *sketch, unsigned part)
{
    struct cell sum = {0};
    for (size_t i = (size_t)part * PART_CELLS; i < ((size_t)part + 1) * PART_CELLS; i++) {
        sum.hash = add(sum.hash, sketch->cells[i].hash);
        sum.check = add(sum.check, sketch->cells[i].check);
        sum.count += sketch->cells[i].count;
    }
    return sum;
}

/* Every part holds every item once, so that a change of any cell shows. */
static bool whole(const struct sketch *sketch)
{
    const struct cell first = total(sketch, 0);
    bool good = first.count == (uint32_t)sketch->count;
    for (unsigned part = 1; part < SKETCH_PARTS; part++) {
        const struct cell sum = total(sketch, part);
        good = good && sum.hash == first.hash && sum.check == first.check && sum.count == first.count;
    }
    return good;
}

static struct result read_cells(struct reader *reader, struct sketch *sketch)
{
    TRY(reader_u64(reader, &sketch->count));
    for (size_t i = 0; i < SKETCH_CELLS; i++) {
        struct cell *cell = &sketch->cells[i];
        TRY(reader_u32(reader, &cell->count));
        TRY(reader_u64(reader, &cell->hash));
        TRY(reader_u64(reader, &cell->check));
        ENSURE(cell->hash < PRIME && cell->check < PRIME, CATEGORY_FALSE, "a sum of a sketch is out of its range");
    }
    return RESULT_OK;
}

struct result sketch_read(struct view bytes, struct sketch **ret)
{
    CLEANUP(sketch_freep) struct sketch *sketch = NULL;
    struct reader reader = reader_of(bytes, "a sketch");
    ENSURE(bytes.length == SKETCH_BYTES, CATEGORY_FALSE, "a sketch has %d bytes, not %zu", SKETCH_BYTES, bytes.length);
    TRY(sketch_new(&sketch));
    TRY(read_cells(&reader, sketch));
    ENSURE(whole(sketch), CATEGORY_FALSE, "the sketch is damaged: its parts hold different items");
    *ret = sketch;
    sketch = NULL;
    return RESULT_OK;
}

/* ---- the difference */

struct peeling {
    struct cell cells[SKETCH_CELLS]; /* of a without b; what is in b alone is there less than no times */
    uint16_t waiting[SKETCH_CELLS];  /* cells to look at, a stack */
    bool waits[SKETCH_CELLS];
    size_t waiting_count;
    uint64_t copies;
};

static void wait_for(struct peeling *peeling, size_t i)
{
    if (peeling->waits[i]) return;
    peeling->waits[i] = true;
    peeling->waiting[peeling->waiting_count++] = (uint16_t)i;
}

static void peeling_start(struct peeling *peeling, const struct sketch *a, const struct sketch *b)
{
    for (size_t i = 0; i < SKETCH_CELLS; i++) {
        peeling->cells[i].hash = subtract(a->cells[i].hash, b->cells[i].hash);
        peeling->cells[i].check = subtract(a->cells[i].check, b->cells[i].check);
        peeling->cells[i].count = a->cells[i].count - b->cells[i].count;
        wait_for(peeling, i);
    }
}

static size_t occupied(const struct peeling *peeling)
{
    size_t count = 0;
    for (size_t i = 0; i < SKETCH_CELLS; i++) {
        const struct cell *cell = &peeling->cells[i];
        count += cell->count || cell->hash || cell->check;
    }
    return count;
}

/* A count as a number modulo PRIME. */
static uint64_t times_of(uint32_t count)
{
    int32_t times = (int32_t)count;
    return times < 0 ? PRIME - (uint64_t) - (int64_t)times : (uint64_t)times;
}

/* Whether one item alone is in the cell, any number of times. */
static bool alone(const struct cell *cell, size_t i, uint64_t *ret_hash)
{
    if (cell->count == 0) return false;
    uint64_t inverse = invert(times_of(cell->count));
    uint64_t hash = multiply(cell->hash, inverse);
    if (multiply(cell->check, inverse) != check_of(hash)) return false;
    *ret_hash = hash;
    return place_of(hash, (unsigned)(i >> SKETCH_PART_BITS)) == i;
}

static void take_out(struct peeling *peeling, uint64_t hash, uint32_t count)
{
    uint64_t times = times_of(count), check = multiply(check_of(hash), times), sum = multiply(hash, times);
    for (unsigned part = 0; part < SKETCH_PARTS; part++) {
        size_t i = place_of(hash, part);
        struct cell *cell = &peeling->cells[i];
        cell->hash = subtract(cell->hash, sum);
        cell->check = subtract(cell->check, check);
        cell->count -= count;
        wait_for(peeling, i);
    }
    int64_t signed_count = (int32_t)count;
    peeling->copies += (uint64_t)(signed_count < 0 ? -signed_count : signed_count);
}

/* Each item that is taken out empties a cell, so that more than there are cells means that the bytes were no sketches
 * of the same kind. */
static void peel(struct peeling *peeling)
{
    size_t taken = 0;
    while (peeling->waiting_count > 0) {
        size_t i = peeling->waiting[--peeling->waiting_count];
        uint64_t hash;
        peeling->waits[i] = false;
        if (!alone(&peeling->cells[i], i, &hash)) continue;
        if (++taken > SKETCH_CELLS) return;
        take_out(peeling, hash, peeling->cells[i].count);
    }
}

/* Of 1,000 items some 3,190 cells have one, give or take 25; from 3,500 on, where peeling stops short of the end,
 * 4,950.
 */
enum { CELLS_OF_MANY = 3700 };

struct result sketch_compare(const struct sketch *a, const struct sketch *b, struct sketch_difference *ret)
{
    struct peeling *peeling = calloc(1, sizeof *peeling);
    ENSURE(peeling, CATEGORY_ENVIRONMENT, "out of memory to compare two sketches");
    peeling_start(peeling, a, b);
    bool known = occupied(peeling) <= CELLS_OF_MANY;
    if (known) peel(peeling);
    *ret = (struct sketch_difference){known, peeling->copies + (known && occupied(peeling) > 0)};
    free(peeling);
    return RESULT_OK;
}
