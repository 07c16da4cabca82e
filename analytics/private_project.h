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
/* Of a histogram with ordered bins, of which many may be empty: what the noise left over or under in total is taken
 * from all bins alike, then the nearest sums from the left that do not fall are taken. (The nearest counts would move
 * values into every empty bin, and so to the ends.) count <= PRIVATE_ORDERED_MAX. */
#define PRIVATE_ORDERED_MAX ((size_t)256)
void private_project_ordered(const uint64_t *words, size_t count, uint64_t total, uint64_t *ret);

#endif
