#include "sys/frame.h"

#include <assert.h>

#include "crypto/base/limits.h"

struct result frame_write(const struct frame *frame, struct buffer *out)
{
    assert(frame->bytes.length <= MESSAGE_MAX);
    TRY(buffer_reserve(out, FRAME_HEADER_BYTES + frame->bytes.length));
    TRY(buffer_u32(out, (uint32_t)frame->bytes.length));
    TRY(buffer_u64(out, frame->number));
    return buffer_append(out, frame->bytes);
}

struct result frame_take(struct view *rest, struct frame *ret, bool *ret_got)
{
    *ret_got = false;
    if (rest->length < FRAME_HEADER_BYTES) return RESULT_OK;
    size_t length = bytes_get_u32(rest->data);
    ENSURE(length <= MESSAGE_MAX, CATEGORY_PEER, "a message of %zu bytes is over the limit of %zu", length,
           MESSAGE_MAX);
    if (rest->length - FRAME_HEADER_BYTES < length) return RESULT_OK;
    *ret = (struct frame){bytes_get_u64(rest->data + 4), view_of(rest->data + FRAME_HEADER_BYTES, length)};
    *rest = view_of(rest->data + FRAME_HEADER_BYTES + length, rest->length - FRAME_HEADER_BYTES - length);
    *ret_got = true;
    return RESULT_OK;
}
