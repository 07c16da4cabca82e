#include "node/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "analytics/coding.h"
#include "analytics/schema.h"
#include "node/budget.h"
#include "node/check_policy.h"
#include "node/check_pushdown.h"
#include "node/joining.h"
#include "node/journal.h"
#include "node/pushdown.h"
#include "node/source.h"
#include "node/spent.h"
#include "sys/clock.h"
#include "sys/console.h"
#include "sys/control.h"
#include "sys/file.h"
#include "sys/token.h"
#include "sys/vitals.h"

enum { CONNECT_MS = 5000, CONTROL_MS = 1000, LEVELS_SHOWN = 6 };

static void show_column(const struct csv_profile *column)
{
    printf("  %-24s ", column->name);
    if (column->numeric) {
        printf("%s %.15g to %.15g", column->whole ? "whole numbers" : "numbers", column->minimum, column->maximum);
    } else if (column->more) {
        printf("texts, more than %u different", (unsigned)CSV_DISTINCT_MAX);
    } else {
        printf("%zu levels:", column->values_count);
        for (size_t k = 0; k < column->values_count && k < LEVELS_SHOWN; k++)
            printf(" %s (%" PRIu64 ")", column->values[k].text, column->values[k].count);
        if (column->values_count > LEVELS_SHOWN) printf(" ...");
    }
    printf(", %" PRIu64 " missing\n", column->missing);
}

/* How many rows are left out for want of consent, and by what. */
static void show_consent(const struct csv_consent *consent, uint64_t left_out, uint64_t taken)
{
    if (!consent->column) return;
    printf("consent   %" PRIu64 " of %" PRIu64 " rows are left out: their column %s ", left_out, left_out + taken,
           consent->column);
    if (consent->separator) {
        printf("%s%s\n", consent->purpose ? "does not list " : "lists no purpose",
               consent->purpose ? consent->purpose : " (--plan PLAN counts for its own)");
        return;
    }
    printf("is not");
    for (size_t k = 0; k < consent->given_count; k++) printf("%s %s", k ? " or" : "", consent->given[k]);
    printf("\n");
}

/* What did not find together, of every row there is. */
static void show_losses(const struct config_source *source, const struct join_losses *losses)
{
    for (size_t k = 0; losses->count && k <= losses->count; k++) {
        char sentence[JOINING_SENTENCE_MAX];
        joining_sentence(source, losses, k, sentence);
        printf("joined    %s\n", sentence);
    }
}

static struct result check_source(const struct config_source *source)
{
    CLEANUP(csv_scan_freep) struct csv_scan *scan = NULL;
    CLEANUP(source_options_done) struct source_options options = {0};
    char place[SOURCE_PLACE_MAX];
    TRY(source_options_of(source, NULL, &options));
    struct join_losses losses;
    TRY(source_scan(source, &options.csv, &scan, &losses));
    source_place(source, place);
    printf("source    %s: %s, %" PRIu64 " rows, %zu columns under the plans' names\n", source->name, place, scan->rows,
           scan->columns_count);
    show_losses(source, &losses);
    show_consent(&options.csv.consent, scan->without_consent, scan->rows);
    for (size_t k = 0; k < scan->columns_count; k++) show_column(&scan->columns[k]);
    return RESULT_OK;
}

/* Counts what the plan would refuse, where the plan itself would stop at the first. */
static void loosen(struct column_spec *spec)
{
    if (spec->outside == COLUMN_OUTSIDE_REFUSE) spec->outside = COLUMN_OUTSIDE_MISSING;
    spec->missing_allowed = spec->other_allowed = true;
}

static struct result show_target(const struct plan *plan, const struct coding *coding)
{
    CLEANUP(buffer_done) struct buffer line = {0}, warning = {0};
    if (!plan->target[0]) return RESULT_OK;
    TRY(coding_line(plan, coding, &line));
    TRY(coding_warning(plan, coding, &warning));
    printf("target    %s: %.*s\n", plan->target, (int)line.length, (const char *)line.data);
    if (warning.length) printf("warning   %.*s\n", (int)warning.length, (const char *)warning.data);
    return RESULT_OK;
}

