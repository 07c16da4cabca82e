/* What a node decides before anything leaves the bank: policy, the mapping of its own data, the frozen table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "node/admit.h"
#include "node/freeze.h"
#include "node/source.h"
#include "node/spent.h"
#include "sys/file.h"
#include "tests/support/policy.h"
#include "tests/support/scratch.h"

static const char plan_text[] =
    "cofferdam: 1\nname: small\npurpose: credit-risk\ntask: logistic\n"
    "target: {column: default, positive: \"1\"}\nfeatures:\n"
    "  - {name: income, kind: number, min: 0, max: 5000, resolution: 1}\n"
    "  - {name: sex, kind: category, levels: [f, m], baseline: f}\n"
    "train: {penalty: 0, tolerance: 1.0e-8, rounds: 25}\ncohort: {minimum: 3, rows: 1000}\n";

/* --- policy --- */

static struct roster_member members[4] = {{.name = "north"}, {.name = "south"}, {.name = "east"}, {.name = "west"}};
static struct roster roster = {.members = members, .size = 4};

static void submission_make_by(struct submission *submission, unsigned submitter, const char *cohort)
{
    *submission = (struct submission){0};
    assert_true(result_ok(plan_parse(view_text(plan_text), "plan.yaml", &submission->plan)));
    submission->terms = (struct run_terms){
        .roster = &roster, .plan = &submission->plan, .submitter = submitter, .cohort = members_none(4)};
    for (const char *at = cohort; *at; at++) members_add(&submission->terms.cohort, (unsigned)(*at - '0'));
    submission->id.bytes[0] = 0xab;
}

#define RUN "ab00000000000000000000000000000000000000000000000000000000000000"
#define NUMBERS "run: 100, month: 250"

static void policy_make(struct policy *policy, const char *text)
{
    struct result result = policy_parse(view_text(text), "policy.yaml", policy);
    if (!result_ok(result)) fail_msg("%s", result_reason());
}

static struct result admit(const char *text, unsigned position, const struct submission *submission, uint64_t month)
{
    CLEANUP(policy_done) struct policy policy = {0};
    policy_make(&policy, text);
    const struct policy_case about = admit_case(submission, &(struct policy_spent){.month = month}, 20);
    return admit_check(&policy, position, submission, &about);
}

static void the_submitter_is_the_author_whose_plans_the_policy_approves(void **state)
{
    (void)state;
    struct submission submission;
    submission_make_by(&submission, 1, "1234");
    assert_true(result_ok(admit(POLICY_TEXT("north", "3", "", "1", NUMBERS), 2, &submission, 0)));
    assert_int_equal(admit(POLICY_TEXT("south", "3", "", "1", NUMBERS), 2, &submission, 0).category, CATEGORY_FALSE);
    assert_string_equal(result_reason(), "policy.yaml:3: author north is not among those that this bank allows");
    assert_true(result_ok(admit(POLICY_TEXT("north", "3", "", "1", NUMBERS), 2, &submission, 230)));
    assert_int_equal(admit(POLICY_TEXT("north", "3", "", "1", NUMBERS), 2, &submission, 231).category, CATEGORY_FALSE);
    assert_non_null(strstr(result_reason(), "policy.yaml:9: "));
    assert_null(strstr(result_reason(), "231")); /* what this bank gave to others is told to nobody */
    submission_done(&submission);
}

static void the_cohort_must_name_the_bank_and_be_large_enough(void **state)
{
    (void)state;
    struct submission submission;
    submission_make_by(&submission, 1, "134");
    /* Without a member of the roster, only when the policy names this run. */
    assert_int_equal(admit(POLICY_TEXT("north", "3", "", "1", NUMBERS), 3, &submission, 0).category, CATEGORY_FALSE);
    assert_non_null(strstr(result_reason(), "leaves out south"));
    assert_true(result_ok(admit(POLICY_TEXT("north", "3", RUN, "1", NUMBERS), 3, &submission, 0)));
    assert_int_equal(admit(POLICY_TEXT("north", "3", RUN, "1", NUMBERS), 2, &submission, 0).category, CATEGORY_FALSE);
    assert_non_null(strstr(result_reason(), "does not name this bank"));
    assert_int_equal(admit(POLICY_TEXT("north", "4", RUN, "1", NUMBERS), 3, &submission, 0).category, CATEGORY_FALSE);
    assert_string_equal(result_reason(), "policy.yaml:5: the cohort has 3 members and this bank asks for at least 4");
    submission_done(&submission);
}

