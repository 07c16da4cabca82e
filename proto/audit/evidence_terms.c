/* What the coordinator asked for, against what was agreed or certified: the terms of a round (R0), a set of inputs
 * (R2), and what was opened (OPEN). What a third party can compute is proven; the rest is a statement. */
#include <stdio.h>
#include <string.h>

#include "proto/audit/evidence_case.h"
#include "proto/secagg/run_log.h"

/* ---- R0 */

/* What the banks certified before this round, where the file has it. */
struct certified {
    bool keys; /* every bank's ACK names `set` */
    struct hash set;
    bool step; /* t banks closed the step before, with `state`, and cosigned `checkpoint` */
    struct hash state, checkpoint;
};

static struct result take_acks(struct evidence_case *file, const struct wire_r0 *r0, struct certified *ret)
{
    const struct members *cohort = run_cohort(file->run);
    struct view payload;
    struct wire_list list;
    size_t count = 0;
    if (case_peek(file) != EVIDENCE_ACK) return RESULT_OK;
    TRY(case_next(file, EVIDENCE_ACK, &payload));
    TRY(wire_list_decode(payload, file->replay->roster.size, &file->arena, &list));
    ENSURE(list.count == file->run->thresholds.n, CATEGORY_FALSE, "%zu ACK for a cohort of %u", list.count,
           file->run->thresholds.n);
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j)) {
        struct signed_body body;
        TRY(case_signed(file, EVIDENCE_OF_ACK, list.items[count], &body));
        if (count == 0) ret->set = body.ack.set;
        ENSURE(body.message.signer == j && body.ack.epoch == r0->epoch && hash_equal(&body.ack.set, &ret->set),
               CATEGORY_FALSE, "the ACK are not those of every bank for epoch %u", r0->epoch);
        count++;
    }
    ret->keys = true;
    case_checked(file, "that all %zu banks acknowledged one set of keys for epoch %u", count, r0->epoch);
    return RESULT_OK;
}

static struct result take_certificate(struct evidence_case *file, const struct wire_r0 *r0, struct certified *ret)
{
    struct view text;
    struct wire_close closed;
    if (case_peek(file) != EVIDENCE_CLOSE) return RESULT_OK;
    TRY(case_certified(file, &closed, &text));
    ENSURE(closed.step + 1 == r0->step, CATEGORY_FALSE, "the certificate is of step %llu, the round of step %llu",
           (unsigned long long)closed.step, (unsigned long long)r0->step);
    TRY(hash_bytes("checkpoint", text, &ret->checkpoint));
    ret->state = closed.state;
    ret->step = true;
    case_checked(file, "that a quorum of at least %u banks certified step %llu, its model and the log's checkpoint",
                 file->run->thresholds.t, (unsigned long long)closed.step + 1);
    return RESULT_OK;
}

/* Which term is false, by what everyone can compute: NULL when none is. */
static const char *false_term(const struct evidence_case *file, const struct wire_r0 *r0,
                              const struct certified *certified, const char **ret_because)
{
    const struct replay *replay = file->replay;
    static const char agreed[] =
        "The run was submitted under one roster and with one plan, and its id is made of them.";
    static const char start[] = "What a run begins with follows from its plan, and everyone can compute it.";
    static const char quorum[] = "A quorum of the banks certified something else for this step, and signed it.";
    *ret_because = agreed;
    if (!hash_equal(&r0->roster, &replay->roster.hash)) return "another roster than the run's";
    if (!hash_equal(&r0->plan, &replay->submission.plan.hash)) return "another plan than was submitted";
    *ret_because = start;
    if (r0->step == 0) {
        if (!hash_equal(&r0->state, &replay->fold.state_hash)) return "another model to begin with than the plan has";
        if (!hash_equal(&r0->layout, &replay->fold.layout_hash)) return "another layout of the sum than the plan has";
        if (!hash_is_zero(&r0->checkpoint)) return "a checkpoint before anything was logged";
    }
    *ret_because = quorum;
    if (certified->step) {
        if (!hash_equal(&r0->checkpoint, &certified->checkpoint))
            return "another checkpoint of the log, that is another history of the run, than the banks cosigned";
        if (!hash_equal(&r0->state, &certified->state)) return "another model than the banks certified";
    }
    if (certified->keys && !hash_equal(&r0->set, &certified->set)) return "another set of keys than all banks hold";
    return NULL;
}

struct result terms_judge(struct evidence_case *file)
{
    enum evidence_message which;
    struct signed_body body;
    struct certified certified = {0};
    const char *because = NULL;
    TRY(case_message(file, &which, &body));
    ENSURE(which == EVIDENCE_OF_R0 && body.message.signer == 0, CATEGORY_FALSE,
           "the terms of a round are R0, signed by %s", run_member(file->run, 0));
    TRY(take_acks(file, &body.r0, &certified));
    TRY(take_certificate(file, &body.r0, &certified));
    const char *term = false_term(file, &body.r0, &certified, &because);
    unsigned long long round = (unsigned long long)body.r0.round;
    case_blame(file, 0, body.r0.epoch, body.r0.round);
    case_checked(file, "the signature of %s under the terms of round %llu", file->report->against, round);
    CASE_SAY(file->report->statement, "The terms of round %llu (R0), for step %llu of the run, signed by %s.", round,
             (unsigned long long)body.r0.step, file->report->against);
    if (term) {
        file->report->verdict = EVIDENCE_PROVEN;
        CASE_SAY(file->report->claim, "%s opened round %llu with %s", file->report->against, round, term);
        CASE_SAY(file->report->because, "%s", because);
        return RESULT_OK;
    }
    file->report->verdict = EVIDENCE_STATEMENT;
    CASE_SAY(file->report->claim, "%s opened round %llu on terms that the bank that kept this file refused",
             file->report->against, round);
    CASE_SAY(file->report->because, "The bank's log says which term it was. That it is false does not follow from what "
                                    "is in the file.");
    return RESULT_OK;
}

