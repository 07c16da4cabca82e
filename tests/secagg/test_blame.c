/* False shares, false deals and false complaints name their author; pre-shared keys; sampled checks of large sums;
 * and garbage of every kind, in every state, changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/secagg/coordinator.h"
#include "proto/secagg/node.h"
#include "tests/support/liars.h"
#include "tests/support/ok.h"

static const struct cohort_config five = {.banks = 5, .words = 8, .rounds = 2, .epoch_rounds = 2};

static void a_false_share_names_its_author_and_the_sum_is_right(void **state)
{
    (void)state;
    struct cohort cohort;
    OK(cohort_init(&five, &cohort));
    struct liar_share share = {.dealer = 4};
    cohort.hooks = (struct cohort_hooks){.context = &share, .request = liar_false_share};
    OK(cohort_run(&cohort));
    assert_true(cohort_event(&cohort, "round 1: bank2 released a share of bank4 that was not dealt to it"));
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    cohort_done(&cohort);
}

static void a_false_deal_names_the_dealer_and_ends_the_run(void **state)
{
    (void)state;
    struct cohort cohort;
    OK(cohort_init(&five, &cohort));
    cohort.hooks.request = liar_false_deal;
    OK(cohort_run(&cohort));
    assert_true(cohort.parties[0].failed);
    assert_non_null(strstr(cohort.parties[0].reason, "the shares that bank2 dealt for round 1 do not lead to"));
    for (unsigned i = 1; i <= 5; i++) assert_true(cohort.parties[i].failed);
    cohort_done(&cohort);
}

struct complaint {
    unsigned times;
};

/* Bank 3 says that what bank 1 dealt does not hold. */
static bool false_complaint(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes)
{
    struct complaint *complaint = context;
    if (from != 3 || bytes->data[1] != MESSAGE_ACK || !complaint->times) return true;
    complaint->times--;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    struct wire_ack ack;
    OK(message_decode(buffer_view(bytes), 5, &arena, &message));
    OK(wire_ack_decode(message.one.body, 5, &arena, &ack));
    members_remove(&ack.dealers, 1);
    liar_replace(cohort, 3, MESSAGE_ACK, "ack", WIRE_ACK, &ack, bytes);
    return true;
}

static void a_complaint_has_provisioning_done_once_more(void **state)
{
    (void)state;
    struct cohort cohort;
    struct complaint complaint = {1};
    OK(cohort_init(&five, &cohort));
    cohort.hooks.context = &complaint;
    cohort.hooks.request = false_complaint;
    OK(cohort_run(&cohort));
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    assert_int_equal(cohort.coordinator->epoch.epoch, 2);
    cohort_done(&cohort);
}

static void a_second_complaint_ends_the_run_and_names_the_pair(void **state)
{
    (void)state;
    struct cohort cohort;
    struct complaint complaint = {2};
    OK(cohort_init(&five, &cohort));
    cohort.hooks.context = &complaint;
    cohort.hooks.request = false_complaint;
    OK(cohort_run(&cohort));
    assert_non_null(strstr(cohort.parties[0].reason, "bank3 could not use what bank1 dealt, twice"));
    for (unsigned i = 1; i <= 5; i++) assert_true(cohort.parties[i].failed);
    cohort_done(&cohort);
}

/* Two sets of P1, each well formed, for two banks: bank 1 signs another P1, which only bank 2 gets. */
static bool two_sets(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    (void)context;
    if (to != 2 || bytes->data[1] != MESSAGE_P1S) return true;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    struct wire_signed first;
    struct wire_p1 p1;
    OK(message_decode(buffer_view(bytes), 5, &arena, &message));
    OK(wire_signed_decode(message.list.items[0], 5, &arena, &first));
    OK(wire_p1_decode(first.body, 5, &arena, &p1));
    p1.counter++;
    struct buffer one = {0}, other = {0};
    OK(cohort_sign(cohort, 1, "p1", WIRE_P1, &p1, &one));
    struct view views[5];
    memcpy(views, message.list.items, sizeof views);
    views[0] = buffer_view(&one);
    struct wire_list list = {views, 5};
    OK(message_encode(MESSAGE_P1S, &list, &other));
    buffer_done(bytes);
    *bytes = other;
    buffer_done(&one);
    return true;
}

