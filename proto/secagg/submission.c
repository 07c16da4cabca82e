#include "proto/secagg/submission.h"

#include <string.h>

#include "crypto/base/protocol.h"
#include "proto/run/note.h"

void submission_done(struct submission *submission)
{
    plan_done(&submission->plan);
    buffer_done(&submission->bytes);
    memset(submission, 0, sizeof *submission);
}

/* The plan in its note: signed by the submitter's identity, and one that a task can carry out. */
static struct result submission_plan(const struct roster_member *submitter, struct view plan_note, struct plan *ret)
{
    CLEANUP(note_done) struct note note = {0};
    TRY(note_parse(plan_note, &note));
    TRY(result_at(note_verify(&note, submitter->name, &submitter->identity), "the plan: "));
    TRY(plan_parse(note.text, "plan", ret));
    const struct task *task = task_find(ret->task);
    struct result result = task ? task_check(task, ret) : FAIL(CATEGORY_USAGE, "no such task: %s", ret->task);
    if (!result_ok(result)) plan_done(ret);
    return result;
}

static struct result submission_check_cohort(const struct run_terms *terms)
{
    unsigned count = members_count(&terms->cohort);
    ENSURE(count >= COHORT_MIN, CATEGORY_USAGE, "a cohort of %u cannot hide its members; at least %u are needed", count,
           COHORT_MIN);
    ENSURE(count >= terms->plan->cohort_minimum, CATEGORY_USAGE,
           "the cohort has %u members, the plan's cohort.minimum is %u", count, terms->plan->cohort_minimum);
    return RESULT_OK;
}

static struct result submission_fill(const struct roster *roster, struct view payload, struct submission *submission)
{
    struct service_submission read;
    TRY(buffer_append(&submission->bytes, payload));
    TRY(service_submission_read(buffer_view(&submission->bytes), roster->size, &read));
    ENSURE(read.submitter >= 1 && read.submitter <= roster->size, CATEGORY_PEER,
           "the submitter is no member of the roster");
    const struct roster_member *submitter = &roster->members[read.submitter - 1];
    TRY(submission_plan(submitter, read.plan_note, &submission->plan));
    submission->terms = (struct run_terms){
        .roster = roster,
        .plan = &submission->plan,
        .task = task_find(submission->plan.task),
        .cohort = read.cohort,
        .submitter = read.submitter,
        .version = read.version,
        .plan_note = read.plan_note,
        .submission = read.signature,
    };
    memcpy(submission->terms.nonce, read.nonce, NONCE_BYTES);
    TRY(submission_check_cohort(&submission->terms));
    TRY(run_id(&submission->terms, &submission->id));
    return result_at(
        sign_verify(&submitter->identity, "submit", hash_view(&submission->id), &submission->terms.submission),
        "the submission by %s: ", submitter->name);
}

struct result submission_spoken(const struct submission *submission)
{
    char ours[PROTOCOL_WORDS_MAX];
    unsigned version = submission->terms.version;
    return version >= protocol_spoken.oldest
               ? RESULT_OK
               : FAIL(CATEGORY_FALSE,
                      "the run is of version %u of the protocol and this program speaks %s; %s submits it anew "
                      "with a newer program",
                      version, protocol_words(protocol_spoken, ours),
                      submission->terms.roster->members[submission->terms.submitter - 1].name);
}

struct result submission_open(const struct roster *roster, struct view payload, struct submission *ret)
{
    memset(ret, 0, sizeof *ret);
    struct result result = submission_fill(roster, payload, ret);
    if (!result_ok(result)) submission_done(ret);
    return result;
}

struct result submission_make(const struct roster *roster, struct view plan_note, const struct members *cohort,
                              unsigned submitter, unsigned version, const struct sign_key *identity,
                              const uint8_t nonce[NONCE_BYTES], struct buffer *out, struct hash *ret_id)
{
    ENSURE(submitter >= 1 && submitter <= roster->size, CATEGORY_USAGE, "the submitter is no member of the roster");
    CLEANUP(plan_done) struct plan plan = {0};
    TRY(submission_plan(&roster->members[submitter - 1], plan_note, &plan));
    struct run_terms terms = {.roster = roster,
                              .plan = &plan,
                              .task = task_find(plan.task),
                              .cohort = *cohort,
                              .submitter = submitter,
                              .version = version,
                              .plan_note = plan_note};
    memcpy(terms.nonce, nonce, NONCE_BYTES);
    TRY(submission_check_cohort(&terms));
    struct hash id;
    TRY(run_id(&terms, &id));
    struct service_submission submission = {
        .cohort = *cohort, .submitter = submitter, .plan_note = plan_note, .version = version};
    memcpy(submission.nonce, nonce, NONCE_BYTES);
    TRY(sign_bytes(identity, "submit", hash_view(&id), &submission.signature));
    TRY(service_submission_write(&submission, out));
    *ret_id = id;
    return RESULT_OK;
}
