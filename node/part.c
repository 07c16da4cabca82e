#include "node/part.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/failpoint.h"
#include "crypto/base/protocol.h"
#include "node/admit.h"
#include "node/budget.h"
#include "node/bundle.h"
#include "node/evidence.h"
#include "node/forget.h"
#include "node/joining.h"
#include "node/journal_facts.h"
#include "node/officers.h"
#include "node/repetition.h"
#include "node/spent.h"
#include "node/waiting.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

/* How long a thread waits before it repeats what did not work. */
enum { REST_REFUSED_MS = 2000, REST_ENVIRONMENT_MS = 5000, FAREWELL_MS = 10000 };

void part_free(struct part *part)
{
    if (!part) return;
    secagg_node_free(part->machine);
    effects_clear(&part->effects);
    frozen_done(&part->frozen);
    for (size_t i = 0; i < APPROVALS_SHOWN_MAX; i++) buffer_done(&part->documents[i]);
    buffer_done(&part->request);
    submission_done(&part->submission);
    free(part);
}

static void part_freep(struct part **part)
{
    part_free(*part);
}

struct part *part_find(const struct bank *bank, const struct hash *id)
{
    struct part *part = bank->parts;
    while (part && !hash_equal(&part->submission.id, id)) part = part->next;
    return part;
}

void part_say(struct part *part, const char *phase)
{
    if (strncmp(part->phase, phase, sizeof part->phase - 1) == 0) return;
    (void)snprintf(part->phase, sizeof part->phase, "%s", phase);
    part->since = clock_now_ms();
    (void)pthread_cond_broadcast(&part->bank->changed);
}

struct result part_path(const struct part *part, const char *name, char *out)
{
    char runs[FILE_PATH_MAX], directory[FILE_PATH_MAX];
    TRY(file_path(part->bank->config->state, "runs", runs));
    TRY(file_directory(runs, 0700));
    TRY(file_path(runs, part->hex, directory));
    TRY(file_directory(directory, 0700));
    return file_path(directory, name, out);
}

/* How many rows this bank has is its own affair, and so is that they are too few. */
static struct result check_rows(struct part *part)
{
    struct result result = policy_check_rows(&part->bank->policy, part->frozen.table->rows);
    if (!result_ok(result)) (void)snprintf(part->own_reason, sizeof part->own_reason, "%s", result_reason());
    return result;
}

/* The same of how few rows have changed since an earlier run. */
static struct result check_repetition(struct part *part)
{
    if (plan_private(&part->submission.plan)) return RESULT_OK;
    (void)pthread_mutex_lock(&part->bank->lock);
    struct result result = repetition_check(part->bank, &part->submission, &part->frozen.rows);
    (void)pthread_mutex_unlock(&part->bank->lock);
    if (!result_ok(result)) (void)snprintf(part->own_reason, sizeof part->own_reason, "%s", result_reason());
    return result;
}

/* Plans with privacy are charged to the budget instead. */
static struct result freeze_new(struct part *part, const char *path)
{
    const struct config_node *config = part->bank->config;
    CLEANUP(sketch_key_freep) struct sketch_key *key = NULL;
    if (!plan_private(&part->submission.plan)) TRY(repetition_key(config->state, config->source.name, &key));
    frozen_done(&part->frozen); /* of an attempt before */
    return freeze_source(&config->source, &part->submission.plan, key, path, &part->frozen);
}

/* Freezes the table, or loads it after a restart. Without the lock: a large file takes a while, and the node answers
 * attestations meanwhile. */
static struct result part_freeze(struct part *part)
{
    char path[FILE_PATH_MAX];
    struct bank *bank = part->bank;
    CLEANUP(buffer_done) struct buffer value = {0};
    TRY(part_path(part, PART_TABLE, path));
    TRY(store_load(bank->store, false, &part->submission.id, PART_KEY_TABLE, &value, &part->kept));
    if (part->kept) {
        struct hash hash;
        ENSURE(value.length == HASH_BYTES, CATEGORY_FALSE, "the frozen table's hash is damaged");
        memcpy(hash.bytes, value.data, HASH_BYTES);
        if (file_exists(path))
            TRY(freeze_load(&part->submission.plan, path, &hash, &part->frozen));
        else
            TRY(freeze_again(&bank->config->source, &part->submission.plan, path, &hash, &part->frozen));
        return check_rows(part);
    }
    TRY(freeze_new(part, path));
    joining_log(&bank->config->source, &part->frozen.losses, part->hex);
    if (bank->config->source.consent.column)
        log_info("run", "%.12s: %llu rows are computed on, %llu are left out for want of consent", part->hex,
                 (unsigned long long)part->frozen.table->rows, (unsigned long long)part->frozen.table->without_consent);
    if (part->frozen.table->unfit > 0)
        log_warning("run", "%.12s: %llu rows do not fit the plan and are left out", part->hex,
                    (unsigned long long)part->frozen.table->unfit);
    TRY(check_rows(part));
    return check_repetition(part);
}

