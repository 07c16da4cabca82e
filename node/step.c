/* A run's machine and the store: what it persists, in batches; what it may read back; how a run ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/report/report.h"
#include "crypto/base/failpoint.h"
#include "node/budget.h"
#include "node/erase.h"
#include "node/evidence.h"
#include "node/journal_facts.h"
#include "node/officers.h"
#include "node/part.h"
#include "node/repetition.h"
#include "node/spent.h"
#include "sys/clock.h"
#include "sys/entropy.h"
#include "sys/file.h"
#include "sys/log.h"

static struct result record_load(void *context, bool secret, bool shared, const char *key, struct buffer *out,
                                 bool *ret_found)
{
    const struct part *part = context;
    return store_load(part->bank->store, secret, shared ? NULL : &part->submission.id, key, out, ret_found);
}

static struct result record_each(void *context, bool secret, bool shared, const char *prefix,
                                 struct result (*visit)(void *visitor, const char *key, struct view value),
                                 void *visitor)
{
    const struct part *part = context;
    return store_each(part->bank->store, secret, shared ? NULL : &part->submission.id, prefix, visit, visitor);
}

struct record_source part_records(struct part *part)
{
    return (struct record_source){.context = part, .load = record_load, .each = record_each};
}

struct result part_machine_new(struct part *part)
{
    struct bank *bank = part->bank;
    struct officers_word word;
    TRY(officers_show(part));
    TRY(officers_ask(bank, &part->submission, &word));
    CLEANUP(random_source_freep) struct random_source *random = NULL;
    TRY(entropy_source(&random));
    const struct secagg_node_config config = {
        .terms = &part->submission.terms,
        .position = bank->position,
        .key = bank->key,
        .random = random,
        .counters = &bank->counters,
        .records = part_records(part),
        .table_hash = part->frozen.hash,
        .source = bank->config->source.name,
        .psk = (const struct secret *const *)bank->psk,
        .approvals = part->approvals,
        .approvals_count = part->approvals_count,
        .cohort_change_approved = word.change || policy_allows_change(&bank->policy, &part->submission.id),
    };
    random = NULL; /* the machine's from here on */
    return secagg_node_new(&config, &part->machine);
}

static void records_freep(struct store_record **records)
{
    free(*records);
}

/* Whether this step lets a masked input leave: its header is made durable once, whatever happens after. */
static bool step_releases(const struct part *part)
{
    for (size_t i = 0; i < part->effects.count; i++) {
        const struct effect *effect = &part->effects.items[i];
        if (effect->kind == EFFECT_PERSIST && !effect->shared && !effect->erase && !strncmp(effect->key, "r1/", 3))
            return true;
    }
    return false;
}

/* What an input costs that leaves with this step. */
struct charges {
    struct spent_charge words;
    struct budget_change privacy;
    struct repetition_change rows;
};

static void charges_done(struct charges *charges)
{
    budget_change_done(&charges->privacy);
    repetition_change_done(&charges->rows);
}

enum { CHARGES_RECORDS = SPENT_RECORDS + 1 + REPETITION_RECORDS };

/* How few rows have changed since another run is this bank's own affair. */
static struct result step_charge_rows(struct part *part, struct repetition_change *change)
{
    struct result result = repetition_charge(part->bank, &part->submission, change);
    if (result.category != CATEGORY_FALSE) return result;
    (void)snprintf(part->own_reason, sizeof part->own_reason, "%s", result_reason());
    log_error("run", "%.12s: %s", part->hex, part->own_reason);
    return FAIL(CATEGORY_FALSE, PART_UNFIT);
}

/* An input that the officers, the policy, the budget or what left before does not let leave ends the run here. */
static struct result step_charge(struct part *part, struct charges *charges, struct journal_notes *notes,
                                 struct store_record *records, size_t *count)
{
    struct bank *bank = part->bank;
    const struct hash *run = &part->submission.id;
    const struct fold *fold = secagg_node_fold(part->machine);
    TRY(officers_check(part));
    TRY(spent_charge(bank->store, &bank->policy, run, clock_now_ms(), fold->words, &charges->words));
    for (size_t i = 0; i < SPENT_RECORDS; i++) records[(*count)++] = charges->words.records[i];
    TRY(budget_charge(bank->store, run, fold, &charges->privacy, notes));
    if (charges->privacy.made) records[(*count)++] = charges->privacy.record;
    TRY(step_charge_rows(part, &charges->rows));
    for (size_t i = 0; i < charges->rows.count; i++) records[(*count)++] = charges->rows.records[i];
    return RESULT_OK;
}

/* Makes durable what the machine persists in this step, all together, and with it what the journal tells of it and what
 * the policy counts. Where that fails nothing of the step was kept. */
