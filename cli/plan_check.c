/* cofferdam plan check: in plain words, what a plan would compute, what each round shows and to whom, and the proof
 * that its sums cannot overflow. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/plan.h"
#include "proto/run/fold.h"
#include "proto/run/members.h"

static struct result feature_line(const struct plan_feature *feature, struct buffer *out)
{
    static const char *const missing[] = {
        [MISSING_REFUSE] = "a missing value stops the bank before anything leaves it",
        [MISSING_MEDIAN] = "missing becomes the cohort's median",
        [MISSING_MEAN] = "missing becomes the cohort's mean",
        [MISSING_VALUE] = "missing becomes",
        [MISSING_LEVEL] = "missing is a level of its own",
    };
    static const char *const outside[] = {
        [OUTSIDE_REFUSE] = "a value outside stops the bank",
        [OUTSIDE_CLAMP] = "a value outside is moved to the nearest bound",
        [OUTSIDE_MISSING] = "a value outside counts as missing",
    };
    TRY(buffer_format(out, "  %s: ", feature->name));
    if (feature->kind == PLAN_NUMBER) {
        TRY(buffer_format(out, "a number from %.15g to %.15g in steps of %.15g; %s; %s", feature->minimum,
                          feature->maximum, feature->resolution, outside[feature->outside], missing[feature->missing]));
        return feature->missing == MISSING_VALUE ? buffer_format(out, " %.15g\n", feature->fill)
                                                 : buffer_text(out, "\n");
    }
    return buffer_format(out, "one of %zu levels, compared with \"%s\"; %s; %s\n", plan_feature_levels(feature),
                         plan_feature_level(feature, feature->baseline), missing[feature->missing],
                         feature->level_other ? "a level not listed counts as \"other\""
                                              : "a level not listed stops the bank");
}

static struct result target_line(const struct plan *plan, struct buffer *out)
{
    TRY(buffer_format(out, "  target %s", plan->target));
    if (*plan->positive) TRY(buffer_format(out, ", positive is \"%s\"", plan->positive));
    for (size_t i = 0; i < plan->negative_count; i++)
        TRY(buffer_format(out, "%s\"%s\"", i ? ", " : ", negative is ", plan->negative[i]));
    if (*plan->positive)
        TRY(buffer_text(out,
                        plan->negative_count ? "; any other value stops the bank" : ", any other value is negative"));
    return buffer_text(out, "\n");
}

static struct result derived_lines(const struct plan *plan, struct buffer *out)
{
    for (size_t d = 0; d < plan->derived_count; d++) {
        const struct plan_derived *of = &plan->derived[d];
        if (of->with == SIZE_MAX)
            TRY(buffer_format(out, "  term %s: what %s is above %.15g\n", of->name, plan->features[of->feature].name,
                              of->knot));
        else
            TRY(buffer_format(out, "  terms %s: the products of both features\n", of->name));
    }
    return RESULT_OK;
}

/* How the fit is asked to be. */
static struct result train_lines(const struct plan *plan, struct buffer *out)
{
    if (plan->path)
        TRY(buffer_format(out,
                          "  penalty: %" PRIu32 " are tried; the one under which the held-out rows are likeliest is "
                          "kept",
                          plan->path));
    else if (plan->penalty > 0)
        TRY(buffer_format(out, "  penalty: %.15g", plan->penalty));
    else
        TRY(buffer_text(out, "  penalty: none"));
    if (plan->l1 > 0) TRY(buffer_format(out, "; the share %.15g of it is on absolute values (l1)", plan->l1));
    TRY(buffer_text(out, "\n"));
    if (plan->balanced)
        return buffer_text(out, "  class weights: both outcomes weigh the same; probabilities are not those of the "
                                "population\n");
    if (plan->weight != 1)
        return buffer_format(out,
                             "  class weights: a positive row weighs %.15g; probabilities are not those of the "
                             "population\n",
                             plan->weight);
    return RESULT_OK;
}

