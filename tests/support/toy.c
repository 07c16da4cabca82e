/* state = sums left ‖ value */
#include "tests/support/toy.h"

#include <math.h>

#include "data/table.h"

static struct result toy_check(const struct plan *plan)
{
    ENSURE(plan->tolerance >= 1, CATEGORY_USAGE, "the toy sums at least one word");
    return RESULT_OK;
}

static struct result toy_start(const struct plan *plan, struct buffer *out)
{
    TRY(buffer_u64(out, plan->rounds));
    return buffer_u64(out, 1);
}

static struct result toy_read(struct view state, uint64_t *ret_left, uint64_t *ret_value)
{
    struct reader reader = reader_of(state, "the toy state");
    TRY(reader_u64(&reader, ret_left));
    TRY(reader_u64(&reader, ret_value));
    return reader_end(&reader);
}

static bool toy_finished(const struct plan *plan, struct view state)
{
    (void)plan;
    uint64_t left = 1, value;
    return result_ok(toy_read(state, &left, &value)) && left == 0;
}

static struct result toy_layout(const struct plan *plan, struct view state, struct layout *ret)
{
    (void)state;
    struct layout layout = {0};
    struct layout_field field = layout_exact("value", (uint64_t)plan->tolerance, 1u << 20, 0, 1);
    if (plan_private(plan)) {
        field.l2 = layout_l2((1u << 20) * sqrt(plan->tolerance), field.length, 0);
        field.rho = plan->privacy.rho / (2 * plan->rounds);
    }
    TRY(layout_add(&layout, field));
    *ret = layout;
    return RESULT_OK;
}

uint64_t toy_mix(uint64_t value, const uint64_t *words, uint64_t count)
{
    for (uint64_t k = 0; k < count; k++) value = value * UINT64_C(6364136223846793005) + words[k];
    return value;
}

static struct result toy_advance(const struct plan *plan, struct view state, const uint64_t *words, struct buffer *out)
{
    uint64_t left, value;
    TRY(toy_read(state, &left, &value));
    TRY(buffer_u64(out, left - 1));
    return buffer_u64(out, toy_mix(value, words, (uint64_t)plan->tolerance));
}

static struct result toy_progress(const struct plan *plan, struct view state, struct buffer *out)
{
    (void)plan;
    uint64_t left, value;
    TRY(toy_read(state, &left, &value));
    return buffer_format(out, "%llu sums are left", (unsigned long long)left);
}

uint64_t toy_input(unsigned bank, uint64_t step, uint64_t k)
{
    return (bank * UINT64_C(2654435761) + step * UINT64_C(40503) + k * UINT64_C(2246822519)) % (1u << 20);
}

static struct result toy_contribute(const struct plan *plan, struct view state, const struct table *table,
                                    unsigned threads, uint64_t *words)
{
    (void)threads;
    uint64_t left, value;
    TRY(toy_read(state, &left, &value));
    unsigned bank = (unsigned)table_column(table, "x")->numbers[0];
    for (uint64_t k = 0; k < (uint64_t)plan->tolerance; k++) words[k] = toy_input(bank, plan->rounds - left, k);
    return RESULT_OK;
}

static struct result toy_result(const struct plan *plan, struct view state, uint64_t rounds, unsigned banks,
                                struct buffer *out)
{
    (void)plan;
    uint64_t left, value;
    TRY(toy_read(state, &left, &value));
    return buffer_format(out, "{\"value\": %llu, \"rounds\": %llu, \"banks\": %u}\n", (unsigned long long)value,
                         (unsigned long long)rounds, banks);
}

const struct task toy_task = {
    .name = "toy",
    .private = true,
    .check = toy_check,
    .start = toy_start,
    .finished = toy_finished,
    .layout = toy_layout,
    .contribute = toy_contribute,
    .advance = toy_advance,
    .progress = toy_progress,
    .result = toy_result,
};
