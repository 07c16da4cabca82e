#include "data/formula_node.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/bytes.h"
#include "crypto/base/checked.h"

void formula_sums_done(struct formula_sums *sums)
{
    free(sums->nodes);
    free(sums->index);
    free(sums->outputs);
    free(sums->numbers);
    *sums = (struct formula_sums){0};
}

void formula_unsupported(struct formula_sums *sums, const char *why)
{
    if (!sums->unsupported) sums->unsupported = why;
}

/* Keeps the first failure, with its reason. */
uint32_t formula_failed(struct formula_sums *sums, struct result result)
{
    if (!result_ok(sums->result)) return 0;
    sums->result = result;
    const char *reason = result_reason();
    memcpy(sums->reason, reason, strnlen(reason, sizeof sums->reason - 1));
    return 0;
}

uint32_t formula_misused(struct formula_sums *sums, const char *what)
{
    return formula_failed(sums, FAIL(CATEGORY_BUG, "a formula is built wrongly: %s", what));
}

struct result formula_supported(const struct formula_sums *sums, bool *ret, const char **ret_why)
{
    ENSURE(result_ok(sums->result), sums->result.category, "%s", sums->reason);
    *ret = !sums->unsupported;
    if (ret_why) *ret_why = sums->unsupported;
    return RESULT_OK;
}

/* Whether it makes no sense to go on. */
bool formula_ended(const struct formula_sums *sums)
{
    return sums->unsupported || !result_ok(sums->result);
}

bool formula_grow(struct formula_sums *sums, void *array, size_t *capacity, size_t needed, size_t width)
{
    void *memory;
    size_t more = *capacity ? *capacity : 64, bytes;
    while (more < needed) more *= 2;
    if (more == *capacity) return true;
    memcpy(&memory, array, sizeof memory);
    void *grown = checked_mul_size(more, width, &bytes) ? realloc(memory, bytes) : NULL;
    if (!grown) {
        (void)formula_failed(sums, FAIL(CATEGORY_ENVIRONMENT, "out of memory for a round's formulas"));
        return false;
    }
    memcpy(array, &grown, sizeof grown);
    *capacity = more;
    return true;
}

/* ---- nodes, each once */

