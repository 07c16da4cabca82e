/* What happens to each value is written once, as plain loops, and compiled for each path; the build lets the compiler
 * vectorise this file. No loop adds doubles over records, so vectors change nothing. */
#include "analytics/gram.h"

#include <stdlib.h>
#include <string.h>

#include "analytics/elementary.h"
#include "analytics/gram_tile.h"
#include "crypto/base/checked.h"
#include "crypto/base/limits.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define MAGIC 0x1.8p52 /* elementary_round says why */
#define GRID_MAX 32767.0
/* With Σb²·Σa² up to here, |Σb·a| over any of the records stays below 2^31 (Cauchy and Schwarz). */
#define NARROW_MAX (UINT64_C(0x7fffffff) * UINT64_C(0x7fffffff))

enum { ALIGNMENT = 64, ENERGY_SHIFT = 8 };

/* Four terms at a time, so that scores are loaded and stored less often; the order of additions is that of gram.h. */
ALWAYS_INLINE void scores_body(const double *restrict x, size_t terms, const double *restrict beta, size_t rows,
                               double *restrict score)
{
    for (size_t r = 0; r < rows; r++) score[r] = 0;
    size_t t = 0;
    for (; t + 4 <= terms; t += 4) {
        const double *x0 = x + t * GRAM_ROWS, *x1 = x0 + GRAM_ROWS, *x2 = x1 + GRAM_ROWS, *x3 = x2 + GRAM_ROWS;
        double b0 = beta[t], b1 = beta[t + 1], b2 = beta[t + 2], b3 = beta[t + 3];
        for (size_t r = 0; r < rows; r++) score[r] = (((score[r] + x0[r] * b0) + x1[r] * b1) + x2[r] * b2) + x3[r] * b3;
    }
    for (; t < terms; t++)
        for (size_t r = 0; r < rows; r++) score[r] += x[t * GRAM_ROWS + r] * beta[t];
}

/* Exact: 2^9 records of 2^51 are far from 2^63. */
ALWAYS_INLINE bool project_body(const double *restrict x, size_t terms, const double *restrict factor, double scale,
                                size_t rows, __int128 *restrict sums)
{
    int64_t beyond = 0;
    for (size_t t = 0; t < terms; t++) {
        const double *column = x + t * GRAM_ROWS;
        uint64_t sum = 0; /* unsigned: what is beyond may wrap */
        for (size_t r = 0; r < rows; r++) {
            double value = column[r] * factor[r] * scale;
            beyond |= !(__builtin_fabs(value) <= ELEMENTARY_ROUND_MAX); /* a NaN is beyond */
            sum += (uint64_t)elementary_round(value);
        }
        sums[t] += (int64_t)sum;
    }
    return !beyond;
}

/* One column on its grid, and weighted. */
struct packing {
    double grid;
    const double *weight; /* times weight_scale */
    int16_t *a, *b;
    uint64_t a_energy, b_energy; /* upper bounds of Σa² and Σb², in units of 2^ENERGY_SHIFT */
};

ALWAYS_INLINE uint64_t energy_body(const int16_t *column, size_t rows)
{
    uint32_t sum = 0; /* at most 2^9 · 2^22 */
    for (size_t r = 0; r < rows; r++) sum += ((uint32_t)(column[r] * column[r]) >> ENERGY_SHIFT) + 1;
    return sum;
}

ALWAYS_INLINE bool pack_body(const double *restrict x, size_t rows, struct packing *packing)
{
    const double *restrict weight = packing->weight;
    int16_t *restrict a = packing->a, *restrict b = packing->b;
    double grid = packing->grid;
    int64_t beyond = 0;
    for (size_t r = 0; r < rows; r++) {
        double value = x[r] * grid;
        double plain = (value + MAGIC) - MAGIC, weighted = (value * weight[r] + MAGIC) - MAGIC;
        int fits = (__builtin_fabs(plain) <= GRID_MAX) & (__builtin_fabs(weighted) <= GRID_MAX);
        a[r] = (int16_t)(int32_t)(fits ? plain : 0.0);
        b[r] = (int16_t)(int32_t)(fits ? weighted : 0.0);
        beyond |= !fits;
    }
    packing->a_energy = energy_body(a, rows);
    packing->b_energy = energy_body(b, rows);
    return !beyond;
}

