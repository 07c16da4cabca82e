/* 11 and 5. A run that must not begin: a cohort that cannot hide its members or is under the plan's minimum, a plan
 * that nobody signed or that asks for too much, a submission changed on its way, or one made under another roster. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/protocol.h"
#include "proto/run/note.h"
#include "proto/secagg/run.h"
#include "proto/secagg/submission.h"
#include "tests/support/ok.h"
#include "tests/support/seeded.h"

enum { MEMBERS = 6 };

static struct roster roster;
static struct roster_member members[MEMBERS];
static struct sign_key *identities[MEMBERS + 1];
static struct buffer plan_note;
static struct random_source *source;

static const char plan_text[] = "cofferdam: 1\n"
                                "name: credit-default\n"
                                "purpose: credit-risk\n"
                                "task: logistic\n"
                                "target: {column: default, positive: \"1\"}\n"
                                "features:\n"
                                "  - {name: limit, kind: number, min: 0, max: 1000000}\n"
                                "train: {penalty: 0, tolerance: 1.0e-8, rounds: 25}\n"
                                "cohort: {minimum: 5, on_dropout: wait, rows: 10000000}\n";

static struct sign_key *new_key(void)
{
    struct secret *seed = NULL;
    struct sign_key *key = NULL;
    OK(secret_new(SIGN_SEED_BYTES, &seed));
    random_draw(source, secret_bytes(seed), SIGN_SEED_BYTES);
    OK(sign_key_from_seed(seed, &key));
    secret_free(seed);
    return key;
}

static int begin(void **state)
{
    (void)state;
    OK(crypto_start());
    source = seeded("submissions");
    roster = (struct roster){.version = 1, .members = members, .size = MEMBERS, .hash = {{1}}};
    for (unsigned i = 0; i <= MEMBERS; i++) {
        identities[i] = new_key();
        if (i == 0) continue;
        (void)snprintf(members[i - 1].name, sizeof members[i - 1].name, "bank%u", i);
        members[i - 1].identity = *sign_key_public(identities[i]);
    }
    OK(note_sign(view_text(plan_text), "bank1", identities[1], &plan_note));
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= MEMBERS; i++) sign_key_free(identities[i]);
    buffer_done(&plan_note);
    random_source_free(source);
    return 0;
}

static const uint8_t nonce[NONCE_BYTES] = {9};

static struct members first(unsigned count)
{
    struct members set = members_none(MEMBERS);
    for (unsigned i = 1; i <= count; i++) members_add(&set, i);
    return set;
}

static struct result make(struct view note, unsigned count, unsigned submitter, struct buffer *out)
{
    struct hash id;
    struct members cohort = first(count);
    return submission_make(&roster, note, &cohort, submitter, protocol_spoken.newest, identities[submitter], nonce, out,
                           &id);
}

static bool opens(const struct roster *pinned, struct view payload)
{
    struct submission submission;
    struct result result = submission_open(pinned, payload, &submission);
    if (result_ok(result)) submission_done(&submission);
    return result_ok(result);
}

static void a_changed_submission_is_refused(void **state)
{
    (void)state;
    struct buffer payload = {0};
    OK(make(buffer_view(&plan_note), 5, 1, &payload));
    assert_true(opens(&roster, buffer_view(&payload)));
    for (size_t at = 0; at < payload.length; at++) {
        payload.data[at] ^= (uint8_t)(1u << at % 8);
        if (opens(&roster, buffer_view(&payload))) fail_msg("byte %zu may be changed", at);
        payload.data[at] ^= (uint8_t)(1u << at % 8);
        assert_false(opens(&roster, view_of(payload.data, at)));
    }
    OK(buffer_u8(&payload, 0));
    assert_false(opens(&roster, buffer_view(&payload)));
    buffer_done(&payload);
}

/* The same bytes mean another run under any other roster, and nobody signed that one. */
static void a_submission_under_another_roster_is_refused(void **state)
{
    (void)state;
    struct buffer payload = {0};
    OK(make(buffer_view(&plan_note), 5, 1, &payload));
    struct roster forked = roster;
    forked.hash.bytes[31] ^= 1;
    assert_false(opens(&forked, buffer_view(&payload)));
    struct roster_member swapped[MEMBERS];
    memcpy(swapped, members, sizeof swapped);
    swapped[0].identity = members[1].identity;
    forked = roster;
    forked.members = swapped;
    assert_false(opens(&forked, buffer_view(&payload)));
    buffer_done(&payload);
}

