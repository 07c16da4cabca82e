/* A CSV file, whole and in pieces: no input may crash, and the pieces must not matter. The first byte chooses options
 * and how the rest is cut. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const levels[] = {"x", "y"};
static const char *const unknown[] = {"NA"}, *const agreed[] = {"ja"};
static const struct csv_recode recodes[] = {{"z", "x"}, {"-", NULL}};
static const struct csv_column mapped[] = {
    {.name = "c", .recodes = recodes, .recodes_count = 2},
    {.name = "n", .factor = 1000},
};
static const char *const names[] = {"n", "c", "t", "ok"};
static const struct column_spec specs[] = {
    {.name = "n",
     .kind = COLUMN_NUMBER,
     .minimum = -1e6,
     .maximum = 1e6,
     .outside = COLUMN_OUTSIDE_CLAMP,
     .missing_allowed = true},
    {.name = "c",
     .kind = COLUMN_CATEGORY,
     .levels = levels,
     .levels_count = 2,
     .other_allowed = true,
     .missing_allowed = true},
    {.name = "t", .kind = COLUMN_TEXT, .missing_allowed = true},
};

static struct result read_cut(struct view bytes, size_t piece, const struct csv_options *options, struct table **ret)
{
    CLEANUP(csv_reader_freep) struct csv_reader *reader = NULL;
    TRY(csv_reader_new("f", options, specs, 3, 100000, &reader));
    while (bytes.length) {
        size_t length = bytes.length < piece ? bytes.length : piece;
        TRY(csv_reader_feed(reader, view_of(bytes.data, length)));
        bytes = view_of(bytes.data + length, bytes.length - length);
    }
    return csv_reader_finish(reader, ret);
}

static struct result collect(void *context, struct view piece)
{
    return buffer_append(context, piece);
}

static void must(bool condition)
{
    if (!condition) abort();
}

static void choose_consent(uint8_t choice, struct csv_consent *consent)
{
    if (choice < 2) return;
    consent->column = "ok";
    if (choice == 2) {
        consent->given = agreed;
        consent->given_count = 1;
    } else {
        consent->separator = '|';
        consent->purpose = "ja";
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t cuts[] = {1, 2, 5, 16};
    if (size == 0) return 0;
    uint8_t choice = data[0];
    struct csv_options options = {.delimiter = choice & 1 ? ';' : ',',
                                  .decimal_comma = choice & 1,
                                  .trim = choice & 2,
                                  .missing = unknown,
                                  .missing_count = 1,
                                  .columns = mapped};
    options.columns_count = choice & 4 ? 2 : 0;
    if (choice & 8) {
        options.names = names;
        options.names_count = choice & 128 ? 4 : 3;
    }
    choose_consent(choice >> 6, &options.consent);
    struct view bytes = view_of(data + 1, size - 1);
    CLEANUP(table_freep) struct table *whole = NULL, *cut = NULL;
    struct result first = read_cut(bytes, SIZE_MAX, &options, &whole);
    char reason[1024];
    (void)snprintf(reason, sizeof reason, "%s", result_reason());
    struct result second = read_cut(bytes, cuts[choice >> 4 & 3], &options, &cut);
    must(first.category == second.category);
    if (!result_ok(first)) {
        must(strcmp(reason, result_reason()) == 0 && !whole && !cut);
        return 0;
    }
    must(whole->without_consent == cut->without_consent && (options.consent.column || !whole->without_consent));
    CLEANUP(buffer_done) struct buffer left = {0}, right = {0};
    must(result_ok(table_canonical(whole, collect, &left)) && result_ok(table_canonical(cut, collect, &right)));
    must(view_equal(buffer_view(&left), buffer_view(&right)));
    return 0;
}
