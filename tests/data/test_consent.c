/* Consent: rows without it are left out before anything looks at their values, wherever the column stands and however
 * the file is cut, packed or ordered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <zlib.h>

#include "data/csv.h"
#include "tests/support/scratch.h"

static const char *const yes[] = {"ja", "J"}, *const unknown[] = {"-", "NA"};
static const struct column_spec one_number = {.name = "n", .kind = COLUMN_NUMBER, .maximum = 1000};
static const struct csv_options given = {.consent = {.column = "ok", .given = yes, .given_count = 2}};
static const struct csv_options purpose = {.consent = {.column = "ok", .separator = ';', .purpose = "credit-risk"}};

static struct result read_cut(const char *text, size_t step, const struct csv_options *options, uint64_t rows_max,
                              struct table **ret)
{
    CLEANUP(csv_reader_freep) struct csv_reader *reader = NULL;
    TRY(csv_reader_new("bank.csv", options, &one_number, 1, rows_max, &reader));
    for (struct view rest = view_text(text); rest.length;) {
        size_t piece = rest.length < step ? rest.length : step;
        TRY(csv_reader_feed(reader, view_of(rest.data, piece)));
        rest = view_of(rest.data + piece, rest.length - piece);
    }
    return csv_reader_finish(reader, ret);
}

/* In pieces of every size: these rows are taken, so many left out. */
static void expect_rows(const char *text, const struct csv_options *options, const double *numbers, uint64_t count,
                        uint64_t left_out)
{
    for (size_t step = 1; step <= strlen(text); step++) {
        CLEANUP(table_freep) struct table *table = NULL;
        struct result result = read_cut(text, step, options, 100, &table);
        if (!result_ok(result)) fail_msg("%s", result_reason());
        assert_int_equal(table->rows, count);
        assert_int_equal(table->without_consent, left_out);
        for (uint64_t row = 0; row < count; row++) assert_true(table->columns[0].numbers[row] == numbers[row]);
    }
}

static void expect_refused(const char *text, const struct csv_options *options, const char *reason)
{
    struct table *table = NULL;
    assert_int_equal(read_cut(text, 5, options, 100, &table).category, CATEGORY_USAGE);
    assert_null(table);
    assert_string_equal(result_reason(), reason);
}

static void the_column_may_stand_anywhere(void **state)
{
    (void)state;
    static const double taken[] = {1, 3};
    static const char *const same[] = {
        "ok,n,t\nja,1,a\nnein,2,b\nJ,3,c\n,4,d\n",
        "n,t,ok\n1,a,ja\n2,b,nein\n3,c,J\n4,d,\n",
        "n,ok,t\r\n1,ja,a\r\n2,Ja,b\r\n3,J,c\r\n4,j,d",
        "\"n\",\"ok\"\n1,\"ja\"\n2,\"ja \"\n\"3\",\"J\"\n4,\"\"\n",
        "\"ok\",n\n\"ja\",1\n\"j\"\"a\",2\nJ,3\n\"j\na\",4\n",
    };
    for (size_t k = 0; k < sizeof same / sizeof *same; k++) expect_rows(same[k], &given, taken, 2, 2);
    expect_rows("n,ok\n4,\n3,J\n2,nein\n1,ja\n", &given, (const double[]){3, 1}, 2, 2); /* in another order */
}

struct witnessed {
    struct buffer rows;
    unsigned count;
};

static struct result witness_row(void *context, struct view record)
{
    struct witnessed *witnessed = context;
    witnessed->count++;
    return buffer_append(&witnessed->rows, record);
}

