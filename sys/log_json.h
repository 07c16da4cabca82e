/* A line of the log as a JSON object (sys/log.h). */
#ifndef SYS_LOG_JSON_H
#define SYS_LOG_JSON_H

#include <stddef.h>

struct log_words {
    const char *level, *process, *component;
    const char *peer; /* or NULL */
    const char *message;
    const char *time; /* of the form that RFC 3339 has */
};
/* Returns the length of what stands in line, without a NUL or a line's end; size > 64. What does not fit is cut from
 * the message's end. Bytes that are no UTF-8 become '?'. */
size_t log_json_line(const struct log_words *words, char *line, size_t size);

#endif
