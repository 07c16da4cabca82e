#include "data/odbc.h"

#include <stdlib.h>
#include <string.h>

#include "data/csv_records.h"
#include "data/odbc_link.h"
#include "data/odbc_value.h"

enum { BLOCK_BYTES = 8 << 20, BLOCK_ROWS_MAX = 1024, NAME_UNITS = 256 };

/* A column of the result, and the block's values of it. */
struct result_column {
    enum odbc_kind kind;
    uint8_t *values; /* odbc_value_size(kind) bytes for each row */
    SQLLEN *lengths;
};

struct reading {
    const struct odbc_source *source;
    struct odbc_link link;
    struct record_client client;
    struct result_column *columns;
    size_t count;
    size_t block; /* rows of a block */
    SQLUSMALLINT *statuses;
    SQLULEN fetched;
    struct buffer text; /* the record that is being made: its fields, a byte 0x00 behind each */
    size_t *ends;
    uint64_t row; /* from 1 */
};

static void reading_done(struct reading *reading)
{
    odbc_link_done(&reading->link);
    for (size_t k = 0; reading->columns && k < reading->count; k++) {
        free(reading->columns[k].values);
        free(reading->columns[k].lengths);
    }
    free(reading->columns);
    free(reading->statuses);
    free(reading->ends);
    buffer_done(&reading->text);
}

static struct result fail_memory(void)
{
    return FAIL(CATEGORY_ENVIRONMENT, "out of memory for reading a database");
}

static struct result at_row(const struct reading *reading, struct result result)
{
    return result_at(result, "%s, row %llu: ", reading->source->name, (unsigned long long)reading->row);
}

static struct result run_query(struct reading *reading)
{
    CLEANUP(buffer_done) struct buffer text = {0}, wide = {0};
    const char *query;
    TRY(reading->source->query ? buffer_text(&text, reading->source->query)
                               : buffer_format(&text, "SELECT * FROM %s", reading->source->table));
    TRY(buffer_terminate(&text, &query));
    TRY(odbc_utf16(query, &wide));
    return odbc_link_check(&reading->link,
                           SQLExecDirectW(reading->link.statement, (SQLWCHAR *)(void *)wide.data, SQL_NTS));
}

/* --- what a column is --- */

static bool is_binary(SQLSMALLINT type)
{
    return type == SQL_BINARY || type == SQL_VARBINARY || type == SQL_LONGVARBINARY;
}

static enum odbc_kind kind_of(SQLSMALLINT type, bool untyped)
{
    if (untyped) return ODBC_UTF8;
    switch (type) {
    case SQL_DECIMAL:
    case SQL_NUMERIC:
    case SQL_TINYINT:
    case SQL_SMALLINT:
    case SQL_INTEGER:
    case SQL_BIGINT:
        return ODBC_DECIMAL;
    case SQL_REAL:
        return ODBC_FLOAT;
    case SQL_FLOAT:
    case SQL_DOUBLE:
        return ODBC_DOUBLE;
    case SQL_BIT:
        return ODBC_BIT;
    case SQL_GUID:
        return ODBC_GUID;
    case SQL_TYPE_DATE:
        return ODBC_DATE;
    case SQL_TYPE_TIMESTAMP:
        return ODBC_TIMESTAMP;
    default:
        return ODBC_TEXT;
    }
}

static SQLSMALLINT c_type_of(enum odbc_kind kind)
{
    static const SQLSMALLINT types[] = {
        [ODBC_TEXT] = SQL_C_WCHAR,   [ODBC_GUID] = SQL_C_WCHAR,     [ODBC_UTF8] = SQL_C_CHAR,
        [ODBC_DECIMAL] = SQL_C_CHAR, [ODBC_DOUBLE] = SQL_C_DOUBLE,  [ODBC_FLOAT] = SQL_C_FLOAT,
        [ODBC_BIT] = SQL_C_BIT,      [ODBC_DATE] = SQL_C_TYPE_DATE, [ODBC_TIMESTAMP] = SQL_C_TYPE_TIMESTAMP,
    };
    return types[kind];
}

