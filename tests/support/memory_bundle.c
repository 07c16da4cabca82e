#include "tests/support/memory_bundle.h"

#include <string.h>

static struct result append(void *context, struct view bytes)
{
    return buffer_append(context, bytes);
}

struct bundle_sink memory_sink(struct buffer *into)
{
    return (struct bundle_sink){into, append};
}

static struct result read_some(void *context, uint8_t *into, size_t length, size_t *ret_got)
{
    struct memory_bundle *bundle = context;
    size_t left = bundle->bytes.length - bundle->at;
    *ret_got = length < left ? length : left;
    if (*ret_got) memcpy(into, bundle->bytes.data + bundle->at, *ret_got);
    bundle->at += *ret_got;
    return RESULT_OK;
}

struct bundle_source memory_source(struct memory_bundle *bundle, struct view bytes)
{
    *bundle = (struct memory_bundle){bytes, 0};
    return (struct bundle_source){bundle, read_some};
}

struct result memory_replay(struct view bytes, const struct hash *fingerprint, const struct replay_observer *observer)
{
    struct memory_bundle bundle;
    const struct bundle_source source = memory_source(&bundle, bytes);
    CLEANUP(replay_freep) struct replay *replay = NULL;
    return replay_bundle(&source, fingerprint, observer, &replay);
}