/* private: rows that do not fit are left out, and nothing stops. */
static bool show_fit(const struct column *column, const struct column_spec *wanted, bool target, bool private)
{
    const char *what = private ? "left out" : "refused";
    bool fits = !(column->missing && !wanted->missing_allowed) && !(column->other && !wanted->other_allowed) &&
                !(column->outside && wanted->outside == COLUMN_OUTSIDE_REFUSE);
    printf("  %-24s %-9s %" PRIu64 " missing", wanted->name, fits || private ? "good" : "does not", column->missing);
    if (column->missing && !wanted->missing_allowed) printf(" (%s)", what);
    printf(", ");
    if (wanted->kind == COLUMN_NUMBER) {
        printf("%" PRIu64 " outside %.15g to %.15g%s", column->outside + column->clamped, wanted->minimum,
               wanted->maximum, column->outside && wanted->outside == COLUMN_OUTSIDE_REFUSE ? " (refused)" : "");
        if (column->observed_minimum <= column->observed_maximum)
            printf(", has %.15g to %.15g", column->observed_minimum, column->observed_maximum);
    } else if (target && wanted->other_allowed) {
        printf("the target");
    } else if (wanted->kind == COLUMN_CATEGORY) {
        printf("%" PRIu64 " at no level of the plan%s", column->other,
               column->other && !wanted->other_allowed ? " (refused)" : "");
    } else {
        printf("text");
    }
    printf("\n");
    return fits || private;
}

struct fitting {
    const struct plan *plan;
    struct coding coding;
};

static struct result fit_part(void *context, struct table *table)
{
    struct fitting *fitting = context;
    coding_add_rows(fitting->plan, table, &fitting->coding);
    return RESULT_OK;
}

/* All rows, in one table, or, where they may be more than memory, in parts; *ret has the counts of them all. */
static struct result read_to_fit(const struct config_source *source, const struct csv_options *options,
                                 const struct schema *schema, struct fitting *fitting, struct table **ret)
{
    const uint64_t most = fitting->plan->rows;
    struct join_losses losses; /* told of the source already */
    if (source->pushdown) {
        TRY(source_read_in_pieces(source, options, schema->specs, schema->count, most,
                                  (struct csv_pieces){PUSHDOWN_PART_ROWS, fitting, fit_part}, ret, &losses));
    } else {
        TRY(source_read(source, options, schema->specs, schema->count, most, ret, &losses));
        coding_add_rows(fitting->plan, *ret, &fitting->coding);
    }
    coding_add_others(fitting->plan, *ret, &fitting->coding);
    return RESULT_OK;
}

static struct result check_fit(const struct config_source *source, const char *path, const struct plan *plan,
                               struct check_known *known)
{
    CLEANUP(source_options_done) struct source_options options = {0};
    CLEANUP(schema_done) struct schema schema = {0}, loose = {0};
    CLEANUP(table_freep) struct table *table = NULL;
    struct fitting fitting = {.plan = plan};
    TRY(schema_of(plan, &schema));
    TRY(schema_of(plan, &loose));
    /* A plan with privacy leaves rows out as the run does, whose number is then told. */
    for (size_t k = 0; k < loose.count && !plan_private(plan); k++) loosen(&loose.specs[k]);
    TRY(source_options_of(source, plan->purpose, &options));
    options.csv.leave_out = plan_private(plan); /* as the run does */
    TRY(read_to_fit(source, &options.csv, &loose, &fitting, &table));
    const uint64_t rows = table->before + table->rows;
    printf("plan      %s: %s, %" PRIu64 " rows\n", path, plan->name, rows);
    if (options.csv.consent.separator) show_consent(&options.csv.consent, table->without_consent, rows);
    if (table->unfit > 0)
        printf("warning   %" PRIu64 " more rows do not fit the plan, which leaves them out as it has privacy\n",
               table->unfit);
    known->rows = true;
    known->rows_count = rows;
    unsigned bad = 0;
    char place[SOURCE_PLACE_MAX];
    source_place(source, place);
    for (size_t k = 0; k < schema.count; k++)
        bad += !show_fit(&table->columns[k], &schema.specs[k], k == schema_target(plan), plan_private(plan));
    TRY(show_target(plan, &fitting.coding));
    ENSURE(bad == 0, CATEGORY_FALSE,
           "%u columns of %s do not fit the plan; map or correct them in the node's configuration", bad, place);
    return RESULT_OK;
}

static struct result check_connection(struct bank *bank)
{
    CLEANUP(buffer_done) struct buffer request = {0}, reply = {0};
    struct service_frame frame;
    TRY(transport_client_new(bank->roster.address, bank->key, &bank->roster.coordinator, &bank->client));
    TRY(service_frame_write(SERVICE_STATUS, NULL, (struct view){0}, &request));
    TRY(transport_client_request(bank->client, buffer_view(&request), CONNECT_MS, &reply));
    TRY(service_frame_read(buffer_view(&reply), &frame));
    printf("link      the coordinator at %s answers, with the roster's key, in version %u of the protocol\n",
           bank->roster.address, transport_client_version(bank->client));
    return RESULT_OK;
}

/* What a running node says has left in this month, and is taken of the source's privacy budget. */
static void told_of(const struct buffer *status, struct check_known *known)
{
    json_t *json = json_loadb((const char *)status->data, status->length, 0, NULL);
    const json_t *words = json_object_get(json, "words_this_month");
    known->month = json_is_integer(words);
    known->month_words = known->month ? (uint64_t)json_integer_value(words) : 0;
    const json_t *taken = json_object_get(json, "budget_taken");
    known->budget = json_is_real(taken);
    known->budget_taken = json_real_value(taken);
    json_decref(json);
}

