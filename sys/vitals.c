#include "sys/vitals.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/file.h"
#include "sys/folder.h"
#include "sys/log.h"

/* Open runs that have figures of their own; of all others there are counts. */
#define RUNS_SHOWN_MAX 64u
enum { ID_DIGITS = 12 }; /* as the log shows it */

void vitals_done(struct vitals *vitals)
{
    free(vitals->runs);
    vitals->runs = NULL;
    vitals->runs_count = vitals->runs_room = 0;
}

void vitals_clear(struct vitals *vitals)
{
    vitals->runs_count = 0;
}

static struct result reserve(struct vitals *vitals, size_t count)
{
    if (count <= vitals->runs_room) return RESULT_OK;
    size_t room = count + count / 2 + 8;
    struct vitals_run *runs = reallocarray(vitals->runs, room, sizeof *runs);
    ENSURE(runs, CATEGORY_ENVIRONMENT, "no memory for a list of runs");
    vitals->runs = runs;
    vitals->runs_room = room;
    return RESULT_OK;
}

struct result vitals_add(struct vitals *vitals, const struct vitals_run *run)
{
    TRY(reserve(vitals, vitals->runs_count + 1));
    vitals->runs[vitals->runs_count++] = *run;
    return RESULT_OK;
}

struct result vitals_copy(const struct vitals *vitals, struct vitals *ret)
{
    TRY(reserve(ret, vitals->runs_count));
    struct vitals copy = *vitals;
    copy.runs = ret->runs;
    copy.runs_room = ret->runs_room;
    if (copy.runs_count) memcpy(copy.runs, vitals->runs, copy.runs_count * sizeof *copy.runs);
    *ret = copy;
    return RESULT_OK;
}

/* --- The process -------------------------------------------------------------------------------------------------- */

static struct result put_process(const struct vitals *vitals, struct buffer *out)
{
    static const struct metric build = {"cofferdam_build_info", "The version of this program; always 1."};
    static const struct metric started = {"cofferdam_start_time_seconds", "When it started, since 1970."};
    static const struct metric age = {"cofferdam_snapshot_age_seconds",
                                      "How old the figures of runs and rounds are: large when the daemon is at a long "
                                      "computation, or stands still."};
    const struct metric_label version = {"version", vitals->version};
    TRY(metrics_family(&build, out));
    TRY(metrics_sample(build.name, &version, 1, out));
    TRY(metrics_put(&started, (double)vitals->started_ms / 1000, out));
    if (!vitals->taken_ms) return RESULT_OK;
    return metrics_put(&age, (double)(clock_monotonic_ms() - vitals->taken_ms) / 1000, out);
}

static struct result put_counts(const struct vitals *vitals, struct buffer *out)
{
    const struct traffic *traffic = &vitals->traffic;
    const struct {
        struct metric metric;
        uint64_t value;
    } counts[] = {
        {{"cofferdam_rounds_begun_total", "Rounds that began."}, vitals->rounds_begun},
        {{"cofferdam_rounds_closed_total", "Rounds that ended in a sum which all banks checked."},
         vitals->rounds_closed},
        {{"cofferdam_rounds_voided_total", "Rounds that were given up; their step is done again."},
         vitals->rounds_voided},
        {{"cofferdam_messages_received_total", "Messages received over the transport."}, traffic->messages_in},
        {{"cofferdam_messages_sent_total", "Messages sent over the transport."}, traffic->messages_out},
        {{"cofferdam_received_bytes_total", "Bytes of the messages received, without TLS."}, traffic->bytes_in},
        {{"cofferdam_sent_bytes_total", "Bytes of the messages sent, without TLS."}, traffic->bytes_out},
        {{"cofferdam_refused_total", "Requests or messages of others that did not hold and were refused."},
         vitals->refused},
    };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        TRY(metrics_put(&counts[i].metric, (double)counts[i].value, out));
    return RESULT_OK;
}

/* --- Runs --------------------------------------------------------------------------------------------------------- */

static struct result put_states(const struct vitals *vitals, struct buffer *out)
{
    static const struct metric metric = {"cofferdam_runs", "Runs that are known here, by state."};
    static const char *const names[VITALS_STATES] = {"open", "waits", "done", "failed"};
    size_t counts[VITALS_STATES] = {0};
    if (!vitals->taken_ms) return RESULT_OK; /* a 0 would be taken for runs that went */
    for (size_t i = 0; i < vitals->runs_count; i++) counts[vitals->runs[i].state]++;
    TRY(metrics_family(&metric, out));
    for (size_t state = 0; state < VITALS_STATES; state++) {
        const struct metric_label label = {"state", names[state]};
        TRY(metrics_sample(metric.name, &label, (double)counts[state], out));
    }
    return RESULT_OK;
}

static double step_of(const struct vitals_run *run)
{
    return (double)run->step;
}

static double phase_age_of(const struct vitals_run *run)
{
    uint64_t now = clock_now_ms();
    return now > run->since_ms ? (double)(now - run->since_ms) / 1000 : 0;
}

struct result vitals_put_open(const struct vitals *vitals, const struct metric *metric,
                              double (*value)(const struct vitals_run *run), struct buffer *out)
{
    unsigned shown = 0;
    TRY(metrics_family(metric, out));
    for (size_t i = 0; i < vitals->runs_count && shown < RUNS_SHOWN_MAX; i++) {
        const struct vitals_run *run = &vitals->runs[i];
        char id[ID_DIGITS + 1] = "";
        if (run->state != VITALS_OPEN && run->state != VITALS_WAITS) continue;
        memcpy(id, run->hex, ID_DIGITS);
        TRY(metrics_sample(metric->name, &(struct metric_label){"run", id}, value(run), out));
        shown++;
    }
    return RESULT_OK;
}

