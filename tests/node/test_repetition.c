/* What a node remembers of rows: which runs can be compared, what is refused, and what is kept in which batch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/freeze.h"
#include "node/repetition.h"
#include "sys/file.h"
#include "tests/support/ok.h"
#include "tests/support/policy.h"
#include "tests/support/scratch.h"

static char directory[SCRATCH_MAX];
static struct roster_member members[1] = {{.name = "north"}};
static struct roster roster = {.members = members, .size = 1};
static char customers[] = "customers", partners[] = "partners";
static struct config_node config = {.source = {.name = customers}};
static struct bank bank = {.config = &config};

static int enter(void **state)
{
    (void)state;
    scratch_new(directory);
    config.source.name = customers;
    OK(store_open(directory, &bank.store));
    OK(policy_parse(view_text(POLICY_TEXT("north", "3", "", "1", "run: 1, month: 1")), "policy.yaml", &bank.policy));
    return 0;
}

static int leave(void **state)
{
    (void)state;
    store_close(bank.store);
    policy_done(&bank.policy);
    scratch_remove(directory);
    return 0;
}

/* Rows begin to end, each a number; every held-th of those below `below` is held out. */
static struct rows rows_from(uint32_t begin, uint32_t end, uint32_t held, uint32_t below)
{
    CLEANUP(sketch_key_freep) struct sketch_key *key = NULL;
    struct rows_witness witness = {0};
    struct rows rows = {0};
    uint8_t *out = calloc(end, 1);
    assert_non_null(out);
    OK(repetition_key(directory, config.source.name, &key));
    witness.key = key;
    for (uint32_t i = begin; i < end; i++) {
        OK(rows_witness_row(&witness, view_of(&i, sizeof i)));
        out[i - begin] = held && i < below && i % held == 0;
    }
    OK(rows_of(&witness, out, &rows));
    rows_witness_done(&witness);
    free(out);
    return rows;
}

static struct submission run_of(uint8_t id)
{
    static struct plan plan;
    return (struct submission){.id = {{id}},
                               .plan = plan,
                               .terms = {.roster = &roster, .plan = &plan, .submitter = 1, .cohort = members_all(1)}};
}

static struct result ask(uint8_t id, struct rows rows)
{
    struct submission submission = run_of(id);
    struct result result = repetition_check(&bank, &submission, &rows);
    rows_done(&rows);
    return result;
}

/* As node/part.c keeps a run and node/step.c lets its first input leave. */
static void keep(uint8_t id, struct rows rows)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    const struct hash run = {{id}};
    OK(rows_write(&rows, &bytes));
    const struct store_record record = {.scope = &run, .key = PART_KEY_ROWS, .value = buffer_view(&bytes)};
    OK(store_commit(bank.store, &record, 1));
    rows_done(&rows);
}

static struct result let_leave(uint8_t id)
{
    CLEANUP(repetition_change_done) struct repetition_change change = {0};
    struct submission submission = run_of(id);
    TRY(repetition_charge(&bank, &submission, &change));
    return change.count ? store_commit(bank.store, change.records, change.count) : RESULT_OK;
}

static void release(uint8_t id, struct rows rows)
{
    keep(id, rows);
    OK(let_leave(id));
}

static void refused(struct result result, const char *part)
{
    assert_int_equal(result.category, CATEGORY_FALSE);
    if (!strstr(result_reason(), part)) fail_msg("\"%s\" is not \"%s\"", result_reason(), part);
}

static struct result count(void *visitor, const char *key, struct view value)
{
    (void)key;
    ++*(unsigned *)visitor;
    assert_in_range(value.length, SKETCH_BYTES, 2 * SKETCH_BYTES + 100);
    return RESULT_OK;
}

static unsigned kept(void)
{
    unsigned found = 0;
    OK(store_each(bank.store, false, NULL, REPETITION_KEY_PREFIX, count, &found));
    return found;
}

