#include "cli/plan_words.h"

#include <inttypes.h>
#include <string.h>

struct result plan_words_feature(const struct plan_feature *feature, struct buffer *out)
{
    static const char *const missing[] = {
        [MISSING_REFUSE] = "a missing value stops the bank before anything leaves it",
        [MISSING_MEDIAN] = "missing becomes the cohort's median",
        [MISSING_MEAN] = "missing becomes the cohort's mean",
        [MISSING_VALUE] = "missing becomes",
        [MISSING_LEVEL] = "missing is a level of its own",
    };
    static const char *const outside[] = {
        [OUTSIDE_REFUSE] = "a value outside stops the bank",
        [OUTSIDE_CLAMP] = "a value outside is moved to the nearest bound",
        [OUTSIDE_MISSING] = "a value outside counts as missing",
    };
    if (feature->kind == PLAN_NUMBER) {
        TRY(buffer_format(out, "a number from %.15g to %.15g in steps of %.15g; %s; %s", feature->minimum,
                          feature->maximum, feature->resolution, outside[feature->outside], missing[feature->missing]));
        return feature->missing == MISSING_VALUE ? buffer_format(out, " %.15g", feature->fill) : RESULT_OK;
    }
    return buffer_format(out, "one of %zu levels, compared with \"%s\"; %s; %s", plan_feature_levels(feature),
                         plan_feature_level(feature, feature->baseline), missing[feature->missing],
                         feature->level_other ? "a level not listed counts as \"other\""
                                              : "a level not listed stops the bank");
}

struct result plan_words_target(const struct plan *plan, struct buffer *out)
{
    if (!*plan->positive) return RESULT_OK;
    TRY(buffer_format(out, "positive is \"%s\"", plan->positive));
    for (size_t i = 0; i < plan->negative_count; i++)
        TRY(buffer_format(out, "%s\"%s\"", i ? ", " : ", negative is ", plan->negative[i]));
    return buffer_text(out,
                       plan->negative_count ? "; any other value stops the bank" : ", any other value is negative");
}

struct result plan_words_derived(const struct plan *plan, const struct plan_derived *of, struct buffer *out)
{
    if (of->with != SIZE_MAX) return buffer_text(out, "the products of both features");
    return buffer_format(out, "what %s is above %.15g", plan->features[of->feature].name, of->knot);
}

struct result plan_words_penalty(const struct plan *plan, struct buffer *out)
{
    if (plan->path)
        TRY(buffer_format(out,
                          "%" PRIu32 " are tried; the one under which the held-out rows are likeliest is "
                          "kept",
                          plan->path));
    else if (plan->penalty > 0)
        TRY(buffer_format(out, "%.15g", plan->penalty));
    else
        TRY(buffer_text(out, "none"));
    if (plan->l1 > 0) TRY(buffer_format(out, "; the share %.15g of it is on absolute values (l1)", plan->l1));
    return RESULT_OK;
}

struct result plan_words_weights(const struct plan *plan, struct buffer *out)
{
    if (plan->balanced)
        return buffer_text(out, "both outcomes weigh the same; probabilities are not those of the population");
    if (plan->weight != 1)
        return buffer_format(out, "a positive row weighs %.15g; probabilities are not those of the population",
                             plan->weight);
    return buffer_text(out, "none");
}

struct result plan_words_split(const struct plan *plan, struct buffer *out)
{
    if (plan->split == SPLIT_HASH)
        return buffer_format(out, "a fraction of %g of the rows, by a hash of seed \"%s\" and %s", plan->split_fraction,
                             plan->split_seed, *plan->id ? plan->id : "the row's own values");
    if (plan->split == SPLIT_COLUMN)
        return buffer_format(out, "the rows whose %s is one of %zu values", plan->split_column,
                             plan->split_holdout_count);
    return buffer_text(out, "nothing");
}

struct result plan_words_releases(const struct plan *plan, const struct task *task,
                                  struct result (*take)(void *context, struct view line), void *context)
{
    CLEANUP(buffer_done) struct buffer lines = {0};
    TRY(task->explain(plan, &lines));
    for (size_t at = 0; at < lines.length;) {
        const uint8_t *end = memchr(lines.data + at, '\n', lines.length - at);
        size_t length = end ? (size_t)(end - (lines.data + at)) : lines.length - at;
        TRY(take(context, view_of(lines.data + at, length)));
        at += length + (end != NULL);
    }
    return RESULT_OK;
}
