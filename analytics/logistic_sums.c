/* The sums over a bank's rows that need scores: products of columns, likelihood and gradient, losses, histograms. */
#include <math.h>
#include <stdlib.h>

#include "analytics/elementary.h"
#include "analytics/logistic_design.h"
#include "analytics/logistic_sums.h"
#include "analytics/profile.h"
#include "analytics/sweep.h"

/* A column is at most 1, a weight at most 1/4, so a record's integers are at most 2^50 (gradient), 2^51 (Hessian at
 * full resolution), 2^60 (unweighted products) and 2^28 (Hessian on the grid). */
enum {
    PRODUCT_BITS = 60,
    HESSIAN_BITS = 53,
    GRADIENT_BITS = 50,
    GRID_HESSIAN_BITS = 2 * LOGISTIC_GRID_BITS + LOGISTIC_GRID_WEIGHT_BITS,
};
/* Bounds further than 2^this standard deviations leave the grid too coarse. */
enum { GRID_EXPONENT_MOST = 9 };

bool logistic_grid_suits(const struct logistic *state)
{
    for (size_t t = 1; t < state->active_count; t++)
        if (logistic_exponent(state, state->active[t]) > GRID_EXPONENT_MOST) return false;
    return true;
}

static struct result add_hessian(const struct logistic *state, struct layout *layout)
{
    struct layout_field field = {.name = "hessian", .length = terms_pairs(state->active_count), .words = 2};
    if (state->stage == LOGISTIC_GRAM) {
        field.name = "products";
        field.fraction_bits = PRODUCT_BITS;
        field.bound = layout_bound(1, PRODUCT_BITS);
    } else if (state->stage == LOGISTIC_INFERENCE || state->fine) {
        field.fraction_bits = HESSIAN_BITS;
        field.bound = layout_bound(0.25, HESSIAN_BITS);
    } else {
        field.fraction_bits = GRID_HESSIAN_BITS;
        field.bound = layout_bound(0.25, GRID_HESSIAN_BITS);
        field.words = 1;
        struct layout alone = {.fields = {field}, .fields_count = 1};
        if (!result_ok(layout_prove(&alone, state->plan->rows))) field.words = 2;
    }
    return layout_add(layout, field);
}

/* A field of real numbers up to 1. */
static struct result add_reals(struct layout *layout, const char *name, uint64_t length)
{
    return layout_add(layout, layout_exact(name, length, layout_bound(1, GRADIENT_BITS), GRADIENT_BITS, 2));
}

struct result logistic_newton_layout(const struct logistic *state, struct layout *ret)
{
    struct layout layout = {0};
    TRY(add_hessian(state, &layout));
    TRY(add_reals(&layout, "gradient", state->active_count));
    if (state->stage == LOGISTIC_NEWTON) {
        TRY(add_reals(&layout, "likelihood", 1));
        TRY(add_reals(&layout, "scores", 2));
        if (state->path) TRY(add_reals(&layout, "held-out likelihood", 1));
    }
    *ret = layout;
    return RESULT_OK;
}

struct result logistic_score_layout(const struct logistic *state, struct layout *ret)
{
    struct layout layout = {0};
    uint64_t bins = ((uint64_t)state->curve.asked + 1) * CASE_KINDS;
    TRY(layout_add(&layout, layout_exact("score counts", bins, 1, 0, 1)));
    if (state->stage == LOGISTIC_INFERENCE) {
        TRY(add_hessian(state, &layout));
        TRY(add_reals(&layout, "log loss", 2));
        TRY(add_reals(&layout, "squared error", 2));
        uint64_t numbers = 0;
        for (size_t f = 0; f < state->plan->features_count; f++)
            numbers += state->plan->features[f].kind == PLAN_NUMBER;
        TRY(layout_add(&layout, layout_exact("bins", numbers * LOGISTIC_BINS, 1, 0, 1)));
    }
    *ret = layout;
    return RESULT_OK;
}

/* What one thread needs besides the block. */
struct pass {
    const struct logistic *state;
    const struct layout *layout;
    struct design design;
    struct gram *gram; /* for the Hessian on the grid */
    struct logistic_weights weights;
    double likelihood_scale, score_scale;
    __int128 *values;
    double weight[GRAM_ROWS], column[GRAM_ROWS];
};

static void pass_done(struct pass *pass)
{
    design_done(&pass->design);
    gram_free(pass->gram);
}

static struct result pass_init(const struct logistic *state, const struct table *table, const struct layout *layout,
                               struct pass *ret)
{
    int score = 0, likelihood = 0;
    TRY(logistic_score_exponents(state, &score, &likelihood));
    ret->state = state;
    ret->layout = layout;
    ret->weights = logistic_weights_of(state);
    ret->score_scale = design_power(-score);
    ret->likelihood_scale = design_power(-likelihood);
    if (state->stage == LOGISTIC_NEWTON && !state->fine) {
        double *grid = malloc(state->active_count * sizeof *grid);
        ENSURE(grid, CATEGORY_ENVIRONMENT, "out of memory for the columns' grids");
        for (size_t t = 0; t < state->active_count; t++) grid[t] = design_power(LOGISTIC_GRID_BITS);
        struct result result =
            gram_new(path_best(), state->active_count, grid, design_power(LOGISTIC_GRID_WEIGHT_BITS), &ret->gram);
        free(grid);
        TRY(result);
    }
    return design_init(state, table, &ret->design);
}

