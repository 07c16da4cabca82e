/* A bank's part of a private evaluation. A row is in one value of a field for each model, or feature, and moves it by 1
 * at most: that is all the layout's norms rest on. */
#include <math.h>
#include <stdlib.h>

#include "analytics/elementary.h"
#include "analytics/evaluate_private.h"
#include "analytics/profile.h"
#include "analytics/sweep.h"

struct pass {
    const struct evaluate *evaluate;
    const struct table *table;
    struct table views[PLAN_MODELS_MAX];
};
struct block {
    const struct pass *pass;
    __int128 *values;
    uint64_t begin, count;
    uint8_t kinds[SWEEP_BLOCK];
    bool refused[SWEEP_BLOCK]; /* by any of the models: then the row is in no figure */
    double score[PLAN_MODELS_MAX][SWEEP_BLOCK], probability[PLAN_MODELS_MAX][SWEEP_BLOCK];
};

static void pass_done(struct pass *pass)
{
    for (size_t m = 0; m < PLAN_MODELS_MAX; m++) free(pass->views[m].columns);
}

/* ---- rows that a model refuses */

static bool refuses_number(const struct column_spec *spec, const struct column *column, uint64_t row)
{
    uint8_t mark = column->marks ? column->marks[row] : MARK_NONE;
    if (mark == MARK_OUTSIDE || mark == MARK_CLAMPED) return spec->outside == COLUMN_OUTSIDE_REFUSE;
    return mark == MARK_NONE && isnan(column->numbers[row]) && !spec->missing_allowed;
}

static bool refuses(const struct column_spec *spec, const struct column *column, uint64_t row)
{
    if (spec->kind == COLUMN_NUMBER) return refuses_number(spec, column, row);
    return (column->codes[row] == CODE_MISSING && !spec->missing_allowed) ||
           (column->codes[row] == CODE_OTHER && !spec->other_allowed);
}

static bool refused(const struct pass *pass, uint64_t row)
{
    for (size_t m = 0; m < pass->evaluate->plan->models_count; m++) {
        const struct model *model = &pass->evaluate->given[m].model;
        for (size_t f = 0; f < model->features_count; f++)
            if (refuses(&model->specs[f], &pass->views[m].columns[f], row)) return true;
    }
    return false;
}

/* ---- one row */

static __int128 *values_of(const struct block *block, enum evaluate_field field, size_t model)
{
    return block->values + evaluate_private_at(block->pass->evaluate, field, model);
}

static int64_t integer(const struct block *block, enum evaluate_field field, double value)
{
    const struct evaluate_private *private = block->pass->evaluate->private;
    double within = value < -1 ? -1 : value > 1 ? 1 : value;
    return sweep_round_wide(within *
                            (double)((uint64_t)1 << private->layout.fields[private->field[field]].fraction_bits));
}

static size_t stretch_of(const struct evaluate *evaluate, double probability)
{
    size_t at = 0;
    while (at < evaluate->plan->cutoffs_count && probability >= evaluate->plan->cutoffs[at]) at++;
    return at;
}

static void add_score(const struct block *block, size_t m, uint64_t i)
{
    const struct evaluate_bins *bins = &block->pass->evaluate->private->bins[m];
    size_t kind = block->kinds[i], bin = profile_bin(bins->edges, bins->count - 1, block->score[m][i]);
    double probability = block->probability[m][i], error = (double)(kind & 1) - probability;
    double away = (probability - bins->middle[bin]) / bins->half[bin];
    values_of(block, EVALUATE_FIELD_COUNTS, m)[bin * CASE_KINDS + kind]++;
    values_of(block, EVALUATE_FIELD_AWAY, m)[bin * 2 + kind / 2] += integer(block, EVALUATE_FIELD_AWAY, away);
    values_of(block, EVALUATE_FIELD_ERRORS, m)[kind / 2] += integer(block, EVALUATE_FIELD_ERRORS, error * error);
}

