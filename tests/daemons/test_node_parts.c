/* What a node decides before anything leaves the bank: policy, the mapping of its own data, the frozen table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "node/freeze.h"
#include "node/policy.h"
#include "node/source.h"
#include "sys/file.h"
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

static void only_named_plans_and_authors_with_purpose_are_allowed(void **state)
{
    (void)state;
    struct submission submission;
    submission_make_by(&submission, 1, "1234");
    char hash[2 * HASH_BYTES + 1];
    bytes_hex(hash_view(&submission.plan.hash), hash);
    struct config_allow allow = {0};
    struct config_node config = {.cohort_minimum = 3, .allow = &allow};
    assert_int_equal(policy_check(&config, 2, &submission).category, CATEGORY_FALSE); /* the default is none */
    assert_non_null(strstr(result_reason(), hash));
    config.allow_count = 1;
    allow = (struct config_allow){.author = "north", .purpose = "credit-risk"};
    assert_true(result_ok(policy_check(&config, 2, &submission)));
    allow.purpose = "churn";
    assert_int_equal(policy_check(&config, 2, &submission).category, CATEGORY_FALSE);
    allow = (struct config_allow){.author = "south", .purpose = "credit-risk"};
    assert_int_equal(policy_check(&config, 2, &submission).category, CATEGORY_FALSE);
    allow = (struct config_allow){.plan = hash};
    assert_true(result_ok(policy_check(&config, 2, &submission)));
    hash[10] = hash[10] == '0' ? '1' : '0';
    assert_int_equal(policy_check(&config, 2, &submission).category, CATEGORY_FALSE);
    submission_done(&submission);
}

static void the_cohort_must_name_the_bank_and_be_large_enough(void **state)
{
    (void)state;
    struct submission submission;
    submission_make_by(&submission, 1, "134");
    struct config_allow allow = {.author = "north", .purpose = "credit-risk"};
    struct config_node config = {.cohort_minimum = 3, .allow = &allow, .allow_count = 1};
    /* Without a member of the roster, only when the officer has approved this run. */
    assert_int_equal(policy_check(&config, 3, &submission).category, CATEGORY_FALSE);
    assert_non_null(strstr(result_reason(), "leaves out south"));
    char run[2 * HASH_BYTES + 1], *ids[] = {run};
    bytes_hex(hash_view(&submission.id), run);
    config.approve_cohort_change = ids;
    config.approve_count = 1;
    assert_true(result_ok(policy_check(&config, 3, &submission)));
    assert_int_equal(policy_check(&config, 2, &submission).category, CATEGORY_FALSE);
    assert_non_null(strstr(result_reason(), "does not name this bank"));
    config.cohort_minimum = 4;
    assert_int_equal(policy_check(&config, 3, &submission).category, CATEGORY_FALSE);
    assert_non_null(strstr(result_reason(), "at least 4"));
    submission_done(&submission);
}

static void a_changed_cohort_is_approved_by_the_runs_own_id(void **state)
{
    (void)state;
    struct hash run = {{0xab, 0xcd}}, other = {{0xab, 0xce}};
    char hex[2 * HASH_BYTES + 1];
    bytes_hex(hash_view(&run), hex);
    char *ids[] = {hex};
    struct config_node config = {.approve_cohort_change = ids, .approve_count = 1};
    assert_true(policy_approves_cohort(&config, &run));
    assert_false(policy_approves_cohort(&config, &other));
    config.approve_count = 0;
    assert_false(policy_approves_cohort(&config, &run));
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
    assert_true(result_ok(freeze_source(&stage->source, &stage->plan, stage->frozen, &frozen)));
    assert_int_equal(frozen.table->rows, 2);
    assert_true(frozen.table->columns[0].numbers[0] == 1500 && frozen.table->columns[0].numbers[1] == 4250);
    assert_int_equal(frozen.table->columns[1].codes[0], 0);
    assert_int_equal(frozen.table->columns[1].codes[1], 1);
}

static void a_run_sees_one_version_of_its_rows(void **state)
{
    const struct stage *stage = *state;
    CLEANUP(frozen_done) struct frozen frozen = {0}, back = {0};
    assert_true(result_ok(freeze_source(&stage->source, &stage->plan, stage->frozen, &frozen)));
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
    assert_true(result_ok(freeze_source(&stage->source, &stage->plan, stage->frozen, &frozen)));
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
    assert_int_equal(freeze_source(&stage->source, &stage->plan, stage->frozen, &frozen).category, CATEGORY_USAGE);
    assert_non_null(strstr(result_reason(), "rows.csv:2"));
    assert_false(file_exists(stage->frozen));
    assert_int_equal(freeze_source(&stage->source, &stage->plan, "/nonexistent/table", &frozen).category,
                     CATEGORY_USAGE);
    rows_put(stage, "Geschlecht;Ausfall;Einkommen\nw;1;1\n");
    assert_int_equal(freeze_source(&stage->source, &stage->plan, "/nonexistent/table", &frozen).category,
                     CATEGORY_ENVIRONMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_named_plans_and_authors_with_purpose_are_allowed),
        cmocka_unit_test(the_cohort_must_name_the_bank_and_be_large_enough),
        cmocka_unit_test(a_changed_cohort_is_approved_by_the_runs_own_id),
        cmocka_unit_test_setup_teardown(the_configuration_maps_names_units_levels_and_decimals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_run_sees_one_version_of_its_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_frozen_table_that_changed_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_that_do_not_fit_leave_no_file, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
