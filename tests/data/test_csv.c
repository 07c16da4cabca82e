/* CSV from memory: what is taken, what is refused and with which words, and that pieces do not matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "data/csv.h"
#include "tests/support/vectors.h"

static const char *const sexes[] = {"f", "m"};
static const char *const one_two[] = {"1", "2"};

/* The plan of most of these tests: three columns of every kind. */
static struct column_spec specs[] = {
    {.name = "id", .kind = COLUMN_TEXT},
    {.name = "income", .kind = COLUMN_NUMBER, .minimum = 0, .maximum = 1e6},
    {.name = "sex", .kind = COLUMN_CATEGORY, .levels = sexes, .levels_count = 2},
};
enum { SPECS = sizeof specs / sizeof *specs };
static const struct csv_options plainly = {0};

/* Cuts after every `step` bytes; 0: not at all; below zero: at random. */
static struct result read_cut(struct view bytes, int step, const struct csv_options *options,
                              const struct column_spec *columns, size_t count, struct table **ret)
{
    static uint64_t seed = 88172645463325252;
    CLEANUP(csv_reader_freep) struct csv_reader *reader = NULL;
    TRY(csv_reader_new("bank.csv", options, columns, count, 1000000, &reader));
    while (bytes.length) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        size_t piece = step > 0 ? (size_t)step : step == 0 ? bytes.length : 1 + seed % (bytes.length < 90 ? 9 : 70000);
        if (piece > bytes.length) piece = bytes.length;
        uint8_t *copy = malloc(piece); /* of its own, so that a read past its end is seen */
        assert_non_null(copy);
        memcpy(copy, bytes.data, piece);
        struct result result = csv_reader_feed(reader, view_of(copy, piece));
        free(copy);
        TRY(result);
        bytes = view_of(bytes.data + piece, bytes.length - piece);
    }
    return csv_reader_finish(reader, ret);
}

static struct result collect(void *context, struct view piece)
{
    return buffer_append(context, piece);
}

/* Reads the bytes whole and in pieces: the same table, or the same refusal. */
static struct result read_all(struct view bytes, const struct csv_options *options, const struct column_spec *columns,
                              size_t count, struct table **ret)
{
    static const int steps[] = {1, 2, 3, 7, -1, -1, -1};
    struct table *whole = NULL;
    struct result result = read_cut(bytes, 0, options, columns, count, &whole);
    char reason[1024];
    (void)snprintf(reason, sizeof reason, "%s", result_reason());
    for (size_t k = bytes.length > 50000 ? 3 : 0; k < sizeof steps / sizeof *steps; k++) {
        CLEANUP(table_freep) struct table *again = NULL;
        struct result other = read_cut(bytes, steps[k], options, columns, count, &again);
        assert_int_equal(other.category, result.category);
        if (!result_ok(result)) {
            assert_string_equal(result_reason(), reason);
            assert_null(again);
            assert_null(whole);
            continue;
        }
        CLEANUP(buffer_done) struct buffer left = {0}, right = {0};
        assert_true(result_ok(table_canonical(whole, collect, &left)));
        assert_true(result_ok(table_canonical(again, collect, &right)));
        assert_true(view_equal(buffer_view(&left), buffer_view(&right)));
    }
    *ret = whole;
    return result;
}

static void expect_refused(struct view bytes, const struct csv_options *options, const char *reason)
{
    struct table *table = NULL;
    assert_int_equal(read_all(bytes, options, specs, SPECS, &table).category, CATEGORY_USAGE);
    (void)read_cut(bytes, 0, options, specs, SPECS, &table);
    if (strncmp(result_reason(), reason, strlen(reason)) != 0)
        fail_msg("\"%s\" instead of \"%s\"", result_reason(), reason);
}

static const char *text_of(const struct column *column, size_t row)
{
    static char text[FIELD_MAX_BYTES + 1];
    size_t length = (size_t)(column->starts[row + 1] - column->starts[row]);
    if (length) memcpy(text, column->texts.data + column->starts[row], length);
    text[length] = 0;
    return text;
}

