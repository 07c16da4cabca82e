/* What a model says of rows. */
#include <math.h>
#include <string.h>

#include "analytics/elementary.h"
#include "analytics/model.h"
#include "analytics/profile.h"

/* Which class or level a row's value is. */
static struct result attribute(const struct model *model, const struct table *table, size_t f, uint64_t row,
                               size_t *ret)
{
    const struct model_feature *feature = &model->features[f];
    const struct column *column = &table->columns[f];
    if (feature->number) {
        double value = column->numbers[row];
        size_t special = column_special(column, row);
        if (special < feature->specials_count) {
            *ret = feature->edges_count + 2 + special;
            return RESULT_OK;
        }
        ENSURE(!isnan(value) || column->spec.missing_allowed, CATEGORY_BUG, "a value of %s is missing",
               model->specs[f].name);
        *ret = isnan(value) ? feature->edges_count + 1 : profile_bin(feature->edges, feature->edges_count, value);
        return RESULT_OK;
    }
    size_t level = column->codes[row], last = feature->levels_count - 1;
    if (column->codes[row] == CODE_MISSING) level = feature->level_missing ? model->specs[f].levels_count : SIZE_MAX;
    if (column->codes[row] == CODE_OTHER) level = feature->level_other ? last : SIZE_MAX;
    ENSURE(level <= last, CATEGORY_BUG, "a value of %s is none of the model's", model->specs[f].name);
    *ret = level;
    return RESULT_OK;
}

/* A number on the model's scale, filled when missing. */
static struct result standardised(const struct model *model, const struct table *table, size_t f, uint64_t row,
                                  double *ret)
{
    const struct model_feature *feature = &model->features[f];
    double value = table->columns[f].numbers[row];
    ENSURE(!isnan(value) || table->columns[f].spec.missing_allowed, CATEGORY_BUG, "a value of %s is missing",
           model->specs[f].name);
    if (isnan(value)) value = feature->fill;
    *ret = (value - feature->mean) * feature->inverse;
    return RESULT_OK;
}

/* What a feature adds to a row's log-odds. */
static struct result part(const struct model *model, const struct table *table, size_t f, uint64_t row, double *ret)
{
    const struct model_feature *feature = &model->features[f];
    size_t at;
    if (!feature->number || model->scorecard) {
        TRY(attribute(model, table, f, row, &at));
        *ret = feature->estimates[at];
        return RESULT_OK;
    }
    TRY(standardised(model, table, f, row, ret));
    *ret *= feature->estimate;
    return RESULT_OK;
}

/* What a hinge or a product adds. */
static struct result derived_part(const struct model *model, const struct table *table, size_t d, uint64_t row,
                                  double *ret)
{
    const struct model_derived *derived = &model->derived[d];
    const size_t parts[] = {derived->feature, derived->with};
    double product = 1, z;
    size_t at[2] = {0, 0};
    if (derived->with == SIZE_MAX) {
        TRY(standardised(model, table, derived->feature, row, &z));
        *ret = z > derived->knot ? (z - derived->knot) * derived->estimates[0] : 0;
        return RESULT_OK;
    }
    for (size_t i = 0; i < 2; i++) {
        if (!model->features[parts[i]].number) {
            TRY(attribute(model, table, parts[i], row, &at[i]));
            continue;
        }
        TRY(standardised(model, table, parts[i], row, &z));
        product *= z;
    }
    *ret = product * derived->estimates[at[0] * derived->widths[1] + at[1]];
    return RESULT_OK;
}

struct result model_cell(const struct model *model, const struct table *table, size_t f, uint64_t row, size_t *ret)
{
    const struct model_feature *feature = &model->features[f];
    size_t at;
    if (!feature->number || model->scorecard) {
        TRY(attribute(model, table, f, row, &at));
    } else {
        double value = table->columns[f].numbers[row];
        at = isnan(value) ? feature->cell_edges_count + 1
                          : profile_bin(feature->cell_edges, feature->cell_edges_count, value);
    }
    *ret = feature->cell_of[at];
    return RESULT_OK;
}

/* Whether a column's codes are those of the model's levels. */
static bool same_levels(const struct column_spec *a, const struct column_spec *b)
{
    if (a->levels == b->levels) return true;
    if (a->levels_count != b->levels_count) return false;
    for (size_t i = 0; i < a->levels_count; i++)
        if (strcmp(a->levels[i], b->levels[i]) != 0) return false;
    return true;
}

static struct result check_table(const struct model *model, const struct table *table, uint64_t begin, uint64_t rows)
{
    ENSURE(table->columns_count >= model->features_count && begin <= table->rows && rows <= table->rows - begin,
           CATEGORY_BUG, "the table does not have the rows or columns asked for");
    for (size_t f = 0; f < model->features_count; f++)
        ENSURE(strcmp(table->columns[f].spec.name, model->specs[f].name) == 0 &&
                   table->columns[f].spec.kind == model->specs[f].kind &&
                   same_levels(&table->columns[f].spec, &model->specs[f]),
               CATEGORY_BUG, "the table's column %zu is not the model's %s", f + 1, model->specs[f].name);
    return RESULT_OK;
}

struct result model_parts(const struct model *model, const struct table *table, uint64_t row, double *parts)
{
    TRY(check_table(model, table, row, 1));
    for (size_t f = 0; f < model->features_count; f++) TRY(part(model, table, f, row, &parts[f]));
    for (size_t d = 0; d < model->derived_count; d++)
        TRY(derived_part(model, table, d, row, &parts[model->features_count + d]));
    return RESULT_OK;
}

struct result model_score(const struct model *model, const struct table *table, uint64_t begin, uint64_t rows,
                          double *log_odds, double *probability)
{
    TRY(check_table(model, table, begin, rows));
    for (uint64_t r = 0; r < rows; r++) {
        double score = model->intercept, more, chance, tail;
        for (size_t f = 0; f < model->features_count; f++) {
            TRY(part(model, table, f, begin + r, &more));
            score += more;
        }
        for (size_t d = 0; d < model->derived_count; d++) {
            TRY(derived_part(model, table, d, begin + r, &more));
            score += more;
        }
        elementary_logistic(PATH_PORTABLE, &score, 1, &chance, &tail);
        if (log_odds) log_odds[r] = score;
        if (probability) probability[r] = chance;
    }
    return RESULT_OK;
}

struct result model_points(const struct model *model, const struct table *table, uint64_t row, double *ret,
                           size_t *reasons, size_t *ret_count)
{
    double lost[PLAN_REASONS_MAX];
    size_t count = 0, at;
    TRY(check_table(model, table, row, 1));
    ENSURE(model->scorecard, CATEGORY_BUG, "only a scorecard has points");
    *ret = model->base_points;
    for (size_t f = 0; f < model->features_count; f++) {
        TRY(attribute(model, table, f, row, &at));
        double points = model->features[f].points[at], loss = model->features[f].best - points;
        *ret += points;
        size_t place = count;
        while (place > 0 && loss > lost[place - 1]) place--;
        if (!(loss > 0) || place == model->reasons) continue;
        if (count < model->reasons) count++;
        memmove(lost + place + 1, lost + place, (count - 1 - place) * sizeof *lost);
        memmove(reasons + place + 1, reasons + place, (count - 1 - place) * sizeof *reasons);
        lost[place] = loss;
        reasons[place] = f;
    }
    *ret_count = count;
    return RESULT_OK;
}
