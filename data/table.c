#include "data/table.h"

#include <math.h>
#include <stdlib.h>

#include "crypto/base/checked.h"
#include "data/number_short.h"

enum { FIRST_CAPACITY = 1024, PIECE_VALUES = 1024, QUOTED_MAX = 60 };
/* The pieces of one column of texts together: ids of a billion rows fit. */
#define TEXTS_LIMIT ((size_t)1 << 37)

/* A level, or a value that may be one: equal when length and word are, and, of long ones, the rest. */
struct level {
    struct view text;
    uint64_t word; /* the first WORD_BYTES */
};

/* Open addressing; a slot holds code + 1, or 0 when it is free. At most half of the slots are taken. */
struct level_index {
    size_t mask;
    uint32_t *slots;
    struct level *levels;
};

enum event { EVENT_NONE, EVENT_MISSING, EVENT_OUTSIDE, EVENT_CLAMPED, EVENT_OTHER };

/* What a field turned out to be, where that is more than a value. Counts move only when the whole row is accepted. */
struct cell {
    enum event event;
    double read; /* of a number outside its bounds */
};

static struct level level_of(struct view text)
{
    return (struct level){text, word_of(view_of(text.data, text.length < WORD_BYTES ? text.length : WORD_BYTES))};
}

static bool level_equal(const struct level *a, const struct level *b)
{
    if (a->word != b->word || a->text.length != b->text.length) return false;
    return a->text.length <= WORD_BYTES || view_equal(a->text, b->text);
}

static size_t level_hash(const struct level *level)
{
    uint64_t hash = level->word ^ level->text.length; /* the texts are the bank's own: nobody makes them collide */
    for (size_t k = WORD_BYTES; k < level->text.length; k++)
        hash = (hash ^ level->text.data[k]) * UINT64_C(0x100000001b3);
    return (size_t)((hash * UINT64_C(0x9E3779B97F4A7C15)) >> 32);
}

static uint32_t *level_slot(const struct level_index *index, struct view text)
{
    struct level level = level_of(text);
    size_t at = level_hash(&level) & index->mask;
    while (index->slots[at] && !level_equal(&index->levels[index->slots[at] - 1], &level)) at = (at + 1) & index->mask;
    return &index->slots[at];
}

static void level_index_free(struct level_index *index)
{
    if (!index) return;
    free(index->slots);
    free(index->levels);
    free(index);
}

static void level_index_freep(struct level_index **index)
{
    level_index_free(*index);
}

static struct result level_index_new(const struct column_spec *spec, struct level_index **ret)
{
    size_t size = 4;
    while (size < 2 * spec->levels_count) size *= 2;
    CLEANUP(level_index_freep) struct level_index *index = calloc(1, sizeof *index);
    ENSURE(index, CATEGORY_ENVIRONMENT, "out of memory for the levels of %s", spec->name);
    index->mask = size - 1;
    index->slots = calloc(size, sizeof *index->slots);
    index->levels = calloc(spec->levels_count + 1, sizeof *index->levels);
    ENSURE(index->slots && index->levels, CATEGORY_ENVIRONMENT, "out of memory for the levels of %s", spec->name);
    for (size_t code = 0; code < spec->levels_count; code++) {
        index->levels[code] = level_of(view_text(spec->levels[code]));
        uint32_t *slot = level_slot(index, index->levels[code].text);
        ENSURE(!*slot, CATEGORY_USAGE, "column %s: level \"%s\" is listed twice", spec->name, spec->levels[code]);
        *slot = (uint32_t)code + 1;
    }
    *ret = index;
    index = NULL;
    return RESULT_OK;
}

static struct result check_spec(const struct column_spec *spec)
{
    if (spec->kind == COLUMN_NUMBER)
        ENSURE(isfinite(spec->minimum) && isfinite(spec->maximum) && spec->minimum < spec->maximum, CATEGORY_USAGE,
               "column %s: the bounds %g to %g are no range", spec->name, spec->minimum, spec->maximum);
    if (spec->kind == COLUMN_CATEGORY)
        ENSURE(spec->levels_count < CODE_OTHER, CATEGORY_USAGE, "column %s: more levels than %u", spec->name,
               CODE_OTHER - 1u);
    return RESULT_OK;
}

