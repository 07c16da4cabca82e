/* A policy's `privacy`: what a run may cost, what a source may cost for good, and what they say of a run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/text.h"
#include "proto/run/policy_judge.h"
#include "proto/run/policy_raw.h"
#include "proto/run/privacy.h"

enum { BUDGETS_MAX = 1000 };

#define TEXT(member) CYAML_FIELD_STRING_PTR(#member, CYAML_FLAG_POINTER, struct raw_budget, member, 1, CYAML_UNLIMITED)

static const cyaml_schema_field_t run_fields[] = {
    TEXT(epsilon),
    TEXT(delta),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t budget_fields[] = {
    CYAML_FIELD_STRING_PTR("source", CYAML_FLAG_POINTER, struct raw_budget, source, 1, NAME_MAX_BYTES),
    TEXT(epsilon),
    TEXT(delta),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t budget_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_budget, budget_fields),
};
const cyaml_schema_field_t policy_raw_privacy[] = {
    CYAML_FIELD_STRING_PTR("required", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_policy_privacy, required, 1,
                           CYAML_UNLIMITED),
    CYAML_FIELD_MAPPING_PTR("run", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_policy_privacy, run,
                            run_fields),
    CYAML_FIELD_SEQUENCE("budgets", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_policy_privacy, budgets,
                         &budget_entry, 0, BUDGETS_MAX),
    CYAML_FIELD_END,
};

/* --- parsing --- */

static struct result number_from(const struct document *document, const char *place, const char *key, const char *text,
                                 double most, double *ret)
{
    char path[PATH_BYTES + 16];
    (void)snprintf(path, sizeof path, "%s.%s", place, key);
    if (!text_number(text, ret) || !(*ret > 0 && *ret <= most))
        return document_fail(document, path, "key \"%s\": %.40s is not above 0 and at most %g", path, text, most);
    return RESULT_OK;
}

static struct result budget_from(const struct document *document, const char *place, const struct raw_budget *raw,
                                 struct policy_budget *ret)
{
    struct policy_budget budget = {.source = raw->source};
    TRY(number_from(document, place, "epsilon", raw->epsilon, PRIVACY_EPSILON_MOST, &budget.epsilon));
    TRY(number_from(document, place, "delta", raw->delta, PRIVACY_DELTA_MOST, &budget.delta));
    budget.rho = privacy_budget(budget.epsilon, budget.delta);
    if (!(budget.rho > 0))
        return document_fail(document, place, "key \"%s\": %.40s with a delta of %.40s leaves nothing to spend", place,
                             raw->epsilon, raw->delta);
    *ret = budget;
    return RESULT_OK;
}

static void place_of(unsigned i, char out[PATH_BYTES])
{
    (void)snprintf(out, PATH_BYTES, "privacy.budgets.%u", i);
}

static struct result budgets_from(const struct document *document, const struct raw_policy_privacy *raw,
                                  struct policy_privacy *ret)
{
    char place[PATH_BYTES], before[PATH_BYTES];
    ret->budgets = calloc(raw->budgets_count ? raw->budgets_count : 1, sizeof *ret->budgets);
    ENSURE(ret->budgets, CATEGORY_ENVIRONMENT, "no memory for a policy");
    for (unsigned i = 0; i < raw->budgets_count; i++) {
        place_of(i, place);
        for (unsigned k = 0; k < i; k++) {
            if (strcmp(raw->budgets[k].source, raw->budgets[i].source) != 0) continue;
            place_of(k, before);
            return document_fail(document, place, "key \"%s\": source %.64s has a budget already (line %u); keep one",
                                 place, raw->budgets[i].source, document_line(document, before));
        }
        TRY(budget_from(document, place, &raw->budgets[i], &ret->budgets[i]));
        ret->budgets_count++;
    }
    return RESULT_OK;
}

struct result policy_privacy_from(const struct document *document, const struct raw_policy_privacy *raw,
                                  struct policy_privacy *ret)
{
    *ret = (struct policy_privacy){0};
    if (!raw) return RESULT_OK;
    ret->required = raw->required && strcmp(raw->required, "yes") == 0;
    if (raw->required && !ret->required && strcmp(raw->required, "no") != 0)
        return document_fail(document, "privacy.required", "key \"privacy.required\": write yes or no");
    if (raw->run) TRY(budget_from(document, "privacy.run", raw->run, &ret->run));
    return budgets_from(document, raw, ret);
}

