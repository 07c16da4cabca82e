/* Two messages by one signer where the protocol allows one: whoever keeps to it makes a message durable before it is
 * sent, and sends the same bytes again ever after. */
#include <stdio.h>
#include <string.h>

#include "proto/audit/evidence_case.h"

/* What a message is of: messages of one kind and one place exclude each other. */
struct place {
    uint32_t epoch;
    uint64_t round; /* 0: of the epoch as a whole */
};

static struct place place_of(enum evidence_message which, const struct signed_body *body)
{
    switch (which) {
    case EVIDENCE_OF_P1:
        return (struct place){body->p1.epoch, 0};
    case EVIDENCE_OF_ACK:
        return (struct place){body->ack.epoch, 0};
    case EVIDENCE_OF_R0:
        return (struct place){body->r0.epoch, body->r0.round};
    case EVIDENCE_OF_R1:
        return (struct place){body->r1.epoch, body->r1.round};
    case EVIDENCE_OF_R2:
        return (struct place){body->r2.epoch, body->r2.round};
    case EVIDENCE_OF_VOID:
        return (struct place){body->void_.epoch, body->void_.round};
    case EVIDENCE_OF_R3:
        return (struct place){body->r3.epoch, body->r3.round};
    case EVIDENCE_OF_OPEN:
        return (struct place){body->open.epoch, body->open.round};
    default:
        return (struct place){body->close.epoch, body->close.round};
    }
}

/* For people: what a message is called, and why there can be only one. */
static const struct {
    const char *name, *because;
} words[EVIDENCE_MESSAGES] = {
    [EVIDENCE_OF_P1] = {"keys of an epoch (P1)", "A bank deals its keys once in an epoch. Other banks that are shown "
                                                 "other keys of it would mask for a bank that is not there."},
    [EVIDENCE_OF_ACK] = {"acknowledgement of an epoch's keys (ACK)",
                         "A bank acknowledges once in an epoch what it was dealt."},
    [EVIDENCE_OF_R0] =
        {"terms of a round (R0)",
         "A round is opened once, under one set of terms. With two, two banks can be made to work on two "
         "different models or histories, each believing that there is only one."},
    [EVIDENCE_OF_R1] = {"masked input (R1)",
                        "A bank hands in one masked input a round. Two inputs under one mask would "
                        "show the difference of its numbers."},
    [EVIDENCE_OF_R2] =
        {"set of inputs (R2)",
         "In a round there is one set of inputs. With two, the difference of two sums would be the input "
         "of those in one of them alone."},
    [EVIDENCE_OF_VOID] = {"VOID of a round", "A round is given up once."},
    [EVIDENCE_OF_R3] =
        {"release of shares (R3)",
         "A bank releases its shares of a round once, for one set of inputs. With two, both masks of one "
         "bank could be taken off."},
    [EVIDENCE_OF_OPEN] = {"opened sum (OPEN)", "The inputs of a round have one sum. One of the two is not it."},
    [EVIDENCE_OF_CLOSE] = {"vote on a sum (CLOSE)", "A bank votes once on the sum of a round and the model after it."},
};

static const char *name_of(enum evidence_message which, unsigned signer)
{
    if (which == EVIDENCE_OF_R2 && signer) return "vote on the set of inputs (R2)";
    return words[which].name;
}

static void differ(char *text, size_t size, bool differs, const char *what)
{
    size_t length = strlen(text);
    if (differs) (void)snprintf(text + length, size - length, "%s%s", length ? ", " : " They differ in: ", what);
}

static void tell_terms(const struct wire_r0 *a, const struct wire_r0 *b, char *text, size_t size)
{
    differ(text, size, a->epoch != b->epoch, "the epoch");
    differ(text, size, a->step != b->step, "the step");
    differ(text, size, !hash_equal(&a->checkpoint, &b->checkpoint),
           "the checkpoint of the log (two histories of the run)");
    differ(text, size, !hash_equal(&a->state, &b->state), "the model so far");
    differ(text, size, !hash_equal(&a->set, &b->set), "the set of keys");
    differ(text, size, !hash_equal(&a->plan, &b->plan), "the plan");
    differ(text, size, !hash_equal(&a->roster, &b->roster), "the roster");
    differ(text, size, !hash_equal(&a->layout, &b->layout), "the layout of the sum");
    differ(text, size, !hash_equal(&a->retry, &b->retry), "the round that it does again");
}

static void tell_opened(const struct wire_open *a, const struct wire_open *b, char *text, size_t size)
{
    differ(text, size, !hash_equal(&a->sum, &b->sum), "the sum");
    differ(text, size, !members_equal(&a->survivors, &b->survivors), "whose inputs are in it");
    differ(text, size, !hash_equal(&a->headers, &b->headers), "which inputs these are");
    differ(text, size, !hash_equal(&a->secrets, &b->secrets), "the secrets that take the masks off");
    differ(text, size, !hash_equal(&a->ctx, &b->ctx), "the terms of the round");
}

static void tell_inputs(const struct evidence_case *file, const struct wire_r2 *a, const struct wire_r2 *b, char *text,
                        size_t size)
{
    char moved[EVIDENCE_LINE] = "";
    differ(text, size, !members_equal(&a->survivors, &b->survivors), "whose inputs are taken");
    differ(text, size, !hash_equal(&a->headers, &b->headers), "which inputs these are");
    differ(text, size, !hash_equal(&a->ctx, &b->ctx), "the terms of the round");
    case_difference(file, &a->survivors, &b->survivors, moved, sizeof moved);
    size_t length = strlen(text);
    if (moved[0]) (void)snprintf(text + length, size - length, "; the second against the first:%s", moved);
}

