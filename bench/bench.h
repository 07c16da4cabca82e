/* What every bench shares: turns, medians and the line that bench/run collects.
 *
 * A figure means little on a machine whose speed drifts, so a bench gives ratios: each turn measures the subject and a
 * reference on the same core, one right after the other, and the ratio is the median over the turns. Times are CPU time
 * of the thread: work that waits is timed with bench_wall instead.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>

#include "crypto/base/result.h"

#define BENCH_TURNS 7

typedef void bench_work(void *context);

struct bench_measure {
    double seconds;   /* of the subject once, median */
    double reference; /* of the reference once, median */
    double speed;     /* reference ÷ subject in the same turn, median: 1 is as fast as the reference */
};

/* Repeats short work within a turn until it can be timed. A NULL reference leaves reference and speed 0. */
struct bench_measure bench_compare(bench_work *subject, bench_work *reference, void *context);

double bench_cpu(void);                            /* seconds of this thread's CPU time */
double bench_wall(void);                           /* seconds of a monotonic clock */
double bench_median(double *values, size_t count); /* sorts them */

/* One result. `against` NULL: there is no ratio. `limit` 0: none; else bench/run fails when ratio is on its wrong side.
 */
struct bench_line {
    const char *name;
    double value;
    const char *unit;
    const char *against;
    double ratio;
    double limit;
    const char *sense; /* "min" or "max" */
};
void bench_print(const struct bench_line *line);

/* Ends the program with the reason when a step of a bench failed. */
void bench_need(struct result result);

#endif
