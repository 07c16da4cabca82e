/* State bytes of a task's run from anywhere, and a sum from anywhere: refused, or taken without harm. */
#ifndef TESTS_SUPPORT_FOLD_FUZZ_H
#define TESTS_SUPPORT_FOLD_FUZZ_H

#include "proto/run/plan.h"

/* The input's first byte says how much of the rest is state. Aborts when the plan is none. */
void fold_fuzz(const char *yaml, struct plan *plan, const uint8_t *data, size_t size);

#endif