static struct result step_persist(struct part *part, bool *ret_persisted)
{
    bool evidence = false;
    *ret_persisted = false;
    if (part->effects.count == 0) return RESULT_OK;
    CLEANUP(records_freep)
    struct store_record *records = calloc(part->effects.count + CHARGES_RECORDS, sizeof *records);
    ENSURE(records, CATEGORY_ENVIRONMENT, "no memory for a step's records");
    CLEANUP(charges_done) struct charges charges = {0};
    CLEANUP(journal_notes_done) struct journal_notes notes = {0};
    size_t count = 0;
    for (size_t i = 0; i < part->effects.count; i++) {
        const struct effect *effect = &part->effects.items[i];
        if (effect->kind != EFFECT_PERSIST) continue;
        records[count++] = (struct store_record){
            .scope = effect->shared ? NULL : &part->submission.id,
            .key = effect->key,
            .value = buffer_view(&effect->bytes),
            .secret = effect->secret,
            .erase = effect->erase,
        };
        evidence = evidence || strncmp(effect->key, "evidence/", strlen("evidence/")) == 0;
    }
    *ret_persisted = count > 0;
    if (count == 0) return RESULT_OK;
    if (step_releases(part)) TRY(step_charge(part, &charges, &notes, records, &count));
    TRY(journal_step(part, &notes));
    TRY(journal_commit(part->bank->journal, records, count, &notes));
    if (evidence) part_write_evidence(part);
    return RESULT_OK;
}

static void step_tell(struct part *part, struct view line)
{
    (void)snprintf(part->progress, sizeof part->progress, "%.*s", (int)line.length, (const char *)line.data);
    log_info("run", "%.12s: %s", part->hex, part->progress);
    (void)pthread_cond_broadcast(&part->bank->changed);
}

/* Everything but the batch, in the machine's order. */
static struct result step_carry(struct part *part)
{
    for (size_t i = 0; i < part->effects.count; i++) {
        const struct effect *effect = &part->effects.items[i];
        struct view bytes = buffer_view(&effect->bytes);
        char reason[SERVICE_REASON_MAX + 1];
        switch (effect->kind) {
        case EFFECT_SEND:
            buffer_clear(&part->request);
            part->sent = true;
            FAILPOINT_MESSAGE("node: before sending", bytes);
            TRY(service_frame_write(SERVICE_RUN, &part->submission.id, bytes, &part->request));
            break;
        case EFFECT_CONTRIBUTE:
            part->contribution_due = true;
            break;
        case EFFECT_EVENT:
            step_tell(part, bytes);
            break;
        case EFFECT_DONE:
            TRY(part_end(part, SERVICE_RUN_DONE, ""));
            break;
        case EFFECT_FAIL:
            (void)snprintf(reason, sizeof reason, "%.*s", (int)bytes.length, (const char *)bytes.data);
            TRY(part_end(part, SERVICE_RUN_FAILED, reason));
            break;
        case EFFECT_PERSIST:   /* durable already */
        case EFFECT_SET_TIMER: /* the coordinator's alone */
            break;
        }
    }
    return RESULT_OK;
}

struct result part_step(struct part *part, const struct input *input)
{
    struct input next = *input;
    struct result refusal = RESULT_OK;
    bool persisted = true;
    while (persisted && part->state == SERVICE_RUN_OPEN) {
        next.now = clock_now_ms();
        uint64_t start = clock_monotonic_us();
        struct result result = secagg_node_step(part->machine, &next, &part->effects);
        uint64_t stepped = clock_monotonic_us();
        if (result.category == CATEGORY_PEER) { /* refused; what it adds is the evidence */
            refusal = result;
            result = RESULT_OK;
        }
        FAILPOINT("node: before a step's batch");
        if (result_ok(result)) result = step_persist(part, &persisted);
        FAILPOINT("node: a step's batch is durable");
        uint64_t kept = clock_monotonic_us();
        if (result_ok(result)) result = step_carry(part);
        effects_clear(&part->effects);
        TRY(result);
        log_debug("time", "%.12s step %llu us, store %llu us, then %s", part->hex,
                  (unsigned long long)(stepped - start), (unsigned long long)(kept - stepped),
                  secagg_node_phase(part->machine));
        next = (struct input){.kind = INPUT_PERSISTED};
    }
    part->checked = secagg_node_checked(part->machine);
    tally_look(&part->tally, &part->bank->rounds, secagg_node_round(part->machine),
               secagg_node_fold(part->machine)->step);
    TRY(refusal);
    if (part->state == SERVICE_RUN_OPEN) part_say(part, secagg_node_phase(part->machine));
    return RESULT_OK;
}

static struct result end_write(const struct part *part, const char *name, struct view bytes)
{
    char path[FILE_PATH_MAX];
    TRY(part_path(part, name, path));
    return file_write_alone(path, bytes, 0644);
}