static struct result what_computed(const struct plan_file *file, struct buffer *out)
{
    const struct plan *plan = &file->plan;
    char hex[65];
    bytes_hex(hash_view(&plan->hash), hex);
    TRY(buffer_format(out, "Plan %s, task %s, purpose %s\nhash %s\n\nWhat is computed\n", plan->name, plan->task,
                      *plan->purpose ? plan->purpose : "not named", hex));
    if (*plan->target) TRY(target_line(plan, out));
    for (size_t i = 0; i < plan->features_count; i++) TRY(feature_line(&plan->features[i], out));
    TRY(derived_lines(plan, out));
    if (strcmp(plan->task, "logistic") == 0 || strcmp(plan->task, "scorecard") == 0) TRY(train_lines(plan, out));
    if (plan->split == SPLIT_HASH)
        TRY(buffer_format(out, "  held out: a fraction of %g of the rows, by a hash of seed \"%s\" and %s\n",
                          plan->split_fraction, plan->split_seed, *plan->id ? plan->id : "the row's own values"));
    else if (plan->split == SPLIT_COLUMN)
        TRY(buffer_format(out, "  held out: the rows whose %s is one of %zu values\n", plan->split_column,
                          plan->split_holdout_count));
    else
        TRY(buffer_text(out, "  held out: nothing\n"));
    return RESULT_OK;
}

/* The task's lines, one sentence each, for whoever takes them. */
static struct result each_release(const struct plan_file *file, struct result (*take)(void *context, struct view line),
                                  void *context)
{
    CLEANUP(buffer_done) struct buffer lines = {0};
    TRY(file->task->explain(&file->plan, &lines));
    for (size_t at = 0; at < lines.length;) {
        const uint8_t *end = memchr(lines.data + at, '\n', lines.length - at);
        size_t length = end ? (size_t)(end - (lines.data + at)) : lines.length - at;
        TRY(take(context, view_of(lines.data + at, length)));
        at += length + (end != NULL);
    }
    return RESULT_OK;
}

/* Broken at blanks to the width of a terminal, later lines indented more. */
static struct result wrap(void *context, struct view line)
{
    enum { WIDTH = 100 };
    struct buffer *out = context;
    TRY(buffer_text(out, "  "));
    while (line.length > WIDTH) {
        size_t cut = WIDTH;
        while (cut > 0 && line.data[cut] != ' ') cut--;
        if (cut == 0) break;
        TRY(buffer_append(out, view_of(line.data, cut)));
        TRY(buffer_text(out, "\n    "));
        line = view_of(line.data + cut + 1, line.length - cut - 1);
    }
    TRY(buffer_append(out, line));
    return buffer_text(out, "\n");
}

static struct result what_released(const struct plan_file *file, struct buffer *out)
{
    TRY(buffer_text(out, "\nWhat each round releases\n"));
    TRY(each_release(file, wrap, out));
    return wrap(out,
                view_text("Each is a sum over all banks of the cohort. The opened sums are seen by the coordinator, "
                          "by every member of the cohort, and by whoever is given a run's records; nobody sees one "
                          "bank's part of a sum."));
}

static struct result who_is_needed(const struct plan *plan, const struct thresholds *least, struct buffer *out)
{
    TRY(buffer_format(out, "\nWho is needed\n"));
    CLEANUP(buffer_done) struct buffer line = {0};
    TRY(buffer_format(
        &line,
        "at least %u banks; with %u, the coordinator and up to %u of them together learn nothing but sums "
        "over at least %u honest banks",
        plan->cohort_minimum, least->n, least->f, least->t - least->f));
    TRY(wrap(out, buffer_view(&line)));
    buffer_clear(&line);
    TRY(buffer_format(&line,
                      "one silent bank stalls a round until it has sent its input (on_dropout: wait); after that %u of "
                      "%u may fall silent and the sum still opens, %u stall it",
                      least->n - least->t, least->n, least->n - least->t + 1));
    TRY(wrap(out, buffer_view(&line)));
    if (!*plan->purpose)
        TRY(buffer_text(out,
                        "  no purpose is named: only banks that allow this very plan by its hash can take part\n"));
    return buffer_format(out, "  the run ends unfinished after %u hours\n", plan->deadline_hours);
}

