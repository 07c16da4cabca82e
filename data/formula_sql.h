/* A round's sums (formula.h) as SELECT statements over the frozen table, and their results as integers.
 *
 * The table has a row a row: n (bigint), held (smallint), and of the schema's column k c<k> (double precision or
 * integer) and, where it is marked, m<k> (smallint). Statements read it and nothing else. Every cell of their results
 * is text: decimal digits with a sign, or NULL (no row).
 */
#ifndef DATA_FORMULA_SQL_H
#define DATA_FORMULA_SQL_H

#include "crypto/base/bytes.h"
#include "data/dialect.h"
#include "data/formula.h"

struct formula_query {
    char *text;     /* one statement, without a semicolon */
    size_t columns; /* of its result */
    bool grouped;   /* a row a key, which is the first column, in any order; else one row */
    size_t *places; /* which of the round's values a column goes to; grouped: a key, of `keys` */
    size_t keys;
    unsigned *shifts; /* a column counts times 2^this */
};
struct formula_queries {
    struct formula_query *items;
    size_t count;
};

void formula_queries_done(struct formula_queries *queries);
/* table: the frozen table's name as SQL has it, quoted where that is needed. The sums are supported. CATEGORY_USAGE
 * when a statement would pass the engine's limits even so: the rows are to be streamed. */
MUST_USE struct result formula_sql(const struct formula_sums *sums, const struct dialect *dialect, const char *table,
                                   struct formula_queries *ret);
/* Adds one row of a query's result to the round's values (values_count, zeroed before the first query). cells:
 * `columns` texts, NULL for NULL. CATEGORY_ENVIRONMENT when they are not what the statement gives. */
MUST_USE struct result formula_take(const struct formula_query *query, const char *const *cells, __int128 *values,
                                    size_t values_count);

#endif
