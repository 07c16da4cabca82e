/* Service messages. Each is laid out by hand: fixed fields in the order of its struct, integers little-endian, every
 * text and byte string behind its u32 length. So each value has one encoding, and a decoder borrows instead of copying.
 */
#include "proto/run/service.h"

#include <string.h>

#include "crypto/base/protocol.h"
#include "crypto/base/text.h"

static const uint8_t magic[4] = {'c', 'o', 'f', 'd'};

struct result service_frame_write(enum service_kind kind, const struct hash *run, struct view payload,
                                  struct buffer *out)
{
    static const struct hash none;
    size_t start = out->length;
    TRY(buffer_reserve(out, sizeof magic + 2 + HASH_BYTES + payload.length)); /* so that nothing below fails halfway */
    TRY(buffer_append(out, view_of(magic, sizeof magic)));
    TRY(buffer_u8(out, SERVICE_FORM));
    TRY(buffer_u8(out, (uint8_t)kind));
    TRY(buffer_append(out, hash_view(run ? run : &none)));
    TRY(buffer_append(out, payload));
    if (out->length - start <= MESSAGE_MAX) return RESULT_OK;
    out->length = start;
    return FAIL(CATEGORY_BUG, "a message of %zu bytes is over the limit of %zu", payload.length, MESSAGE_MAX);
}

static struct result hash_read(struct reader *reader, struct hash *ret)
{
    struct view bytes;
    TRY(reader_take(reader, HASH_BYTES, &bytes));
    memcpy(ret->bytes, bytes.data, HASH_BYTES);
    return RESULT_OK;
}

struct result service_frame_read(struct view bytes, struct service_frame *ret)
{
    ENSURE(bytes.length <= MESSAGE_MAX, CATEGORY_PEER, "a message of %zu bytes is over the limit of %zu", bytes.length,
           MESSAGE_MAX);
    struct reader reader = reader_of(bytes, "a message");
    struct view head;
    uint8_t form, kind;
    TRY(reader_take(&reader, sizeof magic, &head));
    ENSURE(memcmp(head.data, magic, sizeof magic) == 0, CATEGORY_PEER, "what came is no message of this protocol");
    TRY(reader_u8(&reader, &form));
    ENSURE(
        form == SERVICE_FORM, CATEGORY_PEER,
        "the peer's messages have version %u of their form and this program's version %u; install one version on both "
        "sides",
        form, SERVICE_FORM);
    TRY(reader_u8(&reader, &kind));
    ENSURE(kind <= SERVICE_BUNDLE, CATEGORY_PEER, "a message of unknown kind %u", kind);
    struct hash run;
    TRY(hash_read(&reader, &run));
    *ret = (struct service_frame){.kind = (enum service_kind)kind, .run = run, .payload = reader.rest};
    return RESULT_OK;
}

static struct result bytes_write(struct view bytes, struct buffer *out)
{
    ENSURE(bytes.length <= MESSAGE_MAX, CATEGORY_BUG, "a field of %zu bytes is over the limit of %zu", bytes.length,
           MESSAGE_MAX);
    TRY(buffer_u32(out, (uint32_t)bytes.length));
    return buffer_append(out, bytes);
}

static struct result bytes_read(struct reader *reader, const char *field, size_t most, struct view *ret)
{
    uint32_t length;
    TRY(reader_u32(reader, &length));
    ENSURE(length <= most, CATEGORY_PEER, "%s: %s has %u bytes, more than %zu", reader->what, field, length, most);
    return reader_take(reader, length, ret);
}

/* A sentence may have been cut in the middle of a character, or quote bytes of a peer: what goes out is clean. */
static struct result text_write(const char *text, struct buffer *out)
{
    size_t length = strlen(text), cut = 0;
    while (cut < 3 && cut < length && !text_utf8(view_of(text, length - cut))) cut++;
    if (text_utf8(view_of(text, length - cut))) length -= cut;
    size_t at = out->length;
    TRY(bytes_write(view_of(text, length), out));
    uint8_t *copy = out->data + at + 4;
    bool whole = text_utf8(view_of(copy, length)) && text_printable(view_of(copy, length), "");
    for (size_t i = 0; !whole && i < length; i++)
        if (copy[i] < 0x20 || copy[i] >= 0x7F) copy[i] = '?';
    return RESULT_OK;
}

/* out holds most + 1 bytes. */
static struct result text_read(struct reader *reader, const char *field, size_t most, char *out)
{
    struct view text;
    TRY(bytes_read(reader, field, most, &text));
    ENSURE(text_utf8(text) && text_printable(text, ""), CATEGORY_PEER, "%s: %s is not plain UTF-8 text", reader->what,
           field);
    if (text.length) memcpy(out, text.data, text.length);
    out[text.length] = 0;
    return RESULT_OK;
}

