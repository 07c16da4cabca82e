#include "proto/audit/bundle_write.h"

#include <stdlib.h>

#include "proto/secagg/check.h"
#include "proto/secagg/effects.h"

struct result bundle_progress_write(const struct bundle_progress *progress, struct buffer *out)
{
    TRY(buffer_u64(out, progress->length));
    TRY(buffer_u64(out, progress->steps));
    TRY(buffer_u64(out, progress->round));
    return buffer_u32(out, progress->epoch);
}

struct result bundle_progress_read(struct view record, struct bundle_progress *ret)
{
    struct reader reader = reader_of(record, "the record of the run's bundle");
    TRY(reader_u64(&reader, &ret->length));
    TRY(reader_u64(&reader, &ret->steps));
    TRY(reader_u64(&reader, &ret->round));
    TRY(reader_u32(&reader, &ret->epoch));
    return reader_end(&reader);
}

/* Counts what goes into the file. */
static struct result counted(void *context, struct view bytes)
{
    struct bundle_writer *writer = context;
    TRY(writer->sink.append(writer->sink.context, bytes));
    writer->progress.length += bytes.length;
    return RESULT_OK;
}

static struct bundle_sink sink_of(struct bundle_writer *writer)
{
    return (struct bundle_sink){writer, counted};
}

static struct result put(struct bundle_writer *writer, enum bundle_kind kind, struct view payload)
{
    struct bundle_sink sink = sink_of(writer);
    return bundle_put(&sink, kind, payload);
}

struct result bundle_begin(struct bundle_writer *writer, const struct view *rosters, size_t rosters_count,
                           struct view submission)
{
    struct bundle_sink sink = sink_of(writer);
    TRY(bundle_put_form(&sink, BUNDLE_FULL));
    for (size_t i = 0; i < rosters_count; i++) TRY(put(writer, BUNDLE_ROSTER, rosters[i]));
    return put(writer, BUNDLE_RUN, submission);
}

/* A record that may be there, by its kind and number. */
static struct result find(const struct bundle_writer *writer, const char *kind, uint64_t number, struct buffer *out,
                          bool *ret_found)
{
    return record_load(&writer->records, KEEP_RUN, out, ret_found, "%s/%05llu", kind, (unsigned long long)number);
}

/* One that must be. */
static struct result put_record(struct bundle_writer *writer, enum bundle_kind entry, const char *kind, uint64_t number)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    TRY(record_need(&writer->records, KEEP_RUN, &bytes, "%s/%05llu", kind, (unsigned long long)number));
    return put(writer, entry, buffer_view(&bytes));
}

/* Every bank's message of a phase, as a list in roster order. */
static struct result put_all(struct bundle_writer *writer, enum bundle_kind entry, const char *kind, uint32_t epoch)
{
    const struct members *cohort = &writer->terms->cohort;
    CLEANUP(ballot_done) struct ballot ballot = {0};
    CLEANUP(buffer_done) struct buffer list = {0};
    TRY(ballot_init(&ballot, cohort->size));
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j)) {
        CLEANUP(buffer_done) struct buffer bytes = {0};
        TRY(record_need(&writer->records, KEEP_RUN, &bytes, "%s/%05u/%05u", kind, epoch, j));
        TRY(ballot_put(&ballot, j, buffer_view(&bytes)));
    }
    TRY(ballot_list(&ballot, NULL, 0, &list));
    return put(writer, entry, buffer_view(&list));
}

static struct result put_epoch(struct bundle_writer *writer, uint32_t epoch)
{
    if (epoch == writer->progress.epoch) return RESULT_OK;
    TRY(put_all(writer, BUNDLE_P1, "p1", epoch));
    TRY(put_all(writer, BUNDLE_ACK, "ack", epoch));
    writer->progress.epoch = epoch;
    return RESULT_OK;
}

static struct result read_r0(const struct bundle_writer *writer, struct view bytes, struct wire_r0 *ret)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    unsigned size = writer->terms->roster->size;
    struct wire_signed one;
    TRY(wire_signed_decode(bytes, size, &arena, &one));
    return wire_r0_decode(one.body, size, &arena, ret);
}

/* Terms of a round, and how it went when it was not closed. */
static struct result put_round(struct bundle_writer *writer, uint64_t round, bool *ret_found)
{
    CLEANUP(buffer_done) struct buffer r0 = {0}, decision = {0};
    struct wire_r0 terms;
    bool found = false;
    TRY(find(writer, "r0", round, &r0, ret_found));
    if (!*ret_found) return RESULT_OK;
    TRY(read_r0(writer, buffer_view(&r0), &terms));
    TRY(put_epoch(writer, terms.epoch));
    TRY(put(writer, BUNDLE_R0, buffer_view(&r0)));
    writer->progress.round = round;
    TRY(find(writer, "voided", round, &decision, &found));
    if (found) return put(writer, BUNDLE_VOID, buffer_view(&decision));
    TRY(find(writer, "superseded", round, &decision, &found));
    return found ? put(writer, BUNDLE_SUPERSEDED, buffer_view(&decision)) : RESULT_OK;
}

