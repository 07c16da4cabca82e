#include "data/csv.h"

#include <stdlib.h>
#include <string.h>

#include "data/csv_file.h"
#include "data/csv_map.h"
#include "data/csv_records.h"

/* How one column of the table is filled. */
struct feeding {
    size_t index; /* of the file's column */
    const struct csv_column *mapping;
    const struct csv_options *written;
    bool as_it_is; /* the options say nothing about its fields */
};

struct csv_reader {
    char *name;
    struct csv_options options;
    struct csv_header header;
    struct record_reader *records;
    struct table *table;
    size_t consent; /* of the file's columns; SIZE_MAX: none */
    struct feeding *feedings;
    struct view *fields;        /* of the row, as the plan has them */
    struct csv_visitor visitor; /* when rows are looked at one by one */
    struct csv_pieces pieces;   /* when they are given away in pieces */
};

static struct result find_columns(struct csv_reader *reader)
{
    TRY(csv_header_consent(&reader->header, &reader->options, &reader->consent));
    for (size_t k = 0; k < reader->table->columns_count; k++) {
        struct column *column = &reader->table->columns[k];
        const struct csv_column *mapping = csv_column_of_plan(&reader->options, column->spec.name);
        const char *source = mapping && mapping->source ? mapping->source : column->spec.name;
        TRY(csv_header_find(&reader->header, source, column->spec.name, &reader->feedings[k].index));
        const struct csv_options *written = csv_written(&reader->options, reader->feedings[k].index);
        reader->feedings[k].mapping = mapping;
        reader->feedings[k].written = written;
        reader->feedings[k].as_it_is = !mapping && !written->trim && !written->missing_count;
        column->format = csv_number_format(written, mapping);
    }
    return RESULT_OK;
}

static struct result give_piece(struct csv_reader *reader)
{
    struct table *table = reader->table;
    TRY(reader->pieces.take(reader->pieces.context, table));
    table->before += table->rows;
    table_clear(table);
    return RESULT_OK;
}

static struct result take(void *context, const struct record *record)
{
    struct csv_reader *reader = context;
    if (!reader->header.names) {
        TRY(csv_header_set(&reader->header, &reader->options, record));
        return find_columns(reader);
    }
    if (reader->consent != SIZE_MAX &&
        !csv_consents(&reader->options, reader->consent, record_field(record, reader->consent))) {
        reader->table->without_consent++;
        return RESULT_OK;
    }
    for (size_t k = 0; k < reader->table->columns_count; k++) {
        const struct feeding *feeding = &reader->feedings[k];
        struct view field = record_field(record, feeding->index);
        if (field.length == 0 || !feeding->as_it_is) field = csv_field(feeding->written, feeding->mapping, field);
        reader->fields[k] = field;
    }
    const struct csv_witness *witness = &reader->options.witness;
    struct result added = table_add_row(reader->table, reader->fields, NULL);
    if (reader->options.leave_out && added.category == CATEGORY_USAGE &&
        reader->table->before + reader->table->rows < reader->table->rows_max) {
        reader->table->unfit++;
        return RESULT_OK;
    }
    if (witness->row && result_ok(added)) TRY(witness->row(witness->context, record_bytes(record)));
    if (result_ok(added) && reader->table->rows == reader->pieces.rows) return give_piece(reader);
    if (!reader->visitor.row || (!result_ok(added) && added.category != CATEGORY_USAGE)) return added;
    struct csv_row row = {reader->table, reader->fields, record->line};
    struct result seen = reader->visitor.row(reader->visitor.context, &row);
    table_clear(reader->table);
    return seen;
}

static const char *column_name(void *context, size_t index)
{
    const struct csv_reader *reader = context;
    return csv_header_name(&reader->header, index);
}

static size_t column_refused(void *context)
{
    const struct csv_reader *reader = context;
    size_t column = reader->table->refused;
    return column < reader->table->columns_count ? reader->feedings[column].index : SIZE_MAX;
}

static struct result reader_new(const char *name, const struct csv_options *options, const struct column_spec *specs,
                                size_t specs_count, uint64_t rows_max, struct csv_reader **ret)
{
    CLEANUP(csv_reader_freep) struct csv_reader *reader = calloc(1, sizeof *reader);
    ENSURE(reader, CATEGORY_ENVIRONMENT, "out of memory for reading %s", name);
    reader->name = strdup(name);
    reader->feedings = calloc(specs_count + 1, sizeof *reader->feedings);
    reader->fields = calloc(specs_count + 1, sizeof *reader->fields);
    ENSURE(reader->name && reader->feedings && reader->fields, CATEGORY_ENVIRONMENT, "out of memory for reading %s",
           name);
    reader->options = *options;
    TRY(table_new(specs, specs_count, rows_max, &reader->table));
    *ret = reader;
    reader = NULL;
    return RESULT_OK;
}

