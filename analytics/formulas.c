#include "analytics/formulas.h"

#include <math.h>
#include <stdlib.h>

#include "analytics/cases.h"
#include "analytics/elementary.h"
#include "analytics/schema.h"

enum { FACTORIAL_MOST = 13, SERIES_MOST = 25 };

void formulas_row_done(struct formulas_row *row)
{
    free(row->values);
    free(row->marks);
    *row = (struct formulas_row){0};
}

struct result formulas_row_new(const struct plan *plan, struct formulas_row *ret)
{
    struct formulas_row row = {.plan = plan};
    row.values = calloc(plan->features_count + 1, sizeof *row.values);
    row.marks = calloc(plan->features_count + 1, sizeof *row.marks);
    for (size_t f = 0; row.marks && f < plan->features_count; f++) row.marks[f] = FORMULAS_NONE;
    *ret = row;
    if (row.values && row.marks) return RESULT_OK;
    formulas_row_done(ret);
    return FAIL(CATEGORY_ENVIRONMENT, "out of memory for the formulas of %zu columns", plan->features_count);
}

/* The level of a code, of those that the plan takes. */
static uint32_t level_of(struct formula_sums *sums, const struct plan_feature *feature, size_t column)
{
    size_t levels = plan_feature_levels(feature);
    uint32_t code = formula_code(sums, column), level = code;
    if (feature->level_other)
        level = formula_choose(sums, formula_equal(sums, code, formula_integer(sums, CODE_OTHER)),
                               formula_integer(sums, (int64_t)levels - 1), level);
    if (feature->level_missing)
        level = formula_choose(sums, formula_equal(sums, code, formula_integer(sums, CODE_MISSING)),
                               formula_integer(sums, (int64_t)feature->levels_count), level);
    return formula_within(sums, level, 0, (double)levels - 1);
}

static bool marked(const struct plan_feature *feature)
{
    return feature->kind == PLAN_NUMBER && (feature->outside != OUTSIDE_REFUSE || feature->specials_count > 0);
}

static void case_of(struct formula_sums *sums, const struct plan *plan, struct formulas_row *row)
{
    uint32_t zero = formula_integer(sums, 0), one = formula_integer(sums, 1);
    row->positive = plan->target[0] ? formula_equal(sums, formula_code(sums, schema_target(plan)), zero)
                                    : formula_less(sums, one, zero);
    row->kind = formula_choose(sums, row->positive, formula_integer(sums, CASE_TRAIN_POSITIVE),
                               formula_integer(sums, CASE_TRAIN_NEGATIVE));
    if (plan->split != SPLIT_NONE)
        row->kind = formula_choose(sums, formula_held(sums),
                                   formula_choose(sums, row->positive, formula_integer(sums, CASE_HELD_POSITIVE),
                                                  formula_integer(sums, CASE_HELD_NEGATIVE)),
                                   row->kind);
    row->trains = formula_less(sums, row->kind, formula_integer(sums, CASE_HELD_NEGATIVE));
}

struct result formulas_row_of(struct formula_sums *sums, const struct plan *plan, struct formulas_row *ret)
{
    TRY(formulas_row_new(plan, ret));
    for (size_t f = 0; f < plan->features_count; f++) {
        const struct plan_feature *feature = &plan->features[f];
        ret->values[f] = feature->kind == PLAN_CATEGORY ? level_of(sums, feature, f)
                                                        : formula_number(sums, f, feature->minimum, feature->maximum);
        if (marked(feature)) ret->marks[f] = formula_mark(sums, f);
    }
    case_of(sums, plan, ret);
    return RESULT_OK;
}

bool formulas_may_lack(const struct plan_feature *feature)
{
    return feature->kind == PLAN_NUMBER &&
           (feature->missing != MISSING_REFUSE || feature->specials_count > 0 || feature->outside == OUTSIDE_MISSING);
}

uint32_t formulas_flag(struct formula_sums *sums, uint32_t condition)
{
    return formula_choose(sums, condition, formula_integer(sums, 1), formula_integer(sums, 0));
}

uint32_t formulas_where(struct formula_sums *sums, uint32_t condition, uint32_t value)
{
    return formula_choose(sums, condition, value, formula_nothing(sums));
}

