/* The privacy budget's ledger: what is reserved, charged and freed, in which batch, and that no death of the process
 * makes it less than what was sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/budget.h"
#include "proto/run/privacy.h"
#include "tests/support/ok.h"
#include "tests/support/policy.h"
#include "tests/support/scratch.h"

static const char plan_text[] = "cofferdam: 1\nname: small\npurpose: credit-risk\ntask: statistics\nfeatures:\n"
                                "  - {name: income, kind: number, min: 0, max: 5000, resolution: 1}\n"
                                "privacy: {epsilon: 4, delta: 1.0e-6}\n";
/* Two runs fit, and not a third. */
static const char policy_text[] =
    POLICY_TEXT("north", "3", "", "1",
                "run: 100, month: 250") "privacy:\n  budgets: [{source: customers, epsilon: 6.4, delta: 1.0e-6}]\n";

static char directory[SCRATCH_MAX];
static struct sign_key *key;
static struct policy policy;
static struct roster_member members[1] = {{.name = "north"}};
static struct roster roster = {.members = members, .size = 1};
static struct store *store;
static struct journal *journal;

static void start(void)
{
    OK(store_open(directory, &store));
    OK(journal_open(store, directory, key, &journal));
}

static void stop(void)
{
    journal_close(journal);
    store_close(store);
    journal = NULL;
    store = NULL;
}

static int enter(void **state)
{
    (void)state;
    CLEANUP(secret_freep) struct secret *seed = NULL;
    scratch_new(directory);
    OK(secret_new(SIGN_SEED_BYTES, &seed));
    OK(sign_key_from_seed(seed, &key));
    OK(policy_parse(view_text(policy_text), "policy.yaml", &policy));
    start();
    return 0;
}

static int leave(void **state)
{
    (void)state;
    stop();
    policy_done(&policy);
    sign_key_freep(&key);
    scratch_remove(directory);
    return 0;
}

/* ---- a run, as node/part.c and node/step.c lead it */

static void run_make(uint8_t id, const char *text, struct submission *ret)
{
    *ret = (struct submission){.id = {{id}}};
    OK(plan_parse(view_text(text), "plan.yaml", &ret->plan));
    ret->terms = (struct run_terms){.roster = &roster, .submitter = 1};
}

static struct result reserve_over(const char *source, uint8_t id, const char *text)
{
    CLEANUP(submission_done) struct submission submission;
    CLEANUP(budget_change_done) struct budget_change change = {0};
    CLEANUP(journal_notes_done) struct journal_notes notes = {0};
    run_make(id, text, &submission);
    TRY(budget_reserve(store, &policy, source, &submission, 1000 + id, &change, &notes));
    return journal_commit(journal, &change.record, change.made, &notes);
}

static struct result reserve(uint8_t id)
{
    return reserve_over("customers", id, plan_text);
}

/* The batch lets the input of the step leave, as "sent" tells. */
static struct result send_input(uint8_t id, uint64_t step, double rho)
{
    CLEANUP(submission_done) struct submission submission;
    CLEANUP(budget_change_done) struct budget_change change = {0};
    CLEANUP(journal_notes_done) struct journal_notes notes = {0};
    char name[32];
    run_make(id, plan_text, &submission);
    struct fold fold = {.plan = &submission.plan, .step = step};
    struct layout_field field = layout_exact("value", 1, 1, 0, 1);
    field.l2 = 1;
    field.rho = rho;
    OK(layout_add(&fold.layout, field));
    (void)snprintf(name, sizeof name, "sent/%llu", (unsigned long long)step);
    TRY(budget_charge(store, &submission.id, &fold, &change, &notes));
    const struct store_record records[] = {{.scope = &submission.id, .key = name, .value = view_of(&rho, sizeof rho)},
                                           change.record};
    return journal_commit(journal, records, change.made ? 2 : 1, &notes);
}

static struct result end(uint8_t id)
{
    const struct hash run = {{id}};
    CLEANUP(budget_change_done) struct budget_change change = {0};
    CLEANUP(journal_notes_done) struct journal_notes notes = {0};
    TRY(budget_release(store, &run, &change, &notes));
    return journal_commit(journal, &change.record, change.made, &notes);
}

static struct budget_entry entry(uint8_t id)
{
    struct budget_entry found = {0};
    bool there = false;
    OK(budget_find(store, &(struct hash){{id}}, &found, &there));
    assert_true(there);
    return found;
}

