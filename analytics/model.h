/* A trained model read back from model.json, and what it says of rows. A logistic model repeats the training's
 * operations in the same order, so its probabilities to the bit. A scorecard looks up each feature's class: its part of
 * the log-odds, and its points. For `cofferdam score` and for comparing a model on other rows.
 */
#ifndef ANALYTICS_MODEL_H
#define ANALYTICS_MODEL_H

#include "crypto/hash.h"
#include "data/table.h"
#include "proto/run/plan.h"

struct model_feature {
    bool number;
    double fill, mean, inverse, estimate; /* of a linear number: (value - mean) · inverse · estimate */
    /* Else each class or level has a part of the log-odds: of a number in a scorecard, [edge, next edge), then missing
     * values, then each special code; of a category, the levels, then missing, then other, where the model has them. A
     * baseline has 0. */
    double *edges;
    size_t edges_count;
    double *specials;
    size_t specials_count;
    char **levels;
    size_t levels_count; /* of a category: with missing and other */
    bool level_missing, level_other;
    double *estimates;
    double *points, best; /* of a scorecard: beside `estimates`; the most of them */
    /* How the rows that trained are spread: rows of each cell; NULL where the model does not keep it. cell_of: the cell
     * of a class or level as above; of a linear number, of [edge, next edge) by cell_edges, then of missing values. */
    double *training;
    size_t *cell_of, cells_count;
    double *cell_edges;
    size_t cell_edges_count;
};
/* A hinge, max(0, z - knot) · estimate with z = (value - mean) · inverse; or a product, z of each number times the
 * estimate of the levels: estimates[level of feature · widths[1] + level of with], a number's width being 1. */
struct model_derived {
    char name[2 * NAME_MAX_BYTES + 2];
    size_t feature, with; /* with SIZE_MAX: a hinge */
    double knot;
    double *estimates;
    size_t widths[2];
};
struct model {
    bool scorecard;
    double intercept, base_points;
    size_t reasons; /* of a scorecard: most reason codes of a row */
    size_t features_count;
    struct model_feature *features;
    struct model_derived *derived;
    size_t derived_count;
    struct column_spec *specs; /* one column a feature, in order; they borrow from the features */
    char target[NAME_MAX_BYTES + 1];
    char positive[LEVEL_MAX_BYTES + 1];
    char hash[2 * HASH_BYTES + 1]; /* of its contents, and so of this model alone */
};

void model_done(struct model *model);
/* name is the file's, for errors. CATEGORY_USAGE when the text is not a model that scores rows, or not that its
 * hash was made of. */
MUST_USE struct result model_parse(struct view json, const char *name, struct model *ret);

/* How many classes or levels a row's value may be in, of a scorecard's number or of a category. */
static inline size_t model_attributes(const struct model_feature *feature)
{
    return feature->number ? feature->edges_count + 2 + feature->specials_count : feature->levels_count;
}

/* The levels of a category, missing and other included; 1 of a number. */
static inline size_t model_width(const struct model_feature *feature)
{
    return feature->number ? 1 : feature->levels_count;
}

/* The log-odds and the probability of the rows [begin, begin + rows). The table's first columns are the model's;
 * others may follow. Either array may be NULL. */
MUST_USE struct result model_score(const struct model *model, const struct table *table, uint64_t begin, uint64_t rows,
                                   double *log_odds, double *probability);
/* In which cell of a feature's training rows a row's value lies. The feature has `training`. */
MUST_USE struct result model_cell(const struct model *model, const struct table *table, size_t feature, uint64_t row,
                                  size_t *ret);
/* What each feature, then each derived column, adds to one row's log-odds. */
MUST_USE struct result model_parts(const struct model *model, const struct table *table, uint64_t row, double *parts);
/* A scorecard's points of one row. reasons (room for model->reasons): the features that cost it most points against
 * their best class, most first, of equals in order; those that cost none are no reasons. Returns their number in
 * ret_count. */
MUST_USE struct result model_points(const struct model *model, const struct table *table, uint64_t row, double *ret,
                                    size_t *reasons, size_t *ret_count);

#endif
