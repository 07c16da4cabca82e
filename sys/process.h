/* What a process does before anything else, so that nothing of it is left where it must not be. */
#ifndef SYS_PROCESS_H
#define SYS_PROCESS_H

#include "crypto/base/result.h"

/* Standard descriptors that are closed are held (descriptors.h); a crash leaves no core; and the process cannot be
 * dumped or traced by others of its user (Linux: /proc/PID then belongs to root). First thing in a program, before a
 * key is read. */
MUST_USE struct result process_start(void);

#endif
