#include "analytics/linear.h"

#include <math.h>
#include <stdlib.h>

size_t linear_factor(size_t count, double *matrix)
{
    for (size_t j = 0; j < count; j++) {
        double *row = matrix + j * count;
        double diagonal = row[j];
        for (size_t k = 0; k < j; k++) {
            const double *above = matrix + k * count;
            double value = row[k];
            for (size_t m = 0; m < k; m++) value -= row[m] * above[m];
            row[k] = value / above[k];
        }
        double pivot = diagonal;
        for (size_t k = 0; k < j; k++) pivot -= row[k] * row[k];
        if (!(pivot > LINEAR_PIVOT_LEAST * diagonal)) return j;
        row[j] = sqrt(pivot);
    }
    return count;
}

void linear_solve(size_t count, const double *factor, double *vector)
{
    for (size_t j = 0; j < count; j++) {
        double value = vector[j];
        for (size_t k = 0; k < j; k++) value -= factor[j * count + k] * vector[k];
        vector[j] = value / factor[j * count + j];
    }
    for (size_t j = count; j-- > 0;) {
        vector[j] /= factor[j * count + j];
        for (size_t k = 0; k < j; k++) vector[k] -= factor[j * count + k] * vector[j];
    }
}

void linear_inverse_diagonal(size_t count, const double *factor, double *work, double *ret_diagonal)
{
    /* Column j of L^-1 begins at row j; element j of the diagonal is the squared length of that column. */
    for (size_t j = 0; j < count; j++) {
        double sum = 0;
        for (size_t i = j; i < count; i++) {
            double value = i == j ? 1 : 0;
            for (size_t k = j; k < i; k++) value -= factor[i * count + k] * work[k];
            work[i] = value / factor[i * count + i];
            sum += work[i] * work[i];
        }
        ret_diagonal[j] = sum;
    }
}

/* Double-double numbers: high + low, |low| at most half a unit in high's last place (Dekker 1971). */
struct twofold {
    double high, low;
};

static struct twofold quick_sum(double a, double b)
{
    double sum = a + b;
    return (struct twofold){sum, b - (sum - a)};
}

static struct twofold two_sum(double a, double b)
{
    double sum = a + b, rest = sum - a;
    return (struct twofold){sum, (a - (sum - rest)) + (b - rest)};
}

static struct twofold two_product(double a, double b)
{
    const double splitter = 0x1p27 + 1;
    double ta = splitter * a, ah = ta - (ta - a), al = a - ah;
    double tb = splitter * b, bh = tb - (tb - b), bl = b - bh;
    double product = a * b;
    return (struct twofold){product, ((ah * bh - product) + ah * bl + al * bh) + al * bl};
}

static struct twofold product(struct twofold a, struct twofold b)
{
    struct twofold p = two_product(a.high, b.high);
    return quick_sum(p.high, p.low + (a.high * b.low + a.low * b.high));
}

static struct twofold difference(struct twofold a, struct twofold b)
{
    struct twofold s = two_sum(a.high, -b.high);
    return quick_sum(s.high, s.low + (a.low - b.low));
}

static struct twofold quotient(struct twofold a, struct twofold b)
{
    double first = a.high / b.high;
    struct twofold rest = difference(a, product(b, (struct twofold){first, 0}));
    return quick_sum(first, rest.high / b.high);
}

static struct twofold from_integer(__int128 value)
{
    double high = (double)value;
    return (struct twofold){high, (double)(value - (__int128)high)};
}

/* One row of V and W, G = V W' with W unit lower triangular over the columns kept: V_jk = G_jk - sum V_jm W_km. */
static struct twofold eliminate(size_t count, size_t j, const __int128 *gram, const bool *collinear, struct twofold *v,
                                struct twofold *w)
{
    struct twofold left = from_integer(gram[j * count + j]);
    for (size_t k = 0; k < j; k++) {
        if (collinear[k]) continue;
        struct twofold value = from_integer(gram[j * count + k]);
        for (size_t m = 0; m < k; m++)
            if (!collinear[m]) value = difference(value, product(v[j * count + m], w[k * count + m]));
        v[j * count + k] = value;
        w[j * count + k] = quotient(value, v[k * count + k]);
        left = difference(left, product(value, w[j * count + k]));
    }
    return left;
}

static void free_twofold(struct twofold **values)
{
    free(*values);
}

struct result linear_collinear(size_t count, const __int128 *gram, bool *ret_collinear)
{
    CLEANUP(free_twofold) struct twofold *v = calloc(count * count, sizeof *v);
    CLEANUP(free_twofold) struct twofold *w = calloc(count * count, sizeof *w);
    ENSURE(v && w, CATEGORY_ENVIRONMENT, "out of memory for a matrix of %zu columns", count);
    for (size_t j = 0; j < count; j++) {
        double length = (double)gram[j * count + j];
        ENSURE(length >= 0, CATEGORY_FALSE, "a sum of squares is negative: the sum is not a true one");
        struct twofold left = eliminate(count, j, gram, ret_collinear, v, w);
        ENSURE(left.high >= -1e-9 * length, CATEGORY_FALSE,
               "the matrix of products is not positive semidefinite: the sum is not a true one");
        ret_collinear[j] = !(left.high > LINEAR_COLLINEAR * length);
        v[j * count + j] = left;
    }
    return RESULT_OK;
}
