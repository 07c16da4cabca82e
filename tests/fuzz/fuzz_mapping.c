/* A mapping file, and after a NUL a CSV file that is read with it: loaded or refused with its name in front, and what
 * is loaded reads any file without harm. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/mapping.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const levels[] = {"a", "b"};
static const struct column_spec specs[] = {
    {.name = "n", .kind = COLUMN_NUMBER, .minimum = -1e6, .maximum = 1e6, .missing_allowed = true},
    {.name = "c", .kind = COLUMN_CATEGORY, .levels = levels, .levels_count = 2, .missing_allowed = true},
};
enum { SPECS = sizeof specs / sizeof *specs };

static void must(bool condition)
{
    if (!condition) abort();
}

static void read_with(const struct csv_options *options, struct view bytes)
{
    CLEANUP(csv_reader_freep) struct csv_reader *reader = NULL;
    CLEANUP(table_freep) struct table *table = NULL;
    if (!result_ok(csv_reader_new("f", options, specs, SPECS, 1000, &reader))) return;
    if (!result_ok(csv_reader_feed(reader, bytes))) return;
    if (!result_ok(csv_reader_finish(reader, &table))) return;
    must(table->columns_count == SPECS && table->rows <= 1000);
    for (uint64_t row = 0; row < table->rows; row++)
        must(table->columns[1].codes[row] < 2 || table->columns[1].codes[row] == CODE_MISSING);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    static int file = -1;
    if (file < 0) {
        file = memfd_create("mapping", 0);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    size_t length = end ? (size_t)(end - data) : size;
    must(file >= 0 && ftruncate(file, 0) == 0 && pwrite(file, data, length, 0) == (ssize_t)length);
    CLEANUP(mapping_done) struct mapping mapping = {0};
    if (!result_ok(mapping_read(path, "credit-risk", &mapping))) {
        must(strncmp(result_reason(), path, strlen(path)) == 0);
        return 0;
    }
    if (end) read_with(&mapping.options, view_of(end + 1, size - length - 1));
    return 0;
}
