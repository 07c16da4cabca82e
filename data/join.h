/* Records joined by key: each row of the first source, and the row of every joined source that has the same key.
 *
 * A joined source is read into memory whole and sorted by key; the first is streamed, and decides which rows there are
 * and their order. Keys are equal when their texts are, byte for byte. An empty key, or one that is a token that means
 * missing in its source, matches nothing. A key that stands twice in a joined source is refused with both places: rows
 * would be doubled. In the first source it may stand twice, as it may where nothing is joined.
 *
 * A record has the first source's fields, then those of each joined source but its key, which the first has already;
 * they are empty where no row matches. A value that is refused is told by the place of the source that has it.
 *
 * Memory: of each joined row its fields, a byte behind each, and 33 bytes; 32 more while rows are sorted. What grows is
 * doubled, so that up to twice as much is reserved. Time is rows · log(rows), whatever the keys are.
 */
#ifndef DATA_JOIN_H
#define DATA_JOIN_H

#include "data/csv.h"
#include "data/record.h"

#define JOINED_MAX 8u

/* Everything is borrowed. */
struct join_source {
    const char *name;           /* its columns are NAME.COLUMN, or COLUMN where no other source has one of this name */
    const char *place;          /* for reasons: the file; of what is no file, the name */
    bool file;                  /* its records are told as place:17, else as place, row 17 */
    const char *key;            /* its column that joins */
    bool required;              /* rows of the first without a match here are left out. Not of the first */
    struct csv_options written; /* decimal_comma and missing, for its fields */
    struct record_origin origin;
};

/* What did not find together; all rows, before anybody asks for consent. */
struct join_losses {
    uint64_t rows;     /* of the first source */
    uint64_t keyless;  /* of these, without a key; they match nowhere, and count in no `unmatched` */
    uint64_t left_out; /* of these, without a match that is required, for want of a key or of a row */
    size_t count;      /* joined sources; 0: nothing is joined */
    struct join_loss {
        char name[NAME_MAX_BYTES + 1]; /* the source's, or its beginning */
        bool required;
        uint64_t rows;      /* of the joined source */
        uint64_t keyless;   /* of these, without a key */
        uint64_t orphans;   /* of these, with a key that no row of the first has */
        uint64_t unmatched; /* rows of the first with a key that this source does not have */
    } joined[JOINED_MAX];
};

struct join;

/* sources: the first, and 1 to JOINED_MAX joined ones. */
MUST_USE struct result join_new(const struct join_source *sources, size_t count, struct join **ret);
void join_free(struct join *join);
void join_freep(struct join **join);
/* To be read once; the parts go into the options of whoever reads it (data/csv_records.h). */
struct record_origin join_origin(struct join *join);
struct csv_parts join_parts(const struct join *join);
/* After the reading. */
const struct join_losses *join_losses(const struct join *join);

#endif
