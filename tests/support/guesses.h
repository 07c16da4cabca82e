/* An adversary's guesses whether a row is in, and the least promise of privacy that they agree with.
 *
 * Each run of a mechanism gives one number: the logarithm of how much likelier what was seen is with the row. It is
 * held against levels that are fixed before. From counted runs the chance P of a number above a level is known from
 * below with the row, and Q, without it, from above (Clopper, Pearson 1934). All levels together are wrong with
 * probability `risk` at most.
 */
#ifndef TESTS_SUPPORT_GUESSES_H
#define TESTS_SUPPORT_GUESSES_H

#include <stdbool.h>
#include <stdint.h>

#define GUESS_LEVELS 25

struct guesses {
    double promised; /* ρ: levels lie within three standard deviations of a Gaussian mechanism that spends all of it */
    uint64_t runs[2], above[2][GUESS_LEVELS]; /* [1]: with the row */
};

void guesses_add(struct guesses *guesses, bool with, double ratio);
/* What the guesses prove: the mechanism is ρ-zCDP for no smaller ρ; 0 when they prove nothing. Whatever is made of a
 * release diverges no more than the release (Bun, Steinke 2016, Lemma 2.2), so for every α > 1 two coins of the chances
 * P and Q have D_α <= αρ, either way round. */
double guesses_rho(const struct guesses *guesses, double risk);
/* The same where the mechanism is known to add Gaussian noise, if not how much: then the chances are those of two
 * normal distributions that are μ apart, and ρ = μ²/2 (Nasr et al. 2023, arXiv 2302.07956, with Dong, Roth, Su's
 * Gaussian differential privacy). Sharper from the same runs. */
double guesses_gaussian_rho(const struct guesses *guesses, double risk);

/* Of `hits` in `runs`: the largest chance below which so many are seen with probability `risk` at most; and the least
 * above which so few are. */
double guesses_chance_low(uint64_t hits, uint64_t runs, double risk);
double guesses_chance_high(uint64_t hits, uint64_t runs, double risk);

#endif
