/* A layout's noise (docs/privacy.md): how fine the integers, how much noise a bank adds, and adding it. */
#include <math.h>

#include "proto/run/layout.h"
#include "proto/run/privacy.h"

/* Noise of all honest banks together has a σ of 2^24 steps or more: that of each is over 2^19 for any number of banks,
 * and below 2^32, where the sampler ends. */
static const double sigma_least = 0x1p24;
enum { FRACTION_BITS_MOST = 62 };

/* Doubles round to nearest: what stands on a bound goes past it. */
static double above(double value)
{
    return value * (1 + 0x1p-40);
}

struct result layout_noise_bits(const char *field, double l2, double rho, uint8_t *ret)
{
    ENSURE(isfinite(l2) && l2 > 0 && isfinite(rho) && rho > 0, CATEGORY_USAGE,
           "the sum \"%s\" has no noise that would fit: its norm is %g, its share of the budget %g", field, l2, rho);
    double sigma = l2 / sqrt(2 * rho);
    unsigned bits = 0;
    while (sigma < sigma_least && bits < FRACTION_BITS_MOST) {
        sigma *= 2;
        bits++;
    }
    *ret = (uint8_t)bits;
    return RESULT_OK;
}

double layout_l2(double l2, uint64_t length, uint8_t fraction_bits)
{
    return above(l2 * (double)((uint64_t)1 << fraction_bits) + sqrt((double)length) / 2);
}

double layout_rho(const struct layout *layout)
{
    double rho = 0;
    for (size_t i = 0; i < layout->fields_count; i++)
        if (layout->fields[i].rho > 0 && layout->fields[i].length > 0)
            rho = privacy_compose(rho, layout->fields[i].rho);
    return rho;
}

uint64_t layout_values(const struct layout *layout)
{
    uint64_t values = 0;
    for (size_t i = 0; i < layout->fields_count; i++) values += layout->fields[i].length;
    return values;
}

struct result layout_variance(const struct layout_field *field, unsigned honest, struct noise_variance *ret)
{
    ENSURE(field->length > 0, CATEGORY_BUG, "the noise of \"%s\", which has no values", field->name);
    const struct privacy_sum sum = {
        .banks = honest,
        .values = field->length,
        .l1 = above(field->l2 * sqrt((double)field->length)),
        .l2 = field->l2,
    };
    return privacy_noise(&sum, field->rho, ret);
}

struct result layout_noise(const struct layout *layout, unsigned honest, struct random_source *source, uint64_t *noise)
{
    for (size_t i = 0; i < layout->fields_count; i++) {
        const struct layout_field *field = &layout->fields[i];
        struct noise_variance variance;
        if (field->length == 0) continue;
        TRY(layout_variance(field, honest, &variance));
        for (uint64_t k = 0; k < field->length; k++) noise[k] = 0;
        TRY(noise_fill(source, variance, noise, (size_t)field->length));
        noise += field->length;
    }
    return RESULT_OK;
}

void layout_add_noise(const struct layout *layout, const uint64_t *noise, uint64_t *words)
{
    for (size_t i = 0; i < layout->fields_count; i++) {
        const struct layout_field *field = &layout->fields[i];
        for (uint64_t k = 0; k < field->length; k++, words += field->words)
            layout_put(field, layout_get(field, words) + (int64_t)*noise++, words);
    }
}
