/* What a plan asks of a bank's data, as columns: for the source that fills a table and for the tasks that read it.
 *
 * Columns in this order: the features in plan order, the target where the plan has one (code 0 is positive, every other
 * one negative; where the plan lists the negative values, any further one refuses the row), the id as text when the
 * plan names one, and the split column as text when rows are held out by a column. A missing target, id or split value
 * refuses the row.
 */
#ifndef ANALYTICS_SCHEMA_H
#define ANALYTICS_SCHEMA_H

#include "data/table.h"
#include "proto/run/plan.h"

struct schema {
    struct column_spec *specs;
    size_t count;
    const char **levels; /* one array that the specs' levels point into; the texts are the plan's */
};

void schema_done(struct schema *schema);
/* Borrows from the plan. Plan and schema must outlive the tables made with the specs. */
MUST_USE struct result schema_of(const struct plan *plan, struct schema *ret);

/* Where a plan's columns are in the specs, and so in a table. SIZE_MAX when the plan has no such column. */
size_t schema_target(const struct plan *plan);
size_t schema_id(const struct plan *plan);
size_t schema_split(const struct plan *plan);
/* CATEGORY_BUG unless the table has the columns of this plan, in order. */
MUST_USE struct result schema_check(const struct plan *plan, const struct table *table);

#endif
