/* A fresh directory for one test, under build/scratch, removed with everything in it. Asserts on failure. */
#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H

#define SCRATCH_MAX 4096

/* path: at least SCRATCH_MAX characters. */
void scratch_new(char path[SCRATCH_MAX]);
void scratch_remove(const char *path);

#endif
