/* cofferdam plan evaluate: a plan that evaluates models: their columns as they read them, their texts inside. */
#include <string.h>

#include "analytics/json_text.h"
#include "analytics/model.h"
#include "cli/cli.h"
#include "cli/document.h"
#include "crypto/base/text.h"
#include "proto/run/task.h"

struct chosen {
    const char *path, *name;
    struct model model;
    json_t *document;
};
struct words {
    struct chosen models[PLAN_MODELS_MAX];
    size_t models_count;
    const char *purpose, *group, *out;
    const char *epsilon, *delta; /* of a plan with privacy, which refuses no row; NULL: exact sums */
    struct cli_values cutoffs;
};

static void words_done(struct words *words)
{
    for (size_t m = 0; m < PLAN_MODELS_MAX; m++) {
        model_done(&words->models[m].model);
        json_decref(words->models[m].document);
    }
}

/* A JSON text is a YAML one too. */
static struct result put_text(const char *text, struct buffer *out)
{
    json_t *json = json_string(text);
    struct result result = json_text(json, JSON_ENCODE_ANY, out);
    json_decref(json);
    return result;
}

static struct result put_texts(const json_t *texts, struct buffer *out)
{
    size_t index;
    const json_t *text;
    TRY(buffer_u8(out, '['));
    json_array_foreach(texts, index, text)
    {
        if (index) TRY(buffer_text(out, ", "));
        TRY(put_text(json_string_value(text) ? json_string_value(text) : "", out));
    }
    return buffer_u8(out, ']');
}

static struct result read_model(struct chosen *chosen, const char *path, const char *name)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    chosen->path = path;
    chosen->name = name;
    TRY(cli_read(path, DOCUMENT_MAX, &text));
    TRY(model_parse(buffer_view(&text), path, &chosen->model));
    return document_parse(buffer_view(&text), path, &chosen->document);
}

static const char *level_or_refuse(bool level, bool private)
{
    return level || private ? "level" : "refuse";
}

static struct result put_number(const struct column_spec *spec, bool private, struct buffer *out)
{
    const char *const outside[] = {[COLUMN_OUTSIDE_REFUSE] = private ? "clamp" : "refuse",
                                   [COLUMN_OUTSIDE_CLAMP] = "clamp",
                                   [COLUMN_OUTSIDE_MISSING] = "missing"};
    TRY(buffer_format(out, ", kind: number, min: %.17g, max: %.17g, outside: %s, missing: %s", spec->minimum,
                      spec->maximum, outside[spec->outside], level_or_refuse(spec->missing_allowed, private)));
    for (size_t k = 0; k < spec->specials_count; k++)
        TRY(buffer_format(out, "%s%.17g", k ? ", " : ", special: [", spec->specials[k]));
    return buffer_text(out, spec->specials_count ? "]}\n" : "}\n");
}

static struct result put_feature(const struct model *model, size_t f, bool private, struct buffer *out)
{
    const struct column_spec *spec = &model->specs[f];
    TRY(buffer_text(out, "  - {name: "));
    TRY(put_text(spec->name, out));
    if (spec->kind == COLUMN_NUMBER) return put_number(spec, private, out);
    TRY(buffer_format(out, ", kind: category, missing: %s, other: %s, levels: [",
                      level_or_refuse(spec->missing_allowed, private), level_or_refuse(spec->other_allowed, private)));
    for (size_t level = 0; level < spec->levels_count; level++) {
        if (level) TRY(buffer_text(out, ", "));
        TRY(put_text(spec->levels[level], out));
    }
    return buffer_text(out, "]}\n");
}

static bool has_feature(const struct model *model, const char *name)
{
    for (size_t f = 0; f < model->features_count; f++)
        if (strcmp(model->specs[f].name, name) == 0) return true;
    return false;
}

static struct result put_features(const struct words *words, struct buffer *out)
{
    bool group = !words->group;
    TRY(buffer_text(out, "features:\n"));
    for (size_t m = 0; m < words->models_count; m++)
        for (size_t f = 0; f < words->models[m].model.features_count; f++) {
            const char *name = words->models[m].model.specs[f].name;
            group = group || strcmp(name, words->group) == 0;
            if (m == 0 || !has_feature(&words->models[0].model, name))
                TRY(put_feature(&words->models[m].model, f, words->epsilon != NULL, out));
        }
    ENSURE(group, CATEGORY_USAGE,
           "--group %s: no model reads it; leave --group out, then add the column to the plan's features and "
           "`group: %s` to evaluate",
           words->group, words->group);
    return RESULT_OK;
}

/* The same rows are held out as when the first model was trained. */
static struct result put_split(const json_t *document, struct buffer *out)
{
    const json_t *split = json_object_get(document, "split");
    if (!json_is_object(split)) return RESULT_OK;
    const char *id = document_text(split, "id"), *column = document_text(split, "column");
    if (id[0]) {
        TRY(buffer_text(out, "id: "));
        TRY(put_text(id, out));
        TRY(buffer_u8(out, '\n'));
    }
    if (column[0]) {
        TRY(buffer_text(out, "split: {column: "));
        TRY(put_text(column, out));
        TRY(buffer_text(out, ", holdout: "));
        TRY(put_texts(json_object_get(split, "holdout"), out));
        return buffer_text(out, "}\n");
    }
    TRY(buffer_format(out, "split: {fraction: %.17g, seed: ", document_number(split, "fraction")));
    TRY(put_text(document_text(split, "seed"), out));
    return buffer_text(out, "}\n");
}

