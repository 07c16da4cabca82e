/* Service messages: each way and back, and every truncated, lengthened or out-of-range one refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/run/service.h"

enum { ROSTER = 5 };

static struct hash hash_of(uint8_t fill)
{
    struct hash hash;
    memset(hash.bytes, fill, sizeof hash.bytes);
    return hash;
}

static void frames(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer out = {0};
    const struct hash run = hash_of(7);
    assert_true(result_ok(service_frame_write(SERVICE_SUBMIT, &run, view_text("payload"), &out)));
    struct service_frame frame;
    assert_true(result_ok(service_frame_read(buffer_view(&out), &frame)));
    assert_int_equal(frame.kind, SERVICE_SUBMIT);
    assert_true(hash_equal(&frame.run, &run));
    assert_true(view_equal(frame.payload, view_text("payload")));
    for (size_t length = 0; length < 4 + 2 + HASH_BYTES; length++)
        assert_int_equal(service_frame_read(view_of(out.data, length), &frame).category, CATEGORY_PEER);
    out.data[4] = 2;
    assert_int_equal(service_frame_read(buffer_view(&out), &frame).category, CATEGORY_PEER);
    assert_string_equal(result_reason(),
                        "the peer's messages have version 2 of their form and this program's version 1; install "
                        "one version on both sides");
    out.data[4] = SERVICE_FORM;
    out.data[5] = SERVICE_BUNDLE + 1;
    assert_int_equal(service_frame_read(buffer_view(&out), &frame).category, CATEGORY_PEER);
    out.data[5] = SERVICE_WAIT;
    out.data[0] = 'C';
    assert_int_equal(service_frame_read(buffer_view(&out), &frame).category, CATEGORY_PEER);
    assert_string_equal(result_reason(), "what came is no message of this protocol");
    buffer_clear(&out);
    assert_true(result_ok(service_frame_write(SERVICE_WAIT, NULL, view_of(NULL, 0), &out)));
    assert_true(result_ok(service_frame_read(buffer_view(&out), &frame)));
    assert_true(hash_is_zero(&frame.run));
    assert_int_equal(frame.payload.length, 0);
}

static void another_version_may_be_of_any_length(void **state)
{
    (void)state;
    struct service_frame frame;
    static const uint8_t bytes[] = {'c', 'o', 'f', 'd', 9};
    assert_int_equal(service_frame_read(view_of(bytes, sizeof bytes), &frame).category, CATEGORY_PEER);
    assert_non_null(strstr(result_reason(), "version 9"));
}

static struct service_submission submission_made(void)
{
    struct service_submission submission = {.cohort = members_all(ROSTER), .submitter = 3};
    members_remove(&submission.cohort, 2);
    memset(submission.nonce, 1, sizeof submission.nonce);
    memset(submission.signature.bytes, 2, sizeof submission.signature.bytes);
    submission.plan_note = view_text("a plan");
    return submission;
}

static void submissions(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer out = {0};
    struct service_submission in = submission_made(), back;
    assert_true(result_ok(service_submission_write(&in, &out)));
    assert_true(result_ok(service_submission_read(buffer_view(&out), ROSTER, &back)));
    assert_true(members_equal(&in.cohort, &back.cohort));
    assert_int_equal(back.submitter, 3);
    assert_memory_equal(in.nonce, back.nonce, sizeof in.nonce);
    assert_memory_equal(in.signature.bytes, back.signature.bytes, SIGN_BYTES);
    assert_true(view_equal(in.plan_note, back.plan_note));
    for (size_t length = 0; length < out.length; length++)
        assert_int_equal(service_submission_read(view_of(out.data, length), ROSTER, &back).category, CATEGORY_PEER);
    assert_true(result_ok(buffer_u8(&out, 0)));
    assert_int_equal(service_submission_read(buffer_view(&out), ROSTER, &back).category, CATEGORY_PEER);
}

static void submissions_out_of_range(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer out = {0};
    struct service_submission in = submission_made(), back;
    assert_true(result_ok(service_submission_write(&in, &out)));
    assert_int_equal(service_submission_read(buffer_view(&out), ROSTER + 1, &back).category, CATEGORY_PEER);
    assert_string_equal(result_reason(),
                        "a submission is over a roster of 5 members, the pinned one has 6; compare rosters");
    out.data[4] |= 0x80; /* a bit beyond the roster */
    assert_int_equal(service_submission_read(buffer_view(&out), ROSTER, &back).category, CATEGORY_PEER);
    out.data[4] = 0x03; /* a cohort of two */
    assert_int_equal(service_submission_read(buffer_view(&out), ROSTER, &back).category, CATEGORY_PEER);
    assert_string_equal(result_reason(), "a submission names a cohort of 2; 3 are the least");
    out.data[4] = 0x07;
    assert_true(result_ok(service_submission_read(buffer_view(&out), ROSTER, &back)));
    static const unsigned positions[] = {0, 6, 1000};
    for (size_t i = 0; i < 3; i++) {
        buffer_clear(&out);
        in.submitter = positions[i];
        assert_true(result_ok(service_submission_write(&in, &out)));
        assert_int_equal(service_submission_read(buffer_view(&out), ROSTER, &back).category, CATEGORY_PEER);
    }
    buffer_clear(&out);
    in = submission_made();
    in.plan_note = view_of(NULL, 0);
    assert_true(result_ok(service_submission_write(&in, &out)));
    assert_int_equal(service_submission_read(buffer_view(&out), ROSTER, &back).category, CATEGORY_PEER);
    assert_string_equal(result_reason(), "a submission without a plan");
    bytes_put_u32(out.data + out.length - 4, UINT32_MAX); /* a length that nobody has */
    assert_int_equal(service_submission_read(buffer_view(&out), ROSTER, &back).category, CATEGORY_PEER);
}

