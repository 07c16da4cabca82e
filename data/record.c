#include "data/record.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>

#include "data/utf8.h"

enum { FIRST_FIELDS = 64, MARK_BYTES = 3, SHORT_BYTES = 32 };
static const uint8_t byte_order_mark[MARK_BYTES] = {0xef, 0xbb, 0xbf};

struct record_reader {
    char *name;
    struct record_client client;
    struct csv_parser parser;
    struct utf8 utf8;
    struct result result; /* libcsv's callbacks return nothing: the first failure waits here */
    size_t columns;       /* fields a record has; 0 before the first */
    uint64_t line;        /* on which the current record began */
    uint64_t inner_lines; /* line ends inside its fields so far */
    uint64_t blank_line;  /* an empty line that is good only at the end; 0: none */
    bool after_return;    /* the last record ended in a carriage return, whose line feed is still to come */
    bool quotes;          /* some quotation mark has passed: only then can a field hold a line end */
    size_t mark;          /* bytes of the byte-order mark that have been skipped */
    bool started;         /* no mark can follow */
    struct buffer text;   /* the current record's fields, a byte 0x00 behind each */
    size_t *ends;         /* where each of them ends in text, before its 0x00 */
    size_t count, capacity;
    size_t short_count; /* set_short_count */
};

static uint64_t count_lines(struct view bytes)
{
    uint64_t count = 0;
    if (bytes.length == 0) return 0; /* data may be NULL */
    for (const uint8_t *at = bytes.data, *end = at + bytes.length; at < end; at++) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (!at) break;
        count++;
    }
    return count;
}

/* The file and a line before a reason. */
static struct result at_line(const struct record_reader *reader, uint64_t line, struct result result)
{
    return result_at(result, "%s:%llu: ", reader->name, (unsigned long long)line);
}

/* The same with the column that is being read. */
static struct result at_column(const struct record_reader *reader, uint64_t line, struct result result)
{
    const char *column = reader->client.column(reader->client.context, reader->count);
    if (column) return at_line(reader, line, result_at(result, "column %s: ", column));
    return at_line(reader, line, result_at(result, "field %zu: ", reader->count + 1));
}

/* The line on which the last byte stands that libcsv was given. */
static uint64_t current_line(const struct record_reader *reader)
{
    return reader->line + reader->inner_lines +
           count_lines(view_of(reader->parser.entry_buf, reader->parser.entry_pos));
}

static struct result fail_return(const struct record_reader *reader)
{
    return at_line(reader, reader->line - 1,
                   FAIL(CATEGORY_USAGE, "a carriage return without a line feed; end lines with LF or CRLF"));
}

static struct result fail_long(const struct record_reader *reader)
{
    return at_column(reader, reader->line,
                     FAIL(CATEGORY_USAGE,
                          "a field of more than %zu bytes; is a quotation mark left open, or the delimiter another?",
                          FIELD_MAX_BYTES));
}

static struct result grow_fields(struct record_reader *reader)
{
    size_t capacity = reader->capacity ? 2 * reader->capacity : FIRST_FIELDS;
    size_t *ends = realloc(reader->ends, capacity * sizeof *ends);
    ENSURE(ends, CATEGORY_ENVIRONMENT, "out of memory for %zu fields", capacity);
    reader->ends = ends;
    reader->capacity = capacity;
    return RESULT_OK;
}

static struct result add_field(struct record_reader *reader, struct view field)
{
    if (reader->after_return) return fail_return(reader);
    if (reader->blank_line)
        return at_line(reader, reader->blank_line,
                       FAIL(CATEGORY_USAGE, "an empty line in the middle of the file; take it out"));
    if (field.length > FIELD_MAX_BYTES) return fail_long(reader);
    size_t most = reader->columns ? reader->columns : CSV_COLUMNS_MAX;
    if (reader->count >= most)
        return at_line(
            reader, reader->line,
            FAIL(CATEGORY_USAGE, "more than %zu fields; is a field that holds the delimiter not in quotes?", most));
    if (reader->count == reader->capacity) TRY(grow_fields(reader));
    TRY(at_line(reader, reader->line, buffer_append(&reader->text, field)));
    TRY(at_line(reader, reader->line, buffer_u8(&reader->text, 0)));
    if (reader->quotes) reader->inner_lines += count_lines(field);
    reader->ends[reader->count++] = reader->text.length - 1;
    return RESULT_OK;
}

