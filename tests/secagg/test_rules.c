/* The rules a node keeps, whatever it is told (docs/protocol.md), one or more tests each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/secagg/node.h"
#include "tests/support/cohort.h"
#include "tests/support/ok.h"

static const struct cohort_config five = {.banks = 5, .words = 8, .rounds = 2, .epoch_rounds = 8};

/* Runs until messages of a kind, which are lost, hold everyone up. */
static void run_until(struct cohort *cohort, const struct cohort_config *config, enum message_kind kind)
{
    OK(cohort_init(config, cohort));
    cohort_lose(cohort, kind, 0, true);
    OK(cohort_run(cohort));
    assert_false(cohort_all_done(cohort));
}

static bool has_record(const struct cohort *cohort, unsigned bank, const char *key)
{
    const struct record_map *map = &cohort->parties[bank].records.maps[0][0];
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->items[i].key, key) == 0) return true;
    return false;
}

static unsigned request_kind(const struct cohort *cohort, unsigned bank)
{
    return cohort->parties[bank].request.data[1];
}

/* Feeds a reply and says whether it was refused. */
static bool refuses(struct cohort *cohort, unsigned bank, enum message_kind kind, const void *payload)
{
    struct buffer bytes = {0};
    unsigned before = cohort->parties[bank].refused;
    OK(message_encode(kind, payload, &bytes));
    OK(cohort_feed(cohort, bank, 0, buffer_view(&bytes)));
    buffer_done(&bytes);
    return cohort->parties[bank].refused > before;
}

static bool refuses_bytes(struct cohort *cohort, unsigned bank, enum message_kind kind, struct view payload)
{
    struct buffer bytes = {0};
    unsigned before = cohort->parties[bank].refused;
    OK(message_wrap(kind, payload, &bytes));
    OK(cohort_feed(cohort, bank, 0, buffer_view(&bytes)));
    buffer_done(&bytes);
    return cohort->parties[bank].refused > before;
}

static struct wire_void void_of(const struct secagg_node *node, uint64_t round, uint64_t counter)
{
    return (struct wire_void){.run = node->run.id, .epoch = node->epoch.epoch, .round = round, .counter = counter};
}

/* A certificate signed by the first `votes` banks. */
static void void_certificate(const struct cohort *cohort, const struct secagg_node *node, uint64_t round,
                             unsigned votes, struct buffer *out)
{
    struct buffer items[8] = {0};
    struct view views[8];
    for (unsigned i = 0; i < votes; i++) {
        struct wire_void vote = void_of(node, round, 0);
        OK(cohort_sign(cohort, i + 1, "void", WIRE_VOID, &vote, &items[i]));
        views[i] = buffer_view(&items[i]);
    }
    struct wire_list list = {views, votes};
    OK(wire_list_encode(&list, out));
    for (unsigned i = 0; i < votes; i++) buffer_done(&items[i]);
}

static void rule_1_a_bank_signs_one_u_a_round(void **state)
{
    (void)state;
    struct cohort cohort;
    run_until(&cohort, &five, MESSAGE_VOTE);
    struct secagg_node *node = cohort.parties[1].node;
    assert_int_equal(node->state, NODE_VOTED);
    struct buffer vote = {0}, other = {0};
    OK(buffer_append(&vote, buffer_view(&node->round.vote)));
    struct wire_r2 proposal = {.run = node->run.id,
                               .epoch = 1,
                               .round = 1,
                               .ctx = node->round.ctx,
                               .survivors = cohort.terms.cohort,
                               .headers = {{7}}};
    OK(cohort_sign(&cohort, 0, "r2", WIRE_R2, &proposal, &other));
    struct wire_proposal message = {.proposal = buffer_view(&other)};
    assert_false(refuses(&cohort, 1, MESSAGE_PROPOSAL, &message));
    assert_true(view_equal(buffer_view(&vote), buffer_view(&node->round.vote)));
    assert_int_equal(node->state, NODE_ENDING); /* who proposes two sets is left */
    assert_true(has_record(&cohort, 1, "evidence/r2/00001"));
    buffer_done(&vote);
    buffer_done(&other);
    cohort_done(&cohort);
}

