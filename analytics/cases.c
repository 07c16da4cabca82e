#include "analytics/cases.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/schema.h"
#include "proto/run/split.h"

static struct view text_at(const struct column *column, uint64_t row)
{
    return view_of(column->texts.data + column->starts[row], (size_t)(column->starts[row + 1] - column->starts[row]));
}

static struct result put_feature(const struct column *column, uint64_t row, struct buffer *out)
{
    TRY(buffer_text(out, column->spec.name));
    TRY(buffer_u8(out, 0));
    if (column->spec.kind == COLUMN_NUMBER) {
        size_t special = column_special(column, row);
        if (special != SIZE_MAX) {
            TRY(buffer_u8(out, 4));
            return buffer_f64(out, column->spec.specials[special]);
        }
        if (isnan(column->numbers[row])) return buffer_u8(out, 0);
        TRY(buffer_u8(out, 1));
        return buffer_f64(out, column->numbers[row]);
    }
    uint16_t code = column->codes[row];
    if (code == CODE_MISSING) return buffer_u8(out, 0);
    if (code == CODE_OTHER) return buffer_u8(out, 3);
    TRY(buffer_u8(out, 2));
    TRY(buffer_text(out, column->spec.levels[code]));
    return buffer_u8(out, 0);
}

static struct result held_by_hash(const struct plan *plan, const struct table *table, uint64_t row,
                                  struct buffer *bytes, bool *ret)
{
    if (plan->id[0])
        return split_holds_out(plan->split_seed, plan->split_fraction, text_at(&table->columns[schema_id(plan)], row),
                               ret);
    buffer_clear(bytes);
    for (size_t f = 0; f < plan->features_count; f++) TRY(put_feature(&table->columns[f], row, bytes));
    return split_holds_out(plan->split_seed, plan->split_fraction, buffer_view(bytes), ret);
}

static bool held_by_column(const struct plan *plan, const struct table *table, uint64_t row)
{
    struct view value = text_at(&table->columns[schema_split(plan)], row);
    for (size_t i = 0; i < plan->split_holdout_count; i++)
        if (view_equal(value, view_text(plan->split_holdout[i]))) return true;
    return false;
}

static struct result held_out(const struct plan *plan, const struct table *table, uint64_t row, struct buffer *bytes,
                              bool *ret)
{
    *ret = false;
    if (plan->split == SPLIT_HASH) return held_by_hash(plan, table, row, bytes, ret);
    if (plan->split == SPLIT_COLUMN) *ret = held_by_column(plan, table, row);
    return RESULT_OK;
}

struct result cases_hold_out(const struct plan *plan, struct table *table)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    uint8_t *held = malloc((size_t)table->rows + 1);
    struct result result = RESULT_OK;
    if (!held) result = FAIL(CATEGORY_ENVIRONMENT, "out of memory for which rows are held out");
    for (uint64_t row = 0; row < table->rows && result_ok(result); row++) {
        bool out = false;
        result = held_out(plan, table, row, &bytes, &out);
        held[row] = out;
    }
    if (!result_ok(result)) {
        free(held);
        return result;
    }
    free(table->held);
    table->held = held;
    return RESULT_OK;
}

struct result cases_classify(const struct plan *plan, const struct table *table, uint64_t begin, uint64_t end,
                             uint8_t *kinds)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    const uint16_t *targets = plan->target[0] ? table->columns[schema_target(plan)].codes : NULL;
    for (uint64_t row = begin; row < end; row++) {
        bool held = table->held && table->held[row];
        if (!table->held) TRY(held_out(plan, table, row, &bytes, &held));
        bool positive = targets && targets[row] == 0;
        kinds[row - begin] = (uint8_t)((held ? CASE_HELD_NEGATIVE : CASE_TRAIN_NEGATIVE) + (positive ? 1 : 0));
    }
    return RESULT_OK;
}
