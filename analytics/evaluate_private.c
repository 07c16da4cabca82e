#include "analytics/evaluate_private.h"

#include <math.h>
#include <stdlib.h>

#include "analytics/private.h"
#include "analytics/private_project.h"

/* How many rows of each outcome there are stands under every rate; the rest is one sum (docs/privacy.md). */
static const double own_weights[PLAN_PHASES] = {[PHASE_COUNTS] = 0.1, [PHASE_SCORES] = 0.9};
/* Parts of the second, of the fields that a plan has. */
static const double parts[EVALUATE_FIELDS] = {
    [EVALUATE_FIELD_COUNTS] = 0.40,  [EVALUATE_FIELD_AWAY] = 0.03,   [EVALUATE_FIELD_ERRORS] = 0.10,
    [EVALUATE_FIELD_CUTOFFS] = 0.12, [EVALUATE_FIELD_GROUPS] = 0.20, [EVALUATE_FIELD_EXPECTED] = 0.05,
    [EVALUATE_FIELD_DRIFT] = 0.10,
};
static const char *const names[EVALUATE_FIELDS] = {
    [EVALUATE_FIELD_CASES] = "cases",
    [EVALUATE_FIELD_COUNTS] = "score counts",
    [EVALUATE_FIELD_AWAY] = "predicted",
    [EVALUATE_FIELD_ERRORS] = "squared error",
    [EVALUATE_FIELD_CUTOFFS] = "cutoffs",
    [EVALUATE_FIELD_GROUPS] = "groups",
    [EVALUATE_FIELD_EXPECTED] = "group predicted",
    [EVALUATE_FIELD_DRIFT] = "drift",
};

void evaluate_private_free(struct evaluate_private *private)
{
    if (!private) return;
    free(private->values);
    free(private);
}

static size_t training_features(const struct evaluate_given *given)
{
    size_t count = 0;
    for (size_t f = 0; f < given->model.features_count; f++) count += given->model.features[f].training != NULL;
    return count;
}

size_t evaluate_private_length(const struct evaluate *evaluate, enum evaluate_field field, size_t model)
{
    size_t bins = evaluate->private->bins[model].count, stretches = evaluate_stretches(evaluate);
    bool cutoffs = stretches > 1, groups = evaluate->plan->group != SIZE_MAX;
    switch (field) {
    case EVALUATE_FIELD_CASES:
        return model == 0 ? EVALUATE_CASES : 0;
    case EVALUATE_FIELD_COUNTS:
        return bins * CASE_KINDS;
    case EVALUATE_FIELD_AWAY:
        return bins * 2;
    case EVALUATE_FIELD_ERRORS:
        return 2;
    case EVALUATE_FIELD_CUTOFFS:
        return cutoffs ? stretches * CASE_KINDS : 0;
    case EVALUATE_FIELD_GROUPS:
        return groups ? evaluate->groups_count * stretches * CASE_KINDS : 0;
    case EVALUATE_FIELD_EXPECTED:
        return groups ? evaluate->groups_count * 2 : 0;
    case EVALUATE_FIELD_DRIFT:
        return evaluate->given[model].drifts_count * 2;
    case EVALUATE_FIELDS:
        break;
    }
    return 0;
}

size_t evaluate_private_at(const struct evaluate *evaluate, enum evaluate_field field, size_t model)
{
    size_t at = evaluate->private->begin[field];
    return model == 0 ? at : at + evaluate_private_length(evaluate, field, 0);
}

/* ---- layout */

static size_t length_of(const struct evaluate *evaluate, enum evaluate_field field)
{
    size_t length = 0;
    for (size_t m = 0; m < evaluate->plan->models_count; m++) length += evaluate_private_length(evaluate, field, m);
    return length;
}

/* In how many values of the field a row is, at most: one of each model, or of each feature that a model keeps. In each
 * with 1 at most. */
static double norm_of(const struct evaluate *evaluate, enum evaluate_field field)
{
    size_t count = field == EVALUATE_FIELD_CASES ? 1 : evaluate->plan->models_count, features = 0;
    for (size_t m = 0; m < evaluate->plan->models_count; m++) features += training_features(&evaluate->given[m]);
    return private_norm((double)(field == EVALUATE_FIELD_DRIFT ? features : count));
}

static bool is_real(enum evaluate_field field)
{
    return field == EVALUATE_FIELD_AWAY || field == EVALUATE_FIELD_ERRORS || field == EVALUATE_FIELD_EXPECTED;
}