static __int128 *field_values(const struct pass *pass, size_t field)
{
    return pass->values + sweep_offset(pass->layout, field);
}

/* Unweighted products of the columns over training rows. */
static void add_products(struct pass *pass, __int128 *sums)
{
    struct design *design = &pass->design;
    const double scale = design_power(PRODUCT_BITS);
    for (size_t i = 0; i < design->terms; i++) {
        const double *xi = design->x + i * GRAM_ROWS;
        for (size_t r = 0; r < design->rows; r++) pass->column[r] = pass->weight[r] * xi[r];
        for (size_t j = i; j < design->terms; j++) {
            const double *xj = design->x + j * GRAM_ROWS;
            __int128 sum = 0;
            for (size_t r = 0; r < design->rows; r++) sum += sweep_round_wide(pass->column[r] * xj[r] * scale);
            sums[terms_pair(design->terms, i, j)] += sum;
        }
    }
}

static bool add_fine_hessian(struct pass *pass, __int128 *sums)
{
    struct design *design = &pass->design;
    bool fits = true;
    for (size_t i = 0; i < design->terms; i++) {
        const double *xi = design->x + i * GRAM_ROWS;
        for (size_t r = 0; r < design->rows; r++) pass->column[r] = pass->weight[r] * xi[r];
        fits = gram_project(design->path, xi, design->terms - i, pass->column, design_power(HESSIAN_BITS), design->rows,
                            sums + terms_pair(design->terms, i, i)) &&
               fits;
    }
    return fits;
}

static bool total(const struct pass *pass, const double *values, double scale, __int128 *sum)
{
    return gram_total(pass->design.path, values, scale, pass->design.rows, sum);
}

/* Weights p(1 - p) of training rows; held-out rows weigh nothing. */
static void weigh(struct pass *pass)
{
    const struct design *design = &pass->design;
    bool unit = pass->state->stage == LOGISTIC_GRAM;
    for (size_t r = 0; r < design->rows; r++) {
        double share = pass->weights.share[design->kinds[r] & 1];
        double weight = unit ? 1 : design->probability[r] * (1 - design->probability[r]) * share;
        pass->weight[r] = design->kinds[r] < CASE_HELD_NEGATIVE ? weight : 0;
    }
}

/* Zero for held-out rows, so that one pass over the block serves. */
static void train_only(const struct design *design, double *values)
{
    for (size_t r = 0; r < design->rows; r++) values[r] = design->kinds[r] < CASE_HELD_NEGATIVE ? values[r] : 0;
}

static void weigh_class(const struct pass *pass, double *values)
{
    if (!logistic_weighted(pass->state->plan)) return;
    for (size_t r = 0; r < pass->design.rows; r++) values[r] *= pass->weights.share[pass->design.kinds[r] & 1];
}

static bool add_held(struct pass *pass)
{
    const struct design *design = &pass->design;
    for (size_t r = 0; r < design->rows; r++)
        pass->column[r] = design->kinds[r] < CASE_HELD_NEGATIVE ? 0 : design->likelihood[r];
    return total(pass, pass->column, design_power(GRADIENT_BITS) * pass->likelihood_scale,
                 field_values(pass, NEWTON_HELD));
}

static struct result add_newton(struct pass *pass)
{
    struct design *design = &pass->design;
    const double bits = design_power(GRADIENT_BITS);
    bool fits = true;
    weigh(pass);
    if (pass->state->stage == LOGISTIC_GRAM)
        add_products(pass, field_values(pass, NEWTON_HESSIAN));
    else if (pass->state->fine)
        fits = add_fine_hessian(pass, field_values(pass, NEWTON_HESSIAN));
    else
        fits = gram_add(pass->gram, design->x, pass->weight, design->rows);
    weigh_class(pass, design->residual);
    train_only(design, design->residual);
    fits = gram_project(design->path, design->x, design->terms, design->residual, bits, design->rows,
                        field_values(pass, NEWTON_GRADIENT)) &&
           fits;
    if (pass->state->stage == LOGISTIC_NEWTON) {
        weigh_class(pass, design->likelihood);
        if (pass->state->path) fits = add_held(pass) && fits;
        train_only(design, design->likelihood);
        fits = total(pass, design->likelihood, bits * pass->likelihood_scale, field_values(pass, NEWTON_LIKELIHOOD)) &&
               fits;
        for (size_t r = 0; r < design->rows; r++) design->score[r] *= pass->score_scale;
        train_only(design, design->score);
        fits = total(pass, design->score, bits, field_values(pass, NEWTON_SCORES)) && fits;
        for (size_t r = 0; r < design->rows; r++) design->score[r] *= design->score[r];
        fits = total(pass, design->score, bits, field_values(pass, NEWTON_SCORES) + 1) && fits;
    }
    ENSURE(fits, CATEGORY_BUG, "a record's integer passes the bound of its layout");
    return RESULT_OK;
}