struct result csv_reader_new(const char *name, const struct csv_options *options, const struct column_spec *specs,
                             size_t specs_count, uint64_t rows_max, struct csv_reader **ret)
{
    CLEANUP(csv_reader_freep) struct csv_reader *reader = NULL;
    TRY(reader_new(name, options, specs, specs_count, rows_max, &reader));
    TRY(result_at(csv_header_given(&reader->header, options), "%s: ", name));
    if (reader->header.names) TRY(result_at(find_columns(reader), "%s: ", name));
    struct record_client client = {reader, take, column_name, column_refused};
    TRY(record_reader_new(name, options->delimiter ? options->delimiter : ',', reader->header.count, client,
                          &reader->records));
    *ret = reader;
    reader = NULL;
    return RESULT_OK;
}

void csv_reader_free(struct csv_reader *reader)
{
    if (!reader) return;
    record_reader_free(reader->records);
    table_free(reader->table);
    csv_header_done(&reader->header);
    free(reader->feedings);
    free(reader->fields);
    free(reader->name);
    free(reader);
}

void csv_reader_freep(struct csv_reader **reader)
{
    csv_reader_free(*reader);
}

struct result csv_reader_feed(struct csv_reader *reader, struct view piece)
{
    return record_reader_feed(reader->records, piece);
}

static struct result give_table(struct csv_reader *reader, const char *none, struct table **ret)
{
    if (!reader->table->rows)
        return result_at(csv_no_rows(&reader->options, reader->table->without_consent, none), "%s: ", reader->name);
    table_trim(reader->table);
    *ret = reader->table;
    reader->table = NULL;
    return RESULT_OK;
}

struct result csv_reader_finish(struct csv_reader *reader, struct table **ret)
{
    TRY(record_reader_finish(reader->records));
    return give_table(reader, csv_none_in_file, ret);
}

static struct result feed(void *context, struct view piece)
{
    return csv_reader_feed(context, piece);
}

struct result csv_read(const char *path, const struct csv_options *options, const struct column_spec *specs,
                       size_t specs_count, uint64_t rows_max, struct table **ret)
{
    CLEANUP(csv_reader_freep) struct csv_reader *reader = NULL;
    TRY(csv_reader_new(path, options, specs, specs_count, rows_max, &reader));
    TRY(csv_file_read(path, feed, reader));
    return csv_reader_finish(reader, ret);
}

struct result csv_stream(const char *path, const struct csv_options *options, const struct column_spec *specs,
                         size_t specs_count, struct csv_visitor visitor, uint64_t *ret_without_consent)
{
    CLEANUP(csv_reader_freep) struct csv_reader *reader = NULL;
    TRY(csv_reader_new(path, options, specs, specs_count, 1, &reader));
    reader->visitor = visitor;
    TRY(csv_file_read(path, feed, reader));
    TRY(record_reader_finish(reader->records));
    *ret_without_consent = reader->table->without_consent;
    return RESULT_OK;
}

struct result csv_read_records(const char *name, struct record_origin origin, const struct csv_options *options,
                               const struct column_spec *specs, size_t specs_count, uint64_t rows_max,
                               struct table **ret)
{
    CLEANUP(csv_reader_freep) struct csv_reader *reader = NULL;
    TRY(reader_new(name, options, specs, specs_count, rows_max, &reader));
    TRY(origin.read(origin.context, (struct record_client){reader, take, column_name, column_refused}));
    return give_table(reader, csv_none_in_origin, ret);
}

struct result csv_read_records_in_pieces(const char *name, struct record_origin origin,
                                         const struct csv_options *options, const struct column_spec *specs,
                                         size_t specs_count, uint64_t rows_max, struct csv_pieces pieces,
                                         struct table **ret)
{
    CLEANUP(csv_reader_freep) struct csv_reader *reader = NULL;
    ENSURE(pieces.rows > 0, CATEGORY_BUG, "pieces of no rows");
    TRY(reader_new(name, options, specs, specs_count, rows_max, &reader));
    reader->pieces = pieces;
    TRY(origin.read(origin.context, (struct record_client){reader, take, column_name, column_refused}));
    struct table *table = reader->table;
    if (table->before + table->rows == 0)
        return result_at(csv_no_rows(options, table->without_consent, csv_none_in_origin), "%s: ", name);
    TRY(pieces.take(pieces.context, table));
    *ret = table;
    reader->table = NULL;
    return RESULT_OK;
}

static struct result feed_records(void *context, struct view piece)
{
    return record_reader_feed(context, piece);
}

static struct result read_file(void *context, struct record_client client)
{
    const struct csv_file *file = context;
    CLEANUP(record_reader_freep) struct record_reader *records = NULL;
    TRY(record_reader_new(file->path, file->delimiter ? file->delimiter : ',', 0, client, &records));
    TRY(csv_file_read(file->path, feed_records, records));
    return record_reader_finish(records);
}

struct record_origin csv_origin(const struct csv_file *file)
{
    return (struct record_origin){(void *)(uintptr_t)file, read_file};
}