/* *ret_model: the digest of model.json, as sha256sum tells it. */
static struct result end_write_results(const struct part *part, struct hash *ret_model)
{
    CLEANUP(buffer_done) struct buffer model = {0}, report = {0};
    TRY(fold_result(secagg_node_fold(part->machine), members_count(&part->submission.terms.cohort), &model));
    TRY(end_write(part, "plan.note", part->submission.terms.plan_note));
    FAILPOINT("node: the plan is written, not the model");
    const struct report_source source = {.model = buffer_view(&model),
                                         .plan = &part->submission.plan,
                                         .roster = &part->bank->roster,
                                         .cohort = &part->submission.terms.cohort,
                                         .version = COFFERDAM_VERSION};
    TRY(report_html(&source, &report));
    TRY(hash_bytes(NULL, buffer_view(&model), ret_model));
    TRY(end_write(part, "report.html", buffer_view(&report)));
    return end_write(part, PART_MODEL, buffer_view(&model));
}

struct result part_erase_secrets(struct store *store, const struct hash *run)
{
    CLEANUP(erasures_done) struct erasures secrets = {0};
    TRY(erasures_of(store, run, true, &secrets));
    return secrets.count ? store_commit(store, secrets.records, secrets.count) : RESULT_OK;
}

/* The end and what the journal tells of it. */
static struct result end_keep(struct part *part, const struct service_answer *answer, const struct hash *model)
{
    CLEANUP(buffer_done) struct buffer value = {0};
    CLEANUP(journal_notes_done) struct journal_notes notes = {0};
    TRY(buffer_u64(&value, clock_now_ms()));
    TRY(service_answer_write(answer, &value));
    CLEANUP(budget_change_done) struct budget_change budget = {0};
    TRY(budget_release(part->bank->store, &part->submission.id, &budget, &notes));
    const struct store_record records[] = {
        {.scope = &part->submission.id, .key = PART_KEY_END, .value = buffer_view(&value)},
        {.scope = &part->submission.id, .key = PART_KEY_ROWS, .erase = true},
        budget.record,
    };
    if (answer->ok)
        TRY(journal_done(part, model, &notes));
    else
        TRY(journal_ended(part->bank, &part->submission.id, *part->own_reason ? part->own_reason : answer->reason,
                          &notes));
    return journal_commit(part->bank->journal, records, budget.made ? 3 : 2, &notes);
}

struct result part_end(struct part *part, enum service_run_state state, const char *reason)
{
    if (part->state != SERVICE_RUN_OPEN) return RESULT_OK;
    struct service_answer answer = {.ok = state == SERVICE_RUN_DONE};
    struct hash model = {0};
    (void)snprintf(answer.reason, sizeof answer.reason, "%s", reason);
    struct result result = answer.ok ? end_write_results(part, &model) : RESULT_OK;
    if (result.category == CATEGORY_ENVIRONMENT) return result;
    if (!result_ok(result)) {
        answer.ok = false;
        (void)snprintf(answer.reason, sizeof answer.reason, "the model cannot be written: %s", result_reason());
    }
    FAILPOINT("node: before the run's secrets are erased");
    TRY(part_erase_secrets(part->bank->store, &part->submission.id));
    FAILPOINT("node: before the run's end is kept");
    TRY(end_keep(part, &answer, &model));
    FAILPOINT("node: the run's end is kept");
    char path[FILE_PATH_MAX];
    TRY(part_path(part, PART_TABLE, path));
    freeze_remove(path);
    part->state = answer.ok ? SERVICE_RUN_DONE : SERVICE_RUN_FAILED;
    (void)snprintf(part->reason, sizeof part->reason, "%s", answer.reason);
    part_say(part, answer.ok ? "done" : part->reason);
    log_info("run", "%.12s %s%s", part->hex, answer.ok ? "is done" : "ended: ", part->reason);
    return RESULT_OK;
}

struct result part_load_end(struct part *part, bool *ret_over)
{
    CLEANUP(buffer_done) struct buffer value = {0};
    TRY(store_load(part->bank->store, false, &part->submission.id, PART_KEY_END, &value, ret_over));
    if (!*ret_over) return RESULT_OK;
    struct reader reader = reader_of(buffer_view(&value), "the run's end");
    struct service_answer answer;
    TRY(reader_u64(&reader, &part->since));
    TRY(service_answer_read(reader.rest, &answer));
    part->state = answer.ok ? SERVICE_RUN_DONE : SERVICE_RUN_FAILED;
    (void)snprintf(part->reason, sizeof part->reason, "%s", answer.reason);
    (void)snprintf(part->phase, sizeof part->phase, "%s", answer.ok ? "done" : answer.reason);
    const struct record_source records = part_records(part);
    return secagg_checked_load(&records, &part->checked);
}
