/* Noisy counts made to agree: what true counts would satisfy is put right, and nothing is ever refused. A function of
 * released values alone costs no privacy. The sums are words of counts: int64_t in two's complement. */
#ifndef ANALYTICS_PRIVATE_PROJECT_H
#define ANALYTICS_PRIVATE_PROJECT_H

#include <stddef.h>
#include <stdint.h>

/* Within 0 and most. */
uint64_t private_clip_count(uint64_t word, uint64_t most);
double private_clip(double value, double least, double most);
/* The nearest counts (in the Euclidean norm) that are not negative and add up to total, in whole numbers: value k is at
 * words[k · stride], and goes to ret[k · stride]. count > 0. */
void private_project_total(const uint64_t *words, size_t count, size_t stride, uint64_t total, uint64_t *ret);
/* The nearest that are not negative and add up to total at most. */
void private_project_within(const uint64_t *words, size_t count, size_t stride, uint64_t total, uint64_t *ret);

#endif