static double rho_of(const struct evaluate *evaluate, const struct private_budget *budget, enum evaluate_field field)
{
    double all = 0;
    if (field == EVALUATE_FIELD_CASES) return budget->rho[PHASE_COUNTS];
    for (enum evaluate_field f = 0; f < EVALUATE_FIELDS; f++) all += length_of(evaluate, f) > 0 ? parts[f] : 0;
    return private_part(budget->rho[PHASE_SCORES], parts[field] / all);
}

static struct result add_field(const struct evaluate *evaluate, const struct private_budget *budget,
                               enum evaluate_field field, struct layout *layout)
{
    size_t length = length_of(evaluate, field);
    double norm = norm_of(evaluate, field), rho = rho_of(evaluate, budget, field);
    struct layout_field added = private_counts(names[field], length, norm, rho);
    if (is_real(field)) TRY(private_reals(names[field], length, 1, norm, rho, &added));
    return layout_add(layout, added);
}

static struct result lay_out(const struct evaluate *evaluate, struct evaluate_private *private)
{
    struct private_budget budget;
    size_t begin = 0;
    TRY(private_split(evaluate->plan, own_weights, &budget));
    for (enum evaluate_field f = 0; f < EVALUATE_FIELDS; f++) {
        size_t length = length_of(evaluate, f);
        private->field[f] = length > 0 ? private->layout.fields_count : SIZE_MAX;
        private->begin[f] = begin;
        begin += length;
        if (length > 0) TRY(add_field(evaluate, &budget, f, &private->layout));
    }
    private->begin[EVALUATE_FIELDS] = begin;
    return RESULT_OK;
}

static struct result fill_in(const struct evaluate *evaluate, struct evaluate_private *private)
{
    struct evaluate with = *evaluate; /* what lengths depend on */
    with.private = private;
    for (size_t m = 0; m < evaluate->plan->models_count; m++)
        evaluate_private_bins(&evaluate->given[m], &private->bins[m]);
    TRY(lay_out(&with, private));
    private->values = calloc(private->begin[EVALUATE_FIELDS] + 1, sizeof *private->values);
    ENSURE(private->values, CATEGORY_ENVIRONMENT, "out of memory for an evaluation");
    return RESULT_OK;
}

struct result evaluate_private_new(const struct evaluate *evaluate, struct evaluate_private **ret)
{
    struct evaluate_private *private = calloc(1, sizeof *private);
    ENSURE(private, CATEGORY_ENVIRONMENT, "out of memory for an evaluation");
    struct result result = fill_in(evaluate, private);
    if (result_ok(result))
        *ret = private;
    else
        evaluate_private_free(private);
    return result;
}

struct result evaluate_private_check(const struct plan *plan)
{
    struct private_budget budget;
    if (!plan_private(plan)) return RESULT_OK;
    TRY(private_check_features(plan));
    return private_split(plan, own_weights, &budget);
}

/* ---- state */

struct result evaluate_private_walk(const struct walk *walk, struct evaluate *evaluate)
{
    return walk_reals(walk, evaluate->private->values, evaluate->private->begin[EVALUATE_FIELDS], "a noisy sum");
}

/* What a sum of 64-bit words can be. */
struct result evaluate_private_check_state(const struct evaluate *evaluate)
{
    const struct evaluate_private *private = evaluate->private;
    ENSURE(evaluate->stage == EVALUATE_TABLES || evaluate->stage == EVALUATE_FINISHED, CATEGORY_FALSE,
           "the state's stage is none of a private evaluation");
    for (size_t v = 0; v < private->begin[EVALUATE_FIELDS]; v++)
        ENSURE(fabs(private->values[v]) <= 0x1p63, CATEGORY_FALSE, "the state holds a sum that can be none");
    return RESULT_OK;
}

struct result evaluate_private_advance(struct evaluate *evaluate, const struct sum *sum)
{
    struct evaluate_private *private = evaluate->private;
    uint64_t most = evaluate->plan->rows * MEMBERS_MAX;
    for (enum evaluate_field f = 0; f < EVALUATE_FIELDS; f++) {
        size_t length = private->begin[f + 1] - private->begin[f];
        for (size_t v = 0; v < length; v++)
        private->values[private->begin[f] + v] = sum_real(sum, private->field[f], v);
    }
    size_t kinds = evaluate->plan->split == SPLIT_NONE ? CASE_HELD_NEGATIVE : CASE_KINDS; /* no others: all is noise */
    for (size_t k = 0; k < kinds; k++)
        evaluate->cases[k] =
            private_clip_count((uint64_t)sum_integer(sum, private->field[EVALUATE_FIELD_CASES], k), most);
    evaluate->stage = EVALUATE_FINISHED;
    return RESULT_OK;
}
