/* The frozen table: what a run computes on, kept in the state directory from the first moment of the run to its end.
 *
 * A run never sees two versions of a bank's data: not when the file changes, not after a restart. Only the plan's
 * columns are kept, in the table's canonical form, in a file of mode 0600 that goes away with the run.
 */
#ifndef NODE_FREEZE_H
#define NODE_FREEZE_H

#include "analytics/schema.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "data/join.h"
#include "data/table.h"
#include "node/rows.h"
#include "node/source.h"
#include "sys/config.h"

struct frozen {
    struct schema schema;      /* the table's columns borrow from it */
    struct table *table;       /* NULL where its rows are in the bank's database (node/pushdown.h) */
    struct secret *key;        /* of the digest, where they are there; else NULL */
    struct hash hash;          /* H(label "table" ‖ canonical bytes); or the digest of the rows there */
    struct rows rows;          /* of the source, as it was read with a key; else zeroed */
    struct join_losses losses; /* of the source as it was read; zeros when loaded */
    struct frozen_counts {
        uint64_t rows, held;             /* held out, among them */
        uint64_t without_consent, unfit; /* left out; not known of one that is loaded */
    } counts;
};

void frozen_done(struct frozen *frozen);
/* Counts the rows of a table, or of a part of one, that is frozen. */
void frozen_count(struct frozen_counts *counts, const struct table *table);
/* What the source's rows are read with. */
MUST_USE struct result freeze_options(const struct config_source *source, const struct plan *plan,
                                      struct rows_witness *witness, struct source_options *ret);
/* Reads the source and writes the frozen file, durably. key: what to know the source's rows by; NULL: they are not
 * asked for. CATEGORY_USAGE when the data do not fit the plan. */
MUST_USE struct result freeze_source(const struct config_source *source, const struct plan *plan,
                                     const struct sketch_key *key, const char *path, struct frozen *ret);
/* From the frozen file. CATEGORY_FALSE unless it has exactly this hash. */
MUST_USE struct result freeze_load(const struct plan *plan, const char *path, const struct hash *hash,
                                   struct frozen *ret);
/* Where the frozen file is gone, as no backup has one: made again from the source, when its rows are still the same.
 * CATEGORY_FALSE unless the file then has exactly this hash. */
MUST_USE struct result freeze_again(const struct config_source *source, const struct plan *plan, const char *path,
                                    const struct hash *hash, struct frozen *ret);
/* The frozen file, whole or half. */
void freeze_remove(const char *path);

#endif
