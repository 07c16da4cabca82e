#include "cli/journal_budget.h"

#include <string.h>

#include "crypto/base/text.h"
#include "proto/run/privacy.h"

static const double rho_most = 1e6; /* no plan may spend a thousandth of it */

static double number(const json_t *object, const char *name)
{
    return json_real_value(json_object_get(object, name));
}

static bool is_reservation(double rho, double delta)
{
    return rho > 0 && rho <= rho_most && delta > 0 && delta < 1;
}

/* What the run reserved, or NULL. */
static const json_t *reservation(const json_t *run)
{
    const json_t *reserved = json_object_get(run, "reserved");
    return is_reservation(number(reserved, "rho"), number(reserved, "delta")) ? reserved : NULL;
}

static const json_t *last_charge(const json_t *run)
{
    const json_t *list = json_object_get(run, "charged");
    return json_array_get(list, json_array_size(list) - 1);
}

/* ---- entry by entry */

static struct result check_reserved(const json_t *run, const json_t *facts)
{
    double rho = number(facts, "rho"), delta = number(facts, "delta");
    ENSURE(!reservation(run), CATEGORY_FALSE, "the run reserved its privacy budget before");
    ENSURE(is_reservation(rho, delta), CATEGORY_FALSE, "no plan reserves rho %.6g at delta %.6g", rho, delta);
    return RESULT_OK;
}

static struct result check_charged(const json_t *run, const json_t *facts)
{
    const json_t *reserved = reservation(run);
    double spent = number(facts, "spent"), rho = number(facts, "rho");
    ENSURE(reserved && !json_object_get(run, "released"), CATEGORY_FALSE,
           "a step is charged and the run holds no privacy budget");
    ENSURE(rho <= rho_most && spent == privacy_compose(number(last_charge(run), "spent"), rho), CATEGORY_FALSE,
           "the steps that were charged do not add up to rho %.6g", spent);
    ENSURE(spent <= number(reserved, "rho"), CATEGORY_FALSE, "rho %.6g is more than the run reserved", spent);
    return RESULT_OK;
}

static struct result check_sent(const json_t *run, const json_t *facts)
{
    const json_t *charge = last_charge(run);
    unsigned long long step = (unsigned long long)journal_book_number(facts, "step");
    if (!reservation(run)) return RESULT_OK; /* exact sums */
    ENSURE(charge && journal_book_number(charge, "step") == step && !json_object_get(run, "released"), CATEGORY_FALSE,
           "the input of step %llu left, and the privacy budget was not charged for it", step);
    return RESULT_OK;
}

static struct result check_released(const json_t *run, const json_t *facts)
{
    const json_t *reserved = reservation(run);
    double spent = number(last_charge(run), "spent");
    ENSURE(reserved && !json_object_get(run, "released"), CATEGORY_FALSE, "the run holds no privacy budget to free");
    ENSURE(number(facts, "spent") == spent && number(facts, "freed") == number(reserved, "rho") - spent, CATEGORY_FALSE,
           "what is freed of the privacy budget is not what the run left");
    return RESULT_OK;
}

struct result journal_budget_check(const json_t *run, const char *event, const json_t *facts)
{
    static const struct {
        const char *event;
        struct result (*check)(const json_t *run, const json_t *facts);
    } checks[] = {
        {"reserved", check_reserved},
        {"charged", check_charged},
        {"sent", check_sent},
        {"released", check_released},
    };
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (strcmp(checks[i].event, event) == 0) return checks[i].check(run, facts);
    return RESULT_OK;
}

/* ---- against a bundle */

struct result journal_budget_opened(const json_t *run, const struct replay *replay)
{
    const struct plan *plan = &replay->submission.plan;
    const json_t *reserved = reservation(run);
    ENSURE(!reserved || (plan_private(plan) && number(reserved, "rho") == plan->privacy.rho &&
                         number(reserved, "delta") == plan->privacy.delta),
           CATEGORY_FALSE, "the journal reserves another privacy budget than the plan has");
    return RESULT_OK;
}

