#include "proto/audit/bundle.h"

#include <string.h>

#define FIRST_LINE "cofferdam/1/bundle "
enum { HEAD_BYTES = 9, LINE_MOST = 64 };

/* Memory is taken as bytes come, never because a length says so. */
#define STEP_BYTES ((size_t)1 << 20)

static const char *const form_names[] = {"full", "sums", "public"};

struct kind {
    const char *name;
    uint64_t most; /* bytes of payload */
};
/* Lists hold a message of each of MEMBERS_MAX banks; a P1 has a commitment and a key for each of EPOCH_ROUNDS_MAX. */
#define LIST_MOST ((uint64_t)16 << 20)
#define WHOLE_MOST ((uint64_t)256 << 20)
static const struct kind kinds[BUNDLE_KINDS] = {
    [BUNDLE_ROSTER] = {"roster", DOCUMENT_MAX},
    [BUNDLE_RUN] = {"submission", DOCUMENT_MAX + 4096},
    [BUNDLE_P1] = {"P1", LIST_MOST},
    [BUNDLE_ACK] = {"ACK", LIST_MOST},
    [BUNDLE_R0] = {"R0", 4096},
    [BUNDLE_VOID] = {"VOID certificate", LIST_MOST},
    [BUNDLE_SUPERSEDED] = {"certificate of a round that could not be opened", LIST_MOST},
    [BUNDLE_R2] = {"R2 certificate", LIST_MOST},
    [BUNDLE_R1] = {"R1 headers", LIST_MOST},
    [BUNDLE_OPEN] = {"OPEN", 4096},
    [BUNDLE_SECRETS] = {"revealed secrets", (uint64_t)32 * MEMBERS_MAX},
    [BUNDLE_INPUT] = {"masked input", 8 + CHUNK_BYTES},
    [BUNDLE_SUM] = {"sum", 4 + CHUNK_BYTES},
    [BUNDLE_CLOSE] = {"CLOSE certificate", LIST_MOST},
    [BUNDLE_CHECKPOINT] = {"checkpoint", DOCUMENT_MAX},
    [BUNDLE_STATE] = {"state", WHOLE_MOST},
    [BUNDLE_MODEL] = {"model", WHOLE_MOST},
    [BUNDLE_REFUSAL] = {"refusal", 8192},
    [BUNDLE_END] = {"END", 8192},
    [BUNDLE_DONE] = {"DONE", 8192},
};

const char *bundle_form_name(enum bundle_form form)
{
    return form_names[form];
}

const char *bundle_kind_name(unsigned kind)
{
    return kind < BUNDLE_KINDS && kinds[kind].name ? kinds[kind].name : "an entry of unknown kind";
}

struct result bundle_put_form(const struct bundle_sink *sink, enum bundle_form form)
{
    CLEANUP(buffer_done) struct buffer line = {0};
    TRY(buffer_format(&line, FIRST_LINE "%s\n", form_names[form]));
    return sink->append(sink->context, buffer_view(&line));
}

static struct result put_head(const struct bundle_sink *sink, enum bundle_kind kind, uint64_t length)
{
    uint8_t head[HEAD_BYTES] = {(uint8_t)kind};
    ENSURE(length <= kinds[kind].most, CATEGORY_USAGE, "a %s of %llu bytes is more than a bundle holds",
           kinds[kind].name, (unsigned long long)length);
    bytes_put_u64(head + 1, length);
    return sink->append(sink->context, view_of(head, sizeof head));
}

struct result bundle_put(const struct bundle_sink *sink, enum bundle_kind kind, struct view payload)
{
    TRY(put_head(sink, kind, payload.length));
    return payload.length ? sink->append(sink->context, payload) : RESULT_OK;
}

struct result bundle_put_input(const struct bundle_sink *sink, unsigned position, uint32_t chunk, struct view words)
{
    uint8_t place[8];
    bytes_put_u32(place, position);
    bytes_put_u32(place + 4, chunk);
    TRY(put_head(sink, BUNDLE_INPUT, sizeof place + words.length));
    TRY(sink->append(sink->context, view_of(place, sizeof place)));
    return sink->append(sink->context, words);
}

struct result bundle_put_sum(const struct bundle_sink *sink, uint32_t chunk, struct view words)
{
    uint8_t place[4];
    bytes_put_u32(place, chunk);
    TRY(put_head(sink, BUNDLE_SUM, sizeof place + words.length));
    TRY(sink->append(sink->context, view_of(place, sizeof place)));
    return sink->append(sink->context, words);
}

