#include "analytics/coding.h"

#include <inttypes.h>

#include "analytics/schema.h"

void coding_add_rows(const struct plan *plan, const struct table *table, struct coding *coding)
{
    if (!plan->target[0]) return;
    const struct column *target = &table->columns[schema_target(plan)];
    for (uint64_t row = 0; row < table->rows; row++) {
        uint16_t code = target->codes[row];
        coding->positive += code == 0;
        if (code > 0 && code < target->spec.levels_count)
            others_add(&coding->others, view_text(target->spec.levels[code]), 1);
    }
}

void coding_add_others(const struct plan *plan, const struct table *table, struct coding *coding)
{
    if (!plan->target[0]) return;
    const struct column *target = &table->columns[schema_target(plan)];
    for (size_t i = 0; i < target->others.count; i++)
        others_add(&coding->others, view_text(target->others.items[i].text), target->others.items[i].count);
    coding->others.more += target->others.more;
}

void coding_add(const struct plan *plan, const struct table *table, struct coding *coding)
{
    coding_add_rows(plan, table, coding);
    coding_add_others(plan, table, coding);
}

struct result coding_line(const struct plan *plan, const struct coding *coding, struct buffer *out)
{
    TRY(buffer_format(out, "\"%s\" (positive) %" PRIu64, plan->positive, coding->positive));
    for (size_t i = 0; i < coding->others.count; i++)
        TRY(buffer_format(out, ", \"%s\" %" PRIu64, coding->others.items[i].text, coding->others.items[i].count));
    return coding->others.more ? buffer_format(out, ", yet other values %" PRIu64, coding->others.more) : RESULT_OK;
}

struct result coding_warning(const struct plan *plan, const struct coding *coding, struct buffer *out)
{
    if (!plan->target[0]) return RESULT_OK;
    bool several = plan->negative_count == 0 && coding->others.count > 1;
    if (coding->positive > 0 && !several) return RESULT_OK;
    TRY(buffer_format(out, "target %s: ", plan->target));
    TRY(coding_line(plan, coding, out));
    if (coding->positive == 0)
        return buffer_text(out, "; no row is positive: check how the target is coded, and recode it if it must be");
    return buffer_text(out, "; every value but the positive one counts as negative: list those that are meant in the "
                            "plan (target: negative), and recode or leave out the rest");
}
