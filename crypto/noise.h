/* Discrete Gaussian noise, exactly: Canonne, Kamath, Steinke, The Discrete Gaussian for Differential Privacy (NeurIPS
 * 2020; arXiv 2004.00010), Algorithms 1 to 3, in integers alone. No floating point: a sample has the probability that
 * the formula says, and a seed gives the same samples on every machine.
 *
 * N_Z(0, σ²) is the distribution on the integers with P(x) proportional to exp(-x² / 2σ²). Its mean is 0, its variance
 * at most σ² (equal to ten digits from σ = 1.25 on), and its tails are no heavier than the Gaussian's.
 *
 * Time depends on the samples, through how many were rejected: nothing here is constant-time. So noise is best drawn
 * before the round that it is for opens, and not between a message that asks for an input and the input. The random
 * bits are wiped before a function returns; the words, which hold the samples, are the caller's to wipe.
 */
#ifndef CRYPTO_NOISE_H
#define CRYPTO_NOISE_H

#include "crypto/random.h"

/* σ² = numerator / denominator, in any terms. */
struct noise_variance {
    uint64_t numerator, denominator;
};

/* Samples are below 2^52 in magnitude, so that a thousand of them add up in 64 bits with signs. What is cut off for it
 * has probability below exp(-2^38). */
#define NOISE_SAMPLE_BITS 52

/* Whether σ² is at least 1/256 and neither number 0. So σ is from 2^-4 (below it all samples would be 0: P(not 0) is
 * under 2^-183) to just under 2^32: noise is added to integers at a scale that the caller chooses, and at 2^32 steps of
 * it what rounding a record adds is far below the noise. */
bool noise_variance_valid(struct noise_variance variance);

/* words[k] += an independent sample of N_Z(0, σ²), modulo 2^64 (a negative one as its two's complement), k < count.
 * Fails, with no word and no random bit used, only when the variance is out of range (CATEGORY_USAGE). One call for n
 * words and two for n/2 each give different samples of the same distribution. */
MUST_USE struct result noise_fill(struct random_source *source, struct noise_variance variance, uint64_t *words,
                                  size_t count);

/* bits[k] is 1 with probability exp(-γ) and else 0, γ = numerator / denominator: Algorithm 1, on which all of the above
 * rests. denominator > 0. */
void noise_bernoulli_exp(struct random_source *source, uint64_t numerator, uint64_t denominator, uint8_t *bits,
                         size_t count);

#endif
