#include "node/watch_budget.h"

#include <stdlib.h>
#include <string.h>

#include "node/budget.h"
#include "proto/run/privacy.h"
#include "sys/metrics.h"

struct source {
    const char *name;
    const struct policy_budget *budget; /* NULL: none */
    double spent, reserved;
};
struct sources {
    struct source *items;
    size_t count;
};

static void sources_done(struct sources *sources)
{
    free(sources->items);
}

static struct source *source_of(const struct sources *sources, const char *name)
{
    for (size_t i = 0; i < sources->count; i++)
        if (strcmp(sources->items[i].name, name) == 0) return &sources->items[i];
    return NULL;
}

static struct result sources_list(const struct bank *bank, struct sources *sources)
{
    const struct policy *policy = &bank->policy;
    const char *own = bank->config->source.name;
    sources->items = calloc((size_t)policy->privacy.budgets_count + 1, sizeof *sources->items);
    ENSURE(sources->items, CATEGORY_ENVIRONMENT, "no memory for a list of budgets");
    for (unsigned i = 0; i < policy->privacy.budgets_count; i++) {
        const struct policy_budget *budget = &policy->privacy.budgets[i];
        sources->items[sources->count++] = (struct source){.name = budget->source, .budget = budget};
    }
    if (!source_of(sources, own)) sources->items[sources->count++] = (struct source){.name = own};
    return RESULT_OK;
}

static struct result add_entry(void *context, const struct budget_entry *entry)
{
    struct source *source = source_of(context, entry->source);
    if (!source) return RESULT_OK;
    source->spent = privacy_compose(source->spent, entry->spent);
    if (entry->open) source->reserved = privacy_compose(source->reserved, entry->reserved - entry->spent);
    return RESULT_OK;
}

static double spent_of(const struct source *source)
{
    return source->spent;
}

static double reserved_of(const struct source *source)
{
    return source->reserved;
}

static double budget_of(const struct source *source)
{
    return source->budget ? source->budget->rho : -1;
}

static struct result put_each(const struct sources *sources, const struct metric *metric,
                              double (*value)(const struct source *source), struct buffer *out)
{
    TRY(metrics_family(metric, out));
    for (size_t i = 0; i < sources->count; i++) {
        double is = value(&sources->items[i]);
        if (is >= 0)
            TRY(metrics_sample(metric->name, &(struct metric_label){"source", sources->items[i].name}, is, out));
    }
    return RESULT_OK;
}

struct result watch_budget_put(struct bank *bank, struct buffer *out)
{
    static const struct metric rho = {"cofferdam_privacy_budget_rho",
                                      "What runs over a source may cost at most, as rho of zCDP; absent without a "
                                      "budget."};
    static const struct metric spent = {"cofferdam_privacy_spent_rho", "What runs over a source have cost."};
    static const struct metric reserved = {"cofferdam_privacy_reserved_rho",
                                           "What open runs over a source may still cost."};
    CLEANUP(sources_done) struct sources sources = {0};
    TRY(sources_list(bank, &sources));
    TRY(budget_each(bank->store, add_entry, &sources));
    TRY(put_each(&sources, &rho, budget_of, out));
    TRY(put_each(&sources, &spent, spent_of, out));
    return put_each(&sources, &reserved, reserved_of, out);
}
