/* The sums over a bank's rows under differential privacy. No row moves one by more than its layout says: rows are
 * weighted by their length before anything is added. */
#include <math.h>
#include <stdlib.h>

#include "analytics/logistic_design.h"
#include "analytics/logistic_private.h"
#include "analytics/sweep.h"

struct pass {
    const struct logistic *state;
    const struct layout *layout;
    struct design design;
    struct logistic_axis *axes;
    double clip; /* C² */
    __int128 *values;
    double weight[GRAM_ROWS], factor[GRAM_ROWS];
};

struct source {
    const struct logistic *state;
    const struct table *table;
    const struct layout *layout;
    struct result (*add)(struct pass *pass);
};

struct logistic_axis logistic_private_axis(const struct logistic *state, size_t term)
{
    const struct term *of = &state->terms.items[term];
    if (of->kind != TERM_LEVEL) return (struct logistic_axis){design_power(logistic_exponent(state, term)), 0};
    const uint64_t *rows = state->levels[state->level_at[of->feature] + of->level];
    return (struct logistic_axis){2, (double)(rows[0] + rows[1]) / (double)logistic_train_rows(state)};
}

static void pass_done(struct pass *pass)
{
    design_done(&pass->design);
    free(pass->axes);
}

static struct result pass_init(const struct source *source, __int128 *values, struct pass *ret)
{
    const struct logistic *state = source->state;
    ret->state = state;
    ret->layout = source->layout;
    ret->values = values;
    ret->clip = logistic_private_clip(state->plan);
    ret->axes = calloc(state->active_count, sizeof *ret->axes);
    ENSURE(ret->axes, CATEGORY_ENVIRONMENT, "out of memory for %zu columns", state->active_count);
    for (size_t t = 0; t < state->active_count; t++) ret->axes[t] = logistic_private_axis(state, state->active[t]);
    return design_init(state, source->table, &ret->design);
}

static __int128 *field_values(const struct pass *pass, size_t field)
{
    return pass->values + sweep_offset(pass->layout, field);
}

static double scale_of(const struct pass *pass, size_t field)
{
    return design_power(pass->layout->fields[field].fraction_bits);
}

/* The design's columns become u; the weight of each training row is at most C²/‖u‖². */
static void weigh(struct pass *pass)
{
    struct design *design = &pass->design;
    for (size_t r = 0; r < design->rows; r++) pass->weight[r] = 0;
    for (size_t t = 0; t < design->terms; t++) {
        double *x = design->x + t * GRAM_ROWS, scale = pass->axes[t].scale, center = pass->axes[t].center;
        for (size_t r = 0; r < design->rows; r++) {
            x[r] = scale * (x[r] - center);
            pass->weight[r] += x[r] * x[r];
        }
    }
    for (size_t r = 0; r < design->rows; r++) {
        double length = pass->weight[r];
        pass->weight[r] = length > pass->clip ? pass->clip / length : 1;
        if (design->kinds[r] >= CASE_HELD_NEGATIVE) pass->weight[r] = 0;
    }
}

/* The next block finds the intercept's column as design_init left it. */
static void restore(struct pass *pass)
{
    for (size_t r = 0; r < GRAM_ROWS; r++) pass->design.x[r] = 1;
}

/* Σ weight · u_i · u_j, in units of C², off the diagonal times √2; factor holds weights, and is overwritten. */
static bool add_matrix(struct pass *pass, const double *weight, __int128 *sums)
{
    struct design *design = &pass->design;
    const double scale = scale_of(pass, NEWTON_HESSIAN), root = sqrt(2);
    size_t count = design->terms;
    bool fits = true;
    for (size_t i = 0; i < count; i++) {
        const double *u = design->x + i * GRAM_ROWS;
        __int128 *row = sums + terms_pair(count, i, i);
        for (size_t r = 0; r < design->rows; r++) pass->factor[r] = weight[r] * u[r] / pass->clip;
        fits = gram_project(design->path, u, 1, pass->factor, scale, design->rows, row) && fits;
        if (i + 1 == count) break;
        for (size_t r = 0; r < design->rows; r++) pass->factor[r] *= root;
        fits = gram_project(design->path, u + GRAM_ROWS, count - i - 1, pass->factor, scale, design->rows, row + 1) &&
               fits;
    }
    return fits;
}

static struct result add_newton(struct pass *pass)
{
    struct design *design = &pass->design;
    double reach = sqrt(pass->clip), *curved = design->tail; /* which the model's sums do not need here */
    weigh(pass);
    for (size_t r = 0; r < design->rows; r++) {
        double p = design->probability[r];
        curved[r] = pass->weight[r] * (pass->state->stage == LOGISTIC_GRAM ? 1 : p * (1 - p));
        design->residual[r] *= pass->weight[r] / reach;
    }
    bool fits = true;
    if (pass->layout->fields[NEWTON_HESSIAN].length > 0)
        fits = add_matrix(pass, curved, field_values(pass, NEWTON_HESSIAN));
    fits = gram_project(design->path, design->x, design->terms, design->residual, scale_of(pass, NEWTON_GRADIENT),
                        design->rows, field_values(pass, NEWTON_GRADIENT)) &&
           fits;
    restore(pass);
    ENSURE(fits, CATEGORY_BUG, "a record's integer passes the bound of its layout");
    return RESULT_OK;
}

static struct result add_scores(struct pass *pass)
{
    struct design *design = &pass->design;
    for (size_t r = 0; r < design->rows; r++) {
        size_t bin = curve_bin(&pass->state->curve, design->score[r]);
        field_values(pass, PRIVATE_SCORE_COUNTS)[bin * CASE_KINDS + design->kinds[r]]++;
    }
    if (pass->layout->fields[PRIVATE_SCORE_BINS].length > 0)
        logistic_bins_add(pass->state, design, field_values(pass, PRIVATE_SCORE_BINS));
    return RESULT_OK;
}

static struct result body(const void *context, uint64_t begin, uint64_t end, __int128 *values)
{
    const struct source *source = context;
    struct pass *pass = calloc(1, sizeof *pass);
    ENSURE(pass, CATEGORY_ENVIRONMENT, "out of memory for a block of rows");
    struct result result = pass_init(source, values, pass);
    for (uint64_t at = begin; at < end && result_ok(result); at += GRAM_ROWS) {
        result = design_load(&pass->design, at, (size_t)(end - at < GRAM_ROWS ? end - at : GRAM_ROWS));
        if (result_ok(result)) result = source->add(pass);
    }
    pass_done(pass);
    free(pass);
    return result;
}

struct result logistic_private_newton_contribute(const struct logistic *state, const struct table *table,
                                                 unsigned threads, uint64_t *words)
{
    struct layout layout;
    TRY(logistic_private_newton_layout(state, &layout));
    struct source source = {state, table, &layout, add_newton};
    return sweep_run(&(struct sweep){&layout, table->rows, body, &source}, threads, words);
}

struct result logistic_private_score_contribute(const struct logistic *state, const struct table *table,
                                                unsigned threads, uint64_t *words)
{
    struct layout layout;
    TRY(logistic_private_score_layout(state, &layout));
    struct source source = {state, table, &layout, add_scores};
    return sweep_run(&(struct sweep){&layout, table->rows, body, &source}, threads, words);
}
