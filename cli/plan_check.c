/* cofferdam plan check: in plain words, what a plan would compute, what each round shows and to whom, and the proof
 * that its sums cannot overflow. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/plan.h"
#include "cli/plan_policy.h"
#include "cli/plan_words.h"
#include "proto/run/fold.h"
#include "proto/run/members.h"

static struct result derived_lines(const struct plan *plan, struct buffer *out)
{
    for (size_t d = 0; d < plan->derived_count; d++) {
        const struct plan_derived *of = &plan->derived[d];
        TRY(buffer_format(out, "  term%s %s: ", of->with == SIZE_MAX ? "" : "s", of->name));
        TRY(plan_words_derived(plan, of, out));
        TRY(buffer_text(out, "\n"));
    }
    return RESULT_OK;
}

/* How the fit is asked to be. */
static struct result train_lines(const struct plan *plan, struct buffer *out)
{
    TRY(buffer_text(out, "  penalty: "));
    TRY(plan_words_penalty(plan, out));
    TRY(buffer_text(out, "\n"));
    if (!plan->balanced && plan->weight == 1) return RESULT_OK;
    TRY(buffer_text(out, "  class weights: "));
    TRY(plan_words_weights(plan, out));
    return buffer_text(out, "\n");
}

static struct result what_computed(const struct plan_file *file, struct buffer *out)
{
    const struct plan *plan = &file->plan;
    char hex[65];
    bytes_hex(hash_view(&plan->hash), hex);
    TRY(buffer_format(out, "Plan %s, task %s, purpose %s\nhash %s\n\nWhat is computed\n", plan->name, plan->task,
                      *plan->purpose ? plan->purpose : "not named", hex));
    if (*plan->target) {
        TRY(buffer_format(out, "  target %s%s", plan->target, *plan->positive ? ", " : ""));
        TRY(plan_words_target(plan, out));
        TRY(buffer_text(out, "\n"));
    }
    for (size_t i = 0; i < plan->features_count; i++) {
        TRY(buffer_format(out, "  %s: ", plan->features[i].name));
        TRY(plan_words_feature(&plan->features[i], out));
        TRY(buffer_text(out, "\n"));
    }
    TRY(derived_lines(plan, out));
    if (plan_fits(plan)) TRY(train_lines(plan, out));
    TRY(buffer_text(out, "  held out: "));
    TRY(plan_words_split(plan, out));
    return buffer_text(out, "\n");
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
    TRY(plan_words_releases(&file->plan, file->task, wrap, out));
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
        TRY(buffer_text(
            out,
            "  no purpose is named: only banks that allow any, and approve this very plan by its hash, take part\n"));
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

/* What was read and made for the check. */
struct check {
    struct plan_file file;
    struct fold fold;
    struct thresholds least;
    struct policy policy;
    bool policed; /* --policy was given */
};

static void check_done(struct check *check)
{
    policy_done(&check->policy);
    fold_done(&check->fold);
    plan_file_done(&check->file);
}

static struct result check_json(const struct check *check, const struct policy_case *about)
{
    const struct plan *plan = &check->file.plan;
    const struct thresholds *least = &check->least;
    char hex[65];
    bytes_hex(hash_view(&plan->hash), hex);
    json_t *releases = json_array(), *policy = NULL;
    TRY(plan_words_releases(plan, check->file.task, append_json, releases));
    if (check->policed) TRY(plan_policy_json(&check->policy, about, &policy));
    return cli_print_json(json_pack(
        "{s:b, s:s, s:s, s:s, s:s, s:i, s:{s:i, s:I, s:i, s:i, s:i, s:i, s:i, s:i}, s:o, s:{s:I, s:o}, s:o*}", "ok", 1,
        "plan", plan->name, "hash", hex, "purpose", plan->purpose, "task", plan->task, "features",
        (int)plan->features_count, "cohort", "minimum", (int)plan->cohort_minimum, "rows", (json_int_t)plan->rows,
        "deadline_hours", (int)plan->deadline_hours, "f", (int)least->f, "t", (int)least->t, "v", (int)least->v,
        "silent_before_upload_that_stall", 1, "silent_after_upload_that_stall", (int)(least->n - least->t + 1),
        "releases", releases, "first_round", "words", (json_int_t)check->fold.words, "fields",
        layout_json(&check->fold.layout), "policy", policy));
}

static struct result check_text(const struct check *check, const struct policy_case *about)
{
    CLEANUP(buffer_done) struct buffer out = {0};
    TRY(what_computed(&check->file, &out));
    TRY(what_released(&check->file, &out));
    TRY(who_is_needed(&check->file.plan, &check->least, &out));
    TRY(what_proved(&check->file.plan, &check->fold, &out));
    if (check->policed) TRY(policy_explain(&check->policy, about, &out));
    return cli_print(buffer_view(&out));
}

struct result cli_plan_check(int argc, char **argv)
{
    bool json = false;
    const char *policy = NULL;
    const struct cli_option options[] = {{.name = "json", .flag = &json}, {.name = "policy", .value = &policy}, {0}};
    static struct cli_values operands;
    TRY(cli_parse(argc, argv, options, "PLAN.yaml", 1, 1, &operands));
    CLEANUP(check_done) struct check check = {.policed = policy != NULL};
    TRY(plan_file_read(operands.items[0], &check.file));
    if (policy) TRY(plan_policy_read(policy, &check.policy));
    TRY(result_at(fold_start(&check.file.plan, check.file.task, &check.fold), "%s: ", operands.items[0]));
    TRY(thresholds_of(check.file.plan.cohort_minimum, &check.least));
    const struct policy_case about = plan_policy_case(&check.file, check.fold.words);
    TRY((json ? check_json : check_text)(&check, &about));
    return policy ? policy_check(&check.policy, &about) : RESULT_OK;
}
