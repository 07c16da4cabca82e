/* Any bytes as what comes over a link, whole and in pieces (the first byte says how long): the same frames are taken
 * off them, and written again they are the bytes that were read. */
#include <stdlib.h>

#include "crypto/base/limits.h"
#include "sys/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition) abort();
}

/* Takes every frame off `in`, written again into out; false when no more can follow. */
static bool take_all(struct buffer *in, struct buffer *out)
{
    struct view rest = buffer_view(in);
    struct frame frame;
    bool got = true, good = true;
    while (good && got) {
        good = result_ok(frame_take(&rest, &frame, &got));
        if (good && got) must(result_ok(frame_write(&frame, out)));
    }
    struct buffer left = {0};
    must(result_ok(buffer_append(&left, rest)));
    buffer_done(in);
    *in = left;
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    struct view bytes = view_of(data + 1, size - 1);
    size_t piece = 1 + data[0] % 64;
    CLEANUP(buffer_done) struct buffer whole = {0}, part = {0}, once = {0}, cut = {0};
    must(result_ok(buffer_append(&whole, bytes)));
    bool good = take_all(&whole, &once), still = true;
    for (size_t at = 0; at < bytes.length && still; at += piece) {
        size_t length = bytes.length - at < piece ? bytes.length - at : piece;
        must(result_ok(buffer_append(&part, view_of(bytes.data + at, length))));
        still = take_all(&part, &cut);
    }
    must(good == still && view_equal(buffer_view(&once), buffer_view(&cut)));
    must(view_equal(buffer_view(&once), view_of(bytes.data, once.length)));
    if (good) must(once.length + part.length == bytes.length && whole.length == part.length);
    return 0;
}
