/* Evidence against banks, as the coordinator keeps it; and files that somebody made up to accuse who kept to the rules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/log/checkpoint.h"
#include "proto/run/note.h"
#include "proto/secagg/coordinator.h"
#include "proto/secagg/node.h"
#include "tests/support/liars.h"
#include "tests/support/noted.h"
#include "tests/support/ok.h"

static const struct cohort_config five = {.banks = 5, .words = 8, .rounds = 2, .epoch_rounds = 2, .seed = 11};

static void says(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("\"%s\" does not say \"%s\"", text, part);
}

/* The coordinator's only file, which proves this of that bank. */
static void proves(struct noted *noted, const char *name, const char *bank, const char *claim)
{
    struct noted_files files = {.count = 0};
    OK(noted_write(noted, 0, &files));
    assert_int_equal(files.count, 1);
    assert_string_equal(files.items[0].name, name);
    const struct evidence_report *report = &files.items[0].report;
    if (report->verdict != EVIDENCE_PROVEN) fail_msg("%s: %s", name, report->reason);
    assert_string_equal(report->against, bank);
    assert_false(report->coordinator);
    says(report->claim, claim);
    if (noted->cohort.config.banks == noted_small.banks) OK(noted_corpus(name, buffer_view(&files.items[0].bytes)));
    noted_files_done(&files);
}

/* ---- shares and deals */

static void a_false_share_is_proven_against_its_author(void **state)
{
    (void)state;
    static const struct cohort_config *const configs[] = {&five, &noted_small};
    for (size_t i = 0; i < 2; i++) {
        struct noted noted;
        OK(noted_init(configs[i], &noted));
        struct liar_share share = {.dealer = 3, .round = 1};
        noted.cohort.hooks = (struct cohort_hooks){.context = &share, .request = liar_false_share};
        OK(cohort_run(&noted.cohort));
        if (i == 0) cohort_assert_done(&noted.cohort, &noted.cohort.terms.cohort);
        proves(&noted, "share-00001-00002.cfe", "bank2", "bank2 released a share of bank3 in round 1 that was not");
        noted_done(&noted);
    }
}

static void a_false_deal_is_proven_against_the_dealer(void **state)
{
    (void)state;
    static const struct cohort_config *const configs[] = {&five, &noted_small};
    for (size_t i = 0; i < 2; i++) {
        struct noted noted;
        OK(noted_init(configs[i], &noted));
        noted.cohort.hooks.request = liar_false_deal;
        OK(cohort_run(&noted.cohort));
        assert_true(noted.cohort.parties[0].failed);
        proves(&noted, "deal-00001-00002.cfe", "bank2", "bank2 dealt shares for round 1 that do not lead to");
        noted_done(&noted);
    }
}

/* ---- two where one is allowed */

static const struct twice {
    enum message_kind kind;
    const char *label, *name;
    enum wire_type type;
} twice[] = {
    {MESSAGE_P1, "p1", "p1-00001-00002.cfe", WIRE_P1},
    {MESSAGE_ACK, "ack", "ack-00001-00002.cfe", WIRE_ACK},
    {MESSAGE_VOTE, "r2", "vote-00001-00002.cfe", WIRE_R2},
    {MESSAGE_RELEASE, "r3", "release-00001-00002.cfe", WIRE_R3},
};

/* Bank 2 signs each of them twice, the second time with another counter. */
static bool sign_twice(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes)
{
    const struct twice *what = context;
    if (from != 2 || bytes->data[1] != what->kind) return true;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    union {
        struct wire_p1 p1;
        struct wire_ack ack;
        struct wire_r2 r2;
        struct wire_r3 r3;
    } body;
    struct buffer other = {0};
    OK(message_decode(buffer_view(bytes), cohort->config.banks, &arena, &message));
    OK(wire_decode(what->type, message.one.body, cohort->config.banks, &arena, &body));
    if (what->type == WIRE_P1) body.p1.counter++;
    if (what->type == WIRE_ACK) body.ack.counter++;
    if (what->type == WIRE_R2) body.r2.counter++;
    if (what->type == WIRE_R3) body.r3.counter++;
    if (what->type == WIRE_R2 && body.r2.round != 1) return true;
    if (what->type == WIRE_R3 && body.r3.round != 1) return true;
    OK(buffer_append(&other, buffer_view(bytes)));
    liar_replace(cohort, 2, what->kind, what->label, what->type, &body, &other);
    OK(cohort_feed(cohort, 0, 2, buffer_view(bytes)));
    OK(cohort_feed(cohort, 0, 2, buffer_view(&other)));
    buffer_done(&other);
    return true;
}

