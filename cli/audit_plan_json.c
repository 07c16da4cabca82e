/* What was asked: the plan's columns and settings, in the words of `plan check`. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/audit_facts.h"
#include "cli/plan_words.h"

struct writer {
    const struct plan *plan;
    struct tree *tree;
    json_t *columns, *settings;
};

static struct result add_column(struct writer *writer, const char *name, const char *role, struct buffer *words)
{
    const char *text;
    TRY(buffer_terminate(words, &text));
    tree_add(writer->tree, writer->columns, json_pack("{s:s, s:s, s:s}", "name", name, "role", role, "words", text));
    buffer_clear(words);
    return RESULT_OK;
}

static struct result add_columns(struct writer *writer)
{
    const struct plan *plan = writer->plan;
    CLEANUP(buffer_done) struct buffer words = {0};
    if (*plan->target) {
        TRY(plan_words_target(plan, &words));
        TRY(add_column(writer, plan->target, "target", &words));
    }
    for (size_t f = 0; f < plan->features_count; f++) {
        TRY(plan_words_feature(&plan->features[f], &words));
        TRY(add_column(writer, plan->features[f].name, f == plan->group ? "input, groups compared" : "input", &words));
    }
    for (size_t d = 0; d < plan->derived_count; d++) {
        TRY(plan_words_derived(plan, &plan->derived[d], &words));
        TRY(add_column(writer, plan->derived[d].name, "made of inputs", &words));
    }
    if (plan->split == SPLIT_COLUMN) {
        TRY(buffer_text(&words, "says which rows are held out; never leaves the bank"));
        TRY(add_column(writer, plan->split_column, "split", &words));
    }
    if (!*plan->id) return RESULT_OK;
    TRY(buffer_text(&words, "tells rows apart inside their bank; never leaves the bank"));
    return add_column(writer, plan->id, "identifier", &words);
}

static struct result set(struct writer *writer, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4))) MUST_USE;
static struct result set(struct writer *writer, const char *name, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    tree_add(writer->tree, writer->settings, json_pack("{s:s, s:s}", "name", name, "value", text));
    return RESULT_OK;
}

static struct result set_words(struct writer *writer, const char *name, struct buffer *words)
{
    const char *text;
    TRY(buffer_terminate(words, &text));
    tree_add(writer->tree, writer->settings, json_pack("{s:s, s:s}", "name", name, "value", text));
    buffer_clear(words);
    return RESULT_OK;
}

static struct result fit_settings(struct writer *writer)
{
    const struct plan *plan = writer->plan;
    CLEANUP(buffer_done) struct buffer words = {0};
    TRY(plan_words_penalty(plan, &words));
    TRY(set_words(writer, "penalty", &words));
    TRY(plan_words_weights(plan, &words));
    TRY(set_words(writer, "class weights", &words));
    if (plan_private(plan)) return set(writer, "end of the fit", "after five steps, which the budget is split over");
    return set(writer, "end of the fit", "at %.15g standard errors from the maximum, or after %" PRIu32 " Newton steps",
               plan->tolerance, plan->rounds);
}

static struct result scorecard_settings(struct writer *writer)
{
    const struct plan_scorecard *card = &writer->plan->scorecard;
    TRY(set(writer, "classes of a feature",
            "at most %" PRIu32 ", each with at least the share %.15g of the training rows", card->most, card->share));
    TRY(set(writer, "selection",
            "information value of at least %.15g; correlation of at most %.15g; a coefficient of the wrong sign %s",
            card->iv, card->correlation, card->signs ? "leaves the feature out" : "is kept"));
    return set(writer, "points",
               "%.15g at odds of %.15g to 1, %.15g more double the odds; %" PRIu32 " decimals; at most %" PRIu32
               " reason codes",
               card->base, card->odds, card->pdo, card->decimals, card->reasons);
}

static struct result evaluate_settings(struct writer *writer)
{
    const struct plan *plan = writer->plan;
    CLEANUP(buffer_done) struct buffer words = {0};
    for (size_t m = 0; m < plan->models_count; m++)
        TRY(buffer_format(&words, "%s%s", m ? ", compared with " : "", plan->models[m].name));
    TRY(set_words(writer, "models, whose text is in the plan", &words));
    for (size_t c = 0; c < plan->cutoffs_count; c++)
        TRY(buffer_format(&words, "%s%.15g", c ? ", " : "", plan->cutoffs[c]));
    return plan->cutoffs_count ? set_words(writer, "cut-offs", &words) : RESULT_OK;
}

static struct result add_settings(struct writer *writer)
{
    const struct plan *plan = writer->plan;
    CLEANUP(buffer_done) struct buffer words = {0};
    bool fits = plan_fits(plan);
    TRY(plan_words_split(plan, &words));
    TRY(set_words(writer, "held out", &words));
    if (fits) TRY(fit_settings(writer));
    if (strcmp(plan->task, "scorecard") == 0) TRY(scorecard_settings(writer));
    if (strcmp(plan->task, "evaluate") == 0) TRY(evaluate_settings(writer));
    if (strcmp(plan->task, "statistics") == 0) TRY(set(writer, "bins of a number", "%" PRIu32, plan->bins));
    TRY(set(writer, "banks", "at least %" PRIu32 "; a bank that is away is %s", plan->cohort_minimum,
            plan->on_dropout == DROPOUT_WAIT ? "waited for" : "left out of the sum"));
    TRY(set(writer, "rows a bank may bring", "at most %" PRIu64, plan->rows));
    TRY(set(writer, "smallest cell shown", "%" PRIu32 " customers", plan->cells_minimum));
    return set(writer, "deadline", "%" PRIu32 " hours after the run begins", plan->deadline_hours);
}

struct releases {
    struct tree *tree;
    json_t *lines;
};

static struct result add_release(void *context, struct view line)
{
    struct releases *releases = context;
    tree_add(releases->tree, releases->lines, json_stringn((const char *)line.data, line.length));
    return RESULT_OK;
}

struct result audit_plan_json(const struct audit_facts *facts, struct tree *tree, json_t *root)
{
    const struct replay *replay = facts->replay;
    const struct plan *plan = &replay->submission.plan;
    struct writer writer = {plan, tree, json_array(), json_array()};
    struct releases releases = {tree, json_array()};
    char hex[2 * HASH_BYTES + 1];
    json_t *json = json_object();
    bytes_hex(hash_view(&plan->hash), hex);
    tree_put(tree, root, "plan", json);
    tree_put(tree, json, "name", json_string(plan->name));
    tree_put(tree, json, "purpose", json_string(plan->purpose));
    tree_put(tree, json, "task", json_string(plan->task));
    tree_put(tree, json, "hash", json_string(hex));
    tree_put(tree, json, "signed_by", json_string(run_member(&replay->run, replay->submission.terms.submitter)));
    tree_put(tree, json, "columns", writer.columns);
    tree_put(tree, json, "settings", writer.settings);
    tree_put(tree, json, "releases", releases.lines);
    tree_put(tree, json, "text", json_stringn((const char *)plan->text.data, plan->text.length));
    TRY(add_columns(&writer));
    TRY(add_settings(&writer));
    return plan_words_releases(plan, replay->submission.terms.task, add_release, &releases);
}
