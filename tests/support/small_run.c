#include "tests/support/small_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analytics/cases.h"
#include "tests/support/officer.h"
#include "tests/support/ok.h"
#include "tests/support/toy.h"

static const char plan_text[] = "cofferdam: 1\n"
                                "name: small\n"
                                "purpose: tests\n"
                                "task: logistic\n"
                                "target: {column: y, positive: \"1\"}\n"
                                "features:\n"
                                "  - {name: x, kind: number, min: 0, max: 100, resolution: 1}\n"
                                "cohort: {minimum: 3, on_dropout: wait, rows: 10}\n";

/* What the toy reads from a plan, and whether the run goes on without a bank. */
static void set_plan(const struct small_run_config *config, struct plan *plan)
{
    plan->rounds = config->rounds;
    plan->tolerance = (double)config->words;
    plan->deadline_hours = 1;
    plan->on_dropout = config->gone ? DROPOUT_CONTINUE : DROPOUT_WAIT;
}

static void make_bank(struct small_run *run, unsigned position)
{
    struct table *table = NULL;
    struct view fields[2];
    char number[8];
    (void)snprintf(run->names[position - 1], sizeof run->names[0], "bank-%u", position);
    (void)snprintf(number, sizeof number, "%u", position);
    OK(table_new(run->schema.specs, run->schema.count, 10, &table));
    for (size_t k = 0; k < 2; k++) fields[k] = view_text(run->schema.specs[k].kind == COLUMN_NUMBER ? number : "1");
    OK(table_add_row(table, fields, NULL));
    OK(cases_hold_out(&run->plan, table));
    run->banks[position - 1] = (struct consortium_bank){run->names[position - 1], table};
}

/* Shares: sealed, as banks send them to each other by way of the coordinator, and as they release them. */
static void hide_shares(struct small_run *run, struct view bytes)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    OK(message_decode(bytes, run->config.banks, &arena, &message));
    if (message.kind != MESSAGE_P2 && message.kind != MESSAGE_RELEASE) return;
    const struct view one = message.payload;
    const struct wire_list list = message.kind == MESSAGE_P2 ? message.list : (struct wire_list){&one, 1};
    for (size_t i = 0; i < list.count; i++) {
        struct wire_signed item;
        struct wire_p2 deal;
        struct wire_r3 release;
        OK(wire_signed_decode(list.items[i], run->config.banks, &arena, &item));
        if (message.kind == MESSAGE_P2) {
            OK(wire_p2_decode(item.body, run->config.banks, &arena, &deal));
            OK(buffer_append(&run->hidden, deal.sealed));
            continue;
        }
        OK(wire_r3_decode(item.body, run->config.banks, &arena, &release));
        for (size_t k = 0; k < release.shares.count; k++) OK(buffer_append(&run->hidden, release.shares.items[k]));
    }
}

static struct result stepped(void *context, struct consortium *consortium, unsigned number, const struct input *input,
                             struct result result, const struct effects *effects)
{
    struct small_run *run = context;
    (void)result;
    if (number == 0) return RESULT_OK;
    for (size_t i = 0; i < effects->count; i++) {
        const struct effect *effect = &effects->items[i];
        if (effect->kind == EFFECT_PERSIST && effect->secret)
            OK(buffer_append(&run->hidden, buffer_view(&effect->bytes)));
        if (effect->kind == EFFECT_SEND) hide_shares(run, buffer_view(&effect->bytes));
    }
    if (number == run->config.gone && input->kind == INPUT_CONTRIBUTION)
        consortium->parties[number].gone_at = consortium->network.now;
    return RESULT_OK;
}

static void make_consortium(struct small_run *run)
{
    CLEANUP(secret_freep) struct secret *seed = NULL;
    static const uint8_t bytes[RANDOM_SEED_BYTES] = "the seed of a small run";
    OK(secret_from(view_of(bytes, sizeof bytes), &seed));
    run->sink = memory_sink(&run->bundle);
    run->how = (struct consortium_config){.plan = &run->plan,
                                          .banks = run->banks,
                                          .banks_count = run->config.banks,
                                          .threads = 1,
                                          .seed = seed,
                                          .clock_ms = UINT64_C(1700000000000),
                                          .bundle = &run->sink};
    struct consortium *consortium = &run->consortium;
    OK(consortium_init(&run->how, consortium));
    run->how.seed = NULL;
    consortium->epoch_rounds = run->config.epoch_rounds;
    consortium->submission.terms.task = &toy_task;
    set_plan(&run->config, &consortium->submission.plan);
    consortium->watcher = (struct watcher){.context = run, .stepped = stepped};
}

