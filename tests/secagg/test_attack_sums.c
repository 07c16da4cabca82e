/* 9, continued, and 8: what a coordinator could show instead of the sum, and a bank instead of its acknowledgement. */
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
#include "tests/support/ok.h"

static const struct cohort_config five = {.banks = 5, .words = 8, .rounds = 3, .epoch_rounds = 8};

static bool refuses(struct cohort *cohort, unsigned bank, enum message_kind kind, const void *payload)
{
    struct buffer bytes = {0};
    unsigned before = cohort->parties[bank].refused;
    OK(message_encode(kind, payload, &bytes));
    OK(cohort_feed(cohort, bank, 0, buffer_view(&bytes)));
    buffer_done(&bytes);
    return cohort->parties[bank].refused > before;
}

/* Which votes a forged certificate has. */
struct forgery {
    unsigned signers[5];
    size_t count;
    unsigned odd;             /* this one says another sum; 0: none */
    const struct hash *run;   /* NULL: this run */
    const struct hash *state; /* NULL: the true one */
    const char *label;        /* NULL: close */
    unsigned borrowed;        /* this one shows another's cosignature; 0: none */
};

/* A closed sum for a bank at step 0, as its coordinator might forge it out of what it has signed before. */
static bool closes(struct cohort *cohort, unsigned bank, const struct wire_close *truth, const struct forgery *forgery)
{
    struct buffer items[5] = {0}, list_bytes = {0};
    struct view views[5];
    for (size_t i = 0; i < forgery->count; i++) {
        struct wire_close vote = *truth;
        if (forgery->run) vote.run = *forgery->run;
        if (forgery->state) vote.state = *forgery->state;
        if (forgery->signers[i] == forgery->odd) vote.sum.bytes[3] ^= 1;
        if (vote.step == 0 && forgery->signers[i] != forgery->borrowed)
            OK(cohort_cosign(cohort, forgery->signers[i], &(struct run_log){0}, &vote));
        OK(cohort_sign(cohort, forgery->signers[i], forgery->label ? forgery->label : "close", WIRE_CLOSE, &vote,
                       &items[i]));
        views[i] = buffer_view(&items[i]);
    }
    struct wire_list list = {views, forgery->count};
    OK(wire_list_encode(&list, &list_bytes));
    struct wire_closed closed = {.step = truth->step, .close = buffer_view(&list_bytes)};
    bool taken = !refuses(cohort, bank, MESSAGE_CLOSED, &closed);
    for (size_t i = 0; i < forgery->count; i++) buffer_done(&items[i]);
    buffer_done(&list_bytes);
    return taken;
}

/* Bank 5 was away while the others closed a sum. */
static void a_late_bank_takes_no_forged_certificate(void **state)
{
    (void)state;
    struct cohort cohort;
    OK(cohort_init(&five, &cohort));
    cohort_lose(&cohort, MESSAGE_RELEASE, 5, true);
    OK(cohort_run(&cohort));
    struct secagg_node *late = cohort.parties[5].node;
    assert_int_equal(late->state, NODE_RELEASED);
    assert_true(secagg_coordinator_fold(cohort.coordinator)->step > 0);
    const struct wire_close truth = cohort.parties[1].node->closed;
    assert_int_equal(truth.step, 0);
    const struct hash other_run = {{1}};
    static const struct forgery forgeries[] = {
        {.signers = {1, 2, 3}, .count = 3},
        {.signers = {1, 2, 3, 3}, .count = 4},
        {.signers = {1, 2, 3, 0}, .count = 4},
        {.signers = {1, 2, 3, 4}, .count = 4, .odd = 4},
        {.signers = {1, 2, 3, 4}, .count = 4, .label = "r2"},
        {.signers = {1, 2, 3, 4}, .count = 4, .borrowed = 3},
        {.count = 0},
    };
    for (size_t i = 0; i < sizeof forgeries / sizeof *forgeries; i++)
        assert_false(closes(&cohort, 5, &truth, &forgeries[i]));
    assert_false(closes(&cohort, 5, &truth, &(struct forgery){.signers = {1, 2, 3, 4}, .count = 4, .run = &other_run}));
    struct wire_close later = truth;
    later.step = 1;
    assert_false(closes(&cohort, 5, &later, &(struct forgery){.signers = {1, 2, 3, 4}, .count = 4}));
    assert_int_equal(late->state, NODE_RELEASED);
    assert_int_equal(secagg_node_fold(late)->step, 0);
    cohort_lose(&cohort, MESSAGE_RELEASE, 5, false);
    OK(cohort_settle(&cohort));
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    cohort_done(&cohort);
}

