/* A bank's policy: what is refused as a file, and what each of its entries refuses, with the line that says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base/limits.h"
#include "proto/run/policy.h"

#define HEX_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* The lines of a policy that allows the plan below; a test changes one. */
enum {
    PURPOSES = 1,
    TASKS,
    AUTHORS,
    COLUMNS,
    ALLOWED,
    FORBIDDEN,
    COHORT,
    MINIMUM,
    DROPOUT,
    CHANGES,
    ROWS,
    CELLS,
    ROUNDS,
    WORDS,
    APPROVE,
    RULE,
    LINES
};
static const char *const whole[LINES] = {
    [PURPOSES] = "purposes: [churn, credit-risk]",
    [TASKS] = "tasks: [statistics, logistic]",
    [AUTHORS] = "authors: [north, south]",
    [COLUMNS] = "columns:",
    [ALLOWED] = "  allowed: [income, sex, default, customer, fold]",
    [FORBIDDEN] = "  forbidden: [postcode]",
    [COHORT] = "cohort:",
    [MINIMUM] = "  minimum: 4",
    [DROPOUT] = "  on_dropout: [wait]",
    [CHANGES] = "  changes: [" HEX_A "]",
    [ROWS] = "rows: {minimum: 100}",
    [CELLS] = "cells: {minimum: 10}",
    [ROUNDS] = "rounds: {most: 30}",
    [WORDS] = "words: {run: 1000, month: 3000}",
    [APPROVE] = "approve:",
    [RULE] = "  - {author: north, purpose: credit-risk}",
};

static const char plan_text[] =
    "cofferdam: 1\nname: small\npurpose: credit-risk\ntask: logistic\n"
    "target: {column: default, positive: \"1\"}\nid: customer\nsplit: {column: fold, holdout: [\"0\"]}\nfeatures:\n"
    "  - {name: income, kind: number, min: 0, max: 5000, resolution: 1}\n"
    "  - {name: sex, kind: category, levels: [f, m], baseline: f}\n"
    "train: {penalty: 0, tolerance: 1.0e-8, rounds: 25}\ncohort: {minimum: 3, rows: 1000}\n";

static struct plan plan;
static struct hash run_id;
static struct policy_case usual;

static int enter(void **state)
{
    (void)state;
    struct result result = plan_parse(view_text(plan_text), "plan.yaml", &plan);
    if (!result_ok(result) || !result_ok(bytes_unhex(view_text(HEX_A), run_id.bytes, HASH_BYTES))) return 1;
    usual = (struct policy_case){.plan = &plan,
                                 .author = "north",
                                 .run = &run_id,
                                 .cohort = 4,
                                 .words = 20,
                                 .rows_known = true,
                                 .rows = 100,
                                 .month_known = true};
    return 0;
}

static int leave(void **state)
{
    (void)state;
    plan_done(&plan);
    return 0;
}

/* The whole policy with one of its lines another; NULL: left out. */
static struct result parse_with(unsigned line, const char *text, struct policy *ret)
{
    CLEANUP(buffer_done) struct buffer out = {0};
    for (unsigned i = 1; i < LINES; i++) {
        const char *here = i == line ? text : whole[i];
        if (here) TRY(buffer_format(&out, "%s\n", here));
    }
    return policy_parse(buffer_view(&out), "bank/policy.yaml", ret);
}

/* The whole policy refuses the case, with this line and this part of the sentence. */
static void refuses_with(unsigned changed, const char *text, const struct policy_case *about, unsigned line,
                         const char *part)
{
    CLEANUP(policy_done) struct policy policy = {0};
    char place[40];
    if (!result_ok(parse_with(changed, text, &policy))) fail_msg("%s", result_reason());
    (void)snprintf(place, sizeof place, "policy.yaml:%u: ", line);
    assert_int_equal(policy_check(&policy, about).category, CATEGORY_FALSE);
    if (strncmp(result_reason(), place, strlen(place)) != 0 || !strstr(result_reason(), part))
        fail_msg("\"%s\" is not \"%s... %s\"", result_reason(), place, part);
}

