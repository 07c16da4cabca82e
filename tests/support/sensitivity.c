#include "tests/support/sensitivity.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "data/table.h"
#include "tests/support/ok.h"

static uint64_t *words_of(const struct fold *fold, const struct table *table)
{
    uint64_t *words = calloc(fold->words, sizeof *words);
    assert_non_null(words);
    OK(fold_contribute(fold, table, 1, words, fold->words));
    return words;
}

static struct table *without(const struct table *table, uint64_t row)
{
    struct table *less = NULL;
    uint64_t count = 0, *rows = calloc(table->rows + 1, sizeof *rows);
    assert_non_null(rows);
    for (uint64_t i = 0; i < table->rows; i++)
        if (i != row) rows[count++] = i;
    OK(table_select(table, rows, count, &less));
    free(rows);
    return less;
}

/* The norm of one field's difference. */
static double distance(const struct layout_field *field, const uint64_t *a, const uint64_t *b)
{
    double squares = 0;
    for (uint64_t k = 0; k < field->length; k++, a += field->words, b += field->words) {
        double moved = (double)(layout_get(field, a) - layout_get(field, b));
        if (!(fabs(moved) <= (double)field->bound)) fail_msg("a value of \"%s\" moved by %g", field->name, moved);
        squares += moved * moved;
    }
    return sqrt(squares);
}

void sensitivity_check(const struct fold *fold, const struct table *table, void *ret_nearest)
{
    double *nearest = ret_nearest;
    uint64_t *whole = words_of(fold, table);
    for (uint64_t row = 0; row < table->rows; row++) {
        struct table *less = without(table, row);
        uint64_t *words = words_of(fold, less);
        for (size_t i = 0; i < fold->layout.fields_count; i++) {
            const struct layout_field *field = &fold->layout.fields[i];
            uint64_t at = layout_offset(&fold->layout, i);
            double moved = distance(field, whole + at, words + at);
            if (!(moved <= field->l2))
                fail_msg("row %u moves \"%s\" by %.17g, its norm is %.17g", (unsigned)row, field->name, moved,
                         field->l2);
            if (nearest && moved / field->l2 > *nearest) *nearest = moved / field->l2;
        }
        free(words);
        table_free(less);
    }
    free(whole);
}