static void scores_portable(const double *x, size_t terms, const double *beta, size_t rows, double *score)
{
    scores_body(x, terms, beta, rows, score);
}
static bool project_portable(const double *x, size_t terms, const double *factor, double scale, size_t rows,
                             __int128 *sums)
{
    return project_body(x, terms, factor, scale, rows, sums);
}
static bool pack_portable(const double *x, size_t rows, struct packing *packing)
{
    return pack_body(x, rows, packing);
}

#if defined(__x86_64__)
PATH_TARGET_AVX2 static void scores_avx2(const double *x, size_t terms, const double *beta, size_t rows, double *score)
{
    scores_body(x, terms, beta, rows, score);
}
PATH_TARGET_AVX2 static bool project_avx2(const double *x, size_t terms, const double *factor, double scale,
                                          size_t rows, __int128 *sums)
{
    return project_body(x, terms, factor, scale, rows, sums);
}
PATH_TARGET_AVX2 static bool pack_avx2(const double *x, size_t rows, struct packing *packing)
{
    return pack_body(x, rows, packing);
}
PATH_TARGET_AVX512 static void scores_avx512(const double *x, size_t terms, const double *beta, size_t rows,
                                             double *score)
{
    scores_body(x, terms, beta, rows, score);
}
PATH_TARGET_AVX512 static bool project_avx512(const double *x, size_t terms, const double *factor, double scale,
                                              size_t rows, __int128 *sums)
{
    return project_body(x, terms, factor, scale, rows, sums);
}
PATH_TARGET_AVX512 static bool pack_avx512(const double *x, size_t rows, struct packing *packing)
{
    return pack_body(x, rows, packing);
}
#endif

static const struct kernels {
    void (*scores)(const double *x, size_t terms, const double *beta, size_t rows, double *score);
    bool (*project)(const double *x, size_t terms, const double *factor, double scale, size_t rows, __int128 *sums);
    bool (*pack)(const double *x, size_t rows, struct packing *packing);
} kernels[PATH_COUNT] = {
    [PATH_PORTABLE] = {scores_portable, project_portable, pack_portable},
#if defined(__x86_64__)
    [PATH_AVX2] = {scores_avx2, project_avx2, pack_avx2},
    [PATH_AVX512] = {scores_avx512, project_avx512, pack_avx512},
#endif
};

void gram_scores(enum path path, const double *x, size_t terms, const double *beta, size_t rows, double *score)
{
    kernels[path].scores(x, terms, beta, rows, score);
}

bool gram_project(enum path path, const double *x, size_t terms, const double *factor, double scale, size_t rows,
                  __int128 *sums)
{
    return kernels[path].project(x, terms, factor, scale, rows, sums);
}

bool gram_total(enum path path, const double *value, double scale, size_t rows, __int128 *sum)
{
    static const double ones[GRAM_ROWS] = {[0 ... GRAM_ROWS - 1] = 1.0};
    return kernels[path].project(value, 1, ones, scale, rows, sum);
}

struct gram {
    enum path path;
    size_t terms, padded; /* to whole tiles; the columns in excess stay zero */
    double weight_scale;
    double *grid;
    uint64_t *energy; /* of the block: padded of a's, then of b's */
    int16_t *columns; /* padded of a's, then of b's, GRAM_ROWS each */
    int64_t *sums;    /* padded × padded, tiles on and above the diagonal */
};

static struct result zeroed(size_t count, size_t width, void *ret)
{
    size_t bytes;
    void *memory = NULL;
    if (checked_mul_size(count, width, &bytes) && checked_add_size(bytes, ALIGNMENT, &bytes)) {
        bytes -= bytes % ALIGNMENT;
        memory = aligned_alloc(ALIGNMENT, bytes);
    }
    ENSURE(memory, CATEGORY_ENVIRONMENT, "out of memory for a Gram matrix");
    memset(memory, 0, bytes);
    memcpy(ret, &memory, sizeof memory);
    return RESULT_OK;
}