/* The run, its table's digest, its rows and what it reserves of the privacy budget. Lock held: another run may have
 * taken what was left when this one was let in. */
static struct result keep(struct part *part)
{
    struct bank *bank = part->bank;
    CLEANUP(buffer_done) struct buffer value = {0}, rows = {0};
    CLEANUP(journal_notes_done) struct journal_notes notes = {0};
    CLEANUP(budget_change_done) struct budget_change budget = {0};
    const bool private = plan_private(&part->submission.plan);
    if (!private) TRY(rows_write(&part->frozen.rows, &rows));
    TRY(budget_reserve(bank->store, &bank->policy, bank->config->source.name, &part->submission, clock_now_ms(),
                       &budget, &notes));
    TRY(buffer_u64(&value, part->submitted_at));
    TRY(buffer_append(&value, buffer_view(&part->submission.bytes)));
    const struct store_record records[] = {
        {.scope = &part->submission.id, .key = PART_KEY_SUBMISSION, .value = buffer_view(&value)},
        {.scope = &part->submission.id, .key = PART_KEY_TABLE, .value = hash_view(&part->frozen.hash)},
        private
            ? budget.record
            : (struct store_record){.scope = &part->submission.id, .key = PART_KEY_ROWS, .value = buffer_view(&rows)},
    };
    TRY(journal_frozen(part, &notes));
    return journal_commit(bank->journal, records, !private || budget.made ? 3 : 2, &notes);
}

static struct result part_keep(struct part *part)
{
    if (part->kept) return RESULT_OK;
    FAILPOINT("node: the table is frozen, the run not kept");
    (void)pthread_mutex_lock(&part->bank->lock);
    struct result result = keep(part);
    part->kept = result_ok(result);
    part->frozen_once = part->frozen_once || part->kept;
    (void)pthread_mutex_unlock(&part->bank->lock);
    return result;
}

/* What cannot be read or written just now is tried again: an operator can cure it, and the run waits. */
static struct result patiently(struct part *part, struct result (*work)(struct part *part))
{
    for (;;) {
        struct result result = work(part);
        if (result.category != CATEGORY_ENVIRONMENT || atomic_load(&part->bank->stopping)) return result;
        log_error("run", "%.12s: %s", part->hex, result_reason());
        (void)pthread_mutex_lock(&part->bank->lock);
        part_say(part, result_reason());
        (void)pthread_mutex_unlock(&part->bank->lock);
        bank_rest(part->bank, REST_ENVIRONMENT_MS);
    }
}

/* Whether a plan meets this bank's rows is an answer about this bank alone, which no sum hides: an author who asks with
 * plan after plan could narrow its rows down. So only so many different plans of an author may fail on them; then the
 * officer has to allow the next by its hash. */
enum { DATA_REFUSALS_MAX = 3 };

static struct result failed_plans(struct part *part, struct buffer *key, struct buffer *plans, const char **ret_key)
{
    const struct run_terms *terms = &part->submission.terms;
    bool found = false;
    TRY(buffer_format(key, "daemon/failed/%s", terms->roster->members[terms->submitter - 1].name));
    TRY(buffer_terminate(key, ret_key));
    return store_load(part->bank->store, false, NULL, *ret_key, plans, &found);
}

static bool has_plan(const struct buffer *plans, const struct hash *plan)
{
    for (size_t at = 0; at + HASH_BYTES <= plans->length; at += HASH_BYTES)
        if (memcmp(plans->data + at, plan->bytes, HASH_BYTES) == 0) return true;
    return false;
}

