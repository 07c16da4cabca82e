/* Signed notes: taking them apart is strict, since what is signed is the exact text. */
#include "proto/run/note.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"

#define DASH "\xe2\x80\x94 " /* an em dash and a blank open a signature line */
enum { DASH_BYTES = 4, KEY_ID_BYTES = 4, TIME_BYTES = 8 };
enum { ED25519 = 0x01, COSIGNATURE = 0x04 };

void note_done(struct note *note)
{
    free(note->lines);
    *note = (struct note){0};
}

bool note_name_good(struct view name)
{
    if (name.length == 0 || !text_printable(name, "")) return false;
    static const char *const blanks[] = {"\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\xa8", "\xe2\x80\xa9",
                                         "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};
    for (size_t i = 0; i < name.length; i++) {
        if (name.data[i] == ' ' || name.data[i] == '+') return false;
        for (size_t k = 0; k < sizeof blanks / sizeof *blanks; k++) {
            size_t length = strlen(blanks[k]);
            if (length <= name.length - i && memcmp(name.data + i, blanks[k], length) == 0) return false;
        }
        /* U+2000 to U+200A */
        if (name.length - i >= 3 && memcmp(name.data + i, "\xe2\x80", 2) == 0 && name.data[i + 2] >= 0x80 &&
            name.data[i + 2] <= 0x8a)
            return false;
    }
    return true;
}

static uint64_t big_endian(const uint8_t bytes[TIME_BYTES])
{
    uint64_t value = 0;
    for (size_t i = 0; i < TIME_BYTES; i++) value = value << 8 | bytes[i];
    return value;
}

/* One line without its newline. A line of another algorithm or with a name longer than ours is well-formed but can be
 * none of ours: *ret_known tells. */
static struct result line_parse(struct view line, struct note_line *ret, bool *ret_known)
{
    ENSURE(line.length > DASH_BYTES && memcmp(line.data, DASH, DASH_BYTES) == 0, CATEGORY_FALSE,
           "the note has a line after its text that is not a signature");
    const uint8_t *start = line.data + DASH_BYTES, *end = line.data + line.length;
    const uint8_t *blank = memchr(start, ' ', (size_t)(end - start));
    ENSURE(blank && note_name_good(view_of(start, (size_t)(blank - start))), CATEGORY_FALSE,
           "a signature line of the note has no proper name");
    size_t name_length = (size_t)(blank - start);
    CLEANUP(buffer_done) struct buffer bytes = {0};
    struct result decoded = text_unbase64(view_of(blank + 1, (size_t)(end - blank - 1)), &bytes);
    ENSURE(decoded.category != CATEGORY_FALSE && (!result_ok(decoded) || bytes.length > KEY_ID_BYTES), CATEGORY_FALSE,
           "a signature line of the note is not base64");
    TRY(decoded);
    bool timed = bytes.length == KEY_ID_BYTES + TIME_BYTES + SIGN_BYTES;
    *ret_known = (timed || bytes.length == KEY_ID_BYTES + SIGN_BYTES) && name_length <= NAME_MAX_BYTES;
    if (!*ret_known) return RESULT_OK;
    memset(ret, 0, sizeof *ret);
    memcpy(ret->name, start, name_length);
    memcpy(ret->key_id, bytes.data, KEY_ID_BYTES);
    ret->timed = timed;
    if (timed) ret->time = big_endian(bytes.data + KEY_ID_BYTES);
    memcpy(ret->signature.bytes, bytes.data + bytes.length - SIGN_BYTES, SIGN_BYTES);
    return RESULT_OK;
}

/* The last blank line parts text and signatures; NULL when there is none. */
static const uint8_t *last_blank_line(struct view bytes)
{
    for (size_t i = bytes.length; i >= 2; i--)
        if (bytes.data[i - 1] == '\n' && bytes.data[i - 2] == '\n') return bytes.data + i - 1;
    return NULL;
}

static struct result lines_parse(struct view rest, struct note *note)
{
    size_t count = 0, seen = 0;
    for (size_t i = 0; i < rest.length; i++) count += rest.data[i] == '\n';
    ENSURE(count > 0, CATEGORY_FALSE, "the note has no signature line; sign it first");
    ENSURE(count <= NOTE_SIGNATURES_MAX, CATEGORY_FALSE, "the note has %zu signature lines, more than %u", count,
           NOTE_SIGNATURES_MAX);
    note->lines = calloc(count, sizeof *note->lines);
    ENSURE(note->lines, CATEGORY_ENVIRONMENT, "out of memory for a note");
    for (; seen < count; seen++) {
        const uint8_t *end = memchr(rest.data, '\n', rest.length);
        struct view line = view_of(rest.data, (size_t)(end - rest.data));
        bool known = false;
        TRY(line_parse(line, &note->lines[note->lines_count], &known));
        note->lines_count += known;
        rest = view_of(end + 1, rest.length - line.length - 1);
    }
    return RESULT_OK;
}

struct result note_parse(struct view bytes, struct note *ret)
{
    ENSURE(bytes.length <= DOCUMENT_MAX, CATEGORY_FALSE, "the note is larger than %zu bytes", DOCUMENT_MAX);
    ENSURE(text_utf8(bytes), CATEGORY_FALSE, "the note is not UTF-8 text");
    for (size_t i = 0; i < bytes.length; i++)
        ENSURE(bytes.data[i] >= 0x20 || bytes.data[i] == '\n', CATEGORY_FALSE,
               "the note holds a control character (byte 0x%02x)", bytes.data[i]);
    const uint8_t *blank = last_blank_line(bytes);
    ENSURE(blank && bytes.data[bytes.length - 1] == '\n', CATEGORY_FALSE,
           "this is not a signed note: text, a blank line and signature lines");
    CLEANUP(note_done) struct note note = {.text = view_of(bytes.data, (size_t)(blank - bytes.data))};
    TRY(lines_parse(view_of(blank + 1, bytes.length - note.text.length - 1), &note));
    *ret = note;
    note = (struct note){0};
    return RESULT_OK;
}

/* H(name ‖ newline ‖ algorithm ‖ key), its first four bytes. */
static struct result key_id(const char *name, uint8_t algorithm, const struct sign_public *key,
                            uint8_t ret[KEY_ID_BYTES])
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    TRY(buffer_text(&bytes, name));
    TRY(buffer_u8(&bytes, '\n'));
    TRY(buffer_u8(&bytes, algorithm));
    TRY(buffer_append(&bytes, view_of(key->bytes, SIGN_PUBLIC_BYTES)));
    struct hash hash;
    TRY(hash_bytes(NULL, buffer_view(&bytes), &hash));
    memcpy(ret, hash.bytes, KEY_ID_BYTES);
    return RESULT_OK;
}