static void two_messages_of_a_bank_where_one_is_allowed_are_proof(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof twice / sizeof *twice; i++) {
        struct noted noted;
        struct twice what = twice[i];
        OK(noted_init(i == 0 ? &noted_small : &five, &noted));
        noted.cohort.hooks = (struct cohort_hooks){.context = &what, .request = sign_twice};
        OK(cohort_run(&noted.cohort));
        proves(&noted, what.name, "bank2", "bank2 signed two different messages");
        noted_done(&noted);
    }
}

static void a_void_after_a_release_is_proof(void **state)
{
    (void)state;
    struct noted noted;
    struct buffer one = {0}, bytes = {0};
    OK(noted_init(&five, &noted));
    cohort_lose(&noted.cohort, MESSAGE_RELEASE, 4, true);
    cohort_lose(&noted.cohort, MESSAGE_RELEASE, 5, true);
    OK(cohort_run(&noted.cohort));
    assert_int_equal(noted.cohort.parties[2].node->state, NODE_RELEASED);
    struct wire_void vote = {.run = noted.submission.id, .epoch = 1, .round = 1, .counter = 99};
    OK(cohort_sign(&noted.cohort, 2, "void", WIRE_VOID, &vote, &one));
    OK(message_wrap(MESSAGE_VOID, buffer_view(&one), &bytes));
    OK(cohort_feed(&noted.cohort, 0, 2, buffer_view(&bytes)));
    proves(&noted, "void-00001-00002.cfe", "bank2", "bank2 released its shares of round 1 and signed that it did not");
    buffer_done(&one);
    buffer_done(&bytes);
    noted_done(&noted);
}

/* ---- what is made up */

/* A run that went as it should, to take true messages from. */
struct truth {
    struct noted noted;
    struct buffer r0, open, certificate, release, vote, secrets, opened, acks;
};

static void load(struct truth *truth, unsigned party, const char *key, struct buffer *out)
{
    bool found = false;
    const struct record_source records = records_source(&truth->noted.cohort.parties[party].records);
    OK(records.load(records.context, false, false, key, out, &found));
    if (!found) fail_msg("party %u has no %s", party, key);
}

static void truth_init(struct truth *truth)
{
    memset(truth, 0, sizeof *truth);
    OK(noted_init(&five, &truth->noted));
    OK(cohort_run(&truth->noted.cohort));
    cohort_assert_done(&truth->noted.cohort, &truth->noted.cohort.terms.cohort);
    load(truth, 0, "r0/00001", &truth->r0);
    load(truth, 0, "open/00001", &truth->opened);
    load(truth, 0, "certificate/00001", &truth->certificate);
    load(truth, 1, "release/00001", &truth->release);
    load(truth, 1, "r2/00001", &truth->vote);
    load(truth, 1, "acks/1", &truth->acks);
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct wire_opened opened;
    OK(wire_opened_decode(buffer_view(&truth->opened), 5, &arena, &opened));
    OK(buffer_append(&truth->open, opened.open));
    OK(buffer_append(&truth->secrets, opened.secrets));
}

static void truth_done(struct truth *truth)
{
    struct buffer *const buffers[] = {&truth->r0,   &truth->open,    &truth->certificate, &truth->release,
                                      &truth->vote, &truth->secrets, &truth->opened,      &truth->acks};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) buffer_done(buffers[i]);
    noted_done(&truth->noted);
}

static void begin(const struct truth *truth, const char *kind, struct buffer *out)
{
    buffer_clear(out);
    OK(evidence_put_kind(out, kind));
    OK(evidence_put(out, EVIDENCE_ROSTER, buffer_view(&truth->noted.cohort.roster.note)));
    OK(evidence_put(out, EVIDENCE_RUN, buffer_view(&truth->noted.submission.bytes)));
}

static void accuses_nobody(const struct truth *truth, const struct buffer *file, const char *reason)
{
    struct evidence_report report;
    OK(evidence_check(buffer_view(file), NULL, &truth->noted.observer, &report));
    if (report.verdict != EVIDENCE_FALSE) fail_msg("it is taken for %s", report.claim);
    assert_string_equal(report.against, "");
    says(report.reason, reason);
}