struct result table_new(const struct column_spec *specs, size_t count, uint64_t rows_max, struct table **ret)
{
    CLEANUP(table_freep) struct table *table = calloc(1, sizeof *table);
    ENSURE(table, CATEGORY_ENVIRONMENT, "out of memory for a table");
    table->rows_max = rows_max < ROWS_MAX ? rows_max : ROWS_MAX;
    table->columns = calloc(count ? count : 1, sizeof *table->columns);
    table->row = calloc(count ? count : 1, sizeof *table->row);
    ENSURE(table->columns && table->row, CATEGORY_ENVIRONMENT, "out of memory for %zu columns", count);
    table->columns_count = count;
    for (size_t k = 0; k < count; k++) {
        TRY(check_spec(&specs[k]));
        struct column *column = &table->columns[k];
        column->spec = specs[k];
        column->observed_minimum = HUGE_VAL;
        column->observed_maximum = -HUGE_VAL;
        column->texts.limit = TEXTS_LIMIT;
        if (specs[k].kind == COLUMN_CATEGORY) TRY(level_index_new(&column->spec, &column->index));
    }
    *ret = table;
    table = NULL;
    return RESULT_OK;
}

void table_free(struct table *table)
{
    if (!table) return;
    for (size_t k = 0; table->columns && k < table->columns_count; k++) {
        struct column *column = &table->columns[k];
        free(column->numbers);
        free(column->marks);
        free(column->codes);
        free(column->starts);
        buffer_done(&column->texts);
        level_index_free(column->index);
    }
    free(table->columns);
    free(table->held);
    free(table->row);
    free(table);
}

void table_freep(struct table **table)
{
    table_free(*table);
}

static struct result grow(void *array, uint64_t count, size_t width, void **ret)
{
    size_t bytes;
    ENSURE(checked_mul_size((size_t)count, width, &bytes), CATEGORY_USAGE, "%llu rows are too many for memory",
           (unsigned long long)count);
    void *grown = realloc(array, bytes);
    ENSURE(grown, CATEGORY_ENVIRONMENT, "out of memory for a column of %llu rows", (unsigned long long)count);
    *ret = grown;
    return RESULT_OK;
}

/* The column's array to `capacity` rows. Keeps what is there on failure. */
static struct result column_resize(struct column *column, uint64_t capacity)
{
    void *array = NULL;
    switch (column->spec.kind) {
    case COLUMN_NUMBER:
        TRY(grow(column->numbers, capacity, sizeof *column->numbers, &array));
        column->numbers = array;
        if (!column_marked(&column->spec)) return RESULT_OK;
        TRY(grow(column->marks, capacity, sizeof *column->marks, &array));
        column->marks = array;
        return RESULT_OK;
    case COLUMN_CATEGORY:
        TRY(grow(column->codes, capacity, sizeof *column->codes, &array));
        column->codes = array;
        return RESULT_OK;
    default:
        TRY(grow(column->starts, capacity + 1, sizeof *column->starts, &array));
        if (!column->starts) *(uint64_t *)array = 0;
        column->starts = array;
        return RESULT_OK;
    }
}

static struct result table_resize(struct table *table, uint64_t capacity)
{
    for (size_t k = 0; k < table->columns_count; k++) TRY(column_resize(&table->columns[k], capacity));
    table->capacity = capacity;
    return RESULT_OK;
}

void table_clear(struct table *table)
{
    table->rows = 0;
    for (size_t k = 0; k < table->columns_count; k++) table->columns[k].texts.length = 0;
}

void table_trim(struct table *table)
{
    /* Shrinking that fails leaves the larger block, which is as good. */
    if (table->rows && !result_ok(table_resize(table, table->rows))) table->capacity = table->rows;
}

/* For quoting a value in a reason: as much as one sentence bears. */
static int shown(struct view text)
{
    return (int)(text.length < QUOTED_MAX ? text.length : QUOTED_MAX);
}

