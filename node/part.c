#include "node/part.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/failpoint.h"
#include "crypto/base/protocol.h"
#include "node/budget.h"
#include "node/bundle.h"
#include "node/evidence.h"
#include "node/forget.h"
#include "node/journal_facts.h"
#include "node/officers.h"
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

struct result part_pushdown(const struct part *part, struct pushdown *ret)
{
    *ret = (struct pushdown){&part->bank->config->source, &part->submission.plan, &part->submission.id,
                             part->bank->position, ""};
    return part_path(part, PART_PUSHED, ret->path);
}

void part_wait(struct part *part)
{
    log_error("run", "%.12s: %s", part->hex, result_reason());
    (void)pthread_mutex_lock(&part->bank->lock);
    part_say(part, result_reason());
    (void)pthread_mutex_unlock(&part->bank->lock);
    bank_rest(part->bank, REST_ENVIRONMENT_MS);
}

/* A database that is away is waited for. CATEGORY_ENVIRONMENT: there is a reason not to wait any longer. */
static struct result compute(struct part *part, const struct fold *fold, uint64_t *words)
{
    struct pushdown pushdown;
    const unsigned threads = part->bank->config->threads;
    if (part->frozen.table) return fold_contribute(fold, part->frozen.table, threads, words, fold->words);
    TRY(part_pushdown(part, &pushdown));
    for (;;) {
        struct result result = pushdown_contribute(&pushdown, &part->pace, &part->frozen, fold, threads, words);
        if (result.category == CATEGORY_FALSE)
            (void)snprintf(part->own_reason, sizeof part->own_reason, "%s", result_reason());
        if (result.category != CATEGORY_ENVIRONMENT || atomic_load(&part->bank->stopping) || atomic_load(&part->denied))
            return result;
        part_wait(part);
    }
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
    struct result result = compute(part, fold, words);
    const bool later = result.category == CATEGORY_ENVIRONMENT && part->frozen.key;
    if (!result_ok(result) && !later) { /* the sentence may tell of rows: it stays in this bank's log */
        log_error("run", "%.12s: %s", part->hex, result_reason());
        result = FAIL(CATEGORY_FALSE, "this bank cannot compute its part; its own log says why");
    }
    log_debug("time", "%.12s contribution %llu us, %llu words", part->hex,
              (unsigned long long)(clock_monotonic_us() - start), (unsigned long long)fold->words);
    part->contribution_due = later;
    FAILPOINT("node: after a contribution");
    if (result_ok(result)) {
        (void)pthread_mutex_lock(&part->bank->lock);
        result =
            part_step(part, &(struct input){.kind = INPUT_CONTRIBUTION, .words = words, .words_count = fold->words});
        (void)pthread_mutex_unlock(&part->bank->lock);
    }
    secret_bytes_wipe(words, fold->words * sizeof *words);
    free(words);
    return later ? RESULT_OK : result;
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

/* The rows in the database go with the run, as soon as they can be reached. */
static void part_drop(struct part *part)
{
    struct pushdown pushdown;
    struct result result = part_pushdown(part, &pushdown);
    while (result_ok(result) && file_exists(pushdown.path)) {
        result = pushdown_drop(&pushdown);
        if (result_ok(result)) return;
        log_warning("run", "%.12s: its frozen rows are still in the database: %s", part->hex, result_reason());
        if (atomic_load(&part->bank->stopping) || atomic_load(&part->forgotten)) return;
        if (result.category == CATEGORY_ENVIRONMENT) result = RESULT_OK;
        bank_rest(part->bank, REST_ENVIRONMENT_MS);
    }
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
    if (((struct part *)part)->state != SERVICE_RUN_OPEN) part_drop(part);
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
    if (!over && result_ok(submission_spoken(&part->submission)))
        log_info("run", "%.12s goes on: plan %s", part->hex, part->submission.plan.name);
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
