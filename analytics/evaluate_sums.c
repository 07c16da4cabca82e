/* The evaluation's sums: their layouts, a bank's part, and what they tell. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/elementary.h"
#include "analytics/evaluate.h"
#include "analytics/evaluate_fields.h"
#include "analytics/profile.h"
#include "analytics/schema.h"
#include "analytics/sweep.h"
#include "data/table.h"

static struct result add_counts(struct layout *layout, const char *name, uint64_t length)
{
    return layout_add(layout, layout_exact(name, length, 1, 0, 1));
}

static struct result add_reals(struct layout *layout, const char *name, uint64_t length)
{
    return layout_add(layout, layout_exact(name, length, layout_bound(1, EVALUATE_REAL_BITS), EVALUATE_REAL_BITS, 2));
}

static size_t models_of(const struct evaluate *evaluate)
{
    return evaluate->plan->models_count;
}

static uint64_t stability_of(const struct evaluate *evaluate)
{
    uint64_t bins = 0;
    for (size_t m = 0; m < models_of(evaluate); m++) bins += evaluate->given[m].bins;
    return bins * CASE_KINDS;
}

static uint64_t drift_of(const struct evaluate *evaluate)
{
    uint64_t cells = 0;
    for (size_t m = 0; m < models_of(evaluate); m++) cells += evaluate->given[m].drifts_count;
    return cells * 2;
}

/* Counts of a model's next histogram; none when its curve is done. */
static uint64_t asked_of(const struct curve *curve)
{
    return curve->asked ? (curve->asked + 1) * CASE_KINDS : 0;
}

struct result evaluate_layout(const struct evaluate *evaluate, struct layout *ret)
{
    struct layout layout = {0};
    size_t models = models_of(evaluate), groups = evaluate->groups_count;
    uint64_t asked = 0;
    for (size_t m = 0; m < models; m++) asked += asked_of(&evaluate->models[m].curve);
    switch (evaluate->stage) {
    case EVALUATE_SCORES:
        TRY(add_counts(&layout, "cases", CASE_KINDS));
        TRY(add_reals(&layout, "scores", 2 * models));
        TRY(add_reals(&layout, "log loss", 2 * models));
        TRY(add_reals(&layout, "squared error", 2 * models));
        break;
    case EVALUATE_CURVE:
        TRY(add_counts(&layout, "score counts", asked));
        break;
    case EVALUATE_TABLES:
        TRY(add_counts(&layout, "cutoffs", models * evaluate->plan->cutoffs_count * groups * CASE_KINDS));
        TRY(add_counts(&layout, "groups", groups * CASE_KINDS));
        TRY(add_reals(&layout, "predicted", models * 2 * (EVALUATE_BANDS + groups)));
        TRY(add_counts(&layout, "stability", stability_of(evaluate)));
        TRY(add_counts(&layout, "joint", models > 1 ? EVALUATE_JOINT * EVALUATE_JOINT * CASE_KINDS : 0));
        TRY(add_counts(&layout, "drift", drift_of(evaluate)));
        break;
    case EVALUATE_FINISHED:
        return FAIL(CATEGORY_BUG, "the evaluation is finished and asks for no further sum");
    }
    *ret = layout;
    return RESULT_OK;
}

/* ---- a bank's part */

struct lens {          /* of a model */
    struct table view; /* the bank's columns as the model reads them */
    double scale;      /* 2^-exponent */
    double bands[EVALUATE_BANDS], joint[EVALUATE_JOINT];
    size_t bands_count, joint_count;
};
struct pass {
    const struct evaluate *evaluate;
    const struct table *table;
    const struct layout *layout;
    struct lens lenses[PLAN_MODELS_MAX];
};
struct block {
    uint64_t begin, count;
    uint8_t kinds[SWEEP_BLOCK];
    double score[PLAN_MODELS_MAX][SWEEP_BLOCK], probability[PLAN_MODELS_MAX][SWEEP_BLOCK];
};