static struct result missing(const struct column *column, struct cell *cell)
{
    bool named = column->spec.target || column->spec.kind == COLUMN_TEXT;
    ENSURE(column->spec.missing_allowed || !named, CATEGORY_USAGE,
           "column %s: no value; the target, the id and the split's column have one in every row: complete the row or "
           "leave it out",
           column->spec.name);
    ENSURE(column->spec.missing_allowed, CATEGORY_USAGE,
           "column %s: no value, and the plan has `missing: refuse` for it; complete the row or leave it out",
           column->spec.name);
    cell->event = EVENT_MISSING;
    return RESULT_OK;
}

static struct result set_outside(struct column *column, uint64_t row, double read, struct cell *cell)
{
    const struct column_spec *spec = &column->spec;
    cell->read = read;
    if (spec->outside == COLUMN_OUTSIDE_CLAMP) {
        column->numbers[row] = read < spec->minimum ? spec->minimum : spec->maximum;
        cell->event = EVENT_CLAMPED;
        if (column->marks) column->marks[row] = MARK_CLAMPED;
        return RESULT_OK;
    }
    ENSURE(spec->outside == COLUMN_OUTSIDE_MISSING && spec->missing_allowed, CATEGORY_USAGE,
           "column %s: %.15g is outside the plan's %.15g to %.15g; check the unit, or let the plan clamp it",
           spec->name, read, spec->minimum, spec->maximum);
    column->numbers[row] = NAN;
    cell->event = EVENT_OUTSIDE;
    if (column->marks) column->marks[row] = MARK_OUTSIDE;
    return RESULT_OK;
}

static struct result set_number(struct column *column, uint64_t row, struct view text, struct cell *cell)
{
    const struct column_spec *spec = &column->spec;
    double read;
    if (column->marks) column->marks[row] = MARK_NONE;
    column->numbers[row] = NAN;
    if (!text.data) return missing(column, cell);
    ENSURE(number_short(text, &column->format, &read) || number_parse(text, &column->format, &read), CATEGORY_USAGE,
           "column %s: \"%.*s\" is not a number; correct it, or name it as a token that means missing", spec->name,
           shown(text), (const char *)text.data);
    for (size_t k = 0; column->marks && k < spec->specials_count; k++) {
        if (read != spec->specials[k]) continue;
        column->marks[row] = (uint8_t)(MARK_SPECIAL + k);
        return RESULT_OK;
    }
    if (!(read >= spec->minimum && read <= spec->maximum)) return set_outside(column, row, read, cell);
    column->numbers[row] = read + 0.0; /* -0 becomes +0 */
    return RESULT_OK;
}

static struct result set_code(struct column *column, uint64_t row, struct view text, struct cell *cell)
{
    column->codes[row] = CODE_MISSING;
    if (!text.data) return missing(column, cell);
    uint32_t slot = *level_slot(column->index, text);
    column->codes[row] = slot ? (uint16_t)(slot - 1) : CODE_OTHER;
    if (slot) return RESULT_OK;
    ENSURE(column->spec.other_allowed || !column->spec.target, CATEGORY_USAGE,
           "column %s: \"%.*s\" is neither target.positive nor in target.negative of the plan; name it there, recode "
           "it in "
           "the mapping, or leave the row out",
           column->spec.name, shown(text), (const char *)text.data);
    ENSURE(
        column->spec.other_allowed, CATEGORY_USAGE,
        "column %s: \"%.*s\" is not one of the plan's levels; recode it to one of them in the node's configuration (or "
        "--mapping)",
        column->spec.name, shown(text), (const char *)text.data);
    cell->event = EVENT_OTHER;
    return RESULT_OK;
}

static struct result set_text(struct column *column, uint64_t row, struct view text, struct cell *cell)
{
    if (text.data) {
        TRY(buffer_append(&column->texts, text));
    } else {
        TRY(missing(column, cell));
    }
    column->starts[row + 1] = column->texts.length;
    return RESULT_OK;
}

static struct result set_cell(struct column *column, uint64_t row, struct view text, struct cell *cell)
{
    cell->event = EVENT_NONE;
    switch (column->spec.kind) {
    case COLUMN_NUMBER:
        return set_number(column, row, text, cell);
    case COLUMN_CATEGORY:
        return set_code(column, row, text, cell);
    default:
        return set_text(column, row, text, cell);
    }
}

