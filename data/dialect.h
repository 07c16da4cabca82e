/* How a database writes the few things in which databases differ: one file for each. What comes as text is an operand,
 * a plain name wherever `repeats` says that the dialect writes it more than once.
 */
#ifndef DATA_DIALECT_H
#define DATA_DIALECT_H

#include "crypto/base/bytes.h"

enum dialect_operation { DIALECT_ROUND, DIALECT_BIN, DIALECT_TABLE };

struct dialect {
    const char *name;
    const char *session;  /* a statement that a connection runs before any other; NULL: none is needed */
    size_t columns_most;  /* of a SELECT */
    size_t depth_most;    /* of an expression, in operations */
    size_t keys_most;     /* keyed sums in one statement */
    bool underflow_fails; /* a product or quotient that rounds to 0, but is none, is an error */
    const char *fence;    /* at the end of a subquery: what it selects is computed there, once */
    const char *text;     /* the type to which results are cast */
    const char *wide;     /* after an integer below 2^31: its products and sums may pass that */
    unsigned sum_bits;    /* integers below 2^this sum exactly over ROWS_MAX rows; wider ones are summed in two parts */
    /* Whether an operation on a number of magnitude up to `most` writes it more than once. */
    bool (*repeats)(enum dialect_operation operation, double most);
    struct result (*real)(double value, struct buffer *out);
    /* The nearest integer, half to even; |x| <= most. */
    struct result (*round)(const char *x, double most, struct buffer *out);
    /* How many of the rising edges are at most x; count >= 1. */
    struct result (*bin)(const char *x, const double *edges, size_t count, struct buffer *out);
    /* The value at an integer from 0, NULL beyond; most: their largest magnitude. */
    struct result (*table)(const char *at, const double *values, size_t count, bool integers, double most,
                           struct buffer *out);
    /* Several columns become one of as many rows, in what is selected from a subquery: one of them, and what follows
     * that subquery. */
    struct result (*unfold)(const struct view *columns, size_t count, struct buffer *out);
    struct result (*unfold_from)(size_t count, struct buffer *out);
};

extern const struct dialect dialect_postgresql, dialect_sqlite;

#endif
