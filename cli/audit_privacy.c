/* What a run cost of the banks' privacy: what its plan allows, and what the sums that were opened come to. */
#include <string.h>

#include "cli/audit_facts.h"
#include "cli/audit_report.h"
#include "proto/run/privacy.h"

static const char *const none = "none: the sums are exact";

static bool counted_out(const struct replay *replay)
{
    return replay->form != BUNDLE_PUBLIC && replay->stage >= REPLAY_NEXT;
}

struct result audit_privacy_text(const struct replay *replay, struct buffer *out)
{
    const struct plan *plan = &replay->submission.plan;
    const struct plan_privacy *privacy = &plan->privacy;
    if (!plan_private(plan)) return buffer_format(out, "privacy      %s\n", none);
    TRY(buffer_format(out,
                      "privacy      epsilon %g at a delta of %g, for one row more or less of one bank: %.6g of zCDP\n",
                      privacy->epsilon, privacy->delta, privacy->rho));
    if (!counted_out(replay)) return buffer_text(out, "             what was spent: not in this form of a bundle\n");
    return buffer_format(out, "             the sums that were opened cost %.6g: epsilon %.6g at that delta\n",
                         replay->rho, privacy_epsilon(replay->rho, privacy->delta));
}

json_t *audit_privacy_json(const struct replay *replay)
{
    const struct plan *plan = &replay->submission.plan;
    if (!plan_private(plan)) return json_null();
    json_t *json =
        json_pack("{s:f, s:f, s:f, s:s, s:s}", "epsilon", plan->privacy.epsilon, "delta", plan->privacy.delta, "rho",
                  plan->privacy.rho, "unit", "customer", "neighbours", "one row added or removed");
    if (!json || !counted_out(replay)) return json;
    (void)json_object_set_new(json, "rho_spent", json_real(replay->rho));
    (void)json_object_set_new(json, "epsilon_spent", json_real(privacy_epsilon(replay->rho, plan->privacy.delta)));
    return json;
}

static double real_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static struct result exact_page(struct buffer *out)
{
    return paragraph(
        "<strong>There is no differential privacy in this run.</strong> No noise was added: the sums that were "
        "released are exact. Who knows all rows but one, or compares two runs over nearly the same rows, can "
        "learn something about single customers from them. What the run revealed has no bound that adds up.",
        out);
}

struct result audit_privacy_page(const json_t *report, struct buffer *out)
{
    const json_t *of = json_object_get(report, "differential_privacy");
    if (!json_is_object(of)) return exact_page(out);
    TRY(buffer_format(
        out,
        "<p><strong>Differential privacy: ε = %g at δ = %g.</strong> Each bank added noise to its part of "
        "every sum before it was encrypted; nobody has seen a sum without it. Whether one row of one bank "
        "is in its table or not changes the probability of anything that was released by a factor of "
        "e<sup>%g</sup> at most, but for a probability of %g. ",
        real_of(of, "epsilon"), real_of(of, "delta"), real_of(of, "epsilon"), real_of(of, "delta")));
    if (json_object_get(of, "rho_spent"))
        TRY(buffer_format(out,
                          "The sums that were opened cost %.6g of the %.6g (zCDP, ρ) that this allows, which is ε = "
                          "%.6g. ",
                          real_of(of, "rho_spent"), real_of(of, "rho"), real_of(of, "epsilon_spent")));
    return buffer_text(out,
                       "The promise holds against the coordinator and as many dishonest banks as f below, whose own "
                       "noise does not count.</p>\n");
}
