#include "node/pushdown.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analytics/cases.h"
#include "crypto/base/failpoint.h"
#include "data/odbc_frozen.h"
#include "node/database.h"
#include "node/pushed.h"
#include "sys/clock.h"
#include "sys/entropy.h"
#include "sys/log.h"

/* --- the mark --- */

/* What stands in it: where the table is. SQLite's is empty first, and the table's file then. */
#define MARK_HEAD "cofferdam: frozen rows in "
enum { MARK_MAX = 4096 };

static void mark_text(const struct config_odbc *odbc, char out[MARK_MAX])
{
    (void)snprintf(out, MARK_MAX, MARK_HEAD "schema %s of %s %s", odbc->schema ? odbc->schema : "none",
                   odbc->dsn ? "dsn" : "connection", odbc->dsn ? odbc->dsn : odbc->connection);
}

/* What it says; "" where it says nothing. *ret_table: it is the table itself. */
static void mark_read(const char *path, char out[MARK_MAX], bool *ret_table)
{
    FILE *file = fopen(path, "re");
    size_t length = file ? fread(out, 1, MARK_MAX - 1, file) : 0;
    if (file) (void)fclose(file);
    out[length] = 0;
    *ret_table = length > 0 && strncmp(out, MARK_HEAD, sizeof MARK_HEAD - 1) != 0;
    if (*ret_table) out[0] = 0;
}

/* Rows that are looked for in another place would be missed, and a table in their own place would stay for ever. */
static struct result mark_check(const struct pushdown *pushdown, const struct config_odbc *odbc)
{
    char marked[MARK_MAX], now[MARK_MAX];
    bool is_table;
    mark_read(pushdown->path, marked, &is_table);
    if (!*marked) return RESULT_OK;
    mark_text(odbc, now);
    ENSURE(strcmp(marked, now) == 0, CATEGORY_ENVIRONMENT,
           "this run's rows are in %s, and the configuration says %s; put the source back as it was until the run is "
           "over, and reload",
           marked + sizeof MARK_HEAD - 1, now + sizeof MARK_HEAD - 1);
    return RESULT_OK;
}

static void remove_journal(const char *path)
{
    char journal[FILE_PATH_MAX + sizeof "-journal"];
    (void)snprintf(journal, sizeof journal, "%s-journal", path); /* of an SQLite that died while it wrote */
    (void)unlink(journal);
}

/* *ret_before: a mark was there, and so perhaps a table. */
static struct result mark(const char *path, bool *ret_before)
{
    *ret_before = file_exists(path);
    remove_journal(path); /* it would be played back into the new file */
    TRY(file_write_alone(path, (struct view){0}, 0600));
    FAILPOINT("node: the mark of a pushed table is there, not the table");
    return RESULT_OK;
}

/* --- the place --- */

/* Where the table is, and what that borrows. */
struct place {
    struct database database;
    struct odbc_frozen_place frozen;
    char table[40];
};

static void place_done(struct place *place)
{
    database_done(&place->database);
}

/* In place: what it borrows is in it. */
static struct result place_of(const struct pushdown *pushdown, struct place *place)
{
    const struct config_odbc *odbc = pushdown->source->odbc;
    (void)snprintf(place->table, sizeof place->table, "cofferdam_%.16s_%u", hash_hex(pushdown->run).text,
                   pushdown->position);
    ENSURE(odbc, CATEGORY_ENVIRONMENT,
           "rows of this run are in a database, as %s, and the configuration names none any more; name it again, or "
           "drop the table and remove %s",
           place->table, pushdown->path);
    TRY(mark_check(pushdown, odbc));
    TRY(database_of(pushdown->source, &place->database));
    place->frozen = (struct odbc_frozen_place){
        .source = &place->database.source, .schema = odbc->schema, .table = place->table, .file = pushdown->path};
    return RESULT_OK;
}

struct result pushdown_about(const struct config_source *source, struct odbc_frozen_about *ret)
{
    CLEANUP(place_done) struct place place = {0};
    static const struct hash no_run;
    const struct pushdown pushdown = {.source = source, .run = &no_run};
    TRY(place_of(&pushdown, &place));
    place.frozen.table = "cofferdam_RUN";
    return odbc_frozen_about(&place.frozen, ret);
}

struct result pushdown_drop(const struct pushdown *pushdown)
{
    CLEANUP(place_done) struct place place = {0};
    char marked[MARK_MAX];
    bool is_table;
    FAILPOINT("node: before a pushed table is dropped");
    mark_read(pushdown->path, marked, &is_table);
    if (!is_table) {
        TRY(place_of(pushdown, &place));
        TRY(odbc_frozen_drop(&place.frozen));
    }
    FAILPOINT("node: a pushed table is dropped, its mark is there");
    ENSURE(unlink(pushdown->path) == 0 || !file_exists(pushdown->path), CATEGORY_ENVIRONMENT,
           "%s cannot be removed: %m", pushdown->path);
    remove_journal(pushdown->path);
    return RESULT_OK;
}

