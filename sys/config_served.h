/* Where a daemon is measured and shown, in its configuration. */
#ifndef SYS_CONFIG_SERVED_H
#define SYS_CONFIG_SERVED_H

#include "sys/config_raw.h"

/* metrics, console: the file's keys, or NULL. listen: where banks connect, as the file has it, or NULL. Every port is
 * one of its own: a reload would take the daemon down with two that are the same. */
MUST_USE struct result config_served(const struct document *document, const struct raw_served *metrics,
                                     const struct raw_served *console, const char *listen,
                                     struct config_metrics *ret_metrics, struct config_console *ret_console);

#endif
