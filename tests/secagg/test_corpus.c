/* The corpora of the fuzz targets hold real messages of this very protocol. With COFFERDAM_CORPUS set to the corpus
 * directory this test writes them; else it checks that those there are still taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/ok.h"
#include "tests/support/sequence.h"
#include "tests/support/stages.h"

enum { MESSAGE_AT = 5 }; /* in a sequence of one message */

static const char *directory(void)
{
    const char *given = getenv("COFFERDAM_CORPUS");
    return given ? given : "tests/fuzz/corpus";
}

static void write_file(const char *target, const char *name, struct view head, struct view bytes)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s/%s", directory(), target, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(head.data, 1, head.length, file), head.length);
    assert_int_equal(fwrite(bytes.data, 1, bytes.length, file), bytes.length);
    assert_int_equal(fclose(file), 0);
}

/* A message as it came, or around a body, where the run is held up in its stage (tests/support/sequence.h). */
static void write_sequence(const char *target, const char *name, uint8_t stage, bool whole, struct view bytes)
{
    CLEANUP(buffer_done) struct buffer head = {0};
    OK(buffer_u8(&head, stage));
    OK(buffer_u8(&head, 0));
    OK(buffer_u8(&head, whole ? SEQUENCE_RAW : SEQUENCE_BODY));
    if (!whole) OK(buffer_u8(&head, stage));
    OK(buffer_u8(&head, (uint8_t)bytes.length));
    OK(buffer_u8(&head, (uint8_t)(bytes.length >> 8)));
    write_file(target, name, buffer_view(&head), bytes);
}

static void write_wire(const char *name, enum wire_type type, struct view bytes)
{
    uint8_t first = (uint8_t)type;
    write_file("wire", name, view_of(&first, 1), bytes);
}

static size_t read_file(const char *target, const char *name, uint8_t *out, size_t size)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s/%s", directory(), target, name);
    FILE *file = fopen(path, "rb");
    if (!file) return 0;
    size_t length = fread(out, 1, size, file);
    assert_int_equal(fclose(file), 0);
    return length;
}

/* Writes a message and the first signed body within, for the three targets. */
struct writing {
    bool written[MESSAGE_KINDS_END];
};

static void write_signed(const struct stage *stage, const char *target, uint8_t index, struct view item)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct wire_signed one;
    char name[32];
    if (!result_ok(wire_signed_decode(item, 3, &arena, &one))) return;
    (void)snprintf(name, sizeof name, "body-%02u", stage->kind);
    write_sequence(target, name, index, false, one.body);
    write_wire(name, stage->type, one.body);
    (void)snprintf(name, sizeof name, "signed-%02u", stage->kind);
    write_wire(name, WIRE_SIGNED, item);
}

static struct view first_item(const struct message *message)
{
    switch (message->kind) {
    case MESSAGE_ROUND:
        return message->round.r0;
    case MESSAGE_PROPOSAL:
        return message->proposal.proposal;
    case MESSAGE_OPENED:
        return message->opened.open;
    case MESSAGE_HEADER:
        return message->header.header;
    case MESSAGE_AWAIT:
        return message->await.close;
    case MESSAGE_P1S:
    case MESSAGE_P2S:
    case MESSAGE_P2:
    case MESSAGE_ACKS:
    case MESSAGE_JOINED:
    case MESSAGE_CERTIFICATE:
    case MESSAGE_FINISHED:
        return message->list.items[0];
    default:
        return message->payload;
    }
}

static void write_message(struct writing *writing, const struct stage *stages, size_t count, const char *target,
                          const struct buffer *bytes)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    OK(message_decode(buffer_view(bytes), 3, &arena, &message));
    if (writing->written[message.kind]) return;
    for (size_t i = 0; i < count; i++) {
        if (stages[i].kind != message.kind) continue;
        if (message.kind == MESSAGE_AWAIT && !message.await.close.length) return;
        writing->written[message.kind] = true;
        char name[32];
        (void)snprintf(name, sizeof name, "message-%02u", message.kind);
        write_sequence(target, name, (uint8_t)i, true, buffer_view(bytes));
        write_signed(&stages[i], target, (uint8_t)i, first_item(&message));
    }
}

static bool on_request(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes)
{
    (void)cohort;
    if (from == 1) write_message(context, stage_requests, stage_requests_count, "coordinator", bytes);
    return true;
}

static bool on_reply(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    (void)cohort;
    if (to == 1) write_message(context, stage_replies, stage_replies_count, "node", bytes);
    return true;
}

static void write_corpus(void)
{
    struct cohort cohort;
    struct writing writing = {{false}};
    OK(cohort_init(&(struct cohort_config){.banks = 3, .words = 3, .rounds = 1, .epoch_rounds = 1, .seed = 9},
                   &cohort));
    cohort.hooks = (struct cohort_hooks){.context = &writing, .request = on_request, .reply = on_reply};
    OK(cohort_run(&cohort));
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    cohort_done(&cohort);
}

/* A recorded message stands under the stage that waits for it. */
static void check_target(const char *target, const struct stage *stages, size_t count)
{
    unsigned found = 0;
    for (size_t i = 0; i < count; i++) {
        char name[32];
        uint8_t bytes[16384];
        (void)snprintf(name, sizeof name, "message-%02u", stages[i].kind);
        size_t length = read_file(target, name, bytes, sizeof bytes);
        if (length < MESSAGE_AT) continue;
        found++;
        CLEANUP(wire_arena_done) struct wire_arena arena = {0};
        struct message message;
        assert_int_equal(bytes[0], i);
        OK(message_decode(view_of(bytes + MESSAGE_AT, length - MESSAGE_AT), 3, &arena, &message));
        assert_int_equal(message.kind, stages[i].kind);
    }
    assert_true(found >= 8);
}

static void the_corpora_hold_messages_of_this_protocol(void **state)
{
    (void)state;
    if (getenv("COFFERDAM_CORPUS")) write_corpus();
    check_target("node", stage_replies, stage_replies_count);
    check_target("coordinator", stage_requests, stage_requests_count);
}

static void every_stage_is_reached(void **state)
{
    (void)state;
    for (size_t i = 0; i < stage_replies_count + stage_requests_count; i++) {
        bool reply = i < stage_replies_count;
        const struct stage *stage = reply ? &stage_replies[i] : &stage_requests[i - stage_replies_count];
        struct cohort cohort;
        OK(stage_reach(&cohort, stage, reply));
        assert_false(cohort.parties[1].done);
        /* A body that is no body: signed, wrapped, refused. */
        struct buffer bytes = {0};
        unsigned party = reply ? 1 : 0;
        OK(stage_wrap(&cohort, stage, view_text("no body"), &bytes));
        OK(cohort_feed(&cohort, party, reply ? 0 : 1, buffer_view(&bytes)));
        assert_int_equal(cohort.parties[party].refused, 1);
        buffer_done(&bytes);
        cohort_done(&cohort);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_corpora_hold_messages_of_this_protocol),
        cmocka_unit_test(every_stage_is_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