static void tell(struct evidence_case *file, enum evidence_message which, const struct signed_body *a,
                 const struct signed_body *b)
{
    char text[EVIDENCE_PARAGRAPH / 2] = "";
    if (which == EVIDENCE_OF_R0) tell_terms(&a->r0, &b->r0, text, sizeof text);
    if (which == EVIDENCE_OF_OPEN) tell_opened(&a->open, &b->open, text, sizeof text);
    if (which == EVIDENCE_OF_R2) tell_inputs(file, &a->r2, &b->r2, text, sizeof text);
    size_t length = strlen(text);
    bool stop = length && text[length - 1] != '.';
    CASE_SAY(file->report->statement, "Two messages of the kind: %s. Both have a valid signature of %s.%s%s",
             name_of(which, a->message.signer), file->report->against, text, stop ? "." : "");
    CASE_SAY(file->report->because, "%s", words[which].because);
}

/* A bank that has released its shares of a round says that it has not, and never will. */
static void tell_void(struct evidence_case *file, uint64_t round)
{
    CASE_SAY(file->report->claim, "%s released its shares of round %llu and signed that it did not",
             file->report->against, (unsigned long long)round);
    CASE_SAY(file->report->statement,
             "A release of shares (R3) of round %llu, and a VOID of that round, which says that nothing was released "
             "and nothing will be. Both have a valid signature of %s.",
             (unsigned long long)round, file->report->against);
    CASE_SAY(file->report->because, "One of the two is not true. A round must be opened or given up, never both: else "
                                    "its step could be done twice with different inputs.");
}

/* Two R0 of one step name one model and one history, whatever their rounds. */
static bool split(const struct wire_r0 *a, const struct wire_r0 *b)
{
    return a->round != b->round && a->step == b->step &&
           (!hash_equal(&a->checkpoint, &b->checkpoint) || !hash_equal(&a->state, &b->state));
}

struct result contradiction_judge(struct evidence_case *file)
{
    enum evidence_message first, second;
    struct signed_body a, b;
    TRY(case_message(file, &first, &a));
    TRY(case_message(file, &second, &b));
    unsigned signer = a.message.signer;
    struct place here = place_of(first, &a), there = place_of(second, &b);
    ENSURE(signer == b.message.signer, CATEGORY_FALSE, "the two messages are signed by two parties: %s and %s",
           run_member(file->run, signer), run_member(file->run, b.message.signer));
    ENSURE(!view_equal(a.message.body, b.message.body) || first != second, CATEGORY_FALSE,
           "the two messages say the same");
    bool void_too = first == EVIDENCE_OF_R3 && second == EVIDENCE_OF_VOID && here.round == there.round && signer;
    bool two_histories = first == EVIDENCE_OF_R0 && second == EVIDENCE_OF_R0 && split(&a.r0, &b.r0);
    bool one_place = first == second && here.round == there.round && (here.round || here.epoch == there.epoch);
    ENSURE(void_too || two_histories || one_place, CATEGORY_FALSE,
           "the two messages do not exclude each other: each may have its place in the run");
    case_blame(file, signer, here.epoch, here.round);
    case_checked(file, "both signatures of %s, under the key that the roster has", file->report->against);
    file->report->verdict = EVIDENCE_PROVEN;
    if (void_too) {
        tell_void(file, here.round);
        return RESULT_OK;
    }
    tell(file, first, &a, &b);
    if (two_histories)
        CASE_SAY(file->report->claim, "%s named two different histories or models for step %llu of the run",
                 file->report->against, (unsigned long long)a.r0.step);
    else if (here.round)
        CASE_SAY(file->report->claim, "%s signed two different messages for round %llu where one is allowed: %s",
                 file->report->against, (unsigned long long)here.round, name_of(first, signer));
    else
        CASE_SAY(file->report->claim, "%s signed two different messages for epoch %u where one is allowed: %s",
                 file->report->against, here.epoch, name_of(first, signer));
    return RESULT_OK;
}

/* Two banks acknowledge two sets of keys. That the coordinator showed them is likely, but it signed neither. */
struct result keys_judge(struct evidence_case *file)
{
    enum evidence_message first, second;
    struct signed_body a, b;
    TRY(case_message(file, &first, &a));
    TRY(case_message(file, &second, &b));
    ENSURE(first == EVIDENCE_OF_ACK && second == EVIDENCE_OF_ACK && a.message.signer && b.message.signer &&
               a.message.signer != b.message.signer && a.ack.epoch == b.ack.epoch &&
               !hash_equal(&a.ack.set, &b.ack.set),
           CATEGORY_FALSE, "these are not the acknowledgements of two banks of two sets of keys");
    const char *one = run_member(file->run, a.message.signer), *other = run_member(file->run, b.message.signer);
    case_blame(file, 0, a.ack.epoch, 0);
    case_checked(file, "the signatures of %s and %s", one, other);
    file->report->verdict = EVIDENCE_STATEMENT;
    CASE_SAY(file->report->claim,
             "%s and %s were shown two different sets of keys for epoch %u, or one of them says so", one, other,
             a.ack.epoch);
    CASE_SAY(file->report->statement, "%s and %s each signed which keys of all banks they hold: the two sets differ.",
             one, other);
    CASE_SAY(
        file->report->because,
        "%s passes the keys on, and must pass the same on to everyone. It did not sign the lists, so the file does "
        "not prove whether it showed two of them, or whether a bank acknowledged what it was not shown.",
        file->report->against);
    return RESULT_OK;
}
