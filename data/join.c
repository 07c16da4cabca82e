#include "data/join.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/checked.h"
#include "data/csv_map.h"
#include "data/word.h"

enum { FIRST_ROWS = 1024, REASON_BYTES = 1024 };
#define TEXTS_LIMIT ((size_t)1 << 37)

/* A row of a joined source. Rows are ordered by word, then by length and bytes of the key. */
struct joined_row {
    uint64_t word;  /* the last WORD_BYTES of the key: customers' numbers begin alike */
    uint64_t start; /* of the record, in texts */
    uint64_t line;
    uint32_t key, key_length; /* the key's place in the record */
};

struct side {
    const struct join_source *source;
    struct csv_part part;
    struct csv_header header;
    size_t key; /* of the columns */
    /* of a joined source */
    struct buffer texts; /* records, one after the other */
    struct joined_row *rows;
    uint8_t *matched; /* of each row */
    size_t count, capacity;
};

struct join {
    struct side sides[1 + JOINED_MAX];
    size_t count;
    struct record_client client;
    struct buffer text; /* the record that is being made: its fields, a byte 0x00 behind each */
    size_t *ends;
    size_t columns, used;
    size_t matches[1 + JOINED_MAX]; /* rows of the sides, SIZE_MAX where none matches */
    uint64_t line;
    bool placed; /* `reason` has the place of a joined source */
    char reason[REASON_BYTES];
    struct join_losses losses;
};

/* --- a joined source ---------------------------------------------------------------------------------------------- */

static struct view key_of(const struct side *side, const struct joined_row *row)
{
    return view_of(side->texts.data + row->start + row->key, row->key_length);
}

static uint64_t word_of_key(struct view key)
{
    if (key.length > WORD_BYTES) key = view_of(key.data + key.length - WORD_BYTES, WORD_BYTES);
    return word_of(key);
}

static int compare(const struct side *side, uint64_t word, struct view key, const struct joined_row *row)
{
    if (word != row->word) return word < row->word ? -1 : 1;
    if (key.length != row->key_length) return key.length < row->key_length ? -1 : 1;
    return key.length <= WORD_BYTES ? 0 : memcmp(key.data, key_of(side, row).data, key.length);
}

static struct result grow(struct side *side)
{
    size_t capacity = side->capacity ? 2 * side->capacity : FIRST_ROWS, bytes;
    ENSURE(checked_mul_size(capacity, sizeof *side->rows, &bytes), CATEGORY_USAGE, "too many rows for memory");
    struct joined_row *rows = realloc(side->rows, bytes);
    ENSURE(rows, CATEGORY_ENVIRONMENT, "out of memory for %zu joined rows", capacity);
    side->rows = rows;
    side->capacity = capacity;
    return RESULT_OK;
}

static struct result set_header(struct side *side, const struct record *record)
{
    TRY(csv_header_set(&side->header, &side->source->written, record));
    return csv_header_key(&side->header, side->source->key, &side->key);
}

static struct result side_take(void *context, const struct record *record)
{
    struct side *side = context;
    if (!side->header.names) return set_header(side, record);
    ENSURE(side->count < ROWS_MAX, CATEGORY_USAGE, "more rows than can be joined");
    if (side->count == side->capacity) TRY(grow(side));
    struct view key = record_field(record, side->key);
    bool there = csv_field(&side->source->written, NULL, key).data != NULL;
    size_t offset = (size_t)(key.data - record->text);
    side->rows[side->count] = (struct joined_row){.word = there ? word_of_key(key) : 0,
                                                  .start = side->texts.length,
                                                  .line = record->line,
                                                  .key = (uint32_t)offset,
                                                  .key_length = there ? (uint32_t)key.length : 0};
    TRY(buffer_append(&side->texts, record_bytes(record)));
    side->count++;
    return RESULT_OK;
}

static const char *side_column(void *context, size_t index)
{
    const struct side *side = context;
    return csv_header_name(&side->header, index);
}

static void merge(const struct side *side, const struct joined_row *from, size_t middle, size_t end,
                  struct joined_row *to)
{
    size_t left = 0, right = middle;
    for (size_t k = 0; k < end; k++) {
        bool take_right = left == middle ||
                          (right < end && compare(side, from[right].word, key_of(side, &from[right]), &from[left]) < 0);
        to[k] = take_right ? from[right++] : from[left++];
    }
}

/* Merging, from runs of one row on: rows · log(rows) for any keys, and equal keys stay in the order of the source. */
static struct result sort(struct side *side)
{
    struct joined_row *from = side->rows, *to = malloc((side->count + 1) * sizeof *to);
    ENSURE(to, CATEGORY_ENVIRONMENT, "out of memory for sorting %zu joined rows", side->count);
    for (size_t run = 1; run < side->count; run *= 2) {
        for (size_t start = 0; start < side->count; start += 2 * run) {
            size_t rest = side->count - start;
            merge(side, from + start, run < rest ? run : rest, 2 * run < rest ? 2 * run : rest, to + start);
        }
        struct joined_row *sorted = to;
        to = from;
        from = sorted;
    }
    free(to);
    side->rows = from;
    return RESULT_OK;
}

