/* Memory that runs out, at will. Linked into a program, malloc, calloc, realloc and sodium_malloc of everything in it,
 * libraries included, are ours: the n-th allocation of this thread, counted from where the test says, fails once.
 */
#ifndef TESTS_FAULTS_ALLOCATION_H
#define TESTS_FAULTS_ALLOCATION_H

#include "crypto/base/result.h"

/* From here on allocations of this thread are counted, and the given one (from 1; 0: none) fails. */
void allocation_fail(unsigned long which);
/* Counting stops for a while, as for the part of a test that is not the code under test, and goes on. */
void allocation_pause(void);
void allocation_resume(void);
/* Ends it. Whether an allocation did fail. */
bool allocation_stop(void);
/* Allocations of this thread that are not freed; a difference of two is what was lost in between. */
long allocation_alive(void);

/* Runs a scenario with its first allocation failing, then with its second, and so on until none is left to fail.
 * With a failure it either ends with CATEGORY_ENVIRONMENT and a reason, or does without that memory and gives the
 * right result, which is the scenario's own to check. Either way it has given everything back. */
void allocation_loop(const char *name, struct result (*scenario)(void *context), void *context);

#endif
