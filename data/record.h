/* Records of a CSV file, one after the other: RFC 4180 without exceptions, over libcsv, which is lax.
 *
 * libcsv splits; this adds what it does not do: line numbers, UTF-8, the byte-order mark, and a refusal with place and
 * remedy for a NUL, a misplaced quotation mark, a carriage return alone, an empty line that is not at the end, a record
 * with more or fewer fields than the first, a field or record that is too long. What is found, and where, does not
 * depend on how the bytes are cut into pieces.
 */
#ifndef DATA_RECORD_H
#define DATA_RECORD_H

#include "crypto/base/bytes.h"
#include "crypto/base/limits.h"

/* One record: its fields one after the other, a byte 0x00, which no field has, behind each. */
struct record {
    const uint8_t *text;
    const size_t *ends; /* of each field, in text, before its 0x00 */
    size_t count;
    uint64_t line; /* of the file, on which it begins, from 1 */
};
static inline struct view record_field(const struct record *record, size_t index)
{
    size_t start = index ? record->ends[index - 1] + 1 : 0;
    return view_of(record->text + start, record->ends[index] - start);
}
/* All of it: two records have the same bytes when they have the same fields. */
static inline struct view record_bytes(const struct record *record)
{
    return view_of(record->text, record->count ? record->ends[record->count - 1] + 1 : 0);
}

/* Who takes the records. */
struct record_client {
    void *context;
    /* The record lives until the call returns. What it fails with is put behind "name:line: ". */
    struct result (*take)(void *context, const struct record *record);
    /* The name of a column for reasons; NULL when it has none yet. */
    const char *(*column)(void *context, size_t index);
    /* The field for which `take` has just refused a record; SIZE_MAX: for none in particular. NULL: nobody knows. */
    size_t (*refused)(void *context);
};

/* What gives records when it is not the bytes of a file: to a client, the column names first, each row's fields after.
 */
struct record_origin {
    void *context;
    struct result (*read)(void *context, struct record_client client);
};

struct record_reader; /* opaque */

/* name: the file's, for reasons; copied. columns: fields of every record; 0: as many as the first has. */
MUST_USE struct result record_reader_new(const char *name, char delimiter, size_t columns, struct record_client client,
                                         struct record_reader **ret);
void record_reader_free(struct record_reader *reader);
void record_reader_freep(struct record_reader **reader);
/* After a failure only record_reader_free may follow. */
MUST_USE struct result record_reader_feed(struct record_reader *reader, struct view piece);
MUST_USE struct result record_reader_finish(struct record_reader *reader);

#endif