static void a_plain_file(void **state)
{
    (void)state;
    static const char *const same[] = {
        "id,income,sex\nann,1000,f\nbob,2e3,m\n",
        "id,income,sex\nann,1000,f\nbob,2e3,m",
        "id,income,sex\r\nann,1000,f\r\nbob,2e3,m\r\n",
        "id,income,sex\r\nann,1000,f\nbob,2e3,m\n\n\r\n",
        "\xef\xbb\xbfid,income,sex\nann,1000,f\nbob,2e3,m\n",
        "\"id\",\"income\",\"sex\"\n\"ann\",\"1000\",\"f\"\n\"bob\",\"2e3\",\"m\"",
        "sex,more,id,income\nf,\"a, \"\"b\"\"\r\n\",ann,1000\nm,,bob,2e3",
    };
    for (size_t k = 0; k < sizeof same / sizeof *same; k++) {
        CLEANUP(table_freep) struct table *table = NULL;
        struct result result = read_all(view_text(same[k]), &plainly, specs, SPECS, &table);
        if (!result_ok(result)) fail_msg("%s", result_reason());
        assert_int_equal(table->rows, 2);
        assert_string_equal(text_of(&table->columns[0], 0), "ann");
        assert_string_equal(text_of(&table->columns[0], 1), "bob");
        assert_true(table->columns[1].numbers[0] == 1000 && table->columns[1].numbers[1] == 2000);
        assert_true(table->columns[2].codes[0] == 0 && table->columns[2].codes[1] == 1);
    }
}

static void bad_files_are_refused_with_place_and_remedy(void **state)
{
    (void)state;
#define HEAD "id,income,sex\n"
    static const struct {
        const char *text, *reason;
    } bad[] = {
        {"", "bank.csv: the file is empty; it needs a line of column names and rows"},
        {"\xef\xbb\xbf", "bank.csv: the file is empty; it needs a line of column names and rows"},
        {"\xef\xbb", "bank.csv:1: field 1: bytes that are not UTF-8; save the file in UTF-8"},
        {HEAD, "bank.csv: no rows follow the column names; export the file again"},
        {HEAD "\n\n", "bank.csv: no rows follow the column names"},
        {"\n" HEAD, "bank.csv:1: the line is empty, where the column names should be"},
        {"id,income,id\n", "bank.csv:1: two columns are named \"id\"; give each its own name"},
        {"id;income;sex\na;1;f\n", "bank.csv:1: there is no column id; the file has one column only: is the delimiter "
                                   "another? (there are: id;income;sex)"},
        {"id,Income,sex\na,1,f\n", "bank.csv:1: there is no column income; name the bank's own column for it in the "
                                   "node's configuration (there are: id, Income, sex)"},
        {HEAD "a,1,f\nb,2\n",
         "bank.csv:3: 2 fields, where there should be 3; is one missing, or a line broken in two?"},
        {HEAD "a,1,f\nb,2,f,x\n", "bank.csv:3: more than 3 fields; is a field that holds the delimiter not in quotes?"},
        {HEAD "a,1,f\n\nb,2,f\n", "bank.csv:3: an empty line in the middle of the file; take it out"},
        {HEAD "a,1,f\nb,\"2,f\n", "bank.csv:3: column income: a quotation mark opens this field and none closes it"},
        {HEAD "a,1,f\nb,2\"3,f\n", "bank.csv:3: column income: a quotation mark in a field that is not in quotes; put "
                                   "such a field in quotes and double each mark inside it"},
        {HEAD "a,1,f\nb,\"2\"3,f\n", "bank.csv:3: column income: text behind a closing quotation mark; put"},
        {HEAD "a,1,f\nb,\"2\" ,f\n", "bank.csv:3: column income: text behind a closing quotation mark"},
        {HEAD "a,1,f\nb, \"2\",f\n", "bank.csv:3: column income: a quotation mark in a field"},
        {"id,in\"come\n", "bank.csv:1: field 2: a quotation mark in a field that is not in quotes"},
        {HEAD "a,1,f\rb,2,f\n", "bank.csv:2: a carriage return without a line feed; end lines with LF or CRLF"},
        {HEAD "a,1,f\r\r\nb,2,f\n", "bank.csv:2: a carriage return without a line feed"},
        {HEAD "a,1,f\r", "bank.csv:2: a carriage return without a line feed"},
        {HEAD "a,1,f\r\"b\",2,f\n", "bank.csv:2: a carriage return without a line feed"},
        {HEAD "a,1,f\nb,one,f\n",
         "bank.csv:3: column income: \"one\" is not a number; correct it, or name it as a token "
         "that means missing"},
        {HEAD "a,1,f\nb, 1,f\n", "bank.csv:3: column income: \" 1\" is not a number"},
        {HEAD "\"a\n\nb\",1,f\nb,x,f\n", "bank.csv:5: column income: \"x\" is not a number"},
        {HEAD "a,1,f\n\"b\n\nc\",x,f\n", "bank.csv:3: column income: \"x\" is not a number"},
        {HEAD "a,1,f\n\"b\n\nc\",2\"3,f\n", "bank.csv:5: column income: a quotation mark in a field"},
        {HEAD "a,1,f\n\"b\nc\",\"2,f\n", "bank.csv:4: column income: a quotation mark opens this field and none"},
        {HEAD "a,1e7,f\n", "bank.csv:2: column income: 10000000 is outside the plan's 0 to 1000000; check the unit, or "
                           "let the plan clamp it"},
        {HEAD "a,,f\n", "bank.csv:2: column income: no value, and the plan has `missing: refuse` for it; complete"},
        {HEAD "a,1,x\n", "bank.csv:2: column sex: \"x\" is not one of the plan's levels; recode it to one of them in "
                         "the node's configuration"},
        {HEAD "a,1,\xe4\n", "bank.csv:2: column sex: bytes that are not UTF-8; save the file in UTF-8"},
        {HEAD "a,1,f\nb\x80,1,f\n", "bank.csv:3: column id: bytes that are not UTF-8"},
        {HEAD "a,1,f\n\"b\n\xc0\x80\",1,f\n", "bank.csv:4: column id: bytes that are not UTF-8"},
        {HEAD "\xed\xa0\x80,1,f\n", "bank.csv:2: column id: bytes that are not UTF-8"},
        {HEAD "a,1,f\xc3", "bank.csv: the file ends inside a UTF-8 character; export it again"},
        {"\xff\xfei\0d\0", "bank.csv:1: field 1: bytes that are not UTF-8; save the file in UTF-8"},
    };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
        expect_refused(view_text(bad[k].text), &plainly, bad[k].reason);
    static const char nul[] = HEAD "a,1,f\nb\0,2,f\n";
    expect_refused(view_of(nul, sizeof nul - 1), &plainly,
                   "bank.csv:3: column id: a NUL byte; the file is damaged, or no text: export it again");
}

