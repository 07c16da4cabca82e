/* Which rows a run computes on, as sketches (crypto/sketch.h): so that two runs can be compared long after both files
 * are gone, by how many rows the one has and the other has not.
 *
 * A row is the file's whole record as it was read, whatever the plan's columns are: a value that changed is a row gone
 * and a row new. A run's sums are of three sets of rows: all of them, and, where its plan holds rows out, those that
 * train and those that do not. A plan picks the latter two, so that they are told apart as well.
 */
#ifndef NODE_ROWS_H
#define NODE_ROWS_H

#include "crypto/sketch.h"

/* Hashes of the rows that enter a table, in their order. */
struct rows_witness {
    const struct sketch_key *key; /* borrowed */
    uint64_t *hashes;
    size_t count, capacity;
};
void rows_witness_done(struct rows_witness *witness);
MUST_USE struct result rows_witness_row(void *witness, struct view record); /* for struct csv_witness */

enum { ROWS_ALL, ROWS_TRAINING, ROWS_HELD, ROWS_SETS };

struct rows {
    uint8_t key[SKETCH_KEY_ID_BYTES];
    struct sketch *sets[ROWS_SETS]; /* the latter two NULL where no row is held out */
};
void rows_done(struct rows *rows);
/* The witness's rows, which it then forgets. held: of each row whether it is held out; NULL: none is. */
MUST_USE struct result rows_of(struct rows_witness *witness, const uint8_t *held, struct rows *ret);
/* The same part after part: `rows` is zeroed before the first. After a failure only rows_done may follow. */
MUST_USE struct result rows_add(struct rows *rows, struct rows_witness *witness, const uint8_t *held);
MUST_USE struct result rows_finish(struct rows *rows);
MUST_USE struct result rows_write(const struct rows *rows, struct buffer *out);
/* CATEGORY_FALSE when the bytes are not that. */
MUST_USE struct result rows_read(struct view bytes, struct rows *ret);

struct rows_difference {
    bool comparable; /* false: they are known by hashes under another key */
    bool same;       /* in every set */
    uint64_t least;  /* rows by which a set of the one differs from a set of the other, where it does and that can be
                      * told; 0: nowhere */
    const char *set; /* of the first, which differs so */
};
MUST_USE struct result rows_compare(const struct rows *a, const struct rows *b, struct rows_difference *ret);

#endif
