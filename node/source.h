/* The bank's own data as a plan wants it: the configuration's mapping, handed to data/csv.h. */
#ifndef NODE_SOURCE_H
#define NODE_SOURCE_H

#include "data/csv.h"
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

#endif