static uint64_t mixed(uint64_t hash, const void *bytes, size_t length)
{
    const uint8_t *at = bytes; /* FNV-1a */
    for (size_t i = 0; i < length; i++) hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t hash_of(const struct formula_sums *sums, const struct formula_node *node)
{
    uint64_t hash = mixed(UINT64_C(0xcbf29ce484222325), &node->kind, sizeof node->kind);
    hash = mixed(hash, node->operands, sizeof node->operands);
    hash = mixed(hash, &node->real, sizeof node->real);
    hash = mixed(hash, &node->integer, sizeof node->integer);
    if (node->count) hash = mixed(hash, sums->numbers + node->first, node->count * sizeof *sums->numbers);
    return hash;
}

static bool same_node(const struct formula_sums *sums, const struct formula_node *a, const struct formula_node *b)
{
    return a->kind == b->kind && a->type == b->type && a->integer == b->integer && a->count == b->count &&
           memcmp(a->operands, b->operands, sizeof a->operands) == 0 &&
           view_equal(view_of(&a->real, sizeof a->real), view_of(&b->real, sizeof b->real)) &&
           (a->kind != FORMULA_WITHIN || (a->minimum == b->minimum && a->maximum == b->maximum)) &&
           (a->count == 0 ||
            memcmp(sums->numbers + a->first, sums->numbers + b->first, a->count * sizeof *sums->numbers) == 0);
}

static void put_index(struct formula_sums *sums, uint32_t node)
{
    size_t at = hash_of(sums, &sums->nodes[node]) & (sums->index_capacity - 1);
    while (sums->index[at] != FORMULA_NONE) at = (at + 1) & (sums->index_capacity - 1);
    sums->index[at] = node;
}

static bool widen_index(struct formula_sums *sums)
{
    if (2 * (sums->nodes_count + 1) < sums->index_capacity) return true;
    if (!formula_grow(sums, &sums->index, &sums->index_capacity, 2 * sums->index_capacity, sizeof *sums->index))
        return false;
    memset(sums->index, 0xff, sums->index_capacity * sizeof *sums->index);
    for (size_t n = 0; n < sums->nodes_count; n++) put_index(sums, (uint32_t)n);
    return true;
}

/* A value that is no 0 has at least this exponent. */
int formula_least_exponent(const struct formula_node *node)
{
    if (node->minimum > 0) return ilogb(node->minimum);
    if (node->maximum < 0) return ilogb(node->maximum);
    return node->grain;
}

double formula_larger(double a, double b)
{
    return a > b ? a : b;
}

double formula_most(const struct formula_node *node)
{
    return formula_larger(fabs(node->minimum), fabs(node->maximum));
}

/* The node's place: the one that is there, or a new one. */
uint32_t formula_put(struct formula_sums *sums, struct formula_node node)
{
    if (formula_ended(sums) || !widen_index(sums)) return 0;
    bool missing = node.minimum > node.maximum;
    if (node.type == FORMULA_TYPE_REAL && !missing) {
        if (!isfinite(node.minimum) || !isfinite(node.maximum)) {
            formula_unsupported(sums, "a value could be too large for a double");
            return 0;
        }
        int least = formula_least_exponent(&node) - FORMULA_DIGITS;
        if ((node.minimum > 0 || node.maximum < 0) && least > node.grain) node.grain = least;
        if (node.grain < FORMULA_GRAIN_LEAST) node.grain = FORMULA_GRAIN_LEAST;
        if (node.grain > FORMULA_GRAIN_MOST) node.grain = FORMULA_GRAIN_MOST;
    }
    if (node.type == FORMULA_TYPE_INTEGER && !missing && formula_most(&node) > FORMULA_INTEGER_MOST) {
        formula_unsupported(sums, "an integer could pass 2^62");
        return 0;
    }
    size_t at = hash_of(sums, &node) & (sums->index_capacity - 1);
    for (; sums->index[at] != FORMULA_NONE; at = (at + 1) & (sums->index_capacity - 1))
        if (same_node(sums, &sums->nodes[sums->index[at]], &node)) return sums->index[at];
    if (!formula_grow(sums, &sums->nodes, &sums->nodes_capacity, sums->nodes_count + 1, sizeof *sums->nodes)) return 0;
    sums->nodes[sums->nodes_count] = node;
    sums->index[at] = (uint32_t)sums->nodes_count;
    return (uint32_t)sums->nodes_count++;
}

struct formula_node formula_node_of(enum formula_kind kind, enum formula_type type)
{
    return (struct formula_node){.kind = kind,
                                 .type = type,
                                 .operands = {FORMULA_NONE, FORMULA_NONE, FORMULA_NONE},
                                 .maximum = 1}; /* of a condition: 0 or 1 */
}

bool formula_is(const struct formula_sums *sums, uint32_t node, enum formula_type type)
{
    return node < sums->nodes_count && sums->nodes[node].type == type;
}

/* ---- a frozen row, and constants */

int formula_lowest_bit(double value)
{
    int exponent;
    if (value == 0) return FORMULA_GRAIN_MOST;
    int64_t digits = (int64_t)ldexp(frexp(fabs(value), &exponent), DBL_MANT_DIG);
    return exponent - DBL_MANT_DIG + __builtin_ctzll((unsigned long long)digits);
}

uint32_t formula_number(struct formula_sums *sums, size_t column, double minimum, double maximum)
{
    struct formula_node node = formula_node_of(FORMULA_NUMBER, FORMULA_TYPE_REAL);
    node.integer = (int64_t)column;
    node.minimum = minimum;
    node.maximum = maximum;
    node.grain = FORMULA_GRAIN_LEAST;
    return formula_put(sums, node);
}

static uint32_t small_column(struct formula_sums *sums, enum formula_kind kind, size_t column, double maximum)
{
    struct formula_node node = formula_node_of(kind, FORMULA_TYPE_INTEGER);
    node.integer = (int64_t)column;
    node.maximum = maximum;
    return formula_put(sums, node);
}

uint32_t formula_code(struct formula_sums *sums, size_t column)
{
    return small_column(sums, FORMULA_CODE, column, UINT16_MAX);
}

uint32_t formula_mark(struct formula_sums *sums, size_t column)
{
    return small_column(sums, FORMULA_MARK, column, UINT8_MAX);
}

uint32_t formula_held(struct formula_sums *sums)
{
    return formula_put(sums, formula_node_of(FORMULA_HELD, FORMULA_TYPE_CONDITION));
}

uint32_t formula_real(struct formula_sums *sums, double value)
{
    struct formula_node node = formula_node_of(FORMULA_REAL, FORMULA_TYPE_REAL);
    node.real = value + 0.0; /* -0 becomes 0 */
    node.minimum = node.maximum = node.real;
    node.grain = isfinite(value) ? formula_lowest_bit(value) : 0;
    return formula_put(sums, node);
}

uint32_t formula_integer(struct formula_sums *sums, int64_t value)
{
    struct formula_node node = formula_node_of(FORMULA_INTEGER, FORMULA_TYPE_INTEGER);
    node.integer = value;
    node.minimum = node.maximum = (double)value;
    return formula_put(sums, node);
}

uint32_t formula_nothing(struct formula_sums *sums)
{
    struct formula_node node = formula_node_of(FORMULA_NOTHING, FORMULA_TYPE_INTEGER);
    node.minimum = HUGE_VAL;
    node.maximum = -HUGE_VAL;
    node.grain = FORMULA_GRAIN_MOST;
    return formula_put(sums, node);
}

/* A node of two reals or two integers, for the caller to bound; false when it cannot be. */
bool formula_two(struct formula_sums *sums, enum formula_kind kind, uint32_t a, uint32_t b, struct formula_node *ret)
{
    if (formula_ended(sums)) return false;
    bool reals = formula_is(sums, a, FORMULA_TYPE_REAL) && formula_is(sums, b, FORMULA_TYPE_REAL);
    if (!reals && !(formula_is(sums, a, FORMULA_TYPE_INTEGER) && formula_is(sums, b, FORMULA_TYPE_INTEGER))) {
        (void)formula_misused(sums, "an operation takes two reals or two integers");
        return false;
    }
    *ret = formula_node_of(kind, reals ? FORMULA_TYPE_REAL : FORMULA_TYPE_INTEGER);
    ret->operands[0] = a;
    ret->operands[1] = b;
    return true;
}

/* ---- conditions and choices */

static uint32_t compare(struct formula_sums *sums, enum formula_kind kind, uint32_t a, uint32_t b)
{
    struct formula_node node;
    if (!formula_two(sums, kind, a, b, &node)) return 0;
    node.type = FORMULA_TYPE_CONDITION;
    return formula_put(sums, node);
}

uint32_t formula_less(struct formula_sums *sums, uint32_t a, uint32_t b)
{
    return compare(sums, FORMULA_LESS, a, b);
}

uint32_t formula_at_most(struct formula_sums *sums, uint32_t a, uint32_t b)
{
    return compare(sums, FORMULA_AT_MOST, a, b);
}

uint32_t formula_equal(struct formula_sums *sums, uint32_t a, uint32_t b)
{
    return compare(sums, FORMULA_EQUAL, a, b);
}

uint32_t formula_missing(struct formula_sums *sums, uint32_t a)
{
    struct formula_node node = formula_node_of(FORMULA_MISSING, FORMULA_TYPE_CONDITION);
    if (formula_ended(sums)) return 0;
    if (formula_is(sums, a, FORMULA_TYPE_CONDITION)) return formula_misused(sums, "a condition is never missing");
    node.operands[0] = a;
    return formula_put(sums, node);
}

static uint32_t combine(struct formula_sums *sums, enum formula_kind kind, uint32_t a, uint32_t b)
{
    struct formula_node node = formula_node_of(kind, FORMULA_TYPE_CONDITION);
    if (formula_ended(sums)) return 0;
    if (!formula_is(sums, a, FORMULA_TYPE_CONDITION) || !formula_is(sums, b, FORMULA_TYPE_CONDITION))
        return formula_misused(sums, "only conditions are combined");
    node.operands[0] = a;
    node.operands[1] = b;
    return formula_put(sums, node);
}

uint32_t formula_both(struct formula_sums *sums, uint32_t a, uint32_t b)
{
    return combine(sums, FORMULA_BOTH, a, b);
}

uint32_t formula_either(struct formula_sums *sums, uint32_t a, uint32_t b)
{
    return combine(sums, FORMULA_EITHER, a, b);
}

uint32_t formula_choose(struct formula_sums *sums, uint32_t condition, uint32_t yes, uint32_t no)
{
    struct formula_node node;
    if (!formula_two(sums, FORMULA_CHOOSE, yes, no, &node)) return 0;
    if (!formula_is(sums, condition, FORMULA_TYPE_CONDITION))
        return formula_misused(sums, "a choice takes a condition");
    const struct formula_node *a = formula_get(sums, yes), *b = formula_get(sums, no);
    node.operands[0] = condition;
    node.operands[1] = yes;
    node.operands[2] = no;
    node.minimum = a->minimum < b->minimum ? a->minimum : b->minimum;
    node.maximum = formula_larger(a->maximum, b->maximum);
    node.grain = a->grain < b->grain ? a->grain : b->grain;
    return formula_put(sums, node);
}

/* ---- sums */

static void put_output(struct formula_sums *sums, struct formula_output output)
{
    if (formula_ended(sums)) return;
    bool value = output.value == FORMULA_NONE || formula_is(sums, output.value, FORMULA_TYPE_INTEGER);
    bool key = output.key == FORMULA_NONE || formula_is(sums, output.key, FORMULA_TYPE_INTEGER);
    if (value && key && output.key != FORMULA_NONE) {
        const struct formula_node *of = formula_get(sums, output.key);
        key = of->minimum > of->maximum || (of->minimum >= 0 && of->maximum < (double)output.keys);
    }
    if (!value || !key) {
        (void)formula_misused(sums, "sums are of integers, and keys lie below their number");
        return;
    }
    if (!formula_grow(sums, &sums->outputs, &sums->outputs_capacity, sums->outputs_count + 1, sizeof *sums->outputs))
        return;
    sums->outputs[sums->outputs_count++] = output;
}

void formula_sum(struct formula_sums *sums, size_t at, uint32_t value)
{
    put_output(sums, (struct formula_output){at, value, FORMULA_NONE, 1});
}

void formula_count(struct formula_sums *sums, size_t at, uint32_t key, size_t keys)
{
    put_output(sums, (struct formula_output){at, FORMULA_NONE, key, keys});
}

void formula_sum_by(struct formula_sums *sums, size_t at, uint32_t key, size_t keys, uint32_t value)
{
    put_output(sums, (struct formula_output){at, value, key, keys});
}