/* A set carries the size of the roster it belongs to. */
static struct result members_write(const struct members *set, struct buffer *out)
{
    TRY(buffer_u32(out, set->size));
    return buffer_append(out, members_view(set));
}

static struct result members_read(struct reader *reader, unsigned roster_size, struct members *ret)
{
    uint32_t size;
    struct view bits;
    TRY(reader_u32(reader, &size));
    ENSURE(size == roster_size, CATEGORY_PEER,
           "%s is over a roster of %u members, the pinned one has %u; compare rosters", reader->what, size,
           roster_size);
    TRY(reader_take(reader, (size + 7) / 8, &bits));
    return members_from(bits, size, ret);
}

struct result service_submission_write(const struct service_submission *submission, struct buffer *out)
{
    TRY(members_write(&submission->cohort, out));
    TRY(buffer_u32(out, submission->submitter));
    TRY(buffer_append(out, view_of(submission->nonce, SERVICE_NONCE_BYTES)));
    TRY(buffer_append(out, view_of(submission->signature.bytes, SIGN_BYTES)));
    TRY(bytes_write(submission->plan_note, out));
    return submission->version > 1 ? buffer_u8(out, (uint8_t)submission->version) : RESULT_OK;
}

/* Nothing stands for version 1, whose programs know no such field. */
static struct result version_read(struct reader *reader, unsigned *ret)
{
    char ours[PROTOCOL_WORDS_MAX];
    uint8_t version = 1;
    if (reader->rest.length) {
        TRY(reader_u8(reader, &version));
        ENSURE(version > 1, CATEGORY_PEER, "a submission that states version %u: nothing stands for 1", version);
    }
    ENSURE(version <= protocol_spoken.newest, CATEGORY_PEER,
           "the run is of version %u of the protocol and this program speaks %s; upgrade this program", version,
           protocol_words(protocol_spoken, ours));
    TRY(reader_end(reader));
    *ret = version;
    return RESULT_OK;
}

struct result service_submission_read(struct view payload, unsigned roster_size, struct service_submission *ret)
{
    struct reader reader = reader_of(payload, "a submission");
    struct service_submission submission = {0};
    struct view bytes;
    TRY(members_read(&reader, roster_size, &submission.cohort));
    ENSURE(members_count(&submission.cohort) >= COHORT_MIN, CATEGORY_PEER,
           "a submission names a cohort of %u; %u are the least", members_count(&submission.cohort), COHORT_MIN);
    TRY(reader_u32(&reader, &submission.submitter));
    ENSURE(submission.submitter >= 1 && submission.submitter <= roster_size, CATEGORY_PEER,
           "a submission by position %u of a roster of %u", submission.submitter, roster_size);
    TRY(reader_take(&reader, SERVICE_NONCE_BYTES, &bytes));
    memcpy(submission.nonce, bytes.data, SERVICE_NONCE_BYTES);
    TRY(reader_take(&reader, SIGN_BYTES, &bytes));
    memcpy(submission.signature.bytes, bytes.data, SIGN_BYTES);
    TRY(bytes_read(&reader, "the plan", DOCUMENT_MAX, &submission.plan_note));
    ENSURE(submission.plan_note.length > 0, CATEGORY_PEER, "a submission without a plan");
    TRY(version_read(&reader, &submission.version));
    *ret = submission;
    return RESULT_OK;
}

struct result service_poll_write(const struct service_poll *poll, struct buffer *out)
{
    ENSURE(poll->known_count <= SERVICE_KNOWN_MAX, CATEGORY_BUG, "a poll over %zu runs, more than %u",
           poll->known_count, SERVICE_KNOWN_MAX);
    TRY(buffer_u32(out, (uint32_t)poll->known_count));
    for (size_t i = 0; i < poll->known_count; i++) TRY(buffer_append(out, hash_view(&poll->known[i])));
    return RESULT_OK;
}

struct result service_poll_read(struct view payload, struct service_poll_reader *ret)
{
    struct reader reader = reader_of(payload, "a poll");
    uint32_t count;
    TRY(reader_u32(&reader, &count));
    ENSURE(count <= SERVICE_KNOWN_MAX && reader.rest.length == (size_t)count * HASH_BYTES, CATEGORY_PEER,
           "a poll over %u runs in %zu bytes", count, reader.rest.length);
    if (count) memcpy(ret->known, reader.rest.data, reader.rest.length);
    ret->known_count = count;
    return RESULT_OK;
}

struct result service_item_write(const struct service_item *item, struct buffer *out)
{
    TRY(buffer_u8(out, (uint8_t)item->kind));
    TRY(buffer_append(out, hash_view(&item->run)));
    return bytes_write(item->bytes, out);
}