static double taken(const char *source)
{
    double rho = -1;
    OK(budget_taken(store, source, NULL, &rho));
    return rho;
}

static double plan_rho(void)
{
    return privacy_budget(4, 1e-6);
}

/* ---- */

static void a_run_reserves_all_and_keeps_what_it_spent(void **state)
{
    (void)state;
    double rho = plan_rho();
    OK(reserve(1));
    struct budget_entry one = entry(1);
    assert_true(one.open && one.reserved == rho && one.spent == 0 && one.at == 1001 && one.delta == 1e-6);
    assert_string_equal(one.source, "customers");
    assert_string_equal(one.plan, "small");
    assert_string_equal(one.author, "north");
    assert_string_equal(one.purpose, "credit-risk");
    assert_true(taken("customers") == rho && taken("others") == 0);
    OK(send_input(1, 0, rho / 8));
    OK(send_input(1, 1, rho / 8));
    assert_true(taken("customers") == rho && entry(1).spent == rho / 4);
    OK(end(1));
    assert_true(taken("customers") == rho / 4 && !entry(1).open);
    OK(end(1)); /* said again */
    stop();
    start();
    assert_true(taken("customers") == rho / 4);
    assert_int_equal(journal_entries(journal), 4); /* reserved, charged twice, released */
}

static void a_step_that_is_masked_again_costs_nothing_more(void **state)
{
    (void)state;
    double rho = plan_rho();
    OK(reserve(1));
    for (unsigned i = 0; i < 3; i++) OK(send_input(1, 0, rho / 2));
    assert_true(entry(1).spent == rho / 2);
    OK(send_input(1, 1, rho / 2));
    OK(send_input(1, 1, rho / 2));
    assert_true(entry(1).spent == rho);
    OK(reserve(1)); /* after a restart before the run was kept */
    assert_true(entry(1).spent == rho);
}

static void a_step_over_what_the_plan_may_spend_does_not_leave(void **state)
{
    (void)state;
    double rho = plan_rho();
    bool found = true;
    CLEANUP(buffer_done) struct buffer value = {0};
    OK(reserve(1));
    OK(send_input(1, 0, rho * 0.75));
    assert_int_equal(send_input(1, 1, rho * 0.25000001).category, CATEGORY_FALSE);
    assert_non_null(strstr(result_reason(), "step 2 would cost more than the rho "));
    OK(store_load(store, false, &(struct hash){{1}}, "sent/1", &value, &found));
    assert_false(found);
    assert_true(entry(1).spent == rho * 0.75);
    assert_int_equal(send_input(2, 0, rho / 2).category, CATEGORY_FALSE);
    assert_non_null(strstr(result_reason(), "nothing of this bank's privacy budget is reserved for this run"));
    OK(end(1));
    assert_int_equal(send_input(1, 1, 1e-9).category, CATEGORY_FALSE);
    assert_int_equal(reserve(1).category, CATEGORY_FALSE);
    assert_non_null(strstr(result_reason(), "this run has ended at this bank"));
}

/* Each fits, and so each is let in; of what is reserved the second one's batch is told the truth. */
static void runs_at_the_same_time_cannot_both_have_the_last_of_it(void **state)
{
    (void)state;
    CLEANUP(submission_done) struct submission second, third;
    run_make(2, plan_text, &second);
    run_make(3, plan_text, &third);
    OK(reserve(1));
    const struct submission *const both[] = {&second, &third};
    for (size_t i = 0; i < 2; i++) {
        struct policy_case about = {.plan = &both[i]->plan};
        OK(budget_ask(store, "customers", &both[i]->id, &about));
        OK(policy_check_privacy(&policy, &about));
    }
    OK(reserve(2));
    assert_int_equal(reserve(3).category, CATEGORY_FALSE);
    assert_non_null(strstr(result_reason(), "policy.yaml:13: the plan costs rho "));
    assert_non_null(strstr(result_reason(), "and less is left of this bank's privacy budget"));
    assert_true(taken("customers") == privacy_compose(plan_rho(), plan_rho()));
    OK(reserve_over("others", 4, plan_text)); /* which has no budget, and is counted all the same */
    assert_true(taken("others") == plan_rho());
    OK(end(1));
    OK(reserve(3)); /* what was not spent is free again */
}