static void keys_and_terms(const struct truth *truth, struct buffer *out)
{
    const struct cohort *cohort = &truth->noted.cohort;
    struct buffer list = {0};
    OK(ballot_list(&cohort->coordinator->p1, NULL, 0, &list));
    OK(evidence_put(out, EVIDENCE_P1, buffer_view(&list)));
    OK(evidence_put(out, EVIDENCE_R0, buffer_view(&truth->r0)));
    buffer_done(&list);
}

static void true_messages_accuse_nobody(void **state)
{
    (void)state;
    struct truth truth;
    struct buffer file = {0};
    truth_init(&truth);
    struct view r0 = buffer_view(&truth.r0), open = buffer_view(&truth.open), vote = buffer_view(&truth.vote);
    struct view certificate = buffer_view(&truth.certificate), secrets = buffer_view(&truth.secrets);
    begin(&truth, "contradiction", &file);
    OK(evidence_put_message(&file, EVIDENCE_OF_R0, r0));
    OK(evidence_put_message(&file, EVIDENCE_OF_R0, r0));
    accuses_nobody(&truth, &file, "say the same");
    begin(&truth, "contradiction", &file);
    OK(evidence_put_message(&file, EVIDENCE_OF_R0, r0));
    OK(evidence_put_message(&file, EVIDENCE_OF_OPEN, open));
    accuses_nobody(&truth, &file, "do not exclude each other");
    begin(&truth, "contradiction", &file);
    OK(evidence_put_message(&file, EVIDENCE_OF_R2, vote));
    OK(evidence_put_message(&file, EVIDENCE_OF_OPEN, open));
    accuses_nobody(&truth, &file, "two parties: bank1 and coordinator");
    begin(&truth, "contradiction", &file);
    OK(evidence_put_message(&file, EVIDENCE_OF_R2, r0));
    OK(evidence_put_message(&file, EVIDENCE_OF_R2, vote));
    accuses_nobody(&truth, &file, "the signature does not verify");
    begin(&truth, "contradiction", &file);
    OK(evidence_put_message(&file, EVIDENCE_MESSAGES, r0));
    OK(evidence_put_message(&file, EVIDENCE_MESSAGES, r0));
    accuses_nobody(&truth, &file, "not known here");
    begin(&truth, "inputs", &file);
    OK(evidence_put(&file, EVIDENCE_OPEN, open));
    OK(evidence_put(&file, EVIDENCE_R2, certificate));
    accuses_nobody(&truth, &file, "what was opened is what was certified");
    begin(&truth, "secret", &file);
    keys_and_terms(&truth, &file);
    OK(evidence_put(&file, EVIDENCE_OPEN, open));
    OK(evidence_put(&file, EVIDENCE_SECRETS, secrets));
    accuses_nobody(&truth, &file, "every secret fits its commitment");
    truth.secrets.data[3] ^= 1; /* a secret that the coordinator did not reveal */
    begin(&truth, "secret", &file);
    keys_and_terms(&truth, &file);
    OK(evidence_put(&file, EVIDENCE_OPEN, open));
    OK(evidence_put(&file, EVIDENCE_SECRETS, secrets));
    accuses_nobody(&truth, &file, "not the secrets that OPEN names");
    begin(&truth, "share", &file);
    keys_and_terms(&truth, &file);
    OK(evidence_put(&file, EVIDENCE_R2, certificate));
    OK(evidence_put_message(&file, EVIDENCE_OF_R3, buffer_view(&truth.release)));
    accuses_nobody(&truth, &file, "every share was dealt to bank1");
    begin(&truth, "magic", &file);
    accuses_nobody(&truth, &file, "of a kind that is not known here");
    buffer_done(&file);
    truth_done(&truth);
}