static void a_cohort_that_is_too_small_is_refused(void **state)
{
    (void)state;
    struct buffer payload = {0};
    for (unsigned count = 0; count < 5; count++) {
        assert_int_equal(make(buffer_view(&plan_note), count, 1, &payload).category, CATEGORY_USAGE);
        assert_int_equal(payload.length, 0);
    }
    struct thresholds thresholds;
    assert_false(result_ok(thresholds_of(2, &thresholds)));
    buffer_done(&payload);
}

/* Signed well, but by a coordinator and a submitter who do not look: every node looks itself. */
static struct result run_of(unsigned count, unsigned submitter, struct run *run)
{
    static struct plan plan;
    plan = (struct plan){.cohort_minimum = 5};
    struct run_terms terms = {.roster = &roster,
                              .plan = &plan,
                              .cohort = first(count),
                              .submitter = submitter,
                              .version = 1,
                              .plan_note = buffer_view(&plan_note)};
    struct hash id;
    OK(run_id(&terms, &id));
    OK(sign_bytes(identities[submitter], "submit", hash_view(&id), &terms.submission));
    return run_open(&terms, 4, NULL, run);
}

static void no_party_opens_a_run_that_cannot_be(void **state)
{
    (void)state;
    struct run run;
    assert_true(result_ok(run_of(5, 1, &run)));
    assert_int_equal(run.thresholds.t, 4);
    assert_false(result_ok(run_of(4, 1, &run))); /* under the plan's minimum */
    assert_false(result_ok(run_of(2, 1, &run))); /* each subtracts itself */
    assert_false(result_ok(run_of(0, 1, &run)));
    assert_false(result_ok(run_of(5, 6, &run))); /* the submitter does not take part */
}

static void a_plan_that_its_submitter_did_not_sign_is_refused(void **state)
{
    (void)state;
    struct buffer payload = {0};
    assert_false(result_ok(make(buffer_view(&plan_note), 5, 2, &payload)));
    assert_false(result_ok(make(view_text(plan_text), 5, 1, &payload)));
    assert_int_equal(payload.length, 0);
}

static void a_plan_that_asks_for_too_much_is_refused(void **state)
{
    (void)state;
    static const char *const changes[][2] = {
        {"rows: 10000000", "rows: 2000000000"},
        {"max: 1000000", "max: 1.0e308"},
        {"minimum: 5", "minimum: 2"},
        {"on_dropout: wait", "on_dropout: continue"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct buffer text = {0}, note = {0}, payload = {0};
        const char *at = strstr(plan_text, changes[i][0]);
        assert_non_null(at);
        OK(buffer_append(&text, view_of(plan_text, (size_t)(at - plan_text))));
        OK(buffer_text(&text, changes[i][1]));
        OK(buffer_text(&text, at + strlen(changes[i][0])));
        OK(note_sign(buffer_view(&text), "bank1", identities[1], &note));
        if (result_ok(make(buffer_view(&note), 5, 1, &payload))) fail_msg("%s was taken", changes[i][1]);
        assert_int_equal(payload.length, 0);
        buffer_done(&text);
        buffer_done(&note);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_changed_submission_is_refused),
        cmocka_unit_test(a_submission_under_another_roster_is_refused),
        cmocka_unit_test(a_cohort_that_is_too_small_is_refused),
        cmocka_unit_test(no_party_opens_a_run_that_cannot_be),
        cmocka_unit_test(a_plan_that_its_submitter_did_not_sign_is_refused),
        cmocka_unit_test(a_plan_that_asks_for_too_much_is_refused),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
