/* A round's sums as statements for a bank's database (data/formula_sql.h), for a run and for whoever checks. */
#ifndef NODE_PUSHED_H
#define NODE_PUSHED_H

#include "data/formula_sql.h"
#include "proto/run/fold.h"

struct pushed {
    struct formula_sums sums;
    struct formula_queries queries;
    const struct formula_query *query; /* the one that runs */
    __int128 *values;                  /* zeroed: of the round's layout, as they add up */
    size_t values_count;
};

void pushed_done(struct pushed *pushed); /* wipes the values */
/* The statements over this table, into a zeroed *pushed. *ret_there false: there are none, *ret_why says why, and rows
 * are streamed. */
MUST_USE struct result pushed_of(const struct fold *fold, const struct dialect *dialect, const char *table,
                                 struct pushed *pushed, bool *ret_there, const char **ret_why);

#endif
