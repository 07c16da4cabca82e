#include "node/freeze.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analytics/cases.h"
#include "crypto/base/failpoint.h"
#include "sys/file.h"

void frozen_done(struct frozen *frozen)
{
    table_free(frozen->table);
    secret_free(frozen->key);
    schema_done(&frozen->schema);
    rows_done(&frozen->rows);
    *frozen = (struct frozen){0};
}

/* The frozen file while it is written: beside its name, so that a crash leaves no half of one. */
struct writer {
    FILE *file;
    struct hash_stream hash;
    char path[FILE_PATH_MAX];
};

static void writer_done(struct writer *writer)
{
    if (writer->file) {
        (void)fclose(writer->file);
        (void)unlink(writer->path);
    }
    hash_stream_done(&writer->hash);
}

static struct result write_piece(void *context, struct view piece)
{
    struct writer *writer = context;
    FAILPOINT("node: freezing the table");
    TRY(hash_update(&writer->hash, piece));
    ENSURE(fwrite(piece.data, 1, piece.length, writer->file) == piece.length, CATEGORY_ENVIRONMENT,
           "%s cannot be written: %m; free space, then start again", writer->path);
    return RESULT_OK;
}

static struct result writer_finish(struct writer *writer, const char *path, struct hash *ret)
{
    struct hash hash;
    TRY(hash_finish(&writer->hash, &hash));
    FAILPOINT("node: the frozen table is written, not durable");
    bool good = fflush(writer->file) == 0 && fsync(fileno(writer->file)) == 0;
    ENSURE(good, CATEGORY_ENVIRONMENT, "%s cannot be written: %m; free space, then start again", writer->path);
    FAILPOINT("node: the frozen table is durable, not in place");
    ENSURE(rename(writer->path, path) == 0, CATEGORY_ENVIRONMENT, "%s cannot be put in place: %m", path);
    (void)fclose(writer->file);
    writer->file = NULL;
    TRY(file_parent_sync(path)); /* what is decided next relies on the name being there after a power loss */
    *ret = hash;
    return RESULT_OK;
}

static struct result half_of(const char *path, char out[FILE_PATH_MAX])
{
    ENSURE(snprintf(out, FILE_PATH_MAX, "%s.new", path) < FILE_PATH_MAX, CATEGORY_USAGE, "%s: the path is too long",
           path);
    return RESULT_OK;
}

static struct result write_table(const struct table *table, const char *path, struct hash *ret)
{
    CLEANUP(writer_done) struct writer writer = {0};
    TRY(half_of(path, writer.path));
    int descriptor = open(writer.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ENSURE(descriptor >= 0, CATEGORY_ENVIRONMENT, "%s cannot be written: %m", writer.path);
    writer.file = fdopen(descriptor, "wb");
    if (!writer.file) (void)close(descriptor);
    ENSURE(writer.file, CATEGORY_ENVIRONMENT, "no memory to write %s", writer.path);
    TRY(hash_start(&writer.hash, "table"));
    TRY(table_canonical(table, write_piece, &writer));
    return writer_finish(&writer, path, ret);
}

void freeze_remove(const char *path)
{
    char half[FILE_PATH_MAX];
    (void)unlink(path); /* it may be gone, after a crash */
    if (result_ok(half_of(path, half))) (void)unlink(half);
}

void frozen_count(struct frozen_counts *counts, const struct table *table)
{
    counts->rows += table->rows;
    for (uint64_t row = 0; table->held && row < table->rows; row++) counts->held += table->held[row];
    counts->without_consent = table->without_consent; /* the source counts on from part to part */
    counts->unfit = table->unfit;
}

struct result freeze_options(const struct config_source *source, const struct plan *plan, struct rows_witness *witness,
                             struct source_options *ret)
{
    TRY(source_options_of(source, plan->purpose, ret));
    if (witness->key) ret->csv.witness = (struct csv_witness){witness, rows_witness_row};
    ret->csv.leave_out = plan_private(plan); /* whether a run stops must not depend on one row */
    return RESULT_OK;
}

struct result freeze_source(const struct config_source *source, const struct plan *plan, const struct sketch_key *key,
                            const char *path, struct frozen *ret)
{
    CLEANUP(rows_witness_done) struct rows_witness witness = {.key = key};
    CLEANUP(source_options_done) struct source_options options = {0};
    CLEANUP(frozen_done) struct frozen frozen = {0};
    TRY(freeze_options(source, plan, &witness, &options));
    TRY(schema_of(plan, &frozen.schema));
    TRY(source_read(source, &options.csv, frozen.schema.specs, frozen.schema.count, plan->rows, &frozen.table,
                    &frozen.losses));
    TRY(write_table(frozen.table, path, &frozen.hash));
    TRY(cases_hold_out(plan, frozen.table));
    if (key) TRY(rows_of(&witness, frozen.table->held, &frozen.rows));
    frozen_count(&frozen.counts, frozen.table);
    *ret = frozen;
    memset(&frozen, 0, sizeof frozen); /* given away */
    return RESULT_OK;
}

struct result freeze_again(const struct config_source *source, const struct plan *plan, const char *path,
                           const struct hash *hash, struct frozen *ret)
{
    CLEANUP(frozen_done) struct frozen frozen = {0};
    TRY(freeze_source(source, plan, NULL, path, &frozen));
    if (!hash_equal(&frozen.hash, hash)) {
        freeze_remove(path);
        return FAIL(CATEGORY_FALSE,
                    "%s is gone (no backup has one), and the source's rows are not those that it held: the run cannot "
                    "go on here",
                    path);
    }
    *ret = frozen;
    memset(&frozen, 0, sizeof frozen); /* given away */
    return RESULT_OK;
}

/* A file as a view, while it is read. */
struct mapped {
    void *start;
    size_t length;
};

static void mapped_done(struct mapped *mapped)
{
    if (mapped->start) (void)munmap(mapped->start, mapped->length);
}

static struct result mapped_open(const char *path, struct mapped *ret)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ENSURE(descriptor >= 0, CATEGORY_ENVIRONMENT, "%s, this run's frozen table, cannot be read: %m", path);
    struct stat about;
    void *start = MAP_FAILED;
    if (fstat(descriptor, &about) == 0 && about.st_size > 0)
        start = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    (void)close(descriptor);
    ENSURE(start != MAP_FAILED, CATEGORY_ENVIRONMENT, "%s, this run's frozen table, is empty or cannot be read", path);
    *ret = (struct mapped){start, (size_t)about.st_size};
    return RESULT_OK;
}

struct result freeze_load(const struct plan *plan, const char *path, const struct hash *hash, struct frozen *ret)
{
    CLEANUP(mapped_done) struct mapped mapped = {0};
    CLEANUP(frozen_done) struct frozen frozen = {0};
    TRY(mapped_open(path, &mapped));
    struct view bytes = view_of(mapped.start, mapped.length);
    TRY(hash_bytes("table", bytes, &frozen.hash));
    ENSURE(hash_equal(&frozen.hash, hash), CATEGORY_FALSE,
           "%s is not the table that this run froze: it was changed or damaged, and the run cannot go on here", path);
    TRY(schema_of(plan, &frozen.schema));
    TRY(table_load(bytes, path, frozen.schema.specs, frozen.schema.count, plan->rows, &frozen.table));
    TRY(cases_hold_out(plan, frozen.table));
    frozen_count(&frozen.counts, frozen.table);
    *ret = frozen;
    memset(&frozen, 0, sizeof frozen); /* given away */
    return RESULT_OK;
}
