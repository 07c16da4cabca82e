/* A model file from anywhere: parsed or refused, and a parsed one scores. */
#include <stdint.h>
#include <stdlib.h>

#include "analytics/model.h"

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
    if (result_ok(table_add_row(table, fields, NULL))) (void)result_ok(model_score(model, table, 0, 1, &odds, &chance));
    free(fields);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model model;
    if (!result_ok(model_parse(view_of(data, size), "model.json", &model))) return 0;
    score(&model);
    model_done(&model);
    return 0;
}