static void allows_with(unsigned changed, const char *text, const struct policy_case *about)
{
    CLEANUP(policy_done) struct policy policy = {0};
    if (!result_ok(parse_with(changed, text, &policy))) fail_msg("%s", result_reason());
    if (!result_ok(policy_check(&policy, about))) fail_msg("%s", result_reason());
}

static void a_plan_within_every_entry_is_allowed(void **state)
{
    (void)state;
    allows_with(0, NULL, &usual);
    allows_with(PURPOSES, "purposes: [\"*\"]", &usual);
    allows_with(TASKS, "tasks: [\"*\"]", &usual);
    allows_with(AUTHORS, "authors: [\"*\"]", &usual);
    allows_with(ALLOWED, "  allowed: [\"*\"]", &usual);
}

static void rows_between_runs_are_ten_unless_it_says_so(void **state)
{
    (void)state;
    CLEANUP(policy_done) struct policy silent = {0}, spoken = {0};
    assert_true(result_ok(parse_with(0, NULL, &silent)));
    assert_int_equal(silent.repetition_rows, 10);
    assert_true(result_ok(parse_with(WORDS, "words: {run: 100, month: 300}\nrepetition: {rows: 1000}", &spoken)));
    assert_int_equal(spoken.repetition_rows, 1000);
}