static void lengths_have_a_limit(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer bytes = {0};
    for (int over = 0; over < 4; over++) {
        buffer_clear(&bytes);
        uint8_t *field;
        assert_true(result_ok(buffer_text(&bytes, over >= 2 ? "id,income,sex\n\"" : "id,income,sex\n")));
        assert_true(result_ok(buffer_extend(&bytes, FIELD_MAX_BYTES + (over % 2 ? 1 : 0), &field)));
        memset(field, 'x', FIELD_MAX_BYTES + (over % 2 ? 1 : 0));
        assert_true(result_ok(buffer_text(&bytes, over >= 2 ? "\",1,f\n" : ",1,f\n")));
        if (over % 2) {
            expect_refused(buffer_view(&bytes), &plainly,
                           "bank.csv:2: column id: a field of more than 65536 bytes; is");
        } else {
            CLEANUP(table_freep) struct table *table = NULL;
            assert_true(result_ok(read_all(buffer_view(&bytes), &plainly, specs, SPECS, &table)));
            assert_int_equal(table->columns[0].texts.length, FIELD_MAX_BYTES);
        }
    }
    /* A mark left open must not take the rest of a large file into memory before it is noticed. */
    buffer_clear(&bytes);
    uint8_t *rest;
    assert_true(result_ok(buffer_text(&bytes, "id,income,sex\n\"a,1,f\n")));
    assert_true(result_ok(buffer_extend(&bytes, 10 * FIELD_MAX_BYTES, &rest)));
    memset(rest, 'y', 10 * FIELD_MAX_BYTES);
    expect_refused(buffer_view(&bytes), &plainly, "bank.csv:2: column id: a field of more than 65536 bytes; is");
    /* Too many columns. */
    buffer_clear(&bytes);
    for (size_t k = 0; k <= CSV_COLUMNS_MAX; k++) assert_true(result_ok(buffer_format(&bytes, "c%zu,", k)));
    expect_refused(buffer_view(&bytes), &plainly, "bank.csv:1: more than 10000 fields; ");
}