uint32_t formulas_pair(struct formula_sums *sums, uint32_t key, size_t count, uint32_t part)
{
    return formula_add(sums, formula_multiply(sums, key, formula_integer(sums, (int64_t)count)), part);
}

uint32_t formulas_fixed(struct formula_sums *sums, uint32_t x, int bits)
{
    return formula_round(sums, formula_multiply(sums, x, formula_real(sums, ldexp(1, bits))));
}

/* ---- elementary.c again, as expressions */

static uint32_t horner(struct formula_sums *sums, uint32_t sum, uint32_t x, double next)
{
    return formula_add(sums, formula_multiply(sums, sum, x), formula_real(sums, next));
}

/* exp(r) for |r| <= ln 2 / 2, where r = high - low: the reductions leave no more. */
static uint32_t exp_reduced(struct formula_sums *sums, uint32_t high, uint32_t low)
{
    uint32_t r = formula_within(sums, formula_subtract(sums, high, low), -0.35, 0.35);
    uint32_t lost = formula_subtract(sums, formula_subtract(sums, high, r), low);
    double factorials[FACTORIAL_MOST + 1] = {1};
    for (int n = 1; n <= FACTORIAL_MOST; n++) factorials[n] = factorials[n - 1] * n;
    uint32_t sum =
        horner(sums, r, formula_real(sums, 1 / factorials[FACTORIAL_MOST]), 1 / factorials[FACTORIAL_MOST - 1]);
    for (int n = FACTORIAL_MOST - 2; n >= 2; n--) sum = horner(sums, sum, r, 1 / factorials[n]);
    uint32_t product = formula_multiply(sums, formula_multiply(sums, r, r), sum);
    uint32_t more = formula_add(sums, r, formula_add(sums, product, lost));
    return formula_within(sums, formula_add(sums, formula_real(sums, 1), more), 0.5, 1.5);
}

/* log(1 + f) + extra. */
static uint32_t log_tail(struct formula_sums *sums, uint32_t f, uint32_t extra)
{
    uint32_t s = formula_divide(sums, f, formula_add(sums, formula_real(sums, 2), f));
    uint32_t z = formula_multiply(sums, s, s);
    uint32_t sum = horner(sums, z, formula_real(sums, 2.0 / SERIES_MOST), 2.0 / (SERIES_MOST - 2));
    for (int n = SERIES_MOST - 4; n >= 3; n -= 2) sum = horner(sums, sum, z, 2.0 / n);
    sum = formula_multiply(sums, sum, z);
    uint32_t half_square = formula_multiply(sums, formula_multiply(sums, f, f), formula_real(sums, 0.5));
    uint32_t inner = formula_multiply(sums, s, formula_add(sums, half_square, sum));
    inner = formula_subtract(sums, half_square, formula_add(sums, inner, extra));
    return formula_subtract(sums, f, inner);
}

/* exp(-size) for 0 <= size <= ELEMENTARY_SCORE_MAX: a normal number. */
static uint32_t exp_minus(struct formula_sums *sums, uint32_t size)
{
    uint32_t magic = formula_real(sums, ELEMENTARY_MAGIC);
    uint32_t scaled = formula_multiply(sums, size, formula_real(sums, -ELEMENTARY_LOG2_E));
    uint32_t k = formula_subtract(sums, formula_add(sums, scaled, magic), magic);
    k = formula_within(sums, k, -1022, 0);
    uint32_t high = formula_subtract(sums, formula_negate(sums, size),
                                     formula_multiply(sums, k, formula_real(sums, ELEMENTARY_LN2_HIGH)));
    uint32_t low = formula_multiply(sums, k, formula_real(sums, ELEMENTARY_LN2_LOW));
    uint32_t power = formula_lower(sums, exp_reduced(sums, high, low), formula_round(sums, formula_negate(sums, k)));
    return formula_within(sums, power, 0x1p-1022, 1);
}

struct formulas_logistic formulas_logistic(struct formula_sums *sums, uint32_t score)
{
    uint32_t zero = formula_real(sums, 0), one = formula_real(sums, 1), most = formula_real(sums, ELEMENTARY_SCORE_MAX);
    uint32_t size = formula_magnitude(sums, score);
    size =
        formula_within(sums, formula_choose(sums, formula_less(sums, most, size), most, size), 0, ELEMENTARY_SCORE_MAX);
    /* exp of what is smaller is 1 as well */
    uint32_t power = exp_minus(sums, formula_flush(sums, size, FORMULAS_FLUSH));
    uint32_t above = formula_choose(sums, formula_less(sums, score, zero), power, one);
    uint32_t probability = formula_divide(sums, above, formula_add(sums, one, power));

