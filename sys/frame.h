/* A message as it travels on a link (sys/link.h): length u32 ‖ number u64 ‖ bytes. */
#ifndef SYS_FRAME_H
#define SYS_FRAME_H

#include "crypto/base/bytes.h"

enum { FRAME_HEADER_BYTES = 12 };

struct frame {
    uint64_t number;
    struct view bytes;
};

/* Appended to out, which stays as it was on failure; at most MESSAGE_MAX bytes. */
MUST_USE struct result frame_write(const struct frame *frame, struct buffer *out);
/* Takes the first frame off what has come; *ret_got false when more of it must come first. CATEGORY_PEER when it is
 * longer than MESSAGE_MAX: nothing that follows can be made sense of. */
MUST_USE struct result frame_take(struct view *rest, struct frame *ret, bool *ret_got);

#endif