struct result evaluate_columns(const struct evaluate *evaluate, const struct table *table, size_t model,
                               struct table *ret)
{
    const struct evaluate_given *given = &evaluate->given[model];
    size_t count = given->model.features_count;
    *ret = (struct table){.columns_count = count, .rows = table->rows};
    ret->columns = calloc(count + 1, sizeof *ret->columns);
    ENSURE(ret->columns, CATEGORY_ENVIRONMENT, "out of memory for %zu columns", count);
    for (size_t f = 0; f < count; f++) ret->columns[f] = table->columns[given->features[f]];
    return RESULT_OK;
}

static struct result make_lens(const struct evaluate *evaluate, const struct table *table, size_t m, struct lens *ret)
{
    TRY(evaluate_columns(evaluate, table, m, &ret->view));
    ret->scale = 1 / evaluate_power(evaluate, m);
    if (evaluate->stage != EVALUATE_TABLES) return RESULT_OK;
    ret->bands_count = evaluate_bands(evaluate, m, EVALUATE_BANDS, ret->bands);
    ret->joint_count = evaluate_bands(evaluate, m, EVALUATE_JOINT, ret->joint);
    return RESULT_OK;
}

static void pass_done(struct pass *pass)
{
    for (size_t m = 0; m < PLAN_MODELS_MAX; m++) free(pass->lenses[m].view.columns);
}

static __int128 *values_of(const struct pass *pass, size_t field, __int128 *values)
{
    return values + sweep_offset(pass->layout, field);
}

static int64_t real(double value)
{
    return elementary_round(value * (double)((int64_t)1 << EVALUATE_REAL_BITS));
}

static void add_scores(const struct pass *pass, const struct block *block, __int128 *values)
{
    for (uint64_t i = 0; i < block->count; i++) values_of(pass, EVALUATE_CASES, values)[block->kinds[i]]++;
    for (size_t m = 0; m < models_of(pass->evaluate); m++) {
        __int128 *scores = values_of(pass, EVALUATE_SCORE, values) + 2 * m;
        __int128 *loss = values_of(pass, EVALUATE_LOG_LOSS, values) + 2 * m;
        __int128 *squares = values_of(pass, EVALUATE_SQUARED_ERROR, values) + 2 * m;
        double scale = pass->lenses[m].scale, chance[SWEEP_BLOCK], tail[SWEEP_BLOCK];
        elementary_logistic(PATH_PORTABLE, block->score[m], block->count, chance, tail);
        for (uint64_t i = 0; i < block->count; i++) {
            double score = block->score[m][i] * scale, outcome = block->kinds[i] & 1 ? 1 : 0;
            double wrong = outcome > 0 ? -block->score[m][i] : block->score[m][i];
            double error = outcome - chance[i];
            scores[0] += real(score);
            scores[1] += real(score * score);
            loss[block->kinds[i] / 2] += real((tail[i] + (wrong > 0 ? wrong : 0)) * scale);
            squares[block->kinds[i] / 2] += real(error * error);
        }
    }
}

static void add_curves(const struct pass *pass, const struct block *block, __int128 *values)
{
    __int128 *counts = values_of(pass, EVALUATE_SCORE_COUNTS, values);
    for (size_t m = 0; m < models_of(pass->evaluate); m++) {
        const struct curve *curve = &pass->evaluate->models[m].curve;
        for (uint64_t i = 0; i < block->count && curve->asked; i++)
            counts[CASE_KINDS * curve_bin(curve, block->score[m][i]) + block->kinds[i]]++;
        counts += asked_of(curve);
    }
}

struct result evaluate_group(const struct evaluate *evaluate, const struct table *table, uint64_t row, size_t *ret)
{
    const struct plan *plan = evaluate->plan;
    *ret = 0;
    if (plan->group == SIZE_MAX) return RESULT_OK;
    return profile_level(&plan->features[plan->group], table->columns[plan->group].codes[row], ret);
}