/* A bank that wants to accuse the coordinator, or another bank, has keys of its own: other P1, other ACK. */
static void a_bank_cannot_accuse_with_keys_of_its_own(void **state)
{
    (void)state;
    struct truth truth;
    struct buffer file = {0}, other = {0}, list = {0};
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct wire_signed one;
    struct wire_p1 p1;
    struct view items[5];
    truth_init(&truth);
    const struct ballot *keys = &truth.noted.cohort.coordinator->p1;
    for (unsigned j = 1; j <= 5; j++) items[j - 1] = ballot_get(keys, j);
    OK(wire_signed_decode(items[1], 5, &arena, &one));
    OK(wire_p1_decode(one.body, 5, &arena, &p1));
    uint8_t commitments[EPOCH_ROUNDS_MAX * 32];
    memcpy(commitments, p1.commitments.data, p1.commitments.length);
    commitments[1] ^= 1;
    p1.commitments.data = commitments;
    OK(cohort_sign(&truth.noted.cohort, 2, "p1", WIRE_P1, &p1, &other));
    items[1] = buffer_view(&other);
    OK(wire_list_encode(&(struct wire_list){items, 5}, &list));
    begin(&truth, "secret", &file);
    OK(evidence_put(&file, EVIDENCE_P1, buffer_view(&list)));
    OK(evidence_put(&file, EVIDENCE_R0, buffer_view(&truth.r0)));
    OK(evidence_put(&file, EVIDENCE_OPEN, buffer_view(&truth.open)));
    OK(evidence_put(&file, EVIDENCE_SECRETS, buffer_view(&truth.secrets)));
    accuses_nobody(&truth, &file, "over other keys than those in the file");
    buffer_done(&file);
    buffer_done(&other);
    buffer_done(&list);
    truth_done(&truth);
}

/* Terms that are true, before the first step and with every ACK, are at most a statement. */
static void true_terms_prove_nothing(void **state)
{
    (void)state;
    struct truth truth;
    struct buffer file = {0};
    struct evidence_report report;
    truth_init(&truth);
    begin(&truth, "terms", &file);
    OK(evidence_put_message(&file, EVIDENCE_OF_R0, buffer_view(&truth.r0)));
    OK(evidence_put(&file, EVIDENCE_ACK, buffer_view(&truth.acks)));
    OK(evidence_check(buffer_view(&file), NULL, &truth.noted.observer, &report));
    assert_int_equal(report.verdict, EVIDENCE_STATEMENT);
    buffer_done(&file);
    truth_done(&truth);
}

/* Two banks that acknowledged two sets of keys: a statement, for the coordinator signed neither. */
static void two_sets_of_keys_are_a_statement(void **state)
{
    (void)state;
    struct truth truth;
    struct buffer file = {0}, other = {0}, first = {0};
    struct evidence_report report;
    truth_init(&truth);
    struct wire_ack ack = {.run = truth.noted.submission.id, .epoch = 1, .counter = 5, .set = {{9}}};
    ack.dealers = truth.noted.cohort.terms.cohort;
    OK(cohort_sign(&truth.noted.cohort, 3, "ack", WIRE_ACK, &ack, &other));
    load(&truth, 1, "ack/1", &first);
    begin(&truth, "keys", &file);
    OK(evidence_put_message(&file, EVIDENCE_OF_ACK, buffer_view(&first)));
    OK(evidence_put_message(&file, EVIDENCE_OF_ACK, buffer_view(&other)));
    OK(evidence_check(buffer_view(&file), NULL, &truth.noted.observer, &report));
    assert_int_equal(report.verdict, EVIDENCE_STATEMENT);
    says(report.claim, "bank1 and bank3 were shown two different sets of keys for epoch 1, or one of them says so");
    begin(&truth, "keys", &file);
    OK(evidence_put_message(&file, EVIDENCE_OF_ACK, buffer_view(&first)));
    OK(evidence_put_message(&file, EVIDENCE_OF_ACK, buffer_view(&first)));
    accuses_nobody(&truth, &file, "not the acknowledgements of two banks");
    buffer_done(&file);
    buffer_done(&other);
    buffer_done(&first);
    truth_done(&truth);
}

/* A checkpoint of the run's log of so many steps, signed by the coordinator. */
static void checkpoint(const struct truth *truth, uint64_t size, uint8_t root, struct buffer *out)
{
    struct checkpoint one = {.size = size, .root = {{root}}};
    struct buffer text = {0};
    char hex[2 * HASH_BYTES + 1];
    bytes_hex(hash_view(&truth->noted.submission.id), hex);
    (void)snprintf(one.origin, sizeof one.origin, "cofferdam/1/run/%s", hex);
    buffer_clear(out);
    OK(checkpoint_write(&one, &text));
    OK(note_sign(buffer_view(&text), "coordinator", truth->noted.cohort.keys[0], out));
    buffer_done(&text);
}