/* What a cosignature is made over: C2SP tlog-cosignature. */
static struct result cosigned(struct view text, uint64_t time, struct buffer *out)
{
    TRY(buffer_format(out, "cosignature/v1\ntime %" PRIu64 "\n", time));
    return buffer_append(out, text);
}

struct result note_cosignature_verify(struct view text, const struct sign_public *key, uint64_t time,
                                      const struct signature *signature)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    TRY(cosigned(text, time, &bytes));
    return sign_verify(key, NULL, buffer_view(&bytes), signature);
}

static struct result line_verify(const struct note *note, const struct note_line *line, const struct sign_public *key)
{
    if (!line->timed) return sign_verify(key, NULL, note->text, &line->signature);
    return note_cosignature_verify(note->text, key, line->time, &line->signature);
}

struct result note_line_names(const struct note_line *line, const struct sign_public *key, bool *ret)
{
    uint8_t id[KEY_ID_BYTES];
    TRY(key_id(line->name, line->timed ? COSIGNATURE : ED25519, key, id));
    *ret = memcmp(line->key_id, id, sizeof id) == 0;
    return RESULT_OK;
}

struct result note_verify_line(const struct note *note, const struct note_line *line, const struct sign_public *key)
{
    bool named = false;
    TRY(note_line_names(line, key, &named));
    ENSURE(named, CATEGORY_FALSE, "the signature of %s is by another key than here", line->name);
    struct result verified = line_verify(note, line, key);
    ENSURE(verified.category != CATEGORY_FALSE, CATEGORY_FALSE, "the signature of %s does not verify", line->name);
    return verified;
}

static struct result find_and_verify(const struct note *note, const char *name, const struct sign_public *key,
                                     bool timed, uint64_t *ret_time)
{
    uint8_t id[KEY_ID_BYTES];
    TRY(key_id(name, timed ? COSIGNATURE : ED25519, key, id));
    bool found = false;
    for (size_t i = 0; i < note->lines_count; i++) {
        const struct note_line *line = &note->lines[i];
        if (line->timed != timed || strcmp(line->name, name) != 0 || memcmp(line->key_id, id, sizeof id) != 0) continue;
        struct result verified = line_verify(note, line, key);
        ENSURE(verified.category != CATEGORY_FALSE, CATEGORY_FALSE, "the signature of %s does not verify", name);
        TRY(verified);
        if (!found || line->time > *ret_time) *ret_time = line->time;
        found = true;
    }
    ENSURE(found, CATEGORY_FALSE, "there is no %s of %s with this key", timed ? "cosignature" : "signature", name);
    return RESULT_OK;
}

struct result note_verify(const struct note *note, const char *name, const struct sign_public *key)
{
    uint64_t none;
    return find_and_verify(note, name, key, false, &none);
}

struct result note_verify_cosignature(const struct note *note, const char *name, const struct sign_public *key,
                                      uint64_t *ret_time)
{
    return find_and_verify(note, name, key, true, ret_time);
}

