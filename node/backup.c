#include "node/backup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "node/journal.h"
#include "node/part.h"
#include "node/repetition.h"
#include "node/status.h"
#include "sys/backup.h"
#include "sys/file.h"

/* A frozen table is rows of customers, and goes nowhere. */
static const struct snapshot_files snapshot = {
    .copied = (const char *const[]){JOURNAL_FILE, NULL},
    .linked = (const char *const[]){REPETITION_KEY_FILE, "runs", NULL},
    .skipped = (const char *const[]){PART_TABLE, NULL},
};

static const struct backup_form form = {
    .program = "cofferdam-node",
    .files = (const char *const[]){"node.yaml", "policy.yaml", "roster.note", NULL},
    .snapshot = &snapshot,
};

struct taking {
    const struct bank *bank;
    struct snapshot_name *name;
};

static struct result take(void *context)
{
    const struct taking *taking = context;
    return snapshot_take(taking->bank->store, taking->bank->config->state, &snapshot, taking->name);
}

struct result bank_snapshot(struct bank *bank, struct snapshot_name *ret)
{
    struct taking taking = {bank, ret};
    return journal_still(bank->journal, take, &taking);
}

static struct result check_journal(struct store *store, const char *state)
{
    uint64_t entries;
    return journal_check(store, state, &entries);
}

struct result bank_backup(const struct program_words *words)
{
    char path[FILE_PATH_MAX];
    CLEANUP(config_node_freep) struct config_node *config = NULL;
    struct backup_made made;
    ENSURE(words->out, CATEGORY_USAGE, "--out is missing: the folder that the backup will be");
    TRY(file_config(words->operand, "node.yaml", path));
    TRY(config_node_load(path, &config));
    const struct backup_file files[] = {
        {path, "node.yaml"}, {config->policy, "policy.yaml"}, {config->roster, "roster.note"}};
    const struct backup_source source = {
        .program = "cofferdam-node",
        .version = COFFERDAM_VERSION,
        .state = config->state,
        .files = files,
        .files_count = sizeof files / sizeof *files,
        .request = "{\"ask\": \"backup\"}",
        .answered = backup_answered,
        .snapshot = &snapshot,
        .check = check_journal,
    };
    TRY(backup_make(&source, words->out, &made));
    backup_tell("written", words->out, &made);
    printf(
        "left out  the node key, pre-shared keys and credentials, which nothing copies; rows and secrets of rounds\n");
    return RESULT_OK;
}

static bool paths_set(const char *path)
{
    CLEANUP(config_node_freep) struct config_node *config = NULL;
    return result_ok(config_node_load(path, &config)) && backup_beside(path, config->roster, "roster.note") &&
           backup_beside(path, config->policy, "policy.yaml") && backup_beside(path, config->state, "state");
}

static struct result finish(const char *directory, const struct manifest_head *head)
{
    (void)head;
    static const struct backup_key keys[] = {
        {"key", "node.key"}, {"roster", "roster.note"}, {"policy", "policy.yaml"}, {"state", "state"}};
    char path[FILE_PATH_MAX], state[FILE_PATH_MAX];
    CLEANUP(store_closep) struct store *store = NULL;
    bool set = false;
    uint64_t entries;
    TRY(file_path(directory, "node.yaml", path));
    TRY(file_path(directory, "state", state));
    TRY(store_open(state, &store));
    TRY(journal_check(store, state, &entries));
    TRY(backup_set_paths(path, keys, sizeof keys / sizeof *keys, paths_set, &set));
    printf("state     every record of it whole; journal of %" PRIu64 " entries, as the node wrote them\n", entries);
    printf("paths     node.yaml %s\n", set ? "names node.key, roster.note, policy.yaml and state beside it"
                                           : "names the paths that it had: set key, roster, policy and state by hand");
    return RESULT_OK;
}

struct result bank_restore(const struct program_words *words)
{
    struct backup_made made;
    ENSURE(words->from, CATEGORY_USAGE, "--from is missing: the backup's folder");
    TRY(backup_restore(&form, words->from, words->operand, finish, &made));
    backup_tell("restored", words->operand, &made);
    printf("missing   the node key, and what node.yaml names beside: rows, pre-shared keys, credentials\n"
           "beware    if the node has signed anything since, the other members hold it to that, and it joins no run "
           "with this key: it needs a new one (docs/operators.md, Restoring a node)\n");
    return RESULT_OK;
}