static struct result check_failed_plans(struct part *part)
{
    CLEANUP(buffer_done) struct buffer key = {0}, plans = {0};
    const char *name;
    const struct hash *plan = &part->submission.plan.hash;
    if (policy_names_plan(&part->bank->policy, plan)) return RESULT_OK;
    TRY(failed_plans(part, &key, &plans, &name));
    bool failed = has_plan(&plans, plan);
    /* Asked again and again, the same plan would tell when this bank's table grows past its bound. */
    ENSURE(!failed || !plan_private(&part->submission.plan), CATEGORY_FALSE,
           "this plan could not be used with this bank's data; its officer has to allow it by its hash");
    ENSURE(failed || plans.length < (size_t)DATA_REFUSALS_MAX * HASH_BYTES, CATEGORY_FALSE,
           "%d plans of this author could not be used with this bank's data; its officer has to allow the next by its "
           "hash",
           DATA_REFUSALS_MAX);
    return RESULT_OK;
}

static struct result keep_failed_plan(struct part *part)
{
    CLEANUP(buffer_done) struct buffer key = {0}, plans = {0};
    const char *name;
    TRY(failed_plans(part, &key, &plans, &name));
    if (has_plan(&plans, &part->submission.plan.hash)) return RESULT_OK;
    TRY(buffer_append(&plans, hash_view(&part->submission.plan.hash)));
    const struct store_record record = {.key = name, .value = buffer_view(&plans)};
    return store_commit(part->bank->store, &record, 1);
}

/* What the policy says of the run. Numbers of a run that went on before are charged already. */
static struct result part_admit(const struct part *part)
{
    const struct bank *bank = part->bank;
    const struct submission *submission = &part->submission;
    CLEANUP(fold_done) struct fold fold = {0};
    struct policy_spent spent;
    TRY(spent_load(bank->store, &submission->id, clock_now_ms(), &spent));
    TRY(fold_start(&submission->plan, submission->terms.task, &fold));
    struct policy_case about = admit_case(submission, &spent, spent.rounds ? 0 : fold.words);
    TRY(budget_ask(bank->store, bank->config->source.name, &submission->id, &about));
    struct result result = admit_check(&bank->policy, bank->position, submission, &about);
    if (!result_ok(result))
        log_info("run", "%.12s: words that have left this bank in this month: %llu", part->hex,
                 (unsigned long long)spent.month);
    return result;
}

/* Before anything of the run leaves this bank: does it want to, and do its data fit? */
static struct result part_prepare(struct part *part)
{
    TRY(part_admit(part));
    TRY(waiting_for_officers(part));
    TRY(check_failed_plans(part));
    TRY(journal_approved(part));
    struct result result = patiently(part, part_freeze);
    if (result_ok(result)) return patiently(part, part_keep);
    if (result.category == CATEGORY_ENVIRONMENT) return result;
    /* The sentence may quote values of rows: it stays in this bank's log. */
    log_error("run", "%.12s: %s", part->hex, result_reason());
    TRY(keep_failed_plan(part));
    return FAIL(CATEGORY_FALSE, PART_UNFIT);
}

/* Computes this bank's vector, without the lock: it takes the longest of all, and needs only the machine's fold, which
 * nobody else steps. */
static struct result part_contribute(struct part *part)
{
    const struct fold *fold = secagg_node_fold(part->machine);
    uint64_t start = clock_monotonic_us();
    uint64_t *words = calloc(fold->words ? fold->words : 1, sizeof *words);
    ENSURE(words, CATEGORY_ENVIRONMENT, "no memory for a contribution of %llu words", (unsigned long long)fold->words);
    FAILPOINT("node: before a contribution");
    struct result result = fold_contribute(fold, part->frozen.table, part->bank->config->threads, words, fold->words);
    if (!result_ok(result)) { /* the sentence may tell of rows: it stays in this bank's log */
        log_error("run", "%.12s: %s", part->hex, result_reason());
        result = FAIL(CATEGORY_FALSE, "this bank cannot compute its part; its own log says why");
    }
    log_debug("time", "%.12s contribution %llu us, %llu words", part->hex,
              (unsigned long long)(clock_monotonic_us() - start), (unsigned long long)fold->words);
    part->contribution_due = false;
    FAILPOINT("node: after a contribution");
    if (result_ok(result)) {
        (void)pthread_mutex_lock(&part->bank->lock);
        result =
            part_step(part, &(struct input){.kind = INPUT_CONTRIBUTION, .words = words, .words_count = fold->words});
        (void)pthread_mutex_unlock(&part->bank->lock);
    }
    secret_bytes_wipe(words, fold->words * sizeof *words);
    free(words);
    return result;
}

