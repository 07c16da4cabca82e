#include "analytics/exact.h"

#include <math.h>
#include <mpfr.h>

/* MPFR's exponent range is set to double's while one of our values is computed, and put back after. */
enum { DOUBLE_BITS = 53, DOUBLE_EMIN = -1073, DOUBLE_EMAX = 1024, WIDE_BITS = 160 };

static double rounded(int (*function)(mpfr_t, mpfr_srcptr, mpfr_rnd_t), double x)
{
    mpfr_exp_t least = mpfr_get_emin(), most = mpfr_get_emax();
    (void)mpfr_set_emin(DOUBLE_EMIN);
    (void)mpfr_set_emax(DOUBLE_EMAX);
    mpfr_t value;
    mpfr_init2(value, DOUBLE_BITS);
    (void)mpfr_set_d(value, x, MPFR_RNDN);
    int direction = function(value, value, MPFR_RNDN);
    (void)mpfr_subnormalize(value, direction, MPFR_RNDN);
    double result = mpfr_get_d(value, MPFR_RNDN);
    mpfr_clear(value);
    (void)mpfr_set_emin(least);
    (void)mpfr_set_emax(most);
    return result;
}

double exact_log(double x)
{
    return rounded(mpfr_log, x);
}

double exact_exp(double x)
{
    return rounded(mpfr_exp, x);
}

double exact_erfc(double x)
{
    return rounded(mpfr_erfc, x);
}

double exact_normal_two_sided(double z)
{
    return exact_erfc(fabs(z) / sqrt(2.0));
}

/* The upper incomplete gamma function over the gamma function, with bits to spare, rounded once at the end. */
double exact_chi_square_tail(double x, double degrees)
{
    if (x <= 0) return 1;
    mpfr_t shape, at, tail;
    mpfr_inits2(WIDE_BITS, shape, at, tail, (mpfr_ptr)0);
    (void)mpfr_set_d(shape, degrees / 2, MPFR_RNDN);
    (void)mpfr_set_d(at, x / 2, MPFR_RNDN);
    (void)mpfr_gamma_inc(tail, shape, at, MPFR_RNDN);
    (void)mpfr_gamma(at, shape, MPFR_RNDN);
    (void)mpfr_div(tail, tail, at, MPFR_RNDN);
    double result = mpfr_get_d(tail, MPFR_RNDN);
    mpfr_clears(shape, at, tail, (mpfr_ptr)0);
    return result;
}