static void rule_1_void_may_follow_u_and_nothing_follows_void(void **state)
{
    (void)state;
    struct cohort cohort;
    run_until(&cohort, &five, MESSAGE_VOTE);
    struct secagg_node *node = cohort.parties[1].node;
    struct buffer signed_void = {0};
    struct wire_void proposal = void_of(node, 1, 0);
    OK(cohort_sign(&cohort, 0, "void", WIRE_VOID, &proposal, &signed_void));
    assert_false(refuses_bytes(&cohort, 1, MESSAGE_VOID_PROPOSAL, buffer_view(&signed_void)));
    assert_int_equal(request_kind(&cohort, 1), MESSAGE_VOID);
    /* Its secrets of the round are gone before the vote left. */
    for (size_t i = 0; i < cohort.parties[1].records.maps[1][0].count; i++)
        assert_null(strstr(cohort.parties[1].records.maps[1][0].items[i].key, "/00"));
    /* A certificate on U may still come, from the others: it releases nothing, whatever it is called. */
    struct buffer votes[4] = {0};
    struct view views[4];
    for (unsigned i = 0; i < 4; i++) {
        OK(buffer_append(&votes[i], buffer_view(&cohort.parties[i + 2].node->round.vote)));
        views[i] = buffer_view(&votes[i]);
    }
    struct wire_list certificate = {views, 4};
    assert_true(refuses(&cohort, 1, MESSAGE_CERTIFICATE, &certificate));
    assert_int_equal(node->state, NODE_VOIDED);
    assert_false(refuses(&cohort, 1, MESSAGE_SUPERSEDED, &certificate));
    assert_int_equal(node->state, NODE_READY);
    assert_false(has_record(&cohort, 1, "release/00001"));
    for (unsigned i = 0; i < 4; i++) buffer_done(&votes[i]);
    buffer_done(&signed_void);
    cohort_done(&cohort);
}

static void rule_1_void_never_follows_a_release(void **state)
{
    (void)state;
    struct cohort cohort;
    run_until(&cohort, &five, MESSAGE_RELEASE);
    struct secagg_node *node = cohort.parties[1].node;
    assert_int_equal(node->state, NODE_RELEASED);
    struct buffer signed_void = {0};
    struct wire_void proposal = void_of(node, 1, 0);
    OK(cohort_sign(&cohort, 0, "void", WIRE_VOID, &proposal, &signed_void));
    assert_true(refuses_bytes(&cohort, 1, MESSAGE_VOID_PROPOSAL, buffer_view(&signed_void)));
    OK(cohort_start(&cohort, 1));
    OK(cohort_pump(&cohort));
    assert_true(refuses_bytes(&cohort, 1, MESSAGE_VOID_PROPOSAL, buffer_view(&signed_void)));
    assert_int_equal(request_kind(&cohort, 1), MESSAGE_RELEASE);
    buffer_done(&signed_void);
    cohort_done(&cohort);
}

/* R0 of a round as the coordinator would make it from what bank 1 knows, with these changes. */
static void forge_round(const struct cohort *cohort, const struct secagg_node *node, uint64_t round,
                        struct view certificate, struct buffer *r0, struct wire_round *message)
{
    struct wire_r0 terms = node->round.terms;
    terms.round = round;
    terms.retry = (struct hash){{0}};
    if (certificate.length) OK(ctx_certificate_hash(certificate, &terms.retry));
    OK(cohort_sign(cohort, 0, "r0", WIRE_R0, &terms, r0));
    *message = (struct wire_round){.r0 = buffer_view(r0), .retry = certificate};
}

static void rule_2_a_step_is_masked_again_only_with_proof(void **state)
{
    (void)state;
    struct cohort cohort;
    run_until(&cohort, &five, MESSAGE_VOTE);
    struct secagg_node *node = cohort.parties[1].node;
    struct buffer certificate = {0}, forged = {0}, r0 = {0};
    struct wire_round message;
    /* v = 3 of 5: two VOID votes prove nothing. */
    void_certificate(&cohort, node, 1, 2, &forged);
    assert_true(refuses_bytes(&cohort, 1, MESSAGE_VOID_CERTIFICATE, buffer_view(&forged)));
    void_certificate(&cohort, node, 1, 3, &certificate);
    assert_false(refuses_bytes(&cohort, 1, MESSAGE_VOID_CERTIFICATE, buffer_view(&certificate)));
    assert_int_equal(node->state, NODE_READY);
    forge_round(&cohort, node, 2, view_of(NULL, 0), &r0, &message);
    assert_true(refuses(&cohort, 1, MESSAGE_ROUND, &message));
    buffer_clear(&r0);
    forge_round(&cohort, node, 2, buffer_view(&forged), &r0, &message);
    assert_true(refuses(&cohort, 1, MESSAGE_ROUND, &message));
    buffer_clear(&r0);
    forge_round(&cohort, node, 2, buffer_view(&certificate), &r0, &message);
    assert_false(refuses(&cohort, 1, MESSAGE_ROUND, &message));
    assert_int_equal(request_kind(&cohort, 1), MESSAGE_HEADER);
    buffer_done(&certificate);
    buffer_done(&forged);
    buffer_done(&r0);
    cohort_done(&cohort);
}

