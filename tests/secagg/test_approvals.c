/* What officers signed stands in their bank's P1; one that is not of this plan, this bank or this roster, or that
 * nobody signed, makes the coordinator and every node refuse that P1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/secagg/coordinator.h"
#include "proto/secagg/node.h"
#include "tests/support/cohort.h"
#include "tests/support/officer.h"
#include "tests/support/ok.h"

enum { BANKS = 5, BANK = 2 };

static const struct cohort_config five = {.banks = BANKS, .words = 3, .rounds = 3, .epoch_rounds = 2};

/* ---- what is right */

static void assert_known(const struct provision *provision, unsigned count)
{
    for (unsigned j = 1; j <= BANKS; j++)
        assert_int_equal(provision->dealers[j].approvals_count, j == BANK ? count : 0);
}

static void approvals_are_in_every_p1_of_their_bank(void **state)
{
    (void)state;
    struct cohort cohort;
    OK(cohort_init(&five, &cohort));
    struct approval of_plan = cohort_approval(&cohort, BANK), of_run = of_plan;
    OK(run_id(&cohort.terms, &of_run.subject));
    of_run.of_run = true;
    of_run.decision = APPROVAL_CHANGE;
    OK(cohort_approve(&cohort, BANK, 1, &of_plan));
    OK(cohort_approve(&cohort, BANK, 2, &of_run));
    OK(cohort_run(&cohort));
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    assert_int_equal(cohort.coordinator->epoch.epoch, 2);
    assert_known(&cohort.coordinator->epoch, 2);
    for (unsigned j = 1; j <= BANKS; j++) assert_known(&cohort.parties[j].node->epoch, 2);
    const struct provision_approval *second = &cohort.coordinator->epoch.dealers[BANK].approvals[1];
    assert_true(second->of_run && second->change);
    assert_memory_equal(&second->officer, &of_run.officer, sizeof second->officer);
    cohort_done(&cohort);
}

/* Restarted with other approvals, the bank sends the P1 again that it sent before. */
static void a_restarted_bank_sends_the_same_p1(void **state)
{
    (void)state;
    struct cohort cohort;
    CLEANUP(buffer_done) struct buffer before = {0};
    OK(cohort_init(&five, &cohort));
    struct approval approval = cohort_approval(&cohort, BANK);
    OK(cohort_approve(&cohort, BANK, 1, &approval));
    cohort_lose(&cohort, MESSAGE_P1, BANK, true);
    OK(cohort_start_all(&cohort));
    OK(cohort_pump(&cohort));
    OK(buffer_append(&before, buffer_view(&cohort.parties[BANK].node->p1)));
    OK(cohort_approve(&cohort, BANK, 2, &approval));
    OK(cohort_start(&cohort, BANK));
    assert_true(view_equal(buffer_view(&cohort.parties[BANK].node->p1), buffer_view(&before)));
    cohort_lose(&cohort, MESSAGE_P1, BANK, false);
    OK(cohort_settle(&cohort));
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    assert_known(&cohort.coordinator->epoch, 2); /* the keys of the second epoch were made since */
    cohort_done(&cohort);
}

/* ---- what is not */

struct lie {
    struct view documents[APPROVALS_SHOWN_MAX + 1];
    size_t count;
};

static void append_field(struct view document, struct buffer *body)
{
    OK(buffer_u8(body, 12 << 3 | 2));
    OK(buffer_u8(body, (uint8_t)(document.length | 0x80)));
    OK(buffer_u8(body, (uint8_t)(document.length >> 7)));
    OK(buffer_append(body, document));
}

/* The bank's P1 with these approvals, byte by byte: some no encoder would write. */
static void forge(const struct cohort *cohort, const struct lie *lie, struct view one, struct buffer *out)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    CLEANUP(buffer_done) struct buffer body = {0};
    struct wire_signed message;
    OK(wire_signed_decode(one, BANKS, &arena, &message));
    OK(buffer_append(&body, message.body));
    for (size_t i = 0; i < lie->count; i++) append_field(lie->documents[i], &body);
    message.body = buffer_view(&body);
    OK(sign_bytes(cohort->keys[BANK], "p1", message.body, &message.signature));
    OK(wire_signed_encode(&message, out));
}

static bool lie_to_coordinator(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes)
{
    CLEANUP(buffer_done) struct buffer one = {0};
    if (from != BANK || bytes->data[1] != MESSAGE_P1) return true;
    forge(cohort, context, view_of(bytes->data + 2, bytes->length - 2), &one);
    buffer_clear(bytes);
    OK(message_wrap(MESSAGE_P1, buffer_view(&one), bytes));
    return true;
}

/* A coordinator that lets it pass. */
static bool lie_to_nodes(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    CLEANUP(buffer_done) struct buffer one = {0};
    struct message message;
    struct view views[BANKS];
    if (to == BANK || bytes->data[1] != MESSAGE_P1S) return true;
    OK(message_decode(buffer_view(bytes), BANKS, &arena, &message));
    memcpy(views, message.list.items, sizeof views);
    forge(cohort, context, views[BANK - 1], &one);
    views[BANK - 1] = buffer_view(&one);
    const struct wire_list list = {views, BANKS};
    buffer_clear(bytes);
    OK(message_encode(MESSAGE_P1S, &list, bytes));
    return true;
}