/* ---- R2 */

struct result proposal_judge(struct evidence_case *file)
{
    enum evidence_message which;
    struct signed_body body;
    char moved[EVIDENCE_LINE] = "";
    TRY(case_message(file, &which, &body));
    ENSURE(which == EVIDENCE_OF_R2 && body.message.signer == 0, CATEGORY_FALSE,
           "a proposal of inputs is R2, signed by %s", run_member(file->run, 0));
    TRY(case_terms(file));
    const struct wire_r2 *r2 = &body.r2;
    unsigned long long round = (unsigned long long)r2->round;
    ENSURE(r2->round == file->terms.round, CATEGORY_FALSE, "the proposal is of round %llu, R0 of round %llu", round,
           (unsigned long long)file->terms.round);
    case_blame(file, 0, r2->epoch, r2->round);
    case_checked(file, "the signature of %s under the set of inputs", file->report->against);
    case_difference(file, run_cohort(file->run), &r2->survivors, moved, sizeof moved);
    CASE_SAY(file->report->statement, "A set of inputs for round %llu (R2), signed by %s.%s", round,
             file->report->against, moved);
    file->report->verdict = EVIDENCE_PROVEN;
    struct result allowed = run_check_survivors(file->run, &r2->survivors);
    if (allowed.category == CATEGORY_PEER) {
        CASE_SAY(file->report->claim, "%s asked the banks to open round %llu for %s", file->report->against, round,
                 result_reason());
        CASE_SAY(file->report->because,
                 "The plan says whose inputs a sum must have. A sum without one bank, beside a sum with it, would show "
                 "what that bank's input is.");
        return RESULT_OK;
    }
    TRY(allowed);
    if (!hash_equal(&r2->ctx, &file->ctx) || r2->epoch != file->terms.epoch) {
        CASE_SAY(file->report->claim, "%s proposed inputs for round %llu under other terms than it opened it with",
                 file->report->against, round);
        CASE_SAY(file->report->because, "It signed the terms of the round and then others: one of the two is false.");
        return RESULT_OK;
    }
    file->report->verdict = EVIDENCE_STATEMENT;
    CASE_SAY(file->report->claim, "%s proposed inputs for round %llu that the bank that kept this file refused",
             file->report->against, round);
    CASE_SAY(file->report->because,
             "Most likely that bank's input had been taken and is not in the set. That it was taken does not follow "
             "from what is in the file.");
    return RESULT_OK;
}

/* ---- OPEN */

struct result inputs_judge(struct evidence_case *file)
{
    struct view payload, certificate;
    struct signed_body body;
    struct wire_r2 voted;
    char moved[EVIDENCE_LINE] = "";
    TRY(case_next(file, EVIDENCE_OPEN, &payload));
    TRY(case_signed(file, EVIDENCE_OF_OPEN, payload, &body));
    ENSURE(body.message.signer == 0, CATEGORY_FALSE, "OPEN is signed by %s",
           run_member(file->run, body.message.signer));
    TRY(case_next(file, EVIDENCE_R2, &certificate));
    TRY(certificate_r2(file->run, certificate, &file->arena, &voted));
    const struct wire_open *open = &body.open;
    unsigned long long round = (unsigned long long)open->round;
    ENSURE(open->round == voted.round, CATEGORY_FALSE, "OPEN is of round %llu, the certificate of round %llu", round,
           (unsigned long long)voted.round);
    bool others = !members_equal(&open->survivors, &voted.survivors);
    bool terms = open->epoch != voted.epoch || !hash_equal(&open->ctx, &voted.ctx);
    ENSURE(others || terms || !hash_equal(&open->headers, &voted.headers), CATEGORY_FALSE,
           "what was opened is what was certified");
    case_blame(file, 0, open->epoch, open->round);
    case_checked(file, "that a quorum of at least %u banks signed one set of inputs for round %llu",
                 file->run->thresholds.t, round);
    case_checked(file, "the signature of %s under the opened sum", file->report->against);
    case_difference(file, &voted.survivors, &open->survivors, moved, sizeof moved);
    CASE_SAY(file->report->statement, "An opened sum of round %llu (OPEN), signed by %s.%s", round,
             file->report->against, moved);
    CASE_SAY(file->report->claim, "%s opened round %llu for %s than a quorum of the banks certified",
             file->report->against, round,
             others  ? "the inputs of other banks"
             : terms ? "other terms"
                     : "other inputs of the same banks");
    CASE_SAY(file->report->because,
             "A quorum of the banks fixed the inputs of the round before anything of it could be opened. There is no "
             "second such quorum while at most %u of the %u banks break the rules.",
             file->run->thresholds.f, file->run->thresholds.n);
    file->report->verdict = EVIDENCE_PROVEN;
    return RESULT_OK;
}