static struct result end_record(struct record_reader *reader)
{
    ENSURE(reader->columns == 0 || reader->count == reader->columns, CATEGORY_USAGE,
           "%zu fields, where there should be %zu; is one missing, or a line broken in two?", reader->count,
           reader->columns);
    reader->columns = reader->count;
    struct record record = {reader->text.data, reader->ends, reader->count, reader->line};
    return reader->client.take(reader->client.context, &record);
}

/* In a file of one column an empty line is a record with an empty field; elsewhere it may only end the file. */
static struct result end_blank(struct record_reader *reader)
{
    ENSURE(reader->columns, CATEGORY_USAGE, "the line is empty, where the column names should be");
    if (reader->columns == 1) {
        TRY(add_field(reader, view_of("", 0)));
        return end_record(reader);
    }
    if (!reader->blank_line) reader->blank_line = reader->line;
    return RESULT_OK;
}

/* Fields of the record that may go the short way: none where there is more to do than to copy them. */
static void set_short_count(struct record_reader *reader)
{
    bool special = reader->quotes || reader->after_return || reader->blank_line || !result_ok(reader->result) ||
                   reader->parser.entry_size < SHORT_BYTES;
    size_t most = reader->columns < reader->capacity ? reader->columns : reader->capacity;
    reader->short_count = special ? 0 : most;
}

/* `end` is the byte that ended the line, or -1 at the end of the file. */
static struct result end_line(struct record_reader *reader, int end)
{
    if (reader->after_return) {
        if (end != '\n' || reader->count) return fail_return(reader);
        reader->after_return = false; /* the second half of CRLF */
        return RESULT_OK;
    }
    TRY(at_line(reader, reader->line, reader->count ? end_record(reader) : end_blank(reader)));
    reader->line += 1 + reader->inner_lines;
    reader->inner_lines = 0;
    reader->after_return = end == '\r';
    reader->count = 0;
    buffer_clear(&reader->text);
    return RESULT_OK;
}

/* Nearly every field takes the short way: nothing special about it, and room where it goes. libcsv's buffer is larger
 * than SHORT_BYTES from its first byte on, so that these can be copied whatever the length. */
static void on_field(void *bytes, size_t length, void *context)
{
    struct record_reader *reader = context;
    struct buffer *text = &reader->text;
    if (length <= SHORT_BYTES && reader->count < reader->short_count && text->capacity - text->length > SHORT_BYTES) {
        memcpy(text->data + text->length, bytes, SHORT_BYTES);
        text->length += length;
        reader->ends[reader->count++] = text->length;
        text->data[text->length++] = 0;
    } else if (result_ok(reader->result)) {
        reader->result = add_field(reader, view_of(bytes, length));
        set_short_count(reader);
    }
}

static void on_line(int end, void *context)
{
    struct record_reader *reader = context;
    if (result_ok(reader->result)) reader->result = end_line(reader, end);
    set_short_count(reader);
}

static int no_blank(unsigned char byte)
{
    (void)byte;
    return 0;
}

struct result record_reader_new(const char *name, char delimiter, size_t columns, struct record_client client,
                                struct record_reader **ret)
{
    ENSURE(delimiter != '"' && delimiter != '\n' && delimiter != '\r' && delimiter > 0, CATEGORY_USAGE,
           "%s: this delimiter cannot separate fields; use one of , ; | or a tab", name);
    CLEANUP(record_reader_freep) struct record_reader *reader = calloc(1, sizeof *reader);
    ENSURE(reader, CATEGORY_ENVIRONMENT, "out of memory for reading %s", name);
    int unready = csv_init(&reader->parser, CSV_STRICT | CSV_REPALL_NL | CSV_STRICT_FINI);
    reader->name = strdup(name);
    ENSURE(unready == 0 && reader->name, CATEGORY_ENVIRONMENT, "out of memory for reading %s", name);
    csv_set_delim(&reader->parser, (unsigned char)delimiter);
    reader->client = client;
    reader->columns = columns;
    reader->line = 1;
    reader->text.limit = CSV_RECORD_MAX_BYTES;
    *ret = reader;
    reader = NULL;
    return RESULT_OK;
}

