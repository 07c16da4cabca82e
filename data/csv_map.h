/* From the fields of a file to those of the plan: the header, and what options say about a field. */
#ifndef DATA_CSV_MAP_H
#define DATA_CSV_MAP_H

#include "data/csv.h"
#include "data/record.h"

/* The file's column names. */
struct csv_header {
    char **names; /* NULL until they are known */
    size_t count;
    struct csv_parts parts;
};

void csv_header_done(struct csv_header *header);
/* Names are copied, without blanks around them if options say trim. Two equal ones of one part are refused. */
MUST_USE struct result csv_header_set(struct csv_header *header, const struct csv_options *options,
                                      const struct record *record);
/* When the options carry the names; else leaves the header as it is. */
MUST_USE struct result csv_header_given(struct csv_header *header, const struct csv_options *options);
const char *csv_header_name(const struct csv_header *header, size_t index); /* NULL when there is none */
/* The place of the column that is named so, with its part or without; SIZE_MAX when there is none. A name that several
 * parts have is refused. */
MUST_USE struct result csv_header_place(const struct csv_header *header, const char *name, size_t *ret);
/* The name of a column as nobody takes it for another's: with its part where several parts have it. */
MUST_USE struct result csv_header_full_name(const struct csv_header *header, size_t index, char **ret);
/* The place of a column; a reason that lists what there is. `plan` names the plan's column, when it is another. */
MUST_USE struct result csv_header_find(const struct csv_header *header, const char *name, const char *plan,
                                       size_t *ret);

/* The place of the column that says who consented; SIZE_MAX when the options name none. */
MUST_USE struct result csv_header_consent(const struct csv_header *header, const struct csv_options *options,
                                          size_t *ret);
/* Whether this field of that column is consent. */
bool csv_consents(const struct csv_options *options, size_t column, struct view field);
/* The place of the column by which rows are joined. */
MUST_USE struct result csv_header_key(const struct csv_header *header, const char *name, size_t *ret);
/* After the last row, when there is none: why; `none` where nothing was left out. */
extern const char csv_none_in_file[], csv_none_in_origin[];
MUST_USE struct result csv_no_rows(const struct csv_options *options, uint64_t without_consent, const char *none);

/* What the options say about a plan's column; NULL when nothing. */
const struct csv_column *csv_column_of_plan(const struct csv_options *options, const char *name);
/* How the fields of the file's column are written: these options, or those of its part. */
const struct csv_options *csv_written(const struct csv_options *options, size_t column);
struct number_format csv_number_format(const struct csv_options *options, const struct csv_column *column);

/* The field as the plan has it: borrowed from field or options; data is NULL when it is missing. column may be NULL. */
struct view csv_field(const struct csv_options *options, const struct csv_column *column, struct view field);

#endif
