#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "data/table.h"

static const char *const colours[] = {"red", "green", ""};

static struct column_spec number(const char *name, enum column_outside outside, bool missing)
{
    struct column_spec spec = {.kind = COLUMN_NUMBER, .minimum = -10, .maximum = 100, .outside = outside};
    spec.missing_allowed = missing;
    memcpy(spec.name, name, strlen(name));
    return spec;
}

static struct column_spec category(const char *name, bool other, bool missing)
{
    struct column_spec spec = {.kind = COLUMN_CATEGORY, .levels = colours, .levels_count = 3, .other_allowed = other};
    spec.missing_allowed = missing;
    memcpy(spec.name, name, strlen(name));
    return spec;
}

static struct column_spec text(const char *name, bool missing)
{
    struct column_spec spec = {.kind = COLUMN_TEXT, .missing_allowed = missing};
    memcpy(spec.name, name, strlen(name));
    return spec;
}

/* One row from texts; NULL is missing. */
static struct result add(struct table *table, const char *const *texts)
{
    struct view fields[8] = {{0}};
    for (size_t k = 0; k < table->columns_count; k++)
        if (texts[k]) fields[k] = view_text(texts[k]);
    return table_add_row(table, fields, "bank.csv:17: ");
}

static struct result collect(void *context, struct view piece)
{
    return buffer_append(context, piece);
}

static void expect_equal(const struct table *a, const struct table *b)
{
    CLEANUP(buffer_done) struct buffer left = {0}, right = {0};
    assert_true(result_ok(table_canonical(a, collect, &left)));
    assert_true(result_ok(table_canonical(b, collect, &right)));
    assert_true(view_equal(buffer_view(&left), buffer_view(&right)));
}

static void values_are_kept_and_counted(void **state)
{
    (void)state;
    const struct column_spec specs[] = {number("clamped", COLUMN_OUTSIDE_CLAMP, true),
                                        number("blanked", COLUMN_OUTSIDE_MISSING, true), category("colour", true, true),
                                        text("id", true)};
    CLEANUP(table_freep) struct table *table = NULL;
    assert_true(result_ok(table_new(specs, 4, 100, &table)));
    const char *const rows[][4] = {{"5.5", "1e1", "green", "a"},
                                   {"-10.5", "100.5", "blue", "bc"},
                                   {"1000", "-0", "", NULL},
                                   {NULL, NULL, NULL, "d"}};
    for (size_t k = 0; k < 4; k++) assert_true(result_ok(add(table, rows[k])));
    const struct column *clamped = table_column(table, "clamped"), *blanked = table_column(table, "blanked");
    const struct column *colour = table_column(table, "colour"), *id = table_column(table, "id");
    assert_null(table_column(table, "none"));
    assert_int_equal(table->rows, 4);
    assert_true(clamped->numbers[0] == 5.5 && clamped->numbers[1] == -10 && clamped->numbers[2] == 100);
    assert_true(isnan(clamped->numbers[3]));
    assert_true(clamped->clamped == 2 && clamped->missing == 1 && clamped->outside == 0);
    assert_true(clamped->observed_minimum == -10.5 && clamped->observed_maximum == 1000);
    assert_true(blanked->numbers[0] == 10 && isnan(blanked->numbers[1]));
    assert_true(blanked->numbers[2] == 0 && !signbit(blanked->numbers[2]));
    assert_true(blanked->outside == 1 && blanked->missing == 1 && blanked->clamped == 0);
    assert_true(colour->codes[0] == 1 && colour->codes[1] == CODE_OTHER && colour->codes[2] == 2);
    assert_true(colour->codes[3] == CODE_MISSING && colour->other == 1 && colour->missing == 1);
    assert_memory_equal(id->texts.data, "abcd", 4);
    static const uint64_t starts[] = {0, 1, 3, 3, 4};
    assert_memory_equal(id->starts, starts, sizeof starts);
    assert_int_equal(id->missing, 1);
}

static void a_refused_row_changes_nothing(void **state)
{
    (void)state;
    const struct column_spec specs[] = {text("id", false), number("income", COLUMN_OUTSIDE_REFUSE, false),
                                        number("age", COLUMN_OUTSIDE_MISSING, false), category("colour", false, false)};
    CLEANUP(table_freep) struct table *table = NULL, *good = NULL;
    assert_true(result_ok(table_new(specs, 4, 3, &table)));
    assert_true(result_ok(table_new(specs, 4, 3, &good)));
    static const struct {
        const char *fields[4], *reason;
    } bad[] = {
        {{"x", "1", "2", NULL}, "bank.csv:17: column colour: no value, and the plan has `missing: refuse` for it; "},
        {{"x", "1", "2", "blue"}, "bank.csv:17: column colour: \"blue\" is not one of the plan's levels; "},
        {{"x", "one", "2", "red"}, "bank.csv:17: column income: \"one\" is not a number; "},
        {{"x", "101", "2", "red"}, "bank.csv:17: column income: 101 is outside the plan's -10 to 100; "},
        {{"x", "1", "101", "red"}, "bank.csv:17: column age: 101 is outside the plan's -10 to 100; "},
        {{"x", NULL, "2", "red"}, "bank.csv:17: column income: no value"},
        {{NULL, "1", "2", "red"}, "bank.csv:17: column id: no value"},
    };
    static const char *const row[] = {"id", "1", "2", "red"};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        if (k == 0 || k == 3) {
            assert_true(result_ok(add(table, row)));
            assert_true(result_ok(add(good, row)));
        }
        assert_int_equal(add(table, bad[k].fields).category, CATEGORY_USAGE);
        if (strncmp(result_reason(), bad[k].reason, strlen(bad[k].reason)) != 0) fail_msg("%s", result_reason());
        expect_equal(table, good);
    }
    assert_true(result_ok(add(table, row)));
    assert_true(result_ok(add(good, row)));
    assert_int_equal(table->columns[1].observed_maximum, 1);
    assert_int_equal(add(table, row).category, CATEGORY_USAGE);
    assert_string_equal(result_reason(), "bank.csv:17: more than the 3 rows that the plan allows a bank; raise "
                                         "`cohort: {rows: ...}` in the plan");
    expect_equal(table, good);
}