static void add_model_tables(const struct pass *pass, size_t m, const struct block *block, uint64_t i, size_t group,
                             __int128 *values)
{
    const struct evaluate *evaluate = pass->evaluate;
    const struct lens *lens = &pass->lenses[m];
    size_t groups = evaluate->groups_count, cutoffs = evaluate->plan->cutoffs_count, kind = block->kinds[i];
    double score = block->score[m][i], probability = block->probability[m][i];
    __int128 *above = values_of(pass, EVALUATE_CUTOFFS, values) + m * cutoffs * groups * CASE_KINDS;
    __int128 *predicted = values_of(pass, EVALUATE_PREDICTED, values) + m * 2 * (EVALUATE_BANDS + groups);
    __int128 *stability = values_of(pass, EVALUATE_STABILITY, values) + (m ? evaluate->given[0].bins * CASE_KINDS : 0);
    const struct evaluate_given *given = &evaluate->given[m];
    for (size_t c = 0; c < cutoffs && probability >= evaluate->plan->cutoffs[c]; c++)
        above[(c * groups + group) * CASE_KINDS + kind]++;
    predicted[2 * profile_bin(lens->bands, lens->bands_count, score) + kind / 2] += real(probability);
    predicted[2 * (EVALUATE_BANDS + group) + kind / 2] += real(probability);
    if (given->bins) stability[profile_bin(given->edges, given->edges_count, score) * CASE_KINDS + kind]++;
}

static struct result add_drift(const struct pass *pass, const struct block *block, uint64_t i, __int128 *values)
{
    __int128 *counts = values_of(pass, EVALUATE_DRIFT, values);
    for (size_t m = 0; m < models_of(pass->evaluate); m++) {
        const struct evaluate_given *given = &pass->evaluate->given[m];
        for (size_t f = 0; f < given->model.features_count; f++) {
            size_t cell;
            if (!given->model.features[f].training) continue;
            TRY(model_cell(&given->model, &pass->lenses[m].view, f, block->begin + i, &cell));
            counts[2 * (given->drifts[f] + cell) + block->kinds[i] / 2]++;
        }
        counts += 2 * given->drifts_count;
    }
    return RESULT_OK;
}

static struct result add_tables(const struct pass *pass, const struct block *block, __int128 *values)
{
    const struct lens *lenses = pass->lenses;
    for (uint64_t i = 0; i < block->count; i++) {
        size_t group;
        TRY(evaluate_group(pass->evaluate, pass->table, block->begin + i, &group));
        values_of(pass, EVALUATE_GROUPS, values)[group * CASE_KINDS + block->kinds[i]]++;
        TRY(add_drift(pass, block, i, values));
        for (size_t m = 0; m < models_of(pass->evaluate); m++) add_model_tables(pass, m, block, i, group, values);
        if (models_of(pass->evaluate) < 2) continue;
        size_t first = profile_bin(lenses[0].joint, lenses[0].joint_count, block->score[0][i]);
        size_t second = profile_bin(lenses[1].joint, lenses[1].joint_count, block->score[1][i]);
        values_of(pass, EVALUATE_JOINT_BANDS,
                  values)[(first * EVALUATE_JOINT + second) * CASE_KINDS + block->kinds[i]]++;
    }
    return RESULT_OK;
}

static struct result add_block(const struct pass *pass, struct block *block, __int128 *values)
{
    const struct evaluate *evaluate = pass->evaluate;
    TRY(cases_classify(evaluate->plan, pass->table, block->begin, block->begin + block->count, block->kinds));
    for (size_t m = 0; m < models_of(evaluate); m++)
        TRY(model_score(&evaluate->given[m].model, &pass->lenses[m].view, block->begin, block->count, block->score[m],
                        block->probability[m]));
    if (evaluate->stage == EVALUATE_TABLES) return add_tables(pass, block, values);
    if (evaluate->stage == EVALUATE_SCORES)
        add_scores(pass, block, values);
    else
        add_curves(pass, block, values);
    return RESULT_OK;
}

static struct result body(const void *context, uint64_t begin, uint64_t end, __int128 *values)
{
    const struct pass *pass = context;
    struct block *block = calloc(1, sizeof *block);
    struct result result = RESULT_OK;
    ENSURE(block, CATEGORY_ENVIRONMENT, "out of memory for a block of rows");
    for (block->begin = begin; block->begin < end && result_ok(result); block->begin += SWEEP_BLOCK) {
        block->count = end - block->begin < SWEEP_BLOCK ? end - block->begin : SWEEP_BLOCK;
        result = add_block(pass, block, values);
    }
    free(block);
    return result;
}