static void rows_that_differ_by_few_are_refused(void **state)
{
    (void)state;
    OK(ask(1, rows_from(0, 500, 0, 0)));
    release(1, rows_from(0, 500, 0, 0));
    OK(ask(2, rows_from(0, 500, 0, 0)));
    for (uint32_t more = 1; more < 10; more++) {
        char text[64];
        refused(ask(2, rows_from(0, 500 + more, 0, 0)),
                "policy.yaml:1: the rows of this source differ from those of run 010000000000 by ");
        (void)snprintf(text, sizeof text, "by %u rows: ", more);
        refused(ask(2, rows_from(more, 500, 0, 0)), text);
    }
    OK(ask(2, rows_from(0, 510, 0, 0)));
    OK(ask(2, rows_from(5, 505, 0, 0))); /* five gone and five new */
    refused(ask(2, rows_from(4, 505, 0, 0)), "by 9 rows");
    OK(ask(2, rows_from(10000, 20000, 0, 0)));
    bank.policy.repetition_rows = 1000;
    refused(ask(2, rows_from(0, 1499, 0, 0)), "by 999 rows");
    OK(ask(2, rows_from(0, 1500, 0, 0)));
}

static void the_nearest_run_is_named(void **state)
{
    (void)state;
    release(1, rows_from(0, 500, 0, 0));
    release(2, rows_from(0, 510, 0, 0));
    release(3, rows_from(0, 530, 0, 0));
    refused(ask(4, rows_from(0, 507, 0, 0)), "run 020000000000 by 3 rows");
    refused(ask(4, rows_from(0, 504, 0, 0)), "run 010000000000 by 4 rows");
    OK(ask(4, rows_from(0, 520, 0, 0)));
}

/* A plan picks which of the rows train: its training sums can be subtracted from those of another over the same file.
 */
static void rows_held_out_are_told_apart(void **state)
{
    (void)state;
    release(1, rows_from(0, 500, 0, 0));
    refused(ask(2, rows_from(0, 500, 100, 500)), "the training rows of this source differ from those of run 0100");
    OK(ask(2, rows_from(0, 500, 5, 500)));
    release(2, rows_from(0, 500, 5, 500));
    refused(ask(3, rows_from(0, 500, 5, 480)), "by 4 rows");
    refused(ask(3, rows_from(0, 505, 5, 505)), "by 1 rows"); /* of those held out */
    OK(ask(3, rows_from(0, 500, 5, 500)));
    OK(ask(3, rows_from(0, 500, 5, 400)));
    release(4, rows_from(5000, 5500, 100, 5500));
    OK(ask(5, rows_from(5000, 5500, 100, 5500))); /* few are held out, again */
    assert_int_equal(kept(), 3);
}

static void the_same_rows_are_kept_once_and_nothing_before_they_left(void **state)
{
    (void)state;
    keep(1, rows_from(0, 500, 0, 0));
    assert_int_equal(kept(), 0);
    OK(ask(2, rows_from(0, 503, 0, 0))); /* run 1 has released nothing */
    keep(2, rows_from(0, 503, 0, 0));
    OK(let_leave(2));
    assert_int_equal(kept(), 1);
    refused(let_leave(1), "run 020000000000 by 3 rows"); /* another was faster */
    OK(let_leave(2));                                    /* its second input */
    release(3, rows_from(0, 503, 0, 0));
    assert_int_equal(kept(), 1);
    OK(ask(2, rows_from(0, 504, 0, 0))); /* itself is no other run */
}

static void another_source_is_another_matter(void **state)
{
    (void)state;
    release(1, rows_from(0, 500, 0, 0));
    config.source.name = partners;
    OK(ask(2, rows_from(0, 501, 0, 0)));
    release(2, rows_from(0, 501, 0, 0));
    assert_int_equal(kept(), 2);
}

