/* The console: a page on which the people of a daemon see what it does. It shows, and changes nothing.
 *
 *   / and what it loads     the page itself, built in; it holds nothing of the daemon's
 *   POST /login, /logout    a token for a session's cookie (console_door.h)
 *   /api/session            whether there is a session
 *   /api/events             what the daemon published, and each time that it changes (server-sent events)
 *   /api/runs/RUN           what is known of a run; with /model, /report, /plan or /bundle, that file
 *   /api/NAME               what else the daemon tells
 *
 * It listens on loopback alone, takes requests under this machine's names alone, and none that a page from elsewhere
 * makes. The daemon's thread hands texts over and is never waited for: who reads slowly holds a thread of the server.
 */
#ifndef SYS_CONSOLE_H
#define SYS_CONSOLE_H

#include "sys/config.h"
#include "sys/console_path.h"
#include "sys/http.h"

#define CONSOLE_STREAMS_MAX 8u /* pages that are open at once */

struct console_document {
    const char *name;
    struct result (*put)(void *context, struct buffer *out); /* JSON, appended */
};
struct console_config {
    const struct config_console *config; /* with an address */
    const char *where;                   /* the configuration file, for errors */
    const char *directory;               /* the state directory, which has runs/RUN/ */
    void *context;
    /* On the server's threads, many at once; id is 64 hex digits. JSON, appended; CATEGORY_FALSE: it is not known. */
    struct result (*run)(void *context, const char *id, struct buffer *out);
    const struct console_document *documents; /* ends with a zeroed one; or NULL */
};

/* The names of the files that a run has, as a JSON array, appended; and how many files of evidence it has. */
MUST_USE struct result console_put_files(const char *directory, const char *id, struct buffer *out);
unsigned console_evidence(const char *directory, const char *id);

/* Whether a console could listen; nothing is served. Without an address there is nothing to try. */
MUST_USE struct result console_try(const struct config_console *config, const char *where);

struct console;
/* Listens; the log says where. The config is borrowed for as long as the console lives. */
MUST_USE struct result console_new(const struct console_config *config, struct console **ret);
void console_free(struct console *console); /* accepts NULL */
void console_freep(struct console **console);
uint16_t console_port(const struct console *console);

/* The address with a fresh token, for the person who asks over the control socket; to be wiped once it is told.
 * console NULL: CATEGORY_USAGE, with what the configuration lacks. */
#define CONSOLE_LINES "%s\nopen it in a browser within %d minutes; it counts once\n" /* for people: url, minutes */
struct console_invitation {
    char url[192];
    unsigned minutes; /* it counts so long */
};
MUST_USE struct result console_invite(struct console *console, struct console_invitation *ret);

/* Whether anybody looks: else nothing need be published. */
bool console_watched(struct console *console);
/* What there is to see now, JSON on one line; told to open pages when it differs from what was published before. */
MUST_USE struct result console_publish(struct console *console, struct view json);

/* One request, as the server's threads answer it. */
MUST_USE struct result console_answer(void *console, const struct http_request *request, struct http_answer *answer);

#endif