static struct result what_proved(const struct plan *plan, const struct fold *fold, struct buffer *out)
{
    TRY(buffer_format(out,
                      "\nWhat is proved\n  no sum overflows with %u banks of %" PRIu64
                      " rows each; the first round carries %" PRIu64 " words:\n",
                      MEMBERS_MAX, plan->rows, fold->words));
    for (size_t i = 0; i < fold->layout.fields_count; i++) {
        const struct layout_field *field = &fold->layout.fields[i];
        TRY(buffer_format(out, "    %-24s %8" PRIu64 " value%s, each record at most %" PRIu64 " x 2^-%u, %u word%s\n",
                          field->name, field->length, field->length == 1 ? "" : "s", field->bound, field->fraction_bits,
                          field->words, field->words == 1 ? "" : "s"));
    }
    return buffer_text(out, "  later rounds depend on the sums before; each is proved before it is masked\n");
}

static struct result append_json(void *context, struct view line)
{
    (void)json_array_append_new(context, json_stringn((const char *)line.data, line.length));
    return RESULT_OK;
}

/* A bound of two words may exceed JSON's integers. */
static json_t *count_json(uint64_t count)
{
    return count <= INT64_MAX ? json_integer((json_int_t)count) : json_real((double)count);
}

static json_t *layout_json(const struct layout *layout)
{
    json_t *fields = json_array();
    for (size_t i = 0; i < layout->fields_count; i++) {
        const struct layout_field *field = &layout->fields[i];
        (void)json_array_append_new(fields, json_pack("{s:s, s:o, s:o, s:i, s:i}", "name", field->name, "length",
                                                      count_json(field->length), "bound", count_json(field->bound),
                                                      "fraction_bits", field->fraction_bits, "words", field->words));
    }
    return fields;
}

static struct result check_json(const struct plan_file *file, const struct thresholds *least, const struct fold *fold)
{
    const struct plan *plan = &file->plan;
    char hex[65];
    bytes_hex(hash_view(&plan->hash), hex);
    json_t *releases = json_array();
    TRY(each_release(file, append_json, releases));
    return cli_print_json(json_pack(
        "{s:b, s:s, s:s, s:s, s:s, s:i, s:{s:i, s:I, s:i, s:i, s:i, s:i, s:i, s:i}, s:o, s:{s:I, s:o}}", "ok", 1,
        "plan", plan->name, "hash", hex, "purpose", plan->purpose, "task", plan->task, "features",
        (int)plan->features_count, "cohort", "minimum", (int)plan->cohort_minimum, "rows", (json_int_t)plan->rows,
        "deadline_hours", (int)plan->deadline_hours, "f", (int)least->f, "t", (int)least->t, "v", (int)least->v,
        "silent_before_upload_that_stall", 1, "silent_after_upload_that_stall", (int)(least->n - least->t + 1),
        "releases", releases, "first_round", "words", (json_int_t)fold->words, "fields", layout_json(&fold->layout)));
}

static struct result check_text(const struct plan_file *file, const struct thresholds *least, const struct fold *fold)
{
    CLEANUP(buffer_done) struct buffer out = {0};
    TRY(what_computed(file, &out));
    TRY(what_released(file, &out));
    TRY(who_is_needed(&file->plan, least, &out));
    TRY(what_proved(&file->plan, fold, &out));
    return cli_print(buffer_view(&out));
}

struct result cli_plan_check(int argc, char **argv)
{
    bool json = false;
    const struct cli_option options[] = {{.name = "json", .flag = &json}, {0}};
    static struct cli_values operands;
    TRY(cli_parse(argc, argv, options, "PLAN.yaml", 1, 1, &operands));
    CLEANUP(plan_file_done) struct plan_file file = {0};
    TRY(plan_file_read(operands.items[0], &file));
    CLEANUP(fold_done) struct fold fold = {0};
    TRY(result_at(fold_start(&file.plan, file.task, &fold), "%s: ", operands.items[0]));
    struct thresholds least;
    TRY(thresholds_of(file.plan.cohort_minimum, &least));
    return (json ? check_json : check_text)(&file, &least, &fold);
}