/* --- freezing --- */

struct freezing {
    const struct plan *plan;
    struct odbc_frozen *database;
    bool created;
    struct rows_witness witness;
    struct frozen frozen;
};

static void freezing_done(struct freezing *freezing)
{
    odbc_frozen_free(freezing->database);
    rows_witness_done(&freezing->witness);
    frozen_done(&freezing->frozen);
}

static struct result take_part(void *context, struct table *table)
{
    struct freezing *freezing = context;
    FAILPOINT("node: a part of a pushed table");
    TRY(cases_hold_out(freezing->plan, table));
    if (freezing->witness.key) TRY(rows_add(&freezing->frozen.rows, &freezing->witness, table->held));
    frozen_count(&freezing->frozen.counts, table);
    return odbc_frozen_add(freezing->database, table);
}

static struct result freeze(const struct pushdown *pushdown, const struct place *place, bool before,
                            struct freezing *freezing)
{
    CLEANUP(source_options_done) struct source_options options = {0};
    CLEANUP(table_freep) struct table *last = NULL;
    struct frozen *frozen = &freezing->frozen;
    char text[MARK_MAX];
    TRY(freeze_options(pushdown->source, pushdown->plan, &freezing->witness, &options));
    TRY(schema_of(pushdown->plan, &frozen->schema));
    TRY(entropy_seed(&frozen->key));
    TRY(odbc_frozen_open(&place->frozen, frozen->schema.specs, frozen->schema.count, secret_view(frozen->key),
                         &freezing->database));
    if (!odbc_frozen_own_file(freezing->database)) {
        mark_text(pushdown->source->odbc, text);
        TRY(file_write_alone(pushdown->path, view_text(text), 0600));
    }
    TRY(odbc_frozen_create(freezing->database, before));
    freezing->created = true;
    TRY(source_read_in_pieces(pushdown->source, &options.csv, frozen->schema.specs, frozen->schema.count,
                              pushdown->plan->rows, (struct csv_pieces){PUSHDOWN_PART_ROWS, freezing, take_part}, &last,
                              &frozen->losses));
    if (freezing->witness.key) TRY(rows_finish(&frozen->rows));
    FAILPOINT("node: a pushed table is written, not committed");
    TRY(odbc_frozen_commit(freezing->database, &frozen->hash));
    FAILPOINT("node: a pushed table is committed");
    return RESULT_OK;
}

struct result pushdown_freeze(const struct pushdown *pushdown, const struct sketch_key *key, struct frozen *ret)
{
    CLEANUP(place_done) struct place place = {0};
    CLEANUP(freezing_done) struct freezing freezing = {.plan = pushdown->plan, .witness = {.key = key}};
    bool before;
    TRY(place_of(pushdown, &place));
    TRY(mark(pushdown->path, &before));
    struct result result = freeze(pushdown, &place, before, &freezing);
    /* A table that was there before the mark is somebody else's: with the mark, it would be taken for this node's. */
    if (!result_ok(result) && !before && !freezing.created) (void)unlink(pushdown->path);
    TRY(result);
    *ret = freezing.frozen;
    freezing.frozen = (struct frozen){0}; /* given away */
    return RESULT_OK;
}

/* --- a round --- */

static struct result fail_changed(const struct pushdown *pushdown, const struct odbc_frozen *database)
{
    return FAIL(CATEGORY_FALSE,
                "%s: the table %s is not the one that this run froze: rows in it were changed, and the run cannot go "
                "on here",
                pushdown->source->name, odbc_frozen_name(database));
}

static struct result open_round(const struct frozen *frozen, const struct place *place, struct odbc_frozen **ret)
{
    TRY(odbc_frozen_open(&place->frozen, frozen->schema.specs, frozen->schema.count, secret_view(frozen->key), ret));
    return odbc_frozen_begin(*ret);
}

struct result pushdown_load(const struct pushdown *pushdown, const struct secret *key, const struct hash *hash,
                            struct frozen *ret)
{
    CLEANUP(place_done) struct place place = {0};
    CLEANUP(odbc_frozen_freep) struct odbc_frozen *database = NULL;
    CLEANUP(frozen_done) struct frozen frozen = {0};
    struct hash found;
    TRY(place_of(pushdown, &place));
    TRY(schema_of(pushdown->plan, &frozen.schema));
    TRY(secret_from(secret_view(key), &frozen.key));
    TRY(open_round(&frozen, &place, &database));
    TRY(odbc_frozen_digest(database, &frozen.counts.rows, &found));
    if (!hash_equal(&found, hash)) return fail_changed(pushdown, database);
    frozen.hash = found;
    *ret = frozen;
    frozen = (struct frozen){0}; /* given away */
    return RESULT_OK;
}

