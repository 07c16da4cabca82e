/* Any bytes as a submission to a roster of three, or as the text of a plan that bank 1 signed and submits: what is
 * taken is signed by whom it says, over the plan that it says, and small enough a bank could be singled out never is.
 */
#include <stdlib.h>

#include "proto/run/note.h"
#include "proto/secagg/submission.h"
#include "tests/support/cohort.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition) abort();
}

static void check(const struct submission *submission)
{
    const struct run_terms *terms = &submission->terms;
    struct hash id;
    must(terms->submitter >= 1 && terms->submitter <= 3 && terms->task && terms->plan == &submission->plan);
    must(members_count(&terms->cohort) >= COHORT_MIN &&
         members_count(&terms->cohort) >= submission->plan.cohort_minimum);
    must(result_ok(run_id(terms, &id)) && hash_equal(&id, &submission->id));
}

/* The first byte: 0 for a payload, 1 for a plan; the second, for a plan, the cohort's bitmap. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cohort cohort;
    if (!cohort.roster.size) {
        must(result_ok(cohort_init(&(struct cohort_config){.banks = 3, .words = 1, .rounds = 1, .seed = 9}, &cohort)));
    }
    if (size < 2) return 0;
    CLEANUP(buffer_done) struct buffer note = {0}, payload = {0};
    struct submission submission;
    if (data[0] % 2 == 0) {
        if (!result_ok(submission_open(&cohort.roster, view_of(data + 1, size - 1), &submission))) return 0;
        check(&submission);
        submission_done(&submission);
        return 0;
    }
    struct members members = members_none(3);
    for (unsigned i = 1; i <= 3; i++)
        if (data[1] & (1u << i)) members_add(&members, i);
    static const uint8_t nonce[NONCE_BYTES] = {4};
    struct hash id;
    if (!result_ok(note_sign(view_of(data + 2, size - 2), "bank1", cohort.identities[1], &note))) return 0;
    if (!result_ok(submission_make(&cohort.roster, buffer_view(&note), &members, 1, cohort.terms.version,
                                   cohort.identities[1], nonce, &payload, &id)))
        return 0;
    must(result_ok(submission_open(&cohort.roster, buffer_view(&payload), &submission)));
    must(hash_equal(&id, &submission.id));
    check(&submission);
    submission_done(&submission);
    payload.data[size % payload.length] ^= 1; /* and not one bit of it can be another */
    must(!result_ok(submission_open(&cohort.roster, buffer_view(&payload), &submission)));
    return 0;
}