static void each_entry_refuses_by_itself_and_names_its_line(void **state)
{
    (void)state;
    static const struct {
        unsigned line;
        const char *text;
        unsigned told;
        const char *part;
    } cases[] = {
        {TASKS, "tasks: [statistics]", TASKS, "task logistic is not among those"},
        {ALLOWED, "  allowed: [income, default, customer, fold]", ALLOWED, "column sex is not among those"},
        {ALLOWED, "  allowed: [income, sex, customer, fold]", ALLOWED, "column default is not among those"},
        {ALLOWED, "  allowed: [income, sex, default, fold]", ALLOWED, "column customer is not among those"},
        {ALLOWED, "  allowed: [income, sex, default, customer]", ALLOWED, "column fold is not among those"},
        {ALLOWED, "  allowed: []", ALLOWED, "column income is not among those"},
        {MINIMUM, "  minimum: 5", MINIMUM, "the cohort has 4 members and this bank asks for at least 5"},
        {DROPOUT, "  on_dropout: [continue]", DROPOUT, "on_dropout wait is not among those"},
        {ROWS, "rows: {minimum: 101}", ROWS, "fewer than 101 rows"},
        {CELLS, "cells: {minimum: 11}", CELLS, "cells of 10 customers and this bank asks for at least 11"},
        {ROUNDS, "rounds: {most: 24}", ROUNDS, "up to 25 rounds and this bank takes part in at most 24"},
        {WORDS, "words: {run: 19, month: 3000}", WORDS, "takes 20 words and this bank gives at most 19"},
        {RULE, "  - {author: south, purpose: credit-risk}", APPROVE, "nor author north with purpose credit-risk"},
        {RULE, "  - {author: north, purpose: churn}", APPROVE, "no rule approves plan "},
        {RULE, "  - {author: north, purpose: credit-risk, task: statistics}", APPROVE, "and task logistic"},
        {RULE, "  - {plan: " HEX_A "}", APPROVE, "no rule approves plan "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuses_with(cases[i].line, cases[i].text, &usual, cases[i].told, cases[i].part);
}

static void what_the_run_brings_is_refused_with_the_line(void **state)
{
    (void)state;
    struct policy_case about = usual;
    about.author = "east";
    refuses_with(0, NULL, &about, AUTHORS, "author east is not among those");
    about = usual;
    about.left_out = "west";
    allows_with(0, NULL, &about); /* this run may */
    refuses_with(CHANGES, "  changes: []", &about, CHANGES, "leaves out west");
    refuses_with(CHANGES, NULL, &about, COHORT, "leaves out west");
    about = usual;
    about.month = 2981; /* and 20 more */
    refuses_with(0, NULL, &about, WORDS, "more than the 3000 words that this bank gives in a calendar month");
    about.month = 2980;
    allows_with(0, NULL, &about);
    about.month = 5000; /* the policy was made stricter in the middle of a month */
    refuses_with(0, NULL, &about, WORDS, "in a calendar month");
}

static void a_forbidden_column_is_named_by_its_own_line(void **state)
{
    (void)state;
    CLEANUP(policy_done) struct policy policy = {0};
    static const char text[] = "purposes: [credit-risk]\ntasks: [logistic]\nauthors: [north]\ncolumns:\n"
                               "  allowed: [\"*\"]\n  forbidden:\n    - postcode\n    - sex\n"
                               "cohort: {minimum: 3, on_dropout: [wait]}\nrows: {minimum: 1}\ncells: {minimum: 1}\n"
                               "rounds: {most: 100}\nwords: {run: 1000, month: 1000}\napprove: []\n";
    assert_true(result_ok(policy_parse(view_text(text), "policy.yaml", &policy)));
    assert_int_equal(policy_check(&policy, &usual).category, CATEGORY_FALSE);
    assert_string_equal(result_reason(), "policy.yaml:8: column sex is forbidden");
}

static void a_plan_is_approved_by_its_hash_or_by_author_and_purpose(void **state)
{
    (void)state;
    CLEANUP(policy_done) struct policy policy = {0};
    CLEANUP(buffer_done) struct buffer words = {0};
    char rule[128], hash[2 * HASH_BYTES + 1];
    bytes_hex(hash_view(&plan.hash), hash);
    (void)snprintf(rule, sizeof rule, "  - {plan: %s}", hash);
    assert_true(result_ok(parse_with(RULE, rule, &policy)));
    assert_true(policy_names_plan(&policy, &plan.hash));
    assert_false(policy_names_plan(&policy, &run_id));
    struct policy_case about = usual;
    about.author = "south"; /* whoever submits this very plan, of the authors */
    assert_true(result_ok(policy_check(&policy, &about)));
    assert_ptr_equal(policy_rule_of(&policy, &about), &policy.rules[0]);
    assert_true(result_ok(policy_rule_words(&policy, &policy.rules[0], &words)));
    assert_non_null(memmem(words.data, words.length, "policy.yaml:16: plan ", 21));
    policy_done(&policy);
    assert_true(result_ok(parse_with(0, NULL, &policy)));
    assert_null(policy_rule_of(&policy, &about));
    assert_ptr_equal(policy_rule_of(&policy, &usual), &policy.rules[0]);
    about.author = NULL;
    assert_null(policy_rule_of(&policy, &about));
    assert_true(policy_allows_change(&policy, &run_id));
    assert_false(policy_allows_change(&policy, &plan.hash));
}

static void what_leaves_is_bounded_by_rounds_run_and_month(void **state)
{
    (void)state;
    CLEANUP(policy_done) struct policy policy = {0};
    assert_true(result_ok(parse_with(0, NULL, &policy)));
    static const struct {
        struct policy_spent before;
        uint64_t words;
        const char *part; /* NULL: it may leave */
    } cases[] = {
        {{0, 0, 0}, 1000, NULL},
        {{0, 0, 0}, 1001, "policy.yaml:14: this bank gives at most 1000 words in a run"},
        {{29, 500, 500}, 500, NULL},
        {{30, 500, 500}, 1, "policy.yaml:13: this bank takes part in at most 30 rounds of a run"},
        {{1, 999, 999}, 1, NULL},
        {{1, 999, 999}, 2, "at most 1000 words in a run"},
        {{1, 10, 2999}, 1, NULL},
        {{1, 10, 2999}, 2, "policy.yaml:14: this bank gives at most 3000 words in a calendar month"},
        {{1, 10, 2999}, UINT64_MAX, "words in a run"},
        {{UINT64_MAX, UINT64_MAX, UINT64_MAX}, UINT64_MAX, "rounds of a run"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct result result = policy_check_input(&policy, &cases[i].before, cases[i].words);
        assert_int_equal(result.category, cases[i].part ? CATEGORY_FALSE : CATEGORY_OK);
        if (cases[i].part && !strstr(result_reason(), cases[i].part)) fail_msg("%zu: %s", i, result_reason());
    }
    assert_true(result_ok(policy_check_rows(&policy, 100)));
    assert_int_equal(policy_check_rows(&policy, 99).category, CATEGORY_FALSE);
    assert_string_equal(result_reason(),
                        "policy.yaml:11: this bank's table has 99 rows and the policy asks for at least 100");
}

static void a_file_that_is_wrong_or_contradicts_itself_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        unsigned line;
        const char *text;
        unsigned told;
        const char *part;
    } cases[] = {
        {PURPOSES, NULL, 1, "\"purposes\" is missing"},
        {PURPOSES, "purposes: credit-risk", 1, "must be a list"},
        {PURPOSES, "purposes: [credit-risk, credit-risk]", 1, "\"credit-risk\" stands here twice"},
        {PURPOSES, "purposes: [credit-risk, \"*\"]", 1, "let it stand alone"},
        {PURPOSES, "purposes: [churn]", RULE, "\"credit-risk\" is not among the purposes (line 1)"},
        {TASKS, "tasks: [statistics, oracle]", TASKS, "no task is called \"oracle\"; there are: "},
        {AUTHORS, "authors: [south]", RULE, "\"north\" is not among the authors (line 3)"},
        {RULE, "  - {author: north, purpose: credit-risk, task: scorecard}", RULE, "not among the tasks (line 2)"},
        {FORBIDDEN, "  forbidden: [postcode, sex]", FORBIDDEN, "column sex is allowed too (line 5)"},
        {FORBIDDEN, "  forbidden: [\"*\"]", FORBIDDEN, "would forbid every column"},
        {FORBIDDEN, "  banned: [x]", FORBIDDEN, "\"banned\" is not known here; see docs/operators.md"},
        {MINIMUM, "  minimum: 2", MINIMUM, "from 3 to 1000"},
        {MINIMUM, "  minimum: 1001", MINIMUM, "from 3 to 1000"},
        {DROPOUT, "  on_dropout: [hope]", DROPOUT, "\"hope\" is not known; write wait or continue"},
        {CHANGES, "  changes: [abc]", CHANGES, "64 hex digits"},
        {ROWS, "rows: {minimum: 0}", ROWS, "whole number from 1"},
        {ROWS, "rows: {minimum: few}", ROWS, "whole number"},
        {CELLS, "cells: {minimum: 1000001}", CELLS, "to 1000000"},
        {ROUNDS, "rounds: {most: 0}", ROUNDS, "whole number from 1"},
        {WORDS, "words: {run: 1, month: 1}\nrepetition: {rows: 1}", WORDS + 1, "whole number from 2 to 1000"},
        {WORDS, "words: {run: 1, month: 1}\nrepetition: {rows: 1001}", WORDS + 1, "whole number from 2 to 1000"},
        {WORDS, "words: {run: 1, month: 1}\nrepetition: {rows: no}", WORDS + 1, "whole number from 2 to 1000"},
        {WORDS, "words: {run: 3001, month: 3000}", WORDS, "a run cannot have more words than a month"},
        {WORDS, "words: {run: 10}", WORDS, "\"month\" is missing"},
        {RULE, "  - {author: north}", RULE, "author and purpose together"},
        {RULE, "  - {purpose: credit-risk}", RULE, "author and purpose together"},
        {RULE, "  - {plan: " HEX_A ", task: logistic}", RULE, "author and purpose together"},
        {RULE, "  - {plan: 12}", RULE, "64 hex digits"},
        {RULE, "  - {author: north, purpose: credit-risk, who: x}", RULE, "\"who\" is not known here"},
        {APPROVE, "approved:", APPROVE, "\"approved\" is not known here"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct policy policy = {0};
        char place[40];
        struct result result = parse_with(cases[i].line, cases[i].text, &policy);
        if (result_ok(result)) fail_msg("%s: taken", cases[i].text);
        assert_int_equal(result.category, CATEGORY_USAGE);
        (void)snprintf(place, sizeof place, "bank/policy.yaml:%u: ", cases[i].told);
        if (strncmp(result_reason(), place, strlen(place)) != 0 || !strstr(result_reason(), cases[i].part))
            fail_msg("\"%s\" is not \"%s... %s\"", result_reason(), place, cases[i].part);
        assert_null(policy.raw);
    }
}

#define KEY_A "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a" /* RFC 8032, tests 1 and 2 */
#define KEY_B "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"

static void officers_are_asked_by_a_rule_or_about_the_rest(void **state)
{
    (void)state;
    CLEANUP(policy_done) struct policy policy = {0};
    struct policy_case about = usual;
    assert_true(result_ok(parse_with(RULE,
                                     "  - {author: north, purpose: credit-risk, approvals: 2}\nofficers:\n"
                                     "  - {name: Ada, key: " KEY_A "}\n  - {name: Bert, key: " KEY_B "}\napprovals: 1",
                                     &policy)));
    assert_int_equal(policy_approvals(&policy, &about), 2);
    assert_true(result_ok(policy_check(&policy, &about))); /* not refused: it waits */
    about.author = "south";
    assert_null(policy_rule_of(&policy, &about));
    assert_int_equal(policy_approvals(&policy, &about), 1);
    assert_true(result_ok(policy_check(&policy, &about)));
    const struct sign_public key = policy.officers[1].key;
    assert_string_equal(policy_officer_of(&policy, &key)->name, "Bert");
    assert_int_equal(policy_check_key(&policy, "bank/policy.yaml", &key, "this bank's node key").category,
                     CATEGORY_USAGE);
    assert_non_null(strstr(result_reason(), "bank/policy.yaml:19: the key of officer Bert is this bank's node key"));
    policy_done(&policy);
    assert_true(result_ok(parse_with(0, NULL, &policy)));
    assert_int_equal(policy_approvals(&policy, &usual), 0);
    about.left_out = "west"; /* without officers nobody can be asked */
    policy.changes_count = 0;
    assert_false(policy_asks_change(&policy, &about));
}

static void officers_that_contradict_themselves_are_refused_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned told;
        const char *part;
    } cases[] = {
        {"approvals: 1", 17, "1 officers are asked for, and 0 are listed"},
        {"officers:\n  - {name: Ada, key: " KEY_A "}\napprovals: 2", 19, "2 officers are asked for, and 1 are listed"},
        {"officers:\n  - {name: Ada, key: " KEY_A "}\napprovals: 3", 19, "whole number from 1 to 2"},
        {"officers:\n  - {name: Ada, key: " KEY_A "}\n  - {name: Bert, key: " KEY_A "}", 19, "is the key of Ada too"},
        {"officers:\n  - {name: Ada, key: " KEY_A "}\n  - {name: Ada, key: " KEY_B "}", 19,
         "\"Ada\" stands here twice"},
        {"officers:\n  - {name: Ada, key: 12}", 18, "64 hex digits"},
        {"officers:\n  - {name: Ada, key: 0100000000000000000000000000000000000000000000000000000000000000}", 18,
         "must be an officer's public key"},
        {"officers:\n  - {name: Ada}", 18, "\"key\" is missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct policy policy = {0};
        char place[40], rule[400];
        (void)snprintf(rule, sizeof rule, "%s\n%s", whole[RULE], cases[i].text);
        struct result result = parse_with(RULE, rule, &policy);
        if (result_ok(result)) fail_msg("%s: taken", cases[i].text);
        assert_int_equal(result.category, CATEGORY_USAGE);
        (void)snprintf(place, sizeof place, "bank/policy.yaml:%u: ", cases[i].told);
        if (strncmp(result_reason(), place, strlen(place)) != 0 || !strstr(result_reason(), cases[i].part))
            fail_msg("\"%s\" is not \"%s... %s\"", result_reason(), place, cases[i].part);
    }
}

static void lists_that_allow_nothing_are_remarked_upon(void **state)
{
    (void)state;
    CLEANUP(policy_done) struct policy policy = {0};
    CLEANUP(buffer_done) struct buffer out = {0};
    assert_true(result_ok(parse_with(0, NULL, &policy)));
    assert_true(result_ok(policy_remarks(&policy, &out)));
    assert_int_equal(out.length, 0);
    policy_done(&policy);
    assert_true(result_ok(parse_with(ALLOWED, "  allowed: []", &policy)));
    assert_true(result_ok(policy_remarks(&policy, &out)));
    static const char said[] = "policy.yaml:5: columns.allowed is empty, so this bank refuses every run\n";
    assert_int_equal(out.length, strlen(said));
    assert_memory_equal(out.data, said, out.length);
}

static void an_officer_is_told_every_entry_and_what_is_still_open(void **state)
{
    (void)state;
    CLEANUP(policy_done) struct policy policy = {0};
    CLEANUP(buffer_done) struct buffer out = {0};
    const char *text = NULL;
    const struct policy_case about = {.plan = &plan, .words = 20};
    assert_true(result_ok(parse_with(CELLS, "cells: {minimum: 50}", &policy)));
    assert_true(result_ok(policy_explain(&policy, &about, &out)));
    assert_true(result_ok(buffer_terminate(&out, &text)));
    static const char *const said[] = {
        "the first has 20\n",
        "at most 30 times (policy.yaml:13)",
        "at most 1000 words in this run (policy.yaml:14)",
        "3000 in a calendar month (policy.yaml:14)",
        "  allows   policy.yaml:1    purpose credit-risk\n",
        "  open     policy.yaml:3    who its author is",
        "  open     policy.yaml:8    this bank asks for a cohort of at least 4, the plan for 3",
        "  open     policy.yaml:11   this bank's table must have at least 100 rows",
        "  refuses  policy.yaml:12   the plan shows cells of 10 customers",
        "  open     policy.yaml:16   this rule approves the plan, if north is the plan's author",
    };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (!strstr(text, said[i])) fail_msg("not \"%s\" in:\n%s", said[i], text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_within_every_entry_is_allowed),
        cmocka_unit_test(rows_between_runs_are_ten_unless_it_says_so),
        cmocka_unit_test(each_entry_refuses_by_itself_and_names_its_line),
        cmocka_unit_test(what_the_run_brings_is_refused_with_the_line),
        cmocka_unit_test(a_forbidden_column_is_named_by_its_own_line),
        cmocka_unit_test(a_plan_is_approved_by_its_hash_or_by_author_and_purpose),
        cmocka_unit_test(what_leaves_is_bounded_by_rounds_run_and_month),
        cmocka_unit_test(a_file_that_is_wrong_or_contradicts_itself_is_refused_with_its_line),
        cmocka_unit_test(officers_are_asked_by_a_rule_or_about_the_rest),
        cmocka_unit_test(officers_that_contradict_themselves_are_refused_with_their_line),
        cmocka_unit_test(lists_that_allow_nothing_are_remarked_upon),
        cmocka_unit_test(an_officer_is_told_every_entry_and_what_is_still_open),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