/* The values of the rows so far. Not their words: a value of two words has room in the lower one for as many sums as
 * there are banks, not for one a part. */
struct adding {
    const struct fold *fold;
    unsigned threads;
    uint64_t *part;
    __int128 *values;
};

static void adding_done(struct adding *adding)
{
    if (adding->part) secret_bytes_wipe(adding->part, adding->fold->words * sizeof *adding->part);
    free(adding->part);
}

static struct result add_part(void *context, const struct table *chunk)
{
    const struct adding *adding = context;
    const struct layout *layout = &adding->fold->layout;
    const uint64_t *words = adding->part;
    __int128 *value = adding->values;
    TRY(fold_contribute(adding->fold, chunk, adding->threads, adding->part, adding->fold->words));
    for (size_t f = 0; f < layout->fields_count; f++)
        for (uint64_t i = 0; i < layout->fields[f].length; i++, words += layout->fields[f].words)
            *value++ += layout_get(&layout->fields[f], words);
    return RESULT_OK;
}

static struct result stream(struct odbc_frozen *database, const struct fold *fold, unsigned threads, __int128 *values,
                            struct hash *ret)
{
    CLEANUP(adding_done) struct adding adding = {fold, threads, calloc(fold->words + 1, sizeof *adding.part), values};
    ENSURE(adding.part, CATEGORY_ENVIRONMENT, "no memory for a contribution of %llu words",
           (unsigned long long)fold->words);
    return odbc_frozen_stream(database, PUSHDOWN_PART_ROWS, (struct odbc_frozen_visitor){&adding, add_part}, ret);
}

/* --- what the database computes --- */

static struct result take_cells(void *context, const char *const *cells)
{
    struct pushed *pushed = context;
    return formula_take(pushed->query, cells, pushed->values, pushed->values_count);
}

static void values_to_words(const struct layout *layout, const __int128 *values, uint64_t *words)
{
    for (size_t f = 0; f < layout->fields_count; f++) {
        const struct layout_field *field = &layout->fields[f];
        for (uint64_t i = 0; i < field->length; i++, words += field->words) layout_put(field, *values++, words);
    }
}

static struct result push(struct odbc_frozen *database, struct pushed *pushed)
{
    for (size_t k = 0; k < pushed->queries.count; k++) {
        pushed->query = &pushed->queries.items[k];
        TRY(odbc_frozen_query(database, pushed->query->text, pushed->query->columns,
                              (struct odbc_frozen_reader){pushed, take_cells}));
    }
    return RESULT_OK;
}

bool pushdown_worth(const struct pushdown_pace *pace, uint64_t words)
{
    if (!pace->computed_us || pace->words != words) return true;
    return pace->streamed_us && pace->computed_us <= pace->streamed_us;
}

static void note_pace(struct pushdown_pace *pace, bool computed, uint64_t words, uint64_t begun)
{
    const uint64_t took = clock_monotonic_us() - begun + 1;
    if (!computed) {
        pace->streamed_us = took;
        return;
    }
    pace->computed_us = took;
    pace->words = words;
}

struct result pushdown_contribute(const struct pushdown *pushdown, struct pushdown_pace *pace,
                                  const struct frozen *frozen, const struct fold *fold, unsigned threads,
                                  uint64_t *words)
{
    const uint64_t begun = clock_monotonic_us();
    CLEANUP(place_done) struct place place = {0};
    CLEANUP(odbc_frozen_freep) struct odbc_frozen *database = NULL;
    CLEANUP(pushed_done) struct pushed pushed = {0};
    struct hash found;
    uint64_t rows;
    bool there;
    const char *why;
    TRY(place_of(pushdown, &place));
    TRY(open_round(frozen, &place, &database));
    TRY(pushed_of(fold, odbc_frozen_dialect(database), odbc_frozen_name(database), &pushed, &there, &why));
    if (there && !pushdown_worth(pace, fold->words)) {
        there = false;
        why = pace->streamed_us ? "it was faster before" : "it may be faster";
    }
    if (there)
        log_debug("run", "step %llu: %zu statements", (unsigned long long)fold->step, pushed.queries.count);
    else
        log_debug("run", "step %llu: rows are streamed: %s", (unsigned long long)fold->step, why);
    if (there)
        TRY(odbc_frozen_digest(database, &rows, &found));
    else
        TRY(stream(database, fold, threads, pushed.values, &found));
    if (!hash_equal(&found, &frozen->hash)) return fail_changed(pushdown, database);
    if (there) TRY(push(database, &pushed));
    note_pace(pace, there, fold->words, begun);
    values_to_words(&fold->layout, pushed.values, words);
    return RESULT_OK;
}
