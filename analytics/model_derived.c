/* Hinges and products of a logistic model, read back from model.json. */
#include <stdlib.h>
#include <string.h>

#include "analytics/model_read.h"

static struct result find(const struct model *model, const json_t *name, size_t *ret)
{
    const char *text = json_string_value(name);
    for (*ret = 0; text && *ret < model->features_count; ++*ret)
        if (strcmp(model->specs[*ret].name, text) == 0) return RESULT_OK;
    return FAIL(CATEGORY_USAGE, "\"of\" names no feature of the model");
}

/* "NAME" of a number, "NAME=LEVEL" of a category. */
static struct result part_name(const struct model *model, size_t f, size_t level, struct buffer *out)
{
    const struct model_feature *feature = &model->features[f];
    return feature->number ? buffer_text(out, model->specs[f].name)
                           : buffer_format(out, "%s=%s", model->specs[f].name, feature->levels[level]);
}

/* A baseline has no terms. */
static bool is_baseline(const json_t *json, const struct model *model, size_t f, size_t level)
{
    const json_t *of = json_array_get(json_object_get(json, "features"), f);
    const char *baseline = json_string_value(json_object_get(of, "baseline"));
    return !model->features[f].number && baseline && strcmp(baseline, model->features[f].levels[level]) == 0;
}

static struct result read_product(const json_t *json, const struct model *model, struct model_derived *derived)
{
    for (size_t a = 0; a < derived->widths[0]; a++)
        for (size_t b = 0; b < derived->widths[1]; b++) {
            CLEANUP(buffer_done) struct buffer name = {0};
            const char *text;
            if (is_baseline(json, model, derived->feature, a) || is_baseline(json, model, derived->with, b)) continue;
            TRY(part_name(model, derived->feature, a, &name));
            TRY(buffer_u8(&name, ':'));
            TRY(part_name(model, derived->with, b, &name));
            TRY(buffer_terminate(&name, &text));
            TRY(model_estimate(json, text, &derived->estimates[a * derived->widths[1] + b]));
        }
    return RESULT_OK;
}

static struct result read_one(const json_t *json, const json_t *of, struct model *model, struct model_derived *derived)
{
    const json_t *parts = json_object_get(of, "of");
    size_t count = json_array_size(parts);
    TRY(model_copy(of, "name", derived->name, sizeof derived->name - 1));
    ENSURE(count == 1 || count == 2, CATEGORY_USAGE, "\"of\" is not one feature or two");
    TRY(find(model, json_array_get(parts, 0), &derived->feature));
    const struct model_feature *feature = &model->features[derived->feature];
    derived->with = SIZE_MAX;
    derived->widths[0] = derived->widths[1] = 1;
    if (count == 2) {
        TRY(find(model, json_array_get(parts, 1), &derived->with));
        derived->widths[0] = model_width(feature);
        derived->widths[1] = model_width(&model->features[derived->with]);
    }
    derived->estimates = calloc(derived->widths[0] * derived->widths[1] + 1, sizeof *derived->estimates);
    ENSURE(derived->estimates, CATEGORY_ENVIRONMENT, "out of memory for a model");
    if (count == 2) return read_product(json, model, derived);
    ENSURE(feature->number, CATEGORY_USAGE, "a hinge is of a number");
    TRY(model_number(of, "knot", &derived->knot));
    derived->knot = (derived->knot - feature->mean) * feature->inverse;
    return model_estimate(json, derived->name, &derived->estimates[0]);
}

struct result model_read_derived(const json_t *json, struct model *model)
{
    const json_t *all = json_object_get(json, "derived");
    size_t count = json_array_size(all);
    ENSURE(!all || json_is_array(all), CATEGORY_USAGE, "\"derived\" is not a list");
    ENSURE(count <= PLAN_DERIVED_MAX, CATEGORY_USAGE, "the model has %zu derived columns", count);
    model->derived = calloc(count + 1, sizeof *model->derived);
    ENSURE(model->derived, CATEGORY_ENVIRONMENT, "out of memory for a model");
    for (size_t d = 0; d < count; d++) {
        model->derived_count++;
        TRY(result_at(read_one(json, json_array_get(all, d), model, &model->derived[d]), "derived %zu: ", d + 1));
    }
    return RESULT_OK;
}