static struct result add_cutoffs(const struct block *block, size_t m, uint64_t i)
{
    const struct evaluate *evaluate = block->pass->evaluate;
    size_t kind = block->kinds[i], stretches = evaluate_stretches(evaluate), group;
    double probability = block->probability[m][i];
    size_t at = stretch_of(evaluate, probability);
    if (stretches > 1) values_of(block, EVALUATE_FIELD_CUTOFFS, m)[at * CASE_KINDS + kind]++;
    if (evaluate->plan->group == SIZE_MAX) return RESULT_OK;
    TRY(evaluate_group(evaluate, block->pass->table, block->begin + i, &group));
    values_of(block, EVALUATE_FIELD_GROUPS, m)[(group * stretches + at) * CASE_KINDS + kind]++;
    values_of(block, EVALUATE_FIELD_EXPECTED, m)[group * 2 + kind / 2] +=
        integer(block, EVALUATE_FIELD_EXPECTED, probability);
    return RESULT_OK;
}

static struct result add_drift(const struct block *block, size_t m, uint64_t i)
{
    const struct evaluate_given *given = &block->pass->evaluate->given[m];
    __int128 *counts = values_of(block, EVALUATE_FIELD_DRIFT, m);
    for (size_t f = 0; f < given->model.features_count; f++) {
        size_t cell;
        if (!given->model.features[f].training) continue;
        TRY(model_cell(&given->model, &block->pass->views[m], f, block->begin + i, &cell));
        counts[2 * (given->drifts[f] + cell) + block->kinds[i] / 2]++;
    }
    return RESULT_OK;
}

static struct result add_row(const struct block *block, uint64_t i)
{
    if (block->refused[i]) {
        values_of(block, EVALUATE_FIELD_CASES, 0)[EVALUATE_REFUSED]++;
        return RESULT_OK;
    }
    values_of(block, EVALUATE_FIELD_CASES, 0)[block->kinds[i]]++;
    for (size_t m = 0; m < block->pass->evaluate->plan->models_count; m++) {
        add_score(block, m, i);
        TRY(add_cutoffs(block, m, i));
        TRY(add_drift(block, m, i));
    }
    return RESULT_OK;
}

/* ---- all rows */

/* Stretches of rows that no model refuses. */
static struct result score(struct block *block)
{
    for (uint64_t i = 0, end; i < block->count; i = end) {
        for (end = i; end < block->count && block->refused[end] == block->refused[i];) end++;
        for (size_t m = 0; m < block->pass->evaluate->plan->models_count && !block->refused[i]; m++)
            TRY(model_score(&block->pass->evaluate->given[m].model, &block->pass->views[m], block->begin + i, end - i,
                            block->score[m] + i, block->probability[m] + i));
    }
    return RESULT_OK;
}

static struct result add_block(struct block *block)
{
    const struct pass *pass = block->pass;
    TRY(cases_classify(pass->evaluate->plan, pass->table, block->begin, block->begin + block->count, block->kinds));
    for (uint64_t i = 0; i < block->count; i++) block->refused[i] = refused(pass, block->begin + i);
    TRY(score(block));
    for (uint64_t i = 0; i < block->count; i++) TRY(add_row(block, i));
    return RESULT_OK;
}

static struct result body(const void *context, uint64_t begin, uint64_t end, __int128 *values)
{
    struct block *block = calloc(1, sizeof *block);
    struct result result = RESULT_OK;
    ENSURE(block, CATEGORY_ENVIRONMENT, "out of memory for a block of rows");
    block->pass = context;
    block->values = values;
    for (block->begin = begin; block->begin < end && result_ok(result); block->begin += SWEEP_BLOCK) {
        block->count = end - block->begin < SWEEP_BLOCK ? end - block->begin : SWEEP_BLOCK;
        result = add_block(block);
    }
    free(block);
    return result;
}

struct result evaluate_private_contribute(const struct evaluate *evaluate, const struct table *table, unsigned threads,
                                          uint64_t *words)
{
    CLEANUP(pass_done) struct pass pass = {.evaluate = evaluate, .table = table};
    for (size_t m = 0; m < evaluate->plan->models_count; m++) TRY(evaluate_columns(evaluate, table, m, &pass.views[m]));
    return sweep_run(&(struct sweep){&evaluate->private->layout, table->rows, body, &pass}, threads, words);
}
