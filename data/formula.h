/* What a round asks of each frozen row, as expressions that a database can compute: the same integers, to the last bit,
 * that the task's `contribute` adds.
 *
 * A task builds expressions and says which sums it wants of them; formula_sql.h writes the sums as SELECT statements.
 * An expression is a number: its place among the nodes of a struct formula_sums. Equal expressions are one node, and
 * one that is used twice is computed once.
 *
 * Reals are IEEE doubles; every operation rounds once, in the order it is built, and -0 may come for 0. Integers are
 * exact. A condition is neither, and is used in choices alone. A column's missing value, and what is computed from one,
 * is missing: no sum counts it.
 *
 * Some engines (PostgreSQL) fail where a product or quotient that is not 0 is too small for a double, or a result is
 * too large for one. So every node has bounds, and a product or quotient that could fail is refused: the sums are then
 * unsupported, and rows are streamed. Constant factors are guarded without help. What cannot matter below some power of
 * two is taken out of the way with formula_flush.
 *
 * Failures stay in the sums: build everything, then ask formula_supported. Nothing here writes SQL, so that whoever
 * links the analyses may link this.
 */
#ifndef DATA_FORMULA_H
#define DATA_FORMULA_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/base/result.h"

struct formula_node; /* data/formula_node.h */
struct formula_output;

struct formula_sums {
    struct formula_node *nodes;
    size_t nodes_count, nodes_capacity;
    uint32_t *index; /* of nodes by what they are: a power of two of places, UINT32_MAX where there is none */
    size_t index_capacity;
    struct formula_output *outputs;
    size_t outputs_count, outputs_capacity;
    double *numbers; /* of tables and edges, one after the other */
    size_t numbers_count, numbers_capacity;
    const char *unsupported; /* why rows must be streamed; static text */
    struct result result;    /* the first failure */
    char reason[256];
};

/* Zeroed sums are empty and ready. */
void formula_sums_done(struct formula_sums *sums);
/* Says that this round has no formulas, and why: "products of 80 columns". why is static text. */
void formula_unsupported(struct formula_sums *sums, const char *why);
/* Whether all of it can be asked of a database; ret_why (may be NULL) is set where it cannot. Fails where building did.
 */
MUST_USE struct result formula_supported(const struct formula_sums *sums, bool *ret, const char **ret_why);

/* ---- a frozen row */

/* A number of the schema's column: within its bounds, never -0, or missing. */
uint32_t formula_number(struct formula_sums *sums, size_t column, double minimum, double maximum);
/* A category's code, up to 65535 (CODE_OTHER, CODE_MISSING). */
uint32_t formula_code(struct formula_sums *sums, size_t column);
/* A number's enum column_mark: only of a column that has marks (column_marked). */
uint32_t formula_mark(struct formula_sums *sums, size_t column);
/* Condition: the row is held out. */
uint32_t formula_held(struct formula_sums *sums);

/* ---- expressions */

uint32_t formula_real(struct formula_sums *sums, double value); /* finite */
uint32_t formula_integer(struct formula_sums *sums, int64_t value);
uint32_t formula_nothing(struct formula_sums *sums); /* an integer that is missing */

/* Of two reals or two integers. A product of a choice of 1 or 0 is the choice of the other or 0, missing or not. */
uint32_t formula_add(struct formula_sums *sums, uint32_t a, uint32_t b);
uint32_t formula_subtract(struct formula_sums *sums, uint32_t a, uint32_t b);
uint32_t formula_multiply(struct formula_sums *sums, uint32_t a, uint32_t b);
/* Of reals; the divisor has no 0 within its bounds. */
uint32_t formula_divide(struct formula_sums *sums, uint32_t a, uint32_t b);
/* Of two integers, the divisor above 0: toward 0. */
uint32_t formula_quotient(struct formula_sums *sums, uint32_t a, uint32_t b);
uint32_t formula_negate(struct formula_sums *sums, uint32_t a);    /* of a real */
uint32_t formula_magnitude(struct formula_sums *sums, uint32_t a); /* of a real */
/* A real, or 0 where its magnitude is below 2^exponent. */
uint32_t formula_flush(struct formula_sums *sums, uint32_t a, int exponent);
/* The same real or integer, of which the caller knows that it lies within these bounds. */
uint32_t formula_within(struct formula_sums *sums, uint32_t a, double minimum, double maximum);
/* The integer nearest to a real of at most 2^62, half to even. */
uint32_t formula_round(struct formula_sums *sums, uint32_t a);
/* How many of the rising edges are at most the real, or integer: 0 to count. The edges are copied. */
uint32_t formula_bin(struct formula_sums *sums, uint32_t a, const double *edges, size_t count);
/* The real at an integer from 0 to count - 1; missing beyond. The values, at least one, are copied. */
uint32_t formula_table(struct formula_sums *sums, uint32_t at, const double *values, size_t count);
/* The same of integers up to 2^53 in magnitude. */
uint32_t formula_table_integer(struct formula_sums *sums, uint32_t at, const int64_t *values, size_t count);
/* A real times 2^-k, for an integer k from 0 to 1023; exact while the product is a normal number. */
uint32_t formula_lower(struct formula_sums *sums, uint32_t a, uint32_t k);

/* Conditions. Comparisons are of two reals or two integers; of a missing value none holds. */
uint32_t formula_less(struct formula_sums *sums, uint32_t a, uint32_t b);
uint32_t formula_at_most(struct formula_sums *sums, uint32_t a, uint32_t b);
uint32_t formula_equal(struct formula_sums *sums, uint32_t a, uint32_t b);
uint32_t formula_missing(struct formula_sums *sums, uint32_t a);
uint32_t formula_both(struct formula_sums *sums, uint32_t a, uint32_t b);
uint32_t formula_either(struct formula_sums *sums, uint32_t a, uint32_t b);
/* The first where the condition holds, else the second: two reals or two integers. */
uint32_t formula_choose(struct formula_sums *sums, uint32_t condition, uint32_t yes, uint32_t no);

/* ---- sums; `at` is a place among the values of the round's layout, one a value, field after field */

/* value[at] += the integer, of every row where it is not missing. */
void formula_sum(struct formula_sums *sums, size_t at, uint32_t value);
/* value[at + key] += 1, of every row where the key, an integer from 0 to keys - 1, is not missing. */
void formula_count(struct formula_sums *sums, size_t at, uint32_t key, size_t keys);
/* value[at + key] += the integer. */
void formula_sum_by(struct formula_sums *sums, size_t at, uint32_t key, size_t keys, uint32_t value);

#endif
