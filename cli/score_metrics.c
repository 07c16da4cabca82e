/* cofferdam score --metrics: a model's exact measures on rows that are at hand. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/cases.h"
#include "analytics/schema.h"
#include "cli/document.h"
#include "cli/mapping.h"
#include "cli/metrics.h"
#include "cli/score.h"

/* Rows apart by what the model's split makes of them: [0] training, [1] held out. */
struct parts {
    struct scored *rows[2];
    uint64_t count[2];
};

static void parts_done(struct parts *parts)
{
    free(parts->rows[0]);
    free(parts->rows[1]);
}

/* As much of a plan as deciding which rows are held out takes. The texts stay the document's. */
struct split_rule {
    struct plan plan;
    char **values, **negative;
};

static void split_rule_done(struct split_rule *rule)
{
    free((void *)rule->values);
    free((void *)rule->negative);
}

static struct result name_of(const json_t *split, const char *key, char out[NAME_MAX_BYTES + 1])
{
    const char *text = document_text(split, key);
    ENSURE(strlen(text) <= NAME_MAX_BYTES, CATEGORY_USAGE, "\"split\": \"%s\" is too long", key);
    memcpy(out, text, strlen(text) + 1);
    return RESULT_OK;
}

/* The texts of a list; they stay the document's. */
static struct result texts_of(const json_t *values, const char *what, char ***ret, size_t *ret_count)
{
    *ret = calloc(json_array_size(values) + 1, sizeof **ret);
    ENSURE(*ret != NULL, CATEGORY_ENVIRONMENT, "out of memory for %s", what);
    size_t index;
    const json_t *value;
    json_array_foreach(values, index, value)
    {
        ENSURE(json_is_string(value), CATEGORY_USAGE, "%s holds something other than texts", what);
        (*ret)[(*ret_count)++] = (char *)json_string_value(value);
    }
    return RESULT_OK;
}

static struct result split_rule_of(const json_t *document, const struct model *model, struct split_rule *ret)
{
    const json_t *split = json_object_get(document, "split");
    ret->plan.features_count = model->features_count;
    memcpy(ret->plan.target, model->target, sizeof ret->plan.target);
    TRY(texts_of(json_object_get(json_object_get(document, "target"), "negative"), "\"target\": \"negative\"",
                 &ret->negative, &ret->plan.negative_count));
    ENSURE(ret->plan.negative_count <= LEVELS_MAX, CATEGORY_USAGE, "\"target\": \"negative\" has too many values");
    if (!json_is_object(split)) return RESULT_OK;
    TRY(name_of(split, "id", ret->plan.id));
    TRY(name_of(split, "seed", ret->plan.split_seed));
    TRY(name_of(split, "column", ret->plan.split_column));
    ret->plan.split = ret->plan.split_column[0] != 0 ? SPLIT_COLUMN : SPLIT_HASH;
    ret->plan.split_fraction = document_number(split, "fraction");
    TRY(texts_of(json_object_get(split, "holdout"), "\"split\": \"holdout\"", &ret->values,
                 &ret->plan.split_holdout_count));
    ret->plan.split_holdout = ret->values;
    return RESULT_OK;
}

/* The columns after the model's own, in the order of analytics/schema.h: target, id, split column. */
static struct result more_columns(const struct model *model, const struct split_rule *rule, const char **target,
                                  struct column_spec more[3], size_t *ret_count)
{
    size_t count = 0;
    size_t negative = rule->plan.negative_count;
    target[0] = model->positive;
    for (size_t i = 0; i < negative; i++) target[i + 1] = rule->negative[i];
    more[count] = (struct column_spec){
        .kind = COLUMN_CATEGORY, .levels = target, .levels_count = 1 + negative, .other_allowed = negative == 0};
    TRY(score_spec_name(&more[count++], model->target));
    if (rule->plan.id[0] != 0) {
        more[count] = (struct column_spec){.kind = COLUMN_TEXT};
        TRY(score_spec_name(&more[count++], rule->plan.id));
    }
    if (rule->plan.split == SPLIT_COLUMN) {
        more[count] = (struct column_spec){.kind = COLUMN_TEXT};
        TRY(score_spec_name(&more[count++], rule->plan.split_column));
    }
    *ret_count = count;
    return RESULT_OK;
}

static struct result parts_reserve(struct parts *parts, uint64_t rows)
{
    for (size_t part = 0; part < 2; part++) {
        struct scored *grown = realloc(parts->rows[part], (size_t)(parts->count[part] + rows + 1) * sizeof *grown);
        ENSURE(grown != NULL, CATEGORY_ENVIRONMENT, "out of memory for %" PRIu64 " rows", rows);
        parts->rows[part] = grown;
    }
    return RESULT_OK;
}