static void polls(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer out = {0};
    static struct service_poll_reader back;
    const struct hash known[] = {hash_of(1), hash_of(2)};
    assert_true(result_ok(service_poll_write(&(struct service_poll){known, 2}, &out)));
    assert_true(result_ok(service_poll_read(buffer_view(&out), &back)));
    assert_int_equal(back.known_count, 2);
    assert_true(hash_equal(&back.known[1], &known[1]));
    for (size_t length = 0; length < out.length; length++)
        assert_int_equal(service_poll_read(view_of(out.data, length), &back).category, CATEGORY_PEER);
    bytes_put_u32(out.data, SERVICE_KNOWN_MAX + 1);
    assert_int_equal(service_poll_read(buffer_view(&out), &back).category, CATEGORY_PEER);
    struct service_poll many = {known, SERVICE_KNOWN_MAX + 1};
    assert_int_equal(service_poll_write(&many, &out).category, CATEGORY_BUG);
}

static void items(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer out = {0};
    struct service_item in = {SERVICE_ITEM_OFFER, hash_of(3), view_text("one")}, back;
    assert_true(result_ok(service_item_write(&in, &out)));
    size_t first = out.length;
    in = (struct service_item){SERVICE_ITEM_ENDED, hash_of(4), view_of(NULL, 0)};
    assert_true(result_ok(service_item_write(&in, &out)));
    struct reader reader = reader_of(buffer_view(&out), "offers");
    bool got = false;
    assert_true(result_ok(service_item_read(&reader, &back, &got)) && got);
    assert_true(view_equal(back.bytes, view_text("one")));
    assert_true(result_ok(service_item_read(&reader, &back, &got)) && got);
    assert_int_equal(back.kind, SERVICE_ITEM_ENDED);
    assert_true(result_ok(service_item_read(&reader, &back, &got)) && !got);
    for (size_t length = 1; length < first; length++) {
        reader = reader_of(view_of(out.data, length), "offers");
        assert_int_equal(service_item_read(&reader, &back, &got).category, CATEGORY_PEER);
        assert_false(got);
    }
    static const uint8_t kinds[] = {0, 4, 255};
    for (size_t i = 0; i < sizeof kinds; i++) {
        out.data[0] = kinds[i];
        reader = reader_of(buffer_view(&out), "offers");
        assert_int_equal(service_item_read(&reader, &back, &got).category, CATEGORY_PEER);
    }
}

