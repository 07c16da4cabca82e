#include "node/plans.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/lock.h"
#include "node/officers.h"
#include "sys/log.h"

enum { REFUSE_MS = 5000 };

/* ---- what there is */

static const char *standing_of(const struct part *part)
{
    if (part->state == SERVICE_RUN_DONE) return "done";
    if (part->state == SERVICE_RUN_FAILED) return part->frozen_once ? "ended" : "refused";
    return part->waits ? "waits" : "approved";
}

/* The thread's own reason is settled once the run has ended. */
static const char *reason_of(const struct part *part)
{
    if (part->state != SERVICE_RUN_FAILED) return "";
    return *part->own_reason ? part->own_reason : part->reason;
}

static struct result run_json(struct bank *bank, const struct part *part, json_t *runs)
{
    const struct submission *submission = &part->submission;
    const struct plan *plan = &submission->plan;
    struct officers_word word;
    char hash[2 * HASH_BYTES + 1];
    bytes_hex(hash_view(&plan->hash), hash);
    TRY(officers_ask(bank, submission, &word));
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:s}", "run", part->hex, "plan",
                             plan->name, "plan_hash", hash, "task", plan->task, "purpose", plan->purpose, "author",
                             bank->roster.members[submission->terms.submitter - 1].name, "standing", standing_of(part),
                             "needed", (int)word.needed, "approvals", (int)word.approvals, "approved_by", word.names,
                             "reason", reason_of(part));
    ENSURE(json_array_append_new(runs, json) == 0, CATEGORY_ENVIRONMENT, "no memory for a list of plans");
    return RESULT_OK;
}

static struct result word_json(void *visitor, const struct approval *approval, const char *officer,
                               const char *standing)
{
    char subject[2 * HASH_BYTES + 1];
    bytes_hex(hash_view(&approval->subject), subject);
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s}", "officer", officer, "decision",
                  approval_word(approval->decision), "of", approval_of(approval), "subject", subject, "given_ms",
                  (json_int_t)approval->given, "expires_ms", (json_int_t)approval->expires, "standing", standing);
    ENSURE(json_array_append_new(visitor, json) == 0, CATEGORY_ENVIRONMENT, "no memory for a list of plans");
    return RESULT_OK;
}

static struct result list(struct bank *bank, json_t *runs, json_t *words)
{
    for (const struct part *part = bank->parts; part; part = part->next)
        if (!atomic_load(&part->forgotten)) TRY(run_json(bank, part, runs));
    return officers_each(bank, word_json, words);
}

struct result plans_list(struct bank *bank, json_t **ret)
{
    json_t *runs = json_array(), *words = json_array();
    *ret = json_pack("{s:o, s:o}", "runs", runs, "words", words);
    ENSURE(*ret, CATEGORY_ENVIRONMENT, "no memory for a list of plans");
    TRY(lock_unless_awaited(&bank->lock, bank->key));
    struct result result = list(bank, runs, words);
    (void)pthread_mutex_unlock(&bank->lock);
    return result;
}

/* ---- an officer's word */

/* A run under way whose officer has just denied it: its own thread may wait for the coordinator for a while. */
struct given_up {
    struct hash run;
    char reason[SERVICE_REASON_MAX + 1];
};

static struct result find_given_up(struct bank *bank, const struct given_up *before, struct given_up *ret,
                                   bool *ret_got)
{
    bool after = before == NULL;
    *ret_got = false;
    for (struct part *part = bank->parts; part; part = part->next) {
        if (!after) {
            after = hash_equal(&before->run, &part->submission.id);
            continue;
        }
        if (part->state != SERVICE_RUN_OPEN || !part->machine || !atomic_load(&part->denied)) continue;
        struct result result = officers_check(part);
        if (result_ok(result)) continue;
        if (result.category != CATEGORY_FALSE) return result;
        ret->run = part->submission.id;
        (void)snprintf(ret->reason, sizeof ret->reason, "%s", result_reason());
        *ret_got = true;
        return RESULT_OK;
    }
    return RESULT_OK;
}

/* So that the others hear of it at once, and the coordinator answers the request that the run's thread waits with. When
 * it is not heard, the thread says it again. */
static struct result refuse_denied(struct bank *bank)
{
    struct given_up one, next;
    const struct given_up *before = NULL;
    for (bool got = true;;) {
        TRY(lock_unless_awaited(&bank->lock, bank->key));
        struct result found = find_given_up(bank, before, &next, &got);
        (void)pthread_mutex_unlock(&bank->lock);
        TRY(found);
        if (!got) return RESULT_OK;
        if (!result_ok(bank_refuse(bank, &next.run, next.reason, REFUSE_MS)))
            log_info("officer", "the refusal is said again later: %s", result_reason());
        one = next;
        before = &one;
    }
}

/* A run that the word is about, for whoever gave it. Lock held. */
static const struct part *part_about(const struct bank *bank, const struct approval *approval)
{
    const struct part *part = bank->parts;
    while (part &&
           !hash_equal(&approval->subject, approval->of_run ? &part->submission.id : &part->submission.plan.hash))
        part = part->next;
    return part;
}

struct result plans_take(struct bank *bank, const json_t *request, json_t **ret)
{
    const char *document = json_string_value(json_object_get(request, "document"));
    struct approval approval;
    ENSURE(document, CATEGORY_USAGE, "the request lacks \"document\"");
    TRY(lock_unless_awaited(&bank->lock, bank->key));
    struct result taken = officers_take(bank, view_text(document), &approval);
    const struct part *part = result_ok(taken) ? part_about(bank, &approval) : NULL;
    const struct policy_officer *officer =
        result_ok(taken) ? policy_officer_of(&bank->policy, &approval.officer) : NULL;
    if (result_ok(taken))
        *ret = json_pack("{s:s, s:s, s:s}", "officer", officer->name, "plan", part ? part->submission.plan.name : "",
                         "purpose", part ? part->submission.plan.purpose : "");
    (void)pthread_mutex_unlock(&bank->lock);
    TRY(taken);
    ENSURE(*ret, CATEGORY_ENVIRONMENT, "no memory for an answer");
    return approval.decision == APPROVAL_DENY ? refuse_denied(bank) : RESULT_OK;
}
