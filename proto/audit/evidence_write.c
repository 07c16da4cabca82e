#include "proto/audit/evidence_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/secagg/check.h"
#include "proto/secagg/effects.h"

#define PREFIX "evidence/"

/* A file in the making. */
struct draft {
    const struct evidence_source *source;
    const char *key; /* of the record, after PREFIX */
    struct buffer record, out;
    struct wire_arena arena;
};

static void draft_done(struct draft *draft)
{
    buffer_done(&draft->record);
    buffer_done(&draft->out);
    wire_arena_done(&draft->arena);
}

static unsigned roster_size(const struct draft *draft)
{
    return draft->source->terms->roster->size;
}

/* ---- what a file is made of */

/* The line and the entries that every file begins with. */
static struct result begin(struct draft *draft, const char *kind)
{
    TRY(evidence_put_kind(&draft->out, kind));
    TRY(evidence_put(&draft->out, EVIDENCE_ROSTER, draft->source->roster));
    return evidence_put(&draft->out, EVIDENCE_RUN, draft->source->submission);
}

/* The record as the list of two that it is. */
static struct result pair_of(struct draft *draft, struct view *ret_one, struct view *ret_other)
{
    struct wire_list list;
    TRY(wire_list_decode(buffer_view(&draft->record), roster_size(draft), &draft->arena, &list));
    ENSURE(list.count == 2, CATEGORY_ENVIRONMENT, "a damaged record " PREFIX "%s", draft->key);
    *ret_one = list.items[0];
    *ret_other = list.items[1];
    return RESULT_OK;
}

static struct result body_of(struct draft *draft, struct view message, struct view *ret)
{
    struct wire_signed one;
    TRY(wire_signed_decode(message, roster_size(draft), &draft->arena, &one));
    *ret = one.body;
    return RESULT_OK;
}

/* Every bank's P1: a node has them as a list, the coordinator one by one. */
static struct result put_keys(struct draft *draft, uint32_t epoch)
{
    const struct members *cohort = &draft->source->terms->cohort;
    CLEANUP(ballot_done) struct ballot ballot = {0};
    CLEANUP(buffer_done) struct buffer list = {0};
    bool found = false;
    TRY(record_load(&draft->source->records, KEEP_RUN, &list, &found, "p1s/%u", epoch));
    if (found) return evidence_put(&draft->out, EVIDENCE_P1, buffer_view(&list));
    TRY(ballot_init(&ballot, cohort->size));
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j)) {
        CLEANUP(buffer_done) struct buffer one = {0};
        TRY(record_need(&draft->source->records, KEEP_RUN, &one, "p1/%05u/%05u", epoch, j));
        TRY(ballot_put(&ballot, j, buffer_view(&one)));
    }
    buffer_clear(&list);
    TRY(ballot_list(&ballot, NULL, 0, &list));
    return evidence_put(&draft->out, EVIDENCE_P1, buffer_view(&list));
}

/* The keys and the terms of a round. */
static struct result put_round(struct draft *draft, uint64_t round, bool keys)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    struct view body;
    struct wire_r0 r0;
    TRY(record_need(&draft->source->records, KEEP_RUN, &bytes, "r0/%05llu", (unsigned long long)round));
    TRY(body_of(draft, buffer_view(&bytes), &body));
    TRY(wire_r0_decode(body, roster_size(draft), &draft->arena, &r0));
    if (keys) TRY(put_keys(draft, r0.epoch));
    return evidence_put(&draft->out, EVIDENCE_R0, buffer_view(&bytes));
}

static struct result put_certificate(struct draft *draft, uint64_t round)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    TRY(record_need(&draft->source->records, KEEP_RUN, &bytes, "certificate/%05llu", (unsigned long long)round));
    return evidence_put(&draft->out, EVIDENCE_R2, buffer_view(&bytes));
}

/* The number in the key after so many slashes. */
static uint64_t number_in(const struct draft *draft, unsigned place)
{
    const char *at = draft->key;
    for (unsigned i = 0; i < place; i++) {
        at = strchr(at, '/');
        if (!at) return 0;
        at++;
    }
    return strtoull(at, NULL, 10);
}

