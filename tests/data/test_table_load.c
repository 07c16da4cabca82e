#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/table.h"

static const char *const levels[] = {"a", "b"};

static void specs_make(struct column_spec specs[3])
{
    specs[0] = (struct column_spec){
        .name = "income", .kind = COLUMN_NUMBER, .missing_allowed = true, .minimum = -10, .maximum = 10};
    specs[1] = (struct column_spec){
        .name = "group", .kind = COLUMN_CATEGORY, .levels = levels, .levels_count = 2, .other_allowed = true};
    specs[2] = (struct column_spec){.name = "id", .kind = COLUMN_TEXT};
}

static struct table *table_make(const struct column_spec *specs)
{
    static const char *const rows[][3] = {{"1.5", "a", "x1"}, {NULL, "z", "x22"}, {"-3", "b", "x333"}};
    struct table *table = NULL;
    assert_true(result_ok(table_new(specs, 3, 100, &table)));
    for (size_t i = 0; i < 3; i++) {
        struct view fields[3] = {{0}};
        for (size_t k = 0; k < 3; k++)
            if (rows[i][k]) fields[k] = view_text(rows[i][k]);
        assert_true(result_ok(table_add_row(table, fields, "")));
    }
    return table;
}

static struct result collect(void *context, struct view piece)
{
    return buffer_append(context, piece);
}

static void a_table_comes_back_as_it_was(void **state)
{
    (void)state;
    struct column_spec specs[3];
    specs_make(specs);
    CLEANUP(table_freep) struct table *table = table_make(specs), *back = NULL;
    CLEANUP(buffer_done) struct buffer bytes = {0}, again = {0};
    assert_true(result_ok(table_canonical(table, collect, &bytes)));
    assert_true(result_ok(table_load(buffer_view(&bytes), "frozen", specs, 3, 100, &back)));
    assert_int_equal(back->rows, 3);
    assert_true(isnan(back->columns[0].numbers[1]));
    assert_int_equal(back->columns[1].codes[1], CODE_OTHER);
    assert_int_equal(back->columns[0].missing, 1);
    assert_true(result_ok(table_canonical(back, collect, &again)));
    assert_true(view_equal(buffer_view(&bytes), buffer_view(&again)));
}

static void what_lay_outside_stays_counted(void **state)
{
    (void)state;
    static const char *const texts[] = {"99", "1", NULL, "-10", "-11"};
    static const uint64_t last_two[] = {3, 4};
    for (unsigned kind = COLUMN_OUTSIDE_CLAMP; kind <= COLUMN_OUTSIDE_MISSING; kind++) {
        struct column_spec spec = {.name = "income",
                                   .kind = COLUMN_NUMBER,
                                   .missing_allowed = true,
                                   .minimum = -10,
                                   .maximum = 10,
                                   .outside = kind};
        CLEANUP(table_freep) struct table *table = NULL, *back = NULL, *selected = NULL;
        CLEANUP(buffer_done) struct buffer bytes = {0};
        assert_true(result_ok(table_new(&spec, 1, 100, &table)));
        for (size_t i = 0; i < 5; i++) {
            struct view field = texts[i] ? view_text(texts[i]) : (struct view){0};
            assert_true(result_ok(table_add_row(table, &field, NULL)));
        }
        assert_true(result_ok(table_canonical(table, collect, &bytes)));
        assert_true(result_ok(table_load(buffer_view(&bytes), "frozen", &spec, 1, 100, &back)));
        assert_true(result_ok(table_select(back, last_two, 2, &selected)));
        bool clamp = kind == COLUMN_OUTSIDE_CLAMP;
        assert_int_equal(back->columns[0].clamped, clamp ? 2 : 0);
        assert_int_equal(back->columns[0].outside, clamp ? 0 : 2);
        assert_int_equal(back->columns[0].missing, 1);
        assert_int_equal(selected->columns[0].clamped + selected->columns[0].outside, 1);
        bytes.data[bytes.length - 1] = 7; /* no such mark */
        CLEANUP(table_freep) struct table *refused = NULL;
        assert_int_equal(table_load(buffer_view(&bytes), "frozen", &spec, 1, 100, &refused).category, CATEGORY_FALSE);
    }
}

