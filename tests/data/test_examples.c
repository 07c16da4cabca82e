/* The demonstration's data: the same seed gives the same bytes, and the banks' own files are, through their mappings,
 * the rows of pooled.csv to the last bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analytics/schema.h"
#include "cli/mapping.h"
#include "proto/run/plan.h"
#include "tests/support/scratch.h"

static const struct {
    const char *name, *mapping;
    uint64_t rows;
} banks[] = {
    {"NORTH", NULL, 40000},
    {"SOUTH", NULL, 18000},
    {"EAST", NULL, 9000},
    {"WEST", "examples/mappings/west.yaml", 6000},
    {"HARBOUR", "examples/mappings/harbour.yaml", 3000},
};

static void need(struct result result)
{
    if (!result_ok(result)) fail_msg("%s", result_reason());
}

static struct result collect(void *context, struct view piece)
{
    return buffer_append(context, piece);
}

static void read_file(const char *path, struct buffer *out)
{
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("%s cannot be read", path);
    uint8_t block[4096];
    for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;) need(buffer_append(out, view_of(block, got)));
    (void)fclose(file);
}

static void generate(const char *folder, int seed)
{
    const char *build = getenv("BUILD");
    char command[2 * SCRATCH_MAX];
    (void)snprintf(command, sizeof command, "%s/examples/generate --out %s --seed %d >/dev/null",
                   build ? build : "build", folder, seed);
    assert_int_equal(system(command), 0);
}

static void the_mappings_give_the_plans_rows(void **state)
{
    (void)state;
    char folder[SCRATCH_MAX], path[SCRATCH_MAX + 64];
    scratch_new(folder);
    generate(folder, 7);
    CLEANUP(buffer_done) struct buffer text = {0};
    read_file("examples/plan.yaml", &text);
    CLEANUP(plan_done) struct plan plan = {0};
    need(plan_parse(buffer_view(&text), "examples/plan.yaml", &plan));
    CLEANUP(schema_done) struct schema schema = {0};
    need(schema_of(&plan, &schema));
    CLEANUP(table_freep) struct table *pooled = NULL;
    struct csv_options plainly = {0};
    (void)snprintf(path, sizeof path, "%s/pooled.csv", folder);
    need(csv_read(path, &plainly, schema.specs, schema.count, plan.rows, &pooled));
    static uint64_t rows[40000];
    uint64_t first = 0;
    for (size_t k = 0; k < sizeof banks / sizeof *banks; k++) {
        CLEANUP(mapping_done) struct mapping mapping = {0};
        if (banks[k].mapping) need(mapping_read(banks[k].mapping, "", &mapping));
        CLEANUP(table_freep) struct table *own = NULL, *share = NULL;
        (void)snprintf(path, sizeof path, "%s/%s.csv", folder, banks[k].name);
        need(csv_read(path, banks[k].mapping ? &mapping.options : &plainly, schema.specs, schema.count, plan.rows,
                      &own));
        assert_int_equal(own->rows, banks[k].rows);
        for (uint64_t row = 0; row < own->rows; row++) rows[row] = first + row;
        need(table_select(pooled, rows, own->rows, &share));
        CLEANUP(buffer_done) struct buffer left = {0}, right = {0};
        need(table_canonical(own, collect, &left));
        need(table_canonical(share, collect, &right));
        assert_true(view_equal(buffer_view(&left), buffer_view(&right)));
        assert_true(own->columns[1].missing > 0); /* every bank has missing incomes */
        first += own->rows;
    }
    assert_int_equal(first, pooled->rows);
    scratch_remove(folder);
}

static void a_seed_gives_its_bytes(void **state)
{
    (void)state;
    char folder[SCRATCH_MAX], path[SCRATCH_MAX + 64];
    scratch_new(folder);
    static const int seeds[] = {1, 1, 2};
    (void)snprintf(path, sizeof path, "%s/WEST.csv", folder);
    struct buffer read[3] = {{0}};
    for (size_t k = 0; k < 3; k++) {
        generate(folder, seeds[k]);
        read_file(path, &read[k]);
    }
    assert_true(view_equal(buffer_view(&read[0]), buffer_view(&read[1])));
    assert_false(view_equal(buffer_view(&read[0]), buffer_view(&read[2])));
    for (size_t k = 0; k < 3; k++) buffer_done(&read[k]);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mappings_give_the_plans_rows),
        cmocka_unit_test(a_seed_gives_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
