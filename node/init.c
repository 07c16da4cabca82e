#include "node/init.h"

#include <stdio.h>
#include <unistd.h>

#include "crypto/base/limits.h"
#include "sys/file.h"

#define POLICY_FILE "policy.yaml"

static struct result node_text(const struct program_words *words, struct buffer *out)
{
    return buffer_format(out,
                         "# cofferdam-node. Paths are relative to this file; docs/operators.md explains each key.\n"
                         "key: %s\n"
                         "roster: %s\n"
                         "state: state\n"
                         "policy: " POLICY_FILE "              # what this bank takes part in\n"
                         "log: info\n"
                         "# log_format: json    # or text; left out: text on a terminal, JSON elsewhere\n"
                         "# metrics: {address: \"127.0.0.1:9464\"}    # figures for Prometheus, /healthz, /readyz\n"
                         "# console: {address: \"127.0.0.1:9465\"}    # a page for people, on this machine alone\n"
                         "source:\n"
                         "  name: %s                 # what the ledger calls these rows; never rename it\n"
                         "  file: %s\n"
                         "  # odbc: {dsn: warehouse, table: risk.customers}     # a database, instead of file\n"
                         "  # delimiter: \";\"\n"
                         "  # decimal: \",\"\n"
                         "  # missing: [NA, \"-\"]\n"
                         "  # columns:\n"
                         "  #   - {plan: income, column: EINKOMMEN, factor: 0.001}\n"
                         "  #   - {plan: sex, column: geschlecht, levels: [{from: m, to: \"1\"}, {from: w, to: "
                         "\"2\"}]}\n"
                         "  # consent: {column: zustimmung, given: [\"ja\"]}\n",
                         words->key ? words->key : "node.key", words->roster ? words->roster : "roster.note",
                         words->name ? words->name : "customers", words->source ? words->source : "customers.csv");
}

static struct result policy_text(struct buffer *out)
{
    return buffer_format(out,
                         "# What this bank takes part in. Its node refuses what is not allowed here\n"
                         "# (docs/operators.md, Policy).\n"
                         "purposes: []                         # as plans name them; \"*\" alone: whatever it is\n"
                         "tasks: []                            # statistics, logistic, scorecard, evaluate\n"
                         "authors: []                          # members of the roster\n"
                         "columns:\n"
                         "  allowed: []                        # by the plans' names\n"
                         "  forbidden: []\n"
                         "cohort:\n"
                         "  minimum: %u                         # banks\n"
                         "  on_dropout: [wait]\n"
                         "rows: {minimum: 1000, most: 10000000}\n"
                         "cells: {minimum: 10}                 # customers of a cell that a plan shows\n"
                         "rounds: {most: 100}                  # of a run\n"
                         "words: {run: 1000000, month: 10000000}   # of 64 bits, that leave, masked\n"
                         "# repetition: {rows: 10}             # by which exact runs over one source differ at least\n"
                         "# privacy:                           # what plans under differential privacy may cost\n"
                         "#   required: yes                     # others are refused\n"
                         "#   budgets: [{source: customers, epsilon: 8, delta: 1.0e-6}]   # for good, over all runs\n"
                         "approve: []                          # until a rule approves a plan, this bank refuses it\n"
                         "#  - {plan: \"64 hex digits\"}          # this very plan\n"
                         "#  - {author: north, purpose: credit-risk, task: logistic}\n",
                         COHORT_DEFAULT);
}

struct result bank_init(const struct program_words *words)
{
    char node[FILE_PATH_MAX], policy[FILE_PATH_MAX];
    CLEANUP(buffer_done) struct buffer text = {0}, rules = {0};
    TRY(file_directory(words->operand, 0700));
    TRY(file_path(words->operand, "node.yaml", node));
    TRY(file_path(words->operand, POLICY_FILE, policy));
    ENSURE(!file_exists(policy), CATEGORY_USAGE, "%s exists; it is never overwritten: move it away", policy);
    TRY(node_text(words, &text));
    TRY(policy_text(&rules));
    TRY(file_write_new(node, buffer_view(&text), 0600));
    struct result written = file_write_new(policy, buffer_view(&rules), 0600);
    if (!result_ok(written)) (void)unlink(node); /* ours alone: it was not there */
    TRY(written);
    printf("%s and %s are written; edit them, then: cofferdam-node check %s\n", node, policy, words->operand);
    return RESULT_OK;
}
