/* What a console's request asks for, from its path and its Host header. */
#ifndef SYS_CONSOLE_PATH_H
#define SYS_CONSOLE_PATH_H

#include <stdbool.h>

/* A file of a run: runs/RUN/file below the state directory. */
struct console_file {
    const char *name; /* in the path */
    const char *file;
    const char *type;
    const char *extension; /* it is downloaded under the run's id with this; NULL: it is shown */
};
struct console_run {
    char id[65];                     /* 64 lower-case hex digits */
    const struct console_file *file; /* NULL: what is known of the run */
};
extern const struct console_file console_files[]; /* ends with a zeroed one */

/* /api/runs/ID or /api/runs/ID/NAME; false when the path is anything else. */
bool console_path_run(const char *path, struct console_run *ret);

/* Whether a request came under a name of this machine: a page of another name that was made to lead here (DNS
 * rebinding) is refused by it. host NULL: it had none. */
bool console_path_host(const char *host);

#endif