static void two_sets_of_keys_never_start_an_epoch(void **state)
{
    (void)state;
    struct cohort cohort;
    OK(cohort_init(&five, &cohort));
    cohort.hooks.reply = two_sets;
    OK(cohort_run(&cohort));
    assert_non_null(strstr(cohort.parties[0].refusal, "ACK of bank2 for another set of keys"));
    for (unsigned i = 1; i <= 5; i++) assert_int_equal(cohort.parties[i].node->state, NODE_ACK);
    cohort_done(&cohort);
}

/* Bank 2 votes twice, with two counters. */
static bool two_votes(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes)
{
    (void)context;
    if (from != 2 || bytes->data[1] != MESSAGE_VOTE) return true;
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct message message;
    struct wire_r2 r2;
    struct buffer other = {0};
    OK(message_decode(buffer_view(bytes), 5, &arena, &message));
    OK(wire_r2_decode(message.one.body, 5, &arena, &r2));
    r2.counter++;
    OK(cohort_feed(cohort, 0, 2, buffer_view(bytes)));
    liar_replace(cohort, 2, MESSAGE_VOTE, "r2", WIRE_R2, &r2, &other);
    buffer_clear(bytes);
    OK(buffer_append(bytes, buffer_view(&other)));
    buffer_done(&other);
    return true;
}

static void two_signatures_where_one_is_allowed_are_evidence(void **state)
{
    (void)state;
    struct cohort cohort;
    OK(cohort_init(&five, &cohort));
    cohort.hooks.request = two_votes;
    OK(cohort_run(&cohort));
    cohort_assert_done(&cohort, &cohort.terms.cohort);
    assert_true(cohort_event(&cohort, "bank2 signed two different messages where one is allowed (vote/00001/00002)"));
    cohort_done(&cohort);
}

static void pre_shared_keys_must_be_the_pairs_own(void **state)
{
    (void)state;
    for (unsigned wrong = 0; wrong < 2; wrong++) {
        struct cohort cohort;
        struct secret *key = NULL, *other = NULL;
        const struct secret *rows[6 * 6] = {NULL};
        OK(crypto_start());
        OK(secret_from(view_text("thirty-two bytes between 1 and 2!"), &key));
        OK(secret_from(view_text("thirty-two bytes of something else"), &other));
        rows[1 * 6 + 2] = key;
        rows[2 * 6 + 1] = wrong ? other : key;
        OK(cohort_init(&five, &cohort));
        cohort.psk_rows = rows;
        OK(cohort_run(&cohort));
        if (wrong) {
            assert_true(cohort.parties[0].failed);
            assert_true(cohort_event(&cohort, "what bank1 dealt to this bank does not hold: another pre-shared key"));
        } else {
            cohort_assert_done(&cohort, &cohort.terms.cohort);
        }
        cohort_done(&cohort);
        secret_free(key);
        secret_free(other);
    }
}