static void rule_2_under_a_certificate_the_input_stays_as_it_was(void **state)
{
    (void)state;
    struct cohort cohort;
    run_until(&cohort, &five, MESSAGE_RELEASE);
    struct secagg_node *node = cohort.parties[1].node;
    struct buffer certificate = {0}, r0 = {0};
    struct wire_round message;

    const struct record_map *map = &cohort.parties[1].records.maps[0][0];

    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->items[i].key, "certificate/00001") == 0)
            OK(buffer_append(&certificate, buffer_view(&map->items[i].value)));
    assert_true(certificate.length > 0);
    assert_false(refuses_bytes(&cohort, 1, MESSAGE_SUPERSEDED, buffer_view(&certificate)));
    assert_int_equal(node->state, NODE_READY);
    node->masked.input.bytes[0] ^= 1; /* what it masked was something else */
    forge_round(&cohort, node, 2, buffer_view(&certificate), &r0, &message);
    assert_false(refuses(&cohort, 1, MESSAGE_ROUND, &message));
    assert_int_equal(node->state, NODE_ENDING);
    assert_false(has_record(&cohort, 1, "r1/00002"));
    buffer_done(&certificate);
    buffer_done(&r0);
    cohort_done(&cohort);
}

static void rule_3_rounds_only_grow(void **state)
{
    (void)state;
    struct cohort cohort;
    run_until(&cohort, &five, MESSAGE_VOTE);
    struct secagg_node *node = cohort.parties[1].node;
    struct buffer certificate = {0}, r0 = {0};
    struct wire_round message;
    void_certificate(&cohort, node, 1, 3, &certificate);
    assert_false(refuses_bytes(&cohort, 1, MESSAGE_VOID_CERTIFICATE, buffer_view(&certificate)));
    assert_int_equal(node->state, NODE_READY);
    OK(cohort_start(&cohort, 1)); /* a restart forgets no round */
    cohort_lose(&cohort, MESSAGE_AWAIT, 1, true);
    OK(cohort_pump(&cohort));
    node = cohort.parties[1].node;
    assert_true(node->joined && node->state == NODE_READY);
    forge_round(&cohort, node, 1, buffer_view(&certificate), &r0, &message);
    assert_false(refuses(&cohort, 1, MESSAGE_ROUND, &message));
    assert_true(has_record(&cohort, 1, "evidence/r0/00001"));
    assert_int_equal(node->state, NODE_ENDING);
    assert_false(has_record(&cohort, 1, "r1/00002"));
    buffer_done(&certificate);
    buffer_done(&r0);
    cohort_done(&cohort);
}

static void rule_4_u_is_the_whole_cohort(void **state)
{
    (void)state;
    struct cohort cohort;
    run_until(&cohort, &five, MESSAGE_PROPOSAL);
    struct secagg_node *node = cohort.parties[1].node;
    struct wire_r2 proposal = {
        .run = node->run.id, .epoch = 1, .round = 1, .ctx = node->round.ctx, .survivors = cohort.terms.cohort};
    members_remove(&proposal.survivors, 5);
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct wire_signed header;
    OK(wire_signed_decode(buffer_view(&node->round.header), 5, &arena, &header));
    struct hash leaves[4] = {0};
    OK(merkle_leaf(header.body, &leaves[0]));
    OK(merkle_root(leaves, 4, &proposal.headers));
    struct buffer other = {0}, path = {0};
    OK(merkle_path(leaves, 4, 0, &path));
    OK(cohort_sign(&cohort, 0, "r2", WIRE_R2, &proposal, &other));
    struct wire_proposal message = {.proposal = buffer_view(&other), .path = buffer_view(&path)};
    assert_true(refuses(&cohort, 1, MESSAGE_PROPOSAL, &message));
    assert_non_null(strstr(cohort.parties[1].refusal, "waits for every bank"));
    assert_int_equal(node->state, NODE_UPLOADING);
    buffer_done(&other);
    buffer_done(&path);
    cohort_done(&cohort);
}