static void a_witness_sees_the_whole_records_that_are_taken(void **state)
{
    (void)state;
    static const char text[] = "ok,n,t\nja,1,\"a,\"\"\"\nnein,2,b\nJ,3,\n";
    static const char rows[] = "ja\0"
                               "1\0"
                               "a,\"\0"
                               "J\0"
                               "3\0"
                               "\0";
    for (size_t step = 1; step <= strlen(text); step++) {
        struct witnessed witnessed = {0};
        CLEANUP(table_freep) struct table *table = NULL;
        struct csv_options options = given;
        options.witness = (struct csv_witness){&witnessed, witness_row};
        struct result result = read_cut(text, step, &options, 100, &table);
        if (!result_ok(result)) fail_msg("%s", result_reason());
        assert_int_equal(witnessed.count, 2);
        assert_true(view_equal(buffer_view(&witnessed.rows), view_of(rows, sizeof rows - 1)));
        buffer_done(&witnessed.rows);
    }
}

static void purposes_are_listed(void **state)
{
    (void)state;
    static const double taken[] = {1, 2, 3, 4};
    expect_rows("ok,n\n"
                "credit-risk,1\nmarketing;credit-risk,2\n\" credit-risk ;x\",3\n\"a;;\tcredit-risk\",4\n"
                "credit-risk-2,5\ncredit,6\n;,7\n,8\ncredit-risk|marketing,9\nCredit-Risk,10\ncredit -risk,11\n",
                &purpose, taken, 4, 7);
    struct csv_options bar = purpose, any = purpose;
    bar.consent.separator = '|';
    bar.delimiter = ';';
    expect_rows("n;ok\n5;a|credit-risk\n6;credit-risk|\n7;\"a;credit-risk\"\n", &bar, (const double[]){5, 6}, 2, 1);
    bar.consent.separator = ';'; /* as the fields', which are quoted then */
    expect_rows("n;ok\n5;\"a;credit-risk\"\n6;a\n", &bar, (const double[]){5}, 1, 1);
    any.consent.purpose = NULL;
    expect_rows("n,ok\n5,a\n6,;\n7, \n8,b;c\n", &any, (const double[]){5, 8}, 2, 2);
}

/* What a row without consent says is nobody's business: not even whether it is a number. */
static void its_values_are_not_looked_at(void **state)
{
    (void)state;
    expect_rows("n,ok\n1,ja\nx,nein\n,nein\n5000,\n7,J\n", &given, (const double[]){1, 7}, 2, 3);
    expect_refused("n,ok\n1,ja\nx,nein\n,nein\ny,ja\n", &given,
                   "bank.csv:5: column n: \"y\" is not a number; correct it, or name it as a token that means missing");
    CLEANUP(table_freep) struct table *table = NULL; /* nor does it count against the most rows of a plan */
    assert_true(result_ok(read_cut("n,ok\n1,nein\n2,nein\n3,ja\n", 4, &given, 1, &table)));
    assert_int_equal(table->rows, 1);
    /* But what breaks the file as such, where nobody can know whose row it is. */
    expect_refused("n,ok\n1,ja\n2,nein,3\n", &given,
                   "bank.csv:3: more than 2 fields; is a field that holds the delimiter not in quotes?");
}

static void tokens_for_missing_are_no_consent(void **state)
{
    (void)state;
    struct csv_options options = given;
    options.missing = unknown;
    options.missing_count = 2;
    expect_rows("n,ok\n1,ja\n2,-\n3,NA\n", &options, (const double[]){1}, 1, 2);
    options = purpose;
    options.missing = unknown;
    options.missing_count = 2;
    options.consent.purpose = NULL;
    expect_rows("n,ok\n1,a\n2,-\n3,NA\n", &options, (const double[]){1}, 1, 2);
    options = given;
    options.trim = true;
    expect_rows("n, ok \n1, ja\n2,nein\n", &options, (const double[]){1}, 1, 1);
}

static void a_missing_column_is_refused(void **state)
{
    (void)state;
    expect_refused("n,okay\n1,ja\n", &given,
                   "bank.csv:1: there is no column ok, which is to say who consented, so that no row may be read; name "
                   "the right one under source.consent, or export it as well (there are: n, okay)");
    expect_refused("n;ok\n1;ja\n", &given,
                   "bank.csv:1: there is no column ok, which is to say who consented, so that no row may be read; the "
                   "file has one column only: is the delimiter another? (there are: n;ok)");
    static const char *const names[] = {"n", "okay"};
    struct csv_options options = given;
    options.names = names;
    options.names_count = 2;
    expect_refused("1,ja\n", &options,
                   "bank.csv: there is no column ok, which is to say who consented, so that no row may be read; name "
                   "the right one under source.consent, or export it as well (there are: n, okay)");
}