/* A pre-shared key that another replaced, that is gone, or that came to be, while its epoch lasts. */
static void a_pre_shared_key_stays_through_the_run(void **state)
{
    (void)state;
    static const enum message_kind stops[] = {MESSAGE_P2S, MESSAGE_PROPOSAL};
    for (unsigned change = 0; change < 8; change++) {
        struct cohort cohort;
        struct secret *key = NULL, *other = NULL;
        const struct secret *rows[6 * 6] = {NULL};
        OK(crypto_start());
        OK(secret_from(view_text("thirty-two bytes between 1 and 2!"), &key));
        OK(secret_from(view_text("thirty-two bytes of something else"), &other));
        rows[1 * 6 + 2] = rows[2 * 6 + 1] = key;
        OK(cohort_init(&five, &cohort));
        cohort.psk_rows = rows;
        cohort_lose(&cohort, stops[change & 1], 0, true);
        OK(cohort_start_all(&cohort));
        OK(cohort_settle(&cohort));
        if (change / 2 == 1) rows[1 * 6 + 2] = other;
        if (change / 2 == 2) rows[1 * 6 + 2] = NULL;
        if (change / 2 == 3) rows[1 * 6 + 3] = other;
        OK(cohort_start(&cohort, 1));
        cohort_lose(&cohort, stops[change & 1], 0, false);
        OK(cohort_settle(&cohort));
        if (change / 2 == 0) {
            cohort_assert_done(&cohort, &cohort.terms.cohort);
        } else {
            char reason[120];
            (void)snprintf(reason, sizeof reason, "the pre-shared key with bank%u is not the one that epoch 1 was",
                           change / 2 == 3 ? 3 : 2);
            assert_true(cohort.parties[1].failed);
            assert_non_null(strstr(cohort.parties[1].reason, reason));
            assert_non_null(strstr(cohort.parties[0].reason, reason));
        }
        cohort_done(&cohort);
        secret_free(key);
        secret_free(other);
    }
}

/* How likely at least t - f of the n - f honest banks miss a chunk: Pascal's triangle of who misses. */
static double certified(const struct thresholds *of, double p)
{
    static double missed[MEMBERS_MAX + 1];
    unsigned honest = of->n - of->f, need = of->t - of->f;
    memset(missed, 0, sizeof missed);
    missed[0] = 1;
    for (unsigned bank = 1; bank <= honest; bank++) {
        for (unsigned k = bank; k > 0; k--) missed[k] = missed[k] * p + missed[k - 1] * (1 - p);
        missed[0] *= p;
    }
    double sum = 0;
    for (unsigned k = need; k <= honest; k++) sum += missed[k];
    return sum;
}

static void the_sampling_probability_is_the_least_that_suffices(void **state)
{
    (void)state;
    const unsigned sizes[] = {3, 4, 5, 7, 10, 40, 100, 500, MEMBERS_MAX};
    const double bound = 1.0 / 1099511627776.0, unit = 1.0 / 4294967296.0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct thresholds of;
        assert_true(result_ok(thresholds_of(sizes[i], &of)));
        double p = (double)check_probability(&of) * unit;
        assert_true(p > 0 && p <= 1);
        assert_true(certified(&of, p) <= bound * (1 + 1e-6));
        assert_true(certified(&of, p - unit) > bound * (1 - 1e-6));
        printf("%u banks: each chunk with probability %.4f\n", sizes[i], p);
    }
}

/* A coordinator that changes one word of what it calls the sum. */
static bool change_sum(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    (void)context, (void)cohort, (void)to;
    if (bytes->data[1] == MESSAGE_SUM_PIECE) bytes->data[bytes->length - 1] ^= 1;
    return true;
}

static void large_sums_are_sampled(void **state)
{
    (void)state;
    for (unsigned changed = 0; changed < 2; changed++) {
        struct cohort cohort;
        OK(cohort_init(
            &(struct cohort_config){.banks = 5, .words = 3 * CHUNK_WORDS + 4, .rounds = 1, .epoch_rounds = 1},
            &cohort));
        if (changed) cohort.hooks.reply = change_sum;
        OK(cohort_start_all(&cohort));
        for (unsigned i = 1; i <= 5; i++) cohort.parties[i].node->close_full_bytes = 1000;
        OK(cohort_settle(&cohort));
        if (changed)
            assert_non_null(strstr(cohort.parties[0].reason, "sends another sum of step 0 than it signed"));
        else
            cohort_assert_done(&cohort, &cohort.terms.cohort);
        cohort_done(&cohort);
    }
}

/* Before each message its receiver gets damaged ones: cut, longer, one bit changed, of another kind, the one before. */
struct garbage {
    uint64_t state;
    bool active;
    struct buffer previous[2][6];
};

static uint64_t draw(struct garbage *garbage)
{
    garbage->state = garbage->state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return garbage->state >> 33;
}