/* t banks sign another state than the sum leads to: f of them at most are traitors, so the programs differ. */
static void a_state_that_does_not_follow_from_the_sum_ends_the_run(void **state)
{
    (void)state;
    struct cohort cohort;
    OK(cohort_init(&five, &cohort));
    cohort_lose(&cohort, MESSAGE_RELEASE, 5, true);
    cohort_lose(&cohort, MESSAGE_REFUSE, 5, true);
    OK(cohort_run(&cohort));
    struct secagg_node *late = cohort.parties[5].node;
    const struct wire_close truth = cohort.parties[1].node->closed;
    const struct hash false_state = {{7}};
    assert_true(
        closes(&cohort, 5, &truth, &(struct forgery){.signers = {1, 2, 3, 4}, .count = 4, .state = &false_state}));
    assert_int_equal(late->state, NODE_CATCHING);
    cohort_lose(&cohort, MESSAGE_RELEASE, 5, false);
    OK(cohort_settle(&cohort));
    assert_int_equal(late->state, NODE_ENDING);
    assert_true(cohort_event(&cohort, "the programs differ"));
    cohort_done(&cohort);
}

struct opening {
    unsigned bank, what;
};

/* Shows one bank another secret, another header, another set, another round. */
static bool forge_opening(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    const struct opening *opening = context;
    if (bytes->data[1] != MESSAGE_OPENED || to != opening->bank) return true;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    struct wire_signed one;
    struct wire_open open;
    uint8_t secrets[5 * 32];
    struct view headers[5];
    OK(message_decode(buffer_view(bytes), 5, &arena, &message));
    struct wire_opened opened = message.opened;
    OK(wire_signed_decode(opened.open, 5, &arena, &one));
    OK(wire_open_decode(one.body, 5, &arena, &open));
    memcpy(secrets, opened.secrets.data, sizeof secrets);
    memcpy(headers, opened.headers.items, sizeof headers);
    if (opening->what == 0) secrets[40] ^= 1;
    if (opening->what == 1) headers[1] = headers[2];
    if (opening->what == 2) members_remove(&open.survivors, 3);
    if (opening->what == 3) open.headers.bytes[0] ^= 1;
    if (opening->what == 4) open.ctx.bytes[0] ^= 1;
    if (opening->what == 5) open.round++;
    opened.secrets = view_of(secrets, sizeof secrets);
    opened.headers.items = headers;
    struct buffer forged = {0}, other = {0};
    OK(cohort_sign(cohort, 0, "open", WIRE_OPEN, &open, &forged));
    opened.open = buffer_view(&forged);
    OK(message_encode(MESSAGE_OPENED, &opened, &other));
    buffer_done(bytes);
    *bytes = other;
    buffer_done(&forged);
    return true;
}

static void nothing_but_what_is_certified_is_opened(void **state)
{
    (void)state;
    for (unsigned what = 0; what < 6; what++) {
        struct cohort cohort;
        struct opening opening = {.bank = 3, .what = what};
        OK(cohort_init(&five, &cohort));
        cohort.hooks = (struct cohort_hooks){.context = &opening, .reply = forge_opening};
        OK(cohort_run(&cohort));
        struct secagg_node *node = cohort.parties[3].node;
        /* The forged one is refused. What four banks closed is checked by its certificate. */
        bool ends = what >= 2 && what <= 4; /* it is signed, and not what was certified */
        assert_true(ends ? cohort.parties[3].failed : cohort.parties[3].refused > 0);
        assert_true(ends ? node->fold.step == 0 : node->state == NODE_RELEASED || node->fold.step > 0);
        if (cohort_all_done(&cohort)) cohort_assert_done(&cohort, &cohort.terms.cohort);
        cohort_done(&cohort);
    }
}

