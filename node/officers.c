#include "node/officers.h"

#include <stdio.h>
#include <string.h>

#include "crypto/base/failpoint.h"
#include "node/admit.h"
#include "node/journal_facts.h"
#include "sys/clock.h"
#include "sys/log.h"

#define KEY_PREFIX "daemon/officer/"
enum { KEY_BYTES = 160, CLOCK_SLACK_MS = 300000 }; /* an officer's clock may be ahead of the node's */

static void key_of(const char *of, const struct hash *subject, const struct sign_public *officer, char out[KEY_BYTES])
{
    char hex[2 * HASH_BYTES + 1], key[2 * SIGN_PUBLIC_BYTES + 1];
    bytes_hex(hash_view(subject), hex);
    bytes_hex(view_of(officer->bytes, SIGN_PUBLIC_BYTES), key);
    (void)snprintf(out, KEY_BYTES, KEY_PREFIX "%s/%s/%s", of, hex, key);
}

static const struct roster_member *self_of(const struct bank *bank)
{
    return &bank->roster.members[bank->position - 1];
}

/* Why an officer's word does not count here and now; NULL: it does. */
static const char *fault_of(const struct bank *bank, const struct approval *approval, uint64_t now)
{
    if (!policy_officer_of(&bank->policy, &approval->officer)) return "this officer is not in the policy";
    if (strcmp(approval->bank, self_of(bank)->name) != 0) return "it is for another bank";
    if (!hash_equal(&approval->roster, &bank->roster.hash)) return "it is for another roster";
    if (approval->expires && approval->expires <= now) return "it has expired";
    if (!result_ok(approval_verify(approval))) return "its signature does not verify";
    return NULL;
}

/* document: as it was signed, in place of what was there. */
static struct result word_load(struct bank *bank, const char *of, const struct hash *subject,
                               const struct sign_public *officer, struct buffer *document, struct approval *ret,
                               bool *ret_found)
{
    char key[KEY_BYTES];
    key_of(of, subject, officer, key);
    buffer_clear(document);
    TRY(store_load(bank->store, false, NULL, key, document, ret_found));
    return *ret_found ? approval_parse(buffer_view(document), ret) : RESULT_OK;
}

/* ---- what they said of a run */

struct asking {
    struct bank *bank;
    const struct submission *submission;
    bool change; /* only a word on the run's cohort counts */
    uint64_t now;
};

/* One officer's words on the plan and on the run, as one. */
struct said {
    bool approves, change, denies;
    struct buffer document; /* of the approval; that of the run, where there are both */
};

static void said_done(struct said *said)
{
    buffer_done(&said->document);
}

static struct result officer_said(const struct asking *asking, const struct policy_officer *officer, struct said *said)
{
    const struct submission *submission = asking->submission;
    CLEANUP(buffer_done) struct buffer document = {0};
    for (unsigned of_run = 0; of_run < 2; of_run++) {
        struct approval approval;
        bool found = false;
        const struct hash *subject = of_run ? &submission->id : &submission->plan.hash;
        TRY(word_load(asking->bank, of_run ? "run" : "plan", subject, &officer->key, &document, &approval, &found));
        if (!found || fault_of(asking->bank, &approval, asking->now)) continue;
        said->denies = said->denies || approval.decision == APPROVAL_DENY;
        said->change = said->change || approval.decision == APPROVAL_CHANGE;
        if (approval.decision == APPROVAL_DENY) continue;
        said->approves = true;
        buffer_clear(&said->document);
        TRY(buffer_append(&said->document, buffer_view(&document)));
    }
    if (asking->change && !said->change) said->approves = false;
    return RESULT_OK;
}

static struct result officer_ask(const struct asking *asking, const struct policy_officer *officer,
                                 struct officers_word *word, unsigned *changes)
{
    CLEANUP(said_done) struct said said = {0};
    TRY(officer_said(asking, officer, &said));
    if (said.denies) word->denied = officer;
    *changes += said.change;
    if (!said.approves) return RESULT_OK;
    size_t used = strlen(word->names);
    if (word->approvals < 2)
        (void)snprintf(word->names + used, sizeof word->names - used, "%s%s", used ? ", " : "", officer->name);
    word->approvals++;
    return RESULT_OK;
}

