#include "proto/log/journal.h"

#include <inttypes.h>
#include <string.h>

#include "crypto/base/checked.h"
#include "crypto/base/text.h"

enum { HEX_BYTES = 2 * HASH_BYTES, SIGNATURE_HEX_BYTES = 2 * SIGN_BYTES };
#define SIGNATURE_FRONT ",\"signature\":\""
#define SIGNATURE_BACK "\"}"

static bool event_good(struct view event)
{
    bool good = event.length > 0 && event.length <= JOURNAL_EVENT_MAX;
    for (size_t i = 0; good && i < event.length; i++) good = event.data[i] >= 'a' && event.data[i] <= 'z';
    return good;
}

static bool facts_good(struct view facts)
{
    return facts.length >= 2 && facts.data[0] == '{' && facts.data[facts.length - 1] == '}' &&
           text_printable(facts, "");
}

/* ---- writing */

static struct result put_covered(const struct journal_head *head, const struct journal_entry *entry, struct buffer *out)
{
    char hex[HEX_BYTES + 1];
    bytes_hex(hash_view(&head->last), hex);
    TRY(buffer_format(out, "{\"entry\":%" PRIu64 ",\"time\":%" PRIu64 ",\"event\":\"%s\",\"previous\":\"%s\",",
                      head->entries + 1, entry->time, entry->event, hex));
    bytes_hex(hash_view(&entry->run), hex);
    if (entry->has_run) TRY(buffer_format(out, "\"run\":\"%s\",", hex));
    TRY(buffer_text(out, "\"facts\":"));
    return buffer_append(out, entry->facts);
}

struct result journal_add(struct journal_head *head, const struct sign_key *key, const struct journal_entry *entry,
                          struct buffer *out)
{
    CLEANUP(buffer_done) struct buffer line = {0};
    struct signature signature;
    struct journal_head next = {.entries = head->entries + 1};
    char hex[SIGNATURE_HEX_BYTES + 1];
    ENSURE(event_good(view_text(entry->event)) && facts_good(entry->facts), CATEGORY_BUG,
           "the journal's event \"%s\" cannot stand in a line", entry->event);
    TRY(put_covered(head, entry, &line));
    TRY(sign_bytes(key, "journal", buffer_view(&line), &signature));
    bytes_hex(view_of(signature.bytes, SIGN_BYTES), hex);
    TRY(buffer_format(&line, SIGNATURE_FRONT "%s" SIGNATURE_BACK, hex));
    ENSURE(line.length <= JOURNAL_LINE_MAX, CATEGORY_BUG, "an entry of the journal has %zu bytes", line.length);
    TRY(hash_bytes("journal-entry", buffer_view(&line), &next.last));
    TRY(buffer_u8(&line, '\n'));
    TRY(buffer_append(out, buffer_view(&line)));
    *head = next;
    return RESULT_OK;
}

/* ---- reading */

static bool take_text(struct view *rest, const char *text)
{
    size_t length = strlen(text);
    if (rest->length < length || memcmp(rest->data, text, length) != 0) return false;
    *rest = view_of(rest->data + length, rest->length - length);
    return true;
}

/* Digits without a sign or a leading zero. */
static bool take_number(struct view *rest, uint64_t *ret)
{
    size_t length = 0;
    *ret = 0;
    for (; length < rest->length && rest->data[length] >= '0' && rest->data[length] <= '9'; length++)
        if (!checked_mul_u64(*ret, 10, ret) || !checked_add_u64(*ret, (uint64_t)(rest->data[length] - '0'), ret))
            return false;
    if (length == 0 || (length > 1 && rest->data[0] == '0')) return false;
    *rest = view_of(rest->data + length, rest->length - length);
    return true;
}

static bool take_hash(struct view *rest, struct hash *ret)
{
    if (rest->length < HEX_BYTES || !result_ok(bytes_unhex(view_of(rest->data, HEX_BYTES), ret->bytes, HASH_BYTES)))
        return false;
    *rest = view_of(rest->data + HEX_BYTES, rest->length - HEX_BYTES);
    return true;
}

static bool take_event(struct view *rest, char ret[JOURNAL_EVENT_MAX + 1])
{
    const uint8_t *end = rest->length ? memchr(rest->data, '"', rest->length) : NULL;
    if (!end) return false;
    struct view event = view_of(rest->data, (size_t)(end - rest->data));
    if (!event_good(event)) return false;
    memcpy(ret, event.data, event.length);
    ret[event.length] = 0;
    *rest = view_of(end, rest->length - event.length);
    return true;
}

