/* cofferdam simulate: a plan tried out on the tables of a whole consortium, in one process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/consortium.h"
#include "cli/outputs.h"
#include "cli/report.h"
#include "cli/sites.h"
#include "crypto/hash.h"
#include "sys/clock.h"
#include "sys/entropy.h"
#include "sys/file.h"

struct simulation {
    const char *plan, *out, *split, *faults, *threads;
    struct cli_values sites, mappings;
};

static struct result simulation_read(int argc, char **argv, struct simulation *ret)
{
    struct cli_values operands = {0};
    const struct cli_option options[] = {
        {.name = "out", .required = true, .value = &ret->out},
        {.name = "site", .values = &ret->sites},
        {.name = "split", .value = &ret->split},
        {.name = "mapping", .values = &ret->mappings},
        {.name = "faults", .value = &ret->faults},
        {.name = "threads", .value = &ret->threads},
        {0},
    };
    TRY(cli_parse(argc, argv, options, "PLAN.yaml", 1, 1, &operands));
    ret->plan = operands.items[0];
    ENSURE((ret->split != NULL) != (ret->sites.count > 0), CATEGORY_USAGE,
           "give either --split FILE.csv:N or a --site NAME=FILE.csv for each bank; see cofferdam simulate --help");
    return RESULT_OK;
}

/* With faults everything comes from the given number, so that it names the run; else from the kernel. */
static struct result seed_make(const char *faults, struct secret **ret)
{
    if (faults == NULL) return entropy_seed(ret);
    uint64_t number = 0;
    TRY(cli_number("faults", faults, 0, UINT64_MAX, &number));
    uint8_t bytes[8];
    bytes_put_u64(bytes, number);
    struct hash hash;
    TRY(hash_bytes("simulate", view_of(bytes, sizeof bytes), &hash));
    return secret_from(hash_view(&hash), ret);
}

/* Refuses what can be refused before a row is read. */
static struct result simulation_check(const struct simulation *simulation, const struct sites *sites)
{
    unsigned banks = (unsigned)simulation->sites.count;
    if (simulation->split != NULL) TRY(sites_split_count(simulation->split, &banks));
    TRY(sites_check_words(&simulation->sites));
    TRY(consortium_check(&sites->file.plan, banks));
    return outputs_check(simulation->out);
}

/* run.cfd, written while the run goes on: it may be larger than memory. */
struct run_file {
    struct file_writer file;
    const char *directory;
    bool made; /* the directory, for this file */
};

static void run_file_done(struct run_file *bundle)
{
    file_writer_discard(&bundle->file);
    if (bundle->made) (void)rmdir(bundle->directory); /* stays when something is in it */
}

static struct result run_file_open(const char *directory, struct run_file *bundle)
{
    char path[FILE_PATH_MAX];
    TRY(file_path(directory, "run.cfd", path));
    bundle->directory = directory;
    bundle->made = mkdir(directory, 0755) == 0;
    return file_writer_open(path, &bundle->file);
}

static struct result run_file_append(void *context, struct view bytes)
{
    return file_writer_put(&((struct run_file *)context)->file, bytes);
}

static struct result simulation_run(const struct simulation *simulation, const struct sites *sites, unsigned threads,
                                    struct run_file *file, struct consortium_outcome *ret)
{
    const struct bundle_sink bundle = {file, run_file_append};
    CLEANUP(secret_freep) struct secret *seed = NULL;
    TRY(seed_make(simulation->faults, &seed));
    struct consortium_bank *banks = calloc(sites->count, sizeof *banks);
    ENSURE(banks != NULL, CATEGORY_ENVIRONMENT, "out of memory for %u banks", sites->count);
    for (unsigned i = 0; i < sites->count; i++)
        banks[i] = (struct consortium_bank){sites->items[i].name, sites->items[i].table};
    struct progress progress = progress_start();
    const struct consortium_config config = {.plan = &sites->file.plan,
                                             .banks = banks,
                                             .banks_count = sites->count,
                                             .threads = threads,
                                             .faults = simulation->faults != NULL,
                                             .seed = seed,
                                             .clock_ms = clock_now_ms(),
                                             .bundle = &bundle,
                                             .say = progress_line,
                                             .context = &progress};
    struct result result = consortium_run(&config, ret);
    progress_end(&progress);
    free(banks);
    return result;
}

static struct result simulation_report(const struct simulation *simulation, const struct sites *sites,
                                       const struct consortium_outcome *outcome)
{
    CLEANUP(buffer_done) struct buffer out = {0};
    TRY(report_summary(buffer_view(&outcome->model), &out));
    TRY(sites_report(sites, &out));
    if (simulation->faults != NULL)
        TRY(buffer_format(&out, "%-15s %.*s\n", "faults", (int)outcome->faults.length,
                          (const char *)outcome->faults.data));
    TRY(buffer_format(&out, "%-15s %s/model.json, report.html, plan.note, run.cfd\n", "files", simulation->out));
    return cli_print(buffer_view(&out));
}

struct result cli_simulate(int argc, char **argv)
{
    struct simulation simulation = {0};
    TRY(simulation_read(argc, argv, &simulation));
    unsigned threads = 1;
    TRY(sites_threads(simulation.threads, &threads));
    TRY(crypto_start());
    CLEANUP(sites_done) struct sites sites = {0};
    TRY(sites_open(simulation.plan, &sites));
    TRY(simulation_check(&simulation, &sites));
    if (simulation.split != NULL)
        TRY(sites_from_split(&sites, simulation.split, &simulation.mappings));
    else
        TRY(sites_from_files(&sites, &simulation.sites, &simulation.mappings));
    CLEANUP(consortium_outcome_done) struct consortium_outcome outcome = {0};
    CLEANUP(run_file_done) struct run_file bundle = {.file.descriptor = -1};
    TRY(run_file_open(simulation.out, &bundle));
    TRY(simulation_run(&simulation, &sites, threads, &bundle, &outcome));
    const struct output outputs[] = {{"plan.note", buffer_view(&outcome.plan_note)},
                                     {"report.html", buffer_view(&outcome.report)},
                                     {"model.json", buffer_view(&outcome.model)}};
    TRY(outputs_write(simulation.out, outputs, sizeof outputs / sizeof outputs[0]));
    TRY(file_writer_finish(&bundle.file, 0644));
    return simulation_report(&simulation, &sites, &outcome);
}
