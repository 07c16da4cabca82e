/* What officers say of plans and runs: which words count, which do not, and when they stop to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/journal.h"
#include "node/officers.h"
#include "sys/clock.h"
#include "sys/keys.h"
#include "tests/support/ok.h"
#include "tests/support/scratch.h"

static const char plan_text[] =
    "cofferdam: 1\nname: small\npurpose: credit-risk\ntask: logistic\n"
    "target: {column: default, positive: \"1\"}\nfeatures:\n"
    "  - {name: income, kind: number, min: 0, max: 5000, resolution: 1}\n"
    "train: {penalty: 0, tolerance: 1.0e-8, rounds: 25}\ncohort: {minimum: 3, rows: 1000}\n";

static struct roster_member members[4] = {{.name = "north"}, {.name = "south"}, {.name = "east"}, {.name = "west"}};

/* A node of south, of which only what officers need is there; Ada and Bert are its officers. */
struct stage {
    char directory[SCRATCH_MAX];
    struct bank bank;
    struct part part;
    struct sign_key *ada, *bert, *stranger, *node;
    uint64_t given; /* rises with each word */
};

static void policy_set(struct stage *stage, const char *rule, const char *more)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    char ada[2 * SIGN_PUBLIC_BYTES + 1], bert[2 * SIGN_PUBLIC_BYTES + 1];
    bytes_hex(view_of(sign_key_public(stage->ada)->bytes, SIGN_PUBLIC_BYTES), ada);
    bytes_hex(view_of(sign_key_public(stage->bert)->bytes, SIGN_PUBLIC_BYTES), bert);
    OK(buffer_format(&text,
                     "purposes: [\"*\"]\ntasks: [\"*\"]\nauthors: [\"*\"]\ncolumns: {allowed: [\"*\"]}\n"
                     "cohort: {minimum: 3, on_dropout: [wait]}\nrows: {minimum: 1}\ncells: {minimum: 1}\n"
                     "rounds: {most: 100}\nwords: {run: 1000, month: 1000}\napprove: [%s]\n%s"
                     "officers:\n  - {name: Ada, key: %s}\n  - {name: Bert, key: %s}\n",
                     rule, more, ada, bert));
    policy_done(&stage->bank.policy);
    OK(policy_parse(buffer_view(&text), "policy.yaml", &stage->bank.policy));
}

static int set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    if (!stage) return 1;
    scratch_new(stage->directory);
    OK(keys_generate(&stage->ada));
    OK(keys_generate(&stage->bert));
    OK(keys_generate(&stage->stranger));
    OK(keys_generate(&stage->node));
    struct bank *bank = &stage->bank;
    bank->roster = (struct roster){.members = members, .size = 4, .hash = {{7}}};
    bank->position = 2;
    (void)pthread_mutex_init(&bank->lock, NULL);
    (void)pthread_cond_init(&bank->changed, NULL);
    OK(store_open(stage->directory, &bank->store));
    OK(journal_open(bank->store, stage->directory, stage->node, &bank->journal));
    struct part *part = &stage->part;
    part->bank = bank;
    OK(plan_parse(view_text(plan_text), "plan.yaml", &part->submission.plan));
    part->submission.id.bytes[0] = 0xab;
    part->submission.terms = (struct run_terms){
        .roster = &bank->roster, .plan = &part->submission.plan, .submitter = 1, .cohort = members_all(4)};
    bank->parts = part;
    stage->given = clock_now_ms();
    policy_set(stage, "", "approvals: 1\n");
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    plan_done(&stage->part.submission.plan);
    policy_done(&stage->bank.policy);
    journal_close(stage->bank.journal);
    store_close(stage->bank.store);
    for (size_t i = 0; i < APPROVALS_SHOWN_MAX; i++) buffer_done(&stage->part.documents[i]);
    sign_key_free(stage->ada);
    sign_key_free(stage->bert);
    sign_key_free(stage->stranger);
    sign_key_free(stage->node);
    scratch_remove(stage->directory);
    free(stage);
    return 0;
}

/* A word on the plan, later than every one before. */
static struct approval word_of(struct stage *stage, enum approval_decision decision)
{
    return (struct approval){.bank = "south",
                             .roster = stage->bank.roster.hash,
                             .subject = stage->part.submission.plan.hash,
                             .decision = decision,
                             .given = ++stage->given};
}

static struct result say(struct stage *stage, struct approval word, const struct sign_key *key)
{
    CLEANUP(buffer_done) struct buffer document = {0};
    struct approval taken;
    TRY(approval_sign(&word, key, &document));
    return officers_take(&stage->bank, buffer_view(&document), &taken);
}

