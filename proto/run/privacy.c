/* Rounding: U is up, D is down. Each step below is rounded so that its result errs to the side that its name says;
 * where a term is subtracted or divided by, it is rounded the other way. Only where an order is chosen does rounding
 * not matter: the bounds hold at every order, and a slightly worse order gives a slightly worse bound. */
#include "proto/run/privacy.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <mpfr.h>
#include <string.h>

enum { BITS = 128 };

#define U MPFR_RNDU
#define D MPFR_RNDD

/* --- the noise of one bank, and of many --- */

static void set_variance(mpfr_t out, struct noise_variance variance, mpfr_rnd_t rounding)
{
    mpfr_t denominator;
    mpfr_init2(denominator, BITS); /* both numbers are exact in it */
    (void)mpfr_set_uj(denominator, variance.denominator, MPFR_RNDN);
    (void)mpfr_set_uj(out, variance.numerator, MPFR_RNDN);
    (void)mpfr_div(out, out, denominator, rounding);
    mpfr_clear(denominator);
}

/* l2² / 2·banks·σ², up. */
static void set_gaussian(mpfr_t out, double l2, unsigned banks, struct noise_variance variance)
{
    mpfr_t below;
    mpfr_init2(below, BITS);
    set_variance(below, variance, D);
    (void)mpfr_mul_ui(below, below, 2ul * banks, D);
    (void)mpfr_set_d(out, l2, U);
    (void)mpfr_sqr(out, out, U); /* exact */
    (void)mpfr_div(out, out, below, U);
    mpfr_clear(below);
}

double privacy_gaussian(double l2, struct noise_variance variance)
{
    assert(isfinite(l2) && l2 >= 0 && noise_variance_valid(variance));
    mpfr_t rho;
    mpfr_init2(rho, BITS);
    set_gaussian(rho, l2, 1, variance);
    double result = mpfr_get_d(rho, U);
    mpfr_clear(rho);
    return result;
}

/* τ = 10 Σ exp(-2π²σ²·k/(k+1)) for k from 1 to banks - 1, up. */
static void set_tau(mpfr_t tau, unsigned banks, struct noise_variance variance)
{
    mpfr_t scale, term;
    mpfr_inits2(BITS, scale, term, (mpfr_ptr)0);
    set_variance(scale, variance, D);
    (void)mpfr_const_pi(term, D);
    (void)mpfr_sqr(term, term, D);
    (void)mpfr_mul(scale, scale, term, D);
    (void)mpfr_mul_ui(scale, scale, 2, D);
    mpfr_set_zero(tau, 1);
    for (unsigned k = 1; k < banks; k++) {
        (void)mpfr_mul_ui(term, scale, k, D);
        (void)mpfr_div_ui(term, term, k + 1, D);
        (void)mpfr_neg(term, term, U);
        (void)mpfr_exp(term, term, U);
        (void)mpfr_add(tau, tau, term, U);
    }
    (void)mpfr_mul_ui(tau, tau, 10, U);
    mpfr_clears(scale, term, (mpfr_ptr)0);
}

/* With s = √banks·σ, τ·min(l1, √values·l2)/s + τ²·values/2, up: what Proposition 14's second and third bound on the
 * divergence of order α add to α·l2²/2s², divided by α. (The third is the second with √values·l2 for l1.) */
static void set_cross_term(mpfr_t out, const struct privacy_sum *sum, struct noise_variance variance, const mpfr_t tau)
{
    mpfr_t part;
    mpfr_init2(part, BITS);
    (void)mpfr_set_uj(part, sum->values, U);
    (void)mpfr_sqrt(part, part, U);
    (void)mpfr_mul_d(part, part, sum->l2, U);
    if (mpfr_cmp_d(part, sum->l1) > 0) (void)mpfr_set_d(part, sum->l1, U);
    (void)mpfr_mul(out, part, tau, U);
    set_variance(part, variance, D);
    (void)mpfr_mul_ui(part, part, sum->banks, D);
    (void)mpfr_sqrt(part, part, D);
    (void)mpfr_div(out, out, part, U);
    (void)mpfr_set_uj(part, sum->values, U);
    (void)mpfr_mul(part, part, tau, U);
    (void)mpfr_mul(part, part, tau, U);
    (void)mpfr_div_ui(part, part, 2, U);
    (void)mpfr_add(out, out, part, U);
    mpfr_clear(part);
}

static void check_sum(const struct privacy_sum *sum)
{
    assert(sum->banks >= 1 && sum->banks <= MEMBERS_MAX && sum->values > 0);
    assert(isfinite(sum->l1) && sum->l1 >= 0 && isfinite(sum->l2) && sum->l2 >= 0);
}

