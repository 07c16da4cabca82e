/* cofferdam-node: a bank's daemon.
 *
 * Welcome. It stands inside the bank's wall: it reads the bank's rows, computes
 * on them, and sends out nothing but masked sums. It dials the coordinator and
 * opens no port.
 *
 *   bank.c     what the daemon is made of, its threads, its pinned roster
 *   service.c  the thread that asks for offers and attests other members' counters
 *   admit.c    which runs this bank takes part in: its policy (proto/run/policy.c) is asked; spent.c counts what left
 *   budget.c   what runs over a source cost of its privacy budget, reserved and charged; budget_show.c tells it
 *   officers.c what this bank's officers approve and deny; waiting.c lets a run wait for them, plans.c tells them
 *   freeze.c   the table a run computes on, the same bytes from beginning to end
 *   pushdown.c the same in the bank's own database, where the rows outgrow this machine
 *   prepare.c  what comes before anything of a run leaves this bank
 *   part.c     a run's thread: exchange a message, step the machine, contribute
 *   step.c     the machine and the store: what is durable before anything is sent
 *   journal.c  what the bank did, signed, for its officers; journal_facts.c says what each entry tells
 *   control.c  what this bank's own commands may ask
 *   watch.c    what Prometheus and probes are told, on an address of its own
 *   node_console.c the console's page for this bank's people
 *   reload.c   what SIGHUP reads anew
 *   forget.c   how a run that is over is removed from this bank
 *   backup.c   a backup while the daemon runs, and putting one in place
 */
#include <stdio.h>
#include <stdlib.h>

#include "node/backup.h"
#include "node/budget_show.h"
#include "node/check.h"
#include "node/init.h"
#include "node/plans.h"
#include "node/source.h"
#include "node/status.h"
#include "sys/control.h"
#include "sys/file.h"
#include "sys/program.h"

#define STATUS_TIMEOUT_MS 5000
#define FORGET_TIMEOUT_MS 120000 /* all of a large bundle is read once more, for its digest */

static struct result command_check(const struct program_words *words)
{
    char path[FILE_PATH_MAX];
    TRY(file_config(words->operand, "node.yaml", path));
    return bank_check(path, words->plan, words->sql);
}

static struct result command_run(const struct program_words *words)
{
    char path[FILE_PATH_MAX];
    TRY(file_config(words->operand, "node.yaml", path));
    for (bool again = true; again;) {
        CLEANUP(bank_freep) struct bank *bank = NULL;
        TRY(bank_load(path, &bank));
        TRY(source_ready(&bank->config->source));
        TRY(bank_serve(bank));
        again = bank->again;
    }
    return RESULT_OK;
}

/* Asks the running node, and shows its answer: as it is, or as lines for people. */
static struct result ask(const struct program_words *words, struct view request, int timeout_ms,
                         struct result (*tell)(struct view json, struct buffer *out))
{
    char path[FILE_PATH_MAX];
    TRY(file_config(words->operand, "node.yaml", path));
    CLEANUP(config_node_freep) struct config_node *config = NULL;
    CLEANUP(buffer_done) struct buffer json = {0}, lines = {0};
    TRY(config_node_load(path, &config));
    TRY(control_request(config->state, request, timeout_ms, &json));
    TRY(tell(buffer_view(&json), &lines));
    const struct buffer *shown = words->json ? &json : &lines;
    printf("%.*s%s", (int)shown->length, (const char *)shown->data, words->json ? "\n" : "");
    return RESULT_OK;
}

static struct result command_status(const struct program_words *words)
{
    return ask(words, view_text("{\"ask\": \"status\"}"), STATUS_TIMEOUT_MS, status_lines);
}

static struct result command_budget(const struct program_words *words)
{
    return ask(words, view_text("{\"ask\": \"budget\"}"), STATUS_TIMEOUT_MS, budget_lines);
}

static struct result command_console(const struct program_words *words)
{
    return ask(words, view_text("{\"ask\": \"console\"}"), STATUS_TIMEOUT_MS, status_console_lines);
}

static struct result command_forget(const struct program_words *words)
{
    CLEANUP(buffer_done) struct buffer request = {0};
    TRY(forget_request(words->second, &request));
    return ask(words, buffer_view(&request), FORGET_TIMEOUT_MS, forget_lines);
}

int main(int argc, char **argv)
{
    static const struct program_command commands[] = {
        {"init", bank_init, "krsn", "DIR [--source FILE.csv] [--name NAME] [--key FILE] [--roster FILE]",
         "writes a configuration and a policy to begin with"},
        {"check", command_check, "pq", "CONFIG|DIR [--plan PLAN] [--sql]",
         "whether this bank is ready: key, roster, data, connection"},
        {"run", command_run, "D", "CONFIG|DIR", "takes part in runs until SIGTERM; reads its files anew at SIGHUP"},
        {"status", command_status, "j", "CONFIG|DIR [--json]", "the connection and this bank's runs"},
        {"plans", command_plans, "j", "CONFIG|DIR [--json]",
         "plans that wait for an officer, approved and refused ones, and what officers said"},
        {"budget", command_budget, "j", "CONFIG|DIR [--json]",
         "what runs have cost of each source's privacy budget, and what is left"},
        {"console", command_console, "j", "CONFIG|DIR [--json]",
         "an address that opens the console's page in a browser, once, within five minutes"},
        {"approve", command_approve, "pikect",
         "CONFIG|DIR --plan HASH|--run ID --key officer.key [--expires 2026-12-31] [--cohort-change|--repetition]",
         "an officer approves a plan, or one run of it"},
        {"deny", command_deny, "pikt", "CONFIG|DIR --plan HASH|--run ID --key officer.key [--repetition]",
         "an officer denies it, or takes an approval back; a run under way is refused"},
        {"forget", command_forget, "j2", "CONFIG|DIR RUN [--json]", "removes a run that is over from this bank"},
        {"backup", bank_backup, "o", "CONFIG|DIR --out FOLDER",
         "writes configuration and state of one moment, without keys and rows; also while the node runs"},
        {"restore", bank_restore, "f", "DIR --from FOLDER", "checks a backup and puts it into an empty directory"},
        {0},
    };
    static const struct program program = {
        .name = "cofferdam-node",
        .process = "node",
        .summary = "takes part in joint computations with this bank's rows, "
                   "which never leave it.",
        .key = "the node's node.key; an officer's key, where one decides",
        .examples = "  cofferdam-node init /etc/cofferdam --source /srv/customers.csv\n"
                    "  cofferdam-node check /etc/cofferdam --plan plan.note\n"
                    "  cofferdam-node run /etc/cofferdam/node.yaml\n"
                    "  cofferdam-node status --json /etc/cofferdam\n"
                    "  cofferdam-node plans /etc/cofferdam\n"
                    "  cofferdam-node budget /etc/cofferdam\n"
                    "  cofferdam-node console /etc/cofferdam\n"
                    "  cofferdam-node approve /etc/cofferdam --plan HASH --key officer.key --expires 2026-12-31\n"
                    "  cofferdam-node forget /etc/cofferdam 2fc8e8b8e2a8\n"
                    "  cofferdam-node backup /etc/cofferdam --out /srv/backup/2026-12-01\n"
                    "  cofferdam-node restore /etc/cofferdam --from /srv/backup/2026-12-01\n",
        .commands = commands,
    };
    return program_main(&program, argc, argv);
}
