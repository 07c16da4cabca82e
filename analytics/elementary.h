/* exp, log and the logistic function for `contribute`, with + − × ÷ alone, each rounded once, in the order written in
 * elementary.c: no libm, no fused operation. So every processor gives the same bits, an element's bits depend neither
 * on its place in an array nor on the array's length, and SQL can repeat them. (`advance` uses MPFR instead.)
 */
#ifndef ANALYTICS_ELEMENTARY_H
#define ANALYTICS_ELEMENTARY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "analytics/path.h"

#define ELEMENTARY_LOG2_E 0x1.71547652b82fep+0
/* ln 2 in two parts; the first has 42 bits, so that its product with any k here is exact. */
#define ELEMENTARY_LN2_HIGH 0x1.62e42fefa38p-1
#define ELEMENTARY_LN2_LOW 0x1.ef35793c7673p-45

/* Any double; overflows to infinity, underflows through the denormals to 0; a NaN stays one. Error below 2 ulp
 * (denormal results: below 1 step of 2^-1074). */
double elementary_exp(double x);
/* x > 0, denormals included; 0 gives -infinity, below it NaN. Error below 1 ulp. */
double elementary_log(double x);

/* Scores beyond ±ELEMENTARY_SCORE_MAX are taken as that: exp(-708) is the last normal power, 2^-1021. */
#define ELEMENTARY_SCORE_MAX 708.0

/* probability[k] = 1 / (1 + exp(-score[k])), tail[k] = log(1 + exp(-|score[k]|)); errors below 3 ulp. The
 * log-likelihood of a record is -(tail + max(-score, 0)) when its target is positive, -(tail + max(score, 0)) when it
 * is not. A NaN stays one. The arrays do not overlap. */
void elementary_logistic(enum path path, const double *score, size_t count, double *probability, double *tail);

/* In [2^52, 2^53) the step between doubles is 1, so adding this rounds, for |x| up to 2^51. */
#define ELEMENTARY_MAGIC 0x1.8p52

/* Half to even, for |x| <= ELEMENTARY_ROUND_MAX. */
#define ELEMENTARY_ROUND_MAX 0x1p51
static inline int64_t elementary_round(double x)
{
    /* The low bits of the sum are the integer. */
    const double magic = ELEMENTARY_MAGIC;
    double shifted = x + magic;
    uint64_t bits, base;
    memcpy(&bits, &shifted, sizeof bits);
    memcpy(&base, &magic, sizeof base);
    return (int64_t)(bits - base);
}

#endif