struct result privacy_sum(const struct privacy_sum *sum, struct noise_variance variance, double *ret_rho)
{
    check_sum(sum);
    assert(noise_variance_valid(variance));
    ENSURE(variance.numerator >= variance.denominator / 4 + (variance.denominator % 4 != 0), CATEGORY_USAGE,
           "a bank's noise of variance %" PRIu64 "/%" PRIu64 " is too small for the privacy of sums to be known: it "
           "takes 1/4",
           variance.numerator, variance.denominator);
    mpfr_t rho, tau, first, second;
    mpfr_inits2(BITS, rho, tau, first, second, (mpfr_ptr)0);
    set_gaussian(rho, sum->l2, sum->banks, variance);
    set_tau(tau, sum->banks, variance);
    /* The first bound, α·ρ + τ·values, is at most α(ρ + τ·values). */
    (void)mpfr_set_uj(first, sum->values, U);
    (void)mpfr_mul(first, first, tau, U);
    set_cross_term(second, sum, variance, tau);
    (void)mpfr_min(first, first, second, U);
    (void)mpfr_add(rho, rho, first, U);
    *ret_rho = mpfr_get_d(rho, U);
    mpfr_clears(rho, tau, first, second, (mpfr_ptr)0);
    return RESULT_OK;
}

/* A fraction at or above value, as close as 62 bits are. */
static struct result to_variance(const mpfr_t value, struct noise_variance *ret)
{
    ENSURE(mpfr_cmp_ui_2exp(value, 1, 63) < 0, CATEGORY_USAGE,
           "the noise that privacy takes is too large for 64-bit sums; a larger epsilon or delta takes less");
    mpfr_exp_t exponent = mpfr_get_exp(value); /* value < 2^exponent <= 2^63 */
    mpfr_exp_t shift = exponent >= 62 ? 0 : exponent <= 0 ? 62 : 62 - exponent;
    mpfr_t scaled;
    mpfr_init2(scaled, BITS);
    (void)mpfr_mul_2si(scaled, value, shift, U);
    *ret = (struct noise_variance){mpfr_get_uj(scaled, U), UINT64_C(1) << shift};
    mpfr_clear(scaled);
    return RESULT_OK;
}

/* Whether least·(1 + more) is variance enough for ρ. */
static struct result try_more(const struct privacy_sum *sum, double rho, const mpfr_t least, double more,
                              struct noise_variance *ret, bool *ret_enough)
{
    mpfr_t value;
    mpfr_init2(value, BITS);
    (void)mpfr_mul_d(value, least, more, U);
    (void)mpfr_add(value, value, least, U);
    struct result result = to_variance(value, ret);
    mpfr_clear(value);
    TRY(result);
    double got;
    TRY(privacy_sum(sum, *ret, &got));
    *ret_enough = got <= rho;
    return RESULT_OK;
}

/* The least variance beyond `least` by doubling what is added, then eight halvings of the last step. */
static struct result search_noise(const struct privacy_sum *sum, double rho, const mpfr_t least,
                                  struct noise_variance *ret)
{
    struct noise_variance tried;
    double low = 0, high = 0x1p-50;
    bool enough;
    TRY(try_more(sum, rho, least, 0, ret, &enough));
    if (enough) return RESULT_OK;
    TRY(try_more(sum, rho, least, high, ret, &enough));
    while (!enough) {
        low = high;
        high *= 2;
        TRY(try_more(sum, rho, least, high, ret, &enough));
    }
    for (int k = 0; k < 8; k++) {
        double middle = (low + high) / 2;
        TRY(try_more(sum, rho, least, middle, &tried, &enough));
        if (enough) *ret = tried;
        if (enough)
            high = middle;
        else
            low = middle;
    }
    return RESULT_OK;
}

struct result privacy_noise(const struct privacy_sum *sum, double rho, struct noise_variance *ret)
{
    check_sum(sum);
    assert(isfinite(rho) && rho > 0 && sum->l2 > 0);
    mpfr_t least, below;
    mpfr_inits2(BITS, least, below, (mpfr_ptr)0);
    (void)mpfr_set_d(below, rho, D);
    (void)mpfr_mul_ui(below, below, 2ul * sum->banks, D);
    (void)mpfr_set_d(least, sum->l2, U);
    (void)mpfr_sqr(least, least, U);
    (void)mpfr_div(least, least, below, U);
    if (mpfr_cmp_d(least, 0.25) < 0) (void)mpfr_set_d(least, 0.25, U);
    struct noise_variance found;
    struct result result = search_noise(sum, rho, least, &found);
    mpfr_clears(least, below, (mpfr_ptr)0);
    TRY(result);
    *ret = found;
    return RESULT_OK;
}

unsigned privacy_honest(const struct thresholds *thresholds, enum plan_dropout on_dropout)
{
    return (on_dropout == DROPOUT_WAIT ? thresholds->n : thresholds->t) - thresholds->f;
}

