#include "crypto/base/protocol.h"

#include <stdio.h>
#include <string.h>

static const char prefix[] = "cofferdam/";

unsigned protocol_common(struct protocol_range a, struct protocol_range b)
{
    unsigned newest = a.newest < b.newest ? a.newest : b.newest;
    return newest >= a.oldest && newest >= b.oldest ? newest : 0;
}

struct result protocol_name(struct protocol_range range, struct buffer *out)
{
    if (range.oldest == range.newest) return buffer_format(out, "%s%u", prefix, range.newest);
    return buffer_format(out, "%s%u-%u", prefix, range.oldest, range.newest);
}

/* A number from 1 without a leading zero, off the front. */
static bool number(const char **at, unsigned *ret)
{
    unsigned value = 0;
    if (**at == '0') return false;
    const char *start = *at;
    for (; **at >= '0' && **at <= '9' && value <= PROTOCOL_MAX; (*at)++) value = 10 * value + (unsigned)(**at - '0');
    *ret = value;
    return *at > start && value <= PROTOCOL_MAX;
}

struct result protocol_parse(struct view name, struct protocol_range *ret)
{
    char text[32] = "";
    struct protocol_range range = {0, 0};
    size_t skip = strlen(prefix);
    const char *at = text + skip;
    bool good = name.length > skip && name.length < sizeof text && memcmp(name.data, prefix, skip) == 0;
    if (good) memcpy(text, name.data, name.length);
    good = good && number(&at, &range.oldest);
    range.newest = range.oldest;
    if (good && *at == '-') {
        at++;
        good = number(&at, &range.newest) && range.newest > range.oldest;
    }
    ENSURE(good && at == text + name.length, CATEGORY_PEER, "what came names no version of the protocol");
    *ret = range;
    return RESULT_OK;
}

const char *protocol_words(struct protocol_range range, char out[PROTOCOL_WORDS_MAX])
{
    if (range.oldest == range.newest)
        (void)snprintf(out, PROTOCOL_WORDS_MAX, "version %u", range.newest);
    else
        (void)snprintf(out, PROTOCOL_WORDS_MAX, "versions %u to %u", range.oldest, range.newest);
    return out;
}
