/* Descriptors 0, 1 and 2 of this process. */
#ifndef SYS_DESCRIPTORS_H
#define SYS_DESCRIPTORS_H

#include "crypto/base/result.h"

/* Puts /dev/null on each standard descriptor that is closed: else the next file or database that is opened would take
 * its number, and a message or a model would be written into it. First thing in a program. What was closed stays of no
 * use: reading stdin and writing stdout or stderr still fail. */
MUST_USE struct result descriptors_hold(void);

#endif