struct result evaluate_contribute(const struct evaluate *evaluate, const struct table *table, unsigned threads,
                                  uint64_t *words)
{
    struct layout layout;
    TRY(evaluate_layout(evaluate, &layout));
    CLEANUP(pass_done) struct pass pass = {.evaluate = evaluate, .table = table, .layout = &layout};
    for (size_t m = 0; m < models_of(evaluate); m++) TRY(make_lens(evaluate, table, m, &pass.lenses[m]));
    return sweep_run(&(struct sweep){&layout, table->rows, body, &pass}, threads, words);
}

/* ---- what the sums tell */

static struct result take_scores(struct evaluate *evaluate, const struct sum *sum)
{
    uint64_t most = evaluate->plan->rows * MEMBERS_MAX, all = 0;
    for (size_t k = 0; k < CASE_KINDS; k++) {
        TRY(sum_count(sum, EVALUATE_CASES, k, most, &evaluate->cases[k]));
        all += evaluate->cases[k];
    }
    ENSURE(all > 0, CATEGORY_USAGE, "no bank has a row to evaluate");
    for (size_t m = 0; m < models_of(evaluate); m++) {
        struct evaluate_model *model = &evaluate->models[m];
        double power = evaluate_power(evaluate, m);
        double mean = sum_real(sum, EVALUATE_SCORE, 2 * m) / (double)all,
               square = sum_real(sum, EVALUATE_SCORE, 2 * m + 1) / (double)all;
        ENSURE(fabs(mean) <= 1 && square >= 0 && square <= 1 && mean * mean <= square + 0x1p-40, CATEGORY_FALSE,
               "the spread of the scores is impossible; the sum is not a true one");
        model->mean = mean * power;
        model->deviation = square > mean * mean ? sqrt(square - mean * mean) * power : 0;
        for (size_t set = 0; set < 2; set++) {
            double rows = (double)(evaluate->cases[2 * set] + evaluate->cases[2 * set + 1]);
            model->log_loss[set] = sum_real(sum, EVALUATE_LOG_LOSS, 2 * m + set) * power;
            model->squared_error[set] = sum_real(sum, EVALUATE_SQUARED_ERROR, 2 * m + set);
            ENSURE(model->log_loss[set] >= 0 && model->squared_error[set] >= 0 && model->squared_error[set] <= rows,
                   CATEGORY_FALSE, "the losses are impossible; the sum is not a true one");
        }
        curve_start(&model->curve, evaluate->cases, model->mean, model->deviation);
    }
    evaluate->stage = EVALUATE_CURVE;
    return RESULT_OK;
}

static struct result take_curves(struct evaluate *evaluate, const struct sum *sum)
{
    uint64_t at = 0;
    bool more = false;
    for (size_t m = 0; m < models_of(evaluate); m++) {
        struct curve *curve = &evaluate->models[m].curve;
        uint64_t counts[CURVE_STEP + 1][CASE_KINDS];
        if (!curve->asked) continue;
        for (size_t b = 0; b <= curve->asked; b++)
            for (size_t k = 0; k < CASE_KINDS; k++)
                TRY(sum_count(sum, EVALUATE_SCORE_COUNTS, at + b * CASE_KINDS + k, evaluate->cases[k], &counts[b][k]));
        at += asked_of(curve);
        TRY(curve_take(curve, (const uint64_t(*)[CASE_KINDS])counts));
        more = curve_refine(curve) || more;
    }
    if (!more) evaluate->stage = EVALUATE_TABLES;
    return RESULT_OK;
}

