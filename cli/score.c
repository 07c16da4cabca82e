/* cofferdam score: what a model says of the rows of a file; or, with --metrics, how well it says it. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/model.h"
#include "cli/cli.h"
#include "cli/mapping.h"
#include "cli/score.h"

struct score_words {
    const char *model, *out, *id, *mapping;
    struct cli_values data;
    bool metrics, json;
};

static struct result words_read(int argc, char **argv, struct score_words *ret)
{
    struct cli_values operands = {0};
    const struct cli_option options[] = {
        {.name = "data", .required = true, .values = &ret->data},
        {.name = "out", .letter = 'o', .value = &ret->out},
        {.name = "id", .value = &ret->id},
        {.name = "mapping", .value = &ret->mapping},
        {.name = "metrics", .flag = &ret->metrics},
        {.name = "json", .flag = &ret->json},
        {0},
    };
    TRY(cli_parse(argc, argv, options, "MODEL.json", 1, 1, &operands));
    ret->model = operands.items[0];
    ENSURE(ret->metrics != (ret->out != NULL), CATEGORY_USAGE,
           "give either -o FILE.csv for scores or --metrics for measures; see cofferdam score --help");
    if (ret->metrics) {
        ENSURE(ret->id == NULL, CATEGORY_USAGE, "--id names a column of the scores; --metrics writes none");
        return RESULT_OK;
    }
    ENSURE(ret->data.count == 1, CATEGORY_USAGE, "one --data FILE.csv at a time can be scored");
    ENSURE(!ret->json, CATEGORY_USAGE, "--json is for --metrics; scores are CSV");
    return RESULT_OK;
}

struct result score_specs(const struct model *model, const struct column_spec *more, size_t count,
                          struct column_spec **ret)
{
    struct column_spec *specs = calloc(model->features_count + count, sizeof *specs);
    ENSURE(specs != NULL, CATEGORY_ENVIRONMENT, "out of memory for %zu columns", model->features_count + count);
    memcpy(specs, model->specs, model->features_count * sizeof *specs);
    if (count > 0) memcpy(specs + model->features_count, more, count * sizeof *specs);
    *ret = specs;
    return RESULT_OK;
}

struct result score_spec_name(struct column_spec *spec, const char *name)
{
    size_t length = strlen(name);
    ENSURE(length > 0 && length <= NAME_MAX_BYTES, CATEGORY_USAGE, "a column's name has 1 to %u bytes, \"%.80s\" not",
           NAME_MAX_BYTES, name);
    memcpy(spec->name, name, length + 1);
    return RESULT_OK;
}

/* RFC 4180: quoted where a reader would take it apart otherwise. */
static struct result put_field(struct view text, struct buffer *out)
{
    bool quoted = text.length > 0 && (text.data[0] == ' ' || text.data[text.length - 1] == ' ');
    for (size_t i = 0; i < text.length; i++) quoted = quoted || strchr(",\"\r\n", text.data[i]) != NULL;
    if (!quoted) return buffer_append(out, text);
    TRY(buffer_u8(out, '"'));
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '"') TRY(buffer_u8(out, '"'));
        TRY(buffer_u8(out, text.data[i]));
    }
    return buffer_u8(out, '"');
}

/* ",points,reason_1,reason_2" of a scorecard: in the head, or of a row. */
static struct result put_points(const struct model *model, const struct table *table, uint64_t row, struct buffer *out)
{
    size_t reasons[PLAN_REASONS_MAX], count = 0;
    double points;
    TRY(model_points(model, table, row, &points, reasons, &count));
    TRY(buffer_format(out, ",%.15g", points));
    for (size_t i = 0; i < model->reasons; i++) {
        TRY(buffer_u8(out, ','));
        if (i < count) TRY(put_field(view_text(model->specs[reasons[i]].name), out));
    }
    return RESULT_OK;
}

static struct result put_head(const struct model *model, const struct column *id, struct buffer *out)
{
    TRY(put_field(view_text(id == NULL ? "row" : id->spec.name), out));
    TRY(buffer_text(out, ",probability"));
    if (model->scorecard) TRY(buffer_text(out, ",points"));
    for (size_t i = 0; model->scorecard && i < model->reasons; i++) TRY(buffer_format(out, ",reason_%zu", i + 1));
    return buffer_text(out, "\n");
}

/* id NULL: rows are numbered, from 1. */
static struct result put_scores(const struct model *model, const struct table *table, const struct column *id,
                                const double *probability, struct buffer *out)
{
    TRY(put_head(model, id, out));
    for (uint64_t row = 0; row < table->rows; row++) {
        if (id == NULL)
            TRY(buffer_format(out, "%" PRIu64, row + 1));
        else
            TRY(put_field(view_of(id->texts.data + id->starts[row], (size_t)(id->starts[row + 1] - id->starts[row])),
                          out));
        TRY(buffer_format(out, ",%.17g", probability[row]));
        if (model->scorecard) TRY(put_points(model, table, row, out));
        TRY(buffer_u8(out, '\n'));
    }
    return RESULT_OK;
}

static struct result score_file(const struct score_words *words, const struct csv_options *options,
                                const struct model *model)
{
    struct column_spec id = {.kind = COLUMN_TEXT}, *specs = NULL;
    if (words->id != NULL) TRY(score_spec_name(&id, words->id));
    size_t count = model->features_count + (words->id != NULL);
    TRY(score_specs(model, &id, words->id != NULL, &specs));
    CLEANUP(table_freep) struct table *table = NULL;
    struct result result = csv_read(words->data.items[0], options, specs, count, ROWS_MAX, &table);
    free(specs);
    TRY(result);
    double *probability = calloc((size_t)table->rows + 1, sizeof *probability);
    ENSURE(probability != NULL, CATEGORY_ENVIRONMENT, "out of memory for %" PRIu64 " scores", table->rows);
    CLEANUP(buffer_done) struct buffer out = {0};
    result = model_score(model, table, 0, table->rows, NULL, probability);
    if (result_ok(result))
        result = put_scores(model, table, words->id == NULL ? NULL : &table->columns[count - 1], probability, &out);
    free(probability);
    TRY(result);
    return cli_write(words->out, buffer_view(&out), true);
}

struct result cli_score(int argc, char **argv)
{
    struct score_words words = {0};
    TRY(words_read(argc, argv, &words));
    CLEANUP(buffer_done) struct buffer text = {0};
    TRY(cli_read(words.model, DOCUMENT_MAX, &text));
    CLEANUP(model_done) struct model model = {0};
    TRY(model_parse(buffer_view(&text), words.model, &model));
    CLEANUP(mapping_done) struct mapping mapping = {0};
    if (words.mapping != NULL) TRY(mapping_read(words.mapping, &mapping));
    if (!words.metrics) return score_file(&words, &mapping.options, &model);
    return score_metrics(&model, words.model, &words.data, &mapping.options, words.json);
}
