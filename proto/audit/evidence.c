/* Evidence files: their entries, and what all kinds have in common: the roster, the submission, keys and terms. */
#include "proto/audit/evidence.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/audit/evidence_case.h"

#define FIRST_LINE "cofferdam/1/evidence "
enum { NAMES_TOLD = 10 }; /* more of them do not make a sentence clearer */

struct message_kind_row {
    const char *label; /* of the signature */
    enum wire_type type;
};
static const struct message_kind_row rows[EVIDENCE_MESSAGES] = {
    [EVIDENCE_OF_P1] = {"p1", WIRE_P1},          [EVIDENCE_OF_ACK] = {"ack", WIRE_ACK},
    [EVIDENCE_OF_R0] = {"r0", WIRE_R0},          [EVIDENCE_OF_R1] = {"r1", WIRE_R1},
    [EVIDENCE_OF_R2] = {"r2", WIRE_R2},          [EVIDENCE_OF_VOID] = {"void", WIRE_VOID},
    [EVIDENCE_OF_R3] = {"r3", WIRE_R3},          [EVIDENCE_OF_OPEN] = {"open", WIRE_OPEN},
    [EVIDENCE_OF_CLOSE] = {"close", WIRE_CLOSE},
};

static const struct {
    const char *kind;
    case_judge *judge;
} judges[] = {
    {"contradiction", contradiction_judge},
    {"keys", keys_judge},
    {"checkpoints", checkpoints_judge},
    {"terms", terms_judge},
    {"proposal", proposal_judge},
    {"inputs", inputs_judge},
    {"secret", secret_judge},
    {"sum", sum_judge},
    {"share", share_judge},
    {"deal", deal_judge},
};

const char *evidence_verdict_name(enum evidence_verdict verdict)
{
    static const char *const names[] = {"false", "statement", "proven"};
    return names[verdict];
}

/* ---- writing */

struct result evidence_put_kind(struct buffer *out, const char *kind)
{
    return buffer_format(out, FIRST_LINE "%s\n", kind);
}

struct result evidence_put(struct buffer *out, enum evidence_entry kind, struct view payload)
{
    TRY(buffer_u8(out, (uint8_t)kind));
    TRY(buffer_u64(out, payload.length));
    return buffer_append(out, payload);
}

struct result evidence_put_message(struct buffer *out, enum evidence_message which, struct view message)
{
    TRY(buffer_u8(out, EVIDENCE_MESSAGE));
    TRY(buffer_u64(out, message.length + 1));
    TRY(buffer_u8(out, (uint8_t)which));
    return buffer_append(out, message);
}

/* ---- reading */

unsigned case_peek(const struct evidence_case *file)
{
    return file->rest.length ? file->rest.data[0] : 0;
}

struct result case_next(struct evidence_case *file, enum evidence_entry kind, struct view *ret)
{
    struct reader reader = reader_of(file->rest, "the evidence file");
    uint8_t got;
    uint64_t length;
    TRY(reader_u8(&reader, &got));
    ENSURE(got == kind, CATEGORY_FALSE, "an entry of kind %u stands where one of kind %u must be", got, (unsigned)kind);
    TRY(reader_u64(&reader, &length));
    ENSURE(length <= reader.rest.length, CATEGORY_FALSE, "the file ends inside an entry of kind %u", got);
    TRY(reader_take(&reader, (size_t)length, ret));
    file->rest = reader.rest;
    return RESULT_OK;
}

struct result case_signed(struct evidence_case *file, enum evidence_message which, struct view bytes,
                          struct signed_body *ret)
{
    return signed_read(file->run, rows[which].label, rows[which].type, bytes, &file->arena, ret);
}

struct result case_message(struct evidence_case *file, enum evidence_message *ret_which, struct signed_body *ret)
{
    struct view payload;
    TRY(case_next(file, EVIDENCE_MESSAGE, &payload));
    ENSURE(payload.length > 0 && payload.data[0] > 0 && payload.data[0] < EVIDENCE_MESSAGES, CATEGORY_FALSE,
           "a signed message of a kind that is not known here");
    *ret_which = (enum evidence_message)payload.data[0];
    return case_signed(file, *ret_which, view_of(payload.data + 1, payload.length - 1), ret);
}

