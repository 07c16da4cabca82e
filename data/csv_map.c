#include "data/csv_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LISTED_MAX = 400 };

static const struct view missing = {NULL, 0};

static struct view trimmed(struct view field)
{
    while (field.length && (*field.data == ' ' || *field.data == '\t'))
        field = view_of(field.data + 1, field.length - 1);
    while (field.length && (field.data[field.length - 1] == ' ' || field.data[field.length - 1] == '\t'))
        field.length--;
    return field;
}

void csv_header_done(struct csv_header *header)
{
    for (size_t k = 0; header->names && k < header->count; k++) free(header->names[k]);
    free(header->names);
    *header = (struct csv_header){0};
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct result check_distinct(const struct csv_header *header)
{
    char **sorted = calloc(header->count + 1, sizeof *sorted);
    ENSURE(sorted, CATEGORY_ENVIRONMENT, "out of memory for %zu columns", header->count);
    memcpy(sorted, header->names, header->count * sizeof *sorted);
    qsort(sorted, header->count, sizeof *sorted, compare_names);
    const char *twice = NULL;
    for (size_t k = 1; k < header->count && !twice; k++)
        if (*sorted[k] && strcmp(sorted[k - 1], sorted[k]) == 0) twice = sorted[k];
    free(sorted);
    ENSURE(!twice, CATEGORY_USAGE, "two columns are named \"%.*s\"; give each its own name", (int)NAME_MAX_BYTES,
           twice);
    return RESULT_OK;
}

static struct result header_new(size_t count, struct csv_header *ret)
{
    char **names = calloc(count + 1, sizeof *names);
    ENSURE(names, CATEGORY_ENVIRONMENT, "out of memory for %zu columns", count);
    *ret = (struct csv_header){.names = names, .count = count};
    return RESULT_OK;
}

static struct result header_name(struct csv_header *header, size_t index, struct view name)
{
    header->names[index] = strndup(name.length ? (const char *)name.data : "", name.length);
    ENSURE(header->names[index], CATEGORY_ENVIRONMENT, "out of memory for a column's name");
    return RESULT_OK;
}

struct result csv_header_set(struct csv_header *header, const struct csv_options *options, const struct record *record)
{
    CLEANUP(csv_header_done) struct csv_header read = {0};
    TRY(header_new(record->count, &read));
    for (size_t k = 0; k < read.count; k++) {
        struct view name = record_field(record, k);
        TRY(header_name(&read, k, options->trim ? trimmed(name) : name));
    }
    read.parts = options->parts;
    if (!read.parts.of) TRY(check_distinct(&read)); /* each part's has been checked as such */
    csv_header_done(header);
    *header = read;
    read = (struct csv_header){0};
    return RESULT_OK;
}

struct result csv_header_given(struct csv_header *header, const struct csv_options *options)
{
    if (!options->names) return RESULT_OK;
    ENSURE(options->names_count, CATEGORY_USAGE, "no column names are given for a file without a header line");
    CLEANUP(csv_header_done) struct csv_header given = {0};
    TRY(header_new(options->names_count, &given));
    for (size_t k = 0; k < given.count; k++) TRY(header_name(&given, k, view_text(options->names[k])));
    TRY(check_distinct(&given));
    csv_header_done(header);
    *header = given;
    given = (struct csv_header){0};
    return RESULT_OK;
}

const char *csv_header_name(const struct csv_header *header, size_t index)
{
    return header->names && index < header->count ? header->names[index] : NULL;
}

static const struct csv_part *part_of(const struct csv_header *header, size_t index)
{
    return header->parts.of ? header->parts.of(header->parts.context, index) : NULL;
}

static bool is_named(const struct csv_header *header, size_t index, const char *name)
{
    const struct csv_part *part = part_of(header, index);
    const size_t length = part ? strlen(part->name) : 0;
    if (strcmp(header->names[index], name) == 0) return true;
    return part && strncmp(part->name, name, length) == 0 && name[length] == '.' &&
           strcmp(header->names[index], name + length + 1) == 0;
}

struct result csv_header_place(const struct csv_header *header, const char *name, size_t *ret)
{
    size_t found = SIZE_MAX;
    for (size_t k = 0; k < header->count; k++) {
        if (!is_named(header, k, name)) continue;
        if (found == SIZE_MAX) {
            found = k;
            if (!header->parts.of) break; /* there is no second */
            continue;
        }
        const struct csv_part *one = part_of(header, found), *other = part_of(header, k);
        return FAIL(CATEGORY_USAGE,
                    "%s is a column of %s and of %s; say which one is meant, %s.%s or %s.%s, in the node's "
                    "configuration",
                    name, one->place, other->place, one->name, header->names[found], other->name, header->names[k]);
    }
    *ret = found;
    return RESULT_OK;
}

struct result csv_header_full_name(const struct csv_header *header, size_t index, char **ret)
{
    const struct csv_part *part = part_of(header, index);
    bool others = false;
    for (size_t k = 0; part && k < header->count; k++)
        others = others || (k != index && strcmp(header->names[k], header->names[index]) == 0);
    CLEANUP(buffer_done) struct buffer name = {0};
    const char *text;
    if (others) TRY(buffer_format(&name, "%s.", part->name));
    TRY(buffer_text(&name, header->names[index]));
    TRY(buffer_terminate(&name, &text));
    *ret = strdup(text);
    ENSURE(*ret, CATEGORY_ENVIRONMENT, "out of memory for a column's name");
    return RESULT_OK;
}

/* What a reason says where a column is missing: the remedy, and the columns that there are. */
static const char *hint_of(const struct csv_header *header, const char *otherwise, char listed[LISTED_MAX])
{
    *listed = 0;
    for (size_t k = 0, used = 0; k < header->count && used + 1 < LISTED_MAX; k++) {
        int written = snprintf(listed + used, LISTED_MAX - used, "%s%s", k ? ", " : "", header->names[k]);
        used += written > 0 ? (size_t)written : 0;
    }
    bool one = header->count == 1 && strpbrk(header->names[0], ",;|\t");
    return one ? "the file has one column only: is the delimiter another?" : otherwise;
}

struct result csv_header_find(const struct csv_header *header, const char *name, const char *plan, size_t *ret)
{
    char listed[LISTED_MAX];
    size_t found;
    TRY(csv_header_place(header, name, &found));
    if (found != SIZE_MAX) {
        *ret = found;
        return RESULT_OK;
    }
    const char *hint = hint_of(header, "name the bank's own column for it in the node's configuration", listed);
    return strcmp(name, plan) == 0
               ? FAIL(CATEGORY_USAGE, "there is no column %s; %s (there are: %s)", name, hint, listed)
               : FAIL(CATEGORY_USAGE, "there is no column %s, which is to be the plan's %s; %s (there are: %s)", name,
                      plan, hint, listed);
}

struct result csv_header_consent(const struct csv_header *header, const struct csv_options *options, size_t *ret)
{
    const char *name = options->consent.column;
    char listed[LISTED_MAX];
    *ret = SIZE_MAX;
    if (!name) return RESULT_OK;
    TRY(csv_header_place(header, name, ret));
    if (*ret != SIZE_MAX) return RESULT_OK;
    const char *hint = hint_of(header, "name the right one under source.consent, or export it as well", listed);
    return FAIL(CATEGORY_USAGE,
                "there is no column %s, which is to say who consented, so that no row may be read; %s "
                "(there are: %s)",
                name, hint, listed);
}

struct result csv_header_key(const struct csv_header *header, const char *name, size_t *ret)
{
    size_t found;
    char listed[LISTED_MAX];
    TRY(csv_header_place(header, name, &found));
    const char *hint = hint_of(header, "name the right one as its key under source", listed);
    ENSURE(found != SIZE_MAX, CATEGORY_USAGE,
           "there is no column %s, by which rows are to be joined; %s (there are: %s)", name, hint, listed);
    *ret = found;
    return RESULT_OK;
}

const struct csv_column *csv_column_of_plan(const struct csv_options *options, const char *name)
{
    for (size_t k = 0; k < options->columns_count; k++)
        if (strcmp(options->columns[k].name, name) == 0) return &options->columns[k];
    return NULL;
}

const struct csv_options *csv_written(const struct csv_options *options, size_t column)
{
    return options->parts.of ? options->parts.of(options->parts.context, column)->written : options;
}

struct number_format csv_number_format(const struct csv_options *options, const struct csv_column *column)
{
    double factor = column && column->factor != 0 ? column->factor : 1;
    return number_format_of(options->decimal_comma, factor, column ? column->offset : 0);
}

static bool listed(const char *const *tokens, size_t count, struct view field)
{
    for (size_t k = 0; k < count; k++)
        if (view_equal(view_text(tokens[k]), field)) return true;
    return false;
}

struct view csv_field(const struct csv_options *options, const struct csv_column *column, struct view field)
{
    if (options->trim) field = trimmed(field);
    if (field.length == 0 || listed(options->missing, options->missing_count, field)) return missing;
    if (!column) return field;
    if (listed(column->missing, column->missing_count, field)) return missing;
    for (size_t k = 0; k < column->recodes_count; k++)
        if (view_equal(view_text(column->recodes[k].from), field))
            return column->recodes[k].to ? view_text(column->recodes[k].to) : missing;
    return field;
}

static bool lists(struct view field, char separator, const char *purpose)
{
    while (field.length) {
        const uint8_t *end = memchr(field.data, separator, field.length);
        size_t length = end ? (size_t)(end - field.data) : field.length;
        struct view word = trimmed(view_of(field.data, length));
        if (word.length && (!purpose || view_equal(view_text(purpose), word))) return true;
        length += end != NULL;
        field = view_of(field.data + length, field.length - length);
    }
    return false;
}

bool csv_consents(const struct csv_options *options, size_t column, struct view field)
{
    const struct csv_consent *consent = &options->consent;
    field = csv_field(csv_written(options, column), NULL, field);
    if (!field.data) return false;
    if (consent->separator) return lists(field, consent->separator, consent->purpose);
    return listed(consent->given, consent->given_count, field);
}

const char csv_none_in_file[] = "no rows follow the column names; export the file again";
const char csv_none_in_origin[] = "the query gives no row; look at what it selects";

struct result csv_no_rows(const struct csv_options *options, uint64_t without_consent, const char *none)
{
    ENSURE(!without_consent, CATEGORY_USAGE,
           "no row is left: none of %llu has consent in column %s%s%s; look at the column, and at source.consent",
           (unsigned long long)without_consent, options->consent.column,
           options->consent.purpose ? " to the purpose " : "",
           options->consent.purpose ? options->consent.purpose : "");
    return FAIL(CATEGORY_USAGE, "%s", none);
}
