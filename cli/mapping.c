#include "cli/mapping.h"

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

struct result mapping_read(const char *path, struct mapping *ret)
{
    CLEANUP(mapping_done) struct mapping mapping = {0};
    TRY(config_source_load(path, &mapping.source));
    TRY(mapping_reserve(&mapping));
    const struct config_source *source = mapping.source;
    struct csv_recode *recode = mapping.recodes;
    for (unsigned i = 0; i < source->columns_count; i++) {
        const struct config_column *column = &source->columns[i];
        mapping.columns[i] = (struct csv_column){.name = column->plan,
                                                 .source = column->column,
                                                 .recodes = recode,
                                                 .recodes_count = column->levels_count,
                                                 .factor = column->factor};
        for (unsigned k = 0; k < column->levels_count; k++)
            *recode++ = (struct csv_recode){column->levels[k].from, column->levels[k].to};
    }
    mapping.options = (struct csv_options){.delimiter = source->delimiter,
                                           .decimal_comma = source->decimal == ',',
                                           .missing = (const char *const *)source->missing,
                                           .missing_count = source->missing_count,
                                           .columns = mapping.columns,
                                           .columns_count = source->columns_count};
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
