/* CSV from disk: real data sets, gzip, what a scan finds, files that cannot be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <unistd.h>
#include <zlib.h>

#include "data/csv.h"
#include "tests/support/scratch.h"

static const struct csv_options plainly = {0};
static const struct column_spec one_number = {.name = "n", .kind = COLUMN_NUMBER, .maximum = 1000};

static struct csv_profile *profile_of(const struct csv_scan *scan, const char *name)
{
    for (size_t k = 0; k < scan->columns_count; k++)
        if (strcmp(scan->columns[k].name, name) == 0) return &scan->columns[k];
    fail_msg("no column %s", name);
    return NULL;
}

static uint64_t count_of(const struct csv_scan *scan, const char *column, const char *value)
{
    const struct csv_profile *profile = profile_of(scan, column);
    for (size_t k = 0; k < profile->values_count; k++)
        if (strcmp(profile->values[k].text, value) == 0) return profile->values[k].count;
    return 0;
}

/* Scans a file of ../shared/data; false, after a line saying so, where it is not there. */
static bool scan_shared(const char *name, const struct csv_options *options, uint64_t rows, size_t columns,
                        struct csv_scan **ret)
{
    char path[256];
    (void)snprintf(path, sizeof path, "../shared/data/%s", name);
    if (access(path, R_OK) != 0) {
        (void)printf("skipped: %s is not here\n", path);
        return false;
    }
    struct result result = csv_scan(path, options, ret);
    if (!result_ok(result)) fail_msg("%s", result_reason());
    assert_int_equal((*ret)->rows, rows);
    assert_int_equal((*ret)->columns_count, columns);
    return true;
}

/* Numbers of rows, columns, targets and missing values are those that the data sets' descriptions state. */
static void real_files_with_a_header(void **state)
{
    (void)state;
    static const struct {
        const char *file, *target, *positive;
        uint64_t rows, positives;
        size_t columns;
        char delimiter;
    } files[] = {
        {"taiwan_default/UCI_Credit_Card.csv.gz", "default.payment.next.month", "1", 30000, 6636, 25, ','},
        {"credit_data/credit_data.csv", "Status", "bad", 4454, 1254, 14, ','},
        {"lending_club/lending_club.csv.gz", "Class", "bad", 9857, 517, 23, ','},
        {"hmda/hmda.csv", "deny", "yes", 2380, 285, 14, ','},
        {"telco_churn/Telco-Customer-Churn.csv", "Churn", "Yes", 7043, 1869, 21, ','},
        {"bank_churners/BankChurners.csv", "Attrition_Flag", "Attrited Customer", 10127, 1627, 23, ','},
        {"bank_marketing/bank-additional-full.csv.gz", "y", "yes", 41188, 4640, 21, ';'},
        {"south_german_credit/SouthGermanCredit.asc", "credit_risk", "0", 1000, 300, 21, ' '},
    };
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        CLEANUP(csv_scan_freep) struct csv_scan *scan = NULL;
        struct csv_options options = {.delimiter = files[k].delimiter};
        if (!scan_shared(files[k].file, &options, files[k].rows, files[k].columns, &scan)) skip();
        assert_int_equal(count_of(scan, files[k].target, files[k].positive), files[k].positives);
    }
}

static void real_files_without_a_header(void **state)
{
    (void)state;
    static char texts[21][8];
    static const char *names[21], *const unknown[] = {"?"};
    for (int k = 0; k < 21; k++) {
        (void)snprintf(texts[k], sizeof texts[k], "c%d", k % 100);
        names[k] = texts[k];
    }
    CLEANUP(csv_scan_freep) struct csv_scan *german = NULL, *adult = NULL;
    struct csv_options options = {.delimiter = ' ', .names = names, .names_count = 21};
    if (!scan_shared("german_credit/german.data", &options, 1000, 21, &german)) skip();
    assert_int_equal(count_of(german, "c20", "2"), 300);
    assert_int_equal(count_of(german, "c3", "A48"), 9);
    /* Fields between comma and blank, "?" is missing, an empty line at the end. */
    options =
        (struct csv_options){.names = names, .names_count = 15, .trim = true, .missing = unknown, .missing_count = 1};
    if (!scan_shared("adult/adult.data.gz", &options, 32561, 15, &adult)) skip();
    assert_int_equal(count_of(adult, "c14", ">50K"), 7841);
    assert_int_equal(profile_of(adult, "c1")->missing, 1836);
    assert_int_equal(profile_of(adult, "c6")->missing, 1843);
    assert_int_equal(profile_of(adult, "c13")->missing, 583);
    assert_int_equal(count_of(adult, "c13", "Holand-Netherlands"), 1);
}

