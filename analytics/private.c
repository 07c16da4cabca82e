#include "analytics/private.h"

#include <inttypes.h>
#include <math.h>

#include "proto/run/privacy.h"

/* So much is left unspent that no rounding of the shares brings their sum over the whole. */
static const double below_one = 1 - 0x1p-40;

struct result private_split(const struct plan *plan, const double own[PLAN_PHASES], struct private_budget *ret)
{
    const double *weights = plan->privacy.split ? plan->privacy.weights : own;
    double total = 0;
    for (size_t i = 0; i < PLAN_PHASES; i++) {
        ENSURE((weights[i] > 0) == (own[i] > 0), CATEGORY_USAGE, "privacy.split %s \"%s\", which the task %s %s",
               weights[i] > 0 ? "has" : "lacks", plan_phase_name((enum plan_phase)i), plan->task,
               own[i] > 0 ? "spends on" : "does not have");
        total += weights[i];
    }
    for (size_t i = 0; i < PLAN_PHASES; i++) ret->rho[i] = private_part(plan->privacy.rho, weights[i] / total);
    return RESULT_OK;
}

double private_part(double rho, double part)
{
    return rho * part * below_one;
}

double private_norm(double square)
{
    return sqrt(square) * (1 + 0x1p-40);
}

struct layout_field private_counts(const char *name, uint64_t length, double norm, double rho)
{
    struct layout_field field = layout_exact(name, length, 1, 0, 1);
    field.l2 = norm;
    field.rho = rho;
    return field;
}

struct result private_reals(const char *name, uint64_t length, double bound, double norm, double rho,
                            struct layout_field *ret)
{
    uint8_t bits = 0;
    TRY(layout_noise_bits(name, norm, rho, &bits));
    *ret = layout_exact(name, length, layout_bound(bound, bits), bits, 1);
    ret->l2 = layout_l2(norm, length, bits);
    ret->rho = rho;
    return RESULT_OK;
}

double private_sigma(const struct layout_field *field)
{
    return field->l2 / sqrt(2 * field->rho) / (double)((uint64_t)1 << field->fraction_bits);
}

static struct result honest_of(const struct plan *plan, unsigned banks, unsigned *ret)
{
    struct thresholds thresholds;
    *ret = banks;
    if (banks < COHORT_MIN) return RESULT_OK;
    TRY(thresholds_of(banks, &thresholds));
    *ret = privacy_honest(&thresholds, plan->on_dropout);
    return RESULT_OK;
}

struct result private_noise(const struct plan *plan, const struct layout_field *field, unsigned banks, double *ret)
{
    unsigned honest = 0;
    struct noise_variance each;
    TRY(honest_of(plan, banks, &honest));
    TRY(layout_variance(field, honest, &each));
    double variance = (double)each.numerator / (double)each.denominator * banks;
    *ret = sqrt(variance) / (double)((uint64_t)1 << field->fraction_bits);
    return RESULT_OK;
}

static struct result check_number(const struct plan_feature *feature)
{
    ENSURE(feature->missing != MISSING_REFUSE, CATEGORY_USAGE,
           "%s: under privacy a missing value may not stop a run, which would tell of its row; write missing: mean",
           feature->name);
    ENSURE(feature->outside != OUTSIDE_REFUSE, CATEGORY_USAGE,
           "%s: under privacy a value outside the bounds may not stop a run, which would tell of its row; write "
           "outside: clamp",
           feature->name);
    return RESULT_OK;
}

static struct result check_category(const struct plan_feature *feature)
{
    ENSURE(feature->level_missing, CATEGORY_USAGE,
           "%s: under privacy a missing value may not stop a run, which would tell of its row; write missing: level",
           feature->name);
    ENSURE(feature->level_other, CATEGORY_USAGE,
           "%s: under privacy a level not listed may not stop a run, which would tell of its row; write other: level",
           feature->name);
    return RESULT_OK;
}

struct result private_check_features(const struct plan *plan)
{
    if (!plan_private(plan)) return RESULT_OK;
    ENSURE(plan->negative_count == 0, CATEGORY_USAGE,
           "%s: under privacy another value of the target may not stop a run, which would tell of its row; leave out "
           "target.negative",
           plan->target);
    for (size_t f = 0; f < plan->features_count; f++)
        TRY(plan->features[f].kind == PLAN_NUMBER ? check_number(&plan->features[f])
                                                  : check_category(&plan->features[f]));
    return RESULT_OK;
}

struct result private_explain(const struct plan *plan, struct buffer *out)
{
    TRY(buffer_format(out,
                      "the noise is what banks outside any collusion add; with all banks' it is up to %s times as "
                      "large, and the model says how large\n",
                      plan->on_dropout == DROPOUT_WAIT ? "1.23" : "1.74"));
    TRY(buffer_format(out,
                      "all sums together are differentially private for one customer, a row added or removed: epsilon "
                      "%g, delta %g (zCDP %.4g)\n",
                      plan->privacy.epsilon, plan->privacy.delta, plan->privacy.rho));
    return buffer_format(out, "the report shows no cell that counts fewer than %" PRIu32 " customers, noise included\n",
                         plan->cells_minimum);
}
