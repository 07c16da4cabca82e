/* A split view: two checkpoints of one log, of one size, with two roots. The log only grows, so nobody can have both.
 */
#include <stdio.h>
#include <string.h>

#include "proto/audit/evidence_case.h"
#include "proto/log/checkpoint.h"
#include "proto/run/note.h"

/* Each vote of the certificate has a cosignature of the checkpoint that the step leads to. */
static struct result check_cosignatures(struct evidence_case *file, struct view certificate, struct view text)
{
    const struct roster *roster = &file->replay->roster;
    struct wire_list list;
    TRY(wire_list_decode(certificate, roster->size, &file->arena, &list));
    for (size_t i = 0; i < list.count; i++) {
        struct signed_body vote;
        TRY(case_signed(file, EVIDENCE_OF_CLOSE, list.items[i], &vote));
        const struct sign_public *key = &roster->members[vote.message.signer - 1].node;
        TRY(result_at(note_cosignature_verify(text, key, vote.close.time, &vote.close.cosignature),
                      "the checkpoint's cosignature of %s: ", run_member(file->run, vote.message.signer)));
    }
    return RESULT_OK;
}

struct result case_certified(struct evidence_case *file, struct wire_close *ret_closed, struct view *ret_text)
{
    struct view certificate;
    TRY(case_next(file, EVIDENCE_CLOSE, &certificate));
    TRY(case_next(file, EVIDENCE_TEXT, ret_text));
    TRY(certificate_close(file->run, certificate, &file->arena, ret_closed));
    return check_cosignatures(file, certificate, *ret_text);
}

/* Of this run's log. */
static struct result parse(const struct evidence_case *file, struct view text, struct checkpoint *ret)
{
    char hex[2 * HASH_BYTES + 1], origin[CHECKPOINT_ORIGIN_MAX_BYTES + 1];
    bytes_hex(hash_view(&file->run->id), hex);
    (void)snprintf(origin, sizeof origin, "cofferdam/1/run/%s", hex);
    TRY(checkpoint_parse(text, ret));
    ENSURE(strcmp(ret->origin, origin) == 0, CATEGORY_FALSE, "the checkpoint is of another log than the run's");
    return RESULT_OK;
}

/* One that the coordinator signed. */
static struct result take_note(struct evidence_case *file, struct checkpoint *ret)
{
    CLEANUP(note_done) struct note note = {0};
    const struct roster *roster = &file->replay->roster;
    struct view payload;
    TRY(case_next(file, EVIDENCE_CHECKPOINT, &payload));
    TRY(note_parse(payload, &note));
    TRY(note_verify(&note, roster->coordinator_name, &roster->coordinator));
    TRY(parse(file, note.text, ret));
    case_checked(file, "the signature of %s under the checkpoint of %llu steps", roster->coordinator_name,
                 (unsigned long long)ret->size);
    return RESULT_OK;
}

/* One that a quorum cosigned, of the step whose certificate comes with it. */
static struct result take_cosigned(struct evidence_case *file, struct checkpoint *ret)
{
    struct wire_close closed;
    struct view text;
    TRY(case_certified(file, &closed, &text));
    TRY(parse(file, text, ret));
    ENSURE(ret->size == closed.step + 1, CATEGORY_FALSE, "the checkpoint is not that of the certified step");
    case_checked(file, "the cosignatures of at least %u banks under another checkpoint of %llu steps",
                 file->run->thresholds.t, (unsigned long long)ret->size);
    return RESULT_OK;
}

struct result checkpoints_judge(struct evidence_case *file)
{
    struct evidence_report *report = file->report;
    struct checkpoint one, other;
    TRY(take_note(file, &one));
    bool both = case_peek(file) == EVIDENCE_CHECKPOINT;
    TRY(both ? take_note(file, &other) : take_cosigned(file, &other));
    ENSURE(one.size == other.size && !hash_equal(&one.root, &other.root), CATEGORY_FALSE,
           "the two checkpoints do not exclude each other");
    case_blame(file, 0, 0, 0);
    unsigned long long steps = (unsigned long long)one.size;
    CASE_SAY(report->claim, "%s signed a history of the first %llu steps that is not %s", report->against, steps,
             both ? "the other one that it signed" : "the one that the banks certified");
    CASE_SAY(report->statement, "A checkpoint of the run's log after %llu steps, signed by %s, and another one, %s.",
             steps, report->against, both ? "signed by it too" : "cosigned by a quorum of the banks");
    CASE_SAY(report->because,
             "The log has one entry a step and only grows: after so many steps there is one root. With two, different "
             "parties are shown different histories of the run, each believing that there is only one.");
    report->verdict = EVIDENCE_PROVEN;
    return RESULT_OK;
}
