#include "analytics/logistic_design.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/elementary.h"
#include "analytics/logistic_sums.h"

/* Scores past 2^this make no sense and would leave the sums no bits. */
enum { SCORE_EXPONENT_MOST = 30 };

double design_power(int exponent)
{
    uint64_t bits = (uint64_t)(1023 + exponent) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void design_done(struct design *design)
{
    free(design->slopes);
    free(design->x);
    design->slopes = design->x = NULL;
}

struct result design_init(const struct logistic *state, const struct table *table, struct design *ret)
{
    *ret = (struct design){.state = state, .table = table, .path = path_best(), .terms = state->active_count};
    ret->slopes = calloc(ret->terms, sizeof *ret->slopes);
    ret->x = calloc(ret->terms * GRAM_ROWS, sizeof *ret->x);
    if (!ret->slopes || !ret->x) {
        design_done(ret);
        return FAIL(CATEGORY_ENVIRONMENT, "out of memory for a block of %zu columns", ret->terms);
    }
    for (size_t t = 0; t < ret->terms; t++)
        ret->slopes[t] = state->beta[state->active[t]] * design_power(logistic_exponent(state, state->active[t]));
    for (size_t r = 0; r < GRAM_ROWS; r++) ret->x[r] = 1;
    return RESULT_OK;
}

/* (value, or fill for a missing one, minus mean) times scale: written once, compiled for each path; the build lets the
 * compiler vectorise this file, and no value meets another. */
static inline __attribute__((always_inline)) void standardise_body(const double *restrict values, size_t rows,
                                                                   const double of[3], double *restrict x)
{
    double fill = of[0], mean = of[1], scale = of[2];
    for (size_t r = 0; r < rows; r++) {
        double value = values[r];
        value = value == value ? value : fill; /* only a NaN differs from itself */
        x[r] = (value - mean) * scale;
    }
}

static void standardise_portable(const double *values, size_t rows, const double of[3], double *x)
{
    standardise_body(values, rows, of, x);
}
#if defined(__x86_64__)
PATH_TARGET_AVX2 static void standardise_avx2(const double *values, size_t rows, const double of[3], double *x)
{
    standardise_body(values, rows, of, x);
}
PATH_TARGET_AVX512 static void standardise_avx512(const double *values, size_t rows, const double of[3], double *x)
{
    standardise_body(values, rows, of, x);
}
#endif

static void standardise(enum path path, const double *values, size_t rows, const double of[3], double *x)
{
#if defined(__x86_64__)
    if (path == PATH_AVX2) {
        standardise_avx2(values, rows, of, x);
        return;
    }
    if (path == PATH_AVX512) {
        standardise_avx512(values, rows, of, x);
        return;
    }
#endif
    (void)path;
    standardise_portable(values, rows, of, x);
}

static void load_number(struct design *design, size_t f, uint64_t begin, double *x)
{
    const struct logistic_feature *feature = &design->state->features[f];
    const double of[3] = {feature->fill, feature->mean, feature->inverse * design_power(-(int)feature->exponent)};
    standardise(design->path, design->table->columns[f].numbers + begin, design->rows, of, x);
}

/* The level of a code; as many as there are levels for one that the plan refuses. */
static size_t level_of(const struct plan_feature *feature, uint16_t code)
{
    size_t levels = plan_feature_levels(feature);
    if (code == CODE_MISSING) return feature->level_missing ? feature->levels_count : levels;
    if (code == CODE_OTHER) return feature->level_other ? levels - 1 : levels;
    return code;
}

static struct result load_category(struct design *design, size_t f, uint64_t begin)
{
    const struct logistic *state = design->state;
    const struct plan_feature *feature = &state->plan->features[f];
    const uint16_t *codes = design->table->columns[f].codes + begin;
    size_t levels = plan_feature_levels(feature);
    for (size_t level = 0; level < levels; level++) {
        uint32_t term = terms_of_level(&state->terms, f, level);
        if (term == TERM_NONE || state->place[term] == TERM_NONE) continue;
        memset(design->x + state->place[term] * GRAM_ROWS, 0, design->rows * sizeof *design->x);
    }
    for (size_t r = 0; r < design->rows; r++) {
        size_t level = level_of(feature, codes[r]);
        ENSURE(level < levels, CATEGORY_BUG, "the table holds a value of %s that the plan refuses", feature->name);
        uint32_t term = terms_of_level(&state->terms, f, level);
        if (term != TERM_NONE && state->place[term] != TERM_NONE) design->x[state->place[term] * GRAM_ROWS + r] = 1;
    }
    return RESULT_OK;
}

/* The column of a number or of a level, kept or not. */
static const double *part_of(struct design *design, size_t f, size_t level, uint64_t begin, double *room)
{
    const struct logistic *state = design->state;
    const struct plan_feature *feature = &state->plan->features[f];
    bool number = feature->kind == PLAN_NUMBER;
    size_t term = number ? state->terms.first[f] : terms_of_level(&state->terms, f, level);
    if (state->place[term] != TERM_NONE) return design->x + state->place[term] * GRAM_ROWS;
    if (number)
        load_number(design, f, begin, room);
    else
        for (size_t r = 0; r < design->rows; r++)
            room[r] = level_of(feature, design->table->columns[f].codes[begin + r]) == level ? 1 : 0;
    return room;
}

static void load_derived(struct design *design, const struct term *term, uint64_t begin, double *x)
{
    const struct plan_derived *derived = &design->state->plan->derived[term->feature];
    const struct logistic_feature *feature = &design->state->features[derived->feature];
    const double *a = part_of(design, derived->feature, term->level, begin, design->part[0]);
    if (term->kind == TERM_PRODUCT) {
        const double *b = part_of(design, derived->with, term->with_level, begin, design->part[1]);
        for (size_t r = 0; r < design->rows; r++) x[r] = a[r] * b[r];
        return;
    }
    double knot = (derived->knot - feature->mean) * (feature->inverse * design_power(-(int)feature->exponent));
    for (size_t r = 0; r < design->rows; r++) x[r] = a[r] > knot ? (a[r] - knot) * 0.5 : 0;
}

struct result design_load(struct design *design, uint64_t begin, size_t rows)
{
    const struct plan *plan = design->state->plan;
    design->begin = begin;
    design->rows = rows;
    TRY(cases_classify(plan, design->table, begin, begin + rows, design->kinds));
    for (size_t f = 0; f < plan->features_count; f++) {
        uint32_t place = design->state->place[design->state->terms.first[f]];
        if (plan->features[f].kind == PLAN_CATEGORY) {
            TRY(load_category(design, f, begin));
        } else if (place != TERM_NONE) {
            load_number(design, f, begin, design->x + place * GRAM_ROWS);
        }
    }
    for (size_t t = 0; t < design->terms; t++) {
        const struct term *term = &design->state->terms.items[design->state->active[t]];
        if (term->kind >= TERM_HINGE) load_derived(design, term, begin, design->x + t * GRAM_ROWS);
    }
    gram_scores(design->path, design->x, design->terms, design->slopes, rows, design->score);
    elementary_logistic(design->path, design->score, rows, design->probability, design->tail);
    for (size_t r = 0; r < rows; r++) {
        double score = design->score[r], wrong = design->kinds[r] & 1 ? -score : score; /* odd kinds are positive */
        design->residual[r] = (design->kinds[r] & 1 ? 1.0 : 0.0) - design->probability[r];
        design->likelihood[r] = -(design->tail[r] + (wrong > 0 ? wrong : 0));
    }
    return RESULT_OK;
}

struct result logistic_score_exponents(const struct logistic *state, int *ret_score, int *ret_likelihood)
{
    double reach = 0; /* a row has one level of a category, but adding all keeps this simple and costs few bits */
    for (size_t t = 0; t < state->active_count; t++)
        reach += fabs(state->beta[state->active[t]]) * design_power(logistic_exponent(state, state->active[t]));
    reach *= 1 + 0x1p-30;
    int score = 0, likelihood = 1;
    while (score <= SCORE_EXPONENT_MOST && design_power(score) < reach) score++;
    while (likelihood <= SCORE_EXPONENT_MOST && design_power(likelihood) < reach + 1) likelihood++;
    ENSURE(score <= SCORE_EXPONENT_MOST && likelihood <= SCORE_EXPONENT_MOST, CATEGORY_USAGE,
           "the sum \"likelihood\" would lose its precision: scores reach %.3g; narrow the bounds of the features, or "
           "set a penalty",
           reach);
    *ret_score = score;
    *ret_likelihood = likelihood;
    return RESULT_OK;
}