/* ---- one function a kind of record */

typedef struct result compose(struct draft *draft, enum evidence_message which);

/* A node keeps both messages in one record. */
static struct result compose_pair(struct draft *draft, enum evidence_message which)
{
    struct view one, other;
    TRY(pair_of(draft, &one, &other));
    TRY(begin(draft, which == EVIDENCE_OF_ACK ? "keys" : "contradiction"));
    TRY(evidence_put_message(&draft->out, which, one));
    return evidence_put_message(&draft->out, which, other);
}

/* The coordinator keeps the second under the key of the first. */
static struct result compose_second(struct draft *draft, enum evidence_message which)
{
    CLEANUP(buffer_done) struct buffer first = {0};
    TRY(record_need(&draft->source->records, KEEP_RUN, &first, "%s", draft->key));
    TRY(begin(draft, "contradiction"));
    TRY(evidence_put_message(&draft->out, which, buffer_view(&first)));
    return evidence_put_message(&draft->out, which, buffer_view(&draft->record));
}

/* A VOID after a release, or after another VOID. */
static struct result compose_void(struct draft *draft, enum evidence_message which)
{
    CLEANUP(buffer_done) struct buffer release = {0};
    bool found = false;
    TRY(record_load(&draft->source->records, KEEP_RUN, &release, &found, "release%s", draft->key + strlen("void")));
    if (!found) return compose_second(draft, which);
    TRY(begin(draft, "contradiction"));
    TRY(evidence_put_message(&draft->out, EVIDENCE_OF_R3, buffer_view(&release)));
    return evidence_put_message(&draft->out, which, buffer_view(&draft->record));
}

/* What the refused message was compared with, if it was kept. */
static struct result put_certified(struct draft *draft)
{
    CLEANUP(buffer_done) struct buffer context = {0};
    struct wire_list list;
    bool found = false;
    TRY(record_load(&draft->source->records, KEEP_RUN, &context, &found, "proof/%s", draft->key));
    if (!found) return RESULT_OK;
    TRY(wire_list_decode(buffer_view(&context), roster_size(draft), &draft->arena, &list));
    ENSURE(list.count == 2, CATEGORY_ENVIRONMENT, "a damaged record proof/%s", draft->key);
    TRY(evidence_put(&draft->out, EVIDENCE_CLOSE, list.items[0]));
    return evidence_put(&draft->out, EVIDENCE_TEXT, list.items[1]);
}

static struct result compose_terms(struct draft *draft, enum evidence_message which)
{
    CLEANUP(buffer_done) struct buffer acks = {0};
    struct view body, message = buffer_view(&draft->record);
    struct wire_r0 r0;
    bool found = false;
    TRY(body_of(draft, message, &body));
    TRY(wire_r0_decode(body, roster_size(draft), &draft->arena, &r0));
    TRY(begin(draft, "terms"));
    TRY(evidence_put_message(&draft->out, which, message));
    TRY(record_load(&draft->source->records, KEEP_RUN, &acks, &found, "acks/%u", r0.epoch));
    if (found) TRY(evidence_put(&draft->out, EVIDENCE_ACK, buffer_view(&acks)));
    return put_certified(draft);
}

static struct result compose_proposal(struct draft *draft, enum evidence_message which)
{
    struct view body, message = buffer_view(&draft->record);
    struct wire_r2 r2;
    TRY(body_of(draft, message, &body));
    TRY(wire_r2_decode(body, roster_size(draft), &draft->arena, &r2));
    TRY(begin(draft, "proposal"));
    TRY(evidence_put_message(&draft->out, which, message));
    return put_round(draft, r2.round, false);
}

static struct result compose_inputs(struct draft *draft, enum evidence_message which)
{
    (void)which;
    struct view open, certificate;
    TRY(pair_of(draft, &open, &certificate));
    TRY(begin(draft, "inputs"));
    TRY(evidence_put(&draft->out, EVIDENCE_OPEN, open));
    return evidence_put(&draft->out, EVIDENCE_R2, certificate);
}