static void a_scan_tells_what_is_there(void **state)
{
    (void)state;
    CLEANUP(csv_scan_freep) struct csv_scan *credit = NULL, *telco = NULL, *taiwan = NULL;
    if (!scan_shared("credit_data/credit_data.csv", &plainly, 4454, 14, &credit)) skip();
    static const struct {
        const char *name;
        uint64_t missing;
    } missing[] = {{"Income", 381}, {"Assets", 47}, {"Debt", 18}, {"Home", 6}, {"Job", 2}, {"Marital", 1}};
    for (size_t k = 0; k < 6; k++) assert_int_equal(profile_of(credit, missing[k].name)->missing, missing[k].missing);
    assert_true(profile_of(credit, "Income")->numeric && !profile_of(credit, "Home")->numeric);

    /* A single blank is no number until the options say that it is missing. */
    if (!scan_shared("telco_churn/Telco-Customer-Churn.csv", &plainly, 7043, 21, &telco)) skip();
    assert_false(profile_of(telco, "TotalCharges")->numeric);
    csv_scan_free(telco);
    telco = NULL;
    static const struct csv_column renamed = {.name = "total", .source = "TotalCharges", .factor = 0.001};
    struct csv_options options = {.trim = true, .columns = &renamed, .columns_count = 1};
    assert_true(scan_shared("telco_churn/Telco-Customer-Churn.csv", &options, 7043, 21, &telco));
    const struct csv_profile *total = profile_of(telco, "total");
    assert_true(total->numeric && !total->whole && total->more);
    assert_int_equal(total->missing, 11);
    assert_true(total->minimum == 0.0188 && total->maximum == 8.6848);

    if (!scan_shared("taiwan_default/UCI_Credit_Card.csv.gz", &plainly, 30000, 25, &taiwan)) skip();
    const struct csv_profile *education = profile_of(taiwan, "EDUCATION"), *limit = profile_of(taiwan, "LIMIT_BAL");
    assert_true(limit->numeric && limit->whole && limit->minimum == 10000 && limit->maximum == 1000000);
    assert_int_equal(education->values_count, 7);
    for (size_t k = 0; k < 7; k++) assert_int_equal(education->values[k].text[0], '0' + (int)k); /* in order */
    assert_int_equal(count_of(taiwan, "EDUCATION", "5"), 280);
    assert_true(profile_of(taiwan, "ID")->more && profile_of(taiwan, "ID")->values_count == CSV_DISTINCT_MAX);
}

static void what_is_no_table_is_refused(void **state)
{
    (void)state;
    if (access("../shared/data/groceries/groceries.csv", R_OK) != 0) {
        (void)printf("skipped: ../shared/data/groceries is not here\n");
        skip();
    }
    struct csv_scan *scan = NULL;
    assert_int_equal(csv_scan("../shared/data/groceries/groceries.csv", &plainly, &scan).category, CATEGORY_USAGE);
    assert_string_equal(result_reason(), "../shared/data/groceries/groceries.csv:2: 3 fields, where there should be 4; "
                                         "is one missing, or a line broken in two?");
    assert_null(scan);
}

static void a_real_file_as_a_table(void **state)
{
    (void)state;
    static const char *const levels[] = {"1", "2", "3"};
    const struct column_spec specs[] = {
        {.name = "LIMIT_BAL", .kind = COLUMN_NUMBER, .maximum = 1e6},
        {.name = "EDUCATION", .kind = COLUMN_CATEGORY, .levels = levels, .levels_count = 3, .other_allowed = true},
        {.name = "BILL_AMT1", .kind = COLUMN_NUMBER, .maximum = 1e5, .outside = COLUMN_OUTSIDE_CLAMP},
        {.name = "ID", .kind = COLUMN_TEXT},
    };
    static const char path[] = "../shared/data/taiwan_default/UCI_Credit_Card.csv.gz";
    if (access(path, R_OK) != 0) {
        (void)printf("skipped: %s is not here\n", path);
        skip();
    }
    CLEANUP(table_freep) struct table *table = NULL;
    assert_true(result_ok(csv_read(path, &plainly, specs, 4, 30000, &table)));
    assert_int_equal(table->rows, 30000);
    assert_int_equal(table->columns[1].other, 14 + 123 + 280 + 51);
    double sum = 0;
    for (size_t k = 0; k < 30000; k++) sum += table->columns[0].numbers[k];
    assert_true(sum == 5024529680.0);
    assert_true(table->columns[2].clamped > 0 && table->columns[2].observed_minimum == -165580);
    struct table *none = NULL;
    assert_int_equal(csv_read(path, &plainly, specs, 4, 29999, &none).category, CATEGORY_USAGE);
    assert_non_null(strstr(result_reason(), "UCI_Credit_Card.csv.gz:30001: more than the 29999 rows"));
    assert_null(none);
}

