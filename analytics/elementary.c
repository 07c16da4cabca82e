/* The formulas are the textbook ones (Muller, Elementary Functions): exp by x = k·ln2 + r and the Taylor series of
 * exp(r), log by x = 2^k·(1 + f) and the series of atanh(f / (2 + f)). One body, compiled once for each path. */
#include "analytics/elementary.h"

#include <float.h>
#include <math.h>

_Static_assert(FLT_EVAL_METHOD == 0, "every operation rounds to double");

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Eight records at once, whatever the processor: the compiler splits them into the vectors of the path. (Passed by
 * address: by value their calling convention would differ between the paths.) A condition
 * only chooses between values that were both computed, through a mask. */
enum { LANES = 8 };
typedef double reals __attribute__((vector_size(LANES * sizeof(double))));
typedef int64_t words __attribute__((vector_size(LANES * sizeof(int64_t))));

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* exp(r) for |r| <= ln 2 / 2, where r = high - low. */
ALWAYS_INLINE void exp_reduced(const reals *high, const reals *low, reals *ret)
{
    reals r = *high - *low;
    reals lost = (*high - r) - *low;
    /* r²/2! + ... + r^13/13!: what follows is below 2^-57 */
    reals sum = r * (1.0 / 6227020800.0) + 1.0 / 479001600.0;
    sum = sum * r + 1.0 / 39916800.0;
    sum = sum * r + 1.0 / 3628800.0;
    sum = sum * r + 1.0 / 362880.0;
    sum = sum * r + 1.0 / 40320.0;
    sum = sum * r + 1.0 / 5040.0;
    sum = sum * r + 1.0 / 720.0;
    sum = sum * r + 1.0 / 120.0;
    sum = sum * r + 1.0 / 24.0;
    sum = sum * r + 1.0 / 6.0;
    sum = sum * r + 0.5;
    *ret = 1.0 + (r + (r * r * sum + lost));
}

/* log(1 + f) + extra for |f| <= 1/2, where extra is what the large part of the result leaves over. */
ALWAYS_INLINE void log_tail(const reals *fraction, const reals *extra, reals *ret)
{
    reals f = *fraction;
    reals s = f / (2.0 + f);
    reals z = s * s;
    /* 2·(z/3 + z²/5 + ... + z^12/25): what follows is below 2^-58 for |s| <= 0.2 */
    reals sum = z * (2.0 / 25.0) + 2.0 / 23.0;
    sum = sum * z + 2.0 / 21.0;
    sum = sum * z + 2.0 / 19.0;
    sum = sum * z + 2.0 / 17.0;
    sum = sum * z + 2.0 / 15.0;
    sum = sum * z + 2.0 / 13.0;
    sum = sum * z + 2.0 / 11.0;
    sum = sum * z + 2.0 / 9.0;
    sum = sum * z + 2.0 / 7.0;
    sum = sum * z + 2.0 / 5.0;
    sum = sum * z + 2.0 / 3.0;
    sum = sum * z;
    reals half_square = f * f * 0.5;
    *ret = f - (half_square - (s * (half_square + sum) + *extra));
}

/* The probabilities and tails of eight scores, in place of the scores and into *tail. */
ALWAYS_INLINE void logistic(reals *score, reals *tail)
{
    const reals zero = {0}, most = zero + ELEMENTARY_SCORE_MAX;
    words negative = *score < zero;
    reals size = (reals)((words)*score & INT64_MAX);
    words beyond = size > most;
    size = (reals)(((words)most & beyond) | ((words)size & ~beyond));

    /* -size = k·ln 2 + r; the low bits of `shifted` are k. */
    reals shifted = size * -ELEMENTARY_LOG2_E + ELEMENTARY_MAGIC;
    reals k = shifted - ELEMENTARY_MAGIC;
    reals high = -size - k * ELEMENTARY_LN2_HIGH; /* exact */
    reals low = k * ELEMENTARY_LN2_LOW;
    reals power;
    exp_reduced(&high, &low, &power);
    power = (reals)((words)power + ((words)shifted << 52)); /* k goes to the exponent; the higher bits leave */
    *score = (reals)(((words)power & negative) | ((words)(zero + 1.0) & ~negative)) / (1.0 + power);

    /* log(1 + power): f is exact either way; from one half on the logarithm of 2 is taken out. */
    words large = power >= zero + 0.5;
    reals f = (reals)(((words)((power - 1.0) * 0.5) & large) | ((words)power & ~large));
    reals rest = (reals)((words)(zero + ELEMENTARY_LN2_LOW) & large);
    log_tail(&f, &rest, tail);
    *tail += (reals)((words)(zero + ELEMENTARY_LN2_HIGH) & large);
}