static void answers(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer out = {0};
    struct service_answer in = {.ok = false, .reason = "no \xe2\x80\x94 not this purpose"}, back;
    assert_true(result_ok(service_answer_write(&in, &out)));
    assert_true(result_ok(service_answer_read(buffer_view(&out), &back)));
    assert_false(back.ok);
    assert_string_equal(back.reason, in.reason);
    for (size_t length = 0; length < out.length; length++)
        assert_int_equal(service_answer_read(view_of(out.data, length), &back).category, CATEGORY_PEER);
    out.data[0] = 2;
    assert_int_equal(service_answer_read(buffer_view(&out), &back).category, CATEGORY_PEER);
    out.data[0] = 1;
    out.data[6] = '\n'; /* a terminal's control character */
    assert_int_equal(service_answer_read(buffer_view(&out), &back).category, CATEGORY_PEER);
    out.data[6] = 0xff;
    assert_int_equal(service_answer_read(buffer_view(&out), &back).category, CATEGORY_PEER);
}

/* A reason may be cut inside a character, or quote a peer's bytes: it is made clean, not refused by the receiver. */
static void reasons_are_cleaned(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {{"cut \xe2\x80", "cut "},
                 {"cut \xf0\x9f\x98", "cut "},
                 {"a\x1b[31mred", "a?[31mred"},
                 {"\xff\xff\xff\xff", "????"},
                 {"bad \xff name", "bad ? name"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP(buffer_done) struct buffer out = {0};
        struct service_answer in = {.ok = true}, back;
        (void)snprintf(in.reason, sizeof in.reason, "%s", cases[i].in);
        assert_true(result_ok(service_answer_write(&in, &out)));
        struct result result = service_answer_read(buffer_view(&out), &back);
        if (!result_ok(result)) fail_msg("%s", result_reason());
        assert_string_equal(back.reason, cases[i].out);
    }
}

static void statuses(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer out = {0};
    static struct service_run_status in, back;
    in = (struct service_run_status){.run = hash_of(9),
                                     .plan = "credit",
                                     .submitter = 2,
                                     .state = SERVICE_RUN_OPEN,
                                     .cohort = members_all(ROSTER),
                                     .awaited = members_none(ROSTER),
                                     .submitted_at = UINT64_C(1) << 40,
                                     .since = 5,
                                     .step = 6,
                                     .phase = "round 3: waiting for inputs",
                                     .progress = "Newton step 2"};
    members_add(&in.awaited, 5);
    assert_true(result_ok(service_run_status_write(&in, &out)));
    size_t length = out.length;
    assert_true(result_ok(service_run_status_write(&in, &out)));
    struct reader reader = reader_of(buffer_view(&out), "a status");
    bool got = false;
    for (unsigned i = 0; i < 2; i++) {
        memset(&back, 0, sizeof back);
        assert_true(result_ok(service_run_status_read(&reader, ROSTER, &back, &got)) && got);
        assert_true(hash_equal(&in.run, &back.run));
        assert_string_equal(back.plan, "credit");
        assert_int_equal(back.submitter, 2);
        assert_int_equal(back.state, SERVICE_RUN_OPEN);
        assert_true(members_equal(&in.cohort, &back.cohort) && members_equal(&in.awaited, &back.awaited));
        assert_true(back.submitted_at == in.submitted_at && back.since == 5 && back.step == 6);
        assert_string_equal(back.phase, in.phase);
        assert_string_equal(back.progress, in.progress);
    }
    assert_true(result_ok(service_run_status_read(&reader, ROSTER, &back, &got)) && !got);
    for (size_t cut = 1; cut < length; cut++) {
        reader = reader_of(view_of(out.data, cut), "a status");
        assert_int_equal(service_run_status_read(&reader, ROSTER, &back, &got).category, CATEGORY_PEER);
    }
    reader = reader_of(buffer_view(&out), "a status");
    assert_int_equal(service_run_status_read(&reader, ROSTER - 1, &back, &got).category, CATEGORY_PEER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames),      cmocka_unit_test(another_version_may_be_of_any_length),
        cmocka_unit_test(submissions), cmocka_unit_test(submissions_out_of_range),
        cmocka_unit_test(polls),       cmocka_unit_test(items),
        cmocka_unit_test(answers),     cmocka_unit_test(reasons_are_cleaned),
        cmocka_unit_test(statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
