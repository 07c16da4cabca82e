/* How a bank's rows code the target: for people who look whether the plan's values are those of the data. */
#ifndef ANALYTICS_CODING_H
#define ANALYTICS_CODING_H

#include "data/table.h"
#include "proto/run/plan.h"

struct coding {
    uint64_t positive;    /* rows with the plan's positive value */
    struct others others; /* the values of the other rows, listed in the plan or not */
};

/* Adds the rows of a table of this plan that a source filled. Of one that was filled in parts: the rows of each, and,
 * once, what the last counted of values that the plan does not list. */
void coding_add(const struct plan *plan, const struct table *table, struct coding *coding);
void coding_add_rows(const struct plan *plan, const struct table *table, struct coding *coding);
void coding_add_others(const struct plan *plan, const struct table *table, struct coding *coding);
/* Appends `"1" (positive) 530, "0" 2470`. */
MUST_USE struct result coding_line(const struct plan *plan, const struct coding *coding, struct buffer *out);
/* Appends a sentence without an end of line where there is something to look at: no positive row, or several values
 * that are all taken for negative because the plan does not list them. Nothing otherwise. */
MUST_USE struct result coding_warning(const struct plan *plan, const struct coding *coding, struct buffer *out);

#endif
