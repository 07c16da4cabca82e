/* cofferdam score: what a model says of the rows of a file; or, with --metrics, how well it says it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/model.h"
#include "cli/cli.h"
#include "cli/mapping.h"
#include "cli/score.h"
#include "sys/file.h"

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

/* Scores on their way into a file, a row at a time. */
struct scorer {
    const struct model *model;
    const char *path; /* of the data, for what is said of its rows */
    bool named;       /* the last column names a row */
    struct buffer out;
    struct file_writer file;
    uint64_t rows, refused;
};

static void scorer_done(struct scorer *scorer)
{
    buffer_done(&scorer->out);
    file_writer_discard(&scorer->file);
}

static struct result scorer_flush(struct scorer *scorer)
{
    TRY(scorer->file.descriptor < 0 ? cli_print(buffer_view(&scorer->out))
                                    : file_writer_put(&scorer->file, buffer_view(&scorer->out)));
    buffer_clear(&scorer->out);
    return RESULT_OK;
}

/* ",points,reason_1,reason_2" of a scorecard. */
static struct result put_points(const struct model *model, const struct table *table, struct buffer *out)
{
    size_t reasons[PLAN_REASONS_MAX], count = 0;
    double points;
    TRY(model_points(model, table, 0, &points, reasons, &count));
    TRY(buffer_format(out, ",%.15g", points));
    for (size_t i = 0; i < model->reasons; i++) {
        TRY(buffer_u8(out, ','));
        if (i < count) TRY(put_field(view_text(model->specs[reasons[i]].name), out));
    }
    return RESULT_OK;
}

static struct result put_head(struct scorer *scorer, const char *id)
{
    const struct model *model = scorer->model;
    TRY(put_field(view_text(id ? id : "row"), &scorer->out));
    TRY(buffer_text(&scorer->out, ",probability"));
    if (model->scorecard) TRY(buffer_text(&scorer->out, ",points"));
    for (size_t i = 0; model->scorecard && i < model->reasons; i++)
        TRY(buffer_format(&scorer->out, ",reason_%zu", i + 1));
    return buffer_u8(&scorer->out, '\n');
}

/* A row that the model refuses has a line too, with nothing in it, and is told by its place. */
static struct result put_refused(struct scorer *scorer, const struct csv_row *row)
{
    scorer->refused++;
    (void)fprintf(stderr, "%s:%" PRIu64 ": %s\n", scorer->path, row->line, result_reason());
    TRY(buffer_u8(&scorer->out, ','));
    for (size_t i = 0; scorer->model->scorecard && i <= scorer->model->reasons; i++) TRY(buffer_u8(&scorer->out, ','));
    return RESULT_OK;
}

static struct result put_scored(struct scorer *scorer, const struct table *table)
{
    double probability;
    TRY(model_score(scorer->model, table, 0, 1, NULL, &probability));
    TRY(buffer_format(&scorer->out, ",%.17g", probability));
    return scorer->model->scorecard ? put_points(scorer->model, table, &scorer->out) : RESULT_OK;
}

static struct result score_row(void *context, const struct csv_row *row)
{
    enum { PIECE_BYTES = 1 << 16 };
    struct scorer *scorer = context;
    scorer->rows++;
    if (scorer->named)
        TRY(put_field(row->fields[scorer->model->features_count], &scorer->out));
    else
        TRY(buffer_format(&scorer->out, "%" PRIu64, scorer->rows + row->table->without_consent));
    TRY(row->table->rows ? put_scored(scorer, row->table) : put_refused(scorer, row));
    TRY(buffer_u8(&scorer->out, '\n'));
    return scorer->out.length < PIECE_BYTES ? RESULT_OK : scorer_flush(scorer);
}

static struct result score_file(const struct score_words *words, const struct csv_options *options,
                                const struct model *model)
{
    struct column_spec id = {.kind = COLUMN_TEXT, .missing_allowed = true}, *specs = NULL;
    if (words->id != NULL) TRY(score_spec_name(&id, words->id));
    CLEANUP(scorer_done)
    struct scorer scorer = {
        .model = model, .path = words->data.items[0], .named = words->id != NULL, .file.descriptor = -1};
    bool to_file = strcmp(words->out, "-") != 0;
    if (to_file) TRY(file_writer_open(words->out, &scorer.file));
    TRY(put_head(&scorer, words->id));
    TRY(score_specs(model, &id, scorer.named, &specs));
    uint64_t left_out = 0;
    struct result result = csv_stream(scorer.path, options, specs, model->features_count + scorer.named,
                                      (struct csv_visitor){&scorer, score_row}, &left_out);
    free(specs);
    TRY(result);
    mapping_tell_consent(scorer.path, options, left_out, scorer.rows);
    ENSURE(scorer.rows > 0, CATEGORY_USAGE, "%s: there are no rows to score; export the file again", scorer.path);
    TRY(scorer_flush(&scorer));
    if (to_file) TRY(file_writer_finish(&scorer.file, 0644));
    ENSURE(scorer.refused == 0, CATEGORY_FALSE,
           "%" PRIu64 " of %" PRIu64 " rows have no score: the lines above say why; their probability is empty",
           scorer.refused, scorer.rows);
    return RESULT_OK;
}

struct result cli_score(int argc, char **argv)
{
    struct score_words words = {0};
    TRY(words_read(argc, argv, &words));
    TRY(cli_check_distinct("--data", words.data.items, words.data.count));
    if (!words.metrics) TRY(cli_check_output(words.out, words.data.items, words.data.count));
    if (!words.metrics) TRY(cli_check_output(words.out, &words.model, 1));
    CLEANUP(buffer_done) struct buffer text = {0};
    TRY(cli_read(words.model, DOCUMENT_MAX, &text));
    CLEANUP(model_done) struct model model = {0};
    TRY(model_parse(buffer_view(&text), words.model, &model));
    CLEANUP(mapping_done) struct mapping mapping = {0};
    if (words.mapping != NULL) TRY(mapping_read(words.mapping, "", &mapping));
    if (!words.metrics) return score_file(&words, &mapping.options, &model);
    return score_metrics(&model, buffer_view(&text), words.model, &words.data, &mapping.options, words.json);
}
