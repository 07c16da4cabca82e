/* A mapping file: how a bank's own columns, levels, units and formats become the plan's.
 *
 * Its keys are those of `source:` in a node's configuration (docs/operators.md), but for its name and file, so that
 * what was tried in a simulation goes into the configuration as it is.
 */
#ifndef CLI_MAPPING_H
#define CLI_MAPPING_H

#include "analytics/schema.h"
#include "data/csv.h"
#include "sys/config.h"

struct mapping {
    struct csv_options options; /* borrows from the rest */
    struct csv_column *columns;
    struct csv_recode *recodes; /* of all columns, one after the other */
    struct config_source *source;
};

void mapping_done(struct mapping *mapping);
/* Tells on stderr which of the mapping's columns are none of a plan's: a misspelt name would go unnoticed. */
void mapping_warn(const char *path, const struct mapping *mapping, const struct schema *schema);
/* Tells on stderr how many of a file's rows are left out for want of consent. */
void mapping_tell_consent(const char *file, const struct csv_options *options, uint64_t left_out, uint64_t taken);
/* purpose: the plan's, borrowed; CATEGORY_USAGE when there is none ("") and the mapping's consent is by purpose. */
MUST_USE struct result mapping_read(const char *path, const char *purpose, struct mapping *ret);

#endif