/* From the end: *ret_covered is what stands before the signature. */
static bool take_signature(struct view line, struct view *ret_covered, struct signature *ret)
{
    size_t length = strlen(SIGNATURE_FRONT) + SIGNATURE_HEX_BYTES + strlen(SIGNATURE_BACK);
    if (line.length < length) return false;
    struct view tail = view_of(line.data + line.length - length, length);
    if (!take_text(&tail, SIGNATURE_FRONT)) return false;
    if (!result_ok(bytes_unhex(view_of(tail.data, SIGNATURE_HEX_BYTES), ret->bytes, SIGN_BYTES))) return false;
    tail = view_of(tail.data + SIGNATURE_HEX_BYTES, tail.length - SIGNATURE_HEX_BYTES);
    *ret_covered = view_of(line.data, line.length - length);
    return take_text(&tail, SIGNATURE_BACK) && tail.length == 0;
}

struct result journal_parse(struct view line, struct journal_entry *ret)
{
    struct journal_entry entry = {0};
    ENSURE(line.length <= JOURNAL_LINE_MAX, CATEGORY_FALSE, "it has more than %zu bytes", JOURNAL_LINE_MAX);
    ENSURE(take_signature(line, &entry.covered, &entry.signature), CATEGORY_FALSE, "it does not end in a signature");
    struct view rest = entry.covered;
    bool good = take_text(&rest, "{\"entry\":") && take_number(&rest, &entry.number) &&
                take_text(&rest, ",\"time\":") && take_number(&rest, &entry.time) &&
                take_text(&rest, ",\"event\":\"") && take_event(&rest, entry.event) &&
                take_text(&rest, "\",\"previous\":\"") && take_hash(&rest, &entry.previous) && take_text(&rest, "\",");
    entry.has_run = good && take_text(&rest, "\"run\":\"");
    if (entry.has_run) good = take_hash(&rest, &entry.run) && take_text(&rest, "\",");
    good = good && take_text(&rest, "\"facts\":");
    ENSURE(good, CATEGORY_FALSE, "it is not an entry of a journal");
    ENSURE(facts_good(rest), CATEGORY_FALSE, "its facts are not a JSON object on one line");
    entry.facts = rest;
    *ret = entry;
    return RESULT_OK;
}

struct result journal_verify(const struct journal_entry *entry, const struct sign_public *key)
{
    return sign_verify(key, "journal", entry->covered, &entry->signature);
}

void journal_reader_done(struct journal_reader *reader)
{
    buffer_done(&reader->partial);
}

static struct result check_place(const struct journal_head *head, const struct journal_entry *entry)
{
    ENSURE(entry->number == head->entries + 1, CATEGORY_FALSE,
           "it is entry %" PRIu64 ", where entry %" PRIu64 " must be", entry->number, head->entries + 1);
    ENSURE(hash_equal(&entry->previous, &head->last), CATEGORY_FALSE, "it does not follow from the line before");
    return RESULT_OK;
}

static struct result take_line(struct journal_reader *reader, struct view line)
{
    struct journal_entry entry;
    TRY(journal_parse(line, &entry));
    TRY(check_place(&reader->head, &entry));
    if (reader->entry) TRY(reader->entry(reader->context, &entry));
    TRY(hash_bytes("journal-entry", line, &reader->head.last));
    reader->head.entries++;
    return RESULT_OK;
}

/* The reason begins with the line that is read now: the one after the head. */
static struct result at_line(const struct journal_reader *reader, struct result result)
{
    return result_at(result, "line %" PRIu64 ": ", reader->head.entries + 1);
}

struct result journal_reader_take(struct journal_reader *reader, struct view piece)
{
    while (piece.length > 0) {
        const uint8_t *end = memchr(piece.data, '\n', piece.length);
        struct view part = view_of(piece.data, end ? (size_t)(end - piece.data) : piece.length);
        if (reader->partial.length + part.length > JOURNAL_LINE_MAX)
            return at_line(reader, FAIL(CATEGORY_FALSE, "it has more than %zu bytes", JOURNAL_LINE_MAX));
        bool whole = end && reader->partial.length == 0;
        if (!whole) TRY(buffer_append(&reader->partial, part));
        if (!end) return RESULT_OK;
        TRY(at_line(reader, take_line(reader, whole ? part : buffer_view(&reader->partial))));
        buffer_clear(&reader->partial);
        piece = view_of(end + 1, piece.length - part.length - 1);
    }
    return RESULT_OK;
}

struct result journal_reader_end(const struct journal_reader *reader)
{
    if (reader->partial.length == 0) return RESULT_OK;
    return at_line(reader, FAIL(CATEGORY_FALSE, "it is not whole: the file ends inside it"));
}
