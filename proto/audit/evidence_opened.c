/* What the coordinator opened (OPEN), against what a quorum certified: before it the inputs (R2), after it the sum
 * (CLOSE). Both rest on t signatures, of which at most f are false. */
#include <stdio.h>

#include "proto/audit/evidence_case.h"

static struct result take_open(struct evidence_case *file, struct signed_body *ret)
{
    struct view payload;
    TRY(case_next(file, EVIDENCE_OPEN, &payload));
    TRY(case_signed(file, EVIDENCE_OF_OPEN, payload, ret));
    ENSURE(ret->message.signer == 0, CATEGORY_FALSE, "OPEN is signed by %s",
           run_member(file->run, ret->message.signer));
    return RESULT_OK;
}

struct result inputs_judge(struct evidence_case *file)
{
    struct view certificate;
    struct signed_body body;
    struct wire_r2 voted;
    char moved[EVIDENCE_LINE] = "";
    TRY(take_open(file, &body));
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

/* What differs, for people; NULL when nothing does. */
static const char *closed_otherwise(const struct wire_open *open, const struct wire_close *closed)
{
    if (!members_equal(&open->survivors, &closed->survivors)) return "the inputs of other banks";
    if (!hash_equal(&open->headers, &closed->headers)) return "other inputs of the same banks";
    if (open->epoch != closed->epoch || !hash_equal(&open->ctx, &closed->ctx)) return "a round under other terms";
    return hash_equal(&open->sum, &closed->sum) ? NULL : "the same inputs, with other numbers";
}

struct result closed_judge(struct evidence_case *file)
{
    struct evidence_report *report = file->report;
    struct view certificate;
    struct signed_body body;
    struct wire_close closed;
    char moved[EVIDENCE_LINE] = "";
    TRY(take_open(file, &body));
    TRY(case_next(file, EVIDENCE_CLOSE, &certificate));
    TRY(certificate_close(file->run, certificate, &file->arena, &closed));
    const struct wire_open *open = &body.open;
    const struct thresholds *thresholds = &file->run->thresholds;
    unsigned long long round = (unsigned long long)open->round;
    ENSURE(open->round == closed.round, CATEGORY_FALSE, "OPEN is of round %llu, the certificate of round %llu", round,
           (unsigned long long)closed.round);
    const char *other = closed_otherwise(open, &closed);
    ENSURE(other, CATEGORY_FALSE, "the sum that was opened is the one that was certified");
    case_blame(file, 0, open->epoch, open->round);
    case_checked(file, "that a quorum of at least %u banks signed one sum of round %llu (CLOSE)", thresholds->t, round);
    case_checked(file, "the signature of %s under the opened sum, which is another", report->against);
    case_difference(file, &closed.survivors, &open->survivors, moved, sizeof moved);
    CASE_SAY(report->claim, "%s signed a sum of round %llu that is not the one that %u banks checked and certified",
             report->against, round, thresholds->t);
    CASE_SAY(report->statement,
             "An opened sum of round %llu (OPEN), signed by %s. Against the certified sum it is one of %s.%s", round,
             report->against, other, moved);
    CASE_SAY(report->because,
             "A bank certifies a sum only when %s signed that very sum for the round, and when its own check found it "
             "true. So %s signed two sums of one round, or the certificate is false. This rests on the signatures of "
             "%u banks, of which at most %u of the %u banks may be false: a certificate has at least %u true ones.",
             report->against, report->against, thresholds->t, thresholds->f, thresholds->n,
             thresholds->t - thresholds->f);
    report->verdict = EVIDENCE_PROVEN;
    return RESULT_OK;
}