static struct result end_field(struct reading *reading, size_t index)
{
    reading->ends[index] = reading->text.length;
    return buffer_u8(&reading->text, 0);
}

static struct result describe(struct reading *reading, size_t index)
{
    SQLWCHAR wide[NAME_UNITS] = {0};
    SQLSMALLINT length = 0, type = 0, digits, nullable;
    SQLULEN size;
    TRY(odbc_link_check(&reading->link, SQLDescribeColW(reading->link.statement, (SQLUSMALLINT)(index + 1), wide,
                                                        NAME_UNITS, &length, &type, &size, &digits, &nullable)));
    ENSURE(length >= 0 && length < NAME_UNITS, CATEGORY_USAGE,
           "the name of column %zu is too long; give it another in odbc.query", index + 1);
    size_t start = reading->text.length;
    TRY(result_at(odbc_utf8(view_of(wide, (size_t)length * sizeof *wide), &reading->text), "column %zu: ", index + 1));
    ENSURE(!is_binary(type), CATEGORY_USAGE,
           "column %.*s is binary, which no plan reads; name the others in odbc.query",
           (int)(reading->text.length - start), (const char *)reading->text.data + start);
    reading->columns[index].kind = kind_of(type, reading->link.untyped);
    return end_field(reading, index);
}

/* The columns, whose names are the first record. */
static struct result describe_all(struct reading *reading)
{
    SQLSMALLINT count = 0;
    TRY(odbc_link_check(&reading->link, SQLNumResultCols(reading->link.statement, &count)));
    ENSURE(count > 0 && (size_t)count <= CSV_COLUMNS_MAX, CATEGORY_USAGE,
           "the query gives %d columns, and must give 1 to %zu", count, CSV_COLUMNS_MAX);
    reading->columns = calloc((size_t)count, sizeof *reading->columns);
    reading->ends = calloc((size_t)count, sizeof *reading->ends);
    if (!reading->columns || !reading->ends) return fail_memory();
    reading->count = (size_t)count;
    for (size_t k = 0; k < reading->count; k++) TRY(describe(reading, k));
    struct record names = {reading->text.data, reading->ends, reading->count, 0};
    return reading->client.take(reading->client.context, &names);
}

/* --- blocks of rows --- */

static struct result bind(struct reading *reading, size_t index)
{
    struct result_column *column = &reading->columns[index];
    const size_t size = odbc_value_size(column->kind);
    column->values = calloc(reading->block, size);
    column->lengths = calloc(reading->block, sizeof *column->lengths);
    if (!column->values || !column->lengths) return fail_memory();
    return odbc_link_check(&reading->link,
                           SQLBindCol(reading->link.statement, (SQLUSMALLINT)(index + 1), c_type_of(column->kind),
                                      column->values, (SQLLEN)size, column->lengths));
}

static struct result attribute(const struct reading *reading, SQLINTEGER name, void *value)
{
    return odbc_link_check(&reading->link, SQLSetStmtAttrW(reading->link.statement, name, value, 0));
}

static struct result bind_all(struct reading *reading)
{
    size_t bytes = sizeof *reading->statuses;
    for (size_t k = 0; k < reading->count; k++) bytes += odbc_value_size(reading->columns[k].kind) + sizeof(SQLLEN);
    reading->block = BLOCK_BYTES / bytes;
    if (reading->block < 1) reading->block = 1;
    if (reading->block > BLOCK_ROWS_MAX) reading->block = BLOCK_ROWS_MAX;
    reading->statuses = calloc(reading->block, sizeof *reading->statuses);
    if (!reading->statuses) return fail_memory();
    TRY(attribute(reading, SQL_ATTR_ROW_ARRAY_SIZE, (void *)reading->block));
    TRY(attribute(reading, SQL_ATTR_ROW_STATUS_PTR, reading->statuses));
    TRY(attribute(reading, SQL_ATTR_ROWS_FETCHED_PTR, &reading->fetched));
    for (size_t k = 0; k < reading->count; k++) TRY(bind(reading, k));
    return RESULT_OK;
}