/* Nothing is made here: whoever checks need not be the user that the node will run as. */
static struct result check_state(struct bank *bank, struct check_known *known)
{
    struct policy_spent spent = {0};
    const char *state = bank->config->state;
    CLEANUP(buffer_done) struct buffer reply = {0};
    if (access(state, F_OK) != 0) {
        printf("state     %s, to be made at the first start\n", state);
        known->month = known->budget = true; /* nothing */
    } else if (result_ok(control_request(state, view_text("{\"ask\": \"status\"}"), CONTROL_MS, &reply))) {
        printf("state     %s, where this bank's node is running\n", state);
        told_of(&reply, known);
    } else {
        uint64_t entries;
        TRY(store_open(state, &bank->store));
        printf("state     %s, every record of it whole\n", state);
        TRY(spent_load(bank->store, NULL, clock_now_ms(), &spent));
        known->month = true;
        known->month_words = spent.month;
        TRY(budget_taken(bank->store, bank->config->source.name, NULL, &known->budget_taken));
        known->budget = true;
        TRY(journal_check(bank->store, state, &entries));
        printf("journal   %s/" JOURNAL_FILE ", %" PRIu64 " entries, as the node wrote them\n", state, entries);
    }
    return RESULT_OK;
}

/* A node that runs has its ports itself, if they are those that it began with: they are not tried then. */
static bool is_running(const struct bank *bank)
{
    CLEANUP(buffer_done) struct buffer reply = {0};
    return result_ok(control_request(bank->config->state, view_text("{\"ask\": \"status\"}"), CONTROL_MS, &reply));
}

static struct result check_port(const char *what, const char *address, bool running, struct result tried)
{
    if (!address) return RESULT_OK;
    if (!running) TRY(tried);
    printf("%-9s %s%s\n", what, address, running ? ", not tried while this bank's node is running" : " is free");
    return RESULT_OK;
}

static struct result check_metrics(const struct bank *bank, bool running)
{
    const struct config_metrics *metrics = &bank->config->metrics;
    return check_port("metrics", metrics->address, running,
                      running ? RESULT_OK : vitals_try(metrics, bank->config_path));
}

static struct result check_console(const struct bank *bank, bool running)
{
    const struct config_console *console = &bank->config->console;
    return check_port("console", console->address, running,
                      running ? RESULT_OK : console_try(console, bank->config_path));
}

/* One part of the check: a failure is printed, and kept when it is the first. */
static void part(const char *what, struct result result, struct result *kept, char *reason, size_t size)
{
    if (result_ok(result)) return;
    printf("%-9s %s\n", what, result_reason());
    if (!result_ok(*kept)) return;
    *kept = result;
    (void)snprintf(reason, size, "%s", result_reason());
}

struct result bank_check(const char *config_path, const char *plan, bool sql)
{
    CLEANUP(bank_freep) struct bank *bank = NULL;
    CLEANUP(check_plan_done) struct check_plan checked = {0};
    struct check_known known = {0};
    TRY(bank_load(config_path, &bank));
    const struct config_node *config = bank->config;
    printf("key       %s, %s\n", config->key,
           token_is_uri(config->key) ? "which its token keeps" : "readable by its owner alone");
    printf("roster    version %u, %u members; this is %s, position %u\n", bank->roster.version, bank->roster.size,
           bank->roster.members[bank->position - 1].name, bank->position);
    TRY(check_policy(bank));
    struct result kept = RESULT_OK;
    char reason[SERVICE_REASON_MAX + 1] = "";
    part("source", check_source(&config->source), &kept, reason, sizeof reason);
    struct result opened = plan ? check_plan_open(plan, &bank->roster, &checked) : RESULT_OK;
    part("plan", opened, &kept, reason, sizeof reason);
    bool judged = plan && result_ok(opened);
    if (judged) part("plan", check_fit(&config->source, plan, &checked.plan, &known), &kept, reason, sizeof reason);
    if (config->source.pushdown)
        part("pushdown", check_pushdown(&config->source, judged ? &checked.plan : NULL, sql), &kept, reason,
             sizeof reason);
    part("state", check_state(bank, &known), &kept, reason, sizeof reason);
    bool running = is_running(bank);
    part("metrics", check_metrics(bank, running), &kept, reason, sizeof reason);
    part("console", check_console(bank, running), &kept, reason, sizeof reason);
    part("link", check_connection(bank), &kept, reason, sizeof reason);
    if (judged) part("policy", check_policy_plan(bank, &checked, &known), &kept, reason, sizeof reason);
    if (!result_ok(kept)) {
        result_say("not ready: %s", reason);
        return kept;
    }
    printf("ready\n");
    return RESULT_OK;
}