/* time 0: a plain signature. */
static struct result append_line(const char *name, const struct sign_public *key, uint64_t time,
                                 const struct signature *signature, struct buffer *out)
{
    ENSURE(note_name_good(view_text(name)) && strlen(name) <= NAME_MAX_BYTES, CATEGORY_USAGE,
           "\"%s\" cannot sign a note: a name has up to %u bytes, no blanks and no plus sign", name, NAME_MAX_BYTES);
    uint8_t bytes[KEY_ID_BYTES + TIME_BYTES + SIGN_BYTES];
    size_t used = KEY_ID_BYTES;
    TRY(key_id(name, time ? COSIGNATURE : ED25519, key, bytes));
    for (size_t i = 0; time && i < TIME_BYTES; i++) bytes[used++] = (uint8_t)(time >> (8 * (TIME_BYTES - 1 - i)));
    memcpy(bytes + used, signature->bytes, SIGN_BYTES);
    TRY(buffer_format(out, DASH "%s ", name));
    TRY(text_base64(view_of(bytes, used + SIGN_BYTES), out));
    return buffer_u8(out, '\n');
}

static struct result sign_line(struct view text, const char *name, const struct sign_key *key, struct buffer *out)
{
    struct signature signature;
    TRY(sign_bytes(key, NULL, text, &signature));
    return append_line(name, sign_key_public(key), 0, &signature, out);
}

/* On failure what was appended is taken off again. */
static struct result whole_or_nothing(struct result result, struct buffer *out, size_t length)
{
    if (!result_ok(result)) out->length = length;
    return result;
}

static struct result sign_into(struct view text, const char *name, const struct sign_key *key, struct buffer *out)
{
    TRY(buffer_append(out, text));
    TRY(buffer_u8(out, '\n'));
    return sign_line(text, name, key, out);
}

struct result note_sign(struct view text, const char *name, const struct sign_key *key, struct buffer *out)
{
    ENSURE(text.length > 0 && text.data[text.length - 1] == '\n', CATEGORY_USAGE,
           "the text does not end in a newline; add one, then sign it");
    ENSURE(text_utf8(text), CATEGORY_USAGE, "the text is not UTF-8");
    for (size_t i = 0; i < text.length; i++)
        ENSURE(text.data[i] >= 0x20 || text.data[i] == '\n', CATEGORY_USAGE,
               "the text holds a control character (byte 0x%02x); use spaces and plain line ends", text.data[i]);
    size_t length = out->length;
    return whole_or_nothing(sign_into(text, name, key, out), out, length);
}

/* Room for one more line. */
static struct result open_note(struct view note_bytes, struct note *ret)
{
    TRY(note_parse(note_bytes, ret));
    ENSURE(ret->lines_count < NOTE_SIGNATURES_MAX, CATEGORY_USAGE, "the note has %zu signatures already",
           ret->lines_count);
    return RESULT_OK;
}

static struct result add_into(struct view note_bytes, struct view text, const char *name, const struct sign_key *key,
                              struct buffer *out)
{
    TRY(buffer_append(out, note_bytes));
    return sign_line(text, name, key, out);
}

struct result note_add(struct view note_bytes, const char *name, const struct sign_key *key, struct buffer *out)
{
    CLEANUP(note_done) struct note note = {0};
    TRY(open_note(note_bytes, &note));
    size_t length = out->length;
    return whole_or_nothing(add_into(note_bytes, note.text, name, key, out), out, length);
}

struct result note_cosignature_make(struct view text, const struct sign_key *key, uint64_t time, struct signature *ret)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    ENSURE(time > 0 && time <= INT64_MAX, CATEGORY_USAGE, "a cosignature's time must be from 1 to 2^63 - 1 seconds");
    TRY(cosigned(text, time, &bytes));
    return sign_bytes(key, NULL, buffer_view(&bytes), ret);
}

struct result note_signature_line(const char *name, const struct sign_public *key, const struct signature *signature,
                                  struct buffer *out)
{
    size_t length = out->length;
    return whole_or_nothing(append_line(name, key, 0, signature, out), out, length);
}

struct result note_cosignature_line(const char *name, const struct sign_public *key, uint64_t time,
                                    const struct signature *signature, struct buffer *out)
{
    ENSURE(time > 0 && time <= INT64_MAX, CATEGORY_USAGE, "a cosignature's time must be from 1 to 2^63 - 1 seconds");
    size_t length = out->length;
    return whole_or_nothing(append_line(name, key, time, signature, out), out, length);
}

struct result note_cosign(struct view note_bytes, const char *name, const struct sign_key *key, uint64_t time,
                          struct buffer *out)
{
    CLEANUP(note_done) struct note note = {0};
    struct signature signature;
    TRY(open_note(note_bytes, &note));
    TRY(note_cosignature_make(note.text, key, time, &signature));
    size_t length = out->length;
    TRY(buffer_append(out, note_bytes));
    return whole_or_nothing(note_cosignature_line(name, sign_key_public(key), time, &signature, out), out, length);
}
