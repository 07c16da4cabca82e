#include "analytics/exact.h"

#include <math.h>
#include <mpfr.h>
#include <stdbool.h>

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

/* With h = x/2 and whole degrees k the tail is a finite sum of positive terms (Abramowitz and Stegun 26.4.4, 26.4.5):
 * e^-h Σ h^j/j! for j from 0 to k/2 - 1 when k is even; erfc(√h) + e^-h Σ h^(j-1/2)/Γ(j+1/2) for j from 1 to (k-1)/2
 * when it is odd. Each term is the one before times h over j (or j - 1/2). Bits to spare, rounded once at the end. */
double exact_chi_square_tail(double x, unsigned degrees)
{
    if (x <= 0) return 1;
    bool odd = degrees % 2;
    mpfr_t h, term, sum, scale;
    mpfr_inits2(WIDE_BITS, h, term, sum, scale, (mpfr_ptr)0);
    (void)mpfr_set_d(h, x / 2, MPFR_RNDN); /* exact: a halving */
    (void)mpfr_neg(scale, h, MPFR_RNDN);
    (void)mpfr_exp(scale, scale, MPFR_RNDN);
    (void)mpfr_set_ui(term, 1, MPFR_RNDN);
    if (odd) { /* 2 √(h/π), the term of j = 1 */
        (void)mpfr_const_pi(sum, MPFR_RNDN);
        (void)mpfr_div(term, h, sum, MPFR_RNDN);
        (void)mpfr_sqrt(term, term, MPFR_RNDN);
        (void)mpfr_mul_ui(term, term, 2, MPFR_RNDN);
    }
    (void)mpfr_set_zero(sum, 1);
    for (unsigned j = 1; j <= degrees / 2; j++) {
        (void)mpfr_add(sum, sum, term, MPFR_RNDN);
        (void)mpfr_mul(term, term, h, MPFR_RNDN);
        (void)mpfr_div_d(term, term, odd ? j + 0.5 : j, MPFR_RNDN);
    }
    (void)mpfr_mul(sum, sum, scale, MPFR_RNDN);
    if (odd) {
        (void)mpfr_sqrt(term, h, MPFR_RNDN);
        (void)mpfr_erfc(term, term, MPFR_RNDN);
        (void)mpfr_add(sum, sum, term, MPFR_RNDN);
    }
    double result = mpfr_get_d(sum, MPFR_RNDN);
    mpfr_clears(h, term, sum, scale, (mpfr_ptr)0);
    return result;
}
