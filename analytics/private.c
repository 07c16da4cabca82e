#include "analytics/private.h"

#include <math.h>

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
