/* A false sum that one bank alone is shown, with nothing to check it with, and then the certificate that the others
 * signed of the true one: the two together are proof against the coordinator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/secagg/coordinator.h"
#include "proto/secagg/node.h"
#include "tests/support/noted.h"
#include "tests/support/ok.h"

static const struct cohort_config five = {.banks = 5, .words = 8, .rounds = 1, .epoch_rounds = 1, .seed = 7};

static void says(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static bool open_falsely(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    (void)context;
    if (to != cohort->config.banks || bytes->data[1] != MESSAGE_OPENED) return true;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    CLEANUP(buffer_done) struct buffer forged = {0};
    struct message message;
    struct wire_signed one;
    struct wire_open open;
    struct buffer other = {0};
    OK(message_decode(buffer_view(bytes), cohort->config.banks, &arena, &message));
    OK(wire_signed_decode(message.opened.open, cohort->config.banks, &arena, &one));
    OK(wire_open_decode(one.body, cohort->config.banks, &arena, &open));
    open.sum.bytes[0] ^= 1;
    OK(cohort_sign(cohort, 0, "open", WIRE_OPEN, &open, &forged));
    message.opened.open = buffer_view(&forged);
    OK(message_encode(MESSAGE_OPENED, &message.opened, &other));
    buffer_done(bytes);
    *bytes = other;
    return true;
}

/* The last bank is shown another sum; it is started again before it gets this certificate. */
static void run_alone(struct noted *noted, const struct cohort_config *config, struct view *ret_certificate)
{
    struct cohort *cohort = &noted->cohort;
    unsigned bank = config->banks;
    OK(noted_init(config, noted));
    cohort->hooks.reply = open_falsely;
    cohort_lose(cohort, MESSAGE_PIECES, bank, true);
    cohort_lose(cohort, MESSAGE_CLOSED, bank, true);
    cohort_lose(cohort, MESSAGE_REFUSE, bank, true);
    OK(cohort_run(cohort));
    assert_int_equal(cohort->parties[bank].node->state, NODE_CHECKING);
    cohort_lose(cohort, MESSAGE_OPENED, bank, true);
    OK(cohort_start(cohort, bank));
    OK(cohort_settle(cohort));
    *ret_certificate = buffer_view(&cohort->coordinator->close);
}

/* n = 3 needs all three signatures, of which the third is not to be had: its vote is made as a dishonest one would. */
static void certify(struct noted *noted, struct buffer *out)
{
    struct cohort *cohort = &noted->cohort;
    struct buffer items[3] = {0};
    struct view views[3];
    const struct wire_close truth = cohort->parties[1].node->closed;
    for (unsigned i = 0; i < 3; i++) {
        struct wire_close vote = truth;
        OK(cohort_cosign(cohort, i + 1, &(struct run_log){0}, &vote));
        OK(cohort_sign(cohort, i + 1, "close", WIRE_CLOSE, &vote, &items[i]));
        views[i] = buffer_view(&items[i]);
    }
    OK(wire_list_encode(&(struct wire_list){views, 3}, out));
    for (unsigned i = 0; i < 3; i++) buffer_done(&items[i]);
}

static void close_for(struct noted *noted, struct view certificate)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    const struct wire_closed closed = {.close = certificate};
    unsigned bank = noted->cohort.config.banks;
    OK(message_encode(MESSAGE_CLOSED, &closed, &bytes));
    OK(cohort_feed(&noted->cohort, bank, 0, buffer_view(&bytes)));
    assert_int_equal(noted->cohort.parties[bank].node->state, NODE_ENDING);
}

static void the_certificate_of_another_sum_is_proof(void **state)
{
    (void)state;
    struct noted noted;
    struct noted_files files = {.count = 0};
    struct view certificate;
    run_alone(&noted, &five, &certificate);
    close_for(&noted, certificate);
    for (unsigned bank = 1; bank <= 4; bank++) {
        OK(noted_write(&noted, bank, &files));
        assert_int_equal(files.count, 0);
    }
    OK(noted_write(&noted, 5, &files));
    assert_int_equal(files.count, 1);
    const struct evidence_report *report = &files.items[0].report;
    assert_string_equal(files.items[0].name, "closed-00001.cfe");
    if (report->verdict != EVIDENCE_PROVEN) fail_msg("%s", report->reason);
    assert_true(report->coordinator && report->round == 1 && report->checked_count >= 3);
    says(report->claim, "coordinator signed a sum of round 1 that is not the one that 4 banks checked and certified");
    says(report->statement, "the same inputs, with other numbers");
    says(report->because, "rests on the signatures of 4 banks, of which at most 1 of the 5 banks may be false");
    says(report->because, "at least 3 true ones");
    noted_files_done(&files);
    noted_done(&noted);
}

