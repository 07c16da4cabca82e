/* cofferdam model export: a model for a scoring engine. */
#include <string.h>

#include "analytics/export/export.h"
#include "cli/cli.h"
#include "cli/document.h"

static struct result as_sql(const struct model *model, struct export_source source, const char *table,
                            const struct buffer *text, struct buffer *out)
{
    (void)text;
    return export_sql(model, source, table, out);
}

static struct result as_pmml(const struct model *model, struct export_source source, const char *table,
                             const struct buffer *text, struct buffer *out)
{
    (void)table, (void)text;
    return export_pmml(model, source, out);
}

static struct result as_onnx(const struct model *model, struct export_source source, const char *table,
                             const struct buffer *text, struct buffer *out)
{
    (void)table, (void)text;
    return export_onnx(model, source, out);
}

/* The file as it is: docs/logistic.md and docs/scorecard.md say how to score with it. */
static struct result as_json(const struct model *model, struct export_source source, const char *table,
                             const struct buffer *text, struct buffer *out)
{
    (void)model, (void)source, (void)table;
    return buffer_append(out, buffer_view(text));
}

static const struct {
    const char *name;
    struct result (*write)(const struct model *model, struct export_source source, const char *table,
                           const struct buffer *text, struct buffer *out);
} formats[] = {{"pmml", as_pmml}, {"onnx", as_onnx}, {"sql", as_sql}, {"json", as_json}};

struct result cli_model_export(int argc, char **argv)
{
    const char *format = NULL, *path = NULL, *table = NULL;
    struct cli_values operands = {0};
    const struct cli_option options[] = {
        {.name = "format", .required = true, .value = &format},
        {.name = "out", .letter = 'o', .required = true, .value = &path},
        {.name = "table", .value = &table},
        {0},
    };
    TRY(cli_parse(argc, argv, options, "MODEL.json", 1, 1, &operands));
    size_t chosen = 0, count = sizeof formats / sizeof *formats;
    while (chosen < count && strcmp(formats[chosen].name, format) != 0) chosen++;
    ENSURE(chosen < count, CATEGORY_USAGE, "--format %.40s is not known; pmml, onnx, sql or json", format);
    ENSURE(!table || strcmp(format, "sql") == 0, CATEGORY_USAGE, "--table is for --format sql");
    CLEANUP(buffer_done) struct buffer text = {0}, out = {0};
    CLEANUP(model_done) struct model model = {0};
    CLEANUP(document_freep) json_t *document = NULL;
    TRY(cli_check_output(path, operands.items, 1));
    TRY(cli_read(operands.items[0], DOCUMENT_MAX, &text));
    TRY(model_parse(buffer_view(&text), operands.items[0], &model));
    TRY(document_parse(buffer_view(&text), operands.items[0], &document));
    const struct export_source source = {document_text(document, "plan"), document_text(document, "plan_hash"),
                                         COFFERDAM_VERSION};
    enum category category = formats[chosen].write(&model, source, table ? table : "customers", &text, &out).category;
    TRY((struct result){category});
    return cli_write(path, buffer_view(&out), true);
}
