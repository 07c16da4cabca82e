#include "tests/support/guesses.h"

#include <math.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const double orders[] = {1.0001, 1.1, 1.25, 1.5, 2, 3, 4, 6, 10, 16};

static double level_of(const struct guesses *guesses, unsigned level)
{
    double half = (GUESS_LEVELS - 1) / 2.0;
    return sqrt(2 * guesses->promised) * 3 * (level - half) / half;
}

void guesses_add(struct guesses *guesses, bool with, double ratio)
{
    guesses->runs[with]++;
    for (unsigned k = 0; k < GUESS_LEVELS; k++) guesses->above[with][k] += ratio > level_of(guesses, k);
}

/* Of at least so many hits, which are no fewer than one would expect. */
static double tail_of(uint64_t hits, uint64_t runs, double chance)
{
    double ways = lgamma((double)runs + 1) - lgamma((double)hits + 1) - lgamma((double)(runs - hits) + 1);
    double term = exp(ways + (double)hits * log(chance) + (double)(runs - hits) * log1p(-chance)), tail = 0;
    for (uint64_t k = hits; k <= runs && term > tail * 1e-17; k++) {
        tail += term;
        term *= (double)(runs - k) / (double)(k + 1) * chance / (1 - chance);
    }
    return tail;
}

double guesses_chance_low(uint64_t hits, uint64_t runs, double risk)
{
    double low = 0, high = (double)hits / (double)runs;
    if (hits == 0) return 0;
    for (unsigned i = 0; i < 40; i++) {
        double middle = (low + high) / 2;
        if (tail_of(hits, runs, middle) <= risk)
            low = middle;
        else
            high = middle;
    }
    return low;
}

double guesses_chance_high(uint64_t hits, uint64_t runs, double risk)
{
    return 1 - guesses_chance_low(runs - hits, runs, risk);
}

/* D_α(p‖q)/α of two coins, the largest over the orders. */
static double rate_of(double p, double q)
{
    double most = 0;
    for (unsigned i = 0; i < COUNT(orders); i++) {
        double a = orders[i];
        double power = pow(p, a) * pow(q, 1 - a) + pow(1 - p, a) * pow(1 - q, 1 - a);
        most = fmax(most, log(power) / (a - 1) / a);
    }
    return most;
}

struct chances {
    double with, without; /* from below, from above */
};

static struct chances chances_at(const struct guesses *guesses, unsigned level, double risk)
{
    double each = risk / (2.0 * GUESS_LEVELS);
    return (struct chances){
        .with = guesses_chance_low(guesses->above[1][level], guesses->runs[1], each),
        .without = guesses_chance_high(guesses->above[0][level], guesses->runs[0], each),
    };
}

double guesses_rho(const struct guesses *guesses, double risk)
{
    double rho = 0;
    for (unsigned k = 0; k < GUESS_LEVELS; k++) {
        struct chances at = chances_at(guesses, k, risk);
        if (at.with <= at.without) continue;
        rho = fmax(rho, rate_of(at.with, at.without));
        rho = fmax(rho, rate_of(1 - at.without, 1 - at.with));
    }
    return rho;
}

/* Φ(-x) = chance. */
static double normal_above(double chance)
{
    double low = -9, high = 9;
    for (unsigned i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (erfc(middle / sqrt(2)) / 2 > chance)
            low = middle;
        else
            high = middle;
    }
    return low;
}

double guesses_gaussian_rho(const struct guesses *guesses, double risk)
{
    double apart = 0;
    for (unsigned k = 0; k < GUESS_LEVELS; k++) {
        struct chances at = chances_at(guesses, k, risk);
        if (at.with <= at.without) continue;
        apart = fmax(apart, normal_above(at.without) - normal_above(at.with));
    }
    return apart * apart / 2;
}
