#include "crypto/base/result.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "crypto/base/text.h"

enum { REASON_MAX = 1024 };

static _Thread_local char reason[REASON_MAX] = "no failure was recorded";

const char *result_reason(void)
{
    return reason;
}

/* A reason quotes what others wrote and ends on terminals and in logs: nothing in it may drive a terminal or break the
 * line. A long one is cut between characters. */
static void reason_set(const char *text)
{
    char out[REASON_MAX];
    size_t used = 0;
    struct view rest = view_text(text);
    while (rest.length > 0) {
        char piece[TEXT_PIECE_BYTES];
        size_t taken = text_plain(rest, "", piece), length = strlen(piece);
        if (used + length >= sizeof out) break;
        memcpy(out + used, piece, length);
        used += length;
        rest = view_of(rest.data + taken, rest.length - taken);
    }
    out[used] = 0;
    memcpy(reason, out, used + 1);
}

void result_say(const char *format, ...)
{
    char text[REASON_MAX]; /* arguments may point into `reason` itself */
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    reason_set(text);
}

struct result result_at(struct result result, const char *format, ...)
{
    if (result_ok(result)) return result;
    char text[REASON_MAX];
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t used = written < 0 ? 0 : (size_t)written;
    if (used >= sizeof text) used = sizeof text - 1;
    (void)snprintf(text + used, sizeof text - used, "%s", reason);
    reason_set(text);
    return result;
}