const struct policy_budget *policy_budget_of(const struct policy *policy, const char *source)
{
    for (unsigned i = 0; source && i < policy->privacy.budgets_count; i++)
        if (strcmp(policy->privacy.budgets[i].source, source) == 0) return &policy->privacy.budgets[i];
    return NULL;
}

/* --- judging: ρ with ρ, since an ε at one δ and an ε at another cannot be compared --- */

/* Sums without noise spend no budget, and tell what no budget bounds. */
static struct result judge_exact(const struct judging *judging)
{
    const struct policy_privacy *privacy = &judging->policy->privacy;
    const char *source = judging->about->source;
    char place[PATH_BYTES];
    if (privacy->required)
        return policy_find(judging, POLICY_REFUSED, "privacy.required",
                           "the plan has no privacy, and this bank asks for it");
    const struct policy_budget *budget = policy_budget_of(judging->policy, source);
    if (budget) {
        place_of((unsigned)(budget - privacy->budgets), place);
        return policy_find(judging, POLICY_REFUSED, place,
                           "the plan has no privacy, and this bank's data have a privacy budget, which exact sums "
                           "would get round");
    }
    for (unsigned i = 0; !source && i < privacy->budgets_count; i++) {
        place_of(i, place);
        TRY(policy_find(judging, POLICY_OPEN, place,
                        "the plan has no privacy: over source %s it is refused, which has a privacy budget",
                        privacy->budgets[i].source));
    }
    return RESULT_OK;
}

static struct result judge_run(const struct judging *judging)
{
    const struct plan_privacy *cost = &judging->about->plan->privacy;
    const struct policy_budget *run = &judging->policy->privacy.run;
    bool allowed = cost->rho <= run->rho;
    if (!(run->rho > 0)) return RESULT_OK;
    return policy_find(judging, allowed ? POLICY_ALLOWED : POLICY_REFUSED, "privacy.run",
                       allowed ? "the plan costs rho %.4g (epsilon %.4g at delta %.4g), of at most rho %.4g a run "
                                 "(epsilon %.4g at delta %.4g)"
                               : "the plan costs rho %.4g (epsilon %.4g at delta %.4g) and this bank gives at most "
                                 "rho %.4g a run (epsilon %.4g at delta %.4g)",
                       cost->rho, privacy_epsilon(cost->rho, run->delta), run->delta, run->rho, run->epsilon,
                       run->delta);
}

static struct result judge_budget(const struct judging *judging, unsigned which)
{
    const struct policy_case *about = judging->about;
    const struct policy_budget *budget = &judging->policy->privacy.budgets[which];
    double cost = about->plan->privacy.rho, epsilon = privacy_epsilon(cost, budget->delta);
    char place[PATH_BYTES];
    place_of(which, place);
    if (!about->source || !about->taken_known)
        return policy_find(judging, POLICY_OPEN, place,
                           "the plan costs rho %.4g (epsilon %.4g at delta %.4g), of the rho %.4g that all runs over "
                           "source %s may; the node knows what is left",
                           cost, epsilon, budget->delta, budget->rho, budget->source);
    bool allowed = privacy_compose(about->taken, cost) <= budget->rho;
    return policy_find(judging, allowed ? POLICY_ALLOWED : POLICY_REFUSED, place,
                       allowed ? "the plan costs rho %.4g (epsilon %.4g at delta %.4g), of the rho %.4g that all runs "
                                 "over this bank's data may (epsilon %.4g)"
                               : "the plan costs rho %.4g (epsilon %.4g at delta %.4g), and less is left of this "
                                 "bank's privacy budget",
                       cost, epsilon, budget->delta, budget->rho, budget->epsilon);
}

struct result policy_judge_privacy(const struct judging *judging)
{
    const struct policy_privacy *privacy = &judging->policy->privacy;
    const char *source = judging->about->source;
    if (!plan_private(judging->about->plan)) return judge_exact(judging);
    if (privacy->required) TRY(policy_find(judging, POLICY_ALLOWED, "privacy.required", "a plan with privacy"));
    TRY(judge_run(judging));
    for (unsigned i = 0; i < privacy->budgets_count; i++)
        if (!source || strcmp(privacy->budgets[i].source, source) == 0) TRY(judge_budget(judging, i));
    return RESULT_OK;
}
