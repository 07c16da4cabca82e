/* How the numbers stay small.
 *
 * Algorithm 3 proposes y from the discrete Laplace distribution of scale t and accepts it with probability exp(-γ),
 * γ = (|y| - σ²/t)² / 2σ². With σ² = p/q that is γ = r² / 2pm, where m = q·t² and r = | |y|·q·t - p |: a fraction of
 * some 130 bits over as many. It is never formed. Let r = i·p + j = k·m + l with j < p and l < m; then
 *
 *     γ = (r/p)(r/m) / 2 = (i + j/p)(k + l/m) / 2 = ik·1/2 + i·(l/m)/2 + k·(j/p)/2 + (j/p)(l/m)/2,
 *
 * and a trial that succeeds with probability exp(-γ) is as many independent trials, all of which must succeed, of
 * exp(-1/2), exp(-(l/m)/2), exp(-(j/p)/2) and exp(-(j/p)(l/m)/2). Algorithm 1 makes those from trials with probability
 * (j/p)(l/m)/2K: three trials again, each with a fraction of numbers below 2^66.
 *
 * Bounds. p, q < 2^64 and t = ⌊σ⌋ + 1 <= 2^32. If σ >= 1, t <= 2σ and m <= 4p < 2^66; if σ < 1, t = 1 and m = q < 2^64.
 * |y| = u + t·v with u < t and v < 2^20, so |y| < 2^52 and |y|·q·t < m·(v + 1) < 2^86. In `chance`, part < whole < 2^66
 * (m is the largest whole), so part·2^32 < 2^98. All of it fits 128 bits with room.
 *
 * A proposal with v >= 2^20 is refused, which Algorithm 3 would not do. It would accept it with probability exp(-γ),
 * and there |y| >= 2^20·t > 2^20·σ, so γ > (2^20 - 1)²/2 > 2^38: no bit of a seed of 256 can tell.
 */
#include "crypto/noise.h"

#include <assert.h>
#include <endian.h>

typedef unsigned __int128 wide;

enum { DRAWN = 1024, FAR = 1 << 20 };

_Static_assert(FAR == 1 << (NOISE_SAMPLE_BITS - 32), "samples are below t times it");

/* Random bits, many at a time: a draw from the source moves its key on. */
struct bits {
    struct random_source *source;
    uint32_t drawn[DRAWN];
    size_t used;
};

struct ratio {
    wide part, whole; /* part <= whole < 2^66 */
};

static const struct ratio one = {1, 1};

static void bits_init(struct bits *bits, struct random_source *source)
{
    bits->source = source;
    bits->used = DRAWN;
}

static uint32_t bits_next(struct bits *bits)
{
    if (bits->used == DRAWN) {
        random_draw(bits->source, bits->drawn, sizeof bits->drawn);
        for (size_t k = 0; k < DRAWN; k++) bits->drawn[k] = le32toh(bits->drawn[k]);
        bits->used = 0;
    }
    return bits->drawn[bits->used++];
}

/* True with probability part/whole: whether a uniform real number, of which 32 bits are looked at at a time, is below
 * it. With probability 1 - 2^-32 and more the first 32 decide. */
static bool chance(struct bits *bits, struct ratio ratio)
{
    if (ratio.part == ratio.whole) return true;
    for (;;) {
        wide want = ratio.part << 32, have = bits_next(bits) * ratio.whole;
        if (have >= want) return false;
        if (want - have >= ratio.whole) return true;
        ratio.part = want - have;
    }
}

/* True with probability exp(-x·y/step): Algorithm 1 for γ <= 1. */
static bool falls(struct bits *bits, unsigned step, struct ratio x, struct ratio y)
{
    unsigned k = 1;
    while (chance(bits, (struct ratio){1, (wide)step * k}) && chance(bits, x) && chance(bits, y)) k++;
    return k % 2;
}

/* True with probability exp(-times·x/step). */
static bool falls_often(struct bits *bits, wide times, unsigned step, struct ratio x)
{
    for (wide k = 0; k < times; k++)
        if (!falls(bits, step, x, one)) return false;
    return true;
}