struct result bundle_redact(enum bundle_form from, enum bundle_form form, enum bundle_kind kind, struct view payload,
                            const struct bundle_sink *sink)
{
    ENSURE(from <= form, CATEGORY_USAGE, "a bundle of the form \"%s\" does not hold what \"%s\" does", form_names[from],
           form_names[form]);
    if (form >= BUNDLE_SUMS && (kind == BUNDLE_SECRETS || kind == BUNDLE_INPUT)) return RESULT_OK;
    if (form == BUNDLE_PUBLIC && (kind == BUNDLE_SUM || kind == BUNDLE_STATE || kind == BUNDLE_MODEL)) return RESULT_OK;
    return bundle_put(sink, kind, payload);
}

void bundle_reader_done(struct bundle_reader *reader)
{
    buffer_done(&reader->payload);
    *reader = (struct bundle_reader){0};
}

static struct result take(struct bundle_reader *reader, uint8_t *into, size_t length, size_t *ret_got)
{
    TRY(reader->source.read(reader->source.context, into, length, ret_got));
    reader->offset += *ret_got;
    return RESULT_OK;
}

/* Up to and with the newline. */
static struct result take_line(struct bundle_reader *reader, char line[LINE_MOST])
{
    size_t got = 0;
    for (size_t i = 0; i + 1 < LINE_MOST; i++) {
        TRY(take(reader, (uint8_t *)&line[i], 1, &got));
        line[i + got] = 0;
        if (!got || line[i] == '\n') return RESULT_OK;
    }
    line[LINE_MOST - 1] = 0;
    return RESULT_OK;
}

struct result bundle_reader_open(const struct bundle_source *source, struct bundle_reader *ret)
{
    struct bundle_reader reader = {.source = *source};
    char line[LINE_MOST];
    size_t prefix = strlen(FIRST_LINE);
    TRY(take_line(&reader, line));
    ENSURE(strncmp(line, "cofferdam/", 10) == 0 && strstr(line, "/bundle "), CATEGORY_FALSE,
           "this is not the bundle of a run");
    ENSURE(strncmp(line, FIRST_LINE, prefix) == 0, CATEGORY_FALSE,
           "this bundle is of a version that is not known here; a newer cofferdam reads it");
    for (size_t form = 0; form < sizeof form_names / sizeof *form_names; form++) {
        size_t length = strlen(form_names[form]);
        if (strncmp(line + prefix, form_names[form], length) != 0 || strcmp(line + prefix + length, "\n") != 0)
            continue;
        reader.form = (enum bundle_form)form;
        *ret = reader;
        return RESULT_OK;
    }
    return FAIL(CATEGORY_FALSE, "this bundle is of a form that is not known here");
}

static struct result take_payload(struct bundle_reader *reader, uint64_t length)
{
    buffer_clear(&reader->payload);
    while (length > 0) {
        size_t piece = length < STEP_BYTES ? (size_t)length : STEP_BYTES, got = 0;
        uint8_t *at;
        TRY(buffer_extend(&reader->payload, piece, &at));
        TRY(take(reader, at, piece, &got));
        ENSURE(got == piece, CATEGORY_FALSE, "the file ends inside this entry");
        length -= piece;
    }
    return RESULT_OK;
}

struct result bundle_next(struct bundle_reader *reader, struct bundle_entry *ret, bool *ret_got)
{
    uint8_t head[HEAD_BYTES];
    size_t got = 0;
    struct bundle_entry entry = {.number = reader->count + 1, .offset = reader->offset};
    *ret_got = false;
    TRY(take(reader, head, sizeof head, &got));
    *ret = entry;
    if (got == 0) return RESULT_OK;
    entry.kind = head[0];
    *ret = entry; /* what is known of it names it, also when it does not hold */
    ENSURE(got == sizeof head, CATEGORY_FALSE, "the file ends inside this entry");
    ENSURE(entry.kind < BUNDLE_KINDS && kinds[entry.kind].name, CATEGORY_FALSE, "no entry is of kind %u", entry.kind);
    uint64_t length = bytes_get_u64(head + 1);
    ENSURE(length <= kinds[entry.kind].most, CATEGORY_FALSE, "an entry of this kind has at most %llu bytes, not %llu",
           (unsigned long long)kinds[entry.kind].most, (unsigned long long)length);
    TRY(take_payload(reader, length));
    entry.payload = buffer_view(&reader->payload);
    reader->count++;
    *ret = entry;
    *ret_got = true;
    return RESULT_OK;
}