ALWAYS_INLINE void logistic_some(const double *score, size_t bytes, double *probability, double *tail)
{
    reals scores = {0}, tails;
    memcpy(&scores, score, bytes);
    logistic(&scores, &tails);
    memcpy(probability, &scores, bytes);
    memcpy(tail, &tails, bytes);
}

ALWAYS_INLINE void logistic_loop(const double *score, size_t count, double *probability, double *tail)
{
    size_t k = 0;
    for (; k + LANES <= count; k += LANES) logistic_some(score + k, sizeof(reals), probability + k, tail + k);
    if (k < count) logistic_some(score + k, (count - k) * sizeof(double), probability + k, tail + k);
}

static void logistic_portable(const double *score, size_t count, double *probability, double *tail)
{
    logistic_loop(score, count, probability, tail);
}

#if defined(__x86_64__)
PATH_TARGET_AVX2 static void logistic_avx2(const double *score, size_t count, double *probability, double *tail)
{
    logistic_loop(score, count, probability, tail);
}

PATH_TARGET_AVX512 static void logistic_avx512(const double *score, size_t count, double *probability, double *tail)
{
    logistic_loop(score, count, probability, tail);
}
#endif

void elementary_logistic(enum path path, const double *score, size_t count, double *probability, double *tail)
{
#if defined(__x86_64__)
    if (path == PATH_AVX512) {
        logistic_avx512(score, count, probability, tail);
        return;
    }
    if (path == PATH_AVX2) {
        logistic_avx2(score, count, probability, tail);
        return;
    }
#endif
    (void)path;
    logistic_portable(score, count, probability, tail);
}

static double power_of_two(int exponent)
{
    return double_of((uint64_t)(exponent + DBL_MAX_EXP - 1) << (DBL_MANT_DIG - 1));
}

double elementary_exp(double x)
{
    if (isnan(x)) return x;
    if (x > 710.0) return HUGE_VAL;
    if (x < -746.0) return 0.0;
    double nearest = (x * ELEMENTARY_LOG2_E + ELEMENTARY_MAGIC) - ELEMENTARY_MAGIC;
    reals high = {x - nearest * ELEMENTARY_LN2_HIGH}, low = {nearest * ELEMENTARY_LN2_LOW}, power;
    exp_reduced(&high, &low, &power);
    int k = (int)nearest;
    int half = k / 2; /* in two steps, as 2^k itself may be out of range; only the second can round */
    return power[0] * power_of_two(half) * power_of_two(k - half);
}

double elementary_log(double x)
{
    if (isnan(x) || x == HUGE_VAL) return x;
    if (x < 0) return NAN;
    if (x == 0) return -HUGE_VAL;
    int k = 0;
    if (x < DBL_MIN) {
        x *= 0x1p54;
        k = -54;
    }
    /* Mantissas above √2 are halved, so that f stays small on both sides of 1. */
    uint64_t bits = bits_of(x) + (UINT64_C(0x3ff0000000000000) - UINT64_C(0x3fe6a09e667f3bcd));
    k += (int)(bits >> 52) - (DBL_MAX_EXP - 1);
    reals f = {double_of((bits & UINT64_C(0x000fffffffffffff)) + UINT64_C(0x3fe6a09e667f3bcd)) - 1.0};
    reals rest = {k * ELEMENTARY_LN2_LOW}, tail;
    log_tail(&f, &rest, &tail);
    return k * ELEMENTARY_LN2_HIGH + tail[0];
}