/* The smallest cohort: its file is of the fuzzer's corpus, and no byte of it can be another. */
static void no_byte_of_the_file_can_be_another(void **state)
{
    (void)state;
    struct noted noted;
    struct noted_files files = {.count = 0};
    struct evidence_report report;
    struct buffer certificate = {0};
    struct view none;
    run_alone(&noted, &noted_small, &none);
    certify(&noted, &certificate);
    close_for(&noted, buffer_view(&certificate));
    OK(noted_write(&noted, 3, &files));
    struct buffer *bytes = &files.items[0].bytes;
    assert_int_equal(files.items[0].report.verdict, EVIDENCE_PROVEN);
    OK(noted_corpus(files.items[0].name, buffer_view(bytes)));
    for (size_t i = 0; i < bytes->length; i++) {
        uint8_t flip = (uint8_t)(1u << (i % 8));
        bytes->data[i] ^= flip;
        OK(evidence_check(buffer_view(bytes), NULL, &noted.observer, &report));
        if (report.verdict != EVIDENCE_FALSE) fail_msg("byte %zu can be another", i);
        bytes->data[i] ^= flip;
    }
    for (size_t length = 0; length < bytes->length; length += 7) {
        OK(evidence_check(view_of(bytes->data, length), NULL, &noted.observer, &report));
        assert_int_equal(report.verdict, EVIDENCE_FALSE);
    }
    buffer_done(&certificate);
    noted_files_done(&files);
    noted_done(&noted);
}

/* A file of this kind, made by hand. */
static void judge(const struct noted *noted, const struct wire_open *open, struct view certificate,
                  struct evidence_report *ret)
{
    CLEANUP(buffer_done) struct buffer file = {0}, one = {0};
    OK(cohort_sign(&noted->cohort, 0, "open", WIRE_OPEN, open, &one));
    OK(evidence_put_kind(&file, "closed"));
    OK(evidence_put(&file, EVIDENCE_ROSTER, buffer_view(&noted->cohort.roster.note)));
    OK(evidence_put(&file, EVIDENCE_RUN, buffer_view(&noted->submission.bytes)));
    OK(evidence_put(&file, EVIDENCE_OPEN, buffer_view(&one)));
    OK(evidence_put(&file, EVIDENCE_CLOSE, certificate));
    OK(evidence_check(buffer_view(&file), NULL, &noted->observer, ret));
}

/* The true OPEN, another round's, and each thing that a certificate fixes. */
static void only_another_sum_of_the_round_is_proof(void **state)
{
    (void)state;
    static const char *const differs[] = {"other numbers", "inputs of other banks", "other inputs of the same banks",
                                          "under other terms"};
    struct noted noted;
    struct evidence_report report;
    struct view certificate;
    run_alone(&noted, &five, &certificate);
    const struct wire_close *closed = &noted.cohort.parties[1].node->closed;
    const struct wire_open truth = {.run = closed->run,
                                    .epoch = closed->epoch,
                                    .round = closed->round,
                                    .ctx = closed->ctx,
                                    .survivors = closed->survivors,
                                    .headers = closed->headers,
                                    .sum = closed->sum};
    struct wire_open open = truth;
    judge(&noted, &open, certificate, &report);
    assert_int_equal(report.verdict, EVIDENCE_FALSE);
    says(report.reason, "the sum that was opened is the one that was certified");
    open.round++;
    judge(&noted, &open, certificate, &report);
    assert_int_equal(report.verdict, EVIDENCE_FALSE);
    for (unsigned what = 0; what < 4; what++) {
        open = truth;
        if (what == 0) open.sum.bytes[31] ^= 1;
        if (what == 1) members_remove(&open.survivors, 2);
        if (what == 2) open.headers.bytes[31] ^= 1;
        if (what == 3) open.ctx.bytes[31] ^= 1;
        judge(&noted, &open, certificate, &report);
        if (report.verdict != EVIDENCE_PROVEN) fail_msg("%s", report.reason);
        says(report.statement, differs[what]);
        if (what == 1) says(report.statement, "It leaves out the input of bank2.");
        judge(&noted, &open, view_of(certificate.data, certificate.length - 1), &report);
        assert_int_equal(report.verdict, EVIDENCE_FALSE);
    }
    noted_done(&noted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_certificate_of_another_sum_is_proof),
        cmocka_unit_test(no_byte_of_the_file_can_be_another),
        cmocka_unit_test(only_another_sum_of_the_round_is_proof),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