static void write_file(const char *path, struct view bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.data, 1, bytes.length, file), bytes.length);
    assert_int_equal(fclose(file), 0);
}

/* A gzip member of its own. */
static void pack(struct view bytes, struct buffer *out)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    uint8_t *start;
    size_t bound = deflateBound(&stream, bytes.length);
    assert_true(result_ok(buffer_extend(out, bound, &start)));
    stream.next_in = (uint8_t *)(uintptr_t)bytes.data;
    stream.avail_in = (unsigned)bytes.length;
    stream.next_out = start;
    stream.avail_out = (unsigned)bound;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out->length -= stream.avail_out;
    assert_int_equal(deflateEnd(&stream), Z_OK);
}

static struct result read_bytes(const char *path, struct view bytes, struct table **ret)
{
    write_file(path, bytes);
    return csv_read(path, &plainly, &one_number, 1, 1000, ret);
}

static void gzip_by_its_magic_bytes(void **state)
{
    (void)state;
    char folder[SCRATCH_MAX], path[SCRATCH_MAX + 16];
    scratch_new(folder);
    (void)snprintf(path, sizeof path, "%s/n.csv", folder);
    CLEANUP(buffer_done) struct buffer packed = {0};
    CLEANUP(table_freep) struct table *table = NULL, *two = NULL, *plain = NULL;
    pack(view_text("n\n1\n2\n"), &packed);
    assert_true(result_ok(read_bytes(path, buffer_view(&packed), &table)));
    assert_int_equal(table->rows, 2);
    size_t first = packed.length;
    pack(view_text("3\n4\n"), &packed); /* two members in a row are one file */
    assert_true(result_ok(read_bytes(path, buffer_view(&packed), &two)));
    assert_int_equal(two->rows, 4);
    (void)snprintf(path, sizeof path, "%s/n.csv.gz", folder); /* the name does not matter */
    assert_true(result_ok(read_bytes(path, view_text("n\n1\n"), &plain)));

    struct table *none = NULL;
    for (size_t length = 12; length < first; length++) {
        assert_int_equal(read_bytes(path, view_of(packed.data, length), &none).category, CATEGORY_USAGE);
        assert_non_null(strstr(result_reason(), "n.csv.gz: the gzip file ends too early; copy it again"));
    }
    packed.data[first - 6] ^= 1; /* the checksum */
    assert_int_equal(read_bytes(path, view_of(packed.data, first), &none).category, CATEGORY_USAGE);
    assert_non_null(strstr(result_reason(), "n.csv.gz: the gzip file is damaged ("));
    assert_null(none);
    scratch_remove(folder);
}

static void files_that_cannot_be_read(void **state)
{
    (void)state;
    struct table *table = NULL;
    struct csv_scan *scan = NULL;
    assert_int_equal(csv_read("no/such.csv", &plainly, &one_number, 1, 10, &table).category, CATEGORY_ENVIRONMENT);
    assert_string_equal(result_reason(), "no/such.csv: the file cannot be read: No such file or directory");
    assert_int_equal(csv_read(".", &plainly, &one_number, 1, 10, &table).category, CATEGORY_ENVIRONMENT);
    assert_string_equal(result_reason(), ".: the file cannot be read: Is a directory");
    assert_int_equal(csv_scan("no/such.csv", &plainly, &scan).category, CATEGORY_ENVIRONMENT);
    assert_int_equal(csv_read("/dev/null", &plainly, &one_number, 1, 10, &table).category, CATEGORY_USAGE);
    assert_string_equal(result_reason(), "/dev/null: the file is empty; it needs a line of column names and rows");
    assert_null(table);
    assert_null(scan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_files_with_a_header),   cmocka_unit_test(real_files_without_a_header),
        cmocka_unit_test(a_scan_tells_what_is_there), cmocka_unit_test(what_is_no_table_is_refused),
        cmocka_unit_test(a_real_file_as_a_table),     cmocka_unit_test(gzip_by_its_magic_bytes),
        cmocka_unit_test(files_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