struct noise_variance privacy_share(struct noise_variance total, unsigned honest)
{
    assert(noise_variance_valid(total) && honest >= 1 && honest <= MEMBERS_MAX);
    uint64_t numerator = total.numerator, denominator = total.denominator;
    while (denominator > UINT64_MAX / honest) { /* both roundings make the fraction larger */
        numerator = numerator / 2 + numerator % 2;
        denominator /= 2;
    }
    denominator *= honest;
    bool enough = numerator >= denominator / 4 + (denominator % 4 != 0);
    return enough ? (struct noise_variance){numerator, denominator} : (struct noise_variance){1, 4};
}

double privacy_compose(double rho, double other)
{
    assert(isfinite(rho) && rho >= 0 && isfinite(other) && other >= 0);
    mpfr_t sum;
    mpfr_init2(sum, BITS);
    (void)mpfr_set_d(sum, rho, U);
    (void)mpfr_add_d(sum, sum, other, U);
    double result = mpfr_get_d(sum, U);
    mpfr_clear(sum);
    return result;
}

/* --- ρ and (ε, δ) ---
 *
 * With α = 1 + a, Proposition 12 is ε = rdp + loss, loss = (log(1/δ) - log(1 + a))/a - log(1 + 1/a), and for ρ-zCDP
 * rdp = (1 + a)ρ. */

struct target {
    double rho, epsilon, delta;
};

/* log(1/δ) - log(1 + a), up. */
static void set_surplus(mpfr_t out, const mpfr_t a, double delta)
{
    mpfr_t part;
    mpfr_init2(part, BITS);
    (void)mpfr_set_d(out, delta, D);
    (void)mpfr_log(out, out, D);
    (void)mpfr_neg(out, out, U);
    (void)mpfr_log1p(part, a, D);
    (void)mpfr_sub(out, out, part, U);
    mpfr_clear(part);
}

/* log(1 + 1/a), down. */
static void set_log_ratio(mpfr_t out, const mpfr_t a)
{
    (void)mpfr_ui_div(out, 1, a, D);
    (void)mpfr_log1p(out, out, D);
}

static void set_loss(mpfr_t out, const mpfr_t a, double delta)
{
    mpfr_t part;
    mpfr_init2(part, BITS);
    set_surplus(out, a, delta);
    (void)mpfr_div(out, out, a, U);
    set_log_ratio(part, a);
    (void)mpfr_sub(out, out, part, U);
    mpfr_clear(part);
}

/* The least positive a, to a double's precision, from which on a condition holds. */
typedef bool condition(const struct target *target, const mpfr_t a);

static void search(condition *holds, const struct target *target, mpfr_t ret_a)
{
    /* Positive doubles are ordered as their bits are: halving between those of 2^-1000 and 2^1000. */
    const double ends[2] = {0x1p-1000, 0x1p1000};
    uint64_t low, high;
    memcpy(&low, &ends[0], sizeof low);
    memcpy(&high, &ends[1], sizeof high);
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        double a;
        memcpy(&a, &middle, sizeof a);
        (void)mpfr_set_d(ret_a, a, MPFR_RNDN);
        if (holds(target, ret_a))
            high = middle;
        else
            low = middle;
    }
    double a;
    memcpy(&a, &high, sizeof a);
    (void)mpfr_set_d(ret_a, a, MPFR_RNDN);
}

/* Whether ε at this order no longer falls: a²ρ >= log(1/δ) - log(1 + a), from the derivative. */
static bool epsilon_rises(const struct target *target, const mpfr_t a)
{
    mpfr_t left, right;
    mpfr_inits2(BITS, left, right, (mpfr_ptr)0);
    (void)mpfr_sqr(left, a, U);
    (void)mpfr_mul_d(left, left, target->rho, U);
    set_surplus(right, a, target->delta);
    bool holds = mpfr_greaterequal_p(left, right);
    mpfr_clears(left, right, (mpfr_ptr)0);
    return holds;
}

/* Whether δ at this order no longer falls: (1 + 2a)ρ - ε - log(1 + 1/a) >= 0. */
static bool delta_rises(const struct target *target, const mpfr_t a)
{
    mpfr_t left, part;
    mpfr_inits2(BITS, left, part, (mpfr_ptr)0);
    (void)mpfr_mul_ui(left, a, 2, U);
    (void)mpfr_add_ui(left, left, 1, U);
    (void)mpfr_mul_d(left, left, target->rho, U);
    (void)mpfr_sub_d(left, left, target->epsilon, U);
    set_log_ratio(part, a);
    bool holds = mpfr_greaterequal_p(left, part);
    mpfr_clears(left, part, (mpfr_ptr)0);
    return holds;
}

