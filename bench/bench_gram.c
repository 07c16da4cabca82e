/* The exact Gram kernel over a million rows of 32 columns, rounding to the grid and weighting included, against
 * OpenBLAS dsyrk in double on the same matrix; and the other kernels of a logistic step over the same blocks. */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>

#include "analytics/elementary.h"
#include "analytics/gram.h"
#include "bench/bench.h"

enum { BLOCKS = 1954, COLUMNS = 32 }; /* 1,000,448 rows */
#define ROWS (BLOCKS * GRAM_ROWS)

struct work {
    enum path path;
    struct gram *gram;
    double *blocks, *matrix, *product; /* the same values by blocks, and row by row */
    double weight[GRAM_ROWS], beta[COLUMNS], score[GRAM_ROWS], probability[GRAM_ROWS], tail[GRAM_ROWS];
    __int128 sums[COLUMNS];
};

static double uniform(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15); /* splitmix64 */
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static void fill(struct work *work)
{
    uint64_t seed = 1;
    for (size_t block = 0; block < BLOCKS; block++)
        for (size_t row = 0; row < GRAM_ROWS; row++)
            for (size_t k = 0; k < COLUMNS; k++) {
                double value = 2 * (uniform(&seed) + uniform(&seed) + uniform(&seed) - 1.5);
                work->blocks[(block * COLUMNS + k) * GRAM_ROWS + row] = value;
                work->matrix[(block * GRAM_ROWS + row) * COLUMNS + k] = value;
            }
    for (size_t row = 0; row < GRAM_ROWS; row++) work->weight[row] = uniform(&seed) / 4;
    for (size_t k = 0; k < COLUMNS; k++) work->beta[k] = uniform(&seed) - 0.5;
}

static const double *block_of(const struct work *work, size_t block)
{
    return work->blocks + block * COLUMNS * GRAM_ROWS;
}

static void gram(void *context)
{
    struct work *work = context;
    for (size_t block = 0; block < BLOCKS; block++)
        if (!gram_add(work->gram, block_of(work, block), work->weight, GRAM_ROWS)) abort();
}

static void scores(void *context)
{
    struct work *work = context;
    for (size_t block = 0; block < BLOCKS; block++)
        gram_scores(work->path, block_of(work, block), COLUMNS, work->beta, GRAM_ROWS, work->score);
}

static void logistic(void *context)
{
    struct work *work = context;
    for (size_t block = 0; block < BLOCKS; block++)
        elementary_logistic(work->path, work->score, GRAM_ROWS, work->probability, work->tail);
}

static void gradient(void *context)
{
    struct work *work = context;
    for (size_t block = 0; block < BLOCKS; block++)
        if (!gram_project(work->path, block_of(work, block), COLUMNS, work->weight, 0x1p40, GRAM_ROWS, work->sums))
            abort();
}

static void products(void *context)
{
    struct work *work = context;
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, COLUMNS, ROWS, 1, work->matrix, COLUMNS, 0, work->product,
                COLUMNS);
}

static void bench(struct work *work, const char *kernel, bench_work *subject)
{
    static const char *const paths[PATH_COUNT] = {"portable", "avx2", "avx512"};
    struct bench_measure measure = bench_compare(subject, products, work);
    char name[64];
    (void)snprintf(name, sizeof name, "%s_1000448x32_%s", kernel, paths[work->path]);
    bench_print(&(struct bench_line){name, measure.seconds, "s",
                                     "OpenBLAS dsyrk, double, one thread, same matrix and turn", 1 / measure.speed, 0,
                                     "max"});
}

static double *room(size_t count)
{
    double *memory = aligned_alloc(64, count * sizeof *memory);
    if (!memory) abort();
    return memory;
}

int main(void)
{
    static struct work work;
    openblas_set_num_threads(1);
    work.blocks = room(ROWS * COLUMNS);
    work.matrix = room(ROWS * COLUMNS);
    work.product = room((size_t)COLUMNS * COLUMNS);
    fill(&work);
    double grid[COLUMNS];
    for (size_t k = 0; k < COLUMNS; k++) grid[k] = 2048;
    for (work.path = PATH_PORTABLE; work.path < PATH_COUNT; work.path++) {
        if (!path_supported(work.path)) continue;
        bench_need(gram_new(work.path, COLUMNS, grid, 4, &work.gram));
        bench(&work, "gram", gram);
        bench(&work, "scores", scores);
        bench(&work, "logistic", logistic);
        bench(&work, "gradient", gradient);
        gram_freep(&work.gram);
    }
    free(work.blocks);
    free(work.matrix);
    free(work.product);
    return 0;
}
