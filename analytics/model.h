/* A trained logistic model read back from model.json, and the probabilities it gives: with the same operations in the
 * same order as training used, so the same bits. For `cofferdam score` and for comparing a model on other rows. */
#ifndef ANALYTICS_MODEL_H
#define ANALYTICS_MODEL_H

#include "data/table.h"

struct model_feature {
    bool number;
    double fill, mean, inverse, estimate; /* of a number: (value - mean) · inverse · estimate */
    char **levels;                        /* of a category, as the plan listed them */
    size_t levels_count;
    bool level_missing, level_other;
    double *estimates; /* of each level, then of missing, then of other, where the model has them; a baseline is 0 */
};
struct model {
    double intercept;
    size_t features_count;
    struct model_feature *features;
    struct column_spec *specs; /* one column a feature, in order; they borrow from the features */
    char target[NAME_MAX_BYTES + 1];
    char positive[LEVEL_MAX_BYTES + 1];
};

void model_done(struct model *model);
/* name is the file's, for errors. CATEGORY_USAGE when the text is not a logistic model of ours. */
MUST_USE struct result model_parse(struct view json, const char *name, struct model *ret);

/* The log-odds and the probability of the rows [begin, begin + rows). The table's first columns are the model's;
 * others may follow. Either array may be NULL. */
MUST_USE struct result model_score(const struct model *model, const struct table *table, uint64_t begin, uint64_t rows,
                                   double *log_odds, double *probability);
/* What each feature adds to one row's log-odds (features_count values): the reasons of its score. */
MUST_USE struct result model_reasons(const struct model *model, const struct table *table, uint64_t row,
                                     double *reasons);

#endif