/* Codes inside the bounds and outside; a plan without them reads no table that has them. */
static void special_codes_stay_apart(void **state)
{
    (void)state;
    static const char *const texts[] = {"99", "1", "-0", NULL, "2"};
    static const double specials[] = {0, 99};
    static const size_t expected[] = {1, SIZE_MAX, 0, SIZE_MAX, SIZE_MAX};
    static const uint64_t order[] = {4, 3, 2, 1, 0};
    struct column_spec spec = {.name = "delay",
                               .kind = COLUMN_NUMBER,
                               .missing_allowed = true,
                               .minimum = -10,
                               .maximum = 10,
                               .specials = specials,
                               .specials_count = 2};
    CLEANUP(table_freep) struct table *table = NULL, *back = NULL, *turned = NULL, *other = NULL;
    CLEANUP(buffer_done) struct buffer bytes = {0};
    assert_true(result_ok(table_new(&spec, 1, 100, &table)));
    for (size_t i = 0; i < 5; i++) {
        struct view field = texts[i] ? view_text(texts[i]) : (struct view){0};
        assert_true(result_ok(table_add_row(table, &field, NULL)));
    }
    assert_true(result_ok(table_canonical(table, collect, &bytes)));
    assert_true(result_ok(table_load(buffer_view(&bytes), "frozen", &spec, 1, 100, &back)));
    assert_true(result_ok(table_select(back, order, 5, &turned)));
    for (size_t i = 0; i < 5; i++) {
        assert_true(column_special(&table->columns[0], i) == expected[i]);
        assert_true(column_special(&back->columns[0], i) == expected[i]);
        assert_true(column_special(&turned->columns[0], 4 - i) == expected[i]);
        assert_true(isnan(back->columns[0].numbers[i]) == (i == 0 || i == 2 || i == 3));
    }
    assert_int_equal(table->columns[0].missing, 1);
    assert_int_equal(back->columns[0].missing, 1);
    assert_int_equal(turned->columns[0].missing, 1);
    assert_int_equal(back->columns[0].outside, 0);
    spec.specials_count = 1;
    assert_int_equal(table_load(buffer_view(&bytes), "frozen", &spec, 1, 100, &other).category, CATEGORY_FALSE);
}

static void other_bytes_are_refused(void **state)
{
    (void)state;
    struct column_spec specs[3];
    specs_make(specs);
    CLEANUP(table_freep) struct table *table = table_make(specs), *back = NULL;
    CLEANUP(buffer_done) struct buffer bytes = {0};
    assert_true(result_ok(table_canonical(table, collect, &bytes)));
    for (size_t length = 0; length < bytes.length; length++)
        assert_false(result_ok(table_load(view_of(bytes.data, length), "frozen", specs, 3, 100, &back)));
    assert_int_equal(table_load(buffer_view(&bytes), "frozen", specs, 2, 100, &back).category, CATEGORY_FALSE);
    assert_int_equal(table_load(buffer_view(&bytes), "frozen", specs, 3, 2, &back).category, CATEGORY_FALSE);
    specs[0].name[0] = 'I';
    assert_int_equal(table_load(buffer_view(&bytes), "frozen", specs, 3, 100, &back).category, CATEGORY_FALSE);
    specs[0].name[0] = 'i';
    for (size_t k = 0; k < 16; k++) { /* a count of columns or rows that is not so */
        bytes.data[k] ^= 0x41;
        assert_false(result_ok(table_load(buffer_view(&bytes), "frozen", specs, 3, UINT64_MAX, &back)));
        bytes.data[k] ^= 0x41;
    }
    assert_null(back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_comes_back_as_it_was),
        cmocka_unit_test(what_lay_outside_stays_counted),
        cmocka_unit_test(special_codes_stay_apart),
        cmocka_unit_test(other_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
