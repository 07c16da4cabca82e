/* A directory with all that is below it. Symbolic links are not followed. */
#ifndef SYS_FOLDER_H
#define SYS_FOLDER_H

#include "crypto/base/result.h"

/* How many files there are; none where nothing is at the path. */
MUST_USE struct result folder_count(const char *path, unsigned *ret_files);
/* Removes all of it, durably. Nothing at the path is no failure; what a failure leaves can be removed by another call.
 */
MUST_USE struct result folder_remove(const char *path);

#endif