static void a_bank_has_its_own_ways(void **state)
{
    (void)state;
    static const char *const everywhere[] = {"NA", "."}, *const here[] = {"-1"};
    static const struct csv_recode recodes[] = {
        {"weiblich", "1"}, {"Frau", "1"}, {"m\xc3\xa4nnlich", "2"}, {"k.A.", NULL}};
    static const struct csv_column mapped[] = {
        {.name = "sex", .source = "Geschlecht", .recodes = recodes, .recodes_count = 4},
        {.name = "income", .source = "Einkommen (T\xe2\x82\xac)", .factor = 1000, .missing = here, .missing_count = 1},
        {.name = "heat", .factor = 1.8, .offset = 32},
        {.name = "unused", .source = "not there"},
    };
    const struct csv_options options = {.delimiter = ';',
                                        .decimal_comma = true,
                                        .trim = true,
                                        .missing = everywhere,
                                        .missing_count = 2,
                                        .columns = mapped,
                                        .columns_count = 4};
    const struct column_spec plan[] = {
        {.name = "income", .kind = COLUMN_NUMBER, .maximum = 1e6, .missing_allowed = true},
        {.name = "sex", .kind = COLUMN_CATEGORY, .levels = one_two, .levels_count = 2, .missing_allowed = true},
        {.name = "heat", .kind = COLUMN_NUMBER, .minimum = -100, .maximum = 1000},
    };
    CLEANUP(table_freep) struct table *table = NULL;
    struct result result =
        read_all(view_text(" heat ;Geschlecht\t;Einkommen (T\xe2\x82\xac)\n"
                           "10; weiblich ;1,001\n0;m\xc3\xa4nnlich;-1\n100; Frau;\"12,3\"\n5;k.A.; NA \n5;.;  \n"),
                 &options, plan, 3, &table);
    if (!result_ok(result)) fail_msg("%s", result_reason());
    const double *income = table->columns[0].numbers;
    assert_true(income[0] == 1001 && isnan(income[1]) && income[2] == 12300 && isnan(income[3]) && isnan(income[4]));
    static const uint16_t codes[] = {0, 1, 0, CODE_MISSING, CODE_MISSING};
    assert_memory_equal(table->columns[1].codes, codes, sizeof codes);
    assert_true(table->columns[2].numbers[0] == 50 && table->columns[2].numbers[2] == 212);
    assert_int_equal(table->columns[0].missing, 3);
    struct table *none = NULL;
    assert_int_equal(read_all(view_text("heat;Geschlecht\n"), &options, plan, 3, &none).category, CATEGORY_USAGE);
    (void)read_cut(view_text("heat;Geschlecht\n"), 0, &options, plan, 3, &none);
    assert_string_equal(
        result_reason(),
        "bank.csv:1: there is no column Einkommen (T\xe2\x82\xac), which is to be the plan's income; name "
        "the bank's own column for it in the node's configuration (there are: heat, Geschlecht)");
}

static void a_file_without_column_names(void **state)
{
    (void)state;
    static const char *const names[] = {"income", "id", "sex"}, *const twice[] = {"id", "id"};
    struct csv_options options = {.names = names, .names_count = 3};
    CLEANUP(table_freep) struct table *table = NULL;
    assert_true(result_ok(read_all(view_text("10,a,f\n20,b,m\n"), &options, specs, SPECS, &table)));
    assert_int_equal(table->rows, 2);
    assert_true(table->columns[1].numbers[1] == 20);
    expect_refused(view_text("10,a\n"), &options, "bank.csv:1: 2 fields, where there should be 3");
    options.names = twice;
    options.names_count = 2;
    expect_refused(view_text("10,a\n"), &options, "bank.csv: two columns are named \"id\"");
    options.names_count = 1;
    expect_refused(view_text("10\n"), &options, "bank.csv: there is no column income");
    struct csv_options quotes = {.delimiter = '"'};
    expect_refused(view_text("10\n"), &quotes, "bank.csv: this delimiter cannot separate fields");
}

/* RFC 4180 has no empty lines: in a file of one column they are records. */
static void empty_lines_of_one_column_are_missing(void **state)
{
    (void)state;
    const struct column_spec plan = {.name = "n", .kind = COLUMN_NUMBER, .maximum = 9, .missing_allowed = true};
    CLEANUP(table_freep) struct table *table = NULL;
    assert_true(result_ok(read_all(view_text("n\n1\n\n\r\n2\n\n"), &plainly, &plan, 1, &table)));
    assert_int_equal(table->rows, 5);
    assert_int_equal(table->columns[0].missing, 3);
    assert_true(table->columns[0].numbers[3] == 2);
}