/* A second run of the same banks, without one, on the ledgers of the first. */
static void second_run(bool approved, const char *source, bool expect)
{
    struct cohort first, second;
    OK(cohort_init(&five, &first));
    OK(cohort_run(&first));
    cohort_assert_done(&first, &first.terms.cohort);
    struct cohort_config config = five;
    config.without = 5;
    config.nonce = 2;
    OK(cohort_init(&config, &second));
    for (unsigned i = 1; i <= 4; i++) {
        OK(records_copy(&first.parties[i].records, &second.parties[i].records));
        struct records *records = &second.parties[i].records;
        struct records mine = {0};
        mine.maps[0][0] = records->maps[0][0]; /* the other run's own records are not this run's */
        memset(&records->maps[0][0], 0, sizeof records->maps[0][0]);
        records_done(&mine);
        second.parties[i].cohort_change_approved = approved;
        second.parties[i].source = source;
    }
    OK(cohort_run(&second));
    assert_int_equal(cohort_all_done(&second), expect);
    if (!expect) assert_non_null(strstr(second.parties[0].reason, "bank5 is missing"));
    cohort_done(&first);
    cohort_done(&second);
}

static void rule_5_a_source_keeps_its_cohort_across_runs(void **state)
{
    (void)state;
    second_run(false, "customers", false);
    second_run(true, "customers", true);
    second_run(false, "other customers", true);
}

static void rule_6_terms_that_do_not_fit_are_refused_before_anything(void **state)
{
    (void)state;
    struct cohort cohort;
    OK(cohort_init(&(struct cohort_config){.banks = 2, .words = 8, .rounds = 1, .epoch_rounds = 2}, &cohort));
    assert_int_equal(cohort_start(&cohort, 1).category, CATEGORY_USAGE);
    assert_non_null(strstr(result_reason(), "subtract itself"));
    assert_int_equal(cohort_start(&cohort, 0).category, CATEGORY_USAGE);
    cohort_done(&cohort);
    OK(cohort_init(&(struct cohort_config){.banks = 4, .words = 8, .rounds = 1, .epoch_rounds = 2}, &cohort));
    cohort.plan.cohort_minimum = 5;
    assert_int_equal(cohort_start(&cohort, 1).category, CATEGORY_USAGE);
    assert_non_null(strstr(result_reason(), "cohort.minimum is 5"));
    cohort.plan.cohort_minimum = 4;
    cohort.terms.submission.bytes[0] ^= 1;
    assert_int_equal(cohort_start(&cohort, 1).category, CATEGORY_FALSE);
    cohort_done(&cohort);
    OK(cohort_init(&(struct cohort_config){.banks = 3, .words = 8, .rounds = 1, .epoch_rounds = 3}, &cohort));
    assert_int_equal(cohort_start(&cohort, 1).category, CATEGORY_USAGE);
    cohort_done(&cohort);
}

static void rule_6_every_term_of_r0_is_recomputed(void **state)
{
    (void)state;
    struct cohort cohort;
    run_until(&cohort, &five, MESSAGE_ROUND);
    struct secagg_node *node = cohort.parties[1].node;
    assert_int_equal(node->state, NODE_READY);
    struct wire_r0 right = {.run = node->run.id,
                            .epoch = 1,
                            .round = 1,
                            .roster = cohort.roster.hash,
                            .set = node->epoch.set,
                            .plan = cohort.plan.hash,
                            .state = node->fold.state_hash,
                            .layout = node->fold.layout_hash};
    for (unsigned wrong = 0; wrong <= 10; wrong++) {
        struct wire_r0 terms = right;
        struct hash *const hashes[] = {&terms.run,   &terms.roster,     &terms.set,    &terms.plan,
                                       &terms.state, &terms.checkpoint, &terms.layout, &terms.retry};
        if (wrong < 8) hashes[wrong]->bytes[0] ^= 1;
        if (wrong == 8) terms.step = 1;
        if (wrong == 9) terms.round = 9;
        if (wrong == 10) terms.epoch = 2;
        struct buffer r0 = {0};
        OK(cohort_sign(&cohort, 0, "r0", WIRE_R0, &terms, &r0));
        struct wire_round message = {.r0 = buffer_view(&r0)};
        assert_true(refuses(&cohort, 1, MESSAGE_ROUND, &message));
        assert_int_equal(node->state, NODE_READY);
        buffer_done(&r0);
    }
    struct buffer r0 = {0};
    OK(cohort_sign(&cohort, 2, "r0", WIRE_R0, &right, &r0));
    struct wire_round message = {.r0 = buffer_view(&r0)};
    assert_true(refuses(&cohort, 1, MESSAGE_ROUND, &message)); /* a bank is no coordinator */
    buffer_clear(&r0);
    OK(cohort_sign(&cohort, 0, "r0", WIRE_R0, &right, &r0));
    message.r0 = buffer_view(&r0);
    assert_false(refuses(&cohort, 1, MESSAGE_ROUND, &message));
    buffer_done(&r0);
    cohort_done(&cohort);
}

