/* Reading a CSV file into a table, numbers parsed and every rule checked, against libcsv alone on the same file; and
 * what a sketch of its rows adds to that. */
#include <csv.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "data/csv.h"
#include "node/rows.h"
#include "tests/support/scratch.h"

enum { ROWS = 200000, NUMBERS = 16, CATEGORIES = 4, PIECE_BYTES = 1 << 17 };

static const char *const levels[] = {"alpha", "beta", "gamma", "delta"};
static struct column_spec specs[NUMBERS + CATEGORIES];
static int numbers = NUMBERS; /* that the file has: the last of them */
static char path[SCRATCH_MAX + 16];

static uint64_t draw(void)
{
    static uint64_t state = 1;
    state += UINT64_C(0x9E3779B97F4A7C15); /* splitmix64 */
    uint64_t z = state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Whole numbers, amounts with cents, and categories, as a bank's export has them; or shares with 17 digits. */
static size_t write_rows(bool digits)
{
    FILE *file = fopen(path, "w");
    if (!file) abort();
    for (int k = NUMBERS - numbers; k < NUMBERS + CATEGORIES; k++)
        (void)fprintf(file, "%s%s", k > NUMBERS - numbers ? "," : "", specs[k].name);
    (void)fputc('\n', file);
    for (int row = 0; row < ROWS; row++) {
        for (int k = NUMBERS - numbers; k < NUMBERS; k++) {
            unsigned value = (unsigned)(draw() % 1000000);
            if (digits) {
                (void)fprintf(file, "%.17g,", (double)(draw() >> 11) * 0x1p-53);
            } else if (k % 2) {
                (void)fprintf(file, "%u.%02u,", value / 100, value % 100);
            } else {
                (void)fprintf(file, "%u,", value >> (k % 5 * 4));
            }
        }
        for (int k = 0; k < CATEGORIES; k++)
            (void)fprintf(file, "%s%c", levels[draw() % 4], k + 1 < CATEGORIES ? ',' : '\n');
    }
    size_t size = (size_t)ftell(file);
    if (fclose(file) != 0) abort();
    return size;
}

static struct result read_with(const struct csv_options *options, struct table **ret)
{
    return csv_read(path, options, specs + NUMBERS - numbers, (size_t)numbers + CATEGORIES, ROWS, ret);
}

static void read_table(void *context)
{
    static const struct csv_options plainly;
    CLEANUP(table_freep) struct table *table = NULL;
    (void)context;
    bench_need(read_with(&plainly, &table));
    if (table->rows != ROWS) abort();
}

static void read_rows(void *context)
{
    CLEANUP(table_freep) struct table *table = NULL;
    CLEANUP(rows_witness_done) struct rows_witness witness = {.key = context};
    CLEANUP(rows_done) struct rows rows = {0};
    const struct csv_options options = {.witness = {&witness, rows_witness_row}};
    bench_need(read_with(&options, &table));
    bench_need(rows_of(&witness, table->held, &rows));
    if (sketch_count(rows.sets[ROWS_ALL]) != ROWS) abort();
}

static void count_field(void *bytes, size_t length, void *context)
{
    (void)bytes;
    *(size_t *)context += length;
}

static void count_row(int end, void *context)
{
    (void)end;
    ++*(size_t *)context;
}

static void split_only(void *context)
{
    static char piece[PIECE_BYTES];
    struct csv_parser parser;
    size_t *count = context, length;
    FILE *file = fopen(path, "rb");
    if (!file || csv_init(&parser, 0) != 0) abort();
    while ((length = fread(piece, 1, sizeof piece, file)) > 0)
        if (csv_parse(&parser, piece, length, count_field, count_row, count) != length) abort();
    (void)csv_fini(&parser, count_field, count_row, count);
    csv_free(&parser);
    (void)fclose(file);
}

static void bench(const char *name, bool digits, double limit)
{
    double size = (double)write_rows(digits);
    size_t count = 0;
    struct bench_measure measure = bench_compare(read_table, split_only, &count);
    bench_print(&(struct bench_line){name, size / measure.seconds / 1e6, "MB/s", "libcsv alone, same file and turn",
                                     measure.speed, limit, "min"});
}

/* Of wide rows, and of those of few columns, where the sketch is the most beside the rest. */
static void bench_rows(const char *name, int count, double limit)
{
    CLEANUP(secret_freep) struct secret *secret = NULL;
    CLEANUP(sketch_key_freep) struct sketch_key *key = NULL;
    bench_need(crypto_start());
    bench_need(secret_new(SKETCH_SECRET_BYTES, &secret));
    bench_need(sketch_key_new(secret, view_text("customers"), &key));
    numbers = count;
    double size = (double)write_rows(false);
    struct bench_measure measure = bench_compare(read_rows, read_table, key);
    bench_print(&(struct bench_line){name, size / measure.seconds / 1e6, "MB/s",
                                     "without the sketch, same file and turn", measure.speed, limit, "min"});
}

int main(void)
{
    char folder[SCRATCH_MAX];
    scratch_new(folder);
    (void)snprintf(path, sizeof path, "%s/rows.csv", folder);
    for (int k = 0; k < NUMBERS + CATEGORIES; k++) {
        specs[k] = (struct column_spec){.kind = k < NUMBERS ? COLUMN_NUMBER : COLUMN_CATEGORY, .maximum = 1e6};
        specs[k].levels = levels;
        specs[k].levels_count = 4;
        (void)snprintf(specs[k].name, sizeof specs[k].name, "column%d", k);
    }
    bench("csv_ingest", false, 0.5);
    bench("csv_ingest_17_digits", true, 0);
    bench_rows("csv_sketch", NUMBERS, 0.8);
    bench_rows("csv_sketch_5_columns", 1, 0);
    scratch_remove(folder);
    return 0;
}