void record_reader_free(struct record_reader *reader)
{
    if (!reader) return;
    csv_free(&reader->parser);
    buffer_done(&reader->text);
    free(reader->ends);
    free(reader->name);
    free(reader);
}

void record_reader_freep(struct record_reader **reader)
{
    record_reader_free(*reader);
}

/* Bytes that are text, to libcsv. */
static struct result parse(struct record_reader *reader, struct view bytes)
{
    if (bytes.length == 0) return RESULT_OK;
    if (!reader->quotes) reader->quotes = memchr(bytes.data, '"', bytes.length) != NULL;
    set_short_count(reader);
    /* libcsv takes blanks off fields unless no byte is a blank; asking for each byte takes time. */
    bool blanks = memchr(bytes.data, ' ', bytes.length) || memchr(bytes.data, '\t', bytes.length);
    csv_set_space_func(&reader->parser, blanks ? no_blank : NULL);
    size_t used = csv_parse(&reader->parser, bytes.data, bytes.length, on_field, on_line, reader);
    TRY(reader->result);
    /* More than one byte over: libcsv keeps a closing quotation mark with the field until it knows what follows. */
    if (reader->parser.entry_pos > FIELD_MAX_BYTES + 1) return fail_long(reader);
    if (used == bytes.length) return RESULT_OK;
    ENSURE(csv_error(&reader->parser) == CSV_EPARSE, CATEGORY_ENVIRONMENT, "%s: out of memory for a field",
           reader->name);
    const char *what = reader->parser.quoted ? "text behind a closing quotation mark"
                                             : "a quotation mark in a field that is not in quotes";
    return at_column(reader, current_line(reader),
                     FAIL(CATEGORY_USAGE, "%s; put such a field in quotes and double each mark inside it", what));
}

static struct result fail_text(const struct record_reader *reader, bool nul)
{
    return at_column(reader, current_line(reader),
                     FAIL(CATEGORY_USAGE, "%s",
                          nul ? "a NUL byte; the file is damaged, or no text: export it again"
                              : "bytes that are not UTF-8; save the file in UTF-8"));
}

struct result record_reader_feed(struct record_reader *reader, struct view piece)
{
    while (!reader->started && piece.length && reader->mark < MARK_BYTES) {
        if (*piece.data != byte_order_mark[reader->mark]) break;
        reader->mark++;
        piece = view_of(piece.data + 1, piece.length - 1);
    }
    if (piece.length == 0) return RESULT_OK;
    if (!reader->started && reader->mark && reader->mark < MARK_BYTES) {
        /* the first bytes of a mark, and then something else: they belong to the text */
        reader->started = true;
        TRY(record_reader_feed(reader, view_of(byte_order_mark, reader->mark)));
    }
    reader->started = true;
    size_t good = utf8_scan(&reader->utf8, piece);
    TRY(parse(reader, view_of(piece.data, good)));
    return good == piece.length ? RESULT_OK : fail_text(reader, piece.data[good] == 0);
}

struct result record_reader_finish(struct record_reader *reader)
{
    if (!reader->started && reader->mark && reader->mark < MARK_BYTES) return fail_text(reader, false);
    ENSURE(reader->started, CATEGORY_USAGE, "%s: the file is empty; it needs a line of column names and rows",
           reader->name);
    ENSURE(utf8_whole(&reader->utf8), CATEGORY_USAGE, "%s: the file ends inside a UTF-8 character; export it again",
           reader->name);
    bool whole = csv_fini(&reader->parser, on_field, on_line, reader) == 0;
    TRY(reader->result);
    if (!whole) {
        ENSURE(csv_error(&reader->parser) == CSV_EPARSE, CATEGORY_ENVIRONMENT, "%s: out of memory for a field",
               reader->name);
        return at_column(reader, reader->line + reader->inner_lines,
                         FAIL(CATEGORY_USAGE, "a quotation mark opens this field and none closes it"));
    }
    return reader->after_return ? fail_return(reader) : RESULT_OK;
}