static void cannot_count(struct stage *stage, struct approval word, const struct sign_key *key, const char *why)
{
    struct officers_word said;
    assert_int_equal(say(stage, word, key).category, CATEGORY_FALSE);
    if (!strstr(result_reason(), why)) fail_msg("\"%s\" is not \"%s\"", result_reason(), why);
    OK(officers_ask(&stage->bank, &stage->part.submission, &said));
    assert_int_equal(said.approvals, 0);
    assert_null(said.denied);
}

static unsigned approvals(struct stage *stage)
{
    struct officers_word said;
    OK(officers_ask(&stage->bank, &stage->part.submission, &said));
    return said.approvals;
}

static void a_word_that_cannot_count_is_refused_and_named(void **state)
{
    struct stage *stage = *state;
    CLEANUP(buffer_done) struct buffer document = {0};
    struct approval word = word_of(stage, APPROVAL_APPROVE), taken;
    cannot_count(stage, word, stage->stranger, "policy.yaml:12: no officer of this bank has the key ");
    word.expires = clock_now_ms() - 1;
    cannot_count(stage, word, stage->ada, "the word of officer Ada cannot count: it has expired");
    word = word_of(stage, APPROVAL_APPROVE);
    (void)snprintf(word.bank, sizeof word.bank, "north");
    cannot_count(stage, word, stage->ada, "it is for another bank");
    word = word_of(stage, APPROVAL_APPROVE);
    word.roster.bytes[0]++;
    cannot_count(stage, word, stage->ada, "it is for another roster");
    word = word_of(stage, APPROVAL_APPROVE);
    word.given += 3600000;
    cannot_count(stage, word, stage->ada, "dated later than now");
    word = word_of(stage, APPROVAL_APPROVE);
    word.subject.bytes[0]++;
    OK(say(stage, word, stage->ada)); /* another plan, which may come */
    assert_int_equal(approvals(stage), 0);
    /* Signed for another plan, and handed in for this one. */
    OK(approval_sign(&word, stage->ada, &document));
    const char *text = NULL;
    char hash[2 * HASH_BYTES + 1];
    OK(buffer_terminate(&document, &text));
    bytes_hex(hash_view(&stage->part.submission.plan.hash), hash);
    memcpy(strstr((char *)document.data, "plan ") + 5, hash, 2 * HASH_BYTES);
    assert_int_equal(officers_take(&stage->bank, buffer_view(&document), &taken).category, CATEGORY_FALSE);
    assert_non_null(strstr(result_reason(), "officer Ada cannot count: its signature does not verify"));
    assert_int_equal(approvals(stage), 0);
}

static void what_was_taken_back_does_not_return(void **state)
{
    struct stage *stage = *state;
    struct approval first = word_of(stage, APPROVAL_APPROVE);
    OK(say(stage, first, stage->ada));
    OK(officers_check(&stage->part));
    OK(say(stage, word_of(stage, APPROVAL_DENY), stage->ada));
    assert_true(atomic_load(&stage->part.denied));
    assert_int_equal(officers_check(&stage->part).category, CATEGORY_FALSE);
    assert_string_equal(result_reason(), "policy.yaml:13: an officer of this bank denied it");
    assert_string_equal(stage->part.own_reason, "policy.yaml:13: officer Ada denied it");
    /* The operator of the machine has kept the document. */
    assert_int_equal(say(stage, first, stage->ada).category, CATEGORY_FALSE);
    assert_non_null(strstr(result_reason(), "what was taken back does not return"));
    assert_int_equal(officers_check(&stage->part).category, CATEGORY_FALSE);
    OK(say(stage, word_of(stage, APPROVAL_APPROVE), stage->bert)); /* another officer does not outvote her */
    assert_int_equal(officers_check(&stage->part).category, CATEGORY_FALSE);
    OK(say(stage, word_of(stage, APPROVAL_APPROVE), stage->ada));
    OK(officers_check(&stage->part));
}

static void two_approvals_are_of_two_officers(void **state)
{
    struct stage *stage = *state;
    policy_set(stage, "", "approvals: 2\n");
    struct approval of_run = word_of(stage, APPROVAL_APPROVE);
    of_run.of_run = true;
    of_run.subject = stage->part.submission.id;
    OK(say(stage, of_run, stage->ada));
    OK(say(stage, word_of(stage, APPROVAL_APPROVE), stage->ada)); /* the plan, and one run of it */
    assert_int_equal(approvals(stage), 1);
    assert_int_equal(officers_check(&stage->part).category, CATEGORY_FALSE);
    assert_string_equal(result_reason(), "policy.yaml:12: this bank's officers do not approve it any more");
    assert_non_null(strstr(stage->part.own_reason, "2 of this bank's officers must approve it, and 1 do now (Ada)"));
    OK(say(stage, word_of(stage, APPROVAL_APPROVE), stage->bert));
    assert_int_equal(approvals(stage), 2);
    OK(officers_check(&stage->part));
}

