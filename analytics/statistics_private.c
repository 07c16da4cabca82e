/* What the statistics say of their noise, before a run and after. */
#include <math.h>
#include <string.h>

#include "analytics/private_json.h"
#include "analytics/private_profile.h"
#include "analytics/statistics.h"

struct result statistics_private_explain(const struct plan *plan, struct profile_options options, struct buffer *out)
{
    TRY(private_profile_explain(plan, options, "at the end", out));
    return private_explain(plan, out);
}

/* σ of the field of this name; 0 when there is none. */
static struct result sd_of(const struct plan *plan, const struct layout *layout, const char *name, unsigned banks,
                           double *ret)
{
    *ret = 0;
    for (size_t i = 0; i < layout->fields_count; i++)
        if (strcmp(layout->fields[i].name, name) == 0) return private_noise(plan, &layout->fields[i], banks, ret);
    return RESULT_OK;
}

static struct result noise_of(const struct plan *plan, const struct private_profile_rounds *rounds, unsigned banks,
                              struct statistics_noise *ret)
{
    TRY(sd_of(plan, &rounds->first, "cases", banks, &ret->cases));
    TRY(sd_of(plan, &rounds->first, "counts", banks, &ret->counts));
    TRY(sd_of(plan, &rounds->quantiles, "drift", banks, &ret->drift));
    TRY(sd_of(plan, &rounds->quantiles, "spread", banks, &ret->spread));
    return sd_of(plan, &rounds->cells, "pair products", banks, &ret->products);
}

static struct result put_rounds(struct tree *tree, json_t *privacy, const struct plan *plan, unsigned banks,
                                const struct private_profile_rounds *rounds)
{
    TRY(private_json_noise(tree, privacy, plan, banks, &rounds->first));
    TRY(private_json_noise(tree, privacy, plan, banks, &rounds->quantiles));
    return private_json_noise(tree, privacy, plan, banks, &rounds->cells);
}

struct result statistics_private_json(struct tree *tree, const struct profile *profile, unsigned banks,
                                      struct statistics_noise *ret_noise, json_t **ret)
{
    struct private_profile_rounds rounds;
    TRY(private_profile_rounds(profile->plan, profile->options, &rounds));
    TRY(noise_of(profile->plan, &rounds, banks, ret_noise));
    json_t *privacy = private_json(tree, profile->plan);
    struct result result = put_rounds(tree, privacy, profile->plan, banks, &rounds);
    if (!result_ok(result)) {
        json_decref(privacy);
        return result;
    }
    *ret = privacy;
    return RESULT_OK;
}

static double square(double x)
{
    return x * x;
}

/* A number's mean as a share of the range from the middle, its variance as a share of the squared range; and the
 * variances that noise gives to both and to the number of values. */
struct moments {
    double present, drift, variance, of_drift, of_variance;
};

static struct moments moments_of(const struct statistics_noise *noise, const struct profile *profile, size_t f)
{
    const struct plan_feature *feature = &profile->plan->features[f];
    const struct profile_column *column = &profile->columns[f];
    double range = feature->maximum - feature->minimum, n = (double)profile_present(profile, f);
    struct moments of = {.present = n,
                         .drift = private_profile_distance(feature, column->mean),
                         .variance = column->variance / range / range};
    double outcomes = profile->plan->target[0] ? 2 : 1, counts = 1 + (double)feature->specials_count;
    double of_rows = outcomes * (square(noise->cases) + counts * square(noise->counts));
    of.of_drift = (square(noise->drift) + square(of.drift) * of_rows) / square(n);
    of.of_variance = (square(noise->spread) + square(of.variance + square(of.drift)) * of_rows) / square(n) +
                     4 * square(of.drift) * of.of_drift;
    return of;
}

double statistics_mean_noise(const struct statistics_noise *noise, const struct profile *profile, size_t feature)
{
    const struct plan_feature *of = &profile->plan->features[feature];
    return (of->maximum - of->minimum) * sqrt(moments_of(noise, profile, feature).of_drift);
}

double statistics_correlation_noise(const struct statistics_noise *noise, const struct profile *profile,
                                    const size_t features[2], const double pair[6])
{
    const struct moments a = moments_of(noise, profile, features[0]), b = moments_of(noise, profile, features[1]);
    double n = (double)profile_train_rows(profile), scale = pair[PAIR_AA] * pair[PAIR_BB];
    double r = pair[PAIR_AB] / sqrt(scale);
    double of_products = square(noise->products) + 2 * square(a.drift * b.drift * noise->cases) +
                         square(n) * (square(b.drift) * a.of_drift + square(a.drift) * b.of_drift);
    double of_scale = a.of_variance / square(a.variance) + b.of_variance / square(b.variance);
    return sqrt(of_products / scale + square(r) / 4 * of_scale);
}
