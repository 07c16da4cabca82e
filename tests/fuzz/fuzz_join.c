/* Three CSV texts, with a byte 0xff between, joined by key: no input may crash, the losses add up, and which of the two
 * joined sources comes first changes no row. The first byte chooses options. */
#include <stdlib.h>
#include <string.h>

#include "data/csv_records.h"
#include "data/join.h"
#include "tests/support/text_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SOURCES = 3, APART = 0xff };
static const char *const levels[] = {"x", "y"}, *const unknown[] = {"NA"}, *const agreed[] = {"ja"};
static const struct column_spec specs[] = {
    {.name = "n",
     .kind = COLUMN_NUMBER,
     .minimum = -1e6,
     .maximum = 1e6,
     .outside = COLUMN_OUTSIDE_CLAMP,
     .missing_allowed = true},
    {.name = "c",
     .kind = COLUMN_CATEGORY,
     .levels = levels,
     .levels_count = 2,
     .other_allowed = true,
     .missing_allowed = true},
    {.name = "t", .kind = COLUMN_TEXT, .missing_allowed = true},
};

static void must(bool condition)
{
    if (!condition) abort();
}

struct outcome {
    struct table *table;
    struct join_losses losses;
};

static void outcome_done(struct outcome *outcome)
{
    table_free(outcome->table);
}

static struct result join_read(const struct join_source sources[SOURCES], const struct csv_options *options,
                               struct outcome *ret)
{
    CLEANUP(join_freep) struct join *join = NULL;
    TRY(join_new(sources, SOURCES, &join));
    struct csv_options joined = *options;
    joined.parts = join_parts(join);
    TRY(csv_read_records("joined", join_origin(join), &joined, specs, 3, 100000, &ret->table));
    ret->losses = *join_losses(join);
    return RESULT_OK;
}

static void split(struct view bytes, uint8_t choice, struct text_source texts[SOURCES])
{
    for (size_t k = 0; k < SOURCES; k++) {
        const uint8_t *end = bytes.length && k + 1 < SOURCES ? memchr(bytes.data, APART, bytes.length) : NULL;
        size_t length = end ? (size_t)(end - bytes.data) : bytes.length;
        texts[k] = (struct text_source){"f", view_of(bytes.data, length), choice >> k & 1 ? ';' : ','};
        length += end != NULL;
        bytes = view_of(bytes.data + length, bytes.length - length);
    }
}

static void check_losses(const struct outcome *outcome, const struct join_source sources[SOURCES])
{
    const struct join_losses *losses = &outcome->losses;
    must(losses->count == SOURCES - 1 && losses->keyless <= losses->rows);
    must(outcome->table->rows + outcome->table->without_consent == losses->rows - losses->left_out);
    for (size_t k = 0; k < losses->count; k++) {
        const struct join_loss *loss = &losses->joined[k];
        must(loss->keyless + loss->orphans <= loss->rows && losses->keyless + loss->unmatched <= losses->rows);
        must(!sources[1 + k].required || losses->left_out >= losses->keyless + loss->unmatched);
    }
    must(sources[1].required || sources[2].required || losses->left_out == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    const uint8_t choice = data[0];
    const struct csv_options options = {
        .consent = {.column = choice & 128 ? "ok" : NULL, .given = agreed, .given_count = 1}};
    struct text_source texts[SOURCES];
    struct join_source sources[SOURCES], swapped[SOURCES];
    split(view_of(data + 1, size - 1), choice, texts);
    for (size_t k = 0; k < SOURCES; k++) {
        static const char *const names[] = {"core", "crm", "desk"};
        sources[k] = (struct join_source){
            .name = names[k],
            .place = names[k],
            .file = true,
            .key = "id",
            .required = k && choice >> (3 + k) & 1,
            .written = {.decimal_comma = choice >> k & 1, .missing = unknown, .missing_count = choice >> 6 & 1},
            .origin = text_origin(&texts[k])};
    }
    memcpy(swapped, sources, sizeof swapped);
    swapped[1] = sources[2];
    swapped[2] = sources[1];
    CLEANUP(outcome_done) struct outcome one = {0}, other = {0};
    struct result first = join_read(sources, &options, &one), second = join_read(swapped, &options, &other);
    must(first.category == second.category);
    if (!result_ok(first)) {
        must(first.category == CATEGORY_USAGE && !one.table && !other.table);
        return 0;
    }
    check_losses(&one, sources);
    check_losses(&other, swapped);
    must(one.table->rows == other.table->rows && one.losses.left_out == other.losses.left_out);
    return 0;
}
