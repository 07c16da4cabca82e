/* cofferdam-node: a bank's daemon.
 *
 * Welcome. It stands inside the bank's wall: it reads the bank's rows, computes
 * on them, and sends out nothing but masked sums. It dials the coordinator and
 * opens no port.
 *
 *   bank.c     what the daemon is made of, its threads, its pinned roster
 *   service.c  the thread that asks for offers and attests other members' counters
 *   policy.c   which runs this bank takes part in
 *   freeze.c   the table a run computes on, the same bytes from beginning to end
 *   part.c     a run's thread: exchange a message, step the machine, contribute
 *   step.c     the machine and the store: what is durable before anything is sent
 *   journal.c  what the bank did, signed, for its officers; journal_facts.c says what each entry tells
 *   control.c  what this bank's own commands may ask
 *   forget.c   how a run that is over is removed from this bank
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "node/check.h"
#include "node/status.h"
#include "sys/control.h"
#include "sys/file.h"
#include "sys/program.h"

#define STATUS_TIMEOUT_MS 5000
#define FORGET_TIMEOUT_MS 120000 /* all of a large bundle is read once more, for its digest */

/* The configuration file: as given, or node.yaml in the directory given. */
static struct result config_path(const char *operand, char out[FILE_PATH_MAX])
{
    struct stat about;
    if (stat(operand, &about) == 0 && S_ISDIR(about.st_mode)) return file_path(operand, "node.yaml", out);
    ENSURE(strlen(operand) < FILE_PATH_MAX, CATEGORY_USAGE, "the path is too long");
    memcpy(out, operand, strlen(operand) + 1);
    return RESULT_OK;
}

static struct result command_init(const struct program_words *words)
{
    char path[FILE_PATH_MAX];
    CLEANUP(buffer_done) struct buffer text = {0};
    TRY(file_directory(words->operand, 0700));
    TRY(file_path(words->operand, "node.yaml", path));
    TRY(buffer_format(&text,
                      "# cofferdam-node. Paths are relative to this file; "
                      "docs/operators.md explains each key.\n"
                      "key: %s\n"
                      "roster: %s\n"
                      "state: state\n"
                      "log: info\n"
                      "source:\n"
                      "  name: %s                 # what the ledger calls these "
                      "rows; never rename it\n"
                      "  file: %s\n"
                      "  # delimiter: \";\"\n"
                      "  # decimal: \",\"\n"
                      "  # missing: [NA, \"-\"]\n"
                      "  # columns:\n"
                      "  #   - {plan: income, column: EINKOMMEN, factor: 0.001}\n"
                      "  #   - {plan: sex, column: geschlecht, levels: [{from: "
                      "m, to: \"1\"}, {from: w, to: \"2\"}]}\n"
                      "  # consent: {column: zustimmung, given: [\"ja\"]}\n"
                      "cohort_minimum: %u\n"
                      "allow: []                         # until a plan is named "
                      "here, this bank refuses every run\n"
                      "#  - {plan: \"64 hex digits\"}       # this very plan\n"
                      "#  - {author: north, purpose: credit-risk}\n",
                      words->key ? words->key : "node.key", words->roster ? words->roster : "roster.note",
                      words->name ? words->name : "customers", words->source ? words->source : "customers.csv",
                      COHORT_DEFAULT));
    TRY(file_write_new(path, buffer_view(&text), 0600));
    printf("%s is written; next: cofferdam-node check %s\n", path, words->operand);
    return RESULT_OK;
}

static struct result command_check(const struct program_words *words)
{
    char path[FILE_PATH_MAX];
    TRY(config_path(words->operand, path));
    return bank_check(path, words->plan);
}

static struct result command_run(const struct program_words *words)
{
    char path[FILE_PATH_MAX];
    TRY(config_path(words->operand, path));
    CLEANUP(bank_freep) struct bank *bank = NULL;
    TRY(bank_load(path, &bank));
    return bank_serve(bank);
}

/* Asks the running node, and shows its answer: as it is, or as lines for people. */
static struct result ask(const struct program_words *words, struct view request, int timeout_ms,
                         struct result (*tell)(struct view json, struct buffer *out))
{
    char path[FILE_PATH_MAX];
    TRY(config_path(words->operand, path));
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

static struct result command_forget(const struct program_words *words)
{
    CLEANUP(buffer_done) struct buffer request = {0};
    TRY(forget_request(words->second, &request));
    return ask(words, buffer_view(&request), FORGET_TIMEOUT_MS, forget_lines);
}

int main(int argc, char **argv)
{
    static const struct program_command commands[] = {
        {"init", command_init, "krsn", "DIR [--source FILE.csv] [--key FILE] [--roster FILE]",
         "writes a configuration to begin with"},
        {"check", command_check, "p", "CONFIG|DIR [--plan PLAN]",
         "whether this bank is ready: key, roster, data, connection"},
        {"run", command_run, "", "CONFIG|DIR", "takes part in runs until SIGTERM"},
        {"status", command_status, "j", "CONFIG|DIR [--json]", "the connection and this bank's runs"},
        {"forget", command_forget, "j2", "CONFIG|DIR RUN [--json]", "removes a run that is over from this bank"},
        {0},
    };
    static const struct program program = {
        .name = "cofferdam-node",
        .summary = "takes part in joint computations with this bank's rows, "
                   "which never leave it.",
        .examples = "  cofferdam-node init /etc/cofferdam --source /srv/customers.csv\n"
                    "  cofferdam-node check /etc/cofferdam --plan plan.note\n"
                    "  cofferdam-node run /etc/cofferdam/node.yaml\n"
                    "  cofferdam-node status --json /etc/cofferdam\n"
                    "  cofferdam-node forget /etc/cofferdam 2fc8e8b8e2a8\n",
        .commands = commands,
    };
    return program_main(&program, argc, argv);
}