static void a_plan_without_privacy_has_no_entry(void **state)
{
    (void)state;
    static const char exact[] = "cofferdam: 1\nname: small\npurpose: credit-risk\ntask: statistics\nfeatures:\n"
                                "  - {name: income, kind: number, min: 0, max: 5000, resolution: 1}\n";
    struct budget_entry none;
    bool found = true;
    OK(reserve_over("customers", 1, exact));
    OK(end(1));
    OK(budget_find(store, &(struct hash){{1}}, &none, &found));
    assert_false(found);
    assert_int_equal(journal_entries(journal), 0);
}

static void a_damaged_entry_is_no_budget_that_is_free(void **state)
{
    (void)state;
    double rho;
    OK(reserve(1));
    char name[BUDGET_KEY_BYTES];
    CLEANUP(buffer_done) struct buffer value = {0};
    bool found = false;
    (void)snprintf(name, sizeof name, "daemon/budget/%s", hash_hex(&(struct hash){{1}}).text);
    OK(store_load(store, false, NULL, name, &value, &found));
    assert_true(found);
    for (size_t length = 0; length < value.length; length += 7) {
        const struct store_record record = {.key = name, .value = view_of(value.data, length)};
        OK(store_commit(store, &record, 1));
        assert_int_equal(budget_taken(store, "customers", NULL, &rho).category, CATEGORY_ENVIRONMENT);
        assert_int_equal(reserve(2).category, CATEGORY_ENVIRONMENT);
    }
    memset(value.data + value.length - 25, 0xff, 8); /* what is reserved: no number */
    const struct store_record record = {.key = name, .value = buffer_view(&value)};
    OK(store_commit(store, &record, 1));
    assert_int_equal(budget_taken(store, "customers", NULL, &rho).category, CATEGORY_ENVIRONMENT);
}

/* ---- deaths */

#define STEP 0x1p-6 /* of the plan's rho; sums of it are exact */

static struct result add_sent(void *context, const char *name, struct view value)
{
    double rho;
    (void)name;
    memcpy(&rho, value.data, sizeof rho);
    *(double *)context += rho;
    return RESULT_OK;
}

/* A run of four steps, each masked twice, and its end: the process dies after so many batches. */
static void killed_after(unsigned batches)
{
    stop();
    pid_t child = fork();
    if (child == 0) {
        unsigned done = 0;
        bool good =
            result_ok(store_open(directory, &store)) && result_ok(journal_open(store, directory, key, &journal));
        if (good && done++ < batches) good = result_ok(reserve(1));
        for (uint64_t i = 0; i < 8; i++)
            if (good && done++ < batches) good = result_ok(send_input(1, i / 2, STEP));
        if (good && done++ < batches) good = result_ok(end(1));
        _exit(good ? 0 : 1);
    }
    int status = -1;
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    assert_int_equal(status, 0);
    start();
}

/* The step under way is masked again after a death, and is not charged twice. */
static void it_goes_on(double sent, bool over)
{
    uint64_t steps = entry(1).steps;
    assert_true(entry(1).spent == sent && entry(1).open == !over);
    for (uint64_t i = steps ? steps - 1 : 0; !over && i < 4; i++) OK(send_input(1, i, STEP));
    assert_true(entry(1).spent == 4 * STEP);
}

static void after_any_death_no_less_is_charged_than_was_sent(void **state)
{
    for (unsigned batches = 0; batches <= 10; batches++) {
        double sent = 0;
        killed_after(batches);
        OK(store_each(store, false, &(struct hash){{1}}, "sent/", add_sent, &sent));
        assert_true(taken("customers") >= sent);
        if (batches > 0) it_goes_on(sent, batches == 10);
        (void)leave(state);
        assert_int_equal(enter(state), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_reserves_all_and_keeps_what_it_spent, enter, leave),
        cmocka_unit_test_setup_teardown(a_step_that_is_masked_again_costs_nothing_more, enter, leave),
        cmocka_unit_test_setup_teardown(a_step_over_what_the_plan_may_spend_does_not_leave, enter, leave),
        cmocka_unit_test_setup_teardown(runs_at_the_same_time_cannot_both_have_the_last_of_it, enter, leave),
        cmocka_unit_test_setup_teardown(a_plan_without_privacy_has_no_entry, enter, leave),
        cmocka_unit_test_setup_teardown(a_damaged_entry_is_no_budget_that_is_free, enter, leave),
        cmocka_unit_test_setup_teardown(after_any_death_no_less_is_charged_than_was_sent, enter, leave),
    };
    if (!result_ok(crypto_start())) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
