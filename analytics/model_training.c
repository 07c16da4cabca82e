/* How the rows that trained a model are spread over its features' values: what drift is measured against. */
#include <stdlib.h>

#include "analytics/model_read.h"

struct result model_rows(const json_t *value, const char *what, double *ret)
{
    ENSURE(json_is_integer(value) && json_integer_value(value) >= 0, CATEGORY_USAGE, "\"%s\" is no count of rows",
           what);
    *ret = (double)json_integer_value(value);
    return RESULT_OK;
}

static struct result allocate(struct model_feature *feature, size_t cells, size_t places)
{
    feature->training = calloc(cells + 1, sizeof *feature->training);
    feature->cell_of = calloc(places + 1, sizeof *feature->cell_of);
    ENSURE(feature->training && feature->cell_of, CATEGORY_ENVIRONMENT, "out of memory");
    feature->cells_count = cells;
    return RESULT_OK;
}

struct result model_read_bins(const json_t *of, struct model_feature *feature)
{
    const json_t *bins = json_object_get(of, "bins"), *edges = json_object_get(bins, "edges");
    const json_t *rows = json_object_get(bins, "rows"), *missing = json_object_get(bins, "missing");
    size_t count = json_array_size(edges), cells = json_array_size(rows);
    if (!bins) return RESULT_OK;
    ENSURE(count < PLAN_BINS_MAX && json_is_integer(missing) && (cells == count + 1 || cells == count + 2),
           CATEGORY_USAGE, "\"bins\" are none");
    TRY(allocate(feature, cells, count + 2));
    feature->cell_edges = calloc(count + 1, sizeof *feature->cell_edges);
    ENSURE(feature->cell_edges, CATEGORY_ENVIRONMENT, "out of memory");
    for (size_t e = 0; e < count; e++) {
        feature->cell_edges[e] = json_number_value(json_array_get(edges, e));
        ENSURE(e == 0 || feature->cell_edges[e] > feature->cell_edges[e - 1], CATEGORY_USAGE,
               "\"bins\" have edges that do not rise");
    }
    feature->cell_edges_count = count;
    for (size_t c = 0; c < cells; c++) TRY(model_rows(json_array_get(rows, c), "bins", &feature->training[c]));
    for (size_t b = 0; b <= count; b++) feature->cell_of[b] = b;
    feature->cell_of[count + 1] = (size_t)json_integer_value(missing);
    ENSURE(json_integer_value(missing) >= 0 && feature->cell_of[count + 1] < cells, CATEGORY_USAGE,
           "\"missing\" is none of the bins");
    return RESULT_OK;
}

/* Levels whose rows are withheld are one cell: what the others leave of all. */
struct result model_read_level_rows(const json_t *json, const json_t *levels, struct model_feature *feature)
{
    const json_t *all = json_object_get(json_object_get(json, "rows"), "train");
    size_t index, cells = 0;
    const json_t *level;
    if (!all) return RESULT_OK;
    TRY(allocate(feature, feature->levels_count + 1, feature->levels_count));
    double rest;
    TRY(model_rows(all, "rows", &rest));
    json_array_foreach(levels, index, level)
    {
        const json_t *rows = json_object_get(level, "rows");
        feature->cell_of[index] = feature->levels_count; /* for now */
        if (!json_is_integer(rows)) continue;
        TRY(model_rows(rows, "rows", &feature->training[cells]));
        rest -= feature->training[cells];
        feature->cell_of[index] = cells++;
    }
    ENSURE(rest >= 0, CATEGORY_USAGE, "its levels have more rows than trained the model");
    feature->training[cells] = rest;
    for (index = 0; index < feature->levels_count; index++)
        if (feature->cell_of[index] == feature->levels_count) feature->cell_of[index] = cells;
    feature->cells_count = cells + 1;
    return RESULT_OK;
}
