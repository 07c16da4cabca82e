#include "data/formula_node.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LOWER_STEP = 32, LOWER_MOST = 1023 };

/* Rounding is monotone, so what the bounds round to bounds what values round to. */

/* Of x + c: where x is near -c, it is a multiple of c's last digit or of half of it; else the sum is half of c or more.
 */
static int sum_grain(const struct formula_node *a, const struct formula_node *b)
{
    int grain = a->grain < b->grain ? a->grain : b->grain;
    const struct formula_node *constants[] = {a, b};
    for (size_t i = 0; i < 2; i++) {
        double constant = constants[i]->minimum;
        if (constant != constants[i]->maximum || constant == 0) continue;
        int near = ilogb(constant) - FORMULA_DIGITS - 1;
        grain = near > grain ? near : grain;
    }
    return grain;
}

uint32_t formula_add(struct formula_sums *sums, uint32_t a, uint32_t b)
{
    struct formula_node node;
    if (!formula_two(sums, FORMULA_ADD, a, b, &node)) return 0;
    node.minimum = formula_get(sums, a)->minimum + formula_get(sums, b)->minimum;
    node.maximum = formula_get(sums, a)->maximum + formula_get(sums, b)->maximum;
    node.grain = sum_grain(formula_get(sums, a), formula_get(sums, b));
    return formula_put(sums, node);
}

uint32_t formula_subtract(struct formula_sums *sums, uint32_t a, uint32_t b)
{
    struct formula_node node;
    if (!formula_two(sums, FORMULA_SUBTRACT, a, b, &node)) return 0;
    node.minimum = formula_get(sums, a)->minimum - formula_get(sums, b)->maximum;
    node.maximum = formula_get(sums, a)->maximum - formula_get(sums, b)->minimum;
    node.grain = sum_grain(formula_get(sums, a), formula_get(sums, b));
    return formula_put(sums, node);
}

/* The largest magnitude whose result is 0, of those that are 0 up to some point. */
static double last_zero(double (*result)(double magnitude, double constant), double constant, double near)
{
    double last = near;
    while (result(last, constant) != 0) last = nextafter(last, 0);
    while (result(nextafter(last, HUGE_VAL), constant) == 0) last = nextafter(last, HUGE_VAL);
    return last;
}

static double product(double magnitude, double constant)
{
    return magnitude * constant;
}

static double square(double magnitude, double constant)
{
    (void)constant;
    return magnitude * magnitude;
}

static double quotient(double magnitude, double constant)
{
    return magnitude / constant;
}

/* 2^-1075 over a value, without leaving the range on the way. */
static double near_product(double value)
{
    int exponent;
    double digits = frexp(fabs(value), &exponent);
    return ldexp(1 / digits, FORMULA_GRAIN_LEAST - 1 - exponent);
}

static void product_bounds(const struct formula_node *a, const struct formula_node *b, struct formula_node *ret)
{
    double corners[] = {a->minimum * b->minimum, a->minimum * b->maximum, a->maximum * b->minimum,
                        a->maximum * b->maximum};
    ret->minimum = ret->maximum = corners[0];
    for (size_t i = 1; i < 4; i++) {
        ret->minimum = corners[i] < ret->minimum ? corners[i] : ret->minimum;
        ret->maximum = formula_larger(corners[i], ret->maximum);
    }
    if (ret->operands[0] == ret->operands[1] && ret->minimum < 0) ret->minimum = 0;
}

static bool constant(const struct formula_node *node)
{
    return node->kind == FORMULA_REAL;
}

static bool is_real(const struct formula_sums *sums, uint32_t node, double value)
{
    return constant(formula_get(sums, node)) && formula_get(sums, node)->real == value;
}

/* Whether a node is the choice of one of two constants. */
static bool chooses(const struct formula_sums *sums, uint32_t node)
{
    const struct formula_node *of = formula_get(sums, node);
    return of->kind == FORMULA_CHOOSE && constant(formula_get(sums, of->operands[1])) &&
           constant(formula_get(sums, of->operands[2]));
}

