/* What formulas are made of. Inside data/formula*.c alone. */
#ifndef DATA_FORMULA_NODE_H
#define DATA_FORMULA_NODE_H

#include "data/formula.h"

enum formula_kind {
    FORMULA_NUMBER,
    FORMULA_CODE,
    FORMULA_MARK,
    FORMULA_REAL,
    FORMULA_INTEGER,
    FORMULA_NOTHING,
    FORMULA_ADD,
    FORMULA_SUBTRACT,
    FORMULA_MULTIPLY,
    FORMULA_DIVIDE,
    FORMULA_QUOTIENT,
    FORMULA_NEGATE,
    FORMULA_MAGNITUDE,
    FORMULA_FLUSH,
    FORMULA_WITHIN,
    FORMULA_ROUND,
    FORMULA_BIN,
    FORMULA_TABLE,
    FORMULA_HELD,
    FORMULA_LESS,
    FORMULA_AT_MOST,
    FORMULA_EQUAL,
    FORMULA_MISSING,
    FORMULA_BOTH,
    FORMULA_EITHER,
    FORMULA_CHOOSE,
};
enum formula_type { FORMULA_TYPE_REAL, FORMULA_TYPE_INTEGER, FORMULA_TYPE_CONDITION };

#define FORMULA_NONE UINT32_MAX
#define FORMULA_INTEGER_MOST 0x1p62

struct formula_node {
    enum formula_kind kind;
    enum formula_type type;
    uint32_t operands[3]; /* FORMULA_NONE where there is none */
    double real;          /* FORMULA_REAL; FORMULA_FLUSH: the power of two */
    int64_t integer;      /* FORMULA_INTEGER, a column */
    size_t first, count;  /* FORMULA_BIN, FORMULA_TABLE: which of the sums' numbers */
    /* A product or quotient whose first operand is at most this in magnitude is 0; 0: it never is but of a 0. */
    double guard;
    /* Every value lies within these bounds and is a multiple of 2^grain. minimum > maximum: always missing. */
    double minimum, maximum;
    int grain;
};
struct formula_output {
    size_t at;
    uint32_t value; /* FORMULA_NONE: 1 */
    uint32_t key;   /* FORMULA_NONE: one sum */
    size_t keys;
};

enum { FORMULA_GRAIN_LEAST = -1074, FORMULA_GRAIN_MOST = 1100, FORMULA_DIGITS = 52 /* after the first */ };

static inline const struct formula_node *formula_get(const struct formula_sums *sums, uint32_t node)
{
    return &sums->nodes[node];
}
/* Whether it makes no sense to go on: the functions that build then return 0. */
bool formula_ended(const struct formula_sums *sums);
/* Keep the first failure, with its reason; return 0. */
uint32_t formula_failed(struct formula_sums *sums, struct result result);
uint32_t formula_misused(struct formula_sums *sums, const char *what);
/* array: address of a pointer to elements of this width. */
bool formula_grow(struct formula_sums *sums, void *array, size_t *capacity, size_t needed, size_t width);
struct formula_node formula_node_of(enum formula_kind kind, enum formula_type type);
/* The node's place: that of the same node, or a new one. */
uint32_t formula_put(struct formula_sums *sums, struct formula_node node);
bool formula_is(const struct formula_sums *sums, uint32_t node, enum formula_type type);
/* A node of two reals or two integers, for the caller to bound; false when it cannot be. */
bool formula_two(struct formula_sums *sums, enum formula_kind kind, uint32_t a, uint32_t b, struct formula_node *ret);
/* The exponent of a value's last bit that is set; of 0, FORMULA_GRAIN_MOST. */
int formula_lowest_bit(double value);
double formula_larger(double a, double b);
/* Largest magnitude within the bounds; and the least exponent that a value but 0 can have. */
double formula_most(const struct formula_node *node);
int formula_least_exponent(const struct formula_node *node);

#endif
