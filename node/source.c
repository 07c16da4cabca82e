#include "node/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/database.h"
#include "node/joining.h"

void source_options_done(struct source_options *options)
{
    free(options->columns);
    free(options->recodes);
    *options = (struct source_options){0};
}

struct result source_options_of(const struct config_source *source, const char *purpose, struct source_options *ret)
{
    const struct config_consent *consent = &source->consent;
    size_t recodes = 0, used = 0;
    ENSURE(!consent->separator || !purpose || *purpose, CATEGORY_USAGE,
           "the plan has no purpose, and source.consent goes by purpose: no row has consent to it; its author has to "
           "name one");
    for (unsigned i = 0; i < source->columns_count; i++) recodes += source->columns[i].levels_count;
    CLEANUP(source_options_done)
    struct source_options options = {
        .columns = calloc(source->columns_count + 1u, sizeof *options.columns),
        .recodes = calloc(recodes + 1, sizeof *options.recodes),
    };
    ENSURE(options.columns && options.recodes, CATEGORY_ENVIRONMENT, "no memory for the source's mapping");
    for (unsigned i = 0; i < source->columns_count; i++) {
        const struct config_column *from = &source->columns[i];
        options.columns[i] = (struct csv_column){.name = from->plan,
                                                 .source = from->column,
                                                 .factor = from->factor,
                                                 .recodes = &options.recodes[used],
                                                 .recodes_count = from->levels_count};
        for (unsigned k = 0; k < from->levels_count; k++)
            options.recodes[used++] = (struct csv_recode){.from = from->levels[k].from, .to = from->levels[k].to};
    }
    options.csv = (struct csv_options){.delimiter = source->delimiter,
                                       .decimal_comma = source->decimal == ',',
                                       .missing = (const char *const *)source->missing,
                                       .missing_count = source->missing_count,
                                       .columns = options.columns,
                                       .columns_count = source->columns_count,
                                       .consent = {.column = consent->column,
                                                   .given = (const char *const *)consent->given,
                                                   .given_count = consent->given_count,
                                                   .separator = consent->separator,
                                                   .purpose = consent->separator ? purpose : NULL}};
    *ret = options;
    memset(&options, 0, sizeof options); /* given away */
    return RESULT_OK;
}

static struct result joined_read(const struct config_source *source, const struct csv_options *options,
                                 const struct column_spec *specs, size_t specs_count, uint64_t rows_max,
                                 struct table **ret, struct join_losses *ret_losses)
{
    CLEANUP(joining_done) struct joining joining = {0};
    struct csv_options joined = *options;
    TRY(joining_open(source, &joining));
    joined.parts = join_parts(joining.join);
    TRY(csv_read_records(source->name, join_origin(joining.join), &joined, specs, specs_count, rows_max, ret));
    *ret_losses = *join_losses(joining.join);
    return RESULT_OK;
}

struct result source_read(const struct config_source *source, const struct csv_options *options,
                          const struct column_spec *specs, size_t specs_count, uint64_t rows_max, struct table **ret,
                          struct join_losses *ret_losses)
{
    if (source->joined_count) return joined_read(source, options, specs, specs_count, rows_max, ret, ret_losses);
    *ret_losses = (struct join_losses){0};
    if (source->file) return csv_read(source->file, options, specs, specs_count, rows_max, ret);
    CLEANUP(database_done) struct database database = {0};
    TRY(database_of(source, &database));
    return odbc_read(&database.source, options, specs, specs_count, rows_max, ret);
}

static struct result joined_read_in_pieces(const struct config_source *source, const struct csv_options *options,
                                           const struct column_spec *specs, size_t specs_count, uint64_t rows_max,
                                           struct csv_pieces pieces, struct table **ret, struct join_losses *ret_losses)
{
    CLEANUP(joining_done) struct joining joining = {0};
    struct csv_options joined = *options;
    TRY(joining_open(source, &joining));
    joined.parts = join_parts(joining.join);
    TRY(csv_read_records_in_pieces(source->name, join_origin(joining.join), &joined, specs, specs_count, rows_max,
                                   pieces, ret));
    *ret_losses = *join_losses(joining.join);
    return RESULT_OK;
}

struct result source_read_in_pieces(const struct config_source *source, const struct csv_options *options,
                                    const struct column_spec *specs, size_t specs_count, uint64_t rows_max,
                                    struct csv_pieces pieces, struct table **ret, struct join_losses *ret_losses)
{
    if (source->joined_count)
        return joined_read_in_pieces(source, options, specs, specs_count, rows_max, pieces, ret, ret_losses);
    *ret_losses = (struct join_losses){0};
    CLEANUP(database_done) struct database database = {0};
    TRY(database_of(source, &database));
    return odbc_read_in_pieces(&database.source, options, specs, specs_count, rows_max, pieces, ret);
}

static struct result joined_scan(const struct config_source *source, const struct csv_options *options,
                                 struct csv_scan **ret, struct join_losses *ret_losses)
{
    CLEANUP(joining_done) struct joining joining = {0};
    struct csv_options joined = *options;
    TRY(joining_open(source, &joining));
    joined.parts = join_parts(joining.join);
    TRY(csv_scan_records(source->name, join_origin(joining.join), &joined, ret));
    *ret_losses = *join_losses(joining.join);
    return RESULT_OK;
}

struct result source_scan(const struct config_source *source, const struct csv_options *options, struct csv_scan **ret,
                          struct join_losses *ret_losses)
{
    if (source->joined_count) return joined_scan(source, options, ret, ret_losses);
    *ret_losses = (struct join_losses){0};
    if (source->file) return csv_scan(source->file, options, ret);
    CLEANUP(database_done) struct database database = {0};
    TRY(database_of(source, &database));
    return odbc_scan(&database.source, options, ret);
}

struct result source_ready(const struct config_source *source)
{
    CLEANUP(database_done) struct database database = {0};
    for (unsigned k = 0; k < source->joined_count; k++) TRY(source_ready(&source->joined[k]));
    return source->odbc ? database_of(source, &database) : RESULT_OK;
}

void source_place(const struct config_source *source, char out[SOURCE_PLACE_MAX])
{
    const struct config_odbc *odbc = source->odbc;
    if (source->file)
        (void)snprintf(out, SOURCE_PLACE_MAX, "%s", source->file);
    else
        (void)snprintf(out, SOURCE_PLACE_MAX, "%s of %s%s", odbc->table ? odbc->table : "a query",
                       odbc->dsn ? "database " : "a database", odbc->dsn ? odbc->dsn : "");
}
