#include "node/rows.h"

#include <stdlib.h>
#include <string.h>

void rows_witness_done(struct rows_witness *witness)
{
    free(witness->hashes);
    *witness = (struct rows_witness){0};
}

struct result rows_witness_row(void *context, struct view record)
{
    struct rows_witness *witness = context;
    if (witness->count == witness->capacity) {
        size_t capacity = witness->capacity ? 2 * witness->capacity : 1024;
        uint64_t *hashes = realloc(witness->hashes, capacity * sizeof *hashes);
        ENSURE(hashes, CATEGORY_ENVIRONMENT, "no memory for the hashes of %zu rows", capacity);
        witness->hashes = hashes;
        witness->capacity = capacity;
    }
    witness->hashes[witness->count++] = sketch_hash(witness->key, record);
    return RESULT_OK;
}

void rows_done(struct rows *rows)
{
    for (size_t k = 0; k < ROWS_SETS; k++) sketch_free(rows->sets[k]);
    *rows = (struct rows){0};
}

/* All rows from those of its two parts. */
static struct result join(struct rows *rows)
{
    TRY(sketch_new(&rows->sets[ROWS_ALL]));
    sketch_join(rows->sets[ROWS_ALL], rows->sets[ROWS_TRAINING]);
    if (rows->sets[ROWS_HELD]) sketch_join(rows->sets[ROWS_ALL], rows->sets[ROWS_HELD]);
    return RESULT_OK;
}

/* Where no row is held out all train. */
static void settle(struct rows *rows)
{
    if (rows->sets[ROWS_HELD] && sketch_count(rows->sets[ROWS_HELD]) > 0) return;
    for (size_t k = ROWS_TRAINING; k < ROWS_SETS; k++) {
        sketch_free(rows->sets[k]);
        rows->sets[k] = NULL;
    }
}

struct result rows_add(struct rows *rows, struct rows_witness *witness, const uint8_t *held)
{
    if (!rows->sets[ROWS_TRAINING]) {
        memcpy(rows->key, sketch_key_id(witness->key).data, sizeof rows->key);
        TRY(sketch_new(&rows->sets[ROWS_TRAINING]));
        TRY(sketch_new(&rows->sets[ROWS_HELD]));
    }
    for (size_t row = 0; row < witness->count; row++)
        sketch_add(rows->sets[held && held[row] ? ROWS_HELD : ROWS_TRAINING], witness->hashes[row]);
    witness->count = 0;
    return RESULT_OK;
}

struct result rows_finish(struct rows *rows)
{
    TRY(join(rows));
    settle(rows);
    return RESULT_OK;
}

struct result rows_of(struct rows_witness *witness, const uint8_t *held, struct rows *ret)
{
    CLEANUP(rows_done) struct rows rows = {0};
    TRY(rows_add(&rows, witness, held));
    TRY(rows_finish(&rows));
    *ret = rows;
    rows = (struct rows){0};
    return RESULT_OK;
}

/* The key's id, then one sketch (all rows) or two (those that train, those held out). */
struct result rows_write(const struct rows *rows, struct buffer *out)
{
    TRY(buffer_append(out, view_of(rows->key, sizeof rows->key)));
    if (!rows->sets[ROWS_HELD]) return sketch_write(rows->sets[ROWS_ALL], out);
    TRY(sketch_write(rows->sets[ROWS_TRAINING], out));
    return sketch_write(rows->sets[ROWS_HELD], out);
}

struct result rows_read(struct view bytes, struct rows *ret)
{
    CLEANUP(rows_done) struct rows rows = {0};
    const size_t one = sizeof rows.key + SKETCH_BYTES;
    ENSURE(bytes.length == one || bytes.length == one + SKETCH_BYTES, CATEGORY_FALSE,
           "what is kept of a run's rows is damaged: %zu bytes", bytes.length);
    memcpy(rows.key, bytes.data, sizeof rows.key);
    TRY(sketch_read(view_of(bytes.data + sizeof rows.key, SKETCH_BYTES), &rows.sets[ROWS_TRAINING]));
    if (bytes.length > one) TRY(sketch_read(view_of(bytes.data + one, SKETCH_BYTES), &rows.sets[ROWS_HELD]));
    TRY(join(&rows));
    settle(&rows);
    *ret = rows;
    rows = (struct rows){0};
    return RESULT_OK;
}

static const char *const names[] = {
    [ROWS_ALL] = "the rows", [ROWS_TRAINING] = "the training rows", [ROWS_HELD] = "the rows held out"};

static struct result compare_sets(const struct rows *a, size_t i, const struct rows *b, size_t k,
                                  struct rows_difference *difference)
{
    struct sketch_difference found;
    if (!a->sets[i] != !b->sets[k] && i == k) difference->same = false;
    if (!a->sets[i] || !b->sets[k]) return RESULT_OK;
    TRY(sketch_compare(a->sets[i], b->sets[k], &found));
    bool same = found.known && found.copies == 0;
    if (i == k && !same) difference->same = false;
    if (!found.known || same || (difference->least && found.copies >= difference->least)) return RESULT_OK;
    difference->least = found.copies;
    difference->set = names[i];
    return RESULT_OK;
}

struct result rows_compare(const struct rows *a, const struct rows *b, struct rows_difference *ret)
{
    struct rows_difference difference = {.comparable = memcmp(a->key, b->key, sizeof a->key) == 0, .same = true};
    for (size_t i = 0; difference.comparable && i < ROWS_SETS; i++)
        for (size_t k = 0; k < ROWS_SETS; k++) TRY(compare_sets(a, i, b, k, &difference));
    difference.same = difference.same && difference.comparable;
    if (difference.same) difference.least = 0; /* what its sets differ by among themselves the first run has shown */
    *ret = difference;
    return RESULT_OK;
}
