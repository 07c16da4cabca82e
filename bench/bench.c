#include "bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const double turn_seconds = 0.05; /* the least that one side of a turn takes */

static double seconds(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0) abort();
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double bench_cpu(void)
{
    return seconds(CLOCK_THREAD_CPUTIME_ID);
}

double bench_wall(void)
{
    return seconds(CLOCK_MONOTONIC);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_size);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static double once(bench_work *work, void *context, size_t times)
{
    double before = bench_cpu();
    for (size_t k = 0; k < times; k++) work(context);
    return (bench_cpu() - before) / (double)times;
}

/* How often to repeat; the first runs also warm caches and touch memory. */
static size_t repeats(bench_work *work, void *context)
{
    size_t times = 1;
    while (once(work, context, times) * (double)times < turn_seconds) times *= 2;
    return times;
}

struct bench_measure bench_compare(bench_work *subject, bench_work *reference, void *context)
{
    double took[BENCH_TURNS], against[BENCH_TURNS] = {0}, speed[BENCH_TURNS] = {0};
    size_t times = repeats(subject, context), reference_times = reference ? repeats(reference, context) : 0;
    for (size_t turn = 0; turn < BENCH_TURNS; turn++) {
        took[turn] = once(subject, context, times);
        if (!reference) continue;
        against[turn] = once(reference, context, reference_times);
        speed[turn] = against[turn] / took[turn];
    }
    return (struct bench_measure){bench_median(took, BENCH_TURNS), bench_median(against, BENCH_TURNS),
                                  bench_median(speed, BENCH_TURNS)};
}

void bench_print(const struct bench_line *line)
{
    (void)printf("{\"name\": \"%s\", \"value\": %.6g, \"unit\": \"%s\"", line->name, line->value, line->unit);
    if (line->against) (void)printf(", \"against\": \"%s\", \"ratio\": %.4g", line->against, line->ratio);
    if (line->limit != 0) (void)printf(", \"limit\": %.6g, \"sense\": \"%s\"", line->limit, line->sense);
    (void)printf("}\n");
    (void)fflush(stdout);
}

void bench_need(struct result result)
{
    if (result_ok(result)) return;
    (void)fprintf(stderr, "bench: %s\n", result_reason());
    exit(3);
}