/* A product of which a part is known: by 1; of a choice of 1 or 0, or of two constants by a third. */
static bool short_product(struct formula_sums *sums, uint32_t a, uint32_t b, uint32_t *ret)
{
    if (!formula_is(sums, a, FORMULA_TYPE_REAL) || !formula_is(sums, b, FORMULA_TYPE_REAL)) return false;
    if (is_real(sums, b, 1)) {
        *ret = a;
        return true;
    }
    if (!chooses(sums, a)) return false;
    const struct formula_node of = *formula_get(sums, a);
    double yes = formula_get(sums, of.operands[1])->real, no = formula_get(sums, of.operands[2])->real;
    if (yes == 1 && no == 0) {
        *ret = formula_choose(sums, of.operands[0], b, of.operands[2]);
        return true;
    }
    if (!constant(formula_get(sums, b))) return false;
    double by = formula_get(sums, b)->real;
    *ret = formula_choose(sums, of.operands[0], formula_real(sums, yes * by), formula_real(sums, no * by));
    return true;
}

uint32_t formula_multiply(struct formula_sums *sums, uint32_t a, uint32_t b)
{
    struct formula_node node;
    uint32_t known;
    if (formula_ended(sums)) return 0;
    if (short_product(sums, a, b, &known) || short_product(sums, b, a, &known)) return known;
    if (!formula_ended(sums) && formula_is(sums, a, FORMULA_TYPE_REAL) && constant(formula_get(sums, a)) &&
        !constant(formula_get(sums, b)))
        return formula_multiply(sums, b, a); /* the guard is on the first */
    if (!formula_two(sums, FORMULA_MULTIPLY, a, b, &node)) return 0;
    const struct formula_node *x = formula_get(sums, a), *y = formula_get(sums, b);
    if (x->minimum > x->maximum || y->minimum > y->maximum) return formula_nothing(sums);
    product_bounds(x, y, &node);
    node.grain = x->grain + y->grain;
    if (node.type == FORMULA_TYPE_INTEGER ||
        formula_least_exponent(x) + formula_least_exponent(y) >= FORMULA_GRAIN_LEAST)
        return formula_put(sums, node);
    if (a == b)
        node.guard = last_zero(square, 0, 0x1.6a09e667f3bcdp-538);
    else if (constant(y))
        node.guard = y->real == 0 ? 0 : last_zero(product, fabs(y->real), near_product(y->real));
    else
        formula_unsupported(sums, "a product could be too small for a double");
    return formula_put(sums, node);
}

uint32_t formula_divide(struct formula_sums *sums, uint32_t a, uint32_t b)
{
    struct formula_node node;
    if (!formula_two(sums, FORMULA_DIVIDE, a, b, &node)) return 0;
    const struct formula_node *x = formula_get(sums, a), *y = formula_get(sums, b);
    if (node.type != FORMULA_TYPE_REAL || (y->minimum <= 0 && y->maximum >= 0))
        return formula_misused(sums, "a divisor could be 0, or is no real");
    double corners[] = {x->minimum / y->minimum, x->minimum / y->maximum, x->maximum / y->minimum,
                        x->maximum / y->maximum};
    node.minimum = node.maximum = corners[0];
    for (size_t i = 1; i < 4; i++) {
        node.minimum = corners[i] < node.minimum ? corners[i] : node.minimum;
        node.maximum = formula_larger(corners[i], node.maximum);
    }
    int least = formula_least_exponent(x) - ilogb(formula_most(y)) - 1;
    node.grain = least - FORMULA_DIGITS;
    if (least >= FORMULA_GRAIN_LEAST) return formula_put(sums, node);
    if (constant(y))
        node.guard = last_zero(quotient, fabs(y->real), ldexp(fabs(y->real) / 2, FORMULA_GRAIN_LEAST));
    else
        formula_unsupported(sums, "a quotient could be too small for a double");
    return formula_put(sums, node);
}

static uint32_t one(struct formula_sums *sums, enum formula_kind kind, uint32_t a, struct formula_node node)
{
    if (formula_ended(sums)) return 0;
    if (!formula_is(sums, a, FORMULA_TYPE_REAL)) return formula_misused(sums, "an operation takes a real");
    node.kind = kind;
    node.operands[0] = a;
    return formula_put(sums, node);
}

static double toward_zero(double a, double b)
{
    return trunc(a / b);
}