static struct asking asking_of(struct bank *bank, const struct submission *submission, unsigned *ret_needed)
{
    const struct policy_case about = admit_case(submission, &(struct policy_spent){0}, 0);
    *ret_needed = policy_approvals(&bank->policy, &about);
    return (struct asking){bank, submission, policy_asks_change(&bank->policy, &about), clock_now_ms()};
}

struct result officers_ask(struct bank *bank, const struct submission *submission, struct officers_word *ret)
{
    const struct policy *policy = &bank->policy;
    struct officers_word word = {0};
    const struct asking asking = asking_of(bank, submission, &word.needed);
    unsigned changes = 0;
    for (unsigned i = 0; i < policy->officers_count; i++)
        TRY(officer_ask(&asking, &policy->officers[i], &word, &changes));
    word.change = changes > 0 && changes >= word.needed;
    *ret = word;
    return RESULT_OK;
}

/* As many as the run itself needs, and one where it needs none; one who denies it outweighs them. */
struct result officers_repetition(struct bank *bank, const struct submission *submission, bool *ret_approved)
{
    const struct policy *policy = &bank->policy;
    CLEANUP(buffer_done) struct buffer document = {0};
    unsigned needed, approvals = 0;
    bool denied = false;
    const struct asking asking = asking_of(bank, submission, &needed);
    for (unsigned i = 0; i < policy->officers_count; i++) {
        struct approval approval;
        bool found = false;
        TRY(word_load(bank, "repetition", &submission->id, &policy->officers[i].key, &document, &approval, &found));
        if (!found || fault_of(bank, &approval, asking.now)) continue;
        approvals += approval.decision == APPROVAL_APPROVE;
        denied = denied || approval.decision == APPROVAL_DENY;
    }
    *ret_approved = !denied && approvals > 0 && approvals >= needed;
    return RESULT_OK;
}

/* The others hear that this bank's officers do not want it; who, is for this bank. */
static struct result refuse(struct part *part, const char *path, const char *others, const char *own)
{
    const struct policy *policy = &part->bank->policy;
    (void)snprintf(part->own_reason, sizeof part->own_reason, "%s:%u: %s", policy->name, policy_line(policy, path),
                   own);
    return FAIL(CATEGORY_FALSE, "%s:%u: %s", policy->name, policy_line(policy, path), others);
}

struct result officers_check(struct part *part)
{
    const struct policy *policy = &part->bank->policy;
    struct officers_word word;
    char path[32], own[OFFICERS_NAMES_BYTES + 96];
    TRY(officers_ask(part->bank, &part->submission, &word));
    if (word.denied) {
        (void)snprintf(path, sizeof path, "officers.%u", (unsigned)(word.denied - policy->officers));
        (void)snprintf(own, sizeof own, "officer %s denied it", word.denied->name);
        return refuse(part, path, "an officer of this bank denied it", own);
    }
    part->own_reason[0] = 0;
    if (word.approvals >= word.needed) return RESULT_OK;
    (void)snprintf(own, sizeof own, "%u of this bank's officers must approve it, and %u do now (%s)", word.needed,
                   word.approvals, word.approvals ? word.names : "none");
    return refuse(part, "officers", "this bank's officers do not approve it any more", own);
}

struct result officers_show(struct part *part)
{
    const struct policy *policy = &part->bank->policy;
    struct officers_word word;
    unsigned needed;
    part->approvals_count = 0;
    TRY(officers_check(part));
    TRY(officers_ask(part->bank, &part->submission, &word));
    if (word.needed == 0 && !word.change) return RESULT_OK;
    const struct asking asking = asking_of(part->bank, &part->submission, &needed);
    for (unsigned i = 0; i < policy->officers_count && part->approvals_count < APPROVALS_SHOWN_MAX; i++) {
        CLEANUP(said_done) struct said said = {0};
        struct buffer *document = &part->documents[part->approvals_count];
        TRY(officer_said(&asking, &policy->officers[i], &said));
        if (!said.approves) continue;
        buffer_clear(document);
        TRY(buffer_append(document, buffer_view(&said.document)));
        part->approvals[part->approvals_count++] = buffer_view(document);
    }
    return RESULT_OK;
}

