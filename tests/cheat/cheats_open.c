/* The cheats with what is opened and comes after it: OPEN, masked inputs, closed sums, the bundle. */
#include <string.h>

#include "proto/run/note.h"
#include "tests/cheat/play.h"

/* ---- OPEN and the masked inputs */

static struct result send_opened(const struct play *play, const struct wire_open *body, struct wire_opened opened)
{
    CLEANUP(buffer_done) struct buffer changed = {0};
    TRY(sign(play, "open", WIRE_OPEN, body, &changed));
    opened.open = buffer_view(&changed);
    return send(play, MESSAGE_OPENED, &opened);
}

static struct result read_open(const struct play *play, struct wire_open *ret)
{
    struct wire_signed one;
    TRY(wire_signed_decode(play->message->opened.open, size_of(play), play->arena, &one));
    return wire_open_decode(one.body, size_of(play), play->arena, ret);
}

#define PLAY_OPEN(name, statement)                                                                                     \
    struct result play_open_##name(struct play *play)                                                                  \
    {                                                                                                                  \
        struct wire_open body;                                                                                         \
        TRY(read_open(play, &body));                                                                                   \
        statement;                                                                                                     \
        return send_opened(play, &body, play->message->opened);                                                        \
    }
PLAY_OPEN(sum, body.sum.bytes[0] ^= 1)
PLAY_OPEN(ctx, body.ctx.bytes[0] ^= 1)
PLAY_OPEN(set, members_remove(&body.survivors, play->member))
PLAY_OPEN(headers, body.headers.bytes[0] ^= 1)

struct result play_secret_false(struct play *play)
{
    struct wire_opened opened = play->message->opened;
    CLEANUP(buffer_done) struct buffer secrets = {0};
    TRY(copy(&secrets, opened.secrets));
    secrets.data[secrets.length - 1] ^= 1;
    opened.secrets = buffer_view(&secrets);
    return send(play, MESSAGE_OPENED, &opened);
}

/* The same, and OPEN names it. */
struct result play_secret_signed(struct play *play)
{
    struct wire_opened opened = play->message->opened;
    struct wire_open body;
    CLEANUP(buffer_done) struct buffer secrets = {0};
    TRY(read_open(play, &body));
    TRY(copy(&secrets, opened.secrets));
    secrets.data[0] ^= 1;
    opened.secrets = buffer_view(&secrets);
    TRY(ctx_secrets_hash(opened.secrets, &body.secrets));
    return send_opened(play, &body, opened);
}

/* In place of masked inputs: another OPEN, with another sum. */
struct result play_open_second(struct play *play)
{
    struct wire_opened opened;
    struct wire_signed one;
    struct wire_open body;
    TRY(wire_opened_decode(buffer_view(&play->session->machine->round.opening), size_of(play), play->arena, &opened));
    TRY(wire_signed_decode(opened.open, size_of(play), play->arena, &one));
    TRY(wire_open_decode(one.body, size_of(play), play->arena, &body));
    body.sum.bytes[0] ^= 1;
    return send_opened(play, &body, opened);
}

struct result play_secret_missing(struct play *play)
{
    struct wire_opened opened = play->message->opened;
    opened.secrets.length -= SEED_BYTES;
    return send(play, MESSAGE_OPENED, &opened);
}

/* A header, or the hashes of its chunks, in another bank's place. */
static struct result swap_first(const struct wire_list *list, struct view *items)
{
    memcpy(items, list->items, list->count * sizeof *items);
    items[0] = list->items[1];
    items[1] = list->items[0];
    return RESULT_OK;
}

struct result play_header_swapped(struct play *play)
{
    struct wire_opened opened = play->message->opened;
    struct view items[MEMBERS_MAX];
    TRY(swap_first(&opened.headers, items));
    opened.headers.items = items;
    return send(play, MESSAGE_OPENED, &opened);
}

struct result play_leaves_swapped(struct play *play)
{
    struct wire_opened opened = play->message->opened;
    struct view items[MEMBERS_MAX];
    TRY(swap_first(&opened.leaves, items));
    opened.leaves.items = items;
    return send(play, MESSAGE_OPENED, &opened);
}

struct result play_word_changed(struct play *play)
{
    struct wire_pieces pieces = play->message->pieces;
    struct view items[MEMBERS_MAX];
    CLEANUP(buffer_done) struct buffer words = {0};
    if (pieces.pieces.count > MEMBERS_MAX) return RESULT_OK;
    memcpy(items, pieces.pieces.items, pieces.pieces.count * sizeof *items);
    TRY(copy(&words, items[0]));
    words.data[words.length - 8] ^= 1;
    items[0] = buffer_view(&words);
    pieces.pieces.items = items;
    return send(play, MESSAGE_PIECES, &pieces);
}

struct result play_pieces_of_another(struct play *play)
{
    struct wire_pieces pieces = play->message->pieces;
    pieces.position++;
    return send(play, MESSAGE_PIECES, &pieces);
}

/* ---- a bank that catches up with a closed sum */

struct result play_sum_changed(struct play *play)
{
    struct wire_sum_piece piece = play->message->sum_piece;
    CLEANUP(buffer_done) struct buffer words = {0};
    TRY(copy(&words, piece.words));
    words.data[0] ^= 1;
    piece.words = buffer_view(&words);
    return send(play, MESSAGE_SUM_PIECE, &piece);
}

struct result play_closed_short(struct play *play)
{
    struct wire_closed closed = play->message->closed;
    struct wire_list list;
    CLEANUP(buffer_done) struct buffer close = {0};
    TRY(wire_list_decode(closed.close, size_of(play), play->arena, &list));
    list.count--;
    TRY(wire_list_encode(&list, &close));
    closed.close = buffer_view(&close);
    return send(play, MESSAGE_CLOSED, &closed);
}

/* ---- the bundle: the first checkpoint in it with another root, signed anew; all other bytes are as they were */

enum { ROOT_TEXT = 44 };

struct result play_bundle_checkpoint(struct play *play)
{
    CLEANUP(buffer_done) struct buffer bytes = {0}, note = {0}, payload = {0};
    struct service_piece piece;
    static const char origin[] = "cofferdam/1/run/";
    TRY(service_piece_read(view_of(play->frame.data + FRAME_PAYLOAD, play->frame.length - FRAME_PAYLOAD), &piece));
    TRY(copy(&bytes, piece.bytes));
    uint8_t *at = bytes.length ? memmem(bytes.data, bytes.length, origin, strlen(origin)) : NULL;
    if (!at) return RESULT_OK;
    size_t text = strlen(origin) + 2 * HASH_BYTES + strlen("\n1\n") + ROOT_TEXT + 1;
    uint8_t *root = at + text - ROOT_TEXT - 1;
    *root = *root == 'A' ? 'B' : 'A';
    TRY(note_sign(view_of(at, text), play->hub->roster.coordinator_name, play->hub->key, &note));
    if ((size_t)(at - bytes.data) + note.length > bytes.length) return RESULT_OK;
    memcpy(at, note.data, note.length);
    piece.bytes = buffer_view(&bytes);
    TRY(service_piece_write(&piece, &payload));
    return send_frame(play, SERVICE_BUNDLE, &play->session->submission.id, buffer_view(&payload));
}