struct result journal_budget_input(const json_t *run, const struct replay *replay)
{
    const json_t *charge = journal_book_find(run, "charged", "step", replay->round.terms.step);
    if (!plan_private(&replay->submission.plan)) return RESULT_OK;
    ENSURE(charge, CATEGORY_FALSE,
           "it has an input of step %llu, which the journal did not charge to the privacy budget",
           (unsigned long long)replay->round.terms.step);
    if (replay->form == BUNDLE_PUBLIC) return RESULT_OK; /* without the sums nobody knows the layout */
    ENSURE(number(charge, "rho") == layout_rho(&replay->fold.layout), CATEGORY_FALSE,
           "step %llu costs rho %.6g, and the journal charged rho %.6g", (unsigned long long)replay->round.terms.step,
           layout_rho(&replay->fold.layout), number(charge, "rho"));
    return RESULT_OK;
}

/* ---- in words */

struct result journal_budget_show_run(const json_t *run, struct buffer *out)
{
    const json_t *reserved = reservation(run);
    double spent = number(last_charge(run), "spent"), delta = number(reserved, "delta");
    if (!reserved) return RESULT_OK;
    return buffer_format(
        out, "  privacy    rho %.6g spent (epsilon %.6g at delta %.6g) in %zu steps, of rho %.6g reserved%s\n", spent,
        privacy_epsilon(spent, delta), delta, json_array_size(json_object_get(run, "charged")), number(reserved, "rho"),
        json_object_get(run, "released") ? "; the rest is free again" : "");
}

static json_t *source_of(json_t *sources, const char *name)
{
    size_t index;
    json_t *source;
    json_array_foreach(sources, index, source)
    {
        if (strcmp(journal_book_text(source, "source"), name) == 0) return source;
    }
    source = json_pack("{s:s, s:f, s:f}", "source", name, "spent", 0.0, "reserved", 0.0);
    return json_array_append_new(sources, source) == 0 ? source : NULL;
}

static struct result add_run(const json_t *run, json_t *sources)
{
    const json_t *reserved = reservation(run);
    double spent = number(last_charge(run), "spent");
    if (!reserved) return RESULT_OK;
    json_t *source = source_of(sources, journal_book_text(reserved, "source"));
    double held = json_object_get(run, "released") ? 0 : number(reserved, "rho") - spent;
    double all = privacy_compose(number(source, "spent"), spent), open = number(source, "reserved");
    ENSURE(source && json_object_set_new(source, "spent", json_real(all)) == 0 &&
               json_object_set_new(source, "reserved", json_real(privacy_compose(open, held))) == 0,
           CATEGORY_ENVIRONMENT, "no memory for a list of budgets");
    return RESULT_OK;
}

struct result journal_budget_sources(const json_t *runs, json_t **ret)
{
    size_t index;
    const json_t *run;
    json_t *sources = json_array();
    struct result result = RESULT_OK;
    json_array_foreach(runs, index, run)
    {
        if (result_ok(result)) result = add_run(run, sources);
    }
    if (result_ok(result)) *ret = sources;
    if (!result_ok(result)) json_decref(sources);
    return result;
}

struct result journal_budget_show(const json_t *runs, struct buffer *out)
{
    size_t index;
    const json_t *source;
    json_t *sources = NULL;
    TRY(journal_budget_sources(runs, &sources));
    struct result result = RESULT_OK;
    json_array_foreach(sources, index, source)
    {
        if (!result_ok(result)) break;
        result = buffer_text(out, "budget       source ");
        if (result_ok(result)) result = text_put_plain(view_text(journal_book_text(source, "source")), "", out);
        if (result_ok(result))
            result = buffer_format(out, ": all runs together spent rho %.6g, open ones hold rho %.6g more\n",
                                   number(source, "spent"), number(source, "reserved"));
    }
    json_decref(sources);
    return result;
}