struct result case_keys(struct evidence_case *file)
{
    const struct members *cohort = run_cohort(file->run);
    struct view payload, bodies[MEMBERS_MAX];
    struct wire_list list;
    size_t count = 0;
    TRY(case_next(file, EVIDENCE_P1, &payload));
    TRY(wire_list_decode(payload, file->replay->roster.size, &file->arena, &list));
    ENSURE(list.count == file->run->thresholds.n, CATEGORY_FALSE, "%zu P1 for a cohort of %u", list.count,
           file->run->thresholds.n);
    for (unsigned j = members_next(cohort, 0); j; j = members_next(cohort, j)) {
        struct signed_body body;
        TRY(case_signed(file, EVIDENCE_OF_P1, list.items[count], &body));
        ENSURE(body.message.signer == j, CATEGORY_FALSE, "P1 of %s where that of %s must be",
               run_member(file->run, body.message.signer), run_member(file->run, j));
        file->run->rounds = count ? file->run->rounds : body.p1.rounds;
        if (count == 0) TRY(provision_init(&file->keys, file->run, body.p1.epoch, body.p1.first, &body.p1.checkpoint));
        TRY(provision_take(&file->keys, file->run, j, &body.p1));
        bodies[count++] = body.message.body;
    }
    TRY(ctx_set_hash(bodies, count, &file->keys.set));
    case_checked(file, "the keys that all %zu banks signed for epoch %u", count, file->keys.epoch);
    return RESULT_OK;
}

struct result case_terms(struct evidence_case *file)
{
    struct view payload;
    struct signed_body body;
    TRY(case_next(file, EVIDENCE_R0, &payload));
    TRY(case_signed(file, EVIDENCE_OF_R0, payload, &body));
    ENSURE(body.message.signer == 0, CATEGORY_FALSE, "R0 is signed by %s, not by %s",
           run_member(file->run, body.message.signer), run_member(file->run, 0));
    if (file->keys.epoch) /* a file without keys needs none */
        ENSURE(body.r0.epoch == file->keys.epoch && provision_covers(&file->keys, body.r0.round) &&
                   hash_equal(&body.r0.set, &file->keys.set),
               CATEGORY_FALSE, "R0 of round %llu is over other keys than those in the file",
               (unsigned long long)body.r0.round);
    file->terms = body.r0;
    case_checked(file, "the terms that %s signed for round %llu", run_member(file->run, 0),
                 (unsigned long long)body.r0.round);
    return ctx_of(&body.r0, &file->ctx);
}

/* ---- the report */

void case_blame(struct evidence_case *file, unsigned signer, uint32_t epoch, uint64_t round)
{
    file->report->coordinator = signer == 0;
    file->report->epoch = epoch;
    file->report->round = round;
    CASE_SAY(file->report->against, "%s", run_member(file->run, signer));
}

void case_checked(struct evidence_case *file, const char *format, ...)
{
    struct evidence_report *report = file->report;
    if (report->checked_count == EVIDENCE_LINES) return;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(report->checked[report->checked_count++], EVIDENCE_LINE, format, arguments);
    va_end(arguments);
}

static void add(char *text, size_t size, const char *more)
{
    size_t length = strlen(text);
    (void)snprintf(text + length, size - length, "%s", more);
}

void case_names(const struct evidence_case *file, const struct members *set, char *text, size_t size)
{
    unsigned told = 0;
    for (unsigned j = members_next(set, 0); j; j = members_next(set, j)) {
        if (told) add(text, size, ", ");
        if (++told > NAMES_TOLD) {
            add(text, size, "and others");
            return;
        }
        add(text, size, run_member(file->run, j));
    }
}

void case_difference(const struct evidence_case *file, const struct members *before, const struct members *after,
                     char *text, size_t size)
{
    struct members dropped = *before, added = *after;
    for (unsigned j = 1; j <= before->size; j++) {
        if (members_has(after, j)) members_remove(&dropped, j);
        if (members_has(before, j)) members_remove(&added, j);
    }
    text[0] = 0;
    if (members_count(&dropped)) {
        add(text, size, " It leaves out the input of ");
        case_names(file, &dropped, text, size);
        add(text, size, ".");
    }
    if (members_count(&added)) {
        add(text, size, " It adds the input of ");
        case_names(file, &added, text, size);
        add(text, size, ".");
    }
}