/* All chunks of a bank's masked input. */
static struct result put_input(struct bundle_writer *writer, uint64_t round, unsigned position, uint32_t chunks)
{
    struct bundle_sink sink = sink_of(writer);
    for (uint32_t c = 0; c < chunks; c++) {
        CLEANUP(buffer_done) struct buffer words = {0};
        TRY(record_need(&writer->records, KEEP_RUN, &words, "y/%05llu/%05u/%05u", (unsigned long long)round, position,
                        c));
        TRY(bundle_put_input(&sink, position, c, buffer_view(&words)));
    }
    return RESULT_OK;
}

/* How many chunks the round's vectors have: as its headers, which the coordinator checked, say. */
static struct result count_chunks(const struct bundle_writer *writer, const struct wire_opened *opened,
                                  struct wire_arena *arena, uint32_t *ret)
{
    unsigned size = writer->terms->roster->size;
    struct wire_signed one;
    struct wire_r1 r1;
    ENSURE(opened->headers.count > 0, CATEGORY_ENVIRONMENT, "a damaged record of an opened round");
    TRY(wire_signed_decode(opened->headers.items[0], size, arena, &one));
    TRY(wire_r1_decode(one.body, size, arena, &r1));
    *ret = r1.chunks;
    return RESULT_OK;
}

static struct result put_sum(struct bundle_writer *writer, uint64_t step, uint32_t chunks)
{
    struct bundle_sink sink = sink_of(writer);
    for (uint32_t c = 0; c < chunks; c++) {
        CLEANUP(buffer_done) struct buffer words = {0};
        TRY(record_need(&writer->records, KEEP_RUN, &words, "sum/%05llu/%05u", (unsigned long long)step, c));
        TRY(bundle_put_sum(&sink, c, buffer_view(&words)));
    }
    return RESULT_OK;
}

/* What came of a round that was opened. */
static struct result put_opened(struct bundle_writer *writer, const struct wire_close *closed)
{
    CLEANUP(buffer_done) struct buffer bytes = {0}, headers = {0};
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    struct wire_opened opened;
    uint32_t chunks = 0;
    TRY(record_need(&writer->records, KEEP_RUN, &bytes, "open/%05llu", (unsigned long long)closed->round));
    TRY(wire_opened_decode(buffer_view(&bytes), writer->terms->roster->size, &arena, &opened));
    TRY(count_chunks(writer, &opened, &arena, &chunks));
    TRY(wire_list_encode(&opened.headers, &headers));
    TRY(put_record(writer, BUNDLE_R2, "certificate", closed->round));
    TRY(put(writer, BUNDLE_R1, buffer_view(&headers)));
    TRY(put(writer, BUNDLE_OPEN, opened.open));
    TRY(put(writer, BUNDLE_SECRETS, opened.secrets));
    const struct members *in = &closed->survivors;
    for (unsigned j = members_next(in, 0); j; j = members_next(in, j)) TRY(put_input(writer, closed->round, j, chunks));
    return put_sum(writer, closed->step, chunks);
}

/* Everything up to a closed step. */
static struct result put_step(struct bundle_writer *writer, struct view certificate)
{
    CLEANUP(buffer_done) struct buffer state = {0};
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    unsigned size = writer->terms->roster->size;
    struct wire_list list;
    struct wire_signed vote;
    struct wire_close closed;
    TRY(wire_list_decode(certificate, size, &arena, &list));
    ENSURE(list.count > 0, CATEGORY_ENVIRONMENT, "a damaged record of a closed step");
    TRY(wire_signed_decode(list.items[0], size, &arena, &vote));
    TRY(wire_close_decode(vote.body, size, &arena, &closed));
    bool found = true;
    for (uint64_t round = writer->progress.round + 1; round <= closed.round; round++)
        TRY(put_round(writer, round, &found));
    TRY(put_opened(writer, &closed));
    TRY(put(writer, BUNDLE_CLOSE, certificate));
    TRY(put_record(writer, BUNDLE_CHECKPOINT, "checkpoint", closed.step));
    TRY(record_need(&writer->records, KEEP_RUN, &state, "state"));
    TRY(put(writer, BUNDLE_STATE, buffer_view(&state)));
    writer->progress.steps++;
    return RESULT_OK;
}

struct result bundle_go_on(struct bundle_writer *writer)
{
    for (;;) {
        CLEANUP(buffer_done) struct buffer certificate = {0};
        bool found = false;
        TRY(find(writer, "closed", writer->progress.steps, &certificate, &found));
        if (!found) return RESULT_OK;
        TRY(put_step(writer, buffer_view(&certificate)));
    }
}

static struct result put_signed(struct bundle_writer *writer, enum bundle_kind entry, const char *key)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    TRY(record_need(&writer->records, KEEP_RUN, &bytes, "%s", key));
    return put(writer, entry, buffer_view(&bytes));
}

struct result bundle_finish(struct bundle_writer *writer, struct view model)
{
    CLEANUP(buffer_done) struct buffer refusal = {0};
    bool found = true;
    TRY(bundle_go_on(writer));
    if (model.length) {
        TRY(put(writer, BUNDLE_MODEL, model));
        return put_signed(writer, BUNDLE_DONE, "done");
    }
    while (found) TRY(put_round(writer, writer->progress.round + 1, &found));
    TRY(record_load(&writer->records, KEEP_RUN, &refusal, &found, "refusal"));
    if (found) TRY(put(writer, BUNDLE_REFUSAL, buffer_view(&refusal)));
    return put_signed(writer, BUNDLE_END, "ended");
}
