/* model.json of a private evaluation. */
#include <math.h>

#include "analytics/evaluate_private.h"
#include "analytics/exact.h"
#include "analytics/head.h"
#include "analytics/private_json.h"
#include "analytics/private_project.h"

struct writer {
    const struct evaluate *evaluate;
    double sigma[EVALUATE_FIELDS];
    struct tree tree;
};

static const double normal_95 = 1.959963984540054; /* the 97.5th percentile of the normal distribution */
static const char *const sets[] = {"train", "holdout"};

/* Which sets there are follows from the plan, not from counts that noise makes. */
static size_t sets_of(const struct writer *writer)
{
    return writer->evaluate->plan->split == SPLIT_NONE ? 1 : 2;
}

static struct result measure_noise(struct writer *writer, unsigned banks)
{
    const struct evaluate_private *private = writer->evaluate->private;
    for (size_t f = 0; f < EVALUATE_FIELDS; f++)
        if (private->field[f] != SIZE_MAX)
            TRY(private_noise(writer->evaluate->plan, &private->layout.fields[private->field[f]], banks,
                              &writer->sigma[f]));
    return RESULT_OK;
}

static struct evaluate_set set_of(const struct writer *writer, size_t model, size_t set)
{
    struct evaluate_set ret = {.evaluate = writer->evaluate, .model = model, .set = set};
    for (size_t f = 0; f < EVALUATE_FIELDS; f++) ret.sigma[f] = writer->sigma[f];
    return ret;
}

static json_t *model_of(struct writer *writer, size_t m)
{
    json_t *object = json_object();
    tree_put(&writer->tree, object, "name", json_string(writer->evaluate->plan->models[m].name));
    tree_put(&writer->tree, object, "hash", json_string(writer->evaluate->given[m].model.hash));
    for (size_t s = 0; s < sets_of(writer); s++) {
        const struct evaluate_set set = set_of(writer, m, s);
        tree_put(&writer->tree, object, sets[s], evaluate_private_set(&writer->tree, &set));
    }
    return object;
}

/* Of two histograms, whose noise is independent. What the AUCs have in common, being of the same rows, is not asked
 * for: the sampling variances are added, which is too much where both models order the rows much alike. */
static json_t *difference(struct writer *writer, size_t s)
{
    const struct evaluate_set first = set_of(writer, 0, s), second = set_of(writer, 1, s);
    const struct evaluate_auc a = evaluate_private_auc(&first), b = evaluate_private_auc(&second);
    if (isnan(a.auc) || isnan(b.auc)) return json_null();
    double away = a.auc - b.auc, error = sqrt(a.variance + b.variance), z = away / error;
    json_t *object = json_object(), *interval = json_array();
    tree_put(&writer->tree, object, "auc_difference", tree_real(away));
    tree_put(&writer->tree, object, "noise_sd", tree_real(sqrt(a.noise_sd * a.noise_sd + b.noise_sd * b.noise_sd)));
    tree_put(&writer->tree, object, "std_error", tree_real(error));
    tree_add(&writer->tree, interval, tree_real(away - normal_95 * error));
    tree_add(&writer->tree, interval, tree_real(away + normal_95 * error));
    tree_put(&writer->tree, object, "interval", interval);
    tree_put(&writer->tree, object, "z", tree_real(z));
    tree_put(&writer->tree, object, "p", isfinite(z) ? tree_real(exact_normal_two_sided(z)) : json_null());
    return object;
}

/* Rows that a model refuses to score: none, or enough to be shown. */
static json_t *refused(const struct writer *writer)
{
    const struct evaluate_private *private = writer->evaluate->private;
    double count = private->values[private->begin[EVALUATE_FIELD_CASES] + EVALUATE_REFUSED];
    if (!(count > 0)) return tree_count(0);
    if (count < writer->evaluate->plan->cells_minimum) return json_null();
    return tree_count((uint64_t)private_clip(count, 0, 0x1p62));
}

static void put_all(struct writer *writer, json_t *root)
{
    json_t *array = json_array(), *rule = json_object(), *both = json_object();
    tree_put(&writer->tree, rule, "minimum", tree_count(writer->evaluate->plan->cells_minimum));
    tree_put(&writer->tree, root, "cells", rule);
    tree_put(&writer->tree, root, "rows_refused", refused(writer));
    for (size_t m = 0; m < writer->evaluate->plan->models_count; m++)
        tree_add(&writer->tree, array, model_of(writer, m));
    tree_put(&writer->tree, root, "models", array);
    for (size_t s = 0; s < sets_of(writer) && writer->evaluate->plan->models_count > 1; s++)
        tree_put(&writer->tree, both, sets[s], difference(writer, s));
    if (writer->evaluate->plan->models_count > 1)
        tree_put(&writer->tree, root, "difference", both);
    else
        json_decref(both);
}

struct result evaluate_private_result(const struct evaluate *evaluate, uint64_t rounds, unsigned banks,
                                      struct buffer *out)
{
    struct writer writer = {.evaluate = evaluate};
    TRY(measure_noise(&writer, banks));
    json_t *root = head_of(&writer.tree, evaluate->plan, rounds, banks, evaluate->cases);
    json_t *privacy = private_json(&writer.tree, evaluate->plan);
    tree_put(&writer.tree, root, "privacy", privacy);
    struct result result = private_json_noise(&writer.tree, privacy, evaluate->plan, banks, &evaluate->private->layout);
    if (!result_ok(result)) {
        json_decref(root);
        return result;
    }
    put_all(&writer, root);
    return tree_text(&writer.tree, root, out);
}