/* --- what has left --- */

#define NOVEMBER_MS UINT64_C(1796083199000) /* the last second of November 2026 */

/* Charges an input to the store, as a step's batch does. */
static struct result charge(struct store *store, const struct policy *policy, uint8_t run, uint64_t now, uint64_t words)
{
    struct spent_charge charge;
    const struct hash id = {{run}};
    TRY(spent_charge(store, policy, &id, now, words, &charge));
    return store_commit(store, charge.records, SPENT_RECORDS);
}

static void what_left_is_counted_by_run_and_month_over_restarts(void **state)
{
    (void)state;
    char directory[SCRATCH_MAX];
    scratch_new(directory);
    CLEANUP(policy_done) struct policy policy = {0};
    CLEANUP(store_closep) struct store *store = NULL;
    policy_make(&policy, POLICY_TEXT("north", "3", "", "1", NUMBERS));
    assert_true(result_ok(store_open(directory, &store)));
    assert_true(result_ok(charge(store, &policy, 1, NOVEMBER_MS, 60)));
    assert_true(result_ok(charge(store, &policy, 1, NOVEMBER_MS, 40)));
    assert_int_equal(charge(store, &policy, 1, NOVEMBER_MS, 1).category, CATEGORY_FALSE);
    assert_non_null(strstr(result_reason(), "at most 100 words in a run"));
    store_closep(&store);
    store = NULL;
    assert_true(result_ok(store_open(directory, &store)));
    /* Two runs in turn, as they are under the node's lock: each sees what the other was charged. */
    assert_true(result_ok(charge(store, &policy, 2, NOVEMBER_MS, 80)));
    assert_true(result_ok(charge(store, &policy, 3, NOVEMBER_MS, 70)));
    assert_int_equal(charge(store, &policy, 2, NOVEMBER_MS, 1).category, CATEGORY_FALSE);
    assert_non_null(strstr(result_reason(), "at most 250 words in a calendar month"));
    struct policy_spent spent;
    assert_true(result_ok(spent_load(store, &(struct hash){{1}}, NOVEMBER_MS, &spent)));
    assert_int_equal(spent.rounds, 2);
    assert_int_equal(spent.run, 100);
    assert_int_equal(spent.month, 250);
    /* A month later there is a month's worth again; the run's own bound stays. */
    assert_true(result_ok(charge(store, &policy, 2, NOVEMBER_MS + 1000, 20)));
    assert_int_equal(charge(store, &policy, 2, NOVEMBER_MS + 1000, 1).category, CATEGORY_FALSE);
    assert_true(result_ok(spent_load(store, NULL, NOVEMBER_MS + 1000, &spent)));
    assert_int_equal(spent.month, 20);
    assert_int_equal(spent.run, 0);
    store_closep(&store);
    store = NULL;
    scratch_remove(directory);
}

/* --- the bank's own data --- */

struct stage {
    char directory[SCRATCH_MAX], csv[SCRATCH_MAX + 16], frozen[SCRATCH_MAX + 16];
    struct plan plan;
    struct config_level levels[2];
    struct config_column columns[3];
    char *missing[1];
    struct config_source source;
};

static void rows_put(const struct stage *stage, const char *text)
{
    assert_true(result_ok(file_write(stage->csv, view_text(text), 0600)));
}

static int set_up(void **state)
{
    static struct stage stage;
    stage = (struct stage){0};
    scratch_new(stage.directory);
    (void)snprintf(stage.csv, sizeof stage.csv, "%s/rows.csv", stage.directory);
    (void)snprintf(stage.frozen, sizeof stage.frozen, "%s/table.frozen", stage.directory);
    assert_true(result_ok(plan_parse(view_text(plan_text), "plan.yaml", &stage.plan)));
    stage.levels[0] = (struct config_level){"w", "f"};
    stage.levels[1] = (struct config_level){"h", "m"};
    stage.columns[0] = (struct config_column){.plan = "income", .column = "Einkommen", .factor = 1000};
    stage.columns[1] =
        (struct config_column){.plan = "sex", .column = "Geschlecht", .levels = stage.levels, .levels_count = 2};
    stage.columns[2] = (struct config_column){.plan = "default", .column = "Ausfall"};
    stage.source = (struct config_source){.name = "customers",
                                          .file = stage.csv,
                                          .delimiter = ';',
                                          .decimal = ',',
                                          .columns = stage.columns,
                                          .columns_count = 3};
    rows_put(&stage, "Geschlecht;Ausfall;Einkommen\nw;1;1,5\nh;0;4,25\n");
    *state = &stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    plan_done(&stage->plan);
    scratch_remove(stage->directory);
    return 0;
}

