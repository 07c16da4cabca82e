/* The plan's `privacy`: (ε, δ), the ρ of zCDP that they allow, and how it is split. */
#include <stdio.h>
#include <string.h>

#include "crypto/base/text.h"
#include "proto/run/plan_raw.h"
#include "proto/run/privacy.h"

static const double weight_least = 1e-3, weight_most = 1e3;

static const char *const phases[PLAN_PHASES] = {
    [PHASE_COUNTS] = "counts", [PHASE_SCALE] = "scale",   [PHASE_CELLS] = "cells",
    [PHASE_FIT] = "fit",       [PHASE_SCORES] = "scores",
};

const char *plan_phase_name(enum plan_phase phase)
{
    return phases[phase];
}

#define WEIGHT(key, phase)                                                                                             \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_shares, weights[phase], 1,        \
                           CYAML_UNLIMITED)
#define TEXT(member)                                                                                                   \
    CYAML_FIELD_STRING_PTR(#member, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_privacy, member, 1,           \
                           CYAML_UNLIMITED)

static const cyaml_schema_field_t split_fields[] = {
    WEIGHT("counts", PHASE_COUNTS), WEIGHT("scale", PHASE_SCALE),   WEIGHT("cells", PHASE_CELLS),
    WEIGHT("fit", PHASE_FIT),       WEIGHT("scores", PHASE_SCORES), CYAML_FIELD_END,
};
const cyaml_schema_field_t plan_raw_privacy[] = {
    TEXT(epsilon),
    TEXT(delta),
    TEXT(unit),
    CYAML_FIELD_MAPPING_PTR("split", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_privacy, split, split_fields),
    CYAML_FIELD_END,
};

/* One of the two numbers, neither of which says anything without the other. */
static struct result number_parse(const struct document *document, const char *key, const char *text, double most,
                                  double *ret)
{
    char path[32];
    (void)snprintf(path, sizeof path, "privacy.%s", key);
    if (!text)
        return document_fail(document, "privacy",
                             "key \"privacy\": needs its %s; write privacy: {epsilon: 4, delta: 1.0e-6}", key);
    if (!text_number(text, ret) || !(*ret > 0 && *ret <= most))
        return document_fail(document, path, "key \"%s\": %.40s is not above 0 and at most %g", path, text, most);
    return RESULT_OK;
}

static struct result split_parse(const struct document *document, const struct raw_shares *raw,
                                 struct plan_privacy *privacy)
{
    if (!raw) return RESULT_OK;
    privacy->split = true;
    for (size_t i = 0; i < PLAN_PHASES; i++) {
        char path[48];
        const char *text = raw->weights[i];
        double *weight = &privacy->weights[i];
        (void)snprintf(path, sizeof path, "privacy.split.%s", phases[i]);
        if (text && (!text_number(text, weight) || !(*weight >= weight_least && *weight <= weight_most)))
            return document_fail(document, path, "key \"%s\": %.40s is not a weight from %g to %g", path, text,
                                 weight_least, weight_most);
    }
    return RESULT_OK;
}

struct result plan_privacy_parse(const struct document *document, const struct raw_privacy *raw,
                                 struct plan_privacy *ret)
{
    *ret = (struct plan_privacy){0};
    if (!raw) return RESULT_OK;
    TRY(number_parse(document, "epsilon", raw->epsilon, PRIVACY_EPSILON_MOST, &ret->epsilon));
    TRY(number_parse(document, "delta", raw->delta, PRIVACY_DELTA_MOST, &ret->delta));
    if (raw->unit && strcmp(raw->unit, "customer") != 0)
        return document_fail(document, "privacy.unit",
                             "key \"privacy.unit\": \"%.40s\" is not known; what is protected is a customer",
                             raw->unit);
    TRY(split_parse(document, raw->split, ret));
    ret->rho = privacy_budget(ret->epsilon, ret->delta);
    if (!(ret->rho > 0))
        return document_fail(document, "privacy.epsilon",
                             "key \"privacy.epsilon\": %s with a delta of %s leaves nothing to spend", raw->epsilon,
                             raw->delta);
    return RESULT_OK;
}
