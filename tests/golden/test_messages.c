/* Messages of each version of the protocol as bytes, in tests/golden/protocol-N.txt: of every kind one, decoded and
 * encoded to the same bytes by this program, which also makes the same of what it speaks. A file is written once, for a
 * release with a new version: with COFFERDAM_GOLDEN set to the directory this test writes those that are not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/protocol.h"
#include "proto/run/service.h"
#include "proto/wire/schema.h"
#include "sys/file.h"
#include "tests/support/cohort.h"
#include "tests/support/ok.h"

enum { BANKS = 5, GOLDEN_MOST = 1 << 20, LINE_MOST = 4096 };

/* ---- one message of each kind, filled from the limits of its fields */

static uint8_t pattern[64];

static size_t between(uint64_t least, uint64_t most, uint64_t wanted)
{
    if (wanted < least) return (size_t)least;
    return (size_t)(wanted < most ? wanted : most);
}

static void fill(enum wire_type type, unsigned version, struct view items[2], void *message)
{
    const struct wire_schema *schema = wire_schema_of(type);
    memset(message, 0, schema->size);
    for (size_t i = 0; i < schema->rules_count; i++) {
        const struct wire_rule *rule = &schema->rules[i];
        uint8_t *field = (uint8_t *)message + rule->offset;
        switch (rule->kind) {
        case RULE_U32:
            *(uint32_t *)(void *)field = (uint32_t)between(rule->least, rule->most, i + 1);
            break;
        case RULE_U64:
            *(uint64_t *)(void *)field = between(rule->least, rule->most, 300 + i);
            break;
        case RULE_BYTES:
            memcpy(field, pattern, rule->most);
            break;
        case RULE_VIEW:
            *(struct view *)(void *)field = view_of(pattern, between(rule->least, rule->most, 5 + i));
            break;
        case RULE_VIEWS:
            *(struct wire_list *)(void *)field = (struct wire_list){items, 2};
            break;
        case RULE_MEMBERS:
            *(struct members *)(void *)field = members_all(BANKS);
            break;
        case RULE_REASON:
            *(struct view *)(void *)field = view_text("a reason");
            break;
        }
    }
    if (type == WIRE_P1 && version < PROTOCOL_APPROVALS) ((struct wire_p1 *)message)->approvals.count = 0;
}

static void line(const char *name, unsigned number, struct view bytes, struct buffer *out)
{
    char hex[LINE_MOST];
    assert_true(2 * bytes.length < sizeof hex);
    bytes_hex(bytes, hex);
    OK(buffer_format(out, "%s %u %s\n", name, number, hex));
}

static void make_wire(unsigned version, struct buffer *out)
{
    union {
        struct wire_opened opened;
        struct wire_close close;
        struct wire_p1 p1;
        uint8_t room[1024];
    } message;
    struct view items[2] = {view_of(pattern, 7), view_of(pattern, 9)};
    for (unsigned type = 0; type < WIRE_TYPES; type++) {
        CLEANUP(buffer_done) struct buffer bytes = {0};
        assert_true(wire_schema_of((enum wire_type)type)->size <= sizeof message);
        fill((enum wire_type)type, version, items, &message);
        OK(wire_encode((enum wire_type)type, &message, &bytes));
        line("body", type, buffer_view(&bytes), out);
    }
    for (unsigned kind = 1; kind < MESSAGE_KINDS_END; kind++) {
        CLEANUP(buffer_done) struct buffer bytes = {0};
        if (strcmp(message_name(kind), "an unknown message") == 0) continue;
        fill(message_type((enum message_kind)kind), version, items, &message);
        OK(message_encode((enum message_kind)kind, &message, &bytes));
        line("message", kind, buffer_view(&bytes), out);
    }
}

/* ---- service frames */

static const struct hash *some_hash(void)
{
    static struct hash hash;
    memcpy(hash.bytes, pattern, sizeof hash.bytes);
    return &hash;
}