static struct result part_take(struct part *part, const struct service_frame *frame)
{
    struct service_answer answer;
    if (frame->kind == SERVICE_ENDED) {
        TRY(service_answer_read(frame->payload, &answer));
        part->known_over = true;
        (void)pthread_mutex_lock(&part->bank->lock);
        struct result result = part_end(part, SERVICE_RUN_FAILED, answer.reason);
        (void)pthread_mutex_unlock(&part->bank->lock);
        return result;
    }
    if (frame->kind == SERVICE_ANSWER) {
        TRY(service_answer_read(frame->payload, &answer));
        return FAIL(CATEGORY_PEER, "the coordinator says: %s", answer.reason);
    }
    ENSURE(frame->kind == SERVICE_RUN && hash_equal(&frame->run, &part->submission.id), CATEGORY_PEER,
           "the coordinator answered something else than was asked");
    part->sent = false;
    FAILPOINT_MESSAGE("node: before taking", frame->payload);
    (void)pthread_mutex_lock(&part->bank->lock);
    struct result result = part_step(part, &(struct input){.kind = INPUT_MESSAGE, .from = 0, .bytes = frame->payload});
    (void)pthread_mutex_unlock(&part->bank->lock);
    FAILPOINT_MESSAGE("node: after taking", frame->payload);
    if (result_ok(result) && !part->sent) buffer_clear(&part->request); /* it is answered */
    return result;
}

/* One exchange with the coordinator. What a peer got wrong, and what could not be reached, is tried again. */
static struct result part_exchange(struct part *part)
{
    CLEANUP(buffer_done) struct buffer reply = {0};
    struct service_frame frame;
    uint64_t start = clock_monotonic_us();
    struct result result = bank_ask_unless(part->bank, &part->denied, buffer_view(&part->request), 0, &reply, &frame);
    if (result.category == CATEGORY_ENVIRONMENT) return RESULT_OK; /* only at the node's stop */
    if (result.category == CATEGORY_FALSE) return RESULT_OK;       /* the loop sees why */
    log_debug("time", "%.12s exchange %llu us, %zu bytes there, %zu back", part->hex,
              (unsigned long long)(clock_monotonic_us() - start), part->request.length, reply.length);
    if (result_ok(result)) result = part_take(part, &frame);
    if (result.category != CATEGORY_PEER) return result;
    atomic_fetch_add(&part->bank->refused, 1);
    if (strncmp(part->refused, result_reason(), sizeof part->refused - 1) != 0) { /* once, not every two seconds */
        (void)snprintf(part->refused, sizeof part->refused, "%s", result_reason());
        log_warning("run", "%.12s: refused the coordinator's message: %s", part->hex, part->refused);
    }
    bank_rest(part->bank, REST_REFUSED_MS);
    return RESULT_OK;
}

/* An officer has taken back what the run went on with: nothing more of it is said than that. */
static struct result part_denied(struct part *part)
{
    buffer_clear(&part->request);
    (void)pthread_mutex_lock(&part->bank->lock);
    struct result result = officers_check(part);
    (void)pthread_mutex_unlock(&part->bank->lock);
    TRY(result);
    return FAIL(CATEGORY_FALSE, "an officer of this bank denied it, before it was approved again");
}

static struct result part_work(struct part *part)
{
    struct bank *bank = part->bank;
    (void)pthread_mutex_lock(&bank->lock);
    struct result result = part_machine_new(part);
    FAILPOINT("node: the run's machine is restored");
    part_write_evidence(part);
    if (result_ok(result)) result = part_step(part, &(struct input){.kind = INPUT_START});
    FAILPOINT("node: the run's machine has started");
    (void)pthread_mutex_unlock(&bank->lock);
    while (result_ok(result) && part->state == SERVICE_RUN_OPEN && !atomic_load(&bank->stopping)) {
        if (atomic_load(&part->denied))
            result = part_denied(part);
        else if (part->contribution_due)
            result = part_contribute(part);
        else if (part->request.length > 0)
            result = part_exchange(part);
        else
            result = FAIL(CATEGORY_BUG, "the machine asks for nothing (%s)", secagg_node_phase(part->machine));
    }
    return result;
}

/* The last words of a run that ended here: what the machine still has to say, and, when this bank stops the run, that
 * it does. Else the others would wait for it. */
