/* cofferdam fit: what one bank, or a pool of files, gets alone. The same fold as a joint run, in the open: no network,
 * no masks, nobody else. Its model says "banks": 1. */
#include <stdio.h>
#include <stdlib.h>

#include "analytics/report/report.h"
#include "cli/contributions.h"
#include "cli/outputs.h"
#include "cli/report.h"
#include "cli/sites.h"
#include "crypto/secret.h"
#include "proto/run/fold.h"
#include "sys/file.h"

struct fit {
    const char *plan, *out, *threads;
    struct cli_values files, mappings;
};

static struct result fit_read(int argc, char **argv, struct fit *ret)
{
    struct cli_values operands = {0};
    const struct cli_option options[] = {
        {.name = "out", .required = true, .value = &ret->out},
        {.name = "data", .required = true, .values = &ret->files},
        {.name = "mapping", .values = &ret->mappings},
        {.name = "threads", .value = &ret->threads},
        {0},
    };
    TRY(cli_parse(argc, argv, options, "PLAN.yaml", 1, 1, &operands));
    ret->plan = operands.items[0];
    return RESULT_OK;
}

/* The sum over the tables goes into the first contribution's words. */
static struct result fit_step(struct fold *fold, struct contribution *contributions, size_t count, unsigned threads)
{
    TRY(contributions_compute(contributions, count, threads));
    for (size_t i = 1; i < count; i++) {
        for (uint64_t k = 0; k < fold->words; k++) contributions[0].words[k] += contributions[i].words[k];
    }
    return fold_advance(fold, contributions[0].words, fold->words);
}

static struct result fit_say(const struct fold *fold, struct progress *progress)
{
    CLEANUP(buffer_done) struct buffer line = {0};
    TRY(fold_progress(fold, &line));
    TRY(buffer_u8(&line, 0));
    progress_line(progress, (const char *)line.data);
    return RESULT_OK;
}

static struct result fit_fold(struct fold *fold, const struct sites *sites, unsigned threads)
{
    struct contribution *contributions = calloc(sites->count, sizeof *contributions);
    ENSURE(contributions != NULL, CATEGORY_ENVIRONMENT, "out of memory for %u files", sites->count);
    struct progress progress = progress_start();
    struct result result = RESULT_OK;
    while (!fold->finished && result_ok(result)) {
        for (unsigned i = 0; i < sites->count; i++)
            contributions[i] = (struct contribution){fold, sites->items[i].table, sites->items[i].name, NULL};
        result = fit_step(fold, contributions, sites->count, threads);
        contributions_done(contributions, sites->count);
        if (result_ok(result)) result = fit_say(fold, &progress);
    }
    progress_end(&progress);
    free(contributions);
    return result;
}

/* A signed plan beside another fit's model would pass for its own. */
static struct result check_no_run(const char *directory)
{
    CLEANUP(buffer_done) struct buffer path = {0};
    const char *text;
    TRY(buffer_format(&path, "%s/plan.note", directory));
    TRY(buffer_terminate(&path, &text));
    ENSURE(!file_exists(text), CATEGORY_USAGE, "%s holds the result of a run (plan.note); choose another --out",
           directory);
    return RESULT_OK;
}

struct result cli_fit(int argc, char **argv)
{
    struct fit fit = {0};
    TRY(fit_read(argc, argv, &fit));
    unsigned threads = 1;
    TRY(sites_threads(fit.threads, &threads));
    TRY(crypto_start());
    TRY(outputs_check(fit.out));
    TRY(check_no_run(fit.out));
    CLEANUP(sites_done) struct sites sites = {0};
    TRY(cli_check_distinct("--data", fit.files.items, fit.files.count));
    TRY(sites_open(fit.plan, &sites));
    ENSURE(!plan_private(&sites.file.plan), CATEGORY_USAGE,
           "%s: the plan asks for privacy, and fit adds no noise; use simulate, or remove the key \"privacy\"",
           fit.plan);
    TRY(sites_from_data(&sites, &fit.files, &fit.mappings));
    CLEANUP(fold_done) struct fold fold = {0};
    TRY(fold_start(&sites.file.plan, sites.file.task, &fold));
    TRY(fit_fold(&fold, &sites, threads));
    CLEANUP(buffer_done) struct buffer model = {0};
    TRY(fold_result(&fold, 1, &model));
    CLEANUP(buffer_done) struct buffer report = {0};
    const struct report_source source = {
        .model = buffer_view(&model), .plan = &sites.file.plan, .version = COFFERDAM_VERSION};
    TRY(report_html(&source, &report));
    const struct output outputs[] = {{"report.html", buffer_view(&report)}, {"model.json", buffer_view(&model)}};
    TRY(outputs_write(fit.out, outputs, sizeof outputs / sizeof outputs[0]));
    CLEANUP(buffer_done) struct buffer out = {0};
    TRY(report_summary(buffer_view(&model), &out));
    TRY(sites_report(&sites, &out));
    TRY(buffer_format(&out, "%-15s %s/model.json, report.html\n", "files", fit.out));
    return cli_print(buffer_view(&out));
}
