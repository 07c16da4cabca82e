/* cofferdam-coordinator: the daemon that aggregates.
 *
 * Welcome. It listens for the members' nodes, carries their messages to the
 * machines of the runs (proto/secagg), keeps what the machines ask to be kept,
 * and answers. It links no data source and sees masked vectors and their sums
 * alone.
 *
 *   loop.c     the one thread: requests, timers, the operator's questions
 *   asks.c     what a member may ask, a handler for each kind
 *   session.c  one run: its machine and carrying out its effects
 *   overview.c what `status` shows
 *   reload.c   what SIGHUP reads anew
 *   backup.c   a backup while the daemon runs, and putting one in place
 *   hub_watch.c what Prometheus and probes are told; meter.c counts it
 *   hub_console.c the console's page for people; story.c keeps how a run went
 */
#include <stdio.h>
#include <string.h>

#include "coordinator/backup.h"
#include "coordinator/overview.h"
#include "coordinator/session.h"
#include "sys/console.h"
#include "sys/control.h"
#include "sys/file.h"
#include "sys/program.h"
#include "sys/vitals.h"

#define STATUS_TIMEOUT_MS 5000

static struct result command_init(const struct program_words *words)
{
    char path[FILE_PATH_MAX];
    CLEANUP(buffer_done) struct buffer text = {0};
    TRY(file_directory(words->operand, 0700));
    TRY(file_path(words->operand, "coordinator.yaml", path));
    TRY(buffer_format(&text,
                      "# cofferdam-coordinator. Paths are relative to this file; "
                      "docs/operators.md explains each key.\n"
                      "key: %s\n"
                      "roster: %s\n"
                      "state: state\n"
                      "log: info\n"
                      "# log_format: json    # or text; left out: text on a terminal, JSON elsewhere\n"
                      "# metrics: {address: \"127.0.0.1:9464\"}    # figures for Prometheus, /healthz, /readyz\n"
                      "# listen: tls+tcp://0.0.0.0:7443    # the roster's address "
                      "where it is left out\n"
                      "# console: {address: \"127.0.0.1:9465\"}    # a page for people, on this machine alone\n"
                      "# patience_seconds: 30              # how long a bank that "
                      "came back may take\n",
                      words->key ? words->key : "node.key", words->roster ? words->roster : "roster.note"));
    TRY(file_write_new(path, buffer_view(&text), 0644));
    printf("%s is written; next: cofferdam-coordinator check %s\n", path, words->operand);
    return RESULT_OK;
}

/* One that runs has state and ports itself: a SIGHUP says whether new ports are free. */
static struct result command_check(const struct program_words *words)
{
    char path[FILE_PATH_MAX];
    CLEANUP(buffer_done) struct buffer reply = {0};
    TRY(file_config(words->operand, "coordinator.yaml", path));
    CLEANUP(hub_freep) struct hub *hub = NULL;
    TRY(hub_load(path, &hub));
    const struct roster *roster = &hub->roster;
    printf("key       %s\nroster    version %u, %u members%s:", hub->config->key, roster->version, roster->size,
           roster->version == 1 ? ", all signed" : "");
    for (unsigned i = 0; i < roster->size; i++) printf(" %s", roster->members[i].name);
    const char *address = hub_address(hub);
    printf("\n");
    if (roster->version > 1)
        printf("          whether the members before it signed: cofferdam roster show %s --previous OLD.note\n",
               hub->config->roster);
    if (result_ok(control_request(hub->config->state, view_text("status"), STATUS_TIMEOUT_MS, &reply))) {
        printf("state     %s, where this coordinator is running; its ports are not tried meanwhile\nready\n",
               hub->config->state);
        return RESULT_OK;
    }
    TRY(store_open(hub->config->state, &hub->store));
    printf("state     %s\n", hub->config->state);
    TRY(transport_server_new(address, hub->key, hub_accept, hub_met, hub, &hub->server));
    printf("listen    %s is free\n", address);
    TRY(vitals_try(&hub->config->metrics, path));
    TRY(console_try(&hub->config->console, path));
    if (hub->config->console.address) printf("console   %s is free\n", hub->config->console.address);
    if (hub->config->metrics.address) printf("metrics   %s is free\n", hub->config->metrics.address);
    printf("ready\n");
    return RESULT_OK;
}

static struct result command_run(const struct program_words *words)
{
    char path[FILE_PATH_MAX];
    TRY(file_config(words->operand, "coordinator.yaml", path));
    for (bool again = true; again;) {
        CLEANUP(hub_freep) struct hub *hub = NULL;
        TRY(hub_load(path, &hub));
        TRY(hub_serve(hub));
        again = hub->again;
    }
    return RESULT_OK;
}

/* Asks the running coordinator, and shows its answer: as it is, or as lines for people. */
static struct result ask(const struct program_words *words, const char *request,
                         struct result (*tell)(struct view json, struct buffer *out))
{
    char path[FILE_PATH_MAX];
    TRY(file_config(words->operand, "coordinator.yaml", path));
    CLEANUP(config_coordinator_freep) struct config_coordinator *config = NULL;
    CLEANUP(buffer_done) struct buffer json = {0}, lines = {0};
    TRY(config_coordinator_load(path, &config));
    TRY(control_request(config->state, view_text(request), STATUS_TIMEOUT_MS, &json));
    TRY(tell(buffer_view(&json), &lines));
    const struct buffer *shown = words->json ? &json : &lines;
    printf("%.*s%s", (int)shown->length, (const char *)shown->data, words->json ? "\n" : "");
    return RESULT_OK;
}

static struct result command_status(const struct program_words *words)
{
    return ask(words, "status", overview_lines);
}

static struct result command_console(const struct program_words *words)
{
    return ask(words, "console", overview_console_lines);
}

int main(int argc, char **argv)
{
    static const struct program_command commands[] = {
        {"init", command_init, "kr", "DIR [--key FILE] [--roster FILE]", "writes a configuration to begin with"},
        {"check", command_check, "", "CONFIG|DIR", "whether it could run: key, roster, directory, ports"},
        {"run", command_run, "D", "CONFIG|DIR", "serves until SIGTERM; reads its files anew at SIGHUP"},
        {"status", command_status, "j", "CONFIG|DIR [--json]", "runs, phases, who is awaited and since when"},
        {"console", command_console, "j", "CONFIG|DIR [--json]",
         "an address that opens the console's page in a browser, once, within five minutes"},
        {"backup", hub_backup, "o", "CONFIG|DIR --out FOLDER",
         "writes configuration and state of one moment, without keys; also while the coordinator runs"},
        {"restore", hub_restore, "f", "DIR --from FOLDER", "checks a backup and puts it into an empty directory"},
        {0},
    };
    static const struct program program = {
        .name = "cofferdam-coordinator",
        .process = "coordinator",
        .summary = "adds up what the banks' nodes send masked, and sees nothing "
                   "but sums.",
        .key = "the coordinator's node.key",
        .examples = "  cofferdam-coordinator init /etc/cofferdam\n"
                    "  cofferdam-coordinator check /etc/cofferdam/coordinator.yaml\n"
                    "  cofferdam-coordinator run /etc/cofferdam/coordinator.yaml\n"
                    "  cofferdam-coordinator status --json /etc/cofferdam\n"
                    "  cofferdam-coordinator console /etc/cofferdam\n"
                    "  cofferdam-coordinator backup /etc/cofferdam --out /srv/backup/2026-12-01\n"
                    "  cofferdam-coordinator restore /etc/cofferdam --from /srv/backup/2026-12-01\n",
        .commands = commands,
    };
    return program_main(&program, argc, argv);
}
