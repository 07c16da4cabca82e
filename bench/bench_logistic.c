/* One whole logistic step (scores, likelihood, gradient, Hessian) over a million rows of thirty numbers, on one core,
 * against OpenBLAS dsyrk in double on the same matrix: the products alone, inexactly. */
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analytics/logistic.h"
#include "analytics/schema.h"
#include "bench/bench.h"
#include "proto/run/fold.h"

enum { ROWS = 1000000, COLUMNS = 30 };

struct work {
    struct fold fold;
    struct table *table;
    uint64_t *words;
    double *matrix, *product;
};

static uint64_t next(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15); /* splitmix64 */
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static double uniform(uint64_t *state)
{
    return (double)(next(state) >> 11) * 0x1p-53;
}

static struct result write_plan(struct buffer *yaml)
{
    TRY(buffer_text(yaml, "cofferdam: 1\nname: bench\npurpose: bench\ntask: logistic\n"
                          "target: {column: y, positive: \"1\"}\nfeatures:\n"));
    for (unsigned k = 0; k < COLUMNS; k++)
        TRY(buffer_format(yaml, "  - {name: x%u, kind: number, min: -10, max: 10}\n", k));
    return buffer_text(yaml, "train: {penalty: 0, tolerance: 1.0e-8, rounds: 25}\n");
}

/* Columns that correlate a little, and an outcome that depends on them. */
static void fill(struct work *work)
{
    uint64_t seed = 1;
    uint16_t *target = work->table->columns[COLUMNS].codes;
    for (size_t row = 0; row < ROWS; row++) {
        double common = uniform(&seed) - 0.5, score = -1;
        for (size_t k = 0; k < COLUMNS; k++) {
            double value = common + uniform(&seed) + uniform(&seed) + uniform(&seed) + uniform(&seed) - 2;
            work->table->columns[k].numbers[row] = value;
            work->matrix[row * COLUMNS + k] = value;
            score += value * (k % 2 ? 0.3 : -0.2);
        }
        target[row] = uniform(&seed) < 1 / (1 + exp(-score)) ? 0 : CODE_OTHER;
    }
    work->table->rows = work->table->capacity = ROWS;
}

static void step(void *context)
{
    struct work *work = context;
    bench_need(fold_contribute(&work->fold, work->table, 1, work->words, work->fold.words));
}

static void products(void *context)
{
    struct work *work = context;
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, COLUMNS, ROWS, 1, work->matrix, COLUMNS, 0, work->product,
                COLUMNS);
}

static void advance(struct work *work)
{
    work->words = realloc(work->words, work->fold.words * sizeof *work->words);
    step(work);
    bench_need(fold_advance(&work->fold, work->words, work->fold.words));
    work->words = realloc(work->words, work->fold.words * sizeof *work->words);
}

static void allocate(struct work *work)
{
    for (size_t k = 0; k < COLUMNS; k++) work->table->columns[k].numbers = malloc(ROWS * sizeof(double));
    work->table->columns[COLUMNS].codes = malloc(ROWS * sizeof(uint16_t));
    work->matrix = malloc((size_t)ROWS * COLUMNS * sizeof(double));
    work->product = malloc((size_t)COLUMNS * COLUMNS * sizeof(double));
}

int main(void)
{
    openblas_set_num_threads(1);
    static struct work work;
    struct plan plan;
    struct schema schema;
    CLEANUP(buffer_done) struct buffer yaml = {0};
    bench_need(write_plan(&yaml));
    bench_need(plan_parse(buffer_view(&yaml), "bench.yaml", &plan));
    bench_need(schema_of(&plan, &schema));
    bench_need(table_new(schema.specs, schema.count, ROWS, &work.table));
    allocate(&work);
    fill(&work);
    bench_need(fold_start(&plan, task_find("logistic"), &work.fold));
    for (unsigned sum = 0; sum < 4; sum++) advance(&work); /* counts, scale, products, the first Newton step */
    struct bench_measure measure = bench_compare(step, products, &work);
    bench_print(&(struct bench_line){"logistic_step_1000000x30", measure.seconds, "s",
                                     "OpenBLAS dsyrk, double, one thread, same matrix and turn", 1 / measure.speed, 2.0,
                                     "max"});
    return 0;
}