static const char *between(const struct side *side)
{
    return side->source->file ? ":" : ", row ";
}

/* Rows without a key have length 0, as no other has, and are passed over. */
static struct result check_twice(const struct side *side)
{
    const struct join_source *source = side->source;
    for (size_t k = 1; k < side->count; k++) {
        const struct joined_row *row = &side->rows[k], *before = row - 1;
        if (row->key_length == 0 || compare(side, row->word, key_of(side, row), before) != 0) continue;
        return FAIL(CATEGORY_USAGE,
                    "%s%s%llu and %s%s%llu have the same key in column %s, and a row that matches would be there "
                    "twice; keep one of them",
                    source->place, between(side), (unsigned long long)before->line, source->place, between(side),
                    (unsigned long long)row->line, source->key);
    }
    return RESULT_OK;
}

static struct result side_read(struct side *side)
{
    struct record_client client = {.context = side, .take = side_take, .column = side_column};
    side->texts.limit = TEXTS_LIMIT;
    TRY(side->source->origin.read(side->source->origin.context, client));
    TRY(sort(side));
    TRY(check_twice(side));
    side->matched = calloc(side->count + 1, sizeof *side->matched);
    ENSURE(side->matched, CATEGORY_ENVIRONMENT, "out of memory for %zu joined rows", side->count);
    return RESULT_OK;
}

/* The row with this key; SIZE_MAX when there is none. */
static size_t find(const struct side *side, struct view key)
{
    uint64_t word = word_of_key(key);
    size_t low = 0, high = side->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(side, word, key, &side->rows[middle]);
        if (order == 0) return middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return SIZE_MAX;
}

/* --- the first source, and the records that are made -------------------------------------------------------------- */

static struct result put_field(struct join *join, struct view field)
{
    TRY(buffer_append(&join->text, field));
    join->ends[join->used++] = join->text.length;
    return buffer_u8(&join->text, 0);
}

static struct result give(struct join *join, uint64_t line)
{
    struct record record = {join->text.data, join->ends, join->used, line};
    return join->client.take(join->client.context, &record);
}

static size_t columns_of(const struct join *join, size_t side)
{
    return join->sides[side].header.count - (side > 0);
}

static struct result give_names(struct join *join)
{
    for (size_t s = 0; s < join->count; s++) join->columns += columns_of(join, s);
    ENSURE(join->columns <= CSV_COLUMNS_MAX, CATEGORY_USAGE, "%zu joined columns, more than %zu", join->columns,
           CSV_COLUMNS_MAX);
    join->ends = calloc(join->columns, sizeof *join->ends);
    ENSURE(join->ends, CATEGORY_ENVIRONMENT, "out of memory for %zu columns", join->columns);
    for (size_t s = 0; s < join->count; s++) {
        const struct side *side = &join->sides[s];
        for (size_t k = 0; k < side->header.count; k++)
            if (s == 0 || k != side->key) TRY(put_field(join, view_text(side->header.names[k])));
    }
    return give(join, 0);
}

/* Whether the row stays: false where a match that is required is not there. */
static bool match(struct join *join, struct view key)
{
    bool stays = true;
    for (size_t s = 1; s < join->count; s++) {
        struct side *side = &join->sides[s];
        size_t row = key.data ? find(side, key) : SIZE_MAX;
        join->matches[s] = row;
        if (row != SIZE_MAX) {
            side->matched[row] = 1;
            continue;
        }
        if (key.data) join->losses.joined[s - 1].unmatched++;
        stays = stays && !side->source->required;
    }
    return stays;
}

static struct result put_match(struct join *join, size_t s)
{
    const struct side *side = &join->sides[s];
    size_t row = join->matches[s];
    const uint8_t *text = row == SIZE_MAX ? NULL : side->texts.data + side->rows[row].start;
    for (size_t k = 0; k < side->header.count; k++) {
        size_t length = text ? strlen((const char *)text) : 0;
        if (k != side->key) TRY(put_field(join, view_of(text, length)));
        if (text) text += length + 1;
    }
    return RESULT_OK;
}

/* Which joined source has this column of the joined record; 0: the first. */
static size_t side_of(const struct join *join, size_t column)
{
    size_t side = 0;
    for (size_t seen = columns_of(join, 0); side + 1 < join->count && column >= seen; seen += columns_of(join, side))
        side++;
    return side;
}

/* The reason gets the place of the joined source that has the value. What stands in front of it on its way up is the
 * place in the first source: read_all takes the reason as it is here. */