static void two_checkpoints_of_one_size_are_a_split_view(void **state)
{
    (void)state;
    struct truth truth;
    struct buffer file = {0}, one = {0}, other = {0}, certificate = {0}, text = {0}, note = {0};
    struct evidence_report report;
    struct run_log log = {0};
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct wire_close closed;
    truth_init(&truth);
    checkpoint(&truth, 1, 5, &one);
    checkpoint(&truth, 1, 6, &other);
    begin(&truth, "checkpoints", &file);
    OK(evidence_put(&file, EVIDENCE_CHECKPOINT, buffer_view(&one)));
    OK(evidence_put(&file, EVIDENCE_CHECKPOINT, buffer_view(&other)));
    OK(evidence_check(buffer_view(&file), NULL, &truth.noted.observer, &report));
    assert_int_equal(report.verdict, EVIDENCE_PROVEN);
    says(report.claim, "coordinator signed a history of the first 1 steps that is not the other one that it signed");
    begin(&truth, "checkpoints", &file);
    OK(evidence_put(&file, EVIDENCE_CHECKPOINT, buffer_view(&one)));
    OK(evidence_put(&file, EVIDENCE_CHECKPOINT, buffer_view(&one)));
    accuses_nobody(&truth, &file, "do not exclude each other");
    checkpoint(&truth, 2, 6, &other);
    begin(&truth, "checkpoints", &file);
    OK(evidence_put(&file, EVIDENCE_CHECKPOINT, buffer_view(&one)));
    OK(evidence_put(&file, EVIDENCE_CHECKPOINT, buffer_view(&other)));
    accuses_nobody(&truth, &file, "do not exclude each other");
    /* Against what the banks certified: theirs proves it, the true one does not. */
    load(&truth, 0, "closed/00000", &certificate);
    load(&truth, 0, "checkpoint/00000", &note);
    OK(run_log_take(&log, &truth.noted.cohort.coordinator->run, buffer_view(&certificate), &arena, &closed));
    OK(run_log_text(&log, &truth.noted.submission.id, &text));
    for (unsigned honest = 0; honest < 2; honest++) {
        begin(&truth, "checkpoints", &file);
        OK(evidence_put(&file, EVIDENCE_CHECKPOINT, buffer_view(honest ? &note : &one)));
        OK(evidence_put(&file, EVIDENCE_CLOSE, buffer_view(&certificate)));
        OK(evidence_put(&file, EVIDENCE_TEXT, buffer_view(&text)));
        if (honest) {
            accuses_nobody(&truth, &file, "do not exclude each other");
            continue;
        }
        OK(evidence_check(buffer_view(&file), NULL, &truth.noted.observer, &report));
        assert_int_equal(report.verdict, EVIDENCE_PROVEN);
        says(report.claim, "not the one that the banks certified");
    }
    text.data[text.length - 5] ^= 1; /* what nobody cosigned */
    begin(&truth, "checkpoints", &file);
    OK(evidence_put(&file, EVIDENCE_CHECKPOINT, buffer_view(&note)));
    OK(evidence_put(&file, EVIDENCE_CLOSE, buffer_view(&certificate)));
    OK(evidence_put(&file, EVIDENCE_TEXT, buffer_view(&text)));
    accuses_nobody(&truth, &file, "cosignature");
    struct buffer *const buffers[] = {&file, &one, &other, &certificate, &text, &note};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) buffer_done(buffers[i]);
    truth_done(&truth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_false_share_is_proven_against_its_author),
        cmocka_unit_test(a_false_deal_is_proven_against_the_dealer),
        cmocka_unit_test(two_messages_of_a_bank_where_one_is_allowed_are_proof),
        cmocka_unit_test(a_void_after_a_release_is_proof),
        cmocka_unit_test(true_messages_accuse_nobody),
        cmocka_unit_test(a_bank_cannot_accuse_with_keys_of_its_own),
        cmocka_unit_test(true_terms_prove_nothing),
        cmocka_unit_test(two_sets_of_keys_are_a_statement),
        cmocka_unit_test(two_checkpoints_of_one_size_are_a_split_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
