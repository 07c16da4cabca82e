/* Files that cannot be written, at will: write, fsync, rename, link, fchmod and mkdir of everything in the program.
 * Counted over all of them, the which-th call (from 1) fails once. */
#ifndef TESTS_FAULTS_FILES_H
#define TESTS_FAULTS_FILES_H

#include <stdbool.h>

/* error 0 (of a write): half of it is written, and no error. */
void files_fail(unsigned long which, int error);
/* No more faults. Whether there was one. */
bool files_mend(void);
/* From here on fsync does nothing: for tests that write much and do not ask what a crash leaves. */
void files_skip_sync(void);

#endif
