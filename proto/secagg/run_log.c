#include "proto/secagg/run_log.h"

#include <stdio.h>
#include <string.h>

#include "proto/log/checkpoint.h"
#include "proto/secagg/effects.h"

struct result run_log_add(struct run_log *log, const struct wire_close *closed)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    struct wire_close statement = *closed;
    struct hash leaf;
    statement.counter = 0;
    ENSURE(closed->step == log->tree.size, CATEGORY_BUG, "step %llu is logged after %llu steps",
           (unsigned long long)closed->step, (unsigned long long)log->tree.size);
    TRY(wire_close_encode(&statement, &bytes));
    TRY(merkle_leaf(buffer_view(&bytes), &leaf));
    return merkle_tree_append(&log->tree, &leaf);
}

struct result run_log_checkpoint(const struct run_log *log, const struct hash *run, struct hash *ret)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    struct checkpoint checkpoint = {.size = log->tree.size};
    char hex[2 * HASH_BYTES + 1];
    *ret = (struct hash){0};
    if (log->tree.size == 0) return RESULT_OK;
    bytes_hex(hash_view(run), hex);
    (void)snprintf(checkpoint.origin, sizeof checkpoint.origin, "cofferdam/1/run/%s", hex);
    TRY(merkle_tree_root(&log->tree, &checkpoint.root));
    TRY(checkpoint_write(&checkpoint, &text));
    return hash_bytes("checkpoint", buffer_view(&text), ret);
}

/* The peaks that the size has, lowest first. */
struct result run_log_keep(const struct run_log *log, struct effects *effects)
{
    CLEANUP(buffer_done) struct buffer record = {0};
    TRY(buffer_u64(&record, log->tree.size));
    for (unsigned k = 0; k < 64; k++)
        if (log->tree.size >> k & 1) TRY(buffer_append(&record, hash_view(&log->tree.peaks[k])));
    return effect_persist(effects, KEEP_RUN, buffer_view(&record), "log");
}

struct result run_log_load(const struct record_source *records, struct run_log *ret)
{
    CLEANUP(buffer_done) struct buffer record = {0};
    bool found = false;
    *ret = (struct run_log){0};
    TRY(record_load(records, KEEP_RUN, &record, &found, "log"));
    if (!found) return RESULT_OK;
    struct reader reader = reader_of(buffer_view(&record), "the record of the run's log");
    TRY(reader_u64(&reader, &ret->tree.size));
    for (unsigned k = 0; k < 64; k++) {
        struct view peak;
        if (!(ret->tree.size >> k & 1)) continue;
        TRY(reader_take(&reader, HASH_BYTES, &peak));
        memcpy(ret->tree.peaks[k].bytes, peak.data, HASH_BYTES);
    }
    return reader_end(&reader);
}