static struct result at_source(struct join *join, struct result result)
{
    size_t column = join->client.refused ? join->client.refused(join->client.context) : SIZE_MAX;
    size_t s = column == SIZE_MAX ? 0 : side_of(join, column);
    if (result_ok(result) || s == 0) return result;
    const struct side *side = &join->sides[s];
    if (join->matches[s] == SIZE_MAX) return result_at(result, "%s has no row with its key: ", side->source->name);
    result = result_at(result, "%s%s%llu: ", side->source->place, between(side),
                       (unsigned long long)side->rows[join->matches[s]].line);
    join->placed = true;
    (void)snprintf(join->reason, sizeof join->reason, "%s", result_reason());
    return result;
}

static struct result first_take(void *context, const struct record *record)
{
    struct join *join = context;
    struct side *first = &join->sides[0];
    buffer_clear(&join->text);
    join->used = 0;
    if (!first->header.names) {
        TRY(set_header(first, record));
        return give_names(join);
    }
    struct view key = csv_field(&first->source->written, NULL, record_field(record, first->key));
    join->losses.rows++;
    join->losses.keyless += !key.data;
    if (!match(join, key)) {
        join->losses.left_out++;
        return RESULT_OK;
    }
    for (size_t k = 0; k < record->count; k++) TRY(put_field(join, record_field(record, k)));
    for (size_t s = 1; s < join->count; s++) TRY(put_match(join, s));
    struct result given = give(join, record->line);
    return result_ok(given) ? given : at_source(join, given);
}

static const char *first_column(void *context, size_t index)
{
    const struct join *join = context;
    return csv_header_name(&join->sides[0].header, index);
}

static void count_losses(struct join *join)
{
    for (size_t s = 1; s < join->count; s++) {
        const struct side *side = &join->sides[s];
        struct join_loss *loss = &join->losses.joined[s - 1];
        loss->rows = side->count;
        for (size_t k = 0; k < side->count; k++) {
            bool keyless = side->rows[k].key_length == 0;
            loss->keyless += keyless;
            loss->orphans += !keyless && !side->matched[k];
        }
    }
}

static struct result read_all(void *context, struct record_client client)
{
    struct join *join = context;
    const struct join_source *first = join->sides[0].source;
    join->client = client;
    for (size_t s = 1; s < join->count; s++) TRY(side_read(&join->sides[s]));
    struct record_client own = {.context = join, .take = first_take, .column = first_column};
    struct result read = first->origin.read(first->origin.context, own);
    if (!result_ok(read) && join->placed) return FAIL(read.category, "%s", join->reason);
    TRY(read);
    count_losses(join);
    const struct join_losses *losses = &join->losses;
    ENSURE(losses->rows, CATEGORY_USAGE, "%s: no row is there to join others to; export it again", first->place);
    ENSURE(
        losses->left_out < losses->rows, CATEGORY_USAGE,
        "%s: no row is left: none of %llu has its match in every source that is required; look at the keys: are they "
        "written the same way, with leading zeros and blanks?",
        first->place, (unsigned long long)losses->rows);
    return RESULT_OK;
}

/* ------------------------------------------------------------------------------------------------------------------ */

struct result join_new(const struct join_source *sources, size_t count, struct join **ret)
{
    ENSURE(count >= 2 && count <= 1 + JOINED_MAX, CATEGORY_BUG, "%zu sources to join", count);
    struct join *join = calloc(1, sizeof *join);
    ENSURE(join, CATEGORY_ENVIRONMENT, "out of memory for joining %zu sources", count);
    join->count = count;
    join->text.limit = (1 + JOINED_MAX) * CSV_RECORD_MAX_BYTES;
    join->losses.count = count - 1;
    for (size_t s = 0; s < count; s++) {
        const struct join_source *source = &sources[s];
        join->sides[s].source = source;
        join->sides[s].part = (struct csv_part){source->name, source->place, &source->written};
        if (s == 0) continue;
        struct join_loss *loss = &join->losses.joined[s - 1];
        (void)snprintf(loss->name, sizeof loss->name, "%s", source->name);
        loss->required = source->required;
    }
    *ret = join;
    return RESULT_OK;
}

void join_free(struct join *join)
{
    if (!join) return;
    for (size_t s = 0; s < join->count; s++) {
        struct side *side = &join->sides[s];
        csv_header_done(&side->header);
        buffer_done(&side->texts);
        free(side->rows);
        free(side->matched);
    }
    buffer_done(&join->text);
    free(join->ends);
    free(join);
}

void join_freep(struct join **join)
{
    join_free(*join);
}

struct record_origin join_origin(struct join *join)
{
    return (struct record_origin){join, read_all};
}

static const struct csv_part *part_of(const void *context, size_t column)
{
    const struct join *join = context;
    return &join->sides[side_of(join, column)].part;
}

struct csv_parts join_parts(const struct join *join)
{
    return (struct csv_parts){join, part_of};
}

const struct join_losses *join_losses(const struct join *join)
{
    return &join->losses;
}