static void part_farewell(struct part *part)
{
    CLEANUP(buffer_done) struct buffer reply = {0};
    struct service_frame frame;
    if (part->known_over || part->state == SERVICE_RUN_OPEN) return;
    FAILPOINT("node: before the last words");
    struct result result = RESULT_OK;
    if (part->request.length > 0)
        result = bank_ask(part->bank, buffer_view(&part->request), FAREWELL_MS, &reply, &frame);
    if (part->state == SERVICE_RUN_FAILED) result = bank_refuse(part->bank, &part->submission.id, part->reason, 0);
    if (!result_ok(result)) log_debug("run", "%.12s: the last words were not heard: %s", part->hex, result_reason());
}

/* Nothing of a run that is over stays in memory. */
static void part_empty(struct part *part)
{
    (void)pthread_mutex_lock(&part->bank->lock);
    secagg_node_free(part->machine);
    part->machine = NULL;
    frozen_done(&part->frozen);
    buffer_done(&part->request);
    (void)pthread_mutex_unlock(&part->bank->lock);
}

static void part_live(struct part *part)
{
    struct bank *bank = part->bank;
    if (part->state != SERVICE_RUN_OPEN) { /* over before this process started */
        part_fetch_bundle(part);
        return;
    }
    struct result result = submission_spoken(&part->submission); /* of a program before this one, perhaps */
    if (result_ok(result)) result = part_prepare(part);
    if (result_ok(result)) result = part_work(part);
    if (!result_ok(result) && result.category != CATEGORY_ENVIRONMENT) {
        char reason[SERVICE_REASON_MAX + 1];
        (void)snprintf(reason, sizeof reason, "%s", result_reason());
        (void)pthread_mutex_lock(&bank->lock);
        result = part_end(part, SERVICE_RUN_FAILED, reason);
        (void)pthread_mutex_unlock(&bank->lock);
    }
    if (!result_ok(result) && !atomic_load(&bank->stopping)) bank_give_up(bank, result);
    bool took_part = part->machine != NULL;
    part_farewell(part);
    part_empty(part);
    if (took_part) part_fetch_bundle(part);
}

/* It may have been forgotten meanwhile, and what the thread wrote then goes as well. */
static void part_end_thread(struct part *part)
{
    uint64_t forgotten = 0;
    (void)pthread_mutex_lock(&part->bank->lock);
    part->ended = true;
    struct result result = run_forgotten(part->bank, &part->submission.id, &forgotten);
    if (result_ok(result) && forgotten) result = run_forget_rest(part->bank, &part->submission.id);
    if (!result_ok(result)) log_warning("run", "%.12s: %s; the next start tries again", part->hex, result_reason());
    (void)pthread_mutex_unlock(&part->bank->lock);
}

void *part_thread(void *part)
{
    part_live(part);
    fold_thread_done();
    part_end_thread(part);
    return NULL;
}

static struct result part_new(struct bank *bank, struct view submission, struct part **ret)
{
    CLEANUP(part_freep) struct part *part = calloc(1, sizeof *part);
    ENSURE(part, CATEGORY_ENVIRONMENT, "no memory for a run");
    part->bank = bank;
    part->state = SERVICE_RUN_OPEN;
    part->submitted_at = part->since = clock_now_ms();
    (void)snprintf(part->phase, sizeof part->phase, "preparing the table");
    TRY(submission_open(&bank->roster, submission, &part->submission));
    bytes_hex(hash_view(&part->submission.id), part->hex);
    *ret = part;
    part = NULL;
    return RESULT_OK;
}

/* Into the list, newest first, and to work. */
static struct result part_launch(struct part *part)
{
    struct part **place = &part->bank->parts;
    while (*place && (*place)->submitted_at > part->submitted_at) place = &(*place)->next;
    part->next = *place;
    *place = part;
    if (part->state != SERVICE_RUN_OPEN) part_write_evidence(part); /* what a full disk, say, has kept away */
    if (part->state != SERVICE_RUN_OPEN && !part_owes_bundle(part)) return RESULT_OK;
    part->threaded = pthread_create(&part->thread, NULL, part_thread, part) == 0;
    ENSURE(part->threaded, CATEGORY_ENVIRONMENT, "no thread for a run");
    return RESULT_OK;
}