static void report_roster(struct evidence_case *file)
{
    const struct roster *roster = &file->replay->roster;
    file->report->has_roster = true;
    file->report->version = roster->version;
    file->report->members = roster->size;
    file->report->fingerprint = roster->hash;
}

static void report_run(struct evidence_case *file)
{
    const struct submission *submission = &file->replay->submission;
    file->report->has_run = true;
    file->report->run = submission->id;
    CASE_SAY(file->report->plan, "%s", submission->plan.name);
    CASE_SAY(file->report->submitter, "%s", run_member(file->run, submission->terms.submitter));
}

/* ---- the file */

static struct result take_kind(struct evidence_case *file, case_judge **ret)
{
    size_t prefix = strlen(FIRST_LINE);
    const uint8_t *end = file->rest.length ? memchr(file->rest.data, '\n', file->rest.length) : NULL;
    ENSURE(end && (size_t)(end - file->rest.data) > prefix && memcmp(file->rest.data, FIRST_LINE, prefix) == 0,
           CATEGORY_FALSE, "this is no evidence file of a version that is known here");
    size_t length = (size_t)(end - file->rest.data) - prefix;
    for (size_t i = 0; i < sizeof judges / sizeof *judges; i++) {
        if (strlen(judges[i].kind) != length || memcmp(file->rest.data + prefix, judges[i].kind, length) != 0) continue;
        CASE_SAY(file->report->kind, "%s", judges[i].kind);
        *ret = judges[i].judge;
        file->rest = view_of(end + 1, file->rest.length - prefix - length - 1);
        return RESULT_OK;
    }
    return FAIL(CATEGORY_FALSE, "this evidence is of a kind that is not known here");
}

/* The roster, or its versions, and the submission. */
static struct result take_run(struct evidence_case *file, const struct hash *fingerprint)
{
    unsigned kind = EVIDENCE_ROSTER;
    while (kind != EVIDENCE_RUN) {
        struct bundle_entry entry = {0};
        kind = case_peek(file) == EVIDENCE_RUN ? EVIDENCE_RUN : EVIDENCE_ROSTER;
        TRY(case_next(file, (enum evidence_entry)kind, &entry.payload));
        entry.kind = kind;
        TRY(replay_take(file->replay, &entry, fingerprint));
        report_roster(file);
    }
    report_run(file);
    case_checked(file, "the roster, signed by its members, and the run, signed by %s", file->report->submitter);
    return RESULT_OK;
}

static struct result judge(struct evidence_case *file, const struct hash *fingerprint,
                           const struct replay_observer *observer)
{
    case_judge *judge_kind = NULL;
    TRY(take_kind(file, &judge_kind));
    TRY(replay_new(BUNDLE_FULL, observer, &file->replay));
    file->run = &file->replay->run;
    TRY(take_run(file, fingerprint));
    TRY(judge_kind(file));
    ENSURE(file->rest.length == 0, CATEGORY_FALSE, "the file goes on after its last entry");
    return RESULT_OK;
}

struct result evidence_check(struct view bytes, const struct hash *fingerprint, const struct replay_observer *observer,
                             struct evidence_report *ret)
{
    memset(ret, 0, sizeof *ret);
    struct evidence_case file = {.report = ret, .rest = bytes};
    struct result result = judge(&file, fingerprint, observer);
    replay_free(file.replay);
    wire_arena_done(&file.arena);
    provision_done(&file.keys);
    if (result.category == CATEGORY_ENVIRONMENT || result.category == CATEGORY_BUG) return result;
    if (result_ok(result)) return RESULT_OK;
    ret->verdict = EVIDENCE_FALSE;
    ret->against[0] = ret->claim[0] = ret->statement[0] = ret->because[0] = 0;
    CASE_SAY(ret->reason, "%s", result_reason());
    return RESULT_OK;
}