/* The order a is best for ρ = surplus/a² (as above); whether its ε is within the target's. */
static bool best_within(const struct target *target, const mpfr_t a)
{
    mpfr_t rdp, part;
    mpfr_inits2(BITS, rdp, part, (mpfr_ptr)0);
    set_surplus(rdp, a, target->delta);
    (void)mpfr_div(rdp, rdp, a, U);
    (void)mpfr_div(rdp, rdp, a, U);
    (void)mpfr_add_ui(part, a, 1, U);
    (void)mpfr_mul(rdp, rdp, part, U);
    set_loss(part, a, target->delta);
    (void)mpfr_add(rdp, rdp, part, U);
    bool holds = mpfr_cmp_d(rdp, target->epsilon) <= 0;
    mpfr_clears(rdp, part, (mpfr_ptr)0);
    return holds;
}

double privacy_order_epsilon(double order, double rdp, double delta)
{
    assert(isfinite(order) && order > 1 && isfinite(rdp) && rdp >= 0 && delta > 0 && delta < 1);
    mpfr_t a, epsilon;
    mpfr_inits2(BITS, a, epsilon, (mpfr_ptr)0);
    (void)mpfr_set_d(a, order, MPFR_RNDN);
    (void)mpfr_sub_ui(a, a, 1, D); /* exact for orders below 2^128 */
    set_loss(epsilon, a, delta);
    (void)mpfr_add_d(epsilon, epsilon, rdp, U);
    double result = mpfr_get_d(epsilon, U);
    mpfr_clears(a, epsilon, (mpfr_ptr)0);
    return result;
}

double privacy_epsilon(double rho, double delta)
{
    assert(isfinite(rho) && rho >= 0 && delta > 0 && delta < 1);
    if (rho == 0) return 0; /* the outputs are alike */
    mpfr_t a, epsilon, loss;
    mpfr_inits2(BITS, a, epsilon, loss, (mpfr_ptr)0);
    search(epsilon_rises, &(struct target){.rho = rho, .delta = delta}, a);
    (void)mpfr_add_ui(epsilon, a, 1, U);
    (void)mpfr_mul_d(epsilon, epsilon, rho, U);
    set_loss(loss, a, delta);
    (void)mpfr_add(epsilon, epsilon, loss, U);
    double result = mpfr_get_d(epsilon, U);
    mpfr_clears(a, epsilon, loss, (mpfr_ptr)0);
    return result > 0 ? result : 0;
}

/* log δ = a((1 + a)ρ - ε) - (1 + a)·log(1 + 1/a) - log a, up. */
static void set_log_delta(mpfr_t out, const mpfr_t a, double rho, double epsilon)
{
    mpfr_t part, ratio;
    mpfr_inits2(BITS, part, ratio, (mpfr_ptr)0);
    (void)mpfr_add_ui(out, a, 1, U);
    (void)mpfr_mul_d(out, out, rho, U);
    (void)mpfr_sub_d(out, out, epsilon, U);
    (void)mpfr_mul(out, out, a, U);
    (void)mpfr_add_ui(part, a, 1, D);
    set_log_ratio(ratio, a);
    (void)mpfr_mul(part, part, ratio, D);
    (void)mpfr_sub(out, out, part, U);
    (void)mpfr_log(part, a, D);
    (void)mpfr_sub(out, out, part, U);
    mpfr_clears(part, ratio, (mpfr_ptr)0);
}

double privacy_delta(double rho, double epsilon)
{
    assert(isfinite(rho) && rho >= 0 && isfinite(epsilon) && epsilon >= 0);
    if (rho == 0) return 0;
    mpfr_t a, delta;
    mpfr_inits2(BITS, a, delta, (mpfr_ptr)0);
    search(delta_rises, &(struct target){.rho = rho, .epsilon = epsilon}, a);
    set_log_delta(delta, a, rho, epsilon);
    (void)mpfr_exp(delta, delta, U);
    double result = mpfr_get_d(delta, U);
    mpfr_clears(a, delta, (mpfr_ptr)0);
    return result < 1 ? result : 1;
}

double privacy_budget(double epsilon, double delta)
{
    assert(isfinite(epsilon) && epsilon >= 0 && delta > 0 && delta < 1);
    mpfr_t a, rho, part;
    mpfr_inits2(BITS, a, rho, part, (mpfr_ptr)0);
    search(best_within, &(struct target){.epsilon = epsilon, .delta = delta}, a);
    set_loss(part, a, delta);
    (void)mpfr_d_sub(rho, epsilon, part, D);
    (void)mpfr_add_ui(part, a, 1, U);
    (void)mpfr_div(rho, rho, part, D); /* a negative one would be too large, and is not used */
    double result = mpfr_get_d(rho, D);
    mpfr_clears(a, rho, part, (mpfr_ptr)0);
    return result > 0 ? result : 0;
}
