/* The terms of a linear model: the intercept, one for a number, one for each level of a category but its baseline, then
 * those of hinges and products: one, or one for each pair of levels. In plan order; this order decides which of two
 * collinear columns is left out. */
#ifndef ANALYTICS_TERMS_H
#define ANALYTICS_TERMS_H

#include "proto/run/plan.h"

#define TERM_NONE UINT32_MAX /* the baseline has no term */

enum term_kind { TERM_INTERCEPT, TERM_NUMBER, TERM_LEVEL, TERM_HINGE, TERM_PRODUCT };
struct term {
    enum term_kind kind;
    size_t feature;           /* TERM_HINGE and TERM_PRODUCT: index of the plan's derived columns */
    size_t level, with_level; /* of categories, also of a product's: index as plan_feature_level counts; else 0 */
};
struct terms {
    const struct plan *plan; /* borrowed */
    struct term *items;
    size_t count;
    size_t *first; /* of each feature */
};

void terms_done(struct terms *terms);
MUST_USE struct result terms_of(const struct plan *plan, struct terms *ret);
/* "(intercept)", "limit", "sex=2", "age>30", "age:sex=2": appended. */
MUST_USE struct result terms_name(const struct terms *terms, size_t term, struct buffer *out);
/* The term of a category's level, or TERM_NONE. */
uint32_t terms_of_level(const struct terms *terms, size_t feature, size_t level);
/* Triangle numbering of pairs j <= k of `count`: row by row. */
static inline size_t terms_pair(size_t count, size_t j, size_t k)
{
    return j * count - j * (j + 1) / 2 + k;
}
static inline size_t terms_pairs(size_t count)
{
    return count * (count + 1) / 2;
}

#endif
