/* A policy's privacy: what is refused as a file, what a run and a source may cost, and which line says so. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/run/policy.h"
#include "proto/run/privacy.h"
#include "tests/support/ok.h"
#include "tests/support/policy.h"

#define REST POLICY_TEXT("north", "3", "", "1", "run: 100, month: 250") /* 11 lines */
enum { FIRST = 12 };                                                    /* line of what a test adds */

static void plan_make(const char *privacy, struct plan *plan)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    OK(buffer_format(&text,
                     "cofferdam: 1\nname: small\npurpose: credit-risk\ntask: statistics\nfeatures:\n"
                     "  - {name: income, kind: number, min: 0, max: 5000, resolution: 1}\n%s",
                     privacy));
    OK(plan_parse(buffer_view(&text), "plan.yaml", plan));
}

static struct result policy_with(const char *more, struct policy *ret)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    OK(buffer_format(&text, "%s%s\n", REST, more));
    return policy_parse(buffer_view(&text), "bank/policy.yaml", ret);
}

#define BUDGETS "privacy:\n  budgets:\n    - {source: customers, epsilon: 8, delta: 1.0e-6}\n"

static void a_file_that_is_wrong_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line;
        const char *part;
    } cases[] = {
        {"privacy: {required: maybe}", FIRST, "\"privacy.required\": write yes or no"},
        {"privacy: {required: \"\"}", FIRST, ""},
        {"privacy: {asked: yes}", FIRST, "\"asked\" is not known here"},
        {"privacy: yes", FIRST, ""},
        {"privacy:\n  run: {epsilon: 4}", FIRST + 1, "\"delta\" is missing"},
        {"privacy:\n  run: {delta: 1.0e-6}", FIRST + 1, "\"epsilon\" is missing"},
        {"privacy:\n  run: {epsilon: 0, delta: 1.0e-6}", FIRST + 1, "\"privacy.run.epsilon\": 0 is not above 0"},
        {"privacy:\n  run: {epsilon: -1, delta: 1.0e-6}", FIRST + 1, "is not above 0"},
        {"privacy:\n  run: {epsilon: nan, delta: 1.0e-6}", FIRST + 1, "is not above 0"},
        {"privacy:\n  run: {epsilon: 101, delta: 1.0e-6}", FIRST + 1, "at most 100"},
        {"privacy:\n  run: {epsilon: 4, delta: 0}", FIRST + 1, "\"privacy.run.delta\": 0 is not above 0"},
        {"privacy:\n  run: {epsilon: 4, delta: 0.01}", FIRST + 1, "at most 0.001"},
        {"privacy:\n  run: {epsilon: 1.0e-320, delta: 1.0e-320}", FIRST + 1, "leaves nothing to spend"},
        {"privacy:\n  run: {source: x, epsilon: 4, delta: 1.0e-6}", FIRST + 1, "\"source\" is not known here"},
        {"privacy:\n  budgets:\n    - {epsilon: 8, delta: 1.0e-6}", FIRST + 2, "\"source\" is missing"},
        {"privacy:\n  budgets:\n    - {source: a, epsilon: 8}", FIRST + 2, "\"delta\" is missing"},
        {"privacy:\n  budgets:\n    - {source: a, epsilon: 0, delta: 1.0e-6}", FIRST + 2,
         "\"privacy.budgets.0.epsilon\": 0 is not above 0"},
        {BUDGETS "    - {source: other, epsilon: 8, delta: 1.0e-6}\n"
                 "    - {source: customers, epsilon: 9, delta: 1.0e-7}",
         FIRST + 4, "source customers has a budget already (line 14); keep one"},
        {BUDGETS "    - {source: b, epsilon: 8, delta: 1.0e-6, years: 2}", FIRST + 3, "\"years\" is not known here"},
        {"privacy: {required: no}\nprivacy: {required: yes}", FIRST + 1, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct policy policy = {0};
        char place[40];
        if (result_ok(policy_with(cases[i].text, &policy))) fail_msg("%s: taken", cases[i].text);
        (void)snprintf(place, sizeof place, "bank/policy.yaml:%u: ", cases[i].line);
        if (strncmp(result_reason(), place, strlen(place)) != 0 || !strstr(result_reason(), cases[i].part))
            fail_msg("\"%s\" is not \"%s... %s\"", result_reason(), place, cases[i].part);
        assert_null(policy.raw);
    }
}

/* What the policy says of a plan with this `privacy`, over this source of which so much is taken; "": it allows. */
static void says(const char *text, const char *privacy, const char *source, double taken, const char *part)
{
    CLEANUP(policy_done) struct policy policy = {0};
    CLEANUP(plan_done) struct plan plan = {0};
    OK(policy_with(text, &policy));
    plan_make(privacy, &plan);
    const struct policy_case about = {.plan = &plan,
                                      .author = "north",
                                      .words = 1,
                                      .month_known = true,
                                      .source = source,
                                      .taken_known = source != NULL,
                                      .taken = taken};
    struct result whole = policy_check(&policy, &about), alone = policy_check_privacy(&policy, &about);
    assert_int_equal(whole.category, alone.category);
    assert_int_equal(whole.category, *part ? CATEGORY_FALSE : CATEGORY_OK);
    if (*part && !strstr(result_reason(), part)) fail_msg("\"%s\" does not say \"%s\"", result_reason(), part);
}

#define PRIVATE "privacy: {epsilon: 4, delta: 1.0e-6}\n"

