/* Models of private runs, and what many of them say of their noise: for the tests of each task. Whatever fails here
 * ends the running test. */
#ifndef TESTS_SUPPORT_PRIVATE_MODEL_H
#define TESTS_SUPPORT_PRIVATE_MODEL_H

#include <jansson.h>

#include "tests/support/noisy.h"

/* model.json of a run with the noise of so many banks, drawn from a seed; and of the same plan without privacy. Freed
 * by the caller. */
json_t *noisy_model(const struct pooled *pooled, unsigned banks, const char *seed);
json_t *exact_model(struct pooled *pooled, unsigned banks);
/* A number of an object. */
double sample_number(const json_t *object, const char *key);

/* Without the noise: the same last state however rows are spread over banks and threads. */
void same_however_split(const struct pooled *pooled);
/* The plan is refused before its first sum, in such words. */
void plan_refused(const char *yaml, const char *words);

/* Of a figure over many runs. Zeroed is none. */
struct sample {
    const char *what;
    unsigned count;
    double sum, squares, claimed; /* of its errors, and of the deviations that models claim */
};
void sample_take(struct sample *sample, const char *what, double error, double claimed);
/* Unbiased within four standard errors and `bias` of a standard deviation; the deviation as claimed within a share, or,
 * where `most`, not above that. */
void sample_check(const struct sample *sample, double bias, double within, bool most);

#endif