static void feed_garbage(struct garbage *garbage, struct cohort *cohort, unsigned to, unsigned from,
                         const struct buffer *bytes)
{
    if (garbage->active) return; /* what garbage causes is not garbled again */
    garbage->active = true;
    for (unsigned kind = 0; kind < 5; kind++) {
        struct buffer copy = {0};
        OK(buffer_append(&copy, buffer_view(bytes)));
        if (kind == 0) copy.length = draw(garbage) % copy.length;
        if (kind == 1) OK(buffer_u8(&copy, (uint8_t)draw(garbage)));
        if (kind == 2) copy.data[draw(garbage) % copy.length] ^= (uint8_t)(1u << (draw(garbage) % 8));
        if (kind == 3) copy.data[1] = (uint8_t)(draw(garbage) % MESSAGE_KINDS_END);
        if (kind == 4) {
            struct buffer *previous = &garbage->previous[to != 0][to ? to : from];
            buffer_clear(&copy);
            OK(buffer_append(&copy, buffer_view(previous)));
            buffer_clear(previous);
            OK(buffer_append(previous, buffer_view(bytes)));
        }
        /* A damaged receipt or question may be a valid one; everything else must be refused. */
        if (copy.length) OK(cohort_feed(cohort, to, from, buffer_view(&copy)));
        buffer_done(&copy);
    }
    garbage->active = false;
}

static bool garble_request(void *context, struct cohort *cohort, unsigned from, struct buffer *bytes)
{
    feed_garbage(context, cohort, 0, from, bytes);
    return true;
}

static void garbage_changes_nothing_at_the_coordinator(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct cohort cohort;
        struct garbage garbage = {.state = seed};
        OK(cohort_init(&five, &cohort));
        cohort.hooks = (struct cohort_hooks){.context = &garbage, .request = garble_request};
        OK(cohort_run(&cohort));
        cohort_assert_done(&cohort, &cohort.terms.cohort);
        assert_true(cohort.parties[0].refused > 100);
        for (unsigned i = 0; i < 6; i++) buffer_done(&garbage.previous[0][i]);
        cohort_done(&cohort);
    }
}

static bool garble_reply(void *context, struct cohort *cohort, unsigned to, struct buffer *bytes)
{
    /* TAKEN says which chunk is wanted: a damaged one is a valid wish. */
    if (bytes->data[1] != MESSAGE_TAKEN) feed_garbage(context, cohort, to, 0, bytes);
    return true;
}

static void garbage_changes_nothing_at_a_node(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct cohort cohort;
        struct garbage garbage = {.state = seed};
        OK(cohort_init(&five, &cohort));
        cohort.hooks = (struct cohort_hooks){.context = &garbage, .reply = garble_reply};
        OK(cohort_run(&cohort));
        cohort_assert_done(&cohort, &cohort.terms.cohort);
        for (unsigned i = 1; i <= 5; i++) assert_true(cohort.parties[i].refused > 20);
        for (unsigned i = 0; i < 6; i++) buffer_done(&garbage.previous[1][i]);
        cohort_done(&cohort);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_false_share_names_its_author_and_the_sum_is_right),
        cmocka_unit_test(a_false_deal_names_the_dealer_and_ends_the_run),
        cmocka_unit_test(a_complaint_has_provisioning_done_once_more),
        cmocka_unit_test(a_second_complaint_ends_the_run_and_names_the_pair),
        cmocka_unit_test(two_sets_of_keys_never_start_an_epoch),
        cmocka_unit_test(two_signatures_where_one_is_allowed_are_evidence),
        cmocka_unit_test(pre_shared_keys_must_be_the_pairs_own),
        cmocka_unit_test(a_pre_shared_key_stays_through_the_run),
        cmocka_unit_test(the_sampling_probability_is_the_least_that_suffices),
        cmocka_unit_test(large_sums_are_sampled),
        cmocka_unit_test(garbage_changes_nothing_at_the_coordinator),
        cmocka_unit_test(garbage_changes_nothing_at_a_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
