/* Before anything of a run leaves this bank: whether it takes part, the frozen table, and the run in the store. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/failpoint.h"
#include "node/admit.h"
#include "node/budget.h"
#include "node/joining.h"
#include "node/journal_facts.h"
#include "node/part.h"
#include "node/pushdown.h"
#include "node/repetition.h"
#include "node/spent.h"
#include "node/waiting.h"
#include "sys/clock.h"
#include "sys/log.h"

/* How many rows this bank has is its own affair, and so is that they are too few. */
static struct result check_rows(struct part *part)
{
    struct result result = policy_check_rows(&part->bank->policy, part->frozen.counts.rows);
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
    if (!config->source.pushdown)
        return freeze_source(&config->source, &part->submission.plan, key, path, &part->frozen);
    struct pushdown pushdown;
    TRY(part_pushdown(part, &pushdown));
    return pushdown_freeze(&pushdown, key, &part->frozen);
}

static struct result load_key(struct part *part, struct secret **ret)
{
    CLEANUP(buffer_done) struct buffer value = {0};
    bool found = false;
    TRY(store_load(part->bank->store, true, &part->submission.id, PART_KEY_PUSHED, &value, &found));
    if (!found) return RESULT_OK;
    struct result result = secret_from(buffer_view(&value), ret);
    secret_bytes_wipe(value.data, value.length);
    return result;
}

/* The table of before a restart, where it was put then. */
static struct result freeze_known(struct part *part, const char *path, const struct hash *hash)
{
    struct pushdown pushdown;
    CLEANUP(secret_freep) struct secret *key = NULL;
    frozen_done(&part->frozen); /* of an attempt before */
    TRY(load_key(part, &key));
    if (!key && file_exists(path)) return freeze_load(&part->submission.plan, path, hash, &part->frozen);
    if (!key) return freeze_again(&part->bank->config->source, &part->submission.plan, path, hash, &part->frozen);
    TRY(part_pushdown(part, &pushdown));
    return pushdown_load(&pushdown, key, hash, &part->frozen);
}

static void tell_left_out(const struct part *part)
{
    const struct frozen_counts *counts = &part->frozen.counts;
    if (part->bank->config->source.consent.column)
        log_info("run", "%.12s: %llu rows are computed on, %llu are left out for want of consent", part->hex,
                 (unsigned long long)counts->rows, (unsigned long long)counts->without_consent);
    if (counts->unfit > 0)
        log_warning("run", "%.12s: %llu rows do not fit the plan and are left out", part->hex,
                    (unsigned long long)counts->unfit);
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
        TRY(freeze_known(part, path, &hash));
        return check_rows(part);
    }
    TRY(freeze_new(part, path));
    joining_log(&bank->config->source, &part->frozen.losses, part->hex);
    tell_left_out(part);
    TRY(check_rows(part));
    return check_repetition(part);
}

/* The run, its table's digest, its rows and what it reserves of the privacy budget. Lock held: another run may have
 * taken what was left when this one was let in. */
enum { KEPT_MAX = 4 };
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
    struct store_record records[KEPT_MAX] = {
        {.scope = &part->submission.id, .key = PART_KEY_SUBMISSION, .value = buffer_view(&value)},
        {.scope = &part->submission.id, .key = PART_KEY_TABLE, .value = hash_view(&part->frozen.hash)},
    };
    size_t count = 2;
    if (!private)
        records[count++] =
            (struct store_record){.scope = &part->submission.id, .key = PART_KEY_ROWS, .value = buffer_view(&rows)};
    if (private && budget.made) records[count++] = budget.record;
    if (part->frozen.key)
        records[count++] = (struct store_record){.scope = &part->submission.id,
                                                 .key = PART_KEY_PUSHED,
                                                 .value = secret_view(part->frozen.key),
                                                 .secret = true};
    TRY(journal_frozen(part, &notes));
    return journal_commit(bank->journal, records, count, &notes);
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

static struct result patiently(struct part *part, struct result (*work)(struct part *part))
{
    for (;;) {
        struct result result = work(part);
        if (result.category != CATEGORY_ENVIRONMENT || atomic_load(&part->bank->stopping)) return result;
        part_wait(part);
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

struct result part_prepare(struct part *part)
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