/* A signed sum, and the certificate of the one that t banks checked. */
static struct result compose_closed(struct draft *draft, enum evidence_message which)
{
    (void)which;
    struct view open, certificate;
    TRY(pair_of(draft, &open, &certificate));
    TRY(begin(draft, "closed"));
    TRY(evidence_put(&draft->out, EVIDENCE_OPEN, open));
    return evidence_put(&draft->out, EVIDENCE_CLOSE, certificate);
}

/* The coordinator's note, and the certificate and the text of this bank's own log. */
static struct result compose_checkpoints(struct draft *draft, enum evidence_message which)
{
    (void)which;
    struct wire_list list;
    TRY(wire_list_decode(buffer_view(&draft->record), roster_size(draft), &draft->arena, &list));
    ENSURE(list.count == 3, CATEGORY_ENVIRONMENT, "a damaged record " PREFIX "%s", draft->key);
    TRY(begin(draft, "checkpoints"));
    TRY(evidence_put(&draft->out, EVIDENCE_CHECKPOINT, list.items[0]));
    TRY(evidence_put(&draft->out, EVIDENCE_CLOSE, list.items[1]));
    return evidence_put(&draft->out, EVIDENCE_TEXT, list.items[2]);
}

/* What came with OPEN. */
static struct result load_opened(struct draft *draft, uint64_t round, struct wire_opened *ret)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    TRY(record_need(&draft->source->records, KEEP_RUN, &bytes, "proof/opened/%05llu", (unsigned long long)round));
    return wire_opened_decode(buffer_view(&bytes), roster_size(draft), &draft->arena, ret);
}

static struct result compose_secret(struct draft *draft, enum evidence_message which)
{
    (void)which;
    uint64_t round = number_in(draft, 1);
    struct wire_opened opened;
    TRY(load_opened(draft, round, &opened));
    TRY(begin(draft, "secret"));
    TRY(put_round(draft, round, true));
    TRY(evidence_put(&draft->out, EVIDENCE_OPEN, opened.open));
    return evidence_put(&draft->out, EVIDENCE_SECRETS, opened.secrets);
}

static struct result put_sum(struct draft *draft, uint64_t round, uint32_t chunks)
{
    for (uint32_t c = 0; c < chunks; c++) {
        CLEANUP(buffer_done) struct buffer words = {0}, payload = {0};
        bool found = false;
        TRY(record_load(&draft->source->records, KEEP_RUN, &words, &found, "proof/sum/%05llu/%05u",
                        (unsigned long long)round, c));
        if (!found) return RESULT_OK;
        TRY(buffer_u32(&payload, c));
        TRY(buffer_append(&payload, buffer_view(&words)));
        TRY(evidence_put(&draft->out, EVIDENCE_SUM, buffer_view(&payload)));
    }
    return RESULT_OK;
}

/* The chunks that were kept of a bank's masked input, each with its path under the root that the bank signed. */
static struct result put_input(struct draft *draft, uint64_t round, unsigned position, struct view leaves)
{
    const struct hash *hashes = (const struct hash *)(const void *)leaves.data;
    uint32_t chunks = (uint32_t)(leaves.length / HASH_BYTES);
    for (uint32_t c = 0; c < chunks; c++) {
        CLEANUP(buffer_done) struct buffer words = {0}, path = {0}, payload = {0};
        bool found = false;
        TRY(record_load(&draft->source->records, KEEP_RUN, &words, &found, "proof/y/%05llu/%05u/%05u",
                        (unsigned long long)round, position, c));
        if (!found) continue;
        TRY(merkle_path(hashes, chunks, c, &path));
        TRY(buffer_u32(&payload, position));
        TRY(buffer_u32(&payload, c));
        TRY(buffer_u32(&payload, (uint32_t)path.length));
        TRY(buffer_append(&payload, buffer_view(&path)));
        TRY(buffer_append(&payload, buffer_view(&words)));
        TRY(evidence_put(&draft->out, EVIDENCE_INPUT, buffer_view(&payload)));
    }
    return RESULT_OK;
}

