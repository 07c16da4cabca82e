#include "tests/support/pooled.h"

#include <stdlib.h>
#include <string.h>

void pooled_done(struct pooled *pooled)
{
    table_freep(&pooled->table);
    schema_done(&pooled->schema);
    plan_done(&pooled->plan);
}

struct result pooled_init(const char *yaml, struct pooled *ret)
{
    *ret = (struct pooled){0};
    struct result result = plan_parse(view_text(yaml), "plan.yaml", &ret->plan);
    if (result_ok(result)) result = schema_of(&ret->plan, &ret->schema);
    if (result_ok(result)) result = table_new(ret->schema.specs, ret->schema.count, ret->plan.rows, &ret->table);
    if (!result_ok(result)) pooled_done(ret);
    return result;
}

struct result pooled_row(struct pooled *pooled, const char *const *texts)
{
    struct view *fields = calloc(pooled->schema.count, sizeof *fields);
    ENSURE(fields, CATEGORY_ENVIRONMENT, "out of memory");
    for (size_t k = 0; k < pooled->schema.count; k++)
        if (texts[k]) fields[k] = view_text(texts[k]);
    struct result result = table_add_row(pooled->table, fields, NULL);
    free(fields);
    return result;
}

static uint64_t next_random(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15); /* splitmix64 */
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static uint64_t *order_of(uint64_t rows, uint64_t seed)
{
    uint64_t *order = calloc(rows + 1, sizeof *order);
    for (uint64_t i = 0; order && i < rows; i++) order[i] = i;
    for (uint64_t i = rows; order && seed && i > 1; i--) {
        uint64_t k = next_random(&seed) % i, held = order[i - 1];
        order[i - 1] = order[k];
        order[k] = held;
    }
    return order;
}

static struct result deal(const struct table *table, const uint64_t *order, unsigned parts, struct table **banks)
{
    uint64_t *mine = calloc(table->rows + 1, sizeof *mine);
    ENSURE(mine, CATEGORY_ENVIRONMENT, "out of memory");
    struct result result = RESULT_OK;
    for (unsigned bank = 0; bank < parts && result_ok(result); bank++) {
        uint64_t count = 0;
        for (uint64_t i = bank; i < table->rows; i += parts) mine[count++] = order[i];
        result = table_select(table, mine, count, &banks[bank]);
    }
    free(mine);
    return result;
}

/* One round: every bank's words, added. */
static struct result one_round(struct fold *fold, struct table *const *banks, struct pooled_options options)
{
    uint64_t *words = calloc(fold->words, sizeof *words), *sum = calloc(fold->words, sizeof *sum);
    struct result result = RESULT_OK;
    if (!words || !sum) result = FAIL(CATEGORY_ENVIRONMENT, "out of memory");
    for (unsigned bank = 0; bank < options.parts && result_ok(result); bank++) {
        result = fold_contribute(fold, banks[bank], options.threads, words, fold->words);
        for (uint64_t i = 0; i < fold->words && result_ok(result); i++) sum[i] += words[i];
    }
    if (result_ok(result)) result = fold_advance(fold, sum, fold->words);
    free(words);
    free(sum);
    return result;
}

static struct result through_bytes(struct fold *fold)
{
    CLEANUP(fold_done) struct fold back = {0};
    TRY(fold_load(fold->plan, fold->task, buffer_view(&fold->state), &back));
    ENSURE(hash_equal(&back.state_hash, &fold->state_hash) && back.finished == fold->finished &&
               (fold->finished || hash_equal(&back.layout_hash, &fold->layout_hash)),
           CATEGORY_BUG, "a state changed on its way through bytes");
    struct fold before = *fold;
    *fold = back;
    back = before;
    return RESULT_OK;
}

static struct result run_over(const struct pooled *pooled, struct table *const *banks, struct pooled_options options,
                              struct fold *ret)
{
    const struct task *task = task_find(pooled->plan.task);
    ENSURE(task, CATEGORY_USAGE, "no task %s", pooled->plan.task);
    CLEANUP(fold_done) struct fold fold = {0};
    TRY(fold_start(&pooled->plan, task, &fold));
    while (!fold.finished && (options.stop_at == 0 || fold.step < options.stop_at)) {
        TRY(through_bytes(&fold));
        TRY(one_round(&fold, banks, options));
    }
    *ret = fold;
    fold = (struct fold){0};
    return RESULT_OK;
}

struct result pooled_run(const struct pooled *pooled, struct pooled_options options, struct fold *ret)
{
    struct table **banks = calloc(options.parts, sizeof *banks);
    uint64_t *order = order_of(pooled->table->rows, options.shuffle);
    struct result result = RESULT_OK;
    if (!banks || !order) result = FAIL(CATEGORY_ENVIRONMENT, "out of memory");
    if (result_ok(result)) result = deal(pooled->table, order, options.parts, banks);
    if (result_ok(result)) result = run_over(pooled, banks, options, ret);
    for (unsigned bank = 0; banks && bank < options.parts; bank++) table_free(banks[bank]);
    free(banks);
    free(order);
    return result;
}
