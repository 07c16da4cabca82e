#include "data/frozen_row.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEAD = 4, COLUMN_HEAD = 8, NULL_LENGTH = -1 };

/* PostgreSQL's number of a type, and its bytes. */
static const struct wire {
    uint32_t type;
    uint32_t size;
} wires[] = {
    [FROZEN_N] = {20, 8},    /* bigint */
    [FROZEN_HELD] = {21, 2}, /* smallint */
    [FROZEN_NUMBER] = {701, 8} /* double precision */,
    [FROZEN_MARK] = {21, 2},
    [FROZEN_CODE] = {23, 4}, /* integer */
};

static void put_column(struct frozen_shape *shape, enum frozen_kind kind, size_t spec, const char *format)
{
    struct frozen_column *column = &shape->columns[shape->count++];
    column->kind = kind;
    column->spec = spec;
    (void)snprintf(column->name, sizeof column->name, "%s", format);
    if (kind >= FROZEN_NUMBER) (void)snprintf(column->name, sizeof column->name, "%s%zu", format, spec);
}

struct result frozen_shape_of(const struct column_spec *specs, size_t count, struct frozen_shape *ret)
{
    struct frozen_shape shape = {.specs = specs, .specs_count = count};
    shape.columns = calloc(2 * count + 2, sizeof *shape.columns);
    ENSURE(shape.columns, CATEGORY_ENVIRONMENT, "out of memory for %zu columns", count);
    put_column(&shape, FROZEN_N, 0, "n");
    put_column(&shape, FROZEN_HELD, 0, "held");
    for (size_t k = 0; k < count; k++) {
        if (specs[k].kind == COLUMN_NUMBER) put_column(&shape, FROZEN_NUMBER, k, "c");
        if (column_marked(&specs[k])) put_column(&shape, FROZEN_MARK, k, "m");
        if (specs[k].kind == COLUMN_CATEGORY) put_column(&shape, FROZEN_CODE, k, "c");
    }
    *ret = shape;
    return RESULT_OK;
}

void frozen_shape_done(struct frozen_shape *shape)
{
    free(shape->columns);
    *shape = (struct frozen_shape){0};
}

struct frozen_value frozen_value_of(const struct frozen_column *column, const struct table *table, uint64_t row,
                                    uint64_t n)
{
    struct frozen_value value = {0};
    switch (column->kind) {
    case FROZEN_N:
        value.integer = (int64_t)n;
        break;
    case FROZEN_HELD:
        value.integer = table->held && table->held[row];
        break;
    case FROZEN_NUMBER:
        value.number = table->columns[column->spec].numbers[row];
        break;
    case FROZEN_MARK:
        value.integer = table->columns[column->spec].marks[row];
        break;
    case FROZEN_CODE:
        value.integer = table->columns[column->spec].codes[row];
        break;
    }
    return value;
}

/* --- bytes --- */

static void put_big(uint8_t *out, uint64_t value, size_t width)
{
    for (size_t k = 0; k < width; k++) out[k] = (uint8_t)(value >> (8 * (width - 1 - k)));
}

static uint64_t get_big(const uint8_t *in, size_t width)
{
    uint64_t value = 0;
    for (size_t k = 0; k < width; k++) value = value << 8 | in[k];
    return value;
}

size_t frozen_row_size(const struct frozen_shape *shape)
{
    size_t size = HEAD;
    for (size_t k = 0; k < shape->count; k++) size += COLUMN_HEAD + wires[shape->columns[k].kind].size;
    return size;
}

struct result frozen_row_write(const struct frozen_shape *shape, const struct frozen_value *values, struct buffer *out)
{
    uint8_t *at;
    const size_t before = out->length;
    TRY(buffer_extend(out, frozen_row_size(shape), &at));
    const uint8_t *start = at;
    put_big(at, shape->count, HEAD);
    at += HEAD;
    for (size_t k = 0; k < shape->count; k++) {
        const enum frozen_kind kind = shape->columns[k].kind;
        const struct wire wire = wires[kind];
        const bool null = kind == FROZEN_NUMBER && isnan(values[k].number);
        uint64_t bits = (uint64_t)values[k].integer;
        if (kind == FROZEN_NUMBER) memcpy(&bits, &values[k].number, sizeof bits);
        put_big(at, wire.type, 4);
        put_big(at + 4, null ? (uint64_t)(int64_t)NULL_LENGTH : wire.size, 4);
        at += COLUMN_HEAD;
        if (null) continue;
        put_big(at, bits, wire.size);
        at += wire.size;
    }
    out->length = before + (size_t)(at - start);
    return RESULT_OK;
}

/* --- the digest --- */

struct result frozen_sum_add(struct frozen_sum *sum, struct view row)
{
    CLEANUP(hash_stream_done) struct hash_stream stream = {0};
    struct hash hash;
    TRY(hash_start(&stream, NULL));
    TRY(hash_update(&stream, view_of(sum->key, sizeof sum->key)));
    TRY(hash_update(&stream, row));
    TRY(hash_finish(&stream, &hash));
    sum->rows++;
    for (size_t k = 0; k < 2; k++) sum->pieces[k] += get_big(hash.bytes + 8 * k, 8);
    return RESULT_OK;
}

struct result frozen_sum_hash(const struct frozen_sum *sum, struct hash *ret)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    TRY(buffer_u64(&bytes, sum->rows));
    for (size_t k = 0; k < 2; k++) TRY(buffer_u64(&bytes, sum->pieces[k]));
    return hash_bytes("frozen rows", buffer_view(&bytes), ret);
}