static struct result set_cells(struct table *table, const struct view *fields)
{
    table->refused = SIZE_MAX;
    ENSURE(table->before + table->rows < table->rows_max, CATEGORY_USAGE,
           "more than the %llu rows that the plan allows a bank; raise `cohort: {rows: ...}` in the plan",
           (unsigned long long)table->rows_max);
    if (table->rows == table->capacity) {
        uint64_t capacity = table->capacity ? 2 * table->capacity : FIRST_CAPACITY;
        TRY(table_resize(table, capacity < table->rows_max ? capacity : table->rows_max));
    }
    for (size_t k = 0; k < table->columns_count; k++) {
        struct result set = set_cell(&table->columns[k], table->rows, fields[k], &table->row[k]);
        if (result_ok(set)) continue;
        table->refused = k;
        return set;
    }
    return RESULT_OK;
}

void others_add(struct others *others, struct view text, uint64_t rows)
{
    if (text.length > OTHER_TEXT_MAX) text.length = OTHER_TEXT_MAX;
    size_t at = 0;
    while (at < others->count && !view_equal(view_text(others->items[at].text), text)) at++;
    if (at == OTHERS_KEPT) {
        others->more += rows;
        return;
    }
    if (at == others->count) {
        memcpy(others->items[at].text, text.data, text.length);
        others->count++;
    }
    others->items[at].count += rows;
}

static void count_read(struct column *column, double read)
{
    if (read < column->observed_minimum) column->observed_minimum = read; /* NaN is neither */
    if (read > column->observed_maximum) column->observed_maximum = read;
}

static void count_event(struct column *column, const struct cell *cell)
{
    switch (cell->event) {
    case EVENT_MISSING:
        column->missing++;
        return;
    case EVENT_OUTSIDE:
        column->outside++;
        count_read(column, cell->read);
        return;
    case EVENT_CLAMPED:
        column->clamped++;
        count_read(column, cell->read);
        return;
    case EVENT_OTHER:
        column->other++;
        return;
    default:
        return;
    }
}

struct result table_add_row(struct table *table, const struct view *fields, const char *place)
{
    free(table->held); /* was derived from the rows so far */
    table->held = NULL;
    struct result result = set_cells(table, fields);
    if (!result_ok(result)) {
        for (size_t k = 0; k < table->columns_count; k++)
            if (table->columns[k].starts) table->columns[k].texts.length = table->columns[k].starts[table->rows];
        return result_at(result, "%s", place ? place : "");
    }
    for (size_t k = 0; k < table->columns_count; k++) {
        struct column *column = &table->columns[k];
        if (column->numbers) count_read(column, column->numbers[table->rows]);
        if (table->row[k].event != EVENT_NONE) count_event(column, &table->row[k]);
        if (table->row[k].event == EVENT_OTHER) others_add(&column->others, fields[k], 1);
    }
    table->rows++;
    return RESULT_OK;
}

/* What was counted on the way in is counted again from the stored values and marks. */
static struct result column_select(const struct column *from, const uint64_t *rows, uint64_t count, struct column *to)
{
    to->format = from->format;
    for (uint64_t k = 0; k < count; k++) {
        struct cell cell = {EVENT_NONE, NAN};
        if (from->numbers) {
            to->numbers[k] = from->numbers[rows[k]];
            count_read(to, to->numbers[k]);
            if (isnan(to->numbers[k])) cell.event = EVENT_MISSING;
            if (from->marks) to->marks[k] = from->marks[rows[k]];
            if (from->marks && to->marks[k] != MARK_NONE)
                cell.event = to->marks[k] == MARK_CLAMPED   ? EVENT_CLAMPED
                             : to->marks[k] == MARK_OUTSIDE ? EVENT_OUTSIDE
                                                            : EVENT_NONE;
        } else if (from->codes) {
            to->codes[k] = from->codes[rows[k]];
            if (to->codes[k] == CODE_MISSING) cell.event = EVENT_MISSING;
            if (to->codes[k] == CODE_OTHER) cell.event = EVENT_OTHER;
        } else {
            uint64_t start = from->starts[rows[k]], end = from->starts[rows[k] + 1];
            TRY(buffer_append(&to->texts, view_of(from->texts.data + start, (size_t)(end - start))));
            to->starts[k + 1] = to->texts.length;
            if (start == end) cell.event = EVENT_MISSING;
        }
        count_event(to, &cell);
    }
    return RESULT_OK;
}

