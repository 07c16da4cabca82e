#include "tests/support/tamper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/run/note.h"
#include "tests/support/memory_bundle.h"
#include "tests/support/ok.h"

void pieces_done(struct pieces *pieces)
{
    free(pieces->items);
    *pieces = (struct pieces){0};
}

static void add(struct pieces *pieces, struct view piece)
{
    pieces->items = realloc(pieces->items, (pieces->count + 1) * sizeof *pieces->items);
    assert_non_null(pieces->items);
    pieces->items[pieces->count++] = piece;
}

void pieces_of(struct view bundle, struct pieces *ret)
{
    CLEANUP(bundle_reader_done) struct bundle_reader reader = {0};
    struct memory_bundle memory;
    const struct bundle_source source = memory_source(&memory, bundle);
    bool got = true;
    *ret = (struct pieces){0};
    OK(bundle_reader_open(&source, &reader));
    add(ret, view_of(bundle.data, (size_t)reader.offset));
    while (got) {
        struct bundle_entry entry = {0};
        OK(bundle_next(&reader, &entry, &got));
        if (got) add(ret, view_of(bundle.data + entry.offset, BUNDLE_HEAD_BYTES + entry.payload.length));
    }
}

unsigned piece_kind(struct view piece)
{
    return piece.data[0];
}

struct view piece_payload(struct view piece)
{
    return view_of(piece.data + BUNDLE_HEAD_BYTES, piece.length - BUNDLE_HEAD_BYTES);
}

void pieces_join(const struct pieces *pieces, struct buffer *out)
{
    buffer_clear(out);
    for (size_t i = 0; i < pieces->count; i++) OK(buffer_append(out, pieces->items[i]));
}

void pieces_with(const struct pieces *pieces, size_t number, struct view payload, struct buffer *out)
{
    const struct bundle_sink sink = memory_sink(out);
    buffer_clear(out);
    for (size_t i = 0; i < pieces->count; i++)
        if (i == number)
            OK(bundle_put(&sink, piece_kind(pieces->items[i]), payload));
        else
            OK(buffer_append(out, pieces->items[i]));
}

static void flip(struct random_source *random, struct buffer *out)
{
    out->data[random_below(random, out->length)] ^= (uint8_t)(1u << random_below(random, 8));
}

/* Pieces a and b of `pieces` in each other's place; what they hold may be the same in an odd case, and then a bit
 * flips. */
static void swap(const struct pieces *pieces, size_t a, size_t b, struct random_source *random, struct buffer *out)
{
    if (view_equal(pieces->items[a], pieces->items[b])) {
        pieces_join(pieces, out);
        flip(random, out);
        return;
    }
    buffer_clear(out);
    for (size_t i = 0; i < pieces->count; i++) OK(buffer_append(out, pieces->items[i == a ? b : i == b ? a : i]));
}

void tamper(const struct pieces *pieces, struct random_source *random, struct buffer *out, const char **ret_what)
{
    static const char *const names[] = {"a bit", "an entry left out", "an entry doubled", "two entries swapped",
                                        "a cut"};
    const size_t how = random_below(random, 5), number = 1 + random_below(random, pieces->count - 1);
    *ret_what = names[how];
    pieces_join(pieces, out);
    if (how == 0) flip(random, out);
    if (how == 3) swap(pieces, number, 1 + random_below(random, pieces->count - 1), random, out);
    if (how == 4) out->length = random_below(random, out->length);
    if (how != 1 && how != 2) return;
    buffer_clear(out);
    for (size_t i = 0; i < pieces->count; i++)
        for (size_t times = i != number ? 1 : how == 1 ? 0 : 2; times > 0; times--)
            OK(buffer_append(out, pieces->items[i]));
}