static void the_configuration_maps_names_units_levels_and_decimals(void **state)
{
    const struct stage *stage = *state;
    CLEANUP(frozen_done) struct frozen frozen = {0};
    assert_true(result_ok(freeze_source(&stage->source, &stage->plan, NULL, stage->frozen, &frozen)));
    assert_int_equal(frozen.table->rows, 2);
    assert_true(frozen.table->columns[0].numbers[0] == 1500 && frozen.table->columns[0].numbers[1] == 4250);
    assert_int_equal(frozen.table->columns[1].codes[0], 0);
    assert_int_equal(frozen.table->columns[1].codes[1], 1);
}

static void a_run_sees_one_version_of_its_rows(void **state)
{
    const struct stage *stage = *state;
    CLEANUP(frozen_done) struct frozen frozen = {0}, back = {0};
    assert_true(result_ok(freeze_source(&stage->source, &stage->plan, NULL, stage->frozen, &frozen)));
    rows_put(stage, "Geschlecht;Ausfall;Einkommen\nh;1;2\n");
    assert_true(result_ok(freeze_load(&stage->plan, stage->frozen, &frozen.hash, &back)));
    assert_true(hash_equal(&frozen.hash, &back.hash));
    assert_int_equal(back.table->rows, 2);
    assert_true(back.table->columns[0].numbers[1] == 4250);
}

static void a_frozen_table_that_changed_is_refused(void **state)
{
    const struct stage *stage = *state;
    CLEANUP(frozen_done) struct frozen frozen = {0}, back = {0};
    assert_true(result_ok(freeze_source(&stage->source, &stage->plan, NULL, stage->frozen, &frozen)));
    CLEANUP(buffer_done) struct buffer bytes = {0};
    assert_true(result_ok(file_read(stage->frozen, BUFFER_LIMIT, &bytes)));
    bytes.data[bytes.length / 2] ^= 1;
    assert_true(result_ok(file_write(stage->frozen, buffer_view(&bytes), 0600)));
    assert_int_equal(freeze_load(&stage->plan, stage->frozen, &frozen.hash, &back).category, CATEGORY_FALSE);
    assert_non_null(strstr(result_reason(), "changed or damaged"));
    assert_int_equal(freeze_load(&stage->plan, stage->csv, &frozen.hash, &back).category, CATEGORY_FALSE);
    assert_int_equal(freeze_load(&stage->plan, "/nonexistent", &frozen.hash, &back).category, CATEGORY_ENVIRONMENT);
}

static void rows_that_do_not_fit_leave_no_file(void **state)
{
    const struct stage *stage = *state;
    CLEANUP(frozen_done) struct frozen frozen = {0};
    rows_put(stage, "Geschlecht;Ausfall;Einkommen\nw;1;99\n");
    assert_int_equal(freeze_source(&stage->source, &stage->plan, NULL, stage->frozen, &frozen).category,
                     CATEGORY_USAGE);
    assert_non_null(strstr(result_reason(), "rows.csv:2"));
    assert_false(file_exists(stage->frozen));
    assert_int_equal(freeze_source(&stage->source, &stage->plan, NULL, "/nonexistent/table", &frozen).category,
                     CATEGORY_USAGE);
    rows_put(stage, "Geschlecht;Ausfall;Einkommen\nw;1;1\n");
    assert_int_equal(freeze_source(&stage->source, &stage->plan, NULL, "/nonexistent/table", &frozen).category,
                     CATEGORY_ENVIRONMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_submitter_is_the_author_whose_plans_the_policy_approves),
        cmocka_unit_test(the_cohort_must_name_the_bank_and_be_large_enough),
        cmocka_unit_test(what_left_is_counted_by_run_and_month_over_restarts),
        cmocka_unit_test_setup_teardown(the_configuration_maps_names_units_levels_and_decimals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_run_sees_one_version_of_its_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_frozen_table_that_changed_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_that_do_not_fit_leave_no_file, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