struct result gram_new(enum path path, size_t terms, const double *grid, double weight_scale, struct gram **ret)
{
    ENSURE(terms <= TERMS_MAX, CATEGORY_USAGE, "a model of %zu terms; %u are the most", terms, TERMS_MAX);
    CLEANUP(gram_freep) struct gram *gram = calloc(1, sizeof *gram);
    ENSURE(gram, CATEGORY_ENVIRONMENT, "out of memory for a Gram matrix");
    size_t padded = (terms + GRAM_TILE - 1) / GRAM_TILE * GRAM_TILE;
    gram->path = path;
    gram->terms = terms;
    gram->padded = padded;
    gram->weight_scale = weight_scale;
    TRY(zeroed(padded, sizeof *gram->grid, &gram->grid));
    TRY(zeroed(2 * padded, sizeof *gram->energy, &gram->energy));
    TRY(zeroed(2 * padded, GRAM_ROWS * sizeof *gram->columns, &gram->columns));
    TRY(zeroed(padded * padded, sizeof *gram->sums, &gram->sums));
    if (terms) memcpy(gram->grid, grid, terms * sizeof *grid);
    *ret = gram;
    gram = NULL;
    return RESULT_OK;
}

void gram_free(struct gram *gram)
{
    if (!gram) return;
    free(gram->grid);
    free(gram->energy);
    free(gram->columns);
    free(gram->sums);
    free(gram);
}

void gram_freep(struct gram **gram)
{
    gram_free(*gram);
}

static uint64_t largest(const uint64_t *energy)
{
    uint64_t most = energy[0];
    for (int k = 1; k < GRAM_TILE; k++) most = energy[k] > most ? energy[k] : most;
    return most << ENERGY_SHIFT;
}

/* The tiles on and above the diagonal; energies are below 2^40. */
static void add_tiles(struct gram *gram, size_t steps)
{
    const int16_t *a = gram->columns, *b = gram->columns + gram->padded * GRAM_ROWS;
    const uint64_t *a_energy = gram->energy, *b_energy = gram->energy + gram->padded;
    for (size_t i = 0; i < gram->padded; i += GRAM_TILE) {
        uint64_t most = largest(b_energy + i);
        for (size_t j = i; j < gram->padded; j += GRAM_TILE) {
            unsigned __int128 bound = (unsigned __int128)most * largest(a_energy + j);
            gram_tile(gram->path, b + i * GRAM_ROWS, a + j * GRAM_ROWS, steps, bound <= NARROW_MAX,
                      gram->sums + i * gram->padded + j, gram->padded);
        }
    }
}

bool gram_add(struct gram *gram, const double *x, const double *weight, size_t rows)
{
    double scaled[GRAM_ROWS];
    for (size_t r = 0; r < rows; r++) scaled[r] = weight[r] * gram->weight_scale;
    size_t steps = (rows + GRAM_STEP - 1) / GRAM_STEP, excess = steps * GRAM_STEP - rows;
    int16_t *a = gram->columns, *b = gram->columns + gram->padded * GRAM_ROWS;
    bool good = true;
    for (size_t t = 0; t < gram->terms; t++) {
        struct packing packing = {gram->grid[t], scaled, a + t * GRAM_ROWS, b + t * GRAM_ROWS, 0, 0};
        good = kernels[gram->path].pack(x + t * GRAM_ROWS, rows, &packing) && good;
        memset(packing.a + rows, 0, excess * sizeof *packing.a);
        memset(packing.b + rows, 0, excess * sizeof *packing.b);
        gram->energy[t] = packing.a_energy;
        gram->energy[gram->padded + t] = packing.b_energy;
    }
    if (good) add_tiles(gram, steps);
    return good;
}

int64_t gram_sum(const struct gram *gram, size_t i, size_t j)
{
    return gram->sums[i * gram->padded + j];
}