/* ---- what they say now */

static struct result check_document(struct bank *bank, const struct approval *approval)
{
    char hex[2 * SIGN_PUBLIC_BYTES + 1];
    uint64_t now = clock_now_ms();
    const struct policy_officer *officer = policy_officer_of(&bank->policy, &approval->officer);
    bytes_hex(view_of(approval->officer.bytes, SIGN_PUBLIC_BYTES), hex);
    ENSURE(officer, CATEGORY_FALSE, "%s:%u: no officer of this bank has the key %s", bank->policy.name,
           policy_line(&bank->policy, "officers"), hex);
    const char *fault = fault_of(bank, approval, now);
    ENSURE(!fault, CATEGORY_FALSE, "the word of officer %s cannot count: %s", officer->name, fault);
    ENSURE(approval->given <= now + CLOCK_SLACK_MS, CATEGORY_FALSE,
           "the word of officer %s is dated later than now by this node's clock; set the clocks", officer->name);
    CLEANUP(buffer_done) struct buffer document = {0};
    struct approval before;
    bool found = false;
    TRY(word_load(bank, approval_of(approval), &approval->subject, &approval->officer, &document, &before, &found));
    ENSURE(!found || approval->given > before.given, CATEGORY_FALSE,
           "the word of officer %s is not later than the one that is kept (%s); what was taken back does not return",
           officer->name, approval_word(before.decision));
    return RESULT_OK;
}

static bool concerns(const struct approval *approval, const struct part *part)
{
    if (approval->repetition) return false; /* of what may be compared, not of the run */
    return hash_equal(&approval->subject, approval->of_run ? &part->submission.id : &part->submission.plan.hash);
}

struct result officers_take(struct bank *bank, struct view document, struct approval *ret)
{
    CLEANUP(journal_notes_done) struct journal_notes notes = {0};
    struct approval approval;
    char key[KEY_BYTES];
    TRY(approval_parse(document, &approval));
    TRY(check_document(bank, &approval));
    key_of(approval_of(&approval), &approval.subject, &approval.officer, key);
    const struct store_record record = {.key = key, .value = document};
    const char *name = policy_officer_of(&bank->policy, &approval.officer)->name;
    TRY(journal_officer(&approval, name, document, &notes));
    FAILPOINT("node: before an officer's word is kept");
    TRY(journal_commit(bank->journal, &record, 1, &notes));
    FAILPOINT("node: an officer's word is kept");
    char hex[2 * HASH_BYTES + 1];
    bytes_hex(hash_view(&approval.subject), hex);
    log_info("officer", "%s: %s %s %.12s", name, approval_word(approval.decision), approval_of(&approval), hex);
    for (struct part *part = bank->parts; part; part = part->next)
        if (approval.decision == APPROVAL_DENY && concerns(&approval, part)) atomic_store(&part->denied, true);
    (void)pthread_cond_broadcast(&bank->changed);
    *ret = approval;
    return RESULT_OK;
}

/* ---- all of it */

struct listing {
    struct bank *bank;
    uint64_t now;
    struct result (*visit)(void *visitor, const struct approval *approval, const char *officer, const char *standing);
    void *visitor;
};

static struct result list_one(void *visitor, const char *key, struct view value)
{
    (void)key;
    const struct listing *listing = visitor;
    struct approval approval;
    TRY(approval_parse(value, &approval));
    const struct policy_officer *officer = policy_officer_of(&listing->bank->policy, &approval.officer);
    const char *fault = fault_of(listing->bank, &approval, listing->now);
    return listing->visit(listing->visitor, &approval, officer ? officer->name : "?", fault ? fault : "valid");
}

struct result officers_each(struct bank *bank,
                            struct result (*visit)(void *visitor, const struct approval *approval, const char *officer,
                                                   const char *standing),
                            void *visitor)
{
    struct listing listing = {bank, clock_now_ms(), visit, visitor};
    return store_each(bank->store, false, NULL, KEY_PREFIX, list_one, &listing);
}