/* The signed OPEN of a false sum is kept with its signature: else it would prove nothing. */
static bool forge_sum(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    (void)to;
    if (bytes->data[1] != MESSAGE_OPENED) return true;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct buffer *kept = context, other = {0};
    struct message message;
    struct wire_signed one;
    struct wire_open open;
    OK(message_decode(buffer_view(bytes), 5, &arena, &message));
    OK(wire_signed_decode(message.opened.open, 5, &arena, &one));
    OK(wire_open_decode(one.body, 5, &arena, &open));
    open.sum.bytes[0] ^= 1;
    buffer_clear(kept);
    OK(cohort_sign(cohort, 0, "open", WIRE_OPEN, &open, kept));
    message.opened.open = buffer_view(kept);
    OK(message_encode(MESSAGE_OPENED, &message.opened, &other));
    buffer_done(bytes);
    *bytes = other;
    return true;
}

static void a_forged_sum_proves_who_forged_it(void **state)
{
    (void)state;
    struct cohort cohort;
    struct buffer kept = {0};
    OK(cohort_init(&five, &cohort));
    cohort.hooks = (struct cohort_hooks){.context = &kept, .reply = forge_sum};
    cohort_lose(&cohort, MESSAGE_REFUSE, 0, true);
    OK(cohort_run(&cohort));
    for (unsigned i = 1; i <= 5; i++) {
        const struct record_map *map = &cohort.parties[i].records.maps[0][0];
        bool found = false;
        for (size_t k = 0; k < map->count; k++)
            found = found || (strcmp(map->items[k].key, "evidence/sum/00001") == 0 &&
                              memmem(map->items[k].value.data, map->items[k].value.length, kept.data, kept.length));
        assert_true(found);
    }
    buffer_done(&kept);
    cohort_done(&cohort);
}

/* How many refused messages of a kind a bank keeps in a round; found: `bytes` is one of them. */
static unsigned kept_refused(const struct cohort *cohort, unsigned bank, const char *prefix, struct view bytes,
                             bool *ret_found)
{
    const struct record_map *map = &cohort->parties[bank].records.maps[0][0];
    unsigned count = 0;
    for (size_t i = 0; i < map->count; i++) {
        if (strncmp(map->items[i].key, prefix, strlen(prefix)) != 0) continue;
        count++;
        *ret_found = *ret_found || view_equal(buffer_view(&map->items[i].value), bytes);
    }
    return count;
}

static void a_refused_round_is_kept_with_its_signature(void **state)
{
    (void)state;
    struct cohort cohort;
    OK(cohort_init(&five, &cohort));
    cohort_lose(&cohort, MESSAGE_ROUND, 2, true);
    OK(cohort_start_all(&cohort));
    OK(cohort_settle(&cohort));
    assert_int_equal(cohort.parties[2].node->state, NODE_READY);
    for (unsigned i = 0; i < 5; i++) {
        struct secagg_node *node = cohort.parties[2].node;
        struct wire_r0 terms = cohort.coordinator->round.terms;
        struct buffer r0 = {0};
        bool found = false;
        terms.state.bytes[i] ^= 1;
        OK(cohort_sign(&cohort, 0, "r0", WIRE_R0, &terms, &r0));
        struct wire_round round = {.r0 = buffer_view(&r0)};
        for (unsigned again = 0; again < 2; again++) assert_true(refuses(&cohort, 2, MESSAGE_ROUND, &round));
        assert_non_null(strstr(cohort.parties[2].refusal, "another state than the one this bank computed"));
        assert_int_equal(node->state, NODE_READY);
        assert_false(node->busy);
        unsigned kept = kept_refused(&cohort, 2, "evidence/refused/r0/00000/", buffer_view(&r0), &found);
        assert_int_equal(kept, i < EVIDENCE_REFUSED_MAX ? i + 1 : EVIDENCE_REFUSED_MAX);
        assert_int_equal(found, i < EVIDENCE_REFUSED_MAX);
        buffer_done(&r0);
        if (i != 1) continue;
        OK(cohort_start(&cohort, 2)); /* what is kept stays the first */
        OK(cohort_settle(&cohort));
    }
    assert_true(cohort_event(&cohort, "it is refused and kept as evidence: R0 of round 1 names another state"));
    cohort_lose(&cohort, MESSAGE_ROUND, 2, false);
    OK(cohort_settle(&cohort));
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    cohort_done(&cohort);
}