/* The model as it is, on one line between single quotes: its hash goes with it. */
static struct result put_model(const struct chosen *chosen, struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    TRY(json_text(chosen->document, JSON_COMPACT | JSON_REAL_PRECISION(17), &text));
    TRY(buffer_text(out, "  - name: "));
    TRY(put_text(chosen->name, out));
    TRY(buffer_text(out, "\n    json: '"));
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '\'') TRY(buffer_u8(out, '\''));
        TRY(buffer_u8(out, text.data[i]));
    }
    return buffer_text(out, "'\n");
}

static struct result put_evaluate(const struct words *words, struct buffer *out)
{
    if (!words->cutoffs.count && !words->group) return RESULT_OK;
    TRY(buffer_text(out, "evaluate: {"));
    for (size_t c = 0; c < words->cutoffs.count; c++) {
        TRY(buffer_text(out, c ? ", " : "cutoffs: ["));
        TRY(put_text(words->cutoffs.items[c], out));
    }
    if (words->cutoffs.count) TRY(buffer_text(out, words->group ? "], " : "]"));
    if (words->group) {
        TRY(buffer_text(out, "group: "));
        TRY(put_text(words->group, out));
    }
    return buffer_text(out, "}\n");
}

static struct result write_plan(const struct words *words, struct buffer *out)
{
    const struct chosen *first = &words->models[0];
    TRY(buffer_text(out, "# Evaluates the models below. Look at purpose and cohort, then run: cofferdam plan check\n"
                         "cofferdam: 1\nname: "));
    TRY(put_text(words->models_count > 1 ? "champion-challenger" : "evaluation", out));
    TRY(buffer_text(out, "\npurpose: "));
    TRY(put_text(words->purpose ? words->purpose : PLAN_FILL_IN, out));
    TRY(buffer_text(out, "\ntask: evaluate\ntarget: {column: "));
    TRY(put_text(first->model.target, out));
    TRY(buffer_text(out, ", positive: "));
    TRY(put_text(first->model.positive, out));
    const json_t *negative = json_object_get(json_object_get(first->document, "target"), "negative");
    if (negative && !words->epsilon) { /* under privacy every other value is negative */
        TRY(buffer_text(out, ", negative: "));
        TRY(put_texts(negative, out));
    }
    TRY(buffer_text(out, "}\n"));
    if (words->epsilon) TRY(buffer_format(out, "privacy: {epsilon: %s, delta: %s}\n", words->epsilon, words->delta));
    TRY(put_split(first->document, out));
    TRY(put_features(words, out));
    TRY(buffer_text(out, "models:\n"));
    for (size_t m = 0; m < words->models_count; m++) TRY(put_model(&words->models[m], out));
    TRY(put_evaluate(words, out));
    return buffer_text(out, "cohort: {minimum: 5}\n");
}

/* What plan check would refuse is refused here, where the words that led to it are at hand. A purpose that is left open
 * is the one thing that may. */
static struct result check(const struct words *words)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    CLEANUP(plan_done) struct plan plan = {0};
    struct words filled = *words;
    if (!filled.purpose) filled.purpose = "to be filled in";
    TRY(write_plan(&filled, &text));
    TRY(plan_parse(buffer_view(&text), "the plan", &plan));
    const struct task *task = task_find(plan.task);
    ENSURE(task, CATEGORY_BUG, "there is no task evaluate");
    enum category category = task_check(task, &plan).category;
    return (struct result){category};
}

/* They go into the plan's text as they are. */
static struct result check_number(const char *option, const char *text)
{
    double value = 0;
    ENSURE(!text || (text_number(text, &value) && value > 0), CATEGORY_USAGE, "%s %.40s is no number above 0", option,
           text);
    return RESULT_OK;
}

struct result cli_plan_evaluate(int argc, char **argv)
{
    CLEANUP(words_done) struct words words = {0};
    CLEANUP(buffer_done) struct buffer out = {0};
    const char *against = NULL;
    struct cli_values operands = {0};
    const struct cli_option options[] = {
        {.name = "against", .value = &against},
        {.name = "purpose", .value = &words.purpose},
        {.name = "group", .value = &words.group},
        {.name = "cutoff", .values = &words.cutoffs},
        {.name = "epsilon", .value = &words.epsilon},
        {.name = "delta", .value = &words.delta},
        {.name = "out", .letter = 'o', .value = &words.out},
        {0},
    };
    TRY(cli_parse(argc, argv, options, "MODEL.json", 1, 1, &operands));
    ENSURE(!words.epsilon == !words.delta, CATEGORY_USAGE, "--epsilon and --delta go together");
    TRY(check_number("--epsilon", words.epsilon));
    TRY(check_number("--delta", words.delta));
    TRY(read_model(&words.models[0], operands.items[0], against ? "champion" : "model"));
    words.models_count = 1;
    if (against) {
        words.models_count = 2;
        TRY(read_model(&words.models[1], against, "challenger"));
    }
    TRY(check(&words));
    TRY(write_plan(&words, &out));
    return cli_write(words.out ? words.out : "-", buffer_view(&out), false);
}