/* Counts by kind that together are all cases. */
static struct result take_partition(const struct evaluate *evaluate, const struct sum *sum, size_t field, uint64_t at,
                                    uint64_t cells, uint64_t *ret)
{
    uint64_t totals[CASE_KINDS] = {0};
    for (uint64_t c = 0; c < cells; c++)
        for (size_t k = 0; k < CASE_KINDS; k++) {
            TRY(sum_count(sum, field, at + c * CASE_KINDS + k, evaluate->cases[k], &ret[c * CASE_KINDS + k]));
            totals[k] += ret[c * CASE_KINDS + k];
        }
    ENSURE(cells == 0 || memcmp(totals, evaluate->cases, sizeof totals) == 0, CATEGORY_FALSE,
           "a table does not hold as many cases as there are; the sum is not a true one");
    return RESULT_OK;
}

/* Each feature's cells hold all rows of a set. */
static struct result take_drift(struct evaluate *evaluate, size_t m, uint64_t at, const struct sum *sum)
{
    const struct evaluate_given *given = &evaluate->given[m];
    uint64_t *into = evaluate->models[m].drift;
    for (size_t f = 0; f < given->model.features_count; f++)
        for (size_t set = 0; set < 2 && given->model.features[f].training; set++) {
            uint64_t rows = evaluate->cases[2 * set] + evaluate->cases[2 * set + 1], all = 0;
            for (size_t c = 0; c < given->model.features[f].cells_count; c++) {
                size_t cell = 2 * (given->drifts[f] + c) + set;
                TRY(sum_count(sum, EVALUATE_DRIFT, at + cell, rows, &into[cell]));
                all += into[cell];
            }
            ENSURE(all == rows, CATEGORY_FALSE,
                   "the cells of %s do not hold as many rows as there are; the sum is not a true one",
                   given->model.specs[f].name);
        }
    return RESULT_OK;
}

static struct result take_tables(struct evaluate *evaluate, const struct sum *sum)
{
    size_t groups = evaluate->groups_count, cutoffs = evaluate->plan->cutoffs_count * groups * CASE_KINDS;
    uint64_t stability = 0;
    TRY(take_partition(evaluate, sum, EVALUATE_GROUPS, 0, groups, evaluate->groups));
    for (size_t m = 0; m < models_of(evaluate); m++) {
        struct evaluate_model *model = &evaluate->models[m];
        for (size_t c = 0; c < cutoffs; c++) {
            uint64_t most = c < groups * CASE_KINDS ? evaluate->groups[c] : model->cutoffs[c - groups * CASE_KINDS];
            TRY(sum_count(sum, EVALUATE_CUTOFFS, m * cutoffs + c, most, &model->cutoffs[c]));
        }
        for (size_t p = 0; p < 2 * (EVALUATE_BANDS + groups); p++) {
            double rows = (double)(evaluate->cases[2 * (p % 2)] + evaluate->cases[2 * (p % 2) + 1]);
            model->predicted[p] = sum_real(sum, EVALUATE_PREDICTED, m * 2 * (EVALUATE_BANDS + groups) + p);
            ENSURE(model->predicted[p] >= 0 && model->predicted[p] <= rows, CATEGORY_FALSE,
                   "the predictions are impossible; the sum is not a true one");
        }
        TRY(take_partition(evaluate, sum, EVALUATE_STABILITY, stability, evaluate->given[m].bins, model->stability));
        stability += evaluate->given[m].bins * CASE_KINDS;
        TRY(take_drift(evaluate, m, m ? 2 * evaluate->given[0].drifts_count : 0, sum));
    }
    if (models_of(evaluate) > 1)
        TRY(take_partition(evaluate, sum, EVALUATE_JOINT_BANDS, 0, EVALUATE_JOINT * EVALUATE_JOINT, evaluate->joint));
    evaluate->stage = EVALUATE_FINISHED;
    return RESULT_OK;
}

struct result evaluate_advance(struct evaluate *evaluate, const struct sum *sum)
{
    switch (evaluate->stage) {
    case EVALUATE_SCORES:
        return take_scores(evaluate, sum);
    case EVALUATE_CURVE:
        return take_curves(evaluate, sum);
    case EVALUATE_TABLES:
        return take_tables(evaluate, sum);
    default:
        return FAIL(CATEGORY_BUG, "the evaluation is finished and takes no further sum");
    }
}