static void payload_of(enum service_kind kind, unsigned version, struct buffer *out)
{
    const struct service_answer answer = {.ok = kind == SERVICE_ANSWER, .reason = "a sentence"};
    struct service_submission submission = {
        .cohort = members_all(BANKS), .submitter = 2, .plan_note = view_text("a plan\n"), .version = version};
    struct service_run_status status = {.run = *some_hash(),
                                        .plan = "a plan",
                                        .submitter = 2,
                                        .state = SERVICE_RUN_OPEN,
                                        .cohort = members_all(BANKS),
                                        .awaited = members_none(BANKS),
                                        .submitted_at = 5,
                                        .since = 6,
                                        .step = 7,
                                        .phase = "a phase",
                                        .progress = "a sum"};
    const struct service_item item = {SERVICE_ITEM_ATTEST, *some_hash(), view_of(pattern, 9)};
    switch (kind) {
    case SERVICE_WAIT:
        break;
    case SERVICE_RUN:
    case SERVICE_ATTEST:
        OK(buffer_append(out, view_of(pattern, 9))); /* a message */
        break;
    case SERVICE_SUBMIT:
        OK(service_submission_write(&submission, out));
        break;
    case SERVICE_POLL:
        OK(service_poll_write(&(struct service_poll){some_hash(), 1}, out));
        break;
    case SERVICE_OFFERS:
        OK(service_item_write(&item, out));
        break;
    case SERVICE_REFUSE:
    case SERVICE_CANCEL:
    case SERVICE_ANSWER:
    case SERVICE_ENDED:
        OK(service_answer_write(&answer, out));
        break;
    case SERVICE_STATUS:
        OK(service_run_status_write(&status, out));
        break;
    case SERVICE_BUNDLE:
        OK(service_piece_write(&(struct service_piece){99, view_of(pattern, 9)}, out));
        break;
    }
}

/* Reads a payload and writes it again; appended. */
static void payload_again(const struct service_frame *frame, struct buffer *out)
{
    struct reader reader = reader_of(frame->payload, "a payload");
    struct service_answer answer;
    struct service_submission submission;
    static struct service_poll_reader poll;
    struct service_item item;
    struct service_run_status status;
    struct service_piece piece;
    bool got = false;
    switch (frame->kind) {
    case SERVICE_WAIT:
    case SERVICE_RUN:
    case SERVICE_ATTEST:
        OK(buffer_append(out, frame->payload));
        break;
    case SERVICE_SUBMIT:
        OK(service_submission_read(frame->payload, BANKS, &submission));
        OK(service_submission_write(&submission, out));
        break;
    case SERVICE_POLL:
        OK(service_poll_read(frame->payload, &poll));
        OK(service_poll_write(&(struct service_poll){poll.known, poll.known_count}, out));
        break;
    case SERVICE_OFFERS:
        OK(service_item_read(&reader, &item, &got));
        OK(service_item_write(&item, out));
        break;
    case SERVICE_REFUSE:
    case SERVICE_CANCEL:
    case SERVICE_ANSWER:
    case SERVICE_ENDED:
        OK(service_answer_read(frame->payload, &answer));
        OK(service_answer_write(&answer, out));
        break;
    case SERVICE_STATUS:
        OK(service_run_status_read(&reader, BANKS, &status, &got));
        OK(service_run_status_write(&status, out));
        break;
    case SERVICE_BUNDLE:
        OK(service_piece_read(frame->payload, &piece));
        OK(service_piece_write(&piece, out));
        break;
    }
}

static void make_service(unsigned version, struct buffer *out)
{
    for (unsigned kind = SERVICE_WAIT; kind <= SERVICE_BUNDLE; kind++) {
        CLEANUP(buffer_done) struct buffer payload = {0}, frame = {0};
        payload_of((enum service_kind)kind, version, &payload);
        OK(service_frame_write((enum service_kind)kind, some_hash(), buffer_view(&payload), &frame));
        line("frame", kind, buffer_view(&frame), out);
    }
}

/* ---- what is signed and derived under the version: a run's id, and the terms' hash with it */

static void make_hashes(unsigned version, struct buffer *out)
{
    struct cohort cohort;
    struct hash id, ctx;
    OK(cohort_init(&(struct cohort_config){.banks = BANKS, .words = 1, .rounds = 1, .seed = 1, .version = version},
                   &cohort));
    OK(run_id(&cohort.terms, &id));
    const struct wire_r0 terms = {.run = id, .epoch = 1, .round = 2, .step = 1, .roster = *some_hash()};
    OK(ctx_of(&terms, &ctx));
    line("run", 0, hash_view(&id), out);
    line("ctx", 0, hash_view(&ctx), out);
    cohort_done(&cohort);
}

static void make(unsigned version, struct buffer *out)
{
    make_wire(version, out);
    make_service(version, out);
    make_hashes(version, out);
}

/* ---- the files */

static void path_of(unsigned version, char path[FILE_PATH_MAX])
{
    const char *given = getenv("COFFERDAM_GOLDEN");
    (void)snprintf(path, FILE_PATH_MAX, "%s/protocol-%u.txt", given ? given : "tests/golden", version);
}