uint32_t formula_quotient(struct formula_sums *sums, uint32_t a, uint32_t b)
{
    struct formula_node node;
    if (!formula_two(sums, FORMULA_QUOTIENT, a, b, &node)) return 0;
    const struct formula_node *x = formula_get(sums, a), *y = formula_get(sums, b);
    if (node.type != FORMULA_TYPE_INTEGER || y->minimum < 1)
        return formula_misused(sums, "an integer's divisor could be 0, or is no integer");
    node.minimum = toward_zero(x->minimum, x->minimum < 0 ? y->minimum : y->maximum);
    node.maximum = toward_zero(x->maximum, x->maximum < 0 ? y->maximum : y->minimum);
    return formula_put(sums, node);
}

/* A node with a real operand's grain. */
static struct formula_node like(const struct formula_sums *sums, uint32_t a, double minimum, double maximum)
{
    struct formula_node node = formula_node_of(FORMULA_REAL, FORMULA_TYPE_REAL);
    node.minimum = minimum;
    node.maximum = maximum;
    node.grain = formula_ended(sums) || a >= sums->nodes_count ? 0 : formula_get(sums, a)->grain;
    return node;
}

static double minimum_of(const struct formula_sums *sums, uint32_t a)
{
    return a < sums->nodes_count ? formula_get(sums, a)->minimum : 0;
}

static double maximum_of(const struct formula_sums *sums, uint32_t a)
{
    return a < sums->nodes_count ? formula_get(sums, a)->maximum : 0;
}

uint32_t formula_negate(struct formula_sums *sums, uint32_t a)
{
    return one(sums, FORMULA_NEGATE, a, like(sums, a, -maximum_of(sums, a), -minimum_of(sums, a)));
}

uint32_t formula_magnitude(struct formula_sums *sums, uint32_t a)
{
    double minimum = minimum_of(sums, a), maximum = maximum_of(sums, a);
    double least = minimum > 0 ? minimum : maximum < 0 ? -maximum : 0;
    return one(sums, FORMULA_MAGNITUDE, a, like(sums, a, least, formula_larger(-minimum, maximum)));
}

uint32_t formula_flush(struct formula_sums *sums, uint32_t a, int exponent)
{
    double minimum = minimum_of(sums, a), maximum = maximum_of(sums, a);
    struct formula_node node = like(sums, a, minimum < 0 ? minimum : 0, maximum > 0 ? maximum : 0);
    if (node.grain >= exponent - FORMULA_DIGITS) return a;
    node.grain = exponent - FORMULA_DIGITS;
    node.real = ldexp(1, exponent);
    return one(sums, FORMULA_FLUSH, a, node);
}

uint32_t formula_within(struct formula_sums *sums, uint32_t a, double minimum, double maximum)
{
    struct formula_node node = like(sums, a, minimum, maximum);
    if (formula_ended(sums)) return 0;
    if (formula_is(sums, a, FORMULA_TYPE_CONDITION)) return formula_misused(sums, "a condition has no bounds");
    node.kind = FORMULA_WITHIN;
    node.type = formula_get(sums, a)->type;
    node.operands[0] = a;
    return formula_put(sums, node);
}

uint32_t formula_round(struct formula_sums *sums, uint32_t a)
{
    if (!formula_ended(sums) && formula_is(sums, a, FORMULA_TYPE_REAL) && chooses(sums, a) &&
        formula_most(formula_get(sums, a)) <= FORMULA_INTEGER_MOST) {
        const struct formula_node of = *formula_get(sums, a);
        int64_t yes = llrint(formula_get(sums, of.operands[1])->real),
                no = llrint(formula_get(sums, of.operands[2])->real);
        return formula_choose(sums, of.operands[0], formula_integer(sums, yes), formula_integer(sums, no));
    }
    struct formula_node node = formula_node_of(FORMULA_ROUND, FORMULA_TYPE_INTEGER);
    node.minimum = nearbyint(minimum_of(sums, a));
    node.maximum = nearbyint(maximum_of(sums, a));
    return one(sums, FORMULA_ROUND, a, node);
}

/* ---- tables and edges */

