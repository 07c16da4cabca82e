/* What a database hands over of a run's frozen rows. After a first byte: rows, of which those that are taken give their
 * bytes again; or the cells of a sum's result, each ended by a NUL. */
#include <stdlib.h>
#include <string.h>

#include "data/formula_sql.h"
#include "data/frozen_row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CELLS = 3, KEYS = 4, CHUNK = 8 };

static void must(bool condition)
{
    if (!condition) abort();
}

static void take_rows(const uint8_t *data, size_t size)
{
    static const double specials[] = {-9, 999};
    static const char *const levels[] = {"a", "b"};
    static const struct column_spec specs[] = {
        {.name = "n", .kind = COLUMN_NUMBER, .minimum = -1, .maximum = 10, .missing_allowed = true},
        {.name = "s",
         .kind = COLUMN_NUMBER,
         .maximum = 5,
         .outside = COLUMN_OUTSIDE_MISSING,
         .specials = specials,
         .specials_count = 2},
        {.name = "c", .kind = COLUMN_CATEGORY, .levels = levels, .levels_count = 2, .other_allowed = true},
    };
    struct frozen_shape shape;
    CLEANUP(table_freep) struct table *chunk = NULL;
    CLEANUP(buffer_done) struct buffer bytes = {0};
    struct frozen_value values[8];
    must(result_ok(frozen_shape_of(specs, sizeof specs / sizeof *specs, &shape)) && shape.count <= 8);
    must(result_ok(frozen_chunk_new(&shape, CHUNK, &chunk)));
    struct reader reader = reader_of(view_of(data, size), "rows");
    while (chunk->rows < CHUNK && result_ok(frozen_chunk_take(&shape, &reader, chunk->rows, chunk))) {
        for (size_t k = 0; k < shape.count; k++)
            values[k] = frozen_value_of(&shape.columns[k], chunk, chunk->rows - 1, chunk->rows - 1);
        must(result_ok(frozen_row_write(&shape, values, &bytes)));
        must(view_equal(buffer_view(&bytes), view_of(data, bytes.length)));
    }
    frozen_shape_done(&shape);
}

static void take_cells(bool grouped, const char *text, size_t size)
{
    static size_t places[] = {0, 1, 2, 3};
    static unsigned shifts[] = {0, 30, 60};
    const struct formula_query query = {
        .columns = CELLS, .grouped = grouped, .places = places, .keys = KEYS, .shifts = shifts};
    const char *cells[CELLS] = {NULL};
    __int128 values[KEYS] = {0};
    for (size_t at = 0, c = 0; at < size; at += strlen(text + at) + 1) {
        cells[c++] = text[at] ? text + at : NULL;
        if (c < CELLS) continue;
        if (!result_ok(formula_take(&query, cells, values, KEYS))) must(*result_reason() != 0);
        c = 0;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    if (*data % 3 == 0) {
        take_rows(data + 1, size - 1);
        return 0;
    }
    char *text = malloc(size);
    must(text);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    take_cells(*data % 3 == 1, text, size - 1);
    free(text);
    return 0;
}