static void plans_without_privacy_are_refused_where_it_is_asked_for(void **state)
{
    (void)state;
    says("", "", "customers", 0, "");
    says("privacy: {required: no}", "", "customers", 0, "");
    says("privacy: {required: yes}", "", "customers", 0, "policy.yaml:12: the plan has no privacy, and this bank asks");
    says("privacy: {required: yes}", PRIVATE, "customers", 0, "");
    says("", PRIVATE, "customers", 1e9, "");
    /* A budget asks for it by itself, whatever `required` says; of its own source alone. */
    says(BUDGETS, "", "customers", 0, "policy.yaml:14: the plan has no privacy, and this bank's data have a privacy");
    says(BUDGETS "  required: no", "", "customers", 0, "policy.yaml:14: ");
    says(BUDGETS, "", "others", 0, "");
    says(BUDGETS, "", NULL, 0, "");
}

static void a_run_costs_at_most_what_the_policy_says(void **state)
{
    (void)state;
    says("privacy:\n  run: {epsilon: 4, delta: 1.0e-6}", PRIVATE, "customers", 0, ""); /* equal is within */
    says("privacy:\n  run: {epsilon: 3.999, delta: 1.0e-6}", PRIVATE, "customers", 0,
         "policy.yaml:13: the plan costs rho ");
    says("privacy:\n  run: {epsilon: 3.999, delta: 1.0e-6}", "", "customers", 0, "");
    /* The ε is less at a larger δ, and ρ is what counts: a larger ε may be the smaller cost. */
    says("privacy:\n  run: {epsilon: 4, delta: 1.0e-6}", "privacy: {epsilon: 4.2, delta: 1.0e-9}\n", "customers", 0,
         "");
    says("privacy:\n  run: {epsilon: 4, delta: 1.0e-6}", "privacy: {epsilon: 3.9, delta: 1.0e-4}\n", "customers", 0,
         "policy.yaml:13: ");
}

static void a_source_costs_at_most_its_budget_over_all_runs(void **state)
{
    (void)state;
    double budget = privacy_budget(8, 1e-6), cost = privacy_budget(4, 1e-6);
    double most = budget - cost; /* rounded to nearest: the sum may be an ulp above */
    while (privacy_compose(most, cost) > budget) most = nextafter(most, 0);
    says(BUDGETS, PRIVATE, "customers", 0, "");
    says(BUDGETS, PRIVATE, "customers", most, "");
    double over = most;
    while (privacy_compose(over, cost) <= budget) over = nextafter(over, INFINITY);
    says(BUDGETS, PRIVATE, "customers", over, "policy.yaml:14: the plan costs rho ");
    says(BUDGETS, PRIVATE, "customers", 1e9,
         "and less is left of this bank's privacy budget"); /* the policy was made stricter */
    says(BUDGETS, PRIVATE, "others", 1e9, "");
    says(BUDGETS, PRIVATE, NULL, 0, "");
    says(BUDGETS, "privacy: {epsilon: 8, delta: 1.0e-6}\n", "customers", 0, "");
    says(BUDGETS, "privacy: {epsilon: 8.001, delta: 1.0e-6}\n", "customers", 0, "policy.yaml:14: ");
}

static void what_is_left_is_told_to_the_officer_alone(void **state)
{
    (void)state;
    CLEANUP(policy_done) struct policy policy = {0};
    CLEANUP(plan_done) struct plan plan = {0};
    CLEANUP(buffer_done) struct buffer out = {0};
    const char *text = NULL;
    OK(policy_with(BUDGETS "  required: yes\n  run: {epsilon: 5, delta: 1.0e-6}", &policy));
    plan_make(PRIVATE, &plan);
    struct policy_case about = {.plan = &plan, .words = 1, .source = "customers", .taken_known = true, .taken = 0.625};
    OK(policy_explain(&policy, &about, &out));
    OK(buffer_terminate(&out, &text));
    char left[60];
    (void)snprintf(left, sizeof left, "of which rho %.4g is left\n", policy.privacy.budgets[0].rho - 0.625);
    const char *const said[] = {
        "for the whole run (epsilon 4 at delta 1e-06)\n",
        "for all runs over customers, for good (epsilon 8 at delta 1e-06, policy.yaml:14)",
        left,
        "  allows   policy.yaml:15   a plan with privacy\n",
        "  allows   policy.yaml:16   the plan costs rho ",
        "  allows   policy.yaml:14   the plan costs rho ",
    };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (!strstr(text, said[i])) fail_msg("not \"%s\" in:\n%s", said[i], text);
    about.taken = 1e3;
    assert_int_equal(policy_check(&policy, &about).category, CATEGORY_FALSE);
    assert_null(strstr(result_reason(), "1000"));
    about.source = NULL;
    buffer_clear(&out);
    OK(policy_explain(&policy, &about, &out));
    OK(buffer_terminate(&out, &text));
    assert_non_null(strstr(text, "  open     policy.yaml:14   the plan costs rho "));
}

static void a_budget_is_found_by_its_source(void **state)
{
    (void)state;
    CLEANUP(policy_done) struct policy policy = {0};
    OK(policy_with(BUDGETS "    - {source: others, epsilon: 1, delta: 1.0e-7}", &policy));
    assert_ptr_equal(policy_budget_of(&policy, "others"), &policy.privacy.budgets[1]);
    assert_true(policy.privacy.budgets[1].rho == privacy_budget(1, 1e-7));
    assert_null(policy_budget_of(&policy, "custom"));
    assert_null(policy_budget_of(&policy, NULL));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_is_wrong_is_refused_with_its_line),
        cmocka_unit_test(plans_without_privacy_are_refused_where_it_is_asked_for),
        cmocka_unit_test(a_run_costs_at_most_what_the_policy_says),
        cmocka_unit_test(a_source_costs_at_most_its_budget_over_all_runs),
        cmocka_unit_test(what_is_left_is_told_to_the_officer_alone),
        cmocka_unit_test(a_budget_is_found_by_its_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