    uint32_t large = formula_at_most(sums, formula_real(sums, 0.5), power);
    uint32_t half = formula_multiply(sums, formula_subtract(sums, power, one), formula_real(sums, 0.5));
    uint32_t f = formula_choose(sums, large, half, formula_flush(sums, power, FORMULAS_FLUSH));
    uint32_t rest = formula_choose(sums, large, formula_real(sums, ELEMENTARY_LN2_LOW), zero);
    uint32_t tail = log_tail(sums, formula_within(sums, f, -0.25, 0.5), rest);
    tail = formula_add(sums, tail, formula_choose(sums, large, formula_real(sums, ELEMENTARY_LN2_HIGH), zero));
    return (struct formulas_logistic){probability, formula_flush(sums, probability, FORMULAS_FLUSH),
                                      formula_within(sums, tail, 0, 0.75)};
}

/* ---- quantile.c again */

static uint32_t quantile_index_of(struct formula_sums *sums, uint32_t number, const struct quantile_grid *grid)
{
    uint32_t steps, last = formula_integer(sums, (int64_t)grid->last), zero = formula_integer(sums, 0);
    if (grid->steps > 0) {
        double first = (double)elementary_round(grid->minimum * grid->steps);
        steps = formula_subtract(sums, formula_multiply(sums, number, formula_real(sums, grid->steps)),
                                 formula_real(sums, first));
    } else {
        steps = formula_divide(sums, formula_subtract(sums, number, formula_real(sums, grid->minimum)),
                               formula_real(sums, grid->resolution));
    }
    uint32_t index = formula_round(sums, steps); /* of a missing number: missing to the end */
    uint32_t upper = formula_choose(sums, formula_at_most(sums, last, index), last, index);
    index = formula_choose(sums, formula_at_most(sums, index, zero), zero, upper);
    return formula_within(sums, index, 0, (double)grid->last);
}

/* Where an index of one of several intervals is counted; the table's first entry is of those below all. */
static uint32_t bin_of(struct formula_sums *sums, uint32_t index, const struct quantile_interval *intervals,
                       size_t count)
{
    double lows[QUANTILES_MAX];
    int64_t low[QUANTILES_MAX + 1] = {0}, high[QUANTILES_MAX + 1] = {-1}, width[QUANTILES_MAX + 1] = {1},
                                at[QUANTILES_MAX + 1] = {0};
    for (size_t i = 0; i < count; i++) {
        lows[i] = (double)intervals[i].low;
        low[i + 1] = (int64_t)intervals[i].low;
        high[i + 1] = (int64_t)intervals[i].high;
        width[i + 1] = (int64_t)intervals[i].width;
        at[i + 1] = (int64_t)intervals[i].at;
    }
    uint32_t which = formula_bin(sums, index, lows, count);
    uint32_t inside = formula_at_most(sums, index, formula_table_integer(sums, which, high, count + 1));
    uint32_t distance = formula_subtract(sums, index, formula_table_integer(sums, which, low, count + 1));
    uint32_t bin = formula_add(sums, formula_table_integer(sums, which, at, count + 1),
                               formula_quotient(sums, distance, formula_table_integer(sums, which, width, count + 1)));
    return formulas_where(sums, inside, bin);
}

void formulas_quantiles(struct formula_sums *sums, uint32_t number, uint32_t condition,
                        const struct quantile_grid *grid, const struct quantile_interval *intervals, size_t count,
                        size_t at)
{
    if (count == 0) return;
    const struct quantile_interval *last = &intervals[count - 1];
    size_t bins = (size_t)(last->at + last->bins);
    uint32_t index = quantile_index_of(sums, number, grid), bin;
    if (count == 1 && last->low == 0 && last->high == grid->last)
        bin = formula_quotient(sums, index, formula_integer(sums, (int64_t)last->width));
    else
        bin = bin_of(sums, index, intervals, count);
    bin = formula_within(sums, bin, 0, (double)bins - 1);
    formula_count(sums, at, formulas_where(sums, condition, bin), bins);
}
