/* The table, or the scan, of records that do not come from the bytes of a file: names, mapping, consent, witness and
 * all that follows are those of data/csv.h. */
#ifndef DATA_CSV_RECORDS_H
#define DATA_CSV_RECORDS_H

#include "data/csv.h"
#include "data/record.h"

/* A file as an origin itself. */
struct csv_file {
    const char *path; /* borrowed */
    char delimiter;   /* 0 stands for ',' */
};
struct record_origin csv_origin(const struct csv_file *file);

/* name: of the origin, for reasons about all of it; places of single records are the origin's own to give. The options'
 * delimiter and names are not looked at. */
MUST_USE struct result csv_read_records(const char *name, struct record_origin origin,
                                        const struct csv_options *options, const struct column_spec *specs,
                                        size_t specs_count, uint64_t rows_max, struct table **ret);
MUST_USE struct result csv_read_records_in_pieces(const char *name, struct record_origin origin,
                                                  const struct csv_options *options, const struct column_spec *specs,
                                                  size_t specs_count, uint64_t rows_max, struct csv_pieces pieces,
                                                  struct table **ret);
MUST_USE struct result csv_scan_records(const char *name, struct record_origin origin,
                                        const struct csv_options *options, struct csv_scan **ret);

#endif
