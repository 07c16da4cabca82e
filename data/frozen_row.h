/* A row of a frozen table that lies in a database (data/odbc_frozen.h): its columns there, its bytes, the digest of all
 * rows, and the table in memory that a chunk of them makes.
 *
 * A row's columns: n, its number from 0; held; and for each column k of the specs
 *   a number: c<k>, NULL for missing, and m<k>, its mark, where column_marked;
 *   a category: c<k>, its code; CODE_OTHER and CODE_MISSING are kept as they are;
 *   a text: nothing.
 * A row's bytes are those of PostgreSQL's record_send: the number of columns, then for each its type's number, its
 * length (-1 for NULL) and its value, all big-endian.
 *
 * The digest: SHA-256(key ‖ bytes) of each row, of which the first two pieces of 8 bytes are added over all rows modulo
 * 2^64, and the number of rows. As n is among the bytes, rows that are changed, exchanged, doubled or gone change it.
 * Who does not know the key finds no other rows with the same sums but by luck, 2^-128. */
#ifndef DATA_FROZEN_ROW_H
#define DATA_FROZEN_ROW_H

#include "crypto/hash.h"
#include "data/table.h"

#define FROZEN_KEY_BYTES 32

enum frozen_kind { FROZEN_N, FROZEN_HELD, FROZEN_NUMBER, FROZEN_MARK, FROZEN_CODE };
#define FROZEN_NAME_MAX 24
struct frozen_column {
    enum frozen_kind kind;
    size_t spec; /* of the specs; of n and held, none */
    char name[FROZEN_NAME_MAX];
};
struct frozen_shape {
    const struct column_spec *specs; /* borrowed */
    size_t specs_count;
    struct frozen_column *columns;
    size_t count;
};
MUST_USE struct result frozen_shape_of(const struct column_spec *specs, size_t count, struct frozen_shape *ret);
void frozen_shape_done(struct frozen_shape *shape);

/* A value of a row: an integer, or a number that is NULL when it is NaN. */
struct frozen_value {
    int64_t integer;
    double number;
};
struct frozen_value frozen_value_of(const struct frozen_column *column, const struct table *table, uint64_t row,
                                    uint64_t n);

/* The digest under way. */
struct frozen_sum {
    uint8_t key[FROZEN_KEY_BYTES];
    uint64_t rows, pieces[2];
};
/* Appends a row's bytes; values: one a column. */
MUST_USE struct result frozen_row_write(const struct frozen_shape *shape, const struct frozen_value *values,
                                        struct buffer *out);
/* The most that a row's bytes can be. */
size_t frozen_row_size(const struct frozen_shape *shape);
MUST_USE struct result frozen_sum_add(struct frozen_sum *sum, struct view row);
/* H(label "frozen rows" ‖ rows ‖ pieces). */
MUST_USE struct result frozen_sum_hash(const struct frozen_sum *sum, struct hash *ret);
void frozen_sum_done(struct frozen_sum *sum); /* wipes the key */

/* A table without rows that has room for so many; texts are empty in each. */
MUST_USE struct result frozen_chunk_new(const struct frozen_shape *shape, uint64_t capacity, struct table **ret);
/* Takes a row off the reader and puts it behind the chunk's. CATEGORY_FALSE when it is not one that the specs allow
 * with this n: it was changed. */
MUST_USE struct result frozen_chunk_take(const struct frozen_shape *shape, struct reader *reader, uint64_t n,
                                         struct table *chunk);

#endif