static struct result put_value(struct reading *reading, const struct result_column *column, size_t at)
{
    const size_t size = odbc_value_size(column->kind), unit = odbc_value_unit(column->kind);
    const SQLLEN length = column->lengths[at];
    if (length == SQL_NULL_DATA) return RESULT_OK;
    ENSURE(!unit || (length >= 0 && (size_t)length <= size - unit), CATEGORY_USAGE,
           "a text of more than %zu %s; shorten it in odbc.query, or leave the column out", size / unit - 1,
           unit == 1 ? "bytes" : "characters");
    return odbc_value_text(column->kind, view_of(column->values + at * size, unit ? (size_t)length : size),
                           &reading->text);
}

static const char *name_of(const struct reading *reading, size_t index)
{
    const char *name = reading->client.column(reading->client.context, index);
    return name ? name : "?";
}

static struct result take_row(struct reading *reading, size_t at)
{
    buffer_clear(&reading->text);
    for (size_t k = 0; k < reading->count; k++) {
        TRY(result_at(put_value(reading, &reading->columns[k], at), "column %s: ", name_of(reading, k)));
        TRY(end_field(reading, k));
    }
    struct record record = {reading->text.data, reading->ends, reading->count, reading->row};
    return reading->client.take(reading->client.context, &record);
}

static struct result take_block(struct reading *reading)
{
    for (size_t k = 0; k < reading->fetched; k++) {
        SQLUSMALLINT status = reading->statuses[k];
        reading->row++;
        if (status == SQL_ROW_ERROR)
            return at_row(reading, odbc_fail(reading->source, SQL_HANDLE_STMT, reading->link.statement));
        if (status == SQL_ROW_SUCCESS || status == SQL_ROW_SUCCESS_WITH_INFO)
            TRY(at_row(reading, take_row(reading, k)));
    }
    return RESULT_OK;
}

static struct result fetch_all(struct reading *reading)
{
    for (;;) {
        reading->fetched = 0;
        SQLRETURN got = SQLFetch(reading->link.statement);
        if (got == SQL_NO_DATA) return RESULT_OK;
        if (!SQL_SUCCEEDED(got))
            return result_at(odbc_link_check(&reading->link, got), "%s, after %llu rows: ", reading->source->name,
                             (unsigned long long)reading->row);
        TRY(take_block(reading));
    }
}

static struct result start(struct reading *reading)
{
    TRY(odbc_link_open(reading->source, ODBC_READ, &reading->link));
    TRY(run_query(reading));
    TRY(describe_all(reading));
    return bind_all(reading);
}

static struct result read_all(void *context, struct record_client client)
{
    CLEANUP(reading_done) struct reading reading = {.source = context, .client = client};
    TRY(result_at(start(&reading), "%s: ", reading.source->name));
    return fetch_all(&reading);
}

struct record_origin odbc_origin(const struct odbc_source *source)
{
    return (struct record_origin){(void *)(uintptr_t)source, read_all};
}

struct result odbc_read(const struct odbc_source *source, const struct csv_options *options,
                        const struct column_spec *specs, size_t specs_count, uint64_t rows_max, struct table **ret)
{
    return csv_read_records(source->name, odbc_origin(source), options, specs, specs_count, rows_max, ret);
}

struct result odbc_read_in_pieces(const struct odbc_source *source, const struct csv_options *options,
                                  const struct column_spec *specs, size_t specs_count, uint64_t rows_max,
                                  struct csv_pieces pieces, struct table **ret)
{
    return csv_read_records_in_pieces(source->name, odbc_origin(source), options, specs, specs_count, rows_max, pieces,
                                      ret);
}

struct result odbc_scan(const struct odbc_source *source, const struct csv_options *options, struct csv_scan **ret)
{
    return csv_scan_records(source->name, odbc_origin(source), options, ret);
}
