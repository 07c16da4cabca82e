#include "cli/sites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analytics/cases.h"
#include "cli/mapping.h"
#include "data/csv.h"
#include "proto/run/roster.h"

enum { THREADS_MAX = 64 };

void sites_done(struct sites *sites)
{
    for (unsigned i = 0; i < sites->count; i++) table_free(sites->items[i].table);
    free(sites->items);
    schema_done(&sites->schema);
    plan_file_done(&sites->file);
    *sites = (struct sites){0};
}

struct result sites_open(const char *plan_path, struct sites *ret)
{
    TRY(plan_file_read(plan_path, &ret->file));
    return schema_of(&ret->file.plan, &ret->schema);
}

static struct result sites_reserve(struct sites *sites, size_t count)
{
    ENSURE(count > 0 && count <= MEMBERS_MAX, CATEGORY_USAGE, "%zu files; from 1 to %u can be taken", count,
           MEMBERS_MAX);
    sites->items = calloc(count, sizeof *sites->items);
    ENSURE(sites->items != NULL, CATEGORY_ENVIRONMENT, "out of memory for %zu banks", count);
    return RESULT_OK;
}

static struct result name_set(char out[NAME_MAX_BYTES + 1], const char *name, size_t length)
{
    ENSURE(length > 0 && length <= NAME_MAX_BYTES, CATEGORY_USAGE, "a bank's name has 1 to %u bytes, %.*s does not",
           NAME_MAX_BYTES, (int)(length < DOCUMENT_MAX ? length : 0), name);
    memcpy(out, name, length);
    out[length] = 0;
    return RESULT_OK;
}

/* Says on stderr what there is to look at in how the target is coded, in one file or in all (file NULL). */
static struct result warn(struct sites *sites, const char *file, const struct coding *coding)
{
    CLEANUP(buffer_done) struct buffer line = {0};
    TRY(coding_warning(&sites->file.plan, coding, &line));
    if (line.length == 0) return RESULT_OK;
    sites->warned = true;
    (void)fprintf(stderr, "warning: %s%s%.*s\n", file != NULL ? file : "", file != NULL ? ": " : "", (int)line.length,
                  (const char *)line.data);
    return RESULT_OK;
}

static struct result read_file(struct sites *sites, const char *file, const char *mapping, struct table **ret)
{
    CLEANUP(mapping_done) struct mapping map = {0};
    if (mapping != NULL) TRY(mapping_read(mapping, sites->file.plan.purpose, &map));
    if (mapping != NULL) mapping_warn(mapping, &map, &sites->schema);
    map.options.leave_out = plan_private(&sites->file.plan); /* as a node does */
    TRY(csv_read(file, &map.options, sites->schema.specs, sites->schema.count, sites->file.plan.rows, ret));
    mapping_tell_consent(file, &map.options, (*ret)->without_consent, (*ret)->rows);
    if ((*ret)->unfit > 0)
        (void)fprintf(stderr, "warning: %s: %llu rows do not fit the plan and are left out\n", file,
                      (unsigned long long)(*ret)->unfit);
    struct coding coding = {0};
    coding_add(&sites->file.plan, *ret, &coding);
    coding_add(&sites->file.plan, *ret, &sites->coding);
    TRY(warn(sites, file, &coding));
    return cases_hold_out(&sites->file.plan, *ret);
}

/* The mapping of a site among "NAME=FILE.yaml" values, or NULL. */
static const char *mapping_of(const struct cli_values *mappings, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < mappings->count; i++) {
        const char *value = mappings->items[i];
        if (strncmp(value, name, length) == 0 && value[length] == '=') return value + length + 1;
    }
    return NULL;
}

static bool named(const struct sites *sites, const char *name, size_t length)
{
    for (unsigned i = 0; i < sites->count; i++) {
        if (strlen(sites->items[i].name) == length && memcmp(sites->items[i].name, name, length) == 0) return true;
    }
    return false;
}

/* Every mapping must belong to a site, else a misspelt name would go unnoticed. */
static struct result mappings_check(const struct sites *sites, const struct cli_values *mappings)
{
    for (size_t i = 0; i < mappings->count; i++) {
        const char *equals = strchr(mappings->items[i], '=');
        ENSURE(equals != NULL && equals[1] != 0, CATEGORY_USAGE, "--mapping %s: give it as NAME=FILE.yaml",
               mappings->items[i]);
        ENSURE(named(sites, mappings->items[i], (size_t)(equals - mappings->items[i])), CATEGORY_USAGE,
               "--mapping %s: no --site has this name", mappings->items[i]);
    }
    return RESULT_OK;
}

struct result sites_check_words(const struct cli_values *values)
{
    for (size_t i = 0; i < values->count; i++) {
        const char *equals = strchr(values->items[i], '=');
        ENSURE(equals != NULL && equals[1] != 0, CATEGORY_USAGE, "--site %s: give it as NAME=FILE.csv",
               values->items[i]);
    }
    return RESULT_OK;
}