static uint32_t with_numbers(struct formula_sums *sums, struct formula_node node, const double *numbers, size_t count)
{
    size_t first = sums->numbers_count;
    if (formula_ended(sums) ||
        !formula_grow(sums, &sums->numbers, &sums->numbers_capacity, first + count, sizeof *sums->numbers))
        return 0;
    memcpy(sums->numbers + first, numbers, count * sizeof *numbers);
    node.first = first;
    node.count = count;
    size_t before = sums->nodes_count;
    uint32_t found = formula_put(sums, node);
    if (sums->nodes_count > before) sums->numbers_count += count; /* else they are there already */
    return found;
}

uint32_t formula_bin(struct formula_sums *sums, uint32_t a, const double *edges, size_t count)
{
    struct formula_node node = formula_node_of(FORMULA_BIN, FORMULA_TYPE_INTEGER);
    if (formula_ended(sums)) return 0;
    if (formula_is(sums, a, FORMULA_TYPE_CONDITION)) return formula_misused(sums, "bins are of numbers");
    if (count == 0)
        return formula_choose(sums, formula_missing(sums, a), formula_nothing(sums), formula_integer(sums, 0));
    node.operands[0] = a;
    node.maximum = (double)count;
    return with_numbers(sums, node, edges, count);
}

/* Bounds and grain of a table's values, whatever its type. */
static uint32_t put_table(struct formula_sums *sums, enum formula_type type, uint32_t at, const double *values,
                          size_t count)
{
    struct formula_node node = formula_node_of(FORMULA_TABLE, type);
    if (formula_ended(sums)) return 0;
    if (!formula_is(sums, at, FORMULA_TYPE_INTEGER) || count == 0)
        return formula_misused(sums, "a table needs values and an integer");
    node.operands[0] = at;
    node.minimum = node.maximum = values[0];
    node.grain = FORMULA_GRAIN_MOST;
    for (size_t i = 0; i < count; i++) {
        node.minimum = values[i] < node.minimum ? values[i] : node.minimum;
        node.maximum = formula_larger(values[i], node.maximum);
        int grain = formula_lowest_bit(values[i]);
        node.grain = grain < node.grain ? grain : node.grain;
    }
    return with_numbers(sums, node, values, count);
}

uint32_t formula_table(struct formula_sums *sums, uint32_t at, const double *values, size_t count)
{
    return put_table(sums, FORMULA_TYPE_REAL, at, values, count);
}

uint32_t formula_table_integer(struct formula_sums *sums, uint32_t at, const int64_t *values, size_t count)
{
    double *reals = calloc(count + 1, sizeof *reals);
    if (!reals)
        return formula_failed(sums, FAIL(CATEGORY_ENVIRONMENT, "out of memory for a table of %zu values", count));
    for (size_t i = 0; i < count; i++) reals[i] = (double)values[i];
    uint32_t node = put_table(sums, FORMULA_TYPE_INTEGER, at, reals, count);
    free(reals);
    return node;
}

uint32_t formula_lower(struct formula_sums *sums, uint32_t a, uint32_t k)
{
    double steps[(LOWER_MOST + 1) / LOWER_STEP], rest[LOWER_STEP];
    if (formula_ended(sums)) return 0;
    if (!formula_is(sums, k, FORMULA_TYPE_INTEGER) || formula_get(sums, k)->minimum < 0 ||
        formula_get(sums, k)->maximum > LOWER_MOST)
        return formula_misused(sums, "a power of two below 2^-1023, or above 1");
    for (int i = 0; i < LOWER_STEP; i++) rest[i] = ldexp(1, -i);
    uint32_t step = formula_integer(sums, LOWER_STEP), whole = formula_quotient(sums, k, step);
    size_t count = (size_t)maximum_of(sums, whole) + 1;
    for (size_t i = 0; i < count; i++) steps[i] = ldexp(1, -LOWER_STEP * (int)i);
    uint32_t left =
        formula_within(sums, formula_subtract(sums, k, formula_multiply(sums, whole, step)), 0, LOWER_STEP - 1);
    uint32_t lowered = formula_multiply(sums, a, formula_table(sums, whole, steps, count));
    return formula_multiply(sums, lowered, formula_table(sums, left, rest, LOWER_STEP));
}
