/* A model file from anywhere: parsed or refused, and a parsed one scores and is exported. */
#include <stdint.h>
#include <stdlib.h>

#include "analytics/export/export.h"
#include "analytics/json_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void score(const struct model *model)
{
    CLEANUP(table_freep) struct table *table = NULL;
    if (!result_ok(table_new(model->specs, model->features_count, 10, &table))) return;
    struct view *fields = calloc(model->features_count, sizeof *fields);
    if (!fields) return;
    for (size_t f = 0; f < model->features_count; f++) {
        const struct column_spec *spec = &model->specs[f];
        if (spec->missing_allowed) continue;
        fields[f] = spec->kind == COLUMN_NUMBER ? view_text("1") : view_text(spec->levels[0]);
    }
    double odds, chance;
    if (result_ok(table_add_row(table, fields, NULL))) {
        size_t reasons[PLAN_REASONS_MAX], count;
        double points;
        (void)result_ok(model_score(model, table, 0, 1, &odds, &chance));
        if (model->scorecard) (void)result_ok(model_points(model, table, 0, &points, reasons, &count));
    }
    free(fields);
}

/* With the hash of its contents, which no mutation finds. */
static struct result with_hash(struct view text, struct buffer *out)
{
    json_t *json = json_loadb((const char *)text.data, text.length, JSON_REJECT_DUPLICATES, NULL);
    struct result result = json_is_object(json) ? json_put_hash(json) : buffer_append(out, text);
    if (json_is_object(json) && result_ok(result))
        result = json_text(json, JSON_COMPACT | JSON_REAL_PRECISION(17), out);
    json_decref(json);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model model;
    CLEANUP(buffer_done) struct buffer text = {0};
    if (!result_ok(with_hash(view_of(data, size), &text))) return 0;
    if (!result_ok(model_parse(buffer_view(&text), "model.json", &model))) return 0;
    CLEANUP(buffer_done) struct buffer out = {0};
    const struct export_source source = {"plan", "hash", "version"};
    score(&model);
    (void)result_ok(export_sql(&model, source, "rows", &out));
    (void)result_ok(export_onnx(&model, source, &out));
    (void)result_ok(export_pmml(&model, source, &out));
    model_done(&model);
    return 0;
}