void noise_bernoulli_exp(struct random_source *source, uint64_t numerator, uint64_t denominator, uint8_t *out,
                         size_t count)
{
    assert(denominator > 0);
    struct bits bits;
    bits_init(&bits, source);
    struct ratio rest = {numerator % denominator, denominator};
    for (size_t k = 0; k < count; k++)
        out[k] = falls_often(&bits, numerator / denominator, 1, one) && falls(&bits, 1, rest, one);
    secret_bytes_wipe(&bits, sizeof bits);
}

/* What follows from the variance alone. */
struct gaussian {
    uint64_t p, q;
    uint64_t t;      /* ⌊σ⌋ + 1, the scale of the proposals */
    uint64_t uneven; /* 2^64 mod t */
    wide m;          /* q·t² */
};

static uint64_t square_root(uint64_t x)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
        if ((root + bit) * (root + bit) <= x) root += bit;
    return root;
}

static void gaussian_init(struct gaussian *g, struct noise_variance variance)
{
    g->p = variance.numerator;
    g->q = variance.denominator;
    g->t = square_root(g->p / g->q) + 1; /* the root of a number's floor has the floor of its root */
    g->uneven = (0 - g->t) % g->t;
    g->m = (wide)g->q * g->t * g->t;
}

/* Uniform below t: the high half of a random word times t, once the t·2^64 products that can be are cut to a multiple.
 */
static uint64_t below(struct bits *bits, const struct gaussian *g)
{
    wide product;
    do {
        uint64_t word = (uint64_t)bits_next(bits) << 32 | bits_next(bits);
        product = (wide)word * g->t;
    } while ((uint64_t)product < g->uneven);
    return (uint64_t)(product >> 64);
}

/* Algorithm 2 with s = 1 and integer t, one attempt: |y|, when it is accepted. */
static bool propose(struct bits *bits, const struct gaussian *g, uint64_t *ret_size, bool *ret_negative)
{
    uint64_t u = below(bits, g), v = 0;
    if (!falls(bits, 1, (struct ratio){u, g->t}, one)) return false;
    while (v < FAR && falls(bits, 1, one, one)) v++;
    if (v == FAR) return false;
    *ret_negative = bits_next(bits) & 1;
    *ret_size = u + g->t * v;
    return !(*ret_negative && *ret_size == 0); /* else 0 would come up twice as often */
}

/* Algorithm 3: whether a proposal of this size is accepted, with probability exp(-γ). */
static bool accept(struct bits *bits, const struct gaussian *g, uint64_t size)
{
    wide at = (wide)size * g->q * g->t, r = at > g->p ? at - g->p : g->p - at;
    wide i = r < g->p ? 0 : r / g->p, k = r < g->m ? 0 : r / g->m;
    struct ratio j = {r - i * g->p, g->p}, l = {r - k * g->m, g->m};
    return falls(bits, 2, j, l) && falls_often(bits, i, 2, l) && falls_often(bits, k, 2, j) &&
           falls_often(bits, i * k, 2, one);
}

bool noise_variance_valid(struct noise_variance variance)
{
    return variance.denominator > 0 && (wide)variance.numerator << 8 >= variance.denominator;
}

struct result noise_fill(struct random_source *source, struct noise_variance variance, uint64_t *words, size_t count)
{
    ENSURE(noise_variance_valid(variance), CATEGORY_USAGE,
           "a noise variance of %llu/%llu is out of range: at least 1/256", (unsigned long long)variance.numerator,
           (unsigned long long)variance.denominator);
    struct gaussian g;
    gaussian_init(&g, variance);
    struct bits bits;
    bits_init(&bits, source);
    uint64_t size = 0;
    bool negative = false;
    for (size_t k = 0; k < count; k++) {
        while (!(propose(&bits, &g, &size, &negative) && accept(&bits, &g, size))) continue;
        words[k] += negative ? 0 - size : size;
    }
    secret_bytes_wipe(&bits, sizeof bits);
    secret_bytes_wipe(&size, sizeof size);
    return RESULT_OK;
}
