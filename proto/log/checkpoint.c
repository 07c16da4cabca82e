#include "proto/log/checkpoint.h"

#include <inttypes.h>
#include <string.h>

#include "crypto/base/checked.h"
#include "crypto/base/text.h"

static bool origin_good(struct view origin)
{
    return origin.length > 0 && origin.length <= CHECKPOINT_ORIGIN_MAX_BYTES && text_utf8(origin) &&
           text_printable(origin, "");
}

struct result checkpoint_write(const struct checkpoint *checkpoint, struct buffer *out)
{
    ENSURE(origin_good(view_text(checkpoint->origin)), CATEGORY_USAGE, "a log's origin is one line of 1 to %u bytes",
           CHECKPOINT_ORIGIN_MAX_BYTES);
    TRY(buffer_format(out, "%s\n%" PRIu64 "\n", checkpoint->origin, checkpoint->size));
    TRY(text_base64(hash_view(&checkpoint->root), out));
    return buffer_u8(out, '\n');
}

/* The next line without its newline. */
static struct result take_line(struct view *rest, struct view *ret)
{
    const uint8_t *end = rest->length ? memchr(rest->data, '\n', rest->length) : NULL;
    ENSURE(end, CATEGORY_FALSE, "the checkpoint ends too early: origin, size and root are a line each");
    *ret = view_of(rest->data, (size_t)(end - rest->data));
    *rest = view_of(end + 1, rest->length - ret->length - 1);
    return RESULT_OK;
}

static struct result read_size(struct view line, uint64_t *ret)
{
    bool good = line.length > 0 && (line.length == 1 || line.data[0] != '0');
    *ret = 0;
    for (size_t i = 0; good && i < line.length; i++)
        good = line.data[i] >= '0' && line.data[i] <= '9' && checked_mul_u64(*ret, 10, ret) &&
               checked_add_u64(*ret, (uint64_t)(line.data[i] - '0'), ret);
    ENSURE(good, CATEGORY_FALSE, "the checkpoint's size is not a whole number below 2^64, as it is written");
    return RESULT_OK;
}

static struct result read_root(struct view line, struct hash *ret)
{
    CLEANUP(buffer_done) struct buffer bytes = {0};
    struct result decoded = text_unbase64(line, &bytes);
    ENSURE(decoded.category != CATEGORY_FALSE && (!result_ok(decoded) || bytes.length == HASH_BYTES), CATEGORY_FALSE,
           "the checkpoint's root is not %u bytes in base64", HASH_BYTES);
    TRY(decoded);
    memcpy(ret->bytes, bytes.data, HASH_BYTES);
    return RESULT_OK;
}

struct result checkpoint_parse(struct view text, struct checkpoint *ret)
{
    struct view origin, size, root, more;
    struct checkpoint checkpoint = {0};
    TRY(take_line(&text, &origin));
    TRY(take_line(&text, &size));
    TRY(take_line(&text, &root));
    ENSURE(origin_good(origin), CATEGORY_FALSE, "the checkpoint's origin is empty, not UTF-8 or longer than %u bytes",
           CHECKPOINT_ORIGIN_MAX_BYTES);
    memcpy(checkpoint.origin, origin.data, origin.length);
    TRY(read_size(size, &checkpoint.size));
    TRY(read_root(root, &checkpoint.root));
    while (text.length > 0) {
        TRY(take_line(&text, &more));
        ENSURE(more.length > 0, CATEGORY_FALSE, "the checkpoint has an empty line");
    }
    *ret = checkpoint;
    return RESULT_OK;
}
