/* The bank's own data as a plan wants it: the configuration's mapping, handed to data/csv.h. */
#ifndef NODE_SOURCE_H
#define NODE_SOURCE_H

#include "data/csv.h"
#include "data/join.h"
#include "sys/config.h"

/* csv_options over the configuration, and what they borrow. */
struct source_options {
    struct csv_options csv;
    struct csv_column *columns;
    struct csv_recode *recodes;
};

void source_options_done(struct source_options *options);
/* purpose: the plan's, borrowed; CATEGORY_USAGE when it has none ("") and consent is by purpose. NULL: consent to any.
 */
MUST_USE struct result source_options_of(const struct config_source *source, const char *purpose,
                                         struct source_options *ret);

/* The table, or the scan, of the file or of the database that the configuration names, with what is joined to it
 * (data/csv.h, data/odbc.h, data/join.h). ret_losses: of the join; zeros where nothing is joined. */
MUST_USE struct result source_read(const struct config_source *source, const struct csv_options *options,
                                   const struct column_spec *specs, size_t specs_count, uint64_t rows_max,
                                   struct table **ret, struct join_losses *ret_losses);
/* The same in parts (struct csv_pieces) of a database, one after the other; *ret: the last. What is joined to it is
 * held in memory. */
MUST_USE struct result source_read_in_pieces(const struct config_source *source, const struct csv_options *options,
                                             const struct column_spec *specs, size_t specs_count, uint64_t rows_max,
                                             struct csv_pieces pieces, struct table **ret,
                                             struct join_losses *ret_losses);
MUST_USE struct result source_scan(const struct config_source *source, const struct csv_options *options,
                                   struct csv_scan **ret, struct join_losses *ret_losses);
/* Whether what a database's credentials are read from is there and theirs alone: before a node joins any run. */
MUST_USE struct result source_ready(const struct config_source *source);
/* Where the rows are, for people: the file's path, or the database's table. */
#define SOURCE_PLACE_MAX 512
void source_place(const struct config_source *source, char out[SOURCE_PLACE_MAX]);

#endif