static struct result compose_sum(struct draft *draft, enum evidence_message which)
{
    (void)which;
    uint64_t round = number_in(draft, 1);
    CLEANUP(buffer_done) struct buffer headers = {0};
    struct wire_opened opened;
    struct view body;
    struct wire_open open;
    size_t rank = 0;
    TRY(load_opened(draft, round, &opened));
    TRY(body_of(draft, opened.open, &body));
    TRY(wire_open_decode(body, roster_size(draft), &draft->arena, &open));
    ENSURE(opened.leaves.count == members_count(&open.survivors) && opened.leaves.count > 0, CATEGORY_ENVIRONMENT,
           "a damaged record proof/opened/%05llu", (unsigned long long)round);
    TRY(begin(draft, "sum"));
    TRY(put_round(draft, round, true));
    TRY(evidence_put(&draft->out, EVIDENCE_OPEN, opened.open));
    TRY(wire_list_encode(&opened.headers, &headers));
    TRY(evidence_put(&draft->out, EVIDENCE_R1, buffer_view(&headers)));
    TRY(evidence_put(&draft->out, EVIDENCE_SECRETS, opened.secrets));
    TRY(put_sum(draft, round, (uint32_t)(opened.leaves.items[0].length / HASH_BYTES)));
    for (unsigned j = members_next(&open.survivors, 0); j; j = members_next(&open.survivors, j))
        TRY(put_input(draft, round, j, opened.leaves.items[rank++]));
    return RESULT_OK;
}

static struct result compose_share(struct draft *draft, enum evidence_message which)
{
    uint64_t round = number_in(draft, 1);
    TRY(begin(draft, "share"));
    TRY(put_round(draft, round, true));
    TRY(put_certificate(draft, round));
    return evidence_put_message(&draft->out, which, buffer_view(&draft->record));
}

static struct result put_release(void *context, const char *key, struct view value)
{
    (void)key;
    struct draft *draft = context;
    return evidence_put_message(&draft->out, EVIDENCE_OF_R3, value);
}

/* The releases of t banks are a record each; the key of any of them leads to all. */
static struct result compose_deal(struct draft *draft, enum evidence_message which)
{
    (void)which;
    const struct record_source *records = &draft->source->records;
    uint64_t round = number_in(draft, 1);
    char prefix[MACHINE_KEY_MAX];
    TRY(begin(draft, "deal"));
    TRY(put_round(draft, round, true));
    TRY(put_certificate(draft, round));
    (void)snprintf(prefix, sizeof prefix, PREFIX "deal/%05llu/%05llu/", (unsigned long long)round,
                   (unsigned long long)number_in(draft, 2));
    return records->each(records->context, false, false, prefix, put_release, draft);
}

/* ---- all of them */

static const struct {
    const char *prefix; /* of the key, after PREFIX */
    enum evidence_message which;
    compose *compose;
} rows[] = {
    {"r0/", EVIDENCE_OF_R0, compose_pair},
    {"r2/", EVIDENCE_OF_R2, compose_pair},
    {"open/", EVIDENCE_OF_OPEN, compose_pair},
    {"set/", EVIDENCE_OF_ACK, compose_pair},
    {"inputs/", EVIDENCE_OF_OPEN, compose_inputs},
    {"closed/", EVIDENCE_OF_OPEN, compose_closed},
    {"secret/", EVIDENCE_OF_OPEN, compose_secret},
    {"checkpoint/", EVIDENCE_OF_CLOSE, compose_checkpoints},
    {"sum/", EVIDENCE_OF_OPEN, compose_sum},
    {"refused/r0/", EVIDENCE_OF_R0, compose_terms},
    {"refused/r2/", EVIDENCE_OF_R2, compose_proposal},
    {"p1/", EVIDENCE_OF_P1, compose_second},
    {"ack/", EVIDENCE_OF_ACK, compose_second},
    {"r1/", EVIDENCE_OF_R1, compose_second},
    {"vote/", EVIDENCE_OF_R2, compose_second},
    {"void/", EVIDENCE_OF_VOID, compose_void},
    {"release/", EVIDENCE_OF_R3, compose_second},
    {"close/", EVIDENCE_OF_CLOSE, compose_second},
    {"share/", EVIDENCE_OF_R3, compose_share},
    {"deal/", EVIDENCE_OF_R3, compose_deal},
};

enum { ROWS = sizeof rows / sizeof *rows };

