#include "node/budget_show.h"

#include <string.h>
#include <time.h>

#include "node/budget.h"
#include "node/lock.h"
#include "proto/run/privacy.h"

static void json_freep(json_t **json)
{
    json_decref(*json);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static double number_of(const json_t *object, const char *key)
{
    return json_real_value(json_object_get(object, key));
}

/* ---- what the node answers */

struct listing {
    const struct policy *policy;
    json_t *sources, *runs; /* borrowed */
};

/* The source's object, made when it is the first of it. */
static json_t *source_of(const struct listing *listing, const char *name)
{
    size_t index;
    json_t *source;
    json_array_foreach(listing->sources, index, source)
    {
        if (strcmp(text_of(source, "source"), name) == 0) return source;
    }
    source = json_pack("{s:s, s:f, s:f}", "source", name, "spent", 0.0, "reserved", 0.0);
    return json_array_append_new(listing->sources, source) == 0 ? source : NULL;
}

static struct result add_to(json_t *object, const char *key, double more)
{
    json_t *sum = json_real(privacy_compose(number_of(object, key), more));
    ENSURE(json_object_set_new(object, key, sum) == 0, CATEGORY_ENVIRONMENT, "no memory for a list of budgets");
    return RESULT_OK;
}

static struct result add_entry(void *context, const struct budget_entry *entry)
{
    const struct listing *listing = context;
    const struct policy_budget *budget = policy_budget_of(listing->policy, entry->source);
    double delta = budget ? budget->delta : entry->delta;
    json_t *source = source_of(listing, entry->source);
    json_t *run =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:b, s:f, s:f, s:f, s:f}", "run", hash_hex(&entry->run).text,
                  "source", entry->source, "plan", entry->plan, "author", entry->author, "purpose", entry->purpose,
                  "at_ms", (json_int_t)entry->at, "open", entry->open, "reserved", entry->reserved, "spent",
                  entry->spent, "spent_epsilon", privacy_epsilon(entry->spent, delta), "delta", delta);
    ENSURE(json_array_append_new(listing->runs, run) == 0 && source, CATEGORY_ENVIRONMENT,
           "no memory for a list of budgets");
    TRY(add_to(source, "spent", entry->spent));
    return entry->open ? add_to(source, "reserved", entry->reserved - entry->spent) : RESULT_OK;
}

/* What the policy lets the source cost, beside what it has cost. */
static struct result add_budget(struct bank *bank, const struct policy_budget *budget, json_t *source)
{
    double taken = 0;
    TRY(budget_taken(bank->store, budget->source, NULL, &taken));
    json_t *more = json_pack("{s:f, s:f, s:f, s:f, s:f}", "epsilon", budget->epsilon, "delta", budget->delta, "rho",
                             budget->rho, "left", taken < budget->rho ? budget->rho - taken : 0.0, "spent_epsilon",
                             privacy_epsilon(number_of(source, "spent"), budget->delta));
    bool added = more && json_object_update(source, more) == 0;
    json_decref(more);
    ENSURE(added, CATEGORY_ENVIRONMENT, "no memory for a list of budgets");
    return RESULT_OK;
}

/* Lock held. */
static struct result list(struct bank *bank, struct listing *listing)
{
    const struct policy_privacy *privacy = &bank->policy.privacy;
    ENSURE(source_of(listing, bank->config->source.name), CATEGORY_ENVIRONMENT, "no memory for a list of budgets");
    TRY(budget_each(bank->store, add_entry, listing));
    for (unsigned i = 0; i < privacy->budgets_count; i++) {
        json_t *source = source_of(listing, privacy->budgets[i].source);
        ENSURE(source, CATEGORY_ENVIRONMENT, "no memory for a list of budgets");
        TRY(add_budget(bank, &privacy->budgets[i], source));
    }
    return RESULT_OK;
}

struct result budget_list(struct bank *bank, json_t **ret)
{
    struct listing listing = {&bank->policy, json_array(), json_array()};
    *ret = json_pack("{s:o, s:o}", "sources", listing.sources, "runs", listing.runs);
    ENSURE(*ret, CATEGORY_ENVIRONMENT, "no memory for a list of budgets");
    TRY(lock_unless_awaited(&bank->lock, bank->key));
    struct result result = list(bank, &listing);
    (void)pthread_mutex_unlock(&bank->lock);
    return result;
}

/* ---- for people */

static struct result source_line(const json_t *source, struct buffer *out)
{
    double spent = number_of(source, "spent"), reserved = number_of(source, "reserved");
    TRY(buffer_format(out, "source    %s: ", text_of(source, "source")));
    if (!json_object_get(source, "rho"))
        return buffer_format(out, "no budget; spent rho %.6g, reserved rho %.6g\n", spent, reserved);
    return buffer_format(out,
                         "budget rho %.6g for good (epsilon %.6g at delta %.6g)\n"
                         "          spent rho %.6g (epsilon %.6g), reserved rho %.6g, left rho %.6g\n",
                         number_of(source, "rho"), number_of(source, "epsilon"), number_of(source, "delta"), spent,
                         number_of(source, "spent_epsilon"), reserved, number_of(source, "left"));
}

static struct result run_line(const json_t *run, struct buffer *out)
{
    const json_int_t milliseconds = json_integer_value(json_object_get(run, "at_ms"));
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm parts;
    char date[32] = "";
    if (gmtime_r(&seconds, &parts)) (void)strftime(date, sizeof date, "%Y-%m-%d %H:%M:%SZ", &parts);
    TRY(buffer_format(out, "run       %.12s  %s  %s, by %s for %s, over %s: ", text_of(run, "run"), date,
                      text_of(run, "plan"), text_of(run, "author"),
                      *text_of(run, "purpose") ? text_of(run, "purpose") : "no purpose", text_of(run, "source")));
    if (json_is_true(json_object_get(run, "open")))
        TRY(buffer_format(out, "open, reserved rho %.6g, ", number_of(run, "reserved")));
    return buffer_format(out, "spent rho %.6g (epsilon %.6g at delta %.6g)\n", number_of(run, "spent"),
                         number_of(run, "spent_epsilon"), number_of(run, "delta"));
}

struct result budget_lines(struct view text, struct buffer *out)
{
    CLEANUP(json_freep) json_t *json = json_loadb((const char *)text.data, text.length, 0, NULL);
    ENSURE(json, CATEGORY_ENVIRONMENT, "the node answered something that is no JSON");
    const json_t *category = json_object_get(json, "category"), *item;
    ENSURE(!category, (enum category)json_integer_value(category), "%s", text_of(json, "reason"));
    size_t index;
    json_array_foreach(json_object_get(json, "sources"), index, item)
    {
        TRY(source_line(item, out));
    }
    json_array_foreach(json_object_get(json, "runs"), index, item)
    {
        TRY(run_line(item, out));
    }
    return RESULT_OK;
}
