#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/csv_file.h"
#include "data/csv_map.h"
#include "data/csv_records.h"

enum { SLOTS = 4096 };
_Static_assert((SLOTS & (SLOTS - 1)) == 0 && SLOTS >= 2 * CSV_DISTINCT_MAX, "open addressing needs free slots");

/* Finds the values of one column that are known already: index + 1 of a value, or 0. */
struct known {
    uint16_t slots[SLOTS];
    const struct csv_column *mapping;
    const struct csv_options *written;
    struct number_format format;
};

struct scanning {
    struct csv_options options;
    struct csv_header header;
    struct csv_scan *scan;
    struct known *known; /* of each column */
    size_t consent;      /* of the columns; SIZE_MAX: none */
};

/* The first that names a column maps it. */
static struct result set_mappings(struct scanning *scanning)
{
    for (size_t k = 0; k < scanning->options.columns_count; k++) {
        const struct csv_column *mapping = &scanning->options.columns[k];
        size_t place;
        TRY(csv_header_find(&scanning->header, mapping->source ? mapping->source : mapping->name, mapping->name,
                            &place));
        if (!scanning->known[place].mapping) scanning->known[place].mapping = mapping;
    }
    return RESULT_OK;
}

static struct result set_columns(struct scanning *scanning)
{
    size_t count = scanning->header.count;
    TRY(csv_header_consent(&scanning->header, &scanning->options, &scanning->consent));
    scanning->scan->columns = calloc(count, sizeof *scanning->scan->columns);
    scanning->known = calloc(count, sizeof *scanning->known);
    ENSURE(scanning->scan->columns && scanning->known, CATEGORY_ENVIRONMENT, "out of memory for %zu columns", count);
    scanning->scan->columns_count = count;
    TRY(set_mappings(scanning));
    for (size_t k = 0; k < count; k++) {
        struct csv_profile *profile = &scanning->scan->columns[k];
        struct known *known = &scanning->known[k];
        if (known->mapping)
            profile->name = strdup(known->mapping->name);
        else
            TRY(csv_header_full_name(&scanning->header, k, &profile->name));
        ENSURE(profile->name, CATEGORY_ENVIRONMENT, "out of memory for %zu columns", count);
        known->written = csv_written(&scanning->options, k);
        known->format = csv_number_format(known->written, known->mapping);
        profile->numeric = profile->whole = true;
        profile->minimum = HUGE_VAL;
        profile->maximum = -HUGE_VAL;
    }
    return RESULT_OK;
}

static struct result add_value(struct csv_profile *profile, struct view text)
{
    if (profile->values_count % 64 == 0) {
        struct csv_value *values = realloc(profile->values, (profile->values_count + 64) * sizeof *values);
        ENSURE(values, CATEGORY_ENVIRONMENT, "out of memory for the values of %s", profile->name);
        profile->values = values;
    }
    char *copy = strndup((const char *)text.data, text.length);
    ENSURE(copy, CATEGORY_ENVIRONMENT, "out of memory for the values of %s", profile->name);
    profile->values[profile->values_count++] = (struct csv_value){copy, 1};
    return RESULT_OK;
}

static struct result count_value(struct csv_profile *profile, struct known *known, struct view text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t k = 0; k < text.length; k++) hash = (hash ^ text.data[k]) * UINT64_C(0x100000001b3);
    size_t at = (size_t)(hash ^ (hash >> 29)) % SLOTS;
    for (; known->slots[at]; at = (at + 1) % SLOTS) {
        struct csv_value *value = &profile->values[known->slots[at] - 1];
        if (view_equal(view_text(value->text), text)) {
            value->count++;
            return RESULT_OK;
        }
    }
    profile->more = profile->values_count == CSV_DISTINCT_MAX;
    if (profile->more) return RESULT_OK;
    TRY(add_value(profile, text));
    known->slots[at] = (uint16_t)profile->values_count;
    return RESULT_OK;
}

static void count_number(struct csv_profile *profile, const struct known *known, struct view text)
{
    double number;
    if (!profile->numeric) return;
    profile->numeric = number_parse(text, &known->format, &number);
    if (!profile->numeric) return;
    profile->whole = profile->whole && number == trunc(number) && fabs(number) < 0x1p53;
    profile->minimum = fmin(profile->minimum, number);
    profile->maximum = fmax(profile->maximum, number);
}