struct result part_offered(struct bank *bank, struct view submission)
{
    CLEANUP(part_freep) struct part *part = NULL;
    TRY(part_new(bank, submission, &part));
    TRY(submission_spoken(&part->submission));
    if (part_find(bank, &part->submission.id)) return RESULT_OK;
    uint64_t forgotten = 0;
    TRY(run_forgotten(bank, &part->submission.id, &forgotten));
    ENSURE(!forgotten, CATEGORY_FALSE, "this bank took part in this run, and has forgotten it since");
    const struct run_terms *terms = &part->submission.terms;
    log_info("run", "%.12s: plan %s, submitted by %s, %u banks, version %u of the protocol%s", part->hex,
             terms->plan->name, bank->roster.members[terms->submitter - 1].name, members_count(&terms->cohort),
             terms->version, terms->version < protocol_spoken.newest ? ", not the newest that this node speaks" : "");
    FAILPOINT("node: an offer came");
    TRY(journal_seen(part));
    struct part *launched = part;
    part = NULL;
    return part_launch(launched);
}

static struct result restore_run(struct bank *bank, const struct hash *id)
{
    CLEANUP(buffer_done) struct buffer value = {0};
    CLEANUP(part_freep) struct part *part = NULL;
    bool found = false, over = false;
    TRY(store_load(bank->store, false, id, PART_KEY_SUBMISSION, &value, &found));
    if (!found) return RESULT_OK;
    struct reader reader = reader_of(buffer_view(&value), "the submission");
    uint64_t submitted_at = 0;
    TRY(reader_u64(&reader, &submitted_at));
    TRY(part_new(bank, reader.rest, &part));
    ENSURE(hash_equal(&part->submission.id, id), CATEGORY_FALSE, "it belongs to another roster");
    part->submitted_at = part->since = submitted_at;
    part->frozen_once = true;
    TRY(part_load_end(part, &over));
    if (!over) log_info("run", "%.12s goes on: plan %s", part->hex, part->submission.plan.name);
    struct part *launched = part;
    part = NULL;
    return part_launch(launched);
}

/* A run of a roster that is no longer the pinned one has ended with it, and so have its secrets. */
struct left {
    struct hash run;
    char reason[SERVICE_REASON_MAX + 1];
};
struct restoring {
    struct bank *bank;
    struct buffer left; /* an array of struct left */
};

static void restoring_done(struct restoring *restoring)
{
    buffer_done(&restoring->left);
}

static struct result restore_scope(void *visitor, const struct hash *scope)
{
    struct restoring *restoring = visitor;
    struct result result = restore_run(restoring->bank, scope);
    if (result_ok(result) || result.category == CATEGORY_ENVIRONMENT) return result;
    struct left left = {.run = *scope};
    char hex[2 * HASH_BYTES + 1];
    bytes_hex(hash_view(scope), hex);
    (void)snprintf(left.reason, sizeof left.reason, "%s", result_reason());
    log_warning("run", "%.12s is left alone: %s", hex, left.reason);
    TRY(buffer_append(&restoring->left, view_of(&left, sizeof left)));
    return part_erase_secrets(restoring->bank->store, scope);
}

/* The journal tells once of a run that was open when it was left alone. */
static struct result tell_left(struct bank *bank, const struct left *left)
{
    CLEANUP(buffer_done) struct buffer end = {0};
    CLEANUP(journal_notes_done) struct journal_notes notes = {0};
    bool over = false;
    TRY(store_load(bank->store, false, &left->run, PART_KEY_END, &end, &over));
    if (over) return RESULT_OK;
    TRY(journal_ended(bank, &left->run, left->reason, &notes));
    CLEANUP(budget_change_done) struct budget_change budget = {0};
    TRY(budget_release(bank->store, &left->run, &budget, &notes));
    return journal_commit(bank->journal, &budget.record, budget.made, &notes);
}

struct result parts_restore(struct bank *bank)
{
    CLEANUP(restoring_done) struct restoring restoring = {.bank = bank};
    TRY(store_scopes(bank->store, restore_scope, &restoring));
    /* Not while the store is walked through: the threads of the runs hold the journal when they ask for the store. */
    for (size_t at = 0; at < restoring.left.length; at += sizeof(struct left)) {
        struct left left;
        memcpy(&left, restoring.left.data + at, sizeof left);
        TRY(tell_left(bank, &left));
    }
    return run_sweep_folders(bank);
}
