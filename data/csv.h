/* A CSV file becomes a table. Strict RFC 4180 in UTF-8: what libcsv forgives in silence is refused with the place.
 *
 * Reading streams: memory is that of the table and one row. A file that starts with gzip's magic bytes is unpacked on
 * the way. Accepted beyond the RFC: a byte-order mark, LF as well as CRLF, empty lines at the very end. Reasons read
 * "bank.csv:17: column income: ...", where 17 is the line on which the row begins; they may quote values.
 *
 * What a field goes through, in this order: blanks around it are dropped (if asked for), tokens that mean missing are
 * looked up (the empty field always is one), its recode, then the table's own rules; a number's decimal mark and unit
 * are read on the way (data/number.h). Everything else in the file is not looked at.
 */
#ifndef DATA_CSV_H
#define DATA_CSV_H

#include "data/table.h"

struct csv_recode {
    const char *from;
    const char *to; /* NULL: missing */
};

/* How one column of the plan is had from the file. */
struct csv_column {
    const char *name;   /* the plan's */
    const char *source; /* the file's; NULL: the same */
    const struct csv_recode *recodes;
    size_t recodes_count;
    double factor; /* value = value in the file · factor + offset; 0 stands for 1; powers of ten are exact */
    double offset;
    const char *const *missing; /* tokens in addition to the file's */
    size_t missing_count;
};

/* Who consented, as a column of the file says it. A row without consent is left out before anything else looks at its
 * values: it enters no table, counts as no row, and a wrong value in it is no error. An empty or missing field is no
 * consent. */
struct csv_consent {
    const char *column;       /* the file's; NULL: nobody is asked, every row is taken */
    const char *const *given; /* the fields that mean consent, letter for letter; */
    size_t given_count;
    char separator;      /* or, when not 0: the field is a list of purposes, with blanks around each or none, */
    const char *purpose; /* and this one must be among them; NULL: any does */
};

/* Who else is shown each row that enters the table, in their order: all fields of the file's record as they are there,
 * a byte 0x00, which none has, behind each. Equal bytes are equal records. */
struct csv_witness {
    void *context;
    struct result (*row)(void *context, struct view record); /* NULL: nobody */
};

/* One of several sources that make one record together (data/join.h). */
struct csv_part {
    const char *name;                  /* of its column c: name.c, or c where no other part has a c */
    const char *place;                 /* for reasons */
    const struct csv_options *written; /* its decimal mark, and its tokens that mean missing */
};
struct csv_parts {
    const void *context;
    const struct csv_part *(*of)(const void *context, size_t column); /* NULL: there are no parts */
};

/* A zeroed struct reads a plain CSV with a header whose names are the plan's. Everything is borrowed. */
struct csv_options {
    char delimiter; /* 0 stands for ',' */
    bool decimal_comma;
    bool trim;                /* drop blanks and tabs around each field */
    const char *const *names; /* of the columns, when the file has no header line; else NULL */
    size_t names_count;
    const char *const *missing; /* tokens that mean missing, in every column */
    size_t missing_count;
    const struct csv_column *columns; /* of the plan's columns that are not had plainly */
    size_t columns_count;
    struct csv_consent consent;
    struct csv_witness witness;
    struct csv_parts parts; /* then decimal_comma and missing are those of the column's part */
    bool leave_out;         /* rows that the specs refuse are counted and left out, where they would stop the reading */
};

/* Wrong content is CATEGORY_USAGE, a file that cannot be read CATEGORY_ENVIRONMENT. specs: as for table_new. */
MUST_USE struct result csv_read(const char *path, const struct csv_options *options, const struct column_spec *specs,
                                size_t specs_count, uint64_t rows_max, struct table **ret);

/* The same, a row at a time, in constant memory: for each row `row` gets a table that holds it alone. A row that the
 * specs refuse gets a table without rows; result_reason() then says why, without the place. Whatever breaks the file as
 * such ends it as csv_read would; no row at all does not. */
struct csv_row {
    const struct table *table;
    const struct view *fields; /* of the specs, as the options map them; a NULL data pointer is missing */
    uint64_t line;             /* of the file, from 1 */
};
struct csv_visitor {
    void *context;
    struct result (*row)(void *context, const struct csv_row *row);
};
MUST_USE struct result csv_stream(const char *path, const struct csv_options *options, const struct column_spec *specs,
                                  size_t specs_count, struct csv_visitor visitor, uint64_t *ret_without_consent);

/* The same rows as csv_read gives, in tables of up to `rows` rows, one after the other, in the memory of one: what
 * happened on the way in (missing, without_consent, ...) is counted on from table to table, and whole in the last,
 * which may have no rows, and is given to the caller in the end. table->before rows came before. A failure of `take`
 * ends it. No row at all fails as csv_read does. */
struct csv_pieces {
    uint64_t rows;
    void *context;
    struct result (*take)(void *context, struct table *table);
};

/* The same from bytes that the caller has, in pieces of any size. `name` stands for the file in reasons. After a
 * failure only csv_reader_free may follow. */
struct csv_reader;
MUST_USE struct result csv_reader_new(const char *name, const struct csv_options *options,
                                      const struct column_spec *specs, size_t specs_count, uint64_t rows_max,
                                      struct csv_reader **ret);
void csv_reader_free(struct csv_reader *reader);
void csv_reader_freep(struct csv_reader **reader);
MUST_USE struct result csv_reader_feed(struct csv_reader *reader, struct view piece);
MUST_USE struct result csv_reader_finish(struct csv_reader *reader, struct table **ret);

/* What is in a file, before there is a plan for it. Columns carry the plan's names where the options map them, and
 * values are as the options recode them. */
#define CSV_DISTINCT_MAX LEVELS_MAX

struct csv_value {
    char *text;
    uint64_t count;
};
struct csv_profile {
    char *name;
    uint64_t missing;
    bool numeric;             /* every value there is is a number, and there is one */
    bool whole;               /* every one of them is an integer below 2^53 */
    double minimum, maximum;  /* when numeric */
    struct csv_value *values; /* the distinct ones, in byte order; the first CSV_DISTINCT_MAX that came */
    size_t values_count;
    bool more; /* there are more than CSV_DISTINCT_MAX; their counts are then of no use */
};
struct csv_scan {
    uint64_t rows;
    uint64_t without_consent; /* left out of the rows, and of all below */
    struct csv_profile *columns;
    size_t columns_count;
};

/* CATEGORY_USAGE also where a column that the options map is not there. */
MUST_USE struct result csv_scan(const char *path, const struct csv_options *options, struct csv_scan **ret);
void csv_scan_free(struct csv_scan *scan);
void csv_scan_freep(struct csv_scan **scan);

#endif