static void rule_7_a_bank_from_an_old_disk_takes_no_part(void **state)
{
    (void)state;
    struct cohort cohort;
    struct records snapshot = {0};
    run_until(&cohort, &five, MESSAGE_ROUND);
    OK(records_copy(&cohort.parties[3].records, &snapshot));
    cohort_lose(&cohort, MESSAGE_ROUND, 0, false);
    cohort_lose(&cohort, MESSAGE_HEADER, 2, true);
    OK(cohort_settle(&cohort));
    cohort_stop(&cohort, 3);
    cohort_lose(&cohort, MESSAGE_HEADER, 2, false);
    /* Bank 3 signed its header and more since the snapshot; the others learn of it with the next certificate. */
    OK(cohort_start(&cohort, 3));
    cohort_lose(&cohort, MESSAGE_AWAIT, 3, true);
    OK(cohort_settle(&cohort));
    cohort_stop(&cohort, 3);
    OK(records_copy(&snapshot, &cohort.parties[3].records));
    OK(cohort_start(&cohort, 3));
    OK(cohort_settle(&cohort));
    assert_non_null(strstr(cohort.parties[3].reason, "older than its last message"));
    assert_true(cohort.parties[3].failed && !cohort.parties[3].done);
    records_done(&snapshot);
    cohort_done(&cohort);
}

static void rule_7_attestations_must_be_fresh_and_of_others(void **state)
{
    (void)state;
    struct cohort cohort;
    run_until(&cohort, &five, MESSAGE_JOINED);
    struct secagg_node *node = cohort.parties[1].node;
    struct wire_attest attest = {.run = node->run.id, .roster = cohort.roster.hash, .member = 1};
    struct buffer items[4] = {0};
    struct view views[4];
    for (unsigned attempt = 0; attempt < 4; attempt++) {
        for (unsigned i = 0; i < 3; i++) {
            memcpy(attest.nonce, node->nonce, sizeof attest.nonce);
            unsigned signer = i + 2;
            if (attempt == 0 && i == 2) attest.nonce[0] ^= 1; /* an answer to another JOIN */
            if (attempt == 1 && i == 2) signer = 1;           /* itself */
            if (attempt == 2 && i == 2) signer = 2;           /* one bank twice */
            buffer_clear(&items[i]);
            OK(cohort_sign(&cohort, signer, "attest", WIRE_ATTEST, &attest, &items[i]));
            views[i] = buffer_view(&items[i]);
        }
        struct wire_list list = {views, 3};
        assert_int_equal(refuses(&cohort, 1, MESSAGE_JOINED, &list), attempt < 3);
        assert_int_equal(node->joined, attempt == 3);
    }
    for (unsigned i = 0; i < 4; i++) buffer_done(&items[i]);
    cohort_done(&cohort);
}

static void data_that_changed_on_disk_is_not_taken(void **state)
{
    (void)state;
    struct cohort cohort;
    run_until(&cohort, &five, MESSAGE_ROUND);
    cohort.parties[2].table_hash.bytes[0] = 1;
    OK(cohort_start(&cohort, 2));
    OK(cohort_settle(&cohort));
    assert_non_null(strstr(cohort.parties[0].reason, "bank2 ended the run: this bank's data changed"));
    cohort_done(&cohort);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_1_a_bank_signs_one_u_a_round),
        cmocka_unit_test(rule_1_void_may_follow_u_and_nothing_follows_void),
        cmocka_unit_test(rule_1_void_never_follows_a_release),
        cmocka_unit_test(rule_2_a_step_is_masked_again_only_with_proof),
        cmocka_unit_test(rule_2_under_a_certificate_the_input_stays_as_it_was),
        cmocka_unit_test(rule_3_rounds_only_grow),
        cmocka_unit_test(rule_4_u_is_the_whole_cohort),
        cmocka_unit_test(rule_5_a_source_keeps_its_cohort_across_runs),
        cmocka_unit_test(rule_6_terms_that_do_not_fit_are_refused_before_anything),
        cmocka_unit_test(rule_6_every_term_of_r0_is_recomputed),
        cmocka_unit_test(rule_7_a_bank_from_an_old_disk_takes_no_part),
        cmocka_unit_test(rule_7_attestations_must_be_fresh_and_of_others),
        cmocka_unit_test(data_that_changed_on_disk_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
