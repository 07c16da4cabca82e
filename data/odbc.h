/* Rows of any database that has an ODBC driver, through unixODBC, as the records that a CSV file of them would have.
 *
 * Everything behind a record is shared with CSV (data/csv.h): names, mapping, consent, witness, counts. One statement
 * is run, read-only where driver and server know how, and its rows are fetched in blocks: memory is that of the table
 * and one block. Values become text so: NULL is the empty field; text is UTF-8; whole numbers and decimals are as the
 * database writes them; floating numbers have the fewest digits that give them again; a bit is 0 or 1; dates are
 * 2024-02-29, timestamps 2024-02-29 12:13:14.5. Binary columns, texts of more than ODBC_TEXT_MAX characters (SQLite:
 * bytes), NULs and what is no Unicode are refused with row and column. SQLite's values have no types, and are the texts
 * its driver gives (15 digits of a floating number).
 *
 * Reasons begin with the source's name, carry SQLSTATE and the driver's sentence, and never user or password.
 */
#ifndef DATA_ODBC_H
#define DATA_ODBC_H

#include "data/csv.h"
#include "data/record.h"

#define ODBC_TEXT_MAX 4095u /* UTF-16 units: a block of rows has room for this in every column */

/* Everything is borrowed. */
struct odbc_source {
    const char *name;             /* for reasons */
    const char *dsn, *connection; /* one of them; without a password */
    const char *table, *query;    /* one of them; table: a plain name, query: one statement */
    const char *user, *password;  /* NULL: none are given */
};

/* The records themselves; the source is borrowed. */
struct record_origin odbc_origin(const struct odbc_source *source);
/* As csv_read and csv_scan, without a delimiter. A database that cannot be reached, does not
 * let the user in, lacks the table or breaks off is CATEGORY_ENVIRONMENT; a query that is none and wrong values are
 * CATEGORY_USAGE. */
MUST_USE struct result odbc_read(const struct odbc_source *source, const struct csv_options *options,
                                 const struct column_spec *specs, size_t specs_count, uint64_t rows_max,
                                 struct table **ret);
MUST_USE struct result odbc_read_in_pieces(const struct odbc_source *source, const struct csv_options *options,
                                           const struct column_spec *specs, size_t specs_count, uint64_t rows_max,
                                           struct csv_pieces pieces, struct table **ret);
MUST_USE struct result odbc_scan(const struct odbc_source *source, const struct csv_options *options,
                                 struct csv_scan **ret);

#endif
