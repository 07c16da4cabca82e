#include "proto/secagg/run_log.h"

#include <stdio.h>
#include <string.h>

#include "proto/log/checkpoint.h"
#include "proto/run/note.h"
#include "proto/secagg/effects.h"

struct result run_log_add(struct run_log *log, const struct wire_close *closed)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    struct wire_close statement = *closed;
    struct hash leaf;
    statement.counter = statement.time = 0;
    statement.cosignature = (struct signature){0};
    ENSURE(closed->step == log->tree.size, CATEGORY_BUG, "step %llu is logged after %llu steps",
           (unsigned long long)closed->step, (unsigned long long)log->tree.size);
    TRY(wire_close_encode(&statement, &bytes));
    TRY(merkle_leaf(buffer_view(&bytes), &leaf));
    return merkle_tree_append(&log->tree, &leaf);
}

struct result run_log_text(const struct run_log *log, const struct hash *run, struct buffer *out)
{
    struct checkpoint checkpoint = {.size = log->tree.size};
    char hex[2 * HASH_BYTES + 1];
    bytes_hex(hash_view(run), hex);
    (void)snprintf(checkpoint.origin, sizeof checkpoint.origin, "cofferdam/1/run/%s", hex);
    TRY(merkle_tree_root(&log->tree, &checkpoint.root));
    return checkpoint_write(&checkpoint, out);
}

struct result run_log_checkpoint(const struct run_log *log, const struct hash *run, struct hash *ret)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    *ret = (struct hash){0};
    if (log->tree.size == 0) return RESULT_OK;
    TRY(run_log_text(log, run, &text));
    return hash_bytes("checkpoint", buffer_view(&text), ret);
}

struct result run_log_check_cosignature(const struct run_log *log, const struct run *run, unsigned signer,
                                        const struct wire_close *vote)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    TRY(run_log_text(log, &run->id, &text));
    const struct sign_public *key = &run->terms.roster->members[signer - 1].node;
    struct result verified = note_cosignature_verify(buffer_view(&text), key, vote->time, &vote->cosignature);
    ENSURE(vote->time > 0 && verified.category != CATEGORY_FALSE, CATEGORY_PEER,
           "%s closes step %llu without its cosignature of the log's checkpoint", run_member(run, signer),
           (unsigned long long)vote->step);
    return verified;
}

/* Each vote of a certificate that was verified. */
static struct result read_vote(const struct run *run, struct view item, struct wire_arena *arena, unsigned *ret_signer,
                               struct wire_close *ret)
{
    struct wire_signed one;
    unsigned size = run->terms.roster->size;
    TRY(wire_signed_decode(item, size, arena, &one));
    *ret_signer = one.signer;
    return wire_close_decode(one.body, size, arena, ret);
}

struct result run_log_take(struct run_log *log, struct run *run, struct view certificate, struct wire_arena *arena,
                           struct wire_close *ret)
{
    struct run_log next = *log;
    struct wire_list list;
    TRY(certificate_close(run, certificate, arena, ret));
    ENSURE(ret->step == next.tree.size, CATEGORY_PEER, "a CLOSE certificate of step %llu after %llu steps",
           (unsigned long long)ret->step, (unsigned long long)next.tree.size);
    TRY(run_log_add(&next, ret));
    TRY(wire_list_decode(certificate, run->terms.roster->size, arena, &list));
    for (size_t i = 0; i < list.count; i++) {
        unsigned signer;
        struct wire_close vote;
        TRY(read_vote(run, list.items[i], arena, &signer, &vote));
        TRY(run_log_check_cosignature(&next, run, signer, &vote));
    }
    *log = next;
    return RESULT_OK;
}

struct result run_log_note(const struct run_log *log, const struct run *run, const struct sign_key *key,
                           struct view certificate, struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer text = {0};
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct wire_list list;
    TRY(run_log_text(log, &run->id, &text));
    TRY(note_sign(buffer_view(&text), run_member(run, 0), key, out));
    TRY(wire_list_decode(certificate, run->terms.roster->size, &arena, &list));
    for (size_t i = 0; i < list.count; i++) {
        unsigned signer;
        struct wire_close vote;
        TRY(read_vote(run, list.items[i], &arena, &signer, &vote));
        TRY(note_cosignature_line(run_member(run, signer), &run->terms.roster->members[signer - 1].node, vote.time,
                                  &vote.cosignature, out));
    }
    return RESULT_OK;
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

struct result run_log_read(struct view record, struct run_log *ret)
{
    struct reader reader = reader_of(record, "the record of the run's log");
    *ret = (struct run_log){0};
    TRY(reader_u64(&reader, &ret->tree.size));
    for (unsigned k = 0; k < 64; k++) {
        struct view peak;
        if (!(ret->tree.size >> k & 1)) continue;
        TRY(reader_take(&reader, HASH_BYTES, &peak));
        memcpy(ret->tree.peaks[k].bytes, peak.data, HASH_BYTES);
    }
    return reader_end(&reader);
}

struct result run_log_load(const struct record_source *records, struct run_log *ret)
{
    CLEANUP(buffer_done) struct buffer record = {0};
    bool found = false;
    *ret = (struct run_log){0};
    TRY(record_load(records, KEEP_RUN, &record, &found, "log"));
    return found ? run_log_read(buffer_view(&record), ret) : RESULT_OK;
}