/* A step that this bank has left: an R0 of it may only be late, and its coordinator is not accused. */
static void a_late_round_is_no_evidence(void **state)
{
    (void)state;
    struct cohort cohort;
    struct buffer r0 = {0};
    bool found = false;
    OK(cohort_init(&five, &cohort));
    OK(cohort_start_all(&cohort));
    cohort_lose(&cohort, MESSAGE_ROUND, 2, true);
    OK(cohort_settle(&cohort));
    struct secagg_node *node = cohort.parties[2].node;
    node->fold.step++;
    OK(cohort_sign(&cohort, 0, "r0", WIRE_R0, &cohort.coordinator->round.terms, &r0));
    struct wire_round round = {.r0 = buffer_view(&r0)};
    assert_true(refuses(&cohort, 2, MESSAGE_ROUND, &round));
    assert_int_equal(kept_refused(&cohort, 2, "evidence/", buffer_view(&r0), &found), 0);
    buffer_done(&r0);
    cohort_done(&cohort);
}

static void a_refused_proposal_is_kept_with_its_signature(void **state)
{
    (void)state;
    struct cohort cohort;
    struct buffer proposal = {0};
    bool found = false;
    OK(cohort_init(&five, &cohort));
    cohort_lose(&cohort, MESSAGE_PROPOSAL, 0, true);
    OK(cohort_start_all(&cohort));
    OK(cohort_settle(&cohort));
    struct secagg_node *node = cohort.parties[2].node;
    assert_int_equal(node->state, NODE_UPLOADING);
    struct wire_r2 other = {
        .run = node->run.id, .epoch = 1, .round = 1, .ctx = node->round.ctx, .survivors = cohort.terms.cohort};
    members_remove(&other.survivors, 4);
    OK(cohort_sign(&cohort, 0, "r2", WIRE_R2, &other, &proposal));
    struct wire_proposal message = {.proposal = buffer_view(&proposal)};
    assert_true(refuses(&cohort, 2, MESSAGE_PROPOSAL, &message));
    assert_int_equal(node->state, NODE_UPLOADING);
    assert_int_equal(kept_refused(&cohort, 2, "evidence/", buffer_view(&proposal), &found), 1);
    assert_true(found);
    cohort_lose(&cohort, MESSAGE_PROPOSAL, 0, false);
    OK(cohort_settle(&cohort));
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    buffer_done(&proposal);
    cohort_done(&cohort);
}

/* Bank 5 acknowledges a set before there is one: the coordinator would be blamed for showing two. */
static bool early_ack(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes)
{
    bool *sent = context;
    if (from != 5 || bytes->data[1] != MESSAGE_P1 || *sent) return true;
    *sent = true;
    struct wire_ack ack = {.run = cohort->parties[5].node->run.id, .epoch = 1, .counter = 2};
    ack.dealers = cohort->terms.cohort;
    struct buffer one = {0}, message = {0};
    OK(cohort_sign(cohort, 5, "ack", WIRE_ACK, &ack, &one));
    OK(message_wrap(MESSAGE_ACK, buffer_view(&one), &message));
    OK(cohort_feed(cohort, 0, 5, buffer_view(&message)));
    buffer_done(&one);
    buffer_done(&message);
    return true;
}

static void nobody_acknowledges_a_set_that_is_not_there(void **state)
{
    (void)state;
    struct cohort cohort;
    bool sent = false;
    OK(cohort_init(&five, &cohort));
    cohort.hooks = (struct cohort_hooks){.context = &sent, .request = early_ack};
    OK(cohort_run(&cohort));
    assert_true(sent);
    assert_int_equal(cohort.parties[0].refused, 1);
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    cohort_done(&cohort);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_late_bank_takes_no_forged_certificate),
        cmocka_unit_test(a_state_that_does_not_follow_from_the_sum_ends_the_run),
        cmocka_unit_test(nothing_but_what_is_certified_is_opened),
        cmocka_unit_test(a_forged_sum_proves_who_forged_it),
        cmocka_unit_test(a_refused_round_is_kept_with_its_signature),
        cmocka_unit_test(a_late_round_is_no_evidence),
        cmocka_unit_test(a_refused_proposal_is_kept_with_its_signature),
        cmocka_unit_test(nobody_acknowledges_a_set_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