struct result sites_from_files(struct sites *sites, const struct cli_values *values, const struct cli_values *mappings)
{
    TRY(sites_check_words(values));
    TRY(sites_reserve(sites, values->count));
    for (size_t i = 0; i < values->count; i++) {
        size_t length = (size_t)(strchr(values->items[i], '=') - values->items[i]);
        ENSURE(!named(sites, values->items[i], length), CATEGORY_USAGE, "--site %s: the name is taken twice",
               values->items[i]);
        TRY(name_set(sites->items[sites->count].name, values->items[i], length));
        TRY(result_at(roster_name_check(sites->items[sites->count].name), "--site "));
        sites->count++;
    }
    TRY(mappings_check(sites, mappings));
    for (unsigned i = 0; i < sites->count; i++) {
        const char *file = strchr(values->items[i], '=') + 1;
        struct site *site = &sites->items[i];
        TRY(read_file(sites, file, mapping_of(mappings, site->name), &site->table));
    }
    return sites->warned ? RESULT_OK : warn(sites, NULL, &sites->coding); /* banks that code it differently */
}

static struct result only_mapping(const struct cli_values *mappings, const char **ret)
{
    ENSURE(mappings->count <= 1, CATEGORY_USAGE, "one --mapping FILE.yaml is enough for all rows");
    *ret = mappings->count == 0 ? NULL : mappings->items[0];
    return RESULT_OK;
}

struct result sites_from_data(struct sites *sites, const struct cli_values *files, const struct cli_values *mappings)
{
    const char *mapping = NULL;
    TRY(only_mapping(mappings, &mapping));
    TRY(sites_reserve(sites, files->count));
    for (size_t i = 0; i < files->count; i++) {
        const char *slash = strrchr(files->items[i], '/'), *base = slash == NULL ? files->items[i] : slash + 1;
        size_t length = strlen(base);
        struct site *site = &sites->items[sites->count];
        TRY(name_set(site->name, base, length > NAME_MAX_BYTES ? NAME_MAX_BYTES : length));
        TRY(read_file(sites, files->items[i], mapping, &site->table));
        sites->count++;
    }
    return sites->warned ? RESULT_OK : warn(sites, NULL, &sites->coding);
}

struct result sites_split_count(const char *value, unsigned *ret)
{
    const char *colon = strrchr(value, ':');
    ENSURE(colon != NULL && colon != value && colon[1] != 0, CATEGORY_USAGE, "--split %s: give it as FILE.csv:N",
           value);
    uint64_t count = 0;
    TRY(cli_number("split", colon + 1, 1, MEMBERS_MAX, &count));
    *ret = (unsigned)count;
    return RESULT_OK;
}

/* Rows i, i + banks, i + 2·banks, … of the whole. */
static struct result deal(const struct table *whole, unsigned bank, unsigned banks, struct table **ret)
{
    uint64_t count = (whole->rows - bank + banks - 1) / banks;
    uint64_t *rows = calloc((size_t)count, sizeof *rows);
    ENSURE(rows != NULL, CATEGORY_ENVIRONMENT, "out of memory for %llu rows", (unsigned long long)count);
    for (uint64_t i = 0; i < count; i++) rows[i] = bank + i * banks;
    struct result result = table_select(whole, rows, count, ret);
    free(rows);
    return result;
}

struct result sites_from_split(struct sites *sites, const char *value, const struct cli_values *mappings)
{
    unsigned count = 0;
    const char *mapping = NULL;
    TRY(only_mapping(mappings, &mapping));
    TRY(sites_split_count(value, &count));
    CLEANUP(buffer_done) struct buffer file = {0};
    TRY(buffer_append(&file, view_of(value, (size_t)(strrchr(value, ':') - value))));
    TRY(buffer_u8(&file, 0));
    CLEANUP(table_freep) struct table *whole = NULL;
    TRY(read_file(sites, (const char *)file.data, mapping, &whole));
    ENSURE(whole->rows >= count, CATEGORY_USAGE, "%s: %llu rows cannot be dealt to %u banks", (const char *)file.data,
           (unsigned long long)whole->rows, count);
    TRY(sites_reserve(sites, count));
    for (unsigned bank = 0; bank < count; bank++) {
        struct site *site = &sites->items[bank];
        CLEANUP(buffer_done) struct buffer name = {0};
        TRY(buffer_format(&name, "bank-%u", bank + 1));
        TRY(name_set(site->name, (const char *)name.data, name.length));
        TRY(deal(whole, bank, count, &site->table));
        sites->count++;
    }
    return RESULT_OK;
}

struct result sites_report(const struct sites *sites, struct buffer *out)
{
    if (!sites->file.plan.target[0]) return RESULT_OK;
    TRY(buffer_format(out, "%-15s %s: ", "target", sites->file.plan.target));
    TRY(coding_line(&sites->file.plan, &sites->coding, out));
    return buffer_text(out, "\n");
}

uint64_t sites_rows(const struct sites *sites)
{
    uint64_t rows = 0;
    for (unsigned i = 0; i < sites->count; i++) rows += sites->items[i].table->rows;
    return rows;
}

struct result sites_threads(const char *value, unsigned *ret)
{
    uint64_t threads = 1;
    if (value == NULL) {
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
        if (processors > 1) threads = processors > THREADS_MAX ? THREADS_MAX : (uint64_t)processors;
    } else {
        TRY(cli_number("threads", value, 1, THREADS_MAX, &threads));
    }
    *ret = (unsigned)threads;
    return RESULT_OK;
}
