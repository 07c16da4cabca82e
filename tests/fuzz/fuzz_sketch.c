/* Any bytes as a sketch; and sketches whose parts agree while their cells hold what no items would leave there. */
#include <stdlib.h>
#include <string.h>

#include "crypto/sketch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CELL_BYTES = 20, EDIT_BYTES = 2 + CELL_BYTES, PART_CELLS = SKETCH_CELLS / SKETCH_PARTS };

static void must(bool condition)
{
    if (!condition) abort();
}

/* What is read has one spelling, is the same as itself, and compares with nothing in bounded time. */
static void check(struct view bytes)
{
    CLEANUP(sketch_freep) struct sketch *sketch = NULL, *empty = NULL;
    CLEANUP(buffer_done) struct buffer again = {0};
    struct sketch_difference difference, back;
    struct result result = sketch_read(bytes, &sketch);
    must(result_ok(result) || result.category == CATEGORY_FALSE);
    if (!result_ok(result)) return;
    must(result_ok(sketch_write(sketch, &again)) && view_equal(bytes, buffer_view(&again)));
    must(result_ok(sketch_compare(sketch, sketch, &difference)) && difference.known && difference.copies == 0);
    must(result_ok(sketch_new(&empty)));
    must(result_ok(sketch_compare(sketch, empty, &difference)) && result_ok(sketch_compare(empty, sketch, &back)));
    sketch_join(sketch, sketch);
}

/* The same cell in each part, at a place that moves from part to part. */
static void edit(const uint8_t *from, uint8_t *bytes)
{
    size_t place = (size_t)(from[0] | from[1] << 8), step = place / PART_CELLS;
    for (size_t part = 0; part < SKETCH_PARTS; part++) {
        size_t cell = part * PART_CELLS + (place + part * step) % PART_CELLS;
        memcpy(bytes + 8 + cell * CELL_BYTES, from + 2, CELL_BYTES);
    }
}

/* The count that stands first is that of a part's cells. */
static void count(uint8_t *bytes)
{
    uint32_t sum = 0;
    for (size_t cell = 0; cell < PART_CELLS; cell++) sum += bytes_get_u32(bytes + 8 + cell * CELL_BYTES);
    bytes_put_u64(bytes, sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[SKETCH_BYTES];
    check(view_of(data, size));
    memset(bytes, 0, sizeof bytes);
    for (size_t at = 0; at + EDIT_BYTES <= size && at < (size_t)1000 * EDIT_BYTES; at += EDIT_BYTES)
        edit(data + at, bytes);
    count(bytes);
    check(view_of(bytes, sizeof bytes));
    return 0;
}
