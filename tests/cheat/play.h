/* What the cheats share: how they sign and send in the coordinator's place; and those of cheats_open.c. */
#ifndef TESTS_CHEAT_PLAY_H
#define TESTS_CHEAT_PLAY_H

#include "tests/cheat/cheat.h"

/* Where a frame of a run's machine has the kind of the frame, and of the message in it. */
enum { FRAME_KIND = 5, FRAME_PAYLOAD = 6 + HASH_BYTES, FRAME_MESSAGE_KIND = FRAME_PAYLOAD + 1 };

static inline unsigned size_of(const struct play *play)
{
    return play->hub->roster.size;
}

static inline struct result send(const struct play *play, enum message_kind kind, const void *payload)
{
    return message_encode(kind, payload, play->out);
}

static inline struct result send_raw(const struct play *play, enum message_kind kind, struct view payload)
{
    return message_wrap(kind, payload, play->out);
}

static inline struct result send_frame(struct play *play, enum service_kind kind, const struct hash *run,
                                       struct view payload)
{
    play->whole = true;
    return service_frame_write(kind, run, payload, play->out);
}

static inline struct result sign(const struct play *play, const char *kind, enum wire_type type, const void *body,
                                 struct buffer *out)
{
    return signed_make(play->hub->key, 0, kind, type, body, out);
}

static inline struct result copy(struct buffer *out, struct view bytes)
{
    return buffer_append(out, bytes);
}

typedef struct result play_cheat(struct play *play);
play_cheat play_open_sum, play_open_ctx, play_open_set, play_open_headers, play_secret_false, play_secret_signed,
    play_open_second, play_secret_missing, play_header_swapped, play_leaves_swapped, play_word_changed,
    play_pieces_of_another, play_sum_changed, play_closed_short, play_bundle_checkpoint;

#endif