static void approve(struct small_run *run, unsigned position, unsigned officers)
{
    const struct submission *submission = &run->consortium.submission;
    struct buffer *document = &run->documents[position - 1];
    struct party *party = &run->consortium.parties[position];
    size_t ends[APPROVALS_SHOWN_MAX + 1] = {0};
    for (unsigned i = 0; i < officers; i++) {
        struct approval approval = {.roster = run->consortium.roster.hash, .given = 1700000000000 + i};
        (void)snprintf(approval.bank, sizeof approval.bank, "%s", run->names[position - 1]);
        approval.of_run = i + 1 == APPROVALS_SHOWN_MAX;
        approval.subject = approval.of_run ? submission->id : submission->plan.hash;
        OK(officer_signs(10 * position + i, &approval, document));
        ends[i + 1] = document->length;
    }
    for (unsigned i = 0; i < officers; i++)
        run->approvals[position - 1][i] = view_of(document->data + ends[i], ends[i + 1] - ends[i]);
    party->approvals = run->approvals[position - 1];
    party->approvals_count = officers;
}

struct small_run *small_run_new(const struct small_run_config *config)
{
    CLEANUP(buffer_done) struct buffer model = {0};
    struct small_run *run = calloc(1, sizeof *run);
    assert_non_null(run);
    run->config = *config;
    OK(crypto_start());
    OK(plan_parse(view_text(plan_text), "plan.yaml", &run->plan));
    OK(schema_of(&run->plan, &run->schema));
    for (unsigned i = 1; i <= config->banks; i++) make_bank(run, i);
    make_consortium(run);
    for (unsigned i = 2; i <= config->banks && config->officers; i++) approve(run, i, config->officers);
    OK(consortium_go(&run->consortium));
    assert_true(run->consortium.parties[0].done);
    OK(fold_result(secagg_coordinator_fold(run->consortium.coordinator), config->banks, &model));
    OK(bundle_finish(&run->consortium.bundle, buffer_view(&model)));
    return run;
}

void small_run_free(struct small_run *run)
{
    if (!run) return;
    consortium_done(&run->consortium);
    for (unsigned i = 0; i < run->config.banks; i++) table_free((struct table *)(uintptr_t)run->banks[i].table);
    buffer_done(&run->bundle);
    for (unsigned i = 0; i < SMALL_BANKS_MAX; i++) buffer_done(&run->documents[i]);
    buffer_done(&run->hidden);
    schema_done(&run->schema);
    plan_done(&run->plan);
    free(run);
}

void small_run_freep(struct small_run **run)
{
    small_run_free(*run);
    *run = NULL;
}

static void submitted(void *context, struct submission *submission)
{
    const struct small_run *run = context;
    submission->terms.task = &toy_task;
    set_plan(&run->config, &submission->plan);
}

struct replay_observer small_run_observer(struct small_run *run)
{
    return (struct replay_observer){.context = run, .submitted = submitted};
}

struct result small_run_replay(struct small_run *run, struct view bundle)
{
    const struct replay_observer observer = small_run_observer(run);
    return memory_replay(bundle, NULL, &observer);
}

void small_run_redact(struct small_run *run, enum bundle_form form, struct buffer *out)
{
    CLEANUP(bundle_reader_done) struct bundle_reader reader = {0};
    struct memory_bundle bundle;
    const struct bundle_source source = memory_source(&bundle, buffer_view(&run->bundle));
    const struct bundle_sink sink = memory_sink(out);
    bool got = true;
    OK(bundle_reader_open(&source, &reader));
    OK(bundle_put_form(&sink, form));
    while (got) {
        struct bundle_entry entry = {0};
        OK(bundle_next(&reader, &entry, &got));
        if (got) OK(bundle_redact(reader.form, form, (enum bundle_kind)entry.kind, entry.payload, &sink));
    }
}

void small_run_refuted(struct small_run *run, struct view bundle, size_t number, const char *what, size_t which)
{
    char begins[32];
    struct result result = small_run_replay(run, bundle);
    if (result.category != CATEGORY_FALSE) fail_msg("%s %zu: category %d", what, which, (int)result.category);
    (void)snprintf(begins, sizeof begins, "entry %zu (", number);
    if (number && strncmp(result_reason(), begins, strlen(begins)) != 0)
        fail_msg("%s %zu, which is in entry %zu: %s", what, which, number, result_reason());
}
