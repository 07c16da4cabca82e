/* The scorecard's state as bytes: the stage, the profile, the classes, and the state of the fit. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "analytics/scorecard_private.h"

struct result scorecard_options(const struct plan *plan, struct profile_options *ret)
{
    struct profile_options options = {.bins = plan->bins, .depth = plan->cells_minimum};
    if (plan_private(plan)) TRY(scorecard_private_budget(plan, &options.budget));
    *ret = options;
    return RESULT_OK;
}

void scorecard_done(struct scorecard *scorecard)
{
    for (size_t f = 0; scorecard->features && f < scorecard->plan->features_count; f++) {
        free(scorecard->features[f].classes);
        free(scorecard->features[f].class_of);
    }
    free(scorecard->features);
    profile_done(&scorecard->profile);
    buffer_done(&scorecard->fit);
    *scorecard = (struct scorecard){0};
}

static struct result allocate(const struct plan *plan, struct scorecard *scorecard)
{
    scorecard->features = calloc(plan->features_count, sizeof *scorecard->features);
    ENSURE(scorecard->features, CATEGORY_ENVIRONMENT, "out of memory for %zu features", plan->features_count);
    return RESULT_OK;
}

struct result scorecard_new(const struct plan *plan, struct scorecard *ret)
{
    CLEANUP(scorecard_done) struct scorecard scorecard = {.plan = plan};
    struct profile_options options;
    TRY(scorecard_options(plan, &options));
    TRY(allocate(plan, &scorecard));
    TRY(profile_new(plan, options, &scorecard.profile));
    *ret = scorecard;
    scorecard = (struct scorecard){0};
    return RESULT_OK;
}

static struct result walk_feature(const struct walk *walk, struct scorecard_feature *feature, size_t cells,
                                  const struct plan_feature *plan)
{
    const char *name = plan->name;
    unsigned fate = feature->fate;
    TRY(walk_length(walk, &feature->classes_count, cells + 2 + plan->specials_count, "classes"));
    if (walk->reader) TRY(scorecard_allocate(feature, feature->classes_count, cells));
    for (size_t k = 0; k < feature->classes_count; k++) {
        TRY(walk_u64(walk, &feature->classes[k].cell.negatives));
        TRY(walk_u64(walk, &feature->classes[k].cell.positives));
        TRY(walk_f64(walk, &feature->classes[k].woe, name));
    }
    TRY(walk_counts(walk, feature->class_of, feature->cells_count));
    TRY(walk_u64(walk, &feature->missing));
    TRY(walk_counts(walk, feature->specials, plan->specials_count));
    TRY(walk_f64(walk, &feature->iv, name));
    TRY(walk_enum(walk, &fate, FATE_WRONG_SIGN, "fate of a feature"));
    feature->fate = fate;
    TRY(walk_u64(walk, &feature->with));
    return walk_f64(walk, &feature->r, name);
}

/* The stage comes first, then the profile, then, once there are classes, what follows from it. */
static struct result walk_rest(const struct walk *walk, struct scorecard *scorecard)
{
    for (size_t f = 0; f < scorecard->plan->features_count; f++)
        TRY(walk_feature(walk, &scorecard->features[f], scorecard->profile.columns[f].cells_count,
                         &scorecard->plan->features[f]));
    return walk_u64(walk, &scorecard->fits);
}

struct result scorecard_write(const struct scorecard *scorecard, struct buffer *out)
{
    struct walk walk = {.out = out};
    struct scorecard copy = *scorecard; /* the walk's writing side changes nothing behind the pointers */
    TRY(buffer_u64(out, scorecard->stage));
    TRY(profile_write(&scorecard->profile, out));
    if (scorecard->stage == SCORECARD_PROFILE) return RESULT_OK;
    TRY(walk_rest(&walk, &copy));
    TRY(buffer_u64(out, scorecard->fit.length));
    return buffer_append(out, buffer_view(&scorecard->fit));
}

/* What the fit relies on: that every class is there, and that the weights of a feature kept differ. */
static struct result check_feature(const struct scorecard *scorecard, size_t f)
{
    const struct scorecard_feature *feature = &scorecard->features[f];
    const char *name = scorecard->plan->features[f].name;
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (size_t c = 0; c < feature->cells_count; c++)
        ENSURE(feature->class_of[c] < feature->classes_count, CATEGORY_FALSE,
               "the state's classes of %s are impossible", name);
    for (size_t k = 0; k < feature->classes_count; k++) {
        low = feature->classes[k].woe < low ? feature->classes[k].woe : low;
        high = feature->classes[k].woe > high ? feature->classes[k].woe : high;
    }
    for (size_t s = 0; s < scorecard->plan->features[f].specials_count; s++)
        ENSURE(feature->specials[s] < feature->classes_count, CATEGORY_FALSE,
               "the state's class of a special code of %s is impossible", name);
    bool missing =
        scorecard->plan->features[f].kind == PLAN_NUMBER && scorecard->plan->features[f].missing != MISSING_REFUSE;
    ENSURE(missing ? feature->missing < feature->classes_count : feature->missing == feature->classes_count,
           CATEGORY_FALSE, "the state's class of missing values of %s is impossible", name);
    ENSURE(feature->with < scorecard->plan->features_count && fabs(low) <= 1e3 && fabs(high) <= 1e3 &&
               (!scorecard_fitted(scorecard, f) || low < high),
           CATEGORY_FALSE, "the state's weights of %s are impossible", name);
    return RESULT_OK;
}

static struct result read_rest(struct reader *reader, struct scorecard *scorecard)
{
    struct walk walk = {.reader = reader};
    size_t kept = 0;
    uint64_t length;
    struct view fit;
    TRY(walk_rest(&walk, scorecard));
    for (size_t f = 0; f < scorecard->plan->features_count; f++) {
        TRY(check_feature(scorecard, f));
        kept += scorecard->features[f].fate == FATE_KEPT;
    }
    ENSURE(kept > 0 && scorecard->profile.stage == PROFILE_FINISHED, CATEGORY_FALSE,
           "the state has a fit and no features");
    TRY(reader_u64(reader, &length));
    TRY(reader_take(reader, (size_t)length, &fit));
    return buffer_append(&scorecard->fit, fit);
}

struct result scorecard_parse(const struct plan *plan, struct view bytes, struct scorecard *ret)
{
    CLEANUP(scorecard_done) struct scorecard scorecard = {.plan = plan};
    struct reader reader = reader_of(bytes, "the scorecard's state");
    uint64_t stage;
    struct profile_options options;
    TRY(scorecard_options(plan, &options));
    TRY(allocate(plan, &scorecard));
    TRY(reader_u64(&reader, &stage));
    ENSURE(stage <= SCORECARD_FINISHED, CATEGORY_FALSE, "the state's stage %" PRIu64 " is unknown", stage);
    scorecard.stage = (enum scorecard_stage)stage;
    TRY(profile_read(&reader, plan, options, &scorecard.profile));
    ENSURE(stage != SCORECARD_PROFILE || scorecard.profile.stage != PROFILE_FINISHED, CATEGORY_FALSE,
           "the state has a profile and no classes");
    if (stage != SCORECARD_PROFILE) TRY(read_rest(&reader, &scorecard));
    TRY(reader_end(&reader));
    *ret = scorecard;
    scorecard = (struct scorecard){0};
    return RESULT_OK;
}
