#include "sys/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sys/clock.h"

enum { LINE_MAX_BYTES = 2048 };

static const char *const words[] = {"debug", "info", "warning", "error"};
static _Atomic(const char *) process_name = "cofferdam";
static atomic_int lowest_level = LEVEL_INFO;

struct result log_level_parse(const char *word, enum log_level *ret)
{
    for (int level = LEVEL_DEBUG; level <= LEVEL_ERROR; level++) {
        if (strcmp(word, words[level]) != 0) continue;
        *ret = (enum log_level)level;
        return RESULT_OK;
    }
    return FAIL(CATEGORY_USAGE, "\"%.32s\" is not a log level; debug, info, warning and error are", word);
}

void log_start(const char *process, enum log_level lowest)
{
    atomic_store(&process_name, process);
    atomic_store(&lowest_level, (int)lowest);
}

static int stamp(char *line, size_t size, enum log_level level, const char *component)
{
    uint64_t now = clock_now_ms();
    time_t seconds = (time_t)(now / 1000);
    struct tm parts;
    char date[32] = "";
    if (gmtime_r(&seconds, &parts)) (void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
    return snprintf(line, size, "%s.%03uZ %-7s %s %s: ", date, (unsigned)(now % 1000), words[level],
                    atomic_load(&process_name), component);
}

void log_line(enum log_level level, const char *component, const char *format, ...)
{
    if ((int)level < atomic_load(&lowest_level)) return;
    char line[LINE_MAX_BYTES];
    int used = stamp(line, sizeof line - 1, level, component);
    if (used < 0 || (size_t)used >= sizeof line - 1) return;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line + used, sizeof line - 1 - (size_t)used, format, arguments);
    va_end(arguments);
    size_t length = strlen(line);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 127) line[i] = '?';
    line[length++] = '\n';
    /* A log that cannot be written stops nothing. */
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written;
}
