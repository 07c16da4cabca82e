#include "sys/config_text.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static bool names_secret(const char *key, size_t length)
{
    static const char *const words[] = {"pwd", "pass", "secret", "token", "apikey"};
    char copied[64];
    (void)snprintf(copied, sizeof copied, "%.*s", (int)length, key);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasestr(copied, words[i])) return true;
    return false;
}

bool config_text_secret(const char *connection)
{
    for (const char *sign = strchr(connection, '='); sign; sign = strchr(sign + 1, '=')) {
        size_t length = 0;
        while (length < (size_t)(sign - connection) && length < 60 && !strchr(";={}", sign[-1 - (ptrdiff_t)length]))
            length++;
        if (names_secret(sign - length, length)) return true;
    }
    return false;
}

bool config_text_name(const char *text, const char *more)
{
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr(more, *text)) return false;
    return true;
}
