/* A toy analysis: each sum is a vector of words, of which bank i contributes toy_input(i, step, k); the state mixes all
 * of them, so that one wrong word of one round changes the last state. The plan's rounds say how many sums there are,
 * its tolerance how many words each has. Where it computes from a table, bank i's begins with i in the column "x".
 */
#ifndef TESTS_SUPPORT_TOY_H
#define TESTS_SUPPORT_TOY_H

#include "proto/run/task.h"

extern const struct task toy_task;

uint64_t toy_input(unsigned bank, uint64_t step, uint64_t k);
uint64_t toy_mix(uint64_t value, const uint64_t *words, uint64_t count);

#endif