static void specs_are_checked(void **state)
{
    (void)state;
    struct table *table = NULL;
    struct column_spec spec = number("x", COLUMN_OUTSIDE_REFUSE, false);
    spec.maximum = spec.minimum;
    assert_int_equal(table_new(&spec, 1, 10, &table).category, CATEGORY_USAGE);
    spec.maximum = NAN;
    assert_int_equal(table_new(&spec, 1, 10, &table).category, CATEGORY_USAGE);
    static const char *const twice[] = {"a", "b", "a"};
    spec = category("x", false, false);
    spec.levels = twice;
    assert_int_equal(table_new(&spec, 1, 10, &table).category, CATEGORY_USAGE);
    assert_string_equal(result_reason(), "column x: level \"a\" is listed twice");
    assert_null(table);
}

static void selected_rows_stand_alone(void **state)
{
    (void)state;
    const struct column_spec specs[] = {number("n", COLUMN_OUTSIDE_REFUSE, true), category("c", true, true),
                                        text("id", true)};
    CLEANUP(table_freep) struct table *table = NULL, *want = NULL, *got = NULL, *none = NULL;
    assert_true(result_ok(table_new(specs, 3, 100, &table)));
    assert_true(result_ok(table_new(specs, 3, 100, &want)));
    const char *const rows[][3] = {{"1", "red", "one"}, {NULL, "blue", "two"}, {"3", NULL, NULL}, {"4", "green", "4"}};
    for (size_t k = 0; k < 4; k++) assert_true(result_ok(add(table, rows[k])));
    static const uint64_t chosen[] = {3, 1, 1, 2};
    for (size_t k = 0; k < 4; k++) assert_true(result_ok(add(want, rows[chosen[k]])));
    assert_true(result_ok(table_select(table, chosen, 4, &got)));
    assert_true(result_ok(table_select(table, chosen, 0, &none)));
    assert_int_equal(none->rows, 0);
    expect_equal(got, want);
    for (size_t k = 0; k < 3; k++) {
        assert_int_equal(got->columns[k].missing, want->columns[k].missing);
        assert_int_equal(got->columns[k].other, want->columns[k].other);
    }
    assert_true(got->columns[0].observed_minimum == 3 && got->columns[0].observed_maximum == 4);
    assert_true(result_ok(add(got, rows[0]))); /* it can grow */
    static const uint64_t beyond[] = {4};
    struct table *untouched = NULL;
    assert_int_equal(table_select(table, beyond, 1, &untouched).category, CATEGORY_BUG);
    assert_null(untouched);
}

static void the_canonical_bytes_tell_tables_apart(void **state)
{
    (void)state;
    const struct column_spec specs[] = {text("a", true), text("b", true)};
    const char *const left[] = {"xy", "z"}, *const right[] = {"x", "yz"};
    CLEANUP(table_freep) struct table *one = NULL, *two = NULL;
    assert_true(result_ok(table_new(specs, 2, 10, &one)));
    assert_true(result_ok(table_new(specs, 2, 10, &two)));
    assert_true(result_ok(add(one, left)));
    assert_true(result_ok(add(two, right)));
    CLEANUP(buffer_done) struct buffer first = {0}, second = {0};
    assert_true(result_ok(table_canonical(one, collect, &first)));
    assert_true(result_ok(table_canonical(two, collect, &second)));
    assert_int_equal(first.length, second.length);
    assert_false(view_equal(buffer_view(&first), buffer_view(&second)));
}

static void many_rows_and_levels(void **state)
{
    (void)state;
    enum { LEVELS = 1000, ROWS = 20000 };
    static char names[LEVELS][16];
    static const char *levels[LEVELS];
    for (int k = 0; k < LEVELS; k++) {
        (void)snprintf(names[k], sizeof names[k], "L%d", k);
        levels[k] = names[k];
    }
    struct column_spec specs[] = {category("c", false, false), number("n", COLUMN_OUTSIDE_CLAMP, false),
                                  text("id", false)};
    specs[0].levels = levels;
    specs[0].levels_count = LEVELS;
    CLEANUP(table_freep) struct table *table = NULL;
    assert_true(result_ok(table_new(specs, 3, ROWS, &table)));
    for (int k = 0; k < ROWS; k++) {
        const char *const row[] = {levels[k * 7 % LEVELS], levels[k % 90] + 1, levels[k % LEVELS]};
        assert_true(result_ok(add(table, row)));
    }
    table_trim(table);
    for (int k = 0; k < ROWS; k++) {
        assert_int_equal(table->columns[0].codes[k], k * 7 % LEVELS);
        assert_true(table->columns[1].numbers[k] == k % 90);
        const struct column *id = &table->columns[2];
        assert_true(view_equal(view_of(id->texts.data + id->starts[k], (size_t)(id->starts[k + 1] - id->starts[k])),
                               view_text(levels[k % LEVELS])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_kept_and_counted), cmocka_unit_test(a_refused_row_changes_nothing),
        cmocka_unit_test(specs_are_checked),           cmocka_unit_test(selected_rows_stand_alone),
        cmocka_unit_test(many_rows_and_levels),        cmocka_unit_test(the_canonical_bytes_tell_tables_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