struct result table_select(const struct table *table, const uint64_t *rows, uint64_t count, struct table **ret)
{
    for (uint64_t k = 0; k < count; k++)
        ENSURE(rows[k] < table->rows, CATEGORY_BUG, "row %llu of a table of %llu", (unsigned long long)rows[k],
               (unsigned long long)table->rows);
    struct column_spec *specs = calloc(table->columns_count + 1, sizeof *specs);
    ENSURE(specs, CATEGORY_ENVIRONMENT, "out of memory for %zu columns", table->columns_count);
    for (size_t k = 0; k < table->columns_count; k++) specs[k] = table->columns[k].spec;
    CLEANUP(table_freep) struct table *selected = NULL;
    struct result result = table_new(specs, table->columns_count, table->rows_max, &selected);
    free(specs);
    TRY(result);
    TRY(table_resize(selected, count));
    for (size_t k = 0; k < table->columns_count && table->rows; k++)
        TRY(column_select(&table->columns[k], rows, count, &selected->columns[k]));
    selected->rows = count;
    if (table->held) {
        selected->held = calloc((size_t)count + 1, sizeof *selected->held);
        ENSURE(selected->held, CATEGORY_ENVIRONMENT, "out of memory for %llu rows", (unsigned long long)count);
        for (uint64_t k = 0; k < count; k++) selected->held[k] = table->held[rows[k]];
    }
    *ret = selected;
    selected = NULL;
    return RESULT_OK;
}

/* Integers of `width` bytes, little-endian, in pieces; a number is its bits, and every NaN the same one. */
static struct result visit_values(const struct column *column, uint64_t rows,
                                  struct result (*visit)(void *context, struct view piece), void *context)
{
    uint8_t piece[PIECE_VALUES * 8];
    size_t used = 0;
    for (uint64_t row = 0; row < rows; row++) {
        uint64_t bits = UINT64_C(0x7ff8000000000000);
        size_t width = 8;
        if (column->numbers) {
            if (!isnan(column->numbers[row])) memcpy(&bits, &column->numbers[row], sizeof bits);
        } else if (column->codes) {
            bits = column->codes[row];
            width = 2;
        } else {
            bits = column->starts[row + 1];
        }
        for (size_t k = 0; k < width; k++) piece[used + k] = (uint8_t)(bits >> (8 * k));
        used += width;
        if (used > sizeof piece - 8) {
            TRY(visit(context, view_of(piece, used)));
            used = 0;
        }
    }
    return used ? visit(context, view_of(piece, used)) : RESULT_OK;
}

struct result table_canonical(const struct table *table, struct result (*visit)(void *context, struct view piece),
                              void *context)
{
    CLEANUP(buffer_done) struct buffer head = {0};
    TRY(buffer_u64(&head, table->columns_count));
    TRY(buffer_u64(&head, table->rows));
    TRY(visit(context, buffer_view(&head)));
    for (size_t k = 0; k < table->columns_count; k++) {
        const struct column *column = &table->columns[k];
        buffer_clear(&head);
        TRY(buffer_u32(&head, (uint32_t)strlen(column->spec.name)));
        TRY(buffer_text(&head, column->spec.name));
        TRY(buffer_u8(&head, (uint8_t)column->spec.kind));
        TRY(buffer_u32(&head, (uint32_t)column->spec.levels_count));
        for (size_t level = 0; level < column->spec.levels_count; level++) {
            TRY(buffer_u32(&head, (uint32_t)strlen(column->spec.levels[level])));
            TRY(buffer_text(&head, column->spec.levels[level]));
        }
        TRY(visit(context, buffer_view(&head)));
        if (table->rows) TRY(visit_values(column, table->rows, visit, context));
        if (table->rows && column->marks) TRY(visit(context, view_of(column->marks, (size_t)table->rows)));
        if (column->texts.length) TRY(visit(context, buffer_view(&column->texts)));
    }
    return RESULT_OK;
}
