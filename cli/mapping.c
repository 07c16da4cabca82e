#include "cli/mapping.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mapping_done(struct mapping *mapping)
{
    free(mapping->columns);
    free(mapping->recodes);
    config_source_free(mapping->source);
    *mapping = (struct mapping){0};
}

static struct result mapping_reserve(struct mapping *mapping)
{
    const struct config_source *source = mapping->source;
    size_t recodes = 0;
    for (unsigned i = 0; i < source->columns_count; i++) recodes += source->columns[i].levels_count;
    mapping->columns = calloc((size_t)source->columns_count + 1, sizeof *mapping->columns);
    mapping->recodes = calloc(recodes + 1, sizeof *mapping->recodes);
    ENSURE(mapping->columns != NULL && mapping->recodes != NULL, CATEGORY_ENVIRONMENT, "out of memory for a mapping");
    return RESULT_OK;
}

static void mapping_columns(struct mapping *mapping)
{
    const struct config_source *source = mapping->source;
    struct csv_recode *recode = mapping->recodes;
    for (unsigned i = 0; i < source->columns_count; i++) {
        const struct config_column *column = &source->columns[i];
        mapping->columns[i] = (struct csv_column){.name = column->plan,
                                                  .source = column->column,
                                                  .recodes = recode,
                                                  .recodes_count = column->levels_count,
                                                  .factor = column->factor};
        for (unsigned k = 0; k < column->levels_count; k++)
            *recode++ = (struct csv_recode){column->levels[k].from, column->levels[k].to};
    }
}

struct result mapping_read(const char *path, const char *purpose, struct mapping *ret)
{
    CLEANUP(mapping_done) struct mapping mapping = {0};
    TRY(config_source_load(path, &mapping.source));
    TRY(mapping_reserve(&mapping));
    const struct config_source *source = mapping.source;
    const struct config_consent *consent = &source->consent;
    ENSURE(
        !consent->separator || *purpose, CATEGORY_USAGE,
        "%s: source.consent goes by the purpose of a plan, and there is none here; name one in the plan, or say with "
        "`given` in a mapping of its own who consented",
        path);
    mapping_columns(&mapping);
    mapping.options = (struct csv_options){.delimiter = source->delimiter,
                                           .decimal_comma = source->decimal == ',',
                                           .missing = (const char *const *)source->missing,
                                           .missing_count = source->missing_count,
                                           .columns = mapping.columns,
                                           .columns_count = source->columns_count,
                                           .consent = {.column = consent->column,
                                                       .given = (const char *const *)consent->given,
                                                       .given_count = consent->given_count,
                                                       .separator = consent->separator,
                                                       .purpose = consent->separator ? purpose : NULL}};
    *ret = mapping;
    mapping = (struct mapping){0};
    return RESULT_OK;
}

void mapping_warn(const char *path, const struct mapping *mapping, const struct schema *schema)
{
    for (size_t k = 0; k < mapping->options.columns_count; k++) {
        const char *name = mapping->options.columns[k].name;
        size_t found = 0;
        while (found < schema->count && strcmp(schema->specs[found].name, name) != 0) found++;
        if (found == schema->count)
            (void)fprintf(stderr, "%s: the plan has no column \"%s\"; this entry does nothing\n", path, name);
    }
}

void mapping_tell_consent(const char *file, const struct csv_options *options, uint64_t left_out, uint64_t taken)
{
    if (options->consent.column)
        (void)fprintf(stderr, "%s: %" PRIu64 " of %" PRIu64 " rows are left out for want of consent\n", file, left_out,
                      left_out + taken);
}