static void no_row_left(void **state)
{
    (void)state;
    expect_refused("n,ok\n1,nein\n2,\n", &given,
                   "bank.csv: no row is left: none of 2 has consent in column ok; look at the column, and at "
                   "source.consent");
    expect_refused("n,ok\n1,a;b\n", &purpose,
                   "bank.csv: no row is left: none of 1 has consent in column ok to the purpose credit-risk; look at "
                   "the column, and at source.consent");
    expect_refused("n,ok\n", &given, "bank.csv: no rows follow the column names; export the file again");
}

static struct result visit(void *context, const struct csv_row *row)
{
    double *sum = context;
    assert_int_equal(row->table->rows, 1);
    *sum += row->table->columns[0].numbers[0] + (double)(100 * row->line);
    return RESULT_OK;
}

/* From disk, packed, a row at a time and scanned: the same rows. */
static void a_packed_file(void **state)
{
    (void)state;
    char folder[SCRATCH_MAX], path[SCRATCH_MAX + 16];
    scratch_new(folder);
    (void)snprintf(path, sizeof path, "%s/n.csv.gz", folder);
    gzFile file = gzopen(path, "wb");
    assert_non_null(file);
    assert_true(gzputs(file, "n,ok\n") > 0);
    for (unsigned row = 0; row < 60000; row++)
        assert_true(gzprintf(file, "%u,%s\n", row % 7, row % 3 ? "ja" : "x") > 0);
    assert_int_equal(gzclose(file), Z_OK);
    CLEANUP(table_freep) struct table *table = NULL;
    CLEANUP(csv_scan_freep) struct csv_scan *scan = NULL;
    assert_true(result_ok(csv_read(path, &given, &one_number, 1, 40000, &table)));
    assert_int_equal(table->rows, 40000);
    assert_int_equal(table->without_consent, 20000);
    assert_true(result_ok(csv_scan(path, &given, &scan)));
    assert_int_equal(scan->rows, 40000);
    assert_int_equal(scan->without_consent, 20000);
    assert_int_equal(scan->columns[1].values_count, 1);
    assert_string_equal(scan->columns[1].values[0].text, "ja");

    file = gzopen(path, "wb");
    assert_true(file && gzputs(file, "n,ok\n1,ja\nx,y\n3,ja\n4,\n") > 0);
    assert_int_equal(gzclose(file), Z_OK);
    double sum = 0;
    uint64_t left_out = 0;
    assert_true(result_ok(csv_stream(path, &given, &one_number, 1, (struct csv_visitor){&sum, visit}, &left_out)));
    assert_true(sum == 1 + 200 + 3 + 400); /* rows 1 and 3, on lines 2 and 4 */
    assert_int_equal(left_out, 2);
    struct csv_scan *none = NULL;
    file = gzopen(path, "wb");
    assert_true(file && gzputs(file, "n,ok\n1,nein\n") > 0);
    assert_int_equal(gzclose(file), Z_OK);
    assert_int_equal(csv_scan(path, &given, &none).category, CATEGORY_USAGE);
    assert_non_null(strstr(result_reason(), "n.csv.gz: no row is left: none of 1 has consent"));
    assert_null(none);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_column_may_stand_anywhere),
        cmocka_unit_test(a_witness_sees_the_whole_records_that_are_taken),
        cmocka_unit_test(purposes_are_listed),
        cmocka_unit_test(its_values_are_not_looked_at),
        cmocka_unit_test(tokens_for_missing_are_no_consent),
        cmocka_unit_test(a_missing_column_is_refused),
        cmocka_unit_test(no_row_left),
        cmocka_unit_test(a_packed_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