static void a_word_ends_with_its_time_its_officer_and_its_roster(void **state)
{
    struct stage *stage = *state;
    struct approval word = word_of(stage, APPROVAL_APPROVE);
    word.expires = clock_now_ms() + 300;
    OK(say(stage, word, stage->ada));
    OK(officers_check(&stage->part));
    uint64_t until = clock_monotonic_ms() + 5000;
    while (result_ok(officers_check(&stage->part)))
        if (clock_monotonic_ms() > until) fail_msg("it never expires");
    assert_true(clock_now_ms() >= word.expires);
    OK(say(stage, word_of(stage, APPROVAL_APPROVE), stage->ada));
    OK(officers_check(&stage->part));
    stage->bank.roster.hash.bytes[0]++;
    assert_int_equal(officers_check(&stage->part).category, CATEGORY_FALSE);
    stage->bank.roster.hash.bytes[0]--;
    OK(officers_check(&stage->part));
    struct sign_key *ada = stage->ada;
    stage->ada = stage->stranger; /* the policy lists another in her place */
    policy_set(stage, "", "approvals: 1\n");
    stage->ada = ada;
    assert_int_equal(officers_check(&stage->part).category, CATEGORY_FALSE);
}

static void words_survive_a_restart(void **state)
{
    struct stage *stage = *state;
    OK(say(stage, word_of(stage, APPROVAL_APPROVE), stage->ada));
    uint64_t entries = journal_entries(stage->bank.journal);
    journal_close(stage->bank.journal);
    store_close(stage->bank.store);
    stage->bank.store = NULL;
    stage->bank.journal = NULL;
    OK(store_open(stage->directory, &stage->bank.store));
    OK(journal_open(stage->bank.store, stage->directory, stage->node, &stage->bank.journal));
    assert_int_equal(journal_entries(stage->bank.journal), entries);
    assert_int_equal(entries, 1);
    OK(officers_check(&stage->part));
}

static void a_plan_that_the_policy_approves_can_be_denied(void **state)
{
    struct stage *stage = *state;
    policy_set(stage, "{author: north, purpose: credit-risk}", "");
    struct officers_word said;
    OK(officers_ask(&stage->bank, &stage->part.submission, &said));
    assert_int_equal(said.needed, 0);
    OK(officers_check(&stage->part));
    OK(say(stage, word_of(stage, APPROVAL_DENY), stage->bert));
    assert_int_equal(officers_check(&stage->part).category, CATEGORY_FALSE);
}

static void another_cohort_is_approved_for_its_run(void **state)
{
    struct stage *stage = *state;
    policy_set(stage, "{author: north, purpose: credit-risk}", "");
    members_remove(&stage->part.submission.terms.cohort, 4);
    assert_int_equal(officers_check(&stage->part).category,
                     CATEGORY_FALSE); /* an officer is asked, though by no rule */
    OK(say(stage, word_of(stage, APPROVAL_APPROVE), stage->ada));
    assert_int_equal(officers_check(&stage->part).category, CATEGORY_FALSE);
    struct approval change = word_of(stage, APPROVAL_CHANGE);
    change.of_run = true;
    change.subject = stage->part.submission.id;
    OK(say(stage, change, stage->ada));
    OK(officers_check(&stage->part));
    struct officers_word said;
    OK(officers_ask(&stage->bank, &stage->part.submission, &said));
    assert_true(said.change);
    struct approval of_plan = word_of(stage, APPROVAL_CHANGE); /* a cohort is a run's */
    assert_int_equal(say(stage, of_plan, stage->ada).category, CATEGORY_FALSE);
    assert_non_null(strstr(result_reason(), "for a run, not for a plan"));
}

static bool repetition(struct stage *stage)
{
    bool approved = false;
    OK(officers_repetition(&stage->bank, &stage->part.submission, &approved));
    return approved;
}

/* It is no word on the run, nor is one on the run, or on its cohort, a word on it. */
static void a_repetition_is_approved_by_itself(void **state)
{
    struct stage *stage = *state;
    struct approval word = word_of(stage, APPROVAL_CHANGE);
    word.of_run = true;
    word.subject = stage->part.submission.id;
    OK(say(stage, word, stage->ada));
    OK(say(stage, word_of(stage, APPROVAL_APPROVE), stage->ada));
    assert_false(repetition(stage));
    word.repetition = true;
    word.given = ++stage->given;
    assert_int_equal(say(stage, word, stage->bert).category, CATEGORY_FALSE); /* of a cohort */
    word.decision = APPROVAL_APPROVE;
    OK(say(stage, word, stage->bert));
    assert_true(repetition(stage));
    policy_set(stage, "", "approvals: 2\n");
    assert_int_equal(approvals(stage), 1); /* Ada's, of the plan; Bert said nothing of that */
    assert_false(repetition(stage));
    word.given = ++stage->given;
    OK(say(stage, word, stage->ada));
    assert_true(repetition(stage));
    word.decision = APPROVAL_DENY;
    word.given = ++stage->given;
    OK(say(stage, word, stage->bert));
    assert_false(repetition(stage));
    assert_false(atomic_load(&stage->part.denied)); /* the run is not */
    policy_set(stage, "", "approvals: 1\n");
    OK(officers_check(&stage->part));
}