static struct result take(void *context, const struct record *record)
{
    struct scanning *scanning = context;
    if (!scanning->header.names) {
        TRY(csv_header_set(&scanning->header, &scanning->options, record));
        return set_columns(scanning);
    }
    if (scanning->consent != SIZE_MAX &&
        !csv_consents(&scanning->options, scanning->consent, record_field(record, scanning->consent))) {
        scanning->scan->without_consent++;
        return RESULT_OK;
    }
    scanning->scan->rows++;
    for (size_t k = 0; k < record->count; k++) {
        struct csv_profile *profile = &scanning->scan->columns[k];
        struct known *known = &scanning->known[k];
        struct view field = csv_field(known->written, known->mapping, record_field(record, k));
        if (!field.data) {
            profile->missing++;
            continue;
        }
        count_number(profile, known, field);
        if (!profile->more) TRY(count_value(profile, known, field));
    }
    return RESULT_OK;
}

static const char *column_name(void *context, size_t index)
{
    const struct scanning *scanning = context;
    return csv_header_name(&scanning->header, index);
}

static struct result feed(void *context, struct view piece)
{
    return record_reader_feed(context, piece);
}

static void scanning_done(struct scanning *scanning)
{
    free(scanning->known);
    csv_header_done(&scanning->header);
    csv_scan_free(scanning->scan);
}

static int compare_values(const void *a, const void *b)
{
    return strcmp(((const struct csv_value *)a)->text, ((const struct csv_value *)b)->text);
}

static struct result scanning_new(const char *name, const struct csv_options *options, struct scanning *ret)
{
    *ret = (struct scanning){.options = *options, .scan = calloc(1, sizeof *ret->scan)};
    ENSURE(ret->scan, CATEGORY_ENVIRONMENT, "out of memory for reading %s", name);
    return RESULT_OK;
}

static struct result give_scan(struct scanning *scanning, const char *name, const char *none, struct csv_scan **ret)
{
    struct csv_scan *scan = scanning->scan;
    if (!scan->rows) return result_at(csv_no_rows(&scanning->options, scan->without_consent, none), "%s: ", name);
    for (size_t k = 0; k < scan->columns_count; k++) {
        struct csv_profile *profile = &scan->columns[k];
        profile->numeric = profile->numeric && profile->values_count;
        profile->whole = profile->whole && profile->numeric;
        if (profile->values_count)
            qsort(profile->values, profile->values_count, sizeof *profile->values, compare_values);
    }
    *ret = scan;
    scanning->scan = NULL;
    return RESULT_OK;
}

struct result csv_scan(const char *path, const struct csv_options *options, struct csv_scan **ret)
{
    CLEANUP(scanning_done) struct scanning scanning = {0};
    CLEANUP(record_reader_freep) struct record_reader *records = NULL;
    TRY(scanning_new(path, options, &scanning));
    TRY(result_at(csv_header_given(&scanning.header, options), "%s: ", path));
    if (scanning.header.names) TRY(set_columns(&scanning));
    struct record_client client = {.context = &scanning, .take = take, .column = column_name};
    TRY(record_reader_new(path, options->delimiter ? options->delimiter : ',', scanning.header.count, client,
                          &records));
    TRY(csv_file_read(path, feed, records));
    TRY(record_reader_finish(records));
    return give_scan(&scanning, path, csv_none_in_file, ret);
}

struct result csv_scan_records(const char *name, struct record_origin origin, const struct csv_options *options,
                               struct csv_scan **ret)
{
    CLEANUP(scanning_done) struct scanning scanning = {0};
    TRY(scanning_new(name, options, &scanning));
    TRY(origin.read(origin.context, (struct record_client){.context = &scanning, .take = take, .column = column_name}));
    return give_scan(&scanning, name, csv_none_in_origin, ret);
}

void csv_scan_free(struct csv_scan *scan)
{
    if (!scan) return;
    for (size_t k = 0; scan->columns && k < scan->columns_count; k++) {
        struct csv_profile *profile = &scan->columns[k];
        for (size_t v = 0; v < profile->values_count; v++) free(profile->values[v].text);
        free(profile->values);
        free(profile->name);
    }
    free(scan->columns);
    free(scan);
}

void csv_scan_freep(struct csv_scan **scan)
{
    csv_scan_free(*scan);
}
