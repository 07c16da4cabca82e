/* What the data scientists' commands work on: a plan, and the tables of the banks that it is tried on. */
#ifndef CLI_SITES_H
#define CLI_SITES_H

#include "analytics/coding.h"
#include "analytics/schema.h"
#include "cli/cli.h"
#include "cli/plan.h"

struct site {
    char name[NAME_MAX_BYTES + 1];
    struct table *table;
};
/* Lives where it was opened: tables borrow from the schema, and that from the plan. */
struct sites {
    struct plan_file file;
    struct schema schema;
    struct site *items;
    unsigned count;
    struct coding coding; /* of the target, over all files */
    bool warned;          /* something was said of it */
};

void sites_done(struct sites *sites);
/* Reads and checks the plan. `ret` is zeroed before; it may be given to sites_done after a failure as well. */
MUST_USE struct result sites_open(const char *plan_path, struct sites *ret);
/* Appends the line of the summary that says how the target is coded. */
MUST_USE struct result sites_report(const struct sites *sites, struct buffer *out);
/* All that read files warn on stderr where the target looks wrongly coded.
 * One bank a value "NAME=FILE". `mappings` are "NAME=FILE.yaml", how a bank's file becomes the plan's columns. */
MUST_USE struct result sites_check_words(const struct cli_values *values);
MUST_USE struct result sites_from_files(struct sites *sites, const struct cli_values *values,
                                        const struct cli_values *mappings);
/* The rows of the file in "FILE:N" dealt to N banks one by one; a mapping is then "FILE.yaml". */
MUST_USE struct result sites_from_split(struct sites *sites, const char *value, const struct cli_values *mappings);
/* One table a file, named after it. */
MUST_USE struct result sites_from_data(struct sites *sites, const struct cli_values *files,
                                       const struct cli_values *mappings);
/* N of "FILE:N", before the file is read. */
MUST_USE struct result sites_split_count(const char *value, unsigned *ret);
uint64_t sites_rows(const struct sites *sites);

/* How many threads a command uses: what --threads said, or one a processor. */
MUST_USE struct result sites_threads(const char *value, unsigned *ret);

#endif