static struct result put_runs(const struct vitals *vitals, struct buffer *out)
{
    static const struct metric step = {"cofferdam_run_step", "Sums that an open run has taken."};
    static const struct metric age = {"cofferdam_run_phase_age_seconds", "How long an open run is in its phase."};
    TRY(put_states(vitals, out));
    TRY(vitals_put_open(vitals, &step, step_of, out));
    return vitals_put_open(vitals, &age, phase_age_of, out);
}

/* --- Files and disk ----------------------------------------------------------------------------------------------- */

struct files {
    unsigned evidence, kept, missing;
};

static struct result count_files(const char *runs, const struct vitals_run *run, struct files *files)
{
    char directory[FILE_PATH_MAX], bundle[FILE_PATH_MAX], evidence[FILE_PATH_MAX];
    unsigned count = 0;
    TRY(file_path(runs, run->hex, directory));
    TRY(file_path(directory, "run.cfd", bundle));
    TRY(file_path(directory, "evidence", evidence));
    if (file_exists(bundle))
        files->kept++;
    else
        files->missing += run->state == VITALS_DONE;
    if (file_exists(evidence)) TRY(folder_count(evidence, &count));
    files->evidence += count;
    return RESULT_OK;
}

static struct result put_files(const struct vitals *vitals, struct buffer *out)
{
    static const struct metric evidence = {"cofferdam_evidence_files",
                                           "Files of evidence against a member that are kept."};
    static const struct metric kept = {"cofferdam_bundles_kept", "Runs whose audit bundle is here."};
    static const struct metric missing = {"cofferdam_bundles_missing",
                                          "Runs that are done and whose audit bundle is not here."};
    char runs[FILE_PATH_MAX];
    struct files files = {0};
    TRY(file_path(vitals->directory, "runs", runs));
    for (size_t i = 0; i < vitals->runs_count; i++) TRY(count_files(runs, &vitals->runs[i], &files));
    TRY(metrics_put(&evidence, files.evidence, out));
    TRY(metrics_put(&kept, files.kept, out));
    return metrics_put(&missing, files.missing, out);
}

static struct result put_disk(const char *directory, struct buffer *out)
{
    static const struct metric free_bytes = {"cofferdam_disk_free_bytes",
                                             "Free on the file system of the state directory."};
    static const struct metric size_bytes = {"cofferdam_disk_size_bytes",
                                             "Size of the file system of the state directory."};
    static const struct metric writable = {"cofferdam_store_writable",
                                           "Whether the state directory can be written and has room."};
    struct statvfs disk;
    if (statvfs(directory, &disk) == 0) {
        TRY(metrics_put(&free_bytes, (double)disk.f_bavail * (double)disk.f_frsize, out));
        TRY(metrics_put(&size_bytes, (double)disk.f_blocks * (double)disk.f_frsize, out));
    }
    return metrics_put(&writable, vitals_writable(directory), out);
}

bool vitals_writable(const char *directory)
{
    struct statvfs disk;
    return access(directory, W_OK | X_OK) == 0 && statvfs(directory, &disk) == 0 && !(disk.f_flag & ST_RDONLY) &&
           disk.f_bavail > 0;
}

struct result vitals_put(const struct vitals *vitals, struct buffer *out)
{
    TRY(put_process(vitals, out));
    TRY(put_counts(vitals, out));
    TRY(put_runs(vitals, out));
    TRY(put_files(vitals, out));
    return put_disk(vitals->directory, out);
}

struct result vitals_ready(const struct vitals_need *needs, struct http_answer *answer)
{
    for (; needs->otherwise; needs++) {
        if (needs->met) continue;
        answer->status = 503;
        TRY(buffer_format(answer->body, "not ready: %s\n", needs->otherwise));
    }
    return answer->status == 200 ? buffer_text(answer->body, "ready\n") : RESULT_OK;
}

static struct result metrics_route(void *context, struct http_answer *answer)
{
    const struct vitals_serving *serving = context;
    answer->type = METRICS_TYPE;
    return serving->answer_metrics(serving->context, answer);
}

static struct result ready_route(void *context, struct http_answer *answer)
{
    const struct vitals_serving *serving = context;
    return serving->answer_ready(serving->context, answer);
}

static struct result alive_route(void *context, struct http_answer *answer)
{
    (void)context;
    return buffer_text(answer->body, "alive\n");
}

struct result vitals_serve(const struct vitals_serving *serving, struct http_server **ret)
{
    static const struct http_route routes[] = {
        {"/metrics", metrics_route}, {"/healthz", alive_route}, {"/readyz", ready_route}, {0}};
    const struct http_config config = {
        .address = serving->metrics->address,
        .beyond_loopback = serving->metrics->chosen,
        .where = serving->where,
        .what = "metrics",
        .routes = routes,
        .context = (void *)(uintptr_t)serving,
    };
    TRY(http_server_new(&config, ret));
    log_info("watch", "metrics at http://%s/metrics", config.address);
    if (!http_address_loopback(config.address))
        log_warning("watch", "%s can be reached from other machines, and answers whoever asks", config.address);
    return RESULT_OK;
}

struct result vitals_try(const struct config_metrics *metrics, const char *where)
{
    static const struct http_route none[] = {{0}};
    CLEANUP(http_server_freep) struct http_server *server = NULL;
    if (!metrics->address) return RESULT_OK;
    const struct http_config config = {.address = metrics->address,
                                       .beyond_loopback = metrics->chosen,
                                       .where = where,
                                       .what = "metrics",
                                       .routes = none};
    return http_server_new(&config, &server);
}