/* For the run's log: as it was signed, one of each officer who counts, that of the run before that of the plan. */
static void assert_shown(struct stage *stage, size_t count, const struct approval *first)
{
    struct approval shown;
    OK(officers_show(&stage->part));
    assert_int_equal(stage->part.approvals_count, count);
    for (size_t i = 0; i < count; i++) {
        OK(approval_parse(stage->part.approvals[i], &shown));
        OK(approval_verify(&shown));
        if (i == 0) assert_int_equal(shown.given, first->given);
    }
}

static void what_officers_signed_is_shown(void **state)
{
    struct stage *stage = *state;
    const struct approval of_plan = word_of(stage, APPROVAL_APPROVE);
    assert_int_equal(officers_show(&stage->part).category, CATEGORY_FALSE);
    assert_int_equal(stage->part.approvals_count, 0);
    OK(say(stage, of_plan, stage->ada));
    assert_shown(stage, 1, &of_plan);
    struct approval of_run = word_of(stage, APPROVAL_APPROVE);
    of_run.of_run = true;
    of_run.subject = stage->part.submission.id;
    OK(say(stage, of_run, stage->ada));
    OK(say(stage, word_of(stage, APPROVAL_APPROVE), stage->bert)); /* one was asked for */
    assert_shown(stage, 2, &of_run);
    OK(say(stage, word_of(stage, APPROVAL_DENY), stage->bert));
    assert_int_equal(officers_show(&stage->part).category, CATEGORY_FALSE);
    assert_int_equal(stage->part.approvals_count, 0);
}

static void where_the_policy_asks_nobody_nothing_is_shown(void **state)
{
    struct stage *stage = *state;
    policy_set(stage, "{author: north, purpose: credit-risk}", "");
    OK(say(stage, word_of(stage, APPROVAL_APPROVE), stage->ada));
    assert_shown(stage, 0, NULL);
    members_remove(&stage->part.submission.terms.cohort, 4); /* of its cohort it does ask */
    struct approval change = word_of(stage, APPROVAL_CHANGE);
    change.of_run = true;
    change.subject = stage->part.submission.id;
    OK(say(stage, change, stage->bert));
    assert_shown(stage, 1, &change);
}

static void a_document_has_one_spelling(void **state)
{
    struct stage *stage = *state;
    CLEANUP(buffer_done) struct buffer document = {0}, changed = {0};
    struct approval word = word_of(stage, APPROVAL_APPROVE), read;
    OK(approval_sign(&word, stage->ada, &document));
    OK(approval_parse(buffer_view(&document), &read));
    OK(approval_verify(&read));
    assert_true(hash_equal(&read.subject, &word.subject) && read.given == word.given && !read.of_run);
    for (size_t i = 0; i < document.length; i++) { /* another byte anywhere is no document, or not what was signed */
        buffer_clear(&changed);
        OK(buffer_append(&changed, buffer_view(&document)));
        changed.data[i] ^= 1;
        if (result_ok(approval_parse(buffer_view(&changed), &read)))
            assert_int_equal(approval_verify(&read).category, CATEGORY_FALSE);
        assert_int_equal(approval_parse(view_of(document.data, i), &read).category, CATEGORY_FALSE);
    }
    OK(buffer_u8(&document, '\n'));
    assert_int_equal(approval_parse(buffer_view(&document), &read).category, CATEGORY_FALSE);
    read = word;
    read.signature.bytes[3] ^= 1;
    assert_int_equal(approval_verify(&read).category, CATEGORY_FALSE);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(a_word_that_cannot_count_is_refused_and_named),
        CASE(what_was_taken_back_does_not_return),
        CASE(two_approvals_are_of_two_officers),
        CASE(a_word_ends_with_its_time_its_officer_and_its_roster),
        CASE(words_survive_a_restart),
        CASE(a_plan_that_the_policy_approves_can_be_denied),
        CASE(another_cohort_is_approved_for_its_run),
        CASE(a_repetition_is_approved_by_itself),
        CASE(what_officers_signed_is_shown),
        CASE(where_the_policy_asks_nobody_nothing_is_shown),
        CASE(a_document_has_one_spelling),
    };
    return result_ok(crypto_start()) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
