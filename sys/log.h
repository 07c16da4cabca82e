/* The log of a process: lines on stderr, one write each.
 *
 *   2026-03-14T09:26:53.589Z info    coordinator run (north): 2fc8e8b8e2a8: round 12: counting cases
 *
 * on a daemon's terminal; elsewhere, for programs that collect logs, one JSON object a line:
 *
 *   {"time":"2026-03-14T09:26:53.589Z","level":"info","process":"coordinator","what":"run",
 *    "run":"2fc8e8b8e2a8","round":12,"peer":"north","message":"round 12: counting cases"}
 *
 * Names, sizes, ids and reasons only: nothing here takes a view, a buffer or a secret, so a payload cannot be logged
 * without being formatted on purpose. Control characters are replaced, so that a peer's name cannot forge a line.
 * Warnings beyond 100 at once and two a second are counted instead. Thread-safe after log_start.
 */
#ifndef SYS_LOG_H
#define SYS_LOG_H

#include "crypto/base/bytes.h"

enum log_level { LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARNING, LEVEL_ERROR };
/* By place: text where standard error is a terminal, JSON elsewhere. */
enum log_format { FORMAT_BY_PLACE, FORMAT_TEXT, FORMAT_JSON };

/* "debug", "info", "warning" or "error", else CATEGORY_USAGE. */
MUST_USE struct result log_level_parse(const char *word, enum log_level *ret);
/* This process is a daemon that serves, and has no configuration yet: its log is by place. Without this call lines are
 * text, whatever a configuration says: a command speaks to who typed it. The name is kept, not copied. */
void log_daemon(const char *process);
/* The format of what is said before log_start, as the configuration has it; nothing after log_start. */
void log_early(enum log_format format);
/* Says what this process is called, the lowest level that is written, and the format (JSON lines that begin with a
 * run's id and a round's number have them as "run" and "round"); before it: "cofferdam" and info. The name is kept, not
 * copied. */
void log_start(const char *process, enum log_level lowest, enum log_format format);
/* Lines that this thread writes from here on come of what this member asked, and name it; NULL: of nobody. The name is
 * borrowed until the next call. */
void log_peer(const char *name);

/* component: which part speaks, a word of ours. */
void log_line(enum log_level level, const char *component, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define log_debug(...) log_line(LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_line(LEVEL_INFO, __VA_ARGS__)
#define log_warning(...) log_line(LEVEL_WARNING, __VA_ARGS__)
#define log_error(...) log_line(LEVEL_ERROR, __VA_ARGS__)

/* The sentence with which this process ends: where its log is JSON, written as an error of that log, whatever level is
 * the lowest. Else nothing is written, and false is returned. */
MUST_USE bool log_last(const char *sentence);

/* The latest warnings and errors of this process, oldest first, as an array of JSON objects like the lines of
 * log_format: json; appended. */
#define LOG_RECENT_MAX 32u
MUST_USE struct result log_recent(struct buffer *out);

#endif
