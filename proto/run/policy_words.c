/* A policy and a run, for an officer to read. */
#include <inttypes.h>
#include <stdio.h>

#include "proto/run/policy.h"
#include "proto/run/privacy.h"

struct page {
    const struct policy *policy;
    struct buffer *out;
};

static struct result put_finding(void *context, const struct policy_finding *finding)
{
    static const char *const words[] = {
        [POLICY_ALLOWED] = "allows", [POLICY_REFUSED] = "refuses", [POLICY_OPEN] = "open"};
    const struct page *page = context;
    return buffer_format(page->out, "  %-8s %s:%-4u %s\n", words[finding->verdict], page->policy->name, finding->line,
                         finding->text);
}

/* What is left of the source's budget, which an officer may know and nobody else. */
static struct result put_left(const struct policy *policy, const struct policy_case *about,
                              const struct policy_budget *budget, struct buffer *out)
{
    char place[64];
    (void)snprintf(place, sizeof place, "privacy.budgets.%u", (unsigned)(budget - policy->privacy.budgets));
    double left = about->taken < budget->rho ? budget->rho - about->taken : 0;
    TRY(buffer_format(
        out, "             of rho %.4g for all runs over %s, for good (epsilon %.4g at delta %.4g, %s:%u)", budget->rho,
        budget->source, budget->epsilon, budget->delta, policy->name, policy_line(policy, place)));
    if (about->taken_known) TRY(buffer_format(out, ",\n             of which rho %.4g is left", left));
    return buffer_u8(out, '\n');
}

static struct result put_cost(const struct policy *policy, const struct policy_case *about, struct buffer *out)
{
    const struct plan_privacy *cost = &about->plan->privacy;
    const struct policy_budget *budget = policy_budget_of(policy, about->source);
    if (!plan_private(about->plan))
        return buffer_text(out, "  privacy    none: the sums are exact, and nothing bounds what they tell of a row\n");
    TRY(buffer_format(out, "  privacy    costs rho %.4g of zCDP for the whole run (epsilon %.4g at delta %.4g)\n",
                      cost->rho, cost->epsilon, cost->delta));
    return budget ? put_left(policy, about, budget, out) : RESULT_OK;
}

static struct result put_leaving(const struct policy *policy, const struct policy_case *about, struct buffer *out)
{
    unsigned rounds = policy_line(policy, "rounds.most"), run = policy_line(policy, "words.run");
    unsigned month = policy_line(policy, "words.month");
    TRY(buffer_text(out, "\nWhat would leave this bank\n"));
    TRY(buffer_format(
        out,
        "  what       a vector of 64-bit words a round: sums over this bank's rows, masked; the first has "
        "%" PRIu64 "\n",
        about->words));
    TRY(buffer_text(out,
                    "  to whom    the coordinator, who cannot read it; what opens is the sum over all banks of the\n"
                    "             cohort, which the coordinator and every bank of the cohort see\n"));
    TRY(buffer_format(out, "  how often  at most %" PRIu64 " times (%s:%u)\n", policy->rounds_most, policy->name,
                      rounds));
    TRY(buffer_format(out, "  bound      at most %" PRIu64 " words in this run (%s:%u)\n", policy->words_run,
                      policy->name, run));
    TRY(buffer_format(out, "             and %" PRIu64 " in a calendar month", policy->words_month));
    if (about->month_known) TRY(buffer_format(out, ", of which %" PRIu64 " have left", about->month));
    TRY(buffer_format(out, " (%s:%u)\n", policy->name, month));
    return put_cost(policy, about, out);
}

struct result policy_explain(const struct policy *policy, const struct policy_case *about, struct buffer *out)
{
    struct page page = {policy, out};
    TRY(put_leaving(policy, about, out));
    TRY(buffer_format(out, "\nWhat %s says\n", policy->name));
    return policy_judge(policy, about, put_finding, &page);
}

struct result policy_remarks(const struct policy *policy, struct buffer *out)
{
    const struct {
        const char *path;
        unsigned count;
    } lists[] = {
        {"purposes", policy->purposes.count},
        {"tasks", policy->tasks.count},
        {"authors", policy->authors.count},
        {"columns.allowed", policy->columns.count},
        {"cohort.on_dropout", (unsigned)policy->dropouts[DROPOUT_WAIT] + policy->dropouts[DROPOUT_CONTINUE]},
        {"approve", policy->rules_count + policy->approvals},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (lists[i].count == 0)
            TRY(buffer_format(out, "%s:%u: %s is empty, so this bank refuses every run\n", policy->name,
                              policy_line(policy, lists[i].path), lists[i].path));
    return RESULT_OK;
}