void frozen_sum_done(struct frozen_sum *sum)
{
    explicit_bzero(sum, sizeof *sum);
}

/* --- chunks --- */

static bool column_room(struct column *column, size_t capacity)
{
    switch (column->spec.kind) {
    case COLUMN_NUMBER:
        column->numbers = calloc(capacity, sizeof *column->numbers);
        if (column_marked(&column->spec)) column->marks = calloc(capacity, sizeof *column->marks);
        return column->numbers && (column->marks || !column_marked(&column->spec));
    case COLUMN_CATEGORY:
        column->codes = calloc(capacity, sizeof *column->codes);
        return column->codes;
    default:
        column->starts = calloc(capacity + 1, sizeof *column->starts);
        return column->starts;
    }
}

struct result frozen_chunk_new(const struct frozen_shape *shape, uint64_t capacity, struct table **ret)
{
    CLEANUP(table_freep) struct table *table = NULL;
    TRY(table_new(shape->specs, shape->specs_count, capacity, &table));
    table->held = calloc((size_t)capacity, sizeof *table->held);
    bool room = table->held;
    for (size_t k = 0; k < shape->specs_count && room; k++) room = column_room(&table->columns[k], (size_t)capacity);
    ENSURE(room, CATEGORY_ENVIRONMENT, "out of memory for a chunk of %llu rows", (unsigned long long)capacity);
    table->capacity = capacity;
    *ret = table;
    table = NULL;
    return RESULT_OK;
}

/* The next column's value, false when it is none of its type. A NULL is NaN. */
static bool take_value(struct reader *reader, enum frozen_kind kind, struct frozen_value *ret)
{
    const struct wire wire = wires[kind];
    struct view head, bytes;
    if (!result_ok(reader_take(reader, COLUMN_HEAD, &head))) return false;
    const uint64_t length = get_big(head.data + 4, 4);
    if (get_big(head.data, 4) != wire.type) return false;
    *ret = (struct frozen_value){.number = NAN};
    if (length == UINT32_MAX) return kind == FROZEN_NUMBER;
    if (length != wire.size || !result_ok(reader_take(reader, wire.size, &bytes))) return false;
    const uint64_t bits = get_big(bytes.data, wire.size);
    if (kind == FROZEN_NUMBER)
        memcpy(&ret->number, &bits, sizeof bits);
    else
        ret->integer = (int64_t)bits; /* none that is allowed is negative: narrow ones need no sign */
    return kind != FROZEN_NUMBER || !isnan(ret->number);
}

static bool code_fits(const struct column_spec *spec, int64_t code)
{
    if (code == CODE_MISSING) return spec->missing_allowed;
    if (code == CODE_OTHER) return spec->other_allowed;
    return code >= 0 && (uint64_t)code < spec->levels_count;
}

static bool number_fits(const struct column_spec *spec, double number)
{
    if (isnan(number)) return true; /* why, its mark has to say, or that a value may be missing: look_whole */
    return number >= spec->minimum && number <= spec->maximum && !(number == 0 && signbit(number));
}

static bool mark_fits(const struct column_spec *spec, int64_t mark, double number)
{
    if (mark == MARK_NONE) return !isnan(number) || spec->missing_allowed;
    if (mark == MARK_OUTSIDE) return isnan(number) && spec->outside == COLUMN_OUTSIDE_MISSING;
    if (mark == MARK_CLAMPED) return !isnan(number) && spec->outside == COLUMN_OUTSIDE_CLAMP;
    return isnan(number) && mark >= MARK_SPECIAL && (uint64_t)(mark - MARK_SPECIAL) < spec->specials_count;
}

static bool put_value(const struct frozen_column *column, struct frozen_value value, uint64_t n, struct table *chunk)
{
    const uint64_t row = chunk->rows;
    struct column *into = column->kind >= FROZEN_NUMBER ? &chunk->columns[column->spec] : NULL;
    switch (column->kind) {
    case FROZEN_N:
        return (uint64_t)value.integer == n;
    case FROZEN_HELD:
        chunk->held[row] = value.integer == 1;
        return value.integer == 0 || value.integer == 1;
    case FROZEN_NUMBER:
        into->numbers[row] = value.number;
        if (!into->marks && isnan(value.number) && !into->spec.missing_allowed) return false;
        return number_fits(&into->spec, value.number);
    case FROZEN_MARK:
        into->marks[row] = (uint8_t)value.integer;
        return mark_fits(&into->spec, value.integer, into->numbers[row]);
    case FROZEN_CODE:
        into->codes[row] = (uint16_t)value.integer;
        return code_fits(&into->spec, value.integer);
    }
    return false;
}

struct result frozen_chunk_take(const struct frozen_shape *shape, struct reader *reader, uint64_t n,
                                struct table *chunk)
{
    struct view head;
    ENSURE(chunk->rows < chunk->capacity, CATEGORY_BUG, "a chunk is full");
    bool good = result_ok(reader_take(reader, HEAD, &head)) && get_big(head.data, HEAD) == shape->count;
    for (size_t k = 0; k < shape->count && good; k++) {
        struct frozen_value value;
        good = take_value(reader, shape->columns[k].kind, &value) && put_value(&shape->columns[k], value, n, chunk);
    }
    ENSURE(good, CATEGORY_FALSE, "row %llu is none that was frozen", (unsigned long long)n);
    chunk->rows++;
    return RESULT_OK;
}
