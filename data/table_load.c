/* A table back from its canonical bytes (table_canonical): for a frozen table after a restart. */
#include <math.h>
#include <stdlib.h>

#include "data/table.h"

static struct result load_head(struct reader *reader, const struct column_spec *spec)
{
    uint32_t length = 0, levels = 0;
    uint8_t kind = 0;
    struct view text;
    TRY(reader_u32(reader, &length));
    TRY(reader_take(reader, length, &text));
    TRY(reader_u8(reader, &kind));
    TRY(reader_u32(reader, &levels));
    ENSURE(view_equal(text, view_text(spec->name)) && kind == (uint8_t)spec->kind && levels == spec->levels_count,
           CATEGORY_FALSE, "%s: column %s is not as the plan has it", reader->what, spec->name);
    for (size_t level = 0; level < levels; level++) {
        TRY(reader_u32(reader, &length));
        TRY(reader_take(reader, length, &text));
        ENSURE(view_equal(text, view_text(spec->levels[level])), CATEGORY_FALSE,
               "%s: the levels of column %s are not those of the plan", reader->what, spec->name);
    }
    return RESULT_OK;
}

static struct result load_numbers(struct reader *reader, struct column *column, uint64_t rows)
{
    for (uint64_t row = 0; row < rows; row++) {
        double value = 0;
        TRY(reader_f64(reader, &value));
        column->numbers[row] = value;
        column->missing += isnan(value) ? 1 : 0;
        if (value < column->observed_minimum) column->observed_minimum = value;
        if (value > column->observed_maximum) column->observed_maximum = value;
    }
    return RESULT_OK;
}

/* After the numbers; a row that its mark explains was not missing in the source. */
static struct result load_marks(struct reader *reader, struct column *column, uint64_t rows)
{
    for (uint64_t row = 0; row < rows; row++) {
        TRY(reader_u8(reader, &column->marks[row]));
        bool outside = column->marks[row] == MARK_OUTSIDE, clamped = column->marks[row] == MARK_CLAMPED;
        bool special =
            column->marks[row] >= MARK_SPECIAL && column->marks[row] - MARK_SPECIAL < (int)column->spec.specials_count;
        ENSURE(((outside || special) && isnan(column->numbers[row])) || (clamped && !isnan(column->numbers[row])) ||
                   column->marks[row] == MARK_NONE,
               CATEGORY_FALSE, "%s: column %s has a mark that does not fit its value", reader->what, column->spec.name);
        column->outside += outside;
        column->clamped += clamped;
        column->missing -= outside || special;
    }
    return RESULT_OK;
}

static struct result load_codes(struct reader *reader, struct column *column, uint64_t rows)
{
    for (uint64_t row = 0; row < rows; row++) {
        struct view pair;
        TRY(reader_take(reader, 2, &pair));
        uint16_t code = (uint16_t)(pair.data[0] | pair.data[1] << 8);
        ENSURE(code < column->spec.levels_count || code == CODE_MISSING || code == CODE_OTHER, CATEGORY_FALSE,
               "%s: column %s has a code that is no level", reader->what, column->spec.name);
        column->codes[row] = code;
        column->missing += code == CODE_MISSING;
        column->other += code == CODE_OTHER;
    }
    return RESULT_OK;
}

static struct result load_texts(struct reader *reader, struct column *column, uint64_t rows)
{
    column->starts[0] = 0;
    for (uint64_t row = 0; row < rows; row++) {
        TRY(reader_u64(reader, &column->starts[row + 1]));
        ENSURE(column->starts[row + 1] >= column->starts[row], CATEGORY_FALSE, "%s: column %s runs backwards",
               reader->what, column->spec.name);
        column->missing += column->starts[row + 1] == column->starts[row];
    }
    struct view texts;
    TRY(reader_take(reader, (size_t)column->starts[rows], &texts));
    return buffer_append(&column->texts, texts);
}

static struct result load_column(struct reader *reader, struct column *column, uint64_t rows)
{
    TRY(load_head(reader, &column->spec));
    /* What is read takes at least two bytes a row, so a false count cannot ask for more memory than the bytes justify.
     */
    ENSURE(rows <= reader->rest.length / 2, CATEGORY_PEER, "%s ends too early", reader->what);
    bool held = true;
    if (column->spec.kind == COLUMN_NUMBER)
        held = (column->numbers = calloc(rows + 1, sizeof *column->numbers)) != NULL;
    else if (column->spec.kind == COLUMN_CATEGORY)
        held = (column->codes = calloc(rows + 1, sizeof *column->codes)) != NULL;
    else
        held = (column->starts = calloc(rows + 1, sizeof *column->starts)) != NULL;
    bool marked = column_marked(&column->spec);
    if (marked) held = (column->marks = calloc(rows + 1, sizeof *column->marks)) != NULL && held;
    ENSURE(held, CATEGORY_ENVIRONMENT, "out of memory for column %s", column->spec.name);
    if (column->numbers) TRY(load_numbers(reader, column, rows));
    if (marked) return load_marks(reader, column, rows);
    if (column->numbers) return RESULT_OK;
    return column->codes ? load_codes(reader, column, rows) : load_texts(reader, column, rows);
}

struct result table_load(struct view canonical, const char *name, const struct column_spec *specs, size_t count,
                         uint64_t rows_max, struct table **ret)
{
    struct reader reader = reader_of(canonical, name);
    uint64_t columns = 0, rows = 0;
    TRY(reader_u64(&reader, &columns));
    TRY(reader_u64(&reader, &rows));
    ENSURE(columns == count, CATEGORY_FALSE, "%s has %llu columns, the plan %zu", name, (unsigned long long)columns,
           count);
    ENSURE(rows <= rows_max, CATEGORY_FALSE, "%s has more rows than the plan allows", name);
    CLEANUP(table_freep) struct table *table = NULL;
    TRY(table_new(specs, count, rows_max, &table));
    for (size_t k = 0; k < count; k++) TRY(load_column(&reader, &table->columns[k], rows));
    TRY(reader_end(&reader));
    table->rows = table->capacity = rows;
    *ret = table;
    table = NULL;
    return RESULT_OK;
}