static void assert_refused(const struct lie *lie, const char *why)
{
    struct cohort cohort;
    OK(cohort_init(&five, &cohort));
    cohort.hooks.context = (void *)(uintptr_t)lie;
    cohort.hooks.request = lie_to_coordinator;
    OK(cohort_run(&cohort));
    if (!strstr(cohort.parties[0].refusal, why)) fail_msg("not \"%s\": %s", why, cohort.parties[0].refusal);
    assert_int_equal(cohort.coordinator->phase, PHASE_P1);
    cohort_done(&cohort);

    OK(cohort_init(&five, &cohort));
    cohort.hooks.context = (void *)(uintptr_t)lie;
    cohort.hooks.reply = lie_to_nodes;
    OK(cohort_run(&cohort));
    for (unsigned j = 1; j <= BANKS; j++) {
        if (j == BANK) continue;
        assert_false(cohort.parties[j].done);
        if (!strstr(cohort.parties[j].refusal, why) && !cohort_event(&cohort, why))
            fail_msg("bank %u, not \"%s\": %s", j, why, cohort.parties[j].refusal);
    }
    cohort_done(&cohort);
}

/* An approval that differs in something from one that is right. */
static void assert_unfit(struct approval approval, const char *why)
{
    CLEANUP(buffer_done) struct buffer document = {0};
    OK(officer_signs(1, &approval, &document));
    assert_refused(&(struct lie){{buffer_view(&document)}, 1}, why);
}

static void what_is_no_approval_of_this_run_is_refused(void **state)
{
    (void)state;
    struct cohort cohort;
    OK(cohort_init(&five, &cohort));
    struct approval right = cohort_approval(&cohort, BANK), other = right;
    cohort_done(&cohort);
    other.subject.bytes[0] ^= 1;
    assert_unfit(other, "an approval in P1 of bank2: it is of another plan");
    other.of_run = true;
    assert_unfit(other, "an approval in P1 of bank2: it is of another run");
    other = right;
    other.of_run = true; /* the plan's hash is no run's id */
    assert_unfit(other, "an approval in P1 of bank2: it is of another run");
    other = right;
    other.roster.bytes[31] ^= 0x80;
    assert_unfit(other, "an approval in P1 of bank2: it is for another roster");
    other = right;
    (void)snprintf(other.bank, sizeof other.bank, "bank3");
    assert_unfit(other, "an approval in P1 of bank2: it is of another bank");
    other = right;
    other.decision = APPROVAL_DENY;
    assert_unfit(other, "an approval in P1 of bank2: it denies the plan");
}

static void what_nobody_signed_is_refused(void **state)
{
    (void)state;
    struct cohort cohort;
    CLEANUP(buffer_done) struct buffer document = {0};
    OK(cohort_init(&five, &cohort));
    struct approval approval = cohort_approval(&cohort, BANK);
    cohort_done(&cohort);
    OK(officer_signs(1, &approval, &document));
    const struct lie lie = {{buffer_view(&document)}, 1};
    OK(buffer_u8(&document, 0)); /* for strstr, behind what is sent */
    document.length--;
    char *given = strstr((char *)document.data, "given 17");
    assert_non_null(given);
    given[strlen("given 1")] = '8';
    assert_refused(&lie, "an approval in P1 of bank2: the signature does not verify");
    given[strlen("given 1")] = '7';
    uint8_t *digit = &document.data[document.length - 2 * SIGN_BYTES - 1]; /* the first of the signature */
    *digit = *digit == '0' ? '1' : '0';
    assert_refused(&lie, "an approval in P1 of bank2: the signature does not verify");
    document.data[document.length - 1] = ' ';
    assert_refused(&lie, "an approval in P1 of bank2: an approval has a line \"signature ...\" here");
}

static void too_many_and_too_long_are_refused(void **state)
{
    (void)state;
    struct cohort cohort;
    struct buffer documents[APPROVALS_SHOWN_MAX + 1] = {0};
    struct lie lie = {.count = APPROVALS_SHOWN_MAX + 1};
    OK(cohort_init(&five, &cohort));
    struct approval approval = cohort_approval(&cohort, BANK);
    cohort_done(&cohort);
    for (unsigned i = 0; i < lie.count; i++) {
        OK(officer_signs(i + 1, &approval, &documents[i]));
        lie.documents[i] = buffer_view(&documents[i]);
    }
    assert_refused(&lie, "P1 has 5 items, more than 4");
    assert_refused(&(struct lie){{lie.documents[0], lie.documents[1], lie.documents[0]}, 3},
                   "P1 of bank2 has two approvals of one officer");
    while (documents[0].length <= APPROVAL_MAX_BYTES) OK(buffer_u8(&documents[0], '\n'));
    assert_refused(&(struct lie){{buffer_view(&documents[0])}, 1}, "an item of P1 has 1025 bytes");
    for (size_t i = 0; i < lie.count; i++) buffer_done(&documents[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(approvals_are_in_every_p1_of_their_bank),
        cmocka_unit_test(a_restarted_bank_sends_the_same_p1),
        cmocka_unit_test(what_is_no_approval_of_this_run_is_refused),
        cmocka_unit_test(what_nobody_signed_is_refused),
        cmocka_unit_test(too_many_and_too_long_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