static void fill_specs(struct column_spec *columns, const char *const *names, size_t count)
{
    memset(columns, 0, count * sizeof *columns);
    for (size_t k = 0; k < count; k++) {
        columns[k] = (struct column_spec){.kind = COLUMN_TEXT, .missing_allowed = true};
        assert_true(strlen(names[k]) <= NAME_MAX_BYTES);
        memcpy(columns[k].name, names[k], strlen(names[k]));
    }
}

/* Reads a file of csv-spectrum and compares with its JSON. */
static void expect_spectrum(const char *name, const json_t *rows, struct buffer *bytes)
{
    char path[256];
    (void)snprintf(path, sizeof path, "../shared/vectors/10-csv/csvs/%s.csv", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    uint8_t block[4096];
    buffer_clear(bytes);
    for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;)
        assert_true(result_ok(buffer_append(bytes, view_of(block, got))));
    (void)fclose(file);
    const char *names[16], *key;
    struct column_spec columns[16];
    size_t count = 0;
    json_t *value;
    json_object_foreach(json_array_get(rows, 0), key, value) names[count++] = key;
    fill_specs(columns, names, count);
    CLEANUP(table_freep) struct table *table = NULL;
    struct result result = read_all(buffer_view(bytes), &plainly, columns, count, &table);
    if (strcmp(name, "location_coordinates") == 0) { /* bare quotation marks: RFC 4180 does not have them */
        assert_int_equal(result.category, CATEGORY_USAGE);
        return;
    }
    if (!result_ok(result)) fail_msg("%s: %s", name, result_reason());
    assert_int_equal(table->rows, json_array_size(rows));
    for (size_t row = 0; row < json_array_size(rows); row++)
        for (size_t k = 0; k < count; k++)
            assert_string_equal(text_of(&table->columns[k], row), vectors_text(json_array_get(rows, row), names[k]));
}

static void csv_spectrum(void **state)
{
    (void)state;
    static const char *const names[] = {"comma_in_quotes", "empty",         "empty_crlf",
                                        "escaped_quotes",  "json",          "location_coordinates",
                                        "newlines",        "newlines_crlf", "quotes_and_newlines",
                                        "simple",          "simple_crlf",   "utf8"};
    CLEANUP(buffer_done) struct buffer bytes = {0};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        char path[128];
        (void)snprintf(path, sizeof path, "10-csv/json/%s.json", names[k]);
        VECTORS_LOAD(rows, path);
        expect_spectrum(names[k], rows, &bytes);
    }
}

static void rfc4180_cases(void **state)
{
    (void)state;
    VECTORS_LOAD(file, "10-csv/rfc4180_cases.json");
    const json_t *cases = vectors_array(file, "cases");
    for (size_t k = 0; k < json_array_size(cases); k++) {
        const json_t *one = json_array_get(cases, k);
        const json_t *rows = json_object_get(one, "rows");
        static const char *const standard[] = {"foo", "bar", "baz"};
        struct column_spec columns[3];
        size_t count = rows ? json_array_size(json_array_get(rows, 0)) : 3;
        fill_specs(columns, standard, count);
        CLEANUP(table_freep) struct table *table = NULL;
        struct result result = read_all(view_text(vectors_text(one, "csv")), &plainly, columns, count, &table);
        assert_int_equal(result_ok(result), json_is_true(json_object_get(one, "valid")));
        if (!rows) continue;
        assert_int_equal(table->rows + 1, json_array_size(rows));
        for (size_t row = 1; row < json_array_size(rows); row++)
            for (size_t c = 0; c < count; c++)
                assert_string_equal(text_of(&table->columns[c], row - 1),
                                    json_string_value(json_array_get(json_array_get(rows, row), c)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_file),
        cmocka_unit_test(bad_files_are_refused_with_place_and_remedy),
        cmocka_unit_test(lengths_have_a_limit),
        cmocka_unit_test(a_bank_has_its_own_ways),
        cmocka_unit_test(a_file_without_column_names),
        cmocka_unit_test(empty_lines_of_one_column_are_missing),
        cmocka_unit_test(csv_spectrum),
        cmocka_unit_test(rfc4180_cases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
