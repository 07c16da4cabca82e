#include "sys/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sys/clock.h"

enum {
    LINE_MAX_BYTES = 2048,
    /* Warnings are what peers can cause, as often as they like: so many at once, then two a second fill no disk. */
    WARNINGS_AT_ONCE = 100,
    WARNING_EVERY_MS = 500,
};

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

static void __attribute__((format(printf, 3, 0)))
write_line(enum log_level level, const char *component, const char *format, va_list arguments)
{
    char line[LINE_MAX_BYTES];
    int used = stamp(line, sizeof line - 1, level, component);
    if (used < 0 || (size_t)used >= sizeof line - 1) return;
    (void)vsnprintf(line + used, sizeof line - 1 - (size_t)used, format, arguments);
    size_t length = strlen(line);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 127) line[i] = '?';
    line[length++] = '\n';
    /* A log that cannot be written stops nothing. */
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written;
}

static void __attribute__((format(printf, 3, 4)))
write_words(enum log_level level, const char *component, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line(level, component, format, arguments);
    va_end(arguments);
}

/* Whether a warning may be written now; ret_left_out: how many were not since the last one that was. */
static bool may_warn(uint64_t *ret_left_out)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static uint64_t spent_until, left_out; /* the clock's time to which the allowance is used up */
    uint64_t now = clock_monotonic_ms();
    (void)pthread_mutex_lock(&mutex);
    if (spent_until < now) spent_until = now;
    bool may = spent_until - now < (uint64_t)WARNINGS_AT_ONCE * WARNING_EVERY_MS;
    *ret_left_out = left_out;
    left_out = may ? 0 : left_out + 1;
    if (may) spent_until += WARNING_EVERY_MS;
    (void)pthread_mutex_unlock(&mutex);
    return may;
}

void log_line(enum log_level level, const char *component, const char *format, ...)
{
    if ((int)level < atomic_load(&lowest_level)) return;
    uint64_t left_out = 0;
    if (level == LEVEL_WARNING && !may_warn(&left_out)) return;
    if (left_out) write_words(level, "log", "%llu warnings were left out", (unsigned long long)left_out);
    va_list arguments;
    va_start(arguments, format);
    write_line(level, component, format, arguments);
    va_end(arguments);
}
