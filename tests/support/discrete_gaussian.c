#include "tests/support/discrete_gaussian.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>

static struct pmf pmf_zero(long reach)
{
    struct pmf pmf = {reach, calloc((size_t)(2 * reach + 1), sizeof(long double))};
    if (!pmf.values) fail_msg("out of memory for a table");
    return pmf;
}

struct pmf pmf_gaussian(long double variance, long reach)
{
    struct pmf pmf = pmf_zero(reach);
    long double sum = 0;
    for (long x = reach; x >= 0; x--) { /* small terms first */
        long double value = expl(-(long double)x * (long double)x / (2 * variance));
        pmf.values[reach + x] = pmf.values[reach - x] = value;
        sum += x ? 2 * value : value;
    }
    for (long x = -reach; x <= reach; x++) pmf.values[reach + x] /= sum;
    return pmf;
}

struct pmf pmf_sum(const struct pmf *a, const struct pmf *b)
{
    struct pmf pmf = pmf_zero(a->reach + b->reach);
    for (long x = 0; x <= 2 * a->reach; x++)
        for (long y = 0; y <= 2 * b->reach; y++) pmf.values[x + y] += a->values[x] * b->values[y];
    return pmf;
}

long double pmf_at(const struct pmf *pmf, long x)
{
    return x < -pmf->reach || x > pmf->reach ? 0 : pmf->values[x + pmf->reach];
}

void pmf_done(struct pmf *pmf)
{
    free(pmf->values);
    pmf->values = NULL;
}