static struct result parts_add(struct parts *parts, const struct model *model, const struct plan *rule,
                               const struct table *table)
{
    TRY(parts_reserve(parts, table->rows));
    double *odds = calloc((size_t)table->rows + 1, sizeof *odds);
    uint8_t *kinds = calloc((size_t)table->rows + 1, 1);
    struct result result = RESULT_OK;
    if (odds == NULL || kinds == NULL) result = FAIL(CATEGORY_ENVIRONMENT, "out of memory for scores");
    if (result_ok(result)) result = model_score(model, table, 0, table->rows, odds, NULL);
    if (result_ok(result)) result = cases_classify(rule, table, 0, table->rows, kinds);
    for (uint64_t row = 0; result_ok(result) && row < table->rows; row++) {
        size_t part = kinds[row] == CASE_HELD_NEGATIVE || kinds[row] == CASE_HELD_POSITIVE;
        bool positive = kinds[row] == CASE_TRAIN_POSITIVE || kinds[row] == CASE_HELD_POSITIVE;
        parts->rows[part][parts->count[part]++] = (struct scored){odds[row], positive};
    }
    free(odds);
    free(kinds);
    return result;
}

static struct result parts_read(struct parts *parts, const struct model *model, const struct split_rule *rule,
                                const struct cli_values *files, const struct csv_options *options)
{
    static const char *target[1 + LEVELS_MAX]; /* its values; one command a process */
    struct column_spec more[3], *specs = NULL;
    size_t count = 0;
    TRY(more_columns(model, rule, target, more, &count));
    TRY(score_specs(model, more, count, &specs));
    struct result result = RESULT_OK;
    for (size_t i = 0; i < files->count && result_ok(result); i++) {
        CLEANUP(table_freep) struct table *table = NULL;
        result = csv_read(files->items[i], options, specs, model->features_count + count, ROWS_MAX, &table);
        if (result_ok(result)) mapping_tell_consent(files->items[i], options, table->without_consent, table->rows);
        if (result_ok(result)) result = parts_add(parts, model, &rule->plan, table);
    }
    free(specs);
    return result;
}

static json_t *part_json(const struct metrics *metrics, bool measured)
{
    json_t *part =
        json_pack("{s:I, s:I}", "rows", (json_int_t)metrics->rows, "positives", (json_int_t)metrics->positives);
    if (measured)
        (void)json_object_update_new(part, json_pack("{s:f, s:f, s:f, s:f, s:f}", "auc", metrics->auc, "ks",
                                                     metrics->ks, "gini", metrics->gini, "brier", metrics->brier,
                                                     "log_loss", metrics->log_loss));
    return part;
}

static struct result part_text(const char *name, const struct metrics *metrics, bool measured, struct buffer *out)
{
    TRY(buffer_format(out, "%-10s %9" PRIu64 " %10" PRIu64, name, metrics->rows, metrics->positives));
    if (!measured) return buffer_text(out, "  rows of one kind alone cannot be told apart\n");
    return buffer_format(out, " %9.6f %9.6f %9.6f %9.6f %9.6f\n", metrics->auc, metrics->ks, metrics->gini,
                         metrics->brier, metrics->log_loss);
}

static struct result parts_print(const struct parts *parts, bool json)
{
    static const char *const keys[2] = {"train", "holdout"}, *const names[2] = {"training", "held out"};
    CLEANUP(buffer_done) struct buffer out = {0};
    json_t *document = json_object();
    struct result result = buffer_format(&out, "%-10s %9s %10s %9s %9s %9s %9s %9s\n", "", "rows", "positives", "AUC",
                                         "KS", "Gini", "Brier", "log loss");
    for (size_t part = 0; part < 2 && result_ok(result); part++) {
        if (parts->count[part] == 0) continue;
        struct metrics metrics = {.rows = parts->count[part]};
        for (uint64_t i = 0; i < metrics.rows; i++) metrics.positives += parts->rows[part][i].positive;
        bool measured = metrics.positives > 0 && metrics.positives < metrics.rows;
        if (measured) result = metrics_of(parts->rows[part], metrics.rows, &metrics);
        if (result_ok(result)) result = part_text(names[part], &metrics, measured, &out);
        (void)json_object_set_new(document, keys[part], part_json(&metrics, measured));
    }
    if (result_ok(result) && json) return cli_print_json(document);
    json_decref(document);
    TRY(result);
    return cli_print(buffer_view(&out));
}

struct result score_metrics(const struct model *model, struct view text, const char *model_path,
                            const struct cli_values *files, const struct csv_options *options, bool json)
{
    CLEANUP(document_freep) json_t *document = NULL;
    TRY(document_parse(text, model_path, &document));
    CLEANUP(split_rule_done) struct split_rule rule = {0};
    TRY(result_at(split_rule_of(document, model, &rule), "%s: ", model_path));
    CLEANUP(parts_done) struct parts parts = {0};
    TRY(parts_read(&parts, model, &rule, files, options));
    return parts_print(&parts, json);
}
