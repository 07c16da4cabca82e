#include "sys/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/log_json.h"

enum {
    MESSAGE_MAX_BYTES = 2048,
    LINE_MAX_BYTES = 2 * MESSAGE_MAX_BYTES + 512, /* each character of it may need a backslash */
    STAMP_BYTES = 32,
    /* Warnings are what peers can cause, as often as they like: so many at once, then two a second fill no disk. */
    WARNINGS_AT_ONCE = 100,
    WARNING_EVERY_MS = 500,
};

static const char *const words[] = {"debug", "info", "warning", "error"};
static _Atomic(const char *) process_name = "cofferdam";
static atomic_int lowest_level = LEVEL_INFO;
static atomic_bool daemon_serves, started, json;
static _Thread_local const char *peer;

struct result log_level_parse(const char *word, enum log_level *ret)
{
    for (int level = LEVEL_DEBUG; level <= LEVEL_ERROR; level++) {
        if (strcmp(word, words[level]) != 0) continue;
        *ret = (enum log_level)level;
        return RESULT_OK;
    }
    return FAIL(CATEGORY_USAGE, "\"%.32s\" is not a log level; debug, info, warning and error are", word);
}

static void choose(enum log_format format)
{
    bool as_json = format == FORMAT_BY_PLACE ? !isatty(STDERR_FILENO) : format == FORMAT_JSON;
    atomic_store(&json, as_json && atomic_load(&daemon_serves));
}

void log_daemon(const char *process)
{
    atomic_store(&process_name, process);
    atomic_store(&daemon_serves, true);
    choose(FORMAT_BY_PLACE);
}

void log_early(enum log_format format)
{
    if (!atomic_load(&started)) choose(format);
}

void log_start(const char *process, enum log_level lowest, enum log_format format)
{
    atomic_store(&process_name, process);
    atomic_store(&lowest_level, (int)lowest);
    atomic_store(&started, true);
    choose(format);
}

void log_peer(const char *name)
{
    peer = name;
}

static void stamp(char out[STAMP_BYTES])
{
    uint64_t now = clock_now_ms();
    time_t seconds = (time_t)(now / 1000);
    struct tm parts;
    char date[STAMP_BYTES - 8] = "";
    if (gmtime_r(&seconds, &parts)) (void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(out, STAMP_BYTES, "%s.%03uZ", date, (unsigned)(now % 1000));
}

static size_t text_line(const struct log_words *said, char *line, size_t size)
{
    const char *who = said->peer ? said->peer : "";
    int length = snprintf(line, size, "%s %-7s %s %s%s%s%s: %s", said->time, said->level, said->process,
                          said->component, *who ? " (" : "", who, *who ? ")" : "", said->message);
    return length < 0 ? 0 : (size_t)length < size ? (size_t)length : size - 1;
}

enum { RECENT_BYTES = 640 };
static pthread_mutex_t recent_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    char text[RECENT_BYTES];
    size_t length;
} recent[LOG_RECENT_MAX]; /* in turn */
static uint64_t recent_count;

static void remember(const struct log_words *said)
{
    (void)pthread_mutex_lock(&recent_lock);
    size_t at = recent_count++ % LOG_RECENT_MAX;
    recent[at].length = log_json_line(said, recent[at].text, sizeof recent[at].text);
    (void)pthread_mutex_unlock(&recent_lock);
}

static struct result put_recent(struct buffer *out)
{
    uint64_t first = recent_count > LOG_RECENT_MAX ? recent_count - LOG_RECENT_MAX : 0;
    for (uint64_t i = first; i < recent_count; i++) {
        size_t at = i % LOG_RECENT_MAX;
        TRY(buffer_text(out, i == first ? "" : ","));
        TRY(buffer_append(out, view_of(recent[at].text, recent[at].length)));
    }
    return RESULT_OK;
}

struct result log_recent(struct buffer *out)
{
    TRY(buffer_text(out, "["));
    (void)pthread_mutex_lock(&recent_lock);
    struct result result = put_recent(out);
    (void)pthread_mutex_unlock(&recent_lock);
    TRY(result);
    return buffer_text(out, "]");
}

static void __attribute__((format(printf, 3, 0)))
write_line(enum log_level level, const char *component, const char *format, va_list arguments)
{
    char line[LINE_MAX_BYTES], now[STAMP_BYTES], message[MESSAGE_MAX_BYTES];
    const struct log_words said = {words[level], atomic_load(&process_name), component, peer, message, now};
    stamp(now);
    if (vsnprintf(message, sizeof message, format, arguments) < 0) return;
    for (char *at = message; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 127) *at = '?';
    if (level >= LEVEL_WARNING) remember(&said);
    size_t length = 0;
    if (atomic_load(&json))
        length = log_json_line(&said, line, sizeof line - 1);
    else
        length = text_line(&said, line, sizeof line - 1);
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

bool log_last(const char *sentence)
{
    if (!atomic_load(&json)) return false;
    write_words(LEVEL_ERROR, "end", "%s", sentence);
    return true;
}
