/* Functions beyond + - * / sqrt for what every machine must compute alike: correctly rounded, through MPFR (53 bits,
 * round to nearest, double's exponent range). Arguments are finite. */
#ifndef ANALYTICS_EXACT_H
#define ANALYTICS_EXACT_H

double exact_log(double x); /* x > 0 */
double exact_exp(double x);
double exact_erfc(double x);
/* P(chi-square with `degrees` degrees of freedom > x), x >= 0, degrees >= 1. */
double exact_chi_square_tail(double x, unsigned degrees);
/* Two-sided p-value of a standard normal z: erfc(|z| / sqrt 2). */
double exact_normal_two_sided(double z);

#endif