struct result service_item_read(struct reader *reader, struct service_item *ret, bool *ret_got)
{
    *ret_got = false;
    if (reader->rest.length == 0) return RESULT_OK;
    struct service_item item;
    uint8_t kind;
    TRY(reader_u8(reader, &kind));
    ENSURE(kind >= SERVICE_ITEM_OFFER && kind <= SERVICE_ITEM_ENDED, CATEGORY_PEER, "an offer of unknown kind %u",
           kind);
    item.kind = (enum service_item_kind)kind;
    TRY(hash_read(reader, &item.run));
    TRY(bytes_read(reader, "an item", MESSAGE_MAX, &item.bytes));
    *ret = item;
    *ret_got = true;
    return RESULT_OK;
}

struct result service_answer_write(const struct service_answer *answer, struct buffer *out)
{
    TRY(buffer_u8(out, answer->ok));
    return text_write(answer->reason, out);
}

struct result service_answer_read(struct view payload, struct service_answer *ret)
{
    struct reader reader = reader_of(payload, "an answer");
    struct service_answer answer;
    uint8_t ok;
    TRY(reader_u8(&reader, &ok));
    ENSURE(ok <= 1, CATEGORY_PEER, "an answer that is neither yes nor no");
    answer.ok = ok == 1;
    TRY(text_read(&reader, "its reason", SERVICE_REASON_MAX, answer.reason));
    TRY(reader_end(&reader));
    *ret = answer;
    return RESULT_OK;
}

struct result service_run_status_write(const struct service_run_status *status, struct buffer *out)
{
    TRY(buffer_append(out, hash_view(&status->run)));
    TRY(text_write(status->plan, out));
    TRY(buffer_u32(out, status->submitter));
    TRY(buffer_u8(out, (uint8_t)status->state));
    TRY(members_write(&status->cohort, out));
    TRY(members_write(&status->awaited, out));
    TRY(buffer_u64(out, status->submitted_at));
    TRY(buffer_u64(out, status->since));
    TRY(buffer_u64(out, status->step));
    TRY(text_write(status->phase, out));
    return text_write(status->progress, out);
}

struct result service_run_status_read(struct reader *reader, unsigned roster_size, struct service_run_status *ret,
                                      bool *ret_got)
{
    *ret_got = false;
    if (reader->rest.length == 0) return RESULT_OK;
    struct service_run_status status;
    uint32_t submitter;
    uint8_t state;
    TRY(hash_read(reader, &status.run));
    TRY(text_read(reader, "the plan's name", NAME_MAX_BYTES, status.plan));
    TRY(reader_u32(reader, &submitter));
    ENSURE(submitter >= 1 && submitter <= roster_size, CATEGORY_PEER, "a run by position %u of a roster of %u",
           submitter, roster_size);
    status.submitter = submitter;
    TRY(reader_u8(reader, &state));
    ENSURE(state >= SERVICE_RUN_OPEN && state <= SERVICE_RUN_FAILED, CATEGORY_PEER, "a run in unknown state %u", state);
    status.state = (enum service_run_state)state;
    TRY(members_read(reader, roster_size, &status.cohort));
    TRY(members_read(reader, roster_size, &status.awaited));
    TRY(reader_u64(reader, &status.submitted_at));
    TRY(reader_u64(reader, &status.since));
    TRY(reader_u64(reader, &status.step));
    TRY(text_read(reader, "its phase", SERVICE_REASON_MAX, status.phase));
    TRY(text_read(reader, "its progress", SERVICE_REASON_MAX, status.progress));
    *ret = status;
    *ret_got = true;
    return RESULT_OK;
}

struct result service_piece_ask(uint64_t offset, struct buffer *out)
{
    return buffer_u64(out, offset);
}

struct result service_piece_asked(struct view payload, uint64_t *ret_offset)
{
    struct reader reader = reader_of(payload, "a request for a run's bundle");
    TRY(reader_u64(&reader, ret_offset));
    return reader_end(&reader);
}

struct result service_piece_write(const struct service_piece *piece, struct buffer *out)
{
    TRY(buffer_u64(out, piece->total));
    return buffer_append(out, piece->bytes);
}

struct result service_piece_read(struct view payload, struct service_piece *ret)
{
    struct reader reader = reader_of(payload, "a piece of a run's bundle");
    TRY(reader_u64(&reader, &ret->total));
    ret->bytes = reader.rest;
    ENSURE(ret->bytes.length <= SERVICE_PIECE_MAX && ret->bytes.length <= ret->total, CATEGORY_PEER,
           "a piece of a run's bundle of %zu bytes", ret->bytes.length);
    return RESULT_OK;
}