/* Whose signature an entry's messages have, and whether they come as a list. */
static const struct signed_kind {
    const char *label;
    bool list;
} signed_kinds[BUNDLE_KINDS] = {
    [BUNDLE_P1] = {"p1", true},        [BUNDLE_ACK] = {"ack", true},       [BUNDLE_R0] = {"r0", false},
    [BUNDLE_VOID] = {"void", true},    [BUNDLE_SUPERSEDED] = {"r2", true}, [BUNDLE_R2] = {"r2", true},
    [BUNDLE_R1] = {"r1", true},        [BUNDLE_OPEN] = {"open", false},    [BUNDLE_CLOSE] = {"close", true},
    [BUNDLE_REFUSAL] = {"end", false}, [BUNDLE_END] = {"end", false},      [BUNDLE_DONE] = {"done", false},
};

static struct wire_list messages_of(unsigned kind, const struct view *payload, struct wire_arena *arena)
{
    struct wire_list list = {payload, 1};
    if (signed_kinds[kind].list) OK(wire_list_decode(*payload, MEMBERS_MAX, arena, &list));
    return list;
}

size_t signed_count(unsigned kind, struct view payload)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    return signed_kinds[kind].label ? messages_of(kind, &payload, &arena).count : 0;
}

static struct wire_signed message_at(unsigned kind, struct view payload, size_t which, struct wire_arena *arena)
{
    struct wire_signed one;
    OK(wire_signed_decode(messages_of(kind, &payload, arena).items[which], MEMBERS_MAX, arena, &one));
    return one;
}

uint32_t signed_by(unsigned kind, struct view payload, size_t which)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    return message_at(kind, payload, which, &arena).signer;
}

struct view message_body(unsigned kind, struct view payload, size_t which, struct wire_arena *arena)
{
    return message_at(kind, payload, which, arena).body;
}

void signed_again(unsigned kind, struct view payload, size_t which, const struct sign_key *key, uint32_t signer,
                  const struct view *body, struct buffer *out)
{
    CLEANUP(wire_arena_done) struct wire_arena arena = {0};
    CLEANUP(buffer_done) struct buffer bytes = {0};
    struct wire_list list = messages_of(kind, &payload, &arena);
    struct wire_signed one;
    OK(wire_signed_decode(list.items[which], MEMBERS_MAX, &arena, &one));
    if (signer != SIGNER_AS_IT_WAS) one.signer = signer;
    if (body) one.body = *body;
    OK(sign_bytes(key, signed_kinds[kind].label, one.body, &one.signature));
    OK(wire_signed_encode(&one, &bytes));
    buffer_clear(out);
    if (!signed_kinds[kind].list) {
        OK(buffer_append(out, buffer_view(&bytes)));
        return;
    }
    struct view items[MEMBERS_MAX];
    memcpy(items, list.items, list.count * sizeof *items);
    items[which] = buffer_view(&bytes);
    OK(wire_list_encode(&(struct wire_list){items, list.count}, out));
}

/* Where line `number`, counted from 0, of a text begins. */
static size_t line_begins(struct view text, size_t number)
{
    size_t at = 0;
    for (; number > 0; at++) {
        assert_true(at < text.length);
        number -= text.data[at] == '\n';
    }
    return at;
}

void note_again(struct view bytes, size_t which, const struct sign_key *key, const struct sign_public *shown,
                struct buffer *out)
{
    CLEANUP(note_done) struct note note = {0};
    OK(note_parse(bytes, &note));
    assert_true(which < note.lines_count);
    struct note_line line = note.lines[which];
    size_t begin = note.text.length + 1;
    const struct view lines = view_of(bytes.data + begin, bytes.length - begin);
    size_t from = begin + line_begins(lines, which), to = begin + line_begins(lines, which + 1);
    buffer_clear(out);
    OK(buffer_append(out, view_of(bytes.data, from)));
    if (line.timed) {
        OK(note_cosignature_make(note.text, key, line.time, &line.signature));
        OK(note_cosignature_line(line.name, shown, line.time, &line.signature, out));
    } else {
        OK(sign_bytes(key, NULL, note.text, &line.signature));
        OK(note_signature_line(line.name, shown, &line.signature, out));
    }
    OK(buffer_append(out, view_of(bytes.data + to, bytes.length - to)));
}