/* "evidence/sum/00003" is kept in sum-00003.cfe; all the releases of a false deal in one file. */
static void name_of(const char *key, char out[EVIDENCE_NAME_MAX])
{
    size_t length = strlen(key);
    if (strncmp(key, "deal/", 5) == 0) length = (size_t)(strrchr(key, '/') - key);
    (void)snprintf(out, EVIDENCE_NAME_MAX, "%.*s.cfe", (int)length, key);
    for (char *at = out; *at; at++)
        if (*at == '/') *at = '-';
}

/* The row that a key belongs to, or the number of rows. */
static size_t row_of(const char *key)
{
    size_t row = 0;
    while (row < ROWS && strncmp(key, rows[row].prefix, strlen(rows[row].prefix)) != 0) row++;
    return row;
}

static struct result write_draft(struct draft *draft, const struct evidence_sink *sink, const char *name)
{
    const struct evidence_source *source = draft->source;
    size_t row = row_of(draft->key);
    TRY(record_need(&source->records, KEEP_RUN, &draft->record, PREFIX "%s", draft->key));
    TRY(rows[row].compose(draft, rows[row].which));
    struct evidence_report *report = calloc(1, sizeof *report);
    ENSURE(report, CATEGORY_ENVIRONMENT, "out of memory for evidence");
    struct view bytes = buffer_view(&draft->out);
    struct result result = evidence_check(bytes, &source->terms->roster->hash, source->observer, report);
    if (result_ok(result)) result = sink->write(sink->context, name, bytes, report);
    free(report);
    return result;
}

static struct result write_one(const struct evidence_source *source, const struct evidence_sink *sink, const char *key)
{
    CLEANUP(draft_done) struct draft draft = {.source = source, .key = key};
    char name[EVIDENCE_NAME_MAX];
    name_of(key, name);
    return sink->has(sink->context, name) ? RESULT_OK : write_draft(&draft, sink, name);
}

/* The keys of the records, which may not be read while they are gone through. */
struct keys {
    struct buffer names; /* MACHINE_KEY_MAX each */
    size_t count;
    unsigned of_row[ROWS];
};

static void keys_done(struct keys *keys)
{
    buffer_done(&keys->names);
}

static struct result take_key(void *context, const char *key, struct view value)
{
    (void)value;
    struct keys *keys = context;
    const char *name = key + strlen(PREFIX);
    char this[EVIDENCE_NAME_MAX], last[EVIDENCE_NAME_MAX] = "";
    uint8_t *at;
    size_t row = row_of(name);
    ENSURE(row < ROWS, CATEGORY_BUG, "no file is made of the record %s", key);
    name_of(name, this);
    if (keys->count) name_of((const char *)keys->names.data + keys->names.length - MACHINE_KEY_MAX, last);
    if (strcmp(this, last) == 0 || keys->of_row[row] == EVIDENCE_FILES_MAX) return RESULT_OK;
    keys->of_row[row]++;
    keys->count++;
    TRY(buffer_extend(&keys->names, MACHINE_KEY_MAX, &at));
    (void)snprintf((char *)at, MACHINE_KEY_MAX, "%s", name);
    return RESULT_OK;
}

struct result evidence_tell(const struct evidence_report *report, const char *name, const char *path,
                            struct buffer *out)
{
    switch (report->verdict) {
    case EVIDENCE_PROVEN:
        return buffer_format(out, "proven: %s; to read the proof: cofferdam audit evidence %s", report->claim, path);
    case EVIDENCE_STATEMENT:
        return buffer_format(out, "%s; to read what was signed: cofferdam audit evidence %s", report->claim, path);
    default:
        return buffer_format(out, "no %s is written, for it would not hold: %s", name, report->reason);
    }
}

struct result evidence_write(const struct evidence_source *source, const struct evidence_sink *sink)
{
    const struct record_source *records = &source->records;
    CLEANUP(keys_done) struct keys keys = {.count = 0};
    TRY(records->each(records->context, false, false, PREFIX, take_key, &keys));
    for (size_t i = 0; i < keys.count; i++)
        TRY(write_one(source, sink, (const char *)keys.names.data + i * MACHINE_KEY_MAX));
    return RESULT_OK;
}