static bool add_losses(struct pass *pass)
{
    struct design *design = &pass->design;
    const double bits = design_power(GRADIENT_BITS);
    bool fits = true;
    for (size_t set = 0; set < 2; set++) {
        for (size_t r = 0; r < design->rows; r++)
            pass->column[r] = (size_t)(design->kinds[r] >> 1) == set ? -design->likelihood[r] : 0;
        fits =
            total(pass, pass->column, bits * pass->likelihood_scale, field_values(pass, SCORE_LOG_LOSS) + set) && fits;
        for (size_t r = 0; r < design->rows; r++)
            pass->column[r] = (size_t)(design->kinds[r] >> 1) == set ? design->residual[r] * design->residual[r] : 0;
        fits = total(pass, pass->column, bits, field_values(pass, SCORE_SQUARED_ERROR) + set) && fits;
    }
    return fits;
}

void logistic_bins_add(const struct logistic *state, const struct design *design, __int128 *counts)
{
    for (size_t f = 0; f < state->plan->features_count; f++) {
        if (state->plan->features[f].kind != PLAN_NUMBER) continue;
        const double *values = design->table->columns[f].numbers + design->begin;
        double edges[LOGISTIC_BINS - 1];
        size_t edges_count = logistic_bin_edges(state, f, edges);
        for (size_t r = 0; r < design->rows; r++)
            if (design->kinds[r] < CASE_HELD_NEGATIVE && !isnan(values[r]))
                counts[profile_bin(edges, edges_count, values[r])]++;
        counts += LOGISTIC_BINS;
    }
}

static struct result add_scores(struct pass *pass)
{
    struct design *design = &pass->design;
    for (size_t r = 0; r < design->rows; r++) {
        size_t bin = curve_bin(&pass->state->curve, design->score[r]);
        field_values(pass, SCORE_COUNTS)[bin * CASE_KINDS + design->kinds[r]]++;
    }
    if (pass->state->stage != LOGISTIC_INFERENCE) return RESULT_OK;
    weigh(pass);
    bool fits = add_fine_hessian(pass, field_values(pass, SCORE_HESSIAN));
    fits = add_losses(pass) && fits;
    logistic_bins_add(pass->state, design, field_values(pass, SCORE_BINS));
    ENSURE(fits, CATEGORY_BUG, "a record's integer passes the bound of its layout");
    return RESULT_OK;
}

struct source {
    const struct logistic *state;
    const struct table *table;
    const struct layout *layout;
    struct result (*add)(struct pass *pass);
};

static struct result run_blocks(const struct source *source, struct pass *pass, uint64_t begin, uint64_t end)
{
    for (uint64_t at = begin; at < end; at += GRAM_ROWS) {
        TRY(design_load(&pass->design, at, (size_t)(end - at < GRAM_ROWS ? end - at : GRAM_ROWS)));
        TRY(source->add(pass));
    }
    if (!pass->gram) return RESULT_OK;
    __int128 *sums = field_values(pass, NEWTON_HESSIAN);
    for (size_t i = 0; i < pass->design.terms; i++)
        for (size_t j = i; j < pass->design.terms; j++)
            sums[terms_pair(pass->design.terms, i, j)] = gram_sum(pass->gram, i, j);
    return RESULT_OK;
}

static struct result body(const void *context, uint64_t begin, uint64_t end, __int128 *values)
{
    const struct source *source = context;
    struct pass *pass = calloc(1, sizeof *pass);
    ENSURE(pass, CATEGORY_ENVIRONMENT, "out of memory for a block of rows");
    pass->values = values;
    struct result result = pass_init(source->state, source->table, source->layout, pass);
    if (result_ok(result)) result = run_blocks(source, pass, begin, end);
    pass_done(pass);
    free(pass);
    return result;
}

struct result logistic_newton_contribute(const struct logistic *state, const struct table *table, unsigned threads,
                                         uint64_t *words)
{
    struct layout layout;
    TRY(logistic_newton_layout(state, &layout));
    struct source source = {state, table, &layout, add_newton};
    return sweep_run(&(struct sweep){&layout, table->rows, body, &source}, threads, words);
}

struct result logistic_score_contribute(const struct logistic *state, const struct table *table, unsigned threads,
                                        uint64_t *words)
{
    struct layout layout;
    TRY(logistic_score_layout(state, &layout));
    struct source source = {state, table, &layout, add_scores};
    return sweep_run(&(struct sweep){&layout, table->rows, body, &source}, threads, words);
}