static void another_key_is_not_taken_for_other_rows(void **state)
{
    (void)state;
    char path[SCRATCH_MAX + 16], old[SCRATCH_MAX + 16];
    struct stat about;
    release(1, rows_from(0, 500, 0, 0));
    (void)snprintf(path, sizeof path, "%s/" REPETITION_KEY_FILE, directory);
    (void)snprintf(old, sizeof old, "%s/old.key", directory);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(rename(path, old), 0);
    refused(ask(2, rows_from(0, 500, 0, 0)), "bring the old file back");
    assert_int_equal(rename(old, path), 0);
    OK(ask(2, rows_from(0, 500, 0, 0)));
    CLEANUP(sketch_key_freep) struct sketch_key *key = NULL;
    assert_int_equal(truncate(path, 31), 0);
    assert_int_equal(repetition_key(directory, customers, &key).category, CATEGORY_USAGE);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(repetition_key(directory, customers, &key).category, CATEGORY_USAGE);
}

static void what_is_kept_is_read_again_or_refused(void **state)
{
    (void)state;
    for (uint32_t held = 0; held < 6; held += 5) {
        CLEANUP(rows_done) struct rows rows = rows_from(0, 500, held, 500), read = {0};
        CLEANUP(buffer_done) struct buffer bytes = {0};
        struct rows_difference found;
        OK(rows_write(&rows, &bytes));
        OK(rows_read(buffer_view(&bytes), &read));
        OK(rows_compare(&rows, &read, &found));
        assert_true(found.comparable && found.same && !found.least);
        read.key[0] ^= 1;
        OK(rows_compare(&rows, &read, &found));
        assert_true(!found.comparable && !found.same);
        for (size_t length = 0; length < bytes.length; length += 1 + bytes.length / 13) {
            struct rows none = {0};
            refused(rows_read(view_of(bytes.data, length), &none), "damaged");
        }
    }
}

static void a_frozen_source_is_known_by_its_rows(void **state)
{
    (void)state;
    static const char text[] = "cofferdam: 1\nname: small\npurpose: credit-risk\ntask: statistics\nfeatures:\n"
                               "  - {name: n, kind: number, min: 0, max: 5000, resolution: 1}\n";
    static const char *const files[] = {"n,t\n1,a\n2,b\n2,b\n", "n,t\n2,b\n1,a\n2,\"b\"", "n,t\n2,b\n1,a\n2,c\n",
                                        "n,t\n2,b\n1,a\n"};
    static const uint64_t expected[] = {0, 0, 2, 1};
    CLEANUP(plan_done) struct plan plan = {0};
    CLEANUP(sketch_key_freep) struct sketch_key *key = NULL;
    struct frozen frozen[4] = {0};
    char csv[SCRATCH_MAX + 16], table[SCRATCH_MAX + 16];
    struct config_source source = {.name = customers, .file = csv, .delimiter = ',', .decimal = '.'};
    OK(plan_parse(view_text(text), "plan.yaml", &plan));
    OK(repetition_key(directory, customers, &key));
    (void)snprintf(csv, sizeof csv, "%s/rows.csv", directory);
    (void)snprintf(table, sizeof table, "%s/table", directory);
    for (size_t i = 0; i < 4; i++) {
        struct rows_difference found;
        OK(file_write(csv, view_text(files[i]), 0600));
        OK(freeze_source(&source, &plan, key, table, &frozen[i]));
        OK(rows_compare(&frozen[0].rows, &frozen[i].rows, &found));
        assert_int_equal(found.least, expected[i]);
        assert_int_equal(found.same, expected[i] == 0);
    }
    for (size_t i = 0; i < 4; i++) frozen_done(&frozen[i]);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(rows_that_differ_by_few_are_refused),   CASE(the_nearest_run_is_named),
        CASE(rows_held_out_are_told_apart),          CASE(the_same_rows_are_kept_once_and_nothing_before_they_left),
        CASE(another_source_is_another_matter),      CASE(another_key_is_not_taken_for_other_rows),
        CASE(what_is_kept_is_read_again_or_refused), CASE(a_frozen_source_is_known_by_its_rows),
    };
    return result_ok(crypto_start()) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
