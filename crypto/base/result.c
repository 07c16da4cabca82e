#include "crypto/base/result.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { REASON_MAX = 1024 };

static _Thread_local char reason[REASON_MAX] = "no failure was recorded";

const char *result_reason(void)
{
    return reason;
}

void result_say(const char *format, ...)
{
    char text[REASON_MAX]; /* arguments may point into `reason` itself */
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    memcpy(reason, text, sizeof text);
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
    memcpy(reason, text, sizeof text);
    return result;
}