static void each_spoken_version_is_made_as_ever(void **state)
{
    (void)state;
    for (unsigned version = protocol_spoken.oldest; version <= protocol_spoken.newest; version++) {
        CLEANUP(buffer_done) struct buffer golden = {0}, made = {0};
        char path[FILE_PATH_MAX];
        path_of(version, path);
        make(version, &made);
        if (getenv("COFFERDAM_GOLDEN") && !file_exists(path)) OK(file_write(path, buffer_view(&made), 0644));
        OK(file_read(path, GOLDEN_MOST, &golden));
        if (!view_equal(buffer_view(&golden), buffer_view(&made)))
            fail_msg("%s: this program makes other bytes of this version; what is sent otherwise is a new version",
                     path);
    }
}

/* Decodes what a line has, and encodes it. */
static void assert_same(const char *what, unsigned number, struct view bytes)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    CLEANUP(buffer_done) struct buffer again = {0}, payload = {0};
    struct message message;
    struct service_frame frame;
    uint8_t body[1024];
    if (strcmp(what, "body") == 0) {
        OK(wire_decode((enum wire_type)number, bytes, BANKS, &arena, body));
        OK(wire_encode((enum wire_type)number, body, &again));
    } else if (strcmp(what, "message") == 0) {
        OK(message_decode(bytes, BANKS, &arena, &message));
        assert_int_equal(message.kind, number);
        OK(message_encode(message.kind, &message.one, &again));
    } else if (strcmp(what, "frame") == 0) {
        OK(service_frame_read(bytes, &frame));
        assert_int_equal(frame.kind, number);
        payload_again(&frame, &payload);
        OK(service_frame_write(frame.kind, &frame.run, buffer_view(&payload), &again));
    } else {
        OK(buffer_append(&again, bytes)); /* a hash */
    }
    if (!view_equal(buffer_view(&again), bytes)) fail_msg("%s %u is encoded otherwise than it came", what, number);
}

/* Also those that are spoken no more: a bundle of then is read now. */
static void every_version_is_read_as_it_was_written(void **state)
{
    (void)state;
    for (unsigned version = 1; version <= protocol_spoken.newest; version++) {
        CLEANUP(buffer_done) struct buffer golden = {0};
        char path[FILE_PATH_MAX], what[16], *rest = NULL;
        const char *text = NULL;
        unsigned number = 0, lines = 0;
        path_of(version, path);
        OK(file_read(path, GOLDEN_MOST, &golden));
        OK(buffer_terminate(&golden, &text));
        for (char *at = strtok_r((char *)(uintptr_t)text, "\n", &rest); at; at = strtok_r(NULL, "\n", &rest), lines++) {
            uint8_t bytes[LINE_MOST / 2];
            int skip = 0;
            assert_int_equal(sscanf(at, "%15s %u %n", what, &number, &skip), 2);
            size_t length = strlen(at + skip) / 2;
            assert_true(length <= sizeof bytes);
            OK(bytes_unhex(view_text(at + skip), bytes, length));
            assert_same(what, number, view_of(bytes, length));
        }
        assert_true(lines >= WIRE_TYPES + 31 + SERVICE_BUNDLE + 1 + 2);
    }
}

/* A program of version 1 makes nothing of what came with version 2. */
static void the_versions_differ_where_they_say(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer first = {0}, second = {0};
    make(1, &first);
    make(2, &second);
    unsigned differing = 0;
    const char *a, *b;
    char *rest_a = NULL, *rest_b = NULL;
    OK(buffer_terminate(&first, &a));
    OK(buffer_terminate(&second, &b));
    char *one = strtok_r((char *)(uintptr_t)a, "\n", &rest_a), *two = strtok_r((char *)(uintptr_t)b, "\n", &rest_b);
    for (; one && two; one = strtok_r(NULL, "\n", &rest_a), two = strtok_r(NULL, "\n", &rest_b)) {
        if (strcmp(one, two) == 0) continue;
        differing++;
        bool expected = strncmp(one, "body 4 ", 7) == 0 || strncmp(one, "frame 2 ", 8) == 0 ||
                        strncmp(one, "run ", 4) == 0 || strncmp(one, "ctx ", 4) == 0;
        if (!expected) fail_msg("another difference: %.40s", one);
    }
    assert_true(!one && !two);
    assert_int_equal(differing, 4); /* P1, SUBMIT, the run's id and what hangs on it */
}

int main(void)
{
    for (size_t i = 0; i < sizeof pattern; i++) pattern[i] = (uint8_t)(3 * i + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_spoken_version_is_made_as_ever),
        cmocka_unit_test(every_version_is_read_as_it_was_written),
        cmocka_unit_test(the_versions_differ_where_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
